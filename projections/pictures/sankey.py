"""A split as a picture: bands from the release, through its direct parents, to people.

Names and numbers have their own columns, never on a band. Nobody is left out: small shares are
counted and summed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from projections.pictures.svg import Markup, colour_at, document, element, linked, number, rect
from projections.pictures.text import clean, figure, isolated, label, percent, width, wrapped

_T = TypeVar("_T")

MOST_PAYEES = 24
MOST_WAYS = 12
"""If there are more works than this, the smallest become one line; likewise for payees, unless all
are requested."""


@dataclass(frozen=True)
class Recipient:
    """Somebody who is paid."""

    id: str
    name: str
    href: str = ""


@dataclass(frozen=True)
class Via:
    """A work through which something is paid: a direct parent, or the release itself."""

    id: str
    title: str
    href: str = ""
    is_own: bool = False
    """Whether it is the release itself."""


@dataclass(frozen=True)
class PaidThrough:
    """What one payee gets through one work."""

    via: str
    payee: str
    amount_minor: int


@dataclass(frozen=True)
class SplitPicture:
    """An amount, and who gets how much of it through which work."""

    title: str
    vias: tuple[Via, ...]
    payees: tuple[Recipient, ...]
    paid: tuple[PaidThrough, ...]
    money: Callable[[int], str]
    """Writes an amount in smallest units."""
    href: str = ""
    show_all: bool = False
    open_href: str = ""
    """The address of the picture with everyone."""


@dataclass(frozen=True)
class _Part:
    """One plate or row: its name, its link, and the amount through it."""

    name: str
    amount: int
    href: str = ""
    colour: str = "cx"
    is_counted: bool = False


@dataclass
class _Placed:
    """The position of a plate or row, and on either side the y at which the next band begins."""

    y: float
    height: float
    thickness: float
    left: float = 0.0
    right: float = 0.0

    def moved(self, by: float) -> _Placed:
        """The same place moved down, still without bands."""
        y = self.y + by
        start = y + (self.height - self.thickness) / 2
        return _Placed(y, self.height, self.thickness, start, start)


_MARGIN = 16.0
_NAME, _SMALL, _LINE = 12.5, 11.0, 15.5
_ROOT, _PLATE, _BAR = 160.0, 196.0, 10.0
_FIRST_GAP, _SECOND_GAP = 64.0, 120.0
_ROW, _LEAST_PLATE, _BETWEEN = 22.0, 40.0, 14.0
_THINNEST = 0.8
_LONGEST = 190.0
"""The greatest width of a payee's name; the line that counts the others is never cut."""
_AT_ROOT = _MARGIN
_AT_VIA = _AT_ROOT + _ROOT + _FIRST_GAP
_AT_PAYEE = _AT_VIA + _PLATE + _SECOND_GAP


def split_svg(picture: SplitPicture) -> Markup:
    """The picture of a split as SVG, a file of its own."""
    vias, payees, flows = _parts(picture)
    amount = sum(payee.amount for payee in payees)
    whole = _Part(clean(picture.title) or "(untitled)", amount, picture.href)
    thick = _thicknesses(flows, len(payees))
    (root,), plates, rows = _columns(thick, len(vias), len(payees))
    figures = [(picture.money(each.amount), _share(each.amount, amount)) for each in payees]
    drawn, full = _rows(payees, figures, rows)
    into = [
        _band(
            _AT_ROOT + _ROOT, root, _AT_VIA, plate, plate.thickness, via, picture.money(via.amount)
        )
        for via, plate in zip(vias, plates, strict=True)
    ]
    onwards: list[list[Markup]] = [[] for _ in payees]
    for (via, payee), thickness in sorted(thick.items()):
        said = f"{isolated(vias[via].name)} · {picture.money(flows[via, payee])}"
        ends = plates[via], rows[payee]
        onwards[payee].append(
            _band(_AT_VIA + _PLATE, ends[0], _AT_PAYEE, ends[1], thickness, payees[payee], said)
        )
    shown = [(picture.money(via.amount), _share(via.amount, amount)) for via in vias]
    height = max(each.y + each.height for each in (root, *plates, *rows))
    title = f"Split of {picture.money(amount)}"
    return document(
        full,
        height + 2 * _MARGIN,
        element(
            "g",
            *into,
            *(
                element("g", *bands, row, class_="line")
                for bands, row in zip(onwards, drawn, strict=True)
            ),
            *map(_plate, vias, shown, [_AT_VIA] * len(vias), [_PLATE] * len(vias), plates),
            _plate(whole, (picture.money(amount), ""), _AT_ROOT, _ROOT, root, "root"),
            transform=f"translate(0 {number(_MARGIN)})",
        ),
        name="split",
        title=title,
        description=(
            f"What {isolated(whole.name)} earned, through the works it was made from, to "
            f"{len(picture.payees):,} people. The thickness of a band shows the amount."
        ),
        stand_alone=True,
    )


