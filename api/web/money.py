"""Pages about money: a pool, an entry and its explanation, and a person's statement.

The question that a page asks decides who may read it (see projections.money.readers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any
from urllib.parse import quote

from flask import render_template, request

from api.fields import Choice, Text, word
from api.problems import Problem
from api.questions import asked_by
from api.web import words
from api.web.address import Continued, Listed, PageQuery, When, id_in_path
from api.web.drawing import pictured
from api.web.frame import Answer, Frame, file_of, reader, to_page, to_save
from api.web.keepers import keeps_books
from api.web.offering import forms_for
from api.web.terms import Told, texts_in, told
from domain.money import payee as payees
from domain.money.apportionment import divide
from domain.money.currency import money
from domain.money.dividing import RecordRevenue
from domain.money.paying import ClaimPayout
from domain.money.shares import holdings_in
from domain.readers import AGREEMENT, MONEY
from domain.text import LIMITS
from projections import around, lineage, people, sentences, timeline, wording
from projections.money import earning, pools
from projections.money.flows import through
from projections.money.pools.told import AmendmentTold, PoolTold
from projections.money.readers import Reader
from projections.pictures.paths import MoneyPath, PathStep, why_svg
from projections.pictures.png import png_of
from projections.pictures.sankey import PaidThrough, Recipient, SplitPicture, Via, split_svg
from projections.pictures.svg import Markup
from projections.store import View

BY_TERMS = "terms"
"""In the picture of a split, stands for amounts that come from the terms of the pool alone."""
BOOKINGS = 30
"""How many revenues, and how many expenses, the page of a pool shows at a time."""


class Period(When):
    """The period of a statement."""

    from_ = word("2026-01", "From this moment on.", data_key="from")
    to = word("2026-07", "Before this moment.")
    format = Choice(("csv", "pdf"), "As a file.")


class Explained(When):
    """The line of an entry to explain."""

    payee = Text(LIMITS["payer"], None, "Whose line.", required=True)


def pages(frame: Frame) -> None:
    """The pages about money."""
    _pools(frame)
    _divisions(frame)

    @frame.viewed("/statement/<payee:payee>", Period, nobody_else=True)
    def show_statement(view: View, said: PageQuery, payee: str) -> Answer:
        of = {"id": payee, "from_": said.get("from_"), "to": said.get("to")}
        asking = asked_by(view, frame.journal, "show_statement", of)
        form = said.get("format", "")
        if form in asking.question.forms:
            file = file_of(asking.question.forms[form], asking)
            return to_save(file, f"statement-{view.as_of}.{form}")
        return render_template(
            "statement.html",
            told=asking.answer,
            earned=asked_by(view, frame.journal, "show_earnings", of).answer,
            since=of["from_"],
            before=of["to"],
            returned=people.returned_to(view, payee),
        )

    @frame.form("/statement/<payee:payee>/claim")
    def claim_payout(payee: str) -> Answer:
        payout = id_in_path(request.form.get("payout", ""))
        receipt = frame.record(ClaimPayout(id=payout))
        return to_page(f"/statement/{quote(payee, safe='')}", receipt.position)


# -- pools ---------------------------------------------------------------------------------


def _pools(frame: Frame) -> None:
    @frame.viewed("/pool/<id>", Listed)
    def show_pool(view: View, said: PageQuery, id: str) -> Answer:
        return _pool(frame, view, id, said.at)

    def split(view: View, _: PageQuery, id: str) -> tuple[str]:
        return (str(_split(frame, view, id)),)

    pictured(frame, "pools/<id>/split", str, png_of, split)


def _pool(frame: Frame, view: View, id: str, at: Continued) -> str:
    """The page of a pool, with as much of its money as the reader may see."""
    pool = pools.pool(view, frame.journal, id, actor=reader())
    may = Reader(view, frame.journal, reader()).may
    statement = revenue = expenses = months = None
    forms = forms_for(frame, id, "pool")
    if pool["accounts"] is not None:
        statement = pools.statement(view, frame.journal, id, actor=reader())
        months = earning.pool_earnings(view, frame.journal, id, actor=reader())["months"]
    if may(MONEY, id):
        revenue, expenses = (
            of_pool(view, frame.journal, id, actor=reader(), limit=BOOKINGS, after=at.of(what))
            for what, of_pool in (("revenue", pools.revenue_of), ("expenses", pools.expenses_of))
        )
    return render_template(
        "pool.html",
        pool=pool,
        terms=_terms(view, pool),
        statement=statement,
        months=months,
        release=around.work(view, pool["release"]),
        revenue=revenue,
        expenses=expenses,
        forms=forms,
        keeps_books=any(one is RecordRevenue for one in forms),
        may_read_proposals=may(AGREEMENT, id),
        is_divided=statement and any(line["earned_minor"] > 0 for line in statement["lines"]),
    )


def _terms(view: View, pool: PoolTold) -> list[tuple[AmendmentTold | None, Told]]:
    """The terms of a pool, the latest first; with the amendment of each, if they were amended."""
    every: list[tuple[AmendmentTold | None, Mapping[str, Any]]] = [
        (one, one["terms"]) for one in reversed(pool["amendments"])
    ] or [(None, pool["terms"])]
    names = pools.payees_told(view, {text for _, terms in every for text in texts_in(terms)})

    def called(payee: str) -> str:
        return names[payee]["name"] or "someone who is not named"

    return [(one, told(terms, pool["currency"], called)) for one, terms in every]


def _split(frame: Frame, view: View, id: str) -> Markup:
    pools.pool_named(view, frame.journal, id)
    Reader(view, frame.journal, reader()).must_read_statement("the split of this pool", id)
    picture = _drawn(frame, view, id)
    if picture is None:
        raise Problem("not_found", "Nothing of this pool has been divided yet.")
    return picture


def _drawn(frame: Frame, view: View, id: str) -> Markup | None:
    """The picture of what a pool has divided: to whom, and through which works; None if nothing.

    Amounts are exactly what each payee earned; the works follow from the agreement in force.
    """
    opened = pools.pool_named(view, frame.journal, id)
    earned = pools.earned(view, id)
    if not earned:
        return None
    agreement = pools.agreement_now(view, frame.journal, id)
    agreed = agreement.current if agreement else None
    release, assets = opened.release, agreed.assets if agreed else []
    position = agreed.graph_position if agreed else None
    frozen = view if position is None else view.at(position)
    vias = through(lineage.lineage(frozen, release).lineage)
    ways: dict[str, dict[str, Fraction]] = {payee: {} for payee in earned}
    for each in holdings_in(assets):
        by = vias.get(each.asset) or {each.asset: 1}
        for via, part in by.items() if each.payee in ways else ():
            own = each.part * Fraction(part, sum(by.values()))
            ways[each.payee][via] = ways[each.payee].get(via, 0) + own
    paid = [
        PaidThrough(via, payee, amount)
        for payee, total in earned.items()
        for via, amount in _divided(total, ways[payee]).items()
    ]
    used = dict.fromkeys(one.via for one in paid)
    names = timeline.names(view, [release, *used])
    told = pools.payees_told(view, earned)
    picture = SplitPicture(
        title=sentences.called(names[release]),
        vias=tuple(_via(via, release, names) for via in used),
        payees=tuple(
            Recipient(id, sentences.called(told[id]), _payee_address(id)) for id in earned
        ),
        paid=tuple(paid),
        money=lambda amount: money(amount, opened.currency),
        href=words.address(names[release]),
    )
    return split_svg(picture)


def _divided(total: int, weights: dict[str, Fraction]) -> dict[str, int]:
    weights = {key: weight for key, weight in weights.items() if weight} or {BY_TERMS: Fraction(1)}
    return {key: units for key, units in divide(total, weights).units.items() if units}


def _via(via: str, release: str, names: dict[str, dict[str, Any]]) -> Via:
    if via == BY_TERMS:
        return Via(via, "the terms of the pool")
    if via in names:
        return Via(via, sentences.called(names[via]), words.address(names[via]), via == release)
    return Via(via, via)


def _payee_address(id: str) -> str:
    kind, of = payees.Payee.parse(id)
    pages = {"contributor": "contributor", "work": "piece"}
    return f"{request.script_root}/{pages[kind]}/{of}" if kind in pages else ""


# -- divisions -----------------------------------------------------------------------------


def _divisions(frame: Frame) -> None:
    @frame.viewed("/entry/<id>", nobody_else=True)
    def show_division(view: View, _: PageQuery, id: str) -> Answer:
        told = pools.division(view, frame.journal, id, actor=reader())
        release = around.work(view, told["release"])
        return render_template(
            "entry.html", division=told, release=release, keeps_books=keeps_books(frame)
        )

    @frame.viewed("/entry/<id>/why", Explained, nobody_else=True)
    def show_why(view: View, said: PageQuery, id: str) -> Answer:
        told = pools.why(view, frame.journal, id, said["payee"], actor=reader())
        division = pools.division(view, frame.journal, id, actor=reader())
        release = around.work(view, division["release"])
        return render_template(
            "why.html",
            why=told,
            works=timeline.names(view, [piece["asset"] for piece in told["pieces"]]),
            division=division,
            release=release,
            picture=_ways(told, release),
        )


def _steps(
    path: Sequence[Mapping[str, Any]], left_out: int, release: Mapping[str, Any]
) -> tuple[PathStep, ...]:
    """The works of a path; if works in the middle were left out, their number takes their place."""
    steps = [
        PathStep(
            sentences.called(release) if not number else step["title"] or "a work",
            f"{request.script_root}/piece/{step['id']}",
        )
        for number, step in enumerate(path)
    ]
    if left_out:
        steps.insert(
            len(steps) // 2, PathStep(wording.several(left_out, "more work", "more works"))
        )
    return tuple(steps)


def _ways(told: Mapping[str, Any], release: Mapping[str, Any]) -> Markup | None:
    """The picture of the paths to the pieces in which the payee has a share; None if none."""
    ways = [
        MoneyPath(
            steps=_steps(path, left_out, release),
            person=sentences.called(told["payee"]),
            href=_payee_address(told["payee"]["id"]),
            how=f"{wording.percent(piece['share'])} of it",
        )
        for piece in told["pieces"]
        for path, left_out in zip(piece["paths"], piece["paths_left_out"], strict=True)
    ]
    return why_svg(ways) if ways else None
