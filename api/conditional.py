"""Conditional reads (RFC 9110, 13): each answer has a tag, and a request that names it gets a 304.

What follows from the read tables alone is tagged by their state and what is asked, before it is
computed; while nothing is recorded, it is computed once. All else is tagged by its bytes.

A text may be erased at any time, so no answer to a question may be kept without asking again.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Hashable, Iterable
from hashlib import sha256
from importlib.metadata import version
from typing import NamedTuple

from flask import Response
from werkzeug.http import quote_etag

from api.current import the_request
from projections.store import State, View

VERSION = version("stemma")
NAMES_A_TAG = "HTTP_IF_NONE_MATCH"
OVERHEAD_BYTES = 1_000
"""Roughly how much memory a cached answer takes besides its body."""


class _Kept(NamedTuple):
    """A cached answer with its tag."""

    tag: str
    body: bytes
    headers: list[tuple[str, str]]


def once(view: View, form: str, compute: Callable[[], Response], *, varies: bool) -> Response:
    """An answer that depends only on the view, the URL and the form; computed once for each.

    ``varies`` says whether the client may ask for other forms.
    """
    names = ("Authorization", "Accept") if varies else ("Authorization",)
    if view.state is None:
        return _varying(by_bytes(compute()), names)
    parts = "wsgi.url_scheme", "HTTP_HOST", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"
    asked = (*map(the_request().environ.get, parts), form)
    # The moment is that of the state.
    kept = view.moment.get(("answer", asked))
    if isinstance(kept, _Kept):
        if _is_known(kept.tag):
            return _unchanged(kept.tag, names)
        return _checked(Response(kept.body, headers=kept.headers))
    tag = _tag_of(view.state, asked)
    if _is_known(tag):
        return _unchanged(tag, names)
    answer = _varying(compute(), names)
    answer.set_etag(tag)
    held = _Kept(tag, answer.get_data(), list(answer.headers))
    view.moment.keep(("answer", asked), held, len(held.body) + OVERHEAD_BYTES)
    return _checked(answer)


def by_bytes(answer: Response) -> Response:
    """An answer tagged by its bytes."""
    if answer.status_code != 200 or answer.is_streamed:
        return answer
    answer.add_etag()
    return _checked(_varying(answer, ("Authorization",)))


def _varying(answer: Response, names: Iterable[str]) -> Response:
    for name in names:
        answer.vary.add(name)
    return answer


def _unchanged(tag: str, names: Iterable[str]) -> Response:
    return Response(status=304, headers=[("ETag", quote_etag(tag)), ("Vary", ", ".join(names))])


def _checked(answer: Response) -> Response:
    """The answer, or only its tag if the client knows it."""
    asked = the_request()
    if asked.environ.get(NAMES_A_TAG):
        answer.make_conditional(asked)
    return answer


def _is_known(tag: str) -> bool:
    asked = the_request()
    if not asked.environ.get(NAMES_A_TAG):
        return False
    named = asked.if_none_match
    return not named.star_tag and named.contains(tag)


def _tag_of(state: State, asked: Hashable) -> str:
    digest = sha256(repr((VERSION, state, asked)).encode()).digest()
    return urlsafe_b64encode(digest[:18]).decode()
