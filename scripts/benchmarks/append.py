"""Append: recording pieces, one at a time by several clients, and in batches.

A piece of ours is two facts (the piece, its author's credit) and one text in the vault, checked
and recorded under one lock. The library's peer is an aggregate with the same content, saved by
its stock application as one event. The plain peer writes the same rows by INSERT, and in batches
by COPY (executemany on SQLite), without any check. UmaDB, an event store of its own, gets them as
events, with a condition. The disk for temporary files shows what a commit costs at least: a block
is overwritten and synced. Clients are threads of one process, in which the journal and the library
each have one application, and by hand each client its connection or file.

What is recorded is visible once a follower in the same process has folded it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import FileIO
from tempfile import TemporaryFile
from typing import TYPE_CHECKING
from uuid import UUID

from eventsourcing.application import Application

from domain.commands.admitting import AdmitContributor
from domain.commands.submitting import SubmitContribution
from domain.draft import Draft
from domain.journal import Journal
from domain.permission import OPERATOR
from projections.wording import several
from scripts.benchmarks.by_hand import (
    Plain,
    PlainPostgres,
    Rows,
    engine_of,
    plain_journals,
    rows_of,
    scratch,
)
from scripts.benchmarks.measure import (
    Aim,
    Peer,
    Result,
    Size,
    at_least,
    at_most,
    percentiles,
    rates,
)
from scripts.benchmarks.stock import CONTENT, ROLE, StockPiece, stock_environment
from scripts.benchmarks.uma import NAME, append, uma_clients
from scripts.service import Service, open_service, settle

if TYPE_CHECKING:
    from umadb import Client

LIBRARY, ROWS = "the library's Application.save", "the same rows"
DISK = "a block synced to disk"
CLIENTS = (1, 4, 16)
PIECES = {"small": 32, "full": 1_024}
"""The number of pieces recorded in each round."""
BATCH = {"small": 20, "full": 500}
ROUNDS = {"small": 2, "full": 5}
SEEN = {"small": 20, "full": 500}
BLOCK = bytes(8192)
"""What is synced to the disk: a page of PostgreSQL's log."""


def measure(size: Size, database: str) -> Iterator[Result]:
    """Pieces per second: one in each transaction, and many; and when they are seen."""
    with (
        scratch(database) as for_ours,
        scratch(database) as for_stock,
        open_service(for_ours) as service,
        Application[UUID](stock_environment(for_stock)) as stock,
    ):
        journal = service.journal
        author = journal.record(AdmitContributor(name="Ana")).id
        settle()  # as a worker does
        for clients, batch in (*((each, 1) for each in CLIENTS), (1, BATCH[size])):
            with (
                plain_journals(database, clients) as by_hand,
                uma_clients(clients) as uma,
                blocks(clients) as files,
            ):
                yield compare(size, batch, author, journal, stock, by_hand, uma, files)
        yield from seen(engine_of(database), service, author, SEEN[size])


def compare(
    size: Size,
    batch: int,
    author: str,
    journal: Journal,
    stock: Application[UUID],
    by_hand: list[Plain],
    uma: Sequence[Client],
    files: Sequence[FileIO],
) -> Result:
    """Measure ours and the peers in turns; each client records ``batch`` pieces per transaction."""
    clients = len(by_hand)
    times = PIECES[size] // batch // clients
    ready = list(ready_made(journal, author, batch, times * clients * ROUNDS[size]))

    def ours(_: int, _client: int) -> None:
        for _ in range(times):
            record(journal, author, batch)

    def library(_: int, _client: int) -> None:
        for _ in range(times):
            save(stock, author, batch)

    def rows(number: int, client: int) -> list[tuple[Rows, Rows]]:
        begin = (number * clients + client) * times
        return ready[begin : begin + times]

    def plainly(number: int, client: int) -> None:
        insert(by_hand[client], rows(number, client))

    def by_uma(number: int, client: int) -> None:
        append(uma[client], rows(number, client))

    def to_disk(_: int, client: int) -> None:
        for _ in range(times):
            overwrite(files[client])

    further = {**({NAME: by_uma} if uma else {}), **({DISK: to_disk} if batch == 1 else {})}
    ways = (ours, library, plainly, *further.values())
    with ThreadPoolExecutor(clients) as pool:
        actions = [Round(pool, clients, each) for each in ways]
        measured = rates(ROUNDS[size], times * clients * batch, *actions)
    pieces = times * clients * batch * ROUNDS[size]
    worked = " / ".join(f"{each.worked_seconds / pieces * 1e6:,.0f}" for each in actions)
    plain = by_hand[0]
    return Result(
        f"{batch} per transaction, {several(clients, 'client')}",
        measured[0],
        "pieces/s",
        (
            Peer(LIBRARY, measured[1]),
            Peer(f"{ROWS} by {'INSERT' if batch == 1 else plain.LOADS_BY}", measured[2]),
            *map(Peer, further, measured[3:]),
        ),
        f"processor time of this process: {worked} µs a piece",
        aims_of(plain, batch, clients),
    )


