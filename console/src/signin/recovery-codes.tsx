/* The recovery codes, shown once. */
import { useEffect, useRef } from 'react';
import { Button } from '../ui/button';
import { CopyButton } from '../ui/copy';
import { download } from '../ui/download';

export function RecoveryCodes({ codes, onSaved }: { codes: string[]; onSaved: () => void }) {
    const heading = useRef<HTMLHeadingElement>(null);
    useEffect(() => heading.current?.focus(), []);

    const text = `${codes.join('\n')}\n`;
    return (
        <div className="stack recovery">
            <h2 ref={heading} tabIndex={-1}>
                Save your recovery codes
            </h2>
            <p>
                Two factor authentication is on. If you lose your authenticator, you can use one of these codes instead. Each is valid once.
                <strong> They are shown only now.</strong>
            </p>
            <ul className="recovery-codes" aria-label="Recovery codes">
                {codes.map((code) => (
                    <li key={code}>
                        <code>{code}</code>
                    </li>
                ))}
            </ul>
            <div className="row">
                <CopyButton text={text} label="Copy" wide />
                <Button onClick={() => download('posthorn-recovery-codes.txt', text)}>Download</Button>
                <Button kind="primary" onClick={onSaved}>
                    I have saved them
                </Button>
            </div>
        </div>
    );
}
