"""Splits over HTTP: how an amount would be divided.

Nothing is recorded or read; the answer follows from the body alone.
"""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, TypedDict

from api.routes import Routes
from domain.journal import Journal
from domain.money.policy.bounds import ASKED, bounded
from domain.money.split import ROUNDINGS, preview
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
from domain.value import Example, Length, one_of
from projections.store import Store

Exact = Annotated[str, "Exact text.", Example("1/3")]
Pairs = list[Annotated[list[str], Length(2)]]


class SplitEdge(TypedDict):
    """A remix in the graph of a case."""

    child: Annotated[str, "What was made from it.", Example("film")]
    parent: Annotated[str, "What it was made from.", Example("song")]
    rate: NotRequired[Annotated[Exact, "How much of it, as text; a policy may need it."]]


class SplitGraph(TypedDict):
    """The lineage of a case."""

    root: Annotated[str, "The work that earns.", Example("film")]
    edges: NotRequired[list[SplitEdge]]
    people: NotRequired[
        Annotated[
            dict[str, Pairs],
            "By work: whose it is, each a payee and a share, which sum to 1; default itself.",
        ]
    ]


class SplitSale(TypedDict):
    """A line of what was sold."""

    work: NotRequired[Annotated[str | None, "The piece that was sold."]]
    territory: NotRequired[Annotated[str | None, "Where."]]
    channel: NotRequired[Annotated[str | None, "How."]]
    configuration: NotRequired[Annotated[str | None, "As what."]]
    units: NotRequired[Annotated[int, "How many; negative: came back; default 0."]]
    amount: Annotated[str, "An exact decimal in the currency itself.", Example("0.0109")]


class PreviewSplit(TypedDict):
    """What is to be divided, and how (/docs/reference/policies)."""

    amount_minor: Annotated[int, "In the currency's smallest units.", Example(100)]
    currency: Annotated[str, "A code of ISO 4217, or a unit of your own.", Example("USD")]
    policy: Annotated[dict[str, Any], "How it is divided.", Example({"type": "relative_cascade"})]
    graph: NotRequired[SplitGraph]
    agreed: NotRequired[Annotated[Pairs, "The agreed shares, each a payee and a share."]]
    flow: NotRequired[Annotated[Pairs, "What earlier divisions sent, each a place and units."]]
    sold: NotRequired[list[SplitSale]]
    expenses: NotRequired[
        Annotated[
            list[Annotated[list[Any], Length(2)]],
            "What is reimbursed first, each a payee and whole units.",
        ]
    ]
    rounding: NotRequired[Annotated[str, "How units are apportioned.", one_of(ROUNDINGS)]]
    carry: NotRequired[Annotated[Pairs, "What an earlier answer carried; only with carry."]]
    minimum_minor: NotRequired[
        Annotated[int, "The minimum of everyone with a share; only without carry."]
    ]


class SplitPart(TypedDict):
    """What a payee gets."""

    payee: Annotated[str, "Who.", Example("ana")]
    amount_minor: Annotated[int, "In the currency's smallest units.", Example(10)]
    share: Annotated[Exact, "The share of the whole."]


class SplitRule(TypedDict):
    """What a rule of the policy gave to a payee."""

    rule: Annotated[str, "Its name; of one inside another, both.", Example("vinyl")]
    payee: Annotated[str, "Who.", Example("ana")]
    amount: Annotated[Exact, "In smallest units, exactly."]


class SplitWaived(TypedDict):
    """What a payee waived."""

    payee: Annotated[str, "Who.", Example("ana")]
    of: Annotated[str, "Of which part of the policy.", Example("shares")]
    share: Annotated[Exact, "The share that went to the others."]


class SplitPreview(TypedDict):
    """What an amount would be divided into."""

    amount_minor: Annotated[int, "What was divided.", Example(100)]
    currency: Annotated[str, "As it was stated.", Example("USD")]
    rounding: Annotated[str, "How units were apportioned.", one_of(ROUNDINGS)]
    lines: list[SplitPart]
    carry: NotRequired[
        Annotated[Pairs, "What goes on to the next division, each a payee and units; with carry."]
    ]
    flow: NotRequired[
        Annotated[Pairs, "What this adds to the flow, each a place and units; if one was sent."]
    ]
    rules: NotRequired[list[SplitRule]]
    waived: NotRequired[list[SplitWaived]]


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
        PreviewSplit,
        SplitPreview,
        example=EXAMPLE,
        refuses=(
            *(BadSplit, BadAmount, BadCurrency, BadPolicy, BadShare, BadRate, BadCarry, BadGraph),
            *(BadSold, LineageCycle, RatesOverWhole, CapExceeded, SplitTooLarge),
            UnbalancedDivision,
        ),
    )
    return routes
