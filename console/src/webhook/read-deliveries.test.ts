import { describe, expect, it } from 'vitest';
import type { Delivery, DeliveryPage } from '../api/types';
import { readDeliveries } from './read-deliveries';

/** An API with these pages, each a list of event ids; cursors are the pages' numbers. */
function api(...pages: string[][]) {
    const asked: string[] = [];
    const get = (path: string): Promise<DeliveryPage> => {
        asked.push(path);
        const at = Number(new URLSearchParams(path.split('?')[1]).get('cursor') ?? 0);
        const deliveries = (pages[at] ?? []).map((event_id) => ({ event_id }) as Delivery);
        return Promise.resolve({ deliveries, next_cursor: at + 1 < pages.length ? String(at + 1) : null });
    };
    return { asked, get };
}

const ids = ({ deliveries }: { deliveries: Delivery[] }) => deliveries.map(({ event_id }) => event_id).join('');

describe('readDeliveries', () => {
    it('asks once when the page is full', async () => {
        const { asked, get } = api(['a', 'b'], ['c']);
        expect(await readDeliveries(get, '/d', { state: 'failed', to: null }, 2, 5)).toMatchObject({ more: true, pages: 1 });
        expect(asked).toEqual(['/d?state=failed&limit=2']);
    });
    it('goes on after short and empty pages', async () => {
        const { asked, get } = api([], ['a'], [], ['b', 'c']);
        const read = await readDeliveries(get, '/d', {}, 3, 5);
        expect([ids(read), read.more, read.pages]).toEqual(['abc', false, 4]);
        expect(asked[3]).toBe('/d?limit=2&cursor=3');
    });
    it('stops at its bound, and says that there may be more', async () => {
        const read = await readDeliveries(api([], [], [], ['a']).get, '/d', {}, 3, 2);
        expect([ids(read), read.more, read.pages]).toEqual(['', true, 2]);
    });
    it('shows an event once', async () =>
        expect(ids(await readDeliveries(api(['a', 'b'], ['b', 'c']).get, '/d', {}, 10, 5))).toBe('abc'));
});
