/* Account: one loaded account: its key, its webhooks and their subscriptions. accounts.h is the cache of accounts. */
#pragma once
#include "match.h"

struct account {
    UT_hash_handle hh_key, hh_id;
    TAILQ_ENTRY(account) lru;
    int32_t id;
    unsigned char uuid[UUID_SIZE];
    struct text key;
    bool closed;   /* its records become dead letters */
    bool unloaded; /* its webhooks do not fit into memory: PostgreSQL matches its events, and its deliveries wait there
                    */
    bool keyless;  /* its data key does not open: payloads are sealed with the master key */
    int64_t stale_at; /* the subscription clock when it last changed; the account is stale if loaded_at is less */
    int64_t loaded_at;
    struct secret_key *data_key; /* for the account's data; NULL: it was destroyed, or does not open */
    struct arena arena;
    struct subscriber *subscribers;
    size_t subscriber_count;
    struct matches matches;
    size_t size;         /* bytes of patterns, settings and certificates */
    struct mono used_at; /* last looked up */
};

/* Loads the account's webhooks from rows `first` up to, but not including, `past`: WEBHOOK_COLUMNS,
 * queue.failing_since, queue.gone, the patterns. Destinations keep their windows. `serial` must differ from that of
 * every earlier load. Returns false, with nothing changed, if the patterns do not fit into memory. */
bool account_load(struct dispatcher *d, struct account *account, const PGresult *rows, int first, int past,
                  uint64_t serial) MUST_USE;

/* The account cannot be loaded: its webhooks become WEBHOOK_UNLOADED. */
void account_unload(struct dispatcher *d, struct account *account, uint64_t serial);

/* Frees the contents of an account that leaves the cache. */
void account_clear(struct dispatcher *d, struct account *account);

/* Returns the webhooks that subscribe to the type. Valid until the account is loaded again. */
const struct match *account_match(struct account *account, struct text type);

/* True if the account has changed since it was loaded. */
bool account_is_stale(const struct account *account);

/* Sets the data key from its sealed form; `sealed` NULL: it was destroyed. If the key does not open, the account
 * becomes keyless. If `master_is_right` is false, no account's data key is sealed with a master key of this process,
 * and the process ends. */
void account_load_key(struct dispatcher *d, struct account *account, const struct text *sealed, bool master_is_right);
/* True if the account's payloads can be kept: its data key was not destroyed. */
bool account_keeps_payloads(const struct account *account);
/* Seals or opens a payload of an account that keeps payloads. The key is the account's data key, or the master key
 * while the data key does not open; `column` ("payload", "payload.extensions") is bound to the result. */
bool account_seal_payload(struct dispatcher *d, const struct account *account, struct text column, struct text plain,
                          struct buffer *out, struct error *error) MUST_USE;
bool account_open_payload(struct dispatcher *d, const struct account *account, struct text column, struct text sealed,
                          struct buffer *out, struct error *error) MUST_USE;
