"""Append: recording pieces, one at a time and in batches.

A piece of ours is two facts (the piece, its author's credit) and one text in the vault, checked
and recorded under one lock. The library's peer is an aggregate with the same content, saved by
its stock application as one event. The plain peer writes the same rows by INSERT, and in batches
by COPY (executemany on SQLite), without any check.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from eventsourcing.application import Application

from domain.commands.admitting import AdmitContributor
from domain.commands.submitting import SubmitContribution
from domain.draft import Draft
from domain.journal import Journal
from domain.permission import OPERATOR
from scripts.benchmarks.measure import (
    Peer,
    Plain,
    Result,
    Rows,
    Size,
    plain_journal,
    rates,
    rows_of,
    scratch,
)
from scripts.benchmarks.stock import CONTENT, ROLE, StockPiece, stock_environment
from scripts.service import open_service

PIECES = {"small": 40, "full": 1_000}
"""How many pieces are recorded in each round."""
BATCH = {"small": 20, "full": 500}
ROUNDS = {"small": 2, "full": 5}


def measure(size: Size, database: str) -> Iterator[Result]:
    """Pieces per second: one in each transaction, and many."""
    with (
        scratch(database) as for_ours,
        scratch(database) as for_stock,
        open_service(for_ours) as service,
        Application[UUID](stock_environment(for_stock)) as stock,
    ):
        journal = service.journal
        author = journal.record(AdmitContributor(name="Ana")).id
        for batch in (1, BATCH[size]):
            with plain_journal(database) as by_hand:
                yield compare(size, batch, author, journal, stock, by_hand)


def compare(
    size: Size,
    batch: int,
    author: str,
    journal: Journal,
    stock: Application[UUID],
    by_hand: Plain,
) -> Result:
    """All three, in turns, with ``batch`` pieces in a transaction."""
    times = PIECES[size] // batch
    ready = list(ready_made(journal, author, batch, times * ROUNDS[size]))

    def ours(_: int) -> None:
        for _ in range(times):
            record(journal, author, batch)

    def library(_: int) -> None:
        for _ in range(times):
            save(stock, author, batch)

    def plainly(number: int) -> None:
        insert(by_hand, ready[number * times : (number + 1) * times])

    measured = rates(ROUNDS[size], times * batch, ours, library, plainly)
    return Result(
        "append",
        by_hand.NAME,
        f"{batch} in a transaction",
        measured[0],
        "pieces/s",
        (
            Peer("the library's Application.save", measured[1]),
            Peer(f"the same rows by {'INSERT' if batch == 1 else by_hand.LOADS_BY}", measured[2]),
        ),
    )


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
        yield rows_of(stored, draft.disclosures, position)
        position += len(draft.facts)


def insert(by_hand: Plain, batches: list[tuple[Rows, Rows]]) -> None:
    """The engine's: one transaction for each batch."""
    for facts, texts in batches:
        put = by_hand.insert if len(texts) == 1 else by_hand.load
        with by_hand.transaction():
            put("facts", facts)
            put("texts", texts)
