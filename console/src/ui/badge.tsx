/* States as words with a colour. The word is sufficient without the colour. */
import type { ReactNode } from 'react';

export type Tone = 'good' | 'bad' | 'waiting' | 'neutral';

export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
    return <span className={`badge ${tone}`}>{children}</span>;
}
