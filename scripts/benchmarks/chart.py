"""A chart of what was measured at several sizes: one line for each, on logarithmic scales.

The SVG is written by hand, because a figure of a dozen lines needs no library.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from scripts.benchmarks.measured import Run

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 250, 20, 40
COLOURS = ("#0b5394", "#a61c00", "#38761d", "#674ea7", "#b45f06", "#134f5c", "#741b47", "#444444")
DASHES = ("", "6 3", "2 2")
Points = list[tuple[float, float]]


def drawn(runs: Iterable[Run]) -> str:
    """The chart, as SVG, of all times measured at several sizes; empty if there are none."""
    lines: dict[str, Points] = {}
    found = ((run.engine, one) for run in runs for one in run.results)
    for engine, one in found:
        if one.point is not None and one.unit == "µs":
            what, size = one.point
            lines.setdefault(f"{what} ({one.unit}, {engine})", []).append((size, one.value))
    if not lines:
        return ""
    every = [point for points in lines.values() for point in points]
    across, upward = (_Scale(values) for values in zip(*every, strict=True))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *(_tick(across, power, upright=True) for power in across.powers),
        *(_tick(upward, power, upright=False) for power in upward.powers),
    ]
    ends = _apart([upward.up(points[-1][1]) for points in lines.values()])
    for number, (name, points) in enumerate(lines.items()):
        parts += _line(number, name, [(across.along(x), upward.up(y)) for x, y in points], ends)
    return "\n".join([*parts, "</svg>\n"])


class _Scale:
    """A logarithmic scale, from the power of ten below all values to the one above."""

    def __init__(self, values: Sequence[float]) -> None:
        first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        self.powers = range(first, max(last, first + 1) + 1)

    def _part(self, value: float) -> float:
        return (math.log10(value) - self.powers[0]) / (self.powers[-1] - self.powers[0])

    def along(self, value: float) -> float:
        """The horizontal coordinate of a value."""
        return LEFT + self._part(value) * (WIDTH - LEFT - RIGHT)

    def up(self, value: float) -> float:
        """The vertical coordinate of a value, counted from the top."""
        return HEIGHT - BOTTOM - self._part(value) * (HEIGHT - TOP - BOTTOM)


def _tick(scale: _Scale, power: int, *, upright: bool) -> str:
    text = f"{10.0**power:,.0f}" if power >= 0 else f"{10.0**power:g}"
    if upright:
        x = scale.along(10.0**power)
        line = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#ddd"/>'
        return f'{line}<text x="{x:.1f}" y="{HEIGHT - 20}" text-anchor="middle">{text}</text>'
    y = scale.up(10.0**power)
    line = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
    return f'{line}<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'


def _line(number: int, name: str, points: Points, ends: list[float]) -> list[str]:
    colour = COLOURS[number % len(COLOURS)]
    dashes = DASHES[number // len(COLOURS) % len(DASHES)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" '
        f'stroke-dasharray="{dashes}"/>',
        f'<text x="{points[-1][0] + 8:.1f}" y="{ends[number] + 4:.1f}" fill="{colour}">'
        f"{escape(name)}</text>",
    ]


def _apart(places: Sequence[float], least: float = 13) -> list[float]:
    """Positions for labels, moved down as far as needed so that none overlap."""
    found, below = list(places), -math.inf
    for number in sorted(range(len(places)), key=places.__getitem__):
        below = found[number] = max(places[number], below + least)
    return found
