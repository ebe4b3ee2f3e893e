"""A membership: a person is in a group, from when to when, and what they do in it.

It counts once the person has agreed, and can be disputed like a credit.

Groups hold people and no groups: a credit names a group, and who was behind it at the time is then
one step away, with no cycle to look for.
"""

from __future__ import annotations

from domain.dispute import Answer, Disputable, Opening, Settlement
from domain.fact import Fact, Looking, common, fact

GROUP = "group"
"""The relation of the group whose member somebody is."""
MEMBER = "member"
"""The relation of somebody else who is in the group."""


class Membership(Disputable):
    """Somebody's time in a group."""

    GONE = "declined"
    NOT_COUNTED = ("offered", GONE)
    UNDO = frozenset({"contributor"})
    group: str
    contributor: str

    @common
    class Event(Fact):
        """A fact about a membership names the group and the person."""

        ABOUT = ("group", "contributor")
        group: str
        contributor: str

    @fact("membership.offered", "{actor} said that {contributor} is in {group}", begins=True)
    class Offered(Event):
        """A group says that somebody is its member; it waits for their agreement."""

        FOUND_BY = ("group", "contributor")
        STATE = "offered"
        roles: list[str] | None = None
        during: str | None = None
        """When they were in it, as stated: an interval of EDTF, such as 1985/1991."""

    @fact("membership.accepted", "{actor} agreed that {contributor} is in {group}")
    class Accepted(Event):
        """The person agrees that they are or were in it."""

        FROM = ("offered",)
        STATE = "accepted"

    @fact("membership.declined", "{actor} declined that {contributor} is in {group}")
    class Declined(Event):
        """The person is not in it, or does not want to be named."""

        FROM = ("offered", "accepted")
        STATE = "declined"
        reason: str | None = None

    @fact("membership.dated", "{actor} stated that {contributor} was in {group} {during}")
    class Dated(Event):
        """When they were in it was changed, as when somebody leaves."""

        FROM = ("offered", "accepted")
        during: str
        reason: str | None = None

    @fact("membership.disputed", "{actor} disputed that {contributor} is in {group}")
    class Disputed(Opening, Event):
        """Someone says that they are not in it, or were not when it says."""

        FROM = ("accepted",)

    @fact("membership.answered", "{actor} answered the dispute about {contributor} in {group}")
    class Answered(Answer, Event):
        """The other side says why it is right."""

    @fact(
        "membership.settled", "{actor} ended the dispute about {contributor} in {group}: {outcome}"
    )
    class Settled(Settlement, Event):
        """The dispute has ended: the membership stands, or it does not count any more."""

    def sides(self, looking: Looking) -> dict[str, str]:
        return {GROUP: self.group, "contributor": self.contributor}
