"""Disputes over HTTP: the same three routes for everything that may be disputed.

The one rule: a dispute is opened, answered and ended under the edge or the credit it is about.
"""

from __future__ import annotations

from api.fields import Id, Shape, text_named, word
from api.operations import Refusals
from api.routes import Command, Routes
from domain.refusal import (
    AlreadyAnswered,
    BadDeadline,
    BadMadeAt,
    BadOutcome,
    NotYet,
    TooLate,
    UnknownGrounds,
    WrongState,
)


class Dispute(Shape):
    """Somebody says that it is wrong."""

    grounds = word("wrong_role", "One of the grounds of GET /kinds.", required=True)
    reason = text_named("reason", "I only lent the drum.", required=True)
    evidence = text_named("evidence", "https://example.org/session-notes")
    answer_by = word(
        None, "Until when the other side can answer: in 7 to 180 days; 30 if not said."
    )


class Answer(Shape):
    """Why it is not."""

    reason = text_named("reason", "The drum is played from 0:40 on.", required=True)
    evidence = text_named("evidence", "https://example.org/raw-take")


class Settlement(Shape):
    """How the dispute ends, and why."""

    outcome = word("dismissed", "One of the outcomes of GET /kinds.", required=True)
    reason = text_named("reason", "Both listened to the raw take.", required=True)
    replaced_by = Id(None, "Of a correction: the edge or credit that replaces this one.")


def disputed(
    routes: Routes, here: str, dispute: Command, answer: Command, settle: Command, unknown: Refusals
) -> None:
    """The routes of disputes about what is found at ``here``."""
    routes.changes(
        f"{here}/dispute",
        dispute,
        Dispute,
        refuses=(*unknown, WrongState, UnknownGrounds, BadDeadline, BadMadeAt),
    )
    routes.changes(
        f"{here}/answer", answer, Answer, refuses=(*unknown, WrongState, AlreadyAnswered, TooLate)
    )
    routes.changes(
        f"{here}/settle",
        settle,
        Settlement,
        refuses=(*unknown, WrongState, BadOutcome, AlreadyAnswered, NotYet),
    )
