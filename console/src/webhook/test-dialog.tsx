/* Sends a test event to this webhook only, and then opens its delivery. */
import { useState } from 'react';
import useSWR from 'swr';
import { request, webhookPath } from '../api/client';
import { asProblem } from '../api/problem';
import type { EventType, Webhook } from '../api/types';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { SelectField } from '../ui/field';
import { ProblemNotice, Retry } from '../ui/notice';
import { Loading } from '../ui/states';
import { useSubmit } from '../ui/submit';
import { covers } from '../webhooks/patterns';

interface Props {
    webhook: Webhook;
    onClose: () => void;
    onSent: (event: string) => void;
}

export function TestDialog({ webhook, onClose, onSent }: Props) {
    const { data, error, mutate } = useSWR<{ event_types: EventType[] }>('/v1/event-types');
    const [chosen, setChosen] = useState('');
    const { busy, problem, wait, submit } = useSubmit();

    const types = (data?.event_types ?? []).filter(({ name }) => webhook.events.some((event) => covers(event, name)));
    const event = chosen !== '' ? chosen : (types[0]?.name ?? '');
    const send = () =>
        submit(async () => {
            const body = event === '' ? {} : { event };
            const sent = await request<{ event_id: string }>('POST', webhookPath(webhook.id, 'test'), body);
            onSent(sent.event_id);
        });

    return (
        <Dialog
            title="Send a test event"
            size="small"
            onClose={onClose}
            footer={
                <>
                    <Button onClick={onClose}>Close</Button>
                    <Button kind="primary" busy={busy} disabled={wait > 0 || data === undefined} onClick={() => void send()}>
                        Send Now
                    </Button>
                </>
            }
        >
            <p className="quiet">Only this webhook receives it. It is marked as a test here and in its data.</p>
            <ProblemNotice problem={problem} wait={wait} />
            {data === undefined ? (
                error === undefined ? (
                    <Loading what="Loading" />
                ) : (
                    <Retry problem={asProblem(error)} onRetry={() => void mutate()} />
                )
            ) : (
                types.length > 0 && (
                    <SelectField
                        label="Event"
                        value={event}
                        onChange={setChosen}
                        options={types.map(({ name }) => ({ value: name, label: name }))}
                    />
                )
            )}
        </Dialog>
    );
}
