/* Boxes with errors and information. */
import type { ReactNode } from 'react';
import type { Problem } from '../api/problem';
import { Button } from './button';

type Kind = 'info' | 'error' | 'warning' | 'success';

export function Notice({ kind, children }: { kind: Kind; children: ReactNode }) {
    return (
        <div className={`notice ${kind}`} role={kind === 'error' ? 'alert' : undefined}>
            {children}
        </div>
    );
}

/** The error of a form's last try. `wait`: the seconds before the next try. */
export function ProblemNotice({ problem, wait = 0 }: { problem: Problem | null; wait?: number }) {
    if (problem === null) return null;
    return (
        <Notice kind="error">
            <bdi>{problem.message}</bdi>
            {wait > 0 && <span aria-hidden="true"> Try again in {wait} s.</span>}
        </Notice>
    );
}

/** Shown in place of something that could not be loaded. */
export function Retry({ problem, onRetry }: { problem: Problem; onRetry: () => void }) {
    return (
        <div className="state" role="alert">
            <p className="state-title">{problem.passing ? 'This cannot be loaded at present' : 'This could not be loaded'}</p>
            <p>
                <bdi>{problem.message}</bdi>
            </p>
            <Button onClick={onRetry}>Try again</Button>
        </div>
    );
}
