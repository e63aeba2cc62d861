#include "event_data.h"

#include "base/log.h"
#include "event/extension.h"
#include "store/sealed.h"

#define DATA_MAX (64u * 1024 * 1024)

static struct secret_key *data_key(const struct request *request, struct text sealed, struct error *error)
{
    char place[SEALED_PLACE_SIZE];
    struct buffer key;
    buffer_init(&key, 256);
    bool ok =
        secret_open(request->slot->master, sealed_place("account.data_key", request->caller.account_uuid.text, place),
                    sealed, &key, error) &&
        (key.size == SECRET_KEY_SIZE || error_set(error, "the data key has another size"));
    struct secret_key *opener = ok ? secret_key_new((const unsigned char *)key.data) : NULL;
    secret_wipe(&key);
    buffer_fini(&key);
    return opener;
}

/* Opens a value with the account's key, or with the master key if it was sealed while the account's key did not open.
 */
static bool open_sealed(const struct request *request, struct secret_key *key, struct text place, struct text sealed,
                        struct buffer *out, struct error *error)
{
    char master_place[SEALED_PLACE_SIZE];
    return (key != NULL && secret_open(key, place, sealed, out, error)) ||
           secret_open(request->slot->master,
                       sealed_place_of_payload(place, request->caller.account_uuid.bytes, master_place), sealed, out,
                       error);
}

/* Opens a column of the row, which may be null. */
static bool open_column(const struct request *request, const PGresult *row, const char *column, bool sealed,
                        struct secret_key *key, struct text place, struct buffer *out, struct error *error)
{
    struct text stored = store_cell_bytes(row, 0, column);
    bool ok = stored.data == NULL || !sealed || open_sealed(request, key, place, stored, out, error);
    if (stored.data != NULL && !sealed)
        buffer_append_text(out, stored);
    PQfreemem((void *)stored.data);
    return ok && (!out->failed || error_set(error, "the payload is larger than %u bytes", DATA_MAX));
}

static bool open_row(const struct request *request, const PGresult *row, struct event_payload *payload,
                     struct error *error)
{
    struct secret_key *key = NULL;
    bool sealed = store_cell_true(row, 0, "sealed");
    struct text sealed_key = store_cell_bytes(row, 0, "data_key");
    if (sealed && sealed_key.data == NULL) {
        error_set(error, "the account's key was destroyed");
        return false;
    }
    if (sealed)
        key = data_key(request, sealed_key, error);
    bool ok =
        open_column(request, row, "body", sealed, key, TEXT("payload"), &payload->data, error) &&
        open_column(request, row, "extensions", sealed, key, TEXT("payload.extensions"), &payload->extensions, error);
    secret_key_free(&key);
    PQfreemem((void *)sealed_key.data);
    return ok;
}

bool event_payload_read(struct request *request, const PGresult *found, struct event_payload *payload)
{
    struct error error = {0};
    PGresult *row = store_query(
        request->db,
        "select l.sealed, l.body, l.extensions, case when l.sealed then a.data_key end as data_key from posthorn.event "
        "e "
        "join posthorn.account a on a.id = e.account_id join posthorn.payload l on l.position_id = e.position_id and "
        "l.\"offset\" = e.\"offset\" and l.recorded_at = e.received_at where e.position_id = $1 and e.\"offset\" = $2 "
        "and "
        "e.period = $3",
        VALUES(store_number(store_cell_number(found, 0, "position_id")),
               store_number(store_cell_number(found, 0, "offset")), store_text(store_cell(found, 0, "period"))),
        &error);
    *payload = (struct event_payload){0};
    buffer_init(&payload->data, DATA_MAX);
    buffer_init(&payload->extensions, EXTENSIONS_SIZE_MAX);
    if (row == NULL)
        return fail_database(request, &error);
    if (PQntuples(row) == 1) {
        payload->kept = open_row(request, row, payload, &error);
        if (!payload->kept && store_cell(row, 0, "data_key") != NULL)
            log_error("payload", "account=%s text=\"%s\"", request->caller.account, error.text);
    }
    PQclear(row);
    return true;
}

void event_payload_fini(struct event_payload *payload)
{
    secret_wipe(&payload->data);
    secret_wipe(&payload->extensions);
    buffer_fini(&payload->data);
    buffer_fini(&payload->extensions);
}
