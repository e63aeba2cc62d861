#include "keep.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/sealed.h"

bool keep_seal(struct context *context, const char *column, const struct uuid *uuid, struct text plain,
               struct buffer *out, struct error *error)
{
    char place[SEALED_PLACE_SIZE];
    if (plain.data == NULL)
        return true;
    struct secret_key *key = context_master(context, error);
    return key != NULL && secret_seal(key, sealed_place(column, uuid->text, place), plain, out, error);
}

bool keep_open(struct context *context, const char *column, const struct uuid *uuid, struct text sealed,
               struct buffer *out, struct error *error)
{
    char place[SEALED_PLACE_SIZE];
    struct secret_key *key = context_master(context, error);
    if (key == NULL)
        return false;
    return secret_open(key, sealed_place(column, uuid->text, place), sealed, out, error) ||
           error_prefix(error, "%s of %s cannot be opened with this master key", column, uuid->text);
}

bool keep_data_key(struct context *context, const char *account, struct secret_key **key, struct error *error)
{
    struct uuid uuid;
    struct buffer plain;
    *key = NULL;
    PGresult *row = store_query(context->db, "select uuid, data_key from posthorn.account where key = $1",
                                VALUES(store_text(account)), error);
    if (row == NULL)
        return false;
    struct text sealed = PQntuples(row) == 1 ? store_cell_bytes(row, 0, "data_key") : (struct text){0};
    buffer_init(&plain, 256);
    bool ok = sealed.data == NULL || (uuid_parse(store_cell(row, 0, "uuid"), &uuid) &&
                                      keep_open(context, "account.data_key", &uuid, sealed, &plain, error));
    if (ok && plain.size == SECRET_KEY_SIZE)
        *key = secret_key_new((const unsigned char *)plain.data);
    secret_wipe(&plain);
    buffer_fini(&plain);
    PQfreemem((void *)sealed.data);
    PQclear(row);
    return ok;
}

struct store_value keep_value(const struct buffer *sealed)
{
    return store_bytes(sealed->size == 0 ? (struct text){0} : buffer_text(sealed));
}

static bool read_line(const char *name, struct buffer *out, struct error *error)
{
    char line[SECRET_MAX + 2];
    bool ok =
        fgets(line, sizeof line, stdin) != NULL || error_set(error, "--%s -: standard input has no further line", name);
    if (ok) {
        size_t size = strcspn(line, "\r\n");
        buffer_append(out, line, size);
    }
    explicit_bzero(line, sizeof line);
    return ok;
}

bool keep_read(const char *given, const char *name, struct buffer *out, struct error *error)
{
    if (given == NULL)
        return true;
    if (strcmp(given, "-") == 0) {
        if (!read_line(name, out, error))
            return false;
    } else {
        buffer_append_text(out, text_of(given));
    }
    if (out->size == 0 || out->failed || out->size > SECRET_MAX)
        return error_set(error, "--%s must have 1 to %d bytes", name, SECRET_MAX);
    for (size_t i = 0; i < out->size; i++)
        if (iscntrl((unsigned char)out->data[i]))
            return error_set(error, "--%s contains a control character", name);
    return true;
}
