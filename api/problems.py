"""Problems as clients see them: one table of codes, one shape of answer (RFC 9457).

Whatever fails, the answer has a code of this table and reveals nothing of the implementation.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from inspect import getdoc
from math import ceil
from typing import Any, NamedTuple
from urllib.parse import quote

from flask import Flask, Request, Response, request
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, InternalServerError

from api.current import the_visit
from domain.engine import DatabaseUnavailable, OutcomeUnknown, RebuildNeeded, UpgradeNeeded
from domain.engine.deadline import TookTooLong
from domain.refusal import REFUSALS, Refusal, Wrong, shown
from domain.wrong import point_at
from projections.damage import is_of_damage
from projections.pages import BadCursor
from projections.store import Behind
from projections.workshop import Crowded

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 20
"""How many errors an answer lists; the others are counted."""
RETRY_SECONDS = 1
BARE_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<h1>That did not work</h1>
<p>{detail}</p>
{more}</html>
"""
AGAIN = Markup(
    "<p>Load this page again in a moment. A form that is sent again is recorded only once.</p>\n"
)

log = logging.getLogger(__name__)


class Kind(NamedTuple):
    """A problem: its HTTP status, and what it means."""

    status: int
    meaning: str


OWN: dict[str, Kind] = {
    "invalid_json": Kind(400, "The body is not one JSON object in UTF-8."),
    "bad_request": Kind(400, "The request is not valid HTTP for this service."),
    "unauthenticated": Kind(
        401, "The request has no API key, or one that is invalid or has expired."
    ),
    "outside_scope": Kind(
        403, "The scope of the key or the token does not include this; a wider one may."
    ),
    "stale_form": Kind(403, "The form was not sent from a page of this session; load it again."),
    "not_found": Kind(404, "There is nothing at this address."),
    "method_not_allowed": Kind(
        405, "This address does not accept the method; the Allow header names those it does."
    ),
    "not_acceptable": Kind(
        406, "None of the requested formats is available here; the detail names those that are."
    ),
    "too_slow": Kind(408, "The body took too long to arrive; nothing was done."),
    "too_large": Kind(
        413, "The body is larger than this service accepts: send several, or use `stemma import`."
    ),
    "address_too_long": Kind(
        414, "The address is longer than this service accepts; it is answered by the proxy."
    ),
    "unsupported_media_type": Kind(
        415, "The body is not declared as application/json, or it is compressed."
    ),
    "headers_too_large": Kind(
        431, "The headers are larger than this service accepts; it is answered by the proxy."
    ),
    "too_many_requests": Kind(
        429, "More requests than the limit allows; the Retry-After header says how long to wait."
    ),
    "invalid_body": Kind(422, "Several fields of the body are wrong; each has its own code."),
    "invalid_query": Kind(422, "Several parameters are wrong; each has its own code."),
    "missing_field": Kind(422, "A required field or parameter is missing."),
    "unknown_field": Kind(422, "A field or parameter is unknown."),
    "wrong_type": Kind(422, "A value does not have the documented type."),
    "too_many_items": Kind(
        422, "A list has more items than allowed; `stemma import` accepts longer ones."
    ),
    "out_of_range": Kind(422, "A number is below or above the documented range."),
    "unknown_choice": Kind(422, "A value is not one of the documented choices."),
    "bad_cursor": Kind(
        422,
        "The cursor was not issued by this list with these filters: ask for its first page again.",
    ),
    "position_in_future": Kind(422, "Nothing has been recorded at this position yet."),
    "internal_error": Kind(
        500,
        "Something went wrong in the service; it has been logged. If “stemma verify database” "
        "finds no damage, it is a bug in Stemma.",
    ),
    "damaged": Kind(
        500,
        "Stored data is damaged and can't be read; it has been logged. “stemma verify "
        "database” names everything that is damaged.",
    ),
    "unreachable": Kind(
        502,
        "The proxy could not reach the service, or it broke off. Repeat what writes with its "
        "idempotency key, which is safe.",
    ),
    "projections_behind": Kind(
        503, "Answers have not caught up with that position yet; try again."
    ),
    "rebuild_needed": Kind(
        503, "The read tables belong to another version; the operator has to run “stemma rebuild”."
    ),
    "upgrade_needed": Kind(
        503, "The tables belong to another version; the operator has to run “stemma upgrade”."
    ),
    "issuer_unavailable": Kind(503, "The issuer's keys could not be fetched; try again."),
    "storage_unavailable": Kind(
        503, "The database is not answering, and nothing was recorded; try again."
    ),
    "outcome_unknown": Kind(
        503,
        "The database stopped answering while the request was being recorded. Ask whether it was "
        "recorded, or repeat it with its idempotency key, which is safe.",
    ),
    "overloaded": Kind(503, "The service is overloaded and did nothing; try again."),
    "took_too_long": Kind(
        504, "The answer took longer than allowed; nothing was recorded. Ask for less, or later."
    ),
}
"""The problems of HTTP itself; all others are refusals of the domain."""

