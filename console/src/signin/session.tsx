/* The session: the signed-in user, and the handling of a session that ends during work. Everything below the provider
 * reads it with useSession(). */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { rememberSession, requestSession, setSignInAgain } from '../api/client';
import { asProblem, type Problem } from '../api/problem';
import type { Session, SignedIn } from '../api/types';
import { SignInAgain } from './again';

interface SessionValue {
    /** null until the server has responded */
    session: Session | null;
    problem: Problem | null;
    accept: (session: Session) => void;
    reload: () => Promise<void>;
    signOut: () => Promise<void>;
}

const Context = createContext<SessionValue | null>(null);

export function useSession(): SessionValue {
    const value = useContext(Context);
    if (value === null) throw new Error('no SessionProvider above');
    return value;
}

/** The signed-in user. Use it only in what is shown to signed-in users. */
export function useUser(): SignedIn {
    const { session } = useSession();
    if (session?.signed_in !== true) throw new Error('no user is signed in');
    return session;
}

interface Waiting {
    promise: Promise<void>;
    resolve: () => void;
}

export function SessionProvider({ children }: { children: ReactNode }) {
    const [session, setSession] = useState<Session | null>(null);
    const [problem, setProblem] = useState<Problem | null>(null);
    const [asking, setAsking] = useState(false);
    const waiting = useRef<Waiting | null>(null);

    const accept = useCallback((next: Session) => {
        rememberSession(next);
        setProblem(null);
        setSession(next);
    }, []);

    const reload = useCallback(async () => {
        try {
            accept(await requestSession<Session>('GET', '/v1/console/session'));
        } catch (thrown) {
            setProblem(asProblem(thrown));
        }
    }, [accept]);

    useEffect(() => void reload(), [reload]);

    const signOut = useCallback(async () => {
        await requestSession('DELETE', '/v1/console/session').catch(() => undefined);
        // a new page: no data of one user stays in memory for the next one
        location.assign('/console/');
    }, []);

    const verified = session?.signed_in === true && session.verified;
    useEffect(() => {
        // several requests may detect this at the same time: they wait for the same sign-in
        const ask = () => {
            if (waiting.current === null) {
                let resolve = () => {};
                const promise = new Promise<void>((done) => (resolve = done));
                waiting.current = { promise, resolve };
                setAsking(true);
            }
            return waiting.current.promise;
        };
        setSignInAgain(verified ? ask : null);
        return () => setSignInAgain(null);
    }, [verified]);

    const email = session?.signed_in === true ? session.email : '';
    const acceptAgain = (next: SignedIn) => {
        // another user: the contents of the page do not belong to them
        if (next.email !== email) return location.assign('/console/');
        accept(next);
        setAsking(false);
        waiting.current?.resolve();
        waiting.current = null;
    };

    const value = useMemo(() => ({ session, problem, accept, reload, signOut }), [session, problem, accept, reload, signOut]);
    return (
        <Context.Provider value={value}>
            {children}
            {asking && <SignInAgain email={email} onSignedIn={acceptAgain} />}
        </Context.Provider>
    );
}
