/* Reading from the API: SWR's settings, and the bar that reports that the data is old because the server does not
 * respond. Data that was read before stays on the screen. */
import { type ReactNode, useEffect, useState } from 'react';
import { SWRConfig } from 'swr';
import { get } from '../api/client';
import { asProblem, Problem } from '../api/problem';

const RETRY_MIN_S = 2;
const RETRY_MAX_S = 30;

export function ConnectionProvider({ children }: { children: ReactNode }) {
    const [problem, setProblem] = useState<Problem | null>(null);
    return (
        <SWRConfig
            value={{
                fetcher: get,
                keepPreviousData: true,
                dedupingInterval: 500,
                onSuccess: () => setProblem(null),
                onError: (thrown) => {
                    const found = asProblem(thrown);
                    if (found.passing) setProblem(found);
                },
                onErrorRetry: (thrown, _key, _config, revalidate, { retryCount }) => {
                    const found = asProblem(thrown);
                    if (!found.passing) return;
                    const seconds = found.retryAfter ?? RETRY_MIN_S * 2 ** Math.min(retryCount - 1, 4);
                    setTimeout(() => void revalidate({ retryCount }), 1000 * Math.min(Math.max(seconds, 1), RETRY_MAX_S));
                },
            }}
        >
            <ConnectionBar problem={problem} />
            {children}
        </SWRConfig>
    );
}

function ConnectionBar({ problem }: { problem: Problem | null }) {
    const [online, setOnline] = useState(navigator.onLine);
    useEffect(() => {
        const look = () => setOnline(navigator.onLine);
        addEventListener('online', look);
        addEventListener('offline', look);
        return () => {
            removeEventListener('online', look);
            removeEventListener('offline', look);
        };
    }, []);
    const text = online ? problem && explain(problem) : 'You are offline. The page may be out of date.';
    return (
        <div className="connection" role="status">
            {text !== null && <p>{text}</p>}
        </div>
    );
}

function explain(problem: Problem): string {
    if (problem.status === 429) return 'Too many requests: the page will be updated later.';
    if (problem.status === 0) return 'The server does not respond. The console tries again; the page may be out of date.';
    return 'The server is temporarily unavailable. The console tries again; the page may be out of date.';
}