PROBLEMS: dict[str, Kind] = {
    **{code: Kind(one.status, getdoc(one) or code) for code, one in REFUSALS.items()},
    **OWN,
}
"""Every problem by its code."""

_STORAGE = {RebuildNeeded: "rebuild_needed", UpgradeNeeded: "upgrade_needed"}

_OF_STATUS = {
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    413: "too_large",
    415: "unsupported_media_type",
}


class Problem(HTTPException):
    """A request that can't be answered, with a code of the table."""

    code: int

    def __init__(
        self,
        problem: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = problem
        self.headers = dict(headers or {})
        self.members = dict(members or {})
        self.code = PROBLEMS[problem].status
        if self.code == 503:
            self.headers.setdefault("Retry-After", str(RETRY_SECONDS))

    @property
    def errors(self) -> list[dict[str, str]]:
        """What is wrong with each field or parameter, if it lists that."""
        errors = self.members.get("errors")
        return errors if isinstance(errors, list) else []

    @property
    def quoted(self) -> set[str]:
        """The texts of the request that it quotes."""
        return {value for value in self.members.values() if isinstance(value, str) and value}

    def answer(self) -> Response:
        """The problem as RFC 9457 writes it."""
        status, meaning = PROBLEMS[self.problem]
        visit = the_visit()
        body = {
            **self.members,
            "type": visit.root + problem_uri(self.problem),
            "title": meaning.partition("\n")[0],
            "status": status,
            "detail": self.description,
            "code": self.problem,
        }
        if visit.id:
            body["instance"] = f"urn:stemma:request:{visit.id}"
        # ASCII only, because a quotation from the request may not be encodable in UTF-8.
        return Response(json.dumps(body), status, self.headers, content_type=MEDIA_TYPE)

    def bare_page(self) -> Response:
        """The problem as a page that takes nothing from the application."""
        status, meaning = PROBLEMS[self.problem]
        more = AGAIN if status >= 500 or status == 408 else ""
        page = Markup(BARE_PAGE).format(title=meaning, detail=self.description, more=more)
        return Response(page, status, self.headers, content_type="text/html; charset=utf-8")


def problem_uri(code: str) -> str:
    """The URI at which a code is explained, below the root of the service."""
    return f"/docs#problem-{code}"


def of_refusal(refusal: Refusal | Problem, in_path: Collection[str] = ()) -> Problem:
    """A refusal of the domain, as a problem; a problem stays itself.

    ``in_path`` are the fields that are parameters of the address and not in the body.
    """
    if isinstance(refusal, Problem):
        return refusal
    frees = refusal.details.get("frees_at")
    wait = _seconds_to(frees) if isinstance(frees, str) else None
    headers = {} if wait is None else {"Retry-After": str(wait)}
    members = refusal.details
    if any(one.refusal.code == refusal.code for one in refusal.wrong):
        members = {**members, **listed(told(one, in_path) for one in refusal.wrong)}
    return Problem(refusal.code, str(refusal), members=members, headers=headers)


@contextmanager
def pointing(
    said: Mapping[str, Any], names: Collection[str], in_path: Collection[str] = ()
) -> Iterator[None]:
    """Say of a refusal which value of a request it is about; ``names`` are all it may have."""
    try:
        yield
    except Refusal as refusal:
        point_at(refusal, said, names)
        raise of_refusal(refusal, in_path) from None


def told(wrong: Wrong, in_path: Collection[str] = ()) -> dict[str, str]:
    """A value that was refused, as an error of a problem; ``in_path`` are not in the body."""
    refusal, first = wrong.refusal, str(wrong.path[0])
    place = {"parameter": first} if first in in_path else {"pointer": pointer(wrong.path)}
    return {**place, "code": refusal.code, "detail": str(refusal)}


def listed(errors: Iterable[Mapping[str, str]]) -> dict[str, object]:
    """The members of a problem with the first MOST_ERRORS errors, and the number of the others."""
    first = [*errors]
    members: dict[str, object] = {"errors": first[:MOST_ERRORS]}
    return (
        members
        if len(first) <= MOST_ERRORS
        else {**members, "further_errors": len(first) - MOST_ERRORS}
    )


def pointer(path: Sequence[object]) -> str:
    """A JSON pointer (RFC 6901) into the body."""
    escaped = (shown(step).replace("~", "~0").replace("/", "~1") for step in path)
    return "#" + "".join(f"/{step}" for step in escaped)


def _seconds_to(moment: str) -> int:
    """The whole seconds until a moment, at least one."""
    return max(1, ceil((datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds()))


def of_http(error: HTTPException) -> Problem:
    """An error raised by Flask or Werkzeug, as a problem."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, InternalServerError):
        return of_accident(error.original_exception or error)
    code = _OF_STATUS.get(error.code or 0, "bad_request")
    kept = {"Allow", "Retry-After"}
    headers = {name: value for name, value in error.get_headers() if name in kept}
    return Problem(code, PROBLEMS[code].meaning, headers=headers)


def of_behind(behind: Behind) -> Problem:
    """The problem that the projections have not reached the requested position."""
    return Problem("projections_behind", str(behind), members={"position": behind.position})


def of_bad_cursor(_: BadCursor) -> Problem:
    """The problem of a cursor that belongs to another list."""
    said = PROBLEMS["bad_cursor"].meaning
    place = {"pointer": "#/cursor"} if request.method == "POST" else {"parameter": "cursor"}
    error = {**place, "code": "bad_cursor", "detail": said}
    return Problem("bad_cursor", said, members=listed([error]))


def of_crowded(_: Crowded) -> Problem:
    """The problem that too many pictures or documents are requested at the same time."""
    return Problem("overloaded", PROBLEMS["overloaded"].meaning)


def of_unknown_outcome(error: Exception, key: str | None = None) -> Problem:
    """The problem of a request that may have been recorded, and where to ask by its key."""
    log.warning("%s", error)
    if key is None:
        return Problem("outcome_unknown", str(error))
    path = f"{request.script_root}/requests/{quote(key, safe='')}"
    detail = (
        f"Whether this was recorded is not known: GET {path} tells. Repeating it with "
        f"Idempotency-Key: {key} records it at most once."
    )
    return Problem("outcome_unknown", detail, members={"idempotency_key": key, "request": path})


def of_accident(error: BaseException) -> Problem:
    """The problem for an unexpected exception: logged in full, reported in one sentence."""
    if isinstance(error, TookTooLong):
        log.warning("%s", error)
        return Problem("took_too_long", "It took longer than an answer may; nothing was recorded.")
    if isinstance(error, OutcomeUnknown):
        return of_unknown_outcome(error)
    if isinstance(error, DatabaseUnavailable):
        log.warning("%s", error)
        code = _STORAGE.get(type(error), "storage_unavailable")
        return Problem(code, PROBLEMS[code].meaning)
    log.error("a request failed", exc_info=error)
    code = "damaged" if is_of_damage(error) else "internal_error"
    return Problem(code, PROBLEMS[code].meaning)


def wants_page(asked: Request = request) -> bool:
    """Whether the client is a browser to be shown a page, not a program with a key."""
    liked = asked.accept_mimetypes.best_match((MEDIA_TYPE, "application/json", "text/html"))
    return liked == "text/html" and asked.authorization is None


def answer_problems(app: Flask, page_of: Callable[[Problem], Response]) -> None:
    """Answer every exception with a problem; ``page_of`` shows it to people."""
    kinds: list[tuple[type[Exception], Callable[[Any], Problem]]] = [
        (Refusal, of_refusal),
        (Behind, of_behind),
        (BadCursor, of_bad_cursor),
        (Crowded, of_crowded),
        (HTTPException, of_http),
        (Exception, of_accident),
    ]
    for kind, problem_of in kinds:
        app.register_error_handler(kind, _answerer(problem_of, page_of))


def _answerer(
    problem_of: Callable[[Any], Problem], page_of: Callable[[Problem], Response]
) -> Callable[[Any], Response]:
    def answer(error: Any) -> Response:
        problem = problem_of(error)
        the_visit().problem = problem.problem
        return page_of(problem) if wants_page() else problem.answer()

    return answer
