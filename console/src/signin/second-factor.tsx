/* The first page of the Webhooks section: asks for a code of the authenticator or a recovery code. Users without a second
 * factor enable it first (enrol.tsx). */
import { useState } from 'react';
import { hasEnded, requestSession } from '../api/client';
import type { Session, SignedIn } from '../api/types';
import { Button } from '../ui/button';
import { TextField } from '../ui/field';
import { ProblemNotice } from '../ui/notice';
import { useSubmit } from '../ui/submit';
import { Enrol } from './enrol';

interface Props {
    session: SignedIn;
    onSession: (session: Session) => void;
}

export function SecondFactor({ session, onSession }: Props) {
    return session.second_factor === 'none' ? <Enrol onSession={onSession} /> : <Verify onSession={onSession} />;
}

/** People type and paste "123 456" and "123-456". */
export function cleanCode(typed: string): string {
    return typed.replace(/[\s-]/g, '');
}

function Verify({ onSession }: { onSession: (session: Session) => void }) {
    const [recovery, setRecovery] = useState(false);
    const [code, setCode] = useState('');
    const { busy, problem, wait, submit, clear } = useSubmit();

    const verify = () =>
        submit(async () => {
            if (code.trim() === '') return;
            const body = recovery ? { recovery_code: code.trim() } : { otp: cleanCode(code) };
            try {
                onSession(await requestSession<Session>('POST', '/v1/console/session/verify', body));
            } catch (thrown) {
                if (hasEnded(thrown)) return onSession({ signed_in: false });
                setCode('');
                throw thrown;
            }
        });

    const change = () => {
        clear();
        setCode('');
        setRecovery(!recovery);
    };

    return (
        <form
            className="stack second-factor"
            onSubmit={(event) => {
                event.preventDefault();
                void verify();
            }}
        >
            <h2>Two factor authentication</h2>
            <p>
                {recovery
                    ? 'Enter one of the recovery codes that you saved. Each is valid once.'
                    : 'Enter the code that your authenticator app shows to open this section.'}
            </p>
            <ProblemNotice problem={problem} wait={wait} />
            <TextField
                key={recovery ? 'recovery' : 'otp'}
                label={recovery ? 'Recovery code' : 'Authentication code'}
                value={code}
                onChange={setCode}
                autoComplete={recovery ? 'off' : 'one-time-code'}
                inputMode={recovery ? 'text' : 'numeric'}
                maxLength={64}
                className="code-input"
                autoFocus
                required
            />
            <div className="row">
                <Button kind="primary" type="submit" busy={busy} disabled={wait > 0}>
                    Continue
                </Button>
                <Button kind="link" onClick={change}>
                    {recovery ? 'Use an authentication code instead' : 'Use a recovery code instead'}
                </Button>
            </div>
        </form>
    );
}
