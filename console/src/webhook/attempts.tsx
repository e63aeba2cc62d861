/* The attempts of one delivery, newest first. */
import type { Attempt } from '../api/types';
import { duration, exact } from '../ui/format';
import { CAUSES, OutcomeBadge } from './states';

export function Attempts({ attempts }: { attempts: Attempt[] }) {
    return (
        <section className="stack-small" aria-labelledby="attempts-heading">
            <h3 id="attempts-heading">Attempts</h3>
            {attempts.length === 0 && <p className="quiet">None yet.</p>}
            <ol className="attempts">
                {[...attempts]
                    .sort((a, b) => b.started_at.localeCompare(a.started_at) || b.attempt - a.attempt)
                    .map((attempt) => (
                        <li key={`${attempt.started_at} ${attempt.attempt}`}>
                            <Entry attempt={attempt} />
                        </li>
                    ))}
            </ol>
        </section>
    );
}

function Entry({ attempt }: { attempt: Attempt }) {
    const { response_body: body, error, http_status } = attempt;
    return (
        <article className="attempt" aria-label={`Attempt ${attempt.attempt}`}>
            <div className="attempt-head">
                <strong>
                    <bdi className="clamp">{http_status !== null ? `HTTP ${http_status}` : (error ?? 'No response')}</bdi>
                </strong>
                <OutcomeBadge outcome={attempt.outcome} />
            </div>
            <p className="quiet small-line">
                Attempt {attempt.attempt} · {exact(new Date(attempt.started_at))} · {duration(attempt.duration_ms)}
                {CAUSES[attempt.cause] !== '' && ` · ${CAUSES[attempt.cause] ?? attempt.cause}`}
            </p>
            {http_status !== null && error !== null && error !== '' && error !== `answered ${http_status}` && (
                <p className="bad-text small-line">
                    <bdi>{error}</bdi>
                </p>
            )}
            {body !== null && body !== '' && (
                <details>
                    <summary>Response</summary>
                    <pre tabIndex={0} role="region" aria-label={`Response to attempt ${attempt.attempt}`} dir="auto">
                        {body}
                    </pre>
                </details>
            )}
        </article>
    );
}
