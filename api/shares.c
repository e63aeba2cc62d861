#include "shares.h"

#include <pthread.h>
#include <stdlib.h>

struct shares {
    pthread_mutex_t lock;
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
    return shares;
}

void shares_free(struct shares **shares)
{
    if (*shares == NULL)
        return;
    budget_free(&(*shares)->budget);
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

void shares_give(struct shares *shares, uint64_t holder, int64_t units)
{
    pthread_mutex_lock(&shares->lock);
    budget_give(shares->budget, holder, units);
    pthread_mutex_unlock(&shares->lock);
}
