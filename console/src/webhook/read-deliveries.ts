/* Reads the newest deliveries, as many as are shown. A page of the API may be short or empty although there are
 * more: the API stops searching after a second, and its cursor continues the search. The number of pages per reading is
 * limited. */
import { query } from '../api/client';
import type { Delivery, DeliveryPage } from '../api/types';

export interface Reading {
    deliveries: Delivery[];
    /** whether there may be older ones */
    more: boolean;
    /** how many pages it took */
    pages: number;
}

/** `get` reads one page; `search` are the filters. */
export async function readDeliveries(
    get: (path: string) => Promise<DeliveryPage>,
    path: string,
    search: Record<string, string | null>,
    limit: number,
    pagesMax: number,
): Promise<Reading> {
    const found = new Map<string, Delivery>();
    let cursor: string | null = null;
    let pages = 0;
    do {
        const page: DeliveryPage = await get(path + query({ ...search, limit: limit - found.size, cursor }));
        // an event may move between two pages: it is shown once
        for (const delivery of page.deliveries) found.set(delivery.event_id, delivery);
        cursor = page.next_cursor;
        pages++;
    } while (cursor !== null && found.size < limit && pages < pagesMax);
    return { deliveries: [...found.values()], more: cursor !== null, pages };
}
