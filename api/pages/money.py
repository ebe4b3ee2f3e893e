"""Pages about money: a pool, a proposal, a division and why, and one's own statement.

The one rule: they are for those who have signed in, and what one person is paid is for that person
and the operator alone.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from flask import Response, g, render_template, request

from api.fields import Text, word
from api.pages import words
from api.pages.frame import Answer, Frame, When, asked, id_in_path, to_page
from api.payouts import as_csv, must_be_own, statement_of
from api.pictures import Markup, Paid, Payee, SplitPicture, Step, Via, Way, split_svg, why_svg
from api.problems import Problem, of_refusal
from domain.apportionment import divide
from domain.draft import LIMITS, Receipt
from domain.money.payee import is_person, is_work
from domain.money.proposal import COMMENT_KINDS
from domain.money.treasury import Treasury
from domain.permission import OPERATOR
from domain.refusal import Refusal
from projections import attribution, lineage, pools, timeline
from projections.store import View

BY_TERMS = "terms"
"""Stands in the picture for what the terms of a pool give by themselves."""


class Period(When):
    """The period of a statement."""

    from_ = word("2026-01", "From this moment on.", data_key="from")
    to = word("2026-07", "Before this moment.")
    format = word("csv", "As a table.")


class Asked(When):
    """Whose line of a division."""

    payee = Text(LIMITS["payer"], None, "Whose line.", required=True)


class Said(NamedTuple):
    """Something that may be said about a proposal: its command, and the fields of its form."""

    command: Callable[..., Receipt]
    fields: tuple[str, ...] = ()
    rehearsed: dict[str, str] = {}  # noqa: RUF012 - never changed


SAID: dict[str, Said] = {
    "accept": Said(Treasury.accept_share),
    "decline": Said(Treasury.decline_share, ("reason",)),
    "comment": Said(
        Treasury.comment_on_proposal,
        ("kind", "text", "about"),
        {"kind": "other", "text": "a comment"},
    ),
    "answer": Said(Treasury.answer_comment, ("comment", "text")),
    "extend": Said(Treasury.extend_proposal, ("closes_at", "reason"), {"closes_at": "9999-01-01"}),
    "finalise": Said(Treasury.finalise_proposal),
    "withdraw": Said(Treasury.withdraw_proposal, ("reason",), {"reason": "a reason"}),
}


def pages(frame: Frame) -> None:
    """The pages about money."""
    _pools(frame)
    _proposals(frame)
    _divisions(frame)

    @frame.page("/statement/<id>", nobody_else=True)
    def show_statement(id: str) -> Answer:
        id = id_in_path(id)
        wanted = asked(Period)
        since, before, form = (wanted.pop(name, None) for name in ("from_", "to", "format"))
        with frame.view(wanted) as view:
            must_be_own(view, id)
            told = statement_of(view, frame.journal, id, since, before, None)
            if form == "csv":
                answer = Response(as_csv(told), content_type="text/csv; charset=utf-8")
                answer.headers["Content-Disposition"] = 'attachment; filename="statement.csv"'
                return answer
            return render_template("statement.html", told=told, since=since, before=before)


# -- pools ---------------------------------------------------------------------------------


def _pools(frame: Frame) -> None:
    @frame.page("/pool/<id>", nobody_else=True)
    def show_pool(id: str) -> Answer:
        id = id_in_path(id)
        with frame.view(asked()) as view:
            pool = pools.pool(view, frame.journal, id)
            statement = pools.statement(view, frame.journal, id)
            final = [one for one in pool["proposals"] if one["state"] == "finalised"]
            agreed = pools.proposal(view, frame.journal, final[-1]["id"]) if final else None
            names = _names(view, pool["release"], agreed)
            return render_template(
                "pool.html",
                pool=pool,
                statement=statement,
                release=names[pool["release"]],
                revenue=pools.bookings(view, "revenue", id, limit=30),
                picture=_split(statement, agreed, names),
            )


def _names(view: View, release: str, agreed: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    ids = [] if agreed is None else [asset["asset"] for asset in agreed["assets"]]
    return timeline.names(view, [release, *ids])


def _split(
    statement: dict[str, Any], agreed: dict[str, Any] | None, names: dict[str, dict[str, Any]]
) -> Markup | None:
    """What was divided, by way of what is agreed, to whoever earned it; to the unit."""
    earned = {
        line["payee"]["id"]: line["earned_minor"]
        for line in statement["lines"]
        if line["earned_minor"] > 0
    }
    if not earned:
        return None
    ways: dict[str, dict[str, Fraction]] = {payee: {} for payee in earned}
    for asset in agreed["assets"] if agreed else ():
        for payee, share in asset["shares"]:
            if payee in ways:
                ways[payee][asset["asset"]] = Fraction(share) * Fraction(asset["value"])
    paid = [
        Paid(via, payee, amount)
        for payee, total in earned.items()
        for via, amount in _divided(total, ways[payee] or {BY_TERMS: Fraction(1)}).items()
    ]
    used = dict.fromkeys(one.via for one in paid)
    told = {line["payee"]["id"]: line["payee"] for line in statement["lines"]}
    picture = SplitPicture(
        title=words.called(names[statement["release"]]),
        vias=tuple(_via(via, names) for via in used),
        payees=tuple(Payee(id, _payee(told[id]), _payee_address(id)) for id in earned),
        paid=tuple(paid),
        money=lambda amount: words.money(amount, statement["currency"]),
        href=words.address(names[statement["release"]]),
    )
    return split_svg(picture, stand_alone=False)


def _divided(total: int, weights: dict[str, Fraction]) -> dict[str, int]:
    return {key: units for key, units in divide(total, weights).units.items() if units}


def _via(via: str, names: dict[str, dict[str, Any]]) -> Via:
    if via == BY_TERMS:
        return Via(via, "the terms of the pool")
    if via in names:
        return Via(via, words.called(names[via]), words.address(names[via]))
    return Via(via, via)


def _payee(told: dict[str, Any]) -> str:
    return str(told["name"] or told["id"])


def _payee_address(id: str) -> str:
    if is_person(id):
        return f"{request.script_root}/p/{id}"
    return f"{request.script_root}/w/{id.partition('/')[2]}" if is_work(id) else ""


# -- proposals -----------------------------------------------------------------------------


def _proposals(frame: Frame) -> None:
    @frame.page("/proposal/<id>", nobody_else=True)
    def show_proposal(id: str) -> Answer:
        return _proposal(frame, id_in_path(id))

    @frame.form("/proposal/<id>/<verb>")
    def decide_proposal(id: str, verb: str) -> Answer:
        id, known = id_in_path(id), SAID.get(verb)
        if known is None:
            raise Problem("not_found", f"A proposal cannot be told to {verb}.")
        said = {name: request.form.get(name, "").strip() or None for name in known.fields}
        said = {name: value for name, value in said.items() if value is not None}
        if missing := set(known.rehearsed) - set(said):
            problem = Problem("missing_field", f"{', '.join(sorted(missing))}: This is needed.")
            return _proposal(frame, id, problem), 422
        try:
            receipt = frame.journal.record(known.command, actor=g.actor, proposal=id, **said)
        except Refusal as refusal:
            problem = of_refusal(refusal)
            return _proposal(frame, id, problem), problem.code or 422
        return to_page(f"/proposal/{id}", receipt.position)


def _proposal(frame: Frame, id: str, problem: Problem | None = None) -> str:
    with frame.view(asked()) as view:
        told = pools.proposal(view, frame.journal, id)
        actors = {told["release"]}
        for comment in told["comments"]:
            actors |= {comment["actor"], *(answer["actor"] for answer in comment["answers"])}
        names = _names(view, told["release"], told) | timeline.names(view, actors)
        open_comments = [one["id"] for one in told["comments"] if one["is_open"]]
        may = {
            name
            for name, said in SAID.items()
            if name != "answer" and frame.may(said.command, proposal=id, **said.rehearsed)
        }
        if open_comments and frame.may(
            Treasury.answer_comment, proposal=id, comment=open_comments[0], text="an answer"
        ):
            may.add("answer")
        return render_template(
            "proposal.html",
            proposal=told,
            pool=pools.pool(view, frame.journal, told["pool"]),
            diff=pools.diff(view, frame.journal, id) if len(told["revisions"]) > 1 else None,
            names=names,
            own=_own(view, told),
            may=may,
            comment_kinds=COMMENT_KINDS,
            problem=problem,
        )


def _own(view: View, told: dict[str, Any]) -> dict[str, Any] | None:
    """The line of whoever reads, if they have a share."""
    if g.actor == OPERATOR:
        return None
    number = attribution.find_person(view, g.actor)[0]
    same = attribution.accounts_of(view, attribution.after_merges(view, number))
    ids = {one["id"] for one in attribution.persons(view, same).values()}
    return next((line for line in told["shares"] if line["payee"]["id"] in ids), None)


# -- divisions -----------------------------------------------------------------------------


def _divisions(frame: Frame) -> None:
    @frame.page("/division/<id>", nobody_else=True)
    def show_division(id: str) -> Answer:
        id = id_in_path(id)
        with frame.view(asked()) as view:
            told = pools.division(view, frame.journal, id)
            release = lineage.work(view, told["release"])
            return render_template("division.html", division=told, release=release)

    @frame.page("/division/<id>/why", nobody_else=True)
    def show_why(id: str) -> Answer:
        id = id_in_path(id)
        wanted = asked(Asked)
        payee = wanted.pop("payee")
        with frame.view(wanted) as view:
            told = pools.why(view, frame.journal, id, payee)
            division = pools.division(view, frame.journal, id)
            release = lineage.work(view, division["release"])
            return render_template(
                "why.html",
                why=told,
                division=division,
                release=release,
                picture=_ways(told, release),
            )


def _ways(told: dict[str, Any], release: dict[str, Any]) -> Markup | None:
    """Every way from the finished work to the pieces somebody has a share in, as chains."""
    ways = [
        Way(
            steps=tuple(
                Step(
                    words.called(release) if not number else step["title"] or "a work",
                    f"{request.script_root}/w/{step['id']}",
                )
                for number, step in enumerate(path)
            ),
            person=_payee(told["payee"]),
            href=_payee_address(told["payee"]["id"]),
            how=f"{words.percent(piece['share'])} of it",
        )
        for piece in told["pieces"]
        for path in piece["paths"]
    ]
    return why_svg(ways, stand_alone=False) if ways else None
