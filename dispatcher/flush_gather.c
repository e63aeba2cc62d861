#include "flush_gather.h"

#include "accounts.h"
#include "store/response.h"

/* Adds one text of an attempt; sealed if there is a key. */
static void add_text(struct flush_rows *rows, struct column *column, struct secret_key *key, struct text text)
{
    struct error error;
    buffer_clear(&rows->sealed);
    if (text.size == 0 || (key != NULL && !secret_seal(key, RESPONSE_PLACE, text, &rows->sealed, &error)))
        column_null(column);
    else
        column_bytes(column, key != NULL ? buffer_text(&rows->sealed) : text);
}

/* Adds the response, in the form that the account keeps. */
static void add_response(struct dispatcher *d, const struct delivery *delivery, const char *why,
                         struct flush_rows *rows)
{
    struct column *c = rows->attempts;
    struct secret_key *key;
    enum store_response store = accounts_store_response(d, delivery->destination, delivery->webhook, &key);
    struct text body = store == RESPONSE_NONE ? (struct text){0} : buffer_text(&delivery->answer.kept);
    struct text error = text_of(why);
    if (store != RESPONSE_SEALED)
        key = NULL;
    add_text(rows, &c[ATTEMPT_ERROR], key, error);
    add_text(rows, &c[ATTEMPT_BODY], key, body);
    if (key != NULL && body.size + error.size > 0)
        column_bool(&c[ATTEMPT_SEALED], true);
    else
        column_null(&c[ATTEMPT_SEALED]);
}

void flush_attempt(struct dispatcher *d, const struct delivery *delivery, enum outcome outcome, long status,
                   const char *why, struct span took)
{
    struct flush_rows *rows = flush_gathering(d);
    struct column *c = rows->attempts;
    const struct passage *passage = delivery->passage;
    invariant(delivery->webhook != NULL && delivery->attempts >= 0);
    const int32_t account_id = delivery->destination->account_id;
    flush_rows_append(&rows->accounts, &account_id, sizeof account_id);
    flush_take_share(d, account_id);
    column_time(&c[ATTEMPT_STARTED], delivery->started);
    column_int8(&c[ATTEMPT_OFFSET], passage->offset);
    column_int4(&c[ATTEMPT_POSITION], passage->position_id);
    column_int4(&c[ATTEMPT_WEBHOOK], delivery->destination->webhook_id);
    column_int4(&c[ATTEMPT_VERSION], delivery->webhook->version);
    column_int4(&c[ATTEMPT_DURATION], (int32_t)(took.ns / 1000));
    column_int2(&c[ATTEMPT_NUMBER], (int16_t)(delivery->attempts + 1));
    if (status > 0)
        column_int2(&c[ATTEMPT_STATUS], (int16_t)status);
    else
        column_null(&c[ATTEMPT_STATUS]);
    column_char(&c[ATTEMPT_CAUSE], (char)delivery->cause);
    column_char(&c[ATTEMPT_OUTCOME], (char)outcome);
    add_response(d, delivery, why, rows);
}

static void add_park(struct dispatcher *d, const struct passage *passage, struct park_row row)
{
    invariant(passage->kind == PASSAGE_EVENT);
    row.position_id = passage->position_id;
    row.period = passage->period;
    row.offset = passage->offset;
    flush_rows_append(&flush_gathering(d)->parks, &row, sizeof row);
    partition_fence(passage);
    count(d, METRIC_PARKED, 1);
}

void flush_park(struct dispatcher *d, const struct delivery *delivery, int attempts_made, struct wall due)
{
    add_park(d, delivery->passage,
             (struct park_row){.webhook_id = delivery->destination->webhook_id,
                               .due = due,
                               .attempts = (int16_t)attempts_made,
                               .cause = (char)delivery->cause});
}

void flush_park_unloaded(struct dispatcher *d, const struct passage *passage, int32_t webhook_id)
{
    add_park(d, passage, (struct park_row){.webhook_id = webhook_id, .due = clock_wall(d), .cause = CAUSE_EVENT});
}

void flush_settle(struct dispatcher *d, const struct delivery *delivery, const struct wall *due)
{
    invariant(delivery->has_row);
    const struct settle_row row = {.webhook_id = delivery->destination->webhook_id,
                                   .position_id = delivery->passage->position_id,
                                   .offset = delivery->passage->offset,
                                   .due = due == NULL ? (struct wall){-1} : *due,
                                   .attempts = (int16_t)(delivery->attempts + 1),
                                   .cause = (char)delivery->cause};
    flush_rows_append(&flush_gathering(d)->settles, &row, sizeof row);
}

void flush_cancel(struct dispatcher *d, const struct passage *passage, int32_t webhook_id, enum cause cause,
                  const char *reason)
{
    const struct cancel_row row = {.webhook_id = webhook_id,
                                   .position_id = passage->position_id,
                                   .offset = passage->offset,
                                   .cause = (char)cause,
                                   .owned = !passage->from_backlog,
                                   .reason = reason};
    flush_rows_append(&flush_gathering(d)->cancels, &row, sizeof row);
    partition_fence(passage);
    count(d, METRIC_CANCELLED, 1);
}

void flush_repeat(struct dispatcher *d, const struct passage *passage)
{
    invariant(passage->kind == PASSAGE_REPEAT);
    const struct repeat_row row = {passage->position_id, passage->repeat_of_position, passage->offset,
                                   passage->repeat_of_offset};
    flush_rows_append(&flush_gathering(d)->repeats, &row, sizeof row);
    partition_fence(passage);
}

bool flush_dead_letter(struct dispatcher *d, const struct passage *passage, struct text value, struct text headers,
                       bool copied)
{
    invariant(passage->kind == PASSAGE_DEAD_LETTER);
    if (!flush_rows_bury(flush_gathering(d), passage, value, headers, copied))
        return false;
    partition_fence(passage);
    return true;
}

void flush_health(struct dispatcher *d, int32_t webhook_id, bool failing, int gone)
{
    const struct health_row row = {webhook_id, gone, failing};
    flush_rows_append(&flush_gathering(d)->healths, &row, sizeof row);
}
