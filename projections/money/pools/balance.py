"""Where the money of a pool is: its statement.

The one rule: received − reversed + opening = waiting + earned, and every unit earned is somebody's:
payable, held with its reasons, in transit, paid, withheld, exchanged, reserved, or in suspense.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import cast

from domain.journal import Journal
from domain.moment import instant
from domain.money.agreement import in_force
from domain.money.apportionment import payee_key
from domain.money.entry import Entry
from domain.money.held import DEBT, HELD, PAYABLE
from domain.money.pool import Pool
from domain.money.postings import WAITING
from domain.money.proposal import Proposal
from domain.money.recouping import recouped
from domain.money.shares import shares_of
from domain.readers import MONEY
from domain.values import PoolId
from projections.money import balances as money
from projections.money.agreements import dated_in, waivers_of
from projections.money.payees import payees_told
from projections.money.pools.accounts import pool_named
from projections.money.pools.proposals import waived_shares
from projections.money.pools.recouping import recouped_told, through_pool
from projections.money.pools.ruling import sums_told
from projections.money.pools.told import BalanceLine, PoolStatement, Totals, WaitingLine
from projections.money.readers import Reader
from projections.money.told import WaivedLine
from projections.nouns import noun_at
from projections.question import question
from projections.store import View, told_rows


@question(
    "show_pool_statement",
    "/pools/{id}/statement",
    cli="pool statement",
    may=MONEY,
    parts=("waiting", "waived", "recouped", "rules", "lines"),
)
def statement(view: View, journal: Journal, id: PoolId, *, actor: str) -> PoolStatement:
    """The statement of a pool: what came in, whose it is, and why any of it is held.

    For its payees, those who run its proposals, accountants and auditors; for everyone, if its
    terms publish the statement.
    """
    opened = pool_named(view, journal, id)
    reader = Reader(view, journal, actor)
    reader.must_read_statement("the statement of this pool", id)
    units = money.pool_units(view, id)
    accounts = money.accounts(view, pools=[id])
    agreement = agreement_now(view, journal, id)
    shares, waived = _agreed(view, journal, agreement)
    carried = _carried(view, journal, id)
    standings = money.standings(view, journal, accounts)
    by_payee, reasons = money.summed(standings, lambda one: one.payee)
    payees = sorted({*by_payee, *shares, *carried}, key=payee_key)
    payees.sort(key=lambda payee: (by_payee[payee]["earned"], shares.get(payee, 0)), reverse=True)
    persons = money.persons_of(view, payees) if reader.reads_all else {}
    others = {payee: one for payee, one in persons.items() if one != payee}
    told = payees_told(view, {*payees, *others.values()})
    columns = ("earned", PAYABLE, HELD, DEBT, *money.NOT_OWED)
    lines = [
        cast(
            "BalanceLine",
            {
                "payee": told[payee],
                "belongs_to": told[others[payee]] if payee in others else None,
                "share": str(shares[payee]) if payee in shares else None,
                **{f"{column}_minor": by_payee[payee][column] for column in columns},
                "held_because": [*reasons[payee]],
                "rounding": str(carried.get(payee, Fraction())),
            },
        )
        for payee in payees
    ]
    sums = {f"{one}_minor": sum(by_payee[payee][one] for payee in payees) for one in columns}
    booked, through = _booked(view, id), through_pool(view, journal, id)
    return {
        "pool": id,
        "release": opened.release,
        "name": view.texts({opened.name}).get(opened.name),
        "currency": opened.currency,
        "agreement": agreement.final.number if agreement and agreement.final else None,
        "received_minor": booked["revenue"],
        "reversed_minor": -booked["reversal"],
        "opening_minor": booked["opening"],
        "waiting_minor": units.get(WAITING, 0),
        # Negative revenue is offset against waiting revenue, so a sum of 0 means that none waits.
        "waiting": _waiting(view, id, opened) if units.get(WAITING) else [],
        "divided_minor": sum(line["earned_minor"] for line in lines),
        "costs_minor": booked["expense"] + booked["expense_reversal"],
        "lines": lines,
        "waived": waived,
        "recouped": recouped_told(view, recouped(opened, {}, through)),
        "rules": sums_told(view, id, through),
        "totals": cast("Totals", sums),
    }


def _agreed(
    view: View, journal: Journal, agreement: Proposal | None
) -> tuple[dict[str, Fraction], list[WaivedLine]]:
    """The shares of an agreement after waivers, and what was waived."""
    if agreement is None:
        return {}, []
    assets, waivers = agreement.current.assets, waivers_of(view, journal, agreement)
    return dict(shares_of(assets, waivers)), waived_shares(view, assets, waivers)


def earned(view: View, id: str) -> dict[str, int]:
    """By payee: what they have earned from a pool, in units of its currency."""
    sums: dict[str, int] = defaultdict(int)
    for each in money.accounts(view, pools=[id]):
        sums[each.payee] += sum(each.units.values())
    return {payee: units for payee, units in sums.items() if units > 0}


def agreement_now(view: View, journal: Journal, pool: str) -> Proposal | None:
    """The agreement in force for what is earned now; before the first, the next one."""
    agreements = dated_in(view, pool)
    if not agreements:
        return None
    (latest,) = journal.facts.at([view.as_of])
    first = min(each.effective_at for each in agreements)
    held = in_force(agreements, max(instant(latest.fact().timestamp), first))
    assert held is not None
    return noun_at(view, journal, Proposal, held.agreement)


def _carried(view: View, journal: Journal, pool: str) -> dict[str, Fraction]:
    """By payee: the carry, which the latest entry of a pool lists for everybody."""
    row = view.one(
        "SELECT b.id FROM @bookings b WHERE b.pool = :pool AND b.proposal IS NOT NULL "
        "AND b.position <= :as_of ORDER BY b.position DESC LIMIT 1",
        pool=pool,
    )
    if row is None or "carry" not in pool_named(view, journal, pool).rounding:
        return {}
    entry = noun_at(view, journal, Entry, row[0])
    return {line.payee: line.after for line in entry.lines if line.after}


_BOOKED = ("revenue", "reversal", "opening", "expense", "expense_reversal")


def _booked(view: View, pool: str) -> dict[str, int]:
    rows = view.rows(
        "SELECT b.kind, CAST(sum(b.amount) AS BIGINT) FROM @bookings b "
        "WHERE b.pool = :pool AND b.against IS NULL AND b.position <= :as_of GROUP BY b.kind",
        pool=pool,
    )
    return dict.fromkeys(_BOOKED, 0) | dict(rows)


def _waiting(view: View, pool: str, opened: Pool.Opened) -> list[WaitingLine]:
    """Revenue not yet divided, by source, and what it waits for."""
    rows = view.rows(
        "SELECT min(r.source), min(r.named), CAST(sum(l.brought_minor) AS BIGINT), "
        "CAST(sum(CASE WHEN d.id IS NULL THEN l.left_minor ELSE 0 END) AS BIGINT) "
        "FROM @bookings r JOIN (SELECT e.revenue, sum(e.amount) AS left_minor, "
        # What a negative month takes from others is not what their sources brought in.
        "sum(CASE WHEN e.against IS NULL THEN e.amount ELSE 0 END) AS brought_minor FROM ("
        "SELECT b.revenue, b.amount, b.against FROM @bookings b WHERE b.pool = :pool "
        "AND b.kind IN ('revenue', 'reversal') AND b.position <= :as_of "
        "UNION ALL SELECT b.against, -b.amount, b.against FROM @bookings b WHERE b.pool = :pool "
        "AND b.against IS NOT NULL AND b.position <= :as_of) e GROUP BY e.revenue) l "
        "ON l.revenue = r.id "
        "LEFT JOIN @bookings d ON d.revenue = r.id AND d.kind = 'division' "
        "AND d.position <= :as_of "
        "WHERE r.pool = :pool AND r.kind = 'revenue' AND r.position <= :as_of "
        "GROUP BY r.source_id ORDER BY min(r.source), r.source_id",
        pool=pool,
    )
    texts = view.texts({named for _, named, *_ in rows})
    lines = (
        (texts[named] or source, brought, waiting, _because(brought, waiting, opened))
        for source, named, brought, waiting in rows
        if waiting
    )
    return told_rows(WaitingLine, lines)


def _because(brought: int, waiting: int, opened: Pool.Opened) -> str:
    if waiting < 0:
        return "below_zero"
    return "deferred" if opened.defers(brought) else "no_agreement"
