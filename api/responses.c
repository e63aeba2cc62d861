#include "responses.h"

#include "base/log.h"
#include "store/response.h"
#include "store/sealed.h"

/* Returns NULL if the key was destroyed or does not open. */
static struct secret_key *open_key(struct request *request, struct text sealed)
{
    char place[SEALED_PLACE_SIZE];
    struct error error;
    struct buffer bytes;
    struct secret_key *key = NULL;
    buffer_init(&bytes, 256);
    if (sealed.data != NULL &&
        !secret_open(request->slot->master, sealed_place("account.data_key", request->caller.account_uuid.text, place),
                     sealed, &bytes, &error))
        log_error("data_key", "account=%s text=\"%s\"", request->caller.account, error.text);
    else if (bytes.size == SECRET_KEY_SIZE)
        key = secret_key_new((const unsigned char *)bytes.data);
    secret_wipe(&bytes);
    buffer_fini(&bytes);
    return key;
}

bool responses_open(struct request *request, json_t *json)
{
    struct error error;
    if (!response_is_sealed(json))
        return true;
    PGresult *row = store_query(request->db, "select data_key from posthorn.account where id = $1",
                                VALUES(store_number(request->caller.account_id)), &error);
    if (row == NULL)
        return fail_database(request, &error);
    struct text sealed = store_cell_bytes(row, 0, "data_key");
    struct secret_key *key = open_key(request, sealed);
    response_open(json, key);
    secret_key_free(&key);
    PQfreemem((void *)sealed.data);
    PQclear(row);
    return true;
}
