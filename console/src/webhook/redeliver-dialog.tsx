/* Sending again all that failed in the chosen time. The server queues in portions; then the queue is watched until it
 * is empty. Closing the dialog stops neither what is queued nor the sending. */
import { useEffect, useRef, useState } from 'react';
import { useSWRConfig } from 'swr';
import { request, webhookPath } from '../api/client';
import type { ReplayAnswer, Webhook } from '../api/types';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { exact, plural } from '../ui/format';
import { Notice, ProblemNotice } from '../ui/notice';
import { useSubmit } from '../ui/submit';
import type { Span } from './filters';

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
    // the page's time moves on; what was confirmed does not
    const [span] = useState(chosen);
    const [sum, setSum] = useState<Sum>(NOTHING);
    const [stage, setStage] = useState<'ask' | 'queueing' | 'queued'>('ask');
    const cursor = useRef<string | null>(null);
    const open = useRef(true);
    const { mutate } = useSWRConfig();
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
            // what waits now, with what was just queued
            await mutate(webhookPath(webhook.id));
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
                            {problem === null ? 'Redeliver' : 'Go on'}
                        </Button>
                    )}
                </>
            }
        >
            <ProblemNotice problem={problem} wait={wait} />
            {stage === 'ask' && (
                <p>
                    Every failed delivery of the chosen time, from {exact(new Date(span.from))} to{' '}
                    {span.to === null ? 'now' : exact(new Date(span.to))}, is sent once more.
                </p>
            )}
            {stage === 'queueing' && <Queueing sum={sum} />}
            {stage === 'queued' && <Progress sum={sum} pending={webhook.health?.pending ?? 0} />}
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
                {plural(sum.looked_at, 'event')} looked at, {plural(sum.queued, 'delivery', 'deliveries')} queued
            </p>
        </div>
    );
}

/* `pending`: what waits for this webhook now, from its health, which the page reads again and again. What was queued is
 * among it, so the rest of it has left the queue. */
function Progress({ sum, pending }: { sum: Sum; pending: number }) {
    const left = Math.min(sum.queued, pending);
    return (
        <div className="stack-small">
            {sum.queued === 0 ? (
                <Notice kind="info">Nothing had to be sent again.</Notice>
            ) : (
                <>
                    <progress aria-label="Sent again" max={sum.queued} value={sum.queued - left} />
                    <p role="status">
                        {left === 0
                            ? `All ${plural(sum.queued, 'delivery', 'deliveries')} left the queue.`
                            : `${sum.queued - left} of ${plural(sum.queued, 'delivery', 'deliveries')} left the queue; the rest waits for its turn or its next try.`}
                    </p>
                </>
            )}
            {sum.waiting_already > 0 && <p className="quiet">{plural(sum.waiting_already, 'delivery', 'deliveries')} waited already.</p>}
            {sum.payload_dropped > 0 && (
                <p className="quiet">{plural(sum.payload_dropped, 'delivery', 'deliveries')} cannot be sent again: the data is not kept any more.</p>
            )}
        </div>
    );
}
