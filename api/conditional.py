"""Conditional reads (RFC 9110, 13): each answer has a tag, and a request that names it gets a 304.

What follows from the read tables alone is tagged by their state and what is asked, before it is
computed; while nothing is recorded, it is computed once. All else is tagged by its bytes, and so
are answers about the past.

A text may be erased at any time, so no answer to a question may be kept without asking again.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Response
from werkzeug.http import parse_etags, quote_etag

from api.current import READS, Visit, the_visit
from projections.memory import Memory
from projections.store import State, Store, View

VERSION = version("stemma")
NAMES_A_TAG = "HTTP_IF_NONE_MATCH"
ADDRESS = "wsgi.url_scheme", "HTTP_HOST", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"
"""The parts of the address of a request."""
OVERHEAD_BYTES = 1_000
"""Roughly how much memory a cached answer takes besides its body and its key."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A cached answer with its tag."""

    body: bytes
    headers: list[tuple[str, str]]
    tag: str = ""
    """Empty: it has none."""
    unchanged: Sequence[tuple[str, str]] = ()
    """The headers of the answer to a client that has it."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Send it, or only its tag to a client that has it."""
        if _is_known(self.tag, environ):
            start_response("304 NOT MODIFIED", [*self.unchanged])
            return []
        start_response("200 OK", self.headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [self.body]


_LASTING = Memory[_Kept]()


def once(
    view: View, form: str, compute: Callable[[], Response], *, varies: bool, is_past: bool
) -> Response:
    """An answer that depends only on the view, the URL and the form; computed once for each.

    ``varies`` says whether the client may ask for other forms. An answer about the past hardly ever
    changes, so it is tagged by its bytes: a client that has it may keep it when facts are added.
    """
    visit = the_visit()
    environ = visit.environ
    names = ("Authorization", "Accept") if varies else ("Authorization",)
    # The first query may read the state along with the rest.
    answer = compute() if is_past or NAMES_A_TAG not in environ else None
    if view.state is None:
        return _varying(by_bytes(answer or compute()), names)
    known_by = answer.get_data() if is_past and answer else view.state
    tag = _tag_of(known_by, (*map(environ.get, ADDRESS), form))
    unchanged = [("ETag", quote_etag(tag)), ("Vary", ", ".join(names))]
    if _is_known(tag, environ, is_there=False):
        return Response(status=304, headers=unchanged)
    answer = answer or compute()
    answer.headers.update(unchanged)
    _keep(view.moment, visit, _Kept(answer.get_data(), list(answer.headers), tag, unchanged))
    return _checked(answer, environ)


def known_answer(store: Store, visit: Visit) -> WSGIApplication | None:
    """What was answered to the same request, if that still holds.

    Unless it is lasting, it holds as long as the state, whatever position the request names.
    """
    if visit.rule is None or visit.method not in READS:
        return None
    key = _key_of(visit)
    kept = store.remembered(key) or _LASTING.get(key)
    return kept if isinstance(kept, _Kept) else None


def lasting(answer: Response) -> Response:
    """An answer that stays the same as long as this version is installed."""
    _keep(_LASTING, the_visit(), _Kept(answer.get_data(), list(answer.headers)))
    return answer


def _keep(memory: Memory[Any], visit: Visit, kept: _Kept) -> None:
    """Keep an answer, with roughly the memory it takes; a client chooses how long the key is."""
    key = _key_of(visit)
    memory.keep(key, kept, len(kept.body) + OVERHEAD_BYTES + sum(len(part or "") for part in key))


def _key_of(visit: Visit) -> tuple[str | None, ...]:
    """All of a request that an answer depends on, besides the state.

    The route is that by which the request was admitted, lest another one lead to the answer.
    """
    asked = visit.environ.get
    return ("answer", visit.endpoint, *map(asked, ADDRESS), asked("HTTP_ACCEPT"))


def by_bytes(answer: Response) -> Response:
    """An answer tagged by its bytes."""
    if answer.status_code != 200 or answer.is_streamed:
        return answer
    return tagged(_varying(answer, ("Authorization",)))


def tagged(answer: Response) -> Response:
    """An answer tagged by its bytes, which is the same for everybody."""
    answer.add_etag()
    return _checked(answer, the_visit().environ)


def _varying(answer: Response, names: Iterable[str]) -> Response:
    for name in names:
        answer.vary.add(name)
    return answer


def _checked(answer: Response, environ: WSGIEnvironment) -> Response:
    """The answer, or only its tag if the client knows it; no other condition is looked at."""
    if _is_known(answer.get_etag()[0], environ):
        answer.status_code = 304
    return answer


def _is_known(tag: str | None, environ: WSGIEnvironment, *, is_there: bool = True) -> bool:
    """Whether the client has the answer with this tag; ``*`` stands for any answer that is there.

    The comparison is weak: proxies that compress an answer weaken its tag.
    """
    named = environ.get(NAMES_A_TAG)
    if not named or not tag:
        return False
    tags = parse_etags(named)
    return tags.contains_weak(tag) and (is_there or not tags.star_tag)


def _tag_of(known_by: State | bytes, asked: Hashable) -> str:
    digest = sha256(repr((VERSION, known_by, asked)).encode()).digest()
    return urlsafe_b64encode(digest[:18]).decode()
