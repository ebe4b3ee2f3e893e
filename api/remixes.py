"""Remixes over HTTP: edges of the lineage, declared late, disputed and struck.

The one rule: an edge is never taken off the record; only its state changes.
"""

from __future__ import annotations

from typing import Any, Unpack

from api.answers.examples import EDGE, SONG
from api.answers.facts import HistoryAnswer
from api.answers.splits import PreviewAnswer
from api.answers.works import RemixAnswer
from api.asking import LIMIT, MAXIMUM_LIMIT, Listed, Part
from api.contributions import Reason
from api.disputes import disputed
from api.fields import (
    LARGEST_POSITION,
    Count,
    Id,
    Rate,
    Shape,
    policy_field,
    text_named,
    uri_field,
    word,
)
from api.routes import Routes
from domain.draft import Draft
from domain.journal import Journal
from domain.refusal import (
    BadAmount,
    BadGraph,
    BadMadeAt,
    BadPolicy,
    BadRate,
    BadShare,
    BadUri,
    CapExceeded,
    IdTaken,
    NoSource,
    ParentNotOlder,
    RatesOverWhole,
    SelfRemix,
    SplitTooLarge,
    UnknownKind,
    UnknownRemix,
    UnknownWork,
    WrongState,
)
from projections import history, lineage
from projections.disputes import with_dispute
from projections.money import splitting
from projections.store import Page, Store, View

HERE = "/remixes/<id(remix):id>"

DECLARING = (
    *(UnknownWork, UnknownKind, BadRate, BadUri, NoSource, ParentNotOlder, SelfRemix),
    *(CapExceeded, SplitTooLarge),
)
"""Why an edge may not be declared."""


class Remix(Shape):
    """This work was made from that older one."""

    child = Id(SONG, required=True)
    parent = Id(None, "Either the id of a work here, or …")
    uri = uri_field("https://example.org/recordings/waves", "… the address of one elsewhere.")
    kind = word("sample", "One of GET /kinds.", required=True)
    rate = Rate()
    evidence = text_named("evidence", "https://example.org/liner-notes")
    effective_at = word("2026-11-20", "From when it holds, if not from now.")
    id = Id(EDGE, "Chosen by the client, so that a repetition is harmless.")


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
    routes.creates(
        "/remixes",
        Draft.declare_remix,
        Remix,
        at="/remixes",
        refuses=(*DECLARING, IdTaken, BadMadeAt),
    )
    disputed(
        routes,
        HERE,
        Draft.dispute_remix,
        Draft.answer_remix,
        Draft.settle_remix,
        (UnknownRemix,),
    )
    routes.changes(f"{HERE}/strike", Draft.strike_remix, Reason, refuses=(UnknownRemix, WrongState))

    @routes.previews(
        "/remixes/preview",
        Draft.declare_remix,
        Planned,
        PreviewAnswer,
        takes=("child", "parent", "uri", "kind", "rate"),
        refuses=(
            *DECLARING,
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
