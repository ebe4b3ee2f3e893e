"""The read tables about money: pools, agreements, bookings, postings and payouts.

A posting is never changed. What depends on many facts is computed by queries, not stored.

One file, because it is one list: the rows of each fact.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain.contributor import Contributor
from domain.fact import Fact
from domain.moment import instant
from domain.money.doubt import DOUBTING, doubt_of, doubted_by
from domain.money.entry import Entry
from domain.money.exchange import ExchangeRate, PaymentCurrency
from domain.money.outsider import Outsider
from domain.money.payee import Payee
from domain.money.payout import Batch, Payout
from domain.money.period import Period
from domain.money.pool import Pool
from domain.money.postings import Posting, postings
from domain.money.proposal import Proposal, depends_on
from domain.money.revenue import Expense, Revenue
from domain.money.share import Share
from domain.money.terms import named_in
from domain.money.withholding import Withholding
from projections.tables import (
    Amend,
    Change,
    Numbers,
    Projection,
    Put,
    Values,
    born,
    facts_about,
    table,
)

POOLS = table(
    "pools",
    "id TEXT, release BIGINT, name TEXT, kind TEXT, currency TEXT, position BIGINT",
    ("id", "release, position"),
)
PROPOSALS = table(
    "proposals",
    "id TEXT, pool TEXT, state TEXT, number BIGINT NULL, opened_at TEXT, closes_at TEXT, "
    "effective_at TEXT NULL, is_passed BIGINT, staged BIGINT, born BIGINT",
    ("id", "pool, born"),
    key="id",
)
"""``is_passed``: whether it may have shares that came from others (see domain.money.passing)."""
PIECES = table(
    "pieces",
    "proposal TEXT, payee TEXT, asset TEXT, piece TEXT, position BIGINT",
    ("proposal, payee, position", "payee", "piece"),
)
SHARES = table(
    "shares",
    "id TEXT, proposal TEXT, payee TEXT, state TEXT, share TEXT, contributor TEXT NULL",
    ("id", "proposal, payee", "payee", "contributor"),
    key="id",
)
HOLDS = table(
    "holds",
    "id TEXT, work TEXT, contributor TEXT NULL, child TEXT NULL, state TEXT, by_name BIGINT, "
    "by_piece BIGINT, by_origin BIGINT, position BIGINT",
    ("position", "state, position"),
)
NAMED = table(
    "named",
    "pool TEXT, payee TEXT, position BIGINT",
    ("pool, position", "payee"),
)
"""The people and works named in the terms of a pool."""
KNOWN = table(
    "known",
    "proposal TEXT, payee TEXT NULL, known_as TEXT NULL, upto BIGINT, position BIGINT",
    ("proposal, position",),
)
"""The positions up to which an agreement, or one share, accounts for what was found false; or the
agreement that accounts for it."""
FORGOTTEN = table(
    "forgotten",
    "contributor TEXT, position BIGINT",
    ("contributor, position",),
)
"""People who were forgotten, so that nobody is left to be paid."""
IDENTIFIED = table(
    "identified",
    "name TEXT, contributor TEXT, position BIGINT",
    ("name", "contributor"),
)
"""Outsiders' names, and the contributors they were identified as."""
PERIODS = table(
    "periods",
    "id TEXT, until TEXT, position BIGINT",
    ("position",),
)
"""Closed periods: their end, and the position at which they were closed."""
BOOKINGS = table(
    "bookings",
    "id TEXT, kind TEXT, pool TEXT, proposal TEXT NULL, revenue TEXT NULL, source TEXT NULL, "
    "source_id TEXT NULL, named TEXT NULL, payee TEXT NULL, payee_named TEXT NULL, "
    "amount BIGINT, effective TEXT NULL, at TEXT, document TEXT NULL, note TEXT NULL, "
    "repeats TEXT NULL, against TEXT NULL, position BIGINT",
    ("id", "pool, position", "revenue", "against"),
)
POSTINGS = table(
    "postings",
    "position BIGINT, noun TEXT, account TEXT, payee TEXT NULL, proposal TEXT NULL, "
    "pool TEXT NULL, currency TEXT, amount BIGINT, is_reserve BIGINT",
    ("payee, position", "pool, position", "position"),
)
POSTED = (
    "p.position, p.account, COALESCE(p.payee, ''), COALESCE(p.proposal, ''), p.pool, "
    "p.is_reserve, p.amount DESC"
)
"""The columns by which postings are ordered; those equal in all of them are interchangeable."""
SUMS = table(
    "sums",
    "account_id TEXT, account TEXT, payee TEXT NULL, proposal TEXT NULL, pool TEXT NULL, "
    "currency TEXT, amount BIGINT, born BIGINT",
    ("account_id", "payee", "pool", "account, currency"),
    sum="amount",
)
"""The present balance of each account: the sum of its postings."""
PAYOUTS = table(
    "payouts",
    "id TEXT, batch TEXT, payee TEXT, currency TEXT, amount BIGINT, state TEXT, "
    "reference TEXT NULL, reason TEXT NULL, withheld BIGINT, sent_currency TEXT, sent BIGINT, "
    "rate TEXT NULL, exchange_rate TEXT NULL, issued_at TEXT, born BIGINT",
    ("id", "batch, born", "payee, born"),
    key="id",
)
BATCHES = table(
    "batches",
    "id TEXT, currency TEXT, count BIGINT, total BIGINT, issued_at TEXT, position BIGINT",
    ("id", "position"),
)

