/* The table of deliveries, newest first. Rows have the event's id as key, so that new rows above do not move the visible
 * ones (the browser anchors the scrolling). */
import type { Delivery } from '../api/types';
import { plural } from '../ui/format';
import { Time } from '../ui/time';
import { StateBadge } from './states';

interface Props {
    deliveries: Delivery[];
    selected: string | null;
    onSelect: (event: string) => void;
}

export function DeliveryTable({ deliveries, selected, onSelect }: Props) {
    return (
        <table className="table deliveries" role="table" aria-label="Deliveries">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader">Event</th>
                    <th role="columnheader">State</th>
                    <th role="columnheader">Last response</th>
                    <th role="columnheader">Attempts</th>
                    <th role="columnheader">When</th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                {deliveries.map((delivery) => (
                    <Row key={delivery.event_id} delivery={delivery} selected={delivery.event_id === selected} onSelect={onSelect} />
                ))}
            </tbody>
        </table>
    );
}

interface RowProps {
    delivery: Delivery;
    selected: boolean;
    onSelect: (event: string) => void;
}

function Row({ delivery, selected, onSelect }: RowProps) {
    const open = () => onSelect(delivery.event_id);
    return (
        <tr
            role="row"
            className="clickable"
            aria-current={selected || undefined}
            onClick={(event) => {
                if (event.target instanceof Element && event.target.closest('button') === null) open();
            }}
        >
            <td role="cell">
                <button type="button" className="row-title" onClick={open}>
                    <bdi className="clamp">{delivery.event_type}</bdi>
                </button>
                {delivery.test && <span className="chip tag">Test</span>}
                <span className="url one-line" title={delivery.event_id}>
                    <bdi>{delivery.event_id}</bdi>
                </span>
            </td>
            <td role="cell">
                <StateBadge state={delivery.state} />
            </td>
            <td role="cell">
                <span className="one-line">
                    <bdi>{answerOf(delivery)}</bdi>
                </span>
            </td>
            <td role="cell">
                <span className="wide-only">{delivery.attempts}</span>
                <span className="narrow-only">{plural(delivery.attempts, 'attempt')}</span>
            </td>
            <td role="cell">
                <Time at={delivery.last_attempt_at} never="not sent yet" />
                {delivery.state === 'pending' && delivery.next_attempt_at !== null && (
                    <span className="quiet small-line">
                        next try <Time at={delivery.next_attempt_at} />
                    </span>
                )}
            </td>
        </tr>
    );
}

function answerOf({ last_http_status, last_error }: Delivery): string {
    if (last_http_status !== null) return `HTTP ${last_http_status}`;
    return last_error ?? '–';
}
