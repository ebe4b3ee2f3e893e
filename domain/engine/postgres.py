"""The engine for PostgreSQL, the database meant for production.

A thread borrows a connection for one query, one view or one transaction, and waits for one at most
a few seconds. A transaction is never repeated: if the connection breaks, the caller has to find out
whether it was committed.

One file, because it is one class; its transactions are in postgres_writing.py.
"""

from __future__ import annotations

import logging
import os
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, ClassVar, TypeVar, cast

import psycopg
from eventsourcing.persistence import IntegrityError
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import _WaitTimeout as WaitTimeout
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool, PoolTimeout

from domain.cached import cached_property
from domain.engine import (
    UNHURRIED,
    DatabaseUnavailable,
    Engine,
    Locked,
    NoDatabase,
    Overtaken,
    Pooled,
    Row,
    Table,
    TimeLimits,
    Transaction,
    other_layout,
)
from domain.engine.deadline import TookTooLong, deadline, must_go_on, within
from domain.engine.documents import Tsvector
from domain.engine.postgres_address import schema_in
from domain.engine.postgres_sql import translated
from domain.engine.postgres_writing import (
    COMMIT,
    SILENT,
    Commit,
    Deferring,
    OneInsert,
    PostgresTransaction,
)
from domain.engine.probe import Probe
from domain.engine.statements import Statement, Statements
from domain.refusal import NotPermitted

T = TypeVar("T")
_Kind = TypeVar("_Kind", bound="PostgresTransaction")

CONNECT_TIMEOUT_SECONDS = 2
LOOK_SECONDS = 0.1
"""How often a thread that waits for the server checks its deadline."""
GRACE_SECONDS = 0.5
"""How long after its deadline a thread still waits for the server to end the statement."""
CONNECTIONS = 9
"""The most connections that a process has."""
IDLE_SECONDS = 5
"""How long an append, for which everyone else waits, may be idle within its transaction."""
LONG_IDLE_SECONDS = 60
"""How long any other transaction may be idle: folding many facts takes a while."""
TRIAL_SECONDS = 2
"""How long the database may take to commit a trial of whether it takes writes."""
FREE_SECONDS = 0.4
"""How long to wait for a connection before probing whether the database answers at all."""
CHECK_SECONDS = 1.0
"""How long the server may take to confirm that a connection still works.

Longer than FREE_SECONDS, so that each borrower tries only one connection; and long enough for a
busy machine, since once the database counts as away, nobody gets an answer.
"""
FRESH_SECONDS = 1.0
"""How long after its last use a connection is trusted unless the server has hung up."""
PROBE_SECONDS = 1.5
"""How long the server may take to accept a new connection when the pool has none to give."""
AWAY_SECONDS = 1.0
"""How long a database that did not answer is left alone."""
END_SECONDS = 2.0
"""How long a process that ends lets its threads wait for the database."""
NOT_PREPARED = (
    psycopg.errors.InvalidSqlStatementName,
    psycopg.errors.DuplicatePreparedStatement,
)
LOOKS = 5
"""How often two connections are asked which process of the server answers them."""
LOOKS_SECONDS = 10
"""How long that may take: a pooler may have no further connection to give for a while."""
POOLED = (
    "A pooler between here and the database gives each transaction another connection: it has to "
    "keep one for each session (in PgBouncer, pool_mode = session)"
)
OTHER_LAYOUT = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)


class _answering:  # noqa: N801 - it is used as a function
    """Translate the driver's exceptions, except those that point to our own mistakes."""

    def __init__(self, sql: str = "") -> None:
        self.sql = sql

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        match error:
            case None:
                pass
            case psycopg.IntegrityError():
                raise IntegrityError(str(error)) from error
            case _ if isinstance(error, NOT_PREPARED):
                raise DatabaseUnavailable(POOLED) from error
            case psycopg.errors.QueryCanceled():
                raise TookTooLong("A statement took too long") from error
            case psycopg.errors.LockNotAvailable():
                raise Locked("The database is busy: another transaction holds a lock") from error
            case _ if isinstance(error, OTHER_LAYOUT):
                raise other_layout(str(error).partition("\n")[0], self.sql) from error
            case _ if isinstance(error, SILENT):
                raise DatabaseUnavailable(_said(error)) from error


def _said(error: psycopg.Error) -> str:
    """Why the database can't be used, on one line and without the statement."""
    refuses = (error.sqlstate or "")[:2] not in _AWAY
    said = " ".join((error.diag.message_primary or str(error)).split())
    return f"The database {'refuses this' if refuses else 'does not answer'}: {said}"


