"""Netting: negative revenue is offset against other revenue of the pool, the latest first.

Nobody is asked to pay. Revenue that is not divided yet is taken first; then divided revenue is
reversed. For the rest the pool is in debt, which the next revenue pays before it is divided.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from heapq import merge
from itertools import islice
from typing import NamedTuple

from domain.fact import New
from domain.identity import part_id
from domain.kept import AT_ONCE
from domain.money.books import Books
from domain.money.entry import RULES_THAT_MOVE, Entry
from domain.money.keeping import division_id, entry_facts
from domain.money.moving import Later, later_than, moved_up
from domain.money.reckoning import ComputedEntry, reversal_of, rules_of_reversal
from domain.money.reserving import freed_to_cover
from domain.money.revenue import Revenue
from domain.past import Past
from domain.seal import Said


class Taken(NamedTuple):
    """The units that one revenue gives back for a negative one (``short``)."""

    short: str
    revenue: str
    units: int


def takings(books: Books, pool: str, fresh: str | None) -> Iterator[Taken]:
    """What is to be taken, one by one; the caller must fold each into the books before the next.

    Only the revenue just recorded (``fresh``) may still find divided revenue to take back: for
    older ones all of it was taken already.
    """
    for short in books.pools[pool].short:
        for revenue in _given_back(books, pool, is_fresh=short == fresh):
            missing, left = -books.revenues[short].left_minor, books.revenues[revenue].left_minor
            if missing and left > 0:
                yield Taken(short, revenue, min(missing, left))
            if not books.revenues[short].left_minor:
                break


def _given_back(books: Books, pool: str, *, is_fresh: bool) -> Iterator[str]:
    """The revenue of a pool that may have something left: undivided first, the latest first."""
    yield from reversed(books.pools[pool].waiting)
    if not is_fresh:
        return
    under = map(books.divided.latest, books.pools[pool].agreements)
    divisions = (id for _, _, id in merge(*under, key=lambda key: key[1:], reverse=True))
    while some := [*islice(divisions, AT_ONCE)]:
        books.fetch((books.divisions, some))
        revenue = [books.divisions[each].revenue for each in some]
        books.fetch((books.revenues, revenue))
        yield from revenue


def netted(past: Past, pool: str) -> Iterator[New]:
    """The facts that offset a pool's negative revenue, as far as other revenue is left."""
    books = past.books()
    for number, (short, revenue, units) in enumerate(takings(books, pool, past.id)):
        own = part_id(past.id, "netting", number)
        if books.revenues[revenue].division is None:
            yield _of_waiting(books, revenue, units, own, short)
        else:
            yield from reversed_by(past, revenue, units, own, against=short)


def _of_waiting(books: Books, revenue: str, units: int, reversal: str, short: str) -> New:
    recorded = books.revenues[revenue].recorded
    content = {
        "pool": recorded.pool,
        "release": recorded.release,
        "currency": recorded.currency,
        "amount_minor": units,
        "reversal": reversal,
        "against": short,
    }
    return New(Revenue.Reversed, revenue, content)


def reversed_by(
    past: Past,
    revenue: str,
    units: int,
    reversal: str,
    *,
    reason: Said | None = None,
    against: str | None = None,
) -> Iterator[New]:
    """The facts that reverse these units of a divided revenue, and move up what came later."""
    books, division = past.books(), division_id(revenue)
    entry = past.get(Entry, division)
    before = [entry_in(past, each) for each in books.divisions[division].reversals]
    rules, later = rules_of_reversal(books, entry, before), None
    if rules >= RULES_THAT_MOVE:
        later = later_than(books, division, partial(entry_in, past), rules)
    drawn = reversal_of(books, entry, before, units, rules, later and later.flow)
    more = {"reason": reason, "against": against}
    yield from entry_facts(past, Entry.Reversed, reversal, drawn.lines, **drawn.content, **more)
    yield from freed_to_cover(past, reversal, drawn, reason)
    yield from moved_after(past, later, drawn, reversal, reason)


def entry_in(past: Past, id: str) -> Entry:
    """An entry that was recorded, or that the current command has decided on."""
    own = [each for each in past.decided_now if each.originator_id == id]
    return Entry.told_by(enumerate(own, start=1)) if own else past.get(Entry, id)


def moved_after(
    past: Past, later: Later | None, drawn: ComputedEntry, id: str, reason: Said | None
) -> Iterator[New]:
    """The facts by which what was divided later moves up after an entry."""
    for number, moved in enumerate(later.moved(drawn.content["flow"]) if later else ()):
        own = part_id(id, "moved", number)
        entry = moved_up(past.books(), moved, moved.standing.rules)
        more = {"reversal": id, "reason": reason}
        yield from entry_facts(past, Entry.Redivided, own, entry.lines, **entry.content, **more)
        yield from freed_to_cover(past, own, entry, reason)
