/* The icons, as strokes in the colour of the text. Each stands beside words with the same meaning. */
import type { ReactNode } from 'react';

function Icon({ children }: { children: ReactNode }) {
    return (
        <svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
            {children}
        </svg>
    );
}

export function Logo() {
    return (
        <svg className="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <rect width="32" height="32" rx="8" />
            <circle cx="14.5" cy="17.5" r="5.5" />
            <path d="M5 12h9.500a5.5 5.5 0 0 1 5.5 5.500M14.5 23H23l4.5 4V12.500L23 17" />
        </svg>
    );
}

export const Copy = () => (
    <Icon>
        <rect x="7" y="7" width="9" height="9" rx="2" />
        <path d="M13 7V6a2 2 0 0 0-2-2H6a2 2 0 0 0-2 2v5a2 2 0 0 0 2 2h1" />
    </Icon>
);
export const Check = () => (
    <Icon>
        <path d="m4.5 10.5 3.5 3.5 7.5-8" />
    </Icon>
);
export const Cross = () => (
    <Icon>
        <path d="m6 6 8 8M14 6l-8 8" />
    </Icon>
);
export const Plus = () => (
    <Icon>
        <path d="M10 4.500v11M4.5 10h11" />
    </Icon>
);
export const Menu = () => (
    <Icon>
        <path d="M3.5 6h13M3.5 10h13M3.5 14h13" />
    </Icon>
);
export const Gear = () => (
    <Icon>
        <circle cx="10" cy="10" r="2.5" />
        <path d="M10 3v2M10 15v2M3 10h2M15 10h2M5.05 5.050l1.4 1.400M13.55 13.550l1.4 1.400M5.05 14.950l1.4-1.400M13.55 6.450l1.4-1.4" />
    </Icon>
);
export const Search = () => (
    <Icon>
        <circle cx="9" cy="9" r="5" />
        <path d="m13 13 3.5 3.5" />
    </Icon>
);
export const Send = () => (
    <Icon>
        <path d="m3.5 9.5 13-6-5 13-2.5-5.500z" />
    </Icon>
);
export const Again = () => (
    <Icon>
        <path d="M15.5 7.500A6 6 0 1 0 16 11M16 4v4h-4" />
    </Icon>
);
export const Chevron = () => (
    <Icon>
        <path d="m8 5 5 5-5 5" />
    </Icon>
);
