"""A contributor: who can be credited, known by a random id, and the keys they sign with.

The one rule: a name never enters a fact, only the commitment to it.
"""

from __future__ import annotations

from domain.fact import Fact, Noun, fact


class Contributor(Noun):
    """A person or group who can be credited."""

    NAME = "contributor"
    merged_into: str | None = None
    keys: frozenset[str] = frozenset()
    """The public keys with which the person signs what they post."""

    @fact("contributor.admitted")
    class Admitted(Fact):
        """Somebody can be credited from now on."""

        SEALED = ("name",)
        STATE = "admitted"
        name: str

    @fact("contributor.merged")
    class Merged(Fact):
        """Two contributors are the same person; answers say so from now on, history never."""

        SEALED = ("reason",)
        FROM = ("admitted",)
        STATE = "merged"
        into: str
        reason: str | None = None

        def subjects(self) -> tuple[str, ...]:
            return (self.originator_id, self.into)

        def apply(self, noun: Contributor) -> None:
            noun.state = self.STATE
            noun.merged_into = self.into

    @fact("contributor.key_registered")
    class KeyRegistered(Fact):
        """What is signed with this key from now on, the person has signed."""

        FROM = ("admitted",)
        key: str

        def apply(self, noun: Contributor) -> None:
            noun.keys = noun.keys | {self.key}

    @fact("contributor.key_revoked")
    class KeyRevoked(Fact):
        """The key signs no longer; what it has signed before stands."""

        SEALED = ("reason",)
        key: str
        reason: str | None = None

        def apply(self, noun: Contributor) -> None:
            noun.keys = noun.keys - {self.key}

    BIRTHS = (Admitted,)
