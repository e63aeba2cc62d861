#include "yardstick_loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 1024, FILES = 65536, WAIT_MS = 1000 };

/* The events registered in epoll for a file, and those that libcurl wants. They differ on purpose: a kept-alive
 * connection stays registered for reading over its whole life, so that a request costs no epoll_ctl. */
struct watch {
    uint32_t registered; /* 0: not in epoll */
    bool wanted;
};

struct loop {
    CURLM *multi;
    int epoll;        /* -1: curl_multi_poll */
    long timer_at_ms; /* -1: none */
    struct watch watches[FILES];
};

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void watch_set(struct loop *loop, int fd, uint32_t events)
{
    struct watch *watch = &loop->watches[fd];
    if (watch->registered == events)
        return;
    struct epoll_event event = {.events = events, .data.fd = fd};
    int operation = events == 0 ? EPOLL_CTL_DEL : watch->registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    epoll_ctl(loop->epoll, operation, fd, &event);
    watch->registered = events;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_user)
{
    (void)easy;
    (void)socket_user;
    struct loop *loop = user;
    if (fd >= FILES)
        abort(); /* the process must not open that many */
    loop->watches[fd].wanted = what != CURL_POLL_REMOVE;
    if (what == CURL_POLL_REMOVE)
        return 0;
    watch_set(loop, fd, what == CURL_POLL_IN ? EPOLLIN : EPOLLIN | EPOLLOUT);
    return 0;
}

static int on_close(void *user, curl_socket_t fd)
{
    struct loop *loop = user;
    if (fd < FILES)
        loop->watches[fd] = (struct watch){0}; /* closing removes it from epoll */
    return close(fd);
}

static int on_timer(CURLM *multi, long timeout_ms, void *user)
{
    (void)multi;
    struct loop *loop = user;
    loop->timer_at_ms = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
    return 0;
}

struct loop *loop_new(CURLM *multi, int socket_action)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return NULL;
    loop->multi = multi;
    loop->timer_at_ms = -1;
    loop->epoll = -1;
    if (!socket_action)
        return loop;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        free(loop);
        return NULL;
    }
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop);
    return loop;
}

void loop_prepare(struct loop *loop, CURL *easy)
{
    if (loop->epoll < 0)
        return;
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, loop);
}

void loop_free(struct loop **loop)
{
    if (*loop == NULL)
        return;
    if ((*loop)->epoll >= 0)
        close((*loop)->epoll);
    free(*loop);
    *loop = NULL;
}

static int epoll_flags_to_curl(uint32_t events)
{
    return (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
           (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
}

static void socket_perform(struct loop *loop)
{
    int running = 0;
    if (loop->timer_at_ms < 0 || loop->timer_at_ms > now_ms())
        return;
    loop->timer_at_ms = -1;
    curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static void socket_wait(struct loop *loop)
{
    static struct epoll_event events[EVENTS];
    int running = 0;
    long wait = loop->timer_at_ms < 0 ? WAIT_MS : loop->timer_at_ms - now_ms();
    int count = epoll_wait(loop->epoll, events, EVENTS, wait < 0 ? 0 : wait < WAIT_MS ? (int)wait : WAIT_MS);
    for (int i = 0; i < count; i++) {
        int fd = events[i].data.fd;
        if (loop->watches[fd].wanted)
            curl_multi_socket_action(loop->multi, fd, epoll_flags_to_curl(events[i].events), &running);
        else
            watch_set(loop, fd, 0); /* an idle connection that its server closed */
    }
}

void loop_perform(struct loop *loop)
{
    int running = 0;
    if (loop->epoll >= 0)
        socket_perform(loop);
    else
        curl_multi_perform(loop->multi, &running);
}

void loop_wait(struct loop *loop)
{
    if (loop->epoll >= 0)
        socket_wait(loop);
    else
        curl_multi_poll(loop->multi, NULL, 0, WAIT_MS, NULL);
}
