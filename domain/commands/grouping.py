"""Grouping: a group names its members, who agree, decline and leave.

The account of a group acts for it. A group is in no group, so that nobody has to be looked for
through several.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from domain.command import Command, command
from domain.fact import New
from domain.membership import GROUP, Membership
from domain.past import Past
from domain.permission import OWN
from domain.refusal import GroupInGroup, WrongState
from domain.values import (
    ANA,
    ContributorId,
    Example,
    MembershipId,
    MembershipTime,
    NewMembershipId,
    Reason,
    Role,
)

_PATH = "/memberships"


@command(
    "membership",
    _PATH,
    may=(GROUP,),
    refuses=(GroupInGroup,),
    makes="membership",
    home=_PATH,
)
class OfferMembership(Command):
    """Say that somebody is or was in a group; it counts once they agree.

    Somebody who was in it several times has a membership for each.
    """

    group: Annotated[ContributorId, "The group.", Example(ANA)]
    contributor: Annotated[ContributorId, "The person."]
    roles: Annotated[tuple[Role, ...] | None, "What they do in it.", Example(["drummer"])] = None
    during: MembershipTime | None = None
    id: NewMembershipId | None = None

    def sides(self, past: Past) -> dict[str, str]:
        return {GROUP: self.group}

    def decide(self, past: Past) -> Iterator[New]:
        past.watch(Membership.Offered.TOPIC, self.group, self.contributor)
        holds = past.known.saying((Membership.Offered,), "group", [self.contributor])
        held = past.known.saying((Membership.Offered,), "contributor", [self.group])
        if holds or held or past.person(self.group) == past.person(self.contributor):
            raise GroupInGroup(self.group, self.contributor)
        yield Membership.Offered.born(
            past.id,
            group=self.group,
            contributor=self.contributor,
            roles=[*dict.fromkeys(self.roles)] if self.roles else None,
            during=self.during,
        )


@command("membership.accept", f"{_PATH}/{{id}}/accept", may=OWN, then=Membership.Accepted)
class AcceptMembership(Command):
    """Agree that you are or were in a group."""

    id: MembershipId


@command("membership.decline", f"{_PATH}/{{id}}/decline", may=OWN, then=Membership.Declined)
class DeclineMembership(Command):
    """Decline to be named as a member of a group, also later."""

    id: MembershipId
    reason: Annotated[Reason | None, Example("I only helped once.")] = None


@command(
    "membership.date",
    f"{_PATH}/{{id}}/date",
    may=OWN | {GROUP},
    refuses=(WrongState,),
    then=Membership.Dated,
)
class DateMembership(Command):
    """State when somebody was in a group, such as when they leave."""

    id: MembershipId
    during: MembershipTime
    reason: Annotated[Reason | None, Example("She left after the second album.")] = None
