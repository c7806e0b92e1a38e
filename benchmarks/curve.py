"""A precision-recall curve as an SVG picture, without a plotting library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#0b6e4f", "#c8553d", "#3d5a80", "#8d6a9f")
SIZE, MARGIN = 480, 60


def precision_recall_svg(
    title: str, series: Mapping[str, Sequence[tuple[float, float, str]]]
) -> str:
    """Return a picture of one line a method; a point is (recall, precision, label), 0 to 1."""
    low = min(min(p[:2]) for points in series.values() for p in points)
    low = max(0.0, int(low * 10) / 10)

    def place(value: float) -> float:
        return (value - low) / (1 - low) * SIZE

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{SIZE + 3 * MARGIN}" '
        f'height="{SIZE + 2 * MARGIN}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{MARGIN}" y="28" font-size="15">{escape(title)}</text>',
        f'<g transform="translate({MARGIN},{MARGIN - 10})">',
    ]
    steps = round((1 - low) * 10)
    for step in range(steps + 1):
        value = low + step / 10
        at = place(value)
        parts += [
            f'<path d="M{at:.1f} 0V{SIZE}M0 {SIZE - at:.1f}H{SIZE}" stroke="#ddd"/>',
            f'<text x="{at:.1f}" y="{SIZE + 18}" text-anchor="middle">{value:.1f}</text>',
            f'<text x="-8" y="{SIZE - at + 4:.1f}" text-anchor="end">{value:.1f}</text>',
        ]
    parts += [
        f'<text x="{SIZE / 2}" y="{SIZE + 40}" text-anchor="middle">recall of pairs</text>',
        f'<text transform="translate(-40,{SIZE / 2})rotate(-90)" text-anchor="middle">'
        "precision of pairs</text>",
    ]
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        spots = [
            (place(recall), SIZE - place(precision), label) for recall, precision, label in points
        ]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in spots)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, y, label in spots:
            parts += [
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>',
                f'<text x="{x + 6:.1f}" y="{y + 14:.1f}" fill="{colour}">{escape(label)}</text>',
            ]
        parts.append(
            f'<text x="{SIZE + 12}" y="{20 + 18 * number}" fill="{colour}">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</g>", "</svg>", ""])
