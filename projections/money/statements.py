"""Statements: what a person earned, was paid and is owed in a period, line by line.

The one rule: opening + earned − recouped − held − reserved − paid = closing, to the unit, and every
line names its fact.

A period is a range of journal positions. What is owed and not on hold can be paid; a debt is
what was overpaid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import NamedTuple, cast

from domain.journal import Journal
from domain.moment import instant
from domain.money.entry import Entry
from domain.money.held import DEBT, HELD, PAYABLE, Held
from domain.money.postings import OWED, PAID, RESERVED, WITHHELD
from projections import contributors
from projections.money import balances as money
from projections.money.earning import LATE
from projections.money.movements import movements
from projections.money.payees import titles
from projections.money.pools import recouping
from projections.money.pools.ruling import of_lines
from projections.money.sending import EXCHANGED_INTO
from projections.money.told import (
    EARNING,
    ENTRY_KINDS,
    RESERVE,
    Balances,
    CurrencyStatement,
    Exchanged,
    HeldLine,
    ReserveTold,
    Statement,
    StatementLine,
)
from projections.store import View, holds, told_of, told_rows
from projections.told import PersonRef

AT_ONCE = 500
"""How many facts with lines are read at once."""


class PayeeBalances:
    """The balances of payees in one currency at one position."""

    def __init__(
        self, view: View, journal: Journal, payees: Collection[str], currency: str
    ) -> None:
        self.units: dict[str, int] = defaultdict(int)
        self.held: dict[Held, int] = defaultdict(int)
        self.is_exchanged = False
        """Whether anything earned in another currency was ever sent in this one."""
        if not view.as_of:
            return  # nothing was recorded before the first fact
        accounts = money.accounts(view, payees=payees, currency=currency)
        standings = [*money.standings(view, journal, accounts)]
        sums, _ = money.summed(standings, lambda one: one.currency)
        self.units = sums[currency]
        for _, stands in standings:
            if stands.held.because:
                self.held[stands.held] += stands.sums[HELD]
        for _, into, account, units in money.sent_units(view, payees):
            if into == currency:
                self.units[account] += units
                self.is_exchanged = True


def currencies(view: View, journal: Journal, payees: Collection[str]) -> list[str]:
    """The currencies in which these payees have postings, or earnings that were recouped."""
    rows = view.rows(
        "SELECT DISTINCT x.currency FROM @sums x WHERE x.payee IN :payees AND x.born <= :as_of",
        payees=list(payees),
    )
    have = {currency for (currency,) in rows}
    return sorted(have | recouping.currencies(view, journal, payees, have))


def statement(
    view: View,
    journal: Journal,
    id: str,
    *,
    after: int = 0,
    until: int | None = None,
    currency: str | None = None,
) -> Statement:
    """The statement of a person for the positions after ``after``, up to ``until`` or the view's.

    The person's accounts are those known to the view, so that consecutive periods fit together.
    """
    person = money.paid_as(view, id)
    payees = money.payees_of(view, id)
    end = view if until is None else view.at(until)
    after = min(after, end.as_of)
    wanted = currencies(end, journal, payees) if currency is None else [currency]
    return {
        "contributor": person,
        "after": after,
        "until": end.as_of,
        "statements": [_in_currency(end, journal, payees, after, each) for each in wanted],
    }


_CALLED = {name: name for name in (PAYABLE, HELD, DEBT, *money.NOT_OWED)} | {PAID: "settled"}
"""By ledger account or state of what is owed: its name in a statement."""


def _in_currency(
    view: View, journal: Journal, payees: Collection[str], after: int, currency: str
) -> CurrencyStatement:
    before = PayeeBalances(view.at(after), journal, payees, currency)
    now = PayeeBalances(view, journal, payees, currency)
    lines = _lines(view, journal, payees, after, currency)
    earned = sum(line["amount_minor"] for line in lines if line["kind"] in EARNING)
    paid = -sum(line["amount_minor"] for line in lines if line["kind"] not in ENTRY_KINDS)
    return {
        "currency": currency,
        "opening_minor": before.units[PAYABLE],
        "earned_minor": earned,
        "recouped_minor": before.units[DEBT] - now.units[DEBT],
        "held_minor": now.units[HELD] - before.units[HELD],
        "paid_minor": paid,
        "withheld_minor": now.units[WITHHELD] - before.units[WITHHELD],
        "reserved_minor": now.units[RESERVED] - before.units[RESERVED],
        "closing_minor": now.units[PAYABLE],
        "net": {
            "opening_minor": before.units[PAYABLE] - before.units[DEBT],
            "closing_minor": now.units[PAYABLE] - now.units[DEBT],
        },
        "balances": cast(
            "Balances",
            {f"{called}_minor": now.units[account] for account, called in _CALLED.items()},
        ),
        "exchanged": _exchanged(view, payees, currency) if now.is_exchanged else [],
        "held": _held_told(view, now.held),
        "reserves": reserves(view, payees, currency) if now.units[RESERVED] else [],
        "lines": lines,
        "movements": movements(view, journal, payees, after, currency, lines),
    }


def _exchanged(view: View, payees: Collection[str], currency: str) -> list[Exchanged]:
    """What was sent in this currency and didn't come back, by the currency it was earned in."""
    rows = view.rows(
        f"SELECT y.currency, CAST(sum(y.sent) AS BIGINT) FROM {EXCHANGED_INTO} "
        "AND y.state IN ('issued', 'settled') GROUP BY y.currency ORDER BY y.currency",
        payees=list(payees),
        currency=currency,
    )
    return told_rows(Exchanged, rows)


