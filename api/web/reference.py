"""The HTTP reference: the operations of the OpenAPI document in chapters, with curl commands.

Everything in it is derived from the document, so it cannot go stale.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

from api.document import operations, resolved
from api.operations import CODES
from api.web.guides import holds

WIDTH = 76
"""The width of a line in examples."""
ANY_NUMBER = 10**9
"""From this limit on, a limit is not worth mentioning."""
T = TypeVar("T")
USUAL = 0.65
"""What more than this part of all questions (or of all writes) share is described only once."""


class Field(NamedTuple):
    """One line of a table of fields or parameters."""

    name: str
    type: str
    required: bool
    description: str


class Operation(NamedTuple):
    """An operation of the API, described for a chapter."""

    chapter: str
    name: str
    method: str
    path: str
    summary: str
    description: str
    public: bool
    parameters: list[Field]
    fields: list[Field]
    curl: str
    status: str
    answer: str
    also: list[str]
    problems: list[str]

    @property
    def address(self) -> str:
        """Its address within the documentation."""
        return f"{self.chapter}#{self.name}"

    def is_meant(self, q: str) -> bool:
        """Whether its description contains every word of a search."""
        names = (field.name for field in (*self.parameters, *self.fields))
        told = (self.method, self.path, self.name, self.summary, self.description)
        return holds(q, self.chapter, *told, *names, *self.problems)


class Chapter(NamedTuple):
    """A noun, and what can be done with it."""

    name: str
    description: str
    operations: list[Operation]


@dataclass(frozen=True)
class Reference:
    """All chapters, and what most operations share."""

    chapters: dict[str, Chapter]
    usual: dict[str, list[str]]
    """By method: the problems that most questions (GET) or most writes (POST) can return."""
    taken: dict[str, list[Field]]
    """By method: the parameters that most of them take."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Reference:
        """The reference derived from an OpenAPI document."""
        told = [_tell(*one, document) for one in operations(document)]
        chapters = {
            tag["name"]: Chapter(
                tag["name"],
                tag["description"],
                [one for one in told if one.chapter == tag["name"]],
            )
            for tag in document["tags"]
        }
        by_method = {
            method: [one for one in told if one.method == method] for method in ("GET", "POST")
        }
        return cls(
            chapters,
            {method: _usual([o.problems for o in ops]) for method, ops in by_method.items()},
            {method: _usual([o.parameters for o in ops]) for method, ops in by_method.items()},
        )

    @property
    def operations(self) -> list[Operation]:
        """Every operation, chapter by chapter."""
        return [one for chapter in self.chapters.values() for one in chapter.operations]

    def is_usual(self, operation: Operation) -> bool:
        """Whether an operation can return all the usual problems, and so need not list them."""
        return set(self.usual[operation.method]) <= set(operation.problems)

    def own_problems(self, operation: Operation) -> list[str]:
        """The problems of an operation to list: without the usual ones, if it has them all."""
        left_out = self.usual[operation.method] if self.is_usual(operation) else []
        return [code for code in operation.problems if code not in left_out]

    def own_parameters(self, operation: Operation) -> list[Field]:
        """The parameters of an operation besides the usual ones."""
        return [one for one in operation.parameters if one not in self.taken[operation.method]]

    def usual_parameters(self, operation: Operation) -> list[Field]:
        """The usual parameters that an operation takes."""
        return [one for one in operation.parameters if one in self.taken[operation.method]]

    def that_answer(self, code: str) -> list[Operation]:
        """The operations that list a problem as their own."""
        return [one for one in self.operations if code in self.own_problems(one)]


def _usual(told: list[list[T]]) -> list[T]:
    """The items that more than ``USUAL`` of the lists contain, in order of appearance."""
    counts = Counter(one for each in told for one in each)
    return [one for one, count in counts.items() if count > USUAL * len(told)]


def _tell(
    method: str, path: str, operation: Mapping[str, Any], document: Mapping[str, Any]
) -> Operation:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    status = min(operation["responses"])
    (_, told), *others = operation["responses"][status]["content"].items()
    answer, also = told["example"], [media_type for media_type, _ in others]
    codes = {
        code for response in operation["responses"].values() for code in response.get(CODES, ())
    }
    return Operation(
        chapter=operation["tags"][0],
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
        curl=_curl(method, path, operation, document, content["example"] if content else None),
        status=status,
        answer=answer if isinstance(answer, str) else pretty(answer),
        also=also,
        problems=sorted(codes),
    )


def _fields(
    schema: Mapping[str, Any], document: Mapping[str, Any], prefix: str = ""
) -> Iterator[Field]:
    """The fields of a body, including those of objects in it, as ``sources[].rate``."""
    whole = resolved(schema, document)
    for name, inner in whole.get("properties", {}).items():
        field = resolved(inner, document)
        said = {**field, "required": name in whole.get("required", [])}
        yield _field(prefix + name, said, field, document)
        if field.get("type") == "array":
            yield from _fields(field["items"], document, f"{prefix}{name}[].")
        else:
            yield from _fields(field, document, f"{prefix}{name}.")


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
    if "maximum" in schema and schema["maximum"] < ANY_NUMBER:
        limits.append(f"From {schema.get('minimum', 0)} to {schema['maximum']:,}.")
    return " ".join(filter(None, (said.get("description", ""), *limits)))


def _curl(
    method: str,
    path: str,
    operation: Mapping[str, Any],
    document: Mapping[str, Any],
    body: Any,
) -> str:
    """A curl command that tries an operation; ORIGIN stands for the address of the service."""
    parameters = [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]
    for parameter in parameters:
        if parameter["in"] == "path":
            shown = parameter["schema"]["examples"][0]
            path = path.replace(f"{{{parameter['name']}}}", str(shown))
    asked = {
        parameter["name"]: parameter["schema"]["examples"][0]
        for parameter in parameters
        if parameter["in"] == "query" and parameter.get("required")
    }
    address = f"ORIGIN{path}?{urlencode(asked)}" if asked else f"ORIGIN{path}"
    parts = []
    if operation.get("security") != []:
        parts.append('-H "Authorization: Bearer $STEMMA_KEY"')
    if "text/plain" in operation.get("requestBody", {}).get("content", {}):
        parts.append("-H 'Content-Type: text/plain' --data-binary @FILE")
    elif body:
        parts.append("-H 'Content-Type: application/json'")
        parts.append("-d " + shlex.quote(pretty(body)))
    elif method == "post":
        parts.append("-X POST")
    parts.append(shlex.quote(address))
    between = " " if sum(map(len, parts)) <= WIDTH else " \\\n  "
    return f"curl {between.join(parts)}"


def pretty(value: Any, indent: int = 0) -> str:
    """A value as JSON, broken into lines only where one would be too long."""
    said = json.dumps(value, ensure_ascii=False)
    if len(said) <= WIDTH - indent or not value or not isinstance(value, (dict, list)):
        return said
    begin, end = "{}" if isinstance(value, dict) else "[]"
    inner = (
        [f"{json.dumps(key)}: {pretty(one, indent + 2)}" for key, one in value.items()]
        if isinstance(value, dict)
        else [pretty(one, indent + 2) for one in value]
    )
    lines = ",\n".join(" " * (indent + 2) + line for line in inner)
    return f"{begin}\n{lines}\n{' ' * indent}{end}"
