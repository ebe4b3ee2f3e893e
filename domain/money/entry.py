"""Entries of the ledger: an amount allocated to payees or taken back, one line for each payee.

In every line, carried before + due − allocated = carried after; and the lines sum to the amount,
both in allocated units and in exact dues. An entry also states everything it was computed from.

Kinds: the division of a revenue, its reversal, a correction after shares changed, a redivision
after an expense or earlier revenue was reversed, an adjustment between payees, opening balances
from other books, the release of a reserve, and the assignment of what one payee is owed to another.
The first fact of an entry describes it; further facts of the same append hold more lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from domain.fact import Fact, Noun, common, fact
from domain.money.apportionment import exact_sum, payee_key
from domain.money.payee import people_among
from domain.money.revenue import paper_of
from domain.readers import MONEY
from domain.refusal import UnbalancedDivision

Lines = list[list[str | int]]
"""``[payee, units, due, carried before, rank]``, ordered by payee.

The due and the carry are texts of exact fractions. Only lines of a division have a rank.
"""
Costs = list[list[str | int]]
"""``[expense, payer, units]``: what is paid back for expenses; negative: taken back."""
FlowRows = list[list[str]]
"""``[place, exact amount]``: what is added to the running totals of the terms (``Flow``)."""
Agreed = list[list[str]]
"""``[division, exact amount]``: how much more of a division goes by the agreed shares."""
OF_DIVISIONS = ("anew", "placed")
LISTS = (*OF_DIVISIONS, "costs", "flow_before", "flow", "reserved")
"""The lists that an entry holds over all of its facts, besides its lines."""


class Line(NamedTuple):
    """One payee's line of an entry."""

    payee: str
    amount_minor: int
    """The units allocated."""
    due: Fraction
    """The exact amount due, in units."""
    before: Fraction
    """The carry from the pool's earlier entries, in units."""
    rank: int | None = None
    """In a division: the rank for units left over, 1 for the largest remainder."""

    @property
    def after(self) -> Fraction:
        """The carry to the pool's next entry."""
        return self.before + self.due - self.amount_minor

    def written(self) -> list[str | int]:
        """The line as a fact holds it."""
        rank = () if self.rank is None else (self.rank,)
        return [self.payee, self.amount_minor, str(self.due), str(self.before), *rank]


def read_lines(lines: Lines) -> Iterator[Line]:
    """The lines of a fact."""
    for payee, units, due, before, *rank in lines:
        yield Line(str(payee), int(units), Fraction(due), Fraction(before), *map(int, rank))


def given_by(amounts: Iterable[int]) -> int:
    """The units that an adjustment gives: the sum of the amounts above zero."""
    return sum(max(0, amount) for amount in amounts)


RULES = 2
"""The version of the rules by which all other entries are computed now.

By version 1, terms did not look through to the agreed shares, and a reversal took back a part of
what the division gave, whatever had gone through bands, tranches and advances since.
"""
RULES_OF_DIVISIONS = 6
"""The version of the rules by which divisions are computed now.

If negative revenue had taken of revenue before it was divided, what was sold in other countries
meanwhile was set off against what came back, by version 5; by version 4, what was sold in a country
counted as if it had come back from there. By version 3, a rule for what is held
back from one payee was only for the account it named, not for others of the same person; and what
negative revenue had taken of revenue before it was divided came from the countries of that. By
version 2, a reserve was held back from a payee who was in debt.
"""
RULES_OF_CORRECTIONS = 7
"""The version of the rules by which corrections are computed now.

By version 6, reversals took back as much of a fee below bands and tranches as of the division. By
version 4 (there was no fifth), what moves between payees came from the country of the pool. By
version 3, a division kept its place in bands and tranches, although a reversal before may have
taken its last units. By version 2, a division that a correction divided again lost its place: more
went by the new shares than the division had given by the old ones.
"""

