"""A release: a work made of components, which can itself be remixed.

Publishing freezes the lineage at the journal position of the publication. What is found out later
is a new fact; the frozen and the current lineage can both be asked for.
"""

from __future__ import annotations

from domain.fact import Fact, fact
from domain.work import Work

SOLD, FREE = "sold", "free"
OFFERED = {
    SOLD: "somebody pays for it or for its use, now or later",
    FREE: "nobody pays for it",
}
"""How a release may be offered; one that states nothing is sold."""

PARTS = {
    "series": "everything, of all seasons",
    "season": "the episodes of one season",
    "episode": "what is shown or heard at once",
    "act": "a part of an episode, between two breaks",
    "segment": "a part with a beginning and an end of its own",
}
"""What part of a series a release may be; each is a release with its own components and credits."""


class Release(Work):
    """A work made of components."""

    offered: str | None = None

    @property
    def is_sold(self) -> bool:
        """Whether it was published, and not to be given away."""
        return self.state == self.Published.STATE and self.offered != FREE

    @fact("release.assembled", "{actor} assembled {noun}", begins=True)
    class Assembled(Fact):
        """A release was assembled; its components are remixes recorded in the same append."""

        QUOTA = "works"
        STATE = "assembled"
        title: str
        made_at: str | None = None
        made: str
        part: str | None = None
        """Its part of a series (a key of PARTS), if any."""

    @fact("release.published", "{actor} published {noun}")
    class Published(Fact):
        """The release was published, and its lineage frozen."""

        FROM = ("assembled",)
        STATE = "published"
        offered: str | None = None
        """A key of OFFERED; None: sold."""
        conflicts: list[str] | None = None
        """Up to twenty licence conflicts at publication, each as rule, child and parent."""

    @fact("release.withdrawn", "{actor} withdrew {noun}")
    class Withdrawn(Fact):
        """The release is no longer offered; it stays on record with its title and its credits."""

        FROM = ("assembled", "published")
        STATE = "withdrawn"
        reason: str
