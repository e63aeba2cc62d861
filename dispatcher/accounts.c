#include "account.h"

#include <stdlib.h>

#include "keeper.h"
#include "match.h"
#include "tls.h"
#include "webhook.h"

#define ACCOUNTS_MAX 20000
#define ACCOUNTS_A_LOAD 500
#define CHANGES_MAX 500 /* more at once count as all changed */
#define WAITERS_MAX 16
#define ACCOUNT_ARENA_MAX (64u << 20)
#define TLS_MAX (64u << 20) /* bytes of certificates and keys; an account may have 512 KiB */
#define TLS_KEPT SPAN_S(60) /* what was used since then stays: a batch may be about to look for it */

struct waiter {
    void (*done)(void *owner, bool ok);
    void *owner;
};

struct accounts {
    struct dispatcher *d;
    struct session *session;
    struct account *by_key, *by_id;
    TAILQ_HEAD(account_list, account) lru; /* the least recently used first */
    struct destination *destinations;
    int64_t clock;
    uint64_t serial; /* of the load of one account: tells which destinations came again */
    size_t tls_size; /* of all accounts */
    size_t stale;    /* accounts changed since they were loaded, at most */

    struct column keys, ids;                                 /* wanted by the next load */
    struct waiter waiting[WAITERS_MAX], served[WAITERS_MAX]; /* of the next load; of the one under way */
    size_t waiting_count, served_count;
    enum { ACCOUNTS_IDLE, ACCOUNTS_LOADING, ACCOUNTS_POLLING } state;
    struct mono poll_at, not_before;
};

static void connected(void *owner)
{
    (void)owner; /* accounts_work() looks in every turn */
}

