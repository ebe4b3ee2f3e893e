"""What is wrong with a request: every value that is refused, with its place in it, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from domain.command import Record
from domain.refusal import Refusal, Wrong
from domain.values import Many, Several, Value

Check = Callable[[Value, Any], object]
"""Raises the refusal of a value."""


def wrong_in(record: type[Record], said: Mapping[str, Any], check: Check) -> Iterator[Wrong]:
    """Every value of a record that is refused; what was not said is not looked at."""
    for one in record.fields():
        if (value := said.get(one.name)) is not None:
            yield from _wrong(one.value, value, check, (one.name,))


def must_not_be_refused(wrong: Iterable[Wrong]) -> None:
    """Raise the first refusal, which names them all."""
    if found := tuple(wrong):
        found[0].refusal.wrong = found
        raise found[0].refusal


def _wrong(value: Value, said: Any, check: Check, path: tuple[str | int, ...]) -> Iterator[Wrong]:
    match value:
        case Several(record=record):
            for number, part in enumerate(said):
                stated = part if isinstance(part, Mapping) else vars(part)
                for where, refusal in wrong_in(record, stated, check):
                    yield Wrong((*path, number, *where), refusal)
        case Many(inner=inner):
            for number, part in enumerate(said):
                yield from _wrong(inner, part, check, (*path, number))
        case _:
            try:
                check(value, said)
            except Refusal as refusal:
                yield Wrong(path, refusal)
