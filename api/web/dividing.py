"""Forms by which a group divides its shares among its members: in one pool, or in all pools.

Only what the preview showed is recorded. A part given to nobody stays with the group's account.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

from flask import g, render_template, request

from api import percentages
from api.problems import Problem
from api.schemas import stated
from api.web import errors
from api.web.address import form_id
from api.web.frame import Answer, Frame, reader
from api.web.previewing import Foreseen, tried
from domain.command import Command
from domain.commands.grouping import DivideShares
from domain.money.elsewhere import AssignShare
from domain.refusal import BadShare, NoShare
from projections import contributors, groups, memberships
from projections.money import pools
from projections.store import View
from projections.wording import percent

FIELDS = {"effective_at": "From when", "evidence": "The agreement", "reason": "Why"}
PARTS = {"among": "The parts"}
"""The labels of the fields."""


class Line(NamedTuple):
    """A member, the part of the group's share that they get, and the one they have so far."""

    payee: str
    name: str
    part: str
    so_far: str

    @property
    def exact(self) -> Fraction:
        """The part, or 0 if it cannot be read."""
        return percentages.readable(self.part)


def pages(frame: Frame) -> None:
    """The forms by which a group divides its share of one agreement, or all its shares."""

    frame.filled("/proposal/<id>/divide", "show_dividing", "divide_share")(partial(_form, frame))
    frame.filled("/statement/<uuid:id>/division", "show_group_division", "divide_shares")(
        partial(_standing, frame)
    )


def members_of(view: View, group: str) -> dict[str, str | None]:
    """By id: the names of those who are or were in a group and agreed to it."""
    found = groups.members(view, contributors.accounts(view, group))
    told = contributors.persons(view, {one.contributor for one in found})
    return {one["id"]: one["name"] for one in told.values()}


def _form(frame: Frame, view: View, do: str, id: str) -> Answer:
    """The form by which a group divides its share of an agreement."""
    proposal = pools.proposal(view, frame.journal, id, actor=reader())
    own = next((one for one in proposal["shares"] if one["payee"]["id"] == g.actor), None)
    if own is None:
        raise NoShare(g.actor)
    lines = _lines(frame, view, g.actor)
    said = {name: text for name in FIELDS if (text := request.form.get(name, "").strip())}
    new = form_id()
    among = [{"payee": one.payee, "part": one.part} for one in lines if one.part]
    asked = {**said, "pool": proposal["pool"], "payee": g.actor, "among": among, "id": new}
    more = {"proposal": proposal, "own": own, "whole": Fraction(own["share"]), "id": new}
    more["fields"] = dict.fromkeys(FIELDS, "") | said
    return _divided(frame, do, "divide.html", lines, AssignShare, asked, more, "/proposal/{}")


def _standing(frame: Frame, view: View, do: str, id: str) -> Answer:
    """The form by which a group divides its shares in all pools."""
    lines, reason = _lines(frame, view, id), request.form.get("reason", "").strip()
    among = [{"contributor": one.payee, "part": one.part} for one in lines if one.part]
    asked = {"id": id, "among": among} | ({"reason": reason} if reason else {})
    more = {"group": contributors.person(view, id), "reason": reason}
    return _divided(frame, do, "division.html", lines, DivideShares, asked, more, "/contributor/{}")


def _divided(
    frame: Frame,
    do: str,
    template: str,
    lines: list[Line],
    command: type[Command],
    asked: Mapping[str, Any],
    more: Mapping[str, Any],
    leads_to: str,
) -> Answer:
    """The answer of either form: its page, or a redirect once it is recorded."""
    fields = {name: asked.get(name, "") for name in FIELDS}

    def page(is_shown: Any, beside: Foreseen, problem: Problem | None) -> str:
        return render_template(
            template,
            **more,
            lines=lines,
            left=1 - _sum(lines),
            beside=beside,
            is_shown=is_shown,
            problem=problem,
            wrong=_wrong(problem, fields, lines),
        )

    def foreseen(*_: object) -> Any:
        return lines, more.get("whole")

    return tried(frame, do, partial(stated, command, asked), foreseen, page, leads_to.format)


def _sum(lines: Sequence[Line]) -> Fraction:
    return sum((one.exact for one in lines), Fraction())


def _wrong(
    problem: Problem | None, fields: Mapping[str, str], lines: Sequence[Line]
) -> errors.Wrong:
    """The errors in fields; those of a part are of the member who was given it."""
    if problem and problem.problem == BadShare.code and (whole := _sum(lines)) > 1:
        said = f"together they are {percent(str(whole))} of the group's share, more than all of it."
        return [("among", f"{PARTS['among']}: {said}")]
    given = [number for number, one in enumerate(lines) if one.part]
    found: errors.Wrong = []
    for error in problem.errors if problem else ():
        match str(error.get("pointer")).split("/"):
            case ["#", "among", row, *_]:
                place = given[int(row)]
                found.append((f"part-{place}", f"{lines[place].name}: {error['detail']}"))
    wrong = errors.by_field(problem, fields, FIELDS | PARTS)
    return found + [one for one in wrong if not found or one[0] != "among"]


def _lines(frame: Frame, view: View, group: str) -> list[Line]:
    """The members with their parts: as typed, else as recorded."""
    form, said = request.form, memberships.division(view, frame.journal, group, actor=reader())
    usual = {each["contributor"]["id"]: each["part"] for each in said["among"]}
    parts = usual | dict(zip(form.getlist("payee"), form.getlist("part"), strict=False))
    return [
        Line(one, name or one, percentages.rate(parts.get(one, "")), usual.get(one, ""))
        for one, name in members_of(view, group).items()
    ]
