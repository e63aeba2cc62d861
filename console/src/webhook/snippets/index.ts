/* The verifying code of each language: with the library of Standard Webhooks, and by hand for X-Signature. */
import standardGo from './standard.go?raw';
import standardJava from './standard.java?raw';
import standardJs from './standard.mjs?raw';
import standardPhp from './standard.php?raw';
import standardPy from './standard.py?raw';
import xGo from './x-signature.go?raw';
import xJava from './x-signature.java?raw';
import xJs from './x-signature.mjs?raw';
import xPhp from './x-signature.php?raw';
import xPy from './x-signature.py?raw';

export const LANGUAGES = ['Python', 'JavaScript', 'PHP', 'Go', 'Java'] as const;
export type Language = (typeof LANGUAGES)[number];
export type Way = 'standard' | 'x-signature';

interface Snippet {
    code: string;
    /** the command that installs the library, if one is needed */
    install?: string;
}

export const SNIPPETS: Record<Way, Record<Language, Snippet>> = {
    standard: {
        Python: { code: standardPy, install: 'pip install standardwebhooks' },
        JavaScript: { code: standardJs, install: 'npm install standardwebhooks' },
        PHP: { code: standardPhp, install: 'composer require standard-webhooks/standard-webhooks' },
        Go: { code: standardGo, install: 'go get github.com/standard-webhooks/standard-webhooks/libraries' },
        Java: { code: standardJava, install: 'com.standardwebhooks:standardwebhooks (Maven Central)' },
    },
    'x-signature': {
        Python: { code: xPy },
        JavaScript: { code: xJs },
        PHP: { code: xPhp },
        Go: { code: xGo },
        Java: { code: xJava },
    },
};
