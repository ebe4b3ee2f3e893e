"""A line of a bundle: its fields, and the command it stands for.

The one rule: a line either has the documented form or raises a BadLine that says why not.

The ``type`` of a line is the name of a command, whose other fields it holds: one that creates
something (contributor, contribution, remix …) or changes it (``credit.accept``, ``release.publish``
…); or it is ``fact``, for a whole fact as ``export`` writes it. ``by`` says who acted, and
``idempotency_key`` identifies this one request. An id may be any text (see Ids).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from domain.command import COMMANDS, Command, Record
from domain.identity import ID, named_id
from domain.permission import BOOKS, OPERATOR
from domain.refusal import Refusal
from domain.value import Json, Many, NewId, Number, Payee, Piece, Ref, Several, Text, Value, Word

LONGEST_ID = 200
KEY = "idempotency_key"
OF_ANY_LINE = ("type", "by", KEY)
"""Fields that any line with a command may have, besides those of its command."""
CALLED = {
    **{"contributor": "person", "contribution": "work", "release": "work"},
    "entry": "revenue",
}
"""By noun: the kind from which ids are derived instead. All works share one namespace, and a
division is named by its revenue."""

SHORTEST_UUID = 32
REMEMBERED = 200_000
"""The most ids of a bundle that are cached, for speed and for messages."""
MOST_COMPARED, COMPARED = 20, 5_000
"""For the first MOST_COMPARED unknown ids, similar ones among COMPARED are suggested."""
HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, as which an invalid byte of UTF-8 is read."""

Line = dict[str, Any]


class BadLine(Refusal, says="{reason}", listed=False):
    """A line does not have the documented form."""


class NotRestored(Refusal, says="{reason}", listed=False):
    """A whole fact can't be restored: its place is taken, or its texts do not match it."""


class FoundLine(NamedTuple):
    """A line and its place; ``error`` says why it could not be read."""

    where: str
    line: Line
    error: str = ""


class RefusedLine(NamedTuple):
    """A line that was not recorded, and why."""

    where: str
    code: str
    reason: str
    line: Line


class WarnedLine(NamedTuple):
    """A line that was recorded but may be a mistake."""

    where: str
    warning: str


@dataclass
class Report:
    """The result of an import."""

    recorded: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    refused: list[RefusedLine] = field(default_factory=list)
    left_out: list[RefusedLine] = field(default_factory=list)
    """Refused sources of pieces that were recorded, each as a line of its own."""
    warned: list[WarnedLine] = field(default_factory=list)
    booked: dict[str, str] = field(default_factory=dict)
    """By id of revenue that was recorded, or was there: the place of its line."""
    failed: dict[str, str] = field(default_factory=dict)
    """By id: the place of the refused line that should have recorded it."""

    def add(self, page: Report) -> None:
        """Add the report of further lines."""
        self.recorded += page.recorded
        self.unchanged += page.unchanged
        self.refused += page.refused
        self.left_out += page.left_out
        self.warned += page.warned
        self.booked |= page.booked
        self.failed |= page.failed

    @property
    def lines(self) -> int:
        """The number of lines."""
        return self.recorded.total() + self.unchanged.total() + len(self.refused)

    @property
    def has_refusals(self) -> bool:
        """Whether anything was refused or left out."""
        return bool(self.refused or self.left_out)

    @property
    def stopped(self) -> RefusedLine | None:
        """The line at which restoring an export stopped; None for other bundles."""
        has_facts = self.recorded["fact"] or self.unchanged["fact"]
        if has_facts or any(one.line.get("type") == "fact" for one in self.refused):
            return self.refused[0] if self.refused else None
        return None


