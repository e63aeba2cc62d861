/* Subscriptions may be patterns: "*" matches every event, "ach.*" every event whose name begins with "ach.". The console
 * shows and removes patterns; they are created with the API. */
import type { EventType } from '../api/types';

export function covers(pattern: string, name: string): boolean {
    return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

export interface Group {
    name: string;
    types: EventType[];
}

/** Groups types by the part before the first dot; types without a dot are the group "Other" at the end. */
export function groupsOf(types: EventType[]): Group[] {
    const groups = new Map<string, EventType[]>();
    for (const type of types) {
        const dot = type.name.indexOf('.');
        const name = dot > 0 ? type.name.slice(0, dot) : '';
        groups.set(name, [...(groups.get(name) ?? []), type]);
    }
    const others = groups.get('');
    groups.delete('');
    const list = [...groups].map(([name, types]) => ({ name, types }));
    if (others !== undefined) list.push({ name: list.length === 0 ? 'All' : 'Other', types: others });
    return list;
}

/** The types whose name or description contains every word of the search. */
export function searchTypes(types: EventType[], search: string): EventType[] {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    return types.filter((type) => {
        const text = `${type.name} ${type.description}`.toLowerCase();
        return words.every((word) => text.includes(word));
    });
}
