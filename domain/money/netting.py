"""Netting: revenue below zero takes back what came in, the latest first, and what comes next.

Nobody is asked to pay. What is not divided yet is taken first; of what was divided, every payee
gives back what a reversal takes. For the rest the pool is in debt: it is taken from the next
revenue before that is divided.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import NamedTuple

from domain.fact import New
from domain.identity import part_id
from domain.kept import AT_ONCE
from domain.money.books import Books
from domain.money.entry import Entry
from domain.money.keeping import division_id, entry_facts
from domain.money.reckoning import reversal_of, rules_of_reversal
from domain.money.revenue import Revenue
from domain.past import Past


class Taken(NamedTuple):
    """What one revenue gives back for one that is below zero."""

    short: str
    revenue: str
    units: int


def takings(books: Books, pool: str, fresh: str | None) -> Iterator[Taken]:
    """What is to be taken next, as long as anything is; the books are read anew after each.

    Only for the revenue that was just recorded can anything be left of what was divided before.
    """
    for short in books.pools[pool].short:
        for revenue in _given_back(books, pool, is_fresh=short == fresh):
            missing, left = -books.revenues[short].left_minor, books.revenues[revenue].left_minor
            if missing and left > 0:
                yield Taken(short, revenue, min(missing, left))
            if not books.revenues[short].left_minor:
                break


def _given_back(books: Books, pool: str, *, is_fresh: bool) -> Iterator[str]:
    """The revenue of a pool of which something may be left: undivided first, each the latest."""
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
    """Take back what a pool is in debt for, as far as anything is left."""
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
    reason: str | None = None,
    against: str | None = None,
) -> Iterator[New]:
    """The reversal of so much of a revenue that was divided."""
    books, division = past.books(), division_id(revenue)
    entry = past.get(Entry, division)
    before = [past.get(Entry, each) for each in books.divisions[division].reversals]
    drawn = reversal_of(books, entry, before, units, rules_of_reversal(books, entry, before))
    more = {"reason": reason, "against": against}
    yield from entry_facts(past, Entry.Reversed, reversal, drawn.lines, **drawn.content, **more)
