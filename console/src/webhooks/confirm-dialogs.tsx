/* The confirmations before something is lost. */
import { request, webhookPath } from '../api/client';
import type { Webhook } from '../api/types';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { ProblemNotice } from '../ui/notice';
import { useSubmit } from '../ui/submit';

export function AbandonDialog({ onKeep, onAbandon }: { onKeep: () => void; onAbandon: () => void }) {
    return (
        <Dialog
            title="Abandon changes?"
            size="small"
            onClose={onKeep}
            footer={
                <>
                    <Button onClick={onKeep}>Keep Editing</Button>
                    <Button kind="danger" onClick={onAbandon}>
                        Abandon Changes
                    </Button>
                </>
            }
        >
            <p>What you changed has not been saved.</p>
        </Dialog>
    );
}

interface DeleteProps {
    webhook: Webhook;
    onKeep: () => void;
    onDeleted: () => void;
}

export function DeleteDialog({ webhook, onKeep, onDeleted }: DeleteProps) {
    const { busy, problem, wait, submit } = useSubmit();
    const remove = () =>
        submit(async () => {
            await request('DELETE', webhookPath(webhook.id));
            onDeleted();
        });
    return (
        <Dialog
            title="Delete this webhook?"
            size="small"
            onClose={onKeep}
            footer={
                <>
                    <Button onClick={onKeep}>Keep It</Button>
                    <Button kind="danger" busy={busy} disabled={wait > 0} onClick={() => void remove()}>
                        Yes, Delete It
                    </Button>
                </>
            }
        >
            <ProblemNotice problem={problem} wait={wait} />
            <p>
                <strong className="clamp">
                    <bdi>{webhook.label}</bdi>
                </strong>{' '}
                will receive no more events. Its pending deliveries are cancelled. Sent events remain in the audit.
            </p>
        </Dialog>
    );
}
