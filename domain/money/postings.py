"""Postings: what a fact moves from which account to which.

The postings of one append sum to zero.

What is owed to a payee is on one account for each agreement. It may be negative: a debt that later
earnings reduce. Whether it can be paid now is a condition, not an account (see domain.money.held).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from domain.fact import Fact
from domain.money.entry import Entry
from domain.money.payout import Payout
from domain.money.revenue import Revenue

RECEIVED = "received"
WAITING = "waiting"
OWED = "owed"
RESERVED = "reserved"
IN_TRANSIT = "in_transit"
PAID = "paid"
SUSPENSE = "suspense"
WITHHELD = "withheld"
EXCHANGED = "exchanged"
DIFFERENCE = "exchange_difference"
ACCOUNTS = {
    RECEIVED: "what came in or was taken over (negative: the other side of everything else)",
    WAITING: "revenue that is not divided yet; negative: what the next revenue makes up for",
    OWED: "what a payee earned and was not paid; negative after an overpayment",
    RESERVED: "what is held back of it for returns",
    IN_TRANSIT: "payouts that are on their way",
    PAID: "payouts that have arrived",
    SUSPENSE: "payouts that came back and are not claimed yet",
    WITHHELD: "what was withheld of payouts, and is owed to the countries the money came from",
    EXCHANGED: "what was given for another currency, and (negative) what was got for it",
    DIFFERENCE: "what rounding conversions gained, in whole units; a loss is negative",
}


class Posting(NamedTuple):
    """An amount on an account, with a payee where the account has one."""

    account: str
    payee: str | None
    agreement: str | None
    pool: str | None
    """None of what is sent in another currency: that may be for several pools."""
    currency: str
    amount_minor: int
    is_reserve: bool = False
    """Whether it is held back for returns, or freed, and not earned."""


def postings(happened: Fact) -> Iterator[Posting]:
    """What a fact posts; the postings of one append sum to zero."""
    match happened:
        case Revenue.Recorded(pool=pool, currency=currency, amount_minor=amount):
            yield Posting(RECEIVED, None, None, pool, currency, -amount)
            yield Posting(WAITING, None, None, pool, currency, amount)
        case Revenue.Reversed(against=str()):
            return  # both are on the same account
        case Revenue.Reversed(pool=pool, currency=currency, amount_minor=amount):
            yield Posting(RECEIVED, None, None, pool, currency, amount)
            yield Posting(WAITING, None, None, pool, currency, -amount)
        case Entry.Divided(pool=pool, currency=currency, amount_minor=amount):
            yield Posting(WAITING, None, None, pool, currency, -amount)
            yield from _owed(happened)
        case Entry.Reversed(pool=pool, currency=currency, amount_minor=amount):
            account = RECEIVED if happened.against is None else WAITING
            yield Posting(account, None, None, pool, currency, -amount)
            yield from _owed(happened)
        case Entry.Opened(pool=pool, currency=currency, amount_minor=amount):
            yield Posting(RECEIVED, None, None, pool, currency, -amount)
            yield from _owed(happened)
        case Entry.Event():
            yield from _owed(happened)
        case Payout.Issued():
            yield from _due(happened, OWED, -1)
            yield from _kept(happened, 1)
            yield from _sent(happened, IN_TRANSIT, 1)
        case Payout.Settled():
            yield from _sent(happened, IN_TRANSIT, -1)
            yield from _sent(happened, PAID, 1)
        case Payout.Returned(was=was):
            yield from _sent(happened, PAID if was == "settled" else IN_TRANSIT, -1)
            yield from _kept(happened, -1)
            yield from _due(happened, SUSPENSE, 1)
        case Payout.Claimed():
            yield from _due(happened, SUSPENSE, -1)
            yield from _due(happened, OWED, 1)


def _owed(happened: Entry.Event) -> Iterator[Posting]:
    pool, agreement, currency = happened.pool, happened.proposal, happened.currency
    for payee, units, *_ in happened.lines:
        if units:
            yield Posting(OWED, str(payee), agreement, pool, currency, int(units))
    for payee, units, *_ in happened.reserved or ():
        of = str(payee), agreement, pool, currency
        if units:
            yield Posting(OWED, *of, -int(units), is_reserve=True)
            yield Posting(RESERVED, *of, int(units), is_reserve=True)


def _due(happened: Payout.Event, account: str, sign: int) -> Iterator[Posting]:
    """The whole of a payout, part by part."""
    for payee, agreement, pool, units in happened.parts:
        amount = sign * int(units)
        yield Posting(account, str(payee), str(agreement), str(pool), happened.currency, amount)


def _kept(happened: Payout.Event, sign: int) -> Iterator[Posting]:
    """What is not sent of it, or not in this currency."""
    for part, kept in zip(happened.parts, happened.kept_of_parts, strict=True):
        payee, agreement, pool, units = str(part[0]), str(part[1]), str(part[2]), int(part[3])
        of = payee, agreement, pool, happened.currency
        if kept:
            yield Posting(WITHHELD, *of, sign * kept)
        if happened.conversion is not None:
            yield Posting(EXCHANGED, *of, sign * (units - kept))
    if happened.conversion is not None:
        into, sent = happened.sent
        difference = happened.conversion["difference_minor"]
        yield Posting(EXCHANGED, None, None, None, into, -sign * (sent + difference))
        if difference:
            yield Posting(DIFFERENCE, None, None, None, into, sign * difference)


def _sent(happened: Payout.Event, account: str, sign: int) -> Iterator[Posting]:
    """What is on its way, or has arrived."""
    if happened.conversion is not None:
        into, sent = happened.sent
        yield Posting(account, happened.payee, None, None, into, sign * sent)
        return
    for part, kept in zip(happened.parts, happened.kept_of_parts, strict=True):
        payee, agreement, pool, units = part
        of = str(payee), str(agreement), str(pool), happened.currency
        yield Posting(account, *of, sign * (int(units) - kept))
