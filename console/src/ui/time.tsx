/* Points in time, as far away from now, with the exact time to hover over. */
import { useEffect, useState } from 'react';
import { ago, exact } from './format';

/** The present, in milliseconds since 1970, anew every `everyMs`. */
export function useNow(everyMs: number): number {
    const [now, setNow] = useState(Date.now);
    useEffect(() => {
        const timer = setInterval(() => setNow(Date.now()), everyMs);
        return () => clearInterval(timer);
    }, [everyMs]);
    return now;
}

/** `at`: RFC 3339, or null for never. */
export function Time({ at, never = 'never' }: { at: string | null; never?: string }) {
    const now = useNow(5000);
    if (at === null) return <span className="quiet">{never}</span>;
    const time = new Date(at);
    return (
        <time dateTime={at} title={exact(time)}>
            {ago(time.getTime(), now)}
        </time>
    );
}
