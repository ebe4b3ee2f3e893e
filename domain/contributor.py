"""A contributor: who can be credited, known by a random id.

The one rule: a name never enters a fact, only the commitment to it.
"""

from __future__ import annotations

from domain.fact import Fact, Noun, fact


class Contributor(Noun):
    """A person or group who can be credited."""

    NAME = "contributor"
    merged_into: str | None = None

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

    BIRTHS = (Admitted,)
