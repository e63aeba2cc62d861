import { describe, expect, it } from 'vitest';
import { errorsByField, parseRetryAfter, Problem, sentence } from './problem';

describe('parseRetryAfter', () => {
    const now = Date.parse('2026-01-31T12:00:00Z');
    it('reads seconds', () => expect(parseRetryAfter(' 30 ', now)).toBe(30));
    it('reads a date', () => expect(parseRetryAfter('Sat, 31 Jan 2026 12:00:05 GMT', now)).toBe(5));
    it('takes a date that is over as now', () => expect(parseRetryAfter('Sat, 31 Jan 2026 11:00:00 GMT', now)).toBe(0));
    it('knows nothing of rubbish', () => expect(parseRetryAfter('soon', now)).toBeNull());
    it('knows nothing of nothing', () => expect(parseRetryAfter(null, now)).toBeNull());
});

describe('errorsByField', () => {
    const fields = ['url', 'events', 'authentication', 'authentication.username'];
    const errors = (...pointers: string[]) =>
        errorsByField(new Problem(422, '', '', pointers.map((pointer) => ({ pointer, detail: `wrong ${pointer}` }))), fields);

    it('finds a field by its pointer', () => expect(errors('/url')).toEqual({ url: 'Wrong /url.' }));
    it('finds the field of a member deep in it', () => expect(errors('/events/3')).toEqual({ events: 'Wrong /events/3.' }));
    it('prefers the nearest field', () =>
        expect(Object.keys(errors('/authentication/username', '/authentication/type'))).toEqual([
            'authentication.username',
            'authentication',
        ]));
    it('keeps the first of a field', () => expect(errors('/events/1', '/events/2')).toEqual({ events: 'Wrong /events/1.' }));
    it('leaves out what is not a field', () => expect(errors('', '/status')).toEqual({}));
});

describe('sentence', () => {
    it('begins with a capital and ends with a full stop', () => expect(sentence('try later')).toBe('Try later.'));
    it('adds no second full stop', () => expect(sentence('Done.')).toBe('Done.'));
});

describe('passing', () => {
    it.each([
        [0, true],
        [429, true],
        [503, true],
        [401, false],
        [404, false],
        [-1, false],
    ])('status %i: %s', (status, passing) => expect(new Problem(status, '', '').passing).toBe(passing));
});
