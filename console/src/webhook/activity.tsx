/* The deliveries of a webhook's page: filters, chart, table, and the drawer with one delivery. */
import { useState } from 'react';
import useSWR from 'swr';
import { get, webhookPath } from '../api/client';
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
import { type Reading, readDeliveries } from './read-deliveries';
import { RedeliverDialog } from './redeliver-dialog';

const POLL_MS = 2000;
/** if there are many rows, they are read less often */
const POLL_MANY_MS = 10_000;
const PAGE = 50;
const PAGE_MAX = 400;
/** maximum number of requests for one reading; like the rows, doubled by each step further back */
const REQUESTS = 3;
const STEPS_MAX = 3;

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

/* The newest deliveries are read repeatedly, as many as are shown, so that each row, also an old one, shows its present
 * state. */
function Deliveries({ webhook, filters, span, selected, onSelect }: Props) {
    const [steps, setSteps] = useState(0);
    const limit = Math.min(PAGE * 2 ** steps, PAGE_MAX);
    const path = webhookPath(webhook.id, 'deliveries');
    const search = { state: filters.state, event_type: filters.event, event_id: filters.id, ...span };
    const { data, error, mutate } = useSWR<Reading>(
        [path, search, steps],
        () => readDeliveries(get<DeliveryPage>, path, search, limit, REQUESTS * 2 ** steps),
        { refreshInterval: (latest) => (limit > PAGE || (latest?.pages ?? 0) > 1 ? POLL_MANY_MS : POLL_MS) },
    );

    if (data === undefined || (error !== undefined && !asProblem(error).passing))
        return error === undefined ? (
            <Loading what="Loading deliveries" />
        ) : (
            <Retry problem={asProblem(error)} onRetry={() => void mutate()} />
        );
    const older = data.more && steps < STEPS_MAX;
    return (
        <>
            {data.deliveries.length > 0 ? (
                <DeliveryTable deliveries={data.deliveries} selected={selected} onSelect={onSelect} />
            ) : (
                <NoDeliveries filters={filters} more={data.more} />
            )}
            {older && (
                <p className="more">
                    <Button onClick={() => setSteps(steps + 1)}>{data.deliveries.length > 0 ? 'Show older' : 'Look further back'}</Button>
                </p>
            )}
            {data.more && !older && <p className="quiet more">There are older deliveries. Choose another time to see them.</p>}
        </>
    );
}

function NoDeliveries({ filters: { state, event, id }, more }: { filters: Filters; more: boolean }) {
    const filtered = state !== '' || event !== '' || id !== '';
    if (more)
        return (
            <Empty title="None found so far">
                <p>There are many deliveries in this time, and the newest of them do not match the filter.</p>
            </Empty>
        );
    return (
        <Empty title={filtered ? 'No delivery matches the filter' : 'No deliveries in this time'}>
            <p>
                {filtered
                    ? 'Change the filter to see others.'
                    : 'Deliveries appear here as they happen. Send a test event to see one now.'}
            </p>
        </Empty>
    );
}
