/* change: shows who changed what. */
#include "command.h"

struct change_settings {
    struct globals globals;
    char *object, *actor;
    int64_t limit;
};

static bool change_list(struct context *context, const void *settings, struct error *error)
{
    const struct change_settings *given = settings;
    return context_show(
        context,
        "select * from (select changed_at, actor, address, program, object, object_id, action, before, after "
        "from audit.changes where ($1::text is null or object = $1) and ($2::text is null or actor = $2) "
        "order by changed_at desc limit $3) c order by changed_at",
        VALUES(store_text(given->object), store_text(given->actor), store_number(given->limit)), error);
}

static const struct setting list_table[] = {
    OPTION(change_settings, object, "object", NULL, "NAME",
           "only changes of account, webhook, subscription, source_key, event_type or setting", 0),
    OPTION(change_settings, actor, "by", NULL, "NAME", "only changes by this actor", 0),
    OPTION_COUNT(change_settings, limit, "limit", "50", 1, 1000000, "maximum number of rows; the newest are shown"),
    {0}};

const struct command change_commands[] = {{.noun = "change",
                                           .verb = "list",
                                           .about = "show who changed what, when and from where; secrets are not shown",
                                           .settings = list_table,
                                           .settings_size = sizeof(struct change_settings),
                                           .run = change_list},
                                          {0}};
