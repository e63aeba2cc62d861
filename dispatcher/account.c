#include "account.h"

#include <stdlib.h>

#include "base/memory.h"
#include "store/sealed.h"

#define ARENA_MAX (64u << 20)   /* bytes of patterns; the statement that loads them is limited by ACCOUNT_MAX */
#define ARENA_SLACK (64u << 10) /* bytes of former patterns that are kept in any case */

/* Releases the subscribers; sets those that the load `serial` did not list to `status`. */
static void drop_subscribers(struct dispatcher *d, struct account *account, uint64_t serial, enum webhook_status status)
{
    for (size_t i = 0; i < account->subscriber_count; i++) {
        struct destination *destination = account->subscribers[i].destination;
        if (destination->serial != serial)
            destination_set_webhook(d, destination, webhook_without_settings(status));
        destination_release(d, &account->subscribers[i].destination);
    }
    free(account->subscribers);
    account->subscribers = NULL;
    account->subscriber_count = 0;
    arena_fini(&account->arena);
    matches_forget(&account->matches);
}

void account_clear(struct dispatcher *d, struct account *account)
{
    for (size_t i = 0; i < account->subscriber_count; i++)
        destination_release(d, &account->subscribers[i].destination);
    account->subscriber_count = 0;
    drop_subscribers(d, account, 0, WEBHOOK_DELETED);
    account->size = 0;
}

/* Sets since when the webhook fails, from its queue row; null: it does not fail. */
static void read_health(struct destination *destination, const PGresult *rows, int row)
{
    int gone = result_null(rows, row, ACCOUNT_GONE) ? 0 : result_int4(rows, row, ACCOUNT_GONE);
    bool failing = !result_null(rows, row, ACCOUNT_FAILING_SINCE);
    destination_set_health(destination,
                           failing ? &(struct wall){result_time(rows, row, ACCOUNT_FAILING_SINCE).us} : NULL, gone);
}

/* Reads the patterns of a row. Returns false if memory is short. */
static bool read_patterns(struct arena *arena, struct subscriber *subscriber, const PGresult *rows, int row)
{
    size_t count = (size_t)result_array_count(rows, row, ACCOUNT_PATTERNS);
    subscriber->patterns = arena_alloc(arena, (count + 1) * sizeof(struct text));
    for (size_t i = 0, at = 0; subscriber->patterns != NULL && i < count; i++)
        if (!arena_copy(arena, result_array_next(rows, row, ACCOUNT_PATTERNS, &at), &subscriber->patterns[i]))
            return false;
    subscriber->pattern_count = count;
    return subscriber->patterns != NULL;
}

static void read_webhook(struct dispatcher *d, struct account *account, struct subscriber *subscriber,
                         const PGresult *rows, int row, uint64_t serial)
{
    struct destination *destination = destination_hold(d, result_int4(rows, row, 0), account->id);
    bool known = destination_is_enabled(destination); /* then its health in memory is newer than the row */
    subscriber->destination = destination;
    destination->serial = serial;
    if (!known)
        read_health(destination, rows, row);
    struct webhook *webhook = webhook_from_row(d, rows, row);
    account->size += webhook->size + sizeof *destination;
    destination_set_webhook(d, destination, webhook);
    if (!known && destination->failing) /* another dispatcher saw it fail, or this one before a restart */
        window_doubt(&destination->window);
}

/* Reads all patterns of rows `first` up to `past` before anything else is changed, so that they are loaded completely
 * or not at all. Returns a subscriber for each row, not yet with a destination, or NULL. */
static struct subscriber *read_subscribers(struct arena *arena, const PGresult *rows, int first, int past)
{
    invariant(past >= first);
    size_t count = (size_t)(past - first);
    struct subscriber *subscribers = calloc(count + 1, sizeof *subscribers);
    bool ok = subscribers != NULL;
    for (size_t i = 0; ok && i < count; i++)
        ok = read_patterns(arena, &subscribers[i], rows, first + (int)i);
    if (ok)
        return subscribers;
    free(subscribers);
    return NULL;
}

/* Returns false, with nothing changed, if memory is short. */
static bool load_all(struct dispatcher *d, struct account *account, const PGresult *rows, int first, int past,
                     uint64_t serial)
{
    struct arena arena;
    arena_init(&arena, ARENA_MAX);
    struct subscriber *subscribers = read_subscribers(&arena, rows, first, past);
    if (subscribers == NULL) {
        arena_fini(&arena);
        return false;
    }
    size_t count = (size_t)(past - first);
    account->size = arena.total + count * sizeof *subscribers;
    for (size_t i = 0; i < count; i++)
        read_webhook(d, account, &subscribers[i], rows, first + (int)i, serial);
    drop_subscribers(d, account, serial, WEBHOOK_DELETED); /* not listed any more: deleted */
    account->arena = arena;
    account->arena_full = arena.total * 2 + ARENA_SLACK;
    account->subscribers = subscribers;
    account->subscriber_count = count;
    account->unloaded = false;
    return true;
}

bool account_may_load_changes(const struct account *account)
{
    return account->loaded_at > 0 && !account->unloaded && !account->keyless && account->subscribers != NULL &&
           account->arena.total <= account->arena_full;
}

/* Returns the place of a webhook among the subscribers: its own, or the one after the last. */
static struct subscriber *place_of(struct account *account, int32_t webhook_id)
{
    size_t i = 0;
    while (i < account->subscriber_count && account->subscribers[i].destination->webhook_id != webhook_id)
        i++;
    return &account->subscribers[i];
}

