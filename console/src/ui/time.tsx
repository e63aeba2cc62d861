/* Points in time relative to now, with the exact time as a tooltip. */
import { useEffect, useState } from 'react';
import { ago, exact } from './format';

/** The current time, in milliseconds since 1970, updated every `everyMs`. */
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
