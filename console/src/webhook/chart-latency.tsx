/* The lower chart: the response time, as median and 95th percentile. */
import { scaleLinear } from 'd3-scale';
import type { Bucket } from '../api/types';
import { duration } from '../ui/format';
import { MARGIN, YAxis } from './chart-axis';
import { linePath } from './chart-data';

const HEIGHT = 92;

interface Props {
    buckets: Bucket[];
    width: number;
    pointed: number | null;
    label: string;
}

export function Latency({ buckets, width, pointed, label }: Props) {
    const slowest = Math.max(1, ...buckets.map((bucket) => bucket.p95_ms ?? 0));
    const y = scaleLinear([0, slowest], [HEIGHT - 8, MARGIN.top]).nice(2);
    const step = (width - MARGIN.left - MARGIN.right) / Math.max(buckets.length, 1);
    const x = (index: number) => MARGIN.left + (index + 0.5) * step;
    const path = (of: (bucket: Bucket) => number | null) =>
        linePath(buckets.map(of).map((value, index) => (value === null ? null : [x(index), y(value)])));
    return (
        <svg width={width} height={HEIGHT} role="img" aria-label={label}>
            <YAxis ticks={y.ticks(2)} y={y} width={width} text={duration} />
            {pointed !== null && <line className="pointed-line" x1={x(pointed)} x2={x(pointed)} y1={MARGIN.top} y2={HEIGHT - 8} />}
            <path className="line p95" d={path((bucket) => bucket.p95_ms)} />
            <path className="line p50" d={path((bucket) => bucket.p50_ms)} />
        </svg>
    );
}
