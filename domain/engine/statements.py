"""Statements as PostgreSQL prepares them: several go in one message, and are waited for once.

A cursor of the driver takes twice the processor time for one, and its pipeline four times for five.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any, Self

import psycopg
from psycopg import generators
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult

Row = tuple[Any, ...]
Asked = tuple[bytes, Sequence[Any]]
"""SQL with ``$1``, and its values."""

MOST_PREPARED = 400
"""How many statements a connection keeps prepared."""
_Key = tuple[bytes, tuple[int, ...] | None]
FAILED = ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED


class Statements:
    """The statements of one connection, each prepared when it is sent for the first time."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection, self._form = connection, Transformer(connection)
        self._names: dict[_Key, bytes] = {}
        self._last: PGresult
        self._made = 0

    def rows(self, asked: Sequence[Asked]) -> list[list[Row]]:
        """The rows of each query among these."""
        results = self._results(asked)
        return [self._read(one) for one in results if one.status == ExecStatus.TUPLES_OK]

    def execute(self, sql: bytes, values: Sequence[Any]) -> Self:
        """Carry out one, as a cursor does."""
        *_, self._last = self._results([(sql, values)])
        return self

    def executemany(self, sql: bytes, rows: Iterable[Sequence[Any]]) -> None:
        """Carry out one with each of these values."""
        self._results([(sql, values) for values in rows])

    def fetchall(self) -> list[Row]:
        """The rows of the last one."""
        return self._read(self._last)

    @property
    def rowcount(self) -> int:
        """How many rows the last one touched."""
        return self._last.command_tuples or 0

    def _results(self, asked: Sequence[Asked]) -> list[PGresult]:
        """What became of each, and of preparing it; the error of the first that fails."""
        if self._made > MOST_PREPARED:
            self._connection.execute(b"DEALLOCATE ALL")
            self._names.clear()
            self._made = 0
        connection, form, new = self._connection.pgconn, self._form, dict[_Key, bytes]()
        written = [
            (
                sql,
                form.dump_sequence(values, [PyFormat.AUTO] * len(values)),
                form.types,
                form.formats,
            )
            for sql, values in asked
        ]
        try:
            connection.enter_pipeline_mode()
            for sql, values, types, formats in written:
                if (name := self._names.get((sql, types)) or new.get((sql, types))) is None:
                    self._made += 1
                    name = new[sql, types] = b"s%d" % self._made
                    connection.send_prepare(name, sql, types)
                connection.send_query_prepared(name, values, formats, Format.BINARY)
            connection.pipeline_sync()
            results = self._connection.wait(_answers(connection))
            connection.exit_pipeline_mode()
        except BaseException:
            self._connection.close()  # what is left of the answers would be taken for later ones
            raise
        for result in results:
            if result.status in FAILED:
                raise error_from_result(result)
        self._names |= new
        return results

    def _read(self, result: PGresult) -> list[Row]:
        self._form.set_pgresult(result)
        return self._form.load_rows(0, result.ntuples, tuple)


def _answers(connection: PGconn) -> Generator[Any, Any, list[PGresult]]:
    """What the server answers to each statement of a message."""
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
