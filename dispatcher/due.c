#include "due.h"

#include "event/extension.h"
#include "store/session.h"

/* Copies the plain bytes of a stored column into the arena. Returns false if that is not possible at present (memory is
 * short, or the data key does not open, which an operator can repair), or never (`why` is set). */
static bool read_stored(struct dispatcher *d, struct passage *passage, const struct account *account, bool sealed,
                        struct text place, struct text stored, struct text *out, const char **why)
{
    struct buffer plain;
    struct error error;
    if (!sealed)
        return arena_copy(&passage->arena, stored, out);
    if (!account_keeps_payloads(account))
        return *why = "the key of the account's payloads was destroyed", true;
    buffer_init(&plain, stored.size + 1);
    bool open = account_open_payload(d, account, place, stored, &plain, &error);
    bool ok = open && arena_copy(&passage->arena, buffer_text(&plain), out);
    if (!open && !account->keyless)
        *why = "the payload cannot be opened";
    buffer_fini(&plain);
    return ok || *why != NULL;
}

/* Reads the event's data and extensions. Returns false and sets `why` as read_stored(). */
static bool read_payload(struct dispatcher *d, struct passage *passage, const struct account *account,
                         const PGresult *rows, int row, const char **why)
{
    struct event *event = &passage->event;
    bool sealed = result_bool(rows, row, DUE_SEALED);
    *why = NULL;
    if (result_null(rows, row, DUE_PAYLOAD))
        return *why = "the payload is no longer stored", true;
    bool ok = read_stored(d, passage, account, sealed, TEXT("payload"), result_text(rows, row, DUE_PAYLOAD),
                          &event->data, why);
    if (!ok || *why != NULL || result_null(rows, row, DUE_EXTENSIONS))
        return ok;
    ok = read_stored(d, passage, account, sealed, TEXT("payload.extensions"), result_text(rows, row, DUE_EXTENSIONS),
                     &event->extensions, why);
    if (ok && *why == NULL &&
        !extensions_read(event->extensions, &passage->arena, &event->tracestate, &event->own_content_type))
        *why = "the event's extension attributes cannot be read";
    return ok;
}

static bool copy_attributes(struct passage *passage, const struct account *account, const PGresult *rows, int row)
{
    const struct {
        int column;
        struct text *to;
    } texts[] = {{DUE_TYPE, &passage->event.type},
                 {DUE_ID, &passage->event.id},
                 {DUE_SOURCE, &passage->event.source},
                 {DUE_TRACEPARENT, &passage->event.traceparent}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!arena_copy(&passage->arena, result_text(rows, row, texts[i].column), texts[i].to))
            return false;
    return arena_copy(&passage->arena, account->key, &passage->event.account);
}

struct passage *due_read(struct dispatcher *d, const struct account *account, const PGresult *rows, int row,
                         const char **why)
{
    struct passage *passage =
        passage_new(d, result_int4(rows, row, DUE_ACCOUNT),
                    (size_t)PQgetlength(rows, row, DUE_PAYLOAD) + (size_t)PQgetlength(rows, row, DUE_EXTENSIONS));
    if (passage == NULL)
        return NULL;
    passage_become(passage, PASSAGE_EVENT);
    passage->from_backlog = true;
    passage->position_id = result_int4(rows, row, DUE_POSITION);
    passage->offset = result_int8(rows, row, DUE_OFFSET);
    passage->period = result_int4(rows, row, DUE_PERIOD);
    passage->event.time = result_time(rows, row, DUE_TIME);
    if (!copy_attributes(passage, account, rows, row) || !read_payload(d, passage, account, rows, row, why)) {
        passage_release(d, passage);
        return NULL;
    }
    ids_hash(passage->event.account, passage->event.id, passage->hash);
    return passage;
}
