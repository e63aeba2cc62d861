/* Loading and empty. */
import type { ReactNode } from 'react';

export function Loading({ what }: { what: string }) {
    return (
        <p className="loading" role="status">
            <span className="spinner" aria-hidden="true" />
            {what}…
        </p>
    );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
    return (
        <div className="state">
            <p className="state-title">{title}</p>
            {children}
        </div>
    );
}
