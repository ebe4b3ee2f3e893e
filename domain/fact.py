"""What a fact is: something that happened, kept for ever, and the noun it happened to.

A fact is immutable; ``apply`` only assigns: it never asks the clock and never refuses.

A fact is a domain event of the eventsourcing library. It is stored as compact JSON of its own
fields under an explicit topic, so that moving a Python module never makes history unreadable.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, FrozenInstanceError, dataclass, fields
from datetime import UTC, datetime
from functools import cache, lru_cache
from inspect import get_annotations
from typing import (
    Any,
    ClassVar,
    NamedTuple,
    Protocol,
    Self,
    TypeVar,
    cast,
    dataclass_transform,
)

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent
from eventsourcing.utils import register_topic

from domain.compact import encoder
from domain.moment import instant, stamp
from domain.readers import EVERYONE
from domain.refusal import REFUSALS, Refusal, WrongState, spelled
from domain.seal import TEXTS

T = TypeVar("T")
N = TypeVar("N", bound="Noun")

FACTS: dict[str, type[Fact]] = {}
"""Every kind of fact by its topic."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def common(cls: type[T]) -> type[T]:
    """Make a class the fields that kinds of facts have in common.

    No method is compiled for it: they are hundreds, which took a third of a start.
    """
    return dataclass(kw_only=True, init=False, repr=False, eq=False)(cls)


@common
class Fact:
    """Something that happened: who acted, when it was recorded, and when it takes effect."""

    TOPIC: ClassVar[str]
    BEGINS: ClassVar[bool] = False
    """Whether a noun may begin with it."""
    SAYS: ClassVar[str] = ""
    """The fact as a sentence, with its fields in braces."""
    ADDS: ClassVar[Mapping[str, str]] = {}
    """What the sentence adds where a field has a value."""
    READERS: ClassVar[frozenset[str]] = EVERYONE
    """Who may read it (see domain.readers)."""
    SEALED: ClassVar[tuple[str, ...]] = ()
    """The fields that hold the digest of a text in the vault: those with the name of a text."""
    STATE: ClassVar[str] = ""
    """The state in which this fact leaves its noun, if it changes it."""
    FROM: ClassVar[tuple[str, ...]] = ()
    """The states of its noun in which this fact may happen."""
    ABOUT: ClassVar[tuple[str, ...]] = ("originator_id",)
    """The fields with the works and contributors it is about; an empty one names none."""
    INVOLVES: ClassVar[str] = ""
    """The field with whom it names anew, one or several."""
    FOUND_BY: ClassVar[tuple[str, ...]] = ()
    """The fields by whose values commands find this fact (see JournalRecorder.found)."""
    LEADS_TO: ClassVar[dict[str, str]] = {}
    """From which of these fields one goes on to which other (see JournalRecorder.reached)."""

    QUOTA: ClassVar[str] = ""
    """What it counts toward, of how much one person may do (see domain.permission)."""

    originator_id: str
    originator_version: int
    timestamp: datetime
    actor: str
    message: str | None = None
    """The digest of what the actor signed (see domain.signature)."""
    signature: str | None = None
    binds: str | None = None
    """What the signature is for: log, command and target; None in the form of version 0.1."""
    owners: str | None = None
    """Whose its texts are, where they are not the actor's (see domain.seal); None in facts of
    version 0.1, which did not say."""

    def __init__(self, **content: Any) -> None:
        blank, needed = _blank(cast("Any", type(self)))
        own = {**blank, **content}
        assert len(own) == len(blank), f"{self.TOPIC} has no such field"
        assert content.keys() >= needed, f"{self.TOPIC} lacks a field"
        object.__setattr__(self, "__dict__", own)

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"a fact is immutable, and so is its {name}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"a fact is immutable, and so is its {name}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.told() == other.told()

    def __hash__(self) -> int:
        return hash((self.originator_id, self.originator_version))

    def __repr__(self) -> str:
        return f"{self.TOPIC}({self.told()})"

    def told(self) -> dict[str, Any]:
        """Its fields with their values, also those that an earlier version did not have."""
        return {name: getattr(self, name) for name in _blank(cast("Any", type(self)))[0]}

    def stated(self, *names: str) -> dict[str, Any]:
        """Those of these fields that have a value."""
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    @classmethod
    def born(cls, id: str, /, **content: Any) -> New:
        """The first fact of a noun with this id."""
        return New(cls, id, content)

    def subjects(self) -> tuple[str, ...]:
        """The works and contributors this fact is about."""
        return tuple([id for name in self.ABOUT if (id := getattr(self, name)) is not None])

    def names(self) -> tuple[str, ...]:
        """The works and contributors that its rows name."""
        return self.subjects()

    def touches(self) -> tuple[str, ...]:
        """What it changes that others may have read: its subjects, and sometimes more."""
        return self.subjects()

    def involves(self) -> Collection[str]:
        """Whom it names anew: nobody who has been forgotten."""
        named = getattr(self, self.INVOLVES) if self.INVOLVES else None
        return (named,) if isinstance(named, str) else named or ()

    def found_by(self) -> tuple[FoundBy, ...]:
        """What it is found by."""
        return tuple(
            FoundBy(getattr(self, name), field, None if leads is None else getattr(self, leads))
            for name, field, leads in _found_by(cast("Any", type(self)))
        )

    @property
    def leaves(self) -> str:
        """The state in which it leaves its noun; empty if it changes none."""
        return self.STATE

    @property
    def spends(self) -> str:
        """The quota that it counts toward; empty if none."""
        return self.QUOTA

    def apply(self, noun: Any) -> None:
        """Change the noun: its state, and the fields it has under the same name."""
        if self.leaves:
            noun.state = self.leaves
        of, kind = cast("Any", type(noun)), cast("Any", type(self))
        for name in _shared(of, kind):
            setattr(noun, name, getattr(self, name))

    def erases(self, noun: Any) -> tuple[str, ...]:
        """The commitments whose texts this fact erases."""
        return ()

    @property
    def effective(self) -> str:
        """When it takes effect: as stated, when a work was made, else the time of recording."""
        stated = getattr(self, "effective_at", None) or getattr(self, "made", None)
        return stated or instant(self.timestamp)


