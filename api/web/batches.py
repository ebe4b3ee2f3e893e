"""Payouts in batches: previewed, issued, then settled or returned, one or many at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request

from api.fields import LONGEST_WORD, Choice, word
from api.problems import Problem, of_refusal
from api.web import amounts, errors
from api.web.address import Listed, PageQuery, form_id, id_in_path
from api.web.frame import Answer, Frame, reader, to_page
from api.web.keepers import keeps_books, must_read_all
from api.web.words import PAYOUT_STATES
from domain.command import Command
from domain.money.currency import currency_code
from domain.money.paying import IssuePayouts, ReturnPayout, SettlePayout
from domain.refusal import Refusal, WrongState
from domain.text import whole
from domain.value import Amount
from projections.money import balances, bookkeeping, payouts, previewing
from projections.money.previewing import OUTCOMES
from projections.store import View

PART = 50
"""How many payouts or payees a page shows."""
MOST_AT_ONCE = 200
"""How many payouts are settled or returned in one append."""

PREVIEWED = {"currency": "Currency", "minimum": "Smallest amount"}
CHANGED = {"reference": "Bank reference", "reason": "Why"}
"""The labels of the fields of the forms that preview payouts and that say what became of them."""
_SENT = ("currency", "minimum", "total", "id")


class Previewed(Listed):
    """The parameters of a preview and of a batch."""

    currency = amounts.Currency(LONGEST_WORD, "EUR", "In this currency.")
    minimum = word("10.00", "The smallest amount to pay to one payee.")
    outcome = Choice(OUTCOMES, "Only payees with this outcome.")
    state = Choice(("issued", "settled", "returned", "claimed"), "Only payouts in this state.")


def pages(frame: Frame) -> None:
    """The preview, the batches, and the page of one."""

    @frame.viewed("/desk/accountant/payout", Previewed, nobody_else=True)
    def show_payout_preview(view: View, said: PageQuery) -> Answer:
        must_read_all(frame, view)
        try:
            return _preview(frame, view, said, said.at.cursor)
        except (Problem, Refusal) as refusal:
            problem = of_refusal(refusal)
            return _preview(frame, view, said, None, problem), problem.code

    @frame.form("/desk/accountant/payout")
    def issue_payouts() -> Answer:
        said = {name: request.form.get(name, "").strip() for name in _SENT}
        said["currency"] = said["currency"].upper()
        try:
            receipt = frame.record(_issue(said))
        except (Problem, Refusal) as refusal:
            problem = of_refusal(refusal)
            with frame.view({}) as view:
                must_read_all(frame, view)
                return _preview(frame, view, said, None, problem), problem.code
        return to_page(f"/desk/accountant/batch/{receipt.id}", receipt.position)

    @frame.viewed("/desk/accountant/batches", Listed, nobody_else=True)
    def show_batches(view: View, said: PageQuery) -> Answer:
        must_read_all(frame, view)
        found = bookkeeping.latest_batches(view, after=said.at.cursor, limit=PART)
        return render_template("batches.html", batches=found.items, next=found.next)

    @frame.viewed("/desk/accountant/batch/<id>", Previewed, nobody_else=True)
    def show_batch(view: View, said: PageQuery, id: str) -> Answer:
        return _batch(frame, view, id, said.get("state"), said.at.cursor)

    @frame.form("/desk/accountant/batch/<id>")
    def change_payouts(id: str) -> Answer:
        try:
            receipt = frame.record(*_changes())
        except (Problem, Refusal) as refusal:
            with frame.view({}) as view:
                problem = _overtaken(frame, view, refusal) or of_refusal(refusal)
                return _batch(frame, view, id, None, None, problem, request.form), problem.code
        return to_page(f"/desk/accountant/batch/{id}", receipt.position)


def _minimum(said: dict[str, Any]) -> int:
    typed, value = said.get("minimum"), IssuePayouts.by_name()["minimum_minor"].value
    assert isinstance(value, Amount)
    return amounts.within(value, typed, said["currency"]) if typed else 1


def _issue(said: dict[str, Any]) -> IssuePayouts:
    currency = currency_code(said["currency"])
    given: dict[str, Any] = {"id": said["id"]} if said["id"] else {}
    if said["total"]:
        given["total_minor"] = whole(said["total"]) or 0  # which no batch pays
    return IssuePayouts.of({"currency": currency, "minimum_minor": _minimum(said), **given})


def _preview(
    frame: Frame,
    view: View,
    said: dict[str, Any],
    cursor: str | None,
    problem: Problem | None = None,
) -> str:
    """The page that chooses a currency and then shows what a batch would pay."""
    told, outcome = None, said.get("outcome")
    if said.get("currency") and (problem is None or not problem.problem.startswith("bad_")):
        currency, least = currency_code(said["currency"]), _minimum(said)
        told = previewing.previewed(view, frame.journal, currency, least, outcome, cursor, PART)
    return render_template(
        "payout.html",
        told=told,
        said=said,
        id=form_id(),
        currencies=sorted(balances.totals(view)),
        keeps_books=keeps_books(frame),
        problem=problem,
        wrong=errors.by_field(problem, said, PREVIEWED),
    )


def _batch(
    frame: Frame,
    view: View,
    id: str,
    state: str | None,
    cursor: str | None,
    problem: Problem | None = None,
    said: Mapping[str, str] | None = None,
) -> str:
    told = payouts.batch(view, frame.journal, id, actor=reader())
    found = payouts.largest(view, id, state=state, after=cursor, limit=PART)
    return render_template(
        "batch.html",
        told=told,
        payouts=found.items,
        next=found.next,
        state=state,
        keeps_books=keeps_books(frame),
        problem=problem,
        wrong=errors.by_field(problem, said or {}, CHANGED),
        said=said or {},
        ticked=request.form.to_dict(flat=False) if problem else None,
    )


def _overtaken(frame: Frame, view: View, refusal: Problem | Refusal) -> Problem | None:
    """The problem that somebody else has said meanwhile what became of one of the payouts."""
    if not isinstance(refusal, WrongState):
        return None
    one = payouts.payout(view, frame.journal, str(refusal.details["id"]), actor=reader())
    name, state = one["payee"]["name"] or one["payee"]["id"], PAYOUT_STATES[one["state"]]
    return Problem(
        "wrong_state",
        f"The payout to {name} has changed since this page was shown: {state}. Check the others, "
        "and press the button again.",
    )


def _changes() -> list[Command]:
    """A command for each payout ticked for the pressed button: to settle it or to return it."""
    do = request.form.get("do", "")
    if do not in ("settle", "return"):
        raise Problem("missing_field", "Press “They arrived” or “They came back”.")
    chosen = [id_in_path(id) for id in request.form.getlist(do)]
    if not chosen:
        raise Problem("missing_field", "Tick the payouts this applies to.")
    if len(chosen) > MOST_AT_ONCE:
        raise Problem("invalid_body", f"At most {MOST_AT_ONCE} payouts at once.")
    if do == "return":
        reason = request.form.get("reason", "").strip()
        if not reason:
            raise errors.problem_at("reason", "missing_field", "Say why they came back.")
        return [ReturnPayout.of({"id": id, "reason": reason}) for id in chosen]
    own = {id: request.form.get(f"reference-{id}", "").strip() for id in chosen}
    common = request.form.get("reference", "").strip()
    return [SettlePayout.of({"id": id, "reference": own[id] or common or None}) for id in chosen]
