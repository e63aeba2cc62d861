/* The modules of a dispatcher that has not connected to anything yet, and one webhook, for unit tests that need more
 * than one module. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../dispatcher/accounts.h"
#include "../../../dispatcher/deliver.h"
#include "../../../dispatcher/flush_gather.h"
#include "../../../dispatcher/leases.h"
#include "../../../dispatcher/resolve.h"
#include "../../../dispatcher/send.h"

#define ACCOUNT 1
#define WEBHOOK 2
#define MEMORY_MAX (4 << 20)

struct parts {
    struct settings settings;
    struct dispatcher d;
    struct destination *destination;
};

static inline int set_up(void **state)
{
    static const char *const argv[] = {"posthorn-dispatcher", "--kafka-brokers=none",
                                       "--database-url=host=/nonexistent", "--memory-max=4194304",
                                       "--master-key=" /* 64 digits */
                                       "0123456789abcdef0123456789abcdef"
                                       "0123456789abcdef0123456789abcdef"};
    struct parts *parts = calloc(1, sizeof *parts);
    struct dispatcher *d = &parts->d;
    struct error error;
    int first_word;
    assert_int_equal(config_load(&dispatcher_program, sizeof argv / sizeof *argv, (char **)(uintptr_t)argv, false,
                                 &parts->settings, &first_word, &error),
                     CONFIG_OK);
    d->settings = &parts->settings;
    assert_non_null(d->memory = budget_new(parts->settings.memory_max));
    assert_non_null(d->loop = loop_new(&error));
    assert_non_null(d->master = secret_key_parse(parts->settings.master_key, &error));
    assert_non_null(d->destinations = destinations_new(deliver_stopped, &error));
    assert_non_null(d->deliveries = deliveries_new(d, &error));
    assert_non_null(d->accounts = accounts_new(d, &error));
    assert_non_null(d->partitions = partitions_new(&error));
    assert_non_null(d->flusher = flusher_new(d, NULL, &error));
    assert_non_null(d->resolver = resolver_new(d, deliver_pump, &error));
    assert_non_null(d->sender = sender_new(d, &(struct send_events){0}, &error));
    assert_non_null(d->deliverer = deliverer_new(d, &error));
    assert_non_null(d->leases = leases_new(&error));
    parts->destination = accounts_hold_destination(d, WEBHOOK, ACCOUNT);
    parts->destination->webhook->status = WEBHOOK_ENABLED;
    *state = parts;
    return 0;
}

static inline int tear_down(void **state)
{
    struct parts *parts = *state;
    struct dispatcher *d = &parts->d;
    resolver_free(&d->resolver);
    deliverer_free(&d->deliverer);
    leases_free(&d->leases);
    destination_release(d, &parts->destination);
    sender_free(&d->sender);
    flusher_free(&d->flusher);
    partitions_free(&d->partitions);
    accounts_free(&d->accounts);
    deliveries_free(&d->deliveries);
    destinations_free(&d->destinations);
    secret_key_free(&d->master);
    loop_free(&d->loop);
    assert_int_equal(budget_used(d->memory), 0);
    budget_free(&d->memory);
    config_free(&dispatcher_program, &parts->settings);
    free(parts);
    return 0;
}

/* An event of the account, with that many bytes. The caller owns the reference. */
static inline struct passage *event(struct parts *parts, size_t size)
{
    struct passage *passage = passage_new(&parts->d, ACCOUNT, size);
    passage_become(passage, PASSAGE_EVENT);
    return passage;
}
