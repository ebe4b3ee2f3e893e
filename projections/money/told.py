"""What is answered about money: the type of each answer.

An amount is a whole number of the currency's smallest units, an exact number is a text.
"""

from __future__ import annotations

from typing import Annotated, TypedDict

from domain.values import BEN, CurrencyCode, ExactRate, Example, WorkId, one_of
from projections.told import Count

# -- splits --------------------------------------------------------------------------------------


class PayeeRef(TypedDict):
    """Who is paid, as answers refer to them."""

    id: Annotated[str, "A contributor's id, “work/…” with a work's id, or a name.", Example(BEN)]
    kind: Annotated[str, one_of(("contributor", "work", "other"))]
    name: Annotated[
        str | None, "Or the title of the work; null when it was erased.", Example("Ben")
    ]


class PathWork(TypedDict):
    """A work on a path."""

    id: WorkId
    title: Annotated[
        str | None, "Or its URI; null for a withdrawn piece.", Example("Low Tide, sung")
    ]


class PaidPath(TypedDict):
    """One path by which something comes to a payee."""

    works: Annotated[
        list[PathWork], "From the work asked about to the one the payee has a share in."
    ]
    rates: Annotated[list[ExactRate | None], "Of the edges between them."]
    share: Annotated[
        str | None,
        "What comes through this path, of 1; null if it can't be computed.",
        Example("1/10"),
    ]


class SplitLine(TypedDict):
    """What one payee would get."""

    payee: PayeeRef
    share: Annotated[str, "The exact share of the whole.", Example("1/10")]
    amount_minor: Annotated[
        Count, "In smallest units; all of them sum to the amount.", Example(100)
    ]
    currency: Annotated[CurrencyCode, Example("EUR")]
    path_count: Annotated[Count, "Through how many paths.", Example(1)]
    paths: Annotated[list[PaidPath], "The shortest of these paths."]


class Stack(TypedDict):
    """How much of a work goes to what it is made from, by the rates of its own edges."""

    before: Annotated[str, "Edges that state no rate add nothing.", Example("1/10")]
    after: Annotated[str, Example("3/10")]
    cap: Annotated[str, "An edge that would exceed it is refused.", Example("1")]


class Change(TypedDict):
    """What changes for one payee."""

    payee: PayeeRef
    share_before: Annotated[str, Example("1/2")]
    share_after: Annotated[str, Example("2/5")]
    change: Annotated[str, "Negative for who is diluted.", Example("-1/10")]
    amount_before_minor: Annotated[Count | None, Example(5000)]
    amount_after_minor: Annotated[Count | None, Example(4000)]


class EdgePreview(TypedDict):
    """What an edge would change."""

    stack: Stack
    changed: Annotated[Count, "For how many payees something changes.", Example(2)]
    items: Annotated[list[Change], "Those who lose most first."]
