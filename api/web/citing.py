"""The page that cites many sources at once, one per line, and reports on each line."""

from __future__ import annotations

from flask import g, render_template, request

from api.authentication import must_include
from api.citing import MOST_LINES, LineTold, cite
from api.waiting import has_recorded
from api.web.address import asked, id_named
from api.web.frame import Answer, Frame
from domain.commands.deriving import DeclareRemix
from domain.remix import REMIX_KINDS
from projections import around, likely, lineage

MANY = 30
"""How many likely sources the page shows."""


def pages(frame: Frame) -> None:
    """The page, and the target of its form."""

    @frame.page("/piece/<id>/cite", nobody_else=True)
    def show_citing(id: str) -> Answer:
        return _page(frame, id, [])

    @frame.form("/piece/<id>/cite")
    def take_citing(id: str) -> Answer:
        must_include(DeclareRemix)
        lines = request.form.get("lines", "").splitlines()
        told = cite(frame.journal, frame.store, id, lines[:MOST_LINES], g.actor, id_named)
        has_recorded()
        left = [line for line in told if line["outcome"] not in ("cited", "already_cited")]
        return _page(frame, id, told, "\n".join(line["text"] for line in left))


def _page(frame: Frame, id: str, told: list[LineTold], left: str = "") -> Answer:
    """The page: what became of each line, and the form with the lines that were not cited."""
    with frame.view(asked()) as view:
        named = {line["work"] for line in told if line["work"]}
        works = lineage.references(view, view.numbers("works", named).values())
        return render_template(
            "cite.html",
            work=around.work(view, id),
            told=told,
            names={one["id"]: one for one in works.values()},
            left=left,
            kinds=REMIX_KINDS,
            likely=likely.likely_sources(view, id, limit=MANY).items,
        )
