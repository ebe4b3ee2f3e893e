"""Following: somebody wants to know what happens to a work, a person, a project or a challenge.

How many follow is public; who does is known to nobody else, unless they have it shown.
"""

from __future__ import annotations

from domain.contributor import Contributor
from domain.fact import Fact, Looking, Noun, common, fact
from domain.identity import part_id
from domain.readers import OWN_ACTS, PUBLIC

FOLLOWED = ("work", "contributor", "project", "challenge")
"""What can be followed."""

SHOWN = {PUBLIC: "everyone may see who follows it"}
"""To whom it is shown who follows something, where they have it shown."""


def follow_id(follower: str, about: str) -> str:
    """The id of somebody's following something: it begins and ends as often as wanted."""
    return part_id(about, f"follow/{follower}", 0)


class Follow(Noun):
    """That somebody follows something."""

    follower: str
    about: str
    on: str
    shown: str | None

    @common
    class Event(Fact):
        """A fact about following names the person and what is followed.

        It stands in the history of the person alone: who is followed is not told by whom.
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
        """Somebody follows something, or has it shown from now on, or no longer."""

        QUOTA = "follows"
        FROM = ("begun", "ended")
        STATE = "begun"
        shown: str | None = None
        """To whom it is shown; None: to nobody else."""

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
