"""Keyrings: people make, replace and end their own keys; the operator, everybody's.

No key makes one that may do more or is valid for longer than itself, and each may replace or end
itself. A token of an outside issuer makes none: it ends with the account there, a key would not.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from api.identity.keys import Key, Keys
from api.identity.scope import KEYS, Caller, Scope
from domain.contributor import Contributor
from domain.dates import start_of
from domain.fact import utc_now
from domain.journal import Journal
from domain.known import Known
from domain.permission import OPERATOR, open_to
from domain.refusal import BadExpiry, BadScope, ContributorForgotten, NotPermitted, UnknownKey
from domain.text import plain_text

GRACE_HOURS, MOST_GRACE_HOURS = 24, 24 * 7
"""How long a replaced key stays valid: by default, and at most."""
LABEL = "name"
"""The text whose limit a label has."""


class Made(NamedTuple):
    """A new key, which can't be shown again."""

    token: str
    key: Key


class Keyring:
    """The keys that somebody may see and change."""

    def __init__(self, keys: Keys, journal: Journal, caller: Caller) -> None:
        self._keys, self._journal, self._caller = keys, journal, caller

    def all(self) -> list[Key]:
        """The keys of every account of theirs; for the operator, all."""
        return self._keys.list(self._holders())

    def make(
        self,
        *,
        holder: str | None = None,
        label: str | None = None,
        scope: str | None = None,
        expires_at: str | None = None,
    ) -> Made:
        """A new key: for themself, or for the operator for anybody."""
        self._must_make_keys()
        holder = holder or self._caller.actor
        self._must_exist(holder)
        holders = self._holders()
        if holders is not None and holder not in holders:
            raise NotPermitted(self._caller.actor, "make keys for others", open_to(()))
        wanted = self._caller.scope if scope is None else Scope.parse(scope)
        if not self._caller.scope.includes(wanted):
            raise BadScope(str(wanted), f"this key itself has only “{self._caller.scope}”")
        token = self._keys.create(
            holder,
            label=None if label is None else plain_text(LABEL, label),
            scope=wanted,
            expires_at=self._end(expires_at),
        )
        return self._made(token)

    def replace(self, id: str, grace_hours: int = GRACE_HOURS) -> Made:
        """A key like this one in its place, which stays valid for so long."""
        key = self._own(id)
        if not key.is_valid:
            raise UnknownKey(id)
        return self._made(self._keys.replace(key, timedelta(hours=grace_hours)))

    def end(self, id: str) -> Key:
        """End a key at once."""
        key = self._own(id)
        self._keys.end(key)
        return self._keys.named(key.digest) or key

    # -- what may be -----------------------------------------------------------------------

    def _holders(self) -> list[str] | None:
        """Whose keys these are: all accounts of the person; None is everybody's."""
        actor = self._caller.actor
        if actor == OPERATOR:
            return None
        known = Known(self._journal.facts, self._journal.facts.head())
        return known.accounts(known.persons([actor])[actor])

    def _own(self, id: str) -> Key:
        """The key with this id; any other than the one used needs the right to manage keys."""
        key = next((one for one in self.all() if one.name == id), None)
        if key is None:
            raise UnknownKey(id)
        if key.digest != self._caller.key:
            self._must_make_keys()
            if not self._caller.scope.includes(Scope.stored(key.scope)):
                raise BadScope(key.scope or "everything", "this key itself has less")
        return key

    def _must_make_keys(self) -> None:
        if self._caller.key is None or not self._caller.scope.makes_keys:
            who = f"A key does, whose scope includes “{KEYS}”."
            raise NotPermitted(self._caller.actor, "manage keys", who)

    def _must_exist(self, holder: str) -> None:
        if holder == OPERATOR:
            return
        if self._journal.draft().contributor(holder).state == Contributor.Forgotten.STATE:
            raise ContributorForgotten(holder)

    def _end(self, expires_at: str | None) -> str | None:
        """When the key ends: not later than the one that makes it."""
        until = self._caller.until
        if expires_at is None:
            return until
        end = datetime.fromisoformat(start_of(expires_at)).astimezone(UTC)
        if end <= utc_now():
            raise BadExpiry(expires_at, "it is not in the future")
        text = end.isoformat(timespec="microseconds")
        if until is not None and text > until:
            raise BadExpiry(expires_at, f"the key that creates it expires at {until}")
        return text

    def _made(self, token: str) -> Made:
        key = self._keys.named(token)
        assert key is not None
        return Made(token, key)
