"""A split as a picture: from the finished work, by way of its direct parents, to people.

The one rule: names and numbers stand in columns of their own, never on a band; and nobody is left
out: who gets little is counted, with the sum of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from api.pictures.svg import Markup, document, element, number
from api.pictures.text import FAMILY, clean, figure, isolated, label, percent, width

MOST_PAYEES = 24
MOST_WAYS = 12
"""More than so many are folded into one line, unless all of them are asked for."""
COLOURS = 11


@dataclass(frozen=True)
class Payee:
    """Somebody who gets something."""

    id: str
    name: str
    href: str = ""


@dataclass(frozen=True)
class Via:
    """A work by way of which something is paid: a direct parent, or the finished work itself."""

    id: str
    title: str
    href: str = ""
    is_own: bool = False
    """It is the finished work's own part."""


@dataclass(frozen=True)
class Paid:
    """What goes by one way to one payee."""

    via: str
    payee: str
    amount_minor: int


@dataclass(frozen=True)
class SplitPicture:
    """An amount, and who gets how much of it by which way."""

    title: str
    vias: tuple[Via, ...]
    payees: tuple[Payee, ...]
    paid: tuple[Paid, ...]
    money: Callable[[int], str]
    """How an amount is written."""
    href: str = ""
    show_all: bool = False
    open_href: str = ""
    """Where everybody is shown."""


@dataclass(frozen=True)
class _Part:
    """One plate or row: what it is called, where it leads, and what flows through it."""

    name: str
    amount: int
    href: str = ""
    colour: str = "cx"
    is_counted: bool = False


@dataclass
class _Placed:
    """Where a plate or a row stands, and how far its bands are stacked on either side."""

    y: float
    height: float
    thickness: float
    left: float = 0.0
    right: float = 0.0

    def __post_init__(self) -> None:
        self.left = self.right = self.y + (self.height - self.thickness) / 2


_MARGIN = 16.0
_NAME, _SMALL = 12.5, 11.0
_ROOT, _PLATE, _BAR = 132.0, 158.0, 10.0
_FIRST_GAP, _SECOND_GAP = 64.0, 120.0
_ROW, _LEAST_PLATE, _BETWEEN = 22.0, 40.0, 14.0
_THINNEST = 0.8


