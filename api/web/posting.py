"""The forms that post a piece with its sources, and that add sources or credits to a work.

A preview comes first; only its button records anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from flask import g, render_template, request

from api.problems import Problem, listed, of_refusal
from api.received import loaded
from api.schemas import body_of
from api.web.address import asked, id_in_path
from api.web.finding import suggestions
from api.web.frame import Answer, Frame, to_page
from api.web.posting_form import ALL_FIELDS, FIELDS, PostingForm
from domain.command import Command
from domain.commands.crediting import OpenCredit
from domain.commands.deriving import DeclareRemix
from domain.commands.submitting import SubmitContribution
from domain.disclosure import AI_USES, EVIDENCE_KINDS
from domain.draft import Acknowledgement
from domain.identity import part_id
from domain.permission import OPERATOR
from domain.refusal import Refusal
from domain.remix import REMIX_KINDS
from domain.role import roles
from domain.warning import ASKED_FIRST, Warned
from domain.wrong import must_not_be_refused
from projections import attribution, contributors, lineage, timeline
from projections.store import View

PROOF = ("evidence", "evidence_kind")
FOR = ("step", "challenge")
"""What a piece may be posted for; the link to the form says so."""
MEDIA = ("text", "image", "audio", "video", "code", "game", "object")

Stating = Callable[[PostingForm], list[Command]]
"""Makes the commands that a form states."""


def pages(frame: Frame) -> None:
    """The forms that post something new."""
    _post(frame)
    _added(frame, "sources", lambda _: PostingForm.empty(), _remixes)
    _added(frame, "credits", partial(_crediting, frame), _credits, *PROOF)


def _post(frame: Frame) -> None:
    def state(entered: PostingForm) -> list[Command]:
        people = entered.stated_people()
        said = {
            **entered.stated(),
            "authors": [{n: value for n, value in row.items() if n != "kind"} for row in people],
            "sources": entered.stated_sources(),
            "id": entered.id,
        }
        return _checked(SubmitContribution, {"#": said})

    @frame.page("/post", nobody_else=True)
    def show_post() -> Answer:
        entered = _with_oneself()
        if source := request.args.get("source"):
            entered.add_source(source)
        for name in FOR:
            if (given := request.args.get(name)) is not None:
                entered.fields[name] = id_in_path(given)
        return _form(frame, entered, "post")

    @frame.form("/post")
    def take_post() -> Answer:
        entered = PostingForm.sent(*FIELDS, *FOR)
        return _taken(frame, entered, "post", state, lambda receipt: f"/piece/{receipt.id}")


def _added(
    frame: Frame,
    purpose: str,
    begin: Callable[[str], PostingForm],
    state: Callable[[PostingForm, str], list[Command]],
    *names: str,
) -> None:
    """Register the form that adds sources or credits to a work."""

    def show(id: str) -> Answer:
        return _form(frame, begin(id), purpose, work=id)

    def take(id: str) -> Answer:
        entered = PostingForm.sent(*names)
        return _taken(
            frame, entered, purpose, lambda it: state(it, id), lambda _: f"/piece/{id}", work=id
        )

    show.__name__, take.__name__ = f"show_{purpose}", f"take_{purpose}"
    frame.page(f"/piece/<id>/{purpose}", nobody_else=True)(show)
    frame.form(f"/piece/<id>/{purpose}")(take)


def _with_oneself() -> PostingForm:
    """A form with nobody but the person who has signed in."""
    entered = PostingForm.empty()
    if g.actor != OPERATOR:
        entered.add_person(g.actor)
    return entered


def _crediting(frame: Frame, work: str) -> PostingForm:
    """A form for further credits on a work: with oneself, unless one is credited on it already."""
    if g.actor != OPERATOR and _is_credited(frame, work):
        return PostingForm.empty()
    return _with_oneself()


def _is_credited(frame: Frame, work: str) -> bool:
    with frame.view({}) as view:
        own = contributors.account_ids(view, g.actor)
        credits = attribution.standing_on(view, lineage.find(view, work).number)
    return any(one["contributor"]["id"] in own for one in credits)


def _remixes(entered: PostingForm, work: str) -> list[Command]:
    named = {"work": "parent", "note": "evidence"}
    stated = [
        {
            **{named.get(name, name): value for name, value in row.items()},
            **{"child": work, "id": part_id(entered.id, "source", number)},
        }
        for number, row in enumerate(entered.stated_sources())
    ]
    return _checked(DeclareRemix, {f"#/sources/{n}": row for n, row in enumerate(stated)})


def _credits(entered: PostingForm, work: str) -> list[Command]:
    proof = {name: entered.fields.get(name) or None for name in PROOF}
    stated = [
        {**row, "work": work, **proof, "id": part_id(entered.id, "credit", number)}
        for number, row in enumerate(entered.stated_people())
    ]
    return _checked(OpenCredit, {f"#/authors/{n}": row for n, row in enumerate(stated)})


# -- the form, from one request to the next --------------------------------------------------


def _taken(
    frame: Frame,
    entered: PostingForm,
    purpose: str,
    state: Stating,
    then: Callable[[Acknowledgement], str],
    *,
    work: str | None = None,
) -> Answer:
    """Do what the pressed button says: search, add, preview or record."""
    do = request.form.get("do", "")
    try:
        if entered.change():
            return _form(frame, entered, purpose, work=work)
        if _looked_for(frame, entered) or do in ("change", "add", "find", ALL_FIELDS):
            return _form(frame, entered, purpose, work=work)
        if do == "record":
            receipt = frame.record(*_some(state(entered)))
            return to_page(then(receipt), receipt.position)
        warned = frame.rehearse(*_some(state(entered))).warnings
        return _form(frame, entered, purpose, work=work, template="preview.html", warned=warned)
    except (Problem, Refusal) as refusal:
        return _form(frame, entered, purpose, work=work, problem=of_refusal(refusal))


def _some(commands: list[Command]) -> list[Command]:
    if not commands:
        raise Problem("missing_field", "Nothing has been added to the list yet.")
    return commands


def _looked_for(frame: Frame, entered: PostingForm) -> bool:
    """Whether the form searches for something, or has added what it names or was pasted."""
    if request.form.get("do") in ("add", "preview"):
        with frame.store.view() as view:
            if entered.read_pasted(view):
                return True
    return entered.add_named() or any(entered.sought.values())


def _form(
    frame: Frame,
    entered: PostingForm,
    purpose: str,
    *,
    work: str | None = None,
    template: str = "form.html",
    problem: Problem | None = None,
    warned: Sequence[Warned] = (),
) -> Answer:
    with frame.view(asked()) as view:
        told = render_template(
            template,
            purpose=purpose,
            work=_work(view, work),
            problem=problem,
            asked_first=[one for one in warned if one.code == ASKED_FIRST],
            wrong=entered.wrong(problem),
            found={kind: suggestions(view, q, kind) for kind, q in entered.sought.items() if q},
            kinds=REMIX_KINDS,
            roles=roles(),
            media=MEDIA,
            ai_uses=AI_USES,
            evidence_kinds=EVIDENCE_KINDS,
            **entered.shown(view),
        )
    return told, 200 if problem is None else problem.code


def _work(view: View, id: str | None) -> dict[str, Any] | None:
    if id is None:
        return None
    work = timeline.names(view, [id]).get(id)
    if work is None or "kind" not in work:
        raise Problem("not_found", f"There is no work {id}.")
    return work


def _checked(command: type[Command], rows: Mapping[str, dict[str, Any]]) -> list[Command]:
    """The commands of the rows of a form, validated like request bodies.

    Rows are keyed by their JSON pointer, with which the errors of all rows are raised together.
    """
    shape, stated, errors = body_of(command), list[Command](), list[dict[str, str]]()
    first: Problem | None = None
    for row, said in rows.items():
        try:
            given = loaded(shape, said, "invalid_body", "form")
            must_not_be_refused(shape.refused(given))
            stated.append(command.of(given))
        except (Problem, Refusal) as refusal:
            problem = of_refusal(refusal)
            first = first or problem
            errors += [{**e, "pointer": e["pointer"].replace("#", row, 1)} for e in problem.errors]
    if first is not None:
        first.members.update(listed(errors))
        raise first
    return stated
