"""Deriving: what a work is made from, and the making dates that order works.

A parent comes before its child, and a work never owes more than the whole, whatever else is
recorded at the same moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from domain.claim import claimed
from domain.command import Command, command
from domain.commands.crediting import SPEAKING
from domain.fact import New
from domain.moment import instant, start_of_past
from domain.outside import Outside, outside_id
from domain.past import PENDING, Past
from domain.refusal import (
    CapExceeded,
    NoSource,
    ParentNotOlder,
    SelfRemix,
    SplitTooLarge,
    WrongState,
)
from domain.remix import Remix, must_be_within_cap
from domain.values import (
    BEN,
    ContributorId,
    Evidence,
    ExactRate,
    Example,
    MadeAt,
    Moment,
    NewRemixId,
    Reason,
    RemixId,
    RemixKind,
    Uri,
    WorkId,
)
from domain.work import Work, must_be_older

_PATH = "/remixes"
OF_SOURCES = (NoSource, ParentNotOlder, SelfRemix, CapExceeded, SplitTooLarge)
"""Why a work may not be made from another."""


@command(
    "remix",
    _PATH,
    may=("poster of the parent", *SPEAKING),
    at_once=SPEAKING,
    spends=("claims",),
    refuses=OF_SOURCES,
    makes="remix",
    home=_PATH,
)
class DeclareRemix(Command):
    """Declare afterwards that a work was made from an older one, here or elsewhere.

    Said by the poster of the older one, it is pending: it counts once the poster of the work that
    was made from it has accepted it.
    """

    child: WorkId
    parent: Annotated[WorkId | None, "Either the id of a work here, or …", Example(None)] = None
    uri: Annotated[
        Uri | None,
        "… the address of one elsewhere.",
        Example("https://example.org/recordings/waves"),
    ] = None
    kind: RemixKind
    rate: ExactRate | None = None
    evidence: Annotated[Evidence | None, Example("https://example.org/liner-notes")] = None
    effective_at: Annotated[Moment | None, "When it takes effect; default now."] = None
    id: NewRemixId | None = None

    def areas(self, past: Past) -> tuple[str, ...]:
        return (self.child,)

    def sides(self, past: Past) -> dict[str, str]:
        child, (source, _) = past.work(self.child), source_of(past, self.parent, self.uri)
        return {**child.sides(past), "poster of the parent": source.speaker}

    def decide(self, past: Past) -> Iterator[New]:
        child, (source, cited) = past.work(self.child), source_of(past, self.parent, self.uri)
        yield from cited
        declared = Remix.Declared.born(
            past.id,
            child=child.id,
            parent=source.id,
            kind=self.kind,
            rate=self.rate,
            evidence=self.evidence,
            effective_at=self.effective_at,
            **({} if past.counts else claimed(past.now)),
        )
        must_come_first(past, source, child)
        _must_fit(past, child.id, self.rate)
        yield declared


@command(
    "remix.accept",
    f"{_PATH}/{{id}}/accept",
    may=SPEAKING,
    late=("moderator",),
    refuses=(WrongState, ParentNotOlder, CapExceeded),
)
class AcceptRemix(Command):
    """Agree that a work was made from an older one, as the poster of that one said."""

    id: RemixId
    reason: Annotated[Reason | None, Example("The second verse is yours.")] = None

    def decide(self, past: Past) -> Iterator[New]:
        remix = past.get(Remix, self.id)
        accepted = remix.then(Remix.Accepted, reason=self.reason)
        must_come_first(past, past.work(remix.parent), past.work(remix.child))
        _must_fit(past, remix.child, remix.rate)
        yield accepted


@command(
    "remix.decline",
    f"{_PATH}/{{id}}/decline",
    may=(*SPEAKING, "opener"),
    late=("moderator",),
    then=Remix.Declined,
)
class DeclineRemix(Command):
    """Decline that a work was made from an older one, or withdraw having said so."""

    id: RemixId
    reason: Annotated[Reason | None, Example("Nothing of it is in mine.")] = None


@command("remix.strike", f"{_PATH}/{{id}}/strike", may=("moderator",), refuses=(WrongState,))
class StrikeRemix(Command):
    """Decide that a remix is false: it stays on record and stops counting.

    What depends on it is held until the shares are corrected or confirmed.
    """

    id: RemixId
    reason: Reason

    def decide(self, past: Past) -> Iterator[New]:
        remix = past.get(Remix, self.id)
        yield remix.then(Remix.Struck, reason=self.reason, is_false=True, by_piece=True)


@command("work.redate", "/works/{id}/redate", may=SPEAKING, refuses=(ParentNotOlder,))
class RedateWork(Command):
    """Correct a making date: later than the work's sources, earlier than what was made from it."""

    id: WorkId
    made_at: Annotated[MadeAt, Example("1969-10")]
    reason: Annotated[Reason, Example("The label says so.")]

    def decide(self, past: Past) -> Iterator[New]:
        work = past.work(self.id)
        moved = dated(work.id, self.made_at, start_of_past(self.made_at, past.now), work.position)
        for child, parent in past.neighbours(work.id):
            if child == work.id:
                must_be_older(past.work(parent), moved)
            else:
                must_be_older(moved, past.work(child))
        yield work.then(Work.Redated, made_at=self.made_at, made=moved.made, reason=self.reason)


