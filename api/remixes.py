"""Remixes over HTTP: edges of the lineage, declared late, disputed and struck.

The one rule: an edge is never taken off the record; only its state changes.
"""

from __future__ import annotations

from typing import Any, Unpack

from api.answers.examples import SONG
from api.answers.facts import HistoryAnswer
from api.answers.splits import PreviewAnswer
from api.answers.works import RemixAnswer
from api.asking import LIMIT, MAXIMUM_LIMIT, Listed, Part
from api.fields import (
    Count,
    Id,
    Rate,
    Shape,
    policy_field,
    uri_field,
    word,
)
from api.routes import Routes
from domain.commands.deriving import DeclareRemix
from domain.journal import Journal
from domain.refusal import (
    BadAmount,
    BadGraph,
    BadMadeAt,
    BadPolicy,
    BadShare,
    IdTaken,
    RatesOverWhole,
    UnknownRemix,
)
from domain.values import LARGEST_POSITION
from projections import history, lineage
from projections.disputes import with_dispute
from projections.money import splitting
from projections.store import Page, Store, View

HERE = "/remixes/<id(remix):id>"


class Planned(Shape):
    """An edge that might be declared, and what to compute its effect by."""

    child = Id(SONG, required=True)
    parent = Id(None, "Either the id of a work here, or …")
    uri = uri_field("https://example.org/recordings/waves", "… the address of one elsewhere.")
    kind = word("sample", "One of GET /kinds.", required=True)
    rate = Rate()
    policy = policy_field("By which policy; relative_cascade if not said.")
    default_rate = Rate("Of the edges that state none; else a policy that needs rates refuses.")
    amount_minor = Count(
        0, LARGEST_POSITION, 10_000, "Of how much, in smallest units; only shares if not said."
    )
    limit = Count(1, MAXIMUM_LIMIT, 50, f"How many lines at most; {LIMIT} if not said.")


def remixes(journal: Journal, store: Store) -> Routes:
    """The routes of remixes."""
    routes = Routes("remixes", "Edges: this work was made from that older one.", journal, store)

    @routes.previews(
        "/remixes/preview",
        DeclareRemix,
        Planned,
        PreviewAnswer,
        refuses=(
            *(one for one in DeclareRemix.refusals() if one not in (IdTaken, BadMadeAt)),
            *(BadPolicy, BadShare, BadGraph, BadAmount, RatesOverWhole),
        ),
    )
    def preview_remix(view: View, **planned: Any) -> dict[str, Any]:
        """What an edge would change before it is declared: the stack, and who is diluted.

        It is refused as its declaration would be; nothing is recorded. Only who gets more or
        less by it is told, the greatest loss first.
        """
        return splitting.preview_edge(view, **planned)

    @routes.reads(HERE, RemixAnswer, refuses=(UnknownRemix,))
    def show_remix(view: View, id: str) -> dict[str, Any]:
        """One edge, and the dispute that is open about it."""
        return with_dispute(view, journal, lineage.remix(view, id))

    @routes.reads(f"{HERE}/history", HistoryAnswer, Listed, refuses=(UnknownRemix,))
    def show_remix_history(view: View, id: str, **part: Unpack[Part]) -> Page:
        """Every fact about this edge, in order: who said so, who agreed, what was decided."""
        return history.of_remix(view, journal, id, **part)

    return routes
