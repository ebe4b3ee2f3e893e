"""A contributor: who can be credited, known by a random id, and the keys they sign with.

A name never enters a fact, only the commitment to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain.fact import Fact, Looking, Noun, fact
from domain.readers import OWN_MONEY

GROUNDS = {
    "request": "the person asks for it, and nothing prevents it",
    "unneeded": "it is no longer needed for what it was kept for (GDPR, article 17(1)(a))",
    "consent": "the person withdraws their consent (article 17(1)(b))",
    "objection": "the person objects, and no overriding ground exists (article 17(1)(c))",
    "unlawful": "it should never have been kept (article 17(1)(d))",
    "obligation": "the law requires its erasure (article 17(1)(e))",
    "child": "it was collected from a child (article 17(1)(f))",
}
"""Why a person is forgotten. One word of a list, because a free text would stay for ever."""


FORMER = {
    "erased": "the former name is gone from every answer",
    "kept": "the former name stays, shown as what they were called before",
}
"""What the person wants to be done with a former name."""
ERASED_IN_ONE_FACT = 1000
"""The most commitments in one fact that erases: a leaf of the log has less than 64 KiB."""


def erased_in(digests: Sequence[str]) -> Iterator[str]:
    """The commitments split over facts, separated by spaces; at least one fact, even if empty."""
    for first in range(0, len(digests) or 1, ERASED_IN_ONE_FACT):
        yield " ".join(digests[first : first + ERASED_IN_ONE_FACT])


class Contributor(Noun):
    """A person or group who can be credited."""

    merged_into: str | None = None
    asks_first: bool = False
    """Whether credits by others stay unknown to everyone else until the person accepts them."""
    keys: frozenset[str] = frozenset()
    """The public keys with which the person signs what they post."""

    @fact(
        "contributor.admitted",
        "{actor} added {noun} to the people who can be credited",
        begins=True,
    )
    class Admitted(Fact):
        """A person or group can be credited from now on."""

        STATE = "admitted"
        name: str

    @fact("contributor.merged", "{actor} said that {noun} and {into} are the same person")
    class Merged(Fact):
        """Two contributors are one person in answers from now on; history does not change."""

        FROM = ("admitted",)
        STATE = "merged"
        FOUND_BY = ("into",)
        INVOLVES = "into"
        ABOUT = ("originator_id", "into")
        into: str
        reason: str | None = None

        def apply(self, noun: Contributor) -> None:
            noun.state = self.STATE
            noun.merged_into = self.into

    @fact(
        "contributor.separated",
        "{actor} said that {noun} and {into} are not the same person after all",
    )
    class Separated(Fact):
        """A merge was a mistake: they are two people in answers from now on."""

        FROM = ("merged",)
        STATE = "admitted"
        ABOUT = ("originator_id", "into")
        into: str
        reason: str

        def apply(self, noun: Contributor) -> None:
            noun.state = self.STATE
            noun.merged_into = None

    @fact("contributor.forgotten", "{actor} had the name of {noun} erased")
    class Forgotten(Fact):
        """Every text of the person was erased; what they made stays, without a name."""

        # Repeatedly, if one fact can't hold all commitments, or if a text came back later.
        FROM = ("admitted", "merged", "forgotten")
        STATE = "forgotten"
        ground: str
        erased: str
        """The commitments whose texts are gone, separated by spaces."""
        holds: bool | None = None
        """Whether what they are owed is put on hold, since nobody is left to be paid; older facts
        did not do so."""

        def erases(self, noun: Contributor) -> tuple[str, ...]:
            return tuple(self.erased.split())

    @fact("contributor.renamed", "{noun} changed their name")
    class Renamed(Fact):
        """The person has another name from now on; the account stays."""

        FROM = ("admitted",)
        name: str
        former: str
        erased: str
        """The commitments whose texts are gone, separated by spaces."""

        def erases(self, noun: Contributor) -> tuple[str, ...]:
            return tuple(self.erased.split())

    @fact("contributor.asked_first", "{noun} asks to be asked before being credited")
    class AskedFirst(Fact):
        """From now on, credits by others wait for the person, and nobody else sees them."""

        FROM = ("admitted",)

        def apply(self, noun: Contributor) -> None:
            noun.asks_first = True

    @fact("contributor.stopped_asking", "{noun} need not be asked before being credited")
    class StoppedAsking(Fact):
        """Credits by others count at once again."""

        FROM = ("admitted",)

        def apply(self, noun: Contributor) -> None:
            noun.asks_first = False

    @fact("contributor.key_registered", "{actor} registered a key with which {noun} signs")
    class KeyRegistered(Fact):
        """From now on, what is signed with this key is signed by the person."""

        FROM = ("admitted",)
        key: str

        def apply(self, noun: Contributor) -> None:
            noun.keys = noun.keys | {self.key}

    @fact("contributor.key_revoked", "{actor} revoked a key with which {noun} signed")
    class KeyRevoked(Fact):
        """The key is no longer valid; what it has signed stays signed."""

        key: str
        reason: str | None = None

        def apply(self, noun: Contributor) -> None:
            noun.keys = noun.keys - {self.key}

    @fact(
        "contributor.divided", "{actor} said how the shares of {noun} are divided among its members"
    )
    class Divided(Fact):
        """From now on, proposals divide the group's shares among its members like this."""

        READERS = OWN_MONEY
        FOUND_BY = ("group",)
        FROM = ("admitted",)
        group: str
        among: list[dict[str, str]]
        """``[{"contributor", "part"}]``, with a sum of at most 1; empty: no longer divided."""
        reason: str | None = None

        def subjects(self) -> tuple[str, ...]:
            return (self.group, *self.involves())

        def involves(self) -> tuple[str, ...]:
            return tuple(each["contributor"] for each in self.among)

    def sides(self, looking: Looking) -> dict[str, str]:
        """The person themself."""
        return {"contributor": self.id}
