"""A work, a node of the remix graph: a contribution, an outside source or a release.

The graph has no cycle (domain.acyclic). Dates are statements, and order nothing.
"""

from __future__ import annotations

from domain.fact import Fact, Looking, Noun, fact
from domain.permission import OPERATOR

DESCRIBED = ("title", "creators", "medium", "licence", "media_url")
"""The fields that may be corrected."""


class Work(Noun):
    """A node of the remix graph."""

    made_at: str | None
    """When it was made, as stated."""
    made: str
    """The first instant of that if it is known, or the time of recording (see domain.dates)."""

    @fact("work.redated", "{actor} dated {noun} to {made_at}")
    class Redated(Fact):
        """The creation date was corrected."""

        made_at: str
        made: str
        reason: str

    @property
    def speaker(self) -> str:
        """Who speaks for it: their statements about it count at once."""
        return self.poster

    @property
    def speaks(self) -> str:
        """The speaker; of a work that nobody here posted, the holder of its rights, if known."""
        return self.right_holder or self.speaker if self.speaker == OPERATOR else self.speaker

    licence: str | None = None
    """Its licence, as stated."""

    right_holder: str | None = None
    """Who holds its rights, as the operator has stated."""

    @fact("work.right_stated", "{actor} stated that {right_holder} holds the rights to {noun}")
    class RightStated(Fact):
        """The operator has stated who holds the rights to the work."""

        INVOLVES = "right_holder"
        ABOUT = ("originator_id", "right_holder")
        right_holder: str
        reason: str

    creators: str | None = None
    """Who made an outside source, by name."""

    @fact("work.described", "{actor} corrected what is stated about {noun}")
    class Described(Fact):
        """Something of its description was stated or corrected; the rest stays."""

        ADDS = {  # noqa: RUF012 - a constant of the class
            "title": ", title “{title}”",
            "creators": ", by {creators}",
            "medium": ", medium {medium}",
            "licence": ", licence {licence}",
            "media_url": ", where it can be seen or heard",
        }
        FROM = ("submitted", "cited", "assembled", "published")
        title: str | None = None
        creators: str | None = None
        medium: str | None = None
        licence: str | None = None
        media_url: str | None = None
        reason: str | None = None

        def apply(self, noun: Work) -> None:
            """Only what is stated changes."""
            vars(noun).update(self.stated(*DESCRIBED))

    @property
    def every_text(self) -> tuple[str, ...]:
        """Its title, where it can be seen or heard, and both as they were before."""
        names = ("title", "media_url")
        said = (getattr(happened, name, None) for _, happened in self.facts for name in names)
        return tuple(one for one in said if one)

    def sides(self, looking: Looking) -> dict[str, str]:
        """Who posted it, and who holds its rights."""
        sides = {"poster": self.speaker}
        return sides if self.right_holder is None else sides | {"right holder": self.right_holder}

    def areas(self, looking: Looking) -> tuple[str, ...]:
        return (self.id,)
