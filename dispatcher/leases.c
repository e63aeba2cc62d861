#include "leases.h"

#include <stdlib.h>

struct leases {
    struct destination_list all;
    struct budget *share; /* by account */
};

struct leases *leases_new(struct error *error)
{
    struct leases *leases = calloc(1, sizeof *leases);
    if (leases == NULL || (leases->share = budget_new(LEASES_MAX)) == NULL) {
        error_set(error, "no memory");
        free(leases);
        return NULL;
    }
    TAILQ_INIT(&leases->all);
    return leases;
}

void leases_free(struct leases **leases)
{
    if (*leases == NULL)
        return;
    invariant(TAILQ_EMPTY(&(*leases)->all) && budget_used((*leases)->share) == 0);
    budget_free(&(*leases)->share);
    free(*leases);
    *leases = NULL;
}

struct destination_list *leases_all(struct dispatcher *d)
{
    return &d->leases->all;
}

int leases_count(const struct dispatcher *d)
{
    return (int)budget_used(d->leases->share);
}

void leases_add(struct dispatcher *d, struct destination *destination)
{
    struct leases *leases = d->leases;
    struct lease *lease = &destination->lease;
    invariant(lease->state == LEASE_NONE && lease->reserved == 0);
    lease->refused = !leases_have_share(d, destination->account_id, 1);
    overdraw(leases->share, (uint64_t)destination->account_id, 1);
    lease->held_back = false;
    lease->since = loop_now(d->loop);
    lease->settled_seq = 0;
    lease_become(lease, lease->refused ? LEASE_RELEASING : LEASE_HELD);
    TAILQ_INSERT_TAIL(&leases->all, destination, lease.link);
}

void leases_remove(struct dispatcher *d, struct destination *destination)
{
    invariant(destination->lease.state != LEASE_NONE);
    TAILQ_REMOVE(&d->leases->all, destination, lease.link);
    lease_become(&destination->lease, LEASE_NONE);
    budget_give(d->leases->share, (uint64_t)destination->account_id, 1);
    destination_release(d, &destination);
}

void leases_to_end(struct dispatcher *d, struct destination *destination)
{
    invariant(destination->lease.state != LEASE_NONE);
    TAILQ_REMOVE(&d->leases->all, destination, lease.link);
    TAILQ_INSERT_TAIL(&d->leases->all, destination, lease.link);
}

bool leases_have_share(const struct dispatcher *d, int32_t account_id, int more)
{
    return budget_may_take(d->leases->share, (uint64_t)account_id, more);
}
