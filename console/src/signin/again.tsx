/* The dialog that is shown above everything when the session has ended. The interrupted work stays unchanged below it. */
import { useEffect, useState } from 'react';
import { rememberSession, requestSession } from '../api/client';
import type { Session, SignedIn } from '../api/types';
import { Dialog } from '../ui/dialog';
import { Notice } from '../ui/notice';
import { SecondFactor } from './second-factor';
import { SignInForm } from './sign-in';

export function SignInAgain({ email, onSignedIn }: { email: string; onSignedIn: (session: SignedIn) => void }) {
    const [session, setSession] = useState<Session>({ signed_in: false });
    const accept = (next: Session) => {
        rememberSession(next);
        if (next.signed_in && next.verified) onSignedIn(next);
        else setSession(next);
    };

    useEffect(() => {
        // perhaps only the second factor is missing; if this cannot be determined, signing in shows the error
        requestSession<Session>('GET', '/v1/console/session').then(accept, () => undefined);
        // once, when the dialog opens
        // eslint-disable-next-line react-hooks/exhaustive-deps
    }, []);

    return (
        <Dialog title="Your session has ended" size="small" onClose={() => undefined}>
            <Notice kind="info">Sign in again to go on. What you typed is still there.</Notice>
            {session.signed_in ? (
                <SecondFactor session={session} onSession={accept} />
            ) : (
                <SignInForm email={email} onSession={accept} />
            )}
            <p className="quiet">
                <a href="/console/">Leave and start afresh</a>
            </p>
        </Dialog>
    );
}
