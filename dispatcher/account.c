#include "account.h"

#include "base/memory.h"
#include "webhook.h"

#define ARENA_MAX (64u << 20) /* patterns; the statement that loads them keeps to ACCOUNT_MAX */

/* The columns behind WEBHOOK_COLUMNS. */
enum { FAILING_SINCE = WEBHOOK_COLUMN_COUNT, GONE, PATTERNS };

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
    if (webhook->status == WEBHOOK_UNLOADED)
        destination_park_waiting(d, destination, (struct span){0});
    else if (webhook->status != WEBHOOK_ENABLED)
        destination_cancel_waiting(d, destination);
    else if (anew)
        window_init(&destination->window, (double)d->settings->window_max);
    destination->disabling = false;
}

/* Give the subscribers back, after setting those that did not come with the load `serial` to `status`. */
static void drop_subscribers(struct dispatcher *d, struct account *account, uint64_t serial, enum webhook_status status)
{
    for (size_t i = 0; i < account->subscriber_count; i++) {
        struct destination *destination = account->subscribers[i].destination;
        if (destination->serial != serial)
            set_webhook(d, destination, webhook_without_settings(status));
        destination_release(d, &account->subscribers[i].destination);
    }
    account->subscribers = NULL;
    account->subscriber_count = 0;
    arena_fini(&account->arena);
    match_forget(account);
}

void account_clear(struct dispatcher *d, struct account *account)
{
    for (size_t i = 0; i < account->subscriber_count; i++)
        destination_release(d, &account->subscribers[i].destination);
    account->subscriber_count = 0;
    drop_subscribers(d, account, 0, WEBHOOK_DELETED);
    account->size = 0;
}

/* Since when it fails, as the queue row has it; null: it does not. */
static void read_health(struct destination *destination, const PGresult *rows, int row)
{
    destination->failing = !result_null(rows, row, FAILING_SINCE);
    destination->failing_since = destination->failing ? result_time(rows, row, FAILING_SINCE) : (struct wall){0};
    destination->gone = result_null(rows, row, GONE) ? 0 : result_int4(rows, row, GONE);
}

/* The patterns of a row. False without room for them. */
static bool read_patterns(struct arena *arena, struct subscriber *subscriber, const PGresult *rows, int row)
{
    size_t count = (size_t)result_array_count(rows, row, PATTERNS);
    subscriber->patterns = arena_alloc(arena, (count + 1) * sizeof(struct text));
    for (size_t i = 0, at = 0; subscriber->patterns != NULL && i < count; i++)
        if (!arena_copy(arena, result_array_next(rows, row, PATTERNS, &at), &subscriber->patterns[i]))
            return false;
    subscriber->pattern_count = count;
    return subscriber->patterns != NULL;
}

static void read_webhook(struct dispatcher *d, struct account *account, struct subscriber *subscriber,
                         const PGresult *rows, int row, uint64_t serial)
{
    struct destination *destination = accounts_hold_destination(d, result_int4(rows, row, 0), account->id);
    bool known = is_enabled(destination); /* then memory is ahead of the row */
    subscriber->destination = destination;
    destination->serial = serial;
    if (!known)
        read_health(destination, rows, row);
    struct webhook *webhook = webhook_from_row(d, rows, row);
    account->size += webhook->size;
    set_webhook(d, destination, webhook);
    if (!known && destination->failing) /* another dispatcher saw it fail, or this one in an earlier life */
        window_doubt(&destination->window);
}

void account_unload(struct dispatcher *d, struct account *account, uint64_t serial)
{
    drop_subscribers(d, account, serial, WEBHOOK_UNLOADED);
    account->unloaded = true;
    account->size = 0;
}

/* All patterns first: an account is loaded as a whole, or not at all. */
bool account_load(struct dispatcher *d, struct account *account, const PGresult *rows, int first, int past,
                  uint64_t serial)
{
    struct arena arena;
    size_t count = (size_t)(past - first);
    arena_init(&arena, ARENA_MAX);
    struct subscriber *subscribers = arena_alloc(&arena, (count + 1) * sizeof *subscribers);
    bool ok = subscribers != NULL;
    for (size_t i = 0; ok && i < count; i++)
        ok = read_patterns(&arena, &subscribers[i], rows, first + (int)i);
    if (!ok) {
        arena_fini(&arena);
        return false;
    }
    account->size = arena.total;
    for (size_t i = 0; i < count; i++)
        read_webhook(d, account, &subscribers[i], rows, first + (int)i, serial);
    drop_subscribers(d, account, serial, WEBHOOK_DELETED); /* whichever did not come again has vanished */
    account->arena = arena;
    account->subscribers = subscribers;
    account->subscriber_count = count;
    account->unloaded = false;
    return true;
}

/* False when it does not open. */
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

bool account_load_key(struct dispatcher *d, struct account *account, const struct text *sealed, struct error *error)
{
    secret_key_free(&account->data_key);
    account->keyless = sealed != NULL && !open_data_key(d, account, *sealed, error);
    return !account->keyless;
}
