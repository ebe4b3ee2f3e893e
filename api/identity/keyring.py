"""Keyrings: people create, replace and end their own keys, and the operator everybody's.

No key creates another that may do more or expires later than itself; any key may replace or end
itself. A token of an outside issuer creates no keys, as they would outlive the account there.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from api.identity.keys import Key, Keys
from api.identity.scope import KEYS, Caller, Scope
from api.listing import WHOLE, Slice
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
LABEL = "label"
"""The kind of text whose rules apply to a label."""

OUTLIVES = "the key that creates it expires at {until}"


class Made(NamedTuple):
    """A new key, with its token, which cannot be shown again."""

    token: str
    key: Key


class Keyring:
    """The keys that a caller may see and change."""

    def __init__(self, keys: Keys, journal: Journal, caller: Caller) -> None:
        self._keys, self._journal, self._caller = keys, journal, caller

    def all(self, part: Slice = WHOLE) -> list[Key]:
        """The keys of all accounts of the caller; for the operator, everybody's.

        A key whose scope neither reads nor manages keys sees itself alone.
        """
        scope = self._caller.scope
        if scope.reads or scope.makes_keys:
            return self._keys.list(self._holders(), part)
        own = self._keys.named(self._caller.key or "")
        return [] if own is None else [own]

    def make(
        self,
        *,
        holder: str | None = None,
        label: str | None = None,
        scope: str | None = None,
        expires_at: str | None = None,
        token: str | None = None,
    ) -> Made:
        """Create a key for the caller, or, as the operator, for any holder.

        Without a scope or an expiry, it has those of the caller's key.
        """
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
            token=token,
        )
        return self._made(token)

    def replace(self, id: str, grace_hours: int = GRACE_HOURS, *, token: str | None = None) -> Made:
        """Create a key with the same terms; the old one stays valid for the grace period."""
        key, until = self._own(id), self._caller.until
        if not key.is_valid:
            raise UnknownKey(id)
        if until is not None and (key.expires_at is None or key.expires_at > until):
            raise BadExpiry(key.expires_at or "never", OUTLIVES.format(until=until))
        return self._made(self._keys.replace(key, timedelta(hours=grace_hours), token))

    def end(self, id: str) -> Key:
        """End a key at once."""
        key = self._own(id)
        self._keys.end(key)
        return self._keys.named(key.digest) or key

    # -- permission ------------------------------------------------------------------------

    def _holders(self) -> list[str] | None:
        """The holders of the keys: all accounts of the caller's person; None is everybody."""
        actor = self._caller.actor
        if actor == OPERATOR:
            return None
        known = Known(self._journal.facts, self._journal.facts.head())
        return known.accounts(known.persons([actor])[actor])

    def _own(self, id: str) -> Key:
        """The key with this id.

        For any but the caller's own, their scope must allow managing keys and include its scope.
        """
        key = self._keys.named(id, self._holders())
        if key is None or key.name != id:
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
        """When a new key expires: not later than the one that creates it."""
        until = self._caller.until
        if expires_at is None:
            return until
        end = datetime.fromisoformat(start_of(expires_at)).astimezone(UTC)
        if end <= utc_now():
            raise BadExpiry(expires_at, "it is not in the future")
        text = end.isoformat(timespec="microseconds")
        if until is not None and text > until:
            raise BadExpiry(expires_at, OUTLIVES.format(until=until))
        return text

    def _made(self, token: str) -> Made:
        key = self._keys.named(token)
        assert key is not None
        return Made(token, key)
