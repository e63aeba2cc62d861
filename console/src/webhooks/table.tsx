/* The table of webhooks; on narrow screens each row is a card (styles/table.css; the roles are written out because a
 * table that is displayed otherwise loses them). */
import type { MouseEvent } from 'react';
import { Link } from 'wouter';
import type { Webhook } from '../api/types';
import { HealthSummary, StatusBadge } from './health';

const CHIPS = 2;

export function WebhookTable({ webhooks, onEdit }: { webhooks: Webhook[]; onEdit: (webhook: Webhook) => void }) {
    return (
        <table className="table webhooks" role="table" aria-label="Webhooks">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader">Webhook</th>
                    <th role="columnheader">Events</th>
                    <th role="columnheader">Status</th>
                    <th role="columnheader">
                        <span className="visually-hidden">More</span>
                    </th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                {webhooks.map((webhook) => (
                    <Row key={webhook.id} webhook={webhook} onEdit={onEdit} />
                ))}
            </tbody>
        </table>
    );
}

function Row({ webhook, onEdit }: { webhook: Webhook; onEdit: (webhook: Webhook) => void }) {
    const click = (event: MouseEvent) => {
        // the whole row is a target for the mouse; the keyboard has the button in it
        if (event.target instanceof Element && event.target.closest('a, button') === null) onEdit(webhook);
    };
    return (
        <tr role="row" className="clickable" onClick={click}>
            <td role="cell">
                <button type="button" className="row-title" title="Edit" onClick={() => onEdit(webhook)}>
                    <bdi className="clamp">{webhook.label === '' ? 'Without a label' : webhook.label}</bdi>
                </button>
                <span className="url clamp">
                    <bdi>{webhook.url}</bdi>
                </span>
            </td>
            <td role="cell">
                <Events events={webhook.events} />
            </td>
            <td role="cell">
                <StatusBadge webhook={webhook} />
                <HealthSummary webhook={webhook} />
            </td>
            <td role="cell" className="actions">
                <Link className="button plain" href={`/settings/webhooks/${encodeURIComponent(webhook.id)}`}>
                    Deliveries<span className="visually-hidden"> of {webhook.label.slice(0, 100)}</span>
                </Link>
            </td>
        </tr>
    );
}

function Events({ events }: { events: string[] }) {
    const more = events.length - CHIPS;
    return (
        <ul className="chips">
            {events.slice(0, CHIPS).map((event) => (
                <li className="chip" key={event}>
                    <bdi>{event}</bdi>
                </li>
            ))}
            {more > 0 && (
                <li className="chip more-chip" title={events.slice(CHIPS, 40).join('\n')}>
                    +{more}
                </li>
            )}
            {events.length === 0 && <li className="quiet">none</li>}
        </ul>
    );
}
