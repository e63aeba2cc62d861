#include "claim.h"

#include <openssl/rand.h>
#include <stdlib.h>

#include "base/fault.h"
#include "fetch.h"
#include "kafka.h"
#include "revocation.h"
#include "tasks.h"

#define CLAIMS_A_BATCH 8     /* two statements each */
#define LOST_PAUSE SPAN_S(3) /* a process that was stopped must hear from the group before it claims again */
#define STOPPED_PAUSE SPAN_S(5)

struct claims {
    struct dispatcher *d;
    bool joined; /* the group has assigned us partitions, or an empty list */
    int asked;   /* number of claims in the batch under way */
};

struct claims *claims_new(struct dispatcher *d, struct error *error)
{
    struct claims *claims = calloc(1, sizeof *claims);
    if (claims == NULL) {
        error_set(error, "no memory");
        return NULL;
    }
    claims->d = d;
    return claims;
}

void claims_free(struct claims **claims)
{
    struct partition *partition;
    if (*claims == NULL)
        return;
    struct dispatcher *d = (*claims)->d;
    while ((partition = TAILQ_FIRST(partitions_all(d))) != NULL)
        revocation_forget(d, partition);
    free(*claims);
    *claims = NULL;
}

void claims_assigned(struct dispatcher *d, const rd_kafka_topic_partition_list_t *partitions)
{
    for (int i = 0; i < partitions->cnt; i++)
        partition_new(d, partitions->elems[i].topic, partitions->elems[i].partition);
    d->claims->joined = true;
    if (partitions->cnt == 0)
        kafka_assign(d, partitions);
    else
        background_hurry(d);
}

/* Claiming ------------------------------------------------------------------ */

/* A topic that has no position yet starts where the configuration says. If that is its end, the offset must be written
 * to PostgreSQL before anything is read. */
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

static bool is_to_be_claimed(const struct partition *partition)
{
    return partition->state == PARTITION_CLAIMING || partition->state == PARTITION_STOPPED;
}

static void write_start(struct dispatcher *d, const struct partition *partition)
{
    struct task task = {.statement = "select posthorn.start_at($1, $2, $4)",
                        .who = "start_at",
                        .id = partition->position_id,
                        .number = partition->next_offset};
    memcpy(task.owner, partition->owner, sizeof task.owner);
    tasks_add(d, &task);
}