_AWAY = ("", "08", "57")
"""Classes of error codes (SQLSTATE): no connection, a server that stops or starts; and none."""


class _Connection(psycopg.Connection):
    """A connection that respects deadlines, with the statements prepared on it."""

    answered = 0.0
    """When it was last given back, on the monotonic clock."""

    def wait(self, gen: PQGen[T], interval: float = LOOK_SECONDS, timeout: Any = None) -> T:
        """Wait until the thread's deadline: a frozen or unreachable server must not hold it."""
        until = deadline()
        left = timeout if until is None else max(until + GRACE_SECONDS - time.monotonic(), 0.0)
        try:
            return super().wait(gen, interval, left)
        except WaitTimeout:
            self.close()  # a late answer would be taken for that of the next statement
            raise

    def hang_up(self) -> None:
        """End the connection from another thread: the one waiting for an answer gets an error."""
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.fileno())) as end:
            end.shutdown(socket.SHUT_RDWR)

    @cached_property
    def statements(self) -> Statements:
        """What sends its statements."""
        return Statements(self)

    def cursor(self, *args: Any, **terms: Any) -> Any:
        """A cursor of the driver, which comes after all that waits."""
        self.statements.send()
        return super().cursor(*args, **terms)

    def rollback(self) -> None:
        """Undo what was sent, unless the connection has been closed, and forget what waits.

        An error here would take the place of the signal that interrupted a statement.
        """
        self.statements.forget()
        if not self.closed:
            super().rollback()


class _Snapshot:
    """A snapshot of one thread, which begins with its first query."""

    begins = True
    """Whether the next query begins it; BEGIN is sent together with that query."""
    is_current: Callable[[], bool] | None = None
    """Set by ``validate_on_begin``: whether what was read before it began is up to date."""

    def __init__(self, held: ExitStack) -> None:
        self.held = held
        """Gives back its connection at the end."""


class _Local(threading.local):
    """The state of one thread."""

    connection: _Connection
    holders = 0
    """How many nested blocks hold the connection."""
    snapshot: _Snapshot | None = None


class _Held:
    """This thread's connection; the outermost block borrows it and gives it back."""

    def __init__(self, hold: Callable[[], _Connection], let_go: Callable[[], None]) -> None:
        self._hold, self._let_go = hold, let_go

    def __enter__(self) -> _Connection:
        return self._hold()

    def __exit__(self, *_: object) -> None:
        self._let_go()


