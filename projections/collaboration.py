"""Collaboration: who made something with whom, and who both remixed the same.

Whoever is credited on a work has worked with all others credited on it. Only so many of somebody's
latest works are looked at, so that an answer does not grow with what they did.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from projections import attribution
from projections.finding import CREDIT_COUNTS, REMIX_COUNTS
from projections.hidden import NOT_HIDDEN
from projections.merges import roots_of
from projections.store import View
from projections.tables import NEVER

OWN_WORKS, THEIR_WORKS = 200, 20
"""How many of somebody's latest works are looked at, and how many of each who worked with them."""
MOST_NEAR, MOST_FURTHER = 60, 400
"""How many people who worked with somebody are known, and how many who worked with those."""
MOST_TOGETHER = 10_000
"""How many credits on such works are read."""


class Near(NamedTuple):
    """How near somebody is: 1 if both made something together, 2 if somebody did with both."""

    distance: int
    works: tuple[int, ...] = ()
    """What both made, the latest first."""
    via: int = 0
    """Who made something with both."""


def around(view: View, person: int) -> dict[int, Near]:
    """The people around somebody, by number."""
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
    """The latest works on which somebody is credited."""
    return _own(view, person)[1]


def _own(view: View, person: int) -> tuple[set[int], list[int]]:
    """The accounts of somebody, and the latest works on which they are credited."""
    held: dict[int, tuple[set[int], list[int]]] = view.held.setdefault("own", {})
    if person not in held:
        accounts = attribution.accounts_of(view, person)
        latest = latest_works(view, accounts, OWN_WORKS).values()
        works = sorted({work for works in latest for work in works}, reverse=True)
        held[person] = set(accounts), works[:OWN_WORKS]
    return held[person]


def latest_works(view: View, people: Collection[int], each: int) -> dict[int, list[int]]:
    """The latest works on which each of these accounts is credited, in the order of the accounts.

    From the work on that is the last of so many. It is looked for among all who come before in the
    index, so that no engine reads and sorts everything that somebody did.
    """
    counts = f"{CREDIT_COUNTS} AND {NOT_HIDDEN}"
    held: dict[int, list[int]] = view.held.setdefault(("latest", each), {})
    if not (new := [person for person in people if person not in held]):
        return {person: held[person] for person in people}
    held |= {person: [] for person in new}
    rows = view.rows(
        "SELECT DISTINCT p.number, c.work FROM @contributors p JOIN @credits c "
        f"ON c.contributor = p.number AND {counts} "
        f"WHERE p.number IN :people AND p.until = {NEVER} AND c.work >= coalesce(("
        "SELECT CASE WHEN l.contributor = p.number THEN l.work END FROM (SELECT DISTINCT "
        "c.contributor, c.work FROM @credits c "
        f"WHERE (c.contributor, c.work) <= (p.number, {NEVER}) AND {counts} "
        "ORDER BY c.contributor DESC, c.work DESC LIMIT 1 OFFSET :before) AS l), 0) "
        "ORDER BY c.work DESC",
        people=new,
        before=each - 1,
    )
    for person, work in rows:
        held[person].append(work)
    return {person: held[person] for person in people}


def _beside(
    view: View, works: Collection[int], roles: Collection[str] = ()
) -> dict[int, list[int]]:
    """By work, the latest first: the people who are credited on it, in these roles or in any."""
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
    """By each other person: the works among these on which they are credited."""
    found: dict[int, list[int]] = {}
    for work, people in credited.items():
        for person in people:
            if person not in own:
                found.setdefault(person, []).append(work)
    return found


def both_remixed(view: View, person: int, others: Collection[int]) -> dict[int, list[int]]:
    """By other: what something was made from by both, among the latest works of each."""
    own = own_works(view, person)
    sources = {parent for parents in _parents(view, own).values() for parent in parents}
    theirs = latest_works(view, others, THEIR_WORKS)
    # What both are credited on was one remix, not two.
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


def credited_on(view: View, works: Collection[int], roles: Collection[str] = ()) -> set[int]:
    """The people who are credited on these works, in one of these roles if there are any."""
    people = _beside(view, works, roles).values()
    return {person for each in people for person in each}
