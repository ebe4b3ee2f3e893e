"""Admitting: who can be credited, which accounts are one person, and the keys they sign with.

The one rule: who is who only the operator says, and no way through merges leads back to its start.
"""

from __future__ import annotations

from domain.contributor import Contributor
from domain.drafting import Drafting
from domain.permission import permit
from domain.refusal import BadSigningKey, MergeCircle
from domain.sheet import Receipt
from domain.signature import must_be_key_of
from domain.tree import NotVerified


class Admitting(Drafting):
    """The commands about contributors, but for forgetting them."""

    def admit_contributor(self, *, actor: str, name: str, id: str | None = None) -> Receipt:
        """Somebody can be credited from now on."""
        sheet, new = self._sheet(actor), self._new_id(id)
        permit(actor, "admit a contributor")
        sheet.add(Contributor.Admitted, new, name=sheet.seal_text(new, "name", name))
        return self._born(new, sheet, given=id is not None)

    def merge_contributor(
        self, *, actor: str, id: str, into: str, reason: str | None = None
    ) -> Receipt:
        """Say that two contributors are the same person."""
        sheet = self._sheet(actor)
        permit(actor, "merge")
        contributor, target = self._contributor(id), self._contributor(into)
        if contributor.id == target.id:
            raise MergeCircle(id, into)
        sealed = sheet.seal(actor, "reason", reason)
        # Two merges at the same moment could close a circle: watch every one.
        self.watched["contributor.merged"] = None
        return self._move(
            contributor,
            sheet,
            Contributor.Merged,
            {"into": target.id, "reason": sealed},
            lambda: self._must_not_circle(contributor, target),
        )

    def _must_not_circle(self, contributor: Contributor, target: Contributor) -> None:
        if self._person(target.id) == contributor.id:
            raise MergeCircle(contributor.id, target.id)

    def register_key(self, *, actor: str, id: str, key: str) -> Receipt:
        """Let a contributor sign what they post, with the key of which this is the public half."""
        contributor = self._contributor(id)
        sheet = self._permitted(actor, "register a key", contributor=contributor.id)
        return self._move(
            contributor,
            sheet,
            Contributor.KeyRegistered,
            {"key": key},
            lambda: _must_be_new(key, contributor),
        )

    def revoke_key(self, *, actor: str, id: str, key: str, reason: str | None = None) -> Receipt:
        """Let a key sign no longer; what it has signed before stands."""
        contributor = self._contributor(id)
        sheet = self._permitted(actor, "revoke a key", contributor=contributor.id)

        def must_be_registered() -> None:
            if key not in contributor.keys:
                raise BadSigningKey(f"it is no key with which {contributor.id} signs")

        return self._move(
            contributor,
            sheet,
            Contributor.KeyRevoked,
            {"key": key, "reason": sheet.seal(actor, "reason", reason)},
            must_be_registered,
        )


def _must_be_new(key: str, contributor: Contributor) -> None:
    """Refuse what is no key of the contributor; a key that was revoked does not come back."""
    try:
        must_be_key_of(contributor.id, key)
    except NotVerified as problem:
        raise BadSigningKey(str(problem)) from None
    if any(getattr(happened, "key", None) == key for _, happened in contributor.facts):
        raise BadSigningKey("it was registered before")
