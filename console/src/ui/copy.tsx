/* A button that copies a text and confirms it. */
import { useEffect, useState } from 'react';
import { Check, Copy } from './icons';

async function copy(text: string): Promise<boolean> {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        return false; // not allowed, or the page did not come over TLS
    }
}

/** `label` names what is copied; it is shown if `wide`, and otherwise only read by screen readers. */
export function CopyButton({ text, label, wide = false }: { text: string; label: string; wide?: boolean }) {
    const [state, setState] = useState<'' | 'copied' | 'failed'>('');
    useEffect(() => {
        if (state === '') return;
        const timer = setTimeout(() => setState(''), 3000);
        return () => clearTimeout(timer);
    }, [state]);
    return (
        <>
            <button
                type="button"
                className={`button ${wide ? 'plain' : 'icon'}`}
                aria-label={wide ? undefined : label}
                title={wide ? undefined : label}
                onClick={async () => setState((await copy(text)) ? 'copied' : 'failed')}
            >
                {state === 'copied' ? <Check /> : <Copy />}
                {wide && label}
            </button>
            <span className={state === 'failed' ? 'field-error' : 'visually-hidden'} role="status">
                {state === 'copied' && 'Copied'}
                {state === 'failed' && 'Could not copy: select the text and copy it manually'}
            </span>
        </>
    );
}
