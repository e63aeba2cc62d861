/* event-type: the catalogue of event types. */
#include <string.h>

#include "check.h"
#include "command.h"

struct event_type_settings {
    struct globals globals;
    char *description, *dialect;
    int64_t limit;
};

static bool event_type_create(struct context *context, const void *settings, struct error *error)
{
    const struct event_type_settings *given = settings;
    const char *name = context->words[0];
    if (!text_is_visible_ascii(text_of(name)) || strchr(name, '*') != NULL)
        return error_set(
            error, "the event type '%.60s' must have 1 to 255 visible ASCII characters, and must not contain *", name);
    if (!check_among("dialect", given->dialect, DIALECTS, error))
        return false;
    return context_show_one(context,
                            "insert into posthorn.event_type (name, description, dialect) values ($1, $2, $3) on "
                            "conflict do nothing "
                            "returning name, description, dialect, created_at",
                            VALUES(store_text(name), store_text(given->description), store_text(given->dialect)),
                            error) &&
           (context->result != NULL || error_set(error, "the event type %.80s exists already", name));
}

static bool event_type_list(struct context *context, const void *settings, struct error *error)
{
    const struct event_type_settings *given = settings;
    return check_among("dialect", given->dialect, DIALECTS, error) &&
           context_show(context,
                        "select name, dialect, description, created_at from posthorn.event_type where $1::text is null "
                        "or dialect = $1 "
                        "order by dialect nulls last, name limit $2",
                        VALUES(store_text(given->dialect), store_number(given->limit)), error);
}

static const struct setting create_table[] = {
    OPTION(event_type_settings, description, "description", NULL, "TEXT", "what an event of this type means",
           SETTING_REQUIRED),
    OPTION(event_type_settings, dialect, "dialect", NULL, DIALECTS,
           "the catalogue to which it belongs; without this option, all catalogues", 0),
    {0}};

static const struct setting list_table[] = {
    OPTION(event_type_settings, dialect, "dialect", NULL, DIALECTS, "only this catalogue", 0),
    OPTION_COUNT(event_type_settings, limit, "limit", "1000", 1, 1000000, "maximum number of rows"),
    {0}};

const struct command event_type_commands[] = {{.noun = "event-type",
                                               .verb = "create",
                                               .words = "NAME",
                                               .least_words = 1,
                                               .most_words = 1,
                                               .about = "add an event type to the catalogue",
                                               .settings = create_table,
                                               .settings_size = sizeof(struct event_type_settings),
                                               .run = event_type_create},
                                              {.noun = "event-type",
                                               .verb = "list",
                                               .about = "list the catalogue",
                                               .settings = list_table,
                                               .settings_size = sizeof(struct event_type_settings),
                                               .run = event_type_list},
                                              {0}};
