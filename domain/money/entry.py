"""An entry: money given to payees or taken back, line by line, with all that it was computed from.

For every line, what was carried before, plus what is due, less what is given, is what is carried
on; and the lines add up to the amount, both in units and in what is due.

An entry is a division of revenue, a reversal of one, or a correction after shares have changed.
Its first fact says what it is about, and further facts of the same append hold more lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from domain.fact import Fact, Noun, fact
from domain.money.apportionment import payee_key
from domain.money.payee import people_among
from domain.refusal import UnbalancedDivision

Lines = list[list[str | int]]
"""``[payee, units, due, carried before, rank]``, the payees in order.

What is due and carried are exact texts. Only the lines of a division have a rank.
"""
Costs = list[list[str | int]]
"""``[expense, payer, units]``."""
Through = list[list[str]]
"""``[place, exact amount]``: what went through a part of the terms that remembers."""


class Line(NamedTuple):
    """What one payee is given, exactly due, and carried."""

    payee: str
    amount_minor: int
    due: Fraction
    before: Fraction
    rank: int | None = None
    """In a division: 1 for whoever was the first to get a unit that was left over."""

    @property
    def after(self) -> Fraction:
        """What is carried on to the next entry of the pool."""
        return self.before + self.due - self.amount_minor

    def written(self) -> list[str | int]:
        """The line as a fact holds it."""
        rank = () if self.rank is None else (self.rank,)
        return [self.payee, self.amount_minor, str(self.due), str(self.before), *rank]


def read_lines(lines: Lines) -> Iterator[Line]:
    """The lines of a fact."""
    for payee, units, due, before, *rank in lines:
        yield Line(str(payee), int(units), Fraction(due), Fraction(before), *map(int, rank))


NO_RANKS: Mapping[str, int] = {}


def entry_lines(
    units: Mapping[str, int],
    due: Mapping[str, Fraction],
    carry: Mapping[str, Fraction],
    ranks: Mapping[str, int] = NO_RANKS,
) -> list[Line]:
    """The lines of an entry, one for everybody who is in any of the first three."""
    none = Fraction()
    return [
        Line(
            payee,
            units.get(payee, 0),
            due.get(payee, none),
            carry.get(payee, none),
            ranks.get(payee),
        )
        for payee in sorted({*units, *due, *carry}, key=payee_key)
    ]


def must_add_up(amount_minor: int, lines: list[Line]) -> None:
    """Refuse lines that do not add up to the amount; checked on append, whoever computed them."""
    given = sum(line.amount_minor for line in lines)
    due = sum((line.due for line in lines), Fraction())
    if given != amount_minor or due != amount_minor:
        raise UnbalancedDivision(f"{given} given and {due} due are not both {amount_minor}")
    if sum((line.after for line in lines), Fraction()):
        raise UnbalancedDivision("what is carried on does not add up to 0")


class Entry(Noun):
    """Money given or taken back."""

    NAME = "entry"
    first: First
    lines: list[Line]
    costs: Costs
    flow_before: Through
    flow: Through

    @dataclass(frozen=True, kw_only=True)
    class Event(Fact):
        """A fact of an entry names its pool, its agreement, and who has a line in it."""

        pool: str
        release: str
        proposal: str
        """The agreement under which it is given."""
        currency: str
        lines: Lines

        def subjects(self) -> tuple[str, ...]:
            return (self.release, *people_among(str(line[0]) for line in self.lines))

        def touches(self) -> tuple[str, ...]:
            return (self.release, *(str(line[0]) for line in self.lines))

    @dataclass(frozen=True, kw_only=True)
    class First(Event):
        """The first fact of an entry says what the money is."""

        SEALED = ("reason",)
        STATE = "made"
        amount_minor: int
        agreed: str
        """How much of it, exactly, goes by the agreed shares."""
        agreement: int
        """The number of the agreement."""
        reason: str | None = None
        effective_at: str | None = None

        def apply(self, noun: Entry) -> None:
            noun.state = self.STATE
            noun.first = self
            noun.lines, noun.costs, noun.flow_before, noun.flow = [], [], [], []
            noun.add(self)

    @fact("entry.divided")
    class Divided(First):
        """Revenue was divided: once, balanced to the unit."""

        revenue: str
        rounding: str
        left_over: int
        """How many units the largest remainders got; taken back if it is negative."""
        costs: Costs
        """What was paid back before there was a profit."""
        flow_before: Through
        """What went through the terms in earlier divisions."""
        flow: Through
        """What went through them in this one."""

    @fact("entry.reversed")
    class Reversed(First):
        """Divided revenue was taken back, in whole or in part."""

        revenue: str
        division: str
        costs: Costs
        flow: Through

    @fact("entry.corrected")
    class Corrected(First):
        """Shares changed for money that was divided: the differences, which add up to nothing."""

        replaces: str | None = None
        """The agreement whose divisions now stand under this one; none after a waiver."""

    @fact("entry.continued")
    class Continued(Event):
        """More of the lists of the fact before; recorded in the same append."""

        costs: Costs | None = None
        flow_before: Through | None = None
        flow: Through | None = None

        def apply(self, noun: Entry) -> None:
            noun.add(self)

    BIRTHS = (Divided, Reversed, Corrected)

    def add(self, happened: Event) -> None:
        """Add the lists of a fact to those of the entry."""
        self.lines += read_lines(happened.lines)
        self.costs += getattr(happened, "costs", None) or []
        self.flow_before += getattr(happened, "flow_before", None) or []
        self.flow += getattr(happened, "flow", None) or []
