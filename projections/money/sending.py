"""How payouts were sent: what was withheld, and how much was sent in which currency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from projections.money.told import SentTold, WithheldTold
from projections.store import View, holds, told_rows


def sent_told(view: View, payouts: Collection[str]) -> dict[str, SentTold]:
    """By payout: how it was sent."""
    if not payouts:
        return {}
    withheld = _withheld(view, payouts)
    rows = view.rows(
        "SELECT y.sent_currency, y.sent, y.withheld, y.id, y.rate, x.effective, x.id "
        "FROM @payouts y LEFT JOIN @rates x ON x.id = y.exchange_rate "
        f"WHERE y.id IN :payouts AND {holds('y')}",
        payouts=sorted(payouts),
    )
    told = told_rows(SentTold, rows, withheld=withheld)
    return {row[3]: one for row, one in zip(rows, told, strict=True)}


EXCHANGED_INTO = (
    "@payouts y WHERE y.payee IN :payees AND y.sent_currency = :currency "
    f"AND y.currency <> :currency AND {holds('y')}"
)
"""SQL: payouts that were sent in a currency but earned in another."""


def returned_among(view: View, payouts: Collection[str]) -> set[str]:
    """Those of these payouts that came back, whether or not their payee has claimed them since."""
    if not payouts:
        return set()
    rows = view.rows(
        "SELECT y.id FROM @payouts y WHERE y.id IN :payouts "
        f"AND y.state IN ('returned', 'claimed') AND {holds('y')}",
        payouts=sorted(payouts),
    )
    return {id for (id,) in rows}


def _withheld(view: View, payouts: Collection[str]) -> dict[str, list[WithheldTold]]:
    found: dict[str, list[WithheldTold]] = defaultdict(list)
    for payout, *row in view.rows(
        "SELECT x.noun, x.country, x.rule, x.rate, x.paid, x.amount FROM @withheld x "
        "WHERE x.noun IN :payouts AND x.sign > 0 ORDER BY x.country",
        payouts=sorted(payouts),
    ):
        found[payout] += told_rows(WithheldTold, [row])
    return found
