/* The frame of every screen of a signed-in user: the side menu with Settings and Webhooks, the user, light or dark.
 * On narrow screens the menu folds behind a button. */
import { type ReactNode, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useSession, useUser } from './signin/session';
import { Button } from './ui/button';
import { Chevron, Gear, Logo, Menu } from './ui/icons';
import { type Theme, useTheme } from './ui/theme';

export function Shell({ children }: { children: ReactNode }) {
    const [open, setOpen] = useState(false);
    return (
        <div className="shell">
            <a className="skip" href="#content">
                Skip to the content
            </a>
            <header className="side" data-open={open || undefined}>
                <div className="side-top">
                    <span className="brand">
                        <Logo /> Posthorn
                    </span>
                    <button
                        type="button"
                        className="button icon menu-button"
                        aria-label="Menu"
                        aria-expanded={open}
                        aria-controls="side-menu"
                        onClick={() => setOpen(!open)}
                    >
                        <Menu />
                    </button>
                </div>
                <div className="side-menu" id="side-menu">
                    <SideMenu onChosen={() => setOpen(false)} />
                    <User />
                </div>
            </header>
            <main id="content" tabIndex={-1}>
                {children}
            </main>
        </div>
    );
}

function SideMenu({ onChosen }: { onChosen: () => void }) {
    const [open, setOpen] = useState(true);
    const [location] = useLocation();
    return (
        <nav aria-label="Main menu">
            <button
                type="button"
                className="menu-item"
                aria-expanded={open}
                aria-controls="menu-settings"
                onClick={() => setOpen(!open)}
            >
                <Gear />
                Settings
                <Chevron />
            </button>
            <ul id="menu-settings" hidden={!open}>
                <li>
                    <Link
                        href="/settings/webhooks"
                        className="menu-item"
                        aria-current={location.startsWith('/settings/webhooks') ? 'page' : undefined}
                        onClick={onChosen}
                    >
                        Webhooks
                    </Link>
                </li>
            </ul>
        </nav>
    );
}

const THEMES: { value: Theme; label: string }[] = [
    { value: 'system', label: 'System' },
    { value: 'light', label: 'Light' },
    { value: 'dark', label: 'Dark' },
];

function User() {
    const { email, account } = useUser();
    const { signOut } = useSession();
    const [theme, setTheme] = useTheme();
    return (
        <div className="user">
            <fieldset className="segments">
                <legend className="visually-hidden">Appearance</legend>
                {THEMES.map(({ value, label }) => (
                    <label key={value}>
                        <input
                            type="radio"
                            name="theme"
                            className="visually-hidden"
                            checked={theme === value}
                            onChange={() => setTheme(value)}
                        />
                        <span>{label}</span>
                    </label>
                ))}
            </fieldset>
            <p className="user-name">
                <bdi>{account.name === null || account.name === '' ? account.key : account.name}</bdi>
                <bdi className="quiet">{email}</bdi>
            </p>
            <Button onClick={() => void signOut()}>Sign out</Button>
        </div>
    );
}
