"""The state of all money: what the books keep, each by what it is asked for.

Nothing that grows with a pool's history is in a row that every revenue writes again: what is
counted, waits or was divided has rows of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any, ClassVar, NamedTuple, get_args, get_origin, get_type_hints

from domain.kept import Kept, Rows
from domain.money.agreement import Agreement
from domain.money.pool import Pool, version
from domain.money.proposal import Assets
from domain.money.reserve import Reserve
from domain.money.revenue import Revenue
from domain.shape import Shape, drawn, shape_of


class Cost(NamedTuple):
    """An expense, and how much of it is still to be paid back."""

    expense: str
    payer: str
    left_minor: int
    at: int = 0
    """Where it was recorded."""


class Doubt(NamedTuple):
    """A credit or an edge that is held, in dispute, or was found false."""

    work: str
    """The work of the credit, the parent of the edge."""
    contributor: str | None
    child: str | None
    by_name: bool
    """Whether it also holds what terms give by name."""
    by_piece: bool
    """Whether it holds only what a payee has by the piece."""
    false_at: int | None = None


class Dated(NamedTuple):
    """An agreement of a pool, and from when it holds."""

    agreement: str
    effective_at: str
    number: int


@dataclass(frozen=True)
class OpenPool:
    """A pool with all the terms it ever had, and its agreements."""

    LASTS: ClassVar = True
    opened: Pool.Opened
    named: tuple[str, ...] = ()
    """The people and works that are named in the terms."""
    amended: tuple[Pool.Amended, ...] = ()
    agreements: tuple[Dated, ...] = ()
    reserving: tuple[Pool.Reserving, ...] = ()
    """What is held back for returns."""
    by_territory: bool | None = None
    """Whether its sales say from which country their money comes; None: they never did."""

    def version(self, number: int) -> Pool.Opened:
        """The pool with the terms of an amendment, or those it was opened with."""
        return version(self.opened, self.amended, number)

    @property
    def versions(self) -> Iterator[Pool.Opened]:
        """The pool with all the terms it ever had."""
        return map(self.version, range(len(self.amended) + 1))


@dataclass(frozen=True)
class Sums:
    """What a pool carries on, and what went through its terms."""

    carry: Mapping[str, Fraction] = field(default_factory=dict)
    flow: Mapping[str, Fraction] = field(default_factory=dict)


@dataclass(frozen=True)
class RevenueBooks:
    """What is left of a revenue, and its division."""

    recorded: Revenue.Recorded
    left_minor: int
    at: int
    """Where it was recorded."""
    division: str | None = None


EVERY = "every"
"""Begins the keys of what is read as a whole."""


@dataclass(frozen=True)
class DivisionBooks:
    """The agreement that a division is under now."""

    revenue: str
    agreement: str
    agreed: Fraction
    """How much of the rest goes by the agreed shares."""
    at: int
    """Where it was recorded."""
    is_corrected: bool = False
    reversals: tuple[str, ...] = ()
    rules: int = 1
    terms: int = 0
    """The number of the amendment of the terms by which it was divided."""


class State:
    """What is kept, all of it folded from facts.

    A further mapping is one more line here; its keys begin with what its entries are read by.
    """

    position: int
    """Of the latest fact that was folded."""
    opened: Kept[str, OpenPool]
    sums: Kept[str, Sums]
    """By pool."""
    sources: Kept[tuple[str, str], int]
    """By pool and source: what came in, less reversals."""
    names: Kept[tuple[str, str], str]
    """By pool: the commitment to the name of each source and payer that was named in words."""
    waiting: Kept[tuple[str, str, str], bool]
    """By pool and position: revenue that is not divided yet; false where it is below zero."""
    costs: Kept[tuple[str, str], Cost]
    """By pool: every expense."""
    unpaid: Kept[tuple[str, str, str], bool]
    """By pool and position: the expenses of which something is to be paid back."""
    paid_back: Kept[tuple[str, str, str], bool]
    """By expense and position: the divisions that paid something of it back."""
    proposed: Kept[str, Assets]
    """The assets of every proposal that is not final, in its latest version."""
    agreements: Kept[str, Agreement]
    agreed: Kept[str, Fraction]
    """By agreement: the exact amount that was divided by its shares and not reversed."""
    revenues: Kept[str, RevenueBooks]
    divisions: Kept[str, DivisionBooks]
    divided: Kept[tuple[str, str, str], bool]
    """By agreement and position: the divisions under it."""
    consents: Kept[tuple[str, str], str]
    """By agreement and payee: offered, accepted or declined."""
    asked: Kept[tuple[str, str], bool]
    """By payee: the agreements in which they were asked."""
    mentioned: Kept[tuple[str, str], int]
    """By payee: the agreements in which they have a share and the pools whose terms name them, each
    with its position."""
    doubts: Kept[tuple[str, str], Doubt]
    """By ``EVERY`` and credit, hold or edge: what is in question."""
    confirmed: Kept[tuple[str, str], int]
    """By agreement and payee: where it was decided that the share stands."""
    forgotten: Kept[str, int]
    """Who was forgotten, and where: nobody is left to be paid."""
    closed: Kept[str, str]
    """``until``: the end of the latest period that is closed."""
    accounts: Kept[tuple[str, str], dict[str, int]]
    """By payee and agreement: the units on each account."""
    gone: Kept[tuple[str, str], int]
    """By payee and agreement: what was paid since nothing was left to be paid, if anything."""
    due: Kept[tuple[str, str, str], bool]
    """By currency, payee and agreement: where something is owed, reserved, or was overpaid."""
    reserves: Kept[tuple[str, str], Reserve]
    """By agreement and payee: what is held back for returns."""
    countries: Kept[tuple[str, str], dict[str, int]]
    """By payee and agreement: what of what is owed came from which country, where sales say so."""
    merged: Kept[str, str]
    """By contributor: whom they were merged into. By work: whose claim on it was accepted, else the
    work it was joined into. By name of somebody outside: the contributor they are."""
    nodes: Kept[str, str]
    """By work that was ever joined with another: the node that it is."""
    differences: Kept[str, Fraction]
    """By currency: what rounding conversions into it gained, and was not posted."""
    merging: Kept[tuple[str, str], bool]
    """By contributor: who was merged into them, directly."""

    def __init__(self, rows: Rows | None = None) -> None:
        """Everything, of which nothing was folded; or over the rows of a database."""
        self.position, self._rows = 0, rows
        for name, shape in mappings().items():
            setattr(self, name, Kept(name, shape, rows))

    def fetch(
        self,
        *exact: tuple[Kept[Any, Any], Iterable[Any]],
        of: Iterable[tuple[Kept[Any, Any], str]] = (),
    ) -> None:
        """Read at once what will be asked for: by key, and groups of keys; else each is a query."""
        if self._rows is not None:
            keys = [kept.spell(key) for kept, wanted in exact for key in wanted]
            self._rows.load(keys, [kept.begins(first) for kept, first in of])

    def changes(self) -> dict[str, str | None]:
        """The rows that have to be written, or deleted where there is no value."""
        every = (getattr(self, name) for name in mappings())
        return {key: value for kept in every for key, value in kept.changes()}


def _kinds() -> dict[str, Any]:
    hints = get_type_hints(State)
    return {name: hint for name, hint in hints.items() if get_origin(hint) is Kept}


@cache
def mappings() -> Mapping[str, Shape]:
    """The names of all that is kept, with how its values are written."""
    return {name: shape_of(get_args(kind)[1]) for name, kind in _kinds().items()}


@cache
def drawn_state() -> str:
    """All that is kept, as a text that differs if something is kept or written differently."""
    return ", ".join(f"{name}: {drawn(kind)}" for name, kind in _kinds().items())
