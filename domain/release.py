"""A release: a finished work made of components, itself a node that can be remixed again.

Publishing freezes its lineage at the journal position of the publication; what is found later is a
new fact, and both answers stay to be had.
"""

from __future__ import annotations

from domain.fact import Fact, fact
from domain.work import Work


class Release(Work):
    """A finished work."""

    NAME = "release"

    @fact("release.assembled")
    class Assembled(Fact):
        """A finished work was put together; its components are facts of the same append."""

        SAYS = "{actor} put {noun} together"
        SEALED = ("title",)
        STATE = "assembled"
        title: str
        made_at: str | None = None
        made: str

        @property
        def effective(self) -> str:
            return self.made

        def apply(self, noun: Release) -> None:
            noun.state = self.STATE
            noun.made_at = self.made_at
            noun.made = self.made

    @fact("release.published")
    class Published(Fact):
        """The work is out, and its lineage frozen here."""

        SAYS = "{actor} published {noun}"
        FROM = ("assembled",)
        STATE = "published"

    @fact("release.withdrawn")
    class Withdrawn(Fact):
        """The work is no longer offered; it stays on record with its title and its credits."""

        SAYS = "{actor} withdrew {noun}"
        SEALED = ("reason",)
        FROM = ("assembled", "published")
        STATE = "withdrawn"
        reason: str

    BIRTHS = (Assembled,)
