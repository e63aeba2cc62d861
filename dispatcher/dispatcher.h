/* The state that all modules share. An event passes through the modules in this order:
 *
 *   kafka ──> claim ──> intake ──> match ──> fanout ──> deliver ──> send ──> attempt ──> flush
 *                                                          ^                    │ park
 *                                                          └────── retry <──────┘
 *
 * Everything here belongs to the one thread of the loop. LAYERS lists the modules in order: a module uses only modules
 * listed before it, and reports to a later one through the callbacks given to its _new function. */
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
    struct wall database_time;    /* time of PostgreSQL's clock … */
    struct mono database_time_at; /* … and when we read it */
    int32_t id;                   /* id of our row in posthorn.dispatcher; 0: not registered yet */
    bool draining;                /* SIGTERM was received */
    bool refused;                 /* Kafka rejected the configuration: the program ends */

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

    struct budget *memory;  /* settings->memory_max bytes, by account; MEMORY_SHARED: bytes that belong to no account */
    bool partition_missing; /* a table has no partition for a row: housekeeping makes one at once */
    struct metric_value metrics[METRIC_COUNT];
};

static inline void count(struct dispatcher *d, enum metric_index metric, double by)
{
    d->metrics[metric].value += by;
}

#define MEMORY_SHARED 0 /* no account has this id */

/* True if memory is left, whichever account asks. */
static inline bool memory_has_room(const struct dispatcher *d)
{
    return budget_used(d->memory) < d->settings->memory_max;
}

/* True if the account holds less than its share of the memory. Without a share, its deliveries do not start, and they
 * wait in memory for one tick at most. */
static inline bool memory_has_share(const struct dispatcher *d, int32_t account_id)
{
    return budget_may_take(d->memory, (uint64_t)account_id, 1);
}

/* As budget_overdraw(). It fails only if the holder's own entry cannot be allocated; the process then ends. */
static inline void overdraw(struct budget *budget, uint64_t holder, int64_t amount)
{
    memory_need(budget_overdraw(budget, holder, amount) ? budget : NULL, "the share of an account");
}

/* The current time by PostgreSQL's clock. All dispatchers agree on it, and a change of this machine's clock does not
 * affect it. */
static inline struct wall clock_wall(const struct dispatcher *d)
{
    return wall_add(d->database_time, mono_since(mono_now(), d->database_time_at));
}
static inline void clock_set(struct dispatcher *d, struct wall now)
{
    d->database_time = now;
    d->database_time_at = mono_now();
}

/* A random number from 0 to 1, for jitter. */
double dispatcher_random(void);
