/* The form itself. Each field is checked during typing. The server checks again, and its errors are shown at the fields
 * that their pointers name. */
import { useRef, useState } from 'react';
import { request, webhookPath } from '../api/client';
import { asProblem, errorsByField, type Problem } from '../api/problem';
import type { EventType, SignatureOptions, Webhook } from '../api/types';
import { useUser } from '../signin/session';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { TextField } from '../ui/field';
import { ProblemNotice } from '../ui/notice';
import { useSubmit } from '../ui/submit';
import { AuthenticationField } from './authentication-field';
import { AbandonDialog, DeleteDialog } from './confirm-dialogs';
import { EventsField } from './events-field';
import { changesOf, type Draft, draftOf, emptyDraft, type Errors, type Field, FIELDS, isTouched, newBody, urlMayGoOn, validate } from './form-model';
import { SignatureField } from './signature-field';

interface Props {
    webhook: Webhook | null;
    types: EventType[];
    options: SignatureOptions;
    onClose: () => void;
    onDone: (webhook: Webhook | null) => void;
}

export function WebhookForm({ webhook: given, types, options, onClose, onDone }: Props) {
    // as it was when the form was opened: the list behind it continues to be read
    const [webhook] = useState(given);
    const [start] = useState(() => (webhook === null ? emptyDraft(options) : draftOf(webhook)));
    const { draft, change, leave, shown, showAll, setServerErrors } = useDraft(start);
    const { busy, problem, wait, submit } = useSubmit();
    const [asking, setAsking] = useState<'' | 'abandon' | 'delete'>('');
    const form = useRef<HTMLFormElement>(null);
    const { account } = useUser();

    const save = async () => {
        if (Object.keys(validate(draft)).length > 0) {
            showAll();
            focusFirstError(form.current);
            return;
        }
        await submit(async () => {
            try {
                onDone(await send(draft, webhook));
            } catch (thrown) {
                setServerErrors(errorsByField(asProblem(thrown), FIELDS));
                focusFirstError(form.current);
                throw thrown;
            }
        });
    };
    const close = () => (webhook !== null && isTouched(draft, start) ? setAsking('abandon') : onClose());
    const escape = () => (isTouched(draft, start) ? setAsking('abandon') : onClose());

    return (
        <Dialog
            title={webhook === null ? 'Add Webhook' : 'Edit Webhook'}
            onClose={escape}
            footer={
                <>
                    <Button onClick={close}>Close</Button>
                    {webhook !== null && (
                        <Button kind="danger" onClick={() => setAsking('delete')}>
                            Delete Hook
                        </Button>
                    )}
                    <Button kind="primary" type="submit" form="webhook-form" busy={busy} disabled={wait > 0}>
                        {webhook === null ? 'Add Hook' : 'Save Changes'}
                    </Button>
                </>
            }
        >
            <form
                id="webhook-form"
                ref={form}
                className="stack"
                noValidate
                onSubmit={(event) => {
                    event.preventDefault();
                    void save();
                }}
            >
                <p className="hint">All fields are required.</p>
                <ProblemNotice problem={unplaced(problem)} wait={wait} />
                <TextField
                    label="Webhook Label"
                    value={draft.label}
                    onChange={(label) => change({ label }, 'label')}
                    onBlur={() => leave('label')}
                    error={shown.label}
                    autoComplete="off"
                    autoFocus
                    required
                    dir="auto"
                />
                <TextField
                    label="Hook URL"
                    type="url"
                    placeholder="https://"
                    value={draft.url}
                    onChange={(url) => change({ url }, 'url')}
                    onBlur={() => leave('url')}
                    error={shown.url}
                    autoComplete="off"
                    spellCheck={false}
                    required
                />
                <EventsField types={types} chosen={draft.events} onChange={(events) => change({ events }, 'events')} error={shown.events} />
                <AuthenticationField
                    draft={draft}
                    onChange={change}
                    onBlur={leave}
                    errors={shown}
                    stored={webhook === null ? null : webhook.authentication}
                />
                <SignatureField
                    draft={draft}
                    onChange={change}
                    errors={shown}
                    options={options}
                    standard={account.dialect !== 'merchant' || webhook?.signature.type === 'standard'}
                />
            </form>
            {asking === 'abandon' && <AbandonDialog onKeep={() => setAsking('')} onAbandon={onClose} />}
            {asking === 'delete' && webhook !== null && (
                <DeleteDialog webhook={webhook} onKeep={() => setAsking('')} onDeleted={() => onDone(null)} />
            )}
        </Dialog>
    );
}

async function send(draft: Draft, webhook: Webhook | null): Promise<Webhook> {
    if (webhook === null) return request<Webhook>('POST', '/v1/webhooks', newBody(draft));
    const changes = changesOf(draft, webhook);
    if (Object.keys(changes).length === 0) return webhook;
    return request<Webhook>('PATCH', webhookPath(webhook.id), changes);
}

/** The problem, unless all its errors are already shown at fields. */
function unplaced(problem: Problem | null): Problem | null {
    if (problem === null || Object.keys(errorsByField(problem, FIELDS)).length === 0) return problem;
    return null;
}

/** After the errors are shown, in the next frame. */
function focusFirstError(form: HTMLFormElement | null): void {
    requestAnimationFrame(() => {
        const bad = form?.querySelector<HTMLElement>('[aria-invalid="true"], [data-invalid] input, .field:has(> .field-error:not(:empty)) input');
        bad?.focus();
    });
}

/** The draft, and which of its errors are shown: those of fields that one typed in (of a URL that
 * may just not be complete: when one left it), all after the first try to
 * save; what the server found at a field until that field changes. */
function useDraft(start: Draft) {
    const [draft, setDraft] = useState(start);
    const [typed, setTyped] = useState<readonly Field[]>([]);
    const [left, setLeft] = useState<readonly Field[]>([]);
    const [all, setAll] = useState(false);
    const [serverErrors, setServerErrors] = useState<Errors>({});

    const change = (part: Partial<Draft>, field: Field) => {
        setDraft((draft) => ({ ...draft, ...part }));
        setTyped((typed) => (typed.includes(field) ? typed : [...typed, field]));
        setServerErrors((errors) =>
            Object.fromEntries(Object.entries(errors).filter(([name]) => name !== field && !name.startsWith(`${field}.`))),
        );
    };
    const leave = (field: Field) => setLeft((left) => (left.includes(field) ? left : [...left, field]));

    const errors = validate(draft);
    const isShown = (field: Field) =>
        all || (typed.includes(field) && (left.includes(field) || field !== 'url' || !urlMayGoOn(draft.url)));
    const shown: Errors = { ...serverErrors };
    for (const field of FIELDS) if (errors[field] !== undefined && isShown(field)) shown[field] = errors[field];
    return { draft, change, leave, shown, showAll: () => setAll(true), setServerErrors };
}
