#include "claim.h"

#include <openssl/rand.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/memory.h"
#include "fetch.h"
#include "flush.h"
#include "kafka.h"
#include "keeper.h"
#include "park.h"

#define CLAIMS_A_BATCH 8     /* two statements each */
#define LOST_PAUSE SPAN_S(3) /* so that a process that slept hears from the group before it takes a partition back */
#define STOPPED_PAUSE SPAN_S(5)
#define REVOKE_LONGEST SPAN_S(10)

struct claims {
    struct dispatcher *d;
    struct partition_list partitions;
    bool joined;                             /* the group has given us something, be it nothing */
    struct partition *asked[CLAIMS_A_BATCH]; /* in the batch under way; NULL: taken away meanwhile */
    size_t asked_count;
    rd_kafka_topic_partition_list_t *revoking; /* to answer once all REVOKING partitions are through */
};

struct claims *claims_new(struct dispatcher *d, struct error *error)
{
    struct claims *claims = calloc(1, sizeof *claims);
    if (claims == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    claims->d = d;
    TAILQ_INIT(&claims->partitions);
    return claims;
}

/* Whatever was consumed and not passed: the next owner reads it again. Requests under way go on, and their attempts are
 * recorded. */
static void drop_passages(struct dispatcher *d, struct partition *partition)
{
    struct passage *passage;
    while ((passage = TAILQ_FIRST(&partition->passages)) != NULL) {
        TAILQ_REMOVE(&partition->passages, passage, link);
        passage->partition = NULL;
        passage->kind = PASSAGE_SKIPPED;
        park_drop_waiting(d, passage);
        passage_release(d, passage);
    }
    flush_forget(d, partition->position_id);
    partition->needs_fence = false;
}

/* What was recorded before, or nothing any more (`rows` NULL). It counts as memory, in nobody's share. False without
 * memory for it. */
static bool set_recorded(struct dispatcher *d, struct partition *partition, const PGresult *rows)
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

static void partition_free(struct claims *claims, struct partition *partition)
{
    drop_passages(claims->d, partition);
    (void)!set_recorded(claims->d, partition, NULL);
    for (size_t i = 0; i < claims->asked_count; i++)
        if (claims->asked[i] == partition)
            claims->asked[i] = NULL;
    TAILQ_REMOVE(&claims->partitions, partition, link);
    free(partition->topic);
    free(partition);
}

void claims_free(struct claims **claims)
{
    struct claims *old = *claims;
    if (old == NULL)
        return;
    while (!TAILQ_EMPTY(&old->partitions))
        partition_free(old, TAILQ_FIRST(&old->partitions));
    if (old->revoking != NULL)
        rd_kafka_topic_partition_list_destroy(old->revoking);
    free(old);
    *claims = NULL;
}

struct partition_list *claims_partitions(struct dispatcher *d)
{
    return &d->claims->partitions;
}

static struct partition *find(struct claims *claims, const char *topic, int32_t number)
{
    struct partition *partition;
    TAILQ_FOREACH(partition, &claims->partitions, link)
    if (partition->number == number && partition->state != PARTITION_REVOKING && strcmp(partition->topic, topic) == 0)
        return partition;
    return NULL;
}

/* The one function that moves a partition from state to state. */
static void become(struct partition *partition, enum partition_state state)
{
    static const char *const names[] = {"claiming", "checking", "running", "revoking", "stopped"};
    if (partition->state == state && state == PARTITION_STOPPED)
        return; /* looked at again, and still stopped */
    partition->state = state;
    log_info("partition", "topic=%s partition=%d state=%s next_offset=%lld", partition->topic, (int)partition->number,
             names[state], (long long)partition->next_offset);
}

void claims_assigned(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions)
{
    for (int i = 0; i < partitions->cnt; i++) {
        struct partition *partition = memory_need(calloc(1, sizeof *partition), "a partition");
        partition->topic = memory_need(strdup(partitions->elems[i].topic), "a topic");
        partition->number = partitions->elems[i].partition;
        partition->next_offset = -1;
        TAILQ_INIT(&partition->passages);
        TAILQ_INSERT_TAIL(&d->claims->partitions, partition, link);
        become(partition, PARTITION_CLAIMING);
    }
    d->claims->joined = true;
    if (partitions->cnt == 0)
        kafka_assign(d, partitions);
    else
        keeper_hurry(d);
}

/* Claiming ------------------------------------------------------------------ */

/* A topic that was never seen starts where the configuration says; the end must be written down before anything is
 * read. */
static bool start_new(struct dispatcher *d, struct partition *partition, bool known, bool *write_down)
{
    struct error error;
    *write_down = false;
    if (partition->next_offset >= 0 || known || d->settings->start == START_BEGINNING)
        return true;
    if (!kafka_end(d, partition->topic, partition->number, &partition->next_offset, &error)) {
        log_warning("claim", "topic=%s partition=%d error=\"%s\"", partition->topic, (int)partition->number,
                    error.text);
        return false;
    }
    *write_down = true;
    return true;
}

static void read_claim(struct dispatcher *d, struct partition *partition, const PGresult *claim,
                       const PGresult *recorded, rd_kafka_topic_partition_list_t *assign)
{
    bool write_down;
    partition->position_id = result_int4(claim, 0, 0);
    partition->next_offset = result_null(claim, 0, 1) ? -1 : result_int8(claim, 0, 1);
    partition->last_offset = result_null(claim, 0, 2) ? -1 : result_int8(claim, 0, 2);
    partition->last_timestamp = result_int8(claim, 0, 3);
    partition->last_check = result_int8(claim, 0, 4);
    partition->retry_at = mono_add(loop_now(d->loop), STOPPED_PAUSE);
    if (fetch_is_stopped(partition, result_null(claim, 0, 5) ? TEXT("") : result_text(claim, 0, 5))) {
        become(partition, PARTITION_STOPPED);
        return;
    }
    if (!set_recorded(d, partition, recorded) || !start_new(d, partition, result_bool(claim, 0, 6), &write_down))
        return; /* claimed again */
    if (write_down)
        keeper_start_at(d, partition->position_id, partition->owner, partition->next_offset);
    partition->composed_offset = partition->read_offset = partition->next_offset;
    bool check = partition->last_offset >= 0 && partition->next_offset > partition->last_offset;
    become(partition, check ? PARTITION_CHECKING : PARTITION_RUNNING);
    rd_kafka_topic_partition_list_add(assign, partition->topic, partition->number)->offset =
        check                         ? partition->last_offset
        : partition->next_offset >= 0 ? partition->next_offset
                                      : RD_KAFKA_OFFSET_BEGINNING;
    partition->assigned = true;
}

static void claimed(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    struct claims *claims = d->claims;
    rd_kafka_topic_partition_list_t *assign = rd_kafka_topic_partition_list_new((int)claims->asked_count);
    for (size_t i = 0; i < claims->asked_count; i++) {
        struct partition *partition = claims->asked[i];
        if (partition == NULL || (partition->state != PARTITION_CLAIMING && partition->state != PARTITION_STOPPED))
            continue;
        if (reply->status == REPLY_OK)
            read_claim(d, partition, reply->results[2 * i], reply->results[2 * i + 1], assign);
        else
            partition->retry_at = mono_add(loop_now(d->loop), SPAN_MS(500));
    }
    if (reply->status == REPLY_REFUSED)
        log_error("claim", "sqlstate=%s error=\"%s\"", reply->sqlstate, reply->message);
    if (reply->status == REPLY_REFUSED && strcmp(reply->sqlstate, "23503") == 0)
        d->id = 0; /* the database went back in time, to before this process: register again */
    claims->asked_count = 0;
    fault_point("after-claim");
    if (reply->status == REPLY_OK)
        kafka_assign(d, assign); /* also when it is empty: the rebalance must be answered */
    rd_kafka_topic_partition_list_destroy(assign);
}

static bool add_claim(struct dispatcher *d, struct session *session, struct partition *partition)
{
    struct value number, id, siblings;
    RAND_bytes(partition->owner, sizeof partition->owner);
    const struct param claim[] = {param_text(text_of(d->settings->source)),
                                  param_text(text_of(partition->topic)),
                                  param_int4(partition->number, &number),
                                  param_uuid(partition->owner),
                                  param_int4(d->id, &id),
                                  param_int4(partition->siblings, &siblings)};
    const struct param place[] = {claim[0], claim[1], claim[2]};
    return session_add(session,
                       "select position_id, next_offset, last_offset, last_timestamp, last_check, stopped, known from "
                       "posthorn.claim($1, $2, $3, $4, $5, $6)",
                       claim, 6) &&
           session_add(session,
                       "select r.\"offset\", r.webhook_id from (select id, next_offset from posthorn.position where "
                       "source = $1 and topic = $2 and partition = $3"
                       " order by log_epoch desc limit 1) p cross join lateral posthorn.recorded(p.id, "
                       "coalesce(p.next_offset, 0)) r order by 1, 2",
                       place, 3);
}

/* Where new topics start at their end, PostgreSQL must know which partitions are new with their topic. */
static bool count_siblings(struct dispatcher *d, struct partition *partition)
{
    if (d->settings->start == START_END && partition->siblings == 0)
        partition->siblings = kafka_partition_count(d, partition->topic);
    if (d->settings->start == START_BEGINNING || partition->siblings > 0)
        return true;
    log_warning("claim", "topic=%s error=\"the brokers do not tell its partitions\"", partition->topic);
    partition->retry_at = mono_add(loop_now(d->loop), SPAN_MS(500));
    return false;
}

/* What is unreadable, once all before it is over: the position may have been reset meanwhile. */
static bool is_to_be_claimed_again(const struct partition *partition)
{
    return partition->unreadable && !partition->assigned && TAILQ_EMPTY(&partition->passages) &&
           partition->next_offset == partition->composed_offset &&
           (partition->state == PARTITION_RUNNING || partition->state == PARTITION_CHECKING);
}

void claims_work(struct dispatcher *d)
{
    struct claims *claims = d->claims;
    struct session *session = keeper_session(d);
    struct partition *partition;
    if (claims->asked_count > 0 || !session_idle(session) || d->id == 0)
        return;
    TAILQ_FOREACH(partition, &claims->partitions, link)
    {
        if (is_to_be_claimed_again(partition))
            become(partition, PARTITION_STOPPED);
        bool wants = partition->state == PARTITION_CLAIMING || partition->state == PARTITION_STOPPED;
        if (!wants || mono_before(loop_now(d->loop), partition->retry_at) || claims->asked_count == CLAIMS_A_BATCH)
            continue;
        if (!count_siblings(d, partition))
            continue;
        if (!add_claim(d, session, partition)) {
            claims->asked_count = 0;
            return;
        }
        claims->asked[claims->asked_count++] = partition;
    }
    if (claims->asked_count > 0 && !session_send(session, claimed, d))
        claims->asked_count = 0;
}

/* Intake's questions
 * --------------------------------------------------------------------------------------------------------------- */

int64_t claims_check_of(const unsigned char digest[static 32])
{
    uint64_t check = 0;
    for (int i = 0; i < 8; i++)
        check = check << 8 | digest[i];
    return (int64_t)check;
}

static void stop(struct dispatcher *d, struct partition *partition, const char *why)
{
    log_error("partition_stopped",
              "topic=%s partition=%d next_offset=%lld reason=\"%s\" do=\"posthorn-admin position reset\"",
              partition->topic, (int)partition->number, (long long)partition->next_offset, why);
    drop_passages(d, partition);
    keeper_stop_position(d, partition->position_id, partition->owner, why);
    partition->retry_at = mono_add(loop_now(d->loop), STOPPED_PAUSE);
    fetch_stop(d, partition);
    become(partition, PARTITION_STOPPED);
}

static void check_last(struct dispatcher *d, struct partition *partition, const rd_kafka_message_t *message)
{
    unsigned char digest[32];
    passage_digest((struct text){message->payload, message->len}, digest);
    if (message->offset == partition->last_offset &&
        (rd_kafka_message_timestamp(message, NULL) != partition->last_timestamp ||
         claims_check_of(digest) != partition->last_check))
        stop(d, partition, "the last record consumed is another one now: the topic was deleted and made again");
    else
        become(partition, PARTITION_RUNNING);
}

struct partition *claims_accept(struct dispatcher *d, const rd_kafka_message_t *message)
{
    struct partition *partition = find(d->claims, rd_kafka_topic_name(message->rkt), message->partition);
    if (partition == NULL || !partition->assigned)
        return NULL;
    if (partition->state == PARTITION_CHECKING)
        check_last(d, partition, message);
    if (partition->state != PARTITION_RUNNING || message->offset < partition->read_offset)
        return NULL;
    partition->read_offset = message->offset + 1;
    fetch_read(d, partition, message->offset);
    return partition;
}

void claims_partition_failed(struct dispatcher *d, const char *topic, int32_t number, int64_t offset,
                             rd_kafka_resp_err_t error, const char *text)
{
    struct partition *partition = find(d->claims, topic, number);
    if (partition != NULL && partition->assigned && fetch_is_unreadable(error)) {
        fetch_unreadable(d, partition, offset, text);
        return;
    }
    log_warning("kafka_partition", "topic=%s partition=%d code=%s error=\"%s\"", topic, (int)number,
                rd_kafka_err2name(error), text);
    bool out_of_range = error == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || error == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
    if (partition == NULL || !out_of_range || !partition->assigned)
        return;
    if (partition->state != PARTITION_CHECKING) {
        stop(d, partition,
             "the log does not hold the next offset: records expired unread, or the topic was made again");
        return;
    }
    /* The last record consumed may have expired while the next is still there: go on without the check. */
    become(partition, PARTITION_RUNNING);
    fetch_stop(d, partition);
    fetch_start(d, partition, partition->next_offset);
}

/* Losing and giving back
 * ------------------------------------------------------------------------------------------------------------ */

void claims_lost(struct dispatcher *d, int32_t position_id)
{
    struct partition *partition, *found = NULL;
    TAILQ_FOREACH(partition, &d->claims->partitions, link)
    if (partition->position_id == position_id && partition->state != PARTITION_REVOKING)
        found = partition;
    count(d, METRIC_POSITIONS_LOST, 1);
    if (found == NULL)
        return;
    log_warning("position_lost",
                "topic=%s partition=%d note=\"another dispatcher claimed it, or the database went back in time\"",
                found->topic, (int)found->number);
    drop_passages(d, found);
    fetch_stop(d, found);
    found->retry_at = mono_add(loop_now(d->loop), LOST_PAUSE);
    become(found, PARTITION_CLAIMING);
}

/* Give the partition back in good order: what is not over is parked, so that the next owner sends nothing twice. */
static void start_revoking(struct dispatcher *d, struct partition *partition)
{
    struct passage *passage;
    TAILQ_FOREACH(passage, &partition->passages, link)
    {
        if (passage->fanned)
            park_passage(d, passage);
        else
            passage->kind = PASSAGE_SKIPPED; /* not begun: the next owner's; the position stops before it */
    }
    partition->revoke_seq = flush_next_seq(d);
    partition->revoke_deadline = mono_add(loop_now(d->loop), REVOKE_LONGEST);
    become(partition, PARTITION_REVOKING);
}

static void answer_revocation(struct dispatcher *d)
{
    struct claims *claims = d->claims;
    struct partition *partition;
    TAILQ_FOREACH(partition, &claims->partitions, link)
    if (partition->state == PARTITION_REVOKING)
        return;
    if (claims->revoking == NULL)
        return;
    kafka_unassign(d, claims->revoking);
    rd_kafka_topic_partition_list_destroy(claims->revoking);
    claims->revoking = NULL;
}

void claims_revoked(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions, bool lost)
{
    struct claims *claims = d->claims;
    if (claims->revoking == NULL)
        claims->revoking = rd_kafka_topic_partition_list_new(partitions->cnt);
    for (int i = 0; i < partitions->cnt; i++) {
        struct partition *partition = find(claims, partitions->elems[i].topic, partitions->elems[i].partition);
        if (partition == NULL)
            continue;
        if (partition->assigned)
            rd_kafka_topic_partition_list_add(claims->revoking, partition->topic, partition->number);
        log_info("revoked", "topic=%s partition=%d lost=%d", partition->topic, (int)partition->number, lost);
        if (lost || (TAILQ_EMPTY(&partition->passages) && flush_is_clean(d)))
            partition_free(claims, partition);
        else
            start_revoking(d, partition);
    }
    answer_revocation(d);
    flush_hurry(d);
}

void claims_flushed(struct dispatcher *d, int64_t seq)
{
    struct partition *partition, *next;
    bool ended = false;
    for (partition = TAILQ_FIRST(&d->claims->partitions); partition != NULL; partition = next) {
        next = TAILQ_NEXT(partition, link);
        if (partition->state != PARTITION_REVOKING)
            continue;
        if (seq < partition->revoke_seq && mono_before(loop_now(d->loop), partition->revoke_deadline))
            continue;
        partition_free(d->claims, partition);
        ended = true;
    }
    if (ended)
        answer_revocation(d);
}

void claims_count(const struct dispatcher *d, int *running, int *stopped)
{
    struct partition *partition;
    *running = *stopped = 0;
    TAILQ_FOREACH(partition, &d->claims->partitions, link)
    {
        bool fetched = partition->state == PARTITION_RUNNING || partition->state == PARTITION_CHECKING;
        *running += fetched && !partition->unreadable;
        *stopped += partition->state == PARTITION_STOPPED || (fetched && partition->unreadable);
    }
}

bool claims_changing(const struct dispatcher *d)
{
    return d->claims->revoking != NULL || d->claims->asked_count > 0 || !claims_ready(d);
}

bool claims_ready(const struct dispatcher *d)
{
    struct partition *partition;
    TAILQ_FOREACH(partition, &d->claims->partitions, link)
    if (partition->state == PARTITION_CLAIMING)
        return false;
    return d->claims->joined;
}
