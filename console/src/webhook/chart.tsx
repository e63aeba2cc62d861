/* Successes, failures and latency over the chosen time. Drawn as SVG from the server's buckets; the same figures are
 * in a table for users who do not see the chart. */
import { scaleLinear, scaleTime } from 'd3-scale';
import { type PointerEvent, type RefObject, useLayoutEffect, useRef, useState } from 'react';
import useSWR from 'swr';
import { query, webhookPath } from '../api/client';
import { asProblem } from '../api/problem';
import type { Bucket, Statistics, Webhook } from '../api/types';
import { count, duration } from '../ui/format';
import { Retry } from '../ui/notice';
import { Loading } from '../ui/states';
import { MARGIN, YAxis } from './chart-axis';
import { Latency } from './chart-latency';
import { StatisticsTable } from './chart-table';
import { bucketTime, tickTime, totals } from './chart-data';
import type { Span } from './filters';

const POLL_MS = 5000;
const BUCKETS = 60;
const HEIGHT = 150;

export function ActivityChart({ webhook, span }: { webhook: Webhook; span: Span }) {
    const search = query({ from: span.from, to: span.to, buckets: BUCKETS });
    const { data, error, mutate } = useSWR<Statistics>(webhookPath(webhook.id, 'statistics') + search, { refreshInterval: POLL_MS });
    return (
        <section className="card chart" aria-labelledby="chart-heading">
            <h2 id="chart-heading">Attempts</h2>
            {data !== undefined ? (
                <Charts statistics={data} />
            ) : error === undefined ? (
                <Loading what="Loading the chart" />
            ) : (
                <Retry problem={asProblem(error)} onRetry={() => void mutate()} />
            )}
        </section>
    );
}

function Charts({ statistics }: { statistics: Statistics }) {
    const box = useRef<HTMLDivElement>(null);
    const width = useWidth(box);
    const [pointed, setPointed] = useState<number | null>(null);
    const { buckets } = statistics;
    const sum = totals(buckets);

    const point = (event: PointerEvent<HTMLDivElement>) => {
        const inner = event.clientX - event.currentTarget.getBoundingClientRect().left - MARGIN.left;
        const index = Math.floor((inner / (width - MARGIN.left - MARGIN.right)) * buckets.length);
        setPointed(index >= 0 && index < buckets.length ? index : null);
    };
    const shown = pointed === null ? undefined : buckets[pointed];
    return (
        <>
            <Legend statistics={statistics} bucket={shown} />
            <div ref={box} className="chart-box" onPointerMove={point} onPointerLeave={() => setPointed(null)}>
                {width > 0 && (
                    <>
                        <Counts buckets={buckets} width={width} pointed={pointed} label={`Chart: ${count(sum.delivered)} attempts succeeded, ${count(sum.failed)} failed`} />
                        <Latency
                            buckets={buckets}
                            width={width}
                            pointed={pointed}
                            label={sum.slowest === null ? 'Chart: no response times' : `Chart: response times; the slowest took ${duration(sum.slowest)}`}
                        />
                    </>
                )}
            </div>
            <StatisticsTable statistics={statistics} />
        </>
    );
}

function useWidth(box: RefObject<HTMLElement>): number {
    const [width, setWidth] = useState(0);
    useLayoutEffect(() => {
        if (box.current === null) return;
        setWidth(box.current.clientWidth);
        const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
        observer.observe(box.current);
        return () => observer.disconnect();
    }, [box]);
    return width;
}

/* The figures of the whole time range, or of the bar under the mouse. */
function Legend({ statistics, bucket }: { statistics: Statistics; bucket: Bucket | undefined }) {
    const sum = totals(bucket === undefined ? statistics.buckets : [bucket]);
    return (
        <p className="legend-line">
            <span className="key good">{count(sum.delivered)} succeeded</span>
            <span className="key bad">{count(sum.failed)} failed</span>
            {bucket === undefined ? (
                <>
                    <span className="key p50">Median response time</span>
                    <span className="key p95">95% are faster</span>
                </>
            ) : (
                <>
                    <span className="key p50">{bucket.p50_ms === null ? '–' : duration(bucket.p50_ms)} median</span>
                    <span className="key p95">{bucket.p95_ms === null ? '–' : duration(bucket.p95_ms)} 95%</span>
                    <span className="quiet">{bucketTime(bucket, statistics.bucket_seconds)}</span>
                </>
            )}
        </p>
    );
}

interface CountsProps {
    buckets: Bucket[];
    width: number;
    pointed: number | null;
    label: string;
}

function Counts({ buckets, width, pointed, label }: CountsProps) {
    const highest = Math.max(4, ...buckets.map(({ delivered, failed }) => delivered + failed));
    const y = scaleLinear([0, highest], [HEIGHT - MARGIN.bottom, MARGIN.top]).nice(4);
    const step = (width - MARGIN.left - MARGIN.right) / Math.max(buckets.length, 1);
    const bar = Math.max(1, step - (step > 6 ? 2 : 0.5));
    const left = (index: number) => MARGIN.left + index * step + (step - bar) / 2;
    const rounded = (value: number) => Math.round(value * 100) / 100;
    return (
        <svg width={width} height={HEIGHT} role="img" aria-label={label}>
            <YAxis ticks={y.ticks(4).filter(Number.isInteger)} y={y} width={width} text={count} />
            <XAxis buckets={buckets} width={width} />
            {pointed !== null && (
                <rect className="pointed" x={MARGIN.left + pointed * step} y={MARGIN.top} width={step} height={HEIGHT - MARGIN.top - MARGIN.bottom} />
            )}
            {buckets.map(({ at, delivered, failed }, index) => (
                <g key={at}>
                    {delivered > 0 && (
                        <rect className="bar good" x={rounded(left(index))} width={rounded(bar)} y={y(delivered)} height={y(0) - y(delivered)} rx={1.5} />
                    )}
                    {failed > 0 && (
                        <rect className="bar bad" x={rounded(left(index))} width={rounded(bar)} y={y(delivered + failed)} height={y(0) - y(failed)} rx={1.5} />
                    )}
                </g>
            ))}
        </svg>
    );
}

function XAxis({ buckets, width }: { buckets: Bucket[]; width: number }) {
    const first = buckets[0];
    const last = buckets.at(-1);
    if (first === undefined || last === undefined) return null;
    const x = scaleTime([new Date(first.at), new Date(last.at)], [MARGIN.left, width - MARGIN.right]);
    return (
        <g className="axis">
            {x.ticks(Math.max(2, Math.floor(width / 110))).map((tick) => (
                <text key={tick.getTime()} x={x(tick)} y={HEIGHT - 5} textAnchor="middle">
                    {tickTime(tick, first, last)}
                </text>
            ))}
        </g>
    );
}
