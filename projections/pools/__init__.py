"""Pools: what is proposed and agreed for a release, and where every unit that came in is.

The one rule: whatever is told here adds up to what came in, and says of every unit whose it is,
why, and why it may not be paid yet.
"""

from __future__ import annotations

from projections.pools.accounts import every_pool, pool, pool_named, pools
from projections.pools.balance import agreement_now, earned, statement
from projections.pools.differences import diff
from projections.pools.divisions import division
from projections.pools.payees import payees_told
from projections.pools.postings import ledger
from projections.pools.proposals import proposal
from projections.pools.reasons import why
from projections.pools.revenue import booking, bookings

__all__ = [
    "agreement_now",
    "booking",
    "bookings",
    "diff",
    "division",
    "earned",
    "every_pool",
    "ledger",
    "payees_told",
    "pool",
    "pool_named",
    "pools",
    "proposal",
    "statement",
    "why",
]
