"""The ledger of a pool: every fact that moved its money, with its postings.

The one rule: the postings of the facts of one append add up to nothing.
"""

from __future__ import annotations

from domain.journal import Journal
from projections import history
from projections.money.pools.accounts import pool_named
from projections.money.pools.payees import payees_told
from projections.money.pools.told import LedgerFact, Posting
from projections.question import LIMIT
from projections.store import Page, View


def ledger(
    view: View, journal: Journal, id: str, *, after: str | None = None, limit: int = LIMIT
) -> Page[LedgerFact]:
    """Every fact that moved money of a pool, with its postings."""
    pool_named(view, journal, id)
    page, more = view.page(
        "SELECT DISTINCT p.position FROM @postings p WHERE p.pool = :id "
        "AND p.position > :beyond AND p.position <= :as_of ORDER BY p.position",
        after,
        limit,
        id=id,
    )
    kept = [position for (position,) in page]
    rows = view.rows(
        "SELECT p.position, p.account, p.payee, p.proposal, p.amount FROM @postings p "
        "WHERE p.pool = :id AND p.position IN :positions "
        "ORDER BY p.position, p.account, p.payee, p.proposal",
        id=id,
        positions=kept,
    )
    told = payees_told(view, {payee for _, _, payee, *_ in rows if payee is not None})
    by_position: dict[int, list[Posting]] = {position: [] for position in kept}
    for position, account, payee, agreement, amount in rows:
        by_position[position].append(
            {
                "account": account,
                "payee": None if payee is None else told[payee],
                "proposal": agreement,
                "amount_minor": amount,
            }
        )
    facts = history.tell(journal, journal.facts.at(kept)) if kept else []
    items: list[LedgerFact] = [
        {
            "position": fact["position"],
            "recorded_at": fact["recorded_at"],
            "effective": fact["effective"],
            "topic": fact["topic"],
            "noun": fact["noun"],
            "actor": fact["actor"],
            "reason": fact["reason"],
            "postings": by_position[fact["position"]],
        }
        for fact in facts
    ]
    return Page(items, more)
