/* A choice of a few options, each with an explanation. */
import { type ReactNode, useId } from 'react';
import { FieldError } from './field';

export interface Choice<T extends string> {
    value: T;
    label: string;
    description: string;
    disabled?: boolean;
}

interface Props<T extends string> {
    legend: string;
    choices: Choice<T>[];
    value: T;
    onChange: (value: T) => void;
    error?: string;
    children?: ReactNode;
}

export function ChoiceField<T extends string>({ legend, choices, value, onChange, error, children }: Props<T>) {
    const id = useId();
    return (
        <fieldset className="field" aria-describedby={`${id}-error`}>
            <legend>{legend}</legend>
            <div className="choices">
                {choices.map((choice) => (
                    <label key={choice.value} className="choice">
                        <input
                            type="radio"
                            name={id}
                            value={choice.value}
                            checked={value === choice.value}
                            disabled={choice.disabled}
                            aria-describedby={`${id}-${choice.value}`}
                            aria-label={choice.label}
                            onChange={() => onChange(choice.value)}
                        />
                        <span>
                            {choice.label}
                            <small id={`${id}-${choice.value}`}>{choice.description}</small>
                        </span>
                    </label>
                ))}
            </div>
            {children}
            <FieldError id={`${id}-error`} error={error} />
        </fieldset>
    );
}
