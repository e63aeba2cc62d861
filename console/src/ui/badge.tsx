/* States as words with a colour; the word alone says it too. */
import type { ReactNode } from 'react';

export type Tone = 'good' | 'bad' | 'waiting' | 'neutral';

export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
    return <span className={`badge ${tone}`}>{children}</span>;
}
