"""Submitting: a piece is posted with its authors and sources, and may be withdrawn.

A piece never appears without the authors and sources it was posted with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from domain.clearing import must_suit_licence
from domain.command import Command, Record, command, record
from domain.commands.challenging import answered
from domain.commands.correcting import described
from domain.commands.crediting import credited, named
from domain.commands.deriving import (
    OF_REMIX,
    OF_SOURCES,
    disclosed,
    made_of,
    source_of,
    warn_of_source,
)
from domain.commands.identifying import Numbered, numbered
from domain.commands.projecting import placed
from domain.contribution import Contribution
from domain.fact import New
from domain.identity import part_id
from domain.outside import Outside
from domain.past import Past
from domain.permission import ANYONE, OPERATOR
from domain.refusal import BadIdentifier, ChallengeOver, ContradictoryDisclosure, WrongState
from domain.remix import Remix, must_be_within_cap
from domain.value import Example
from domain.values import (
    AiTool,
    AiUse,
    Billing,
    ChallengeId,
    Character,
    ContributionId,
    ContributorId,
    Creators,
    CreditedAs,
    ExactRate,
    JoinPhrase,
    Licence,
    MadeAt,
    MediaUrl,
    Medium,
    NewContributionId,
    Note,
    Reason,
    RemixKind,
    Role,
    Sha256,
    StepId,
    Title,
    UriElsewhere,
    Wording,
    WorkHere,
)
from domain.work import Work


@record
class Author(Record):
    """One author of a piece."""

    contributor: ContributorId
    role: Role
    display: Wording | None = None
    credited_as: Annotated[CreditedAs | None, Example(None)] = None
    join_phrase: Annotated[JoinPhrase | None, Example(None)] = None
    character: Annotated[Character | None, Example(None)] = None
    billing: Annotated[Billing | None, Example(None)] = None
    ai: tuple[AiUse, ...] | None = None
    ai_tool: Annotated[AiTool | None, Example(None)] = None


@record
class Source(Record):
    """One thing a piece was made from: a work here, or an address elsewhere."""

    work: WorkHere | None = None
    uri: UriElsewhere | None = None
    kind: Annotated[RemixKind, Example("adaptation")]
    rate: ExactRate | None = None
    note: Note | None = None
    ai: Annotated[tuple[AiUse, ...] | None, OF_REMIX] = None
    ai_tool: Annotated[AiTool | None, Example(None)] = None
    title: Annotated[
        Title | None, "Of one elsewhere, if nobody has stated it yet.", Example(None)
    ] = None
    creators: Annotated[Creators | None, "The same.", Example(None)] = None
    licence: Annotated[Licence | None, "The same.", Example(None)] = None


@command(
    "contribution",
    may=(ANYONE,),
    spends=("works", "credits", "answers"),
    refuses=(
        *OF_SOURCES,
        *(ContradictoryDisclosure, BadIdentifier, WrongState, ChallengeOver),
    ),
    home="/works",
    is_brief=True,
)
class SubmitContribution(Command):
    """Post a piece with its authors and sources, in one append."""

    title: Title
    medium: Medium
    authors: Annotated[tuple[Author, ...], "Who made it, each in a role."] = ()
    sources: Annotated[tuple[Source, ...], "What it was made from."] = ()
    made_at: MadeAt | None = None
    licence: Licence | None = None
    sha256: Sha256 | None = None
    media_url: MediaUrl | None = None
    identifiers: Annotated[tuple[Numbered, ...] | None, "Its registry numbers."] = None
    step: Annotated[StepId | None, "The project step it is for.", Example(None)] = None
    challenges: Annotated[tuple[ChallengeId, ...] | None, "The challenges that it answers."] = None
    id: NewContributionId | None = None

    def sides(self, past: Past) -> dict[str, str]:
        for source in self.sources:
            source_of(past, source.work, source.uri)
        return {}

    def decide(self, past: Past) -> Iterator[New]:
        operated = past.actor == OPERATOR and self.authors
        owner = self.authors[0].contributor if operated else past.actor
        sources = [source_of(past, source.work, source.uri) for source in self.sources]
        yield from {new.id: new for _, news in sources for new in news}.values()
        parents = [parent for parent, _ in sources]
        must_be_within_cap(past.id, [source.rate for source in self.sources])
        yield from self._described(past, parents)
        told = {"made": made_of(past, self.made_at), **past.texts_in(owner, self)}
        yield Contribution.Submitted.born(past.id, **self.told(Contribution.Submitted, **told))
        yield from numbered(past.id, self.identifiers)
        if self.step is not None:
            yield placed(past, past.id, self.step)
        yield from answered(past, self.challenges or (), past.id)
        yield from self._credits(past)
        stated = self._licences(parents)
        for number, (source, parent) in enumerate(zip(self.sources, parents, strict=True)):
            yield Remix.Declared.born(
                part_id(past.id, "source", number),
                child=past.id,
                parent=parent.id,
                kind=source.kind,
                rate=source.rate,
                evidence=past.text(owner, "note", source.note),
                **disclosed(past, owner, source),
            )
            warn_of_source(past, past.id, self.made_at, parent)
            must_suit_licence(
                past, past.id, self.licence, parent, source.kind, stated.get(parent.id, ())
            )

    def _described(self, past: Past, parents: Sequence[Work]) -> Iterator[New]:
        """What is stated of outside sources of which nobody has stated it yet."""
        known: set[str] = set()
        for source, parent in zip(self.sources, parents, strict=True):
            if isinstance(parent, Outside) and parent.title is None and parent.id not in known:
                said = source.title, source.creators, None, source.licence
                if any(said):
                    known.add(parent.id)
                    yield described(past, parent, *said)

    def _licences(self, parents: Sequence[Work]) -> dict[str, list[str]]:
        """The licences that are stated of each source."""
        stated: dict[str, list[str]] = {}
        for source, parent in zip(self.sources, parents, strict=True):
            if source.licence is not None:
                stated.setdefault(parent.id, []).append(source.licence)
        return stated

    def _credits(self, past: Past) -> Iterator[New]:
        seen = set()
        for number, author in enumerate(self.authors):
            if (said := (*vars(author).values(),)) in seen:
                continue  # the same credit twice is one credit
            seen.add(said)
            yield from credited(
                past,
                part_id(past.id, "author", number),
                past.id,
                past.actor,
                author.contributor,
                role=author.role,
                kind="direct",
                **named(author.contributor, author),
            )


@command("contribution.withdraw", may=("poster",), then=Contribution.Withdrawn)
class WithdrawContribution(Command):
    """Withdraw a piece: its title is erased everywhere, for ever."""

    id: ContributionId
    reason: Reason
