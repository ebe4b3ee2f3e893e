"""Who is asking: the key of a request, and the actor it stands for.

The key alone decides who acts, never the body; the domain decides what they may do.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, g, request

from api.keys import Keys
from api.limits import Limits
from api.problems import Problem


def require_keys(
    app: Flask, keys: Keys, limits: Limits, *, is_public: Callable[[str | None], bool]
) -> None:
    """Require a valid key for every endpoint that is not public."""

    def authenticate() -> None:
        g.actor = None
        if (request.endpoint or "").startswith("pages."):
            return  # they know sessions, too, and count their requests themselves
        is_closed = not is_public(request.endpoint)
        if is_closed:
            g.actor = _holder(keys)
        limits.admit()
        if is_closed and g.actor is None:
            raise _refused(limits)

    app.before_request(authenticate)


def actor() -> str:
    """The operator, or the id of the contributor, whose key this request carries."""
    holder: str = g.actor
    return holder


def is_private() -> bool:
    """Whether the answer is for the holder of a key."""
    return g.get("actor") is not None


def _holder(keys: Keys) -> str | None:
    given = request.authorization
    is_key = given is not None and given.type == "bearer"
    return keys.holder_of(given.token) if is_key and given and given.token else None


def _refused(limits: Limits) -> Problem:
    """Without a key, what to send; with any that is not valid, always the same answer."""
    given = request.authorization
    if given is None or given.type != "bearer" or not given.token:
        detail, challenge = "Send a key: Authorization: Bearer KEY.", "Bearer"
    else:
        limits.fail()
        detail, challenge = "This key is not valid.", 'Bearer error="invalid_token"'
    return Problem("unauthenticated", detail, headers={"WWW-Authenticate": challenge})
