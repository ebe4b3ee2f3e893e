"""Commands about what a work is made from, and about the creation dates of works.

No work may be its own ancestor or owe more than the whole, whatever else is recorded at the
same moment. Dates that contradict an edge are only warned of.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Protocol

from domain.acyclic import must_not_close_cycle
from domain.claim import claimed
from domain.clearing import must_suit_licence, must_suit_releases
from domain.command import Command, command
from domain.commands.crediting import SPEAKING
from domain.contribution import Contribution
from domain.dates import is_surely_before, start_of_past
from domain.disclosure import must_agree
from domain.fact import New
from domain.lineage import Edge
from domain.moment import stamp
from domain.outside import Outside, outside_id
from domain.past import Past
from domain.refusal import (
    MOST_LISTED,
    CapExceeded,
    ContradictoryDisclosure,
    LicenceConflict,
    LineageCycle,
    NoSource,
    RepeatedComponent,
    SelfRemix,
    SplitTooLarge,
    WrongState,
)
from domain.release import Release
from domain.remix import Remix, must_be_within_cap
from domain.value import Example
from domain.values import (
    BEN,
    AiTool,
    AiUse,
    ContributorId,
    Evidence,
    ExactRate,
    MadeAt,
    Moment,
    NewRemixId,
    Reason,
    RemixId,
    RemixKind,
    UriElsewhere,
    WorkHere,
    WorkId,
)
from domain.warning import OLDER, WITHDRAWN
from domain.work import Work

OF_REMIX = "Which parts AI made when the work was made from its source."
OF_SOURCES = (NoSource, CapExceeded, SplitTooLarge, LicenceConflict)
"""Refusals of a source."""


@command(
    "remix",
    may=("poster of the parent", *SPEAKING),
    at_once=SPEAKING,
    spends=("claims",),
    refuses=(
        *(*OF_SOURCES, SelfRemix, LineageCycle, RepeatedComponent),
        ContradictoryDisclosure,
    ),
)
class DeclareRemix(Command):
    """Declare after posting that a work was made from another, here or elsewhere.

    Declared by the poster of the source, it is pending: it counts once the poster of the work made
    from it has accepted it.
    """

    child: WorkId
    parent: WorkHere | None = None
    uri: Annotated[UriElsewhere | None, Example("https://example.org/recordings/waves")] = None
    kind: RemixKind
    rate: ExactRate | None = None
    evidence: Annotated[Evidence | None, Example("https://example.org/liner-notes")] = None
    effective_at: Annotated[Moment | None, "When it takes effect; default now."] = None
    ai: Annotated[tuple[AiUse, ...] | None, OF_REMIX] = None
    ai_tool: Annotated[AiTool | None, Example(None)] = None
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
            **disclosed(past, past.actor, self),
            **({} if past.counts else claimed(past.now)),
        )
        warn_of_source(past, child.id, child.made_at, source)
        edge = Edge(child.id, source.id, self.kind, self.rate)
        must_fit(past, edge, child, source, counts=past.counts)
        yield declared


@command(
    "remix.accept",
    may=SPEAKING,
    late=("moderator",),
    refuses=(WrongState, LineageCycle, RepeatedComponent, CapExceeded, LicenceConflict),
)
class AcceptRemix(Command):
    """Agree that a work was made from another, as the poster of that one declared."""

    id: RemixId
    reason: Annotated[Reason | None, Example("The second verse is yours.")] = None

    def decide(self, past: Past) -> Iterator[New]:
        remix = past.get(Remix, self.id)
        accepted = remix.then(Remix.Accepted, reason=self.reason)
        edge = Edge(remix.child, remix.parent, remix.kind, remix.rate, remix.id)
        must_fit(past, edge, past.work(remix.child), past.work(remix.parent))
        yield accepted


@command("remix.decline", may=(*SPEAKING, "opener"), late=("moderator",), then=Remix.Declined)
class DeclineRemix(Command):
    """Decline a remix, or withdraw one that you declared."""

    id: RemixId
    reason: Annotated[Reason | None, Example("Nothing of it is in mine.")] = None


@command("remix.strike", may=("moderator",), refuses=(WrongState,))
class StrikeRemix(Command):
    """Decide that a remix is false: it stays on record and stops counting.

    What depends on it is held until the shares are corrected or confirmed.
    """

    id: RemixId
    reason: Reason

    def decide(self, past: Past) -> Iterator[New]:
        remix = past.get(Remix, self.id)
        yield remix.then(Remix.Struck, reason=self.reason, is_false=True, by_piece=True)


@command("work.redate", may=SPEAKING)
class RedateWork(Command):
    """Correct a creation date, as precisely as it is known."""

    id: WorkId
    made_at: Annotated[MadeAt, Example("1969-10")]
    reason: Annotated[Reason, Example("The label says so.")]

    def decide(self, past: Past) -> Iterator[New]:
        work = past.work(self.id)
        ends = ("child", "parent")
        for edge in past.known.edges([work.id], ends, most=MOST_LISTED)[:MOST_LISTED]:
            if edge.child == work.id:
                warn_if_older(past, work.id, self.made_at, past.work(edge.parent))
            elif edge.parent == work.id:  # only the node's date counts, not that of a joined work
                derived = past.work(edge.child)
                warn_if_older(past, edge.child, derived.made_at, work, self.made_at)
        made = start_of_past(self.made_at, past.now)
        yield work.then(Work.Redated, made_at=self.made_at, made=made, reason=self.reason)


@command("work.state-right")
class StateRight(Command):
    """State who holds the rights to a work: their statements about it count like its poster's."""

    id: WorkId
    right_holder: Annotated[ContributorId, "Who holds them.", Example(BEN)]
    reason: Annotated[Reason, Example("The contract of 1969.")]

    def decide(self, past: Past) -> Iterator[New]:
        said = {"right_holder": self.right_holder, "reason": self.reason}
        yield past.work(self.id).then(Work.RightStated, **said)


