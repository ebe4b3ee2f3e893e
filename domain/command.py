"""Commands: everything that changes Stemma, each declared once as a typed record.

A command declares its fields, who may send it, what it refuses and which facts it decides on.
Everything else is derived from that: the route, the OpenAPI operation, the terminal's command, the
line of a bundle, the statement that a signature covers, the form of a page and the reference.

One file, because a record's fields are declared, read, checked and written by the same table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import (
    Any,
    ClassVar,
    NamedTuple,
    Self,
    TypeVar,
    cast,
    dataclass_transform,
    get_type_hints,
)

from domain.annotation import value_of
from domain.claim import is_overdue
from domain.compact import encoder
from domain.fact import Fact, New, Noun
from domain.past import Past
from domain.refusal import NothingStated, QuotaExceeded, Refusal, WrongState, spelled
from domain.text import with_article
from domain.value import Many, NewId, Ref, Several, Text, Value

_canonical = encoder(sort_keys=True)

COMMANDS: dict[str, type[Command]] = {}
"""Every command by its name, such as ``remix.strike``; what creates a noun is named by it alone."""

T = TypeVar("T")


class Field(NamedTuple):
    """One field of a record."""

    name: str
    value: Value
    default: Any
    """Its value if it is left out; MISSING if it is required."""

    @property
    def is_needed(self) -> bool:
        """Whether it is required."""
        return self.default is MISSING

    @property
    def help(self) -> str:
        """What it is: as said, or else by the noun it names, or by its own name."""
        named = self.value.noun if isinstance(self.value, Ref) else self.name
        return self.value.help or f"The {named.replace('_', ' ')}."


class Record:
    """A command, or an object in one of its lists: exactly the fields of its annotations."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def form(cls) -> Form:
        """What is derived from its annotations."""
        return _form(cls)  # type: ignore[arg-type]

    @classmethod
    def fields(cls) -> tuple[Field, ...]:
        """Its fields, in order."""
        return cls.form().fields

    @classmethod
    def by_name(cls) -> Mapping[str, Field]:
        """Its fields by name."""
        return cls.form().by_name

    @classmethod
    def every_field(cls) -> Iterator[Field]:
        """Its fields and those of the records in its lists."""
        for one in cls.fields():
            yield one
            if isinstance(one.value, Several):
                yield from one.value.record.every_field()

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """A record with the values as they were sent, not yet read (see ``read``)."""
        made = object.__new__(cls)
        form = cls.form()
        own = made.__dict__ = {**form.blank, **said}
        if len(own) != len(form.blank):
            raise TypeError(f"{cls.__name__} has no such field")
        if not all(map(said.__contains__, form.needed)):
            raise TypeError(f"{cls.__name__} lacks a field")
        for name, record in form.lists:
            if (parts := own[name]) is not None:
                own[name] = tuple([p if isinstance(p, Record) else record.of(p) for p in parts])
        return made

    def read(self, now: datetime) -> Self:
        """A copy with every value in its normal form; raises the refusal of the first bad value."""
        made = object.__new__(type(self))  # faster than dataclasses.replace
        own = made.__dict__ = {**vars(self)}
        for name, read, is_needed in self.form().to_read:
            value = own[name]
            if value is not None or is_needed:
                own[name] = read(value, now)
        return made

    def plain(self) -> dict[str, Any]:
        """The record as JSON, without empty fields and defaults."""
        values = ((one, getattr(self, one.name)) for one in self.fields())
        return {
            one.name: [part.plain() for part in value] if isinstance(one.value, Several) else value
            for one, value in values
            if value is not None and value != one.default
        }

    def ids(self) -> list[tuple[Field, Any]]:
        """The ids in it, each with its field, including those of the records in its lists."""
        found: list[tuple[Field, Any]] = []
        own = vars(self)
        for one in self.form().with_ids:
            value = own[one.name]
            if value is None:
                continue
            if isinstance(one.value, Several):
                for part in value:
                    found += part.ids()
            elif isinstance(one.value, Many):
                found += [(one._replace(value=one.value.inner), each) for each in value]
            else:
                found.append((one, value))
        return found

    def texts(self) -> list[str]:
        """The texts people wrote in it, in order."""
        found: list[str] = []
        own = vars(self)
        for name in self.form().texts:
            stated = own[name]
            if isinstance(stated, str):
                found.append(stated)
            elif stated is not None:
                for part in stated:
                    found += part.texts() if isinstance(part, Record) else [part]
        return found


@dataclass_transform(kw_only_default=True)
def record(cls: type[T]) -> type[T]:
    """Make a class a record, with its annotations as fields in the order of declaration."""
    return dataclass(kw_only=True, repr=False, eq=False)(cls)


