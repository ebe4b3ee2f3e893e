"""An entry: an amount allocated to payees or reversed, line by line, with all it was computed from.

In every line, what was carried before plus what is due, less what is allocated, is what is carried
on; and the lines sum to the amount, both in units and in dues.

An entry is a division of revenue, a reversal of one, a correction after shares or expenses have
changed, an adjustment between payees, what other books owed them, what is freed of what was held
back for returns, or the assignment of what one is owed to another.
Its first fact describes it; further facts of the same append hold more lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from domain.fact import Fact, Noun, common, fact
from domain.money.apportionment import payee_key
from domain.money.payee import people_among
from domain.money.revenue import paper_of
from domain.readers import MONEY
from domain.refusal import UnbalancedDivision

Lines = list[list[str | int]]
"""``[payee, units, due, carried before, rank]``, the payees in order.

What is due and what is carried are exact texts. Only the lines of a division have a rank.
"""
Costs = list[list[str | int]]
"""``[expense, payer, units]``."""
Through = list[list[str]]
"""``[place, exact amount]``: what went through a place of the terms that keeps a sum."""


class Line(NamedTuple):
    """What one payee is allocated, what is exactly due to them, and what was carried."""

    payee: str
    amount_minor: int
    due: Fraction
    before: Fraction
    rank: int | None = None
    """In a division: 1 for the payee who was the first to get a unit left over."""

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


RULES = 2
"""The rules that entries are reckoned by now.

By the first, terms did not look through to the agreed shares, and a reversal took back a part of
what a division gave, whatever had moved through bands, tranches and advances since.
"""

NO_RANKS: Mapping[str, int] = {}


def entry_lines(
    units: Mapping[str, int],
    due: Mapping[str, Fraction],
    carry: Mapping[str, Fraction],
    ranks: Mapping[str, int] = NO_RANKS,
) -> list[Line]:
    """The lines of an entry, one for every payee in any of the first three."""
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


def stated_lines(units: Mapping[str, int], carry: Mapping[str, Fraction]) -> list[Line]:
    """The lines of an entry whose amounts are stated, not divided: what is carried stays."""
    return entry_lines(units, {payee: Fraction(part) for payee, part in units.items()}, carry)


def must_add_up(amount_minor: int, lines: list[Line]) -> None:
    """Refuse lines that do not sum to the amount."""
    given = sum(line.amount_minor for line in lines)
    due = sum((line.due for line in lines), Fraction())
    if given != amount_minor or due != amount_minor:
        raise UnbalancedDivision(f"{given} allocated and {due} due are not both {amount_minor}")
    if sum((line.after for line in lines), Fraction()):
        raise UnbalancedDivision("what is carried on does not sum to zero")


class Entry(Noun):
    """An amount allocated or reversed."""

    first: First
    lines: list[Line]
    costs: Costs
    flow_before: Through
    flow: Through
    reserved: list[list[str | int]]

    @common
    class Event(Fact):
        """A fact of an entry names its pool, its agreement and the payees of its lines."""

        READERS = MONEY
        pool: str
        release: str
        proposal: str
        """The agreement it is under."""
        currency: str
        lines: Lines
        reserved: list[list[str | int]] | None = None
        """What of it is held back for returns, or freed (see domain.money.reserve)."""

        def subjects(self) -> tuple[str, ...]:
            return (self.release, *people_among(str(line[0]) for line in self.lines))

        def touches(self) -> tuple[str, ...]:
            return (self.release, *(str(line[0]) for line in self.lines))

    @common
    class First(Event):
        """The first fact of an entry describes it."""

        STATE = "made"
        amount_minor: int
        agreed: str
        """The exact part of it that goes by the agreed shares."""
        agreement: int
        """The number of the agreement."""
        reason: str | None = None
        effective_at: str | None = None
        rules: int | None = None
        """The rules it was reckoned by; without it, the first."""

        def apply(self, noun: Entry) -> None:
            noun.state = self.STATE
            noun.first = self
            noun.lines, noun.costs, noun.flow_before, noun.flow, noun.reserved = [], [], [], [], []
            noun.add(self)

    @fact("entry.divided", begins=True)
    class Divided(First):
        """Revenue was divided, once and balanced to the unit."""

        revenue: str
        rounding: str
        left_over: int
        """How many units the largest remainders got; if negative, had to give back."""
        costs: Costs
        """The expenses paid back before there was a profit."""
        flow_before: Through
        """What went through the terms in earlier divisions."""
        flow: Through
        """What went through them in this one."""

    @fact("entry.reversed", begins=True)
    class Reversed(First):
        """Divided revenue was reversed, in whole or in part."""

        revenue: str
        division: str
        costs: Costs
        flow: Through
        against: str | None = None
        """The revenue below zero that it was taken back for."""

    @fact("entry.corrected", begins=True)
    class Corrected(First):
        """Shares changed for money already divided: the differences, which sum to zero."""

        replaces: str | None = None
        """The agreement whose divisions move to this one; none after a waiver."""
        flow: Through | None = None
        """What went through the terms in addition, where they look through to the shares."""
        anew: list[list[str]] | None = None
        """``[division, exact amount]``: how much more of it goes by the agreed shares, where the
        terms have changed."""
        is_complete: bool | None = None
        """Whether no division is left under the agreement that was replaced."""

    @fact("entry.redivided", begins=True)
    class Redivided(First):
        """An expense was reversed: what a division had paid back for it is divided as well.

        What the division gave is taken back and given anew; the differences sum to zero.
        """

        revenue: str
        division: str
        reversal: str
        """The reversal of the expense."""
        costs: Costs
        flow_before: Through
        """What had gone through the terms before it was given anew."""
        flow: Through

    @fact("entry.adjusted", begins=True)
    class Adjusted(First):
        """Amounts were moved between payees for a stated reason; they sum to zero."""

        document: str | None = None

    @fact(
        "entry.opened", "{actor} took over what was owed of {release} by other books", begins=True
    )
    class Opened(First):
        """What payees were owed by other books, when this pool's were begun; a debt is negative."""

        FOUND_BY = ("paper",)
        document: str | None = None

        @property
        def paper(self) -> str:
            """What two openings by the same document have in common."""
            return paper_of(self.currency, self.amount_minor)

    @fact("entry.freed", begins=True)
    class Freed(First):
        """What was held back for returns is owed from now on; its lines are 0."""

    @fact(
        "entry.assigned", "{actor} assigned what {payee} was owed of {release} to {to}", begins=True
    )
    class Assigned(First):
        """What was owed to a payee is owed to another from now on."""

        payee: str
        to: str
        evidence: str | None = None

        def subjects(self) -> tuple[str, ...]:
            return (self.release, *people_among([self.payee, self.to, *self.touches()[1:]]))

    @fact("entry.continued")
    class Continued(Event):
        """More of the lists of the fact before; recorded in the same append."""

        costs: Costs | None = None
        flow_before: Through | None = None
        flow: Through | None = None

        def apply(self, noun: Entry) -> None:
            noun.add(self)

    def shown(self, name: str) -> list[list[Any]]:
        """A list as answers show it; those by the first rules left out what further facts hold."""
        return getattr(self if self.first.rules else self.first, name, None) or []

    def add(self, happened: Event) -> None:
        """Add the lists of a fact to those of the entry."""
        self.lines += read_lines(happened.lines)
        self.costs += getattr(happened, "costs", None) or []
        self.flow_before += getattr(happened, "flow_before", None) or []
        self.flow += getattr(happened, "flow", None) or []
        self.reserved += happened.reserved or []
