/* Replaces the secret. For a time, both the old and the new secret sign, so that receivers can change over. */
import { useState } from 'react';
import { request, webhookPath } from '../api/client';
import type { Webhook } from '../api/types';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { SelectField } from '../ui/field';
import { ProblemNotice } from '../ui/notice';
import { useSubmit } from '../ui/submit';

const OVERLAPS = [
    { value: '86400', label: 'For a day' },
    { value: '604800', label: 'For a week' },
    { value: '3600', label: 'For an hour' },
    { value: '0', label: 'No longer: the old one has leaked' },
];

interface Props {
    webhook: Webhook;
    onClose: () => void;
    onRotated: () => void;
}

export function RotateDialog({ webhook, onClose, onRotated }: Props) {
    const [overlap, setOverlap] = useState('86400');
    const { busy, problem, wait, submit } = useSubmit();
    const rotate = () =>
        submit(async () => {
            await request('POST', webhookPath(webhook.id, 'secret'), { overlap_seconds: Number(overlap) });
            onRotated();
        });
    return (
        <Dialog
            title="Rotate the secret?"
            size="small"
            onClose={onClose}
            footer={
                <>
                    <Button onClick={onClose}>Keep It</Button>
                    <Button kind="primary" busy={busy} disabled={wait > 0} onClick={() => void rotate()}>
                        Rotate Secret
                    </Button>
                </>
            }
        >
            <ProblemNotice problem={problem} wait={wait} />
            <p>This creates a new secret. Notifications are signed with it immediately.</p>
            <SelectField label="The old secret also signs" value={overlap} onChange={setOverlap} options={OVERLAPS} />
        </Dialog>
    );
}
