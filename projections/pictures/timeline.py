"""A history as a picture: each fact is a dot at its time, in the row of its kind.

No dot hides another: dots of about the same time are stacked, and beyond a limit counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from projections.pictures.svg import Markup, colour_at, document, element, linked, rule
from projections.pictures.text import caption, clean, isolated, label, width
from projections.wording import several

MOST_DOTS = 6
"""How high dots are stacked; if there are more facts, the topmost place counts the rest."""


@dataclass(frozen=True)
class Happening:
    """A fact as a dot: when it was recorded, its row, and its sentence."""

    at: datetime
    noun: str
    said: str
    href: str = ""


_MARGIN, _SIZE = 16.0, 11.0
_AXIS, _STEP, _DOT = 600.0, 30.0, 9.0
_LONGEST_NOUN = 150.0
_TICKS = 4


def timeline_svg(happenings: Sequence[Happening]) -> Markup:
    """The history as SVG within a page, the earliest on the left."""
    ordered = sorted(happenings, key=lambda one: one.at)
    rows: dict[str, dict[int, list[Happening]]] = {}
    for one in ordered:
        place = round(_along(ordered, one.at) * (_AXIS / _STEP - 1))
        rows.setdefault(clean(one.noun), {}).setdefault(place, []).append(one)
    left = _MARGIN + 12 + max([min(_LONGEST_NOUN, width(noun, _SIZE)) for noun in rows], default=0)
    drawn: list[Markup] = []
    y = _MARGIN
    for place, (noun, bins) in enumerate(rows.items()):
        stacks = [len(stack) for stack in bins.values()]
        height = 12 + _DOT * min(max(stacks), MOST_DOTS) + 12 * (max(stacks) > MOST_DOTS)
        y += height
        named = label(isolated(noun), _MARGIN, y, _LONGEST_NOUN, _SIZE, "faint")
        drawn.append(linked(noun, named, href=""))
        drawn.append(rule(left, y + 3, left + _AXIS))
        for step, stack in bins.items():
            drawn.append(_stack(stack, left + (step + 0.5) * _STEP, y, colour_at(place)))
    drawn += _ticks(ordered, left, y + 22)
    return document(
        left + _AXIS + _MARGIN,
        y + 22 + _MARGIN,
        *drawn,
        name="dots",
        title="History",
        description=_described(ordered),
        stand_alone=False,
    )


def _along(ordered: Sequence[Happening], at: datetime) -> float:
    """Where a time lies between the first (0) and the last (1)."""
    span = ordered[-1].at - ordered[0].at
    return (at - ordered[0].at) / span if span else 0.0


def _stack(stack: list[Happening], x: float, y: float, colour: str) -> Markup:
    """Facts of about the same time, the earliest at the bottom."""
    shown = stack if len(stack) <= MOST_DOTS else stack[: MOST_DOTS - 1]
    dots = [_dot(one, x, y - 2 - _DOT * place, colour) for place, one in enumerate(shown)]
    if rest := len(stack) - len(shown):
        said = f"+{rest}" if rest < 1000 else f"+{rest // 1000}k"
        top = y - 2 - _DOT * len(shown)
        dots.append(caption(said, x, top + 2, 9.5, element("title", f"{rest:,} more")))
    return element("g", *dots, class_=colour)


def _dot(one: Happening, x: float, y: float, colour: str) -> Markup:
    said = f"{one.at:%Y-%m-%d %H:%M} · {clean(one.said)}"
    dot = element("circle", cx=x, cy=y, r=3.6, class_=f"dot {colour}")
    return linked(said, dot, href=one.href)


def _ticks(ordered: Sequence[Happening], left: float, y: float) -> list[Markup]:
    """Times below the axis: the first, the last, and some between."""
    if not ordered:
        return []
    first, span = ordered[0].at, ordered[-1].at - ordered[0].at
    form = "%Y-%m-%d" if span >= timedelta(days=_TICKS) else "%m-%d %H:%M"
    count = _TICKS if span else 0
    return [
        caption(
            f"{first + span * place / max(1, count):{form}}",
            left + _STEP / 2 + (_AXIS - _STEP) * place / max(1, count),
            y,
            10.0,
        )
        for place in range(count + 1)
    ]


def _described(ordered: Sequence[Happening]) -> str:
    if not ordered:
        return "Nothing has happened yet."
    facts = several(len(ordered), "fact")
    return f"{facts} from {ordered[0].at:%Y-%m-%d} to {ordered[-1].at:%Y-%m-%d}, a dot each."
