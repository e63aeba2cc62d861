/* The events of a webhook: search, choose one or more, see what is chosen. */
import { useId, useState } from 'react';
import type { EventType } from '../api/types';
import { FieldError } from '../ui/field';
import { plural } from '../ui/format';
import { Cross, Search } from '../ui/icons';
import { covers, groupsOf, searchTypes } from './patterns';

interface Props {
    types: EventType[];
    chosen: string[];
    onChange: (events: string[]) => void;
    error?: string;
}

export function EventsField({ types, chosen, onChange, error }: Props) {
    const id = useId();
    const [search, setSearch] = useState('');
    const found = searchTypes(types, search);
    const patterns = chosen.filter((event) => event.includes('*'));
    const toggle = (event: string) =>
        onChange(chosen.includes(event) ? chosen.filter((other) => other !== event) : [...chosen, event]);

    return (
        <fieldset className="field events-field" aria-describedby={`${id}-error`}>
            <legend>Events</legend>
            <div className="events-box" data-invalid={error !== undefined || undefined}>
                <div className="search">
                    <Search />
                    <input
                        type="search"
                        aria-label="Search events"
                        placeholder="Search by name or description"
                        value={search}
                        onChange={(event) => setSearch(event.target.value)}
                        onKeyDown={(event) => {
                            // Escape empties the search before it closes the dialog; Enter does not send the form
                            if (event.key === 'Enter') event.preventDefault();
                            if (event.key !== 'Escape' || search === '') return;
                            event.preventDefault();
                            event.stopPropagation();
                            setSearch('');
                        }}
                    />
                </div>
                <div className="events-list">
                    {groupsOf(found).map((group) => (
                        <EventGroup key={group.name} {...group} {...{ chosen, patterns, onChange, toggle }} />
                    ))}
                    {found.length === 0 && <p className="quiet">No event fits “<bdi>{search}</bdi>”.</p>}
                </div>
                <p className="events-count" role="status">
                    {chosen.length === 0 ? 'None chosen' : `${count(chosen, patterns)} chosen`}
                    {search !== '' && `, ${found.length} of ${types.length} shown`}
                </p>
            </div>
            {chosen.length > 0 && <Chosen chosen={chosen} onRemove={toggle} onClear={() => onChange([])} />}
            <FieldError id={`${id}-error`} error={error} />
        </fieldset>
    );
}

function count(chosen: string[], patterns: string[]): string {
    return patterns.length > 0 ? plural(chosen.length, 'event or pattern', 'events and patterns') : plural(chosen.length, 'event');
}

interface GroupProps {
    name: string;
    types: EventType[];
    chosen: string[];
    patterns: string[];
    onChange: (events: string[]) => void;
    toggle: (event: string) => void;
}

function EventGroup({ name, types, chosen, patterns, onChange, toggle }: GroupProps) {
    const id = useId();
    const names = types.map((type) => type.name);
    const all = names.every((one) => chosen.includes(one));
    const rest = chosen.filter((one) => !names.includes(one));
    return (
        <div role="group" aria-labelledby={id} className="event-group">
            <p className="event-group-head">
                <span id={id}>{name}</span>
                <button
                    type="button"
                    className="button link"
                    aria-label={`${all ? 'Choose none' : 'Choose all'} of ${name}`}
                    onClick={() => onChange(all ? rest : [...rest, ...names])}
                >
                    {all ? 'None' : 'All'}
                </button>
            </p>
            {types.map((type) => {
                const pattern = patterns.find((one) => covers(one, type.name));
                return (
                    <label key={type.name} className="event-option">
                        <input
                            type="checkbox"
                            checked={pattern !== undefined || chosen.includes(type.name)}
                            disabled={pattern !== undefined && !chosen.includes(type.name)}
                            onChange={() => toggle(type.name)}
                        />
                        <span>
                            <code>{type.name}</code>
                            <small>{pattern === undefined ? type.description : `Part of ${pattern}`}</small>
                        </span>
                    </label>
                );
            })}
        </div>
    );
}

function Chosen({ chosen, onRemove, onClear }: { chosen: string[]; onRemove: (event: string) => void; onClear: () => void }) {
    return (
        <div className="chosen">
            <ul className="chips" aria-label="Chosen events">
                {chosen.map((event) => (
                    <li className="chip" key={event}>
                        <bdi>{event}</bdi>
                        <button type="button" className="button icon" aria-label={`Remove ${event}`} onClick={() => onRemove(event)}>
                            <Cross />
                        </button>
                    </li>
                ))}
            </ul>
            {chosen.length > 1 && (
                <button type="button" className="button link" onClick={onClear}>
                    Remove all
                </button>
            )}
        </div>
    );
}
