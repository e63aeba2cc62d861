import { describe, expect, it } from 'vitest';
import { readFilters, spanOf, withParams } from './filters';

const now = Date.parse('2026-01-31T12:00:42Z');
const read = (search: string) => readFilters(new URLSearchParams(search));

describe('readFilters', () => {
    it('shows the last day of everything without any', () =>
        expect(read('')).toEqual({ range: 'day', from: '', to: '', state: '', event: '', id: '' }));
    it('leaves out what is neither a state nor a range', () => expect(read('state=x&range=y')).toMatchObject({ state: '', range: 'day' }));
    it('reads what the page writes', () =>
        expect(readFilters(withParams(new URLSearchParams(), { state: 'failed', range: 'week', event: 'a&b' }))).toMatchObject({
            state: 'failed',
            range: 'week',
            event: 'a&b',
        }));
});

describe('withParams', () => {
    it('takes away what is empty and keeps the rest', () =>
        expect(withParams(new URLSearchParams('state=failed&delivery=e'), { state: '' }).toString()).toBe('delivery=e'));
});

describe('spanOf', () => {
    it('moves on in whole minutes', () =>
        expect(spanOf(read('range=hour'), now)).toEqual({ from: '2026-01-31T11:00:00.000Z', to: null }));
    it('takes given times', () => {
        const span = spanOf(read('range=custom&from=2026-01-30T00:00&to=2026-01-30T06:00'), now);
        expect(Date.parse(span.to ?? '') - Date.parse(span.from)).toBe(6 * 3600 * 1000);
    });
    it('has an open end without one', () => expect(spanOf(read('range=custom&from=2026-01-30T00:00'), now).to).toBeNull());
    it('goes back a day without a beginning', () =>
        expect(spanOf(read('range=custom&from=x'), now).from).toBe('2026-01-30T12:00:42.000Z'));
});
