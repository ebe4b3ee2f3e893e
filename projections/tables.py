"""The read tables: what a projection keeps, and the changes facts make to it.

A row is valid from one journal position (``since``) until another (``until``); a change closes it
and adds another. So "as known at N" is a condition in a query and needs no machinery of its own.

In SQL a read table is written ``@works``; the store substitutes the current generation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar, get_type_hints

from domain.cached import cached_property
from domain.engine import Table as Stored
from domain.fact import FACTS, Fact
from domain.join import Join
from domain.nouns import BORN
from domain.outside import Outside
from domain.permission import OPERATOR
from domain.refusal import Refusal
from domain.work import Work
from projections.store import View, holds

T = TypeVar("T")

NEVER = 1 << 62
"""The ``until`` of a row that is still valid."""

Values = tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class ReadTable:
    """A read table: columns with their types, and indexes.

    A table with ``key`` is versioned: it also has the columns since and until, and an Amend closes
    the current version and opens the next one. In a sparse table a key may have no row, in which
    case an Amend changes nothing; a Put there replaces the row that the key has.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    indexes: tuple[str, ...]
    key: str | None = None
    is_sparse: bool = False
    sum: str | None = None
    """A column of totals: a Put adds to the row with the same values in the first index."""

    def __post_init__(self) -> None:
        _TABLES[self.name] = self

    def __reduce__(self) -> Any:
        return _named, (self.name,)

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each column in a row."""
        return {name: place for place, name in enumerate(self.all_columns)}

    @cached_property
    def key_place(self) -> int:
        """The place of the key in a row."""
        assert self.key is not None
        return [name for name, _ in self.columns].index(self.key)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that a fact fills."""
        return tuple(name for name, _ in self.columns)

    @cached_property
    def moving(self) -> tuple[str, ...]:
        """The columns that hold nodes; for ``child``, ``own_child`` has the work a fact named."""
        return tuple(name for name in self.names if f"own_{name}" in self.names)

    @cached_property
    def row(self) -> Callable[[dict[str, Any]], Values]:
        """Picks the values of the columns that a fact fills, in order, from values by name."""
        return itemgetter(*self.names)

    @cached_property
    def empty(self) -> dict[str, None]:
        """A row of nulls, by the names of the columns that a fact fills."""
        return dict.fromkeys(self.names)

    @cached_property
    def all_columns(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return (*self.names, "since", "until") if self.key else self.names

    def selected(self, alias: str) -> str:
        """The columns that a fact fills, for a SELECT from the table under an alias."""
        return ", ".join(f"{alias}.{name}" for name in self.names)

    def create(self, name: str, typed: Callable[[str], str]) -> str:
        """The statement that creates it under a name; ``typed`` translates types for an engine."""
        columns = [f"{column} {typed(kind)}" for column, kind in self.columns]
        if self.key:
            columns += ["since BIGINT NOT NULL", "until BIGINT NOT NULL"]
        return f"CREATE TABLE {name} ({', '.join(columns)})"

    def create_indexes(self, name: str) -> Iterator[str]:
        """The statements that create its indexes."""
        for number, columns in enumerate(self.indexes):
            unique = "UNIQUE " if self.sum and number == 0 else ""
            yield f"CREATE {unique}INDEX {name}_{number} ON {name} ({columns})"

    @property
    def is_looked_up(self) -> bool:
        """Whether folding looks rows up, and so needs the first index."""
        return bool(self.key or self.sum)

    @lru_cache(8)  # noqa: B019 - there are as many tables as in the code
    def stored(self, name: str) -> Stored:
        """The table under a name for inserting rows; an insert adds to the column of totals."""
        (first, *_) = self.indexes
        same = f"({first}) DO UPDATE SET {self.sum} = {name}.{self.sum} + excluded.{self.sum}"
        kinds = dict(self.columns) | dict.fromkeys(self.all_columns[len(self.columns) :], "BIGINT")
        return Stored(name, kinds, ((first,),), on_conflict=same if self.sum else "")


def table(
    name: str, columns: str | type[NamedTuple], indexes: tuple[str, ...], **more: Any
) -> ReadTable:
    """A read table with columns from a list, such as ``number BIGINT, title TEXT NULL``.

    Or from the named tuple as which its rows are read: its fields, except those with a default.
    ``more`` are the other fields of Table.
    """
    if isinstance(columns, str):
        found = [_column(*one.split()) for one in columns.split(",")]
    else:
        kinds, beside = get_type_hints(columns).items(), columns._field_defaults
        found = [_column(name, *_KINDS[kind]) for name, kind in kinds if name not in beside]
    return ReadTable(name, tuple(found), indexes, **more)


_TABLES: dict[str, ReadTable] = {}
"""Every table by its name: a table is pickled as its name alone."""


def _named(name: str) -> ReadTable:
    return _TABLES[name]


_KINDS = {
    int: ("BIGINT",),
    str: ("TEXT",),
    int | None: ("BIGINT", "NULL"),
    str | None: ("TEXT", "NULL"),
}


def _column(name: str, kind: str, *null: str) -> tuple[str, str]:
    return name, kind if null else f"{kind} NOT NULL"


class Put(NamedTuple):
    """A new row; in a versioned table it is valid from the fact's position on."""

    table: ReadTable
    values: Values


class Amend(NamedTuple):
    """A change to the row with this key, from the fact's position on."""

    table: ReadTable
    key: Any
    changes: Mapping[str, Any]


class Move(NamedTuple):
    """A change of node in one column of every row about a work, from the fact's position on."""

    table: ReadTable
    column: str
    work: int
    before: int
    after: int


Change = Put | Amend


class Numbers(dict[str, int]):
    """Dense integer keys for works and contributors, by id."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: dict[int, int] = {}
        """By a work that was joined into another: the node it belongs to."""
        self.house: set[int] = set()
        """Works for which the operator decides: those the operator posted, and outside sources."""

    def node(self, id: str) -> int:
        """The node that a work belongs to after all joins so far; a person's is their number."""
        number = self[id]
        return self.nodes.get(number, number)

    def among(self, ids: Iterable[str]) -> Numbers:
        """The part of this that concerns these ids, each of which must have a number."""
        found = Numbers()
        found.update((id, self[id]) for id in ids)
        numbers = found.values()
        found.nodes = {one: self.nodes[one] for one in numbers if one in self.nodes}
        found.house = self.house.intersection(numbers)
        return found

    def move(self, works: Iterable[str], node: str) -> None:
        """Let these works belong to another node from now on."""
        self.nodes |= dict.fromkeys((self[work] for work in works), self[node])

    def post(self, happened: Fact) -> None:
        """Remember the work a fact posts, if the operator decides for it: that never changes."""
        if is_of_house(happened):
            self.house.add(self[happened.originator_id])

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self.nodes.clear()
        self.house.clear()


def is_of_house(happened: Fact) -> bool:
    """Whether a fact posts a work for which the operator decides."""
    return happened.TOPIC in _POSTED and (
        happened.actor == OPERATOR or isinstance(happened, Outside.Cited)
    )


_POSTED = {kind.TOPIC for kind, noun in BORN.items() if issubclass(noun, Work)}
"""The topics of the first facts of works."""


def moves(tables: Iterable[ReadTable], join: Join.Event, of: Numbers) -> Iterator[Move]:
    """The moves in these tables when a join begins to count or is undone."""
    for table in tables if join.node else ():
        for work in join.moves:
            for column in table.moving:
                yield Move(table, column, of[work], of.node(work), of[str(join.node)])


def born(table: ReadTable, happened: Fact, **values: Any) -> Put:
    """The row of a noun's first fact: its fields named like columns, overridden by ``values``."""
    said = {**table.empty, **vars(happened), "id": happened.originator_id}
    said["state"] = happened.leaves
    said.update(values)
    return Put(table, table.row(said))


def rows_in(
    view: View, of: ReadTable, kind: Callable[..., T], where: str, /, **values: Any
) -> list[T]:
    """The rows of a table, aliased ``t``, that match a condition, each passed to ``kind``.

    Every list that it names must have one of the values.
    """
    sql = f"SELECT {of.selected('t')} FROM @{of.name} t WHERE {holds('t')} AND {where}"
    return [kind(*row) for row in view.rows_for(sql, **values)]


def row_of(
    view: View, of: ReadTable, kind: Callable[..., T], id: str, unknown: Callable[[str], Refusal]
) -> T:
    """The row with this id; raises the refusal that ``unknown`` makes if there is none."""
    for row in rows_in(view, of, kind, "t.id = :id", id=id):
        return row
    raise unknown(id)


def facts_about(*nouns: type) -> tuple[type[Fact], ...]:
    """The kinds of facts declared in these nouns."""
    declared = {one for noun in nouns for one in vars(noun).values() if isinstance(one, type)}
    return tuple(kind for kind in FACTS.values() if kind in declared)


class Projection(NamedTuple):
    """One subject's read tables, and what a fact changes in them."""

    name: str
    tables: tuple[ReadTable, ...]
    changes: Callable[[int, Fact, Numbers], Iterator[Change]]
    about: tuple[type[Fact], ...] = (Fact,)
    """The kinds of facts that can change anything in it; it is shown no others."""
