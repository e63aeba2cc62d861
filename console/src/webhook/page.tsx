/* One webhook: its health, its deliveries as they happen, and how to verify its notifications. */
import { useState } from 'react';
import useSWR from 'swr';
import { Link, useLocation } from 'wouter';
import { request, webhookPath } from '../api/client';
import { asProblem } from '../api/problem';
import type { Webhook } from '../api/types';
import { Button } from '../ui/button';
import { Send } from '../ui/icons';
import { Notice, ProblemNotice, Retry } from '../ui/notice';
import { useNotify } from '../ui/notify';
import { Loading } from '../ui/states';
import { useSubmit } from '../ui/submit';
import { WebhookDialog } from '../webhooks/form-dialog';
import { StatusBadge } from '../webhooks/health';
import { Activity } from './activity';
import { Facts } from './facts';
import { useFilters } from './filters';
import { TestDialog } from './test-dialog';
import { Verification } from './verification';

const POLL_MS = 3000;

export function WebhookPage({ id, tab }: { id: string; tab: 'deliveries' | 'verification' }) {
    const { data: webhook, error, mutate } = useSWR<Webhook>(webhookPath(id), { refreshInterval: POLL_MS });

    if (error !== undefined && (webhook === undefined || asProblem(error).status === 404))
        return (
            <>
                <Back />
                {asProblem(error).status === 404 ? (
                    <div className="state" role="alert">
                        <h1 className="state-title">There is no such webhook</h1>
                        <p>It may have been deleted.</p>
                    </div>
                ) : (
                    <Retry problem={asProblem(error)} onRetry={() => void mutate()} />
                )}
            </>
        );
    if (webhook === undefined) return <Loading what="Loading the webhook" />;
    const path = `/settings/webhooks/${encodeURIComponent(id)}`;
    return (
        <>
            <Back />
            <Head webhook={webhook} onChanged={() => void mutate()} />
            <Facts webhook={webhook} />
            <nav className="tabs" aria-label="Webhook">
                <Link href={path} aria-current={tab === 'deliveries' ? 'page' : undefined}>
                    Deliveries
                </Link>
                <Link href={`${path}/verification`} aria-current={tab === 'verification' ? 'page' : undefined}>
                    Signature
                </Link>
            </nav>
            {tab === 'deliveries' ? <Activity webhook={webhook} /> : <Verification webhook={webhook} />}
        </>
    );
}

function Back() {
    return (
        <p className="back">
            <Link href="/settings/webhooks">← Webhooks</Link>
        </p>
    );
}

function Head({ webhook, onChanged }: { webhook: Webhook; onChanged: () => void }) {
    const [open, setOpen] = useState<'' | 'edit' | 'test'>('');
    const { busy, problem, submit } = useSubmit();
    const [, navigate] = useLocation();
    const { set } = useFilters();
    const notify = useNotify();
    const enabled = webhook.status === 'enabled';

    const toggle = () =>
        submit(async () => {
            await request('POST', webhookPath(webhook.id, enabled ? 'disable' : 'enable'));
            notify(enabled ? 'Webhook disabled' : 'Webhook enabled');
            onChanged();
        });
    const edited = (changed: Webhook | null) => {
        setOpen('');
        notify(changed === null ? 'Webhook deleted' : 'Changes saved');
        if (changed === null) navigate('/settings/webhooks');
        else onChanged();
    };

    return (
        <div className="stack webhook-head">
            <div className="page-head">
                <div>
                    <h1 className="clamp">
                        <bdi>{webhook.label === '' ? 'Without a label' : webhook.label}</bdi>
                    </h1>
                    <p className="url clamp">
                        <bdi>{webhook.url}</bdi>
                    </p>
                    <StatusBadge webhook={webhook} />
                </div>
                <div className="row">
                    <Button onClick={() => setOpen('edit')}>Edit</Button>
                    <Button busy={busy} onClick={() => void toggle()}>
                        {enabled ? 'Disable' : 'Enable'}
                    </Button>
                    <Button kind="primary" disabled={!enabled} onClick={() => setOpen('test')}>
                        <Send /> Send test event
                    </Button>
                </div>
            </div>
            <ProblemNotice problem={problem} />
            {!enabled && (
                <Notice kind="warning">
                    Nothing is sent to this webhook
                    {webhook.disabled_reason === null ? '.' : ': '}
                    {webhook.disabled_reason !== null && <bdi>{webhook.disabled_reason}</bdi>}
                </Notice>
            )}
            {open === 'edit' && <WebhookDialog webhook={webhook} onClose={() => setOpen('')} onDone={edited} />}
            {open === 'test' && (
                <TestDialog
                    webhook={webhook}
                    onClose={() => setOpen('')}
                    onSent={(event) => {
                        setOpen('');
                        set({ delivery: event });
                    }}
                />
            )}
        </div>
    );
}