class Ids:
    """The ids of a bundle as UUIDs: a UUID stands for itself, any other text for a derived one.

    Derived ids (version 5) depend on the namespace, the noun (a person, a work, a remix, a credit)
    and the text; so the same bundle always means the same things.

    A line without an id is recognised by its content and by how often that occurred before; a line
    that books money also by its file, since two files may each hold a sale like it.
    """

    def __init__(self, namespace: str, file: str = "") -> None:
        self.file = file
        root = uuid5(NAMESPACE_URL, f"stemma:bundle:{namespace}")

        @lru_cache(maxsize=REMEMBERED)
        def named(kind: str, text: str) -> str:
            if ID.fullmatch(text):
                return text
            if len(text) >= SHORTEST_UUID:
                with suppress(ValueError):
                    return str(UUID(text))
            id = self._derived(kind, text)
            self._call(id, text)
            return id

        self.named = named
        self._root = root
        self.called: dict[str, str] = {}
        """By UUID: the text that the bundle uses for it."""
        self.bare: list[str] = []
        """The names in the current line that the bundle also uses as ids."""
        self._seen: Counter[str] = Counter()
        self._compared = 0

    def _derived(self, kind: str, text: str) -> str:
        return named_id(self._root, f"{CALLED.get(kind, kind)}/{text}")

    def note_name(self, kind: str, text: str) -> None:
        """Note a name in the current line, if the bundle has used it as an id before."""
        if self._derived(kind, text) in self.called:
            self.bare.append(text)

    def _call(self, id: str, text: str) -> None:
        if len(self.called) >= REMEMBERED:
            del self.called[next(iter(self.called))]
        self.called[id] = text

    def in_its_words(self, message: object) -> str:
        """A message with each UUID replaced by the text that the bundle uses for it."""
        return ID.sub(lambda found: self.called.get(found[0], found[0]), str(message))

    def alike(self, kind: str, id: str, is_there: Callable[[str], bool]) -> list[str]:
        """Up to two ids in the bundle, of existing things of a kind, that resemble an unknown id.

        Only for the first MOST_COMPARED unknown ids, since a bundle may have very many.
        """
        word = self.called.get(id)
        if word is None or self._compared >= MOST_COMPARED:
            return []
        self._compared += 1
        if word[:1] == "@" and is_there(self._derived(kind, word[1:])):
            return [word[1:]]
        words = islice((one for one in self.called.values() if one[:1] == word[:1]), COMPARED)
        near = get_close_matches(word, {*words} - {word}, n=4, cutoff=0.7)
        return [one for one in near if is_there(self.named(kind, one))][:2]

    def of_line(self, kind: str, line: Line) -> tuple[str, str]:
        """Two derived ids for a line without one: the same in any file, and specific to this."""
        content = json.dumps(line, sort_keys=True, ensure_ascii=False)
        # A repeated credit is the same credit; anything else may occur several times.
        self._seen[content] = 1 if kind == "credit" else self._seen[content] + 1
        number = f"{content}#{self._seen[content]}"
        ids = self.named(kind, number), self.named(kind, f"{self.file}\n{number}")
        for id in ids:
            self._call(id, f"without an id ({kind})")
        return ids


class ReadyLine(NamedTuple):
    """A line ready to be carried out: its command, who sends it, and the ids it mentions."""

    command: Command
    by: str
    touched: list[str]
    key: str | None = None
    """Its idempotency key, if it has one."""
    earlier: str | None = None
    """The id that earlier versions derived for it, which did not depend on the file."""
    bare: Sequence[str] = ()
    """Names in it that may be meant as ids, because the bundle uses them as ids elsewhere."""


def step_of(line: Line, ids: Ids, *, derive: bool = True) -> ReadyLine:
    """The command of a line; BadLine if it does not have the documented form.

    A new noun without an id gets a derived one, so that importing it twice changes nothing; or, if
    ``derive`` is false, a random one.
    """
    name = line.get("type")
    if name is None:
        raise BadLine("the field “type” is missing")
    command = COMMANDS.get(name) if isinstance(name, str) else None
    if command is None:
        raise BadLine(f"there is no type of line “{name}”")
    touched: list[str] = []
    earlier = None
    ids.bare = []
    said = _said(line, command, ids, touched, OF_ANY_LINE)
    if derive and command.MAKES and command.subject() not in said:
        said[command.subject()], earlier = _derived(command, line, ids)
        touched += [said[command.subject()], *([earlier] if earlier else [])]
    by = line.get("by") or OPERATOR
    actor = OPERATOR if by == OPERATOR else _named("contributor", "by", by, ids)
    if actor != OPERATOR:
        touched.append(actor)
    key = None if line.get(KEY) is None else _text(KEY, line[KEY])
    return ReadyLine(command.of(said), actor, touched, key, earlier, ids.bare)


