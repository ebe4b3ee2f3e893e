"""Backups: everything permanent at one moment in one file, on either engine, while it is in use.

The rule: a file under a backup's name is complete, and nothing is restored from a damaged one.

An export has the facts and their texts. A backup also has what does not follow from them: keys, the
log with its signed checkpoints and cosignatures, requests. It has no sessions and no read tables,
and no text that was erased before, which a copy of the files might still contain.
"""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from domain.derived import refill
from domain.engine import EMBEDDED, Engine, Row, Table, Transaction
from domain.moment import instant
from domain.receipt import spell_leaf
from domain.refusal import Refusal
from domain.stored import FACTS
from domain.tree import Frontier, leaf_hash
from scripts import audit
from scripts.difference import Difference
from scripts.layout import TABLES, create_tables
from scripts.safe_file import temporary_folder
from scripts.service import Service, open_service
from scripts.short_lines import short_lines

FORMAT = 1
PAGE = 1_000
"""How many rows are read at once, and written on one line."""
LONGEST_LINE_BYTES = 128 << 20
"""How long a line may be; so many rows of the largest facts take less."""
KEPT = tuple(table for table in TABLES if table.in_backups)

Progress = Callable[[int, int | None], None]
Line = dict[str, Any]


class BackupDamaged(Refusal, listed=False):
    """A backup is not as it was written, or incomplete."""

    says = "The backup is damaged, and nothing of it was restored: {reason}."


class NotEmpty(Refusal, listed=False):
    """A backup is restored only into a database in which nothing was recorded."""

    says = "The database is not empty: its {table} has rows. Name a new one with --database."


class RestoredAlready(Refusal, listed=False):
    """A database has the facts of a backup, as if a restore was interrupted at its end."""

    says = (
        "The database has all facts of this backup already, and no others. If an earlier "
        "restore was interrupted, it is complete: a restore is recorded whole or not at all."
    )


class Content(NamedTuple):
    """The summary at the beginning of a backup."""

    made_at: str
    head: int
    """The position of its last fact."""
    root: str
    """The root of the tree over all its facts, in base64."""
    rows: Mapping[str, int]
    """By table: its number of rows."""


# -- writing -------------------------------------------------------------------------------------


def write(service: Service, file: BinaryIO, progress: Progress) -> Content:
    """Write a backup to a file, all of which can be read afterwards."""
    with gzip.GzipFile("", "wb", 5, file, mtime=0) as packed, service.engine.snapshot():
        content = _write(service, packed, progress)
    file.flush()
    return content


def _write(service: Service, file: gzip.GzipFile, progress: Progress) -> Content:
    hashed, tree, counted = sha256(), Frontier(), Counter[str]()
    made_at, head = instant(service.journal.clock()), service.journal.facts.head()

    def put(line: Line) -> None:
        raw = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        hashed.update(raw)
        file.write(raw)

    tables = {table.name: list(table.columns) for table in KEPT}
    put({"type": "backup", "format": FORMAT, "made_at": made_at, "tables": tables})
    for table in KEPT:
        for rows in _pages(service.engine, table):
            if table is FACTS:
                _grow(tree, rows)
                progress(tree.size, head)
            counted[table.name] += len(rows)
            put({"type": "rows", "table": table.name, "rows": [_packed(row) for row in rows]})
    root = b64encode(tree.root()).decode()
    content = Content(made_at, tree.size, root, dict(counted))
    said = {"head": content.head, "root": root, "rows": content.rows}
    put({"type": "backup.end", **said, "sha256": hashed.hexdigest()})
    return content


def _pages(engine: Engine, table: Table) -> Iterator[list[Row]]:
    """All rows of a table, in the order of its key."""
    columns, key = ", ".join(table.columns), table.keys[0]
    places = [list(table.columns).index(name) for name in key]
    last: dict[str, Any] = {}
    while True:
        after = f"WHERE ({', '.join(key)}) > ({', '.join(f':{name}' for name in key)}) "
        rows = engine.query(
            f"SELECT {columns} FROM {table.name} {after if last else ''}"
            f"ORDER BY {', '.join(key)} LIMIT {PAGE}",
            **last,
        )
        if rows:
            yield rows
        if len(rows) < PAGE:
            return
        last = {name: rows[-1][place] for name, place in zip(key, places, strict=True)}


def _grow(tree: Frontier, facts: Sequence[Row]) -> None:
    for fact in facts:
        position, id, version, topic, state, links = fact
        tree.append(leaf_hash(spell_leaf(position, id, version, topic, bytes(state), links)))


def _packed(row: Row) -> list[Any]:
    return [
        {"b64": b64encode(value).decode()} if isinstance(value, bytes | memoryview) else value
        for value in row
    ]


