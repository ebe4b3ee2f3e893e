"""Grants: who acts in which role, read from the facts themselves.

They are few, and a role that ended a moment ago must not show any more. So no read table keeps
them, and an answer at a position is exact.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from domain.grant import GRANTABLE, SCOPED, Grant
from domain.journal import Journal
from domain.known import Known
from domain.permission import OPERATOR
from domain.values import ContributorId, GrantedRole, WorkId
from projections import contributors, lineage
from projections.pages import LIMIT, Page, cut, decode_cursor
from projections.question import After, Limit, question
from projections.store import View
from projections.told import GrantTold


@question("list_grants", "/grants", cli="roles")
def grants(
    view: View,
    journal: Journal,
    *,
    contributor: Annotated[ContributorId | None, "Of this person."] = None,
    role: Annotated[GrantedRole | None, "This role."] = None,
    work: Annotated[WorkId | None, "For this work."] = None,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[GrantTold]:
    """Who has which role, in the order granted.

    Ended roles are in the history of the person who had them.
    """
    known = Known(journal.facts, view.as_of)
    wanted = GRANTABLE if role is None else (role,)
    found = (
        known.grants("role", wanted)
        if contributor is None
        else known.grants("contributor", [contributor])
    )
    (beyond,) = decode_cursor(after, int) or [0]
    chosen = sorted(
        (since(one), one)
        for one in found
        if one.role in wanted and work in (None, one.work) and since(one) > beyond
    )
    page, more = cut(chosen[: limit + 1], limit, lambda each: (each[0],))
    return Page(_told(view, [grant for _, grant in page]), more)


def since(grant: Grant) -> int:
    """The position at which a grant was last made."""
    return grant.facts[-1][0]


def roles_of(journal: Journal, actor: str, areas: Collection[str] = ()) -> dict[str, str]:
    """The roles an actor has now, as sides for ``domain.permission.permit``.

    A role granted for a work or pool counts only if that is in ``areas``.
    """
    return {
        grant.role: actor
        for grant in _now(journal, actor)
        if grant.role not in SCOPED or not {grant.pool or grant.work}.isdisjoint(areas)
    }


def held(journal: Journal, actor: str) -> set[str]:
    """The roles an actor has now, for any work or pool."""
    return {grant.role for grant in _now(journal, actor)}


def _now(journal: Journal, actor: str) -> Collection[Grant]:
    return [] if actor == OPERATOR else held_by(journal, actor, journal.facts.head())


def held_by(journal: Journal, actor: str, upto: int) -> list[Grant]:
    """The grants that a person had at a position, in any of their accounts."""
    known = Known(journal.facts, upto)
    return known.grants("contributor", known.accounts(known.persons([actor])[actor]))


def _told(view: View, grants: Collection[Grant]) -> list[GrantTold]:
    people = contributors.people_named(view, {one.contributor for one in grants})
    works = {one.work: lineage.find(view, one.work).number for one in grants if one.work}
    references = lineage.references(view, works.values())
    return [
        {
            "contributor": people[one.contributor],
            "role": one.role,
            "work": references[works[one.work]] if one.work else None,
            "pool": one.pool,
            "position": since(one),
        }
        for one in grants
    ]
