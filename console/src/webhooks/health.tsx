/* The health of a webhook, as a badge and in words. */
import { PENDING_MAX, type Webhook } from '../api/types';
import { Badge, type Tone } from '../ui/badge';
import { plural } from '../ui/format';
import { Time } from '../ui/time';

const STATES: Record<string, { tone: Tone; text: string }> = {
    ok: { tone: 'good', text: 'Healthy' },
    failing: { tone: 'bad', text: 'Failing' },
    idle: { tone: 'neutral', text: 'No deliveries yet' },
    disabled: { tone: 'neutral', text: 'Disabled' },
};

export function StatusBadge({ webhook }: { webhook: Webhook }) {
    const key = webhook.status === 'disabled' ? 'disabled' : (webhook.health?.state ?? 'idle');
    const { tone, text } = STATES[key] ?? { tone: 'neutral', text: key };
    return <Badge tone={tone}>{text}</Badge>;
}

export function HealthSummary({ webhook }: { webhook: Webhook }) {
    const { health } = webhook;
    if (health === undefined) return null;
    return (
        <ul className="health">
            <li>
                Last success <Time at={health.last_success_at} />
            </li>
            {health.failures_24h > 0 && <li className="bad-text">{plural(health.failures_24h, 'failure')} in 24 h</li>}
            {health.next_attempt_at !== null && (
                <li>
                    Next retry <Time at={health.next_attempt_at} />
                    {health.pending > 0 && ` · ${waiting(health.pending)}`}
                </li>
            )}
        </ul>
    );
}

function waiting(pending: number): string {
    const text = plural(pending, 'event waits', 'events wait');
    return pending >= PENDING_MAX ? `at least ${text}` : text;
}
