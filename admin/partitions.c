/* partitions: the daily partitions of the large tables. */
#include "command.h"

static bool partitions_list(struct context *context, const void *settings, struct error *error)
{
    (void)settings;
    return context_show(
        context,
        "select p.relname as \"table\", to_date(right(c.relname, 8), 'YYYYMMDD')::text as first_day, c.relname as "
        "partition, "
        "case when c.reltuples >= 0 then c.reltuples::bigint end as rows_about, pg_total_relation_size(c.oid) as bytes "
        "from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent "
        "where p.relnamespace = 'posthorn'::regnamespace and c.relkind = 'r' order by 1, 2",
        NO_VALUES, error);
}

static bool partitions_make(struct context *context, const void *settings, struct error *error)
{
    (void)settings;
    return context_show_one(context, "select posthorn.make_partitions() as made", NO_VALUES, error);
}

static bool partitions_drop(struct context *context, const void *settings, struct error *error)
{
    (void)settings;
    if (!context_show_one(context, "select posthorn.seal_chunks() as sealed", NO_VALUES, error))
        return false;
    json_t *sealed = context->result;
    context->result = NULL;
    bool ok = context_show_one(context, "select posthorn.drop_partitions() as dropped", NO_VALUES, error);
    if (ok)
        json_object_update(context->result, sealed);
    json_decref(sealed);
    return ok;
}

const struct command partitions_commands[] = {
    {.noun = "partitions", .verb = "list", .about = "list partitions and their sizes", .run = partitions_list},
    {.noun = "partitions",
     .verb = "make",
     .about = "create partitions in advance, as set in posthorn.setting; safe at any time",
     .details =
         "The dispatcher creates a missing partition when it needs it. Run this command once a day, from a timer.",
     .run = partitions_make},
    {.noun = "partitions",
     .verb = "drop",
     .about = "close finished hours of the audit, then drop partitions that are older than posthorn.setting allows",
     .details = "A partition is kept while a pending delivery belongs to it, while anything of its day is missing, and "
                "while it is being read; a later call drops it. Run this command once an hour, from a timer.",
     .run = partitions_drop},
    {0}};
