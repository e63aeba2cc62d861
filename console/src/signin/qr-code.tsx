/* A QR code as one SVG path, dark on light in both colour schemes, because scanners require it. */
import { useMemo } from 'react';
import { encode } from 'uqr';

export function QrCode({ text, label }: { text: string; label: string }) {
    const { size, path } = useMemo(() => {
        const { size, data } = encode(text, { ecc: 'M', border: 4 });
        const squares = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')));
        return { size, path: squares.join('') };
    }, [text]);
    return (
        <svg className="qr-code" role="img" aria-label={label} viewBox={`0 0 ${size} ${size}`} shapeRendering="crispEdges">
            <rect width={size} height={size} fill="#ffffff" />
            <path d={path} fill="#000000" />
        </svg>
    );
}
