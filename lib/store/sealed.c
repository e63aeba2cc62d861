#include "store/sealed.h"

#include <assert.h>
#include <stdio.h>

const struct sealed_column sealed_columns[] = {
    {.table = "account", .column = "data_key"},
    {.table = "account", .column = "signature_key"},
    {.table = "source_key", .column = "secret"},
    {.table = "webhook", .column = "auth_secret"},
    {.table = "webhook", .column = "secret"},
    {.table = "webhook", .column = "previous_secret"},
    {.table = "webhook", .column = "client_key"},
    /* first, because it is copied into the next column when it is confirmed */
    {.table = "console_session",
     .column = "totp_pending",
     .place = "api_user.totp_secret",
     .of = "(select u.uuid from posthorn.api_user u where u.id = t.user_id)"},
    {.table = "api_user", .column = "totp_secret"},
    {.table = "server_key", .column = "secret"},
    {0}};

static bool is_column(const struct sealed_column *one, const char *column)
{
    size_t table = strlen(one->table);
    return strncmp(one->table, column, table) == 0 && column[table] == '.' &&
           strcmp(one->column, column + table + 1) == 0;
}

struct text sealed_place(const char *column, const char *uuid, char out[static SEALED_PLACE_SIZE])
{
    const struct sealed_column *one = sealed_columns;
    while (one->table != NULL && !is_column(one, column))
        one++;
    assert(one->table != NULL && "the column is missing in the table above");
    return (struct text){out, (size_t)snprintf(out, SEALED_PLACE_SIZE, "%s:%s", column, uuid)};
}

struct text sealed_place_of_payload(struct text column, const unsigned char account[static UUID_SIZE],
                                    char out[static SEALED_PLACE_SIZE])
{
    struct uuid of;
    uuid_from_bytes(account, &of);
    return (struct text){out, (size_t)snprintf(out, SEALED_PLACE_SIZE, "%.*s:%s", TEXT_ARGS(column), of.text)};
}

struct text sealed_place_of_record(const char *topic, long long partition, long long offset,
                                   char out[static SEALED_PLACE_SIZE])
{
    return (struct text){
        out, (size_t)snprintf(out, SEALED_PLACE_SIZE, "dead_letter:%.249s:%lld:%lld", topic, partition, offset)};
}
