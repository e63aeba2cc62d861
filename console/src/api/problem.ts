/* The error of a request, in one class for all layers: no network, a response that is not JSON, or the server's
 * application/problem+json (RFC 9457). */

export interface FieldError {
    /** JSON pointer into the body that was sent (RFC 6901) */
    pointer: string;
    detail: string;
}

interface ProblemBody {
    type?: string;
    title?: string;
    detail?: string;
    errors?: FieldError[];
}

export class Problem extends Error {
    constructor(
        /** HTTP status; 0 if there was no response */
        readonly status: number,
        readonly type: string,
        message: string,
        readonly errors: FieldError[] = [],
        /** seconds to wait before the next try, as the server says */
        readonly retryAfter: number | null = null,
    ) {
        super(message);
    }

    /** Whether the same request may succeed later. */
    get passing(): boolean {
        return this.status === 0 || this.status === 429 || this.status >= 500;
    }
}

export function noAnswer(): Problem {
    return new Problem(
        0,
        'no-answer',
        navigator.onLine ? 'The server does not respond.' : 'You are offline. Check your network connection.',
    );
}

/** Retry-After: seconds or a date (RFC 9110, 10.2.3); null when absent or unreadable. */
export function parseRetryAfter(header: string | null, now: number): number | null {
    if (header === null || header.trim() === '') return null;
    if (/^\d+$/.test(header.trim())) return Number(header);
    const date = Date.parse(header);
    return Number.isNaN(date) ? null : Math.max(0, Math.ceil((date - now) / 1000));
}

export async function problemOf(response: Response): Promise<Problem> {
    const body = (await response.json().catch(() => ({}))) as ProblemBody;
    const retryAfter = parseRetryAfter(response.headers.get('Retry-After'), Date.now());
    const message = body.detail ?? body.title ?? `The server responded with status ${response.status}.`;
    return new Problem(response.status, body.type ?? '', sentence(message), body.errors ?? [], retryAfter);
}

/** Converts anything that was thrown to a Problem that can be shown. */
export function asProblem(thrown: unknown): Problem {
    return thrown instanceof Problem ? thrown : new Problem(-1, 'console', `The console failed: ${String(thrown)}`);
}

/** The first error of each field: pointer "/events/3" belongs to "events", "/authentication/username" to itself
 * if `fields` contains it, otherwise to "authentication". Errors that belong to no field are left out. */
export function errorsByField(problem: Problem, fields: readonly string[]): Record<string, string> {
    const found: Record<string, string> = {};
    for (const { pointer, detail } of problem.errors) {
        const parts = pointer.split('/').slice(1);
        while (parts.length > 0 && !fields.includes(parts.join('.'))) parts.pop();
        const field = parts.join('.');
        if (field !== '' && !(field in found)) found[field] = sentence(detail);
    }
    return found;
}

/** The texts of the API begin in lower case and have no full stop. */
export function sentence(text: string): string {
    const stop = /[.!?…]$/.test(text) ? '' : '.';
    return text === '' ? '' : text.charAt(0).toUpperCase() + text.slice(1) + stop;
}
