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

/* Calls a statement that does a part of some work, each time in a transaction of its own, while its column "more" is
 * true. Returns the sum of its column "done", or -1. */
static json_int_t repeat(struct context *context, const char *sql, struct error *error)
{
    json_int_t sum = 0;
    bool more;
    do {
        if (!context_show_one(context, sql, NO_VALUES, error))
            return -1;
        sum += json_integer_value(json_object_get(context->result, "done"));
        more = json_is_true(json_object_get(context->result, "more"));
        json_decref(context->result);
        context->result = NULL;
    } while (more);
    return sum;
}

static bool partitions_drop(struct context *context, const void *settings, struct error *error)
{
    (void)settings;
    json_int_t closed = repeat(context, "select closed as done, more from posthorn.close_books('1 s')", error);
    json_int_t dropped =
        closed < 0 ? -1 : repeat(context, "select e.more::int as done, e.more from posthorn.expire() e (more)", error);
    if (dropped < 0)
        return false;
    context->result = json_pack("{s:I, s:I}", "dropped", dropped, "sealed", closed);
    return true;
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
     .about =
         "close what the audit need not count again, then drop partitions that are older than posthorn.setting allows",
     .details = "A partition is kept while a pending delivery belongs to it, while anything of its day is missing, and "
                "while it is being read; a later call drops it. Run this command once an hour, from a timer.",
     .flags = COMMAND_OWN_TRANSACTIONS,
     .run = partitions_drop},
    {0}};
