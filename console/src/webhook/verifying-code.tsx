/* Verifying code to copy. The files of snippets/ are shown unchanged. */
import { useId, useState } from 'react';
import type { Signature } from '../api/types';
import { CopyButton } from '../ui/copy';
import { LANGUAGES, type Language, SNIPPETS, type Way } from './snippets';

const WAYS: { value: Way; label: string }[] = [
    { value: 'x-signature', label: 'X-Signature' },
    { value: 'standard', label: 'Standard Webhooks' },
];

export function VerifyingCode({ signature }: { signature: Signature }) {
    const [language, setLanguage] = useState<Language>('Python');
    const [chosen, setWay] = useState<Way>('x-signature');
    const way = signature.type === 'standard' ? 'standard' : chosen;
    const { code, install } = SNIPPETS[way][language];
    return (
        <section className="card stack-small" aria-labelledby="code-heading">
            <h2 id="code-heading">Verifying code</h2>
            <p>
                Verify the raw body: the bytes as received.{' '}
                {way === 'standard' ? (
                    <>
                        Put the secret above into the environment as <code>WEBHOOK_SECRET</code>.
                    </>
                ) : (
                    <>
                        Put your {signature.type === 'source_key' ? 'source key' : 'signature key'} into the environment as{' '}
                        <code>WEBHOOK_KEY</code>.
                    </>
                )}
            </p>
            <div className="row">
                {signature.type !== 'standard' && <Segments legend="What to verify" options={WAYS} value={way} onChange={setWay} />}
                <Segments
                    legend="Language"
                    options={LANGUAGES.map((value) => ({ value, label: value }))}
                    value={language}
                    onChange={setLanguage}
                />
            </div>
            {install !== undefined && (
                <p className="quiet">
                    Library: <code>{install}</code>
                </p>
            )}
            <div className="code-block">
                <pre tabIndex={0} role="region" aria-label={`Verifying code in ${language}`} dir="ltr">
                    {code}
                </pre>
                <CopyButton text={code} label="Copy the code" />
            </div>
        </section>
    );
}

interface SegmentsProps<T extends string> {
    legend: string;
    options: { value: T; label: string }[];
    value: T;
    onChange: (value: T) => void;
}

function Segments<T extends string>({ legend, options, value, onChange }: SegmentsProps<T>) {
    const name = useId();
    return (
        <fieldset className="segments">
            <legend className="visually-hidden">{legend}</legend>
            {options.map((option) => (
                <label key={option.value}>
                    <input
                        type="radio"
                        name={name}
                        className="visually-hidden"
                        checked={value === option.value}
                        onChange={() => onChange(option.value)}
                    />
                    <span>{option.label}</span>
                </label>
            ))}
        </fieldset>
    );
}
