/* Formats times and numbers for people. */

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const absolute = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
const short = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
const number = new Intl.NumberFormat('en');

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
    ['second', 1],
];

/** "3 minutes ago", "in 2 hours", "now". Both in milliseconds since 1970. */
export function ago(time: number, now: number): string {
    const seconds = Math.round((time - now) / 1000);
    const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1];
    return relative.format(Math.trunc(seconds / size), unit);
}

export const exact = (time: Date): string => absolute.format(time);
export const clock = (time: Date): string => short.format(time);
export const dayAndClock = (time: Date): string => day.format(time);
export const count = (value: number): string => number.format(value);

/** "1 event", "2 events". */
export function plural(value: number, one: string, many = `${one}s`): string {
    return `${count(value)} ${value === 1 ? one : many}`;
}

/** "0.8 ms", "12 ms", "1.5 s". */
export function duration(ms: number): string {
    if (ms >= 10_000) return `${Math.round(ms / 1000)} s`;
    if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
    return ms < 10 ? `${Number(ms.toFixed(1))} ms` : `${Math.round(ms)} ms`;
}

/** JSON with line breaks if it is JSON; anything else as it is. Numbers keep their digits: only white space changes. */
export function prettyJson(text: string): string {
    try {
        JSON.parse(text);
    } catch {
        return text;
    }
    return indent(text);
}

/* Not JSON.stringify(JSON.parse(…)): it would show 5.00 as 5, and lose digits of long numbers. */
function indent(json: string): string {
    const out: string[] = [];
    let depth = 0;
    let opened = false; // a bracket whose content has not begun
    const line = () => out.push('\n', '  '.repeat(depth));
    for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g)) {
        const closes = token === '}' || token === ']';
        if (closes) depth--;
        // after an opening bracket and before a closing one, but not within an empty pair
        if (closes !== opened) line();
        out.push(token);
        opened = token === '{' || token === '[';
        if (opened) depth++;
        else if (token === ',') line();
        else if (token === ':') out.push(' ');
    }
    return out.join('');
}
