/* Leases: the webhooks whose backlog this dispatcher works on; each account has its share of them. */
#pragma once
#include "destination.h"

#define LEASES_MAX 1024

struct leases *leases_new(struct error *error) MUST_USE;
/* There are none left. */
void leases_free(struct leases **leases);

/* In the order in which they were asked for due rows last. */
struct destination_list *leases_all(struct dispatcher *d);
int leases_count(const struct dispatcher *d);

/* PostgreSQL has given it to us; takes the reference over. When its account has no share left it is RELEASING at once.
 */
void leases_add(struct dispatcher *d, struct destination *destination);
/* It is somebody else's, or nobody's. */
void leases_remove(struct dispatcher *d, struct destination *destination);
/* It was asked for due rows: the others come first now. */
void leases_to_end(struct dispatcher *d, struct destination *destination);

/* The account may have `more` leases. */
bool leases_have_share(const struct dispatcher *d, int32_t account_id, int more);
