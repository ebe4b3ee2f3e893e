"""The start page, the search, and what waits for its reader.

The search finds without a script whatever suggestions offer with one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import g, render_template

from api.web import words
from api.web.frame import Answer, Frame, Listed, asked
from domain.permission import OPERATOR
from projections import attribution, claims, lineage, notices, people, timeline
from projections.store import Page, View
from projections.told import ClaimTold, FactTold, PersonItem, WorkRef

CARDS = 24
PIECES = 8
"""How many of the latest pieces are shown below the releases."""
FOUND = 30
SUGGESTED = 8


def pages(frame: Frame) -> None:
    """The start page, the search and its suggestions, and the page of what waits."""
    _found(frame)
    _waiting(frame)


def _found(frame: Frame) -> None:

    @frame.page("/", anybody=True)
    def show_start() -> Answer:
        wanted = asked(Listed)
        cursor = wanted.pop("cursor", None)
        if not (g.actor or frame.public):
            return render_template("start.html", finished=None)
        with frame.view(wanted) as view:
            found = lineage.works(view, kind="release", after=cursor, limit=CARDS)
            pieces = lineage.works(view, kind="contribution", limit=PIECES)
            return render_template(
                "start.html",
                finished=Page(cards(view, found.items), found.next),
                pieces=[] if cursor else cards(view, pieces.items),
            )

    @frame.page("/search")
    def search() -> Answer:
        wanted = asked(Listed)
        q, kind, cursor = (wanted.pop(name, None) for name in ("q", "kind", "cursor"))
        known = kind if kind in ("contribution", "outside", "release") else None
        with frame.view(wanted) as view:
            works = Page[WorkRef]([], None)
            if kind != "people":
                works = lineage.works(view, q=q, kind=known, after=cursor, limit=FOUND)
            found = Page[PersonItem]([], None)
            if q and kind in (None, "people"):
                after = cursor if kind == "people" else None
                found = attribution.people(view, q=q, after=after, limit=FOUND)
            return render_template(
                "search.html",
                q=q or "",
                kind=kind,
                works=Page(cards(view, works.items), works.next),
                people=found,
            )

    @frame.page("/suggest")
    def suggest() -> Answer:
        wanted = asked(Listed)
        q, kind = wanted.pop("q", None), wanted.pop("kind", None)
        with frame.view(wanted) as view:
            return render_template("suggestions.html", q=q, **suggestions(view, q, kind))


def _waiting(frame: Frame) -> None:
    @frame.page("/waiting", nobody_else=True)
    def show_waiting() -> Answer:
        wanted = asked(Listed)
        cursor = wanted.pop("cursor", None)
        with frame.view(wanted) as view:
            if g.actor == OPERATOR:
                mine = claims.waiting(view, frame.journal, actor=OPERATOR).items
                return render_template("waiting.html", claims=mine, notices=[], next=None)
            found = notices.of_contributor(
                view, frame.journal, g.actor, actor=g.actor, after=cursor, is_newest_first=True
            )
            return render_template(
                "waiting.html",
                claims=_about_own(claims.waiting(view, frame.journal, actor=g.actor).items),
                credits=on_works(view, people.waiting_for(view, g.actor)),
                shares=people.shares_waiting_for(view, g.actor),
                returned=people.returned_to(view, g.actor),
                notices=told(view, found.items),
                next=found.next,
            )


def _about_own(waiting: Iterable[ClaimTold]) -> list[ClaimTold]:
    """Claims about what somebody posted; credits offered to them are listed with the others."""
    return [one for one in waiting if one["deadline"] is not None]


def told(view: View, items: Iterable[FactTold]) -> list[dict[str, Any]]:
    """Facts with the sentences they are told in."""
    ids = {id for item in items for id in (item["actor"], item["noun"], *item["about"])}
    names = timeline.names(view, ids)
    return [{**item, "sentence": words.sentence(item, names)} for item in items]


def suggestions(view: View, q: str | None, kind: str | None) -> dict[str, Any]:
    """A few works or people whose names contain the text."""
    if not q or not q.strip():
        return {"works": [], "people": []}
    if kind == "people":
        return {"works": [], "people": attribution.people(view, q=q, limit=SUGGESTED).items}
    found = lineage.works(view, q=q, limit=SUGGESTED).items
    return {"works": cards(view, found), "people": []}


def cards(view: View, works: Sequence[WorkRef]) -> list[dict[str, Any]]:
    """Works with their makers; those of a release include the makers of its components."""
    numbers = lineage.numbers_of(view, [work["id"] for work in works])
    whole = [numbers[work["id"]] for work in works if work["kind"] == "release"]
    components = lineage.parents_of(view, whole)
    parts = {number for found in components.values() for number in found}
    made = attribution.makers(view, {*numbers.values(), *parts})
    told = []
    for work in works:
        number = numbers[work["id"]]
        makers = [
            maker for part in (number, *components.get(number, ())) for maker in made.get(part, ())
        ]
        told.append({**work, "makers": list({maker["id"]: maker for maker in makers}.values())})
    return told


def on_works(view: View, credits: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Credits with the works they are on instead of their ids."""
    numbers = lineage.numbers_of(view, {credit["work"] for credit in credits})
    works = lineage.references(view, numbers.values())
    return [{**credit, "work": works[numbers[credit["work"]]]} for credit in credits]
