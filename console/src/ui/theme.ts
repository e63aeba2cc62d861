/* Light or dark: the system's setting, unless the user has chosen one, which is stored in localStorage. */
import { useState } from 'react';

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'posthorn.theme';

function stored(): Theme {
    try {
        const value = localStorage.getItem(KEY);
        return value === 'light' || value === 'dark' ? value : 'system';
    } catch {
        return 'system'; // storage is switched off
    }
}

export function applyTheme(theme: Theme = stored()): void {
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
}

export function useTheme(): [Theme, (theme: Theme) => void] {
    const [theme, setTheme] = useState(stored);
    const change = (next: Theme) => {
        setTheme(next);
        applyTheme(next);
        try {
            localStorage.setItem(KEY, next);
        } catch {
            // then the choice is valid for this page only
        }
    };
    return [theme, change];
}
