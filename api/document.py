"""The OpenAPI document, generated from the routes and the table of problems.

It contains only what the running code states, so it cannot go stale.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from functools import cache
from threading import Lock
from typing import Annotated, Any

from flask import Flask
from flask_smorest import Api, Blueprint
from werkzeug.routing import UUIDConverter

from api.addresses import (
    CONVERTERS,
    IdConverter,
    KeyConverter,
    PayeeConverter,
    RuleOnDemand,
)
from api.operations import CODES, HEADERS
from api.problems import MEDIA_TYPE, MOST_ERRORS, PROBLEMS
from api.results import COMPONENTS
from api.routes import Routes
from domain import values
from domain.value import LARGEST_POSITION, Choice, Ref, Word

ALIAS = type(Annotated[str, "A type with notes."])
TITLE = "Stemma"
VERSION = "0.1.0"
DESCRIPTION = (
    "Who made what from what, and who contributed to a release: contributions, remixes and "
    "credits, recorded as facts for ever. An amount (`…_minor`) is in the smallest units of its "
    "currency; a share or a rate is exact text, such as `1/3`; a time is in UTC. Whatever is "
    "refused is answered with a problem and its code (RFC 9457). Besides those that an "
    "operation lists, these are `not_found` for an unknown address, `method_not_allowed`, "
    "`bad_request` for what is not valid HTTP and, from a proxy, `address_too_long`, "
    "`headers_too_large` and `unreachable`. Without the proxy, some of what is not valid HTTP "
    "gets a 400, 414 or 431 without a body."
)
PROBLEM = {
    "type": "object",
    "description": "A request that was not carried out (RFC 9457). Some carry further members: "
    "what the detail tells, by name, such as the “cycle” of `lineage_cycle`.",
    "required": ["type", "title", "status", "detail", "code"],
    "additionalProperties": {},
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "examples": ["/docs#problem-missing_field"],
            "description": "Where the code is explained.",
        },
        "title": {
            "type": "string",
            "examples": ["A required field or parameter is missing."],
            "description": "What the code means.",
        },
        "status": {
            "type": "integer",
            "minimum": 400,
            "maximum": 599,
            "examples": [422],
            "description": "The status of the answer.",
        },
        "detail": {
            "type": "string",
            "examples": ["title: This is required."],
            "description": "What is wrong with this request, for people to read.",
        },
        "code": {"$ref": "#/components/schemas/ProblemCode"},
        "instance": {
            "type": "string",
            "format": "uri",
            "examples": ["urn:stemma:request:0f0e8e6b7a3b4f0b9c552a8e9d0b9c11"],
            "description": "This occurrence, by the X-Request-Id of the answer: it is in the logs.",
        },
        "errors": {
            "type": "array",
            "description": "What is wrong with each field or parameter, the first 20.",
            "maxItems": MOST_ERRORS,
            "items": {"$ref": "#/components/schemas/ProblemError"},
        },
        "further_errors": {
            "type": "integer",
            "minimum": 1,
            "description": "How many more errors there are.",
        },
    },
}
PROBLEM_ERROR = {
    "type": "object",
    "description": "What is wrong with one field or parameter.",
    "required": ["code", "detail"],
    "properties": {
        "pointer": {
            "type": "string",
            "examples": ["#/title"],
            "description": "A JSON pointer (RFC 6901) into the body.",
        },
        "parameter": {
            "type": "string",
            "examples": ["as_of"],
            "description": "A parameter of the path or of the query.",
        },
        "code": {"$ref": "#/components/schemas/ProblemCode"},
        "detail": {
            "type": "string",
            "examples": ["This is required."],
            "description": "What is wrong with it, for people to read.",
        },
    },
}
PROBLEM_CODE = {
    "type": "string",
    "enum": sorted(PROBLEMS),
    "examples": ["missing_field"],
    "description": "Stable; the member that a program should check. Which codes an operation may "
    f"answer with is said of its answers ({CODES}).",
}

EXAMPLE_IDS = {
    value.noun: value.example
    for alias in vars(values).values()
    for value in getattr(alias, "__metadata__", ())
    if isinstance(value, Ref)
}
IN_PATH = {
    "tile": ("0/000.p/1", "The level and the number of a tile, and its width if it is partial."),
    "bundle": ("000.p/1", "The number of a bundle, and its width if it is partial."),
    "position": (1, "A position of the journal."),
    "subject": (values.SONG, "The id of what facts are about, such as a work or a person."),
    "size": (1, "The number of facts in the tree."),
    "key": ("22a6266a91c4", "The key's id, as lists show it."),
    "id": ("6a0f6b0e-0d9e-4b8f-9a2e-4a7f5d1c2b3a", "The webhook's id."),
    "idempotency_key": (values.EDGE, "The idempotency key under which it was sent."),
}
"""By name: an example of a parameter in a path that is no id of a noun, and what it means."""
PAYEE_IN_PATH = {
    "type": "string",
    "minLength": 1,
    "examples": [values.BEN],
    "description": "A contributor's id, “work/…” with a work's id, or a name.",
}


class OpenApi(dict[str, Any]):
    """An OpenAPI document, by which what is made from it is remembered."""

    __hash__ = object.__hash__  # type: ignore[assignment]


_MADE: dict[Hashable, OpenApi] = {}
_MAKING = Lock()


def document_of(nouns: Collection[Routes]) -> OpenApi:
    """The OpenAPI document that describes the routes.

    It takes longer than all else that an application needs, so it is made when it is asked for, and
    once in a process for all communities that have the same routes.
    """
    key = frozenset((one.method, one.path, one.public) for each in nouns for one in each.declared)
    with _MAKING:
        if key not in _MADE:
            _MADE[key] = _made(nouns)
        return _MADE[key]


def _made(nouns: Collection[Routes]) -> OpenApi:
    """Made by an application of its own: one that has answered already takes no more routes."""
    app = Flask(__name__)
    app.url_rule_class = RuleOnDemand
    app.config |= {"API_TITLE": TITLE, "API_VERSION": VERSION, "OPENAPI_VERSION": "3.1.0"}
    described = [_documented(routes) for routes in nouns]  # which names the components, too
    api = _api(app)
    for blueprint in described:
        api.register_blueprint(blueprint)
    plain = json.loads(json.dumps(api.spec.to_dict()))
    document: dict[str, Any] = _rewritten(plain, _for_generators)
    for unused in ("Error", "PaginationMetadata"):
        del document["components"]["schemas"][unused]
    document["paths"] = merged(document["paths"])
    document = _with_names(document)
    for _, _, operation in operations(document):
        _give_examples(operation, document)
    for item in document["paths"].values():
        for parameter in item.get("parameters", ()):
            _describe(parameter)
    return OpenApi(document)


def _documented(routes: Routes) -> Blueprint:
    """The routes of one noun with their documentation."""
    blueprint = Blueprint(routes.noun, __name__, description=routes.description)
    for route in routes.declared:
        doc = route.doc() | {"operationId": route.name} | ({"security": []} if route.public else {})
        view = blueprint.doc(**doc)(route.view)
        blueprint.add_url_rule(route.path, route.name, view, methods=[route.method])
    return blueprint


def _api(app: Flask) -> Api:
    """The document without its routes."""
    app.url_map.converters |= CONVERTERS
    api = Api(
        app,
        spec_kwargs={
            "info": {"description": DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
            "security": [{"key": []}],
        },
    )
    # Every problem that a route can return is documented with it; there is no default one.
    api.DEFAULT_ERROR_RESPONSE_NAME = None
    api.register_converter(IdConverter, _path_id)
    api.register_converter(PayeeConverter, lambda _: PAYEE_IN_PATH)
    api.register_converter(KeyConverter, lambda _: {"type": "string", "minLength": 1})
    api.register_converter(UUIDConverter, lambda _: {"type": "string", "format": "uuid"})
    api.spec.components.schema("ProblemError", PROBLEM_ERROR)
    api.spec.components.schema("Problem", PROBLEM)
    api.spec.components.schema("ProblemCode", PROBLEM_CODE)
    for name, schema in COMPONENTS.items():
        api.spec.components.schema(name, schema)
    for name, header in HEADERS.items():
        api.spec.components.header(name, header)
    api.spec.components.security_scheme(
        "key",
        {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key; it decides who acts. `stemma key create` makes one.",
        },
    )
    return api


def _rewritten(value: Any, rewrite: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """The same JSON with every object rewritten, the inner ones first."""
    if isinstance(value, list):
        return [_rewritten(item, rewrite) for item in value]
    if not isinstance(value, dict):
        return value
    return rewrite({name: _rewritten(item, rewrite) for name, item in value.items()})


def _for_generators(said: dict[str, Any]) -> dict[str, Any]:
    """An object as generators of clients need it.

    “One of these words, or null” are alternatives, of which they make one type. A whole number has
    a format unless it fits into 32 bits, to which clients in Go, Java or C# would cut it.
    """
    if "enum" in said and "null" in said["type"]:
        words = {"type": said.pop("type")[0], "enum": said.pop("enum")}
        said["anyOf"] = [words, {"type": "null"}]
    if "integer" in said.get("type", ()) and said.get("maximum", LARGEST_POSITION) >= 1 << 31:
        said["format"] = "int64"
    return said


def _with_names(document: dict[str, Any]) -> dict[str, Any]:
    """The document with a component for every list of words that has a name."""
    names, components = _names(), dict[str, Any]()

    def named(said: dict[str, Any]) -> dict[str, Any]:
        words = said.get("enum")
        if words is None or (name := names.get(tuple(words))) is None:
            return said
        components[name] = {"type": said.pop("type"), "enum": said.pop("enum")}
        return {"$ref": f"#/components/schemas/{name}", **said}

    said: dict[str, Any] = _rewritten(document, named)
    schemas = said["components"]["schemas"]
    assert not schemas.keys() & components.keys(), schemas.keys() & components.keys()
    schemas |= components
    return said


@cache
def _names() -> dict[tuple[str, ...], str]:
    """By words: the name of the type that allows only these, in the code, which clients get, too.

    A type of values that can be sent comes before one that only answers have.
    """
    names = dict[tuple[str, ...], str]()
    answers = sorted(name for name in sys.modules if name.startswith(("projections.", "api.")))
    for module in map(sys.modules.__getitem__, (values.__name__, *answers)):
        aliases = [one for one in vars(module).items() if type(one[1]) is ALIAS]
        for name, alias in aliases:
            for value in alias.__metadata__:
                match value:
                    case Choice(words=words) | Word(choices=words) if words:
                        names.setdefault(tuple(words), name)
    return {words: name for words, name in names.items() if len(words) > 1}


def merged(paths: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same paths, one for each shape: two that differ only in names are one (OpenAPI 3.1).

    A command's names stand, because a signature covers its fields by name.
    """
    found: dict[str, str] = {}
    made: dict[str, dict[str, Any]] = {}
    for path in sorted(paths, key=lambda path: "post" not in paths[path]):
        template = found.setdefault(_NAME.sub("{}", path), path)
        made[template] = {**paths[path], **made.get(template, {})}
    return {path: made[path] for path in paths if path in made}


