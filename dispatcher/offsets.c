#include "offsets.h"

#include <stdlib.h>

#include "base/fault.h"

#define PAUSE SPAN_S(1)

struct offsets {
    rd_kafka_topic_partition_list_t *list;
    struct mono commit_at;
};

struct offsets *offsets_new(struct error *error)
{
    struct offsets *offsets = calloc(1, sizeof *offsets);
    if (offsets == NULL)
        error_set(error, "no memory");
    else
        offsets->list = rd_kafka_topic_partition_list_new(8);
    return offsets;
}

void offsets_free(struct offsets **offsets)
{
    if (*offsets != NULL)
        rd_kafka_topic_partition_list_destroy((*offsets)->list);
    free(*offsets);
    *offsets = NULL;
}

void offsets_remember(struct dispatcher *d, const char *topic, int32_t partition, int64_t next_offset)
{
    rd_kafka_topic_partition_list_t *list = d->offsets->list;
    rd_kafka_topic_partition_t *known = rd_kafka_topic_partition_list_find(list, topic, partition);
    if (known == NULL)
        known = rd_kafka_topic_partition_list_add(list, topic, partition);
    known->offset = next_offset;
}

void offsets_commit(struct dispatcher *d)
{
    struct offsets *offsets = d->offsets;
    if (offsets->list->cnt == 0)
        return;
    fault_point("before-kafka-commit");
    kafka_commit(d, offsets->list);
    rd_kafka_topic_partition_list_destroy(offsets->list);
    offsets->list = rd_kafka_topic_partition_list_new(8);
}

void offsets_work(struct dispatcher *d)
{
    struct offsets *offsets = d->offsets;
    if (mono_before(loop_now(d->loop), offsets->commit_at))
        return;
    offsets->commit_at = mono_add(loop_now(d->loop), PAUSE);
    offsets_commit(d);
}
