"""What a reversal takes back of a division: how much of its profit, and the sales behind it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from domain.money.entry import Entry
from domain.money.policy.sold import Origin
from domain.money.revenue import Revenue
from domain.money.terms import Taking

_PLACED = (Entry.Divided, Entry.Redivided)
"""The entries that say where in bands and tranches a division is."""


def origin_of_part(recorded: Revenue.Recorded, amount_minor: int) -> Origin:
    """The sales behind a part of a revenue."""
    return Origin(recorded.items).times(Fraction(amount_minor, recorded.amount_minor))


def taking_of(
    recorded: Revenue.Recorded, division: Entry, before: Sequence[Entry], taken: int
) -> Taking:
    """The taking of ``taken`` units of a division's profit, after the entries ``before``."""
    given = up_to_redivision(division, before)
    origin = origin_of_entries(recorded, given)
    since = before[len(given) - 1 :]
    placed = [each for each in (division, *before) if isinstance(each.first, _PLACED)][-1]
    flow_before = {place: Fraction(amount) for place, amount in placed.flow_before}
    return Taking(flow_before, profit_of(given), -profit_of(since), taken, origin)


def origin_of_entries(recorded: Revenue.Recorded, entries: Sequence[Entry]) -> Origin:
    """The sales behind what is left after a division's entries, and the expenses they paid."""
    amount_minor = sum(each.first.amount_minor for each in entries)
    origin = origin_of_part(recorded, amount_minor)
    return origin._replace(expenses_minor=amount_minor - profit_of(entries))


def up_to_redivision(division: Entry, before: Sequence[Entry]) -> Sequence[Entry]:
    """A division and the entries about it up to the last that divided more of it again, if any."""
    anew = (
        number
        for number, each in enumerate(before, 1)
        if isinstance(each.first, Entry.Redivided) and each.costs
    )
    return [division, *before][: max(anew, default=0) + 1]


def profit_of(entries: Sequence[Entry]) -> int:
    """How many units went by the terms, after expenses."""
    return sum(
        each.first.amount_minor - sum(int(units) for *_, units in each.costs) for each in entries
    )
