/* position: shows how far each partition was consumed, and resets a stopped one. */
#include <string.h>

#include "check.h"
#include "kafka.h"

struct position_settings {
    struct globals globals;
    char *topic, *partition, *to, *source;
    bool all;
    int64_t limit;
};

static bool position_list(struct context *context, const void *settings, struct error *error)
{
    const struct position_settings *given = settings;
    return context_show(
        context,
        "select p.source, p.topic, p.partition, p.log_epoch, p.next_offset, d.name as dispatcher, p.claimed_at, "
        "p.stopped "
        "from posthorn.position p left join posthorn.dispatcher d on d.id = p.dispatcher_id "
        "where ($1::text is null or p.topic = $1) and ($2 = 1 or not exists (select from posthorn.position n "
        "where n.source = p.source and n.topic = p.topic and n.partition = p.partition and n.log_epoch > p.log_epoch)) "
        "order by p.source, p.topic, p.partition, p.log_epoch limit $3",
        VALUES(store_text(given->topic), store_number(given->all), store_number(given->limit)), error);
}

/* The position before a reset. */
struct old_position {
    long long id, next; /* next -1: nothing was consumed */
    int epoch;
};

/* Locks all epochs of the partition: a claim waits, and then takes the epoch that is made here. */
static bool lock(struct context *context, const struct position_settings *given, long long partition,
                 struct old_position *old, struct error *error)
{
    PGresult *rows =
        store_query(context->db,
                    "select id, log_epoch, coalesce(next_offset, -1) as next from posthorn.position "
                    "where source = $1 and topic = $2 and partition = $3 order by log_epoch desc for no key update",
                    VALUES(store_text(given->source), store_text(given->topic), store_number(partition)), error);
    if (rows == NULL)
        return false;
    bool found = PQntuples(rows) > 0;
    if (found)
        *old = (struct old_position){store_cell_number(rows, 0, "id"), store_cell_number(rows, 0, "next"),
                                     (int)store_cell_number(rows, 0, "log_epoch")};
    PQclear(rows);
    return found ||
           error_set(error, "there is no position of %.80s, partition %lld, from %.40s; position list shows all",
                     given->topic, partition, given->source);
}

/* Counts events above the position that intake stored but the position never passed. When they are read again in the
 * new epoch, they are taken over (posthorn.take_over()); pending rows of the others stay. */
static bool count_unpassed(struct context *context, const struct old_position *old, struct error *error)
{
    return context_show_one(
        context, "select count(*) as events_not_passed from posthorn.event where position_id = $1 and \"offset\" >= $2",
        VALUES(store_number(old->id), store_number(old->next)), error);
}

static bool renew(struct context *context, const struct old_position *old, long long start, struct error *error)
{
    return store_run(context->db, "update posthorn.position set owner = null, dispatcher_id = null where id = $1",
                     VALUES(store_number(old->id)), error) &&
           store_run(
               context->db,
               "insert into posthorn.position (source, topic, partition, log_epoch, next_offset) "
               "select source, topic, partition, log_epoch + 1, nullif($2, -1) from posthorn.position where id = $1",
               VALUES(store_number(old->id), store_number(start)), error);
}

/* Describes the effect of the reset on the records between. */
static void describe(struct context *context, const struct position_settings *given, const struct old_position *old,
                     long long start, const long long *bounds)
{
    char text[256];
    long long from = start < 0 ? (bounds != NULL ? bounds[0] : 0) : start;
    if (old->next < 0 || from == old->next)
        snprintf(text, sizeof text, "nothing, if the log is the same");
    else if (from > old->next)
        snprintf(text, sizeof text, "%lld offsets, %lld to %lld, if the log is the same", from - old->next, old->next,
                 from - 1);
    else
        snprintf(text, sizeof text,
                 "nothing; %lld offsets, %lld to %lld, are read again: events that were recorded become repeats",
                 old->next - from, from, old->next - 1);
    json_t *shown = json_pack("{s:s, s:s, s:i, s:o, s:o, s:s}", "source", given->source, "topic", given->topic,
                              "log_epoch", old->epoch + 1, "was", old->next < 0 ? json_null() : json_integer(old->next),
                              "next_offset", start < 0 ? json_null() : json_integer(start), "skipped", text);
    if (bounds != NULL) {
        json_object_set_new(shown, "log_begins", json_integer(bounds[0]));
        json_object_set_new(shown, "log_ends", json_integer(bounds[1]));
    }
    json_object_update(shown, context->result);
    json_decref(context->result);
    context->result = shown;
}

