#include "accounts.h"

#include <stdlib.h>

#include "base/memory.h"
#include "database.h"

#define ACCOUNTS_MAX 20000
#define ACCOUNTS_A_LOAD 500
#define CHANGES_MAX 500 /* more changes at once make all accounts stale */
#define WAITERS_MAX 16
#define SIZE_MAX_KEPT (128u << 20) /* bytes of all accounts */
#define SIZE_KEPT SPAN_S(60)       /* an account used within this time stays cached: a batch may be about to use it */
#define FAULTY_AGAIN SPAN_S(30)    /* interval between attempts to load a faulty account */

struct waiter {
    void (*done)(void *owner, bool ok);
    void *owner;
};

struct accounts {
    struct dispatcher *d;
    struct session *session;
    struct account *by_key, *by_id;
    TAILQ_HEAD(account_list, account) lru; /* least recently used first */
    int64_t clock;
    uint64_t serial; /* number of the last load of an account; shows which destinations were listed again */
    size_t size;     /* bytes of all accounts */
    size_t faulty;   /* number of accounts that are unloaded or keyless */
    size_t stale;    /* upper bound of the number of stale accounts */

    struct column keys, ids, since;                          /* named for the next load; `since`: see want() */
    struct column master_ids;                                /* ids of the master key and of former ones */
    struct waiter waiting[WAITERS_MAX], served[WAITERS_MAX]; /* callers of the next load, and of the load under way */
    size_t waiting_count, served_count;
    enum { ACCOUNTS_IDLE, ACCOUNTS_LOADING, ACCOUNTS_POLLING } state;
    struct mono poll_at, faulty_at, not_before;
};

static bool is_faulty(const struct account *account)
{
    return account->unloaded || account->keyless;
}

static struct account *find(const struct accounts *accounts, int32_t id)
{
    struct account *account;
    HASH_FIND(hh_id, accounts->by_id, &id, sizeof id, account);
    return account;
}

static void connected(void *owner)
{
    (void)owner; /* accounts_work() runs in every turn */
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
    column_init(&accounts->since, PG_INT8, 1u << 21);
    column_init(&accounts->master_ids, PG_BYTEA, 4096);
    for (size_t i = 0; i < secret_key_count(d->master); i++)
        column_bytes(&accounts->master_ids, secret_key_nth_id(d->master, i));
    accounts->session =
        session_new(d->loop, d->settings->database_url, "posthorn-dispatcher accounts", connected, d, error);
    if (accounts->session == NULL)
        accounts_free(&accounts);
    return accounts;
}

static void account_free(struct accounts *accounts, struct account *account)
{
    invariant(accounts->size >= account->size && accounts->faulty >= is_faulty(account));
    accounts->size -= account->size;
    accounts->faulty -= is_faulty(account);
    account_clear(accounts->d, account);
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
    column_fini(&old->since);
    column_fini(&old->master_ids);
    free(old);
    *accounts = NULL;
}

/* Requests ------------------------------------------------------------------- */

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
    return used(d->accounts, find(d->accounts, id));
}

int64_t accounts_clock(const struct dispatcher *d)
{
    return d->accounts->clock;
}