RULES_OF_REVERSALS = 7
"""The version of the rules by which reversals, also of expenses, are computed now.

By version 6, as much was taken back of a fee below bands and tranches as of the division, though
more or less came back of what it was a fee of; others were charged for the rest. By version 5, what
was sold in other countries was set off against what came back, if more came back in the same
statement, and what was left of a revenue came from all of its countries, even if all of one's had
come back. By version 4, what was sold in a country counted as if it had come back from
there. By version 3, what negative revenue took back came from the countries of
the revenue it was taken from. By version 2, a reversal took the last units of bands, tranches and
advances from the people of the reversed revenue, though others may have received them.
"""

RULES_IN_PLACE = 3
"""From this version on, corrections divide at the place that a division had."""
RULES_THAT_MOVE = 3
"""From this version on, what came in later moves up after a reversal."""
RULES_OF_PERSONS = 4
"""From this version on, what is held back from one payee is held back from all their accounts."""
RULES_IN_ORDER = 4
"""From this version on, corrections under bands divide all of the pool again in order."""
RULES_BY_COUNTRY = 6
"""From this version on, what is left of a revenue is known by country, so that corrections move it
from there; and what was sold in a country in a negative statement is credited to that country."""
RULES_OF_FEES = 7
"""From this version on, as much of a fee is taken back as of what it was taken of."""
RULES_NET = 5
"""From this version on, of a country in a negative statement counts what came back on balance."""
RULES_BY_SALE = 4
"""From this version on, what negative revenue takes back is from the countries of its own sales,
and what is assigned from those that it came from before."""

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
    """The lines of an entry whose amounts are stated, not divided; the carry is unchanged."""
    return entry_lines(units, {payee: Fraction(part) for payee, part in units.items()}, carry)


def must_add_up(amount_minor: int, lines: list[Line]) -> None:
    """Raise UnbalancedDivision if the lines do not sum to the amount, or their carry not to 0."""
    given = sum(line.amount_minor for line in lines)
    due = exact_sum([line.due for line in lines])
    if given != amount_minor or due != amount_minor:
        raise UnbalancedDivision(f"{given} allocated and {due} due are not both {amount_minor}")
    # What is carried after is what was carried before, since due and given are the same in all.
    if exact_sum([line.before for line in lines]):
        raise UnbalancedDivision("what is carried on does not sum to zero")


