"""Keys over HTTP: people list, make, replace and end their own keys.

A new key is in the answer that makes it and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

from api.authentication import caller
from api.fields import ExactSchema, Nothing, Text, Units, word
from api.identity.keyring import GRACE_HOURS, MOST_GRACE_HOURS, Keyring, Made
from api.identity.keys import STATES, Key, Keys
from api.identity.scope import KEYRING
from api.listing import Slice
from api.operations import Refusals
from api.routes import Routes
from domain.journal import Journal
from domain.moment import start
from domain.refusal import (
    BadExpiry,
    BadMadeAt,
    BadScope,
    ContributorForgotten,
    UnknownContributor,
    UnknownKey,
)
from domain.text import LIMITS
from domain.value import Example, one_of
from domain.values import BEN
from projections.store import Store, told_of
from projections.told import Instant

LONGEST_SCOPE = 2000
KeyState = Annotated[str, one_of(STATES)]


class MakeKey(ExactSchema):
    """A new key."""

    label = Text(LIMITS["label"], "laptop", "What you call it.")
    scope = Text(
        LONGEST_SCOPE, "read contribution", "What it allows at most; default all that yours does."
    )
    expires_at = word("2099", "When it expires; default never, or when yours does.")
    holder = Text(45, None, "Whom it acts for; default yourself. Only the operator names others.")


class ReplaceKey(ExactSchema):
    """How a key is replaced."""

    grace_hours = Units(
        0,
        24,
        f"How many hours the replaced key stays valid; default {GRACE_HOURS}.",
        most=MOST_GRACE_HOURS,
        allow_none=False,
    )


class KeyTold(TypedDict):
    """A key, without the key itself."""

    id: Annotated[str, "Names the key and opens nothing.", Example("22a6266a91c4")]
    holder: Annotated[str, "Whom it acts for: a contributor, or “operator”.", Example(BEN)]
    label: Annotated[str | None, "What its holder calls it.", Example("laptop")]
    scope: Annotated[str | None, "Null is everything that its holder may do.", Example("read")]
    made_at: Instant
    expires_at: Annotated[Instant | None, "Null: it does not expire."]
    used_at: Annotated[Instant | None, "Its last use, within about a minute."]
    state: Annotated[KeyState, "“void”: its holder was forgotten."]
    ended_at: Annotated[Instant | None, "When it was ended, or became void; null if it was not."]


class KeyMade(KeyTold):
    """A new key."""

    key: Annotated[str, "The key. It can't be shown again.", Example("stemma_…")]


def own_keys(journal: Journal, store: Store, keys: Keys) -> Routes:
    """The routes of keys."""
    routes = Routes(KEYRING, "API keys: made, replaced and ended by their holders.", journal, store)

    def ring() -> Keyring:
        return Keyring(keys, journal, caller())

    @routes.lists("/keys", KeyTold, "The keys, the oldest first.", told)
    def list_keys(part: Slice) -> list[Key]:
        """List your keys: for the operator, everybody's.

        Of a key only its id is known afterwards, never the key itself. A key whose scope has
        neither “read” nor “keys” sees itself alone.
        """
        return ring().all(part)

    @routes.changes("/keys", MakeKey, KeyMade, "The key.", OF_MAKING, status=201, may_be_empty=True)
    def make_key(**said: Any) -> Mapping[str, Any]:
        """Make a key for yourself, or for the operator, for anybody.

        No key makes one that may do more or is valid for longer than itself. Each request makes
        another one.
        """
        return _made(ring().make(**said))

    @routes.changes(
        "/keys/<string:key>/replace",
        ReplaceKey,
        KeyMade,
        "The key.",
        (UnknownKey, BadScope, BadExpiry),
        status=201,
        may_be_empty=True,
    )
    def replace_key(key: str, **said: Any) -> Mapping[str, Any]:
        """Replace a key by a new one with the same name, scope and end.

        The one that is replaced stays valid for some hours, so that nothing stops meanwhile. Every
        key may replace itself, and none another that is valid for longer.
        """
        return _made(ring().replace(key, **said))

    @routes.changes(
        "/keys/<string:key>/end",
        Nothing,
        KeyTold,
        "The key.",
        (UnknownKey, BadScope),
        may_be_empty=True,
    )
    def end_key(key: str) -> Mapping[str, Any]:
        """End a key; it is refused from the next request on.

        Every key may end itself.
        """
        return told(ring().end(key))

    return routes


OF_MAKING: Refusals = (
    *(BadScope, BadExpiry, BadMadeAt),
    *(UnknownContributor, ContributorForgotten),
)


def told(key: Key) -> dict[str, Any]:
    """A key as answers show it, its times like all others."""
    times = (key.made_at, key.expires_at, key.used_at, key.revoked_at or key.forgotten_at)
    made, expires, used, ended = (time and start(time) for time in times)
    shown = {"made_at": made, "expires_at": expires, "used_at": used, "ended_at": ended}
    return {**told_of(KeyTold, key, id=key.name, **shown)}


def _made(made: Made) -> dict[str, Any]:
    return {**told(made.key), "key": made.token}
