"""Splits over HTTP: how an amount would be divided.

Nothing is recorded or read; the answer follows from the body alone.
"""

from __future__ import annotations

from api.routes import Routes
from domain.journal import Journal
from domain.money.policy.bounds import ASKED, bounded
from domain.money.split import preview
from domain.refusal import (
    BadAmount,
    BadCarry,
    BadCurrency,
    BadGraph,
    BadPolicy,
    BadRate,
    BadShare,
    BadSold,
    BadSplit,
    CapExceeded,
    LineageCycle,
    RatesOverWhole,
    SplitTooLarge,
    UnbalancedDivision,
)
from projections.store import Store

EXAMPLE: dict[str, object] = {
    "amount_minor": 100,
    "currency": "USD",
    "rounding": "largest_remainder",
    "policy": {"type": "relative_cascade"},
    "graph": {
        "root": "film",
        "edges": [{"child": "film", "parent": "song", "rate": "1/5"}],
        "people": {"film": [["ana", "1/2"], ["ben", "1/2"]], "song": [["cleo", "1"]]},
    },
}


def splits(journal: Journal, store: Store) -> Routes:
    """The routes of splits."""
    routes = Routes("splits", "Who would be paid how much, exactly.", journal, store)
    routes.computes(
        "/splits/preview",
        bounded(ASKED)(preview),
        "preview_split",
        example=EXAMPLE,
        refuses=(
            *(BadSplit, BadAmount, BadCurrency, BadPolicy, BadShare, BadRate, BadCarry, BadGraph),
            *(BadSold, LineageCycle, RatesOverWhole, CapExceeded, SplitTooLarge),
            UnbalancedDivision,
        ),
    )
    return routes
