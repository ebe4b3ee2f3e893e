"""Groups: their members, and who was in a group when a work was made."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from domain.dates import is_surely_before
from domain.fact import Fact
from domain.membership import Membership
from projections.store import View, counting, holds
from projections.tables import Amend, Change, Numbers, Projection, born, facts_about, rows_in, table


class MemberRow(NamedTuple):
    """A row of the read table of memberships."""

    id: str
    band: int
    contributor: int
    roles: str | None
    during: str | None
    state: str
    born: int

    @property
    def counts(self) -> bool:
        """Whether the person agreed that they are or were in it."""
        return self.state not in Membership.NOT_COUNTED

    @property
    def does(self) -> list[str]:
        """The member's roles in the group."""
        return list(json.loads(self.roles or "[]"))

    def may_be_in(self, made_at: str | None) -> bool:
        """Whether they may have been in the group at a creation date: unless dates rule it out."""
        before = is_surely_before(made_at, self.during)
        return not before and not is_surely_before(self.during, made_at)


MEMBERSHIPS = table(
    "memberships",
    MemberRow,
    ("id", "band", "contributor"),
    key="id",
)


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """The memberships this fact adds or changes."""
    match happened:
        case Membership.Offered(roles=roles):
            ends = {"band": numbers[happened.group], "contributor": numbers[happened.contributor]}
            spelled = None if roles is None else json.dumps(roles)
            yield born(MEMBERSHIPS, happened, **ends, roles=spelled, born=position)
        case Membership.Dated(originator_id=id, during=during):
            yield Amend(MEMBERSHIPS, id, {"during": during})
        case Membership.Event() if happened.leaves:
            yield Amend(MEMBERSHIPS, happened.originator_id, {"state": happened.leaves})


GROUPING = Projection("groups", (MEMBERSHIPS,), changes, facts_about(Membership))


def members(view: View, groups: Collection[int], *, all_states: bool = False) -> list[MemberRow]:
    """The past and present members of these groups, in the order of recording.

    With ``all_states`` also memberships that do not count.
    """
    which = "1 = 1" if all_states else counting("t", Membership.NOT_COUNTED)
    where = f"t.band IN :groups AND {which} ORDER BY t.born"
    return rows_in(view, MEMBERSHIPS, MemberRow, where, groups=list(groups))


def groups_of(view: View, people: Collection[int]) -> list[MemberRow]:
    """The memberships of these people, past, present and waiting for their consent."""
    where = f"t.contributor IN :people AND t.state <> '{Membership.Declined.STATE}'"
    return rows_in(view, MEMBERSHIPS, MemberRow, f"{where} ORDER BY t.born", people=list(people))


def behind(view: View, works_of: Mapping[int, Collection[int]]) -> dict[int, list[MemberRow]]:
    """By group: its members when any of its works, given by group, may have been made."""
    rows = view.rows(
        "SELECT w.number, w.made_at, w.made FROM @works w "
        f"WHERE w.number IN :every AND {holds('w')}",
        every=list({work for works in works_of.values() for work in works}),
    )
    # A work without a creation date has at least a time of recording.
    made = {number: made_at or (recorded or None) for number, made_at, recorded in rows}
    found: dict[int, list[MemberRow]] = {}
    for member in members(view, works_of):
        if any(member.may_be_in(made.get(work)) for work in works_of[member.band]):
            found.setdefault(member.band, []).append(member)
    return found