def split_svg(picture: SplitPicture, *, stand_alone: bool) -> Markup:
    """The picture of a split as SVG: within a page, or as a file of its own."""
    vias, payees, flows = _parts(picture)
    total = sum(abs(each) for each in flows.values())
    whole = max(150.0, min(340.0, 16.0 * len(payees)))
    scale = whole / total if total else 0.0
    thick = {key: max(_THINNEST, abs(amount) * scale) for key, amount in flows.items()}
    through = [sum(t for (via, _), t in thick.items() if via == one) for one in range(len(vias))]
    to = [sum(t for (_, payee), t in thick.items() if payee == one) for one in range(len(payees))]
    plates = _stacked([max(_LEAST_PLATE, each) for each in through], through, _BETWEEN)
    rows = _stacked([max(_ROW, each + 8) for each in to], to, 0)
    amount = sum(each.amount for each in payees)
    root = _Placed(0, max(_LEAST_PLATE + 6, sum(through)), sum(through))
    height = max(_bottom(plates), _bottom(rows), root.height)
    for column in (plates, rows, [root]):
        _moved(column, (height - _bottom(column)) / 2)

    left = _MARGIN
    middle = left + _ROOT + _FIRST_GAP
    right = middle + _PLATE + _SECOND_GAP
    amounts = [picture.money(payee.amount) for payee in payees]
    shares = [_share(payee.amount, amount) for payee in payees]
    money_width = max((width(each, _NAME, bold=True) for each in amounts), default=0.0)
    share_width = max((width(each, _NAME, bold=True) for each in shares), default=0.0)
    longest = max((width(payee.name, _NAME) for payee in payees), default=0.0)
    name_room = max(90.0, min(190.0, longest + 2))
    name_at = right + _BAR + 8
    money_at = name_at + name_room + 16 + money_width
    share_at = money_at + 14 + share_width

    groups: list[Markup] = []
    for index, via in enumerate(vias):
        shape = _band(left + _ROOT, root.right, middle, plates[index].left, through[index])
        root.right += through[index]
        said = f"{isolated(via.name)} · {picture.money(via.amount)}"
        groups.append(
            element("path", element("title", said), class_="band cx", fill="currentColor", d=shape)
        )
    bands: list[list[Markup]] = [[] for _ in payees]
    for (via_index, payee_index), thickness in sorted(thick.items()):
        plate, row = plates[via_index], rows[payee_index]
        shape = _band(middle + _PLATE, plate.right, right, row.left, thickness)
        plate.right += thickness
        row.left += thickness
        said = (
            f"{isolated(vias[via_index].name)} → {isolated(payees[payee_index].name)} · "
            f"{picture.money(flows[via_index, payee_index])}"
        )
        colour = payees[payee_index].colour
        bands[payee_index].append(
            element(
                "path",
                element("title", said),
                class_=f"band {colour}",
                fill="currentColor",
                d=shape,
            )
        )
    for index, payee in enumerate(payees):
        row = rows[index]
        base = row.y + row.height / 2 + 4.3
        said = f"{isolated(payee.name)} · {amounts[index]} · {shares[index]}"
        parts = (
            element("title", said),
            element(
                "rect",
                class_=payee.colour,
                fill="currentColor",
                x=right,
                y=row.y + (row.height - max(row.thickness, 2)) / 2,
                width=_BAR,
                height=max(row.thickness, 2),
                rx=1.5,
            ),
            label(isolated(payee.name), name_at, base, name_room, _NAME, "head"),
            figure(amounts[index], money_at, base, _NAME),
            element(
                "text",
                shares[index],
                class_="faint figure",
                x=share_at,
                y=base,
                font_size=_NAME,
                text_anchor="end",
            ),
        )
        linked = (
            element(
                "a",
                *parts,
                href=payee.href,
                aria_label=said,
                class_="fold" if payee.is_counted else None,
            )
            if payee.href
            else element("g", *parts, role="img", aria_label=said)
        )
        groups.append(element("g", *bands[index], linked, class_="line"))
    for index, via in enumerate(vias):
        lines = (picture.money(via.amount), _share(via.amount, amount))
        groups.append(_plate(via, lines, middle, _PLATE, plates[index], "plate"))
    whole_part = _Part(clean(picture.title) or "(untitled)", amount, picture.href)
    groups.append(_plate(whole_part, (picture.money(amount), ""), left, _ROOT, root, "plate root"))
    full_width, full_height = share_at + _MARGIN, height + 2 * _MARGIN
    title = f"Split of {picture.money(amount)}"
    return document(
        full_width,
        full_height,
        *([element("rect", class_="ground", width="100%", height="100%")] if stand_alone else []),
        element(
            "g",
            *groups,
            transform=f"translate(0 {number(_MARGIN)})",
            font_family=FAMILY,
            font_size=_SMALL,
        ),
        name="split",
        title=title,
        description=(
            f"What {isolated(whole_part.name)} earned, by way of the works it was made from, to "
            f"{len(picture.payees):,} people. A band is as thick as the amount is large."
        ),
        stand_alone=stand_alone,
    )


