/* Buttons and links that look like them. A busy button keeps its place and focus, and does nothing. */
import type { ButtonHTMLAttributes, ReactNode } from 'react';

type Kind = 'plain' | 'primary' | 'danger' | 'quiet' | 'link';

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'style'> {
    kind?: Kind;
    busy?: boolean;
    children: ReactNode;
}

export function Button({ kind = 'plain', busy = false, disabled = false, className = '', onClick, ...rest }: Props) {
    return (
        <button
            type="button"
            {...rest}
            className={`button ${kind} ${className}`}
            aria-disabled={busy || undefined}
            aria-busy={busy || undefined}
            disabled={disabled}
            onClick={(event) => {
                if (busy) event.preventDefault();
                else onClick?.(event);
            }}
        />
    );
}
