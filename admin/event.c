/* event: shows an event with its deliveries and attempts. */
#include "command.h"
#include "keep.h"
#include "store/lookup.h"
#include "store/response.h"

struct event_settings {
    struct globals globals;
    char *account;
};

#define DELIVERIES                                                                                                     \
    "coalesce((select jsonb_agg(to_jsonb(d) - 'event_id' - 'event_type' - 'account' order by d.webhook_id) from "      \
    "posthorn.delivery_shown d "                                                                                       \
    "where d.event_id = e.event_id and d.account = a.key), '[]') as deliveries"
#define ATTEMPTS                                                                                                       \
    "coalesce((select jsonb_agg(to_jsonb(t) - 'event_id' - 'event_type' - 'account' - 'recorded_at' - 'period' "       \
    "order by t.started_at) "                                                                                          \
    "from posthorn.attempt_shown t where t.event_id = e.event_id and t.account = a.key), '[]') as attempts"

/* Opens the responses if the account keeps them sealed; null without the master key, or after they were erased. */
static bool open_responses(struct context *context, struct error *error)
{
    struct secret_key *key = NULL;
    if (!response_is_sealed(context->result))
        return true;
    if (context->globals->master_key != NULL && *context->globals->master_key != '\0' &&
        !keep_data_key(context, json_string_value(json_object_get(context->result, "account")), &key, error))
        return false;
    response_open(context->result, key);
    secret_key_free(&key);
    return true;
}

static bool show(struct context *context, const PGresult *found, struct error *error)
{
    return context_show_one(
               context,
               "select e.event_id, e.event_type, a.key as account, e.source, e.occurred_at, e.received_at, s.topic, "
               "s.partition, e.\"offset\", "
               "encode(e.payload_sha256, 'hex') as payload_sha256, l.body is not null as payload_kept, "
               "e.traceparent, " DELIVERIES ", " ATTEMPTS " from posthorn.event e join posthorn.account a on a.id = "
               "e.account_id join posthorn.position s on s.id = e.position_id "
               "left join posthorn.payload l on l.position_id = e.position_id and l.\"offset\" = e.\"offset\" and "
               "l.recorded_at = e.received_at "
               "where e.position_id = $1 and e.\"offset\" = $2 and e.period = $3",
               VALUES(store_number(store_cell_number(found, 0, "position_id")),
                      store_number(store_cell_number(found, 0, "offset")), store_text(store_cell(found, 0, "period"))),
               error) &&
           open_responses(context, error);
}

/* Returns the first row of another account than that of row 0, or 0. (An account may have an id twice, if the second
 * event came after the window; the newest counts.) */
static int other_account(const PGresult *found)
{
    for (int row = 1; row < PQntuples(found); row++)
        if (store_cell_number(found, row, "account_id") != store_cell_number(found, 0, "account_id"))
            return row;
    return 0;
}

static bool event_show(struct context *context, const void *settings, struct error *error)
{
    const struct event_settings *given = settings;
    const char *name = context->words[0];
    PGresult *found = lookup_event(context->db, name, given->account, error);
    if (found == NULL)
        return false;
    bool ok;
    int other = other_account(found);
    if (PQntuples(found) == 0)
        ok = error_set(error,
                       "there is no event %.80s; it has not been consumed yet, is a dead letter (dead-letter list), or "
                       "was dropped because of its age",
                       name);
    else if (other > 0)
        ok = error_set(error, "events of several accounts, such as %.80s and %.80s, have the id %.80s; give --account",
                       store_cell(found, 0, "account"), store_cell(found, other, "account"), name);
    else
        ok = show(context, found, error);
    PQclear(found);
    return ok;
}

static const struct setting show_table[] = {
    OPTION(event_settings, account, "account", NULL, "KEY", "the account of the event", 0), {0}};

const struct command event_commands[] = {
    {.noun = "event",
     .verb = "show",
     .words = "ID",
     .least_words = 1,
     .most_words = 1,
     .about = "show an event with its deliveries and attempts, by any form of its id",
     .details = "The forms are: the producer's own id; 64 hexadecimal digits (merchant); evt_ and 22 characters "
                "(devengo); not_ and 32 characters (payconex).",
     .settings = show_table,
     .settings_size = sizeof(struct event_settings),
     .run = event_show},
    {0}};
