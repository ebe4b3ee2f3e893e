"""Collaboration: who worked with whom, and which people remixed the same works.

People credited on the same work have worked together. Only a number of a person's latest works are
read, so that the cost of an answer does not grow with all they did.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import NamedTuple

from domain.engine import PLANNED_ONCE
from projections import contributors
from projections.finding import CREDIT_COUNTS, REMIX_COUNTS
from projections.hidden import NOT_HIDDEN
from projections.merges import roots_of
from projections.store import View
from projections.tables import NEVER

OWN_WORKS, THEIR_WORKS = 200, 20
"""How many of a person's latest works are read, and how many of each of their collaborators."""
MOST_NEAR, MOST_FURTHER = 60, 400
"""How many collaborators of a person are found, and how many people in all, with theirs."""
MOST_TOGETHER = 10_000
"""How many credits or edges of such works a query reads at most."""


class Near(NamedTuple):
    """How near another person is: 1 for a collaborator, 2 for a collaborator of one."""

    distance: int
    works: tuple[int, ...] = ()
    """The works both are credited on, latest first."""
    via: int = 0
    """The number of the collaborator they have in common."""


def around(view: View, person: int) -> dict[int, Near]:
    """The people around a person, by number."""
    own, works = _own(view, person)
    beside = _by_person(_beside(view, works), own)
    found = {number: Near(1, tuple(works)) for number, works in beside.items()}
    found = dict(sorted(found.items(), key=lambda one: (-one[1].works[0], one[0]))[:MOST_NEAR])
    theirs = latest_works(view, found, THEIR_WORKS)
    credited = _beside(view, {work for works in theirs.values() for work in works})
    for via, works in theirs.items():
        for number in _by_person({work: credited.get(work, []) for work in works}, own):
            if len(found) < MOST_FURTHER:
                found.setdefault(number, Near(2, via=via))
    return found


def own_works(view: View, person: int) -> list[int]:
    """The latest works on which a person is credited."""
    return _own(view, person)[1]


def _own(view: View, person: int) -> tuple[set[int], list[int]]:
    """A person's accounts, and the latest works on which they are credited."""

    def read(_: list[int]) -> dict[int, tuple[set[int], list[int]]]:
        accounts = contributors.accounts_of(view, person)
        latest = latest_works(view, accounts, OWN_WORKS).values()
        works = sorted({work for works in latest for work in works}, reverse=True)
        return {person: (set(accounts), works[:OWN_WORKS])}

    return view.looked_up("own works", [person], read)[person]


def latest_works(view: View, people: Collection[int], each: int) -> dict[int, list[int]]:
    """The latest works on which each of these accounts is credited, in their order."""
    read = partial(_latest_works, view, each=each)
    return view.looked_up(("latest works", each), people, read)


def _latest_works(view: View, people: Collection[int], *, each: int) -> dict[int, list[int]]:
    """Each list is read backwards from its end in the index, so that no engine reads and sorts
    everything that an account is credited on."""
    rows = view.rows(
        f"{PLANNED_ONCE}SELECT p.number, (SELECT string_agg(CAST(l.work AS TEXT), ',') FROM ("
        "SELECT DISTINCT c.contributor, c.work FROM @credits c "
        f"WHERE (c.contributor, c.work) <= (p.number, {NEVER}) AND {CREDIT_COUNTS} "
        f"AND {NOT_HIDDEN} ORDER BY c.contributor DESC, c.work DESC LIMIT :each) AS l "
        "WHERE l.contributor = p.number) "
        f"FROM @contributors p WHERE p.number IN :people AND p.until = {NEVER}",
        people=people,
        each=each,
    )
    found = {
        person: sorted(map(int, works.split(",")), reverse=True) for person, works in rows if works
    }
    return {person: found.get(person, []) for person in people}


def _beside(
    view: View, works: Collection[int], roles: Collection[str] = ()
) -> dict[int, list[int]]:
    """By work, latest first: the people credited on it, in any of these roles if given."""
    in_roles = "AND c.role IN :roles " if roles else ""
    rows = view.rows(
        f"SELECT DISTINCT c.work, c.contributor FROM @credits c WHERE c.work IN :works {in_roles}"
        f"AND {CREDIT_COUNTS} AND {NOT_HIDDEN} ORDER BY c.work DESC, c.contributor LIMIT :most",
        works=sorted(works),
        roles=list(roles),
        most=MOST_TOGETHER,
    )
    roots = roots_of(view.rows, {number for _, number in rows})
    found: dict[int, list[int]] = {}
    for work, number in rows:
        found.setdefault(work, []).append(roots.get(number) or number)
    return found


def _by_person(credited: Mapping[int, list[int]], own: Collection[int]) -> dict[int, list[int]]:
    """By person, except the accounts ``own``: the works among these on which they are credited."""
    found: dict[int, list[int]] = {}
    for work, people in credited.items():
        for person in people:
            if person not in own:
                found.setdefault(person, []).append(work)
    return found


def both_remixed(view: View, person: int, others: Collection[int]) -> dict[int, list[int]]:
    """By other person: the works that both remixed, going by the latest works of each."""
    own = own_works(view, person)
    sources = {parent for parents in _parents(view, own).values() for parent in parents}
    theirs = latest_works(view, others, THEIR_WORKS)
    # A work both are credited on is one remix, not two.
    alone = {work for works in theirs.values() for work in works} - set(own)
    parents = _parents(view, alone)
    found = {
        other: sorted({p for work in works for p in parents.get(work, ())} & sources)
        for other, works in theirs.items()
    }
    return {other: works for other, works in found.items() if works}


def _parents(view: View, works: Collection[int]) -> dict[int, list[int]]:
    rows = view.rows(
        f"SELECT DISTINCT e.child, e.parent FROM @remixes e WHERE e.child IN :works "
        f"AND {REMIX_COUNTS} ORDER BY e.child, e.parent LIMIT :most",
        works=sorted(works),
        most=MOST_TOGETHER,
    )
    found: dict[int, list[int]] = {}
    for child, parent in rows:
        found.setdefault(child, []).append(parent)
    return found


def credited_on(view: View, works: Collection[int], roles: Collection[str]) -> set[int]:
    """The people credited on these works, in any of these roles if given."""
    people = _beside(view, works, roles).values()
    return {person for each in people for person in each}
