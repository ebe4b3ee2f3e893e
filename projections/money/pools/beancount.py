"""The ledger as a beancount journal, which other tools can read and `bean-check` accepts.

The one rule: a transaction is one append, it balances, and the balances at its end are asserted.

Format: beancount 3 (beancount.github.io/docs/beancount_language_syntax.html). A positive amount of
ours is somebody's claim, so it is negative there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple

from domain.fact import Fact
from domain.journal import Journal
from domain.moment import instant
from domain.money.currency import decimal
from domain.money.payee import Payee
from domain.money.payout import Payout
from domain.money.postings import (
    DIFFERENCE,
    EXCHANGED,
    IN_TRANSIT,
    OWED,
    PAID,
    RECEIVED,
    RESERVED,
    SUSPENSE,
    WAITING,
    WITHHELD,
)
from domain.printable import one_line
from domain.readers import MONEY
from projections.money.payees import payees_told
from projections.money.pools.accounts import pool_named
from projections.money.readers import Reader
from projections.money.rows import POSTED
from projections.question import Asking, Format
from projections.store import View, holds

_ROOTS = {
    RECEIVED: "Assets:Received",
    PAID: "Assets:Paid",
    WAITING: "Liabilities:Waiting",
    OWED: "Liabilities:Owed",
    IN_TRANSIT: "Liabilities:In-Transit",
    SUSPENSE: "Liabilities:Suspense",
    WITHHELD: "Liabilities:Withheld",
    RESERVED: "Liabilities:Reserved",
    EXCHANGED: "Equity:Exchanged",
    DIFFERENCE: "Income:Exchange-Differences",
}


class _Posted(NamedTuple):
    """A row of a posting."""

    position: int
    noun: str
    account: str
    payee: str | None
    currency: str
    amount: int
    pool: str | None


class _Booked(NamedTuple):
    """A row of a booking, for the metadata of a transaction."""

    pool: str
    kind: str
    source: str | None
    named: str | None
    """The source or category as a free text, which can be erased."""
    payee: str | None
    document: str | None
    revenue: str | None
    amount: int
    currency: str
    position: int
    at: str
    effective: str | None
    release: str


EXPENSES, PAID_FOR = "Expenses:Recorded", "Equity:Paid-For"
"""The accounts of recorded expenses; what is owed to the payer is posted when it is paid back."""


def beancount(
    view: View, journal: Journal, *, pool: str | None = None, reader: Reader | None = None
) -> str:
    """The journal of one pool, or of all.

    For a ``reader``, it says how others' payouts were taxed and exchanged only if they may read it.
    """
    return "\n".join(_lines(view, journal, pool, reader)) + "\n"


def _lines(view: View, journal: Journal, pool: str | None, reader: Reader | None) -> Iterator[str]:
    posted = list(_postings(view, pool))
    booked = _booked(view, pool)
    expenses = [id for id, each in booked.items() if each.kind.startswith("expense")]
    texts = view.texts({text for each in booked.values() for text in (each.document, each.named)})
    told = payees_told(view, {each.payee for each in posted if each.payee is not None})
    facts = {
        placed.position: placed.fact()
        for placed in journal.facts.at(sorted({each.position for each in posted}))
    }
    days = {position: facts[position].timestamp.date() for position in facts}
    append = {position: facts[position].timestamp for position in facts}
    yield "; Written by Stemma. Amounts owed to somebody are negative."
    yield f'option "title" "Stemma, as of position {view.as_of}"'
    for currency in sorted({each.currency for each in posted}):
        yield f'option "operating_currency" "{currency}"'
    spent = [date.fromisoformat(booked[id].at[:10]) for id in expenses]
    first = min([*days.values(), *spent], default=date(1970, 1, 1))
    accounts = {(each.account, each.payee): each.currency for each in posted}
    yield ""
    for account, payee in sorted(accounts, key=lambda each: _name(*each)):
        yield f"{first} open {_name(account, payee)}"
        if payee is not None:
            yield f"  payee: {_text(payee)}"
            if name := told[payee]["name"]:
                yield f"  name: {_text(name)}"
    if expenses:
        yield f"{first} open {EXPENSES}"
        yield f"{first} open {PAID_FOR}"
    balances: dict[tuple[str, str], int] = defaultdict(int)
    for (noun, _), alike in groupby(posted, key=lambda each: (each.noun, append[each.position])):
        lines = list(alike)
        happened = facts[lines[0].position]
        yield ""
        yield f"{days[lines[0].position]} * {_text(happened.TOPIC)}"
        yield f"  position: {lines[0].position}"
        yield f"  noun: {_text(noun)}"
        yield f"  recorded: {_text(instant(happened.timestamp))}"
        if happened.effective:
            yield f"  effective: {_text(happened.effective)}"
        yield from _about(booked, noun, {each.pool for each in lines if each.pool}, texts)
        if reader is None or reader.sees(happened):
            yield from _sent(happened)
        for each in lines:
            balances[_name(each.account, each.payee), each.currency] -= each.amount
            yield f"  {_name(each.account, each.payee)}  {_amount(-each.amount, each.currency)}"
    for id in expenses:
        yield from _expense(booked, id, texts)
    last = max([*days.values(), *spent], default=first) + timedelta(days=1)
    yield ""
    for (name, currency), amount in sorted(balances.items()):
        yield f"{last} balance {name}  {_amount(amount, currency)}"


def _about(
    booked: Mapping[str, _Booked], noun: str, pools: set[str], texts: Mapping[str | None, str]
) -> Iterator[str]:
    """The pool, release, source and document of an entry; of a payout of several pools, none."""
    about = booked.get(noun)
    if about is None:
        if len(pools) == 1:
            yield f"  pool: {_text(*pools)}"
        return
    yield f"  pool: {_text(about.pool)}"
    yield f"  release: {_text(about.release)}"
    # Divisions and reversals have the source and the document of their revenue.
    of = booked.get(about.revenue or "", about)
    kind = "category" if of.kind.startswith("expense") else "source"
    if said := texts.get(of.named) or of.source:
        yield f"  {kind}: {_text(said)}"
    if document := texts.get(about.document) or texts.get(of.document):
        yield f"  document: {_text(document)}"


def _sent(happened: Fact) -> Iterator[str]:
    """Metadata of a payout: its exchange rate, and the rules of withholding applied."""
    if not isinstance(happened, Payout.Event):
        return
    if happened.conversion is not None:
        yield f"  rate: {_text(happened.conversion['rate'])}"
        yield f"  exchange-rate: {_text(happened.conversion['exchange_rate'])}"
    for country, rule, rate, *_ in happened.withheld or ():
        if rule is not None:
            said = f"{rate} for {country} by {rule}"
            yield f"  withheld-{str(country).lower()}: {_text(said)}"


def _expense(
    booked: Mapping[str, _Booked], id: str, texts: Mapping[str | None, str]
) -> Iterator[str]:
    spent = booked[id]
    yield ""
    topic = "expense.recorded" if spent.kind == "expense" else "expense.reversed"
    yield f'{spent.at[:10]} * "{topic}"'
    yield f"  position: {spent.position}"
    yield f"  noun: {_text(id)}"
    yield f"  recorded: {_text(spent.at)}"
    if spent.effective:
        yield f"  effective: {_text(spent.effective)}"
    yield from _about(booked, id, set(), texts)
    yield f"  payer: {_text(spent.payee or '')}"
    yield f"  {EXPENSES}  {_amount(spent.amount, spent.currency)}"
    yield f"  {PAID_FOR}  {_amount(-spent.amount, spent.currency)}"


def _booked(view: View, pool: str | None) -> dict[str, _Booked]:
    """What was booked, by its id."""
    where = "" if pool is None else "AND b.pool = :pool"
    rows = view.rows(
        "SELECT b.id, b.pool, b.kind, b.source, b.named, b.payee, b.document, b.revenue, b.amount, "
        "o.currency, b.position, b.at, b.effective, w.id FROM @bookings b "
        f"JOIN @pools o ON o.id = b.pool JOIN @works w ON w.number = o.release AND {holds('w')} "
        f"WHERE b.position <= :as_of {where} ORDER BY b.position",
        **({} if pool is None else {"pool": pool}),
    )
    return {id: _Booked(*row) for id, *row in rows}


def _postings(view: View, pool: str | None) -> Iterator[_Posted]:
    where = "" if pool is None else "AND p.pool = :pool"
    rows = view.rows(
        "SELECT p.position, p.noun, p.account, p.payee, p.currency, p.amount, p.pool "
        f"FROM @postings p WHERE p.position <= :as_of {where} ORDER BY {POSTED}",
        **({} if pool is None else {"pool": pool}),
    )
    for row in rows:
        yield _Posted(*row)


def _name(account: str, payee: str | None) -> str:
    """The name of an account; a payee's part has letters, digits and dashes only."""
    if payee is None:
        return _ROOTS[account]
    if Payee.parse(payee).is_contributor:
        return f"{_ROOTS[account]}:P-{payee}"
    return f"{_ROOTS[account]}:N-{sha256(payee.encode()).hexdigest()[:16]}"


def _amount(amount_minor: int, currency: str) -> str:
    return f"{decimal(amount_minor, currency)} {currency}"


def _text(text: str) -> str:
    """Text in quotes, on one line."""
    plain = one_line(text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _as_beancount(asking: Asking) -> str:
    pool = asking.said["id"]
    pool_named(asking.view, asking.journal, pool)
    reader = Reader(asking.view, asking.journal, asking.actor)
    reader.must("the ledger of this pool", MONEY, pool)
    return beancount(asking.view, asking.journal, pool=pool, reader=reader)


FORMS = {
    "beancount": Format(
        "text/x-beancount",
        _as_beancount,
        "2026-06-01 open Assets:Received\n…",
    )
}
