"""Facts: what happened, kept for good; and nouns, the entities that facts happen to.

A fact is immutable. ``apply`` only assigns: it neither reads the clock nor refuses.

A fact is a domain event of the eventsourcing library. It is stored as compact JSON of its fields
under an explicit topic, so that moving a Python module never makes history unreadable.
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
    """Make a class a dataclass of fields that kinds of facts have in common.

    The methods of ``Fact`` are used instead of generated ones: generating them for hundreds of
    classes took a third of the start-up time.
    """
    return dataclass(kw_only=True, init=False, repr=False, eq=False)(cls)


@common
class Fact:
    """Something that happened: who acted, when it was recorded, and when it takes effect."""

    TOPIC: ClassVar[str]
    BEGINS: ClassVar[bool] = False
    """Whether it may be the first fact of a noun."""
    SAYS: ClassVar[str] = ""
    """The fact as a sentence, with names of fields in braces."""
    ADDS: ClassVar[Mapping[str, str]] = {}
    """By field: what is added to the sentence if the field has a value."""
    READERS: ClassVar[frozenset[str]] = EVERYONE
    """Who may read it (see domain.readers)."""
    SEALED: ClassVar[tuple[str, ...]] = ()
    """The fields that hold the digest of a text in the vault: those named in TEXTS."""
    STATE: ClassVar[str] = ""
    """The state that its noun is in afterwards; empty if unchanged."""
    FROM: ClassVar[tuple[str, ...]] = ()
    """The states of its noun in which it may happen; empty: any."""
    ABOUT: ClassVar[tuple[str, ...]] = ("originator_id",)
    """The fields with the ids of the works and contributors it is about; they may be None."""
    INVOLVES: ClassVar[str] = ""
    """The field with the contributors who become involved by it: one id, or several."""
    FOUND_BY: ClassVar[tuple[str, ...]] = ()
    """The fields by whose values commands find this fact (see Facts.found)."""
    LEADS_TO: ClassVar[dict[str, str]] = {}
    """From a field of FOUND_BY to the field that follows it along the graph (see Facts.leads)."""

    QUOTA: ClassVar[str] = ""
    """The quota it counts toward, which limits how much one person may do (see domain.quota)."""

    originator_id: str
    originator_version: int
    timestamp: datetime
    actor: str
    message: str | None = None
    """The digest of the message that the actor signed (see domain.signature)."""
    signature: str | None = None
    binds: str | None = None
    """The log, command and target that the signature is for; None in the form of version 0.1."""
    owners: str | None = None
    """The owners of its texts, if other than the actor (see domain.seal); always None in version
    0.1, which did not record them."""

    def __init__(self, **content: Any) -> None:
        blank, needed = _blank(cast("Any", type(self)))
        own = {**blank, **content}
        if len(own) != len(blank):
            raise TypeError(f"{self.TOPIC} has no such field")
        if not content.keys() >= needed:
            raise TypeError(f"{self.TOPIC} lacks a field")
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
        """All of its fields with their values, including fields added after it was stored."""
        return {name: getattr(self, name) for name in _blank(cast("Any", type(self)))[0]}

    def stated(self, *names: str) -> dict[str, Any]:
        """The given fields, without those that are None."""
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    @classmethod
    def born(cls, id: str, /, **content: Any) -> New:
        """The first fact of a noun with this id."""
        return New(cls, id, content)

    def subjects(self) -> tuple[str, ...]:
        """The works and contributors this fact is about."""
        return tuple([id for name in self.ABOUT if (id := getattr(self, name)) is not None])

    def names(self) -> tuple[str, ...]:
        """The works and contributors that its rows in the read tables name."""
        return self.subjects()

    def touches(self) -> tuple[str, ...]:
        """Its subjects, and what else it changes that concurrent commands may have read."""
        return self.subjects()

    def involves(self) -> Collection[str]:
        """The contributors who become involved by it; none may have been forgotten."""
        named = getattr(self, self.INVOLVES) if self.INVOLVES else None
        return (named,) if isinstance(named, str) else named or ()

    def found_by(self) -> tuple[FoundBy, ...]:
        """The values by which commands find it."""
        return tuple(
            FoundBy(getattr(self, name), field, None if leads is None else getattr(self, leads))
            for name, field, leads in _found_by(type(self))  # type: ignore[arg-type]
        )

    @property
    def leaves(self) -> str:
        """The state that its noun is in afterwards; empty if unchanged."""
        return self.STATE

    @property
    def spends(self) -> str:
        """The quota that it counts toward; empty if none."""
        return self.QUOTA

    def apply(self, noun: Any) -> None:
        """Set the state of the noun, and the fields that the noun has under the same names."""
        if self.leaves:
            noun.state = self.leaves
        for name in _shared(type(noun), type(self)):  # type: ignore[arg-type]
            setattr(noun, name, getattr(self, name))

    def erases(self, noun: Any) -> tuple[str, ...]:
        """The commitments whose texts this fact erases."""
        return ()

    @property
    def effective(self) -> str:
        """When it takes effect: as stated, or when the work was made, or when it was recorded."""
        stated = getattr(self, "effective_at", None) or getattr(self, "made", None)
        return stated or instant(self.timestamp)


_OF_ALL = frozenset(one.name for one in fields(Fact))


@cache
def _found_by(kind: type[Fact]) -> list[tuple[str, str, str | None]]:
    """The fields that a fact is found by: the name, ``topic.name``, and the field it leads to."""
    return [(name, f"{kind.TOPIC}.{name}", kind.LEADS_TO.get(name)) for name in kind.FOUND_BY]


@cache
def _shared(noun: type[Noun], kind: type[Fact]) -> tuple[str, ...]:
    """The names of the fields that a noun and a kind of fact have in common."""
    known = {name for each in noun.__mro__ for name in get_annotations(each)}
    return tuple(one.name for one in fields(kind) if one.name in known)


class FoundBy(NamedTuple):
    """A value by which a fact is found."""

    value: str
    field: str
    """As ``topic.field``."""
    leads_to: str | None = None
    """The value of the field it leads to (see ``Fact.LEADS_TO``)."""


def erasing() -> list[str]:
    """The topics of the facts that erase texts."""
    return [topic for topic, kind in FACTS.items() if kind.erases is not Fact.erases]


class New(NamedTuple):
    """A fact that a command decided on, before it has a position, a time and an actor."""

    kind: type[Fact]
    id: str
    content: dict[str, Any]


@dataclass_transform(frozen_default=True, kw_only_default=True)
def fact(
    topic: str, says: str | None = None, *, begins: bool = False
) -> Callable[[type[T]], type[T]]:
    """Make a class a kind of fact: stored under a topic, shown as a sentence (``Fact.SAYS``).

    With ``begins`` it may be the first fact of a noun.
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
    """The fields of a kind of fact with their defaults, and the names of the required ones."""
    blank = {one.name: one.default for one in fields(kind)}
    return blank, frozenset(name for name, default in blank.items() if default is MISSING)


