/* Enables the second factor: shows the QR code and the secret for an authenticator app, asks for one code to verify it,
 * and shows the recovery codes once. */
import { useEffect, useState } from 'react';
import { hasEnded, rememberSession, requestSession } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { Confirmation, Enrolment, Session } from '../api/types';
import { Button } from '../ui/button';
import { CopyButton } from '../ui/copy';
import { TextField } from '../ui/field';
import { ProblemNotice, Retry } from '../ui/notice';
import { Loading } from '../ui/states';
import { useSubmit } from '../ui/submit';
import { QrCode } from './qr-code';
import { cleanCode } from './second-factor';
import { RecoveryCodes } from './recovery-codes';

export function Enrol({ onSession }: { onSession: (session: Session) => void }) {
    const [enrolment, setEnrolment] = useState<Enrolment | null>(null);
    const [failed, setFailed] = useState<Problem | null>(null);
    const [confirmed, setConfirmed] = useState<Confirmation | null>(null);
    const [asked, setAsked] = useState(0);

    useEffect(() => {
        let current = true;
        setFailed(null);
        requestSession<Enrolment>('POST', '/v1/console/second-factor').then(
            (answer) => current && setEnrolment(answer),
            (thrown) => {
                if (hasEnded(thrown)) onSession({ signed_in: false });
                else if (current) setFailed(asProblem(thrown));
            },
        );
        return () => {
            current = false;
        };
        // the onSession of the parent may change; another request would create a new secret
        // eslint-disable-next-line react-hooks/exhaustive-deps
    }, [asked]);

    if (confirmed !== null)
        return <RecoveryCodes codes={confirmed.recovery_codes} onSaved={() => onSession(confirmed.session)} />;
    if (failed !== null) return <Retry problem={failed} onRetry={() => setAsked(asked + 1)} />;
    if (enrolment === null) return <Loading what="Preparing your second factor" />;
    return (
        <div className="stack enrol">
            <h2>Set up two factor authentication</h2>
            <p>This section needs a second factor, and your user has none yet. It takes a minute.</p>
            <ol className="steps">
                <li>
                    <h3>Add the account to an authenticator app</h3>
                    <p>Scan the code with an app such as Aegis, Google Authenticator or 1Password.</p>
                    <QrCode text={enrolment.uri} label="QR code for your authenticator app" />
                    <p>
                        Or type this secret:
                        <span className="secret-line">
                            <code>{enrolment.secret.replace(/(.{4})(?=.)/g, '$1 ')}</code>
                            <CopyButton text={enrolment.secret} label="Copy the secret" />
                        </span>
                    </p>
                </li>
                <li>
                    <h3>Enter the code that the app shows</h3>
                    <Confirm onConfirmed={setConfirmed} onEnded={() => onSession({ signed_in: false })} />
                </li>
            </ol>
        </div>
    );
}

interface ConfirmProps {
    onConfirmed: (confirmation: Confirmation) => void;
    onEnded: () => void;
}

function Confirm({ onConfirmed, onEnded }: ConfirmProps) {
    const [code, setCode] = useState('');
    const { busy, problem, wait, submit } = useSubmit();

    const confirm = () =>
        submit(async () => {
            if (code.trim() === '') return;
            try {
                const answer = await requestSession<Confirmation>('POST', '/v1/console/second-factor/confirm', {
                    otp: cleanCode(code),
                });
                // the new session is used from now on, also while the user still saves the recovery codes
                rememberSession(answer.session);
                onConfirmed(answer);
            } catch (thrown) {
                if (hasEnded(thrown)) return onEnded();
                setCode('');
                throw thrown;
            }
        });

    return (
        <form
            className="stack"
            onSubmit={(event) => {
                event.preventDefault();
                void confirm();
            }}
        >
            <ProblemNotice problem={problem} wait={wait} />
            <TextField
                label="Authentication code"
                value={code}
                onChange={setCode}
                autoComplete="one-time-code"
                inputMode="numeric"
                maxLength={16}
                className="code-input"
                required
            />
            <Button kind="primary" type="submit" busy={busy} disabled={wait > 0}>
                Enable two factor
            </Button>
        </form>
    );
}
