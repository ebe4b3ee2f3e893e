"""The request that this thread answers, and what is noted about it on its way.

It exists before Flask is asked, and Flask's ``g`` is the same object. It is not a proxy: code that
runs for every request would resolve that forty times, at a microsecond each.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from random import getrandbits
from time import perf_counter
from typing import TYPE_CHECKING, Any

from flask.ctx import _AppCtxGlobals

if TYPE_CHECKING:
    from flask.ctx import RequestContext
    from werkzeug.routing import Rule

    from api.allowance import Remaining
    from api.identity.scope import Caller


READS = frozenset({"GET", "HEAD"})
"""The methods that only read."""
ID_HEADER = "X-Request-Id"
ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
"""A proxy's id is reused only in this form; anything else could forge log lines."""


class Visit(_AppCtxGlobals):
    """A request from its arrival to its answer."""

    id = ""
    """The id of the request, in its log lines and its answer."""
    bound: Mapping[str, str] = {}
    """What every log line written on its behalf says."""
    rule: Rule | None = None
    """Its route, if there is one."""
    values: Mapping[str, Any] = {}
    """The values in its address, by name."""
    context: RequestContext | None = None
    """Flask's context, if it was needed to find the route."""
    caller: Caller | None = None
    actor: str | None = None
    """Who sent it: the operator or the id of a contributor; None: nobody who is known."""
    standing: Remaining | None = None
    """What is left of the limit that it was counted against."""
    refused: Exception | None = None
    """Why it was refused before Flask was asked."""
    problem = ""
    """The code of the problem that is its answer."""

    def __init__(self, environ: dict[str, Any] | None = None) -> None:
        self.environ: dict[str, Any] = environ or {}
        self.method: str = self.environ.get("REQUEST_METHOD", "").upper()
        self.begun = perf_counter()

    def name(self, given: str) -> None:
        """Give it the id that a proxy sent, or one of its own."""
        self.id = given if ACCEPTED_ID.fullmatch(given) else f"{getrandbits(128):032x}"
        self.bound = {"request_id": self.id}

    @property
    def root(self) -> str:
        """The path with which all addresses of the community begin; empty: they begin with “/”."""
        root: str = self.environ.get("SCRIPT_NAME", "")
        return root

    @property
    def endpoint(self) -> str | None:
        """The name of its route."""
        rule = self.rule
        return None if rule is None else rule.endpoint


class _Thread(threading.local):
    """The state of one thread."""

    visit: Visit | None = None


_here = _Thread()


def enter(visit: Visit | None) -> None:
    """Make this the request of the thread; None: it has been answered."""
    _here.visit = visit


def the_visit() -> Visit:
    """The request of this thread; outside of any, an empty one."""
    return _here.visit or Visit()
