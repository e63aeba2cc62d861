#include "fetch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kafka.h"
#include "tasks.h"

#define UNREADABLE "unreadable at offset "
#define UNREADABLE_PAUSE SPAN_S(5)
#define UNCOUNTED_MAX (16 << 20) /* bytes of keys and headers in librdkafka's queue */
#define UNCOUNTED_WEIGHT 16      /* number of records in the running mean */

struct fetcher {
    double uncounted;     /* mean bytes of a record that librdkafka's queue does not count */
    bool read_since_drop; /* a record was read since the queue was last dropped: the queue is dropped again only after
                             some progress */
    bool queue_dropped;   /* the partitions are unassigned for that reason */
};

struct fetcher *fetcher_new(struct error *error)
{
    struct fetcher *fetcher = calloc(1, sizeof *fetcher);
    if (fetcher == NULL)
        error_set(error, "no memory");
    return fetcher;
}

void fetcher_free(struct fetcher **fetcher)
{
    free(*fetcher);
    *fetcher = NULL;
}

void fetch_start(struct dispatcher *d, struct partition *partition, int64_t offset)
{
    invariant(!partition->assigned);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, partition->topic, partition->number)->offset =
        offset >= 0 ? offset : RD_KAFKA_OFFSET_BEGINNING;
    kafka_assign(d, list);
    rd_kafka_topic_partition_list_destroy(list);
    partition->assigned = true;
}

void fetch_stop(struct dispatcher *d, struct partition *partition)
{
    if (!partition->assigned)
        return;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, partition->topic, partition->number);
    kafka_unassign(d, list);
    rd_kafka_topic_partition_list_destroy(list);
    partition->assigned = false;
}

/* Keys and headers ---------------------------------------------------------- */

void fetch_learn(struct dispatcher *d, size_t uncounted)
{
    d->fetcher->uncounted += ((double)uncounted - d->fetcher->uncounted) / UNCOUNTED_WEIGHT;
    d->fetcher->read_since_drop = true;
}

static void drop_queue(struct dispatcher *d)
{
    struct partition *partition;
    log_info("fetch",
             "note=\"librdkafka's queue was dropped because of the keys and headers of %zu records\" bytes_each=%.0f",
             kafka_queued(d->kafka), d->fetcher->uncounted);
    TAILQ_FOREACH(partition, partitions_all(d), link)
    if (partition->state == PARTITION_RUNNING)
        fetch_stop(d, partition);
    d->fetcher->queue_dropped = true;
}

static void fetch_again(struct dispatcher *d)
{
    struct partition *partition;
    TAILQ_FOREACH(partition, partitions_all(d), link)
    if (partition->state == PARTITION_RUNNING && !partition->assigned && !partition->unreadable)
        fetch_start(d, partition, partition->read_offset);
    d->fetcher->queue_dropped = d->fetcher->read_since_drop = false;
}

void fetch_work(struct dispatcher *d)
{
    if (d->draining)
        return;
    if (d->fetcher->queue_dropped) {
        if (memory_has_room(d) && kafka_queued(d->kafka) == 0)
            fetch_again(d);
    } else if (d->fetcher->read_since_drop && (double)kafka_queued(d->kafka) * d->fetcher->uncounted > UNCOUNTED_MAX) {
        drop_queue(d);
    }
}

void fetch_tell_stopped(struct dispatcher *d, const struct partition *partition, const char *why)
{
    struct task task = {.statement =
                            "update posthorn.position set stopped = nullif($3, '') where id = $1 and owner = $2",
                        .who = "stop",
                        .id = partition->position_id};
    memcpy(task.owner, partition->owner, sizeof task.owner);
    snprintf(task.text, sizeof task.text, "%s", why);
    tasks_add(d, &task);
}

/* Unreadable records --------------------------------------------------------- */

bool fetch_is_unreadable(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR__BAD_COMPRESSION || error == RD_KAFKA_RESP_ERR__BAD_MSG ||
           error == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED || error == RD_KAFKA_RESP_ERR_INVALID_MSG ||
           error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
}

void fetch_unreadable(struct dispatcher *d, struct partition *partition, int64_t offset, const char *why)
{
    char text[200];
    log_error("partition_unreadable",
              "topic=%s partition=%d offset=%" PRId64 " reason=\"%s\" do=\"raise receive.message.max.bytes in "
              "--kafka-properties if the records expand to more, or skip them: posthorn-admin position reset\"",
              partition->topic, (int)partition->number, offset, why);
    snprintf(text, sizeof text, UNREADABLE "%" PRId64 ": %s", offset, why);
    partition->unreadable = true;
    partition->unreadable_offset = offset;
    partition->retry_at = mono_add(loop_now(d->loop), UNREADABLE_PAUSE);
    fetch_tell_stopped(d, partition, text);
    fetch_stop(d, partition);
}

bool fetch_is_stopped(struct partition *partition, struct text stopped)
{
    char text[64], *end = text;
    snprintf(text, sizeof text, "%.*s", TEXT_ARGS(stopped));
    if (text_starts(stopped, TEXT(UNREADABLE)))
        partition->unreadable_offset = strtoll(text + strlen(UNREADABLE), &end, 10);
    partition->unreadable = end > text && *end == ':';
    return stopped.size > 0 && !partition->unreadable;
}

void fetch_read(struct dispatcher *d, struct partition *partition, int64_t offset)
{
    if (!partition->unreadable || offset < partition->unreadable_offset)
        return;
    partition->unreadable = false;
    fetch_tell_stopped(d, partition, "");
    log_info("partition_readable", "topic=%s partition=%d offset=%" PRId64, partition->topic, (int)partition->number,
             offset);
}
