"""A contribution: a posted piece (text, image, audio, video …), a node of the remix graph.

A withdrawn piece leaves a tombstone: its content goes, its lineage and credits stay.
"""

from __future__ import annotations

from domain.fact import Fact, fact
from domain.work import Work


class Contribution(Work):
    """A posted piece."""

    title: str

    @fact("contribution.submitted", "{actor} posted {noun}", begins=True)
    class Submitted(Fact):
        """A piece was posted; its authors and sources are facts of the same append."""

        QUOTA = "works"
        STATE = "submitted"
        title: str
        medium: str
        made_at: str | None = None
        made: str
        licence: str | None = None
        sha256: str | None = None
        media_url: str | None = None

    @fact("contribution.withdrawn", "{actor} withdrew {noun}")
    class Withdrawn(Fact):
        """The piece was withdrawn."""

        FROM = ("submitted",)
        STATE = "withdrawn"
        reason: str

        def erases(self, noun: Contribution) -> tuple[str, ...]:
            return noun.every_text
