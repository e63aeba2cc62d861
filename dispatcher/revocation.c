#include "revocation.h"

#include <stdlib.h>

#include "flush.h"
#include "kafka.h"
#include "park.h"

#define LONGEST SPAN_S(10)

struct revocations {
    rd_kafka_topic_partition_list_t *answer; /* sent when no partition is REVOKING any more; NULL: no answer is due */
};

struct revocations *revocations_new(struct error *error)
{
    struct revocations *revocations = calloc(1, sizeof *revocations);
    if (revocations == NULL)
        error_set(error, "no memory");
    return revocations;
}

void revocations_free(struct revocations **revocations)
{
    if (*revocations != NULL && (*revocations)->answer != NULL)
        rd_kafka_topic_partition_list_destroy((*revocations)->answer);
    free(*revocations);
    *revocations = NULL;
}

bool revocation_is_pending(const struct dispatcher *d)
{
    return d->revocations->answer != NULL;
}

void revocation_drop(struct dispatcher *d, struct partition *partition)
{
    struct passage *passage;
    while ((passage = partition_take(partition)) != NULL) {
        passage_become(passage, PASSAGE_SKIPPED);
        park_drop_waiting(d, passage);
        passage_release(d, passage);
    }
    flush_forget(d, partition->position_id);
    partition->needs_fence = false;
}

void revocation_forget(struct dispatcher *d, struct partition *partition)
{
    revocation_drop(d, partition);
    partition_free(d, partition);
}

/* Parks the deliveries that are not over, so that the next owner sends nothing twice. */
static void start_revoking(struct dispatcher *d, struct partition *partition)
{
    struct passage *passage;
    TAILQ_FOREACH(passage, &partition->passages, link)
    {
        if (passage->fanned)
            park_passage(d, passage);
        else
            passage_become(passage, PASSAGE_SKIPPED); /* the next owner reads it; the position stops before it */
    }
    partition->revoke_seq = flush_next_seq(d);
    invariant(partition->revoke_seq > flush_ended_seq(d));
    partition->revoke_deadline = mono_add(loop_now(d->loop), LONGEST);
    partition_become(partition, PARTITION_REVOKING);
}

static void answer_revocation(struct dispatcher *d)
{
    struct revocations *revocations = d->revocations;
    struct partition *partition;
    TAILQ_FOREACH(partition, partitions_all(d), link)
    if (partition->state == PARTITION_REVOKING)
        return;
    if (revocations->answer == NULL)
        return;
    kafka_unassign(d, revocations->answer);
    rd_kafka_topic_partition_list_destroy(revocations->answer);
    revocations->answer = NULL;
}

void revocation_begin(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions, bool lost)
{
    struct revocations *revocations = d->revocations;
    if (revocations->answer == NULL)
        revocations->answer = rd_kafka_topic_partition_list_new(partitions->cnt);
    for (int i = 0; i < partitions->cnt; i++) {
        struct partition *partition = partition_find(d, partitions->elems[i].topic, partitions->elems[i].partition);
        if (partition == NULL)
            continue;
        if (partition->assigned)
            rd_kafka_topic_partition_list_add(revocations->answer, partition->topic, partition->number);
        log_info("revoked", "topic=%s partition=%d lost=%d", partition->topic, (int)partition->number, lost);
        if (lost || (TAILQ_EMPTY(&partition->passages) && flush_is_clean(d)))
            revocation_forget(d, partition);
        else
            start_revoking(d, partition);
    }
    answer_revocation(d);
    flush_hurry(d);
}

void revocation_work(struct dispatcher *d)
{
    struct partition *partition, *next;
    bool ended = false;
    for (partition = TAILQ_FIRST(partitions_all(d)); partition != NULL; partition = next) {
        next = TAILQ_NEXT(partition, link);
        if (partition->state != PARTITION_REVOKING)
            continue;
        if (flush_ended_seq(d) < partition->revoke_seq && mono_before(loop_now(d->loop), partition->revoke_deadline))
            continue;
        revocation_forget(d, partition);
        ended = true;
    }
    if (ended)
        answer_revocation(d);
}
