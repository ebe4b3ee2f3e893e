"""Answers about pools: what is proposed and agreed for a release, and where its money is.

The one rule: every answer sums to what came in, and says of every unit whose it is, why, and why it
cannot be paid yet.
"""

from __future__ import annotations

from projections.money.payees import payees_told
from projections.money.pools.accounts import every_pool, pool, pool_named, pools
from projections.money.pools.balance import agreement_now, earned, statement
from projections.money.pools.differences import diff
from projections.money.pools.divisions import division
from projections.money.pools.postings import ledger
from projections.money.pools.proposals import proposal
from projections.money.pools.reasons import why
from projections.money.pools.revenue import expenses_of, revenue, revenue_of

__all__ = [
    "agreement_now",
    "diff",
    "division",
    "earned",
    "every_pool",
    "expenses_of",
    "ledger",
    "payees_told",
    "pool",
    "pool_named",
    "pools",
    "proposal",
    "revenue",
    "revenue_of",
    "statement",
    "why",
]