struct accounts *accounts_new(struct dispatcher *d, struct error *error)
{
    struct accounts *accounts = calloc(1, sizeof *accounts);
    if (accounts == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    accounts->d = d;
    TAILQ_INIT(&accounts->lru);
    column_init(&accounts->keys, PG_TEXT, 1u << 24);
    column_init(&accounts->ids, PG_INT4, 1u << 20);
    accounts->session =
        session_new(d->loop, d->settings->database_url, "posthorn-dispatcher accounts", connected, d, error);
    if (accounts->session == NULL)
        accounts_free(&accounts);
    return accounts;
}

static void drop_subscribers(struct dispatcher *d, struct account *account)
{
    match_forget(account);
    d->accounts->tls_size -= account->tls_size;
    account->tls_size = 0;
    for (size_t i = 0; i < account->subscriber_count; i++)
        destination_release(d, &account->subscribers[i].destination);
    arena_fini(&account->arena);
    account->subscribers = NULL;
    account->subscriber_count = 0;
}

static void account_free(struct accounts *accounts, struct account *account)
{
    drop_subscribers(accounts->d, account);
    secret_key_free(&account->data_key);
    HASH_DELETE(hh_key, accounts->by_key, account);
    HASH_DELETE(hh_id, accounts->by_id, account);
    TAILQ_REMOVE(&accounts->lru, account, lru);
    free((char *)(uintptr_t)account->key.data);
    free(account);
}

void accounts_free(struct accounts **accounts)
{
    struct accounts *old = *accounts;
    if (old == NULL)
        return;
    session_free(&old->session);
    while (!TAILQ_EMPTY(&old->lru))
        account_free(old, TAILQ_FIRST(&old->lru));
    column_fini(&old->keys);
    column_fini(&old->ids);
    free(old);
    *accounts = NULL;
}

/* Asking -------------------------------------------------------------------- */

static struct account *used(struct accounts *accounts, struct account *account)
{
    if (account != NULL)
        account->used_at = loop_now(accounts->d->loop);
    if (account != NULL && TAILQ_NEXT(account, lru) != NULL) {
        TAILQ_REMOVE(&accounts->lru, account, lru);
        TAILQ_INSERT_TAIL(&accounts->lru, account, lru);
    }
    return account;
}

struct account *accounts_find_key(struct dispatcher *d, struct text key)
{
    struct account *account;
    HASH_FIND(hh_key, d->accounts->by_key, key.data, key.size, account);
    return used(d->accounts, account);
}

struct account *accounts_find_id(struct dispatcher *d, int32_t id)
{
    struct account *account;
    HASH_FIND(hh_id, d->accounts->by_id, &id, sizeof id, account);
    return used(d->accounts, account);
}

int32_t account_id(const struct account *account)
{
    return account->id;
}

struct text account_key(const struct account *account)
{
    return account->key;
}

bool account_is_stale(const struct account *account)
{
    return account->loaded_at < account->stale_at;
}

bool account_is_closed(const struct account *account)
{
    return account->closed;
}

struct secret_key *account_data_key(const struct account *account)
{
    return account->data_key;
}

int64_t accounts_clock(const struct dispatcher *d)
{
    return d->accounts->clock;
}

struct destination *accounts_destination(struct dispatcher *d, int32_t webhook_id)
{
    struct destination *destination;
    HASH_FIND(hh, d->accounts->destinations, &webhook_id, sizeof webhook_id, destination);
    return destination;
}

void accounts_forget_destination(struct dispatcher *d, struct destination *destination)
{
    HASH_DEL(d->accounts->destinations, destination);
}

static void accounts_changed(struct dispatcher *d, int64_t v, const int32_t *ids, int count, bool forget)
{
    struct accounts *accounts = d->accounts;
    struct account *account;
    if (v <= accounts->clock && !forget)
        return;
    accounts->clock = v; /* lower than before when the database went back in time */
    if (forget) {
        TAILQ_FOREACH(account, &accounts->lru, lru)
        {
            account->stale_at = v;
            account->loaded_at = -1;
        }
        accounts->stale = HASH_CNT(hh_id, accounts->by_id);
        return;
    }
    for (int i = 0; i < count; i++) {
        HASH_FIND(hh_id, accounts->by_id, &ids[i], sizeof ids[i], account);
        if (account != NULL) {
            account->stale_at = v;
            accounts->stale++;
        }
    }
}

/* Loading ------------------------------------------------------------------- */

void accounts_want_key(struct dispatcher *d, struct text key)
{
    column_bytes(&d->accounts->keys, key);
}

void accounts_want_id(struct dispatcher *d, int32_t id)
{
    column_int4(&d->accounts->ids, id);
}

void accounts_load(struct dispatcher *d, void (*done)(void *owner, bool ok), void *owner)
{
    struct accounts *accounts = d->accounts;
    if (accounts->waiting_count == WAITERS_MAX)
        abort(); /* intake's two batches and retry: there are no more */
    accounts->waiting[accounts->waiting_count++] = (struct waiter){done, owner};
}

static struct account *account_of(struct accounts *accounts, int32_t id, struct text key)
{
    struct account *account;
    HASH_FIND(hh_id, accounts->by_id, &id, sizeof id, account);
    if (account != NULL)
        return used(accounts, account);
    while (HASH_CNT(hh_id, accounts->by_id) >= ACCOUNTS_MAX)
        account_free(accounts, TAILQ_FIRST(&accounts->lru));
    account = calloc(1, sizeof *account);
    char *copy = strndup(key.data, key.size);
    if (account == NULL || copy == NULL)
        abort();
    account->id = id;
    account->used_at = loop_now(accounts->d->loop);
    account->stale_at = accounts->clock; /* the load under way may have begun before the clock came to this */
    account->key = (struct text){copy, key.size};
    arena_init(&account->arena, ACCOUNT_ARENA_MAX);
    HASH_ADD_KEYPTR(hh_key, accounts->by_key, account->key.data, account->key.size, account);
    HASH_ADD(hh_id, accounts->by_id, id, sizeof account->id, account);
    TAILQ_INSERT_TAIL(&accounts->lru, account, lru);
    return account;
}

/* The key of its payloads, which is sealed itself. */
static void load_data_key(struct dispatcher *d, struct account *account, struct text uuid, struct text sealed)
{
    struct buffer key;
    struct error error;
    buffer_init(&key, 256);
    secret_key_free(&account->data_key);
    if (!open_sealed(d, "account.data_key", uuid, sealed, &key, &error)) {
        /* Going on would keep payloads that nobody can ever open. No position moves: nothing is lost. */
        log_error("master_key",
                  "account=%.*s error=\"%s\" do=\"start with the master key that the database was made with\"",
                  TEXT_ARGS(account->key), error.text);
        exit(1);
    }
    if (key.size == SECRET_KEY_SIZE)
        account->data_key = secret_key_new((const unsigned char *)key.data);
    secret_wipe(&key);
    buffer_fini(&key);
}

/* Since when it fails, as the queue row has it; null: it does not. */
static void read_health(struct destination *destination, const PGresult *rows, int row)
{
    int failing_since = PQnfields(rows) - 3, gone = PQnfields(rows) - 2;
    destination->failing = !result_null(rows, row, failing_since);
    destination->failing_since = destination->failing ? result_time(rows, row, failing_since) : (struct wall){0};
    destination->gone = result_null(rows, row, gone) ? 0 : result_int4(rows, row, gone);
}

static bool is_enabled(const struct destination *destination)
{
    return destination->webhook != NULL && destination->webhook->status == WEBHOOK_ENABLED;
}

static void set_webhook(struct dispatcher *d, struct destination *destination, struct webhook *webhook)
{
    bool anew =
        !is_enabled(destination) || destination->webhook->version != webhook->version; /* enabled, or another URL */
    webhook_release(&destination->webhook);
    destination->webhook = webhook;
    if (webhook->status != WEBHOOK_ENABLED)
        destination_cancel_waiting(d, destination);
    else if (anew)
        window_init(&destination->window, (double)d->settings->window_max);
    destination->disabling = false;
}

static struct destination *destination_of(struct accounts *accounts, int32_t webhook_id, int32_t account)
{
    struct destination *destination = accounts_destination(accounts->d, webhook_id);
    if (destination == NULL) {
        destination = destination_new(accounts->d, webhook_id, account);
        HASH_ADD(hh, accounts->destinations, webhook_id, sizeof destination->webhook_id, destination);
    } else {
        destination->references++;
    }
    return destination;
}

struct destination *accounts_hold_destination(struct dispatcher *d, int32_t webhook_id, int32_t account_id)
{
    struct destination *destination = destination_of(d->accounts, webhook_id, account_id);
    if (destination->webhook == NULL)
        destination->webhook = webhook_deleted();
    return destination;
}

static void add_subscriber(struct dispatcher *d, struct account *account, const PGresult *rows, int row)
{
    struct subscriber *subscriber = &account->subscribers[account->subscriber_count++];
    int patterns_column = PQnfields(rows) - 1;
    subscriber->destination = destination_of(d->accounts, result_int4(rows, row, 0), account->id);
    subscriber->pattern_count = (size_t)result_array_count(rows, row, patterns_column);
    subscriber->patterns = arena_alloc(&account->arena, (subscriber->pattern_count + 1) * sizeof(struct text));
    if (subscriber->patterns == NULL)
        abort();
    for (size_t i = 0; i < subscriber->pattern_count; i++)
        subscriber->patterns[i] = arena_copy(&account->arena, result_array_item(rows, row, patterns_column, (int)i));
    subscriber->destination->serial = d->accounts->serial;
    bool known = is_enabled(subscriber->destination); /* then memory is ahead of the row */
    if (!known)
        read_health(subscriber->destination, rows, row);
    struct webhook *webhook = webhook_from_row(d, rows, row);
    account->tls_size += tls_size(webhook->tls);
    set_webhook(d, subscriber->destination, webhook);
    if (!known && subscriber->destination->failing) /* another dispatcher saw it fail, or this one in an earlier life */
        window_doubt(&subscriber->destination->window);
}

/* Rows `first` to `past` are this account's webhooks. Destinations keep their windows over a reload. */
static void load_webhooks(struct dispatcher *d, struct account *account, const PGresult *rows, int first, int past)
{
    struct account before = *account;
    arena_init(&account->arena, ACCOUNT_ARENA_MAX);
    account->subscriber_count = 0;
    account->matches = NULL;
    account->tls_size = 0;
    account->subscribers = arena_alloc(&account->arena, (size_t)(past - first + 1) * sizeof *account->subscribers);
    if (account->subscribers == NULL)
        abort();
    d->accounts->serial++;
    for (int row = first; row < past; row++)
        add_subscriber(d, account, rows, row);
    for (size_t i = 0; i < before.subscriber_count; i++) /* whichever did not come again has vanished */
        if (before.subscribers[i].destination->serial != d->accounts->serial)
            set_webhook(d, before.subscribers[i].destination, webhook_deleted());
    drop_subscribers(d, &before);
    d->accounts->tls_size += account->tls_size;
}

/* Certificates are large: accounts with some that were not used for a while go before there are ACCOUNTS_MAX. */
static void bound_tls(struct accounts *accounts)
{
    struct mono now = loop_now(accounts->d->loop);
    struct account *account, *next;
    for (account = TAILQ_FIRST(&accounts->lru);
         account != NULL && accounts->tls_size > TLS_MAX && mono_since(now, account->used_at).ns > TLS_KEPT.ns;
         account = next) {
        next = TAILQ_NEXT(account, lru);
        if (account->tls_size > 0)
            account_free(accounts, account);
    }
}

static void load_rows(struct dispatcher *d, const struct reply *reply)
{
    const PGresult *accounts = reply->results[1], *webhooks = reply->results[2];
    int64_t v = result_int8(reply->results[0], 0, 0);
    int next = 0; /* both are in the order of the account's id */
    for (int row = 0; row < PQntuples(accounts); row++) {
        struct account *account = account_of(d->accounts, result_int4(accounts, row, 0), result_text(accounts, row, 1));
        int first = next;
        while (next < PQntuples(webhooks) && result_int4(webhooks, next, 1) == account->id)
            next++;
        account->loaded_at = v;
        account->closed = result_bool(accounts, row, 4);
        if (result_null(accounts, row, 3))
            secret_key_free(&account->data_key);
        else
            load_data_key(d, account, result_text(accounts, row, 2), result_text(accounts, row, 3));
        load_webhooks(d, account, webhooks, first, next);
        d->accounts->stale += account_is_stale(account); /* it changed again while this was under way */
    }
    if (d->accounts->clock == 0)
        d->accounts->clock = v;
    bound_tls(d->accounts);
}

static void loaded(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    struct accounts *accounts = d->accounts;
    accounts->state = ACCOUNTS_IDLE;
    if (reply->status == REPLY_OK) {
        load_rows(d, reply);
    } else {
        accounts->not_before = mono_add(loop_now(d->loop), SPAN_MS(100));
        if (reply->status == REPLY_REFUSED)
            keeper_mend(d, "accounts", reply);
    }
    size_t served = accounts->served_count;
    accounts->served_count = 0;
    for (size_t i = 0; i < served; i++)
        accounts->served[i].done(accounts->served[i].owner, reply->status == REPLY_OK);
}

static void want_stale(struct accounts *accounts)
{
    struct account *account;
    int wanted = 0;
    TAILQ_FOREACH_REVERSE(account, &accounts->lru, account_list, lru)
    {
        if (!account_is_stale(account))
            continue;
        if (wanted++ == ACCOUNTS_A_LOAD)
            return;
        column_int4(&accounts->ids, account->id);
    }
    accounts->stale = 0;
}

static void send_load(struct dispatcher *d)
{
    struct accounts *accounts = d->accounts;
    const struct param params[] = {column_param(&accounts->keys), column_param(&accounts->ids)};
    if (!session_add(accounts->session, "select v from posthorn.subscription_clock", NULL, 0) ||
        !session_add(accounts->session,
                     "select id, key, uuid, data_key, status = 'closed' from posthorn.account where key = any ($1) or "
                     "id = any ($2) "
                     "order by id",
                     params, 2) ||
        !session_add(
            accounts->session,
            "select " WEBHOOK_COLUMNS
            ", q.failing_since, q.gone, array(select s.pattern from posthorn.subscription s where s.webhook_id = w.id)"
            " from posthorn.account a join posthorn.webhook w on w.account_id = a.id left join "
            "posthorn.source_key k on k.id = w.source_key_id left join posthorn.queue q on q.webhook_id = w.id"
            " where (a.key = any ($1) or a.id = any ($2)) and a.status = 'active'"
            " and (w.status <> 'deleted' or q.next_due < 'infinity')"
            " order by a.id, w.id",
            params, 2) ||
        !session_send(accounts->session, loaded, d))
        return;
    accounts->state = ACCOUNTS_LOADING;
    memcpy(accounts->served, accounts->waiting, sizeof accounts->served);
    accounts->served_count = accounts->waiting_count;
    accounts->waiting_count = 0;
    column_clear(&accounts->keys);
    column_clear(&accounts->ids);
}

void accounts_take_clock(struct dispatcher *d, const PGresult *row)
{
    int32_t ids[CHANGES_MAX];
    int changed = result_array_count(row, 0, 1);
    bool forget = result_bool(row, 0, 2) || changed > CHANGES_MAX;
    for (int i = 0; i < changed && !forget; i++)
        ids[i] = text_int4(result_array_item(row, 0, 1, i));
    accounts_changed(d, result_int8(row, 0, 0), ids, forget ? 0 : changed, forget);
}

static void polled(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    d->accounts->state = ACCOUNTS_IDLE;
    if (reply->status != REPLY_OK)
        return;
    accounts_take_clock(d, reply->results[0]);
}

void accounts_work(struct dispatcher *d)
{
    struct accounts *accounts = d->accounts;
    struct value clock;
    if (accounts->state != ACCOUNTS_IDLE || !session_idle(accounts->session) ||
        mono_before(loop_now(d->loop), accounts->not_before))
        return;
    if (accounts->stale > 0)
        want_stale(accounts);
    if (accounts->waiting_count > 0 || accounts->ids.count > 0 || accounts->keys.count > 0) {
        send_load(d);
    } else if (!mono_before(loop_now(d->loop), accounts->poll_at)) {
        accounts->poll_at = mono_add(loop_now(d->loop), d->settings->clock_interval);
        const struct param params[] = {param_int8(accounts->clock, &clock)};
        if (session_add(accounts->session, "select v, changed, forget from posthorn.changes_since($1)", params, 1) &&
            session_send(accounts->session, polled, d))
            accounts->state = ACCOUNTS_POLLING;
    }
}
