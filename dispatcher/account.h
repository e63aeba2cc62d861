/* The inside of one cached account: for accounts.c, which keeps it, and match.c, which asks it. */
#pragma once
#include "accounts.h"
#include "base/arena.h"
#include "event/uuid.h"

struct subscriber {
    struct destination *destination;
    struct text *patterns; /* in the account's arena */
    size_t pattern_count;
};

struct match_entry; /* match.c: what matched a type */

struct account {
    UT_hash_handle hh_key, hh_id;
    TAILQ_ENTRY(account) lru;
    int32_t id;
    unsigned char uuid[UUID_SIZE];
    struct text key;
    bool closed;      /* its records are dead letters */
    bool unloaded;    /* its webhooks do not fit: PostgreSQL matches its events, and its deliveries wait there */
    bool keyless;     /* its data key does not open: the master key seals its payloads */
    int64_t stale_at; /* the clock at which it changed; fresh when loaded_at is not less */
    int64_t loaded_at;
    struct secret_key *data_key;
    struct arena arena;
    struct subscriber *subscribers;
    size_t subscriber_count;
    struct match_entry *matches;
    size_t match_size;   /* bytes of matches */
    size_t size;         /* bytes of patterns, settings and certificates */
    struct mono used_at; /* last looked for */
};

/* Rows `first` to `past` are its webhooks: WEBHOOK_COLUMNS, queue.failing_since, queue.gone, the patterns. Destinations
 * keep their windows over a reload; `serial` is another number for each load. False, and nothing has changed, when the
 * patterns do not fit in memory. */
bool account_load(struct dispatcher *d, struct account *account, const PGresult *rows, int first, int past,
                  uint64_t serial) MUST_USE;

/* It cannot be loaded: what waits for its webhooks in memory is parked, and nothing is sent to them. */
void account_unload(struct dispatcher *d, struct account *account, uint64_t serial);

/* It leaves the cache. */
void account_clear(struct dispatcher *d, struct account *account);

/* The key of its payloads, sealed; NULL: it was destroyed. False when it does not open. */
bool account_load_key(struct dispatcher *d, struct account *account, const struct text *sealed,
                      struct error *error) MUST_USE;

/* Forget what matched: the subscribers change. */
void match_forget(struct account *account);
