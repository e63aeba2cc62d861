/* Requests to posthorn-api on the same origin. The cookie is the browser's business; what is kept here is the CSRF
 * token and what to do when the session has ended in the middle of the work: ask to sign in again (session.tsx shows
 * the dialog), then repeat the request, so that nothing that was typed is lost. */
import { noAnswer, Problem, problemOf } from './problem';
import type { Session } from './types';

const TIMEOUT_MS = 20_000;
const SECOND_FACTOR_MISSING = 'urn:posthorn:problem:second-factor';
const FOREIGN_REQUEST = 'urn:posthorn:problem:foreign-request';
const UNAUTHENTICATED = 'urn:posthorn:problem:unauthenticated';

let csrf = '';
let email = '';
let signInAgain: (() => Promise<void>) | null = null;

/** Each answer about the session goes through here: its CSRF token is that of the requests to come. */
export function rememberSession(session: Session): void {
    csrf = session.signed_in ? session.csrf : '';
    email = session.signed_in ? session.email : '';
}

/** `ask` resolves when there is a good session again and rejects when the user gives up; null: never ask. */
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
        throw new Problem(-1, 'console', 'The server answered something that is no JSON. Is a proxy in between?');
    }
}

/** Whether the session is over; a wrong password or code has another type, or is asked for where there is none yet. */
export function hasEnded(problem: unknown): boolean {
    return problem instanceof Problem && (problem.type === UNAUTHENTICATED || problem.type === SECOND_FACTOR_MISSING);
}

/* Another tab may have signed in meanwhile: the cookie is the new session's then, and the token here the old one's. */
async function renewCsrf(): Promise<void> {
    const session = await read<Session>(await send('GET', '/v1/console/session', undefined));
    // somebody else: what stands on this page is not theirs
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

/** A request of the signing in itself: it never asks to sign in again. Throws Problem. */
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

/** "?a=1&b=2" of what is not empty. */
export function query(values: Record<string, string | number | null | undefined>): string {
    const kept = Object.entries(values).filter(([, value]) => value !== '' && value !== null && value !== undefined);
    return kept.length === 0 ? '' : `?${new URLSearchParams(kept.map(([name, value]) => [name, String(value)]))}`;
}