_OF_ALL = frozenset(one.name for one in fields(Fact))


@cache
def _found_by(kind: type[Fact]) -> list[tuple[str, str, str | None]]:
    """The fields that a fact is found by, each in full, and with where it leads to."""
    return [(name, f"{kind.TOPIC}.{name}", kind.LEADS_TO.get(name)) for name in kind.FOUND_BY]


@cache
def _shared(noun: type[Noun], kind: type[Fact]) -> tuple[str, ...]:
    """The fields of a fact that its noun has as well."""
    known = {name for each in noun.__mro__ for name in get_annotations(each)}
    return tuple(one.name for one in fields(kind) if one.name in known)


class FoundBy(NamedTuple):
    """A value by which a fact is found, in which field, and where it leads from there."""

    value: str
    field: str
    """As ``topic.field``."""
    leads_to: str | None = None


def erasing() -> list[str]:
    """The topics of the facts that erase texts."""
    return [topic for topic, kind in FACTS.items() if kind.erases is not Fact.erases]


class New(NamedTuple):
    """A fact that a command decided on; it has no position, time or actor yet."""

    kind: type[Fact]
    id: str
    content: dict[str, Any]


@dataclass_transform(frozen_default=True, kw_only_default=True)
def fact(
    topic: str, says: str | None = None, *, begins: bool = False
) -> Callable[[type[T]], type[T]]:
    """Make a class a kind of fact, with the topic under which it is stored and its sentence.

    One that ``begins`` may be the first of a noun.
    """

    def decorate(cls: type[T]) -> type[T]:
        made = common(cls)
        kind = cast("type[Fact]", made)
        kind.TOPIC, kind.BEGINS = topic, begins
        kind.SAYS = kind.SAYS if says is None else says
        kind.SEALED = tuple(one.name for one in fields(kind) if one.name in TEXTS)
        register_topic(topic, kind)
        FACTS[topic] = kind
        return made

    return decorate


@cache
def _blank(kind: type[Fact]) -> tuple[dict[str, Any], frozenset[str]]:
    """The fields of a fact in their order, with their defaults, and those that have none."""
    blank = {one.name: one.default for one in fields(kind)}
    return blank, frozenset(name for name, default in blank.items() if default is MISSING)