@command("work.state-right", "/works/{id}/state-right")
class StateRight(Command):
    """State who holds the rights of a work: their word about it counts, as that of its poster."""

    id: WorkId
    right_holder: Annotated[ContributorId, "Who holds them.", Example(BEN)]
    reason: Annotated[Reason, Example("The contract of 1969.")]

    def decide(self, past: Past) -> Iterator[New]:
        said = {"right_holder": self.right_holder, "reason": self.reason}
        yield past.work(self.id).then(Work.RightStated, **said)


# -- what a new work is made from ----------------------------------------------------------------


def source_of(past: Past, work: str | None, uri: str | None) -> tuple[Work, list[New]]:
    """The parent that a source names, with the fact of a new outside source."""
    if (work is None) == (uri is None):
        raise NoSource
    if work is not None:
        return past.work(work), []
    assert uri is not None
    id = outside_id(uri)
    if not past.stream(id):
        id = past.known.outside(uri)
    if past.stream(id):
        return past.work(id), []
    cited = Outside.Cited.born(id, uri=uri)
    return past.imagine(Outside, cited), [cited]


def made_first(past: Past, made_at: str | None, parents: Iterable[Work]) -> str:
    """When a new work was made: as stated, else now, but never before its parents.

    Two machines' clocks may disagree; what is made from a recorded piece was made after it.
    """
    if made_at is not None:
        return start_of_past(made_at, past.now)
    return max([instant(past.now), *(parent.made for parent in parents)])


def must_follow(
    past: Past, made_at: str | None, made: str, parents: Sequence[Work], rates: Iterable[str | None]
) -> None:
    """Refuse a new work that is not newer than all it is made from, or owes too much."""
    must_be_within_cap(past.id, rates)
    newborn = dated(past.id, made_at, made, PENDING + PENDING)
    for parent in parents:
        must_come_first(past, parent, newborn)


def _must_fit(past: Past, child: str, rate: str | None) -> None:
    """Refuse a further rate with which a work would owe more than the whole."""
    if rate is not None:
        must_be_within_cap(child, [rate, *past.rates(child)])


def must_come_first(past: Past, parent: Work, child: Work) -> None:
    """Refuse a parent that is not older than its child, now and at the moment of recording."""
    must_be_older(parent, child)
    # A redating at the same moment could turn the order around.
    past.watch(Work.Redated.TOPIC, parent.id, child.id)


def dated(id: str, made_at: str | None, made: str, position: int) -> Work:
    """A work with only its place in the order of works."""
    work = Work.__new__(Work)
    work.id, work.made_at, work.made, work.position = id, made_at, made, position
    return work