class Entry(Noun):
    """An amount allocated to payees or taken back."""

    first: First
    lines: list[Line]
    costs: Costs
    flow_before: FlowRows
    flow: FlowRows
    reserved: list[list[str | int]]
    anew: Agreed
    placed: Agreed

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
        """What of the lines is held back for returns, or freed (see domain.money.reserve)."""

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
        """The exact part of the amount that goes by the agreed shares."""
        agreement: int
        """The number of the agreement."""
        reason: str | None = None
        effective_at: str | None = None
        rules: int | None = None
        """The version of the rules (RULES) it was computed by; None: 1."""

        def apply(self, noun: Entry) -> None:
            noun.state = self.STATE
            noun.first = self
            noun.lines = []
            for name in LISTS:
                setattr(noun, name, [])
            noun.add(self)

    @fact("entry.divided", "{actor} divided revenue of {release}", begins=True)
    class Divided(First):
        """Revenue was divided, once and balanced to the unit."""

        revenue: str
        rounding: str
        left_over: int
        """How many units went to the largest remainders; negative: were removed."""
        costs: Costs
        """The expenses paid back before there was a profit."""
        flow_before: FlowRows
        """The running totals of the terms before this division."""
        flow: FlowRows
        """What this division adds to them."""

    @fact("entry.reversed", "{actor} reversed a division of revenue of {release}", begins=True)
    class Reversed(First):
        """Divided revenue was reversed, in whole or in part."""

        revenue: str
        division: str
        costs: Costs
        flow: FlowRows
        against: str | None = None
        """The negative revenue that it was taken back for, if any."""
        flow_before: FlowRows | None = None
        """The running totals it was taken back from, if what was divided later moves up."""

    @fact("entry.corrected", "{actor} corrected what payees of {release} were due", begins=True)
    class Corrected(First):
        """Shares changed for money already divided; the lines are the differences, and sum to 0."""

        replaces: str | None = None
        """The agreement whose divisions move to this one; None after a waiver."""
        flow: FlowRows | None = None
        """What is added to the running totals, if the terms look through to the shares."""
        anew: Agreed | None = None
        """More of divisions because the terms have changed."""
        is_complete: bool | None = None
        """Whether no division is left under the replaced agreement."""
        known_as: str | None = None
        """If none is left: the agreement that accounts for what was found false under the replaced
        one from now on. None in older corrections: they did, for everything found before them."""
        placed: Agreed | None = None
        """More of divisions that stay under their agreement, because a reversal before took units
        from another place than theirs."""

    @fact(
        "entry.redivided",
        "{actor} divided revenue of {release} anew",
        begins=True,
    )
    class Redivided(First):
        """An expense was reversed, so what a division had paid back for it is divided, too; or
        earlier revenue was, so that a division moved up in bands and tranches.

        The division is taken back and divided again; the lines are the differences, and sum to 0.
        """

        revenue: str
        division: str
        reversal: str
        """The reversal of the expense or of the earlier revenue."""
        costs: Costs
        """What is taken back for expenses; empty if the division moved up."""
        flow_before: FlowRows
        """The running totals of the terms before it was divided again."""
        flow: FlowRows

    @fact("entry.adjusted", "{actor} adjusted what payees of {release} are owed", begins=True)
    class Adjusted(First):
        """Amounts were moved between payees for a stated reason; they sum to zero."""

        FOUND_BY = ("paper",)
        document: str | None = None

        @property
        def paper(self) -> str:
            """The currency and what was given, by which those of the same document are found."""
            amounts = (line.amount_minor for line in read_lines(self.lines))
            return paper_of(self.currency, given_by(amounts))

    @fact("entry.opened", "{actor} recorded what other books owed for {release}", begins=True)
    class Opened(First):
        """Opening balances: what payees were owed in other books; a debt is negative."""

        FOUND_BY = ("paper",)
        document: str | None = None

        @property
        def paper(self) -> str:
            """The currency and amount, by which openings from the same document are found."""
            return paper_of(self.currency, self.amount_minor)

    @fact("entry.freed", "{actor} freed what was held back for returns from {release}", begins=True)
    class Freed(First):
        """What was held back for returns is owed from now on; all lines are 0."""

    @fact(
        "entry.assigned",
        "{actor} assigned what {payee} was owed for {release} to {to}",
        begins=True,
    )
    class Assigned(First):
        """What was owed to a payee is owed to another from now on."""

        FOUND_BY = ("payee",)
        payee: str
        to: str
        evidence: str | None = None

        def subjects(self) -> tuple[str, ...]:
            return (self.release, *people_among([self.payee, self.to, *self.touches()[1:]]))

    @fact("entry.continued", "{actor} recorded further lines of an entry for {release}")
    class Continued(Event):
        """Continues the lists of the fact before, in the same append."""

        costs: Costs | None = None
        flow_before: FlowRows | None = None
        flow: FlowRows | None = None
        anew: Agreed | None = None
        placed: Agreed | None = None

        def apply(self, noun: Entry) -> None:
            noun.add(self)

    def shown(self, name: str) -> list[list[Any]]:
        """A list as answers show it; by the first rules, only that of the first fact."""
        return getattr(self if self.first.rules else self.first, name, None) or []

    def add(self, happened: Event) -> None:
        """Append the lists of a fact to those of the entry."""
        self.lines += read_lines(happened.lines)
        for name in LISTS:
            getattr(self, name).extend(getattr(happened, name, None) or ())