class Looking(Protocol):
    """What a noun may use to look up others."""

    def get(self, kind: type[N], id: str) -> N:
        """The noun with this id, if it is of the kind."""


class Noun:
    """What facts happen to; rebuilt from them, read by the rules, never stored."""

    id: str
    version: int = 0
    position: int
    """The position of its first fact."""
    poster: str
    """The actor of its first fact."""
    state: str
    facts: list[tuple[int, Fact]]
    """What happened so far, with positions."""

    NAME: ClassVar[str]
    """What it is called; by default as its class."""
    UNKNOWN: ClassVar[type[Refusal]]
    """The refusal of an unknown id; by default that of its name."""
    BIRTHS: ClassVar[tuple[type[Fact], ...]]
    """The facts with which it may begin."""
    Event: ClassVar[type[Fact]] = Fact
    """What its facts have in common."""

    def __init_subclass__(cls) -> None:
        if "NAME" not in vars(cls):
            cls.NAME = spelled(cls)
        cls.BIRTHS = tuple(one for one in vars(cls).values() if getattr(one, "BEGINS", False))
        unknown = REFUSALS.get(f"unknown_{cls.NAME}")
        if unknown and "UNKNOWN" not in vars(cls):
            cls.UNKNOWN = unknown

    @property
    def line(self) -> dict[str, Any]:
        """What every fact about it names besides its id."""
        common = (one for one in fields(self.Event) if one.default is MISSING)
        return {one.name: getattr(self, one.name) for one in common if one.name not in _OF_ALL}

    def then(self, kind: type[Fact], /, **content: Any) -> New:
        """A change of it; refused if its state does not allow it."""
        if kind.FROM and self.state not in kind.FROM:
            raise WrongState(self.NAME, self.id, self.state, kind.FROM)
        return New(kind, self.id, {**self.line, **content})

    def sides(self, looking: Looking) -> dict[str, str]:
        """Who is in which relation to it (see domain.permission)."""
        return {}

    def areas(self, looking: Looking) -> tuple[str, ...]:
        """The works, and the pool, whose producers may decide about it."""
        return ()

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
    """Facts as stored bytes and back: compact JSON of the fields in their declared order."""

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """The fact as it is stored; empty fields are left out."""
        happened = cast("Fact", domain_event)
        return StoredEvent(
            originator_id=happened.originator_id,
            originator_version=happened.originator_version,
            topic=happened.TOPIC,
            state=_encode(state_of(happened)).encode(),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Fact:
        """The fact that was stored; not checked again, because what is recorded has happened."""
        return read_fact(
            str(stored_event.originator_id),
            stored_event.originator_version,
            stored_event.topic,
            stored_event.state,
        )


_encode = encoder()
_moment = lru_cache(64)(datetime.fromisoformat)  # facts of one append have the same
_decode = json.JSONDecoder().raw_decode  # what we wrote has no blanks around it


def state_of(happened: Fact) -> dict[str, Any]:
    """The fields of a fact as JSON, without the empty ones and its place in its stream."""
    state = {name: value for name, value in vars(happened).items() if value is not None}
    del state["originator_id"], state["originator_version"]
    state["timestamp"] = stamp(state["timestamp"])
    return state


def read_fact(originator_id: str, originator_version: int, topic: str, state: bytes) -> Fact:
    """A fact from the columns it is stored in."""
    return fact_of(originator_id, originator_version, topic, _decode(state.decode())[0])


def contents_of(states: Iterable[bytes]) -> list[dict[str, Any]]:
    """The fields of facts as stored; many at once are read much faster."""
    found: list[dict[str, Any]] = _decode(f"[{b','.join(states).decode()}]")[0]
    return found


def fact_of(
    originator_id: str, originator_version: int, topic: str, content: dict[str, Any]
) -> Fact:
    """A fact from its place in its stream and its fields as JSON, which become its own."""
    content["timestamp"] = _moment(content["timestamp"])
    content["originator_id"] = originator_id
    content["originator_version"] = originator_version
    happened = object.__new__(FACTS[topic])
    object.__setattr__(happened, "__dict__", content)
    return happened


def utc_now() -> datetime:
    """The default clock."""
    return datetime.now(UTC)
