import { describe, expect, it } from 'vitest';
import { covers, groupsOf, searchTypes } from './patterns';

const types = [
    { name: 'ach.settled', description: 'ACH status updated to settled.' },
    { name: 'ach.failed', description: 'ACH status updated to failed.' },
    { name: 'PAYCONEX_BATCH_SETTLEMENT', description: 'A batch settles.' },
];

describe('covers', () => {
    it.each([
        ['*', 'ach.settled', true],
        ['ach.*', 'ach.settled', true],
        ['ach.*', 'achx.settled', false],
        ['ach.settled', 'ach.settled', true],
        ['ach.settled', 'ach.settled2', false],
    ])('%s and %s: %s', (pattern, name, fits) => expect(covers(pattern, name)).toBe(fits));
});

describe('groupsOf', () => {
    it('groups by the first word, and the others at the end', () =>
        expect(groupsOf(types).map(({ name, types }) => [name, types.length])).toEqual([
            ['ach', 2],
            ['Other', 1],
        ]));
    it('has one group when no name has a dot', () => expect(groupsOf(types.slice(2)).map(({ name }) => name)).toEqual(['All']));
});

describe('searchTypes', () => {
    const found = (search: string) => searchTypes(types, search).map(({ name }) => name);
    it('finds by name and description, in any case', () => {
        expect(found('SETTLED')).toEqual(['ach.settled']);
        expect(found('settle')).toEqual(['ach.settled', 'PAYCONEX_BATCH_SETTLEMENT']);
    });
    it('wants every word', () => expect(found('ach failed')).toEqual(['ach.failed']));
    it('finds all with nothing', () => expect(found('  ')).toHaveLength(3));
    it('takes no sign as special', () => expect(found('.*')).toEqual([]));
});
