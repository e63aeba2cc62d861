/* E-mail address and password: the first step. */
import { useState } from 'react';
import { requestSession } from '../api/client';
import type { Session } from '../api/types';
import { Button } from '../ui/button';
import { TextField } from '../ui/field';
import { Logo } from '../ui/icons';
import { ProblemNotice } from '../ui/notice';
import { useSubmit } from '../ui/submit';

export function SignInPage({ onSession }: { onSession: (session: Session) => void }) {
    return (
        <main className="sign-in">
            <div className="card">
                <p className="brand">
                    <Logo /> Posthorn
                </p>
                <h1>Sign in</h1>
                <SignInForm email="" onSession={onSession} />
            </div>
        </main>
    );
}

export function SignInForm({ email: known, onSession }: { email: string; onSession: (session: Session) => void }) {
    const [email, setEmail] = useState(known);
    const [password, setPassword] = useState('');
    const { busy, problem, wait, submit } = useSubmit();
    const complete = email.trim() !== '' && password !== '';

    const signIn = () =>
        submit(async () => {
            if (!complete) return;
            try {
                onSession(await requestSession<Session>('POST', '/v1/console/session', { email: email.trim(), password }));
            } finally {
                setPassword('');
            }
        });

    return (
        <form
            className="stack"
            onSubmit={(event) => {
                event.preventDefault();
                void signIn();
            }}
        >
            <ProblemNotice problem={problem} wait={wait} />
            <TextField
                label="E-mail"
                type="email"
                autoComplete="username"
                value={email}
                onChange={setEmail}
                maxLength={254}
                autoFocus={known === ''}
                required
            />
            <TextField
                label="Password"
                type="password"
                autoComplete="current-password"
                value={password}
                onChange={setPassword}
                maxLength={1024}
                autoFocus={known !== ''}
                required
            />
            <Button kind="primary" type="submit" busy={busy} disabled={wait > 0}>
                Sign in
            </Button>
        </form>
    );
}
