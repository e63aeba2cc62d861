/* The inside of one cached account: for accounts.c, which loads it, and match.c, which asks it. */
#pragma once
#include "accounts.h"

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
    struct text key;
    bool closed;      /* its records are dead letters */
    int64_t stale_at; /* the clock at which it changed; fresh when loaded_at is not less */
    int64_t loaded_at;
    struct secret_key *data_key;
    struct arena arena;
    struct subscriber *subscribers;
    size_t subscriber_count;
    struct match_entry *matches;
    size_t tls_size;     /* bytes of its webhooks' certificates and keys */
    struct mono used_at; /* last looked for */
};

/* Forget what matched: the subscribers change. */
void match_forget(struct account *account);
