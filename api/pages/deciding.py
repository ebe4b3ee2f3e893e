"""Pages of one credit and of one edge, with what their reader may decide about it.

The one rule: a button is there only if the domain would do what it says; the domain is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import g, render_template, request

from api.pages.finding import on_works
from api.pages.frame import Answer, Frame, asked, id_in_path, to_page
from api.pages.reading import told
from api.problems import Problem, of_refusal
from domain.draft import Draft, Receipt
from domain.refusal import Refusal
from domain.remix import REMIX_KINDS
from projections import attribution, history, lineage
from projections.store import View

Verbs = Mapping[str, Callable[..., Receipt]]

OF_CREDITS: Verbs = {
    "accept": Draft.accept_credit,
    "decline": Draft.decline_credit,
    "dispute": Draft.dispute_credit,
    "settle": Draft.settle_credit,
    "revoke": Draft.revoke_credit,
}
OF_REMIXES: Verbs = {
    "dispute": Draft.dispute_remix,
    "uphold": Draft.uphold_remix,
    "strike": Draft.strike_remix,
}
REHEARSED = "a reason"
"""What stands for a reason while the domain is asked whether it would do something."""


def pages(frame: Frame) -> None:
    """The page of a credit and the page of an edge."""

    @frame.page("/c/<id>")
    def show_credit(id: str) -> Answer:
        return _credit(frame, id_in_path(id))

    @frame.form("/c/<id>/<verb>")
    def decide_credit(id: str, verb: str) -> Answer:
        return _decide(frame, id_in_path(id), verb, OF_CREDITS, _credit, f"/c/{id}")

    @frame.page("/e/<id>")
    def show_remix(id: str) -> Answer:
        return _remix(frame, id_in_path(id))

    @frame.form("/e/<id>/<verb>")
    def decide_remix(id: str, verb: str) -> Answer:
        return _decide(frame, id_in_path(id), verb, OF_REMIXES, _remix, f"/e/{id}")


def _credit(frame: Frame, id: str, problem: Problem | None = None) -> str:
    with frame.view(asked()) as view:
        (credit,) = on_works(view, [attribution.credit(view, id)])
        return render_template(
            "credit.html",
            credit=credit,
            facts=_facts_of(frame, view, id),
            verbs=_possible(frame, id, OF_CREDITS),
            problem=problem,
        )


def _remix(frame: Frame, id: str, problem: Problem | None = None) -> str:
    with frame.view(asked()) as view:
        return render_template(
            "edge.html",
            remix=lineage.remix(view, id),
            kinds=REMIX_KINDS,
            facts=_facts_of(frame, view, id),
            verbs=_possible(frame, id, OF_REMIXES),
            problem=problem,
        )


def _facts_of(frame: Frame, view: View, id: str) -> list[dict[str, Any]]:
    """Everything that happened to one credit or edge, as far as the view knows."""
    placed = [one for one in frame.journal.facts.streams([id]) if one.position <= view.as_of]
    return told(view, history.tell(frame.journal, placed))


def _possible(frame: Frame, id: str, verbs: Verbs) -> list[str]:
    if g.actor is None:
        return []
    return [verb for verb, do in verbs.items() if frame.may(do, id=id, reason=REHEARSED)]


def _decide(
    frame: Frame,
    id: str,
    verb: str,
    verbs: Verbs,
    show: Callable[[Frame, str, Problem], str],
    path: str,
) -> Answer:
    command = verbs.get(verb)
    if command is None:
        raise Problem("not_found", f"A credit or an edge cannot be told to {verb}.")
    reason = request.form.get("reason", "").strip() or None
    if reason is None and verbs is OF_REMIXES:
        problem = Problem("missing_field", "Say why: whoever reads this later wants to know.")
        return show(frame, id, problem), 422
    try:
        receipt = frame.journal.record(command, actor=g.actor, id=id, reason=reason)
    except Refusal as refusal:
        problem = of_refusal(refusal)
        return show(frame, id, problem), problem.code or 422
    return to_page(path, receipt.position)
