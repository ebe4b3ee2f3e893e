"""The form that amends the terms of a pool: the templates, filled in with the terms in force.

A preview shows what changes beside what holds before, and only what it showed is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, request

from api.problems import Problem
from api.schemas import stated
from api.web import terms as templates
from api.web.frame import Answer, Frame, reader
from api.web.pooling import People, TypedTerms, lines_of, wrong
from api.web.previewing import Foreseen, tried
from domain.command import Command
from domain.money.pool import Pool, in_force
from domain.money.proposing import AmendPool
from projections import around
from projections.money import pools
from projections.money.pools.told import PoolTold
from projections.nouns import noun_at
from projections.store import View

FIELDS = {"effective_at": "From when", "reason": "Why", "document": "Document"}


def pages(frame: Frame) -> None:
    """The form that amends the terms of a pool."""

    @frame.filled("/pool/<id>/amend", "show_amending", "take_amendment")
    def amend(view: View, do: str, id: str) -> Answer:
        pool = pools.pool(view, frame.journal, id, actor=reader())
        people = People(view, pool["release"])
        form = request.form.to_dict() if request.method == "POST" else _filled(pool, people)
        return _page(frame, view, pool, people, form, do)


def _filled(pool: PoolTold, people: People) -> dict[str, str]:
    """The form filled in with the terms in force; empty if no template makes them."""
    found = templates.made_by(pool["terms"])
    if found is None:
        return {}
    name, filled = found
    blanks = templates.TEMPLATES[name].blanks
    typed = templates.typed(filled, blanks, pool["currency"], people.written)
    return {"template": name, **{f"blank-{blank}": text for blank, text in typed.items()}}


def _page(
    frame: Frame, view: View, pool: PoolTold, people: People, form: Mapping[str, str], do: str
) -> Answer:
    fields = {name: form.get(name, "").strip() for name in FIELDS}
    terms = TypedTerms(form, people, pool["currency"])

    def command() -> Command:
        said: dict[str, Any] = {name: text for name, text in fields.items() if text}
        amend = stated(AmendPool, {**said, "terms": terms.made(), "pool": pool["id"]})
        terms.must_be_right()
        return amend

    def lines(amend: AmendPool, _: object) -> dict[str, Any]:
        since = amend.read(frame.journal.clock()).effective_at
        before = _before(view, frame, pool["id"], since)
        return lines_of(terms, [before, amend.terms], pool["currency"], people)

    def page(shown: Any, beside: Foreseen, problem: Problem | None) -> str:
        return render_template(
            "amend.html",
            pool=pool,
            release=around.work(view, pool["release"]),
            fields=fields,
            terms=terms,
            beside=beside,
            is_from_template=templates.made_by(pool["terms"]) is not None,
            templates=templates.TEMPLATES,
            people=people.offered,
            lines=shown,
            problem=problem,
            wrong=wrong(problem, fields, FIELDS, terms),
        )

    return tried(frame, do, command, lines, page, lambda _: f"/pool/{pool['id']}")


def _before(view: View, frame: Frame, pool: str, effective_at: str) -> Mapping[str, Any]:
    """The terms that, without the amendment, hold for what is earned at a moment."""
    noun = noun_at(view, frame.journal, Pool, pool)
    return in_force(noun.opened, noun.amended, effective_at).terms