/* Determines the offset to start at; -1: the beginning. */
static bool start_of(const char *to, const long long *bounds, long long *start, struct error *error)
{
    *start = -1;
    if (strcmp(to, "beginning") == 0)
        return true;
    if (bounds != NULL && strcmp(to, "end") == 0)
        return *start = bounds[1], true;
    if (!check_number("--to", to, 0, INT64_MAX, start, error))
        return error_prefix(error, "beginning, end, or an offset");
    if (bounds != NULL && (*start < bounds[0] || *start > bounds[1]))
        return error_set(error, "--to: the log begins at offset %lld and ends at %lld; %lld is outside", bounds[0],
                         bounds[1], *start);
    return true;
}

static bool position_reset(struct context *context, const void *settings, struct error *error)
{
    const struct position_settings *given = settings;
    long long partition, start, bounds[2];
    struct old_position old = {0};
    bool end = strcmp(given->to, "end") == 0, ask = end || given->globals.kafka_brokers != NULL;
    if (!check_number("--partition", given->partition, 0, INT32_MAX, &partition, error) ||
        (ask && !kafka_bounds(context, given->topic, (int)partition, &bounds[0], &bounds[1], error)) ||
        !start_of(given->to, ask ? bounds : NULL, &start, error) || !lock(context, given, partition, &old, error) ||
        !count_unpassed(context, &old, error) || !renew(context, &old, start, error))
        return false;
    describe(context, given, &old, start, ask ? bounds : NULL);
    json_object_set_new(context->result, "partition", json_integer(partition));
    return true;
}

#define TOPIC(flags) OPTION(position_settings, topic, "topic", NULL, "TOPIC", "only this topic", flags)

static const struct setting list_table[] = {
    TOPIC(0),
    OPTION_FLAG(position_settings, all, "all", "include earlier epochs of a log"),
    OPTION_COUNT(position_settings, limit, "limit", "10000", 1, 1000000, "maximum number of rows"),
    {0}};

static const struct setting reset_table[] = {
    TOPIC(SETTING_REQUIRED),
    OPTION(position_settings, partition, "partition", NULL, "N", "the partition", SETTING_REQUIRED),
    OPTION(position_settings, to, "to", NULL, "beginning|end|OFFSET", "where to continue", SETTING_REQUIRED),
    OPTION(position_settings, source, "source", "kafka", "NAME",
           "the name of the Kafka cluster, as in the dispatchers' --source", 0),
    {0}};

const struct command position_commands[] = {
    {.noun = "position",
     .verb = "list",
     .about = "list positions: how far each partition has been processed, by which dispatcher, and why it is stopped",
     .settings = list_table,
     .settings_size = sizeof(struct position_settings),
     .run = position_list},
    {.noun = "position",
     .verb = "reset",
     .about = "start a new epoch of a partition's log at another offset; a stopped partition continues",
     .details = "For a topic that was created again, or a log that lost records before they were read. The dispatcher "
                "that owns the partition detects the change at the next record, and claims the partition again. "
                "Recorded deliveries are not repeated. With --kafka-brokers, the offset is checked against the log.",
     .settings = reset_table,
     .settings_size = sizeof(struct position_settings),
     .run = position_reset},
    {0}};
