/* The form of a webhook as plain data: its initial values, its errors, and the request. api/webhook_read.c has the same
 * rules and checks again; here, they help during typing. */
import type { Authentication, Signature, SignatureOptions, Webhook } from '../api/types';

export const LABEL_MAX = 250;
const URL_MAX = 2048;
const USERNAME_MAX = 60;
const PASSWORD_MAX = 1000;

export interface Draft {
    label: string;
    url: string;
    events: string[];
    authentication: { type: 'none' | 'basic'; username: string; password: string };
    /** false: the stored authentication is kept, and is not sent */
    resetAuthentication: boolean;
    signature: { type: Signature['type']; source_key: string };
}

/** Names of fields as in the server's pointers, with dots instead of slashes. */
export const FIELDS = [
    'label',
    'url',
    'events',
    'authentication',
    'authentication.username',
    'authentication.password',
    'signature',
    'signature.source_key',
] as const;
export type Field = (typeof FIELDS)[number];
export type Errors = Partial<Record<Field, string>>;

export function emptyDraft(options: SignatureOptions): Draft {
    return {
        label: '',
        url: '',
        events: [],
        authentication: { type: 'none', username: '', password: '' },
        resetAuthentication: true,
        signature: { type: options.signature_key ? 'signature_key' : 'none', source_key: '' },
    };
}

export function draftOf(webhook: Webhook): Draft {
    return {
        label: webhook.label,
        url: webhook.url,
        events: [...webhook.events],
        authentication: { type: 'none', username: '', password: '' },
        resetAuthentication: false,
        signature: { type: webhook.signature.type, source_key: webhook.signature.source_key ?? '' },
    };
}

/** Counts as the server does: a character outside the basic plane is one, not two. */
const lengthOf = (text: string): number => [...text].length;

function labelError(label: string): string | undefined {
    if (label.trim() === '') return 'Give the webhook a label.';
    if (lengthOf(label) > LABEL_MAX) return `A label has at most ${LABEL_MAX} characters; this one has ${lengthOf(label)}.`;
    return undefined;
}

export function urlError(typed: string): string | undefined {
    const url = typed.trim();
    if (url === '') return 'Enter the URL that events are sent to.';
    if (!/^https?:\/\//i.test(url)) return 'The URL must begin with https:// or http://.';
    if (url.length > URL_MAX) return `A URL has at most ${URL_MAX} characters.`;
    if (/\s/.test(url)) return 'A URL must not contain spaces.';
    if (!URL.canParse(url)) return 'This is not a complete URL. Example: https://example.com/hook';
    const parsed = new URL(url);
    if (parsed.username !== '' || parsed.password !== '')
        return 'Leave user name and password out of the URL; set them under Authentication.';
    if (url.includes('#')) return 'Leave out # and what follows it: it is never sent.';
    return undefined;
}

/** Whether the URL may be wrong only because it is not complete yet. */
export function urlMayGoOn(typed: string): boolean {
    const url = typed.trim().toLowerCase();
    return 'https://'.startsWith(url) || 'http://'.startsWith(url);
}

export function validate(draft: Draft): Errors {
    const errors: Errors = { label: labelError(draft.label), url: urlError(draft.url) };
    if (draft.events.length === 0) errors.events = 'Choose one event or more.';
    const { type, username, password } = draft.authentication;
    if (draft.resetAuthentication && type === 'basic') {
        if (username === '') errors['authentication.username'] = 'Enter the user name.';
        else if (username.includes(':')) errors['authentication.username'] = 'A user name must not contain a colon.';
        else if (lengthOf(username) > USERNAME_MAX)
            errors['authentication.username'] = `A user name has at most ${USERNAME_MAX} characters.`;
        if (password === '') errors['authentication.password'] = 'Enter the password.';
        else if (lengthOf(password) > PASSWORD_MAX)
            errors['authentication.password'] = `A password has at most ${PASSWORD_MAX} characters.`;
    }
    if (draft.signature.type === 'source_key' && draft.signature.source_key === '')
        errors['signature.source_key'] = 'Choose the source key.';
    return Object.fromEntries(Object.entries(errors).filter(([, error]) => error !== undefined));
}

function authenticationOf({ authentication: { type, username, password } }: Draft): Authentication {
    return type === 'basic' ? { type, username, password } : { type };
}

function signatureOf({ signature: { type, source_key } }: Draft): Signature {
    return type === 'source_key' ? { type, source_key } : { type };
}

export function newBody(draft: Draft) {
    return {
        label: draft.label.trim(),
        url: draft.url.trim(),
        events: draft.events,
        authentication: authenticationOf(draft),
        signature: signatureOf(draft),
    };
}

const sameSet = (a: string[], b: string[]) => a.length === b.length && a.every((one) => b.includes(one));

/** The body of PATCH: only the members that differ from the stored ones. Empty: nothing has changed. */
export function changesOf(draft: Draft, webhook: Webhook): Partial<ReturnType<typeof newBody>> {
    const body = newBody(draft);
    const changes: Partial<typeof body> = {};
    if (body.label !== webhook.label.trim()) changes.label = body.label;
    if (body.url !== webhook.url) changes.url = body.url;
    if (!sameSet(body.events, webhook.events)) changes.events = body.events;
    if (draft.resetAuthentication) changes.authentication = body.authentication;
    if (body.signature.type !== webhook.signature.type || body.signature.source_key !== webhook.signature.source_key)
        changes.signature = body.signature;
    return changes;
}

/** Whether closing would lose typed or chosen values. */
export function isTouched(draft: Draft, start: Draft): boolean {
    return JSON.stringify({ ...draft, events: [...draft.events].sort() }) !== JSON.stringify({ ...start, events: [...start.events].sort() });
}