/* A webhook that was deleted stays a subscriber that nothing reaches, until the account is loaded completely. Returns
 * false if the account is too large now. */
static bool load_changes(struct dispatcher *d, struct account *account, const PGresult *rows, int first, int past,
                         uint64_t serial)
{
    size_t before = account->arena.total, count = (size_t)(past - first);
    invariant(account->subscribers != NULL);
    struct subscriber *changed = read_subscribers(&account->arena, rows, first, past);
    struct subscriber *grown = realloc(account->subscribers, (account->subscriber_count + count + 1) * sizeof *grown);
    if (grown != NULL)
        account->subscribers = grown;
    if (grown == NULL || changed == NULL) {
        free(changed);
        return false;
    }
    matches_forget(&account->matches);
    account->size += account->arena.total - before;
    for (size_t i = 0; i < count; i++) {
        struct subscriber *place = place_of(account, result_int4(rows, first + (int)i, 0));
        struct destination *known =
            place < account->subscribers + account->subscriber_count ? place->destination : NULL;
        account->size -= known != NULL ? known->webhook->size + sizeof *known : 0;
        account->size += known != NULL ? 0 : sizeof *place;
        account->subscriber_count += known == NULL;
        read_webhook(d, account, &changed[i], rows, first + (int)i, serial);
        destination_release(d, &known);
        *place = changed[i];
    }
    free(changed);
    return account->size <= ACCOUNT_MAX;
}

void account_load(struct dispatcher *d, struct account *account, const PGresult *rows, int first, int past,
                  uint64_t serial)
{
    int64_t bytes = result_int8(rows, first, ACCOUNT_BYTES);
    bool only_changes = result_bool(rows, first, ACCOUNT_ONLY_CHANGES);
    if (result_null(rows, first, 0)) /* no webhooks, or too large, or none has changed */
        past = first;
    if (bytes <= ACCOUNT_MAX && (only_changes ? load_changes(d, account, rows, first, past, serial)
                                              : load_all(d, account, rows, first, past, serial)))
        return;
    log_error("account_unloaded",
              "account=%.*s bytes=%lld most=%d note=\"its deliveries wait in PostgreSQL; nothing is sent\" "
              "do=\"remove webhooks or patterns of it\"",
              TEXT_ARGS(account->key), only_changes ? (long long)account->size : (long long)bytes, ACCOUNT_MAX);
    drop_subscribers(d, account, 0, WEBHOOK_UNLOADED);
    account->unloaded = true;
    account->size = 0;
}

/* Returns false if the key does not open. */
static bool open_data_key(struct dispatcher *d, struct account *account, struct text sealed, struct error *error)
{
    struct buffer key;
    buffer_init(&key, 256);
    bool ok =
        open_sealed(d, "account.data_key", (struct text){(const char *)account->uuid, UUID_SIZE}, sealed, &key,
                    error) &&
        (key.size == SECRET_KEY_SIZE || error_set(error, "it has %zu bytes instead of %d", key.size, SECRET_KEY_SIZE));
    if (ok)
        account->data_key = memory_need(secret_key_new((const unsigned char *)key.data), "a data key");
    secret_wipe(&key);
    buffer_fini(&key);
    return ok;
}

/* If the data key of every account is sealed with a master key that this process does not have, the process was started
 * with the wrong master key. It ends, because it would store payloads that cannot be opened. */
void account_load_key(struct dispatcher *d, struct account *account, const struct text *sealed, bool master_is_right)
{
    struct error error;
    secret_key_free(&account->data_key);
    account->keyless = sealed != NULL && !open_data_key(d, account, *sealed, &error);
    if (!account->keyless)
        return;
    if (!master_is_right && secret_is_foreign(d->master, *sealed)) {
        log_error("master_key",
                  "account=%.*s error=\"%s\" do=\"start with the master key that the database was made with\"",
                  TEXT_ARGS(account->key), error.text);
        d->refused = true;
        return;
    }
    log_error("data_key",
              "account=%.*s error=\"%s\" note=\"its payloads are sealed under the master key\" "
              "do=\"restore account.data_key from a backup\"",
              TEXT_ARGS(account->key), error.text);
}

bool account_keeps_payloads(const struct account *account)
{
    return account->data_key != NULL || account->keyless;
}

bool account_seal_payload(struct dispatcher *d, const struct account *account, struct text column, struct text plain,
                          struct buffer *out, struct error *error)
{
    char place[SEALED_PLACE_SIZE];
    return account->keyless
               ? secret_seal(d->master, sealed_place_of_payload(column, account->uuid, place), plain, out, error)
               : secret_seal(account->data_key, column, plain, out, error);
}

bool account_open_payload(struct dispatcher *d, const struct account *account, struct text column, struct text sealed,
                          struct buffer *out, struct error *error)
{
    char place[SEALED_PLACE_SIZE];
    return (account->data_key != NULL && secret_open(account->data_key, column, sealed, out, error)) ||
           secret_open(d->master, sealed_place_of_payload(column, account->uuid, place), sealed, out, error);
}

bool account_is_stale(const struct account *account)
{
    return account->loaded_at < account->stale_at;
}

bool account_is_fresh_at(const struct account *account, int64_t clock)
{
    return account->loaded_at >= clock || !account_is_stale(account);
}

const struct match *account_match(struct account *account, struct text type)
{
    return matches_find(&account->matches, account->subscribers, account->subscriber_count, type);
}
