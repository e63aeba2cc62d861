/* Deliveries made anew: pending rows of cause 'r' (replay) or 'd' (redeliver), due now; the dispatchers do the rest.
 * The caller opens and commits the transactions. */
#pragma once
#include "store/store.h"

#define REPLAY_BATCH                                                                                                   \
    1000 /* events looked at in one transaction: the webhook's row in the queue is locked as long as that */

struct replay {
    int webhook, account;
    const char *from, *to;         /* times of reception, or NULL: from the beginning, until now */
    const char *state;             /* failed, cancelled, delivered, missed, all */
    char position[16], offset[24]; /* where the next batch goes on within a period */
    long long looked_at, queued, waiting, dropped;
};

/* Go to the beginning of a period. */
void replay_rewind(struct replay *replay);

/* Queue what is wanted of the next REPLAY_BATCH events of a period ("2026-01-31"), and count. *full tells that there
 * may be more. */
bool replay_batch(PGconn *db, struct replay *replay, const char *period, bool *full, struct error *error) MUST_USE;

/* One column: the periods that have event rows and touch from … to, in order. The caller's to clear. */
PGresult *replay_periods(PGconn *db, const struct replay *replay, struct error *error) MUST_USE;

/* Queue the event of a row that lookup_event() gave, whatever became of it so far. *found is false when its payload is
 * gone. */
bool replay_one(PGconn *db, int webhook, const PGresult *event, const char *cause, bool *found,
                struct error *error) MUST_USE;
