"""Payouts and their batches: for the person paid, and for those who keep or audit the books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Unpack

from domain.engine import Row
from domain.journal import Journal
from domain.readers import ALL_MONEY, OWN_MONEY
from domain.refusal import UnknownBatch, UnknownContributor, UnknownPayout
from domain.values import BatchId, PayeeText, PayoutId
from projections.money import pools
from projections.money.readers import Reader
from projections.money.sending import sent_told
from projections.money.told import (
    BatchItem,
    BatchSent,
    BatchState,
    BatchTold,
    PayoutState,
    PayoutTold,
)
from projections.pages import Page
from projections.question import Paged, question
from projections.store import View, holds, told_rows, wanted

_PAYOUT = (
    "y.id, y.batch, y.payee, y.currency, y.amount, y.id AS sent, y.state, y.reference, "
    "y.reason, y.issued_at, y.born"
)


@question(
    "list_payouts",
    "/payouts",
    cli="payout list",
    refuses=(UnknownContributor,),
    may=OWN_MONEY,
)
def payouts_of(
    view: View,
    journal: Journal,
    *,
    actor: str,
    batch: Annotated[BatchId | None, "Of this batch."] = None,
    payee: Annotated[PayeeText | None, "To this payee."] = None,
    state: Annotated[PayoutState | None, "In this state."] = None,
    **part: Unpack[Paged],
) -> Page[PayoutTold]:
    """Payouts, in the order of issue: your own, or all for those who keep or audit the books."""
    payees = Reader(view, journal, actor).whose("what others are paid", payee)
    return payouts(view, **part, batch=batch, payees=payees, state=state)


def payouts(
    view: View,
    *,
    batch: str | None = None,
    payees: Sequence[str] | None = None,
    state: str | None = None,
    **part: Unpack[Paged],
) -> Page[PayoutTold]:
    """Payouts in the order of issue, without checking who may read them."""
    filters = {"y.batch = :batch": batch, "y.payee IN :payees": payees, "y.state = :state": state}
    where, said = wanted(filters, holds("y"), "y.born > :beyond")
    page, more = view.page(
        f"SELECT {_PAYOUT} FROM @payouts y WHERE {where} ORDER BY y.born", **part, **said
    )
    return Page(_payouts_told(view, page), more)


def largest(
    view: View, batch: str, *, state: str | None = None, **part: Unpack[Paged]
) -> Page[PayoutTold]:
    """The payouts of a batch, the largest first."""
    where, said = wanted({"y.batch = :batch": batch, "y.state = :state": state}, holds("y"))
    rows, more = view.ranked(
        f"SELECT {_PAYOUT}, y.amount AS ranked, y.born AS tied FROM @payouts y WHERE {where}",
        **part,
        **said,
    )
    return Page(_payouts_told(view, [row[:-2] for row in rows]), more)


@question("show_payout", "/payouts/{id}", may=OWN_MONEY)
def payout(view: View, journal: Journal, id: PayoutId, *, actor: str) -> PayoutTold:
    """A payout."""
    row = view.one(f"SELECT {_PAYOUT} FROM @payouts y WHERE y.id = :id AND {holds('y')}", id=id)
    if row is None:
        raise UnknownPayout(id)
    found = _payouts_told(view, [row])[0]
    Reader(view, journal, actor).must_be("this payout", found["payee"]["id"])
    return found


def _payouts_told(view: View, rows: Sequence[Row]) -> list[PayoutTold]:
    told = pools.payees_told(view, {row[2] for row in rows})
    sent = sent_told(view, {row[0] for row in rows})
    texts = view.texts({text for row in rows for text in row[7:9]})
    return told_rows(PayoutTold, rows, payee=told, sent=sent, reference=texts, reason=texts)


@question("show_payout_batch", "/payout-batches/{id}", may=ALL_MONEY)
def batch(view: View, journal: Journal, id: BatchId, *, actor: str) -> BatchTold:
    """A payout batch with its control sums: how many payouts, how much, and their states."""
    Reader(view, journal, actor).must_be("payout batches", None)
    row = view.one(
        "SELECT b.currency, b.count, b.total, b.issued_at, b.position FROM @batches b "
        "WHERE b.id = :id AND b.position <= :as_of",
        id=id,
    )
    if row is None:
        raise UnknownBatch(id)
    currency, count, total, issued_at, position = row
    states = view.rows(
        "SELECT y.state, count(*), CAST(sum(y.amount) AS BIGINT) FROM @payouts y "
        f"WHERE y.batch = :id AND {holds('y')} GROUP BY y.state ORDER BY y.state",
        id=id,
    )
    sent = view.rows(
        "SELECT y.sent_currency, count(*), CAST(sum(y.sent) AS BIGINT), "
        "CAST(sum(y.withheld) AS BIGINT) FROM @payouts y WHERE y.batch = :id "
        f"AND y.state IN ('issued', 'settled') AND {holds('y')} "
        "GROUP BY y.sent_currency ORDER BY y.sent_currency",
        id=id,
    )
    return {
        "id": id,
        "currency": currency,
        "count": count,
        "total_minor": total,
        "issued_at": issued_at,
        "states": told_rows(BatchState, states),
        "sent": told_rows(BatchSent, (row[:-1] for row in sent)),
        "withheld_minor": sum(withheld for *_, withheld in sent),
        "position": position,
    }


@question("list_payout_batches", "/payout-batches", may=ALL_MONEY)
def batches(view: View, journal: Journal, *, actor: str, **part: Unpack[Paged]) -> Page[BatchItem]:
    """Payout batches, in the order of issue."""
    Reader(view, journal, actor).must_be("payout batches", None)
    page, more = view.page(
        "SELECT b.id, b.currency, b.count, b.total, b.issued_at, b.position FROM @batches b "
        "WHERE b.position > :beyond AND b.position <= :as_of ORDER BY b.position",
        **part,
    )
    return Page(told_rows(BatchItem, page), more)
