"""Recouping as answers show it: of an advance how much was recouped before, now, and remains."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from fractions import Fraction

from domain.journal import Journal
from domain.money.entry import Entry, FlowRows
from domain.money.pool import Pool, version
from domain.money.recouping import Recouped, recouped
from projections.money.payees import payees_told
from projections.money.pools.accounts import terms_of
from projections.money.told import RecoupedTold
from projections.nouns import noun_at
from projections.store import View, told_of

_AT_ONCE = 10
"""How many entries are looked for at a time."""


def of_entry(view: View, journal: Journal, entry: Entry) -> list[Recouped]:
    """What an entry recouped, and what was recouped before it."""
    opened = terms_of(view, journal, entry)
    before = (
        _sums([entry.flow_before])
        if isinstance(entry.first, Entry.Divided)
        else through_pool(view.at(entry.position - 1), journal, entry.first.pool)
    )
    return recouped(opened, before, _sums([entry.flow]))


def of_payees(
    view: View, journal: Journal, payees: Collection[str], after: int, currency: str
) -> Iterator[tuple[Entry, list[Recouped]]]:
    """What each entry of a period recouped of advances to these payees, or for them.

    It goes on pool by pool, and reads as far as it is asked for.
    """
    own = set(payees)
    for pool, of in _naming(view, own):
        if of != currency or not _recoups(view, journal, pool, own):
            continue
        for entry in _entries(view, journal, pool, after):
            found = [
                each
                for each in of_entry(view, journal, entry)
                if each.now_minor and {each.payee, each.to} & own
            ]
            if found:
                yield entry, found


def _entries(view: View, journal: Journal, pool: str, after: int) -> Iterator[Entry]:
    """The entries of a pool after a position, in the order of recording."""
    while rows := view.rows(
        "SELECT b.id, b.position FROM @bookings b WHERE b.pool = :pool "
        "AND b.proposal IS NOT NULL AND b.position > :after AND b.position <= :as_of "
        f"ORDER BY b.position LIMIT {_AT_ONCE}",
        pool=pool,
        after=after,
    ):
        yield from (noun_at(view, journal, Entry, id) for id, _ in rows)
        after = rows[-1][1]


def _naming(view: View, payees: Collection[str]) -> list[tuple[str, str]]:
    """The pools whose terms name one of these payees, with their currencies."""
    rows = view.rows(
        "SELECT DISTINCT o.id, o.currency FROM @pools o JOIN @named n ON n.pool = o.id "
        "WHERE n.payee IN :payees AND n.position <= :as_of",
        payees=sorted(payees),
    )
    return [(pool, currency) for pool, currency in rows]


def _recoups(view: View, journal: Journal, pool: str, payees: Collection[str]) -> bool:
    """Whether the terms of a pool, as they are or were, recoup anything of these payees."""
    noun = noun_at(view, journal, Pool, pool)
    every = (version(noun.opened, noun.amended, each) for each in range(len(noun.amended) + 1))
    found = (each for opened in every for each in recouped(opened, {}, {}))
    return any({each.payee, each.to}.intersection(payees) for each in found)


def currencies(
    view: View, journal: Journal, payees: Collection[str], known: Collection[str]
) -> set[str]:
    """The currencies, besides those that are known, in which anything was recouped."""
    return {
        currency
        for currency in {of for _, of in _naming(view, payees)} - {*known}
        if any(of_payees(view, journal, payees, 0, currency))
    }


def recouped_told(view: View, found: Iterable[Recouped]) -> list[RecoupedTold]:
    """The same as an answer."""
    every = list(found)
    told = payees_told(view, {name for each in every for name in (each.payee, each.to) if name})
    return [
        told_of(RecoupedTold, each, payee=told[each.payee], to=each.to and told[each.to])
        for each in every
    ]


def through_pool(view: View, journal: Journal, pool: str) -> dict[str, Fraction]:
    """What went through the terms of a pool: before its latest division, and since."""
    rows = view.rows(
        "SELECT b.id FROM @bookings b WHERE b.pool = :pool AND b.proposal IS NOT NULL "
        "AND b.position <= :as_of AND b.position >= COALESCE((SELECT max(d.position) "
        "FROM @bookings d WHERE d.pool = :pool AND d.kind = 'division' "
        "AND d.position <= :as_of), 0) ORDER BY b.position DESC",
        pool=pool,
    )
    since = [noun_at(view, journal, Entry, id) for (id,) in rows]
    return _sums([*(entry.flow for entry in since), *(entry.flow_before for entry in since[-1:])])


def _sums(flows: Iterable[FlowRows]) -> dict[str, Fraction]:
    sums: dict[str, Fraction] = {}
    for flow in flows:
        for place, amount in flow:
            sums[place] = sums.get(place, Fraction()) + Fraction(amount)
    return sums
