"""A release: a work made of components, itself a node that can be remixed again.

Publishing freezes its lineage at the journal position of the publication; what is found later is a
new fact, and both answers stay available.
"""

from __future__ import annotations

from domain.fact import Fact, fact
from domain.work import Work


class Release(Work):
    """A work made of components."""

    NAME = "release"

    @fact("release.assembled")
    class Assembled(Fact):
        """A release was assembled; its components are facts of the same append."""

        SAYS = "{actor} assembled {noun}"
        QUOTA = "works"
        SEALED = ("title",)
        STATE = "assembled"
        title: str
        made_at: str | None = None
        made: str

        @property
        def effective(self) -> str:
            return self.made or super().effective

    @fact("release.published")
    class Published(Fact):
        """The release was published, and its lineage frozen."""

        SAYS = "{actor} published {noun}"
        FROM = ("assembled",)
        STATE = "published"

    @fact("release.withdrawn")
    class Withdrawn(Fact):
        """The release is no longer offered; it stays on record with its title and its credits."""

        SAYS = "{actor} withdrew {noun}"
        SEALED = ("reason",)
        FROM = ("assembled", "published")
        STATE = "withdrawn"
        reason: str

    BIRTHS = (Assembled,)
