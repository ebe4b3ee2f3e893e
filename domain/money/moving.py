"""What moves in bands, tranches and advances when something divided before it changes.

A refund runs back down the waterfall: what was divided later under other shares or terms is taken
back, the last first, then the reversed revenue; then what stands is divided again in its order. So
each revenue gives, by its own agreement, what it would have given had the reversed money never
come in, and nobody is charged for what others received. The same is done if an expense is reversed,
so that more of a revenue is divided; and a correction divides all of the pool again in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import dropwhile, takewhile
from typing import NamedTuple

from domain.kept import placed_at
from domain.money.agreement import Agreement
from domain.money.books import Books
from domain.money.entry import (
    RULES_IN_ORDER,
    RULES_OF_CORRECTIONS,
    RULES_OF_FEES,
    RULES_OF_REVERSALS,
    Entry,
    FlowRows,
)
from domain.money.pool import Pool
from domain.money.reckoning import (
    Change,
    ComputedEntry,
    correction_in_place,
    given_in_place,
    of_agreement,
    opened_of,
    settled,
    summed,
    written,
)
from domain.money.state import DivisionBooks
from domain.money.taking import taking_of
from domain.money.terms import (
    NOTHING_DUE,
    Taking,
    Terms,
    have_bands,
    have_fees_in_bands,
    taken_back,
)


class Standing(NamedTuple):
    """A division that stands, and by what it is divided."""

    division: str
    revenue: str
    effective_at: str | None
    agreement: Agreement
    opened: Pool.Opened
    taking: Taking
    """Its whole profit, and how much of that earlier reversals took back."""
    rules: int
    """The version of the rules by which it is taken back and divided again."""

    def taken_back(self, flow: Mapping[str, Fraction]) -> Terms:
        """What it gives back if it is the last that these totals count."""
        return taken_back(self.opened, self.taking.rest, flow, self.agreement.shares, self.rules)

    def given_after(self, flow: Mapping[str, Fraction]) -> Terms:
        """What it gives after these totals."""
        taking = self.taking._replace(flow_before=flow)
        given = Terms({}, Fraction(), {})
        for each in given_in_place(self.opened, taking, self.agreement.shares, self.rules):
            given = _both(given, each)
        return given


class Moved(NamedTuple):
    """A division that moved up, and what changes for its payees."""

    standing: Standing
    flow_before: Mapping[str, Fraction]
    change: Terms


class Later(NamedTuple):
    """What was divided later than a revenue, taken back."""

    flow: Mapping[str, Fraction]
    """The running totals without it."""
    back: Sequence[tuple[Standing, Terms]]
    """In its order: each division, and what it gave back."""

    def moved(self, reversed_flow: FlowRows) -> Iterator[Moved]:
        """The divisions that give something else after the reversal added this to the totals."""
        flow = summed(self.flow, {place: Fraction(amount) for place, amount in reversed_flow})
        for standing, back in self.back:
            given = standing.given_after(flow)
            change = _both(back, given)
            if change.agreed or any(change.due.values()) or any(change.flow.values()):
                yield Moved(standing, flow, change)
            flow = summed(flow, given.flow)


def later_than(
    books: Books,
    division: str,
    entry_of: Callable[[str], Entry],
    rules: int = RULES_OF_REVERSALS,
) -> Later | None:
    """What was divided later than a division, from the first under other shares or terms on.

    None if nothing is.
    """
    flow = books.pools[_pool(books, division)].flow
    back: list[tuple[Standing, Terms]] = []
    for id, each in reversed(_others_after(books, division, rules)):
        standing = _standing(books, id, each, entry_of, rules)
        back.append((standing, standing.taken_back(flow)))
        flow = summed(flow, back[-1][1].flow)
    return Later(flow, back[::-1]) if back else None


def _others_after(books: Books, division: str, rules: int) -> list[tuple[str, DivisionBooks]]:
    """The divisions after one from the first under other shares or terms on, if they can move.

    Those before that have the same shares, so whichever of them gives back the last units, the
    same people do, unless they give back fees, which each has of its own.
    """
    known, pool = books.divisions[division], books.pools[_pool(books, division)]
    is_alone = len(pool.agreements) == 1 and not books.opened[pool.opened.originator_id].amended
    terms = opened_of(books, division).terms
    differ = rules >= RULES_OF_FEES and have_fees_in_bands(terms)
    if not have_bands(terms) or (is_alone and not differ):
        return []
    since = placed_at(known.at)
    keys = sorted(
        (at, id)
        for agreement in pool.agreements
        for _, at, id in takewhile(lambda key: key[1] > since, books.divided.latest(agreement))
    )
    books.fetch((books.divisions, [id for _, id in keys]))
    after = [(id, books.divisions[id]) for _, id in keys]
    books.fetch((books.revenues, [each.revenue for _, each in after]))
    stands = [
        each for each in after if each[1].rules > 1 and books.revenues[each[1].revenue].left_minor
    ]
    if differ:
        return stands
    same = known.agreement, known.terms
    return [*dropwhile(lambda each: (each[1].agreement, each[1].terms) == same, stands)]


def _standing(
    books: Books, id: str, known: DivisionBooks, entry_of: Callable[[str], Entry], rules: int
) -> Standing:
    entry, before = entry_of(id), [*map(entry_of, known.reversals)]
    taking = taking_of(books.revenues[known.revenue].recorded, entry, before, 0)
    by = books.agreements[known.agreement], opened_of(books, id)
    return Standing(id, known.revenue, entry.first.effective_at, *by, taking, rules)


def moved_up(books: Books, moved: Moved, rules: int) -> ComputedEntry:
    """The entry by which a division moves up; its lines are the differences, and sum to 0."""
    standing, change = moved.standing, moved.change
    pool = books.pools[standing.agreement.pool]
    content = {
        **of_agreement(standing.agreement, pool, rules),
        "amount_minor": 0,
        "agreed": str(change.agreed),
        "revenue": standing.revenue,
        "division": standing.division,
        "effective_at": standing.effective_at,
        "costs": [],
        "flow_before": written(moved.flow_before),
        "flow": written(change.flow),
    }
    return settled(pool, change.due, content)


def _pool(books: Books, division: str) -> str:
    return books.revenues[books.divisions[division].revenue].recorded.pool


def _both(one: Terms, other: Terms) -> Terms:
    flow = summed(one.flow, other.flow)
    return Terms(summed(one.due, other.due), one.agreed + other.agreed, flow)


# -- corrections ---------------------------------------------------------------------------------


def correction_of(
    books: Books,
    proposal: str,
    change: Change,
    entry_of: Callable[[str], Entry],
    rules: int = RULES_OF_CORRECTIONS,
) -> ComputedEntry:
    """The correction of everything divided, after shares have changed.

    Under bands, tranches and advances all of the pool is taken back and divided again in order, so
    that what reversals took from another place is put right as well.
    """
    pool = books.agreements[proposal].pool
    has_bands = any(have_bands(each.terms) for each in books.opened[pool].versions)
    every = books.divisions_of(pool)
    is_old = rules < RULES_IN_ORDER or any(each.rules == 1 for _, each in every)
    if not has_bands or is_old or change.is_complete is None:
        return correction_in_place(books, proposal, change, entry_of, rules)
    standing = [_standing(books, *each, entry_of, rules) for each in every]
    return _in_order(books, proposal, change, standing, rules)


def _in_order(
    books: Books, proposal: str, change: Change, every: Sequence[Standing], rules: int
) -> ComputedEntry:
    agreement = books.agreements[proposal]
    pool, opened = books.pools[agreement.pool], books.opened[agreement.pool]
    replaced = books.divisions[change.moved[0]].agreement
    moved = {*change.moved}
    if replaced != proposal:
        under = books.divisions_under([replaced])
        moved = {id for id, each in under if books.stands_under(each, proposal)}
    flow, whole = pool.flow, NOTHING_DUE
    for standing in reversed(every):
        back = standing.taken_back(flow)
        flow, whole = summed(flow, back.flow), _both(whole, back)
    anew, placed, stays = list[list[str]](), list[list[str]](), False
    for each in every:
        known, terms = books.divisions[each.division], books.terms_for(agreement.pool, each.revenue)
        is_moved = each.division in moved
        now = each._replace(agreement=agreement, opened=opened.version(terms)) if is_moved else each
        given = now.given_after(flow)
        flow, whole = summed(flow, given.flow), _both(whole, given)
        more = given.agreed - known.agreed
        if more or (is_moved and known.terms != terms):
            (anew if is_moved else placed).append([each.division, str(more)])
        stays |= not is_moved and known.agreement == replaced and bool(given.agreed)
    content = {
        **of_agreement(agreement, pool, rules),
        "amount_minor": 0,
        "agreed": str(change.agreed),
        "flow": written(whole.flow),
        "is_complete": replaced != proposal and not stays,
    }
    content |= {"anew": anew} if anew else {}
    content |= {"placed": placed} if placed else {}
    return settled(pool, whole.due, content)
