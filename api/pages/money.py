"""Pages about money: a pool, a division and why, and one's own statement.

The one rule: they are for those who have signed in, and what one person is paid is for that person
and the operator alone.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flask import Response, render_template, request

from api.fields import Text, word
from api.pages import words
from api.pages.frame import Answer, Frame, When, asked, id_in_path
from api.payouts import as_csv, must_be_own, statement_of
from api.pictures import Markup, Paid, Payee, SplitPicture, Step, Via, Way, split_svg, why_svg
from domain.apportionment import divide
from domain.draft import LIMITS
from domain.money.payee import is_person, is_work
from projections import lineage, pools, timeline
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


def pages(frame: Frame) -> None:
    """The pages about money."""
    _pools(frame)
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
