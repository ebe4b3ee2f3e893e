"""Commands that state, and withdraw, numbers of works and people in registries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from domain.command import Command, Record, command, record
from domain.commands.crediting import SPEAKING
from domain.fact import New, Noun
from domain.identifier import PERSON, SCHEMES, WORK, Identifier, normal
from domain.identity import part_id
from domain.past import Past
from domain.refusal import BadIdentifier, OneSubject
from domain.value import Example
from domain.values import (
    ContributorId,
    Evidence,
    IdentifierId,
    IdentifierScheme,
    IdentifierText,
    NewIdentifierId,
    Reason,
    WorkId,
)


@command("identifier", may=("contributor", *SPEAKING), refuses=(BadIdentifier, OneSubject))
class StateIdentifier(Command):
    """State the number of a work or a person in a registry, such as an ISRC or an ISNI.

    The check digit is verified. Others may dispute the number.
    """

    work: Annotated[WorkId | None, "Either a work, or …"] = None
    contributor: Annotated[ContributorId | None, "… a person.", Example(None)] = None
    scheme: IdentifierScheme
    identifier: IdentifierText
    evidence: Evidence | None = None
    id: NewIdentifierId | None = None

    def _about(self, past: Past) -> tuple[Noun, str]:
        """The work or person it is of, and which it is; refuses unless exactly one is named."""
        if (self.work is None) == (self.contributor is None):
            raise OneSubject(("work", "contributor"))
        if self.work is not None:
            return past.work(self.work), WORK
        return past.contributor(self.contributor or ""), PERSON

    def sides(self, past: Past) -> dict[str, str]:
        return self._about(past)[0].sides(past)

    def areas(self, past: Past) -> tuple[str, ...]:
        return () if self.work is None else (self.work,)

    def decide(self, past: Past) -> Iterator[New]:
        noun, on = self._about(past)
        number = _number_of(on, self.scheme, self.identifier)
        # A person's number is sealed, so that it can be erased; a work's is public.
        is_work = on == WORK
        yield Identifier.Stated.born(
            past.id,
            about=noun.id,
            on=on,
            scheme=self.scheme,
            value=number if is_work else None,
            identifier=None if is_work else past.text(noun.id, "identifier", number),
            evidence=self.evidence,
        )


@record
class Numbered(Record):
    """The number of a new work in a registry."""

    scheme: IdentifierScheme
    identifier: IdentifierText


def numbered(work: str, said: Sequence[Numbered] | None) -> Iterator[New]:
    """The facts of the numbers that a new work is posted with, each once."""
    numbers = [(one.scheme, _number_of(WORK, one.scheme, one.identifier)) for one in said or ()]
    for place, (scheme, number) in enumerate(numbers):
        if (scheme, number) not in numbers[:place]:
            yield Identifier.Stated.born(
                part_id(work, "identifier", place),
                about=work,
                on=WORK,
                scheme=scheme,
                value=number,
            )


def _number_of(on: str, scheme: str, identifier: str) -> str:
    """The number in its normal form; refuses (``BadIdentifier``) one the registry can't have."""
    number = normal(scheme, identifier)
    if on not in SCHEMES[scheme].of:
        others = " or a ".join(SCHEMES[scheme].of)
        raise BadIdentifier(identifier, f"{scheme} of a {on}", f"only a {others} has one")
    return number


@command("identifier.withdraw", may=Identifier.UNDO | SPEAKING, then=Identifier.Withdrawn)
class WithdrawIdentifier(Command):
    """Withdraw a wrong identifier: it stays on record, but searches no longer find it."""

    id: IdentifierId
    reason: Annotated[Reason | None, Example("A digit was wrong.")] = None
