/*
 * The requests of the yardstick: a pool of libcurl easy handles, each sending one webhook request after the other.
 *
 * The requests are like those of the dispatcher: the same headers in number and size, and a body of about 400 bytes.
 * All other work of the dispatcher is left out: no event is read, no signature is computed, and nothing is recorded.
 * Owned by the one thread of the loop that runs it.
 */
#pragma once

#include "yardstick_loop.h"

#include <stdbool.h>
#include <stddef.h>

struct pool;

/* The requests and their targets. */
struct target {
    int port;
    long hosts;      /* 127.0.0.1 … 127.0.0.<hosts>; webhooks are spread over them */
    long webhooks;   /* number of URLs */
    long fan_out;    /* requests with the same webhook-id, to webhooks next to each other */
    long body_bytes; /* of each request */
    long hanging;    /* further requests, to a URL that never responds, in flight all the time */
    const char *run; /* part of the webhook-ids, so that two runs differ */
};

/* `concurrency` handles, and those that hang, which are started here; CURLMOPT_MAXCONNECTS is set on the multi, which
 * is borrowed as is the loop. NULL without memory. */
struct pool *pool_new(CURLM *multi, struct loop *loop, const struct target *target, size_t concurrency);
void pool_free(struct pool **pool);

/* Starts requests until all handles are busy or `requests` have been started in all since pool_new. */
void pool_start(struct pool *pool, long requests);

/* Takes the finished requests from the multi; returns their number. */
long pool_finish(struct pool *pool);

long pool_failed(const struct pool *pool);
long pool_connects(const struct pool *pool);
