/* How a receiver can tell that a notification is genuine. */
import type { Signature, SignatureOptions } from '../api/types';
import { type Choice, ChoiceField } from '../ui/choice';
import { SelectField } from '../ui/field';
import type { Draft, Errors, Field } from './form-model';

interface Props {
    draft: Draft;
    onChange: (change: Partial<Draft>, field: Field) => void;
    errors: Errors;
    options: SignatureOptions;
    /** whether to offer the signature that only the other dialects of the API have by default */
    standard: boolean;
}

export function SignatureField({ draft, onChange, errors, options, standard }: Props) {
    const { signature } = draft;
    const set = (change: Partial<Draft['signature']>, field: Field) => onChange({ signature: { ...signature, ...change } }, field);
    const type = (type: Signature['type']) =>
        set({ type, source_key: type === 'source_key' ? onlyKey(options) : '' }, 'signature');

    return (
        <ChoiceField
            legend="Signature"
            choices={choicesOf(options, standard)}
            value={signature.type}
            onChange={type}
            error={errors.signature}
        >
            {signature.type === 'source_key' && (
                <SelectField
                    label="Source key"
                    value={signature.source_key}
                    onChange={(source_key) => set({ source_key }, 'signature.source_key')}
                    error={errors['signature.source_key']}
                    options={[
                        { value: '', label: 'Choose a key' },
                        ...options.source_keys.map(({ name }) => ({ value: name, label: name })),
                    ]}
                />
            )}
        </ChoiceField>
    );
}

function onlyKey({ source_keys }: SignatureOptions): string {
    return source_keys.length === 1 ? (source_keys[0]?.name ?? '') : '';
}

function choicesOf(options: SignatureOptions, standard: boolean): Choice<Signature['type']>[] {
    const keys = options.source_keys.length > 0;
    const choices: Choice<Signature['type']>[] = [
        { value: 'none', label: 'None', description: 'No signature is sent.' },
        {
            value: 'source_key',
            label: 'Source Key',
            description: keys ? 'X-Signature is computed with one of your source keys.' : 'Your account has no source key.',
            disabled: !keys,
        },
        {
            value: 'signature_key',
            label: 'Signature Key',
            description: options.signature_key
                ? 'X-Signature is computed with your own signature key.'
                : 'Your account has no signature key.',
            disabled: !options.signature_key,
        },
    ];
    if (standard)
        choices.push({
            value: 'standard',
            label: 'Standard Webhooks',
            description: 'webhook-signature is computed with a secret of the webhook.',
        });
    return choices;
}
