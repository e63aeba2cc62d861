/* Modal dialogs, with the browser's own <dialog>: it keeps the focus inside, makes the rest inert, and returns the focus
 * afterwards. Escape calls `onClose`, which may ask for confirmation first. */
import { type KeyboardEvent, type ReactNode, useId, useLayoutEffect, useRef } from 'react';

interface Props {
    title: ReactNode;
    size?: 'small' | 'medium' | 'drawer';
    onClose: () => void;
    /** its children are spread: the first to the left, the last to the right */
    footer?: ReactNode;
    children: ReactNode;
}

export function Dialog({ title, size = 'medium', onClose, footer, children }: Props) {
    const dialog = useRef<HTMLDialogElement>(null);
    const id = useId();

    useLayoutEffect(() => {
        const element = dialog.current;
        element?.showModal();
        // closed before it is removed from the page, and inner dialogs before it; otherwise the focus would not return
        return () => {
            element?.querySelectorAll<HTMLDialogElement>('dialog[open]').forEach((inner) => inner.close());
            element?.close();
        };
    }, []);

    const onKeyDown = (event: KeyboardEvent) => {
        // dialogs may be nested: each key belongs to the topmost
        event.stopPropagation();
        if (event.key !== 'Escape') return;
        event.preventDefault();
        onClose();
    };

    return (
        <dialog
            ref={dialog}
            className={`dialog ${size}`}
            aria-labelledby={id}
            onKeyDown={onKeyDown}
            onCancel={(event) => {
                // other ways to dismiss, such as a phone's back gesture
                event.stopPropagation();
                event.preventDefault();
                onClose();
            }}
            onClose={(event) => {
                // the browser may close without asking: whether it stays open is decided here
                event.stopPropagation();
                if (event.target === dialog.current && dialog.current?.isConnected && !dialog.current.open)
                    dialog.current.showModal();
            }}
            onMouseDown={(event) => {
                if (size === 'drawer' && event.target === dialog.current) onClose();
            }}
        >
            <div className="dialog-box">
                <h2 className="dialog-title" id={id} tabIndex={-1}>
                    {title}
                </h2>
                <div className="dialog-body">{children}</div>
                {footer !== undefined && <div className="dialog-footer">{footer}</div>}
            </div>
        </dialog>
    );
}
