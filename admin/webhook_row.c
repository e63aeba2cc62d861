/* webhook: finds the row of a command. */
#include "webhook.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

static void copy_cell(char *to, size_t size, const PGresult *rows, const char *column)
{
    const char *text = store_cell(rows, 0, column);
    snprintf(to, size, "%s", text != NULL ? text : "");
}

bool webhook_find(struct context *context, struct webhook_row *row, struct error *error)
{
    const char *word = context->words[0];
    if (!uuid_parse(word, &row->uuid))
        return error_set(
            error,
            "'%.80s' is not a webhook id: a UUID, wbh_ and 32 hexadecimal digits, or whk_ and 22 letters and digits",
            word);
    PGresult *rows = store_query(
        context->db,
        "select w.id, w.account_id, a.dialect, w.status, w.secret is not null as has_secret from posthorn.webhook w "
        "join posthorn.account a on a.id = w.account_id where w.uuid = $1 for update of w",
        VALUES(store_text(row->uuid.text)), error);
    if (rows == NULL)
        return false;
    bool ok = PQntuples(rows) == 1 || error_set(error, "there is no webhook %.80s; webhook list shows all", word);
    if (ok) {
        row->id = (int)store_cell_number(rows, 0, "id");
        row->account_id = (int)store_cell_number(rows, 0, "account_id");
        row->has_secret = store_cell_true(rows, 0, "has_secret");
        copy_cell(row->dialect, sizeof row->dialect, rows, "dialect");
        copy_cell(row->status, sizeof row->status, rows, "status");
        if (strcmp(row->status, "deleted") == 0)
            ok = error_set(error, "the webhook %.80s was deleted; create another one", word);
    }
    PQclear(rows);
    return ok;
}

bool webhook_show_row(struct context *context, int id, struct error *error)
{
    return context_show_one(context, "select " WEBHOOK_SHOWN "where w.id = $1", VALUES(store_number(id)), error);
}