def _derived(command: type[Command], line: Line, ids: Ids) -> tuple[str, str | None]:
    assert command.MAKES is not None
    of_any, of_file = ids.of_line(command.MAKES, line)
    return (of_file, of_any) if ids.file and command.MAY >= BOOKS else (of_any, None)


def _said(
    content: Mapping[str, Any],
    record: type[Record],
    ids: Ids,
    touched: list[str],
    besides: Collection[str] = (),
) -> dict[str, Any]:
    """The fields of an object, with its ids resolved to UUIDs."""
    said: dict[str, Any] = {}
    known = record.by_name()
    for name in record.form().needed:
        if content.get(name) is None:
            raise BadLine(f"the field “{name}” is missing")
    for name, value in content.items():
        if name in besides:
            continue
        if name not in known:
            raise BadLine(f"there is no field “{HALF.sub('?', name)}” in this type of line")
        if value is not None:
            said[name] = _value(known[name].value, name, value, ids, touched)
    return said


def _value(kind: Value, name: str, value: Any, ids: Ids, touched: list[str]) -> Any:  # noqa: PLR0911 - one per type
    """The value of a field, with its ids resolved to UUIDs."""
    if type(kind) in _OF_TEXT:  # the case of most fields
        return _text(name, value)
    if isinstance(kind, _OF_ID):
        named = _named(kind.noun, name, value, ids)
        touched.append(named)
        return named
    match kind:
        case Several(record=record):
            if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
                raise BadLine(f"“{name}” must be a list of objects")
            return [record.of(_said(part, record, ids, touched)) for part in value]
        case Many(inner=inner):
            if not isinstance(value, list):
                raise BadLine(f"“{name}” must be a list")
            return [_value(inner, name, each, ids, touched) for each in value]
        case Number():
            return _number(name, value)
        case Json():
            if not isinstance(value, dict):
                raise BadLine(f"“{name}” must be an object")
            return _resolved(name, value, ids, touched)
        case Payee():
            return _mentioned("contributor", _text(name, value), ids, touched)
        case Piece():
            return _mentioned("work", _text(name, value), ids, touched)
    return _text(name, value)


_OF_TEXT, _OF_ID = (Text, Word), (Ref, NewId)


def _number(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadLine(f"“{name}” must be a whole number")
    return value


def _resolved(name: str, value: Any, ids: Ids, touched: list[str]) -> Any:
    """A JSON value with each “@text” replaced by the id of a work (_OF_WORKS) or a person."""
    match value:
        case str():
            kind = "work" if name in _OF_WORKS else "contributor"
            return _mentioned(kind, _text(name, value), ids, touched)
        case list():
            return [_resolved(name, each, ids, touched) for each in value]
        case dict():
            return {
                _text(name, one): _resolved(one, each, ids, touched) for one, each in value.items()
            }
    return value


_OF_WORKS = ("asset", "within", "root", "over", "work")


def _mentioned(kind: str, text: str, ids: Ids, touched: list[str]) -> str:
    if not text.startswith("@"):
        ids.note_name(kind, text)
        return text
    named = _named(kind, "@", text[1:], ids)
    touched.append(named)
    return named


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadLine(f"“{name}” must be a string")
    if not value.isascii() and HALF.search(value):
        raise BadLine(f"“{name}” holds half of a surrogate pair, which can't be kept")
    return value


def _named(kind: str, name: str, value: object, ids: Ids) -> str:
    """The UUID for the id in a field; BadLine if it can't be an id."""
    text = _text(name, value)
    if ID.fullmatch(text):
        return text
    if not 1 <= len(text) <= LONGEST_ID or "|" in text or text.split() != [text]:
        raise BadLine(
            f"“{name}” must be an id: 1 to {LONGEST_ID} characters, no space and no “|” in it"
        )
    return ids.named(kind, text)
