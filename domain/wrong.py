"""Collecting all faults of a request: every refused value, with its path in the request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from domain.command import Record
from domain.refusal import Refusal, Wrong
from domain.values import Many, Several, Value

Check = Callable[[Value, Any], object]
"""Raises the refusal of a value, if it has one."""


def wrong_in(record: type[Record], values: Mapping[str, Any], check: Check) -> Iterator[Wrong]:
    """Every refused value of a record; missing values are not checked."""
    for one in record.fields():
        if (value := values.get(one.name)) is not None:
            yield from _wrong(one.value, value, check, (one.name,))


def must_not_be_refused(wrong: Iterable[Wrong]) -> None:
    """Raise the first refusal, if any, with all of them attached."""
    if found := tuple(wrong):
        found[0].refusal.wrong = found
        raise found[0].refusal


def _wrong(kind: Value, value: Any, check: Check, path: tuple[str | int, ...]) -> Iterator[Wrong]:
    match kind:
        case Several(record=record):
            for number, part in enumerate(value):
                values = part if isinstance(part, Mapping) else vars(part)
                for where, refusal in wrong_in(record, values, check):
                    yield Wrong((*path, number, *where), refusal)
        case Many(inner=inner):
            for number, part in enumerate(value):
                yield from _wrong(inner, part, check, (*path, number))
        case _:
            try:
                check(kind, value)
            except Refusal as refusal:
                yield Wrong(path, refusal)