static void read_claim(struct dispatcher *d, struct partition *partition, const PGresult *claim,
                       const PGresult *recorded, rd_kafka_topic_partition_list_t *assign)
{
    bool write_down;
    invariant(is_to_be_claimed(partition) && !partition->assigned);
    partition->position_id = result_int4(claim, 0, 0);
    partition->next_offset = result_null(claim, 0, 1) ? -1 : result_int8(claim, 0, 1);
    partition->last_offset = result_null(claim, 0, 2) ? -1 : result_int8(claim, 0, 2);
    partition->last_timestamp = result_int8(claim, 0, 3);
    partition->last_check = result_int8(claim, 0, 4);
    partition->retry_at = mono_add(loop_now(d->loop), STOPPED_PAUSE);
    if (fetch_is_stopped(partition, result_null(claim, 0, 5) ? TEXT("") : result_text(claim, 0, 5))) {
        partition_become(partition, PARTITION_STOPPED);
        return;
    }
    if (!partition_set_recorded(d, partition, recorded) ||
        !start_new(d, partition, result_bool(claim, 0, 6), &write_down))
        return; /* it is claimed again */
    if (write_down)
        write_start(d, partition);
    partition_start_at(partition, partition->next_offset);
    bool check = partition->last_offset >= 0 && partition->next_offset > partition->last_offset;
    partition_become(partition, check ? PARTITION_CHECKING : PARTITION_RUNNING);
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
    struct partition *partition;
    rd_kafka_topic_partition_list_t *assign = rd_kafka_topic_partition_list_new(claims->asked);
    TAILQ_FOREACH(partition, partitions_all(d), link)
    {
        int place = partition->asked;
        partition->asked = 0;
        if (place == 0 || !is_to_be_claimed(partition))
            continue;
        if (reply->status == REPLY_OK)
            read_claim(d, partition, reply->results[2 * place - 2], reply->results[2 * place - 1], assign);
        else
            partition->retry_at = mono_add(loop_now(d->loop), SPAN_MS(500));
    }
    if (reply->status == REPLY_REFUSED)
        log_error("claim", "sqlstate=%s error=\"%s\"", reply->sqlstate, reply->message);
    if (reply->status == REPLY_REFUSED && strcmp(reply->sqlstate, "23503") == 0)
        d->id = 0; /* the database was set back to before this process registered: register again */
    claims->asked = 0;
    fault_point("after-claim");
    if (reply->status == REPLY_OK)
        kafka_assign(d, assign); /* also an empty list: the rebalance must be answered */
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

/* If new topics start at their end, PostgreSQL must know which partitions are new because the whole topic is new.
 * Returns false if the brokers do not report their number. */
static bool count_siblings(struct dispatcher *d, struct partition *partition)
{
    if (d->settings->start == START_END && partition->siblings == 0)
        partition->siblings = kafka_partition_count(d, partition->topic);
    if (d->settings->start == START_BEGINNING || partition->siblings > 0)
        return true;
    log_warning("claim", "topic=%s error=\"the brokers did not return the partitions of the topic\"", partition->topic);
    partition->retry_at = mono_add(loop_now(d->loop), SPAN_MS(500));
    return false;
}

/* True for an unreadable partition when everything before the unreadable record is over. It is claimed again because
 * the position may have been reset. */
static bool is_to_be_claimed_again(const struct partition *partition)
{
    return partition->unreadable && !partition->assigned && TAILQ_EMPTY(&partition->passages) &&
           partition->next_offset == partition->composed_offset &&
           (partition->state == PARTITION_RUNNING || partition->state == PARTITION_CHECKING);
}

/* The batch was not sent: clear the marks. */
static void forget_batch(struct dispatcher *d)
{
    struct partition *partition;
    TAILQ_FOREACH(partition, partitions_all(d), link)
    partition->asked = 0;
    d->claims->asked = 0;
}

void claims_work(struct dispatcher *d)
{
    struct claims *claims = d->claims;
    struct session *session = background_session(d);
    struct partition *partition;
    if (claims->asked > 0 || !background_is_free(d))
        return;
    TAILQ_FOREACH(partition, partitions_all(d), link)
    {
        if (is_to_be_claimed_again(partition))
            partition_become(partition, PARTITION_STOPPED);
        if (!is_to_be_claimed(partition) || mono_before(loop_now(d->loop), partition->retry_at) ||
            claims->asked == CLAIMS_A_BATCH || !count_siblings(d, partition))
            continue;
        if (!add_claim(d, session, partition)) {
            forget_batch(d);
            return;
        }
        partition->asked = ++claims->asked;
    }
    if (claims->asked > 0 && !session_send(session, claimed, d))
        forget_batch(d);
}

/* Messages ------------------------------------------------------------------ */

static void stop(struct dispatcher *d, struct partition *partition, const char *why)
{
    log_error("partition_stopped",
              "topic=%s partition=%d next_offset=%lld reason=\"%s\" do=\"posthorn-admin position reset\"",
              partition->topic, (int)partition->number, (long long)partition->next_offset, why);
    revocation_drop(d, partition);
    fetch_tell_stopped(d, partition, why);
    partition->retry_at = mono_add(loop_now(d->loop), STOPPED_PAUSE);
    fetch_stop(d, partition);
    partition_become(partition, PARTITION_STOPPED);
}

static void check_last(struct dispatcher *d, struct partition *partition, const rd_kafka_message_t *message)
{
    unsigned char digest[32];
    passage_digest((struct text){message->payload, message->len}, digest);
    if (message->offset == partition->last_offset &&
        (rd_kafka_message_timestamp(message, NULL) != partition->last_timestamp ||
         partition_check_of(digest) != partition->last_check))
        stop(d, partition, "the last consumed record has changed: the topic was deleted and created again");
    else
        partition_become(partition, PARTITION_RUNNING);
}

struct partition *claims_accept(struct dispatcher *d, const rd_kafka_message_t *message)
{
    struct partition *partition = partition_find(d, rd_kafka_topic_name(message->rkt), message->partition);
    if (partition == NULL || !partition->assigned)
        return NULL;
    if (partition->state == PARTITION_CHECKING)
        check_last(d, partition, message);
    if (partition->state != PARTITION_RUNNING || message->offset < partition->read_offset)
        return NULL;
    invariant(partition->read_offset >= partition->composed_offset);
    partition->read_offset = message->offset + 1;
    fetch_read(d, partition, message->offset);
    return partition;
}

void claims_failed(struct dispatcher *d, const rd_kafka_message_t *message)
{
    const char *topic = message->rkt == NULL ? "" : rd_kafka_topic_name(message->rkt);
    struct partition *partition = partition_find(d, topic, message->partition);
    rd_kafka_resp_err_t error = message->err;
    if (partition != NULL && partition->assigned && fetch_is_unreadable(error)) {
        fetch_unreadable(d, partition, message->offset, rd_kafka_message_errstr(message));
        return;
    }
    log_warning("kafka_partition", "topic=%s partition=%d code=%s error=\"%s\"", topic, (int)message->partition,
                rd_kafka_err2name(error), rd_kafka_message_errstr(message));
    bool out_of_range = error == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || error == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
    if (partition == NULL || !out_of_range || !partition->assigned)
        return;
    if (partition->state != PARTITION_CHECKING) {
        stop(d, partition,
             "the log does not contain the next offset: records expired before they were read, or the topic was "
             "created again");
        return;
    }
    /* The last consumed record may have expired while the next still exists: go on without the check. */
    partition_become(partition, PARTITION_RUNNING);
    fetch_stop(d, partition);
    fetch_start(d, partition, partition->next_offset);
}

/* Loss ---------------------------------------------------------------------- */

void claims_lost(struct dispatcher *d, int32_t position_id)
{
    struct partition *partition, *found = NULL;
    TAILQ_FOREACH(partition, partitions_all(d), link)
    if (partition->position_id == position_id && partition->state != PARTITION_REVOKING)
        found = partition;
    count(d, METRIC_POSITIONS_LOST, 1);
    if (found == NULL)
        return;
    log_warning("position_lost",
                "topic=%s partition=%d note=\"another dispatcher claimed the partition, or the database was restored "
                "to an earlier state\"",
                found->topic, (int)found->number);
    revocation_drop(d, found);
    fetch_stop(d, found);
    found->retry_at = mono_add(loop_now(d->loop), LOST_PAUSE);
    partition_become(found, PARTITION_CLAIMING);
}

void claims_count(const struct dispatcher *d, int *running, int *stopped)
{
    struct partition *partition;
    *running = *stopped = 0;
    TAILQ_FOREACH(partition, partitions_all(d), link)
    {
        bool fetched = partition->state == PARTITION_RUNNING || partition->state == PARTITION_CHECKING;
        *running += fetched && !partition->unreadable;
        *stopped += partition->state == PARTITION_STOPPED || (fetched && partition->unreadable);
    }
}

bool claims_changing(const struct dispatcher *d)
{
    return revocation_is_pending(d) || d->claims->asked > 0 || !claims_ready(d);
}

bool claims_ready(const struct dispatcher *d)
{
    struct partition *partition;
    TAILQ_FOREACH(partition, partitions_all(d), link)
    if (partition->state == PARTITION_CLAIMING)
        return false;
    return d->claims->joined;
}
