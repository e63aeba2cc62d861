/* Short messages about completed actions, shown in a corner and read by screen readers. */
import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from 'react';

const SHOWN_MS = 6000;
const SHOWN_MAX = 3;

const Context = createContext<(text: string) => void>(() => undefined);
export const useNotify = () => useContext(Context);

export function NotifyProvider({ children }: { children: ReactNode }) {
    const [messages, setMessages] = useState<{ id: number; text: string }[]>([]);
    const next = useRef(0);
    const notify = useCallback((text: string) => {
        const id = next.current++;
        setMessages((shown) => [...shown, { id, text }].slice(-SHOWN_MAX));
        setTimeout(() => setMessages((shown) => shown.filter((message) => message.id !== id)), SHOWN_MS);
    }, []);
    return (
        <Context.Provider value={notify}>
            {children}
            <div className="toasts" role="status">
                {messages.map(({ id, text }) => (
                    <p className="toast" key={id}>
                        <bdi>{text}</bdi>
                    </p>
                ))}
            </div>
        </Context.Provider>
    );
}
