"""The journal on its two engines: the library's recorders, made gapless, guarded and unalterable.

The one rule: an append is one transaction under one lock. In it stand the facts at the next
positions, their links to the facts before them (see domain.chain), the texts they commit to, and
the check that nothing recorded since contradicts them.

The stock recorders are kept for reading and pooling. What differs, and why: positions are given
out under the lock (the stock sequence leaves gaps after a conflict); SQLite begins IMMEDIATE
(a deferred transaction fails beside another writer); triggers refuse to edit or delete facts.
"""

from __future__ import annotations

import json
import re
import sqlite3
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, NamedTuple, cast

from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    OperationalError,
    PersistenceError,
    StoredEvent,
)
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.sqlite import SQLiteApplicationRecorder

from domain.chain import link_facts
from domain.fact import Fact, read_fact
from domain.receipt import NO_LINKS, Link, read_links, spell_leaf
from domain.refusal import NotPermitted
from domain.seal import Disclosure

JournalUnavailable = PersistenceError
"""What the library raises when the database does not answer."""


class Overtaken(IntegrityError):
    """Since the command read what it read, a fact was recorded that may contradict it."""


class Condition(NamedTuple):
    """Record only if, after a position, no fact of these topics is about these subjects."""

    after: int
    watched: Mapping[str, Collection[str] | None]
    """Topic to subjects; None stands for any subject."""
    emptied: Collection[str] = ()
    """Owners who must have no text left when what is erased with it is gone."""


class Placed(NamedTuple):
    """A fact as stored, with its place in the journal."""

    position: int
    originator_id: str
    originator_version: int
    topic: str
    state: bytes
    links: str = NO_LINKS
    """Its place among the facts about each of its subjects, spelled as in its leaf."""

    def linked(self) -> tuple[Link, ...]:
        """Its place among the facts about each of its subjects."""
        return read_links(self.links)

    def leaf(self) -> bytes:
        """The leaf of the fact: what the log holds and a receipt proves."""
        return spell_leaf(*self)

    def fact(self) -> Fact:
        """The fact itself."""
        return read_fact(self.originator_id, self.originator_version, self.topic, self.state)


Row = tuple[Any, ...]


class JournalRecorder(ApplicationRecorder):
    """What the journal asks of an engine; SQL is written once, with ``?`` for a value."""

    POSITION: str
    """The column that holds the position."""
    SCHEMA: tuple[str, ...]
    """What creates the tables and the triggers, harmless when they exist."""

    @abstractmethod
    def query(self, sql: str, *values: object) -> list[Row]:
        """The rows of a query outside any transaction."""

    @abstractmethod
    def among(self, column: str) -> str:
        """The condition that a column is in one list value (see listed)."""

    @abstractmethod
    def listed(self, values: Collection[Any]) -> object:
        """A list as one value of the engine."""

    @abstractmethod
    def vacuum(self) -> bool:
        """Write the vault anew, so that no file of the database holds anything that was erased.

        False if somebody still reads what was there before, so that it has to be done again.
        """

    def settle(self) -> bool:
        """Do what an erasure left to be done, as far as possible; what is left can wait."""
        return False

    def head(self) -> int:
        """The position of the latest fact; 0 for an empty journal."""
        return int(self.query(f"SELECT coalesce(max({self.POSITION}), 0) FROM stored_events")[0][0])

    def streams(self, ids: Collection[str]) -> list[Placed]:
        """All facts of these streams, each stream in its own order."""
        return self._placed(
            f"WHERE {self.among('originator_id')} ORDER BY originator_id, originator_version",
            self.listed(ids),
        )

    def at(self, positions: Collection[int]) -> list[Placed]:
        """The facts at these positions, in order."""
        return self._placed(
            f"WHERE {self.among(self.POSITION)} ORDER BY {self.POSITION}", self.listed(positions)
        )

    def after(self, position: int, limit: int, topics: Collection[str] = ()) -> list[Placed]:
        """The next facts after a position, of some topics or of all."""
        if topics:
            return self._placed(
                f"WHERE {self.POSITION} > ? AND {self.among('topic')} "
                f"ORDER BY {self.POSITION} LIMIT ?",
                position,
                self.listed(topics),
                limit,
            )
        return self._placed(
            f"WHERE {self.POSITION} > ? ORDER BY {self.POSITION} LIMIT ?", position, limit
        )

    def texts(self, digests: Collection[str]) -> dict[str, str]:
        """The texts behind these commitments, as far as they were not erased."""
        return dict(
            self.query(
                f"SELECT digest, value FROM vault WHERE {self.among('digest')}",
                self.listed(digests),
            )
        )

    def owned(self, owners: Collection[str]) -> list[tuple[str, str]]:
        """The owner and the commitment of every text these owners have."""
        rows = self.query(
            f"SELECT owner, digest FROM vault WHERE {self.among('owner')} ORDER BY owner, digest",
            self.listed(owners),
        )
        return [(owner, digest) for owner, digest in rows]

    def disclosures(self, digests: Collection[str]) -> list[Disclosure]:
        """The disclosures of these commitments, as far as they were not erased."""
        rows = self.query(
            "SELECT digest, owner, name, salt, value FROM vault "
            f"WHERE {self.among('digest')} ORDER BY digest",
            self.listed(digests),
        )
        return [Disclosure(*row) for row in rows]

    def _placed(self, where: str, *values: object) -> list[Placed]:
        rows = self.query(
            f"SELECT {self.POSITION}, originator_id, originator_version, topic, state, links "
            f"FROM stored_events {where}",
            *values,
        )
        return [Placed(p, id, v, topic, bytes(s), links) for p, id, v, topic, s, links in rows]


