/* Account: one loaded account: its key, its webhooks and their subscriptions. accounts.h is the cache of accounts. */
#pragma once
#include "match.h"

#define ACCOUNT_MAX (32 << 20) /* bytes as counted by posthorn.account_bytes(): four times the limit of an account */

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
    struct arena arena;          /* of patterns, with those that webhooks had before they changed */
    size_t arena_full;           /* bytes in the arena above which the account must be loaded completely */
    struct subscriber *subscribers;
    size_t subscriber_count;
    struct matches matches;
    size_t size;         /* bytes of patterns, settings and certificates */
    struct mono used_at; /* last looked up */
};

/* The statement that loads accounts: $1 keys, $2 ids, $3 for each id the clock at which the account was loaded, or 0,
 * $4 the bytes that an account may have. It loads those webhooks of an account that changed since, or all, or finds the
 * account too large: what changed is found, the bytes are counted and the rows are read in one snapshot. Of all
 * webhooks, deleted ones are not loaded; a destination with a backlog that is not listed counts as deleted. */
#define ACCOUNT_LOAD                                                                                                   \
    "with wanted as ("                                                                                                 \
    " select t.id, min(case when t.key = any ($1) then 0 else coalesce(g.since, 0) end) as since from "                \
    "posthorn.account t"                                                                                               \
    " left join unnest($2::int4[], $3::int8[]) as g (id, since) on g.id = t.id"                                        \
    " where t.key = any ($1) or t.id = any ($2) group by t.id"                                                         \
    "), a as materialized ("                                                                                           \
    " select t.*, c.changed, posthorn.account_bytes(t.id, c.changed) as bytes"                                         \
    " from wanted join posthorn.account t using (id)"                                                                  \
    " cross join lateral (select posthorn.changed_webhooks(t.id, wanted.since) as changed) c) "                        \
    "select " WEBHOOK_COLUMNS                                                                                          \
    ", q.failing_since, q.gone, array(select s.pattern from posthorn.subscription s where s.webhook_id = w.id), "      \
    "a.id, a.key, a.uuid, a.data_key, a.status = 'closed', a.bytes, a.changed is not null"                             \
    " from a left join lateral ("                                                                                      \
    " select w.* from posthorn.webhook w where a.changed is null and w.account_id = a.id and w.status <> 'deleted'"    \
    " and a.bytes <= $4"                                                                                               \
    " union all select w.* from posthorn.webhook w where w.id = any (a.changed) and w.account_id = a.id"               \
    " and a.bytes <= $4"                                                                                               \
    ") w on a.status = 'active'"                                                                                       \
    " left join posthorn.source_key k on k.id = w.source_key_id left join posthorn.queue q on q.webhook_id = w.id"     \
    " order by a.id, w.id"

/* The columns of ACCOUNT_LOAD after WEBHOOK_COLUMNS. An account without webhooks, or with webhooks that are too large,
 * or without changed ones, has one row, in which the webhook's columns are null. */
enum account_column {
    ACCOUNT_FAILING_SINCE = WEBHOOK_COLUMN_COUNT,
    ACCOUNT_GONE,
    ACCOUNT_PATTERNS,
    ACCOUNT_ID,
    ACCOUNT_KEY,
    ACCOUNT_UUID,
    ACCOUNT_DATA_KEY,
    ACCOUNT_CLOSED,
    ACCOUNT_BYTES,
    ACCOUNT_ONLY_CHANGES
};

/* Loads the account's webhooks from rows `first` up to, but not including, `past` of ACCOUNT_LOAD. Destinations keep
 * their windows. `serial` must differ from that of every earlier load. If the account takes more than ACCOUNT_MAX,
 * nothing is loaded: it becomes unloaded, and its webhooks WEBHOOK_UNLOADED. */
void account_load(struct dispatcher *d, struct account *account, const PGresult *rows, int first, int past,
                  uint64_t serial);
/* True if rows with ACCOUNT_ONLY_CHANGES may be loaded: the account is loaded, and not full of former patterns. */
bool account_may_load_changes(const struct account *account);

/* Frees the contents of an account that leaves the cache. */
void account_clear(struct dispatcher *d, struct account *account);

/* Returns the webhooks that subscribe to the type. Valid until the account is loaded again. */
const struct match *account_match(struct account *account, struct text type);

/* True if the account has changed since it was loaded. */
bool account_is_stale(const struct account *account);
/* True if no change up to `clock` (of subscriptions) is missing. */
bool account_is_fresh_at(const struct account *account, int64_t clock);

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
