"""Collecting all faults of a request: every refused value, with its path in the request."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from domain.command import Record
from domain.identity import may_be_id
from domain.refusal import Refusal, Wrong, shown
from domain.value import Many, Several, Value

Path = tuple[str | int, ...]
PLACE = re.compile(r"\w+(\.\w+|\[\d+\])*")
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


def point_at(refusal: Refusal, said: Mapping[str, Any], names: Collection[str]) -> None:
    """Attach the place of the one value that a refusal is about, unless it has one already.

    ``said`` are the values of the request, and ``names`` all fields that it may have.
    """
    if not refusal.wrong and (path := _place(refusal, said, names)):
        refusal.wrong = (Wrong(path, refusal),)


def _place(refusal: Refusal, said: Mapping[str, Any], names: Collection[str]) -> Path:
    told = refusal.details
    if path := _stated(str(told.get("where", told.get("field", "")))):
        first, *rest = path
        if first == "policy" and first not in names:
            first = "terms"  # the policy of a pool
        return (first, *rest) if first in names else ()
    if refusal.about is not None:
        return next(((name,) for name in refusal.about if name in names), ())
    quoted = {name: told[name] for name, is_quoted in refusal.particulars().items() if is_quoted}
    for meant in (quoted, told):
        found = dict[Path, None]()
        for name, value in meant.items():
            places = [path for path, held in _held(said) if _is_meant(name, value, path, held)]
            if not places and name in quoted and name in names:
                places = [(name,)]  # it was put in another form since
            found.update(dict.fromkeys(places[-1:]))  # of several, the last is the repetition
        if len(found) == 1:
            return next(iter(found))
    return ()


def _is_meant(name: str, value: object, path: Path, held: Any) -> bool:
    """Whether a particular of a refusal is what a place holds: under its name, or an id."""
    return shown(held) == value and (name in ("id", *path) or may_be_id(str(held)))


def _held(said: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every text and number of a request, with its path."""
    for name, value in said.items():
        parts = enumerate(value) if isinstance(value, list | tuple) else [(None, value)]
        for number, part in parts:
            path = (*above, name) if number is None else (*above, name, number)
            if isinstance(part, Record):
                yield from _held(vars(part), path)
            elif isinstance(part, Mapping):
                yield from _held(part, path)
            elif isinstance(part, str | int):
                yield path, part


def _stated(where: str) -> Path:
    """A place as refusals of policies and sales state it: ``assets[0].shares (Ana)``."""
    found = PLACE.match(where)
    steps = re.findall(r"\w+", found[0]) if found else []
    return tuple(int(step) if step.isdigit() else step for step in steps)


def _wrong(kind: Value, value: Any, check: Check, path: Path) -> Iterator[Wrong]:
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
