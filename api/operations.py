"""The OpenAPI operation of a route.

It is derived from the route's declaration: what it takes, what it returns, and every problem it
can answer with, by status.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from inspect import getdoc
from typing import Any

from marshmallow import Schema, fields

from api.fields import BoundedList, Choice, ExactSchema, Id, Units
from api.problems import MEDIA_TYPE, PROBLEMS
from api.results import schema_of
from api.signatures import PARAMETER
from domain.permission import open_to
from domain.refusal import (
    BadId,
    BadIdempotencyKey,
    BadSignature,
    ClockUnreliable,
    IdempotencyKeyReused,
    NotPublished,
    Refusal,
)
from domain.request import LONGEST_KEY
from domain.value import Ref, Word
from projections.question import Question

Refusals = Collection[type[Refusal]]

OF_BODY = (
    *("invalid_json", "too_large", "too_slow", "unsupported_media_type"),
    *("invalid_body", "missing_field", "unknown_field", "wrong_type"),
)
OF_LOAD = ("overloaded", "took_too_long")
OF_KEY = (BadIdempotencyKey.code, IdempotencyKeyReused.code, "outcome_unknown")
OF_TEXT = ("bad_text", "text_too_long")
OF_QUERY = ("invalid_query", "unknown_field", "wrong_type", "out_of_range")

TAG = '"1f0c9d5e2a7b4c68"'
"""The form of the tag of an answer."""


def schema_like(example: str | int) -> dict[str, Any]:
    """The schema of a header with a value like this one."""
    return {"type": "string" if isinstance(example, str) else "integer", "examples": [example]}


HEADERS: dict[str, dict[str, Any]] = {
    name: {"description": description, "schema": schema_like(example)}
    for name, example, description in (
        ("X-Request-Id", "0f0e8e6b7a3b4f0b9c552a8e9d0b9c11", "Names this answer in the logs."),
        ("ETag", TAG, "Its tag, for If-None-Match."),
        (
            *("RateLimit-Policy", '"reads";q=3000;w=60'),
            "The limit that the request was counted against, if any.",
        ),
        (
            *("RateLimit", '"reads";r=2998;t=1'),
            "What is left of it, and the seconds until there is more.",
        ),
        ("Retry-After", 1, "After how many seconds to try again."),
        ("WWW-Authenticate", "Bearer", "How to authenticate."),
    )
}
"""The headers of answers in the OpenAPI document."""

LINKS = {
    "Link": {
        "description": "The next and the first page, or the other formats (RFC 8288).",
        "schema": schema_like('</works?as_of=42&cursor=WzQyXQ>; rel="next"'),
    }
}
"""The header of a page of a list, or of what has several formats, in the OpenAPI document."""

CODES = "x-problem-codes"
"""The member of a documented answer with the codes of its problems. The type of all problems is the
same, so that a generated client has one type and not hundreds."""

UNCHANGED = {"304": {"description": "It is still what If-None-Match names.", "content": {}}}

IDEMPOTENCY_KEY = "Idempotency-Key"
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "description": "The tags of answers that the client has (RFC 9110, 13.1.2).",
    "schema": schema_like(TAG),
}
KEY_PARAMETER = {
    "in": "header",
    "name": IDEMPOTENCY_KEY,
    "description": "A name for this one request, such as a new UUID: repeated under the same key, "
    "it is recorded once and answered alike (draft-ietf-httpapi-idempotency-key-header).",
    "schema": {
        **schema_like("8e03978e-40d5-43e8-bc93-6894a57f9324"),
        "minLength": 1,
        "maxLength": LONGEST_KEY + 2,
    },
}
"""The header in the OpenAPI document."""


def writing(
    said: Callable[..., object],
    body: type[ExactSchema],
    answers: dict[str, Any],
    refuses: Refusals,
    *,
    more: str = "",
    body_required: bool = True,
    signed: bool = True,
) -> dict[str, Any]:
    """The operation of a route that carries out a command or, unsigned, rehearses one."""
    codes = [
        *("unauthenticated", "not_permitted", "contributor_forgotten"),
        *("storage_unavailable", "busy"),
        *OF_BODY,
        *OF_TEXT,
        *(refusal.code for refusal in refuses),
    ]
    if signed:
        codes += [BadSignature.code, ClockUnreliable.code, *OF_KEY]
    codes += of_cursor(body)
    sent = list(_fields_of(body))
    if any(isinstance(field, BoundedList) for field in body().fields.values()):
        codes.append("too_many_items")
    if any(isinstance(field, Units) for field in sent):
        codes.append("out_of_range")
    if any(isinstance(field, Choice) for field in sent):
        codes.append("unknown_choice")
    if any(isinstance(field, Id) for field in sent):
        codes.append(BadId.code)
    doc = documented(said, answers, codes, more=more)
    if signed:
        doc["parameters"] = [PARAMETER, KEY_PARAMETER]
    doc["requestBody"] = {
        "required": body_required,
        "content": {"application/json": {"schema": body}},
    }
    return doc


def _fields_of(body: type[Schema]) -> Iterator[fields.Field[Any]]:
    """The fields of a body, and those of the objects and lists in it."""
    for field in body().fields.values():
        inner = field.inner if isinstance(field, fields.List) else field
        yield inner
        if isinstance(inner, fields.Nested):
            yield from _fields_of(type(inner.schema))


def asking(
    question: Question, query: type[ExactSchema], answer: dict[str, Any], also: Mapping[str, Any]
) -> dict[str, Any]:
    """The operation of a question's route; ``also`` holds examples by further media type."""
    codes = [
        *("unauthenticated", "storage_unavailable", "projections_behind", "position_in_future"),
        *of_query(query),
        *(refusal.code for refusal in question.refusals()),
    ]
    codes += of_cursor(query)
    if any(isinstance(one.value, Word) for one in question.in_query):
        codes += OF_TEXT
    codes += [BadId.code] if any(isinstance(one.value, Ref) for one in question.in_query) else []
    codes += [NotPublished.code] if question.may_be_as_published else []
    codes += ["not_acceptable"] if also else []
    codes += (
        ["not_found"] if any(not isinstance(one.value, Ref) for one in question.in_path) else []
    )
    if any(isinstance(field, Choice) for field in query().fields.values()):
        codes.append("unknown_choice")
    has_links = question.has_pages or question.forms
    answers = {"200": answered("The answer.", answer, has_links and LINKS, also)}
    answers |= UNCHANGED
    more = [open_to(question.may), "Answers as of any position of the journal."]
    more += ["A list, in pages."] if question.is_list else []
    more += ["Long lists go on in further pages."] if question.parts else []
    return documented(question.ask, answers, codes, query, " ".join(more))