class PostgresEngine(Engine):
    """A pool of connections, opened at first use: a pool opened before a fork would hang."""

    DOCUMENTS = Tsvector()
    TABLES = (
        "SELECT t.relname FROM pg_class AS t JOIN pg_namespace AS n ON n.oid = t.relnamespace "
        "WHERE t.relkind IN ('r', 'p') AND pg_table_is_visible(t.oid) "
        "AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
    )
    COLUMNS = (
        "SELECT t.relname, c.attname FROM pg_class AS t "
        "JOIN pg_attribute AS c ON c.attrelid = t.oid WHERE t.relname IN :names "
        "AND pg_table_is_visible(t.oid) AND c.attnum > 0 AND NOT c.attisdropped"
    )
    TYPES: ClassVar = {"BYTES": "BYTEA", "TEXT": 'TEXT COLLATE "C"'}

    def __init__(self, url: str, limits: TimeLimits = UNHURRIED, *, is_there: bool = True) -> None:
        # The pool's warnings say nothing new: each query reports its own failure.
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
        self._local = _Local()
        self._held = _Held(self._hold, self._let_go)
        self.address = url
        self._away_until = 0.0
        self._in_use: set[_Connection] = set()
        self._probe = Probe(lambda: _answered(url).close())
        self._first = [_first(url)] if is_there else []
        self._pool = ConnectionPool(
            url,
            # The pool only calls its method ``connect``.
            connection_class=cast("type[_Connection]", self),
            kwargs=_CONNECTED,
            min_size=0,  # else the first borrower opens one besides those of the pool
            max_size=CONNECTIONS,
            timeout=CONNECT_TIMEOUT_SECONDS,
            # Give up instead of backing off: whoever asks next tries again.
            reconnect_timeout=AWAY_SECONDS,
            configure=self._configured(limits),
            open=False,
            # So that a connection that broke in the pool is detected before a command uses it.
            check=self._check,
        )

    def _configured(self, limits: TimeLimits) -> Callable[[psycopg.Connection], None]:
        """A function that sets up a connection, and learns to which server it leads.

        Queries are not compiled (jit): that can take a tenth of a second, more than any of them
        does. The driver reads no times but those of ISO, and sends arrays with NULL; triggers are
        compared as they are usually written.
        """
        settings = {
            "statement_timeout": limits.statement_seconds or 0,
            "lock_timeout": limits.lock_seconds,
            "idle_in_transaction_session_timeout": LONG_IDLE_SECONDS,
        }
        limited = (f"SET {name} = '{seconds}s'" for name, seconds in settings.items())
        statement = "; ".join((_OWN, *limited, _SERVER)).encode()

        def configure(connection: psycopg.Connection) -> None:
            (self.server,) = _last(connection.execute(statement))

        return configure

    def connect(self, url: str, **terms: Any) -> _Connection:
        """A connection for the pool: first the one on which the database has answered already."""
        with suppress(IndexError):
            return self._first.pop()
        return _Connection.connect(url, **terms)

    translate = staticmethod(translated)

    def query(self, sql: str, /, **values: Any) -> list[Row]:
        return self.query_all([(sql, values)])[0]

    def query_all(self, asked: Sequence[tuple[str, Mapping[str, Any]]]) -> list[list[Row]]:
        with _answering(asked[0][0]), self._held as connection:
            snapshot = self._local.snapshot
            statements: list[Statement] = [self.translate(*one) for one in asked]
            if snapshot and snapshot.is_current:
                is_current, snapshot.is_current = snapshot.is_current, None
                if not is_current():
                    raise Overtaken("what was read first")
            if snapshot and snapshot.begins:
                snapshot.begins = False
                snapshot.held.enter_context(self._held)
                statements.insert(0, (_SNAPSHOT, ()))
            return connection.statements.rows(statements)

    def query_outside(self, sql: str, /, **values: Any) -> list[Row]:
        """Sent alone, without BEGIN, on the connection of a snapshot that has not begun."""
        local = self._local
        if local.snapshot is None or not (local.snapshot.begins and local.snapshot.is_current):
            return self.read(sql, **values)
        with _answering(sql):
            if not local.holders:
                local.snapshot.held.enter_context(self._held)
            return local.connection.statements.rows([self.translate(sql, values)])[0]

    def validate_on_begin(self, is_current: Callable[[], bool]) -> None:
        if self._local.snapshot is not None:
            self._local.snapshot.is_current = is_current

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Worthwhile because borrowing a connection takes as long as a query."""
        with _answering(), self._held:
            yield

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Transaction]:
        """A transaction that writes; unless durable, its commit does not wait for the disk.

        It begins with its first message.
        """
        with self._ended(Deferring) as transaction:
            transaction.later(_BEGIN if durable else _BEGIN_NOT_DURABLE)
            yield transaction

    @contextmanager
    def appending(self, table: Table, sql: str) -> Iterator[tuple[Transaction, list[Row]]]:
        """The table is locked before the query runs; all of it is sent in one message."""
        idle = f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'"
        lock = f"BEGIN; {idle}; LOCK TABLE {table.name} IN EXCLUSIVE MODE; {sql}"
        with self._ended(PostgresTransaction) as transaction:
            yield transaction, _last(transaction.connection.execute(lock.encode()))

    @contextmanager
    def _ended(self, kind: type[_Kind]) -> Iterator[_Kind]:
        """A transaction of a kind that the block begins, and that is committed at its end."""
        with _answering(), self._held as connection, Commit(connection) as commit:
            is_idle = connection.pgconn.transaction_status == TransactionStatus.IDLE
            assert is_idle, "transactions do not nest"
            assert not connection.statements.is_waiting, "transactions do not nest"
            try:
                yield kind(self, connection, commit)
                if not commit.is_sent:
                    commit.is_sent = True
                    connection.statements.rows([COMMIT])
            except BaseException:
                connection.rollback()
                raise

    @contextmanager
    def optimistic(self, row: str = "", values: Sequence[Any] = ()) -> Iterator[Transaction]:
        """The insert and its commit are one message, instead of four."""
        with _answering(), self._held as connection, Commit(connection) as commit:
            yield OneInsert(self, connection, commit, (row, values))

    def now(self) -> float:
        """The server's clock; it may run on another machine."""
        return float(self.query("SELECT extract(epoch FROM clock_timestamp())")[0][0])

    def must_take_writes(self, table: Table, row: Row) -> None:
        """A commit that waits for a standby keeps the row locked, so further trials fail, too.

        The row has its place even on a full disk, so something that needs a new one comes first.
        """
        with (
            _answering(),
            self._held as connection,
            within(TRIAL_SECONDS),
            connection.transaction(),
        ):
            connection.execute(f"SET LOCAL lock_timeout = '{TRIAL_SECONDS}s'".encode())
            connection.execute(_SPILLS)
            PostgresTransaction(self, connection, Commit(connection)).insert(table, [row])

    def pooled(self) -> Pooled:
        """The state of the pool."""
        stats = self._pool.get_stats()
        return Pooled(
            *(stats.get(name, 0) for name in ("pool_size", "pool_available", "requests_waiting"))
        )

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """A read-only transaction that sees nothing committed after it began."""
        local = self._local
        with _answering(), ExitStack() as held:
            snapshot = local.snapshot = _Snapshot(held)
            try:
                yield
            finally:
                local.snapshot = None
                if not snapshot.begins:
                    local.connection.rollback()

    def storage(self, table: Table) -> str:
        """Leave room on each page of a table with updates for the next versions of its rows.

        A row that stays on its page needs no new index entries, and the rows of a pool stay
        together.
        """
        return " WITH (fillfactor = 80)" if "DO UPDATE" in table.on_conflict else ""

    def guards(self, table: Table) -> Iterator[str]:
        """One trigger for each statement and, if rows may advance, another for each row."""
        for name, (body, trigger) in _triggers(table).items():
            yield (
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                f"$${body}$$"
            )
            yield trigger.replace("CREATE", "CREATE OR REPLACE", 1)

    def unguarded(self, table: Table) -> list[str]:
        kept = {
            name: (*told, is_on)
            for name, is_on, *told in self.query(
                "SELECT CAST(t.tgname AS TEXT), t.tgenabled IN ('O', 'A'), p.prosrc, "
                "pg_get_triggerdef(t.oid, true) "
                "FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
                "WHERE t.tgrelid = to_regclass(:table) AND NOT t.tgisinternal",
                table=table.name,
            )
        }
        ours = {name: (*told, True) for name, told in _triggers(table).items()}
        return sorted(name for name in ours | kept if ours.get(name) != kept.get(name))

    def unindexed(self, table: Table) -> list[str]:
        found = self.query(
            "SELECT CAST(i.relname AS TEXT), x.indisunique AND x.indpred IS NULL, "
            "(SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute AS a "
            "WHERE a.attrelid = i.oid) FROM pg_index AS x "
            "JOIN pg_class AS i ON i.oid = x.indexrelid "
            "WHERE x.indrelid = to_regclass(:table) AND x.indisvalid",
            table=table.name,
        )
        there = {name for name, *_ in found} | {columns for _, is_key, columns in found if is_key}
        return sorted({*table.indexes, *map(", ".join, table.keys)} - there)

    def analyze(self, tables: Iterable[str]) -> None:
        """Collect statistics with ANALYZE."""
        with _answering(), self._held as connection:
            for name in tables:
                connection.execute(f"ANALYZE {name}".encode())

    def vacuum(self, table: str) -> bool:
        """Rewrite a table, whose file holds deleted rows until then, and those of documents.

        Raises NotPermitted if the role does not own the table, and, after these were rewritten, if
        it does not own the database, whose statistics hold samples of texts. The server's
        write-ahead log keeps erased content until its segments are reused.
        """
        unremovable: list[str] = []

        def hear(notice: Any) -> None:
            unremovable.extend(re.findall(r"\A[1-9]\d*", notice.message_detail or ""))

        with _answering(), self._held as connection:
            ((role, owns, owns_database),) = connection.execute(_OWNED, [table]).fetchall()
            if not owns:
                raise NotPermitted(
                    role, "vacuum", "The owner of the table may."
                )  # PostgreSQL itself would only skip the table
            connection.add_notice_handler(hear)
            try:
                # The details begin with how many dead rows an older transaction may still read.
                for (name,) in [(table,), *connection.execute(_WITH_WORDS).fetchall()]:
                    connection.execute(f"VACUUM (FULL, VERBOSE, ANALYZE) {name}".encode())
                if not owns_database:
                    raise NotPermitted(
                        role,
                        "vacuum the samples of texts from which the server plans",
                        "The owner of the database may; the tables themselves are rewritten.",
                    )
                # It still holds the former samples, which ANALYZE has replaced.
                connection.execute(b"VACUUM (FULL, VERBOSE) pg_catalog.pg_statistic")
            finally:
                connection.remove_notice_handler(hear)
        return not unremovable

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()
        for one in self._first:
            one.close()

    def end(self, thread: threading.Thread) -> None:
        """Wait until a thread does; after a while, hang up on whatever it waits for."""
        while thread.is_alive():
            thread.join(END_SECONDS)
            if thread.is_alive():
                self.hang_up()

    def hang_up(self) -> None:
        """End every connection in use, so that no thread goes on waiting for an answer."""
        for connection in list(self._in_use):
            connection.hang_up()

    def _is_held(self) -> bool:
        """Whether this thread holds a connection, or is in a snapshot that will hold one."""
        return self._local.holders > 0 or self._local.snapshot is not None

    def _hold(self) -> _Connection:
        """This thread's connection, borrowed if no outer block holds it."""
        local = self._local
        if not local.holders:
            local.connection = self._borrow()
            self._in_use.add(local.connection)
        local.holders += 1
        return local.connection

    def _let_go(self) -> None:
        """Give the connection back, unless an outer block holds it."""
        local = self._local
        local.holders -= 1
        if not local.holders:
            connection = local.connection
            self._in_use.discard(connection)
            connection.answered = time.monotonic()
            self._pool.putconn(connection)

    def _check(self, connection: _Connection) -> None:
        """Check a connection by asking the server, unless it was used just now and is quiet."""
        is_fresh = time.monotonic() < connection.answered + FRESH_SECONDS
        if is_fresh and not _has_news(connection):
            return
        with within(CHECK_SECONDS - GRACE_SECONDS):
            ConnectionPool.check_connection(connection)

    def _borrow(self) -> _Connection:
        """A connection from the pool; after a failed probe, fails at once for AWAY_SECONDS."""
        must_go_on()
        if time.monotonic() < self._away_until:
            raise DatabaseUnavailable("The database did not answer a moment ago")
        self._pool.open()
        try:
            return self._pool.getconn(FREE_SECONDS)
        except PoolTimeout:
            try:
                self._probe.must_succeed(PROBE_SECONDS)
            except DatabaseUnavailable:
                self._away_until = time.monotonic() + AWAY_SECONDS
                raise
            return self._pool.getconn()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """An advisory lock of the schema, on a connection of its own; its number is arbitrary."""
        with _answering(), _answered(self.address, autocommit=True) as connection:
            connection.execute(b"SELECT pg_advisory_lock(7236834, hashtext(current_schema()))")
            yield

    def end_stalled(self, table: str) -> bool:
        """The server would wait for ever for a frozen process, and keep its locks."""
        ended = self.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE wait_event = 'ClientRead' AND state <> 'idle' "
            "AND state_change < now() - CAST(:stalled AS INTERVAL) AND pid IN "
            "(SELECT pid FROM pg_locks WHERE relation = to_regclass(:table) AND granted)",
            stalled=f"{IDLE_SECONDS} s",
            table=table,
        )
        return bool(ended)


