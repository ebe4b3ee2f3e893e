"""Commands about groups: naming members, who agree, decline and leave, and dividing shares.

The account of a group acts for it. A group is never in a group, so that members are always one
step away.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from domain.command import Command, Record, command, once_each, record
from domain.contributor import Contributor
from domain.fact import New
from domain.membership import GROUP, Membership
from domain.money.through import MOST_MEMBERS, parts_among
from domain.past import Past
from domain.permission import OWN
from domain.refusal import BadShare, GroupInGroup, WrongState
from domain.value import Example, Most
from domain.values import (
    ANA,
    ContributorId,
    ExactRate,
    MembershipId,
    MembershipTime,
    NewMembershipId,
    Reason,
    Role,
)


@command("membership", may=(GROUP,), refuses=(GroupInGroup,))
class OfferMembership(Command):
    """State that someone is or was in a group; it counts once they agree.

    Someone who was in it several times has a membership for each time.
    """

    group: Annotated[ContributorId, "The group.", Example(ANA)]
    contributor: Annotated[ContributorId, "The person."]
    roles: Annotated[tuple[Role, ...] | None, "Their roles in it.", Example(["drummer"])] = None
    during: MembershipTime | None = None
    id: NewMembershipId | None = None

    def sides(self, past: Past) -> dict[str, str]:
        return {GROUP: self.group}

    def decide(self, past: Past) -> Iterator[New]:
        past.watch(Membership.Offered.TOPIC, self.group, self.contributor)
        holds = past.known.saying((Membership.Offered,), "group", [self.contributor])
        held = past.known.saying((Membership.Offered,), "contributor", [self.group])
        if holds or held or past.person(self.group) == past.person(self.contributor):
            raise GroupInGroup(self.contributor, self.group)
        told = self.told(Membership.Offered, roles=once_each(self.roles))
        yield Membership.Offered.born(past.id, **told)


@command("membership.accept", may=OWN, then=Membership.Accepted)
class AcceptMembership(Command):
    """Agree that you are or were in a group."""

    id: MembershipId


@command("membership.decline", may=OWN, then=Membership.Declined)
class DeclineMembership(Command):
    """Decline to be named as a member of a group, now or later."""

    id: MembershipId
    reason: Annotated[Reason | None, Example("I only helped once.")] = None


@command("membership.date", may=OWN | {GROUP}, then=Membership.Dated)
class DateMembership(Command):
    """State when someone was in a group, for example when they leave."""

    id: MembershipId
    during: MembershipTime
    reason: Annotated[Reason | None, Example("She left after the second album.")] = None


@record
class Member(Record):
    """A member of a group, with their part of what it is paid."""

    contributor: Annotated[ContributorId, "The member.", Example(ANA)]
    part: Annotated[ExactRate, "Their part of its shares.", Example("1/3")]


@command("contributor.divide", may=OWN, refuses=(WrongState, BadShare))
class DivideShares(Command):
    """Set how a group's shares are divided among its members, in all pools.

    It applies to proposals and revisions from then on: the members have their parts and are asked
    to accept. The rest stays with the group's account; without members, all of it does. A proposal
    whose assets name the group in “through” follows its assets instead. To divide an earlier
    agreement, assign the share in its pool.
    """

    id: ContributorId
    among: Annotated[
        tuple[Member, ...],
        Most(MOST_MEMBERS),
        "Which member gets which part; an empty list ends the division.",
    ] = ()
    reason: Annotated[Reason | None, Example("As we agreed on 1 May.")] = None

    def decide(self, past: Past) -> Iterator[New]:
        parts_among([(each.contributor, each.part) for each in self.among])
        if past.person(self.id) in [past.person(each.contributor) for each in self.among]:
            raise BadShare("among", self.id, "the rest stays with the group without being listed")
        among = [vars(each) for each in self.among]
        told = self.told(Contributor.Divided, group=self.id, among=among)
        yield past.contributor(self.id).then(Contributor.Divided, **told)
