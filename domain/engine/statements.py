"""Prepared statements of PostgreSQL, several of which are sent in one message.

This replaces the driver's cursor, which takes twice the processor time for one statement, and its
pipeline, which takes four times as much for five.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from itertools import groupby
from secrets import token_hex
from typing import Any

import psycopg
from psycopg import generators
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

from domain.engine import PLANNED_ONCE, Row

Statement = tuple[bytes, Sequence[Any]]
"""SQL with ``$1``, ``$2`` and so on, and the values for them."""

_ONCE = PLANNED_ONCE.encode()
# Without values, the planner would take a frequent one for any, and read whole tables.
_SETTINGS = {b"plan_cache_mode": b"force_generic_plan", b"enable_seqscan": b"off"}
_BEFORE: list[Statement] = [(b"SET %s = %s" % one, ()) for one in _SETTINGS.items()]
_AFTER: list[Statement] = [(b"RESET %s" % name, ()) for name in _SETTINGS]
"""What is sent around queries that are planned once. An error between them undoes the first,
because a message is one transaction or part of one."""
MOST_PREPARED = 400
"""How many statements a connection keeps prepared; with more, it forgets them all."""
_Key = tuple[bytes, tuple[int, ...] | None]
FAILED = ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED


class Statements:
    """The statements of one connection, each prepared when it is first sent.

    Their errors are those of the driver.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection, self._form = connection, Transformer(connection)
        self._names: dict[_Key, bytes] = {}
        self._prefix = token_hex(4).encode()
        """Of the names, so that through a pooler nobody executes the statement of another."""
        self._waiting: list[Statement] = []
        self._made = 0

    def later(self, asked: Iterable[Statement]) -> None:
        """Send these statements with the next message, which raises the error if one fails."""
        self._waiting += asked

    @property
    def is_waiting(self) -> bool:
        """Whether any statements wait for the next message."""
        return bool(self._waiting)

    def send(self) -> None:
        """Send what waits, if anything."""
        if self._waiting:
            self._results([])

    def forget(self) -> None:
        """Do not send what waits."""
        self._waiting.clear()

    def rows(self, asked: Sequence[Statement]) -> list[list[Row]]:
        """Execute these statements in one message; returns the rows of each query among them."""
        results = self._results(_planned(asked))
        return [self._read(one) for one in results if one.status == ExecStatus.TUPLES_OK]

    def affected(self, asked: Statement) -> int:
        """Execute one statement; returns the number of rows that it affected."""
        (result,) = self._results([asked])
        return result.command_tuples or 0

    def _results(self, asked: Sequence[Statement]) -> list[PGresult]:
        """The result of each statement; raises the first error, also of those that waited."""
        waiting, self._waiting = self._waiting, []
        if self._made > MOST_PREPARED:
            self._connection.execute(b"DEALLOCATE ALL")
            self._names.clear()
            self._made = 0
        connection, form = self._connection.pgconn, self._form
        new: dict[_Key, bytes] = {}
        made, places = self._made, list[int]()
        written = [
            (
                sql,
                form.dump_sequence(values, [PyFormat.AUTO] * len(values)),
                form.types,
                form.formats,
            )
            for sql, values in (*waiting, *asked)
        ]
        try:
            connection.enter_pipeline_mode()
            for sql, values, types, formats in written:
                if (name := self._names.get((sql, types)) or new.get((sql, types))) is None:
                    self._made += 1
                    name = new[sql, types] = b"%s_%d" % (self._prefix, self._made)
                    connection.send_prepare(name, sql, types)
                connection.send_query_prepared(name, values, formats, Format.BINARY)
                places.append(len(places) + self._made - made)
            connection.pipeline_sync()
            results = self._connection.wait(_answers(connection))
            connection.exit_pipeline_mode()
        except BaseException:
            self._connection.close()  # answers left unread would be taken for later ones
            raise
        for result in results:
            if result.status in FAILED:
                raise error_from_result(result)
        self._names |= new
        return [results[place] for place in places[len(waiting) :]]

    def _read(self, result: PGresult) -> list[Row]:
        self._form.set_pgresult(result)
        return self._form.load_rows(0, result.ntuples, tuple)


def _planned(asked: Sequence[Statement]) -> list[Statement]:
    """Statements, with what is sent around those that are planned once."""
    found: list[Statement] = []
    for is_once, several in groupby(asked, lambda one: one[0].startswith(_ONCE)):
        before, after = (_BEFORE, _AFTER) if is_once else ([], [])
        found += [*before, *several, *after]
    return found


def _answers(connection: PGconn) -> Generator[Any, Any, list[PGresult]]:
    """The server's results for the statements of one message."""
    yield from generators.send(connection)
    found: list[PGresult] = []
    while True:
        result = yield from generators.fetch(connection)
        if result is not None and result.status == ExecStatus.PIPELINE_SYNC:
            return found
        if result is not None:
            found.append(result)
        elif connection.status == ConnStatus.BAD:
            raise error_from_result(found[-1]) if found else psycopg.OperationalError("it is gone")
