/* Unloaded: events of accounts whose webhooks do not fit into memory (accounts.h). PostgreSQL matches them, and their
 * deliveries are parked, so that the position passes and other accounts do not wait. This is intake's phase MATCH,
 * between RELOAD and READY. */
#pragma once
#include "partition.h"

#define UNLOADED_AT_ONCE 64

/* The webhooks that an event reaches; in its passage's arena. */
struct reached {
    size_t count;
    struct {
        int32_t webhook_id;
        bool enabled;
    } webhooks[];
};

struct unloaded {
    struct dispatcher *d;
    struct passage *passages[UNLOADED_AT_ONCE]; /* of the query under way */
    size_t count;
    struct column accounts, types;
    bool asking;
    struct mono not_before; /* pause after PostgreSQL rejected the query */
};

void unloaded_init(struct unloaded *unloaded, struct dispatcher *d);
void unloaded_fini(struct unloaded *unloaded);

/* Called in every turn with a batch in phase MATCH. Returns true when all events of unloaded accounts are matched. The
 * passages must stay valid until then, or until the session is freed. */
bool unloaded_work(struct dispatcher *d, struct unloaded *unloaded, struct session *session,
                   struct passage *const *passages, size_t count);

/* As fanout_event(), for a passage with `reached`. */
void unloaded_fan_out(struct dispatcher *d, struct passage *passage);
