#include "fetch.h"

#include <inttypes.h>

#include "kafka.h"
#include "keeper.h"

#define UNREADABLE "unreadable at offset "
#define UNREADABLE_PAUSE SPAN_S(5)
#define UNCOUNTED_MAX (16 << 20) /* bytes in librdkafka's queue beside the values */
#define UNCOUNTED_WEIGHT 16      /* records in the running mean */

void fetch_start(struct dispatcher *d, struct partition *partition, int64_t offset)
{
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

/* What librdkafka does not count ------------------------------------------- */

void fetch_learn(struct dispatcher *d, size_t uncounted)
{
    d->uncounted += ((double)uncounted - d->uncounted) / UNCOUNTED_WEIGHT;
    d->read_since_drop = true;
}

static void drop_queue(struct dispatcher *d)
{
    struct partition *partition;
    log_info("fetch", "note=\"librdkafka's queue is dropped: keys and headers of %zu records\" bytes_each=%.0f",
             kafka_queued(d->kafka), d->uncounted);
    TAILQ_FOREACH(partition, claims_partitions(d), link)
    if (partition->state == PARTITION_RUNNING)
        fetch_stop(d, partition);
    d->queue_dropped = true;
}

static void fetch_again(struct dispatcher *d)
{
    struct partition *partition;
    TAILQ_FOREACH(partition, claims_partitions(d), link)
    if (partition->state == PARTITION_RUNNING && !partition->assigned && !partition->unreadable)
        fetch_start(d, partition, partition->read_offset);
    d->queue_dropped = d->read_since_drop = false;
}

void fetch_work(struct dispatcher *d)
{
    if (d->draining || claims_changing(d))
        return; /* librdkafka waits for the answer to a rebalance, and nothing else */
    if (d->queue_dropped) {
        if (memory_has_room(d) && kafka_queued(d->kafka) == 0)
            fetch_again(d);
    } else if (d->read_since_drop && (double)kafka_queued(d->kafka) * d->uncounted > UNCOUNTED_MAX) {
        drop_queue(d);
    }
}

/* What cannot be read -------------------------------------------------------- */

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
              "--kafka-properties if the records expand to more, or pass them: posthorn-admin position reset\"",
              partition->topic, (int)partition->number, offset, why);
    snprintf(text, sizeof text, UNREADABLE "%" PRId64 ": %s", offset, why);
    partition->unreadable = true;
    partition->unreadable_offset = offset;
    partition->retry_at = mono_add(loop_now(d->loop), UNREADABLE_PAUSE);
    keeper_stop_position(d, partition->position_id, partition->owner, text);
    fetch_stop(d, partition);
}

bool fetch_is_stopped(struct partition *partition, struct text stopped)
{
    char text[64];
    snprintf(text, sizeof text, "%.*s", TEXT_ARGS(stopped));
    partition->unreadable = sscanf(text, UNREADABLE "%" SCNd64, &partition->unreadable_offset) == 1;
    return stopped.size > 0 && !partition->unreadable;
}

void fetch_read(struct dispatcher *d, struct partition *partition, int64_t offset)
{
    if (!partition->unreadable || offset < partition->unreadable_offset)
        return;
    partition->unreadable = false;
    keeper_stop_position(d, partition->position_id, partition->owner, "");
    log_info("partition_readable", "topic=%s partition=%d offset=%" PRId64, partition->topic, (int)partition->number,
             offset);
}
