/* Sends again all deliveries that failed in the chosen time. The server queues them in portions; then the dialog shows
 * the queue until it is empty. Closing the dialog stops neither the queued deliveries nor the sending. */
import { useEffect, useRef, useState } from 'react';
import { request, webhookPath } from '../api/client';
import { PENDING_MAX, type ReplayAnswer, type Webhook } from '../api/types';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { count, exact, plural } from '../ui/format';
import { Notice, ProblemNotice } from '../ui/notice';
import { useSubmit } from '../ui/submit';
import { useNow } from '../ui/time';
import type { Span } from './filters';

/** maximum age of the health that the page reads */
const HEALTH_LAG_MS = 8000;

interface Sum {
    looked_at: number;
    queued: number;
    waiting_already: number;
    payload_dropped: number;
}

const NOTHING: Sum = { looked_at: 0, queued: 0, waiting_already: 0, payload_dropped: 0 };

interface Props {
    webhook: Webhook;
    span: Span;
    onClose: () => void;
}

export function RedeliverDialog({ webhook, span: chosen, onClose }: Props) {
    // the page's time range advances; the confirmed one does not
    const [span] = useState(chosen);
    const [sum, setSum] = useState<Sum>(NOTHING);
    const [stage, setStage] = useState<'ask' | 'queueing' | 'queued'>('ask');
    const [queuedAt, setQueuedAt] = useState(0);
    const cursor = useRef<string | null>(null);
    const open = useRef(true);
    const { busy, problem, wait, submit } = useSubmit();
    useEffect(() => {
        open.current = true;
        return () => {
            open.current = false;
        };
    }, []);

    const start = () =>
        submit(async () => {
            setStage('queueing');
            do {
                const body = { from: span.from, to: span.to ?? undefined, state: 'failed', cursor: cursor.current ?? undefined };
                const answer = await request<ReplayAnswer>('POST', webhookPath(webhook.id, 'replay'), body);
                cursor.current = answer.next_cursor;
                setSum((sum) => add(sum, answer));
            } while (cursor.current !== null && open.current);
            setQueuedAt(Date.now());
            setStage('queued');
        });

    return (
        <Dialog
            title="Redeliver all failed"
            size="small"
            onClose={onClose}
            footer={
                <>
                    <Button onClick={onClose}>Close</Button>
                    {(stage === 'ask' || problem !== null) && (
                        <Button kind="primary" busy={busy} disabled={wait > 0} onClick={() => void start()}>
                            {problem === null ? 'Redeliver' : 'Continue'}
                        </Button>
                    )}
                </>
            }
        >
            <ProblemNotice problem={problem} wait={wait} />
            {stage === 'ask' && (
                <p>
                    Every failed delivery of the chosen time, from {exact(new Date(span.from))} to{' '}
                    {span.to === null ? 'now' : exact(new Date(span.to))}, is sent again.
                </p>
            )}
            {stage === 'queueing' && <Queueing sum={sum} />}
            {stage === 'queued' && <Progress sum={sum} queuedAt={queuedAt} pending={webhook.health?.pending ?? 0} />}
        </Dialog>
    );
}

function add(sum: Sum, answer: ReplayAnswer): Sum {
    return {
        looked_at: sum.looked_at + answer.looked_at,
        queued: sum.queued + answer.queued,
        waiting_already: sum.waiting_already + answer.waiting_already,
        payload_dropped: sum.payload_dropped + answer.payload_dropped,
    };
}

function Queueing({ sum }: { sum: Sum }) {
    return (
        <div className="stack-small" role="status">
            <progress aria-label="Looking for failed deliveries" />
            <p>
                {plural(sum.looked_at, 'event')} checked, {plural(sum.queued, 'delivery', 'deliveries')} queued
            </p>
        </div>
    );
}

/* `pending`: the pending deliveries of this webhook, from its health, which the page reads repeatedly; a few seconds old,
 * and counted only up to PENDING_MAX. The queued deliveries are part of it; those that are not have left the queue. */
function Progress({ sum, queuedAt, pending }: { sum: Sum; queuedAt: number; pending: number }) {
    const settled = useNow(1000) - queuedAt > HEALTH_LAG_MS;
    const left = settled ? Math.min(sum.queued, pending) : sum.queued;
    const uncounted = settled && pending >= PENDING_MAX && sum.queued > PENDING_MAX;
    return (
        <div className="stack-small">
            {sum.queued === 0 ? (
                <Notice kind="info">Nothing had to be sent again.</Notice>
            ) : (
                <>
                    <progress aria-label="Sent again" max={sum.queued} value={uncounted ? undefined : sum.queued - left} />
                    <p role="status">
                        {left === 0
                            ? `All ${plural(sum.queued, 'delivery', 'deliveries')} left the queue.`
                            : uncounted
                              ? `${plural(sum.queued, 'delivery was', 'deliveries were')} queued; ${count(PENDING_MAX)} or more are still waiting.`
                              : `${count(sum.queued - left)} of ${plural(sum.queued, 'delivery', 'deliveries')} left the queue; the others are waiting.`}
                    </p>
                </>
            )}
            {sum.waiting_already > 0 && <p className="quiet">{plural(sum.waiting_already, 'delivery was', 'deliveries were')} already queued.</p>}
            {sum.payload_dropped > 0 && (
                <p className="quiet">{plural(sum.payload_dropped, 'delivery', 'deliveries')} cannot be sent again: the data is no longer stored.</p>
            )}
        </div>
    );
}
