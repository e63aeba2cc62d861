#include "fanout.h"

#include "base/fault.h"
#include "deliver.h"
#include "flush_gather.h"

void fanout_event(struct dispatcher *d, struct passage *passage, struct account *account)
{
    invariant(passage->kind == PASSAGE_EVENT && passage->partition != NULL && passage->open > 0);
    const struct match *match = account_match(account, passage->event.type);
    /* Recorded pairs count even if they do not match any more: the ledger counts what was matched when it was sent. */
    int recorded = recorded_count_of(&passage->partition->recorded, passage->offset);
    passage->matched = recorded;
    count(d, METRIC_EVENTS, 1);
    count(d, METRIC_MATCHED, (double)match->count);
    for (size_t i = 0; i < match->count; i++) {
        struct destination *destination = match->destinations[i];
        if (recorded > 0 && recorded_has(&passage->partition->recorded, passage->offset, destination->webhook_id))
            continue;
        passage->matched++;
        if (!destination_is_enabled(destination))
            flush_cancel(d, passage, destination->webhook_id, CAUSE_EVENT, "webhook disabled");
        else
            deliver_offer(d, destination, delivery_new(d, passage, destination, CAUSE_EVENT, 0));
    }
    fault_point("after-match");
    if (match->count > 0)
        metric_observe(&d->metrics[METRIC_EVENT_SECONDS], mono_since(mono_now(), passage->read_at));
}

void fanout_repeat(struct dispatcher *d, struct passage *passage)
{
    invariant(passage->open > 0);
    count(d, METRIC_REPEATED, 1);
    flush_repeat(d, passage);
}
