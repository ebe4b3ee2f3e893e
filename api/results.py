"""The JSON schemas of answers, derived from their types."""

from __future__ import annotations

import types
from collections.abc import Mapping
from inspect import getdoc
from typing import (
    Annotated,
    Any,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from domain.value import Choice, Example, Instant, Length, Number, Ref, Value, Word
from projections.question import Question
from projections.told import Count

Schema = dict[str, Any]

COMPONENTS: dict[str, Schema] = {}
"""By name: the schemas of answers and of the objects in them."""

PLAIN = {str: "string", int: "integer", bool: "boolean", dict: "object"}
AS_OF = Annotated[Count, "The position of the journal at which the answer holds.", Example(57)]
NEXT = Annotated[str | None, "The cursor of the next page; null at the end.", Example("WzQyXQ")]
NOTHING: Mapping[str, Any] = {}
LEFT_OUT = Annotated[Count, "How many items of its lists are on the pages that follow.", Example(0)]

_meant: dict[str, Any] = {}
"""By component name: the type it was made from, so that no name is used twice."""


def answer_of(question: Question) -> Schema:
    """The schema of a question's answer."""
    result = question.result
    if question.is_list:
        beside = {key: get_args(_hints(ask)["return"])[1] for key, ask in question.beside.items()}
        return list_of(result, beside, as_of=AS_OF)
    more = {"next": NEXT, "left_out": LEFT_OUT} if question.parts else {}
    fields = {"as_of": AS_OF, **_hints(result), **more}
    return _component(f"{_name(result)}Answer", ("answer", result), _said(result), fields)


def list_of(item: Any, beside: Mapping[str, Any] = NOTHING, /, **first: Any) -> Schema:
    """The schema of a list in pages."""
    fields = {**first, "next": NEXT, "items": types.GenericAlias(list, (item,)), **beside}
    return _component(f"{_name(item)}List", ("list", item), "A page of a list.", fields)


def schema_of(hint: Any) -> Schema:
    """The schema of a type."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Annotated, NotRequired):
        return _noted(schema_of(inner[0]), inner[1:])
    if origin in (Union, types.UnionType):
        return _or_null(schema_of(next(one for one in inner if one is not type(None))))
    if origin is list:
        return {"type": "array", "items": schema_of(inner[0])}
    if is_typeddict(hint):
        return _component(_name(hint), hint, _said(hint), _hints(hint))
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(inner[1])}
    return {} if hint is Any else {"type": PLAIN[hint]}


def _component(name: str, meant: Any, description: str, fields: dict[str, Any]) -> Schema:
    assert _meant.setdefault(name, meant) == meant, f"two types are called {name}"
    if name not in COMPONENTS:
        COMPONENTS[name] = {
            "type": "object",
            "description": description,
            "properties": {name: schema_of(hint) for name, hint in fields.items()},
            "required": sorted(n for n, h in fields.items() if get_origin(h) is not NotRequired),
            "additionalProperties": False,
        }
    return {"$ref": f"#/components/schemas/{name}"}


def _name(kind: Any) -> str:
    return str(kind.__name__).removesuffix("Told")


def _said(kind: Any) -> str:
    return getdoc(kind) or ""


def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _noted(schema: Schema, notes: tuple[Any, ...]) -> Schema:
    for note in notes:
        match note:
            case str():
                schema = {**schema, "description": note}
            case Example(value=value):
                schema = {**schema, "examples": [value]}
            case Value():
                schema = {**schema, **_keywords(note)}
    return schema


def _or_null(schema: Schema) -> Schema:
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {"examples": [None], **schema, "type": [schema["type"], "null"]}


def _keywords(value: Value) -> Schema:
    """The JSON Schema keywords of a value type."""
    said: Schema = {"description": value.help} if value.help else {}
    if value.example is not None:
        said["examples"] = [value.example]
    match value:
        case Ref(or_name=False, noun=noun):
            said = {"description": f"The {noun}'s id.".replace("_", " "), "format": "uuid", **said}
        case Word(format=str(form)):
            said["format"] = form
        case Instant():
            said["format"] = "date-time"
        case Number(least=0):
            said["minimum"] = 0
        case Choice(words=words):
            said |= {"enum": list(words), "examples": [words[0]]}
        case Length(items=items):
            said |= {"minItems": items, "maxItems": items}
    return said
