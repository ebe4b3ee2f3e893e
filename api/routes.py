"""Routes: each is declared once, which makes it run and documents it.

Those of commands and questions are in api.commands and api.questions. Here are the routes that
compute something from a body alone, return or accept a file, or describe the service.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from flask import Blueprint, Response, jsonify

from api.asking import Paging, QuestionParameters, linked, viewing
from api.fields import ExactSchema
from api.listing import Slice, page_of
from api.operations import (
    LINKS,
    OF_BODY,
    UNCHANGED,
    Refusals,
    answered,
    documented,
    of_cursor,
    of_query,
    writing,
)
from api.problems import pointing
from api.received import must_ask_nothing, read_body, read_file, read_object, read_query
from api.results import list_of, schema_of
from domain.command import Field
from domain.journal import Journal
from domain.value import Number, Payee, Ref, Value
from projections.store import Store

Find = TypeVar("Find", bound=Callable[[Slice], Sequence[Any]])
Change = TypeVar("Change", bound=Callable[..., Mapping[str, Any]])
Declaring = Callable[[Callable[..., Response]], Callable[..., Response]]
"""Declares a route by the function that it decorates."""

SECTIONS = {
    **dict.fromkeys(("revenue", "expenses", "entries"), "pools"),
    **dict.fromkeys(("bookings", "balances", "trial-balance"), "books"),
    "payout-batches": "payouts",
    "assignments": "payouts",
    "periods": "payouts",
    "exchange-rates": "payouts",
    "payment-currencies": "payouts",
    "withholdings": "payouts",
    "withheld": "payouts",
    "facts": "log",
    "grants": "contributors",
    "memberships": "contributors",
    "steps": "projects",
    "answers": "challenges",
}
"""By first word of a path: its section, if they differ."""


def section_of(path: str) -> str:
    """The section of the API to which the path of a command or a question belongs."""
    first = path.split("/")[1]
    return SECTIONS.get(first, first)


def path_of(path: str, fields: Iterable[Field]) -> str:
    """The path of a command or a question as Flask writes it, with a converter for each field."""
    return path.format(**{one.name: f"<{_converter(one.value)}:{one.name}>" for one in fields})


def _converter(value: Value) -> str:
    match value:
        case Payee() | Ref(or_name=True):
            return "payee"
        case Ref(noun=noun):
            return f"id({noun})"
        case Number():
            return "int"
    return "path"


class Route(NamedTuple):
    """One route, and how it is documented."""

    method: str
    path: str
    name: str
    view: Callable[..., Response]
    public: bool
    """Whether it can be used without a key."""
    doc: Callable[[], dict[str, Any]]
    """Makes its OpenAPI operation, when the document is requested."""


class Routes:
    """The routes of one noun."""

    def __init__(self, noun: str, description: str, journal: Journal, store: Store) -> None:
        self.noun, self.description = noun, description
        self._journal, self._store = journal, store
        self.declared: list[Route] = []

    @property
    def blueprint(self) -> Blueprint:
        """The routes as a Flask blueprint."""
        blueprint = Blueprint(self.noun, __name__)
        for route in self.declared:
            blueprint.add_url_rule(route.path, route.name, route.view, methods=[route.method])
        return blueprint

    @property
    def public(self) -> set[str]:
        """The endpoints that can be used without a key."""
        return {f"{self.noun}.{route.name}" for route in self.declared if route.public}

    def says(
        self,
        path: str,
        answer: Any,
        query: type[ExactSchema] | None = None,
        *,
        told: str = "The answer.",
        statuses: Collection[int] = (200,),
        problems: Collection[str] = ("unauthenticated", "storage_unavailable"),
        is_probe: bool = False,
    ) -> Declaring:
        """Declare a GET route that describes the service, or lists what is not recorded as facts.

        Public unless its problems name ``unauthenticated``. A probe may ask anything, and is not
        counted against a limit.
        """

        def decorate(tell: Callable[..., Response]) -> Callable[..., Response]:
            def answer_it() -> Response:
                return tell(**({} if is_probe else _read(query)))

            def doc() -> dict[str, Any]:
                answers = {str(status): answered(told, schema_of(answer)) for status in statuses}
                if is_probe:
                    return documented(tell, answers, problems, is_probe=True)
                return documented(tell, answers, [*problems, *of_query(query)], query)

            public = "unauthenticated" not in problems
            self.add("GET", path, answer_it, tell.__name__, doc, public=public)
            return tell

        return decorate

    def lists(
        self, path: str, item: Any, told: str, tell: Callable[[Any], Mapping[str, Any]]
    ) -> Callable[[Find], Find]:
        """Declare a GET route that lists, in pages, what is not recorded as facts.

        The function returns a part of the list; ``tell`` is an item as answers show it.
        """

        def decorate(find: Find) -> Find:
            def list_it() -> Response:
                asked = read_query(Paging)
                after = asked.get("cursor")
                found = page_of(find, after, asked["limit"])
                told = jsonify(next=found.next, items=[tell(one) for one in found.items])
                return linked(told, found.next, is_further=after is not None)

            def doc() -> dict[str, Any]:
                answers = {"200": answered(told, list_of(item), LINKS)}
                codes = ("unauthenticated", "storage_unavailable", *of_query(Paging))
                return documented(find, answers, (*codes, *of_cursor(Paging)), Paging)

            self.add("GET", path, list_it, find.__name__, doc)
            return find

        return decorate

    def changes(
        self,
        path: str,
        body: type[ExactSchema],
        answer: Any,
        told: str,
        refuses: Refusals = (),
        *,
        status: int = 200,
        may_be_empty: bool = False,
    ) -> Callable[[Change], Change]:
        """Declare a POST route that changes what is not a fact, such as a key; never signed."""

        def decorate(change: Change) -> Change:
            def changed(**ids: str) -> Response:
                said = read_body(body, may_be_empty=may_be_empty)
                with pointing(said, body().fields, ids):
                    response = jsonify(change(**ids, **said))
                response.status_code = status
                return response

            def doc() -> dict[str, Any]:
                answers = {str(status): answered(told, schema_of(answer))}
                required = not may_be_empty
                return writing(change, body, answers, refuses, signed=False, body_required=required)

            self.add("POST", path, changed, change.__name__, doc)
            return change

        return decorate

    def computes(
        self,
        path: str,
        compute: Callable[[Mapping[str, object]], dict[str, object]],
        name: str,
        asked: type[Any],
        answer: type[Any],
        *,
        example: Mapping[str, object],
        refuses: Refusals,
    ) -> None:
        """Declare a POST route that computes an answer from the body alone; nothing is recorded."""

        def computed() -> Response:
            said = read_object()
            with pointing(said, {*said, *example}):
                return jsonify(compute(said))

        def doc() -> dict[str, Any]:
            sent = {"schema": schema_of(asked), "example": dict(example)}
            told = {"schema": schema_of(answer), "example": compute(example)}
            codes = ["unauthenticated", *OF_BODY, *(refusal.code for refusal in refuses)]
            answers = {"200": {"description": "The answer.", "content": {_JSON: told}}}
            body = {"required": True, "content": {_JSON: sent}}
            return documented(compute, answers, codes) | {"requestBody": body}

        self.add("POST", path, computed, name, doc)

    def gives(
        self,
        path: str,
        media_type: str,
        example: str,
        *,
        refuses: Refusals,
        query: type[ExactSchema] | None = None,
        public: bool = False,
        viewed: bool = False,
    ) -> Declaring:
        """Declare a GET route that returns a file for other tools; if ``public``, without a key.

        If ``viewed``, the file is made from a view and can be requested as of a position.
        """
        query = QuestionParameters if viewed else query

        def decorate(give: Callable[..., Response]) -> Callable[..., Response]:
            def given(**ids: Any) -> Response:
                asked = _read(query)
                if not viewed:
                    return give(**ids, **asked)
                with viewing(self._journal, self._store, asked) as view:
                    return give(view, **ids)

            def doc() -> dict[str, Any]:
                schema = {"schema": {"type": "string"}, "example": example}
                answers = {"200": {"description": "The file.", "content": {media_type: schema}}}
                if public:
                    answers |= UNCHANGED
                codes = ["storage_unavailable", *(refusal.code for refusal in refuses)]
                codes += of_query(query)
                codes += ["projections_behind", "position_in_future"] if viewed else []
                # A path that its converter does not match is not found.
                codes += ["not_found"] if "<" in path else []
                codes = codes if public else ["unauthenticated", *codes]
                return documented(give, answers, codes, query)

            self.add("GET", path, given, give.__name__, doc, public=public)
            return give

        return decorate

    def takes(
        self, path: str, media_type: str, example: str, maximum_bytes: int, *, refuses: Refusals
    ) -> Callable[[Callable[[bytes], Response]], Callable[[bytes], Response]]:
        """Declare a public POST route that accepts a file that proves itself, and returns one."""

        def decorate(take: Callable[[bytes], Response]) -> Callable[[bytes], Response]:
            def taken() -> Response:
                return take(read_file(maximum_bytes))

            def doc() -> dict[str, Any]:
                content = {media_type: {"schema": {"type": "string"}, "example": example}}
                answers = {"200": {"description": "The file.", "content": content}}
                codes = ["storage_unavailable", "too_large", "too_slow", "unsupported_media_type"]
                codes += [refusal.code for refusal in refuses]
                # Any type will do; generators of clients know how to send this one.
                raw = {"schema": {"type": "string", "format": "binary"}, "example": example}
                body = {"required": True, "content": {**content, "application/octet-stream": raw}}
                return documented(take, answers, codes) | {"requestBody": body}

            self.add("POST", path, taken, take.__name__, doc, public=True)
            return take

        return decorate

    def add(
        self,
        method: str,
        path: str,
        view: Callable[..., Response],
        name: str,
        doc: Callable[[], dict[str, Any]],
        *,
        public: bool = False,
    ) -> None:
        """Add a route with its documentation."""
        self.declared.append(Route(method, path, name, view, public, doc))


def _read(query: type[ExactSchema] | None) -> dict[str, Any]:
    """The query of the request; a route that has none refuses every parameter."""
    if query is not None:
        return read_query(query)
    must_ask_nothing()
    return {}


_JSON = "application/json"
