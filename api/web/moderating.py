"""The moderator's desk: disputes to settle, with the words of both sides side by side.

The domain decides who may settle without being a party; the desk shows what it would accept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import g, render_template

from api.web.address import PageQuery
from api.web.deciding import disputed
from api.web.finding import on_works
from api.web.frame import Answer, Frame
from domain.dispute import GROUNDS
from domain.permission import OPERATOR
from domain.registry import COMMANDS
from projections import disputes, grants, inbox
from projections.inbox import InboxItem
from projections.store import View

JUDGED = ("settlement", "overdue_claim")
"""The kinds of inbox items that a moderator decides."""
TRADE = "moderator"
MANY = 10
DEEDS = (
    *("contributor", "contributor.grant-role", "contributor.merge", "contributor.separate"),
    *("join", "contributor.forget"),
)
"""The commands about people and works that the desk offers besides disputes and claims."""


def pages(frame: Frame) -> None:
    """The desk."""

    @frame.desk(TRADE, "Disputes, overdue claims, people and keys", (TRADE,))
    def show_moderator(view: View, said: PageQuery) -> Answer:
        after = None if said.at.what == "roles" else said.at.cursor
        found = inbox.of_kinds(view, frame.journal, g.actor, JUDGED, after=after, limit=MANY)
        return render_template(
            "moderator.html",
            disputes=list(_disputes(view, frame, found.items)),
            overdue=[one for one in found.items if one["kind"] == "overdue_claim"],
            next=found.next,
            deeds=[one for one in DEEDS if g.actor == OPERATOR or TRADE in COMMANDS[one].MAY],
            roles=grants.grants(view, frame.journal, after=said.at.of("roles"), limit=MANY),
            grounds=GROUNDS,
        )


def _disputes(
    view: View, frame: Frame, items: list[InboxItem]
) -> Iterator[tuple[InboxItem, Mapping[str, Any]]]:
    """Inbox items of disputes, each with what is disputed and what both sides said."""
    for item in items:
        if item["kind"] == "settlement":
            found = disputes.OF_NOUN[item["noun"]](view, frame.journal, item["id"])
            told = disputed(view, found)
            yield item, on_works(view, [told])[0] if item["noun"] == "credit" else told
