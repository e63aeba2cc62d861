/* Settings, Webhooks: the account's webhooks and their health. */
import { useState } from 'react';
import useSWR from 'swr';
import { query } from '../api/client';
import { asProblem } from '../api/problem';
import type { Webhook, WebhookPage } from '../api/types';
import { Button } from '../ui/button';
import { Plus } from '../ui/icons';
import { Retry } from '../ui/notice';
import { useNotify } from '../ui/notify';
import { Empty, Loading } from '../ui/states';
import { WebhookDialog } from './form-dialog';
import { WebhookTable } from './table';

const POLL_MS = 5000;
const PAGE = 100;
const PAGE_MAX = 1000;

export function WebhookListPage() {
    const [limit, setLimit] = useState(PAGE);
    const { data, error, mutate } = useSWR<WebhookPage>(`/v1/webhooks${query({ limit })}`, { refreshInterval: POLL_MS });
    const [open, setOpen] = useState<'new' | Webhook | null>(null);
    const notify = useNotify();

    const done = (webhook: Webhook | null) => {
        notify(open === 'new' ? 'Webhook added' : webhook === null ? 'Webhook deleted' : 'Changes saved');
        setOpen(null);
        void mutate();
    };
    return (
        <>
            <div className="page-head">
                <div>
                    <h1>Webhooks</h1>
                    <p className="quiet">Each receives the events you choose, as they happen.</p>
                </div>
                <Button kind="primary" onClick={() => setOpen('new')}>
                    <Plus /> Add Webhook
                </Button>
            </div>
            {data === undefined ? (
                error === undefined ? (
                    <Loading what="Loading webhooks" />
                ) : (
                    <Retry problem={asProblem(error)} onRetry={() => void mutate()} />
                )
            ) : data.webhooks.length === 0 ? (
                <Empty title="No webhooks yet">
                    <p>A webhook tells another application what happens here, such as a sale or a change of the inventory.</p>
                </Empty>
            ) : (
                <WebhookTable webhooks={data.webhooks} onEdit={setOpen} />
            )}
            {data?.next_cursor != null && limit < PAGE_MAX && (
                <p className="more">
                    <Button onClick={() => setLimit(Math.min(limit * 2, PAGE_MAX))}>Show more</Button>
                </p>
            )}
            {data?.next_cursor != null && limit >= PAGE_MAX && <p className="quiet more">The first {PAGE_MAX} are shown.</p>}
            {open !== null && <WebhookDialog webhook={open === 'new' ? null : open} onClose={() => setOpen(null)} onDone={done} />}
        </>
    );
}
