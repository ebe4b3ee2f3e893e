"""What every question shares: the position it is asked at, and the paging of lists.

Every answer says at which position it holds, and every page of a list links to the next one at that
position, so that nothing is lost or repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from flask import Response, jsonify, request

from api.fields import Choice, ExactSchema, Text, Whole
from api.problems import Problem, listed
from api.waiting import wait_for
from domain.journal import Journal
from domain.value import LARGEST_POSITION, one_of
from projections.pages import LIMIT, Page
from projections.question import MAXIMUM_LIMIT
from projections.store import Store, View

LONGEST_CURSOR = 2_000
LINEAGES = ("now", "published")
"""Which lineage of a release may be asked about."""
AsKnown = Annotated[str, one_of(LINEAGES)]
"""Names these words in the OpenAPI document, which finds it in this module."""
NOTHING: Mapping[str, Any] = {}


class QuestionParameters(ExactSchema):
    """The parameters of every question."""

    as_of = Whole(0, LARGEST_POSITION, 42, "Answer as known at this position of the journal.")
    min_position = Whole(
        0,
        LARGEST_POSITION,
        42,
        "Wait briefly until answers know this position, such as the one a write returned.",
    )


class Paging(ExactSchema):
    """The parameters of a list that has no position."""

    limit = Whole(1, MAXIMUM_LIMIT, 20, f"How many at most; default {LIMIT}.", load_default=LIMIT)
    cursor = Text(
        LONGEST_CURSOR, "WzQyXQ", "Continue here: “next” of the page before.", allow_none=False
    )


class AskedOfRelease(QuestionParameters):
    """The parameters of a question about a work that may be a release."""

    as_ = Choice(
        LINEAGES,
        "As known now, or with the lineage that was frozen when the release was published.",
        data_key="as",
    )


def viewing(
    journal: Journal, store: Store, asked: dict[str, Any], *, by_itself: bool = False
) -> AbstractContextManager[View]:
    """A view at the requested position, which is removed from ``asked`` (see Store.view)."""
    as_of, min_position = asked.pop("as_of", None), asked.pop("min_position", None)

    def wait(position: int, reached: Future[None]) -> None:
        must_be_recorded(journal, position, "as_of" if position == as_of else "min_position")
        wait_for("asked" if position in (as_of, min_position) else "recorded", reached)

    return store.view(as_of, min_position, wait, by_itself=by_itself)


def must_be_recorded(journal: Journal, position: int, name: str) -> None:
    """Refuse a position that the journal has not reached, given by the parameter ``name``."""
    if position > (head := journal.facts.head()):
        said = f"The journal has reached {head}, not {position} yet."
        error = {"parameter": name, "code": "position_in_future", "detail": said}
        raise Problem("position_in_future", said, members={"position": head, **listed([error])})


def form_asked(forms: Mapping[str, str]) -> str:
    """The name of the media type that the client prefers; the first one if it has no preference."""
    if len(forms) == 1 or not request.accept_mimetypes:
        return next(iter(forms))
    liked = request.accept_mimetypes.best_match(forms.values())
    if liked is None:
        raise Problem("not_acceptable", f"The available formats are {', '.join(forms.values())}.")
    return next(name for name, media_type in forms.items() if media_type == liked)


def answer_at(
    view: View,
    answer: Mapping[str, Any] | Page[Any] | Response,
    asked: dict[str, Any],
    beside: Mapping[str, Any] = NOTHING,
) -> Response:
    """An answer with the position it holds at; a list with links to its other pages."""
    if isinstance(answer, Response):
        return answer
    said = answer._asdict() if isinstance(answer, Page) else answer
    told = jsonify({"as_of": view.as_of, **said, **beside})
    return linked(told, said.get("next"), is_further="after" in asked, as_of=str(view.as_of))


def linked(told: Response, further: str | None, *, is_further: bool, **at: str) -> Response:
    """The answer with links (RFC 8288) to the next page, if any, and from that to the first."""
    links = [] if further is None else [_link("next", **at, cursor=further)]
    links += [_link("first", **at)] if is_further else []
    if links:
        told.headers["Link"] = ", ".join(links)
    return told


def with_alternatives(
    answer: Response, view: View, media_types: Mapping[str, str], form: str
) -> Response:
    """The answer with links to itself in the other formats."""
    links = [
        f'{_link("alternate", as_of=str(view.as_of), format=name)}; type="{media_type}"'
        for name, media_type in media_types.items()
        if name != form
    ]
    if links:
        pages = answer.headers.get_all("Link")
        answer.headers["Link"] = ", ".join([*pages, *links])
    return answer


def _link(relation: str, **changed: str) -> str:
    kept = {name: value for name, value in request.args.items() if name != "cursor"}
    path, query = quote(request.script_root + request.path), urlencode({**kept, **changed})
    return f'<{path}{query and "?"}{query}>; rel="{relation}"'