def of_cursor(shape: type[ExactSchema]) -> tuple[str, ...]:
    """The codes of problems with the cursor, if there is one."""
    names = {field.data_key or name for name, field in shape().fields.items()}
    return ("bad_cursor", *OF_TEXT) if "cursor" in names else ()


def of_query(query: type[ExactSchema] | None) -> tuple[str, ...]:
    """The codes of problems with the parameters of a route; one without any refuses them all."""
    if query is None:
        return ("unknown_field",)
    needed = any(field.required for field in query().fields.values())
    return (*OF_QUERY, "missing_field") if needed else OF_QUERY


def documented(
    said: Callable[..., object],
    answers: dict[str, Any],
    codes: Collection[str],
    query: type[ExactSchema] | None = None,
    more: str = "",
    *,
    is_probe: bool = False,
) -> dict[str, Any]:
    """The operation of any route; its docstring gives the summary and the description."""
    if "unauthenticated" in codes:
        codes = [*codes, "outside_scope", "issuer_unavailable"]
    summary, _, description = (getdoc(said) or "").partition("\n\n")
    description = "\n\n".join(filter(None, (description, more)))
    responses = dict(answers)
    if not is_probe:
        if "storage_unavailable" in codes:
            codes = [*codes, "rebuild_needed", "upgrade_needed"]
        codes = [*codes, *OF_LOAD, "too_many_requests"]
    for status, problem in _problems(codes).items():
        known = responses.setdefault(status, problem)
        responses[status] = {
            **problem,
            **known,
            "content": {**known["content"], **problem["content"]},
        }
    doc: dict[str, Any] = {"summary": " ".join(summary.split())}
    if description:
        doc["description"] = description
    if query:
        doc["parameters"] = [{"in": "query", "schema": query}]
    if "304" in responses:
        doc["parameters"] = [*doc.get("parameters", ()), IF_NONE_MATCH]
    doc["responses"] = {
        status: _with_headers(status, response, has_tag="304" in responses)
        for status, response in responses.items()
    }
    return doc


def _with_headers(status: str, response: dict[str, Any], *, has_tag: bool) -> dict[str, Any]:
    """The response with the headers that every one of its kind has."""
    names = {
        "304": ["ETag"],
        "401": ["WWW-Authenticate"],
        "429": ["Retry-After", "RateLimit-Policy", "RateLimit"],
        "503": ["Retry-After"],
    }.get(status, [])
    if status.startswith("2"):
        names = ["X-Request-Id", "RateLimit-Policy", "RateLimit", *(["ETag"] if has_tag else [])]
    refs = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {**response, "headers": {**response.get("headers", {}), **refs}} if names else response


def answered(
    description: str,
    answer: Mapping[str, Any],
    headers: Mapping[str, Any] | None = None,
    also: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A response in JSON, and in further media types with examples."""
    content: dict[str, Any] = {"application/json": {"schema": answer}}
    for media_type, example in (also or {}).items():
        kind = {"type": "string"} if isinstance(example, str) else schema_of(dict[str, Any])
        content[media_type] = {"schema": kind, "example": example}
    documented = {"description": description, "content": content}
    return {**documented, "headers": dict(headers)} if headers else documented


def _problems(codes: Collection[str]) -> dict[str, Any]:
    """By status: the response with the problems of that status."""
    by_status: dict[str, list[str]] = {}
    for code in dict.fromkeys((*codes, "internal_error", "damaged")):
        by_status.setdefault(str(PROBLEMS[code].status), []).append(code)
    return {
        status: {
            "description": ", ".join(f"`{code}`" for code in alike) + ".",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            CODES: alike,
        }
        for status, alike in sorted(by_status.items())
    }
