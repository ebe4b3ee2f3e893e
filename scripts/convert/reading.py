"""JSON and tables as converters read them.

Rule: what a file lacks is said with its name and place, and with what is expected instead.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from projections.shops.line import NotConvertible

_WRONG = (ValueError, LookupError, TypeError, AttributeError, RecursionError, csv.Error)
"""What is raised where a file has another form."""
SHOWN = 80
"""So many characters are shown of an object that lacks a field."""


class Fields(dict[str, Any]):
    """An object of a JSON file. Reading a field that it lacks says so, and which object it is."""

    def __missing__(self, name: str) -> Any:
        raise NotConvertible(f"there is no “{name}” in {_begun(self)}")


@contextmanager
def reading(path: Path, expected: str) -> Iterator[None]:
    """Raise NotConvertible for what is wrong with a file: it says what, and what is expected."""
    try:
        yield
    except (NotConvertible, *_WRONG) as error:
        raise NotConvertible(f"{path}: {_in_words(error)}. Expected: {expected}") from None


def _in_words(error: Exception) -> str:
    match error:
        case UnicodeDecodeError():
            return f"it is not text in UTF-8 (byte {error.start})"
        case json.JSONDecodeError():
            where = f"line {error.lineno}, column {error.colno}"
            return f"it is not JSON, or not whole ({where}: {error.msg})"
        case KeyError():
            return f"an object has no “{error.args[0]}”"
        case RecursionError():
            return "it is nested too deeply"
        case NotConvertible() | csv.Error():
            return str(error)
        case _:
            return "a value is of another kind (text, number, list or object)"


def objects(told: Any, name: str) -> Iterator[tuple[str, Fields]]:
    """The objects listed under a name, each with its place."""
    if not isinstance(told, Fields):
        raise NotConvertible(f"it is not an object, but {_begun(told)}")
    listed = told[name]
    if not isinstance(listed, list):
        raise NotConvertible(f"“{name}” is not a list")
    for number, one in enumerate(listed):
        if not isinstance(one, Fields):
            raise NotConvertible(f"{name}[{number}] is not an object, but {_begun(one)}")
        yield f"{name}[{number}]", one


def loaded(path: Path) -> Any:
    """What a JSON file holds, with its objects as ``Fields``."""
    return json.loads(path.read_text("utf-8-sig"), object_hook=Fields)


def rows(path: Path, *columns: str) -> Iterator[dict[str, str]]:
    """The rows of a table that has these columns."""
    expected = f"a table with the columns {', '.join(columns)}"
    with reading(path, expected), path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        if missing := [one for one in columns if one not in (table.fieldnames or ())]:
            raise NotConvertible(f"there is no column {' or '.join(missing)}")
        for row in table:
            if any(row[one] is None for one in columns):
                raise NotConvertible(f"line {table.line_num} has fewer values than columns")
            yield row


def _begun(told: Any) -> str:
    """How a value begins, as JSON."""
    text = json.dumps(told, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
