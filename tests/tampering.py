"""One row of any table is changed behind the service's back, at random, and put back afterwards."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any, NamedTuple

import psycopg
from stories import Story, raw_connection

from domain.stored import TABLES as STORED
from projections.folding import TABLES
from projections.store import table_name
from scripts.layout import TABLES as ALL

BESIDE = (
    *("api_keys", "api_key_terms", "identities", "sessions", "rates"),
    *("webhooks", "mailboxes", "seen", "heartbeats", "layouts", "log_cosignatures"),
)
"""What was said to this service alone: it does not follow from the facts (see THREATS.md)."""
PERMANENT = tuple(one.name for one in ALL if one.name not in BESIDE)
"""What follows from the facts, and the facts."""
CHOSEN = {"requests": ("digest", "key"), "further_keys": ("key",), "books": ("position",)}
"""The columns that hold what a client sent, which no fact says, or what nothing reads."""


class Change(NamedTuple):
    """A row that was changed or, without another, deleted."""

    table: str
    columns: tuple[str, ...]
    row: tuple[Any, ...]
    other: tuple[Any, ...] | None

    @property
    def is_told_by_facts(self) -> bool:
        """Whether facts say what was there."""
        if self.other is None:
            return True
        every = zip(self.columns, self.row, self.other, strict=True)
        changed = {name for name, one, other in every if one != other}
        return not changed <= {*CHOSEN.get(self.table, ())}

    def __str__(self) -> str:
        if self.other is None:
            return f"{self.table}: without {self.row}"
        differing = zip(self.columns, self.row, self.other, strict=True)
        return f"{self.table}: {[one for one in differing if one[1] != one[2]]}"


def tables_of(told: Story) -> list[str]:
    """The tables whose rows follow from the facts, and have some."""
    number = told.store.current().number
    names = [*PERMANENT, *(table_name(one.name, number) for one in TABLES)]
    return [name for name in names if told.store.engine.query(f"SELECT count(*) FROM {name}")[0][0]]


@contextmanager
def changed(told: Story, database: str, chance: Random) -> Iterator[Change]:
    """A random row of a random table is another, or none, for as long as this is held."""
    while True:
        table = chance.choice(tables_of(told))
        with raw_connection(database) as connection:
            found = connection.execute(f"SELECT * FROM {table}")
            columns = tuple(one[0] for one in found.description)
            rows = sorted(map(tuple, found.fetchall()), key=repr)
            row = chance.choice(rows)
        other = None if chance.random() < 0.25 else _another(row, chance)
        change = Change(table, columns, row, other)
        if not change.is_told_by_facts or other in rows:  # two alike could not be told apart
            continue
        if _accepted(database, change):
            break
    try:
        yield change
    finally:
        assert _accepted(database, change._replace(row=other or (), other=row))


def _accepted(database: str, change: Change) -> bool:
    """Whether the database lets somebody change it who has dropped its triggers before."""
    with raw_connection(database) as connection:
        triggers = without_triggers(connection, change.table)
        try:
            _replace(connection, database, change)
        except (sqlite3.Error, psycopg.Error):
            _replace(connection, database, change._replace(row=(), other=change.row))
            return False
        finally:
            for sql in triggers:
                connection.execute(sql)
    return True


def _another(row: Sequence[Any], chance: Random) -> tuple[Any, ...]:
    at = chance.randrange(len(row))
    return (*row[:at], _other(row[at], chance), *row[at + 1 :])


def _other(value: Any, chance: Random) -> Any:
    match value:
        case int():
            return value + chance.choice((1, 2, 1000))
        case str():
            return value[:-1] + ("y" if value.endswith("x") else "x")
        case bytes() | memoryview():
            data = bytearray(value)
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            return bytes(data)
    return "x"


def without_triggers(connection: Any, table: str) -> list[str]:
    """Keep the database from refusing it; what brings the triggers back afterwards."""
    if not hasattr(connection, "row_factory") or hasattr(connection, "pgconn"):
        connection.execute("SET session_replication_role = replica")
        return []
    sql = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"
    found = connection.execute(sql, (table,)).fetchall()
    for name, _ in found:
        connection.execute(f"DROP TRIGGER {name}")
    return [sql for _, sql in found]


def lose(database: str, after: int) -> None:
    """Delete what was recorded after a position, as a failover may; texts nobody refers to stay."""
    with raw_connection(database) as connection:
        for name in (one.name for one in STORED if "position" in one.columns):
            without_triggers(connection, name)
            connection.execute(f"DELETE FROM {name} WHERE position > {after}")


def _replace(connection: Any, database: str, change: Change) -> None:
    mark = "?" if database.startswith("sqlite") else "%s"
    if change.row:
        same = " AND ".join(f"{one} IS NOT DISTINCT FROM {mark}" for one in change.columns)
        connection.execute(f"DELETE FROM {change.table} WHERE {same}", change.row)
    if change.other is not None:
        marks = ", ".join(mark for _ in change.columns)
        connection.execute(f"INSERT INTO {change.table} VALUES ({marks})", change.other)
