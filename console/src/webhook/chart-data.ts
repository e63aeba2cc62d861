/* The figures behind the charts. */
import type { Bucket } from '../api/types';
import { clock, dayAndClock } from '../ui/format';

const DAY_MS = 86_400_000;

export function totals(buckets: Bucket[]): { delivered: number; failed: number; slowest: number | null } {
    const times = buckets.flatMap(({ max_ms }) => (max_ms === null ? [] : [max_ms]));
    return {
        delivered: buckets.reduce((sum, bucket) => sum + bucket.delivered, 0),
        failed: buckets.reduce((sum, bucket) => sum + bucket.failed, 0),
        slowest: times.length === 0 ? null : Math.max(...times),
    };
}

/** An SVG path through the points; a null breaks it, and a point alone becomes a short dash. */
export function linePath(points: ([number, number] | null)[]): string {
    const parts: string[] = [];
    points.forEach((point, index) => {
        if (point === null) return;
        const [x, y] = point.map((value) => Math.round(value * 10) / 10) as [number, number];
        const begins = index === 0 || points[index - 1] === null;
        const ends = index === points.length - 1 || points[index + 1] === null;
        if (begins && ends) parts.push(`M${x - 1.5} ${y}h3`);
        else parts.push(`${begins ? 'M' : 'L'}${x} ${y}`);
    });
    return parts.join('');
}

/** "14:05" within a day, "3 Feb, 14:05" beyond. */
export function tickTime(tick: Date, first: Bucket, last: Bucket): string {
    return Date.parse(last.at) - Date.parse(first.at) > 1.5 * DAY_MS ? dayAndClock(tick) : clock(tick);
}

/** "3 Feb, 14:05 to 14:10". */
export function bucketTime({ at }: Bucket, seconds: number): string {
    const begin = new Date(at);
    return `${dayAndClock(begin)} to ${clock(new Date(begin.getTime() + seconds * 1000))}`;
}
