"""SQL as PostgreSQL's driver takes it: parameters are numbered, and lists are arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

from domain.engine import LISTS, singles, with_lists

_VALUE = re.compile(r"(?<![:\w]):(\w+)")
_LISTED = {
    "IN": ("= ANY(:{})", "= :{}"),
    "FROM EACH": (
        "FROM unnest(:{}::text[]) AS each (value)",
        "FROM (SELECT :{}::text AS value) AS one",
    ),
}
"""How a list is named, and how it is if it has one value."""
_JOIN_EACH = re.compile(r"\bJOIN EACH (\w+) (\w+) ON (\w+\.\w+) = (\w+\.\w+)")
# OFFSET 0 keeps the planner from flattening the subquery: it runs once for each row.
_JOINED = r"JOIN LATERAL (SELECT * FROM \1 \2 WHERE \3 = EACH \4 OFFSET 0) \2 ON true"
_EACH = re.compile(r"(\w+\.\w+) = EACH (\w+\.\w+)")
# Of a column that mostly holds one value, as if all were made from one work, the planner expects
# every row each time and reads the whole table; of a range, even of one value, it expects few.
_LOOKED_UP = r"\1 = \2 AND \1 BETWEEN \2 AND \2"


def translated(sql: str, values: Mapping[str, Any]) -> tuple[bytes, list[Any]]:
    """A statement with numbered parameters, and their values; a list is one array."""
    single = singles(values)
    numbered, names = _numbered(sql, frozenset(single))
    told = map({**values, **single}.__getitem__, names)
    return numbered, [array(value) if isinstance(value, LISTS) else value for value in told]


@lru_cache(maxsize=2048)
def _numbered(sql: str, single: Collection[str]) -> tuple[bytes, tuple[str, ...]]:
    """SQL with numbered parameters, and the names of their values in order."""
    each = _EACH.sub(_LOOKED_UP, _JOIN_EACH.sub(_JOINED, sql))
    named = with_lists(each, _LISTED, single)
    places = {
        name: f"${place}" for place, name in enumerate(dict.fromkeys(_VALUE.findall(named)), 1)
    }
    numbered = _VALUE.sub(lambda value: places[value[1]], named)
    return numbered.encode(), tuple(places)


def array(values: Collection[Any]) -> Any:
    """A list as the text of an array: the driver would inspect each value three times."""
    kinds = set(map(type, values))
    if kinds == {str} and (joined := "\0".join(values)).count("\0") < len(values):
        return "{" + _quoted(joined).replace("\0", '","') + "}"
    if kinds <= {int}:
        return f"{{{','.join(map(str, values))}}}"
    if kinds <= _WRITTEN.keys():
        return "{" + ",".join([_WRITTEN[type(value)](value) for value in values]) + "}"
    return list(values)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


_WRITTEN: dict[type, Callable[[Any], str]] = {
    str: _quoted,
    bytes: lambda data: rf'"\\x{data.hex()}"',
    type(None): lambda _: "NULL",
}
"""How values are written in the text of an array."""
