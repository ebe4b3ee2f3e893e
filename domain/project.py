"""A project: a common goal, the steps towards it, and who leads it.

It always has at least one step and one leader. A piece is in at most one step of one project, and
may be moved or taken out; where it was stays on record.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from domain.fact import Fact, Noun, common, fact
from domain.identity import part_id

OTHER = "other"
PROJECT_KINDS = {
    "illustrated story": "a text with pictures",
    "book": "a text to be printed, such as a collection",
    "comic": "a story told in panels",
    "song": "one song",
    "album": "several songs",
    "short film": "a film of a few minutes",
    "animated short": "an animated film of a few minutes",
    "music video": "a film to a song",
    "feature film": "a film of the usual length",
    "series": "episodes that tell a story",
    "docuseries": "episodes about real events",
    "podcast": "episodes to listen to",
    "game": "something to play",
    OTHER: "something else, named in your own words",
}
"""What a project is to become."""

FINISHED = "finished"
PROJECT_OUTCOMES = {
    FINISHED: "it made what it set out to make",
    "ended": "it ended without reaching its goal",
}
"""How a project may end."""

LEADER = "leader"
"""The relation of a leader to a project and what belongs to it."""


class Project(Noun):
    """A common goal."""

    leaders: Collection[str]
    """The leaders, in the order in which they were assigned."""

    @fact("project.launched", "{actor} launched {noun}", begins=True)
    class Launched(Fact):
        """A project began; its first steps are facts of the same append."""

        QUOTA = "projects"
        INVOLVES = "leaders"
        STATE = "launched"
        title: str
        goal: str
        kind: str
        kind_name: str | None = None
        leaders: list[str]

        def subjects(self) -> tuple[str, ...]:
            return tuple(dict.fromkeys((self.originator_id, *self.leaders)))

    @fact("project.described", "{actor} changed the description of {noun}")
    class Described(Fact):
        """Its title, goal or kind was changed; the rest stays."""

        ADDS = {"title": ", title “{title}”", "kind": ", kind {kind}"}  # noqa: RUF012 - constant
        FROM = ("launched",)
        title: str | None = None
        goal: str | None = None
        kind: str | None = None
        kind_name: str | None = None
        reason: str | None = None

    @fact("project.leader_assigned", "{actor} made {contributor} a leader of {noun}")
    class LeaderAssigned(Fact):
        """Somebody leads it from now on, together with the others."""

        INVOLVES = "contributor"
        FROM = ("launched",)
        ABOUT = ("originator_id", "contributor")
        contributor: str
        leaders: list[str]

    @fact("project.leader_removed", "{actor} removed {contributor} as a leader of {noun}")
    class LeaderRemoved(Fact):
        """Somebody no longer leads it; others do."""

        FROM = ("launched",)
        ABOUT = ("originator_id", "contributor")
        contributor: str
        leaders: list[str]
        reason: str | None = None

    @fact("project.updated", "{actor} posted an update on {noun}")
    class Updated(Fact):
        """A leader posted an update on it."""

        FROM = ("launched",)
        text: str

    @fact("project.closed", "{actor} closed {noun}: {outcome}")
    class Closed(Fact):
        """It ended; nothing more is added to it."""

        ADDS = {"release": ", with {release}"}  # noqa: RUF012 - constant
        FROM = ("launched",)
        STATE = "closed"
        ABOUT = ("originator_id", "release")
        outcome: str
        release: str | None = None
        """The release that came of it."""
        reason: str | None = None

    @fact("project.reopened", "{actor} reopened {noun}")
    class Reopened(Fact):
        """It continues after all."""

        FROM = ("closed",)
        STATE = "launched"
        reason: str | None = None


class Step(Noun):
    """A step of a project: what is wanted next."""

    project: str

    @common
    class Event(Fact):
        """A fact about a step names its project."""

        ABOUT = ("project",)
        project: str

    @fact("step.published", "{actor} published the step “{title}” of {project}", begins=True)
    class Published(Event):
        """A step was published; pieces can be put into it."""

        STATE = "published"
        title: str
        text: str | None = None

    @fact("step.described", "{actor} changed a step of {project}")
    class Described(Event):
        """Its title or text was changed; the rest stays."""

        ADDS = {"title": ", “{title}”"}  # noqa: RUF012 - constant
        title: str | None = None
        text: str | None = None


def placement_id(work: str) -> str:
    """The id of a piece's one placement, which is changed as often as needed."""
    return part_id(work, "placement", 0)


class Placement(Noun):
    """The step and project that a piece is in, if any."""

    work: str
    project: str
    step: str

    @common
    class Event(Fact):
        """A fact about a placement names the piece, the project and the step."""

        ABOUT: ClassVar[tuple[str, ...]] = ("work", "project")
        work: str
        project: str
        step: str
        reason: str | None = None

    @fact("placement.made", "{actor} put {work} into {project}", begins=True)
    class Made(Event):
        """A piece is in a step from now on, and in no other."""

        QUOTA = "answers"
        FROM = ("made", "ended")
        STATE = "made"
        ABOUT = ("work", "project", "left")
        left: str | None = None
        """The project that it was in before, if it was another one."""

    @fact("placement.ended", "{actor} took {work} out of {project}")
    class Ended(Event):
        """A piece was taken out of the project that it was in."""

        FROM = ("made",)
        STATE = "ended"

    @property
    def holds(self) -> bool:
        """Whether the piece is in the step now."""
        return self.state == Placement.Made.STATE
