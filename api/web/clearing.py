"""The clearance page: what stands in the way of a release, whom to ask, and where to resolve it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial
from itertools import groupby
from operator import itemgetter
from urllib.parse import urlencode

from flask import render_template

from api.web.address import Listed, PageQuery
from api.web.frame import Answer, Frame, reader
from api.web.offering import Begun, open_among
from domain.command import Command
from domain.registry import COMMANDS
from domain.value import Ref
from projections import around, clearance
from projections.clearance import KINDS, Obstacle
from projections.store import View

MANY = 100
"""How many obstacles a page shows."""
WITH_PAGE = ("credit", "remix", "proposal", "pool")
"""The nouns whose pages have the buttons that clear an obstacle."""


DOES = {
    "licence_conflict": "Change the licence",
    "credit_disputed": "Settle the dispute",
    "remix_disputed": "Settle the dispute",
    "identifier_disputed": "Settle the dispute",
    "credit_unanswered": "Answer the credit",
    "remix_unanswered": "Answer the claim",
    "join_unanswered": "Answer the claim",
    "share_unanswered": "Answer the share",
    "share_missing": "Revise the shares",
    "share_not_agreed": "Propose shares",
    "source_unclaimed": "Claim it",
    "credit_missing": "Credit somebody",
    "licence_missing": "State a licence",
    "ai_missing": "Say whether AI was used",
    "identifier_missing": "State a number",
    "person_unidentified": "State a number",
}
"""The text of the link that clears each kind of obstacle."""


def pages(frame: Frame) -> None:
    """The page of a clearance."""

    @frame.viewed("/release/<id>/clearance", Listed)
    def show_clearance(view: View, said: PageQuery, id: str) -> Answer:
        scope = clearance.Scope(view, frame.journal, id, reader())
        kind = said.get("kind") if said.get("kind") in KINDS else None
        found = clearance.listed(scope, kind, after=said.at.cursor, limit=MANY)
        groups = groupby(found.items, itemgetter("kind"))
        return render_template(
            "clearance.html",
            work=around.work(view, id),
            counted=clearance.counts_in(scope),
            kind=kind,
            groups=[(KINDS[name], list(same)) for name, same in groups],
            next=found.next,
            where=partial(_where, _closed(frame, found.items)),
            does=DOES,
            may_publish=frame.may(COMMANDS["release.publish"], id=id),
        )


def _subject(one: Obstacle) -> tuple[str, str]:
    """What the command that clears an obstacle is about: the field, and its noun."""
    refs = ((each.name, each.value) for each in COMMANDS[one["command"]].fields())
    name, noun = next((name, value.noun) for name, value in refs if isinstance(value, Ref))
    return ("contributor" if one["kind"] == "person_unidentified" else name), noun


def _begun(one: Obstacle) -> Begun:
    """The command that clears an obstacle, about what it is about."""
    return COMMANDS[one["command"]], _subject(one)[0], one["about"] or one["work"]["id"]


def _closed(frame: Frame, obstacles: Iterable[Obstacle]) -> set[Begun]:
    """The commands that would clear obstacles, but are not open to the reader.

    What is said of a person, anybody may say of themselves.
    """
    begun = {_begun(one) for one in obstacles}
    of_people = {one for one in begun if _names_a_person(one[0])}
    return begun - of_people - open_among(frame, begun - of_people)


def _names_a_person(command: type[Command]) -> bool:
    return any(one.name == "contributor" and one.is_needed for one in command.fields())


def _where(closed: Collection[Begun], one: Obstacle) -> str:
    """The page that clears an obstacle: that of the noun it is about, which has the buttons that
    the reader may press, or the form of a command; “” if they could not send that."""
    command, named, about = begun = _begun(one)
    noun = _subject(one)[1]
    if noun in WITH_PAGE and one["about"]:
        return f"/{noun}/{about}"
    return "" if begun in closed else f"/do/{command.NAME}?{urlencode({named: about})}"
