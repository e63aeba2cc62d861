/* A labelled input with its hint and its error, tied together for screen readers. */
import { type InputHTMLAttributes, type ReactNode, useEffect, useId, useRef } from 'react';

interface Props extends Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'style'> {
    label: string;
    value: string;
    onChange: (value: string) => void;
    hint?: ReactNode;
    error?: string;
}

export function TextField({ label, value, onChange, hint, error, className = '', autoFocus, ...rest }: Props) {
    const id = useId();
    const input = useRef<HTMLInputElement>(null);
    useEffect(() => {
        // after the dialog around it was opened, which gives the focus to its first element
        if (autoFocus) input.current?.focus();
    }, [autoFocus]);
    return (
        <div className={`field ${className}`}>
            <label htmlFor={id}>{label}</label>
            {hint !== undefined && (
                <p className="hint" id={`${id}-hint`}>
                    {hint}
                </p>
            )}
            <input
                {...rest}
                id={id}
                ref={input}
                value={value}
                onChange={(event) => onChange(event.target.value)}
                aria-invalid={error !== undefined || undefined}
                aria-describedby={describedBy(id, hint, error)}
            />
            <FieldError id={`${id}-error`} error={error} />
        </div>
    );
}

function describedBy(id: string, hint: ReactNode, error: string | undefined): string | undefined {
    const ids = [hint !== undefined ? `${id}-hint` : '', error !== undefined ? `${id}-error` : ''].filter(Boolean);
    return ids.length === 0 ? undefined : ids.join(' ');
}

/** It exists also when it is empty, so that a screen reader announces a text that appears in it. */
export function FieldError({ id, error }: { id: string; error: string | undefined }) {
    return (
        <p className="field-error" id={id} aria-live="polite">
            {error}
        </p>
    );
}

interface SelectProps {
    label: string;
    value: string;
    onChange: (value: string) => void;
    options: { value: string; label: string; disabled?: boolean }[];
    error?: string;
}

export function SelectField({ label, value, onChange, options, error }: SelectProps) {
    const id = useId();
    return (
        <div className="field">
            <label htmlFor={id}>{label}</label>
            <select
                id={id}
                value={value}
                onChange={(event) => onChange(event.target.value)}
                aria-invalid={error !== undefined || undefined}
                aria-describedby={error !== undefined ? `${id}-error` : undefined}
            >
                {options.map((option) => (
                    <option key={option.value} value={option.value} disabled={option.disabled}>
                        {option.label}
                    </option>
                ))}
            </select>
            <FieldError id={`${id}-error`} error={error} />
        </div>
    );
}
