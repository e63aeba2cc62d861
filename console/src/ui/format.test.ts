import { describe, expect, it } from 'vitest';
import { ago, duration, plural, prettyJson } from './format';

describe('ago', () => {
    it.each([
        [0, 'now'],
        [-59, '59 seconds ago'],
        [-60, '1 minute ago'],
        [-3599, '59 minutes ago'],
        [7200, 'in 2 hours'],
        [-86400, 'yesterday'],
        [-200000, '2 days ago'],
    ])('%i s: %s', (seconds, text) => expect(ago(seconds * 1000, 0)).toBe(text));
});

describe('duration', () => {
    it.each([
        [0.84, '0.8 ms'],
        [12.4, '12 ms'],
        [1500, '1.5 s'],
        [30_000, '30 s'],
    ])('%f ms: %s', (ms, text) => expect(duration(ms)).toBe(text));
});

describe('plural', () => {
    it('says one', () => expect(plural(1, 'event')).toBe('1 event'));
    it('says many', () => expect(plural(1200, 'delivery', 'deliveries')).toBe('1,200 deliveries'));
});

describe('prettyJson', () => {
    it('breaks lines and keeps every digit', () =>
        expect(prettyJson('{"a":5.00,"b":[12345678901234567890,{}],"c":"x, {y}: \\"z\\""}')).toBe(
            '{\n  "a": 5.00,\n  "b": [\n    12345678901234567890,\n    {}\n  ],\n  "c": "x, {y}: \\"z\\""\n}',
        ));
    it('keeps text that ends like an open bracket', () => expect(prettyJson('["[",1]')).toBe('[\n  "[",\n  1\n]'));
    it('keeps an empty array empty', () => expect(prettyJson('{"a": [ ]}')).toBe('{\n  "a": []\n}'));
    it.each(['[1e400,-0,1.10,9223372036854775808]', '{"a":"\\ud800","a":"\\u0000"}', '"\u2028\u0080\u007f"', '[[[{"a":[]}]]]'])(
        'changes nothing but white space: %s',
        (text) => expect(prettyJson(text).replace(/\n */g, '').replace(/": /g, '":')).toBe(text),
    );
    it('leaves what is not JSON', () => expect(prettyJson('<html>')).toBe('<html>'));
});
