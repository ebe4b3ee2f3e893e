"""What is taken back of a division: how much of its profit, and what that came with."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from domain.money.entry import Entry
from domain.money.policy.sold import Came
from domain.money.revenue import Revenue
from domain.money.terms import Taking


def came_of(recorded: Revenue.Recorded, amount_minor: int) -> Came:
    """What was sold for so much of a revenue."""
    return Came(recorded.items).times(Fraction(amount_minor, recorded.amount_minor))


def taking_of(
    recorded: Revenue.Recorded, division: Entry, before: Sequence[Entry], taken: int
) -> Taking:
    """What is taken back of a division's profit."""
    given = given_of(division, before)
    came = came_with(recorded, given)
    since = before[len(given) - 1 :]
    flow_before = {place: Fraction(amount) for place, amount in given[-1].flow_before}
    return Taking(flow_before, profit_of(given), -profit_of(since), taken, came)


def came_with(recorded: Revenue.Recorded, entries: Sequence[Entry]) -> Came:
    """What was sold for what is left of a division, and what it paid back for expenses."""
    amount_minor = sum(each.first.amount_minor for each in entries)
    came = came_of(recorded, amount_minor)
    return came._replace(expenses_minor=amount_minor - profit_of(entries))


def given_of(division: Entry, before: Sequence[Entry]) -> Sequence[Entry]:
    """A division and what happened to it until all of it was given anew the last time, if ever."""
    anew = (n for n, each in enumerate(before, 1) if isinstance(each.first, Entry.Redivided))
    return [division, *before][: max(anew, default=0) + 1]


def profit_of(entries: Sequence[Entry]) -> int:
    """How much went by the terms, after expenses."""
    return sum(
        each.first.amount_minor - sum(int(units) for *_, units in each.costs) for each in entries
    )
