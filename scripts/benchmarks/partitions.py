"""What VACUUM has to read after appends, and what partitions would cost; PostgreSQL only.

Facts, histories and postings are only ever added to. So VACUUM reads what was added since the last
time, whatever lies before. Partitions by range of position could be moved away whole, but a stream
lies in many of them: each lookup by its id asks the index of every one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import psycopg

from projections.store import table_name
from projections.wording import several
from scripts.benchmarks.by_hand import Plain
from scripts.benchmarks.measure import Peer, Result, percentile, seconds
from scripts.service import Service

ADDED_TO = ("stored_events", "mentions", "postings")
PARTITIONS = (1, 10, 100)
_SCANNED = re.compile(r"(\d+) remain, (\d+) scanned")


def vacuumed(
    service: Service, address: str, append: Callable[[int], int], works: int, times: int
) -> Iterator[Result]:
    """Pages that VACUUM reads after so many more appends, beside all pages of the table."""
    number = service.store.current().number
    tables = [ADDED_TO[0], *(table_name(one, number) for one in ADDED_TO[1:])]
    with psycopg.connect(address, autocommit=True) as connection:
        for table in tables:
            _scanned(connection, table)
        for turn in range(times):
            append(turn)
        service.follower.catch_up()
        for name, table in zip(ADDED_TO, tables, strict=True):
            pages, read = _scanned(connection, table)
            yield Result(
                f"VACUUM of {name} after {times:,} appends, {works:,} works",
                max(read, 1),
                "pages",
                (Peer("all pages of the table", max(pages, 1)),),
                point=(f"VACUUM of {name}", works),
            )


def _scanned(connection: psycopg.Connection[Any], table: str) -> tuple[int, int]:
    """How many pages a table has, and how many of them VACUUM read."""
    told: list[str] = []

    def hear(notice: psycopg.errors.Diagnostic) -> None:
        told.append(f"{notice.message_primary} {notice.message_detail}")

    connection.add_notice_handler(hear)
    connection.execute(f"VACUUM (VERBOSE) {table}".encode())
    connection.remove_notice_handler(hear)
    found = _SCANNED.search(next(one for one in told if f".{table}" in one and "scanned" in one))
    assert found is not None
    return int(found[1]), int(found[2])


def partitioned(
    by_hand: Plain, ids: Sequence[str], works: int, among: Sequence[int] = PARTITIONS
) -> Iterator[Result]:
    """Milliseconds to find the facts of a stream among more and more partitions."""
    ((facts,),) = by_hand.execute("SELECT max(position) FROM stored_events")
    peers: list[Peer] = []

    def find(sql: str, id: str) -> None:
        by_hand.execute(sql, [id])

    for partitions in among:
        table = f"partitioned_{partitions}"
        _partition(by_hand, table, facts, partitions)
        sql = f"SELECT position, state FROM {table} WHERE originator_id = ?"
        taken = [1000 * seconds(partial(find, sql, id)) for id in ids]
        value = percentile(taken, 50)
        within = several(partitions, "partition")
        yield Result(
            f"a stream by its id, {within}, {works:,} works, p50",
            value,
            "ms",
            tuple(peers),
            "clock",
            point=(f"a stream among {within}", works),
        )
        peers = peers or [Peer("in one partition", value)]
        by_hand.execute(f"DROP TABLE {table}")


def _partition(by_hand: Plain, table: str, facts: int, partitions: int) -> None:
    """A copy of the facts in partitions by position, each with an index of streams."""
    by_hand.execute(f"CREATE TABLE {table} (LIKE stored_events) PARTITION BY RANGE (position)")
    each = -(-facts // partitions)
    for number in range(partitions):
        by_hand.execute(
            f"CREATE TABLE {table}_{number} PARTITION OF {table} "
            f"FOR VALUES FROM ({number * each + 1}) TO ({(number + 1) * each + 1})"
        )
    by_hand.execute(f"INSERT INTO {table} SELECT * FROM stored_events")
    by_hand.execute(f"CREATE INDEX ON {table} (originator_id, originator_version)")
    by_hand.execute(f"ANALYZE {table}")
