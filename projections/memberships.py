"""Memberships as answers: the members of a group, and the groups that somebody is in."""

from __future__ import annotations

from collections.abc import Sequence

from domain.refusal import UnknownMembership
from domain.values import ContributorId
from projections import attribution, groups
from projections.groups import Member
from projections.question import LIMIT, After, Limit, question
from projections.store import Page, View, cut, decode_cursor
from projections.told import MembershipTold


@question("list_members", "/contributors/{id}/members", cli="contributor members")
def members(
    view: View, id: ContributorId, *, after: After | None = None, limit: Limit = LIMIT
) -> Page[MembershipTold]:
    """Who is or was in a group, in the order of offers; only accepted memberships count."""
    found = groups.members(view, attribution.accounts(view, id), all_states=True)
    return _page(view, found, after, limit)


@question("list_groups", "/contributors/{id}/groups", cli="contributor groups")
def groups_of(
    view: View, id: ContributorId, *, after: After | None = None, limit: Limit = LIMIT
) -> Page[MembershipTold]:
    """The groups that somebody is or was in, and those that wait for them to agree."""
    return _page(view, groups.groups_of(view, attribution.accounts(view, id)), after, limit)


def _page(
    view: View, found: Sequence[Member], after: str | None, limit: int
) -> Page[MembershipTold]:
    (beyond,) = decode_cursor(after, int) or [0]
    left = [one for one in found if one.born > beyond]
    page, more = cut(left, limit, lambda one: (one.born,))
    return Page(told(view, page), more)


def membership(view: View, id: str) -> MembershipTold:
    """One membership; UnknownMembership if there is none with this id."""
    found = groups.member(view, id)
    if found is None:
        raise UnknownMembership(id)
    (one,) = told(view, [found])
    return one


def told(view: View, page: Sequence[Member]) -> list[MembershipTold]:
    """Memberships, with the names of both sides."""
    people = attribution.persons(view, {end for one in page for end in (one.band, one.contributor)})
    return [
        {
            "id": one.id,
            "group": people[one.band],
            "contributor": people[one.contributor],
            "roles": one.does,
            "during": one.during,
            "state": one.state,
            "position": one.born,
        }
        for one in page
    ]
