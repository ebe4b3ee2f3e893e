"""Contributions over HTTP: posted pieces, with their authors and sources.

The one rule: a piece, its authors and its sources are one request and one append.
"""

from __future__ import annotations

from api.answers.examples import BEN, SONG
from api.fields import Id, Rate, Several, Shape, Text, text_named, uri_field, word
from api.routes import Routes
from domain.draft import Draft
from domain.journal import Journal
from domain.refusal import (
    BadMadeAt,
    BadRate,
    BadUri,
    CapExceeded,
    IdTaken,
    MadeInFuture,
    NoSource,
    ParentNotOlder,
    SelfRemix,
    SplitTooLarge,
    UnknownContribution,
    UnknownContributor,
    UnknownKind,
    UnknownRole,
    UnknownWork,
    WrongState,
)
from projections.store import Store


class Author(Shape):
    """One author of a piece."""

    contributor = Id(BEN, required=True)
    role = word("singer", "One of GET /roles.", required=True)
    display = text_named("display", "low harmony", "What they would rather be called.")


class Source(Shape):
    """One thing a piece was made from: a work here, or an address elsewhere."""

    work = Id(None, "Either the id of a work here, or …")
    uri = uri_field("https://example.org/poems/low-tide", "… the address of one elsewhere.")
    kind = word("adaptation", "One of GET /kinds.", required=True)
    rate = Rate()
    note = text_named("note", "The whole text.")


class Contribution(Shape):
    """A piece with its authors and sources."""

    title = text_named("title", "Low Tide, sung", required=True)
    medium = text_named("medium", "audio", "Such as text, image, audio, video.", required=True)
    authors = Several(Author, "Who made it, each in a role.")
    sources = Several(Source, "What it was made from.")
    made_at = word(
        "2026-11",
        "When it was made, as exactly as it is known: a year, a month, a day or a time. "
        "The time of recording if not said.",
    )
    licence = text_named("licence", "CC-BY-4.0")
    sha256 = Text(
        64, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "Of the file."
    )
    id = Id(SONG, "Chosen by the client, so that a repetition is harmless.")


class Reason(Shape):
    """Why."""

    reason = text_named("reason", "The recording was not ours to post.", required=True)


def contributions(journal: Journal, store: Store) -> Routes:
    """The routes of contributions; what is asked about them is asked of works."""
    routes = Routes("contributions", "Posted pieces.", journal, store)
    routes.creates(
        "/contributions",
        Draft.submit_contribution,
        Contribution,
        at="/works",
        refuses=(
            *(IdTaken, UnknownContributor, UnknownRole, UnknownWork, UnknownKind),
            *(BadRate, BadUri, NoSource, BadMadeAt, MadeInFuture, ParentNotOlder, SelfRemix),
            *(CapExceeded, SplitTooLarge),
        ),
    )
    routes.changes(
        "/contributions/<id(contribution):id>/withdraw",
        Draft.withdraw_contribution,
        Reason,
        refuses=(UnknownContribution, WrongState),
    )
    return routes