def _must_hold(condition: Condition, since: Callable[[int, list[str]], list[Placed]]) -> None:
    """Raise Overtaken if a watched fact came in since; called under the lock."""
    for placed in since(condition.after, list(condition.watched)):
        subjects = condition.watched[placed.topic]
        if subjects is None or not set(placed.fact().touches()).isdisjoint(subjects):
            raise Overtaken(placed.topic)


def _linked(
    stored_events: Sequence[StoredEvent],
    positions: Sequence[int],
    about: Sequence[Collection[str]],
    heads: dict[str, Row],
) -> tuple[list[Row], list[Row]]:
    """The rows of facts at their positions, and the rows of the heads they leave behind."""
    facts = [
        (position, s.originator_id, s.originator_version, s.topic, s.state)
        for position, s in zip(positions, stored_events, strict=True)
    ]
    links = link_facts(cast("Any", facts), about, cast("Any", heads))
    rows = [(*fact, own) for fact, own in zip(facts, links, strict=True)]
    return rows, [(subject, *head) for subject, head in heads.items()]


def _all_of(about: Sequence[Collection[str]]) -> list[str]:
    return list({subject for subjects in about for subject in subjects})


HEADS = (
    "CREATE TABLE IF NOT EXISTS heads (subject TEXT PRIMARY KEY, number BIGINT NOT NULL, "
    "position BIGINT NOT NULL, hash TEXT NOT NULL)"
)
"""The latest fact about each subject, so that the next one can name it."""


def _must_be_empty(left: Callable[[Collection[str]], int], owners: Collection[str]) -> None:
    """Raise Overtaken if these owners have texts nobody knew of; called under the lock."""
    if left(owners):
        raise Overtaken("vault")


VAULT = (
    "CREATE TABLE IF NOT EXISTS vault (digest TEXT PRIMARY KEY, owner TEXT NOT NULL, "
    "name TEXT NOT NULL, salt TEXT NOT NULL, value TEXT NOT NULL, folded TEXT NOT NULL)"
)
VAULT_BY_OWNER = "CREATE INDEX IF NOT EXISTS vault_owner ON vault (owner)"

SEARCHED = frozenset({"name", "title"})
"""The texts that are searched, and so kept in folded case as well."""


