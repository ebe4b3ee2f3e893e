"""A membership: a person is or was in a group, for some time and in some roles.

It counts once the person has agreed, and can be disputed like a credit.

Groups contain people but no groups: so the people behind a credit of a group are one step away, and
there is no cycle to look for.
"""

from __future__ import annotations

from domain.dispute import Disputable, DisputeAnswer, DisputeOpening, Settlement
from domain.fact import Fact, Looking, common, fact

GROUP = "group"
"""The relation of the group itself to a membership."""
MEMBER = "member"
"""The relation of another member of the group."""


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
        INVOLVES = "contributor"
        roles: list[str] | None = None
        during: str | None = None
        """The time in the group, as stated: an EDTF interval, such as 1985/1991."""

    @fact("membership.accepted", "{actor} agreed that {contributor} is in {group}")
    class Accepted(Event):
        """The person agrees that they are or were in it."""

        FROM = ("offered",)
        STATE = "accepted"

    @fact("membership.declined", "{actor} did not agree that {contributor} is in {group}")
    class Declined(Event):
        """The person is not in it, or does not want to be named."""

        FROM = ("offered", "accepted")
        STATE = "declined"
        reason: str | None = None

    @fact("membership.dated", "{actor} stated that {contributor} was in {group} {during}")
    class Dated(Event):
        """The time in the group was changed, for example because somebody left."""

        FROM = ("offered", "accepted")
        during: str
        reason: str | None = None

    @fact("membership.disputed", "{actor} disputed that {contributor} is in {group}")
    class Disputed(DisputeOpening, Event):
        """Someone says that the person was never in the group, or not at that time."""

        FROM = ("accepted",)

    @fact("membership.answered", "{actor} answered the dispute about {contributor} in {group}")
    class Answered(DisputeAnswer, Event):
        """The other side says why it is right."""

    @fact(
        "membership.settled", "{actor} ended the dispute about {contributor} in {group}: {outcome}"
    )
    class Settled(Settlement, Event):
        """The dispute has ended: the membership stands, or it does not count any more."""

    def sides(self, looking: Looking) -> dict[str, str]:
        return {GROUP: self.group, "contributor": self.contributor}