def _last(cursor: psycopg.Cursor) -> list[Row]:
    """The rows of the last of several statements sent together."""
    while cursor.nextset():
        pass
    return cursor.fetchall() if cursor.description else []


_OWNED = (
    b"SELECT current_user, pg_has_role(t.relowner, 'USAGE'), pg_has_role(d.datdba, 'USAGE') "
    b"FROM pg_class t, pg_database d "
    b"WHERE t.oid = CAST($1 AS regclass) AND d.datname = current_database()"
)
"""The current role, and whether it owns the table and the database."""
_WITH_WORDS = (
    b"SELECT CAST(CAST(t.oid AS regclass) AS TEXT) FROM pg_class t "
    b"JOIN pg_attribute c ON c.attrelid = t.oid AND c.atttypid = CAST('tsvector' AS regtype) "
    b"WHERE t.relkind = 'r' AND pg_table_is_visible(t.oid)"
)
"""The tables of documents."""
_SPILLS = b"SET LOCAL work_mem = '64kB'; SELECT count(*) FROM generate_series(1, 65536)"
"""Needs about a megabyte of the disk for a moment, beside the tables, and writes no log."""
_OWN = "SET jit = off; SET datestyle = 'ISO'; SET array_nulls = on; SET quote_all_identifiers = off"
_SERVER = (
    "SELECT pg_postmaster_start_time(), oid FROM pg_database WHERE datname = current_database()"
)
_SNAPSHOT = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_BEGIN: list[Statement] = [(b"BEGIN", ())]
_BEGIN_NOT_DURABLE: list[Statement] = [*_BEGIN, (b"SET LOCAL synchronous_commit = off", ())]


