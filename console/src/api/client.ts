/* Requests to posthorn-api on the same origin. The browser handles the cookie. This module keeps the CSRF token, and a
 * callback for a session that has ended: it asks to sign in again (session.tsx shows the dialog). Then the request is
 * repeated, so that nothing that was typed is lost. */
import { noAnswer, Problem, problemOf } from './problem';
import type { Session } from './types';

const TIMEOUT_MS = 20_000;
const SECOND_FACTOR_MISSING = 'urn:posthorn:problem:second-factor';
const FOREIGN_REQUEST = 'urn:posthorn:problem:foreign-request';
const UNAUTHENTICATED = 'urn:posthorn:problem:unauthenticated';

let csrf = '';
let email = '';
let signInAgain: (() => Promise<void>) | null = null;

/** Called with each response about the session. Its CSRF token is used for the following requests. */
export function rememberSession(session: Session): void {
    csrf = session.signed_in ? session.csrf : '';
    email = session.signed_in ? session.email : '';
}

/** `ask` resolves when the session is valid again, and rejects when the user cancels; null: never ask. */
export function setSignInAgain(ask: (() => Promise<void>) | null): void {
    signInAgain = ask;
}

async function send(method: string, path: string, body: unknown): Promise<Response> {
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (method !== 'GET') headers['X-CSRF-Token'] = csrf;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    try {
        return await fetch(path, {
            method,
            headers,
            body: body === undefined ? undefined : JSON.stringify(body),
            credentials: 'same-origin',
            cache: 'no-store',
            redirect: 'error',
            signal: AbortSignal.timeout(TIMEOUT_MS),
        });
    } catch {
        throw noAnswer();
    }
}

async function read<T>(response: Response): Promise<T> {
    if (!response.ok) throw await problemOf(response);
    if (response.status === 204) return undefined as T;
    try {
        return (await response.json()) as T;
    } catch {
        throw new Problem(-1, 'console', 'The response of the server is not JSON. Check whether a proxy changes it.');
    }
}

/** Whether the session has ended. A wrong password or code has another type, or occurs when there is no session yet. */
export function hasEnded(problem: unknown): boolean {
    return problem instanceof Problem && (problem.type === UNAUTHENTICATED || problem.type === SECOND_FACTOR_MISSING);
}

/* Another tab may have signed in: then the cookie belongs to the new session, and the token here to the old one. */
async function renewCsrf(): Promise<void> {
    const session = await read<Session>(await send('GET', '/v1/console/session', undefined));
    // another user: the contents of this page do not belong to them
    if (!session.signed_in || session.email !== email) location.assign('/console/');
    else rememberSession(session);
}

/** A request within the session. Throws Problem. */
export async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
    try {
        return await requestSession<T>(method, path, body);
    } catch (problem) {
        if (!hasEnded(problem) || signInAgain === null) throw problem;
        await signInAgain();
        return requestSession<T>(method, path, body);
    }
}

/** A request that is part of signing in: it never asks to sign in again. Throws Problem. */
export async function requestSession<T>(method: string, path: string, body?: unknown): Promise<T> {
    try {
        return await read<T>(await send(method, path, body));
    } catch (problem) {
        if (!(problem instanceof Problem) || problem.type !== FOREIGN_REQUEST) throw problem;
        await renewCsrf();
        return read<T>(await send(method, path, body));
    }
}

export const get = <T>(path: string): Promise<T> => request<T>('GET', path);

/** "/v1/webhooks/ID/…", with each part escaped. */
export function webhookPath(id: string, ...rest: string[]): string {
    return ['/v1/webhooks', ...[id, ...rest].map(encodeURIComponent)].join('/');
}

/** "?a=1&b=2" from the parameters that are not empty. */
export function query(values: Record<string, string | number | null | undefined>): string {
    const kept = Object.entries(values).filter(([, value]) => value !== '' && value !== null && value !== undefined);
    return kept.length === 0 ? '' : `?${new URLSearchParams(kept.map(([name, value]) => [name, String(value)]))}`;
}