_NAME = re.compile(r"\{[^}]*\}")


def _path_id(converter: IdConverter) -> dict[str, Any]:
    return _id_of(converter.noun)


def _id_of(noun: str) -> dict[str, Any]:
    said = {"description": f"The {noun}'s id.", "examples": [EXAMPLE_IDS[noun]]}
    return {"type": "string", "format": "uuid", **said}


def _describe(parameter: dict[str, Any]) -> None:
    """Say what a parameter of a path means, beside it and not in its schema, with an example."""
    schema = parameter["schema"]
    if "description" not in schema:
        example, schema["description"] = IN_PATH[parameter["name"]]
        schema["examples"] = [example]
    parameter["description"] = schema.pop("description")


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
    """An example of a schema, composed from the examples of its fields."""
    schema = resolved(schema, document)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "boolean":
            return False
        case "integer":
            return schema.get("minimum", 0)
        case "array" | ["array", _]:
            return [example(schema["items"], document)]
    needed = schema.get("required", ())
    return {
        name: example(field, document)
        for name, field in schema.get("properties", {}).items()
        if name in needed or _can_be_shown(resolved(field, document))
    }


def _can_be_shown(schema: Mapping[str, Any]) -> bool:
    return "examples" in schema or "properties" in schema or "items" in schema


def resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with its references resolved; of a nullable one, the other alternative."""
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