# -- what a new work is made from ----------------------------------------------------------------


def source_of(past: Past, work: str | None, uri: str | None) -> tuple[Work, list[New]]:
    """The parent named by id or URI, and the fact that cites it if it is a new outside source."""
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


class Disclosing(Protocol):
    """A command with fields that disclose AI."""

    ai: tuple[str, ...] | None
    ai_tool: str | None


def disclosed(past: Past, owner: str, said: Disclosing) -> dict[str, object]:
    """The fields that disclose which parts of a remix AI made."""
    must_agree(said.ai or ())
    tool = past.text(owner, "ai_tool", said.ai_tool)
    return {"ai": list(said.ai) if said.ai else None, "ai_tool": tool}


def made_of(past: Past, made_at: str | None) -> str:
    """The first instant of the stated creation date of a new work, or now."""
    return stamp(past.now) if made_at is None else start_of_past(made_at, past.now)


def warn_of_source(past: Past, child: str, made_at: str | None, source: Work) -> None:
    """Warn of a source that was withdrawn, also at this moment, or that is younger."""
    if isinstance(source, Contribution | Release):
        past.watch(source.Withdrawn.TOPIC, source.id)
        if source.state == source.Withdrawn.STATE:
            past.warn(WITHDRAWN, child=child, parent=source.id)
    warn_if_older(past, child, made_at, source)


def warn_if_older(
    past: Past, child: str, made_at: str | None, parent: Work, parent_made_at: str | None = None
) -> None:
    """Warn of a work that is certainly older than what it was made from."""
    dated = parent_made_at or parent.made_at
    if is_surely_before(made_at, dated):
        said = {"child": child, "child_made_at": made_at}
        past.warn(OLDER, **said, parent=parent.id, parent_made_at=dated)


def must_fit(
    past: Past,
    edge: Edge[str],
    child: Work,
    parent: Work,
    *,
    counts: bool = True,
    without: str = "",
) -> None:
    """Refuse an edge that closes a cycle, exceeds the cap, or violates licences.

    If it does not count yet, its releases are checked once it does. ``without`` is the edge
    that it replaces.
    """
    searched = must_not_close_cycle(past, child.id, parent.id)
    if edge.kind == "component" and isinstance(child, Release):
        _must_be_no_component(past, child.id, parent.id, without)
    must_suit_licence(past, child.id, child.licence, parent, edge.kind)
    if counts:
        must_suit_releases(past, edge, searched)
    if edge.rate is not None:
        must_be_within_cap(child.id, [edge.rate, *past.rates(child.id, without=without)])


def _must_be_no_component(past: Past, release: str, work: str, without: str) -> None:
    """Refuse a work that is already a component of the release: it would be paid twice."""
    past.watch_edges(release)
    node = past.node(work)
    edges = past.known.edges([release], without=without)
    if any(edge.parent == node and edge.kind == "component" for edge in edges):
        raise RepeatedComponent(work)
