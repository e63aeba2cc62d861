/* The words and colours of the states of deliveries and attempts. */
import type { Attempt, DeliveryState } from '../api/types';
import { Badge, type Tone } from '../ui/badge';

const STATES: Record<DeliveryState, { tone: Tone; name: string }> = {
    pending: { tone: 'waiting', name: 'Pending' },
    delivered: { tone: 'good', name: 'Delivered' },
    failed: { tone: 'bad', name: 'Failed' },
    cancelled: { tone: 'neutral', name: 'Cancelled' },
};

export const stateName = (state: DeliveryState): string => STATES[state]?.name ?? state;

export function StateBadge({ state }: { state: DeliveryState }) {
    return <Badge tone={STATES[state]?.tone ?? 'neutral'}>{stateName(state)}</Badge>;
}

const OUTCOMES: Record<Attempt['outcome'], { tone: Tone; name: string }> = {
    delivered: { tone: 'good', name: 'Delivered' },
    retry: { tone: 'waiting', name: 'Not delivered' },
    gave_up: { tone: 'bad', name: 'Gave up' },
};

export function OutcomeBadge({ outcome }: { outcome: Attempt['outcome'] }) {
    const { tone, name } = OUTCOMES[outcome] ?? { tone: 'neutral', name: outcome };
    return <Badge tone={tone}>{name}</Badge>;
}

export const CAUSES: Record<Attempt['cause'], string> = {
    event: '',
    replay: 'Replay',
    redeliver: 'Redelivery',
    test: 'Test',
};
