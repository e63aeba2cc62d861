#include "verify.h"

#include "flush.h"

#define INTERVAL SPAN_S(2)
#define COLUMN_MAX (1u << 20)

static void answered(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    if (reply->status == REPLY_REFUSED)
        log_warning("verify", "sqlstate=%s error=\"%s\"", reply->sqlstate, reply->message);
    if (reply->status != REPLY_OK)
        return;
    for (int row = 0; row < PQntuples(reply->results[0]); row++)
        flush_lose(d, result_int4(reply->results[0], row, 0));
}

void verify_work(struct dispatcher *d)
{
    static struct mono next;
    struct column ids, owners, offsets;
    struct session *session = background_session(d);
    struct partition *partition;
    if (!background_is_free(d) || mono_before(loop_now(d->loop), next))
        return;
    next = mono_add(loop_now(d->loop), INTERVAL);
    column_init(&ids, PG_INT4, COLUMN_MAX);
    column_init(&owners, PG_UUID, COLUMN_MAX);
    column_init(&offsets, PG_INT8, COLUMN_MAX);
    TAILQ_FOREACH(partition, partitions_all(d), link)
    {
        if (partition->state != PARTITION_RUNNING)
            continue;
        column_int4(&ids, partition->position_id);
        column_bytes(&owners, (struct text){(const char *)partition->owner, sizeof partition->owner});
        column_int8(&offsets, partition->next_offset); /* committed: PostgreSQL must not have a lower one later */
    }
    const struct param params[] = {column_param(&ids), column_param(&owners), column_param(&offsets)};
    if (ids.count > 0 && session_add(session, "select id from posthorn.positions_lost($1, $2, $3) as id", params, 3) &&
        !session_send(session, answered, d))
        next = loop_now(d->loop);
    column_fini(&ids);
    column_fini(&owners);
    column_fini(&offsets);
}