class Looking(Protocol):
    """Looks up nouns by id."""

    def get(self, kind: type[N], id: str) -> N:
        """The noun with this id; raises ``kind.UNKNOWN`` if there is none of this kind."""


class Noun:
    """An entity, rebuilt from the facts that happened to it: an aggregate of event sourcing.

    Its facts are one stream. Commands read it; it is never stored.
    """

    id: str
    version: int = 0
    position: int
    """The position of its first fact."""
    poster: str
    """The actor of its first fact."""
    state: str
    facts: list[tuple[int, Fact]]
    """Its facts so far, with their positions."""

    NAME: ClassVar[str]
    """Its name in ids of refusals and routes; by default the class name, spelled with _."""
    UNKNOWN: ClassVar[type[Refusal]]
    """The refusal of an unknown id; by default ``unknown_NAME``."""
    BIRTHS: ClassVar[tuple[type[Fact], ...]]
    """The kinds of facts that may be its first."""
    Event: ClassVar[type[Fact]] = Fact
    """The base class of its facts."""

    def __init_subclass__(cls) -> None:
        if "NAME" not in vars(cls):
            cls.NAME = spelled(cls)
        cls.BIRTHS = tuple(one for one in vars(cls).values() if getattr(one, "BEGINS", False))
        unknown = REFUSALS.get(f"unknown_{cls.NAME}")
        if unknown and "UNKNOWN" not in vars(cls):
            cls.UNKNOWN = unknown

    @property
    def line(self) -> dict[str, Any]:
        """The required fields that all of its facts share, such as the two ends of a remix."""
        common = (one for one in fields(self.Event) if one.default is MISSING)
        return {one.name: getattr(self, one.name) for one in common if one.name not in _OF_ALL}

    def then(self, kind: type[Fact], /, **content: Any) -> New:
        """A further fact about it; refuses (``WrongState``) if its state does not allow it."""
        if kind.FROM and self.state not in kind.FROM:
            raise WrongState(self.NAME, self.id, self.state, kind.FROM)
        return New(kind, self.id, {**self.line, **content})

    def sides(self, looking: Looking) -> dict[str, str]:
        """Who is in which relation to it (see domain.permission)."""
        return {}

    def areas(self, looking: Looking) -> tuple[str, ...]:
        """The ids of the works and the pool whose producers may decide about it."""
        return ()

    @classmethod
    def told_by(cls, facts: Iterable[tuple[int, Fact]]) -> Self:
        """The noun rebuilt from the facts of its stream, each with its position."""
        noun = cls.__new__(cls)
        noun.facts = []
        for position, happened in facts:
            noun.happen(position, happened)
        return noun

    def happen(self, position: int, happened: Fact) -> None:
        """Apply the next fact of its stream."""
        if not self.facts:
            self.id, self.position, self.poster = happened.originator_id, position, happened.actor
        self.version = happened.originator_version
        self.facts.append((position, happened))
        happened.apply(self)


