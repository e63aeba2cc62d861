/* Replay: creates deliveries again, as pending rows of cause 'r' (replay) or 'd' (redeliver) that are due now; the
 * dispatchers do the rest. The caller opens and commits the transactions. */
#pragma once
#include "store/store.h"

#define REPLAY_BATCH 1000 /* events per transaction, which locks the webhook's row in the queue */
#define REPLAY_READ 20000 /* events of all accounts read for it */

struct replay {
    int webhook, account;
    const char *from, *to;         /* times of reception; NULL: from the beginning, until now */
    const char *state;             /* failed, cancelled, delivered, missed, all */
    char position[16], offset[24]; /* where the next batch continues within a period */
    long long looked_at, queued, waiting, dropped;
};

/* Returns to the beginning of a period. */
void replay_rewind(struct replay *replay);

/* Queues the wanted deliveries of the next REPLAY_BATCH events of a period ("2026-01-31"), or of fewer if other
 * accounts have many events between them, and counts them. *full is true if there may be more events. */
bool replay_batch(PGconn *db, struct replay *replay, const char *period, bool *full, struct error *error) MUST_USE;

/* Returns one column: the periods that have event rows and overlap from … to, in order. The caller clears the result.
 */
PGresult *replay_periods(PGconn *db, const struct replay *replay, struct error *error) MUST_USE;

/* Queues the event of a row from lookup_event(), whatever its deliveries' states are. *found is false if its payload
 * does not exist any more. */
bool replay_one(PGconn *db, int webhook, const PGresult *event, const char *cause, bool *found,
                struct error *error) MUST_USE;
