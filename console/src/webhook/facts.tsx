/* The webhook's health as a row of figures. */
import type { ReactNode } from 'react';
import { PENDING_MAX, type Webhook } from '../api/types';
import { count } from '../ui/format';
import { Time } from '../ui/time';

export function Facts({ webhook: { health } }: { webhook: Webhook }) {
    if (health === undefined) return null;
    return (
        <dl className="facts">
            <Fact name="Last success">
                <Time at={health.last_success_at} />
            </Fact>
            <Fact name="Delivered in 24 h">{count(health.successes_24h)}</Fact>
            <Fact name="Failures in 24 h" bad={health.failures_24h > 0}>
                {count(health.failures_24h)}
            </Fact>
            <Fact name="Waiting">{pendingText(health.pending)}</Fact>
            <Fact name="Next retry">
                <Time at={health.next_attempt_at} never="none" />
            </Fact>
            {health.state === 'failing' && health.last_error !== null && (
                <Fact name="Last error" bad>
                    <bdi className="clamp">{health.last_error}</bdi>
                </Fact>
            )}
        </dl>
    );
}

function Fact({ name, bad = false, children }: { name: string; bad?: boolean; children: ReactNode }) {
    return (
        <div className="fact">
            <dt>{name}</dt>
            <dd className={bad ? 'bad-text' : undefined}>{children}</dd>
        </div>
    );
}

const pendingText = (pending: number) => (pending >= PENDING_MAX ? `${count(PENDING_MAX)} or more` : count(pending));
