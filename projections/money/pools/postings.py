"""The ledger of a pool: every fact that moved its money, with its postings.

The postings of the facts of one append sum to zero.
"""

from __future__ import annotations

from typing import Any, Unpack, cast

from domain.journal import Journal
from domain.readers import MONEY
from domain.values import PoolId
from projections import history
from projections.money.payees import payees_told
from projections.money.pools.accounts import pool_named
from projections.money.pools.beancount import FORMS
from projections.money.pools.told import LedgerFact, Posting
from projections.money.readers import Reader
from projections.money.rows import POSTED
from projections.pages import Page
from projections.question import Paged, question
from projections.store import View


@question("show_pool_ledger", "/pools/{id}/ledger", forms=FORMS, may=MONEY)
def ledger(
    view: View, journal: Journal, id: PoolId, *, actor: str, **part: Unpack[Paged]
) -> Page[LedgerFact]:
    """Every fact that moved a pool's money, with its postings; also as a beancount journal.

    In the order of the journal. For its payees, those who run its proposals, accountants and
    auditors; the reason of a payout only for those it concerns.
    """
    pool_named(view, journal, id)
    reader = Reader(view, journal, actor)
    reader.must("the ledger of this pool", MONEY, id)
    page, more = view.page(
        "SELECT DISTINCT p.position FROM @postings p WHERE p.pool = :id "
        "AND p.position > :beyond AND p.position <= :as_of ORDER BY p.position",
        **part,
        id=id,
    )
    kept = [position for (position,) in page]
    rows = view.rows(
        "SELECT p.position, p.account, p.payee, p.proposal, p.amount FROM @postings p "
        f"WHERE p.pool = :id AND p.position IN :positions ORDER BY {POSTED}",
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
    placed = journal.facts.at(kept) if kept else []
    seen = {one.position for one in reader.seen(placed)}
    names = ("position", "recorded_at", "effective", "topic", "noun", "actor")
    items = [
        {
            **{name: fact[name] for name in names},
            "reason": fact["reason"] if fact["position"] in seen else None,
            "postings": by_position[fact["position"]],
        }
        for fact in cast("list[dict[str, Any]]", history.tell(journal, placed))
    ]
    return Page(cast("list[LedgerFact]", items), more)
