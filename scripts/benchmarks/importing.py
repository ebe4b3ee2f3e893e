"""Import: a generated community read from a file of JSON Lines, checked and recorded.

One peer writes the same rows by COPY (executemany on SQLite), without reading, checking or sealing
anything. The other makes these rows first: the least that facts and their commitments cost in
Python. They are recorded twice: alone and folded afterwards, which separates the two costs, and as
``stemma import`` does it, with a second process that folds meanwhile.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from domain.journal import Journal
from domain.permission import OPERATOR
from projections.companion import Companion
from scripts.benchmarks.by_hand import loading_seconds, plain, rows_of, scratch
from scripts.benchmarks.measure import Peer, Result, Size, Worked, at_least, seconds
from scripts.bundle import FoundLine, import_lines, read_json_lines
from scripts.generate import community, facts_of, lines
from scripts.service import Service, open_service

PIECES = {"small": 500, "full": 20_000}


def measure(size: Size, database: str) -> Iterator[Result]:
    """Pieces per second."""
    pieces = PIECES[size]
    with tempfile.TemporaryDirectory(prefix="stemma-bench-") as folder:
        bundle = Path(folder) / "bundle.jsonl"
        with bundle.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines(community(pieces)))
        with (
            scratch(database) as address,
            open_service(address) as service,
            plain(address) as by_hand,
            bundle.open("rb") as file,
        ):
            found, worked = read_json_lines(file), Worked(by_hand, ended=True)
            recorded, cost = worked.rate(pieces, lambda: import_lines(service.journal, found))
            folded, more = worked.rate(pieces, service.follower.catch_up)
            making, loading = unchecked(database, service.journal, pieces)
            loaded = Peer("the same rows, nothing checked", pieces / loading)
            made = Peer("the same facts made, nothing checked", pieces / (making + loading))
        with (
            scratch(database) as address,
            open_service(address) as service,
            bundle.open("rb") as file,
        ):
            both = pieces / seconds(partial(import_folded, service, read_json_lines(file)))
    yield Result("recorded", recorded, "pieces/s", (loaded, made), aims=at_least(15_000))
    yield Result("recorded, processor time", cost, "µs a piece")
    yield Result("folded afterwards", folded, "pieces/s")
    yield Result("folded afterwards, processor time", more, "µs a piece")
    yield Result("recorded and folded", both, "pieces/s", (loaded, made), aims=at_least(10_000))


def import_folded(service: Service, found: Iterator[FoundLine]) -> None:
    """Import lines, and fold them."""
    with Companion(service.engine) as companion:
        tell = companion.recorded
        import_lines(service.journal, found, progress=lambda so_far: tell(so_far.recorded.total()))
    service.follower.catch_up(since=0)


def unchecked(database: str, journal: Journal, pieces: int) -> tuple[float, float]:
    """How long it takes to make the same rows, and to write them in one transaction."""
    begin = time.perf_counter()
    sheets = [facts_of(OPERATOR, command, journal.clock()) for command in community(pieces)]
    stored = (journal.mapper.to_stored_event(fact) for sheet in sheets for fact in sheet.facts)
    facts, texts = rows_of(stored, [text for sheet in sheets for text in sheet.disclosures], 1)
    making = time.perf_counter() - begin
    return making, loading_seconds(database, facts=facts, texts=texts)
