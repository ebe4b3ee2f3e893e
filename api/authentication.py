"""Who is asking: the key or the token of a request, the actor it stands for, and its scope.

It alone decides who acts, never the body; the domain decides what they may do, and a scope can only
narrow that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

from api.current import Visit, the_visit
from api.identity.scope import EVERYTHING, KEYRING, Caller
from api.limits import Limits
from api.problems import Problem
from domain.command import Command
from domain.registry import BY_OPERATION


class Opening(Protocol):
    """What identifies callers: keys, or the tokens of an outside issuer."""

    def caller(self, token: str) -> Caller | None:
        """The caller of a key or token; None if it is not valid."""


def admission(
    opening: Opening, limits: Limits, *, is_public: Callable[[Visit], bool]
) -> Callable[[Visit], None]:
    """What requires a valid key for every route that is not public, with a scope that includes it.

    It counts every request that it admits, and those without a key as well.
    """

    def admit(visit: Visit) -> None:
        endpoint = visit.endpoint or ""
        if endpoint.startswith("pages."):
            return  # pages also accept sessions, and count their requests themselves
        is_closed = not is_public(visit)
        if is_closed:
            come_in(_caller(opening))
        limits.admit()
        if not is_closed:
            return
        if visit.actor is None:
            raise _refused(limits)
        section, _, operation = endpoint.rpartition(".")
        if section != KEYRING:  # where a key may always replace and end itself
            must_include(BY_OPERATION.get(operation))

    return admit


def come_in(caller: Caller | None) -> None:
    """Make this the caller of the request; None: nobody."""
    visit = the_visit()
    visit.caller = caller
    visit.actor = None if caller is None else caller.actor


def must_include(command: type[Command] | None) -> None:
    """Refuse unless the scope of the caller includes a command; None: a question."""
    caller = the_visit().caller
    scope = EVERYTHING if caller is None else caller.scope
    if not (scope.reads if command is None else scope.allows(command)):
        what = "reading" if command is None else command.NAME
        raise Problem("outside_scope", f"The scope of this key is “{scope}”, without {what}.")


def must_include_everything(what: str) -> None:
    """Refuse unless the scope of the caller is everything: what is sent outlasts their key."""
    scope = EVERYTHING if (caller := the_visit().caller) is None else caller.scope
    if scope.words is not None:
        said = f"The scope of this key is “{scope}”; {what} takes a key for everything."
        raise Problem("outside_scope", said)


def actor() -> str:
    """The operator, or the id of the contributor, whose key this request carries."""
    return cast("str", the_visit().actor)


def caller() -> Caller:
    """The caller of this request, with the scope of their key."""
    return cast("Caller", the_visit().caller)


def is_private() -> bool:
    """Whether the answer is for the holder of a key."""
    return the_visit().actor is not None


def _caller(opening: Opening) -> Caller | None:
    token = _token()
    return opening.caller(token) if token else None


def _token() -> str | None:
    """The key or token that was sent, by RFC 6750; what has parameters instead is none."""
    scheme, _, rest = the_visit().environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    token: str = rest.strip()
    is_one = scheme.lower() == "bearer" and "=" not in token.rstrip("=")
    return token if is_one and token else None


def _refused(limits: Limits) -> Problem:
    """The refusal of a request without a key, or with an invalid one: always the same answer."""
    if _token() is None:
        detail, challenge = "Send a key: Authorization: Bearer KEY.", "Bearer"
    else:
        limits.fail()
        detail, challenge = "This key is not valid.", 'Bearer error="invalid_token"'
    return Problem("unauthenticated", detail, headers={"WWW-Authenticate": challenge})
