"""Memberships as answers: the members of a group, and the groups that somebody is in."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Unpack

from domain.contributor import Contributor
from domain.journal import Journal
from domain.known import Known
from domain.readers import OWN_MONEY
from domain.refusal import UnknownMembership
from domain.values import ContributorId
from projections import contributors, groups
from projections.groups import MEMBERSHIPS, MemberRow
from projections.money.readers import Reader
from projections.pages import LIMIT, Page, cut, decode_cursor
from projections.question import Paged, question
from projections.store import View, told_of
from projections.tables import row_of
from projections.told import GroupDivisionTold, MembershipTold


@question("list_members", "/contributors/{id}/members", cli="contributor members")
def members(view: View, id: ContributorId, **part: Unpack[Paged]) -> Page[MembershipTold]:
    """Who is or was in a group, in the order of offers; only accepted memberships count."""
    found = groups.members(view, contributors.accounts(view, id), all_states=True)
    return _page(view, found, **part)


@question("list_groups", "/contributors/{id}/groups", cli="contributor groups")
def groups_of(view: View, id: ContributorId, **part: Unpack[Paged]) -> Page[MembershipTold]:
    """The groups that someone is or was in or is asked to join, in the order of offers."""
    return _page(view, groups.groups_of(view, contributors.accounts(view, id)), **part)


@question(
    "show_group_division", "/contributors/{id}/division", cli="contributor division", may=OWN_MONEY
)
def division(view: View, journal: Journal, id: ContributorId, *, actor: str) -> GroupDivisionTold:
    """How new proposals divide a group's shares among its members, who can see it."""
    accounts = sorted(contributors.account_ids(view, id))
    known = Known(journal.facts, view.as_of)
    said = known.saying((Contributor.Divided,), "group", accounts)
    among = said[-1].among if said else []
    reader = Reader(view, journal, actor)
    if reader.ids.isdisjoint(each["contributor"] for each in among):
        reader.must_be("how a group divides its shares", id)
    people = contributors.people_named(view, [each["contributor"] for each in among])
    return {
        "among": [
            {"contributor": people[each["contributor"]], "part": each["part"]} for each in among
        ],
        "left": str(1 - sum(Fraction(each["part"]) for each in among)),
    }


def _page(
    view: View, found: Sequence[MemberRow], after: str | None = None, limit: int = LIMIT
) -> Page[MembershipTold]:
    (beyond,) = decode_cursor(after, int) or [0]
    left = [one for one in found if one.born > beyond]
    page, more = cut(left, limit, lambda one: (one.born,))
    return Page(told(view, page), more)


def membership(view: View, id: str) -> MembershipTold:
    """One membership; raises UnknownMembership."""
    (one,) = told(view, [row_of(view, MEMBERSHIPS, MemberRow, id, UnknownMembership)])
    return one


def told(view: View, page: Sequence[MemberRow]) -> list[MembershipTold]:
    """Memberships, with the names of both sides."""
    people = contributors.persons(
        view, {end for one in page for end in (one.band, one.contributor)}
    )
    return [
        told_of(
            MembershipTold,
            one,
            group=people[one.band],
            contributor=people[one.contributor],
            roles=one.does,
            position=one.born,
        )
        for one in page
    ]