static void accounts_changed(struct dispatcher *d, int64_t v, const int32_t *ids, int count, bool forget)
{
    struct accounts *accounts = d->accounts;
    struct account *account;
    if (v <= accounts->clock && !forget)
        return;
    accounts->clock = v; /* lower than before if the database was set back in time */
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
        account = find(accounts, ids[i]);
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

/* What did not change since `since` is not loaded again; 0: load all of it. */
static void want(struct accounts *accounts, int32_t id, int64_t since)
{
    column_int4(&accounts->ids, id);
    column_int8(&accounts->since, since);
}

void accounts_want_id(struct dispatcher *d, int32_t id)
{
    const struct account *account = find(d->accounts, id);
    want(d->accounts, id, account != NULL && account_may_load_changes(account) ? account->loaded_at : 0);
}

void accounts_load(struct dispatcher *d, void (*done)(void *owner, bool ok), void *owner)
{
    struct accounts *accounts = d->accounts;
    invariant(accounts->waiting_count < WAITERS_MAX); /* at most three: intake's two batches and retry */
    accounts->waiting[accounts->waiting_count++] = (struct waiter){done, owner};
}

static struct account *account_of(struct accounts *accounts, int32_t id, struct text key)
{
    struct account *account = find(accounts, id);
    if (account != NULL)
        return used(accounts, account);
    while (HASH_CNT(hh_id, accounts->by_id) >= ACCOUNTS_MAX)
        account_free(accounts, TAILQ_FIRST(&accounts->lru));
    account = memory_need(calloc(1, sizeof *account), "an account");
    char *copy = memory_need(text_copy(key), "an account's key");
    account->id = id;
    account->used_at = loop_now(accounts->d->loop);
    account->stale_at = accounts->clock; /* the load under way may have started at an older clock */
    account->key = (struct text){copy, key.size};
    HASH_ADD_KEYPTR(hh_key, accounts->by_key, account->key.data, account->key.size, account);
    HASH_ADD(hh_id, accounts->by_id, id, sizeof account->id, account);
    TAILQ_INSERT_TAIL(&accounts->lru, account, lru);
    return account;
}

struct destination *accounts_hold_destination(struct dispatcher *d, int32_t webhook_id, int32_t account_id)
{
    struct destination *destination = destination_hold(d, webhook_id, account_id);
    const struct account *account = find(d->accounts, account_id);
    bool unloaded = account != NULL && account->unloaded;
    if (destination->webhook == NULL || unloaded)
        destination_set_webhook(d, destination,
                                webhook_without_settings(unloaded ? WEBHOOK_UNLOADED : WEBHOOK_DELETED));
    return destination;
}

enum store_response accounts_store_response(struct dispatcher *d, const struct destination *destination,
                                            const struct webhook *webhook, struct secret_key **key)
{
    const struct account *account = accounts_find_id(d, destination->account_id);
    *key = account != NULL ? account->data_key : NULL;
    return webhook->store_response == RESPONSE_SEALED && *key == NULL ? RESPONSE_NONE : webhook->store_response;
}

/* Frees accounts that have not been used for a while, even below ACCOUNTS_MAX: some take megabytes. */
static void bound_size(struct accounts *accounts)
{
    struct mono now = loop_now(accounts->d->loop);
    struct account *account;
    while ((account = TAILQ_FIRST(&accounts->lru)) != NULL && accounts->size > SIZE_MAX_KEPT &&
           mono_since(now, account->used_at).ns > SIZE_KEPT.ns)
        account_free(accounts, account);
}

/* The rows are sorted by account id; each account has at least one. Returns false if only the changes of an account
 * were read, and its other webhooks have left the memory meanwhile. */
static bool load_rows(struct dispatcher *d, const PGresult *head, const PGresult *rows)
{
    bool complete = true;
    struct accounts *accounts = d->accounts;
    int64_t v = result_int8(head, 0, 0);
    bool master_is_right = result_bool(head, 0, 1);
    for (int first = 0, past; first < PQntuples(rows) && !d->refused; first = past) {
        int32_t id = result_int4(rows, first, ACCOUNT_ID);
        for (past = first + 1; past < PQntuples(rows) && result_int4(rows, past, ACCOUNT_ID) == id; past++)
            ;
        struct account *account = find(accounts, id);
        if (result_bool(rows, first, ACCOUNT_ONLY_CHANGES) && (account == NULL || !account_may_load_changes(account))) {
            complete = false;
            accounts->stale++;
            continue;
        }
        account = account_of(accounts, id, result_text(rows, first, ACCOUNT_KEY));
        memcpy(account->uuid, result_text(rows, first, ACCOUNT_UUID).data, UUID_SIZE);
        account->closed = result_bool(rows, first, ACCOUNT_CLOSED);
        accounts->faulty -= is_faulty(account);
        struct text sealed = result_text(rows, first, ACCOUNT_DATA_KEY);
        account_load_key(d, account, result_null(rows, first, ACCOUNT_DATA_KEY) ? NULL : &sealed, master_is_right);
        accounts->size -= account->size;
        account_load(d, account, rows, first, past, ++accounts->serial);
        accounts->size += account->size;
        accounts->faulty += is_faulty(account);
        account->loaded_at = v;
        accounts->stale += account_is_stale(account); /* it changed again during the load */
    }
    if (accounts->clock == 0)
        accounts->clock = v;
    bound_size(accounts);
    return complete;
}

static void loaded(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    struct accounts *accounts = d->accounts;
    bool ok = reply->status == REPLY_OK;
    accounts->state = ACCOUNTS_IDLE;
    if (ok) {
        ok = load_rows(d, reply->results[0], reply->results[1]);
    } else {
        accounts->not_before = mono_add(loop_now(d->loop), SPAN_MS(100));
        accounts->stale = HASH_CNT(hh_id, accounts->by_id); /* none was loaded */
        if (reply->status == REPLY_REFUSED)
            database_refused(d, "accounts", reply);
    }
    size_t served = accounts->served_count;
    accounts->served_count = 0;
    for (size_t i = 0; i < served; i++)
        accounts->served[i].done(accounts->served[i].owner, ok && !d->refused);
}

/* A faulty account may have been repaired without the triggers that move the clock: load it again. */
static void want_faulty(struct accounts *accounts)
{
    struct account *account;
    accounts->faulty_at = mono_add(loop_now(accounts->d->loop), FAULTY_AGAIN);
    TAILQ_FOREACH(account, &accounts->lru, lru)
    if (is_faulty(account) && accounts->ids.count < ACCOUNTS_A_LOAD)
        want(accounts, account->id, 0);
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
        accounts_want_id(accounts->d, account->id);
    }
    accounts->stale = 0;
}

/* Reads the clock, and whether the data keys, if there are any, are sealed with the master key or a former one: the
 * key's id follows the first byte (base/secret.h). */
#define LOAD_HEAD                                                                                                      \
    "select v, exists (select from posthorn.account where substr(data_key, 2, 4) = any ($1))"                          \
    " from posthorn.subscription_clock"

static void send_load(struct dispatcher *d)
{
    struct accounts *accounts = d->accounts;
    struct value most;
    const struct param head[] = {column_param(&accounts->master_ids)};
    const struct param params[] = {column_param(&accounts->keys), column_param(&accounts->ids),
                                   column_param(&accounts->since), param_int4(ACCOUNT_MAX, &most)};
    if (!session_add(accounts->session, LOAD_HEAD, head, 1) ||
        !session_add(accounts->session, ACCOUNT_LOAD, params, 4) || !session_send(accounts->session, loaded, d))
        return;
    accounts->state = ACCOUNTS_LOADING;
    memcpy(accounts->served, accounts->waiting, sizeof accounts->served);
    accounts->served_count = accounts->waiting_count;
    accounts->waiting_count = 0;
    column_clear(&accounts->keys);
    column_clear(&accounts->ids);
    column_clear(&accounts->since);
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
    d->metrics[METRIC_ACCOUNTS_FAULTY].value = (double)accounts->faulty;
    if (accounts->faulty > 0 && !mono_before(loop_now(d->loop), accounts->faulty_at))
        want_faulty(accounts);
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
