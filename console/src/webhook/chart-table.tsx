/* The charts' figures as a table; times without any attempt are left out. */
import type { Statistics } from '../api/types';
import { count, duration } from '../ui/format';
import { bucketTime } from './chart-data';

export function StatisticsTable({ statistics: { buckets, bucket_seconds } }: { statistics: Statistics }) {
    const busy = buckets.filter(({ delivered, failed }) => delivered + failed > 0);
    const time = (ms: number | null) => (ms === null ? '–' : duration(ms));
    return (
        <details className="chart-table">
            <summary>Show as a table</summary>
            {busy.length === 0 ? (
                <p className="quiet">No attempts in this time.</p>
            ) : (
                <div className="scroll" tabIndex={0} role="region" aria-label="Attempts over time, as a table">
                    <table className="table">
                        <thead>
                            <tr>
                                <th scope="col">Time</th>
                                <th scope="col">Succeeded</th>
                                <th scope="col">Failed</th>
                                <th scope="col">Median</th>
                                <th scope="col">95%</th>
                                <th scope="col">Slowest</th>
                            </tr>
                        </thead>
                        <tbody>
                            {busy.map((bucket) => (
                                <tr key={bucket.at}>
                                    <th scope="row">{bucketTime(bucket, bucket_seconds)}</th>
                                    <td>{count(bucket.delivered)}</td>
                                    <td>{count(bucket.failed)}</td>
                                    <td>{time(bucket.p50_ms)}</td>
                                    <td>{time(bucket.p95_ms)}</td>
                                    <td>{time(bucket.max_ms)}</td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </details>
    );
}
