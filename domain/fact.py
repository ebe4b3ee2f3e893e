"""What a fact is: something that happened, kept for ever, and the noun it happened to.

The one rule: a fact is immutable; ``apply`` only assigns, and never asks the clock or refuses.

A fact is a domain event of the eventsourcing library. It is stored as compact JSON of its own
fields under an explicit topic, so that moving a Python module never makes history unreadable.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, ClassVar, Self, TypeVar, cast, dataclass_transform

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent
from eventsourcing.utils import register_topic

from domain.moment import instant

T = TypeVar("T")

FACTS: dict[str, type[Fact]] = {}
"""Every kind of fact by its topic."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened: who acted, when it was recorded, and from when it holds."""

    TOPIC: ClassVar[str]
    SEALED: ClassVar[tuple[str, ...]] = ()
    """The fields that hold the digest of a text in the vault."""
    STATE: ClassVar[str]
    """The state in which this fact leaves its noun, for facts that change it."""
    FROM: ClassVar[tuple[str, ...]] = ()
    """The states of its noun in which this fact may happen."""

    originator_id: str
    originator_version: int
    timestamp: datetime
    actor: str
    statement: str | None = None
    """The digest of what the actor signed (see domain.signature)."""
    signature: str | None = None

    def subjects(self) -> tuple[str, ...]:
        """The works and contributors this fact is about."""
        return (self.originator_id,)

    def touches(self) -> tuple[str, ...]:
        """What it changes that others may have looked at: its subjects, and at times more."""
        return self.subjects()

    def apply(self, noun: Any) -> None:
        """Change the noun; by default only its state."""
        noun.state = self.STATE

    def erases(self, noun: Any) -> tuple[str, ...]:
        """The commitments whose texts go with this fact about the noun."""
        return ()

    @property
    def effective(self) -> str:
        """From when it holds: the stated moment where there is one, else the recording."""
        return getattr(self, "effective_at", None) or instant(self.timestamp)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def fact(topic: str) -> Callable[[type[T]], type[T]]:
    """Make a class a kind of fact with the explicit topic under which it is stored."""

    def decorate(cls: type[T]) -> type[T]:
        made = dataclass(frozen=True, kw_only=True)(cls)
        kind = cast("type[Fact]", made)
        kind.TOPIC = topic
        register_topic(topic, kind)
        FACTS[topic] = kind
        return made

    return decorate


class Noun:
    """What facts happen to; rebuilt from them, read by the rules, never stored."""

    id: str
    version: int = 0
    position: int
    """Where in the journal it was born."""
    poster: str
    """Who acted at its birth."""
    state: str
    facts: list[tuple[int, Fact]]
    """What happened so far, with positions."""

    NAME: ClassVar[str]
    BIRTHS: ClassVar[tuple[type[Fact], ...]]

    @classmethod
    def told_by(cls, facts: Iterable[tuple[int, Fact]]) -> Self:
        """The noun after these facts of its stream, each with its position."""
        noun = cls.__new__(cls)
        noun.facts = []
        for position, happened in facts:
            noun.happen(position, happened)
        return noun

    def happen(self, position: int, happened: Fact) -> None:
        """Let one more fact of the stream take effect."""
        if not self.facts:
            self.id = happened.originator_id
            self.position = position
            self.poster = happened.actor
        self.version = happened.originator_version
        self.facts.append((position, happened))
        happened.apply(self)


class FactMapper(Mapper[str]):
    """Facts to stored bytes and back: compact JSON of the fields in their declared order."""

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """The fact as it is stored; fields that say nothing are left out."""
        state = {
            name: value
            for name, value in vars(domain_event).items()
            if value is not None and name not in _PLACE
        }
        state["timestamp"] = instant(state["timestamp"])
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=cast("Fact", domain_event).TOPIC,
            state=_encode(state).encode(),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Fact:
        """The fact that was stored; never checked again, for what is recorded has happened."""
        return read_fact(
            str(stored_event.originator_id),
            stored_event.originator_version,
            stored_event.topic,
            stored_event.state,
        )


_PLACE = frozenset({"originator_id", "originator_version"})
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_decode = json.JSONDecoder().raw_decode  # what we wrote has no blanks around it


def read_fact(originator_id: str, originator_version: int, topic: str, state: bytes) -> Fact:
    """A fact from the columns it is stored in."""
    content: dict[str, Any] = _decode(state.decode())[0]
    content["timestamp"] = datetime.fromisoformat(content["timestamp"])
    content["originator_id"] = originator_id
    content["originator_version"] = originator_version
    happened = object.__new__(FACTS[topic])
    happened.__dict__.update(content)
    return happened


def says_the_same(
    new: Fact, old: Fact, text_of: Callable[[str], str | None], ignore: frozenset[str]
) -> bool:
    """Whether a repeated command would record what is recorded already.

    Sealed fields are compared by their texts; an erased text cannot differ.
    """
    if type(new) is not type(old):
        return False
    for field in fields(new):
        name = field.name
        if name in ignore:
            continue
        ours, theirs = getattr(new, name), getattr(old, name)
        if name in new.SEALED and ours is not None and theirs is not None:
            erased_or_same = text_of(theirs)
            if erased_or_same is not None and erased_or_same != text_of(ours):
                return False
        elif ours != theirs:
            return False
    return True


def utc_now() -> datetime:
    """The clock that is passed in where none other is."""
    return datetime.now(UTC)
