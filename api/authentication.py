"""Who is asking: the key of a request, and the actor it stands for.

The key alone decides who acts, never the body; the domain decides what they may do.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, g, request

from api.keys import Keys
from api.problems import Problem


def require_keys(app: Flask, keys: Keys, *, is_public: Callable[[str | None], bool]) -> None:
    """Require a valid key for every endpoint that is not public."""

    def authenticate() -> None:
        g.actor = None
        if not is_public(request.endpoint):
            g.actor = _holder(keys)

    app.before_request(authenticate)


def actor() -> str:
    """The operator, or the id of the contributor, whose key this request carries."""
    holder: str = g.actor
    return holder


def is_private() -> bool:
    """Whether the answer is for the holder of a key."""
    return g.get("actor") is not None


def _holder(keys: Keys) -> str:
    given = request.authorization
    if given is None or given.type != "bearer" or not given.token:
        raise _refused("Send a key: Authorization: Bearer KEY.", "Bearer")
    holder = keys.holder_of(given.token)
    if holder is None:
        raise _refused("This key is not valid.", 'Bearer error="invalid_token"')
    return holder


def _refused(detail: str, challenge: str) -> Problem:
    return Problem("unauthenticated", detail, headers={"WWW-Authenticate": challenge})
