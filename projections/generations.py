"""Generations: the read tables in use, and beside them those that a rebuild fills.

The one rule: whoever folds a page first moves the position of the generation from exactly the value
that was read, in the same transaction. So any number of followers can run at once.
"""

from __future__ import annotations

import re
from dataclasses import astuple
from hashlib import sha256

from domain.clock import STAMP
from domain.engine import Overtaken, RebuildNeeded, Transaction
from projections import documents
from projections.folding import PROJECTIONS, TABLES
from projections.store import LAYOUTS, Generation, table_name
from projections.store import PROJECTIONS as PROJECTED
from projections.tables import ReadTable

FOLDING = 2
"""A number to increase when the same tables are to be filled differently."""


def layout_version() -> str:
    """A hash of the names, columns and indexes of the read tables and of how they are filled."""
    told = [(one.name, *map(astuple, one.tables)) for one in PROJECTIONS]
    return sha256(repr((FOLDING, told, documents.FOLDING)).encode()).hexdigest()[:16]


def next_generation(writer: Transaction) -> int:
    """A number no generation has used."""
    return max(generations(writer), default=0) + 1


_OF_GENERATION = re.compile(table_name("", 0).replace("0", "([0-9]+)"))


def generations(writer: Transaction) -> set[int]:
    """Every generation that has a position or, if that was lost, tables."""
    positions = writer.query("SELECT DISTINCT generation FROM projections")
    tables = filter(None, map(_OF_GENERATION.match, writer.engine.tables()))
    return {number for (number,) in positions} | {int(one[1]) for one in tables}


def first_generation(writer: Transaction) -> None:
    """Create the first generation of read tables if there is none."""
    if not writer.query("SELECT 1 FROM projections WHERE current = 1"):
        _create(writer, next_generation(writer), is_current=True)


def begin(writer: Transaction, generation: int) -> None:
    """Create an empty generation beside the one in use, without most of its indexes."""
    _create(writer, generation, is_current=False)


def create_indexes(writer: Transaction, generation: int) -> None:
    """Create the indexes that ``begin`` left out: at the end that costs less."""
    must_exist(writer, generation)
    writer.define(one for table in TABLES for one in _indexes(table, generation, first=False))


def _create(writer: Transaction, generation: int, *, is_current: bool) -> None:
    statements = []
    for table in TABLES:
        statements.append(table.create(table_name(table.name, generation), writer.engine.typed))
        statements += _indexes(table, generation, first=True)
        statements += _indexes(table, generation, first=False) if is_current else ()
    writer.define(statements)
    documents.create(writer, generation, is_indexed=is_current)
    writer.insert(PROJECTED, [(one.name, generation, 0, int(is_current)) for one in PROJECTIONS])
    writer.insert(LAYOUTS, [(table_name("", generation), layout_version())])


def _indexes(table: ReadTable, generation: int, *, first: bool) -> list[str]:
    """Statements that create the index by which folding finds rows (``first``), or all others."""
    statements = list(table.create_indexes(table_name(table.name, generation)))
    looked_up = 1 if table.is_looked_up else 0
    return statements[:looked_up] if first else statements[looked_up:]


def must_exist(writer: Transaction, generation: int) -> None:
    """Raise Overtaken if a later rebuild dropped this generation; else hold it until commit."""
    held = "UPDATE projections SET current = current WHERE generation = :generation"
    if not writer.execute(held, generation=generation):
        raise Overtaken


def drop(writer: Transaction, generation: int) -> None:
    """Remove a generation with its tables."""
    # The rows first, in the order of a fold: a concurrent fold finishes before or fails, without
    # deadlock.
    writer.execute("DELETE FROM projections WHERE generation = :old", old=generation)
    writer.execute("DELETE FROM layouts WHERE name = :old", old=table_name("", generation))
    names = sorted(writer.engine.tables())  # another version may have had other tables
    of_generation = (name for name in names if name.startswith(table_name("", generation)))
    # SQLite drops some of these along with the tables they belong to.
    writer.define(f"DROP TABLE IF EXISTS {name}" for name in of_generation)


def advance(
    writer: Transaction, at: Generation, to: int, stamp: str = "", *, current: int = 1
) -> None:
    """Claim a page: move every projection's position from exactly ``at``, or raise ``Overtaken``.

    With ``stamp``, the time of the page's last fact, it also raises if the database does not hold
    that fact: after a failover the new server may never have had it. If the positions in use
    contradict each other, nobody was faster, and it raises ``RebuildNeeded``.
    """
    is_there = f"AND EXISTS (SELECT 1 FROM stored_events WHERE position = :to AND {STAMP} = :stamp)"
    moved = writer.execute(
        "UPDATE projections SET position = :to WHERE generation = :generation "
        f"AND position = :position AND current = :current {is_there if stamp else ''}",
        to=to,
        stamp=stamp.encode(),
        generation=at.number,
        position=at.position,
        current=current,
    )
    if moved == len(PROJECTIONS):
        return
    found = writer.query("SELECT generation, position FROM projections WHERE current = 1")
    if current and (len(found) != len(PROJECTIONS) or len({*found}) != 1):
        raise RebuildNeeded("they are at different positions, or not all there")
    raise Overtaken
