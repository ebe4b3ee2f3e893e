"""The tables of the books: one mapping for each kind of state, keyed by how it is looked up.

No row that every revenue rewrites may grow with a pool's history: what is counted, waits or was
divided has rows of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any, ClassVar, NamedTuple, get_args, get_origin, get_type_hints

from domain.kept import Kept, Rows
from domain.money.agreement import Agreement, Dated
from domain.money.doubt import Doubt
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
    """The position at which it was recorded."""


class Netted(NamedTuple):
    """What negative revenue took of other revenue before that was divided."""

    against: str
    """The negative revenue."""
    amount_minor: int
    left_minor: int
    """What was left of the other revenue before."""


@dataclass(frozen=True)
class PoolState:
    """A pool with all the terms it ever had, and its agreements."""

    LASTS: ClassVar = True
    opened: Pool.Opened
    named: tuple[str, ...] = ()
    """The people and works named in the terms."""
    amended: tuple[Pool.Amended, ...] = ()
    agreements: tuple[Dated, ...] = ()
    reserving: tuple[Pool.Reserving, ...] = ()
    """The rules for what is held back for returns."""
    by_territory: bool | None = None
    """Whether a sale's territory counts as the country its money came from; None: never did."""

    def version(self, number: int) -> Pool.Opened:
        """The pool with the terms of an amendment, or those it was opened with."""
        return version(self.opened, self.amended, number)

    @property
    def versions(self) -> Iterator[Pool.Opened]:
        """The pool with all the terms it ever had."""
        return map(self.version, range(len(self.amended) + 1))


@dataclass(frozen=True)
class Sums:
    """By payee: the carry of a pool; by place: the running totals of its terms."""

    carry: Mapping[str, Fraction] = field(default_factory=dict)
    flow: Mapping[str, Fraction] = field(default_factory=dict)


@dataclass(frozen=True)
class RevenueBooks:
    """What is left of a revenue, and its division."""

    recorded: Revenue.Recorded
    left_minor: int
    at: int
    """The position at which it was recorded."""
    division: str | None = None


EVERY = "every"
"""The first part of the keys of a mapping that is always read as a whole."""


@dataclass(frozen=True)
class DivisionBooks:
    """The present state of a division."""

    revenue: str
    agreement: str
    """The agreement it is under now."""
    agreed: Fraction
    """How much of it goes by the agreed shares, less reversals."""
    at: int
    """The position at which it was recorded."""
    is_corrected: bool = False
    reversals: tuple[str, ...] = ()
    """The entries that took back a part of it or divided it again, in order."""
    rules: int = 1
    terms: int = 0
    """The number of the amendment of the terms by which it is divided now."""


