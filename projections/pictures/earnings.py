"""Earnings over time as a bar chart: by month or, over long times, by year, decade or century.

Every period between the first and the last has its place, so that gaps are visible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from projections.pictures.svg import Markup, document, element, linked, rect, rule
from projections.pictures.text import caption, figure, width

MOST_BARS = 36
"""How many bars a chart has at most; if there are more months, years are drawn, then decades …"""
_PLACES = {7: "", 4: "", 3: "0s", 2: "00s"}
"""For a month, a year, a decade and a century: by the number of characters of “2026-01” that name
it, what its label adds to them."""

_MARGIN, _SIZE = 16.0, 11.0
_WIDE, _HIGH, _WIDEST = 620.0, 150.0, 44.0
_STEP = 72.0
"""How far apart bars are at most, so that a phone shows all of a few."""
_APART = 8.0
"""The least space between two labels of the axis."""


def earnings_svg(
    months: Mapping[str, int],
    money: Callable[[int], str],
    *,
    title: str,
) -> Markup:
    """A chart of what was earned by month (“2026-01”), in smallest units, the earliest on the left.

    It is part of a page. Where more was taken back than earned, the bar goes down. ``money`` writes
    an amount.
    """
    bars = bars_of(months)
    top, bottom = max(0, *bars.values(), 0), min(0, *bars.values(), 0)
    unit = _HIGH / ((top - bottom) or 1)
    ends = [money(each) for each in dict.fromkeys((top, 0, bottom))]
    left, zero = _MARGIN, _MARGIN + 6 + top * unit
    count = max(1, len(bars))
    step = min(_STEP, _WIDE / count)
    # On the right, because phones show the latest months first.
    right = left + count * step + 8 + max(width(each, _SIZE) for each in ends)
    drawn = [*_rules(ends, [top, 0, bottom], unit, left + count * step, right, zero)]
    for place, (name, units) in enumerate(bars.items()):
        drawn.append(_bar(f"{name}: {money(units)}", units * unit, left + place * step, step, zero))
    base = zero - bottom * unit
    drawn += _names([*bars], left, step, base + 16)
    return document(
        right + _MARGIN,
        base + 16 + _MARGIN,
        *drawn,
        name="bars",
        title=title,
        description=_described(bars, money),
        stand_alone=False,
    )


def bars_of(months: Mapping[str, int]) -> dict[str, int]:
    """By label: the sum of each period, of the shortest kind that has at most ``MOST_BARS``."""
    if not months:
        return {}
    first, last = min(months), max(months)
    places = next(
        (kept for kept in _PLACES if len(_between(first[:kept], last[:kept])) <= MOST_BARS),
        min(_PLACES),
    )
    bars = dict.fromkeys(_between(first[:places], last[:places]), 0)
    for month, units in months.items():
        bars[month[:places]] += units
    return {name + _PLACES[places]: units for name, units in bars.items()}


def _between(first: str, last: str) -> list[str]:
    """Every month, year, decade or century from the first to the last."""
    places = range(_number(first), _number(last) + 1)
    if "-" in first:
        return [f"{place // 12:04}-{place % 12 + 1:02}" for place in places]
    return [f"{place:0{len(first)}}" for place in places]


def _number(name: str) -> int:
    year, _, month = name.partition("-")
    return int(year) * 12 + int(month) - 1 if month else int(year)


def _rules(
    said: list[str], at: list[int], unit: float, end: float, right: float, zero: float
) -> Iterator[Markup]:
    """Lines at zero and at the greatest and least sum, each with its amount if there is room."""
    free = 0.0
    for text, units in zip(said, dict.fromkeys(at), strict=True):
        y = zero - units * unit
        yield rule(_MARGIN, y, end)
        if y >= free:
            yield figure(text, right, y + 4, _SIZE, faint=True)
            free = y + _SIZE


def _bar(said: str, high: float, x: float, step: float, zero: float) -> Markup:
    """A bar from the zero line, upwards or downwards."""
    wide = min(step * 0.8, _WIDEST)
    bar = rect(None, x + (step - wide) / 2, min(zero, zero - high), wide, abs(high))
    return element("g", linked(said, bar, href=""), class_="c0" if high >= 0 else "c7")


def _names(names: list[str], left: float, step: float, y: float) -> list[Markup]:
    """The labels below the axis: the first, and as many others at equal distances as fit."""
    room = max([width(name, _SIZE) for name in names], default=0.0) + _APART
    every = max(1, int(-(-room // step)))
    return [
        caption(name, left + (place + 0.5) * step, y, _SIZE)
        for place, name in enumerate(names)
        if place % every == 0 and (place + 0.5) * step + room / 2 <= len(names) * step + _MARGIN
    ]


def _described(bars: Mapping[str, int], money: Callable[[int], str]) -> str:
    if not bars:
        return "Nothing has been earned yet."
    names = [*bars]
    first, last = names[0], names[-1]
    span = first if first == last else f"{first} to {last}"
    best = max(bars, key=lambda name: bars[name])
    return f"{money(sum(bars.values()))} in {span}; the most in {best}, {money(bars[best])}."