class Command(Record):
    """A request to change something, which decides on facts."""

    NAME: ClassVar[str]
    OPERATION: ClassVar[str]
    """The name as an identifier: ``strike_remix``."""
    MAY: ClassVar[frozenset[str]]
    """The relations that allow it, for anyone but the operator (see domain.permission)."""
    AT_ONCE: ClassVar[frozenset[str]]
    """The relations among MAY whose statement counts at once; from the others it is a claim, which
    waits for the other side (see domain.claim)."""
    LATE: ClassVar[frozenset[str]]
    """Further relations that may answer a claim once its deadline has passed."""
    SPENDS: ClassVar[tuple[str, ...]]
    """The quotas that its facts count toward."""
    REFUSES: ClassVar[tuple[type[Refusal], ...]]
    """Its own refusals, besides those of its values."""
    PATH: ClassVar[str]
    """The path of its route, with names of fields in braces."""
    MAKES: ClassVar[str | None]
    """The noun it creates, if any."""
    THEN: ClassVar[type[Fact] | None]
    """The one fact that the default ``decide`` records about the noun named first in the path."""
    IS_BRIEF: ClassVar[bool]
    """Whether it decides quickly, by little more than the nouns it names (see Journal.record)."""
    HOME: ClassVar[str | None]
    """The path under which the noun it creates is found."""

    def decide(self, past: Past) -> Iterator[New]:
        """The facts it leads to, given the past; raises a refusal if it may not."""
        noun = self.changes(past)
        assert noun is not None
        assert self.THEN is not None
        yield noun.then(self.THEN, **self.told(self.THEN))

    def changes(self, past: Past) -> Noun | None:
        """The noun that the default ``decide`` changes: the one named first in the path."""
        return self.noun(past)

    def told(self, kind: type[Fact], **otherwise: Any) -> dict[str, Any]:
        """Content for a kind of fact: the fields that both have in common, then ``otherwise``."""
        own, names = vars(self), _in_common(type(self), kind)  # type: ignore[arg-type]
        return {**{name: own[name] for name in names}, **otherwise}

    def own(self) -> dict[str, Any]:
        """Its fields with their values, except those in the path."""
        names = (one.name for one in self.fields() if one.name not in self.in_path())
        return {name: getattr(self, name) for name in names}

    def noun(self, past: Past) -> Noun | None:
        """The noun it is about: the one named first in its path, if any."""
        named = self.named_first()
        return None if named is None else past.named(named[1], getattr(self, named[0]))

    @classmethod
    @cache
    def named_first(cls) -> tuple[str, str] | None:
        """The first field of its path that holds the id of a noun, and the kind of that noun."""
        named = ((one.name, one.value) for one in cls.fields() if one.name in cls.in_path())
        found = ((name, value.noun) for name, value in named if isinstance(value, Ref))
        return next(found, None)

    def sides(self, past: Past) -> Mapping[str, str]:
        """Who is in which relation to the noun it is about."""
        noun = self.noun(past)
        return {} if noun is None else noun.sides(past)

    def areas(self, past: Past) -> Collection[str]:
        """The works and the pool whose producers may send it."""
        noun = self.noun(past)
        return () if noun is None else noun.areas(past)

    def allowed(self, past: Past) -> frozenset[str]:
        """The relations that allow it now."""
        is_late = self.LATE and is_overdue(self.noun(past), past.now)
        return self.MAY | self.LATE if is_late else self.MAY

    def settled(self, _past: Past) -> Self:
        """The command with what only the past can tell filled in, such as the person of a name."""
        return self

    def is_done(self, past: Past) -> bool:
        """Whether a repetition of the same command would have nothing left to do."""
        return True

    def same(self, past: Past) -> Noun | None:
        """An existing noun that says the same, to be returned if the client chose no id."""
        return None

    def target(self, actor: str) -> str | None:
        """The id under which repetitions are recognised: of the noun it creates or changes."""
        return cast("str | None", getattr(self, type(self).subject()))

    @classmethod
    @cache
    def subject(cls) -> str:
        """The field with the id of the noun it creates or, if it creates none, changes."""
        if cls.MAKES:
            return next(one.name for one in cls.fields() if isinstance(one.value, NewId))
        return cls.in_path()[0]

    @classmethod
    @cache
    def words(cls) -> str:
        """What it does, for use in a sentence: ``strike this remix``, ``open a credit``."""
        *verb, noun = cls.OPERATION.split("_")
        if not noun.endswith("s"):
            noun = with_article(noun) if cls.MAKES else f"this {noun}"
        return " ".join([*verb, noun])

    @classmethod
    @cache
    def in_path(cls) -> list[str]:
        """The fields in its path."""
        return re.findall(r"{(\w+)}", cls.PATH)

    @classmethod
    def refusals(cls) -> tuple[type[Refusal], ...]:
        """Its possible refusals, besides those that any command may get."""
        values = (value for _, value, _ in cls.every_field())
        return tuple(dict.fromkeys((*(r for value in values for r in value.refuses), *cls.REFUSES)))

    def asked(self) -> str:
        """The request as canonical JSON, with texts people wrote replaced by whether they exist."""
        request = {**vars(self), "command": self.NAME}
        if self.MAKES:  # the request is stored under this id, whether or not the client chose it
            request[self.subject()] = None
        return _canonical(_without_texts(type(self), request))

    def digest(self, actor: str) -> str:
        """The SHA-256 by which repetitions are recognised; people's texts are compared apart."""
        return sha256(f"{actor}\n{self.asked()}".encode()).hexdigest()


