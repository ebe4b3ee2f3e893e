"""Kept: mappings whose rows are written in the same transaction as the facts they follow from.

A command reads single rows and groups of them, never all; what it changes stays in memory until it
is recorded. Without a table, all of a mapping is in memory.

The key of a row begins with what it is about, a pool or a payee: so what a command changes is on
few pages of the table, however large that is.
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
"""What commands decide by, folded from the facts; each row with the position it stands at."""

AT_ONCE = 10
"""How many rows of a group are read at a time, of which only the last ones may be needed."""
MOST_GROUPS = 200
"""How many groups one query reads; SQLite takes 500 parts."""
BETWEEN = "\x1f"
"""Stands between the parts of a key, and sorts before all that stands in one."""
_AFTER = chr(ord(BETWEEN) + 1)
_OTHER = "\x1e"
"""Begins a part in which something does not print."""


def _spelled(part: str) -> str:
    return part if part.isprintable() else _OTHER + json.dumps(part)


def _read(part: str) -> str:
    return cast("str", json.loads(part[1:])) if part.startswith(_OTHER) else part


def placed_at(position: int) -> str:
    """A position as a part of a key, in an order that is that of positions."""
    return f"{position:019d}"


class Rows:
    """The rows of the books in a database; what was read once is not read again."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._texts: dict[str, str | None] = {}
        self._groups: dict[str, list[str]] = {}

    def text(self, key: str) -> str | None:
        """The value of a row as it is written; None if there is none."""
        if key not in self._texts:
            self.load((key,))
        return self._texts[key]

    def group(self, begins: str) -> list[str]:
        """The keys that begin so."""
        if begins not in self._groups:
            self.load((), (begins,))
        return self._groups[begins]

    def latest(self, begins: str) -> Iterator[str]:
        """The same from the last on, in batches, as far as they are asked for."""
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
        """Whether a row is not known to hold this already."""
        return self._texts.get(key) != text

    def is_absent(self, key: str, begins: str | None) -> bool:
        """Whether it is known that there is no such row."""
        return self._texts.get(key, "" if begins not in self._groups else None) is None

    def load(self, keys: Iterable[str], groups: Iterable[str] = ()) -> None:
        """Read many rows at once: those with these keys, and those with keys that begin so."""
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
    """One mapping of the books: rows of a table, if there is one, under what was changed."""

    def __init__(self, name: str, shape: Shape, rows: Rows | None = None) -> None:
        self._name, self._shape, self._rows = name, shape, rows
        self._told: dict[K, V | None] = {}
        """What was read and not changed; None for what there is not."""
        self._changed: dict[K, V | None] = {}
        """What was changed; None for what is gone."""
        self._of: dict[str, dict[K, None]] = {}
        """By the first part of their keys: what was changed."""

    # -- rows ------------------------------------------------------------------------------

    def spell(self, key: Key) -> str:
        """The key of the row."""
        first, *rest = map(_spelled, (key,) if isinstance(key, str) else key)
        return BETWEEN.join((first, self._name, *rest))

    def begins(self, first: str) -> str:
        """How the keys of a group begin."""
        return f"{_spelled(first)}{BETWEEN}{self._name}{BETWEEN}"

    def _key(self, spelled: str) -> K:
        first, _, *rest = map(_read, spelled.split(BETWEEN))
        return cast("K", (first, *rest) if rest else first)

    def changes(self) -> Iterator[tuple[str, str | None]]:
        """Every row that is to be written, with its value; None for one that is to be deleted."""
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
        """What has keys with this first part, in the order of the keys."""
        keys: dict[K, None] = {}
        if self._rows is not None:
            keys = dict.fromkeys(map(self._key, self._rows.group(self.begins(first))))
        keys.update(self._of.get(first, {}))
        return [(key, self[key]) for key in sorted(keys) if key in self]

    def latest(self, first: str) -> Iterator[K]:
        """The keys with this first part in the order of their rows, from the last on.

        Rows are read as far as they are asked for.
        """
        fresh = sorted(map(self.spell, self._of.get(first, {})), reverse=True)
        rows = () if self._rows is None else self._rows.latest(self.begins(first))
        found = (self._key(row) for row, _ in groupby(merge(fresh, rows, reverse=True)))
        return (key for key in found if key in self)

    def __contains__(self, key: object) -> bool:
        return self.get(cast("K", key)) is not None

    def __iter__(self) -> Iterator[K]:
        """All of it, for those who check it: no command asks for that."""
        every = [] if self._rows is None else self._rows.every()
        keys = dict.fromkeys(self._key(row) for row in every if row.split(BETWEEN)[1] == self._name)
        keys.update(dict.fromkeys(self._changed))
        return (key for key in keys if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