def _held_told(view: View, held: Mapping[Held, int]) -> list[HeldLine]:
    """What is on hold, the largest amount first, with the reasons and the assets."""
    named = titles(view, {asset for why in held for asset in why.assets})
    ordered = sorted((-amount, why.because, sorted(why.assets)) for why, amount in held.items())
    return [
        {
            "because": list(because),
            "amount_minor": -amount,
            "assets": [{"asset": asset, "title": named.get(asset)} for asset in assets],
        }
        for amount, because, assets in ordered
    ]


def _lines(
    view: View, journal: Journal, payees: Collection[str], after: int, currency: str
) -> list[StatementLine]:
    """What was allocated and what was paid, in the order of recording."""
    rows = view.rows(
        "SELECT p.position, p.noun, p.payee, p.proposal, p.pool, p.amount, b.kind, b.at, "
        "COALESCE(x.effective, b.effective), b.amount, COALESCE(x.source, r.source), "
        "COALESCE(x.named, r.named), b.revenue, y.born, COALESCE(b.note, x.note, y.reason), "
        f"w.id, w.title, o.name, a.number, p.is_reserve, CASE WHEN {LATE} THEN 1 ELSE 0 END "
        "FROM @postings p "
        "LEFT JOIN @bookings b ON b.id = p.noun "
        "LEFT JOIN @bookings r ON r.id = b.revenue AND r.kind = 'revenue' "
        "LEFT JOIN @bookings x ON x.id = b.against "
        f"LEFT JOIN @payouts y ON y.id = p.noun AND {holds('y')} "
        f"JOIN @pools o ON o.id = p.pool JOIN @works w ON w.number = o.release AND {holds('w')} "
        f"JOIN @proposals a ON a.id = p.proposal AND {holds('a')} "
        "WHERE p.payee IN :payees AND p.currency = :currency AND p.account = :owed "
        "AND p.position > :after AND p.position <= :as_of "
        "ORDER BY p.position, p.pool, p.payee, p.proposal, p.is_reserve, p.amount DESC",
        payees=list(payees),
        currency=currency,
        owed=OWED,
        after=after,
    )
    found = [_Given(*row) for row in rows]
    texts = view.texts(
        {text for row in found for text in (row.title, row.name, row.reason, row.named)}
    )
    shares = _shares(journal, [row for row in found if row.kind in ENTRY_KINDS])
    rules = of_lines(view, journal, [(row.noun, row.payee, row.kind, row.pool) for row in found])
    groups = _through(view, payees)
    payouts = journal.facts.at(sorted({row.position for row in found if row.at is None}))
    moved = {placed.position: instant(placed.fact().timestamp) for placed in payouts}
    return [
        told_of(
            StatementLine,
            row,
            recorded_at=row.at or moved[row.position],
            effective_at=row.effective,
            kind=RESERVE if row.is_reserve else _kind(row),
            release={"id": row.release, "title": texts[row.title]},
            pool={"id": row.pool, "name": texts[row.name]},
            agreement=row.number,
            source=texts[row.named] or row.source,
            of_minor=row.of,
            share=None if row.is_reserve else shares.get((row.noun, row.payee)),
            reason=None if _kind(row) in ("division", "claim") else texts[row.reason],
            amount_minor=row.amount,
            is_late=bool(row.is_late),
            rules=[] if row.is_reserve else rules.get((row.noun, row.payee), []),
            through=groups.get((row.proposal, row.payee), []) if row.kind in ENTRY_KINDS else [],
        )
        for row in found
    ]


