"""Remixes over HTTP: edges of the lineage, declared late, disputed and struck.

The one rule: an edge is never taken off the record; only its state changes.
"""

from __future__ import annotations

from typing import Any

from api.answers import EDGE, SONG, HistoryAnswer, RemixAnswer
from api.contributions import Reason
from api.disputes import disputed
from api.fields import Id, Rate, Shape, text_named, uri_field, word
from api.routes import Listed, Routes
from domain.draft import Draft
from domain.journal import Journal
from domain.refusal import (
    BadId,
    BadMadeAt,
    BadRate,
    BadUri,
    IdTaken,
    NoSource,
    ParentNotOlder,
    SelfRemix,
    UnknownKind,
    UnknownRemix,
    UnknownWork,
    WrongState,
)
from projections import history, lineage
from projections.store import Page, Store, View

HERE = "/remixes/<id(remix):id>"


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


def remixes(journal: Journal, store: Store) -> Routes:
    """The routes of remixes."""
    routes = Routes("remixes", "Edges: this work was made from that older one.", journal, store)
    routes.creates(
        "/remixes",
        Draft.declare_remix,
        Remix,
        at="/remixes",
        refuses=(
            *(BadId, IdTaken, UnknownWork, UnknownKind, BadRate, BadUri, BadMadeAt),
            *(NoSource, ParentNotOlder, SelfRemix),
        ),
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

    @routes.reads(HERE, RemixAnswer, refuses=(UnknownRemix,))
    def show_remix(view: View, id: str) -> dict[str, Any]:
        """One edge."""
        return lineage.remix(view, id)

    @routes.reads(f"{HERE}/history", HistoryAnswer, Listed, refuses=(UnknownRemix,))
    def show_remix_history(
        view: View, id: str, *, cursor: str | None = None, limit: int = 50
    ) -> Page:
        """Every fact about this edge, in order: who said so, who agreed, what was decided."""
        return history.of_remix(view, journal, id, after=cursor, limit=limit)

    return routes
