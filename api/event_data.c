#include "event_data.h"

#include "base/log.h"
#include "store/sealed.h"

#define DATA_MAX (64u * 1024 * 1024)

static bool open_payload(struct request *request, struct text sealed_key, struct text sealed, struct buffer *plain,
                         struct error *error)
{
    char place[SEALED_PLACE_SIZE];
    struct buffer key;
    buffer_init(&key, 256);
    bool ok =
        secret_open(request->slot->master, sealed_place("account.data_key", request->caller.account_uuid.text, place),
                    sealed_key, &key, error) &&
        (key.size == SECRET_KEY_SIZE || error_set(error, "the data key has another size"));
    struct secret_key *opener = ok ? secret_key_new((const unsigned char *)key.data) : NULL;
    ok = opener != NULL && secret_open(opener, TEXT("payload"), sealed, plain, error);
    secret_key_free(&opener);
    secret_wipe(&key);
    buffer_fini(&key);
    return ok;
}

bool event_bytes(struct request *request, const PGresult *found, struct buffer *plain, bool *kept)
{
    struct error error = {0};
    PGresult *row = store_query(
        request->db,
        "select l.sealed, l.body, a.data_key from posthorn.event e join posthorn.account a on a.id = e.account_id join "
        "posthorn.payload l on l.position_id = e.position_id and l.\"offset\" = e.\"offset\" and l.recorded_at = "
        "e.received_at where e.position_id = $1 and e.\"offset\" = $2 and e.period = $3",
        VALUES(store_number(store_cell_number(found, 0, "position_id")),
               store_number(store_cell_number(found, 0, "offset")), store_text(store_cell(found, 0, "period"))),
        &error);
    if (row == NULL)
        return fail_database(request, &error);
    *kept = PQntuples(row) == 1;
    bool sealed = *kept && store_cell_true(row, 0, "sealed");
    struct text body = *kept ? store_cell_bytes(row, 0, "body") : (struct text){0};
    struct text key = *kept ? store_cell_bytes(row, 0, "data_key") : (struct text){0};
    buffer_init(plain, DATA_MAX);
    if (!sealed)
        buffer_append_text(plain, body);
    else if (key.data == NULL || !open_payload(request, key, body, plain, &error))
        *kept = false;
    if (sealed && !*kept && key.data != NULL)
        log_error("payload", "account=%s text=\"%s\"", request->caller.account, error.text);
    PQfreemem((void *)body.data);
    PQfreemem((void *)key.data);
    PQclear(row);
    return true;
}

bool event_data(struct request *request, const PGresult *found, json_t **data)
{
    struct buffer plain;
    bool kept;
    if (!event_bytes(request, found, &plain, &kept))
        return false;
    *data = kept ? json_loadb(plain.data, plain.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
    if (*data == NULL)
        *data = json_null();
    secret_wipe(&plain);
    buffer_fini(&plain);
    return true;
}
