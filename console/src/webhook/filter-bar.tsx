/* The filters of the deliveries: event, state, time, one event's id. */
import { useEffect, useState } from 'react';
import useSWR from 'swr';
import type { EventType, Webhook } from '../api/types';
import { Button } from '../ui/button';
import { SelectField, TextField } from '../ui/field';
import { covers } from '../webhooks/patterns';
import { type Filters, STATES } from './filters';
import { stateName } from './states';

const TYPING_MS = 400;

interface Props {
    webhook: Webhook;
    filters: Filters;
    onChange: (changes: Record<string, string>) => void;
}

export function FilterBar({ webhook, filters, onChange }: Props) {
    const events = useEvents(webhook, filters.event);
    const set = filters.state !== '' || filters.event !== '' || filters.id !== '' || filters.range !== 'day';
    return (
        <form className="filters" role="search" aria-label="Filter deliveries" onSubmit={(event) => event.preventDefault()}>
            <SelectField
                label="Event"
                value={filters.event}
                onChange={(event) => onChange({ event })}
                options={[{ value: '', label: 'All events' }, ...events.map((name) => ({ value: name, label: name }))]}
            />
            <SelectField
                label="State"
                value={filters.state}
                onChange={(state) => onChange({ state })}
                options={[{ value: '', label: 'All states' }, ...STATES.map((state) => ({ value: state, label: stateName(state) }))]}
            />
            <SelectField
                label="Time"
                value={filters.range}
                onChange={(range) => onChange({ range: range === 'day' ? '' : range, from: '', to: '' })}
                options={[
                    { value: 'hour', label: 'Last hour' },
                    { value: 'day', label: 'Last 24 hours' },
                    { value: 'week', label: 'Last 7 days' },
                    { value: 'custom', label: 'From … to …' },
                ]}
            />
            {filters.range === 'custom' && (
                <>
                    <TextField label="From" type="datetime-local" value={filters.from} onChange={(from) => onChange({ from })} />
                    <TextField label="To" type="datetime-local" value={filters.to} onChange={(to) => onChange({ to })} />
                </>
            )}
            <IdField value={filters.id} onChange={(id) => onChange({ id })} />
            {set && (
                <Button kind="quiet" onClick={() => onChange({ event: '', state: '', range: '', from: '', to: '', id: '' })}>
                    Clear filters
                </Button>
            )}
        </form>
    );
}

/* Searches for the typed text when the typing pauses. */
function IdField({ value, onChange }: { value: string; onChange: (id: string) => void }) {
    const [typed, setTyped] = useState(value);
    useEffect(() => setTyped(value), [value]);
    useEffect(() => {
        if (typed.trim() === value) return;
        const timer = setTimeout(() => onChange(typed.trim()), TYPING_MS);
        return () => clearTimeout(timer);
        // only typing starts the timer
        // eslint-disable-next-line react-hooks/exhaustive-deps
    }, [typed]);
    return <TextField label="Event ID" type="search" value={typed} onChange={setTyped} maxLength={255} spellCheck={false} autoComplete="off" />;
}

/** The event types that this webhook can have received, as far as is known, and those already chosen. */
function useEvents(webhook: Webhook, chosen: string): string[] {
    const { data } = useSWR<{ event_types: EventType[] }>('/v1/event-types');
    const known = (data?.event_types ?? []).map(({ name }) => name);
    const names = known.filter((name) => webhook.events.some((event) => covers(event, name)));
    const others = [...webhook.events.filter((event) => !event.includes('*')), chosen];
    return [...names, ...others.filter((name, at) => name !== '' && !names.includes(name) && others.indexOf(name) === at)];
}
