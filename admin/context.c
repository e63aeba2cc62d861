#include "command.h"

#include <pwd.h>
#include <unistd.h>

#include "output.h"

bool context_begin(struct context *context, struct error *error)
{
    const struct passwd *user = getpwuid(getuid());
    const char *actor = context->globals->actor != NULL ? context->globals->actor : user != NULL ? user->pw_name : NULL;
    return store_run(context->db, "begin", NO_VALUES, error) &&
           store_run(context->db, "select set_config('posthorn.actor', coalesce($1, ''), true)",
                     VALUES(store_text(actor)), error);
}

struct secret_key *context_master(struct context *context, struct error *error)
{
    const char *hex = context->globals->master_key;
    if (context->master != NULL)
        return context->master;
    if (hex == NULL || *hex == '\0')
        error_set(error,
                  "--master-key is missing: give it, or set POSTHORN_MASTER_KEY or POSTHORN_MASTER_KEY_FILE; this "
                  "command seals or opens secrets");
    else
        context->master = secret_key_parse(hex, error);
    return context->master;
}

bool context_show(struct context *context, const char *sql, const struct store_value *values, size_t count,
                  struct error *error)
{
    PGresult *rows = store_query(context->db, sql, values, count, error);
    if (rows == NULL)
        return false;
    json_decref(context->result);
    context->result = output_rows(rows);
    PQclear(rows);
    return context->result != NULL || error_set(error, "no memory");
}

bool context_show_one(struct context *context, const char *sql, const struct store_value *values, size_t count,
                      struct error *error)
{
    if (!context_show(context, sql, values, count, error))
        return false;
    json_t *row = json_incref(json_array_get(context->result, 0));
    json_decref(context->result);
    context->result = row;
    return true;
}
