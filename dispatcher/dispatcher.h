/* What the steps share. An event goes through the files of this folder in this order:
 *
 *   kafka ──> claim ──> intake ──> match ──> fanout ──> destination ──> send ──> attempt ──> flush
 *                                                           ^                       │ park
 *                                                           └──────── retry <───────┘
 *
 * Everything here belongs to the one thread of the loop. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/memory.h"
#include "base/secret.h"
#include "event/envelope.h"
#include "event/ids.h"
#include "metric_table.h"
#include "settings.h"
#include "store/session.h"

struct kafka;
struct claims;
struct intake;
struct accounts;
struct sender;
struct resolver;
struct guard;
struct parker;
struct flusher;
struct retrier;
struct keeper;
struct monitor;
struct dead_letters;
struct partition;
struct delivery;

struct dispatcher {
    const struct settings *settings;
    struct loop *loop;
    struct secret_key *master;
    struct wall database_time;    /* what PostgreSQL's clock said … */
    struct mono database_time_at; /* … at this moment */
    int32_t id;                   /* of its row in posthorn.dispatcher; 0: not yet started */
    bool draining;                /* SIGTERM came */
    bool refused;                 /* Kafka does not take what is configured: the program ends */

    struct kafka *kafka;
    struct claims *claims;
    struct intake *intake;
    struct accounts *accounts;
    struct sender *sender;
    struct resolver *resolver;
    struct guard *guard;
    struct parker *parker;
    struct flusher *flusher;
    struct retrier *retrier;
    struct keeper *keeper;
    struct monitor *monitor;
    struct dead_letters *dead_letters;

    struct budget *memory; /* settings->memory_max bytes, by account; MEMORY_SHARED: what no account is known for */
    double uncounted;      /* bytes of a record that librdkafka's queue does not count, on average */
    bool read_since_drop;  /* a record was read since that queue was dropped: each round takes some */
    bool queue_dropped;    /* because of them: librdkafka fetches nothing just now */
    struct metric_value metrics[METRIC_COUNT];
};

static inline void count(struct dispatcher *d, enum metric_index metric, double by)
{
    d->metrics[metric].value += by;
}

#define MEMORY_SHARED 0 /* no account has this id */

/* Memory for one more byte of anybody's. */
static inline bool memory_has_room(const struct dispatcher *d)
{
    return budget_used(d->memory) < d->settings->memory_max;
}

/* The account holds less than its share of the memory: its deliveries may start, and may wait for longer than a tick.
 */
static inline bool memory_has_share(const struct dispatcher *d, int32_t account_id)
{
    return budget_may_take(d->memory, (uint64_t)account_id, 1);
}

/* budget_overdraw(), which fails only without memory for the holder's own entry. */
static inline void overdraw(struct budget *budget, uint64_t holder, int64_t amount)
{
    memory_need(budget_overdraw(budget, holder, amount) ? budget : NULL, "the share of an account");
}

/* The time, by PostgreSQL's clock: all dispatchers agree on it, and a stepped clock of this machine does not matter. */
static inline struct wall clock_wall(const struct dispatcher *d)
{
    return wall_add(d->database_time, mono_since(mono_now(), d->database_time_at));
}
static inline void clock_set(struct dispatcher *d, struct wall now)
{
    d->database_time = now;
    d->database_time_at = mono_now();
}

/* 0 to 1, for jitter. */
double dispatcher_random(void);
