/* What all modules share. An event goes through them in this order:
 *
 *   kafka ──> claim ──> intake ──> match ──> fanout ──> deliver ──> send ──> attempt ──> flush
 *                                                          ^                    │ park
 *                                                          └────── retry <──────┘
 *
 * Everything here belongs to the one thread of the loop. LAYERS lists the modules: each knows those before it only, and
 * reports to a later one through the callbacks that were given to its _new function. */
#pragma once
#include <sys/queue.h>

#include "base/arena.h"
#include "base/budget.h"
#include "base/invariant.h"
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
struct offsets;
struct fetcher;
struct destinations;
struct deliveries;
struct partitions;
struct revocations;
struct claims;
struct intake;
struct accounts;
struct sender;
struct resolver;
struct guard;
struct deliverer;
struct flusher;
struct leases;
struct retrier;
struct background;
struct tasks;
struct outbox;
struct housekeeper;
struct monitor;
struct dead_letters;
struct partition;
struct passage;
struct destination;
struct delivery;

TAILQ_HEAD(passage_list, passage);
TAILQ_HEAD(destination_list, destination);
TAILQ_HEAD(delivery_list, delivery);

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
    struct offsets *offsets;
    struct fetcher *fetcher;
    struct destinations *destinations;
    struct deliveries *deliveries;
    struct partitions *partitions;
    struct revocations *revocations;
    struct claims *claims;
    struct intake *intake;
    struct accounts *accounts;
    struct sender *sender;
    struct resolver *resolver;
    struct guard *guard;
    struct deliverer *deliverer;
    struct flusher *flusher;
    struct leases *leases;
    struct retrier *retrier;
    struct background *background;
    struct tasks *tasks;
    struct outbox *outbox;
    struct housekeeper *housekeeper;
    struct monitor *monitor;
    struct dead_letters *dead_letters;

    struct budget *memory;  /* settings->memory_max bytes, by account; MEMORY_SHARED: what no account is known for */
    bool partition_missing; /* a row found no partition of its table: housekeeping makes it at once */
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
