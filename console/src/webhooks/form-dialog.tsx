/* The modal dialog that adds or edits a webhook: loads the choices, then shows the form. */
import useSWR from 'swr';
import { asProblem } from '../api/problem';
import type { EventType, SignatureOptions, Webhook } from '../api/types';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { Retry } from '../ui/notice';
import { Loading } from '../ui/states';
import { WebhookForm } from './form';

interface Props {
    /** null: a new one */
    webhook: Webhook | null;
    onClose: () => void;
    /** called after the server has confirmed; null: the webhook was deleted */
    onDone: (webhook: Webhook | null) => void;
}

export function WebhookDialog({ webhook, onClose, onDone }: Props) {
    const types = useSWR<{ event_types: EventType[] }>('/v1/event-types');
    const options = useSWR<SignatureOptions>('/v1/signature-options');

    if (types.data !== undefined && options.data !== undefined)
        return (
            <WebhookForm
                webhook={webhook}
                types={types.data.event_types}
                options={options.data}
                onClose={onClose}
                onDone={onDone}
            />
        );
    const thrown: unknown = types.error ?? options.error;
    const retry = () => void Promise.all([types.mutate(), options.mutate()]);
    return (
        <Dialog title={webhook === null ? 'Add Webhook' : 'Edit Webhook'} onClose={onClose} footer={<Button onClick={onClose}>Close</Button>}>
            {thrown === undefined ? <Loading what="Loading" /> : <Retry problem={asProblem(thrown)} onRetry={retry} />}
        </Dialog>
    );
}
