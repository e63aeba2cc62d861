#include "base/budget.h"

#include <assert.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define UNUSED_MAX 1024 /* unused share objects kept for reuse */

struct share {
    uint64_t holder;
    int64_t held; /* more than 0 while the share is in the table */
    struct share *next_unused;
    UT_hash_handle hh;
};

struct budget {
    int64_t total, used;
    struct share *shares; /* by holder */
    struct share *unused;
    int unused_count;
};

struct budget *budget_new(int64_t total)
{
    struct budget *budget = calloc(1, sizeof *budget);
    assert(total >= 1);
    if (budget != NULL)
        budget->total = total;
    return budget;
}

void budget_free(struct budget **budget)
{
    struct budget *old = *budget;
    struct share *share, *next;
    if (old == NULL)
        return;
    HASH_ITER(hh, old->shares, share, next)
    {
        HASH_DEL(old->shares, share);
        free(share);
    }
    for (share = old->unused; share != NULL; share = next) {
        next = share->next_unused;
        free(share);
    }
    free(old);
    *budget = NULL;
}

static struct share *find(const struct budget *budget, uint64_t holder)
{
    struct share *share;
    HASH_FIND(hh, budget->shares, &holder, sizeof holder, share);
    return share;
}

static struct share *share_new(struct budget *budget, uint64_t holder)
{
    struct share *share = budget->unused;
    if (share != NULL) {
        budget->unused = share->next_unused;
        budget->unused_count--;
    } else if ((share = malloc(sizeof *share)) == NULL) {
        return NULL;
    }
    *share = (struct share){.holder = holder};
    HASH_ADD(hh, budget->shares, holder, sizeof share->holder, share);
    if (share->hh.tbl == NULL) { /* uthash could not allocate its table */
        free(share);
        return NULL;
    }
    return share;
}

static void share_end(struct budget *budget, struct share *share)
{
    HASH_DEL(budget->shares, share);
    if (budget->unused_count == UNUSED_MAX) {
        free(share);
        return;
    }
    share->next_unused = budget->unused;
    budget->unused = share;
    budget->unused_count++;
}

int64_t budget_held(const struct budget *budget, uint64_t holder)
{
    const struct share *share = find(budget, holder);
    return share == NULL ? 0 : share->held;
}

int64_t budget_used(const struct budget *budget)
{
    return budget->used;
}

bool budget_may_take(const struct budget *budget, uint64_t holder, int64_t units)
{
    assert(units >= 1);
    return units <= budget->total - budget->used - budget_held(budget, holder);
}

bool budget_overdraw(struct budget *budget, uint64_t holder, int64_t units)
{
    struct share *share = find(budget, holder);
    assert(units >= 1 && units <= INT64_MAX - budget->used);
    if (share == NULL && (share = share_new(budget, holder)) == NULL)
        return false;
    share->held += units;
    budget->used += units;
    return true;
}

bool budget_take(struct budget *budget, uint64_t holder, int64_t units)
{
    return budget_may_take(budget, holder, units) && budget_overdraw(budget, holder, units);
}

void budget_give(struct budget *budget, uint64_t holder, int64_t units)
{
    struct share *share = find(budget, holder);
    assert(share != NULL && units >= 1 && units <= share->held);
    share->held -= units;
    budget->used -= units;
    if (share->held == 0)
        share_end(budget, share);
}