def _unpacked(value: Any) -> Any:
    return b64decode(value["b64"]) if isinstance(value, dict) else value


# -- reading -------------------------------------------------------------------------------------


def check(path: Path) -> Content:
    """The content of a backup; raises BackupDamaged unless all of it is as it was written."""
    try:
        with gzip.open(path, "rb") as file:
            return _check(file)
    except (EOFError, zlib.error) as problem:
        raise BackupDamaged(str(problem)) from None
    except (gzip.BadGzipFile, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        told = "it is not what “stemma backup” writes (an export is read by “stemma import”)"
        raise BackupDamaged(told) from None


def _check(file: gzip.GzipFile) -> Content:
    lines = _lines(file)
    first = json.loads(raw := next(lines, b""))
    if first["type"] != "backup" or first["format"] != FORMAT:
        raise BackupDamaged(f"it is no backup of format {FORMAT}")
    known = {table.name: list(table.columns) for table in KEPT}
    for name, columns in first["tables"].items():
        if further := sorted(set(columns) - set(known.get(name, ()))):
            raise BackupDamaged(f"this version does not know its {name}.{further[0]}")
    hashed, tree, counted = sha256(raw), Frontier(), Counter[str]()
    for raw in lines:
        line = json.loads(raw)
        if line["type"] == "backup.end":
            found = (tree.size, b64encode(tree.root()).decode(), dict(counted), hashed.hexdigest())
            if found != (line["head"], line["root"], line["rows"], line["sha256"]):
                raise BackupDamaged("its rows are not those of its last line")
            if file.read(1):
                raise BackupDamaged("it goes on after its last line")
            return Content(first["made_at"], *found[:3])
        hashed.update(raw)
        counted[line["table"]] += len(line["rows"])
        if line["table"] == FACTS.name:
            _grow(tree, [tuple(map(_unpacked, row)) for row in line["rows"]])
    raise BackupDamaged("its last line is missing")


def _lines(file: gzip.GzipFile) -> Iterator[bytes]:
    """The lines of a backup; a few bytes may unpack to one that no memory holds."""
    for number, raw in enumerate(short_lines(file, LONGEST_LINE_BYTES), start=1):
        if len(raw) > LONGEST_LINE_BYTES:
            told = f"its line {number} is longer than {LONGEST_LINE_BYTES >> 20} MiB"
            raise BackupDamaged(told)
        yield raw


def restore(database: str, path: Path, progress: Progress) -> Content:
    """Restore a backup into an empty database, in one transaction; raises if anything is amiss."""
    content = check(path)
    with open_service(database) as service, gzip.open(path, "rb") as file:
        lines = map(json.loads, file)
        columns = next(lines)["tables"]
        if content.head and _root(service) == (content.head, content.root):
            raise RestoredAlready
        with service.engine.transaction() as transaction:
            _must_be_empty(transaction)
            done = 0
            for line in lines:
                if line["type"] == "rows":
                    name = line["table"]
                    rows = (tuple(map(_unpacked, row)) for row in line["rows"])
                    transaction.load(name, columns[name], rows)
                    done += len(line["rows"])
                    progress(done, sum(content.rows.values()))
            create_tables(transaction)
            refill(transaction)
    return content


def _must_be_empty(transaction: Transaction) -> None:
    transaction.execute("DELETE FROM log_size WHERE size = 0")
    for table in KEPT:
        if transaction.query(f"SELECT 1 FROM {table.name} LIMIT 1"):
            raise NotEmpty(table.name)


# -- verifying -----------------------------------------------------------------------------------


def verify(path: Path, progress: Progress) -> Content:
    """Restore a backup into a scratch database, and recompute all that follows from its facts.

    Raises BackupDamaged with the first difference.
    """
    with temporary_folder(".stemma-verify-", path.parent) as folder:
        database = f"{EMBEDDED}{folder}/scratch.db"
        content = restore(database, path, progress)
        with open_service(database) as service:
            for name in ("journal", "index", "histories", "links", "vault", "log"):
                found = audit.first_difference(audit.CHECKS[name], service, progress)
                if isinstance(found, Difference):
                    raise BackupDamaged(str(found))
            must_have_root(service, content)
    return content


def must_have_root(service: Service, content: Content) -> None:
    """Raise BackupDamaged unless the facts of a database have the root that a backup states."""
    head, root = _root(service)
    if (head, root) != (content.head, content.root):
        raise BackupDamaged(f"its {content.head} facts have the root {root}, not {content.root}")


def _root(service: Service) -> tuple[int, str]:
    """How many facts a database has, and their root."""
    tree = Frontier()
    for placed in service.journal.read():
        tree.append(leaf_hash(placed.leaf()))
    return tree.size, b64encode(tree.root()).decode()
