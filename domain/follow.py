"""Following: somebody wants to know what happens to a work, a person, a project or a challenge.

The number of followers is public; who follows is private, unless the follower shows it.
"""

from __future__ import annotations

from domain.contributor import Contributor
from domain.fact import Fact, Looking, Noun, common, fact
from domain.identity import part_id
from domain.readers import OWN_ACTS, PUBLIC

FOLLOWED = ("work", "contributor", "project", "challenge")
"""What can be followed."""

SHOWN = {PUBLIC: "everyone may see who follows it"}
"""Who else may see that somebody follows something, if the follower shows it."""


def follow_id(follower: str, about: str) -> str:
    """The id of one person's following one thing, which may begin and end repeatedly."""
    return part_id(about, f"follow/{follower}", 0)


class Follow(Noun):
    """One person's following of one thing."""

    follower: str
    about: str
    on: str
    shown: str | None

    @common
    class Event(Fact):
        """A fact about following names the person and what is followed.

        It is only in the follower's history, because those followed may not learn by whom.
        """

        READERS = OWN_ACTS
        ABOUT = ("follower",)
        follower: str
        about: str
        on: str
        """What is followed: a work, a contributor, a project or a challenge."""

        def names(self) -> tuple[str, ...]:
            return (self.follower, self.about)

    @fact("follow.begun", "{follower} follows {about}", begins=True)
    class Begun(Event):
        """Somebody follows something, or changes whether that is shown."""

        QUOTA = "follows"
        FROM = ("begun", "ended")
        STATE = "begun"
        shown: str | None = None
        """A key of SHOWN; None: private."""

        def involves(self) -> tuple[str, ...]:
            is_person = self.on == Contributor.NAME
            return (self.follower, self.about) if is_person else (self.follower,)

    @fact("follow.ended", "{follower} no longer follows {about}")
    class Ended(Event):
        """Somebody does not follow it any more."""

        FROM = ("begun",)
        STATE = "ended"

    def sides(self, looking: Looking) -> dict[str, str]:
        return {"contributor": self.follower}