class State:
    """All mappings of the books.

    To add a mapping, add a line here. The first part of its keys is that by which groups of its
    entries are read.
    """

    position: int
    """The position of the latest fact folded."""
    opened: Kept[str, PoolState]
    sums: Kept[str, Sums]
    """By pool."""
    sources: Kept[tuple[str, str], int]
    """By pool and source: the revenue, less reversals."""
    names: Kept[tuple[str, str], str]
    """By pool and id of a source or payer that was named in words: the commitment to the name."""
    waiting: Kept[tuple[str, str, str], bool]
    """By pool, position and id: revenue not divided yet; False if it is negative."""
    costs: Kept[tuple[str, str], Cost]
    """By pool and id: every expense."""
    unpaid: Kept[tuple[str, str, str], bool]
    """By pool, position and id: the expenses not paid back in full."""
    paid_back: Kept[tuple[str, str, str], bool]
    """By expense, position and id: the divisions that paid back a part of it."""
    proposed: Kept[str, Assets]
    """By proposal that is not final: the assets of its latest version."""
    agreements: Kept[str, Agreement]
    agreed: Kept[str, Fraction]
    """By agreement: the exact amount divided by its shares and not reversed."""
    revenues: Kept[str, RevenueBooks]
    divisions: Kept[str, DivisionBooks]
    divided: Kept[tuple[str, str, str], bool]
    """By agreement, position and id: the divisions under it."""
    consents: Kept[tuple[str, str], str]
    """By agreement and payee: the state of their share, such as offered, accepted or declined."""
    asked: Kept[tuple[str, str], bool]
    """By payee and agreement: that they were asked for their consent."""
    mentioned: Kept[tuple[str, str], int]
    """By payee and agreement with a share for them, or pool whose terms name them: the position."""
    doubts: Kept[tuple[str, str], Doubt]
    """By ``EVERY`` and id of a credit, hold, remix or membership: what is in question about it."""
    confirmed: Kept[tuple[str, str], int]
    """By agreement and payee: the position at which the share was confirmed."""
    forgotten: Kept[str, int]
    """By person forgotten with money on hold: the position; nobody is left to be paid."""
    closed: Kept[str, str]
    """``until``: the end of the latest closed period."""
    accounts: Kept[tuple[str, str], dict[str, int]]
    """By payee and agreement: the units on each ledger account."""
    gone: Kept[tuple[str, str], int]
    """By payee and agreement: the units paid since the balance was last 0, if any."""
    due: Kept[tuple[str, str, str], bool]
    """By currency, payee and agreement: that something is owed, reserved, or was overpaid."""
    reserves: Kept[tuple[str, str], Reserve]
    """By agreement and payee: what is held back for returns."""
    netted: Kept[str, tuple[Netted, ...]]
    """By revenue of a pool by territory: what negative revenue took of it before it was divided."""
    origins: Kept[str, dict[str, Fraction]]
    """By revenue that was divided by territory: what is left of it by country."""
    countries: Kept[tuple[str, str], dict[str, int]]
    """By payee and agreement: the units owed by country of origin, as far as sales state it."""
    merged: Kept[str, str]
    """By contributor: the one they were merged into. By work: the contributor whose claim on it was
    accepted, else the node it was joined into. By outsider's name: the contributor they are."""
    nodes: Kept[str, str]
    """By work that was ever joined with another: its node."""
    booked: Kept[str, int]
    """By currency: the units ever booked, taken back, moved by hand or exchanged into it, as if all
    were positive."""
    differences: Kept[str, Fraction]
    """By currency: the gain from rounding conversions into it that is not posted yet."""
    merging: Kept[tuple[str, str], bool]
    """By contributor and payee: that the payee was merged into them directly."""

    def __init__(self, rows: Rows | None = None) -> None:
        """Empty books in memory; or, with ``rows``, the books stored in a database."""
        self.position, self._rows = 0, rows
        for name, shape in mappings().items():
            setattr(self, name, Kept(name, shape, rows))

    def fetch(
        self,
        *exact: tuple[Kept[Any, Any], Iterable[Any]],
        of: Iterable[tuple[Kept[Any, Any], str]] = (),
    ) -> None:
        """Prefetch entries by exact keys, and by first parts of keys; others take a query each."""
        if self._rows is not None:
            keys = [kept.spell(key) for kept, wanted in exact for key in wanted]
            self._rows.load(keys, [kept.begins(first) for kept, first in of])

    def changes(self) -> dict[str, str | None]:
        """By key: the rows to be written; None: to be deleted."""
        every = (getattr(self, name) for name in mappings())
        return {key: value for kept in every for key, value in kept.changes()}


def _kinds() -> dict[str, Any]:
    hints = get_type_hints(State)
    return {name: hint for name, hint in hints.items() if get_origin(hint) is Kept}


@cache
def mappings() -> Mapping[str, Shape]:
    """By name of a mapping: how its values are stored."""
    return {name: shape_of(get_args(kind)[1]) for name, kind in _kinds().items()}


@cache
def drawn_state() -> str:
    """A text that changes whenever a mapping, or the way its values are stored, changes."""
    return ", ".join(f"{name}: {drawn(kind)}" for name, kind in _kinds().items())