def _thicknesses(flows: dict[tuple[int, int], int], rows: int) -> dict[tuple[int, int], float]:
    """The thickness of each band, on a scale on which they fit the height of the rows."""
    total = sum(map(abs, flows.values()))
    scale = max(150.0, min(340.0, 16.0 * rows)) / total if total else 0.0
    return {key: max(_THINNEST, abs(amount) * scale) for key, amount in flows.items()}


def _columns(
    thick: dict[tuple[int, int], float], vias: int, payees: int
) -> tuple[list[_Placed], list[_Placed], list[_Placed]]:
    """The places of the release, of its direct parents and of the people; columns are centred."""
    through, to = [0.0] * vias, [0.0] * payees
    for (via, payee), thickness in thick.items():
        through[via] += thickness
        to[payee] += thickness
    columns = (
        _stacked([max(_LEAST_PLATE + 6, sum(through))], [sum(through)], 0),
        _stacked([max(_LEAST_PLATE, each) for each in through], through, _BETWEEN),
        _stacked([max(_ROW, each + 8) for each in to], to, 0),
    )
    ends = [column[-1].y + column[-1].height if column else 0.0 for column in columns]
    first, second, third = (
        [placed.moved((max(ends) - end) / 2) for placed in column]
        for column, end in zip(columns, ends, strict=True)
    )
    return first, second, third


def _stacked(heights: list[float], thicknesses: list[float], between: float) -> list[_Placed]:
    placed, y = [], 0.0
    for height, thickness in zip(heights, thicknesses, strict=True):
        placed.append(_Placed(y, height, thickness))
        y += height + between
    return placed


def _band(
    x: float,
    start: _Placed,
    to_x: float,
    end: _Placed,
    thickness: float,
    part: _Part,
    said: str,
) -> Markup:
    """A band from the right side of one place to the left side of another, below earlier bands."""
    y, to_y = start.right, end.left
    start.right += thickness
    end.left += thickness
    middle = number((x + to_x) / 2)
    left, right = number(x), number(to_x)
    path = (
        f"M{left} {number(y)}C{middle} {number(y)} {middle} {number(to_y)} {right} {number(to_y)}"
        f"V{number(to_y + thickness)}C{middle} {number(to_y + thickness)} "
        f"{middle} {number(y + thickness)} {left} {number(y + thickness)}Z"
    )
    title = element("title", f"{isolated(part.name)} · {said}")
    return element("path", title, class_=f"band {part.colour}", d=path)


def _rows(
    payees: list[_Part], figures: list[tuple[str, str]], rows: list[_Placed]
) -> tuple[list[Markup], float]:
    """A line for each payee, with bar, name, amount and share in columns, and the total width."""
    moneys, shares = (
        max((width(each[column], _NAME, bold=True) for each in figures), default=0.0)
        for column in (0, 1)
    )
    names = [
        width(payee.name, _NAME) if payee.is_counted else min(_LONGEST, width(payee.name, _NAME))
        for payee in payees
    ]
    name_at, room = _AT_PAYEE + _BAR + 8, max(90.0, *names) + 1
    money_at = name_at + room + 16 + moneys
    share_at = money_at + 14 + shares
    drawn = []
    for payee, (money, share), row in zip(payees, figures, rows, strict=True):
        base = row.y + row.height / 2 + 4.3
        bar = max(row.thickness, 2)
        drawn.append(
            _linked(
                payee,
                f"{isolated(payee.name)} · {money} · {share}",
                rect(payee.colour, _AT_PAYEE, row.y + (row.height - bar) / 2, _BAR, bar, 1.5),
                label(isolated(payee.name), name_at, base, room, _NAME, "head"),
                figure(money, money_at, base, _NAME),
                figure(share, share_at, base, _NAME, faint=True),
            )
        )
    return drawn, share_at + _MARGIN