def _has_news(connection: psycopg.Connection) -> bool:
    """Whether an idle connection has something to read: usually that it has ended."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


_CONNECTED: dict[str, Any] = {
    "autocommit": True,
    "client_encoding": "UTF8",  # whatever the environment, the database or the role says
    "connect_timeout": CONNECT_TIMEOUT_SECONDS,
    "cursor_factory": psycopg.RawCursor,
    "prepare_threshold": None,  # the driver would forget prepared statements after a rollback
}


def _answered(url: str, **terms: Any) -> _Connection:
    """A new connection; raises DatabaseUnavailable with the reason, which a pool would not give."""
    name = conninfo_to_dict(url).get("dbname")
    try:
        made = _Connection.connect(url, **{"connect_timeout": CONNECT_TIMEOUT_SECONDS, **terms})
    except psycopg.OperationalError as error:
        if f'database "{name}" does not exist' in str(error):
            raise NoDatabase(f"There is no database “{name}” on the server") from error
        raise DatabaseUnavailable(_said(error)) from error
    if (encoding := made.info.parameter_status("server_encoding")) != "UTF8":
        made.close()
        raise NoDatabase(f"The encoding of the database “{name}” is {encoding}, and not UTF8")
    if (schema := schema_in(url)) and not _is_in(made, schema):
        made.close()
        raise NoDatabase(
            f"The address names the schema “{schema}”, and a pooler between here and the database "
            "does not pass that on"
        )
    return made


def _first(url: str) -> _Connection:
    """The first connection; raises DatabaseUnavailable if it leads to one that others use, too."""
    made = _answered(url, **_CONNECTED)
    # A pooler names a process of its own when it is connected to.
    if _process(made) != made.info.backend_pid and _is_shared(made, url):
        made.close()
        raise DatabaseUnavailable(POOLED)
    return made


def _is_shared(connection: _Connection, url: str) -> bool:
    """Whether an idle connection lends its process of the server to another one.

    False, too, if that can't be known because no further connection can be had now.
    """
    with (
        suppress(DatabaseUnavailable, psycopg.OperationalError),
        within(LOOKS_SECONDS),
        _answered(url, **_CONNECTED) as other,
    ):
        found = {(_process(connection), _process(other)) for _ in range(LOOKS)}
        return len(found) > 1 or len(set(*found)) == 1
    return False


def _process(connection: _Connection) -> int:
    """The process of the server that answers."""
    ((found,),) = connection.execute(b"SELECT pg_backend_pid()").fetchall()
    return int(found)


def _is_in(connection: psycopg.Connection, schema: str) -> bool:
    """Whether a connection looks for tables in this schema first."""
    ((path,),) = connection.execute(b"SHOW search_path").fetchall()
    return bool(path.partition(",")[0].strip('" ') == schema)


def _triggers(table: Table) -> dict[str, tuple[str, str]]:
    """The triggers that enforce ``unchangeable`` and ``advances``, by name.

    Of each, the body of its function, and its definition as PostgreSQL itself spells it.
    """

    def refusal(told: str) -> str:
        return f" BEGIN RAISE EXCEPTION '{told}'; END "

    def trigger(name: str, events: str, each: str) -> str:
        before = f"CREATE TRIGGER {name} BEFORE {events} ON {table.name} FOR EACH {each}"
        return f"{before} EXECUTE FUNCTION {name}()"

    keep, advance = f"keep_{table.name}", f"advance_{table.name}"
    if table.unchangeable:
        every = trigger(keep, "DELETE OR UPDATE OR TRUNCATE", "STATEMENT")
        return {keep: (refusal(table.unchangeable), every)}
    by = table.advances
    if not by:
        return {}
    told = f"{table.name} only advance"
    # A row that names no existing fact is wrong already, and may be changed.
    moves = (
        f" BEGIN IF EXISTS (SELECT 1 FROM stored_events WHERE position = OLD.{by}) THEN "
        f"RAISE EXCEPTION '{told}'; END IF; RETURN NEW; END "
    )
    return {
        keep: (refusal(told), trigger(keep, "DELETE OR TRUNCATE", "STATEMENT")),
        advance: (moves, trigger(advance, "UPDATE", f'ROW WHEN (new."{by}" <= old."{by}")')),
    }
