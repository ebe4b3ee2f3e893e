"""Releasing: a release is assembled from its components, published, and perhaps recut.

The components are all stated when it is assembled. A work that is used again is one component with
several places, and has one rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, NamedTuple

from domain.clearing import cleared
from domain.command import Command, Record, command, record
from domain.commands.crediting import SPEAKING
from domain.commands.deriving import made_of, must_fit, warn_of_source
from domain.commands.identifying import Numbered, numbered
from domain.fact import New
from domain.identity import part_id
from domain.lineage import Edge
from domain.past import Past
from domain.permission import ANYONE
from domain.refusal import (
    BadIdentifier,
    CapExceeded,
    LicenceConflict,
    LineageCycle,
    NoComponents,
    NotOfRelease,
    RepeatedComponent,
    SelfRemix,
    SplitTooLarge,
    WrongState,
)
from domain.release import Release
from domain.remix import Remix, must_be_within_cap
from domain.value import MOST_PIECES, Example, Most
from domain.values import (
    ExactRate,
    MadeAt,
    NewReleaseId,
    Offered,
    PartOfSeries,
    Place,
    Reason,
    ReleaseId,
    RemixId,
    Title,
    WorkId,
)
from domain.warning import PLACE_TAKEN
from domain.work import Work


@record
class Component(Record):
    """One part of a release; one that is listed again is used again, and counts once."""

    work: WorkId
    rate: ExactRate | None = None


class Used(NamedTuple):
    """A component where it is listed first, and all its places, from 1."""

    number: int
    component: Component
    places: list[int]


@command(
    "release",
    may=(ANYONE,),
    spends=("works",),
    refuses=(NoComponents, RepeatedComponent, CapExceeded, SplitTooLarge, BadIdentifier),
    home="/works",
)
class AssembleRelease(Command):
    """Assemble a release from its components, in one append."""

    title: Annotated[Title, Example("Low Tide")]
    components: Annotated[tuple[Component, ...], Most(MOST_PIECES), "What it is made of."]
    made_at: MadeAt | None = None
    part: Annotated[PartOfSeries | None, Example(None)] = None
    identifiers: Annotated[tuple[Numbered, ...] | None, "Its registry numbers."] = None
    id: NewReleaseId | None = None

    def sides(self, past: Past) -> dict[str, str]:
        works = [component.work for component in self.components]
        past.prefetch(works)
        if not works:
            raise NoComponents
        return {}

    def _used(self) -> list[Used]:
        """Each component once; refused if one that is used again has another rate there."""
        used: dict[str, Used] = {}
        for number, component in enumerate(self.components):
            first = used.setdefault(component.work, Used(number, component, []))
            if component.rate not in (None, first.component.rate):
                raise RepeatedComponent(component.work)
            first.places.append(number + 1)
        return [*used.values()]

    def decide(self, past: Past) -> Iterator[New]:
        used = self._used()
        must_be_within_cap(past.id, [component.rate for _, component, _ in used])
        made = made_of(past, self.made_at)
        yield Release.Assembled.born(past.id, **self.told(Release.Assembled), made=made)
        for number, component, places in used:
            yield Remix.Declared.born(
                part_id(past.id, "component", number),
                child=past.id,
                parent=component.work,
                kind="component",
                rate=component.rate,
                places=places,
            )
            warn_of_source(past, past.id, self.made_at, past.work(component.work))
        yield from numbered(past.id, self.identifiers)


@command("release.publish", may=("poster", "producer"), refuses=(WrongState, LicenceConflict))
class PublishRelease(Command):
    """Publish a release: its lineage is frozen at this position.

    Conflicting licences along the lineage are recorded with a warning or, depending on a setting,
    refused.
    """

    id: ReleaseId
    offered: Offered | None = None

    def decide(self, past: Past) -> Iterator[New]:
        release = past.get(Release, self.id)
        published = release.then(Release.Published, offered=self.offered)
        conflicts = cleared(past, release, self.offered)
        yield published._replace(content={**published.content, "conflicts": conflicts or None})


@command("release.withdraw", may=("poster", "producer"), then=Release.Withdrawn)
class WithdrawRelease(Command):
    """Withdraw a release: it stays on record, with its title and credits, but is no longer offered.

    This cannot be undone.
    """

    id: ReleaseId
    reason: Reason


@command(
    "remix.replace",
    may=SPEAKING,
    refuses=(
        *(WrongState, NotOfRelease, RepeatedComponent, SelfRemix, LineageCycle, CapExceeded),
        LicenceConflict,
    ),
)
class ReplaceRemix(Command):
    """Replace or drop a component of a release when it is recut.

    The new component is a remix of its own, with the place and the kind of the old one. The
    published release stays as it was, and so does what was agreed and paid.
    """

    id: RemixId
    work: Annotated[WorkId | None, "What takes its place; without one, it is only dropped."] = None
    rate: Annotated[ExactRate | None, "Default: that of the component it replaces."] = None
    places: Annotated[tuple[Place, ...] | None, "Default: those of the component it replaces."] = (
        None
    )
    reason: Annotated[Reason, Example("The second cut of the episode.")]

    def decide(self, past: Past) -> Iterator[New]:
        remix = past.get(Remix, self.id)
        release = past.work(remix.child)
        if not isinstance(release, Release):
            raise NotOfRelease(remix.child)
        id = part_id(remix.id, "component", 0)
        replaced_by = None if self.work is None else id
        yield remix.then(Remix.Retired, reason=self.reason, replaced_by=replaced_by)
        if self.work is not None:
            yield self._replacement(past, remix, release, past.work(self.work), id)

    def _replacement(self, past: Past, remix: Remix, release: Release, work: Work, id: str) -> New:
        rate = self.rate or remix.rate
        warn_of_source(past, release.id, release.made_at, work)
        edge = Edge(release.id, work.id, remix.kind, rate)
        must_fit(past, edge, release, work, without=remix.id)
        places = places_of(remix, release)
        if self.places:
            places = sorted({*self.places})
            _warn_if_taken(past, release, places, without=remix.id)
        return Remix.Declared.born(
            id,
            child=release.id,
            parent=work.id,
            kind=remix.kind,
            rate=rate,
            places=places,
        )


def _warn_if_taken(past: Past, release: Release, places: list[int], *, without: str) -> None:
    """Warn of places at which other components stand."""
    for other in past.known.components(release.id, without):
        if taken := {*places} & {*(places_of(other, release) or ())}:
            past.warn(PLACE_TAKEN, place=min(taken), work=other.parent)


def places_of(remix: Remix, release: Release) -> list[int] | None:
    """Where a component stands; before places were recorded, the order of the facts said it."""
    number = remix.position - release.position
    if remix.places or remix.id != part_id(release.id, "component", number - 1):
        return remix.places
    return [number]
