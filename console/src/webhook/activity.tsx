/* The deliveries' side of a webhook's page: filters, chart, table, and the drawer with one delivery. */
import { useState } from 'react';
import useSWR from 'swr';
import { query, webhookPath } from '../api/client';
import { asProblem } from '../api/problem';
import type { DeliveryPage, Webhook } from '../api/types';
import { Button } from '../ui/button';
import { Again } from '../ui/icons';
import { Retry } from '../ui/notice';
import { Empty, Loading } from '../ui/states';
import { ActivityChart } from './chart';
import { DeliveryDrawer } from './delivery';
import { DeliveryTable } from './delivery-table';
import { FilterBar } from './filter-bar';
import { type Filters, type Span, useFilters, useSpan } from './filters';
import { RedeliverDialog } from './redeliver-dialog';

const POLL_MS = 2000;
/** many rows are read less often */
const POLL_MANY_MS = 10_000;
const PAGE = 50;
const PAGE_MAX = 500;

export function Activity({ webhook }: { webhook: Webhook }) {
    const { filters, selected, set } = useFilters();
    const span = useSpan(filters);
    const [redelivering, setRedelivering] = useState(false);

    return (
        <div className="stack">
            <FilterBar webhook={webhook} filters={filters} onChange={set} />
            <ActivityChart webhook={webhook} span={span} />
            <section className="stack-small" aria-labelledby="deliveries-heading">
                <div className="section-head">
                    <h2 id="deliveries-heading">Deliveries</h2>
                    <Button disabled={webhook.status === 'disabled'} onClick={() => setRedelivering(true)}>
                        <Again /> Redeliver all failed
                    </Button>
                </div>
                <Deliveries webhook={webhook} filters={filters} span={span} selected={selected} onSelect={(id) => set({ delivery: id })} />
            </section>
            {selected !== null && (
                <DeliveryDrawer key={selected} webhook={webhook} event={selected} onClose={() => set({ delivery: '' })} />
            )}
            {redelivering && <RedeliverDialog webhook={webhook} span={span} onClose={() => setRedelivering(false)} />}
        </div>
    );
}

interface Props {
    webhook: Webhook;
    filters: Filters;
    span: Span;
    selected: string | null;
    onSelect: (event: string) => void;
}

/* The newest are read again and again, as many as are shown: so each row, also an old one, tells its present state. */
function Deliveries({ webhook, filters, span, selected, onSelect }: Props) {
    const [limit, setLimit] = useState(PAGE);
    const search = query({
        state: filters.state,
        event_type: filters.event,
        event_id: filters.id,
        from: span.from,
        to: span.to,
        limit,
    });
    const { data, error, mutate } = useSWR<DeliveryPage>(webhookPath(webhook.id, 'deliveries') + search, {
        refreshInterval: limit > PAGE ? POLL_MANY_MS : POLL_MS,
    });

    if (data === undefined)
        return error === undefined ? (
            <Loading what="Loading deliveries" />
        ) : (
            <Retry problem={asProblem(error)} onRetry={() => void mutate()} />
        );
    if (error !== undefined && !asProblem(error).passing) return <Retry problem={asProblem(error)} onRetry={() => void mutate()} />;
    if (data.deliveries.length === 0) return <NoDeliveries filters={filters} />;
    const more = data.next_cursor !== null;
    return (
        <>
            <DeliveryTable deliveries={data.deliveries} selected={selected} onSelect={onSelect} />
            {more && limit < PAGE_MAX && (
                <p className="more">
                    <Button onClick={() => setLimit(Math.min(limit * 2, PAGE_MAX))}>Show older</Button>
                </p>
            )}
            {more && limit >= PAGE_MAX && (
                <p className="quiet more">The newest {PAGE_MAX} are shown. Choose another time to see older ones.</p>
            )}
        </>
    );
}

function NoDeliveries({ filters: { state, event, id } }: { filters: Filters }) {
    const filtered = state !== '' || event !== '' || id !== '';
    return (
        <Empty title={filtered ? 'No delivery fits the filter' : 'No deliveries in this time'}>
            <p>
                {filtered
                    ? 'Change the filter to see others.'
                    : 'They appear here as they happen. Send a test event to see one now.'}
            </p>
        </Empty>
    );
}
