/* The filters of a webhook's deliveries. They are part of the page's address, so that reloading, going back and sharing
 * the link keep them. */
import { useSearchParams } from 'wouter';
import type { DeliveryState } from '../api/types';
import { useNow } from '../ui/time';

export type Range = 'hour' | 'day' | 'week' | 'custom';
export const STATES: DeliveryState[] = ['pending', 'delivered', 'failed', 'cancelled'];

const MINUTE = 60_000;
const SPANS: Record<Exclude<Range, 'custom'>, number> = { hour: 60 * MINUTE, day: 24 * 60 * MINUTE, week: 7 * 24 * 60 * MINUTE };

export interface Filters {
    range: Range;
    /** as <input type=datetime-local> has them, in the user's time zone; only with the range custom */
    from: string;
    to: string;
    state: DeliveryState | '';
    event: string;
    id: string;
}

export function readFilters(params: URLSearchParams): Filters {
    const range = params.get('range') ?? '';
    const state = params.get('state') ?? '';
    return {
        range: range === 'hour' || range === 'week' || range === 'custom' ? range : 'day',
        from: params.get('from') ?? '',
        to: params.get('to') ?? '',
        state: STATES.find((one) => one === state) ?? '',
        event: params.get('event') ?? '',
        id: params.get('id') ?? '',
    };
}

/** Changes some of the page's parameters, and removes empty ones. */
export function withParams(params: URLSearchParams, changes: Record<string, string>): URLSearchParams {
    const next = new URLSearchParams(params);
    for (const [name, value] of Object.entries(changes)) {
        if (value === '') next.delete(name);
        else next.set(name, value);
    }
    return next;
}

export function useFilters() {
    const [params, setParams] = useSearchParams();
    const set = (changes: Record<string, string>) => setParams((now) => withParams(now, changes), { replace: true });
    return { filters: readFilters(params), selected: params.get('delivery'), set };
}

export interface Span {
    from: string;
    /** null: until now */
    to: string | null;
}

/** The time range of the filters. It advances in whole minutes, so that repeated requests have the same key. */
export function spanOf({ range, from, to }: Filters, now: number): Span {
    if (range !== 'custom') {
        const minute = Math.floor(now / MINUTE) * MINUTE;
        return { from: new Date(minute - SPANS[range]).toISOString(), to: null };
    }
    const begin = Date.parse(from);
    const end = Date.parse(to);
    return {
        from: new Date(Number.isNaN(begin) ? now - SPANS.day : begin).toISOString(),
        to: Number.isNaN(end) ? null : new Date(end).toISOString(),
    };
}

export function useSpan(filters: Filters): Span {
    const now = useNow(10_000);
    return spanOf(filters, filters.range === 'custom' ? Math.floor(now / MINUTE) * MINUTE : now);
}
