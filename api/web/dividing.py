"""Dividing a group's shares among its members, by their own agreement: in one pool, or in all.

Only what the preview showed is recorded. What nobody is given stays with the group's account.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from flask import g, render_template, request

from api import percentages
from api.schemas import stated
from api.web import errors
from api.web.frame import Answer, Frame, asked, reader, to_page
from api.web.previewing import seal, tried
from domain.commands.grouping import DivideShares
from domain.identity import new_id
from domain.money.elsewhere import AssignShare
from domain.refusal import NoShare
from projections import attribution, groups, memberships
from projections.money import pools
from projections.money.told import ProposalTold
from projections.store import View

FIELDS = {
    **{"effective_at": "From when", "evidence": "The agreement", "reason": "Why"},
    "among": "The parts",
}


class Line(NamedTuple):
    """A member, and the part of the group's share that they get."""

    payee: str
    name: str
    part: str

    @property
    def exact(self) -> Fraction:
        """The part, as far as it can be read."""
        try:
            return Fraction(self.part or 0)
        except (ValueError, ZeroDivisionError):
            return Fraction()


def pages(frame: Frame) -> None:
    """The form by which a group divides its share of an agreement."""

    @frame.page("/proposal/<id>/divide", nobody_else=True)
    def show_dividing(id: str) -> Answer:
        return _form(frame, id, "choose")

    @frame.form("/proposal/<id>/divide")
    def divide_share(id: str) -> Answer:
        return _form(frame, id, request.form.get("do", ""))

    @frame.page("/statement/<id>/division", nobody_else=True)
    def show_group_division(id: str) -> Answer:
        return _standing(frame, id, "choose")

    @frame.form("/statement/<id>/division")
    def divide_shares(id: str) -> Answer:
        return _standing(frame, id, request.form.get("do", ""))


def members_of(view: View, group: str) -> dict[str, str | None]:
    """Who is or was in a group and has agreed to be: their names by their ids."""
    found = groups.members(view, attribution.accounts(view, group))
    told = attribution.persons(view, {one.contributor for one in found})
    return {one["id"]: one["name"] for one in told.values()}


def _form(frame: Frame, id: str, do: str) -> Answer:
    form = request.form
    with frame.view(asked()) as view:
        proposal = pools.proposal(view, frame.journal, id, actor=reader())
        own = next((one for one in proposal["shares"] if one["payee"]["id"] == g.actor), None)
        if own is None:
            raise NoShare(g.actor)
        usual = memberships.division(view, frame.journal, g.actor, actor=g.actor)["among"]
        lines = _lines(view, g.actor, {each["contributor"]["id"]: each["part"] for each in usual})
        fields = {name: form.get(name, "").strip() for name in FIELDS if name != "among"}
        new, sealed = form.get("id") or new_id(None), seal(sorted(fields.items()), lines)
        done = tried(
            frame, do, sealed, lambda: _command(proposal, fields, lines, new), lambda *_: True
        )
        if made := done.recorded:
            return to_page(f"/proposal/{made.id}", made.position)
        page = render_template(
            "divide.html",
            proposal=proposal,
            own=own,
            lines=lines,
            left=_left(lines),
            whole=Fraction(own["share"]),
            fields=fields,
            id=new,
            seal=sealed,
            is_shown=done.shown,
            problem=done.problem,
            wrong=errors.by_field(done.problem, fields, FIELDS),
        )
        return page, done.status


def _standing(frame: Frame, id: str, do: str) -> Answer:
    """The form by which a group divides what it has in all pools."""
    reason = request.form.get("reason", "").strip()
    with frame.view(asked()) as view:
        said = memberships.division(view, frame.journal, id, actor=reader())["among"]
        lines = _lines(view, id, {each["contributor"]["id"]: each["part"] for each in said})
        among = [{"contributor": one.payee, "part": one.part} for one in lines if one.part]
        command = {"id": id, "among": among} | ({"reason": reason} if reason else {})
        sealed = seal(reason, lines)
        done = tried(frame, do, sealed, lambda: stated(DivideShares, command), lambda *_: True)
        if made := done.recorded:
            return to_page(f"/contributor/{id}", made.position)
        page = render_template(
            "division.html",
            group=attribution.person(view, id),
            lines=lines,
            left=_left(lines),
            reason=reason,
            seal=sealed,
            is_shown=done.shown,
            problem=done.problem,
            wrong=errors.by_field(done.problem, {}, {"among": "The parts"}),
        )
    return page, done.status


def _left(lines: list[Line]) -> Fraction:
    """What nobody is given."""
    return 1 - sum((one.exact for one in lines), Fraction())


def _lines(view: View, group: str, usual: dict[str, str]) -> list[Line]:
    """The members with their parts: as typed, else as they are."""
    form = request.form
    parts = usual | dict(zip(form.getlist("payee"), form.getlist("part"), strict=False))
    return [
        Line(one, name or one, percentages.exact(parts.get(one, "")))
        for one, name in members_of(view, group).items()
    ]


def _command(
    proposal: ProposalTold, fields: dict[str, str], lines: list[Line], id: str
) -> AssignShare:
    among = [{"payee": one.payee, "part": one.part} for one in lines if one.part]
    said: dict[str, Any] = {name: text for name, text in fields.items() if text}
    said |= {"pool": proposal["pool"], "payee": g.actor, "among": among, "id": id}
    command = stated(AssignShare, said)
    assert isinstance(command, AssignShare)
    return command
