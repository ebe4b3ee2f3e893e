"""Why a person is paid, as a picture: each path from a release to them as a chain of cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from projections.pictures.svg import Markup, document, element, linked, number, rect
from projections.pictures.text import caption, clean, figure, fitted, isolated, label, width
from projections.wording import several

MOST_WAYS = 24
"""How many paths are drawn at most; further ones are counted."""


@dataclass(frozen=True)
class PathStep:
    """A work on a path, and how the work before it uses it."""

    title: str
    href: str = ""
    how: str = ""


@dataclass(frozen=True)
class MoneyPath:
    """A path from a release through pieces to a person, and the amount that came over it."""

    steps: tuple[PathStep, ...]
    person: str
    href: str = ""
    how: str = ""
    """The person's role or share in the last piece."""
    amount: str = ""


_MARGIN = 16.0
_SIZE, _SMALL = 12.0, 10.5
_HEIGHT, _BETWEEN = 26.0, 22.0
_NARROWEST, _WIDEST = 46.0, 168.0
_ROW = 760.0 - 2 * _MARGIN
"""The greatest width of a row of cards."""
_SHORTEST, _LONGEST = 34.0, 104.0


@dataclass(frozen=True)
class _Link:
    """A card in a chain, with the arrow before it."""

    name: str
    href: str
    how: str
    amount: str = ""
    is_person: bool = False

    @property
    def arrow(self) -> float:
        """The length of the arrow before it."""
        return min(_LONGEST, max(_SHORTEST, width(self.how, _SMALL) + 18))

    @property
    def room(self) -> float:
        """The width left for the name."""
        return min(_WIDEST, max(_NARROWEST, width(self.name, _SIZE, bold=self.is_person) + 1))

    @property
    def card(self) -> float:
        """The width of the card, including the amount."""
        taken = width(self.amount, _SIZE, bold=True) + 12 if self.amount else 0.0
        return self.room + 20 + taken


def why_svg(ways: Sequence[MoneyPath]) -> Markup:
    """The paths as SVG within a page, one below the other, each in as many rows as it takes."""
    parts: list[Markup] = []
    y = 0.0
    full = 240.0
    for number_of_way, way in enumerate(ways[:MOST_WAYS]):
        if number_of_way:
            y += 18
        chain, x, y = _chain(way, y, _ROW)
        parts.append(element("g", *chain, role="group", aria_label=_said(way)))
        full = max(full, x)
        y += _HEIGHT + _BETWEEN
    if (rest := len(ways) - MOST_WAYS) > 0:
        said = f"+ {rest:,} more {'path' if rest == 1 else 'paths'}"
        parts.append(label(said, 0, y + 8, full, _SIZE, "counted"))
        y += 20 + _BETWEEN
    height = max(y - _BETWEEN, _HEIGHT)
    return document(
        full + 2 * _MARGIN,
        height + 2 * _MARGIN + 14,
        element("g", *parts, transform=f"translate({number(_MARGIN)} {number(_MARGIN + 14)})"),
        name="ways",
        title="How it came",
        description=f"{several(len(ways), 'path')}, each from the release to the person.",
        stand_alone=False,
    )


def _said(way: MoneyPath) -> str:
    steps = " → ".join(isolated(clean(step.title) or "(untitled)") for step in way.steps)
    return " → ".join(
        filter(None, (steps, " ".join((isolated(clean(way.person)), way.amount)).strip()))
    )


def _links(way: MoneyPath) -> list[_Link]:
    return [
        *(
            _Link(isolated(clean(step.title) or "(untitled)"), step.href, clean(step.how))
            for step in way.steps
        ),
        _Link(
            isolated(clean(way.person) or "(no name)"), way.href, clean(way.how), way.amount, True
        ),
    ]


def _chain(way: MoneyPath, y: float, room: float) -> tuple[list[Markup], float, float]:
    """The cards and arrows of one path, its greatest x, and the y of its last row."""
    parts: list[Markup] = []
    x = reach = 0.0
    for place, link in enumerate(_links(way)):
        before = link.arrow if place else 0.0
        if place and x + before + link.card > room:
            x, y = 18.0, y + _HEIGHT + _BETWEEN
        if place:
            parts.append(_arrow(link, x, y))
            x += before
        parts.append(_card(link, x, y))
        x += link.card
        reach = max(reach, x)
    return parts, reach, y


def _arrow(link: _Link, x: float, y: float) -> Markup:
    middle = y + _HEIGHT / 2
    end = x + link.arrow - 3
    parts = [
        element(
            "path",
            class_="arrow",
            d=f"M{number(x + 3)} {number(middle)}H{number(end)}m-5 -4l5 4l-5 4",
            fill="none",
            stroke_width=1.4,
        )
    ]
    how = fitted(link.how, link.arrow - 14, _SMALL)
    if how:
        parts.append(caption(how, x + link.arrow / 2, middle - 6, _SMALL))
    return linked(link.how, *parts, href="") if how else element("g", *parts)


def _card(link: _Link, x: float, y: float) -> Markup:
    rounded = _HEIGHT / 2 if link.is_person else 6.0
    return linked(
        f"{link.name} {link.amount}".strip(),
        rect("card", x, y, link.card, _HEIGHT, rounded),
        label(link.name, x + 10, y + 17, link.room, _SIZE, "head", bold=link.is_person),
        figure(link.amount, x + link.card - 10, y + 17, _SIZE),
        href=link.href,
    )
