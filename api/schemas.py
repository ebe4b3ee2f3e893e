"""The JSON schemas of what is sent: of bodies and their fields, and the parameters of queries."""

from __future__ import annotations

from typing import Any

from api.results import COMPONENTS, Schema, component
from api.shapes import Shape, longest, may_be_null, of_record
from domain.command import Field
from domain.values import (
    Choice,
    Flag,
    Json,
    Many,
    NewId,
    Number,
    Ref,
    Several,
    Value,
    Word,
)
from projections.question import wire_name


def schema_of_body(shape: Shape) -> Schema:
    """The schema of an object, which stands among the components of the document."""
    if shape.name not in COMPONENTS:
        properties = {wire_name(one): _of_field(one) for one in shape.fields}
        needed = [wire_name(one) for one in shape.fields if one.is_needed]
        component(shape.name, properties, needed)
    return {"$ref": f"#/components/schemas/{shape.name}"}


def parameters_of(query: Shape) -> list[dict[str, Any]]:
    """The parameters of a query."""
    return [_parameter(one) for one in query.fields]


def _parameter(one: Field) -> dict[str, Any]:
    schema = _of_value(one.value)
    if isinstance(one.value, Number):
        schema.pop("examples", None)
    said = {"description": schema.pop("description")} if "description" in schema else {}
    return {
        "in": "query",
        "name": wire_name(one),
        **said,
        "schema": schema,
        "required": one.is_needed,
    }


def _of_field(one: Field) -> Schema:
    schema = _of_value(one.value)
    return (
        {**schema, "type": [schema["type"], "null"]} if may_be_null(one, is_query=False) else schema
    )


def _of_value(value: Value) -> Schema:
    schema: Schema = {"type": "string"}
    match value:
        case Many(inner=inner):
            schema = {"type": "array", "maxItems": value.most, "items": _of_value(inner)}
        case Several(record=record):
            items = schema_of_body(of_record(record))
            schema = {"type": "array", "maxItems": value.most, "items": items}
        case Number():
            schema = {"type": "integer", "minimum": value.least, "maximum": value.most}
        case Json():
            schema = {"type": "object", "additionalProperties": {}}
        case Flag():
            schema = {"type": "boolean"}
        case Choice(words=words):
            schema["enum"] = list(words)
        case _ if (limit := longest(value)) is not None:
            schema |= {"maxLength": limit, "minLength": 1}
    match value:
        case Ref() | NewId():
            schema |= {"format": "uuid", "minLength": 32}
        case Word(format=str(form)):
            schema["format"] = form
    if value.help:
        schema["description"] = value.help
    if value.example is not None:
        is_list = isinstance(value, Many) and not isinstance(value.example, list)
        schema["examples"] = [[value.example] if is_list else value.example]
    return schema