class FactMapper(Mapper[str]):
    """Converts facts to stored bytes and back: compact JSON of the fields."""

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """The fact as it is stored, without fields that are None."""
        happened = cast("Fact", domain_event)
        return StoredEvent(
            originator_id=happened.originator_id,
            originator_version=happened.originator_version,
            topic=happened.TOPIC,
            state=_encode(state_of(happened)).encode(),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Fact:
        """The stored fact; it is not validated again, because what is recorded has happened."""
        return read_fact(
            str(stored_event.originator_id),
            stored_event.originator_version,
            stored_event.topic,
            stored_event.state,
        )


_encode = encoder()
_moment = lru_cache(64)(datetime.fromisoformat)  # facts of one append have the same timestamp
_decode = json.JSONDecoder().raw_decode  # our own JSON has no blanks around it to skip


def state_of(happened: Fact) -> dict[str, Any]:
    """The fields of a fact as JSON, without those that are None and without its id and version."""
    state = {name: value for name, value in vars(happened).items() if value is not None}
    del state["originator_id"], state["originator_version"]
    state["timestamp"] = stamp(state["timestamp"])
    return state


def read_fact(originator_id: str, originator_version: int, topic: str, state: bytes) -> Fact:
    """A fact from the columns it is stored in."""
    return fact_of(originator_id, originator_version, topic, _decode(state.decode())[0])


def contents_of(states: Iterable[bytes]) -> list[dict[str, Any]]:
    """The fields of many stored facts; parsing them as one JSON list is much faster."""
    found: list[dict[str, Any]] = _decode(f"[{b','.join(states).decode()}]")[0]
    return found


def fact_of(
    originator_id: str, originator_version: int, topic: str, content: dict[str, Any]
) -> Fact:
    """A fact from its fields as JSON; it takes over ``content``, which is changed."""
    content["timestamp"] = _moment(content["timestamp"])
    content["originator_id"] = originator_id
    content["originator_version"] = originator_version
    happened = object.__new__(FACTS[topic])
    object.__setattr__(happened, "__dict__", content)
    return happened


def utc_now() -> datetime:
    """The default clock."""
    return datetime.now(UTC)