def _through(view: View, payees: Collection[str]) -> dict[tuple[str, str], list[PersonRef]]:
    """By agreement and payee: the groups through which they have a share."""
    rows = view.rows(
        "SELECT DISTINCT q.proposal, q.payee, p.number FROM @pieces q "
        f"JOIN @contributors p ON p.id = q.piece AND {holds('p')} "
        "WHERE q.payee IN :payees AND q.position <= :as_of ORDER BY q.proposal, p.number",
        payees=list(payees),
    )
    told = contributors.persons(view, {number for *_, number in rows})
    found: dict[tuple[str, str], list[PersonRef]] = {}
    for proposal, payee, number in rows:
        found.setdefault((proposal, payee), []).append(told[number])
    return found


def _shares(journal: Journal, given: list[_Given]) -> dict[tuple[str, str], str]:
    """By entry and payee: the exact share that was due; missing if the amount is 0.

    Of an entry with thousands of payees, only the facts that have a line of theirs are read.
    """
    amounts = {(row.noun, row.payee): row.of for row in given if row.of}
    positions = sorted({row.position for row in given if row.of})
    shares = {}
    for first in range(0, len(positions), AT_ONCE):
        for placed in journal.facts.at(positions[first : first + AT_ONCE]):
            entry = placed.fact()
            assert isinstance(entry, Entry.Event)
            for payee, _, due, *_ in entry.lines:
                if amount := amounts.get((entry.originator_id, str(payee))):
                    shares[entry.originator_id, str(payee)] = str(Fraction(due) / amount)
    return shares


class _Given(NamedTuple):
    """A row about something allocated or paid to a payee."""

    position: int
    noun: str
    payee: str
    proposal: str
    pool: str
    amount: int
    kind: str | None
    at: str | None
    effective: str | None
    of: int | None
    source: str | None
    named: str | None
    revenue: str | None
    issued: int | None
    reason: str | None
    release: str
    title: str
    name: str
    number: int
    is_reserve: int
    is_late: int


def _kind(row: _Given) -> str:
    return row.kind or ("payout" if row.position == row.issued else "claim")


def reserves(view: View, payees: Collection[str], currency: str) -> list[ReserveTold]:
    """The reserves of these payees, by the date at which they are freed."""
    rows = view.rows(
        "SELECT v.until_at, CAST(sum(v.amount) AS BIGINT) FROM @reserves v "
        "WHERE v.payee IN :payees AND v.currency = :currency AND v.position <= :as_of "
        "GROUP BY v.until_at ORDER BY v.until_at",
        payees=list(payees),
        currency=currency,
    )
    return [{"until": until or None, "amount_minor": units} for until, units in rows if units]
