"""The journal in PostgreSQL.

The one rule: an append is sent once; whether it was recorded when the connection breaks, whoever
sent it has to ask.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, cast

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

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
from domain.refusal import NotPermitted
from domain.request import Request
from domain.seal import Disclosure

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
        REQUESTS.replace("TEXT", 'TEXT COLLATE "C"'),
        REQUESTS_BY_TARGET,
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
        requests: Sequence[Request] = (),
        **_: Any,
    ) -> Sequence[int]:
        """Append facts, each with its subjects, and the texts behind them; their positions."""
        # Not retried when the connection breaks: whether it was recorded is asked by the caller.
        size = sum(len(stored.state) for stored in stored_events)
        size += sum(len(text.value) for text in disclosures)
        size += sum(len(json.dumps(asked)) for asked in requests)
        size += 2 * sum(len(subject) for subjects in about for subject in subjects)
        with (
            self.datastore.get_connection() as connection,
            connection.pipeline() if size < PIPELINED_CHARACTERS else nullcontext() as pipeline,
            connection.transaction(),
            connection.cursor() as cursor,
        ):
            self._lock_table(cast("Any", cursor))
            if condition:
                condition.must_hold(partial(self._since, cursor))
            # Under the lock the greatest position is final, so the next ones have no gaps.
            cursor.execute(
                b"SELECT NULL AS subject, 0 AS number, coalesce(max(notification_id), 0) "
                b"AS position, NULL AS hash FROM stored_events UNION ALL "
                b"SELECT subject, number, position, hash FROM heads WHERE subject = ANY(%s)",
                [all_of(about)],
            )
            rows = (row.values() for row in cursor.fetchall())
            known = {subject: tuple(head) for subject, *head in rows}
            _, latest, _ = known.pop(None)
            if positions is None:
                positions = range(latest + 1, latest + 1 + len(stored_events))
            facts, heads = linked(stored_events, positions, about, known)
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
            if requests:
                asked = [list(c) for c in zip(*request_rows(requests, positions), strict=True)]
                cursor.execute(
                    b"INSERT INTO requests SELECT * FROM unnest(%s::bigint[], %s::text[], "
                    b"%s::text[], %s::text[], %s::text[])",
                    asked,
                )
            if erased:
                cursor.execute(b"DELETE FROM vault WHERE digest = ANY(%s)", [list(erased)])
            if condition:
                condition.must_be_empty(partial(self._left, cursor))
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
