"""Schemas: the JSON of a record, out of its value types."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any, cast

from marshmallow import fields

from api.fields import Anything, Id, Rate, Shape, Text, Texts, Units
from domain.command import Command, Field
from domain.values import (
    Json,
    Many,
    NewId,
    Number,
    Ref,
    Several,
    Value,
    Word,
)
from domain.values import Rate as RateValue
from domain.values import Text as TextValue


def body_of(command: type[Command]) -> type[Shape]:
    """The body of the request that gives a command: its fields but those in the path."""
    return _schema(cast("Any", command), tuple(command.in_path()))


@cache
def _schema(record: Any, without: Collection[str] = ()) -> type[Shape]:
    named = {one.name: field_of(one) for one in record.fields() if one.name not in without}
    made = type(record.__name__, (Shape,), {**named, "__doc__": record.__doc__})
    return cast("type[Shape]", made)


def field_of(one: Field) -> fields.Field[Any]:
    """A field of a body; what may be left out may be sent as null, unless it has a default."""
    if one.is_needed:
        return _field(one.value, required=True)
    return _field(one.value, allow_none=one.default is None)


def _field(value: Value, **options: Any) -> fields.Field[Any]:  # noqa: PLR0911 - one a type
    match value:
        case Ref() | NewId():
            return Id(value.example, value.help, **options)
        case TextValue():
            return Text(value.limit, value.example, value.help, **options)
        case RateValue():
            return Rate(value.help, value.example, **options)
        case Word():
            metadata = {"format": value.format} if value.format else {}
            return Text(value.limit, value.example, value.help, metadata=metadata, **options)
        case Number():
            return Units(value.least, value.example, value.help, most=value.most, **options)
        case Json():
            return Anything(value.example, value.help, **options)
        case Many():
            told = value.example
            example = told if told is None or isinstance(told, list) else [told]
            return Texts(_field(value.inner), value.help, example=example, **options)
        case Several():
            return _several(value, **options)
    raise AssertionError(value)


def _several(value: Several, **options: Any) -> fields.Field[Any]:
    inner = fields.Nested(_schema(cast("Any", value.record)))
    return Texts(inner, value.help, **options)
