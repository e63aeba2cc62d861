import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { App } from './app';
import { SessionProvider } from './signin/session';
import './styles/index.css';
import { NotifyProvider } from './ui/notify';
import { applyTheme } from './ui/theme';

applyTheme();
const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
    <StrictMode>
        <Router base="/console">
            <NotifyProvider>
                <SessionProvider>
                    <App />
                </SessionProvider>
            </NotifyProvider>
        </Router>
    </StrictMode>,
);
