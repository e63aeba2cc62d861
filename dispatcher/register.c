#include "register.h"

static struct mono again_at;

static void started(void *owner, const struct reply *reply)
{
    struct dispatcher *d = owner;
    struct error error;
    if (reply->status == REPLY_REFUSED) {
        log_error("start", "sqlstate=%s error=\"%s\" do=\"posthorn-admin migrate\"", reply->sqlstate, reply->message);
        again_at = mono_add(loop_now(d->loop), SPAN_S(1));
    }
    if (reply->status != REPLY_OK)
        return;
    d->id = result_int4(reply->results[0], 0, 0);
    clock_set(d, result_time(reply->results[0], 0, 1));
    log_info("started", "dispatcher=%d name=\"%s\" topics=%s", d->id, d->settings->name, d->settings->topics);
    if (!kafka_subscribe(d, &error)) {
        log_error("start", "error=\"%s\"", error.text);
        d->refused = true;
    }
}

void register_work(struct dispatcher *d)
{
    const struct param params[] = {param_text(text_of(d->settings->name))};
    struct session *session = background_session(d);
    if (d->id != 0 || !session_idle(session) || mono_before(loop_now(d->loop), again_at))
        return;
    if (session_add(session, "select posthorn.dispatcher_started($1), clock_timestamp()", params, 1) &&
        !session_send(session, started, d))
        return; /* it is sent again over a new connection */
}
