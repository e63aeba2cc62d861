#include "shares.h"

#include <pthread.h>
#include <stdlib.h>

struct shares {
    pthread_mutex_t lock;
    pthread_cond_t given;
    struct budget *budget;
};

struct shares *shares_new(int64_t total, struct error *error)
{
    struct shares *shares = calloc(1, sizeof *shares);
    if (shares == NULL || (shares->budget = budget_new(total)) == NULL) {
        free(shares);
        error_set(error, "no memory");
        return NULL;
    }
    pthread_mutex_init(&shares->lock, NULL);
    pthread_cond_init(&shares->given, NULL);
    return shares;
}

void shares_free(struct shares **shares)
{
    if (*shares == NULL)
        return;
    budget_free(&(*shares)->budget);
    pthread_cond_destroy(&(*shares)->given);
    pthread_mutex_destroy(&(*shares)->lock);
    free(*shares);
    *shares = NULL;
}

bool shares_take(struct shares *shares, uint64_t holder, int64_t units)
{
    pthread_mutex_lock(&shares->lock);
    bool taken = budget_take(shares->budget, holder, units);
    pthread_mutex_unlock(&shares->lock);
    return taken;
}

bool shares_wait(struct shares *shares, uint64_t holder, int64_t units, struct mono until)
{
    struct timespec end = {.tv_sec = until.ns / 1000000000, .tv_nsec = until.ns % 1000000000};
    bool taken;
    int code = 0;
    pthread_mutex_lock(&shares->lock);
    while (!(taken = budget_take(shares->budget, holder, units)) && code == 0)
        code = pthread_cond_clockwait(&shares->given, &shares->lock, CLOCK_MONOTONIC, &end);
    pthread_mutex_unlock(&shares->lock);
    return taken;
}

void shares_give(struct shares *shares, uint64_t holder, int64_t units)
{
    pthread_mutex_lock(&shares->lock);
    budget_give(shares->budget, holder, units);
    pthread_cond_broadcast(&shares->given); /* more units may be free for each holder */
    pthread_mutex_unlock(&shares->lock);
}
