import { describe, expect, it } from 'vitest';
import type { Webhook } from '../api/types';
import { changesOf, type Draft, draftOf, emptyDraft, isTouched, newBody, urlError, urlMayGoOn, validate } from './form-model';

const webhook: Webhook = {
    id: 'w',
    label: 'Cart',
    url: 'https://example.com/hook',
    events: ['ach.settled', 'ach.failed'],
    authentication: { type: 'basic', username: 'cart' },
    signature: { type: 'source_key', source_key: 'Shop' },
    status: 'enabled',
    disabled_reason: null,
    created_at: '',
    updated_at: '',
};

const complete: Draft = {
    label: ' Cart ',
    url: ' https://example.com/hook ',
    events: ['ach.settled'],
    authentication: { type: 'basic', username: 'cart', password: ' secret ' },
    resetAuthentication: true,
    signature: { type: 'source_key', source_key: 'Shop' },
};

describe('validate', () => {
    it('finds nothing wrong with a complete form', () => expect(validate(complete)).toEqual({}));
    it('wants every field', () => {
        const draft = emptyDraft({ source_keys: [], signature_key: false });
        expect(Object.keys(validate(draft))).toEqual(['label', 'url', 'events']);
    });
    it('wants user name and password for basic', () => {
        const draft: Draft = { ...complete, authentication: { type: 'basic', username: '', password: '' } };
        expect(Object.keys(validate(draft))).toEqual(['authentication.username', 'authentication.password']);
        expect(validate({ ...draft, resetAuthentication: false })).toEqual({});
    });
    it('refuses a colon in the user name', () =>
        expect(validate({ ...complete, authentication: { type: 'basic', username: 'a:b', password: 'x' } })).toHaveProperty([
            'authentication.username',
        ]));
    it('wants the source key to be chosen', () =>
        expect(validate({ ...complete, signature: { type: 'source_key', source_key: '' } })).toHaveProperty(['signature.source_key']));
    it('counts characters as the server does', () => {
        expect(validate({ ...complete, label: '🎺'.repeat(250) })).toEqual({});
        expect(validate({ ...complete, label: '🎺'.repeat(251) })).toHaveProperty('label');
    });
});

describe('urlError', () => {
    it.each(['https://example.com', 'http://example.com:8080/a?b=c', 'HTTPS://EXAMPLE.COM/', 'https://[2001:db8::1]/'])('takes %s', (url) =>
        expect(urlError(url)).toBeUndefined(),
    );
    it.each(['', 'example.com', 'ftp://example.com', 'https://', 'https://a b', 'https://u:p@example.com', 'https://example.com/#a', 'javascript:alert(1)', `https://example.com/${'a'.repeat(2048)}`])(
        'refuses %s',
        (url) => expect(urlError(url)).toBeDefined(),
    );
    it('lets one go on typing', () => {
        expect(urlMayGoOn('htt')).toBe(true);
        expect(urlMayGoOn('https://')).toBe(true);
        expect(urlMayGoOn('ftp')).toBe(false);
        expect(urlMayGoOn('https://e')).toBe(false);
    });
});

describe('newBody', () => {
    it('trims what people see, and leaves the password as it is', () =>
        expect(newBody(complete)).toEqual({
            label: 'Cart',
            url: 'https://example.com/hook',
            events: ['ach.settled'],
            authentication: { type: 'basic', username: 'cart', password: ' secret ' },
            signature: { type: 'source_key', source_key: 'Shop' },
        }));
    it('sends no left-over of another choice', () =>
        expect(
            newBody({
                ...complete,
                authentication: { type: 'none', username: 'cart', password: 'x' },
                signature: { type: 'none', source_key: 'Shop' },
            }),
        ).toMatchObject({ authentication: { type: 'none' }, signature: { type: 'none' } }));
});

describe('changesOf', () => {
    const start = draftOf(webhook);
    it('is empty when nothing changed', () => expect(changesOf(start, webhook)).toEqual({}));
    it('does not send the authentication unless it is reset', () =>
        expect(changesOf({ ...start, label: 'New' }, webhook)).toEqual({ label: 'New' }));
    it('sends the authentication when it is reset', () =>
        expect(changesOf({ ...start, resetAuthentication: true }, webhook)).toEqual({ authentication: { type: 'none' } }));
    it('takes events as a set', () => {
        expect(changesOf({ ...start, events: ['ach.failed', 'ach.settled'] }, webhook)).toEqual({});
        expect(changesOf({ ...start, events: ['ach.failed'] }, webhook)).toEqual({ events: ['ach.failed'] });
    });
    it('sends the signature whole', () =>
        expect(changesOf({ ...start, signature: { type: 'none', source_key: '' } }, webhook)).toEqual({ signature: { type: 'none' } }));
});

describe('isTouched', () => {
    const start = draftOf(webhook);
    it('is false at the start, and after a change was taken back', () => {
        expect(isTouched(start, start)).toBe(false);
        expect(isTouched({ ...start, events: ['ach.failed', 'ach.settled'] }, start)).toBe(false);
    });
    it('is true after a change', () => expect(isTouched({ ...start, resetAuthentication: true }, start)).toBe(true));
});
