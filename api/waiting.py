"""Waiting without holding a thread: the request gives up its thread and is asked again later.

A server that can do that puts a ``Patience`` into the environment of the request. Under any other
server the thread waits.
"""

from __future__ import annotations

from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any

from flask import has_request_context

from api.current import the_request

PATIENCE = "stemma.patience"
"""Where the environment of a request holds it."""
COMMUNITY = "stemma.community"
"""Where it names the community, if there are several."""


@dataclass
class Patience:
    """What a request has already waited for."""

    waited: set[str] = field(default_factory=set)

    @property
    def is_repeated(self) -> bool:
        """Whether the request was asked before."""
        return bool(self.waited)


class NotYet(BaseException):
    """The request is to be asked again once something is done.

    No error, so that nothing between the view and the server answers it.
    """

    def __init__(self, what: str, ready: Future[Any]) -> None:
        super().__init__(what)
        self.what, self.ready = what, ready


def wait_for(what: str, ready: Future[Any]) -> None:
    """Return once it is done; each thing is waited for once in a request."""
    patience: Patience | None = None
    if has_request_context():
        patience = the_request().environ.get(PATIENCE)
    if ready.done():
        return
    if patience is None:
        wait([ready])
    elif what not in patience.waited:
        raise NotYet(what, ready)


def is_repeated() -> bool:
    """Whether this request was asked before and has waited since."""
    patience: Patience | None = the_request().environ.get(PATIENCE)
    return patience is not None and patience.is_repeated
