/* How the webhook authenticates itself at the URL. The stored authentication is never shown again; to
 * change it, reset it. */
import type { Authentication } from '../api/types';
import { Button } from '../ui/button';
import { type Choice, ChoiceField } from '../ui/choice';
import { TextField } from '../ui/field';
import type { Draft, Errors, Field } from './form-model';

const CHOICES: Choice<'none' | 'basic'>[] = [
    { value: 'none', label: 'None', description: 'No Authorization header is sent.' },
    { value: 'basic', label: 'Basic', description: 'A user name and a password are sent in the Authorization header.' },
];

interface Props {
    draft: Draft;
    onChange: (change: Partial<Draft>, field: Field) => void;
    onBlur: (field: Field) => void;
    errors: Errors;
    /** the stored one; null: the webhook is new */
    stored: Authentication | null;
}

export function AuthenticationField({ draft, onChange, onBlur, errors, stored }: Props) {
    const { authentication, resetAuthentication } = draft;
    const set = (change: Partial<Draft['authentication']>, field: Field) =>
        onChange({ authentication: { ...authentication, ...change } }, field);
    const toggle = () =>
        onChange(
            { resetAuthentication: !resetAuthentication, authentication: { type: 'none', username: '', password: '' } },
            'authentication',
        );

    return (
        <div className="stack-small">
            {resetAuthentication ? (
                <ChoiceField
                    legend="Authentication"
                    choices={CHOICES}
                    value={authentication.type}
                    onChange={(type) => set({ type }, 'authentication')}
                    error={errors.authentication}
                >
                    {authentication.type === 'basic' && (
                        <div className="pair">
                            <TextField
                                label="Username"
                                value={authentication.username}
                                onChange={(username) => set({ username }, 'authentication.username')}
                                onBlur={() => onBlur('authentication.username')}
                                error={errors['authentication.username']}
                                autoComplete="off"
                                spellCheck={false}
                                required
                            />
                            <TextField
                                label="Password"
                                type="password"
                                value={authentication.password}
                                onChange={(password) => set({ password }, 'authentication.password')}
                                onBlur={() => onBlur('authentication.password')}
                                error={errors['authentication.password']}
                                autoComplete="new-password"
                                required
                            />
                        </div>
                    )}
                </ChoiceField>
            ) : (
                <div className="field" role="group" aria-label="Authentication">
                    <p className="legend">Authentication</p>
                    <p className="stored">{stored !== null && describe(stored)}</p>
                </div>
            )}
            {stored !== null && (
                <div>
                    <Button onClick={toggle}>
                        {resetAuthentication ? 'Keep Current Configuration' : 'Reset Webhook Authentication'}
                    </Button>
                </div>
            )}
        </div>
    );
}

function describe({ type, username }: Authentication) {
    if (type === 'none') return 'None: no Authorization header is sent.';
    if (type === 'bearer') return 'Bearer: a token is sent, which is not shown again.';
    return (
        <>
            Basic, as <bdi>{username}</bdi>, with a password that is not shown again.
        </>
    );
}
