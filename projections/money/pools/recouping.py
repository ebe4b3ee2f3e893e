"""Recouping as answers show it: of an advance how much was recouped before, now, and remains."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from fractions import Fraction

from domain.journal import Journal
from domain.money.entry import Entry, Through
from domain.money.pool import Pool
from domain.money.recouping import Recouped, recouped
from projections.money.pools.accounts import terms_of
from projections.money.pools.payees import payees_told
from projections.money.rows import ENTRIES
from projections.money.told import RecoupedTold
from projections.nouns import noun_at
from projections.store import View, told_of


def of_entry(view: View, journal: Journal, entry: Entry) -> list[Recouped]:
    """What an entry recouped, and what was recouped before it."""
    opened = terms_of(view, journal, entry)
    before = (
        _sums([entry.flow_before])
        if isinstance(entry.first, Entry.Divided)
        else through_pool(view.at(entry.position - 1), journal, entry.first.pool)
    )
    return recouped(opened, before, _sums([entry.flow]))


def of_pool(opened: Pool.Opened, through: Mapping[str, Fraction]) -> list[Recouped]:
    """What a pool has recouped in all."""
    return recouped(opened, {}, through)


def of_payees(
    view: View, journal: Journal, payees: Collection[str], after: int, currency: str
) -> Iterator[tuple[Entry, list[Recouped]]]:
    """What each entry of a period recouped of advances to these payees, or for them."""
    rows = view.rows(
        "SELECT b.id FROM @bookings b JOIN @pools o ON o.id = b.pool "
        "WHERE b.proposal IS NOT NULL AND o.currency = :currency AND b.position > :after "
        "AND b.position <= :as_of "
        "AND b.pool IN (SELECT n.pool FROM @named n WHERE n.payee IN :payees) ORDER BY b.position",
        currency=currency,
        after=after,
        payees=sorted(payees),
    )
    own = set(payees)
    for (id,) in rows:
        entry = noun_at(view, journal, Entry, id)
        found = [
            each
            for each in of_entry(view, journal, entry)
            if each.now_minor and {each.payee, each.to} & own
        ]
        if found:
            yield entry, found


def currencies(
    view: View, journal: Journal, payees: Collection[str], known: Collection[str]
) -> set[str]:
    """The currencies, besides those that are known, in which anything was recouped."""
    rows = view.rows(
        "SELECT DISTINCT o.currency FROM @pools o JOIN @named n ON n.pool = o.id "
        "WHERE n.payee IN :payees",
        payees=sorted(payees),
    )
    return {
        currency
        for currency in {currency for (currency,) in rows} - {*known}
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
        "SELECT b.id, b.kind FROM @bookings b WHERE b.pool = :pool AND b.proposal IS NOT NULL "
        "AND b.position <= :as_of ORDER BY b.position DESC",
        pool=pool,
    )
    flows: list[Through] = []
    for id, kind in rows:
        entry = noun_at(view, journal, Entry, id)
        flows.append(entry.flow)
        if kind == ENTRIES[Entry.Divided]:
            flows.append(entry.flow_before)
            break
    return _sums(flows)


def _sums(flows: Iterable[Through]) -> dict[str, Fraction]:
    sums: dict[str, Fraction] = {}
    for flow in flows:
        for place, amount in flow:
            sums[place] = sums.get(place, Fraction()) + Fraction(amount)
    return sums
