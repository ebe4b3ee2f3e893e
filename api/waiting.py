"""Waiting without blocking a thread: the request gives up its thread and is repeated later.

A server that can repeat requests puts a ``Patience`` into the WSGI environment. Under any other
server the thread waits, and so it does once the request has recorded something: a repetition would
find that recorded already, and say so.
"""

from __future__ import annotations

from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any

from api.current import the_visit

PATIENCE = "stemma.patience"
"""The key of the ``Patience`` in the WSGI environment."""
COMMUNITY = "stemma.community"
"""The key of the community's name in the WSGI environment, if there are several."""


@dataclass
class Patience:
    """What a request has already waited for, over its repetitions."""

    waited: set[str] = field(default_factory=set)
    has_recorded: bool = False

    @property
    def is_repeated(self) -> bool:
        """Whether this is a repetition of the request."""
        return bool(self.waited)


class MustWait(BaseException):
    """Raised to repeat the request once ``ready`` is done.

    Not an Exception, so that nothing between the view and the server handles it.
    """

    def __init__(self, what: str, ready: Future[Any]) -> None:
        super().__init__(what)
        self.what, self.ready = what, ready


def wait_for(what: str, ready: Future[Any]) -> None:
    """Return once ``ready`` is done; a request waits for each ``what`` only once."""
    if ready.done():
        return
    patience: Patience | None = the_visit().environ.get(PATIENCE)
    if patience is None or patience.has_recorded:
        wait([ready])
    elif what not in patience.waited:
        raise MustWait(what, ready)


def has_recorded() -> None:
    """Note that this request has recorded something, so that it is not repeated."""
    patience: Patience | None = the_visit().environ.get(PATIENCE)
    if patience is not None:
        patience.has_recorded = True


def is_repeated() -> bool:
    """Whether this request is a repetition after waiting."""
    patience: Patience | None = the_visit().environ.get(PATIENCE)
    return patience is not None and patience.is_repeated
