"""The start page: what is new here and, for a reader with an account, their own desk; all desks.

The artist's desk shows what waits for them, what was made from their works, and what these earned.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

from flask import g, render_template

from api.web import words
from api.web.address import Listed, PageQuery, asked
from api.web.finding import cards, told
from api.web.frame import Answer, Frame, account, to_page
from api.web.together import for_you
from domain.permission import OWN
from projections import (
    challenges,
    contributors,
    happenings,
    inbox,
    listing,
    people,
    projects,
    timeline,
)
from projections.money.earning import earnings
from projections.pages import Page
from projections.store import View

CARDS = 24
PIECES = 8
"""How many of the latest pieces are shown below the releases."""
TOGETHER = 3
"""How many projects and how many challenges the start page shows."""
MOST_ASKED, MOST_NEWS, MOST_WORKS, MOST_USES = 5, 4, 6, 3
"""How much of each the desk shows: open tasks, news, works, and uses of each work."""
MOST_CURRENCIES = 3


def pages(frame: Frame) -> None:
    """The start page, which is the desk of the artist, and the list of desks."""

    @frame.page("/", anybody=True)
    def show_start() -> Answer:
        said = PageQuery(asked(Listed))
        cursor = said.at.cursor
        if not (g.actor or frame.public):
            return render_template("start.html", finished=None)
        with frame.view(said) as view:
            found = listing.works(
                view, kind="release", without_parts=True, after=cursor, limit=CARDS
            )
            pieces = listing.works(view, kind="contribution", limit=PIECES)
            return render_template(
                "start.html",
                finished=Page(cards(view, found.items), found.next),
                pieces=[] if cursor else cards(view, pieces.items),
                own=None if cursor else _own(frame, view),
                **({} if cursor else _together(frame, view)),
            )

    @frame.page("/desk", nobody_else=True)
    def show_desks() -> Answer:
        return render_template("desks.html")

    @frame.desk("artist", "What is waiting for you, your works and what they earned", OWN)
    def show_artist(_view: View, _: PageQuery) -> Answer:
        return to_page("/")


def _together(frame: Frame, view: View) -> dict[str, Any]:
    """The latest running projects and open challenges."""
    asking = challenges.challenges(view, frame.journal, open_=True, limit=TOGETHER)
    return {
        "projects": projects.projects(view, state="launched", limit=TOGETHER).items,
        "challenges": asking.items,
        "issuers": timeline.names(view, {one["issued_by"] for one in asking.items}),
    }


def _own(frame: Frame, view: View) -> dict[str, Any] | None:
    """What the desk shows; None for a reader without an account."""
    if (own := account(view)) is None:
        return None
    asking = inbox.inbox(view, frame.journal, actor=own, limit=MOST_ASKED)
    news = happenings.of_contributor(view, frame.journal, own, actor=own, limit=MOST_NEWS)
    made = people.made_by(view, own, limit=MOST_WORKS)
    return {
        "person": contributors.person(view, own),
        "inbox": asking.items,
        "news": told(view, news.items, words.told_to),
        "made": Page([{**one, "uses": _uses(view, one)} for one in made.items], made.next),
        "earned": _earned(frame, view),
        "for_you": for_you(frame, view),
    }


def _uses(view: View, made: dict[str, Any]) -> list[Any]:
    """What was made from one of the reader's works, the nearest first."""
    if not made["remixed_by"]:
        return []
    return list(listing.descendants(view, made["work"]["id"], limit=MOST_USES).items)


def _earned(frame: Frame, view: View) -> list[Any]:
    """What the reader earned by month, in each currency."""
    told = earnings(view, frame.journal, g.actor, actor=g.actor)["earnings"]
    return list(islice((one for one in told if one["months"]), MOST_CURRENCIES))