def vault_row(disclosure: Disclosure) -> Row:
    """A disclosure as the vault holds it."""
    folded = disclosure.value.casefold() if disclosure.name in SEARCHED else ""
    return (*disclosure, folded)


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
        **_: Any,
    ) -> Sequence[int]:
        """Append facts, each with its subjects, and the texts behind them; their positions."""
        with self._immediate() as cursor:
            if condition and condition.watched:
                _must_hold(condition, partial(self._since, cursor))
            if positions is None:
                cursor.execute("SELECT coalesce(max(rowid), 0) FROM stored_events")
                first = cursor.fetchone()[0] + 1
                positions = range(first, first + len(stored_events))
            facts, heads = _linked(stored_events, positions, about, self._heads(cursor, about))
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
            if erased:
                # Without it the deleted text would still lie in the file.
                cursor.execute("PRAGMA secure_delete = ON")
                cursor.execute(
                    f"DELETE FROM vault WHERE {self.among('digest')}", (self.listed(erased),)
                )
            if condition and condition.emptied:
                _must_be_empty(partial(self._left, cursor), condition.emptied)
        if erased:
            self._in_write_ahead_log = True
            self.settle()
        return positions

    def _heads(self, cursor: Any, about: Sequence[Collection[str]]) -> dict[str, Row]:
        cursor.execute(
            f"SELECT subject, number, position, hash FROM heads WHERE {self.among('subject')}",
            (self.listed(_all_of(about)),),
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


PIPELINED_CHARACTERS = 8_000
"""An append larger than this goes statement by statement: a message that does not fit into the
socket at once is not sent to its end in psycopg's pipeline, and both sides wait for ever."""


class PostgresJournal(JournalRecorder, PostgresApplicationRecorder):
    """The journal in PostgreSQL; text is compared by its bytes, as SQLite does, and faster."""

    POSITION = "notification_id"
    SCHEMA = (
        "CREATE TABLE IF NOT EXISTS stored_events (notification_id BIGINT PRIMARY KEY, "
        'originator_id TEXT COLLATE "C" NOT NULL, originator_version BIGINT NOT NULL, '
        "topic TEXT NOT NULL, state BYTEA NOT NULL, links TEXT NOT NULL, "
        "UNIQUE (originator_id, originator_version))",
        HEADS.replace("TEXT", 'TEXT COLLATE "C"'),
        VAULT.replace("TEXT", 'TEXT COLLATE "C"'),
        VAULT_BY_OWNER,
        "CREATE OR REPLACE FUNCTION facts_are_immutable() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'facts are immutable'; END $$",
        "CREATE OR REPLACE TRIGGER facts_are_not_edited BEFORE UPDATE OR DELETE OR TRUNCATE "
        "ON stored_events FOR EACH STATEMENT EXECUTE FUNCTION facts_are_immutable()",
    )
    INSERT = (
        "INSERT INTO stored_events "
        "(notification_id, originator_id, originator_version, topic, state, links) "
        "SELECT * FROM unnest("
        "%b::bigint[], %b::text[], %b::bigint[], %b::text[], %b::bytea[], %b::text[])"
    )
    PUT_HEADS = (
        "INSERT INTO heads SELECT * FROM unnest(%b::text[], %b::bigint[], %b::bigint[], "
        "%b::text[]) ON CONFLICT (subject) DO UPDATE SET "
        "number = excluded.number, position = excluded.position, hash = excluded.hash"
    )

    def __init__(self, datastore: PostgresDatastore, **_: Any) -> None:
        # One name on both engines; the factory would put the application's before it.
        super().__init__(datastore, events_table_name="stored_events")

    def create_table(self) -> None:
        """Create what is missing; safe when several processes start at once."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(7236833)")  # "ste" + "m": any number does
            for statement in self.SCHEMA:
                cursor.execute(statement.encode())

    def query(self, sql: str, *values: object) -> list[Row]:
        """The rows of a query outside any transaction."""
        with self.datastore.get_connection() as connection, connection.cursor() as cursor:
            cursor.execute(sql.replace("?", "%s").encode(), values)
            return [tuple(row.values()) for row in cursor.fetchall()]

    def among(self, column: str) -> str:
        """The condition that a column is in one list value."""
        return f"{column} = ANY(?)"

    def listed(self, values: Collection[Any]) -> list[Any]:
        """A list as an array."""
        return list(values)

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        about: Sequence[Collection[str]] = (),
        condition: Condition | None = None,
        disclosures: Sequence[Disclosure] = (),
        erased: Collection[str] = (),
        positions: Sequence[int] | None = None,
        **_: Any,
    ) -> Sequence[int]:
        """Append facts, each with its subjects, and the texts behind them; their positions."""
        # Not retried when the connection breaks: whether it was recorded is asked by the caller.
        size = sum(len(stored.state) for stored in stored_events)
        size += sum(len(text.value) for text in disclosures)
        size += 2 * sum(len(subject) for subjects in about for subject in subjects)
        with (
            self.datastore.get_connection() as connection,
            connection.pipeline() if size < PIPELINED_CHARACTERS else nullcontext() as pipeline,
            connection.transaction(),
            connection.cursor() as cursor,
        ):
            self._lock_table(cast("Any", cursor))
            if condition and condition.watched:
                _must_hold(condition, partial(self._since, cursor))
            # Under the lock the greatest position is final, so the next ones have no gaps.
            cursor.execute(
                b"SELECT NULL AS subject, 0 AS number, coalesce(max(notification_id), 0) "
                b"AS position, NULL AS hash FROM stored_events UNION ALL "
                b"SELECT subject, number, position, hash FROM heads WHERE subject = ANY(%s)",
                [_all_of(about)],
            )
            rows = (row.values() for row in cursor.fetchall())
            known = {subject: tuple(head) for subject, *head in rows}
            _, latest, _ = known.pop(None)
            if positions is None:
                positions = range(latest + 1, latest + 1 + len(stored_events))
            facts, heads = _linked(stored_events, positions, about, known)
            cursor.execute(
                self.INSERT.encode(), [list(column) for column in zip(*facts, strict=True)]
            )
            if heads:
                cursor.execute(
                    self.PUT_HEADS.encode(), [list(column) for column in zip(*heads, strict=True)]
                )
            if disclosures:
                vault = [list(column) for column in zip(*map(vault_row, disclosures), strict=True)]
                cursor.execute(
                    b"INSERT INTO vault SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], "
                    b"%s::text[], %s::text[], %s::text[]) ON CONFLICT (digest) DO NOTHING",
                    vault,
                )
            if erased:
                cursor.execute(b"DELETE FROM vault WHERE digest = ANY(%s)", [list(erased)])
            if condition and condition.emptied:
                _must_be_empty(partial(self._left, cursor), condition.emptied)
            if pipeline:
                pipeline.sync()
        return positions

    def _left(self, cursor: Any, owners: Collection[str]) -> int:
        sql = b"SELECT count(*) AS texts FROM vault WHERE owner = ANY(%s)"
        return int(cursor.execute(sql, [list(owners)]).fetchone()["texts"])

    def vacuum(self) -> bool:
        """Write the vault anew: until then the rows that were deleted lie in its file.

        NotPermitted if the role does not own the table. The write-ahead log of the server keeps
        what it holds until its segments are used again.
        """
        unremovable: list[str] = []

        def hear(notice: Any) -> None:
            unremovable.extend(re.findall(r"\A[1-9]\d*", notice.message_detail or ""))

        with self.datastore.get_connection() as connection, connection.cursor() as cursor:
            cursor.execute(
                b"SELECT current_user AS role, pg_has_role(relowner, 'USAGE') AS owns "
                b"FROM pg_class WHERE oid = CAST('vault' AS regclass)"
            )
            role, owns = cast("dict[str, Any]", cursor.fetchone()).values()
            if not owns:
                raise NotPermitted(role, "vacuum")  # PostgreSQL itself would only pass it over
            connection.add_notice_handler(hear)
            try:
                # Its details begin with how many dead rows an older transaction may still read.
                cursor.execute(b"VACUUM (FULL, VERBOSE) vault")
            finally:
                connection.remove_notice_handler(hear)
        return not unremovable

    def _since(self, cursor: Any, after: int, topics: list[str]) -> list[Placed]:
        cursor.execute(
            b"SELECT notification_id, originator_id, originator_version, topic, state "
            b"FROM stored_events WHERE notification_id > %s AND topic = ANY(%s)",
            (after, topics),
        )
        return [Placed(*row.values()) for row in cursor.fetchall()]
