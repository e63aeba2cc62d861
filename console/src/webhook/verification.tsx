/* How receivers verify notifications: the signature that is sent, the secret on demand, its rotation, and code to copy. */
import { useState } from 'react';
import { request, webhookPath } from '../api/client';
import { asProblem } from '../api/problem';
import type { Secret, Signature, Webhook } from '../api/types';
import { Button } from '../ui/button';
import { CopyButton } from '../ui/copy';
import { Notice, ProblemNotice } from '../ui/notice';
import { useSubmit } from '../ui/submit';
import { RotateDialog } from './rotate-dialog';
import { VerifyingCode } from './verifying-code';

export function Verification({ webhook }: { webhook: Webhook }) {
    const { signature } = webhook;
    return (
        <div className="stack">
            <section className="card stack-small" aria-labelledby="signature-heading">
                <h2 id="signature-heading">How notifications are signed</h2>
                <p>{explain(signature)}</p>
                {signature.type === 'none' && (
                    <Notice kind="warning">
                        Anyone who knows the URL can send requests to it. Choose a signature under Edit, so that receivers can verify notifications.
                    </Notice>
                )}
            </section>
            {signature.type !== 'none' && (
                <>
                    <SecretSection webhook={webhook} />
                    <VerifyingCode signature={signature} />
                </>
            )}
        </div>
    );
}

function explain({ type, source_key }: Signature) {
    switch (type) {
        case 'none':
            return 'Notifications are not signed: no signature header is sent.';
        case 'standard':
            return 'The header webhook-signature is computed with the secret below (Standard Webhooks).';
        case 'signature_key':
            return 'The header X-Signature is computed with your signature key. In addition, webhook-signature is computed with the secret below (Standard Webhooks). Verify either.';
        case 'source_key':
            return (
                <>
                    The header X-Signature is computed with the source key <bdi className="strong">{source_key}</bdi>. In addition,
                    webhook-signature is computed with the secret below (Standard Webhooks). Verify either.
                </>
            );
    }
}

function SecretSection({ webhook }: { webhook: Webhook }) {
    const [secret, setSecret] = useState<Secret | null>(null);
    const [none, setNone] = useState(false);
    const [rotating, setRotating] = useState(false);
    const [rotated, setRotated] = useState(false);
    const { busy, problem, wait, submit } = useSubmit();
    const path = webhookPath(webhook.id, 'secret');

    const show = () =>
        submit(async () => {
            try {
                setSecret(await request<Secret>('GET', path));
                setNone(false);
            } catch (thrown) {
                if (asProblem(thrown).status !== 404) throw thrown;
                setNone(true);
            }
        });
    const afterRotation = () => {
        setRotating(false);
        setRotated(true);
        void show();
    };

    return (
        <section className="card stack-small" aria-labelledby="secret-heading">
            <h2 id="secret-heading">Signing secret</h2>
            <ProblemNotice problem={problem} wait={wait} />
            {none && <Notice kind="info">This webhook has no secret yet. Rotate secret creates one.</Notice>}
            {rotated && <Notice kind="success">The secret was replaced. Give the new one to the receiver.</Notice>}
            <p className="secret-line">
                <code aria-label="Signing secret">{secret === null ? '•'.repeat(24) : secret.secret}</code>
                {secret !== null && <CopyButton text={secret.secret} label="Copy the secret" />}
            </p>
            {secret?.format === 'hex' && <HexKey secret={secret.secret} />}
            <div className="row">
                {secret === null ? (
                    <Button busy={busy} disabled={wait > 0} onClick={() => void show()}>
                        Show secret
                    </Button>
                ) : (
                    <Button onClick={() => setSecret(null)}>Hide secret</Button>
                )}
                <Button onClick={() => setRotating(true)}>Rotate secret</Button>
            </div>
            {rotating && <RotateDialog webhook={webhook} onClose={() => setRotating(false)} onRotated={afterRotation} />}
        </section>
    );
}

/* If the secret is hexadecimal digits, its characters are the key, and libraries require the key in base64. */
function HexKey({ secret }: { secret: string }) {
    const key = btoa(secret);
    return (
        <p>
            The libraries require it in base64; use this as WEBHOOK_SECRET in the code below:
            <span className="secret-line">
                <code>{key}</code>
                <CopyButton text={key} label="Copy the secret in base64" />
            </span>
        </p>
    );
}
