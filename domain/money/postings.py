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
IN_TRANSIT = "in_transit"
PAID = "paid"
SUSPENSE = "suspense"
ACCOUNTS = {
    RECEIVED: "what came in (negative: the other side of everything else)",
    WAITING: "revenue that is not divided yet",
    OWED: "what a payee earned and was not paid; negative after an overpayment",
    IN_TRANSIT: "payouts that are on their way",
    PAID: "payouts that have arrived",
    SUSPENSE: "payouts that came back and are not claimed yet",
}


class Posting(NamedTuple):
    """An amount on an account, with a payee where the account has one."""

    account: str
    payee: str | None
    agreement: str | None
    pool: str
    currency: str
    amount_minor: int


def postings(happened: Fact) -> Iterator[Posting]:
    """What a fact posts; the postings of one append sum to zero."""
    match happened:
        case Revenue.Recorded(pool=pool, currency=currency, amount_minor=amount):
            yield Posting(RECEIVED, None, None, pool, currency, -amount)
            yield Posting(WAITING, None, None, pool, currency, amount)
        case Revenue.Reversed(pool=pool, currency=currency, amount_minor=amount):
            yield Posting(RECEIVED, None, None, pool, currency, amount)
            yield Posting(WAITING, None, None, pool, currency, -amount)
        case Entry.Divided(pool=pool, currency=currency, amount_minor=amount):
            yield Posting(WAITING, None, None, pool, currency, -amount)
            yield from _owed(happened)
        case Entry.Reversed(pool=pool, currency=currency, amount_minor=amount):
            yield Posting(RECEIVED, None, None, pool, currency, -amount)
            yield from _owed(happened)
        case Entry.Event():
            yield from _owed(happened)
        case Payout.Issued():
            yield from _moved(happened, OWED, IN_TRANSIT)
        case Payout.Settled():
            yield from _moved(happened, IN_TRANSIT, PAID)
        case Payout.Returned(was=was):
            yield from _moved(happened, PAID if was == "settled" else IN_TRANSIT, SUSPENSE)
        case Payout.Claimed():
            yield from _moved(happened, SUSPENSE, OWED)


def _owed(happened: Entry.Event) -> Iterator[Posting]:
    pool, agreement, currency = happened.pool, happened.proposal, happened.currency
    for payee, units, *_ in happened.lines:
        if units:
            yield Posting(OWED, str(payee), agreement, pool, currency, int(units))


def _moved(happened: Payout.Event, source: str, to: str) -> Iterator[Posting]:
    for payee, agreement, pool, units in happened.parts:
        for account, amount in ((source, -int(units)), (to, int(units))):
            yield Posting(account, str(payee), str(agreement), str(pool), happened.currency, amount)
