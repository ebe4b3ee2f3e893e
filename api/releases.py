"""Releases over HTTP: finished works, assembled from components, published, withdrawn.

The one rule: publishing freezes the lineage; what is asked "as published" never changes again.
"""

from __future__ import annotations

from api.answers.examples import ALBUM, SONG
from api.contributions import Reason
from api.fields import Id, Rate, Several, Shape, text_named, word
from api.routes import Routes
from domain.draft import Draft
from domain.journal import Journal
from domain.refusal import (
    BadMadeAt,
    BadRate,
    CapExceeded,
    IdTaken,
    MadeInFuture,
    NoComponents,
    ParentNotOlder,
    SelfRemix,
    SplitTooLarge,
    UnknownRelease,
    UnknownWork,
    WrongState,
)
from projections.store import Store

HERE = "/releases/<id(release):id>"


class Component(Shape):
    """One part of a finished work."""

    work = Id(SONG, required=True)
    rate = Rate()


class Release(Shape):
    """A finished work."""

    title = text_named("title", "Low Tide", required=True)
    components = Several(Component, "What it is made of.", required=True)
    made_at = word("2026-11", "When it was made; the time of recording if not said.")
    id = Id(ALBUM, "Chosen by the client, so that a repetition is harmless.")


class Nothing(Shape):
    """Nothing more has to be said."""


def releases(journal: Journal, store: Store) -> Routes:
    """The routes of releases; what is asked about them is asked of works."""
    routes = Routes("releases", "Finished works.", journal, store)
    routes.creates(
        "/releases",
        Draft.assemble_release,
        Release,
        at="/works",
        refuses=(
            *(IdTaken, UnknownWork, NoComponents, BadRate),
            *(BadMadeAt, MadeInFuture, ParentNotOlder, SelfRemix, CapExceeded, SplitTooLarge),
        ),
    )
    routes.changes(
        f"{HERE}/publish",
        Draft.publish_release,
        Nothing,
        refuses=(UnknownRelease, WrongState),
        may_be_empty=True,
    )
    routes.changes(
        f"{HERE}/withdraw", Draft.withdraw_release, Reason, refuses=(UnknownRelease, WrongState)
    )
    return routes
