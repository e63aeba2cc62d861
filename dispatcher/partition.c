#include "partition.h"

#include <stdlib.h>

#include "base/memory.h"

struct partitions {
    struct partition_list all;
};

struct partitions *partitions_new(struct error *error)
{
    struct partitions *partitions = calloc(1, sizeof *partitions);
    if (partitions == NULL)
        error_set(error, "no memory");
    else
        TAILQ_INIT(&partitions->all);
    return partitions;
}

void partitions_free(struct partitions **partitions)
{
    invariant(*partitions == NULL || TAILQ_EMPTY(&(*partitions)->all));
    free(*partitions);
    *partitions = NULL;
}

struct partition_list *partitions_all(const struct dispatcher *d)
{
    return &d->partitions->all;
}

struct partition *partition_find(struct dispatcher *d, const char *topic, int32_t number)
{
    struct partition *partition;
    TAILQ_FOREACH(partition, &d->partitions->all, link)
    if (partition->number == number && partition->state != PARTITION_REVOKING && strcmp(partition->topic, topic) == 0)
        return partition;
    return NULL;
}

bool partition_set_recorded(struct dispatcher *d, struct partition *partition, const PGresult *rows)
{
    struct recorded *recorded = &partition->recorded;
    if (recorded->count > 0)
        budget_give(d->memory, MEMORY_SHARED, (int64_t)(recorded->count * sizeof *recorded->pairs));
    recorded_forget(recorded);
    if (rows != NULL && !recorded_load(recorded, rows))
        return false;
    if (recorded->count > 0)
        overdraw(d->memory, MEMORY_SHARED, (int64_t)(recorded->count * sizeof *recorded->pairs));
    return true;
}

void partition_free(struct dispatcher *d, struct partition *partition)
{
    invariant(TAILQ_EMPTY(&partition->passages));
    (void)!partition_set_recorded(d, partition, NULL);
    TAILQ_REMOVE(&d->partitions->all, partition, link);
    free(partition->topic);
    free(partition);
}

/* States -------------------------------------------------------------------- */

/* The state diagram of partition.h. */
static bool may_become(enum partition_state from, enum partition_state to)
{
    switch (to) {
    case PARTITION_CLAIMING:
    case PARTITION_REVOKING:
        return from != PARTITION_REVOKING;
    case PARTITION_CHECKING:
        return from == PARTITION_CLAIMING || from == PARTITION_STOPPED;
    case PARTITION_RUNNING:
        return from == PARTITION_CLAIMING || from == PARTITION_CHECKING || from == PARTITION_STOPPED;
    case PARTITION_STOPPED:
        return from != PARTITION_REVOKING;
    }
    return false;
}

void partition_become(struct partition *partition, enum partition_state state)
{
    static const char *const names[] = {"claiming", "checking", "running", "revoking", "stopped"};
    invariant(may_become(partition->state, state));
    if (partition->state == state && state == PARTITION_STOPPED)
        return; /* claimed again, and still stopped */
    partition->state = state;
    log_info("partition", "topic=%s partition=%d state=%s next_offset=%lld", partition->topic, (int)partition->number,
             names[state], (long long)partition->next_offset);
}

struct partition *partition_new(struct dispatcher *d, const char *topic, int32_t number)
{
    struct partition *partition = memory_need(calloc(1, sizeof *partition), "a partition");
    partition->topic = memory_need(strdup(topic), "a topic");
    partition->number = number;
    partition->next_offset = -1;
    TAILQ_INIT(&partition->passages);
    TAILQ_INSERT_TAIL(&d->partitions->all, partition, link);
    partition_become(partition, PARTITION_CLAIMING);
    return partition;
}

/* Passages and the position -------------------------------------------------- */

void partition_start_at(struct partition *partition, int64_t next_offset)
{
    invariant(TAILQ_EMPTY(&partition->passages));
    partition->next_offset = partition->composed_offset = partition->read_offset = next_offset;
}

void partition_add(struct partition *partition, struct passage *passage)
{
    struct passage *last = TAILQ_LAST(&partition->passages, passage_list);
    invariant(partition->state == PARTITION_RUNNING);
    invariant(passage->offset >= partition->composed_offset && (last == NULL || last->offset < passage->offset));
    passage->references++;
    passage->partition = partition;
    TAILQ_INSERT_TAIL(&partition->passages, passage, link);
}

struct passage *partition_take(struct partition *partition)
{
    struct passage *passage = TAILQ_FIRST(&partition->passages);
    if (passage != NULL) {
        invariant(passage->partition == partition);
        TAILQ_REMOVE(&partition->passages, passage, link);
        passage->partition = NULL;
    }
    return passage;
}

void partition_fence(const struct passage *passage)
{
    if (passage->partition != NULL)
        passage->partition->needs_fence = true;
}

static void count_passage(struct move *move, const struct passage *passage)
{
    invariant(passage->kind != PASSAGE_UNREAD && passage->kind != PASSAGE_SKIPPED);
    move->records++;
    move->events += passage->kind == PASSAGE_EVENT;
    move->repeated += passage->kind == PASSAGE_REPEAT;
    move->dead_lettered += passage->kind == PASSAGE_DEAD_LETTER;
    move->matched += passage->matched;
}

bool partition_pass(struct dispatcher *d, struct partition *partition, struct move *move)
{
    struct passage *passage = TAILQ_FIRST(&partition->passages);
    bool moves = passage != NULL && passage_is_over(passage);
    if (!moves && !partition->needs_fence)
        return false;
    partition->needs_fence = false;
    *move = (struct move){.position_id = partition->position_id,
                          .old_next = partition->composed_offset,
                          .new_next = partition->composed_offset};
    memcpy(move->owner, partition->owner, sizeof move->owner);
    if (!moves)
        return true;
    move->first_offset = partition->composed_offset >= 0 ? partition->composed_offset : passage->offset;
    while ((passage = TAILQ_FIRST(&partition->passages)) != NULL && passage_is_over(passage)) {
        invariant(move->records == 0 || passage->offset > move->last_offset);
        passage = partition_take(partition);
        count_passage(move, passage);
        move->last_offset = passage->offset;
        move->last_timestamp = passage->timestamp_ms;
        move->last_check = partition_check_of(passage->digest);
        passage_forget_record(d, passage);
        passage_release(d, passage);
    }
    move->new_next = move->last_offset + 1;
    invariant(move->new_next > partition->composed_offset);
    partition->composed_offset = move->new_next;
    return true;
}

void partition_passed(struct partition *partition, const struct move *move)
{
    partition->next_offset = move->new_next;
}

int64_t partition_check_of(const unsigned char digest[static 32])
{
    uint64_t check = 0;
    for (int i = 0; i < 8; i++)
        check = check << 8 | digest[i];
    return (int64_t)check;
}
