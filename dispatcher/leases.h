/* Leases: the webhooks whose backlog this dispatcher works on. Each account has a share of them. */
#pragma once
#include "destination.h"

#define LEASES_MAX 1024

struct leases *leases_new(struct error *error) MUST_USE;
/* No lease may be left. */
void leases_free(struct leases **leases);

/* All leased destinations, ordered by when due rows were last asked for. */
struct destination_list *leases_all(struct dispatcher *d);
int leases_count(const struct dispatcher *d);

/* Adds a lease that PostgreSQL has granted, and takes over the caller's reference. If its account has no share left,
 * the lease becomes RELEASING at once. */
void leases_add(struct dispatcher *d, struct destination *destination);
/* Removes a lease that was released or that another dispatcher has taken. */
void leases_remove(struct dispatcher *d, struct destination *destination);
/* Moves the destination to the end of the list, after due rows were asked for. */
void leases_to_end(struct dispatcher *d, struct destination *destination);

/* True if the account may have `more` additional leases. */
bool leases_have_share(const struct dispatcher *d, int32_t account_id, int more);
