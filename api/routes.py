"""Routes: what a path takes, does, answers and refuses, said once and used twice.

The one rule: what is documented is what runs; a route is declared here or it does not exist.

A few kinds of route carry the whole service: one brings something into being, one changes its
state, one asks. The first two hand a command of the domain to the journal, the third hands a view
of the store to a question. Besides, one computes from its body alone, one gives a file, one takes
a file from anybody, and one tells about the service.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from inspect import getdoc
from typing import Any, Concatenate
from urllib.parse import quote, urlencode
from uuid import UUID

from flask import Response, jsonify, request
from flask_smorest import Blueprint
from werkzeug.routing import BaseConverter, Map

from api.answers import ReceiptAnswer
from api.authentication import actor
from api.fields import (
    LARGEST_POSITION,
    Choice,
    Count,
    Shape,
    Text,
    Units,
    Whole,
    read_body,
    read_file,
    read_object,
    read_query,
)
from api.problems import PROBLEMS, Problem, of_refusal
from api.signatures import PARAMETER, signing_of
from domain.draft import Receipt
from domain.journal import Journal
from domain.money.treasury import Treasury
from domain.refusal import REFUSALS, BadSignature, NotPermitted, NotPublished, Refusal
from projections import lineage
from projections.store import Page, Store, View

Command = Callable[Concatenate[Treasury, ...], Receipt]
Question = Callable[..., Mapping[str, Any] | Page | Response]
Refusals = Collection[type[Refusal]]

LIMIT = 50
MAXIMUM_LIMIT = 200
LONGEST_CURSOR = 500


class Asked(Shape):
    """What every question can be asked with."""

    as_of = Whole(0, LARGEST_POSITION, "Answer as known at this position of the journal.")
    min_position = Whole(
        0,
        LARGEST_POSITION,
        "Wait briefly until this position has been read, such as the one a write answered.",
    )


class Listed(Asked):
    """What every list can be asked for with."""

    limit = Whole(1, MAXIMUM_LIMIT, f"How many at most; {LIMIT} if not said.")
    cursor = Text(
        LONGEST_CURSOR, "WzQyXQ", "Where to go on: “next” of the page before.", allow_none=False
    )


class AskedOfRelease(Asked):
    """What a question about a work, perhaps a release, can be asked with."""

    as_ = Choice(
        ("now", "published"),
        "As known now, or with the lineage that was frozen when the release was published.",
        data_key="as",
    )


class ListedOfRelease(Listed, AskedOfRelease):
    """What a list about a work, perhaps a release, can be asked for with."""


class IdConverter(BaseConverter):
    """The id of a noun in a path; what is no UUID is the id of nothing."""

    def __init__(self, map: Map, noun: str) -> None:
        super().__init__(map)
        self.noun = noun
        self.unknown: Any = REFUSALS[f"unknown_{noun}"]

    def to_python(self, value: str) -> str:
        """The id in its usual form."""
        try:
            return str(UUID(value))
        except ValueError:
            raise of_refusal(self.unknown(value)) from None


class Routes:
    """The routes of one noun."""

    def __init__(self, noun: str, description: str, journal: Journal, store: Store) -> None:
        self.blueprint = Blueprint(noun, __name__, description=description)
        self._journal, self._store = journal, store

    def creates(
        self, path: str, command: Command, body: type[Shape], *, at: str, refuses: Refusals
    ) -> None:
        """A path that brings something into being, to be found under ``at`` from then on."""

        def create(**ids: str) -> Response:
            said = read_body(body)
            receipt = self._record(command, ids, said)
            answer = jsonify(id=receipt.id, position=receipt.position)
            answer.status_code = 201
            answer.headers["Location"] = f"{request.script_root}{at}/{receipt.id}"
            return answer

        located = {"Location": {"description": "Where it is.", "schema": {"type": "string"}}}
        answers = {"201": _answered("It is recorded.", ReceiptAnswer, located)}
        doc = _writing(command, body, answers, refuses)
        self._add("POST", path, create, command.__name__, doc)

    def changes(
        self,
        path: str,
        command: Command,
        body: type[Shape],
        *,
        refuses: Refusals,
        may_be_empty: bool = False,
    ) -> None:
        """A path that changes the state of something."""

        def change(**ids: str) -> Response:
            said = read_body(body, may_be_empty=may_be_empty)
            receipt = self._record(command, ids, said)
            return jsonify(id=receipt.id, position=receipt.position)

        answers = {"200": _answered("It is recorded.", ReceiptAnswer)}
        doc = _writing(command, body, answers, refuses, body_required=not may_be_empty)
        self._add("POST", path, change, command.__name__, doc)

    def reads(
        self,
        path: str,
        answer: type[Shape],
        query: type[Shape] = Asked,
        *,
        refuses: Refusals = (),
        also: Mapping[str, Any] | None = None,
        knows_actor: bool = False,
    ) -> Callable[[Question], Question]:
        """A path that asks; ``also`` names further media types it can answer in, with examples.

        Where not everybody may know the answer, ``knows_actor`` tells the question who asks.
        """

        def decorate(question: Question) -> Question:
            def ask(**ids: str) -> Response:
                asked = read_query(query)
                as_published = asked.pop("as_", None) == "published"
                told = {"actor": actor()} if knows_actor else {}
                with viewing(self._journal, self._store, asked) as now:
                    view = lineage.as_published(now, **ids) if as_published else now
                    return _told(view, question(view, **ids, **asked, **told), asked)

            may_refuse = (*refuses, NotPermitted) if knows_actor else refuses
            may_be_nowhere = "<int:" in path or "<path:" in path
            doc = _asking(question, query, answer, may_refuse, also or {}, may_be_nowhere)
            self._add("GET", path, ask, question.__name__, doc)
            return question

        return decorate

    def says(
        self,
        path: str,
        answer: type[Shape],
        query: type[Shape] | None = None,
        *,
        statuses: Collection[int] = (200,),
        problems: Collection[str] = ("unauthenticated", "storage_unavailable"),
    ) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
        """A path that tells about the service itself; without ``unauthenticated``, to anybody."""

        def decorate(tell: Callable[..., Response]) -> Callable[..., Response]:
            def told() -> Response:
                return tell(**(read_query(query) if query else {}))

            answers = {
                str(status): _answered("What there is to say.", answer) for status in statuses
            }
            doc = _documented(tell, answers, [*problems, *(_OF_QUERY if query else ())])
            if "unauthenticated" not in problems:
                doc["security"] = []
            if query:
                doc["parameters"] = [{"in": "query", "schema": query}]
            self._add("GET", path, told, tell.__name__, doc)
            return tell

        return decorate

    def previews(
        self,
        path: str,
        command: Command,
        body: type[Shape],
        answer: type[Shape],
        *,
        takes: Collection[str],
        refuses: Refusals,
    ) -> Callable[[Question], Question]:
        """A path that tells what a command would change; it refuses as the command does.

        The command, with the fields of the body it ``takes``, is drafted and never recorded.
        """

        def decorate(question: Question) -> Question:
            def preview() -> Response:
                said = read_body(body)
                drafted = {name: value for name, value in said.items() if name in takes}
                command(self._journal.draft(), actor=actor(), **drafted)
                with viewing(self._journal, self._store, {}) as view:
                    return _told(view, question(view, **said), {})

            answers = {"200": _answered("What it would change.", answer)}
            doc = _writing(question, body, answers, refuses, signed=False)
            self._add("POST", path, preview, question.__name__, doc)
            return question

        return decorate

    def computes(
        self,
        path: str,
        compute: Callable[[Mapping[str, object]], dict[str, object]],
        name: str,
        *,
        example: Mapping[str, object],
        refuses: Refusals,
    ) -> None:
        """A path that computes an answer from the body alone; nothing is recorded."""

        def computed() -> Response:
            return jsonify(compute(read_object()))

        content = {"schema": {"type": "object"}, "example": dict(example)}
        answer = {"schema": {"type": "object"}, "example": compute(example)}
        codes = ["unauthenticated", *_OF_BODY, *(refusal.code for refusal in refuses)]
        answers = {"200": {"description": "The answer.", "content": {"application/json": answer}}}
        doc = _documented(compute, answers, codes)
        doc["requestBody"] = {"required": True, "content": {"application/json": content}}
        self._add("POST", path, computed, name, doc)

    def gives(
        self,
        path: str,
        media_type: str,
        example: str,
        *,
        refuses: Refusals,
        query: type[Shape] | None = None,
        public: bool = False,
        viewed: bool = False,
    ) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
        """A path that gives a file, in a form other tools read; ``public`` without a key.

        With ``viewed`` it is made from the answers, and can be asked for as of a position.
        """
        query = Asked if viewed else query

        def decorate(give: Callable[..., Response]) -> Callable[..., Response]:
            def given(**ids: Any) -> Response:
                asked = read_query(query) if query else {}
                if not viewed:
                    return give(**ids, **asked)
                with viewing(self._journal, self._store, asked) as view:
                    return give(view, **ids)

            schema = {"schema": {"type": "string"}, "example": example}
            answers = {"200": {"description": "The file.", "content": {media_type: schema}}}
            codes = ["storage_unavailable", *(refusal.code for refusal in refuses)]
            codes += _of_query(query) if query else []
            codes += ["projections_behind", "position_in_future"] if viewed else []
            # What can't stand in such a path is the address of nothing.
            codes += ["not_found"] if "<" in path else []
            doc = _documented(give, answers, codes if public else ["unauthenticated", *codes])
            if public:
                doc["security"] = []
            if query:
                doc["parameters"] = [{"in": "query", "schema": query}]
            self._add("GET", path, given, give.__name__, doc)
            return give

        return decorate

    def _record(self, command: Command, ids: dict[str, str], said: dict[str, Any]) -> Receipt:
        signing = signing_of(command.__name__, ids)
        return self._journal.record_signed(signing, command, actor=actor(), **ids, **said)

    def takes(
        self, path: str, media_type: str, example: str, maximum_bytes: int, *, refuses: Refusals
    ) -> Callable[[Callable[[bytes], Response]], Callable[[bytes], Response]]:
        """A path that takes a file which proves itself, from anybody, and gives one back."""

        def decorate(take: Callable[[bytes], Response]) -> Callable[[bytes], Response]:
            def taken() -> Response:
                return take(read_file(maximum_bytes))

            content = {media_type: {"schema": {"type": "string"}, "example": example}}
            answers = {"200": {"description": "The file.", "content": content}}
            codes = ["storage_unavailable", "too_large", *(refusal.code for refusal in refuses)]
            doc = _documented(take, answers, codes)
            doc["requestBody"] = {"required": True, "content": content}
            doc["security"] = []
            self._add("POST", path, taken, take.__name__, doc)
            return take

        return decorate

    def _add(
        self, method: str, path: str, view: Callable[..., Response], name: str, doc: dict[str, Any]
    ) -> None:
        view.__name__ = name
        doc["operationId"] = name
        documented = self.blueprint.doc(**doc)(view)
        self.blueprint.add_url_rule(path, name, documented, methods=[method])


@contextmanager
def viewing(journal: Journal, store: Store, asked: dict[str, Any]) -> Iterator[View]:
    """The answers as known at the position that is asked for; takes it out of ``asked``."""
    as_of, min_position = asked.pop("as_of", None), asked.pop("min_position", None)
    if as_of is not None and as_of > (head := journal.facts.head()):
        raise Problem(
            "position_in_future",
            f"The journal has reached {head}, not {as_of} yet.",
            members={"position": head},
        )
    with store.view(as_of, min_position) as view:
        yield view


def form_asked(forms: Mapping[str, str]) -> str:
    """The form the client likes best of these media types by their names; the first if any does."""
    if not request.accept_mimetypes:
        return next(iter(forms))
    liked = request.accept_mimetypes.best_match(forms.values())
    if liked is None:
        raise Problem("not_acceptable", f"There are: {', '.join(forms.values())}.")
    return next(name for name, media_type in forms.items() if media_type == liked)


# -- answers -------------------------------------------------------------------------------


def _told(
    view: View, answer: Mapping[str, Any] | Page | Response, asked: dict[str, Any]
) -> Response:
    """An answer with the position it holds at; a list with the way to its other pages."""
    if isinstance(answer, Response):
        return answer
    if not isinstance(answer, Page):
        return jsonify({"as_of": view.as_of, **answer})
    told = jsonify(as_of=view.as_of, items=answer.items, next=answer.next)
    links = []
    if answer.next is not None:
        links.append(_link("next", view, cursor=answer.next))
    if "cursor" in asked:
        links.append(_link("first", view))
    if links:
        told.headers["Link"] = ", ".join(links)
    return told


def _link(relation: str, view: View, **more: str) -> str:
    """A page of the same list (RFC 8288), at the same position: nothing is lost or told twice."""
    kept = {name: value for name, value in request.args.items() if name != "cursor"}
    query = urlencode({**kept, "as_of": str(view.as_of), **more})
    return f'<{quote(request.script_root + request.path)}?{query}>; rel="{relation}"'


# -- documents -----------------------------------------------------------------------------

_OF_BODY = (
    *("invalid_json", "too_large", "unsupported_media_type"),
    *("invalid_body", "missing_field", "unknown_field", "wrong_type"),
)
_OF_TEXT = ("bad_text", "text_too_long")
_OF_QUERY = ("invalid_query", "unknown_field", "wrong_type", "out_of_range")


def _writing(
    command: Callable[..., object],
    body: type[Shape],
    answers: dict[str, Any],
    refuses: Refusals,
    *,
    body_required: bool = True,
    signed: bool = True,
) -> dict[str, Any]:
    codes = [
        *("unauthenticated", "not_permitted", "contributor_forgotten"),
        *("storage_unavailable", "busy"),
        *_OF_BODY,
        *_OF_TEXT,
        *(refusal.code for refusal in refuses),
    ]
    if signed:
        codes.append(BadSignature.code)
    if any(isinstance(field, Count | Units) for field in body().fields.values()):
        codes.append("out_of_range")
    doc = _documented(command, answers, codes)
    if signed:
        doc["parameters"] = [PARAMETER]
    doc["requestBody"] = {
        "required": body_required,
        "content": {"application/json": {"schema": body}},
    }
    return doc


def _asking(
    question: Question,
    query: type[Shape],
    answer: type[Shape],
    refuses: Refusals,
    also: Mapping[str, Any],
    may_be_nowhere: bool,
) -> dict[str, Any]:
    names = set(query().fields)
    codes = [
        *("unauthenticated", "storage_unavailable", "projections_behind", "position_in_future"),
        *_of_query(query),
        *(refusal.code for refusal in refuses),
    ]
    codes += ["bad_cursor", *_OF_TEXT] if "cursor" in names else []
    codes += [NotPublished.code] if "as_" in names else []
    codes += ["not_acceptable"] if also else []
    codes += ["not_found"] if may_be_nowhere else []
    if any(isinstance(field, Choice) for field in query().fields.values()):
        codes.append("unknown_choice")
    links = {
        "Link": {
            "description": "The next and the first page (RFC 8288).",
            "schema": {"type": "string"},
        }
    }
    listed = links if "cursor" in names else None
    answers = {"200": _answered("The answer.", answer, listed, also)}
    return {
        **_documented(question, answers, codes),
        "parameters": [{"in": "query", "schema": query}],
    }


def _of_query(query: type[Shape]) -> tuple[str, ...]:
    needed = any(field.required for field in query().fields.values())
    return (*_OF_QUERY, "missing_field") if needed else _OF_QUERY


def _documented(
    said: Callable[..., object], answers: dict[str, Any], codes: Collection[str]
) -> dict[str, Any]:
    summary, _, description = (getdoc(said) or "").partition("\n\n")
    responses = dict(answers)
    for status, problem in _problems(codes).items():
        known = responses.setdefault(status, problem)
        known["content"] = {**known["content"], **problem["content"]}
    doc = {"summary": " ".join(summary.split()), "responses": responses}
    return {**doc, "description": description} if description else doc


def _answered(
    description: str,
    answer: type[Shape],
    headers: Mapping[str, Any] | None = None,
    also: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": answer}}
    for media_type, example in (also or {}).items():
        kind = "string" if isinstance(example, str) else "object"
        content[media_type] = {"schema": {"type": kind}, "example": example}
    documented = {"description": description, "content": content}
    return {**documented, "headers": dict(headers)} if headers else documented


def _problems(codes: Collection[str]) -> dict[str, Any]:
    """The problems a route can answer, by status, each status with its codes."""
    by_status: dict[str, list[str]] = {}
    for code in dict.fromkeys((*codes, "internal_error")):
        by_status.setdefault(str(PROBLEMS[code].status), []).append(code)
    return {
        status: {
            "description": " ".join(f"`{code}`: {PROBLEMS[code].meaning}" for code in alike),
            "content": {
                "application/problem+json": {
                    "schema": {
                        "allOf": [
                            {"$ref": "#/components/schemas/Problem"},
                            {"properties": {"code": {"enum": alike}}},
                        ]
                    }
                }
            },
        }
        for status, alike in sorted(by_status.items())
    }
