"""The OpenAPI document and the page for people, both out of the routes and the table of problems.

The one rule: nothing is said here that is not taken from what runs; so it cannot go stale.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from flask import Flask
from flask_smorest import Api

from api.answers.examples import (
    ALBUM,
    BATCH,
    BEN,
    DIVISION,
    EDGE,
    EXPENSE,
    LINE,
    PAYOUT,
    POOL,
    PROPOSAL,
    REVENUE,
    SONG,
)
from api.fields import LARGEST_POSITION
from api.problems import MEDIA_TYPE
from api.routes import IdConverter, Routes

TITLE = "Stemma"
VERSION = "0.1.0"
DESCRIPTION = (
    "Who made what from what, and who contributed to a finished work: contributions, remixes and "
    "credits, recorded as facts for ever."
)
EXAMPLE_IDS = {
    "contributor": BEN,
    "contribution": SONG,
    "work": SONG,
    "release": ALBUM,
    "remix": EDGE,
    "credit": LINE,
    "pool": POOL,
    "proposal": PROPOSAL,
    "revenue": REVENUE,
    "expense": EXPENSE,
    "division": DIVISION,
    "batch": BATCH,
    "payout": PAYOUT,
}

PROBLEM = {
    "type": "object",
    "description": "A request that was not carried out (RFC 9457); some carry further members.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "examples": ["/docs#problem-missing_field"],
            "description": "Where the code is explained.",
        },
        "title": {
            "type": "string",
            "examples": ["A field or parameter that is needed is not there."],
        },
        "status": {"type": "integer", "minimum": 400, "maximum": 599, "examples": [422]},
        "detail": {"type": "string", "examples": ["title: This is needed."]},
        "code": {
            "type": "string",
            "examples": ["missing_field"],
            "description": "Stable; what a program should look at.",
        },
        "errors": {
            "type": "array",
            "description": "What is wrong with each field or parameter.",
            "items": {
                "type": "object",
                "required": ["code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "examples": ["#/title"]},
                    "parameter": {"type": "string"},
                    "code": {"type": "string", "examples": ["missing_field"]},
                    "detail": {"type": "string", "examples": ["This is needed."]},
                },
            },
        },
    },
}


PATH_EXAMPLES = {
    **{"tile": "0/000.p/1", "bundle": "000.p/1", "position": 1, "size": 1},
    "payee": BEN,
}
"""What stands in a path where no id does."""


def register(app: Flask, nouns: Iterable[Routes]) -> dict[str, Any]:
    """Put the routes into the application; the OpenAPI document that describes them."""
    app.config |= {
        "API_TITLE": TITLE,
        "API_VERSION": VERSION,
        "OPENAPI_VERSION": "3.1.0",
    }
    app.url_map.converters["id"] = IdConverter
    api = Api(
        app,
        spec_kwargs={
            "info": {"description": DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
            "security": [{"key": []}],
            "servers": [{"url": "/"}],
        },
    )
    # Every problem a route can answer is documented with it; there is no unforeseen one.
    api.DEFAULT_ERROR_RESPONSE_NAME = None
    api.register_converter(IdConverter, _path_id)
    api.spec.components.schema("Problem", PROBLEM)
    api.spec.components.security_scheme(
        "key",
        {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key; it decides who acts. `stemma key create` makes one.",
        },
    )
    for routes in nouns:
        api.register_blueprint(routes.blueprint)
    document: dict[str, Any] = json.loads(json.dumps(api.spec.to_dict()))
    for _, path, operation in operations(document):
        _give_examples(operation, document)
        for parameter in document["paths"][path].get("parameters", []):
            parameter["schema"].setdefault("examples", [PATH_EXAMPLES.get(parameter["name"])])
    return document


def _path_id(converter: IdConverter) -> dict[str, Any]:
    return {"type": "string", "format": "uuid", "examples": [EXAMPLE_IDS[converter.noun]]}


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation with its method and path."""
    for path, item in document["paths"].items():
        for method in ("get", "post"):
            if method in item:
                yield method, path, item[method]


def _give_examples(operation: dict[str, Any], document: Mapping[str, Any]) -> None:
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for body in bodies:
        for media_type, content in body.get("content", {}).items():
            if media_type != MEDIA_TYPE and "example" not in content:
                content["example"] = example(content["schema"], document)


