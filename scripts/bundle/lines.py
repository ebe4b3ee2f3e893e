"""A line of a bundle: what it may say, and the command it asks for.

The one rule: a line is of a documented form, or it is a BadLine that says why.

A line is the body of the POST with a ``type`` (contributor, contribution, remix, credit, release),
or what happened later (``credit.accept``, ``release.publish`` …), or a whole ``fact`` as
``export`` writes it. ``by`` says who acted. Ids may be any text; see Ids.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from domain.permission import OPERATOR
from domain.refusal import Refusal
from domain.sheet import Receipt
from scripts.bundle.shapes import (
    LIST,
    LISTS,
    PARTS,
    PERSON,
    SHAPES,
    WORK,
)

LONGEST_ID = 200

HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair; also what a byte that is not UTF-8 is read as."""

Line = dict[str, Any]


class BadLine(Refusal, listed=False):
    """A line is not of the documented form."""

    code = "bad_line"


class NotRestored(Refusal, listed=False):
    """A whole fact can't be put back: its place is taken, or its texts do not fit it."""

    code = "not_restored"


class Found(NamedTuple):
    """A line with where it stands; ``error`` says why it could not even be read."""

    where: str
    line: Line
    error: str = ""


class Refused(NamedTuple):
    """A line that was not recorded, and why."""

    where: str
    code: str
    reason: str
    line: Line


@dataclass
class Report:
    """What became of a bundle."""

    recorded: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    refused: list[Refused] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """How many lines there were."""
        return self.recorded.total() + self.unchanged.total() + len(self.refused)


class Ids:
    """The ids of a bundle as UUIDs: a UUID stands for itself, any other text for a derived one.

    Derived ids (version 5) depend on the namespace, on what they name (a person, a work, a remix,
    a credit) and on the text; so the same bundle always means the same things.
    """

    def __init__(self, namespace: str) -> None:
        root = uuid5(NAMESPACE_URL, f"stemma:bundle:{namespace}")

        @lru_cache(maxsize=200_000)
        def named(kind: str, text: str) -> str:
            try:
                return str(UUID(text))
            except ValueError:
                return str(uuid5(root, f"{kind}/{text}"))

        self.named = named
        self._seen: Counter[str] = Counter()

    def of_line(self, kind: str, line: Line) -> str:
        """The id of a line that states none: its content, and how often it came before."""
        content = json.dumps(line, sort_keys=True, ensure_ascii=False)
        self._seen[content] += 1
        return self.named(kind, f"{content}#{self._seen[content]}")


class Step(NamedTuple):
    """A line ready to be carried out: the command, its arguments, and the ids it touches."""

    command: Callable[..., Receipt]
    arguments: dict[str, Any]
    touched: list[str]


def step_of(line: Line, ids: Ids, *, derive: bool = True) -> Step:
    """The command a line asks for; BadLine if it is not of the documented form.

    A birth without an id gets a derived one, so that importing it twice changes nothing; or,
    if ``derive`` is false, a random one.
    """
    kind = line.get("type")
    shape = SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None:
        raise BadLine(f"there is no type of line “{kind}”")
    touched: list[str] = []
    content = {name: value for name, value in line.items() if name not in ("type", "by")}
    arguments = _fields(content, shape.needed, shape.optional, ids, touched)
    own = "credit" if kind == "work.claim" else "id"
    if derive and shape.makes and own not in arguments:
        arguments[own] = ids.of_line(shape.makes, line)
        touched.append(arguments[own])
    if kind == "contribution":
        arguments.setdefault("authors", [])
    by = line.get("by") or OPERATOR
    arguments["actor"] = OPERATOR if by == OPERATOR else ids.named(PERSON, _id("by", by))
    if arguments["actor"] != OPERATOR:
        touched.append(arguments["actor"])
    return Step(shape.command, arguments, touched)


def _fields(
    content: Mapping[str, Any],
    needed: Mapping[str, str],
    optional: Mapping[str, str],
    ids: Ids,
    touched: list[str],
) -> dict[str, Any]:
    for name in needed:
        if content.get(name) is None:
            raise BadLine(f"the field “{name}” is missing")
    found: dict[str, Any] = {}
    for name, value in content.items():
        if value is None:
            continue
        kind = needed.get(name) or optional.get(name)
        if kind is None:
            raise BadLine(f"there is no field “{name}” in this type of line")
        if kind == LIST:
            if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
                raise BadLine(f"“{name}” must be a list of objects")
            found[name] = [_fields(part, *PARTS[name], ids, touched) for part in value]
        elif kind in LISTS:
            if not isinstance(value, list):
                raise BadLine(f"“{name}” must be a list")
            found[name] = [_value(LISTS[kind], name, each, ids, touched) for each in value]
        else:
            found[name] = _value(kind, name, value, ids, touched)
    return found


def _value(kind: str, name: str, value: object, ids: Ids, touched: list[str]) -> Any:
    """What a field of a kind says."""
    match kind:
        case "text":
            return _text(name, value)
        case "number":
            return _number(name, value)
        case "object" if not isinstance(value, dict):
            raise BadLine(f"“{name}” must be an object")
        case "json" | "object":
            return _resolved(PERSON, value, ids, touched)
        case "payee":
            return _mentioned(PERSON, _text(name, value), ids, touched)
        case "piece":
            return _mentioned(WORK, _text(name, value), ids, touched)
    named = ids.named(kind, _id(name, value))
    touched.append(named)
    return named


def _number(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadLine(f"“{name}” must be a whole number")
    return value


def _resolved(kind: str, value: Any, ids: Ids, touched: list[str]) -> Any:
    """A JSON value in which “@text” stands for a person, or for a work where assets are named."""
    match value:
        case str():
            return _mentioned(kind, value, ids, touched)
        case list():
            return [_resolved(kind, each, ids, touched) for each in value]
        case dict():
            return {
                name: _resolved(WORK if name in _OF_WORKS else PERSON, each, ids, touched)
                for name, each in value.items()
            }
    return value


_OF_WORKS = ("asset", "within", "root", "over")


def _mentioned(kind: str, text: str, ids: Ids, touched: list[str]) -> str:
    if not text.startswith("@"):
        return text
    named = ids.named(kind, _id("@", text[1:]))
    touched.append(named)
    return named


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadLine(f"“{name}” must be a text")
    if HALF.search(value):
        raise BadLine(f"“{name}” holds half of a surrogate pair, which can't be kept")
    return value


def _id(name: str, value: object) -> str:
    text = _text(name, value)
    if not 1 <= len(text) <= LONGEST_ID or "|" in text or text.split() != [text]:
        raise BadLine(
            f"“{name}” must be an id: 1 to {LONGEST_ID} characters, no space and no “|” in it"
        )
    return text
