#include "lease.h"

/* The state diagram of lease.h. */
static bool may_become(enum lease_state from, enum lease_state to)
{
    switch (to) {
    case LEASE_NONE:
        return true; /* also at the end of the process */
    case LEASE_HELD:
        return from == LEASE_NONE || from == LEASE_ASKING;
    case LEASE_ASKING:
        return from == LEASE_HELD;
    case LEASE_RELEASING:
        return from != LEASE_RELEASING;
    }
    return false;
}

void lease_become(struct lease *lease, enum lease_state state)
{
    invariant(may_become(lease->state, state));
    invariant(lease->state != LEASE_NONE || lease->taken == 0);
    invariant(state != LEASE_ASKING || (lease->reserved > 0 && lease->taken == 0));
    lease->state = state;
}

void lease_reserve(struct lease *lease, int count)
{
    invariant(lease->state == LEASE_HELD && lease->reserved == 0 && count >= 0);
    lease->reserved = count;
}

int lease_unreserve(struct lease *lease)
{
    int count = lease->reserved;
    invariant(count == 0 || lease->state == LEASE_ASKING);
    lease->reserved = 0;
    return count;
}

void lease_take(struct lease *lease)
{
    invariant(lease->state == LEASE_ASKING);
    lease->taken++;
}

void lease_settle(struct lease *lease, int64_t seq)
{
    invariant(lease->taken > 0);
    invariant(seq >= lease->settled_seq);
    lease->taken--;
    lease->settled_seq = seq;
}