RATES = table(
    "rates",
    "id TEXT, currency TEXT, into_currency TEXT, rate TEXT, effective TEXT, source TEXT, "
    "position BIGINT",
    ("id", "position"),
)
PAYMENT_CURRENCIES = table(
    "payment_currencies",
    "id TEXT, payee TEXT, currency TEXT NULL, position BIGINT",
    ("position", "payee, position"),
)
WITHHOLDINGS = table(
    "withholdings",
    "id TEXT, payee TEXT, country TEXT, rate TEXT, document TEXT, note TEXT NULL, "
    "effective TEXT, until_at TEXT NULL, state TEXT, born BIGINT",
    ("id", "born", "payee, born"),
    key="id",
)
WITHHELD = table(
    "withheld",
    "position BIGINT, noun TEXT, payee TEXT, country TEXT, rule TEXT NULL, rate TEXT NULL, "
    "currency TEXT, paid BIGINT, amount BIGINT, sign BIGINT, at TEXT",
    ("at", "payee, at", "noun"),
)
"""What was paid out of a country and withheld for it; negative for a payout that came back."""

RESERVES = table(
    "reserves",
    "position BIGINT, payee TEXT, currency TEXT, until_at TEXT, amount BIGINT",
    ("payee, position",),
)
"""What is held back for returns, by the date at which it is freed; negative: freed."""

ENTRIES = {
    Entry.Divided: "division",
    Entry.Reversed: "reversal",
    Entry.Corrected: "correction",
    Entry.Redivided: "correction",
    Entry.Adjusted: "adjustment",
    Entry.Opened: "opening",
    Entry.Freed: "reserve",
    Entry.Assigned: "assignment",
}
"""The names of the kinds of entries."""


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """The rows that a fact about money adds or changes."""
    yield from _agreed(position, happened, numbers)
    yield from _in_question(position, happened)
    yield from _booked(position, happened)
    yield from _paid(position, happened)
    yield from _arranged(position, happened)
    if isinstance(happened, Entry.Event):
        for payee, units, until, *_ in happened.reserved or ():
            yield Put(RESERVES, (position, payee, happened.currency, until, units))
    for posting in postings(happened):
        is_reserve = int(posting.is_reserve)
        yield Put(POSTINGS, (position, happened.originator_id, *posting[:-1], is_reserve))
        yield Put(SUMS, _sum(position, posting))


def _sum(position: int, posting: Posting) -> Values:
    """The row of SUMS with what a posting adds to its account."""
    account, payee, agreement, pool, currency, amount, _ = posting
    id = "/".join((account, currency, pool or "", agreement or "", payee or ""))
    return (id, account, payee, agreement, pool, currency, amount, position)


