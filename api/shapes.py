"""The shape of public input: which fields there may be, and what is wrong with each of them.

A value is taken exactly as it was sent, or refused with a code; nothing is converted, trimmed or
ignored. What a field may hold follows from its value type (domain.values), as everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple, Self, cast
from uuid import UUID

from domain.command import Command, Field, Record
from domain.refusal import Wrong
from domain.remix import MAXIMUM_RATE_LENGTH
from domain.values import (
    LARGEST_POSITION,
    LONGEST_WORD,
    Choice,
    Cursor,
    Flag,
    Json,
    Many,
    NewId,
    Number,
    Rate,
    Ref,
    Several,
    Text,
    Value,
    Word,
    known,
    one_of,
)
from domain.wrong import wrong_in
from projections.question import Question, wire_name

LONGEST_CURSOR = 500
LONGEST_ID = 45
"""A UUID may stand in braces and after “urn:uuid:”."""

Path = tuple[str | int, ...]
_DIGITS = re.compile("[0-9]{1,20}")
"""Twenty digits are more than any limit here, and fewer than what is slow to read."""


class Complaint(NamedTuple):
    """What is wrong with the form of a field."""

    path: Path
    code: str
    said: str


class _Unfit(Exception):
    """The code and the sentence of a complaint, whose place is not known yet."""


@dataclass(frozen=True, eq=False)
class Shape:
    """An object with exactly these fields."""

    name: str
    fields: tuple[Field, ...]
    is_query: bool = False
    """Whether all values in it are text."""
    record: type[Record] | None = None
    """The record of which it has fields, whose values the domain refuses as well."""

    def with_(self, **fields: Value | Field) -> Self:
        """The same with further fields."""
        return replace(self, fields=(*self.fields, *_named(fields)))

    @property
    def needs_any(self) -> bool:
        """Whether there is a field that has to be said."""
        return any(one.is_needed for one in self.fields)

    def values(self) -> Iterator[Value]:
        """What its fields hold, with what is in their lists."""
        return _values(self.fields)

    def read(self, given: object) -> tuple[dict[str, Any], list[Complaint]]:
        """The values about which there is no complaint, and every complaint."""
        complaints: list[Complaint] = []
        return _read_object(self, given, (), complaints), complaints

    def refused(self, said: Mapping[str, Any]) -> Iterable[Wrong]:
        """What the domain refuses of the values that have the documented form."""
        if self.record is None:
            return ()
        now = datetime.now(UTC)
        return wrong_in(self.record, said, lambda value, one: value.read(one, now))


# -- declared ----------------------------------------------------------------------------------


def body(name: str, **fields: Value | Field) -> Shape:
    """The shape of a body; a field without a default may be left out, or null."""
    return Shape(name, tuple(_named(fields)))


def query(**fields: Value | Field) -> Shape:
    """The shape of a query."""
    return Shape("Query", tuple(_named(fields)), is_query=True)


def needed(value: Value) -> Field:
    """A field that may not be left out."""
    return Field("", value, MISSING)


def usually(default: Any, value: Value) -> Field:
    """A field with a default, which may be left out but not be null."""
    return Field("", value, default)


def _named(fields: Mapping[str, Value | Field]) -> Iterator[Field]:
    for name, one in fields.items():
        yield one._replace(name=name) if isinstance(one, Field) else Field(name, one, None)


NOTHING = body("Nothing")


def word(help: str, example: str | None = None, *, limit: int = LONGEST_WORD) -> Word:
    """Text that is read elsewhere."""
    return known(str, help, example, limit=limit)


def whole(help: str, least: int = 0, most: int = LARGEST_POSITION) -> Number:
    """A whole number, such as a position."""
    return Number(least=least, most=most, help=help)


# -- derived -----------------------------------------------------------------------------------


def body_of(command: type[Command], *, whole: bool = False) -> Shape:
    """The body of a command: its fields except those in the path; a form has these as well."""
    return of_record(command, () if whole else tuple(command.in_path()))


def of_record(record: type[Record], without: tuple[str, ...] = ()) -> Shape:
    """The object that stands for a record, but for some of its fields."""
    return _of_record(cast("Any", record), without)


@cache
def _of_record(record: Any, without: tuple[str, ...]) -> Shape:
    fields = tuple(one for one in record.fields() if one.name not in without)
    return Shape(record.__name__, fields, record=record)


@cache
def query_of(question: Question) -> Shape:
    """The query of a question: its parameters except those in the path."""
    base = ASKED_OF_RELEASE if question.may_be_as_published else ASKED
    shape = replace(base, fields=(*base.fields, *question.in_query))
    if not question.forms:
        return shape
    told = "The format; takes precedence over the Accept header."
    return shape.with_(format=one_of(("json", *question.forms), told))


@cache
def body_of_question(question: Question) -> Shape:
    """The body of a question that rehearses a command."""
    return Shape(f"body_of_{question.name}", tuple(question.in_query))


ASKED = query(
    as_of=whole("Answer as known at this position of the journal."),
    min_position=whole(
        "Wait briefly until answers know this position, such as the one a write returned."
    ),
)
"""The parameters of every question."""
ASKED_OF_RELEASE = ASKED.with_(
    as_=one_of(
        ("now", "published"),
        "As known now, or with the lineage that was frozen when the release was published.",
    )
)
"""The parameters of a question about a work that may be a release."""


# -- read --------------------------------------------------------------------------------------


def may_be_null(one: Field, *, is_query: bool) -> bool:
    """Whether null says the same as leaving a field out."""
    return one.default is None and not is_query and not isinstance(one.value, Choice | Cursor)


def _read_object(shape: Shape, given: object, path: Path, complaints: list[Complaint]) -> Any:
    if not isinstance(given, Mapping):
        complaints.append(Complaint(path, "wrong_type", "This is not an object."))
        return {}
    read, known = {}, set[object]()
    for one in shape.fields:
        name = wire_name(one)
        known.add(name)
        if name in given:
            value, before = given[name], len(complaints)
            if value is not None or not may_be_null(one, is_query=shape.is_query):
                where = (*path, name)
                value = _read(one.value, value, where, complaints, is_query=shape.is_query)
            if len(complaints) == before:
                read[one.name] = value
        elif one.is_needed:
            complaints.append(Complaint((*path, name), "missing_field", "This is required."))
    for name in given:
        if name not in known:
            said = "This field is not documented."
            complaints.append(Complaint((*path, name), "unknown_field", said))
    return read


def _read(
    value: Value, said: Any, path: Path, complaints: list[Complaint], *, is_query: bool
) -> Any:
    """A value, or another complaint."""
    try:
        match value:
            case Many() | Several():
                return [
                    _read_object(of_record(value.record), each, (*path, place), complaints)
                    if isinstance(value, Several)
                    else _read(value.inner, each, (*path, place), complaints, is_query=is_query)
                    for place, each in enumerate(_list(said, value.most))
                ]
            case Number():
                return _whole(value, said, is_query=is_query)
            case Json() if not isinstance(said, Mapping):
                raise _Unfit("wrong_type", "This is not an object.")
            case Json():
                return said
            case Flag() if said not in ("true", "false"):
                raise _Unfit("wrong_type", "This is neither true nor false.")
            case Flag():
                return said == "true"
        return _text(value, said)
    except _Unfit as unfit:
        complaints.append(Complaint(path, *unfit.args))
        return None


def _list(said: Any, most: int) -> list[Any]:
    """A list; one that is too long is refused before any of its items is read."""
    if not isinstance(said, list | tuple):
        raise _Unfit("wrong_type", "This is not a list.")
    if len(said) > most:
        told = f"This has more than {most} items; import takes more."
        raise _Unfit("too_many_items", told)
    return [*said]


def _whole(value: Number, said: Any, *, is_query: bool) -> int:
    """A JSON integer, which true, 1.0 and "1" are not; in a query, digits and nothing else."""
    is_digits = isinstance(said, str) and _DIGITS.fullmatch(said)
    if not (is_digits if is_query else type(said) is int):
        raise _Unfit("wrong_type", "This is not a whole number.")
    if not value.least <= (number := int(said)) <= value.most:
        told = f"This is not between {value.least} and {value.most}."
        raise _Unfit("out_of_range", told)
    return number


def _text(value: Value, said: Any) -> str:
    """Text that can be stored: not empty, not too long, without NUL or lone surrogates."""
    if not isinstance(said, str):
        rate = 'A rate is exact text such as "1/5", never a number.'
        raise _Unfit("wrong_type", rate if isinstance(value, Rate) else "This is not text.")
    if isinstance(value, Choice):
        if said not in value.words:
            told = f"This is not one of {', '.join(value.words)}."
            raise _Unfit("unknown_choice", told)
        return said
    if (limit := longest(value)) is None:
        return said
    if "\0" in said:
        raise _Unfit("bad_text", "The character NUL can't be stored.")
    try:
        said.encode()
    except UnicodeEncodeError:
        raise _Unfit("bad_text", "Half of a surrogate pair can't be stored.") from None
    if not said.strip():
        raise _Unfit("bad_text", "This must not be empty.")
    if isinstance(value, Ref | NewId):
        return _id(said)
    if len(said) > limit:
        raise _Unfit("text_too_long", f"This is longer than {limit} characters.")
    return said


def _id(said: str) -> str:
    """A UUID, in upper or lower case."""
    try:
        return str(UUID(said))
    except ValueError:
        raise _Unfit("bad_id", "This is not a UUID.") from None


def longest(value: Value) -> int | None:
    """How many characters a text has at most; None if it is any."""
    match value:
        case Ref() | NewId():
            return LONGEST_ID
        case Rate():
            return MAXIMUM_RATE_LENGTH
        case Text() | Word():
            return value.limit
        case Cursor():
            return LONGEST_CURSOR
    return None


def _values(fields: Iterable[Field]) -> Iterator[Value]:
    for one in fields:
        yield one.value
        if isinstance(one.value, Many):
            yield one.value.inner
        elif isinstance(one.value, Several):
            yield from _values(one.value.record.fields())
