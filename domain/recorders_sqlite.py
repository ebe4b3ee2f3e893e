"""The journal in one SQLite file.

The one rule: a transaction that writes begins IMMEDIATE; a deferred one fails beside another
writer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from eventsourcing.persistence import IntegrityError, OperationalError, StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder

from domain.recorders import (
    HEADS,
    REQUESTS,
    REQUESTS_BY_TARGET,
    VAULT,
    VAULT_BY_OWNER,
    Condition,
    JournalRecorder,
    Placed,
    Row,
    all_of,
    linked,
    request_rows,
    vault_row,
)
from domain.request import Request
from domain.seal import Disclosure


class SQLiteJournal(JournalRecorder, SQLiteApplicationRecorder):
    """The journal in one SQLite file."""

    POSITION = "rowid"
    SCHEMA = (
        # The stock statements read "rowid"; as a declared key it is never given out twice.
        "CREATE TABLE IF NOT EXISTS stored_events (rowid INTEGER PRIMARY KEY AUTOINCREMENT, "
        "originator_id TEXT NOT NULL, originator_version INTEGER NOT NULL, topic TEXT NOT NULL, "
        "state BLOB NOT NULL, links TEXT NOT NULL, UNIQUE (originator_id, originator_version))",
        "CREATE TRIGGER IF NOT EXISTS facts_are_not_edited BEFORE UPDATE ON stored_events "
        "BEGIN SELECT raise(ABORT, 'facts are immutable'); END",
        "CREATE TRIGGER IF NOT EXISTS facts_are_not_deleted BEFORE DELETE ON stored_events "
        "BEGIN SELECT raise(ABORT, 'facts are immutable'); END",
        # REPLACE deletes what is in its way without asking the trigger above.
        "CREATE TRIGGER IF NOT EXISTS facts_are_not_replaced BEFORE INSERT ON stored_events "
        "WHEN EXISTS (SELECT 1 FROM stored_events AS f WHERE f.rowid = new.rowid OR "
        "(f.originator_id = new.originator_id AND f.originator_version = new.originator_version)) "
        "BEGIN SELECT raise(ABORT, 'facts are immutable'); END",
        HEADS + " WITHOUT ROWID",
        REQUESTS.replace("BIGINT", "INTEGER"),
        REQUESTS_BY_TARGET,
        VAULT,
        VAULT_BY_OWNER,
    )

    def construct_create_table_statements(self) -> list[str]:
        """The journal's own tables in place of the stock one."""
        return list(self.SCHEMA)

    def query(self, sql: str, *values: object) -> list[Row]:
        """The rows of a query outside any transaction."""
        with self.datastore.get_connection(commit=False) as connection, _translated():
            cursor = connection.cursor()
            cursor.execute(sql, values)
            return [tuple(row) for row in cursor.fetchall()]

    def among(self, column: str) -> str:
        """The condition that a column is in one list value."""
        return f"{column} IN (SELECT value FROM json_each(?))"

    def listed(self, values: Collection[Any]) -> str:
        """A list as JSON text."""
        return json.dumps(list(values))

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        about: Sequence[Collection[str]] = (),
        condition: Condition | None = None,
        disclosures: Sequence[Disclosure] = (),
        erased: Collection[str] = (),
        positions: Sequence[int] | None = None,
        requests: Sequence[Request] = (),
        **_: Any,
    ) -> Sequence[int]:
        """Append facts, each with its subjects, and the texts behind them; their positions."""
        with self._immediate() as cursor:
            if condition:
                condition.must_hold(partial(self._since, cursor))
            if positions is None:
                cursor.execute("SELECT coalesce(max(rowid), 0) FROM stored_events")
                first = cursor.fetchone()[0] + 1
                positions = range(first, first + len(stored_events))
            facts, heads = linked(stored_events, positions, about, self._heads(cursor, about))
            cursor.executemany("INSERT INTO stored_events VALUES (?, ?, ?, ?, ?, ?)", facts)
            cursor.executemany(
                "INSERT INTO heads VALUES (?, ?, ?, ?) ON CONFLICT (subject) DO UPDATE SET "
                "number = excluded.number, position = excluded.position, hash = excluded.hash",
                heads,
            )
            cursor.executemany(
                "INSERT INTO vault VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
                [vault_row(disclosure) for disclosure in disclosures],
            )
            cursor.executemany(
                "INSERT INTO requests VALUES (?, ?, ?, ?, ?)", request_rows(requests, positions)
            )
            if erased:
                # Without it the deleted text would still lie in the file.
                cursor.execute("PRAGMA secure_delete = ON")
                cursor.execute(
                    f"DELETE FROM vault WHERE {self.among('digest')}", (self.listed(erased),)
                )
            if condition:
                condition.must_be_empty(partial(self._left, cursor))
        if erased:
            self._in_write_ahead_log = True
            self.settle()
        return positions

    def _heads(self, cursor: Any, about: Sequence[Collection[str]]) -> dict[str, Row]:
        cursor.execute(
            f"SELECT subject, number, position, hash FROM heads WHERE {self.among('subject')}",
            (self.listed(all_of(about)),),
        )
        return {subject: tuple(head) for subject, *head in cursor.fetchall()}

    _in_write_ahead_log = False
    """Whether pages from before an erasure may still lie there."""

    def settle(self) -> bool:
        """Empty the write-ahead log after an erasure, unless somebody reads from it just now."""
        if self._in_write_ahead_log:
            with self.datastore.get_connection(commit=True) as connection, _translated():
                cursor = connection.cursor()
                cursor.execute("PRAGMA busy_timeout")
                (patience,) = cursor.fetchone()
                cursor.execute(f"PRAGMA busy_timeout = {SETTLE_MILLISECONDS}")
                self._in_write_ahead_log = not _emptied_log(cursor)
                cursor.execute(f"PRAGMA busy_timeout = {patience}")
        return False

    def vacuum(self) -> bool:
        """Write the file anew: deleting moves rows within it, and copies of them stay behind."""
        with self.datastore.get_connection(commit=True) as connection, _translated():
            cursor = connection.cursor()
            cursor.execute("VACUUM")
            return _emptied_log(cursor)

    def _left(self, cursor: Any, owners: Collection[str]) -> int:
        sql = f"SELECT count(*) FROM vault WHERE {self.among('owner')}"
        cursor.execute(sql, (self.listed(owners),))
        return int(cursor.fetchone()[0])

    def _since(self, cursor: Any, after: int, topics: list[str]) -> list[Placed]:
        cursor.execute(
            "SELECT rowid, originator_id, originator_version, topic, state FROM stored_events "
            f"WHERE rowid > ? AND {self.among('topic')}",
            (after, self.listed(topics)),
        )
        return [Placed(*row) for row in cursor.fetchall()]

    @contextmanager
    def _immediate(self) -> Iterator[Any]:
        with self.datastore.get_connection(commit=True) as connection:
            cursor = connection.cursor()
            with _translated():
                cursor.execute("BEGIN IMMEDIATE")
                try:
                    yield cursor
                except BaseException:
                    connection.rollback()
                    raise
                connection.commit()


SETTLE_MILLISECONDS = 200
"""How long an erasure waits for readers; what it can't do by then, the follower does."""


def _emptied_log(cursor: Any) -> bool:
    """Empty the write-ahead log; false if somebody reads from it and it could not be."""
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (is_busy, *_) = cursor.fetchone()
    return not is_busy


@contextmanager
def _translated() -> Iterator[None]:
    """What the engine raises, as the library's own errors; its pool only does so at a commit."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise IntegrityError(error) from error
    except sqlite3.OperationalError as error:
        raise OperationalError(error) from error
