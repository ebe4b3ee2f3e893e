"""Credits over HTTP: one public line each, given or claimed, agreed to or not.

The one rule: whether a credit is granted or claimed follows from the key, not from the body.
"""

from __future__ import annotations

from typing import Any, Unpack

from api.answers.examples import BEN, LINE, SONG
from api.answers.facts import HistoryAnswer
from api.answers.works import CreditAnswer
from api.asking import Listed, Part
from api.disputes import disputed
from api.fields import Id, Shape, text_named, word
from api.routes import Routes
from domain.draft import Draft
from domain.journal import Journal
from domain.refusal import (
    BadMadeAt,
    IdTaken,
    UnknownContributor,
    UnknownCredit,
    UnknownKind,
    UnknownRole,
    UnknownWork,
    WrongState,
)
from projections import attribution, history
from projections.disputes import with_dispute
from projections.store import Page, Store, View

HERE = "/credits/<id(credit):id>"


class Credit(Shape):
    """This person, in this role, on this work."""

    work = Id(SONG, required=True)
    contributor = Id(BEN, required=True)
    role = word("editor", "One of GET /roles.", required=True)
    kind = word("influence", "direct (if not said) or influence.")
    display = text_named("display", "cut the last verse", "What they would rather be called.")
    evidence = text_named("evidence", "https://example.org/session-notes")
    effective_at = word("2026-11-20", "From when it holds, if not from now.")
    id = Id(LINE, "Chosen by the client, so that a repetition is harmless.")


class Why(Shape):
    """Why, if there is something to say."""

    reason = text_named("reason", "That was not me.")


def credits(journal: Journal, store: Store) -> Routes:
    """The routes of credits."""
    routes = Routes("credits", "Public lines: this person, this role, this work.", journal, store)
    routes.creates(
        "/credits",
        Draft.open_credit,
        Credit,
        at="/credits",
        refuses=(
            *(IdTaken, UnknownWork, UnknownContributor),
            *(UnknownRole, UnknownKind, BadMadeAt),
        ),
    )
    for verb, command in (
        ("accept", Draft.accept_credit),
        ("decline", Draft.decline_credit),
        ("revoke", Draft.revoke_credit),
    ):
        routes.changes(
            f"{HERE}/{verb}", command, Why, refuses=(UnknownCredit, WrongState), may_be_empty=True
        )

    disputed(
        routes,
        HERE,
        Draft.dispute_credit,
        Draft.answer_credit,
        Draft.settle_credit,
        (UnknownCredit,),
    )

    @routes.reads(HERE, CreditAnswer, refuses=(UnknownCredit,))
    def show_credit(view: View, id: str) -> dict[str, Any]:
        """One credit, and the dispute that is open about it."""
        return with_dispute(view, journal, attribution.credit(view, id))

    @routes.reads(f"{HERE}/history", HistoryAnswer, Listed, refuses=(UnknownCredit,))
    def show_credit_history(view: View, id: str, **part: Unpack[Part]) -> Page:
        """Every fact about this credit, in order: who said so, who agreed, what was decided."""
        return history.of_credit(view, journal, id, **part)

    return routes
