/* The state of every form that sends something: busy while it sends, the problem if it failed, and the number of seconds
 * that the server asked to wait. */
import { useEffect, useRef, useState } from 'react';
import { asProblem, type Problem } from '../api/problem';

export function useSubmit() {
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<Problem | null>(null);
    const [wait, setWait] = useState(0);
    const running = useRef(false);

    useEffect(() => {
        if (wait <= 0) return;
        const timer = setTimeout(() => setWait(wait - 1), 1000);
        return () => clearTimeout(timer);
    }, [wait]);

    /** Runs `work` unless it is already running; returns true if it succeeded. */
    const submit = async (work: () => Promise<void>): Promise<boolean> => {
        if (running.current) return false;
        running.current = true;
        setBusy(true);
        setProblem(null);
        try {
            await work();
            return true;
        } catch (thrown) {
            const found = asProblem(thrown);
            setProblem(found);
            if (found.status === 429) setWait(found.retryAfter ?? 0);
            return false;
        } finally {
            running.current = false;
            setBusy(false);
        }
    };

    return { busy, problem, wait, submit, clear: () => setProblem(null) };
}
