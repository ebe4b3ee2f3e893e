"""The schemas of the bodies of commands and the queries of questions, from their value types."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, cast

from marshmallow import fields

from api.asking import LONGEST_CURSOR, AskedOfRelease, QuestionParameters
from api.fields import (
    Anything,
    BoundedList,
    Choice,
    ExactSchema,
    Flag,
    Id,
    Rate,
    Text,
    Units,
    Whole,
)
from api.received import loaded
from domain.command import Command, Field, Record
from domain.refusal import Wrong
from domain.value import Choice as ChoiceValue
from domain.value import Cursor, Json, Many, NewId, Number, Ref, Several, Value, Word
from domain.value import Flag as FlagValue
from domain.value import Rate as RateValue
from domain.value import Text as TextValue
from domain.wrong import wrong_in
from projections.question import Question, wire_name


def body_of(command: type[Command], *, whole: bool = False) -> type[ExactSchema]:
    """The body of a command: its fields except those in the path; if ``whole``, with those, too."""
    return _schema(cast("Any", command), () if whole else tuple(command.in_path()))


def stated(command: type[Command], said: Mapping[str, Any]) -> Command:
    """The command of a submitted form, validated like the body of a request."""
    return command.of(loaded(body_of(command, whole=True), said, "invalid_body", "form"))


@cache
def _schema(record: Any, without: Collection[str] = ()) -> type[ExactSchema]:
    named = {one.name: field_of(one) for one in record.fields() if one.name not in without}
    made = type(record.__name__, (_OfRecord,), {**named, "__doc__": record.__doc__})
    cast("type[_OfRecord]", made).RECORD = record
    return cast("type[ExactSchema]", made)


class _OfRecord(ExactSchema):
    """The shape of a record, whose values the domain may also refuse."""

    RECORD: ClassVar[type[Record]]

    @classmethod
    def refused(cls, said: Any) -> Iterable[Wrong]:
        now = datetime.now(UTC)
        known = said if isinstance(said, Mapping) else {}
        return wrong_in(cls.RECORD, known, lambda value, one: value.read(one, now))


def field_of(one: Field) -> fields.Field[Any]:
    """A field of a body; an optional one may be null, unless it has a default."""
    value = replace(one.value, help=one.help)
    if one.is_needed:
        return _field(value, required=True)
    return _field(value, allow_none=one.default is None)


def _field(value: Value, **options: Any) -> fields.Field[Any]:  # noqa: PLR0911 - one a type
    match value:
        case Ref() | NewId():
            return Id(value.example, value.help, **options)
        case TextValue():
            return Text(value.limit, value.example, value.help, **options)
        case RateValue():
            return Rate(value.help, value.example, **options)
        case Word():
            return Text(value.limit, value.example, value.help, metadata=_words(value), **options)
        case Number():
            return Units(value.least, value.example, value.help, most=value.most, **options)
        case Json():
            return Anything(value.example, value.help, **options)
        case Many():
            told = value.example
            example = told if told is None or isinstance(told, list) else [told]
            inner = _field(value.inner, allow_none=False)
            return BoundedList(inner, value.help, most=value.most, example=example, **options)
        case Several():
            return _several(value, **options)
    raise AssertionError(value)


def _words(word: Word) -> dict[str, Any]:
    """What the document says of the words that a field may hold; the domain checks them."""
    said: dict[str, Any] = {"format": word.format} if word.format else {}
    return {**said, "enum": [*word.choices]} if word.choices else said


@cache
def query_of(question: Question) -> type[ExactSchema]:
    """The query of a question: its parameters except those in the path."""
    named = {one.name: _parameter(one) for one in question.in_query}
    if question.forms:
        named["format"] = Choice(
            ("json", *question.forms), "The format; takes precedence over the Accept header."
        )
    base = AskedOfRelease if question.may_be_as_published else QuestionParameters
    return cast("type[ExactSchema]", type(f"query_of_{question.name}", (base,), named))


@cache
def body_of_question(question: Question) -> type[ExactSchema]:
    """The body of a question that previews a command."""
    named = {
        one.name: _parameter(one) if isinstance(one.value, ChoiceValue | Cursor) else field_of(one)
        for one in question.in_query
    }
    name = question.name.title().replace("_", "")
    return cast("type[ExactSchema]", type(name, (ExactSchema,), named))


def _parameter(one: Field) -> fields.Field[Any]:
    """A parameter of a query, which is text and never null."""
    value = replace(one.value, help=one.help)
    options: dict[str, Any] = {"required": True} if one.is_needed else {}
    if (name := wire_name(one)) != one.name:
        options["data_key"] = name
    match value:
        case Number():
            return Whole(value.least, value.most, value.example, value.help, **options)
        case FlagValue():
            return Flag(value.help, **options)
        case ChoiceValue():
            return Choice(value.words, value.help, **options)
        case Cursor():
            return Text(LONGEST_CURSOR, value.example, value.help, allow_none=False, **options)
    return _field(value, **{"allow_none": False, **options})


def _several(value: Several, **options: Any) -> fields.Field[Any]:
    inner = fields.Nested(_schema(cast("Any", value.record)))
    return BoundedList(inner, value.help, most=value.most, example=value.example, **options)
