/* Events of accounts whose webhooks do not fit into memory (accounts.h): PostgreSQL matches them, and their deliveries
 * are parked, so that the position passes and nobody else waits. Between intake's RELOAD and its fan-out. */
#pragma once
#include "partition.h"

#define UNLOADED_AT_ONCE 64

/* Which webhooks an event reaches; in its passage's arena. */
struct reached {
    size_t count;
    struct {
        int32_t webhook_id;
        bool enabled;
    } webhooks[];
};

struct unloaded {
    struct dispatcher *d;
    struct passage *passages[UNLOADED_AT_ONCE]; /* those of the question under way */
    size_t count;
    struct column accounts, types;
    bool asking;
    struct mono not_before; /* pause after PostgreSQL refused */
};

void unloaded_init(struct unloaded *unloaded, struct dispatcher *d);
void unloaded_fini(struct unloaded *unloaded);

/* Called in every turn with a batch: true when all of its events are matched that this is for. They must live until
 * then, or until the session is freed. */
bool unloaded_work(struct dispatcher *d, struct unloaded *unloaded, struct session *session,
                   struct passage *const *passages, size_t count);

/* As fanout_event(); passage->reached is there. */
void unloaded_fan_out(struct dispatcher *d, struct passage *passage);
