"""Serialising values of the books as JSON text, by the annotations of their types alone.

Records become lists of their fields, fractions exact texts, and facts their stored form. Rows are
derived from facts, so they are simply recomputed when a type changes (see ``drawn``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from functools import cache, lru_cache
from types import NoneType, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from domain.compact import encoder
from domain.fact import Fact, fact_of, state_of

_encode = encoder()
_decode = json.JSONDecoder().decode
MOST_LASTING = 256
"""How many parsed values of types with LASTS are cached: slow to parse, and seldom changed."""


class Part(NamedTuple):
    """Conversions of a value to JSON and back; None: not needed."""

    to_json: Callable[[Any], Any] | None
    from_json: Callable[[Any], Any] | None


PLAIN = Part(None, None)


class Shape:
    """How values of a type are written and read."""

    def __init__(self, kind: Any) -> None:
        to_json, from_json = _part(kind)
        self._to_json, self._from_json = to_json, from_json
        self.told: Callable[[str], Any] = self._told
        if getattr(kind, "LASTS", False):
            self.told = lru_cache(MOST_LASTING)(self._told)

    def written(self, value: Any) -> str:
        """A value as text."""
        return _encode(value if self._to_json is None else self._to_json(value))

    def _told(self, text: str) -> Any:
        """The value of a text. It may be cached and shared, so it must not be modified."""
        value = _decode(text)
        return value if self._from_json is None else self._from_json(value)


@cache
def shape_of(kind: Any) -> Shape:
    """The shape of a type."""
    return Shape(kind)


def drawn(kind: Any) -> str:
    """A text that changes whenever a type, or a type in it, would be written differently.

    What a record's class is called changes nothing.
    """
    if _is_record(kind):
        inside = ", ".join(f"{name}: {drawn(hint)}" for name, hint in _fields(kind).items())
        return f"({inside})"
    if _is_fact(kind):
        return str(kind.TOPIC)
    inner = ", ".join(map(drawn, get_args(kind)))
    name = getattr(get_origin(kind) or kind, "__name__", repr(kind))
    return f"{name}[{inner}]" if inner else name


def _is_record(kind: Any) -> bool:
    is_tuple = hasattr(kind, "_fields")
    return isinstance(kind, type) and not _is_fact(kind) and (is_dataclass(kind) or is_tuple)


def _is_fact(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Fact)


def _fields(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    names = [one.name for one in fields(kind)] if is_dataclass(kind) else kind._fields
    return {name: hints[name] for name in names}


def _part(kind: Any) -> Part:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        inner = [each for each in args if each is not NoneType]
        assert len(inner) == 1, f"{kind} is written in two ways"
        return _optional(_part(inner[0]))
    if origin in (tuple, list):
        return _listed(origin, _part(args[0]))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapped(args[0], _part(args[1]))
    return _single(kind)


def _single(kind: Any) -> Part:
    if kind is Fraction:
        return Part(str, Fraction)
    if _is_fact(kind):
        return Part(_of_fact, _to_fact)
    return _of_record(kind) if _is_record(kind) else PLAIN


def _optional(inner: Part) -> Part:
    def either(turn: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
        return turn and (lambda value: None if value is None else turn(value))

    return Part(*map(either, inner))


def _listed(kind: Callable[[Any], Any], inner: Part) -> Part:
    to_json, from_json = inner
    if from_json is None:
        return PLAIN if kind is list else Part(None, tuple)
    return Part(
        lambda values: list(map(to_json, values)) if to_json else values,
        lambda values: kind(map(from_json, values)),
    )


def _mapped(of: Any, inner: Part) -> Part:
    """A mapping becomes an object or, if its keys are tuples, a list of pairs."""
    to_json, from_json = inner
    if of is not str:
        return Part(
            lambda values: [[k, to_json(v) if to_json else v] for k, v in values.items()],
            lambda pairs: {tuple(k): from_json(v) if from_json else v for k, v in pairs},
        )
    return Part(
        to_json and (lambda values: {name: to_json(value) for name, value in values.items()}),
        from_json and (lambda values: {name: from_json(value) for name, value in values.items()}),
    )


def _of_record(kind: Any) -> Part:
    turns = {name: _part(hint) for name, hint in _fields(kind).items()}
    names = tuple(turns)
    writes = [(place, each.to_json) for place, each in enumerate(turns.values()) if each.to_json]
    reads = [(place, each.from_json) for place, each in enumerate(turns.values()) if each.from_json]

    def to_json(value: Any) -> list[Any]:
        row = [getattr(value, name) for name in names]
        for place, write in writes:
            row[place] = write(row[place])
        return row

    def from_json(row: list[Any]) -> Any:
        for place, read in reads:
            row[place] = read(row[place])
        return kind(*row)

    return Part(to_json, from_json)


def _of_fact(happened: Fact) -> list[Any]:
    place = happened.originator_id, happened.originator_version, happened.TOPIC
    return [*place, state_of(happened)]


def _to_fact(stored: list[Any]) -> Fact:
    return fact_of(*stored)
