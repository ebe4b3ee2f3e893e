"""Results: the JSON schema of what a question answers, out of its type."""

from __future__ import annotations

import types
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints, is_typeddict

from domain.values import Choice, Example, Length, Number, Ref, Value, Word
from projections.question import Question
from projections.told import Count

Schema = dict[str, Any]

PLAIN = {str: "string", int: "integer", bool: "boolean", dict: "object"}
AS_OF = Annotated[
    Count, "The answer is what was known at this position of the journal.", Example(57)
]
NEXT = Annotated[
    str | None, "The cursor of the part after this one; null at the end.", Example("WzQyXQ")
]


class Results:
    """The schemas of answers, and of the objects in them, by their names."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}
        self._types: dict[str, Any] = {}

    def of(self, question: Question) -> Schema:
        """The schema of what a question answers."""
        result, name = question.result, _name(question.result)
        if question.is_list:
            fields = {"next": NEXT, "items": types.GenericAlias(list, (result,))}
            return self._component(f"{name}List", (name, list), fields)
        return self._component(f"{name}Answer", (name, "answer"), _hints(result))

    def _component(self, name: str, kind: Any, fields: dict[str, Any]) -> Schema:
        schema = self._object({"as_of": AS_OF, **fields})
        return self._named(name, kind, schema)

    def _named(self, name: str, kind: Any, schema: Schema) -> Schema:
        assert self._types.setdefault(name, kind) == kind, f"two types are called {name}"
        self.components[name] = schema
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, fields: dict[str, Any]) -> Schema:
        return {
            "type": "object",
            "properties": {name: self.schema(hint) for name, hint in fields.items()},
            "required": sorted(fields),
            "additionalProperties": False,
        }

    def schema(self, hint: Any) -> Schema:
        """The schema of a type."""
        origin, inner = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self._noted(self.schema(inner[0]), inner[1:])
        if origin in (Union, types.UnionType):
            return _or_null(self.schema(next(one for one in inner if one is not type(None))))
        if origin is list:
            return {"type": "array", "items": self.schema(inner[0])}
        if is_typeddict(hint):
            name = _name(hint)
            return self._named(name, hint, self.components.get(name) or self._object(_hints(hint)))
        return {"type": PLAIN[origin or hint]}

    def _noted(self, schema: Schema, notes: tuple[Any, ...]) -> Schema:
        for note in notes:
            match note:
                case str():
                    schema = {**schema, "description": note}
                case Example(value=value):
                    schema = {**schema, "examples": [value]}
                case Value():
                    schema = {**schema, **_keywords(note)}
        return schema


def _name(kind: Any) -> str:
    return str(kind.__name__).removesuffix("Told")


def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _or_null(schema: Schema) -> Schema:
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    nullable = {"examples": [None], **schema, "type": [schema["type"], "null"]}
    return {**nullable, "enum": [*schema["enum"], None]} if "enum" in schema else nullable


def _keywords(value: Value) -> Schema:
    """What a value type says of a value, in words of JSON Schema."""
    said: Schema = {"description": value.help} if value.help else {}
    if value.example is not None:
        said["examples"] = [value.example]
    match value:
        case Ref():
            said["format"] = "uuid"
        case Word(format=str(form)):
            said["format"] = form
        case Number(least=0):
            said["minimum"] = 0
        case Choice(words=words):
            said |= {"enum": list(words), "examples": [words[0]]}
        case Length(items=items):
            said |= {"minItems": items, "maxItems": items}
    return said
