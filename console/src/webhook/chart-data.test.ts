import { describe, expect, it } from 'vitest';
import { linePath, totals } from './chart-data';

const bucket = (delivered: number, failed: number, max_ms: number | null) => ({ at: '', delivered, failed, p50_ms: null, p95_ms: null, max_ms });

describe('linePath', () => {
    it('joins neighbours', () =>
        expect(
            linePath([
                [0, 1],
                [2, 3.14159],
            ]),
        ).toBe('M0 1L2 3.1'));
    it('breaks at a gap', () =>
        expect(linePath([[0, 1], [1, 1], null, [3, 1], [4, 1]])).toBe('M0 1L1 1M3 1L4 1'));
    it('shows a point alone', () => expect(linePath([null, [5, 1], null])).toBe('M3.5 1h3'));
    it('is empty without points', () => expect(linePath([null])).toBe(''));
});

describe('totals', () => {
    it('adds up', () => expect(totals([bucket(2, 1, 30), bucket(3, 0, 90)])).toEqual({ delivered: 5, failed: 1, slowest: 90 }));
    it('knows no slowest of nothing', () => expect(totals([bucket(0, 0, null)]).slowest).toBeNull());
});