def once_each(said: Iterable[str] | None) -> list[str] | None:
    """Each of these words once, in order; None if there are none."""
    return [*dict.fromkeys(said or ())] or None


def must_state(stated: Mapping[str, Any]) -> None:
    """Refuse (``NothingStated``) a correction that states nothing besides a reason."""
    if not any(value for name, value in stated.items() if name != "reason"):
        raise NothingStated


@dataclass_transform(kw_only_default=True)
def command(
    name: str,
    path: str | None = None,
    *,
    may: Iterable[str] = (),
    at_once: Iterable[str] | None = None,
    late: Iterable[str] = (),
    spends: Collection[str] = (),
    refuses: Iterable[type[Refusal]] = (),
    makes: str | None = None,
    then: type[Fact] | None = None,
    home: str | None = None,
    is_brief: bool = False,
) -> Callable[[type[T]], type[T]]:
    """Declare a command; the parameters are the class variables of ``Command``.

    Without ``may`` only the operator may send it; without ``at_once`` it counts at once, whichever
    of ``may`` sends it. A name without a verb (``remix``) creates that noun. The default ``path``
    is ``/remixes`` or ``/remixes/{id}/strike``. With ``then`` the default ``decide`` records this
    one fact.
    """
    noun, _, verb = name.partition(".")
    usual = f"/{noun}{'es' if noun.endswith('x') else 's'}"
    makes = makes or (None if verb else noun)
    home = home or (usual if makes and path is None else None)

    def decorate(cls: type[T]) -> type[T]:
        made = cast("type[Command]", dataclass(kw_only=True, repr=False, eq=False)(cls))
        made.NAME, made.MAY = name, frozenset(may)
        made.PATH = path or (f"{usual}/{{id}}/{verb}" if verb else usual)
        made.LATE = frozenset(late)
        made.AT_ONCE = made.MAY if at_once is None else frozenset(at_once)
        made.OPERATION, made.IS_BRIEF = spelled(cls), is_brief
        made.REFUSES = (*refuses, *((WrongState,) if then else ()))
        made.SPENDS = tuple(spends)
        if spends:
            made.REFUSES += (QuotaExceeded,)
        made.MAKES, made.THEN, made.HOME = makes, then, home
        COMMANDS[name] = made
        return cls

    return decorate


# -- reading annotations -------------------------------------------------------------------------


@cache
def _in_common(command: type[Any], kind: type[Any]) -> list[str]:
    """The names of the fields that a command and a kind of fact have in common."""
    held = {one.name for one in fields(kind)}
    return [name for name in command.by_name() if name in held]


class Form(NamedTuple):
    """What is derived from the annotations of a class of records, once."""

    fields: tuple[Field, ...]
    by_name: dict[str, Field]
    needed: tuple[str, ...]
    """The names of the required fields."""
    blank: dict[str, Any]
    """By name: the default of every field."""
    lists: list[tuple[str, type[Record]]]
    """The fields that are lists of records."""
    to_read: list[tuple[str, Callable[[Any, datetime], Any], bool]]
    """The fields that have to be read: their name, reader and whether they are required."""
    with_ids: list[Field]
    """The fields that hold ids, or records with ids."""
    sealed: list[str]
    """The fields that are texts people write."""
    texts: list[str]
    """The fields with texts people write: single ones, lists of them, and records with some."""


@cache
def _form(cls: type[Any]) -> Form:
    hints = get_type_hints(cls, include_extras=True)
    every = tuple(Field(one.name, value_of(hints[one.name]), one.default) for one in fields(cls))
    by_name = {one.name: one for one in every}
    held = [(one, getattr(one.value, "inner", one.value)) for one in every]
    lists = {one.name: one.value.record for one in every if isinstance(one.value, Several)}
    to_read = [
        (one.name, _reader(one.value), one.is_needed)
        for one in every
        if isinstance(one.value, Several) or type(one.value).read is not Value.read
    ]
    of_ids = {one.name for one, value in held if isinstance(value, Ref)}
    of_ids |= {name for name, record in lists.items() if record.form().with_ids}
    of_texts = {name for name, record in lists.items() if record.form().texts}
    of_texts |= {one.name for one, value in held if isinstance(value, Text) and value.is_sealed}
    return Form(
        every,
        by_name,
        tuple(one.name for one in every if one.is_needed),
        {one.name: one.default for one in every},
        [*lists.items()],
        to_read,
        [one for one in every if one.name in of_ids],
        [one.name for one in every if isinstance(one.value, Text) and one.value.is_sealed],
        [one.name for one in every if one.name in of_texts],
    )


def _reader(value: Value) -> Callable[[Any, datetime], Any]:
    if isinstance(value, Several):
        return lambda parts, now: tuple([part.read(now) for part in parts])
    return value.read


def _without_texts(kind: type[Record], stated: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are not empty; of a text people wrote, only whether there is one."""
    form, told = kind.form(), {name: one for name, one in stated.items() if one is not None}
    told |= {name: name in told for name in form.sealed}
    for name, record in form.lists:
        if name in told:
            told[name] = [_without_texts(record, vars(part)) for part in told[name]]
    return told
