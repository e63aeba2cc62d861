/* What the steps share. An event goes through the files of this folder in this order:
 *
 *   kafka ──> claim ──> intake ──> match ──> fanout ──> destination ──> send ──> attempt ──> flush
 *                                                           ^                       │ park
 *                                                           └──────── retry <───────┘
 *
 * Everything here belongs to the one thread of the loop. */
#pragma once
#include "base/arena.h"
#include "base/log.h"
#include "base/loop.h"
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
    int32_t id;      /* of its row in posthorn.dispatcher; 0: not yet started */
    bool draining;   /* SIGTERM came */

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

    size_t memory;   /* bytes of all passages, for settings->memory_max */
    struct metric_value metrics[METRIC_COUNT];
};

static inline void count(struct dispatcher *d, enum metric_index metric, double by)
{
    d->metrics[metric].value += by;
}

/* 0 to 1, for jitter. */
double dispatcher_random(void);
