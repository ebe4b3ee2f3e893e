"""Releasing: a release is assembled from its components, and published.

The components are all stated when it is assembled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from domain.command import Command, Record, command, record
from domain.commands.deriving import made_of, warn_if_older
from domain.fact import New
from domain.identity import part_id
from domain.past import Past
from domain.permission import ANYONE
from domain.refusal import (
    CapExceeded,
    NoComponents,
    SplitTooLarge,
)
from domain.release import Release
from domain.remix import Remix, must_be_within_cap
from domain.values import (
    MOST_PIECES,
    ExactRate,
    Example,
    MadeAt,
    Most,
    NewReleaseId,
    Reason,
    ReleaseId,
    Title,
    WorkId,
)

_PATH = "/releases"


@record
class Component(Record):
    """One part of a release."""

    work: WorkId
    rate: ExactRate | None = None


@command(
    "release",
    _PATH,
    may=(ANYONE,),
    spends=("works",),
    refuses=(NoComponents, CapExceeded, SplitTooLarge),
    makes="release",
    home="/works",
)
class AssembleRelease(Command):
    """Assemble a release from its components, in one append."""

    title: Annotated[Title, Example("Low Tide")]
    components: Annotated[tuple[Component, ...], Most(MOST_PIECES), "What it is made of."]
    made_at: MadeAt | None = None
    id: NewReleaseId | None = None

    def sides(self, past: Past) -> dict[str, str]:
        works = [component.work for component in self.components]
        past.prefetch(works)
        if not works or len(set(works)) < len(works):
            raise NoComponents
        return {}

    def decide(self, past: Past) -> Iterator[New]:
        must_be_within_cap(past.id, [component.rate for component in self.components])
        made = made_of(past, self.made_at)
        yield Release.Assembled.born(past.id, title=self.title, made_at=self.made_at, made=made)
        for number, component in enumerate(self.components):
            yield Remix.Declared.born(
                part_id(past.id, "component", number),
                child=past.id,
                parent=component.work,
                kind="component",
                rate=component.rate,
            )
            warn_if_older(past, past.id, self.made_at, past.work(component.work))


@command(
    "release.publish", f"{_PATH}/{{id}}/publish", may=("poster", "producer"), then=Release.Published
)
class PublishRelease(Command):
    """Publish a release: its lineage is frozen at this position."""

    id: ReleaseId


@command(
    "release.withdraw",
    f"{_PATH}/{{id}}/withdraw",
    may=("poster", "producer"),
    then=Release.Withdrawn,
)
class WithdrawRelease(Command):
    """Withdraw a release."""

    id: ReleaseId
    reason: Reason
