"""Mappings stored as rows, which are written in the same transaction as the facts behind them.

A command reads single rows and groups of rows, never all; its changes stay in memory until they are
recorded. Without a database, a whole mapping is in memory.

The key of a row begins with what the row is about, a pool or a payee. So the changes of a command
touch few pages of the table, however large it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, MutableMapping
from heapq import merge
from itertools import groupby
from typing import Any, Generic, TypeVar, cast

from domain.engine import Row, Table
from domain.shape import Shape
from domain.unreadable import READING_FAILS, Unreadable

K = TypeVar("K", str, tuple[str, str], tuple[str, str, str])
V = TypeVar("V")

Key = str | tuple[str, ...]
Query = Callable[..., list[Row]]

BOOKS = Table(
    "books",
    {"key": "TEXT", "value": "TEXT", "position": "BIGINT"},
    keys=(("key",),),
    on_conflict="(key) DO UPDATE SET value = excluded.value, position = excluded.position",
    small=True,
    in_backups=False,
)
"""The rows of the books, each with the position of the append that wrote it."""

AT_ONCE = 10
"""How many rows of a group ``latest`` reads at a time."""
MOST_GROUPS = 200
"""How many groups one query reads; SQLite allows 500 terms."""
BETWEEN = "\x1f"
"""Separates the parts of a key; sorts before every character in a part."""
_AFTER = chr(ord(BETWEEN) + 1)
_OTHER = "\x1e"
"""Prefix of a part that is escaped, because some of its characters are not printable."""


def _spelled(part: str) -> str:
    return part if part.isprintable() else _OTHER + json.dumps(part)


def _read(part: str) -> str:
    return cast("str", json.loads(part[1:])) if part.startswith(_OTHER) else part


def placed_at(position: int) -> str:
    """A position as a part of a key, which sorts by position."""
    return f"{position:019d}"


class Rows:
    """The rows of the books in a database, each read only once."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._texts: dict[str, str | None] = {}
        self._groups: dict[str, list[str]] = {}

    def text(self, key: str) -> str | None:
        """The stored text of a row; None if there is none."""
        if key not in self._texts:
            self.load((key,))
        return self._texts[key]

    def group(self, begins: str) -> list[str]:
        """The keys with this prefix, in order."""
        if begins not in self._groups:
            self.load((), (begins,))
        return self._groups[begins]

    def latest(self, begins: str) -> Iterator[str]:
        """The keys with this prefix, the last first, read in batches as needed."""
        sql = (
            "SELECT key, value FROM books WHERE key > :begins AND key < :end "
            "ORDER BY key DESC LIMIT :most"
        )
        end = begins[:-1] + _AFTER
        while rows := self._query(sql, begins=begins, end=end, most=AT_ONCE):
            self._texts.update((key, value) for key, value in rows)
            for end, _ in rows:
                yield end

    def every(self) -> list[str]:
        """The keys of all rows."""
        rows = self._query("SELECT key, value FROM books ORDER BY key")
        self._texts.update((key, value) for key, value in rows)
        return [key for key, _ in rows]

    def is_other(self, key: str, text: str) -> bool:
        """Whether writing this text may change a row: it is not known to hold it already."""
        return self._texts.get(key) != text

    def is_absent(self, key: str, begins: str | None) -> bool:
        """Whether a row is known not to exist, without reading it."""
        return self._texts.get(key, "" if begins not in self._groups else None) is None

    def load(self, keys: Iterable[str], groups: Iterable[str] = ()) -> None:
        """Read many rows at once: those with these keys, and those with these prefixes."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._texts]
        fresh = [begins for begins in dict.fromkeys(groups) if begins not in self._groups]
        if not missing and not fresh:
            return
        self._texts.update(dict.fromkeys(missing))
        self._groups.update((begins, []) for begins in fresh)
        for first in range(0, max(1, len(fresh)), MOST_GROUPS):
            groups = fresh[first : first + MOST_GROUPS]
            for key, value, group in self._rows(missing, groups):
                self._texts[key] = value
                if group >= 0:
                    self._groups[groups[group]].append(key)
            missing = []

    def _rows(self, keys: Collection[str], groups: Collection[str]) -> list[Row]:
        select, values = "SELECT key, value, {} FROM books WHERE ", dict[str, Any]()
        parts = []
        if keys:
            parts.append(f"{select.format(-1)}key IN :keys")
            values["keys"] = list(keys)
        for number, begins in enumerate(groups):
            parts.append(f"{select.format(number)}key > :from{number} AND key < :to{number}")
            values |= {f"from{number}": begins, f"to{number}": begins[:-1] + _AFTER}
        return self._query(" UNION ALL ".join(parts), **values)


class Kept(MutableMapping[K, V], Generic[K, V]):
    """One mapping of the books: changes in memory on top of the rows of a table, if any."""

    def __init__(self, name: str, shape: Shape, rows: Rows | None = None) -> None:
        self._name, self._shape, self._rows = name, shape, rows
        self._told: dict[K, V | None] = {}
        """Values read and not changed; None: there is no row."""
        self._changed: dict[K, V | None] = {}
        """Values changed; None: deleted."""
        self._of: dict[str, dict[K, None]] = {}
        """By first part of the key: the changed keys."""

    # -- rows ------------------------------------------------------------------------------

    def spell(self, key: Key) -> str:
        """The key of the row."""
        first, *rest = map(_spelled, (key,) if isinstance(key, str) else key)
        return BETWEEN.join((first, self._name, *rest))

    def begins(self, first: str) -> str:
        """The prefix of the row keys of a group."""
        return f"{_spelled(first)}{BETWEEN}{self._name}{BETWEEN}"

    def _key(self, spelled: str) -> K:
        first, _, *rest = map(_read, spelled.split(BETWEEN))
        return cast("K", (first, *rest) if rest else first)

    def changes(self) -> Iterator[tuple[str, str | None]]:
        """Every row to be written, with its text; None: to be deleted."""
        for key, value in self._changed.items():
            row = self.spell(key)
            if value is not None:
                text = self._shape.written(value)
                if self._rows is None or self._rows.is_other(row, text):
                    yield row, text
            elif self._rows is None or not self._rows.is_absent(row, self._group_of(key)):
                yield row, None

    def _group_of(self, key: Key) -> str | None:
        return None if isinstance(key, str) else self.begins(key[0])

    # -- as a mapping ----------------------------------------------------------------------

    def __getitem__(self, key: K) -> V:
        known = self._changed if key in self._changed else self._told
        if key not in known:
            text = None if self._rows is None else self._rows.text(self.spell(key))
            try:
                self._told[key] = None if text is None else self._shape.told(text)
            except READING_FAILS as error:
                raise Unreadable(
                    BOOKS.name, self.spell(key).replace(BETWEEN, " "), error
                ) from error
        value = known[key]
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: K, value: V) -> None:
        self._changed[key] = value
        if not isinstance(key, str):
            self._of.setdefault(key[0], {})[key] = None

    def __delitem__(self, key: K) -> None:
        if self._rows is None:
            del self._changed[key]
        else:
            self._changed[key] = None
        if not isinstance(key, str):
            self._of.get(key[0], {}).pop(key, None)

    def under(self, first: str) -> list[tuple[K, V]]:
        """The entries whose keys have this first part, in the order of the keys."""
        keys: dict[K, None] = {}
        if self._rows is not None:
            keys = dict.fromkeys(map(self._key, self._rows.group(self.begins(first))))
        keys.update(self._of.get(first, {}))
        return [(key, self[key]) for key in sorted(keys) if key in self]

    def latest(self, first: str) -> Iterator[K]:
        """The keys with this first part, the last first; rows are read as needed."""
        fresh = sorted(map(self.spell, self._of.get(first, {})), reverse=True)
        rows = () if self._rows is None else self._rows.latest(self.begins(first))
        found = (self._key(row) for row, _ in groupby(merge(fresh, rows, reverse=True)))
        return (key for key in found if key in self)

    def __contains__(self, key: object) -> bool:
        return self.get(cast("K", key)) is not None

    def __iter__(self) -> Iterator[K]:
        """All keys, for checks only: no command reads a whole mapping."""
        every = [] if self._rows is None else self._rows.every()
        keys = dict.fromkeys(self._key(row) for row in every if row.split(BETWEEN)[1] == self._name)
        keys.update(dict.fromkeys(self._changed))
        return (key for key in keys if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