def _agreed(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    id = happened.originator_id
    match happened:
        case Pool.Opened(release=release):
            yield born(POOLS, happened, release=numbers[release], position=position)
            yield from _named(position, id, happened)
        case Pool.Amended():
            yield from _named(position, id, happened)
        case Proposal.Posted():
            opened: dict[str, Any] = {"opened_at": instant(happened.timestamp), "staged": position}
            opened |= {"is_passed": int(_is_passed(happened))}
            yield born(PROPOSALS, happened, state="open", **opened, born=position)
            yield from _pieces(position, happened)
        case Proposal.Revised():
            is_passed = {"is_passed": 1} if _is_passed(happened) else {}
            yield Amend(PROPOSALS, id, {"staged": position} | is_passed)
            yield from _pieces(position, happened)
        case Proposal.Continued():
            if _is_passed(happened):
                yield Amend(PROPOSALS, id, {"is_passed": 1})
            yield from _pieces(position, happened)
        case Proposal.Extended(closes_at=closes_at):
            yield Amend(PROPOSALS, id, {"closes_at": closes_at})
        case Proposal.Withdrawn():
            yield Amend(PROPOSALS, id, {"state": "withdrawn"})
        case Proposal.Implied(timestamp=at):
            when = {"opened_at": instant(at), "closes_at": instant(at), "staged": position}
            yield born(PROPOSALS, happened, **when, is_passed=0, born=position)
        case Proposal.Finalised(number=number, effective_at=effective_at, replaces=replaced):
            final = {"state": "finalised", "number": number, "effective_at": effective_at}
            final |= {"is_passed": 1} if replaced else {}
            yield Amend(PROPOSALS, id, final)
        case Share.Offered() | Share.Claimed():
            yield born(
                SHARES,
                happened,
                state="offered",
                contributor=getattr(happened, "contributor", None),
            )
        case Share.Event(leaves=str(state)) if state:
            yield Amend(SHARES, id, {"state": state})


def _named(position: int, pool: str, happened: Pool.Opened | Pool.Amended) -> Iterator[Change]:
    for payee in named_in(happened):
        if Payee.parse(payee).kind != "other":
            yield Put(NAMED, (pool, payee, position))


def _in_question(position: int, happened: Fact) -> Iterator[Change]:
    """The rows about what puts money on hold, and about its resolution."""
    match happened:
        case _ if isinstance(happened, DOUBTING):
            yield _question(position, happened)
        case Outsider.Identified(payee=name, contributor=contributor):
            yield Put(IDENTIFIED, (name, contributor, position))
        case Contributor.Forgotten(holds=True):
            yield Put(FORGOTTEN, (happened.originator_id, position))
        case Proposal.Finalised() | Proposal.Implied():
            known_as = getattr(happened, "known_as", None)
            upto = getattr(happened, "known_at", None) or position
            yield Put(KNOWN, (happened.originator_id, None, known_as, upto, position))
        case Proposal.Confirmed(payee=payee):
            yield Put(KNOWN, (happened.originator_id, payee, None, position, position))
        case Entry.Corrected(replaces=str(replaced), is_complete=True, known_as=known_as):
            yield Put(KNOWN, (replaced, None, known_as, position, position))


def _question(position: int, happened: Fact) -> Change:
    """The row about a credit, edge or hold that is in question from now on, or no longer."""
    state, limits = "lifted", (True, False, False)
    if (doubt := doubt_of(position, happened)) is not None:
        state = "open" if doubt.false_at is None else "false"
        limits = doubt.by_name, doubt.by_piece, doubt.by_origin
    row = (happened.originator_id, *doubted_by(happened), state, *map(int, limits), position)
    return Put(HOLDS, row)


def _is_passed(happened: Proposal.Stage | Proposal.Continued) -> bool:
    """Whether somebody has a share through a group."""
    return any(asset.get("through") for asset in happened.divided)


def _pieces(position: int, happened: Proposal.Stage | Proposal.Continued) -> Iterator[Change]:
    for asset in happened.divided:
        for payee, _ in asset["shares"]:
            for piece in depends_on(asset, payee):
                row = (happened.originator_id, payee, asset["asset"], piece, position)
                yield Put(PIECES, row)


def _booked(position: int, happened: Fact) -> Iterator[Change]:
    id = happened.originator_id
    more: dict[str, Any]
    match happened:
        case Period.Closed():
            yield born(PERIODS, happened, position=position)
            return
        case Revenue.Recorded():
            more = {"kind": "revenue", "revenue": id, "effective": happened.effective_at}
            more |= {"source_id": happened.from_source, "named": happened.source_name}
        case Expense.Recorded(category=source, payer=payee):
            more = {"kind": "expense", "source": source, "payee": payee}
            more |= {"effective": happened.effective_at, "named": happened.category_name}
            more["payee_named"] = happened.payer_name
        case Revenue.Reversed(reversal=reversal, amount_minor=amount, reason=reason):
            more = {"id": reversal, "kind": "reversal", "revenue": id, "amount": -amount}
            more |= {"effective": None, "note": reason}
        case Expense.Reversed(reversal=reversal, amount_minor=amount, reason=reason):
            # The column “revenue” names what is reversed, here the expense.
            more = {"kind": "expense_reversal", "id": reversal, "revenue": id, "amount": -amount}
            more |= {"effective": happened.effective_at, "payee": happened.payer, "note": reason}
        case Entry.Assigned(to=to, reason=reason):
            more = {"kind": ENTRIES[Entry.Assigned], "payee": to, "note": reason}
            more |= {"effective": None, "document": happened.evidence}
        case Entry.First(effective_at=effective, reason=reason):
            more = {"kind": ENTRIES[type(happened)], "effective": effective, "note": reason}
        case _:
            return
    common = {"amount": happened.amount_minor, "at": instant(happened.timestamp)}
    yield born(BOOKINGS, happened, **(common | more), position=position)


_OF_RATE = ("rate", "exchange_rate")


def _arranged(position: int, happened: Fact) -> Iterator[Change]:
    """The rows about rates, payment currencies and withholding."""
    match happened:
        case ExchangeRate.Stated(effective_at=since, source_name=source):
            more = {"effective": since, "source": source}
            yield born(RATES, happened, **more, position=position)
        case PaymentCurrency.Chosen():
            yield born(PAYMENT_CURRENCIES, happened, position=position)
        case Withholding.Stated(effective_at=since, until=until):
            dates = {"effective": since, "until_at": until}
            yield born(WITHHOLDINGS, happened, **dates, born=position)
        case Withholding.Ended():
            yield Amend(WITHHOLDINGS, happened.originator_id, {"state": happened.STATE})
        case Payout.Issued() | Payout.Returned():
            sign = 1 if isinstance(happened, Payout.Issued) else -1
            noun, payee, at = happened.originator_id, happened.payee, instant(happened.timestamp)
            for country, rule, rate, paid, units in happened.withheld or ():
                amounts = sign * int(paid or 0), sign * int(units or 0), sign
                of = country, rule, rate, happened.currency
                yield Put(WITHHELD, (position, noun, payee, *of, *amounts, at))


def _paid(position: int, happened: Fact) -> Iterator[Change]:
    id, at = happened.originator_id, instant(happened.timestamp)
    match happened:
        case Batch.Opened(total_minor=total):
            yield born(BATCHES, happened, total=total, issued_at=at, position=position)
        case Payout.Issued(amount_minor=amount):
            new = {"amount": amount, "state": "issued", "issued_at": at}
            sent = dict(zip(("sent_currency", "sent"), happened.sent, strict=True))
            rate = {name: (happened.conversion or {}).get(name) for name in _OF_RATE}
            new |= {**sent, **rate, "withheld": sum(happened.kept_of_parts)}
            yield born(PAYOUTS, happened, **new, born=position)
        case Payout.Settled(reference=reference):
            yield Amend(PAYOUTS, id, {"state": "settled", "reference": reference})
        case Payout.Returned(reason=reason):
            yield Amend(PAYOUTS, id, {"state": "returned", "reason": reason})
        case Payout.Event():
            yield Amend(PAYOUTS, id, {"state": happened.STATE})


MONEY = Projection(
    "money",
    (
        *(POOLS, NAMED, PROPOSALS, PIECES, SHARES, KNOWN, HOLDS, FORGOTTEN, IDENTIFIED, PERIODS),
        *(BOOKINGS, POSTINGS, SUMS, PAYOUTS, BATCHES),
        *(RATES, PAYMENT_CURRENCIES, WITHHOLDINGS, WITHHELD, RESERVES),
    ),
    changes,
    (
        *facts_about(Pool, Proposal, Share, Entry, Revenue, Expense, Payout, Batch, Period),
        *facts_about(Outsider, ExchangeRate, PaymentCurrency, Withholding),
        *(Contributor.Forgotten, *DOUBTING),
    ),
)
