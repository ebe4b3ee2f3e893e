"""Commands that join two works that are the same into one node of the graph, and part them.

Both of their posters agree, or the operator says so. A join that would form a cycle is refused with
the path; nothing that was asked as of an earlier position changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from domain.acyclic import must_not_close_cycle
from domain.claim import claimed
from domain.clearing import must_suit_join
from domain.command import Command, command
from domain.commands.deriving import source_of
from domain.fact import New
from domain.join import Join, still_one
from domain.money.claiming import maker_of, offered_for
from domain.money.payee import Payee
from domain.outside import Outside
from domain.past import Past
from domain.refusal import (
    CannotJoin,
    CapExceeded,
    LicenceConflict,
    LineageCycle,
    NoSource,
    WrongState,
)
from domain.release import Release
from domain.remix import must_be_within_cap
from domain.value import Example
from domain.values import JoinId, NewJoinId, Reason, UriElsewhere, WorkHere, WorkId
from domain.work import Work

MOST_JOINED = 100
"""The most works of one node, because facts about its joins name all of them."""
EITHER, BOTH = frozenset({"poster", "poster of the other"}), frozenset({"poster of both"})


@command(
    "join",
    may=EITHER | BOTH,
    at_once=BOTH,
    spends=("claims",),
    refuses=(NoSource, CannotJoin, LineageCycle, CapExceeded, LicenceConflict),
)
class JoinWorks(Command):
    """Join two works that are the same: they become one, and no generation is added.

    Declared by the poster of one of them, it is pending: it counts once the poster of the other has
    accepted it. The operator speaks for outside sources, or the rights holder does.
    """

    work: WorkHere | None = None
    uri: Annotated[UriElsewhere | None, Example("https://example.org/songs/low-tide")] = None
    into: Annotated[
        WorkId,
        "The work that stands for both; but a piece always stands for an outside source, and a "
        "release "
        "for both.",
    ]
    reason: Annotated[Reason | None, Example("The same recording.")] = None
    id: NewJoinId | None = None

    def sides(self, past: Past) -> dict[str, str]:
        work, _ = source_of(past, self.work, self.uri)
        sides = {"poster": work.speaks, "poster of the other": past.work(self.into).speaks}
        if past.person(sides["poster"]) == past.person(sides["poster of the other"]):
            sides["poster of both"] = sides["poster"]
        return sides

    def decide(self, past: Past) -> Iterator[New]:
        work, cited = source_of(past, self.work, self.uri)
        into = past.work(self.into)
        yield from cited
        said: dict[str, Any] = {"work": work.id, "into": into.id}
        if past.counts:
            said |= _joined(past, work, into)
        else:
            _nodes(past, work, into)
            asked = into if past.is_actor(work.speaks) else work
            said |= {**claimed(past.now), "asked": asked.id}
        yield Join.Declared.born(past.id, **said, reason=self.reason)
        if past.counts:
            yield from _offered(past, work.id, into.id)


@command(
    "join.accept",
    may=("addressee",),
    late=("moderator",),
    refuses=(WrongState, CannotJoin, LineageCycle, CapExceeded, LicenceConflict),
)
class AcceptJoin(Command):
    """Agree that two works are the same, as the poster of the other one declared."""

    id: JoinId
    reason: Annotated[Reason | None, Example("I posted it twice.")] = None

    def decide(self, past: Past) -> Iterator[New]:
        join = past.get(Join, self.id)
        accepted = join.then(Join.Accepted, reason=self.reason)
        joined = _joined(past, past.work(join.work), past.work(join.into))
        yield accepted._replace(content={**accepted.content, **joined})
        yield from _offered(past, join.work, join.into)


@command("join.decline", may=("addressee", "opener"), late=("moderator",), then=Join.Declined)
class DeclineJoin(Command):
    """Decline a join, or withdraw one that you declared."""

    id: JoinId
    reason: Annotated[Reason | None, Example("Mine is the live recording.")] = None


@command("join.undo", may=EITHER, refuses=(WrongState,))
class UndoJoin(Command):
    """Undo a join: what was stated about either work applies to that one alone again.

    What was paid stays paid, and a share that the join offered stays offered.
    """

    id: JoinId
    reason: Annotated[Reason, Example("Another recording of the same song.")]

    def decide(self, past: Past) -> Iterator[New]:
        join = past.get(Join, self.id)
        undone = join.then(Join.Undone, reason=self.reason)
        _watch_joins(past)
        known = past.known
        node, members = known.node(join.work), known.same([join.work])
        left = [(each.work, each.into) for each in known.joins(members) if each.id != join.id]
        parts = still_one(join.work, left), still_one(join.into, left)
        parted = next((part for part in parts if node not in part), set())
        said = {"node": _standing(past, parted), "moved": " ".join(sorted(parted))}
        yield undone._replace(content={**undone.content, **(said if parted else {})})


def _watch_joins(past: Past) -> None:
    """Watch all joins; they are rare."""
    for kind in (Join.Declared, Join.Accepted, Join.Undone):
        past.watch_all(kind.TOPIC)


def _nodes(past: Past, work: Work, into: Work) -> tuple[Work, Work]:
    """The nodes of two works; refuses (``CannotJoin``) the same node, and two releases."""
    known = past.known
    one, other = (
        each if (node := known.node(each.id)) == each.id else past.work(node)
        for each in (work, into)
    )
    if one.id == other.id:
        raise CannotJoin(work.id, into.id, "they are already one")
    if isinstance(one, Release) and isinstance(other, Release):
        raise CannotJoin(work.id, into.id, "both are releases, each with its own publication")
    if len(known.same([one.id, other.id])) > MOST_JOINED:
        raise CannotJoin(work.id, into.id, f"more than {MOST_JOINED} works would become one")
    return one, other


def _joined(past: Past, work: Work, into: Work) -> dict[str, str]:
    """The fields of a join that counts: the node, and the works moved to it."""
    _watch_joins(past)
    one, other = _nodes(past, work, into)
    must_not_close_cycle(past, one.id, other.id)
    must_not_close_cycle(past, other.id, one.id)
    node, moved = (one, other) if _rank(one) > _rank(other) else (other, one)
    must_be_within_cap(node.id, past.rates(one.id, other.id, as_one=node.id))
    works = sorted(past.known.same([moved.id]))
    must_suit_join(past, (one.id, other.id), node.id, works)
    return {"node": node.id, "moved": " ".join(works)}


def _rank(work: Work) -> int:
    """The order in which works stand for their node: releases, pieces, outside sources."""
    return 2 if isinstance(work, Release) else 0 if isinstance(work, Outside) else 1


def _standing(past: Past, works: set[str]) -> str | None:
    """The work that stands for these, after the former one was parted from them."""
    found = map(past.work, works)
    first = sorted(found, key=lambda work: (-_rank(work), work.position, work.id))
    return first[0].id if first else None


def _offered(past: Past, *works: str) -> Iterator[New]:
    """Offers shares that wait for the maker of one joined work to the maker of the other."""
    makers = [maker_of(past, str(Payee("work", work))) for work in works]
    maker = next((one for one in makers if one is not None), None)
    for work in works if maker else ():
        assert maker is not None
        yield from offered_for(past, work, maker)
