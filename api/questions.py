"""Questions over HTTP: a route for each, declared by the question itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from operator import attrgetter
from typing import Any

from flask import Response, jsonify, request

from api.asking import answer_at, form_asked, viewing, with_alternatives
from api.authentication import actor
from api.conditional import by_bytes, once
from api.current import the_visit
from api.fields import ExactSchema
from api.operations import answered, asking, writing
from api.problems import of_refusal, pointing
from api.received import read_body, read_query
from api.results import answer_of
from api.routes import Routes, path_of, section_of
from api.schemas import body_of_question, query_of
from domain.fact import utc_now
from domain.journal import Journal
from domain.refusal import Refusal, Wrong
from domain.wrong import must_not_be_refused
from projections import lineage
from projections.question import Asking, Format, Question, wire_name
from projections.registry import QUESTIONS
from projections.store import Store, View

ROOMS = {
    "show_statement": "payouts",
    "show_earnings": "payouts",
    "list_pools": "pools",
    "list_claims": "works",
    "list_inbox": "contributors",
}
"""By question: its section, if that does not follow from the path."""

JSON = "application/json"


def questions(journal: Journal, store: Store, rooms: Mapping[str, Routes]) -> None:
    """Add the route of every question to the section that its path belongs to, by their paths."""
    for question in sorted(QUESTIONS.values(), key=attrgetter("path")):
        routes = rooms[ROOMS.get(question.name) or section_of(question.path)]
        add = _add_rehearsal if question.rehearses else _add
        add(journal, store, routes, question)


def _add(journal: Journal, store: Store, routes: Routes, question: Question) -> None:
    query = query_of(question)
    media_types = {"json": JSON} | {name: form.media_type for name, form in question.forms.items()}

    def ask(**ids: Any) -> Response:
        asked = (
            read_query(query)
            if the_visit().environ.get("QUERY_STRING")
            else dict(_nothing_asked(query))
        )
        as_published = asked.pop("as_", None) == "published"
        is_past = as_published or "as_of" in asked
        form_name = asked.pop("format", None) or form_asked(media_types)
        form = question.forms.get(form_name)
        by_itself = form is None and not question.given
        with viewing(journal, store, asked, by_itself=by_itself) as now:

            def compute() -> Response:
                view = lineage.as_published(now, ids["id"]) if as_published else now
                said = {**ids, **_read(question, asked)}
                asking = asked_by(view, journal, question.name, said)
                given = _given(question, asked)
                with pointing(given, given, in_path=given):
                    answer = _fitting(asking, asked) if form is None else written(form, asking)
                return with_alternatives(answer, view, media_types, form_name)

            if not question.given:
                media_type, varies = form.media_type if form else JSON, bool(question.forms)
                return once(now, media_type, compute, varies=varies, is_past=is_past)
            answer = by_bytes(compute())
            if question.forms:
                answer.vary.add("Accept")
            return answer

    def doc() -> dict[str, Any]:
        examples = {form.media_type: form.example for form in question.forms.values()}
        return asking(question, query, answer_of(question), examples)

    routes.add("GET", path_of(question.path, question.in_path), ask, question.name, doc)


@cache
def _nothing_asked(query: type[ExactSchema]) -> Mapping[str, Any]:
    """The parameters of a request without a query, cached."""
    return read_query(query)


def _fitting(asking: Asking, asked: dict[str, Any]) -> Response:
    """The answer as JSON, with as many items of long lists as fit."""
    while True:
        answer = answer_at(asking.view, asking.answer, asked, asking.beside)
        shorter = asking.shorter(answer.content_length or 0)
        if shorter is None:
            return answer
        asking = shorter


def _add_rehearsal(journal: Journal, store: Store, routes: Routes, question: Question) -> None:
    body = body_of_question(question)

    def ask() -> Response:
        asked = read_body(body)
        said = _read(question, asked, in_body=True)
        given = _given(question, asked)
        with viewing(journal, store, {}) as view, pointing(given, given):
            return answer_at(view, asked_by(view, journal, question.name, said).answer, {})

    def doc() -> dict[str, Any]:
        answers = {"200": answered("What the command would change.", answer_of(question))}
        return writing(question.ask, body, answers, question.refusals(), signed=False)

    routes.add("POST", path_of(question.path, question.in_path), ask, question.name, doc)


def _given(question: Question, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters by the names that requests have for them; None for those not given."""
    return {wire_name(one): asked.get(one.name) for one in question.in_query}


def _read(question: Question, asked: Mapping[str, Any], *, in_body: bool = False) -> dict[str, Any]:
    """What was asked in its normal form; raises a problem that names every value refused."""
    read, wrong, now = dict(asked), list[Wrong](), utc_now()
    for one in question.in_query:
        if (value := asked.get(one.name)) is not None:
            try:
                read[one.name] = one.value.read(value, now)
            except Refusal as refusal:
                wrong.append(Wrong((wire_name(one),), refusal))
    try:
        must_not_be_refused(wrong)
    except Refusal as first:
        parameters = () if in_body else map(wire_name, question.in_query)
        raise of_refusal(first, in_path=[*parameters]) from None
    return read


def asked_by(view: View, journal: Journal, name: str, said: Mapping[str, Any]) -> Asking:
    """A question as asked by the sender of the request."""
    return Asking(QUESTIONS[name], view, journal, said, actor())


def written(form: Format, asking: Asking) -> Response:
    """An answer in another form than JSON, which may contain links to pages."""
    made = form.write(replace(asking, origin=request.root_url))
    answer = Response(made) if isinstance(made, str | bytes) else jsonify(made)
    # Text names its encoding.
    suffix = "; charset=utf-8" if isinstance(made, str) else ""
    answer.headers["Content-Type"] = form.media_type + suffix
    return answer
