/* C11 threads implemented with POSIX threads, for programs built with ThreadSanitizer: it intercepts only the latter,
   and librdkafka uses the former. A thread that it does not know crashes in it, and a mutex that it does not know is a
   false race. glibc makes both of the same types, so that they may be cast. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t) && sizeof(cnd_t) == sizeof(pthread_cond_t) &&
                   sizeof(thrd_t) == sizeof(pthread_t),
               "glibc's C11 types are no longer its POSIX types");

struct start {
    thrd_start_t run;
    void *argument;
};

static int as_thrd(int code)
{
    return code == 0           ? thrd_success
           : code == ETIMEDOUT ? thrd_timedout
           : code == EBUSY     ? thrd_busy
           : code == ENOMEM    ? thrd_nomem
                               : thrd_error;
}

static pthread_mutex_t *posix_mutex(mtx_t *mutex)
{
    return (pthread_mutex_t *)mutex;
}

static pthread_cond_t *posix_condition(cnd_t *condition)
{
    return (pthread_cond_t *)condition;
}

static void *run(void *argument)
{
    struct start start = *(struct start *)argument;
    free(argument);
    return (void *)(intptr_t)start.run(start.argument);
}

int thrd_create(thrd_t *thread, thrd_start_t function, void *argument)
{
    struct start *start = malloc(sizeof *start);
    if (start == NULL)
        return thrd_nomem;
    *start = (struct start){function, argument};
    int code = pthread_create(thread, NULL, run, start);
    if (code != 0)
        free(start);
    return as_thrd(code);
}

int thrd_join(thrd_t thread, int *result)
{
    void *returned = NULL;
    int code = pthread_join(thread, &returned);
    if (result != NULL)
        *result = (int)(intptr_t)returned;
    return as_thrd(code);
}

int mtx_init(mtx_t *mutex, int type)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
    int code = pthread_mutex_init(posix_mutex(mutex), &attributes);
    pthread_mutexattr_destroy(&attributes);
    return as_thrd(code);
}

int mtx_lock(mtx_t *mutex)
{
    return as_thrd(pthread_mutex_lock(posix_mutex(mutex)));
}

int mtx_unlock(mtx_t *mutex)
{
    return as_thrd(pthread_mutex_unlock(posix_mutex(mutex)));
}

void mtx_destroy(mtx_t *mutex)
{
    pthread_mutex_destroy(posix_mutex(mutex));
}

int cnd_init(cnd_t *condition)
{
    return as_thrd(pthread_cond_init(posix_condition(condition), NULL));
}

int cnd_signal(cnd_t *condition)
{
    return as_thrd(pthread_cond_signal(posix_condition(condition)));
}

int cnd_broadcast(cnd_t *condition)
{
    return as_thrd(pthread_cond_broadcast(posix_condition(condition)));
}

int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    return as_thrd(pthread_cond_wait(posix_condition(condition), posix_mutex(mutex)));
}

int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until)
{
    return as_thrd(pthread_cond_timedwait(posix_condition(condition), posix_mutex(mutex), until));
}

void cnd_destroy(cnd_t *condition)
{
    pthread_cond_destroy(posix_condition(condition));
}