def _plate(
    part: _Part,
    figures: tuple[str, str],
    x: float,
    wide: float,
    placed: _Placed,
    class_: str | None = None,
) -> Markup:
    """A card with a name, an amount and a share, between bands on both sides."""
    lines = _name_lines(isolated(part.name), wide - 20, placed.height)
    # The name and the figures below it, centred as one block.
    base = placed.y + placed.height / 2 + 4.3 - _LINE * len(lines) / 2
    below = base + _LINE * len(lines)
    money, share = figures
    room = wide - 26 - width(share, _SMALL, bold=True)
    inner = _linked(
        part,
        f"{isolated(part.name)} · {' · '.join(filter(None, figures))}",
        rect("card", x, placed.y, wide, placed.height, 6),
        *(
            label(line, x + 10, base + _LINE * place, wide - 20, _NAME, "head", bold=True)
            for place, line in enumerate(lines)
        ),
        label(money, x + 10, below, room, _SMALL, "faint"),
        figure(share, x + wide - 10, below, _SMALL, faint=True),
    )
    return element("g", inner, class_=class_)


def _name_lines(name: str, room: float, height: float) -> list[str]:
    """A name on one line, or on two if it needs them and the plate is high enough."""
    if width(name, _NAME, bold=True) <= room or height < _LEAST_PLATE + _LINE:
        return [name]
    return [line for line in wrapped(name, room, _NAME) if line]


def _linked(part: _Part, said: str, *drawn: Markup) -> Markup:
    """A link with a description in words."""
    return linked(said, *drawn, href=part.href, class_="fold" if part.is_counted else None)


def _parts(
    picture: SplitPicture,
) -> tuple[list[_Part], list[_Part], dict[tuple[int, int], int]]:
    """The works, the payees, and by the places of both: the amount between them."""
    via_sums, payee_sums = _sums(picture.paid, "via"), _sums(picture.paid, "payee")
    all_vias = sorted(
        picture.vias, key=lambda via: (not via.is_own, -abs(via_sums.get(via.id, 0)), via.id)
    )
    all_payees = sorted(
        picture.payees, key=lambda payee: (-payee_sums.get(payee.id, 0), payee.name, payee.id)
    )
    vias = [
        _Part(_via_name(via), via_sums.get(via.id, 0), via.href)
        for via in _kept(all_vias, MOST_WAYS)
    ]
    most = len(all_payees) if picture.show_all else MOST_PAYEES
    payees = [
        _Part(
            clean(payee.name) or "(no name)",
            payee_sums.get(payee.id, 0),
            payee.href,
            colour_at(place),
        )
        for place, payee in enumerate(_kept(all_payees, most))
    ]
    if rest := [payee_sums.get(payee.id, 0) for payee in all_payees[len(payees) :]]:
        most_of_them = _share(max(rest), sum(payee_sums.values())) or picture.money(max(rest))
        said = f"+ {len(rest):,} people, at most {most_of_them} each"
        payees.append(_Part(said, sum(rest), picture.open_href, is_counted=True))
    if others := [via_sums.get(via.id, 0) for via in all_vias[len(vias) :]]:
        vias.append(_Part(f"+ {len(others):,} more works", sum(others)))
    via_at = {via.id: min(place, len(vias) - 1) for place, via in enumerate(all_vias)}
    payee_at = {payee.id: min(place, len(payees) - 1) for place, payee in enumerate(all_payees)}
    flows: dict[tuple[int, int], int] = {}
    for paid in picture.paid:
        key = via_at[paid.via], payee_at[paid.payee]
        flows[key] = flows.get(key, 0) + paid.amount_minor
    return vias, payees, flows


def _kept(parts: list[_T], most: int) -> list[_T]:
    """The parts with a line of their own; beyond ``most``, the last line is for all the rest."""
    return parts if len(parts) <= most else parts[: most - 1]


def _via_name(via: Via) -> str:
    if via.is_own:
        return "its own part"
    return f"via {isolated(clean(via.title)) or '(untitled)'}"


def _sums(paid: Sequence[PaidThrough], by: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for one in paid:
        key: str = getattr(one, by)
        sums[key] = sums.get(key, 0) + one.amount_minor
    return sums


def _share(amount: int, whole: int) -> str:
    return percent(Fraction(amount, whole)) if whole else ""