def example(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    """A value of a schema, put together from the examples of its fields."""
    schema = resolved(schema, document)
    if "examples" in schema:
        return schema["examples"][0]
    if "array" in schema.get("type", ()):
        return [example(schema["items"], document)]
    return {
        name: example(field, document)
        for name, field in schema.get("properties", {}).items()
        if _can_be_shown(resolved(field, document))
    }


def _can_be_shown(schema: Mapping[str, Any]) -> bool:
    return "examples" in schema or "properties" in schema or "items" in schema


def resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with what it refers to in its place; of what may be null, the other side."""
    if "$ref" in schema:
        target: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return resolved({**target, **{k: v for k, v in schema.items() if k != "$ref"}}, document)
    for word in ("allOf", "anyOf", "oneOf"):
        if word in schema:
            sides = [side for side in schema[word] if side.get("type") != "null"]
            rest = {name: value for name, value in schema.items() if name != word}
            return resolved({**sides[0], **rest}, document)
    return schema


# -- the page for people -------------------------------------------------------------------


class Field(NamedTuple):
    """One line of a table of fields or parameters."""

    name: str
    type: str
    required: bool
    description: str


class Told(NamedTuple):
    """One operation, as the page tells it."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    public: bool
    parameters: list[Field]
    fields: list[Field]
    body: str | None
    curl: str
    status: str
    answer: str
    also: list[str]
    problems: list[str]


def chapters(document: Mapping[str, Any]) -> list[tuple[str, str, list[Told]]]:
    """The operations by noun, each noun with its description."""
    by_noun: dict[str, list[Told]] = {}
    for method, path, operation in operations(document):
        by_noun.setdefault(operation["tags"][0], []).append(
            _tell(method, path, operation, document)
        )
    return [(tag["name"], tag["description"], by_noun[tag["name"]]) for tag in document["tags"]]


def _tell(
    method: str, path: str, operation: Mapping[str, Any], document: Mapping[str, Any]
) -> Told:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    body = content["example"] if content else None
    status = min(operation["responses"])
    (_, told), *others = operation["responses"][status]["content"].items()
    answer, also = told["example"], [media_type for media_type, _ in others]
    codes = {
        code
        for response in operation["responses"].values()
        if (problem := response["content"].get(MEDIA_TYPE))
        for code in problem["schema"]["allOf"][1]["properties"]["code"]["enum"]
    }
    return Told(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        public=operation.get("security") == [],
        parameters=[
            _field(parameter["name"], parameter, parameter["schema"], document)
            for parameter in operation.get("parameters", [])
            if parameter["in"] in {"query", "header"}
        ],
        fields=list(_fields(content["schema"], document)) if content else [],
        body=_pretty(body) if body else None,
        curl=_curl(method, path, operation, document, body),
        status=status,
        answer=answer if isinstance(answer, str) else _pretty(answer),
        also=also,
        problems=sorted(codes),
    )


def _fields(
    schema: Mapping[str, Any], document: Mapping[str, Any], prefix: str = ""
) -> Iterator[Field]:
    """The fields of a body, those of inner objects below their list."""
    whole = resolved(schema, document)
    for name, inner in whole.get("properties", {}).items():
        field = resolved(inner, document)
        said = {**field, "required": name in whole.get("required", [])}
        yield _field(prefix + name, said, field, document)
        if field.get("type") == "array":
            yield from _fields(field["items"], document, f"{prefix}{name}[].")


def _field(
    name: str, said: Mapping[str, Any], schema: Mapping[str, Any], document: Mapping[str, Any]
) -> Field:
    schema = resolved(schema, document)
    return Field(name, _type(schema), bool(said.get("required")), _description(said, schema))


def _type(schema: Mapping[str, Any]) -> str:
    types = schema.get("type", "any")
    word = next(one for one in types if one != "null") if isinstance(types, list) else types
    plain = {
        "string": "text",
        "array": "list",
        "integer": "whole number",
        "boolean": "true or false",
    }
    if schema.get("format") == "uuid":
        return "id"
    if "enum" in schema:
        return " or ".join(filter(None, schema["enum"]))
    return plain.get(str(word), str(word))


def _description(said: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    limits = []
    if "maxLength" in schema and schema.get("format") != "uuid":
        limits.append(f"At most {schema['maxLength']:,} characters.")
    if "maximum" in schema and schema["maximum"] < LARGEST_POSITION:
        limits.append(f"From {schema.get('minimum', 0)} to {schema['maximum']}.")
    return " ".join(filter(None, (said.get("description", ""), *limits)))


def _curl(
    method: str,
    path: str,
    operation: Mapping[str, Any],
    document: Mapping[str, Any],
    body: Any,
) -> str:
    """The command that tries it; ORIGIN stands for where the service is."""
    parameters = [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]
    for parameter in parameters:
        if parameter["in"] == "path":
            shown = parameter["schema"]["examples"][0]
            path = path.replace(f"{{{parameter['name']}}}", str(shown))
    parts = ["curl"]
    if operation.get("security") != []:
        parts.append('-H "Authorization: Bearer $STEMMA_KEY"')
    if body:
        parts.append("-H 'Content-Type: application/json'")
        parts.append("-d " + shlex.quote(json.dumps(body, ensure_ascii=False)))
    elif method == "post":
        parts.append("-X POST")
    return " ".join((*parts, f"ORIGIN{path}"))


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
