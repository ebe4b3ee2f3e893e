"""A work: a node of the remix graph: a contribution, an outside source or a release.

The graph has no cycle (see domain.acyclic). Dates are statements, and order nothing.
"""

from __future__ import annotations

from domain.fact import Fact, Looking, Noun, fact


class Work(Noun):
    """A node of the remix graph."""

    NAME = "work"
    made_at: str | None
    """When it was made, as stated."""
    made: str
    """The first instant of that if it is known, or the time of recording (see domain.dates)."""

    @fact("work.redated")
    class Redated(Fact):
        """The making date was corrected."""

        SAYS = "{actor} dated {noun} to {made_at}"
        SEALED = ("reason",)
        made_at: str
        made: str
        reason: str

        @property
        def effective(self) -> str:
            return self.made or super().effective

    @property
    def speaker(self) -> str:
        """Who speaks for it: their word about it counts at once."""
        return self.poster

    right_holder: str | None = None
    """Who holds its rights, as the operator has stated."""

    @fact("work.right_stated")
    class RightStated(Fact):
        """The operator has stated who holds the rights of the work."""

        SAYS = "{actor} stated that {right_holder} holds the rights of {noun}"
        SEALED = ("reason",)
        right_holder: str
        reason: str

        def subjects(self) -> tuple[str, ...]:
            return (self.originator_id, self.right_holder)

    def sides(self, looking: Looking) -> dict[str, str]:
        """Who posted it, and who holds its rights."""
        sides = {"poster": self.speaker}
        return sides if self.right_holder is None else sides | {"right holder": self.right_holder}

    def areas(self, looking: Looking) -> tuple[str, ...]:
        """The work itself."""
        return (self.id,)