def _parts(
    picture: SplitPicture,
) -> tuple[list[_Part], list[_Part], dict[tuple[int, int], int]]:
    """The plates in the middle, the rows on the right, and what flows from one to the other."""
    by_via, by_payee = _sums(picture.paid, "via"), _sums(picture.paid, "payee")
    all_vias = sorted(
        picture.vias, key=lambda via: (not via.is_own, -abs(by_via.get(via.id, 0)), via.id)
    )
    all_payees = sorted(
        picture.payees, key=lambda payee: (-by_payee.get(payee.id, 0), clean(payee.name), payee.id)
    )
    most = len(all_payees) if picture.show_all else MOST_PAYEES
    kept = all_payees if len(all_payees) <= most else all_payees[: most - 1]
    vias = [
        _Part(
            "its own part" if via.is_own else f"via {isolated(clean(via.title)) or '(untitled)'}",
            by_via.get(via.id, 0),
            via.href,
        )
        for via in all_vias[: MOST_WAYS if len(all_vias) <= MOST_WAYS else MOST_WAYS - 1]
    ]
    payees = [
        _Part(
            clean(payee.name) or "(no name)",
            by_payee.get(payee.id, 0),
            payee.href,
            f"c{place}" if place < COLOURS else "cx",
        )
        for place, payee in enumerate(kept)
    ]
    if rest := all_payees[len(kept) :]:
        whole = sum(by_payee.values())
        most_of_rest = max(by_payee.get(payee.id, 0) for payee in rest)
        said = f"+ {len(rest):,} people, at most {_share(most_of_rest, whole) or picture.money(most_of_rest)} each"
        left_over = sum(by_payee.get(payee.id, 0) for payee in rest)
        payees.append(_Part(said, left_over, picture.open_href, "cx", True))
    if others := all_vias[len(vias) :]:
        left_over = sum(by_via.get(via.id, 0) for via in others)
        vias.append(_Part(f"+ {len(others):,} more works", left_over))
    via_at = {via.id: min(index, len(vias) - 1) for index, via in enumerate(all_vias)}
    payee_at = {payee.id: min(index, len(payees) - 1) for index, payee in enumerate(all_payees)}
    flows: dict[tuple[int, int], int] = {}
    for paid in picture.paid:
        key = via_at[paid.via], payee_at[paid.payee]
        flows[key] = flows.get(key, 0) + paid.amount_minor
    return vias, payees, flows


def _sums(paid: Sequence[Paid], by: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in paid:
        key: str = getattr(one, by)
        sums[key] = sums.get(key, 0) + one.amount_minor
    return sums


def _share(amount: int, whole: int) -> str:
    return percent(Fraction(amount, whole)) if whole else ""


def _stacked(heights: list[float], thicknesses: list[float], between: float) -> list[_Placed]:
    placed, y = [], 0.0
    for height, thickness in zip(heights, thicknesses, strict=True):
        placed.append(_Placed(y, height, thickness))
        y += height + between
    return placed


def _bottom(column: list[_Placed] | _Placed) -> float:
    last = column[-1] if isinstance(column, list) and column else None
    return last.y + last.height if last else 0.0


def _moved(column: list[_Placed], by: float) -> None:
    for placed in column:
        placed.y += by
        placed.left += by
        placed.right += by


def _band(x: float, y: float, to_x: float, to_y: float, thickness: float) -> str:
    """A band of one thickness from its upper left corner to its upper right one."""
    middle = number((x + to_x) / 2)
    return (
        f"M{number(x)} {number(y)}"
        f"C{middle} {number(y)} {middle} {number(to_y)} {number(to_x)} {number(to_y)}"
        f"V{number(to_y + thickness)}"
        f"C{middle} {number(to_y + thickness)} {middle} {number(y + thickness)} "
        f"{number(x)} {number(y + thickness)}Z"
    )


def _plate(
    part: _Part, figures: tuple[str, str], x: float, wide: float, placed: _Placed, class_: str
) -> Markup:
    """A card with a name and its amount, at which bands end on both sides."""
    middle = placed.y + placed.height / 2
    said = f"{isolated(part.name)} · {' · '.join(filter(None, figures))}"
    taken = width(figures[1], _SMALL) if figures[1] else 0.0
    parts = [
        element("title", said),
        element("rect", class_="card", x=x, y=placed.y, width=wide, height=placed.height, rx=6.0),
        label(isolated(part.name), x + 10, middle - 3.5, wide - 20, _NAME, "head", bold=True),
        label(figures[0], x + 10, middle + 12, wide - 26 - taken, _SMALL, "faint"),
    ]
    if figures[1]:
        parts.append(
            element(
                "text",
                figures[1],
                class_="faint figure",
                x=x + wide - 10,
                y=middle + 12,
                font_size=_SMALL,
                text_anchor="end",
            )
        )
    inner = (
        element("a", *parts, href=part.href, aria_label=said)
        if part.href
        else element("g", *parts, role="img", aria_label=said)
    )
    return element("g", inner, class_=class_)
