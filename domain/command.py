"""Commands: what may be asked of Stemma, each declared once as a typed record.

A record names its fields and states who may send it, what it refuses and what it decides. The
route, the operation of the OpenAPI document, the terminal's command, the line of a bundle, the
statement that a signature covers, the form of a page and the reference are derived from it.
It is one file because the same fields are declared, read, checked and told here.
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
from domain.values import Many, NewId, Ref, Several, Text, Value, Word

_canonical = encoder(sort_keys=True)

COMMANDS: dict[str, type[Command]] = {}
"""Every command by its name, such as ``remix.strike``; a birth is named by its noun alone."""

T = TypeVar("T")


class Field(NamedTuple):
    """One field of a record."""

    name: str
    value: Value
    default: Any
    """Its value where it is left out; MISSING if it is needed."""

    @property
    def is_needed(self) -> bool:
        """Whether it may not be left out."""
        return self.default is MISSING


class Record:
    """An object with exactly the fields of its annotations."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def form(cls) -> Form:
        """What follows from its annotations."""
        return _form(cast("Any", cls))

    @classmethod
    def fields(cls) -> tuple[Field, ...]:
        """Its fields, in order."""
        return cls.form().fields

    @classmethod
    def by_name(cls) -> Mapping[str, Field]:
        """The same by their names."""
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
        """The record as it was sent; its values are not read yet."""
        made = object.__new__(cls)
        form = cls.form()
        own = made.__dict__ = {**form.blank, **said}
        assert len(own) == len(form.blank), f"{cls.__name__} has no such field"
        assert said.keys() >= {*form.needed}, f"{cls.__name__} lacks a field"
        for name, record in form.lists:
            if (parts := own[name]) is not None:
                own[name] = tuple([p if isinstance(p, Record) else record.of(p) for p in parts])
        return made

    def read(self, now: datetime) -> Self:
        """The same with every value in its normal form; raises the first refusal."""
        made = object.__new__(type(self))  # dataclasses.replace would begin with its defaults
        own = made.__dict__ = {**vars(self)}
        for name, read, is_needed in self.form().to_read:
            said = own[name]
            if said is not None or is_needed:
                own[name] = read(said, now)
        return made

    def plain(self) -> dict[str, Any]:
        """The record as JSON, without empty fields and defaults."""
        told = ((one, getattr(self, one.name)) for one in self.fields())
        return {
            one.name: [part.plain() for part in value] if isinstance(one.value, Several) else value
            for one, value in told
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
        """The texts of people in it, in order."""
        found: list[str] = []
        for name in self.form().texts:
            stated = getattr(self, name)
            if isinstance(stated, str):
                found.append(stated)
            elif stated is not None:
                for part in stated:
                    found += part.texts() if isinstance(part, Record) else [part]
        return found


@dataclass_transform(kw_only_default=True)
def record(cls: type[T]) -> type[T]:
    """Make a class a record: named fields, in the order in which they are declared."""
    return dataclass(kw_only=True, repr=False, eq=False)(cls)


class Command(Record):
    """Something that may be asked of Stemma."""

    NAME: ClassVar[str]
    OPERATION: ClassVar[str]
    """The same as an identifier: ``strike_remix``."""
    MAY: ClassVar[frozenset[str]]
    """The relations that allow it, for anyone but the operator (see domain.permission)."""
    AT_ONCE: ClassVar[frozenset[str]]
    """The relations among them whose word counts at once; from the others it is a claim, which
    waits for the other side (see domain.claim)."""
    LATE: ClassVar[frozenset[str]]
    """Further relations that allow answering a claim once the other side had its time."""
    SPENDS: ClassVar[tuple[str, ...]]
    """The quotas that its facts count toward."""
    REFUSES: ClassVar[tuple[type[Refusal], ...]]
    """Its own refusals, besides those of its values."""
    PATH: ClassVar[str]
    """Where it is sent to, with the names of its fields in braces."""
    MAKES: ClassVar[str | None]
    """What it brings into being, if it does."""
    THEN: ClassVar[type[Fact] | None]
    """The fact of a command that decides nothing else: a change of what it names first."""
    HOME: ClassVar[str | None]
    """The path under which what it makes is found."""

    def decide(self, past: Past) -> Iterator[New]:
        """What happens, given the past; raises a refusal if it may not."""
        noun = self.changes(past)
        assert noun is not None
        assert self.THEN is not None
        yield noun.then(self.THEN, **self.told(self.THEN))

    def changes(self, past: Past) -> Noun | None:
        """What it changes, if it decides nothing else: by default, what it names first."""
        return self.noun(past)

    def told(self, kind: type[Fact], **otherwise: Any) -> dict[str, Any]:
        """What a kind of fact holds of it: its fields of the same names, and what is stated."""
        names = _in_common(cast("Any", type(self)), cast("Any", kind))
        return {**{name: getattr(self, name) for name in names}, **otherwise}

    def own(self) -> dict[str, Any]:
        """What it says, but for what its path names."""
        names = (one.name for one in self.fields() if one.name not in self.in_path())
        return {name: getattr(self, name) for name in names}

    def noun(self, past: Past) -> Noun | None:
        """What it names first in its path, if anything."""
        named = self.named_first()
        return None if named is None else past.named(named[1], getattr(self, named[0]))

    @classmethod
    @cache
    def named_first(cls) -> tuple[str, str] | None:
        """The field of its path that names what it is about, and the kind of noun, if any."""
        named = ((one.name, one.value) for one in cls.fields() if one.name in cls.in_path())
        found = ((name, value.noun) for name, value in named if isinstance(value, Ref))
        return next(found, None)

    def sides(self, past: Past) -> Mapping[str, str]:
        """Who is in which relation to what it is about: by default, to what it names first."""
        noun = self.noun(past)
        return {} if noun is None else noun.sides(past)

    def areas(self, past: Past) -> Collection[str]:
        """The works and the pool whose producers it concerns: of what it names first."""
        noun = self.noun(past)
        return () if noun is None else noun.areas(past)

    def allowed(self, past: Past) -> frozenset[str]:
        """The relations that allow it now."""
        return (
            self.MAY | self.LATE
            if self.LATE and is_overdue(self.noun(past), past.now)
            else self.MAY
        )

    def settled(self, _past: Past) -> Self:
        """The same with what it leaves to the past to say, such as who is meant by a name."""
        return self

    def is_done(self, past: Past) -> bool:
        """Whether there is nothing left to do when the same was asked before."""
        return True

    def same(self, past: Past) -> Noun | None:
        """What is there already and says the same, for a client that chose no id."""
        return None

    def target(self, actor: str) -> str | None:
        """The id by which a repetition is recognised: of what it makes, or of what it changes."""
        return cast("str | None", getattr(self, type(self).subject()))

    @classmethod
    @cache
    def subject(cls) -> str:
        """The field that names what it makes or, if it makes nothing, what it changes."""
        if cls.MAKES:
            return next(one.name for one in cls.fields() if isinstance(one.value, NewId))
        return cls.in_path()[0]

    @classmethod
    @cache
    def words(cls) -> str:
        """What it does, as part of a sentence: ``strike this remix``, ``open a credit``."""
        *verb, noun = cls.OPERATION.split("_")
        article = [] if noun.endswith("s") else ["a" if cls.MAKES else "this"]
        return " ".join([*verb, *article, noun])

    @classmethod
    @cache
    def in_path(cls) -> list[str]:
        """The fields in its path."""
        return re.findall(r"{(\w+)}", cls.PATH)

    @classmethod
    def refusals(cls) -> tuple[type[Refusal], ...]:
        """Everything that may refuse it, besides what may refuse any command."""
        values = (value for _, value, _ in cls.every_field())
        return tuple(dict.fromkeys((*(r for value in values for r in value.refuses), *cls.REFUSES)))

    def asked(self) -> str:
        """The request as canonical JSON, without the texts of people."""
        told = _plain(self)
        told["command"] = self.NAME
        if self.MAKES:  # the request is kept under it, whether or not the client chose it
            told.pop(self.subject(), None)
        return _canonical(told)

    def digest(self, actor: str) -> str:
        """What tells one request from another, apart from the texts of people."""
        return sha256(f"{actor}\n{self.asked()}".encode()).hexdigest()


def must_state(stated: Mapping[str, Any]) -> None:
    """Refuse a correction that states nothing but perhaps a reason."""
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
) -> Callable[[type[T]], type[T]]:
    """Declare a command; without ``may`` only the operator may send it, and without ``at_once``
    everybody's word counts at once.

    One that is named by its noun alone makes one. Without ``path`` it is sent to ``/remixes`` or
    ``/remixes/{id}/strike``, and what it makes is found there. With ``then`` it decides only this
    change, which the state of its noun may refuse.
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
        made.OPERATION = spelled(cls)
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
    """The fields of a command that are fields of a kind of fact as well."""
    held = {one.name for one in fields(kind)}
    return [name for name in command.by_name() if name in held]


class Form(NamedTuple):
    """What follows from the annotations of a record, once for all of its kind."""

    fields: tuple[Field, ...]
    by_name: dict[str, Field]
    needed: tuple[str, ...]
    """The names of those that may not be left out."""
    blank: dict[str, Any]
    """Its fields with their defaults."""
    lists: list[tuple[str, type[Record]]]  # of records
    to_read: list[tuple[str, Callable[[Any, datetime], Any], bool]]
    """The fields whose values have a form to be read, how, and whether they are needed."""
    with_ids: list[Field]
    """The fields with ids, and those with records in which there may be some."""
    sealed: dict[str, Any]
    """The fields with texts of people, of which none is there."""
    texts: list[str]
    """The same, and lists of such texts or of records that have some."""


@cache
def _form(cls: type[Any]) -> Form:
    hints = get_type_hints(cls, include_extras=True)
    every = tuple(Field(one.name, value_of(hints[one.name]), one.default) for one in fields(cls))
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
        {one.name: one for one in every},
        tuple(one.name for one in every if one.is_needed),
        {one.name: one.default for one in every},
        [*lists.items()],
        to_read,
        [one for one in every if one.name in of_ids],
        {o.name: False for o in every if o.name in of_texts and isinstance(o.value, Text)},
        [one.name for one in every if one.name in of_texts],
    )


def _reader(value: Value) -> Callable[[Any, datetime], Any]:
    if isinstance(value, Several):
        return lambda said, now: tuple([part.read(now) for part in said])
    return value.reader if isinstance(value, Word) else value.read


def _plain(said: Record) -> dict[str, Any]:
    """What it says, without what is empty and the texts of people."""
    form = said.form()
    told = form.sealed | {
        name: stated if name not in form.sealed else True
        for name, stated in vars(said).items()
        if stated is not None
    }
    for name, _ in form.lists:
        if name in told:
            told[name] = [_plain(part) for part in told[name]]
    return told
