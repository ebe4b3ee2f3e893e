"""Which rule of a pool's terms gave how much: by sales, per unit sold, or before expenses.

Recomputed from the terms and the facts, for entries of pools whose terms have such rules.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction

from domain.journal import Journal
from domain.money.entry import Entry
from domain.money.policy.flow import BY_RULE, TO
from domain.money.pool import Pool
from domain.money.revenue import Revenue
from domain.money.taking import origin_of_entries, taking_of
from domain.money.terms import Ruled, by_shares, have_rules, look_through, taken_back
from projections.money.agreements import AgreedShares
from projections.money.payees import payees_told
from projections.money.pools.accounts import as_made, terms_of
from projections.money.pools.recouping import through_pool
from projections.money.told import RuleGave
from projections.nouns import noun_at
from projections.store import View

_RULED = ("division", "reversal")
"""The kinds of entries whose rules are shown."""


def of_entry(view: View, journal: Journal, entry: Entry) -> Ruled:
    """What each rule gave to each payee in a division, or took back in a reversal."""
    return _ruled(view, journal, entry, AgreedShares(view, journal))


def _ruled(
    view: View,
    journal: Journal,
    entry: Entry,
    agreed: AgreedShares,
    payees: Collection[str] | None = None,
) -> Ruled:
    """The same; with ``payees``, of those with agreed shares at least to these."""
    first = entry.first
    if not isinstance(first, Entry.Divided | Entry.Reversed):
        return ()
    opened = terms_of(view, journal, entry)
    if not have_rules(opened.terms):
        return ()
    shares = agreed.at(first.proposal, as_made(view, entry).as_of)
    if payees is not None and not look_through(opened.terms):
        shares = {payee: shares[payee] for payee in payees if payee in shares}
    recorded = noun_at(view, journal, Revenue, first.revenue).recorded
    costs = sum(int(units) for *_, units in entry.costs)
    if isinstance(first, Entry.Divided):
        flow = {place: Fraction(part) for place, part in entry.flow_before}
        origin = origin_of_entries(recorded, [entry])
        return by_shares(opened, first.amount_minor - costs, flow, shares, origin=origin).by_payee(
            opened, shares
        )
    division = noun_at(view, journal, Entry, first.division)
    before = _earlier(view, journal, first.revenue, entry)
    taking = taking_of(recorded, division, before, costs - first.amount_minor)
    flow = (
        through_pool(view.at(entry.position - 1), journal, first.pool)
        if first.flow_before is None
        else {place: Fraction(part) for place, part in entry.flow_before}
    )
    rules = first.rules or 1
    return taken_back(opened, taking, flow, shares, rules).by_payee(opened, shares)


def of_lines(
    view: View, journal: Journal, lines: Collection[tuple[str, str, str | None, str]]
) -> dict[tuple[str, str], list[str]]:
    """By entry and payee: the rules that gave them a line (entry, payee, kind, pool)."""
    pools = {pool for pool in {pool for *_, pool in lines} if _ever_ruled(view, journal, pool)}
    asked: dict[str, set[str]] = {}
    for noun, payee, kind, pool in lines:
        if pool in pools and kind in _RULED:
            asked.setdefault(noun, set()).add(payee)
    agreed = AgreedShares(view, journal)
    found: dict[tuple[str, str], list[str]] = {}
    for noun, payees in asked.items():
        entry = noun_at(view, journal, Entry, noun)
        for rule, given in _ruled(view, journal, entry, agreed, payees):
            for payee in given:
                found.setdefault((noun, payee), []).append(rule)
    return found


def _ever_ruled(view: View, journal: Journal, id: str) -> bool:
    """Whether the terms of a pool had rules at any time."""
    pool = noun_at(view, journal, Pool, id)
    return have_rules(pool.opened.terms) or any(have_rules(each.terms) for each in pool.amended)


def _earlier(view: View, journal: Journal, revenue: str, entry: Entry) -> list[Entry]:
    """The entries about a division before this one."""
    rows = view.rows(
        "SELECT b.id FROM @bookings b WHERE b.revenue = :revenue AND b.proposal IS NOT NULL "
        "AND b.kind <> 'division' AND b.position < :position ORDER BY b.position",
        revenue=revenue,
        position=entry.position,
    )
    return [noun_at(view, journal, Entry, id) for (id,) in rows]


def rules_told(view: View, found: Ruled, payee: str | None = None) -> list[RuleGave]:
    """What rules gave, as an answer; with ``payee``, only to them."""
    told = payees_told(view, {each for _, given in found for each in given})
    return [
        {"rule": rule, "payee": told[each], "amount": str(part)}
        for rule, given in found
        for each, part in given.items()
        if payee in (None, each)
    ]


def sums_told(view: View, pool: str, through: Mapping[str, Fraction]) -> list[RuleGave]:
    """What each rule of a pool gave in all, from the running totals of its terms."""
    sums = [
        (*place.removeprefix(BY_RULE).rsplit(TO, 1), str(part))
        for place, part in through.items()
        if place.startswith(BY_RULE) and part
    ]
    told = payees_told(view, {payee for _, payee, _ in sums} - {pool})
    return [
        {"rule": rule, "payee": told.get(payee), "amount": amount} for rule, payee, amount in sums
    ]
