/* One delivery, in a drawer: the request as it is sent, every attempt with its response and timing, and the next try. */
import useSWR from 'swr';
import { request, webhookPath } from '../api/client';
import { asProblem } from '../api/problem';
import type { DeliveryDetail, Webhook } from '../api/types';
import { Button } from '../ui/button';
import { CopyButton } from '../ui/copy';
import { Dialog } from '../ui/dialog';
import { plural, prettyJson } from '../ui/format';
import { Again } from '../ui/icons';
import { ProblemNotice, Retry } from '../ui/notice';
import { useNotify } from '../ui/notify';
import { Loading } from '../ui/states';
import { useSubmit } from '../ui/submit';
import { Time } from '../ui/time';
import { Attempts } from './attempts';
import { StateBadge } from './states';

const POLL_MS = 2000;

interface Props {
    webhook: Webhook;
    event: string;
    onClose: () => void;
}

export function DeliveryDrawer({ webhook, event, onClose }: Props) {
    const { data, error, mutate } = useSWR<DeliveryDetail>(webhookPath(webhook.id, 'deliveries', event), {
        refreshInterval: POLL_MS,
        keepPreviousData: false,
    });
    const { busy, problem, wait, submit } = useSubmit();
    const notify = useNotify();

    const redeliver = () =>
        submit(async () => {
            await request('POST', webhookPath(webhook.id, 'redeliver'), { event_id: event });
            notify('Queued: it will be sent again');
            await mutate();
        });

    return (
        <Dialog
            title={<bdi className="clamp">{data?.event_type ?? 'Delivery'}</bdi>}
            size="drawer"
            onClose={onClose}
            footer={
                <>
                    <Button onClick={onClose}>Close</Button>
                    <Button
                        kind="primary"
                        busy={busy}
                        disabled={wait > 0 || data === undefined || webhook.status === 'disabled'}
                        onClick={() => void redeliver()}
                    >
                        <Again /> Redeliver
                    </Button>
                </>
            }
        >
            <ProblemNotice problem={problem} wait={wait} />
            {data !== undefined ? (
                <Detail delivery={data} />
            ) : error === undefined ? (
                <Loading what="Loading the delivery" />
            ) : (
                <Retry problem={asProblem(error)} onRetry={() => void mutate()} />
            )}
        </Dialog>
    );
}

function Detail({ delivery }: { delivery: DeliveryDetail }) {
    return (
        <>
            <div className="row" role="status" aria-label="State of the delivery">
                <StateBadge state={delivery.state} />
                {delivery.state === 'pending' && (
                    <span>
                        Next try <Time at={delivery.next_attempt_at} never="soon" />
                    </span>
                )}
                {delivery.state === 'delivered' && (
                    <span>
                        Delivered <Time at={delivery.delivered_at} />
                    </span>
                )}
                {delivery.state === 'failed' && <span>Given up; it can be sent again.</span>}
                {delivery.state === 'cancelled' && <span>Not sent: the webhook was disabled or changed.</span>}
            </div>
            <p className="id-line">
                <span className="quiet">Event ID</span>
                <code>
                    <bdi>{delivery.event_id}</bdi>
                </code>
                <CopyButton text={delivery.event_id} label="Copy the event ID" />
            </p>
            <Attempts attempts={delivery.attempts} />
            <Request request={delivery.request} />
        </>
    );
}

function Request({ request: { method, url, headers, body, body_dropped, body_size, body_cut } }: { request: DeliveryDetail['request'] }) {
    return (
        <section className="stack-small" aria-labelledby="request-heading">
            <h3 id="request-heading">Request</h3>
            <p className="url">
                {method} <bdi>{url}</bdi>
            </p>
            <details className="headers">
                <summary>Headers</summary>
                <dl>
                    {Object.entries(headers).map(([name, value]) => (
                        <div key={name}>
                            <dt>{name}</dt>
                            <dd>
                                <bdi>{value}</bdi>
                            </dd>
                        </div>
                    ))}
                </dl>
            </details>
            {body === null ? (
                <p className="quiet">{body_dropped ? 'The body is no longer stored: it cannot be sent again.' : 'No body.'}</p>
            ) : (
                <div className="code-block">
                    <pre tabIndex={0} role="region" aria-label="Body of the request" dir="ltr">
                        {prettyJson(body)}
                    </pre>
                    {!body_cut && <CopyButton text={body} label="Copy the body as it is sent" />}
                </div>
            )}
            {body_cut && <p className="quiet">Only the beginning is shown; the body has {plural(body_size ?? 0, 'byte')}.</p>}
        </section>
    );
}
