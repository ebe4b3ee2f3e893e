"""Commands about contributors: admitting and merging them, and their signing keys.

Only the operator and moderators decide who is who, and merges never form a cycle.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from domain.command import Command, command
from domain.contributor import Contributor
from domain.fact import New
from domain.past import Past
from domain.permission import OWN
from domain.refusal import BadSigningKey, MergeCycle, WrongState
from domain.signature import must_be_key_of
from domain.tree import NotVerified
from domain.value import Example
from domain.values import ANA, ContributorId, Name, NewContributorId, Reason, SigningKey


@command("contributor")
class AdmitContributor(Command):
    """Register a person or group, who can be credited from then on.

    If someone already has this name, it is recorded anyway, with a warning.
    """

    name: Name
    id: NewContributorId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        past.warn_of_namesakes(self.name, past.id)
        yield Contributor.Admitted.born(past.id, name=past.text(past.id, "name", self.name))


@command("contributor.merge", may=("moderator",), refuses=(MergeCycle, WrongState))
class MergeContributor(Command):
    """Merge two contributors who are the same person."""

    id: ContributorId
    into: Annotated[
        ContributorId, "The contributor who stands for both from then on.", Example(ANA)
    ]
    reason: Annotated[Reason | None, Example("The same person signed up twice.")] = None

    def sides(self, past: Past) -> dict[str, str]:
        return {"contributor": self.id, "addressee": self.into}

    def decide(self, past: Past) -> Iterator[New]:
        if self.id == self.into:
            raise MergeCycle(self.id, self.into)
        merged = past.contributor(self.id).then(Contributor.Merged, **self.told(Contributor.Merged))
        # Two merges at the same moment could form a cycle, so all are watched.
        past.watch_all(Contributor.Merged.TOPIC)
        if past.person(self.into) == self.id:
            raise MergeCycle(self.id, self.into)
        yield merged
        into = past.contributor(self.into)
        if past.contributor(self.id).asks_first and not into.asks_first:
            yield into.then(Contributor.AskedFirst)


@command("contributor.separate", may=("moderator",), refuses=(WrongState,))
class SeparateContributor(Command):
    """Undo a merge: the two are different people again.

    Each has their own credits again; what was paid stays paid.
    """

    id: ContributorId
    reason: Annotated[Reason, Example("Two people with the same name.")]

    def decide(self, past: Past) -> Iterator[New]:
        contributor = past.contributor(self.id)
        yield contributor.then(
            Contributor.Separated, into=contributor.merged_into, reason=self.reason
        )


@command("contributor.ask-first", may=OWN, then=Contributor.AskedFirst)
class AskFirst(Command):
    """Ask to be asked first: a credit that others give you is hidden until you accept it."""

    id: ContributorId


@command("contributor.stop-asking", may=OWN, then=Contributor.StoppedAsking)
class StopAsking(Command):
    """Let credits given by others count at once again."""

    id: ContributorId

    def decide(self, past: Past) -> Iterator[New]:
        if not past.contributor(self.id).asks_first:
            raise WrongState(Contributor.NAME, self.id, "credited at once", ("asked first",))
        yield from super().decide(past)


@command("contributor.register-key", may=OWN, refuses=(BadSigningKey, WrongState))
class RegisterKey(Command):
    """Register the public half of a key with which a contributor signs what they post."""

    id: ContributorId
    key: SigningKey

    def decide(self, past: Past) -> Iterator[New]:
        contributor = past.contributor(self.id)
        registered = contributor.then(Contributor.KeyRegistered, key=self.key)
        try:
            must_be_key_of(self.id, self.key)
        except NotVerified as problem:
            raise BadSigningKey(str(problem)) from None
        if any(getattr(happened, "key", None) == self.key for _, happened in contributor.facts):
            raise BadSigningKey("it is already registered")
        yield registered


@command("contributor.revoke-key", may=OWN, refuses=(BadSigningKey, WrongState))
class RevokeKey(Command):
    """Revoke a key; what it has signed stays signed."""

    id: ContributorId
    key: SigningKey
    reason: Annotated[Reason | None, Example("The laptop was stolen.")] = None

    def decide(self, past: Past) -> Iterator[New]:
        contributor = past.contributor(self.id)
        if self.key not in contributor.keys:
            raise BadSigningKey(f"it is not a key with which {self.id} signs")
        yield contributor.then(Contributor.KeyRevoked, key=self.key, reason=self.reason)
