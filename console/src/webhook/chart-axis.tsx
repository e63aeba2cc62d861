/* The parts that both charts share: the same margins, so that they are aligned, and the lines with their figures. */

export const MARGIN = { top: 10, right: 4, bottom: 22, left: 52 };

interface AxisProps {
    ticks: number[];
    y: (value: number) => number;
    width: number;
    text: (value: number) => string;
}

export function YAxis({ ticks, y, width, text }: AxisProps) {
    return (
        <g className="axis">
            {ticks.map((tick) => (
                <g key={tick}>
                    <line x1={MARGIN.left} x2={width - MARGIN.right} y1={y(tick)} y2={y(tick)} />
                    <text x={MARGIN.left - 8} y={y(tick)} dy="0.32em" textAnchor="end">
                        {text(tick)}
                    </text>
                </g>
            ))}
        </g>
    );
}