def aims_of(plain: Plain, batch: int, clients: int) -> tuple[Aim, ...]:
    """The aims: many clients of a server share its commits, but a single one waits for each."""
    if batch > 1:
        return at_least(0.4, ROWS)
    if clients > 1 and isinstance(plain, PlainPostgres):
        return at_least(3, LIBRARY)
    return at_least(1 if clients == max(CLIENTS) else 0.8, ROWS)


@dataclass
class Round:
    """A round in which all clients do the same thing at the same time."""

    pool: ThreadPoolExecutor
    clients: int
    action: Callable[[int, int], None]
    worked_seconds: float = 0.0
    """Processor time of all rounds so far."""

    def __call__(self, number: int) -> None:
        start = time.process_time()
        list(self.pool.map(lambda client: self.action(number, client), range(self.clients)))
        self.worked_seconds += time.process_time() - start


def seen(engine: str, service: Service, author: str, times: int) -> Iterator[Result]:
    """How long after being recorded a piece appears in answers; recording itself does not count."""
    taken = []
    service.follower.catch_up()
    service.follower.start()
    for _ in range(times):
        position = service.journal.record(submission(author)).position
        start = time.perf_counter()
        with service.store.view(min_position=position):
            taken.append((time.perf_counter() - start) * 1000)
    service.follower.stop()
    soon = at_most(3 if engine == PlainPostgres.NAME else 10)
    yield from percentiles("from recorded to visible", taken, {}, (soon, ()))


def submission(author: str) -> SubmitContribution:
    """The command for one piece."""
    return SubmitContribution.of({**CONTENT, "authors": [{"contributor": author, "role": ROLE}]})


def record(journal: Journal, author: str, batch: int) -> None:
    """Ours: a command, or a draft of several."""
    if batch == 1:
        journal.record(submission(author))
    else:
        journal.commit(drafted(journal, author, batch))


def drafted(journal: Journal, author: str, batch: int) -> Draft:
    """A draft of several pieces."""
    draft = journal.draft()
    for _ in range(batch):
        draft.carry_out(submission(author))
    return draft


def save(stock: Application[UUID], author: str, batch: int) -> None:
    """The library's: aggregates, saved together."""
    pieces = (StockPiece(**CONTENT, author=author, role=ROLE, actor=OPERATOR) for _ in range(batch))
    stock.save(*pieces)


def ready_made(
    journal: Journal, author: str, batch: int, times: int
) -> Iterator[tuple[Rows, Rows]]:
    """The rows of facts and texts that recording each batch would write."""
    position = 1
    for _ in range(times):
        draft = drafted(journal, author, batch)
        stored = map(journal.mapper.to_stored_event, draft.facts)
        yield rows_of(stored, draft.disclosures.values(), position)
        position += len(draft.facts)


def insert(by_hand: Plain, batches: list[tuple[Rows, Rows]]) -> None:
    """The engine's: one transaction for each batch."""
    for facts, texts in batches:
        put = by_hand.insert if len(texts) == 1 else by_hand.load
        with by_hand.transaction():
            put("facts", facts)
            put("texts", texts)


@contextmanager
def blocks(count: int) -> Iterator[Sequence[FileIO]]:
    """Files of one block each, on the disk for temporary files."""
    with ExitStack() as held:
        files = [held.enter_context(TemporaryFile(buffering=0)) for _ in range(count)]
        for file in files:
            overwrite(file)
        yield files


def overwrite(file: FileIO) -> None:
    """The disk's: a block in place of the one before, as a log that was made in advance."""
    file.seek(0)
    file.write(BLOCK)
    os.fdatasync(file.fileno())
