/* Account: one account as loaded: its key, its webhooks and their subscriptions. accounts.h keeps them. */
#pragma once
#include "match.h"

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
    struct secret_key *data_key; /* of what the account keeps; NULL: it was destroyed, or does not open */
    struct arena arena;
    struct subscriber *subscribers;
    size_t subscriber_count;
    struct matches matches;
    size_t size;         /* bytes of patterns, settings and certificates */
    struct mono used_at; /* last looked for */
};

/* Rows `first` to `past` are its webhooks: WEBHOOK_COLUMNS, queue.failing_since, queue.gone, the patterns. Destinations
 * keep their windows over a reload; `serial` is another number for each load. False, and nothing has changed, when the
 * patterns do not fit in memory. */
bool account_load(struct dispatcher *d, struct account *account, const PGresult *rows, int first, int past,
                  uint64_t serial) MUST_USE;

/* It cannot be loaded: its webhooks become WEBHOOK_UNLOADED. */
void account_unload(struct dispatcher *d, struct account *account, uint64_t serial);

/* It leaves the cache. */
void account_clear(struct dispatcher *d, struct account *account);

/* The webhooks that subscribed to the type. Valid until the account is loaded again. */
const struct match *account_match(struct account *account, struct text type);

/* It changed since it was loaded. */
bool account_is_stale(const struct account *account);

/* The key of its payloads, sealed; NULL: it was destroyed. When it does not open the account is keyless; when no
 * account's key is sealed under a master key of this process (`master_is_right` false) the process is to end. */
void account_load_key(struct dispatcher *d, struct account *account, const struct text *sealed, bool master_is_right);
/* Its payloads can be kept: the key was not destroyed. */
bool account_keeps_payloads(const struct account *account);
/* Seal a payload of an account that keeps them, open what was sealed: under its data key, bound to `column` ("payload",
 * "payload.extensions"), or under the master key while that one does not open. */
bool account_seal_payload(struct dispatcher *d, const struct account *account, struct text column, struct text plain,
                          struct buffer *out, struct error *error) MUST_USE;
bool account_open_payload(struct dispatcher *d, const struct account *account, struct text column, struct text sealed,
                          struct buffer *out, struct error *error) MUST_USE;
