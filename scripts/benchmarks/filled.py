"""Databases filled for benchmarks: once for all that need the same, or kept for later runs.

The one rule: filling continues where it stopped, so a kept database equals a newly filled one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from domain.engine import RebuildNeeded
from domain.journal import Journal
from domain.note import SignerKey
from projections.folding import uncollected
from projections.rebuilding import Rebuild
from scripts.benchmarks.by_hand import is_postgres, scratch
from scripts.benchmarks.measure import KEY
from scripts.generate import community, id_of, record
from scripts.service import Service, open_service


@dataclass
class Settled:
    """What was filled, by the database beside which, its name and how much there is of it."""

    stack: ExitStack
    is_kept: bool
    filled: dict[tuple[str, str, int], tuple[Service, str]] = field(default_factory=dict)


_settled: list[Settled] = []


@contextmanager
def settled(*, is_kept: bool = False) -> Iterator[None]:
    """A context in which each database is filled only once; if kept, later runs find it too."""
    with ExitStack() as stack:
        _settled.append(Settled(stack, is_kept))
        try:
            yield
        finally:
            _settled.pop()


def filled(
    name: str,
    count: int,
    database: str,
    record: Callable[[Journal], object],
    *,
    last: str,
    signer: SignerKey | None = None,
) -> tuple[Service, str]:
    """A service beside a database in which so much is recorded and folded, and its address.

    ``record`` writes what is not there yet, at the end of it a noun of the id ``last``. With a
    signer it is in a signed log as well.
    """
    here = _settled[-1]
    if (database, name, count) not in here.filled:
        kept = f"stemma_{name}_{count}" if here.is_kept else None
        address = here.stack.enter_context(scratch(database, kept))
        service = here.stack.enter_context(open_service(address, operator_key=KEY, signer=signer))
        _fill(service, record, last)
        _read_once(address)
        here.filled[database, name, count] = service, address
    return here.filled[database, name, count]


def _read_once(address: str) -> None:
    """Read a SQLite file into the system's cache, as if it had been in use."""
    if not is_postgres(address):
        with Path(address.removeprefix("sqlite:///")).open("rb") as file:
            while file.read(1 << 24):
                pass


SIGNER = SignerKey("bench.example/log", bytes(32))
"""Not secret, and always the same, so that it also signs for databases that were kept."""


def filled_community(pieces: int, database: str) -> tuple[Service, str]:
    """A service for a generated community of ``pieces`` pieces, and its address."""
    record_all = partial(record, commands=community(pieces, seed=0))
    last = id_of("work", pieces - 1, 0)
    return filled("community", pieces, database, record_all, last=last, signer=SIGNER)


def _fill(service: Service, record: Callable[[Journal], object], last: str) -> None:
    """Record, fold and sign what is not there yet."""
    facts = service.journal.facts
    if not facts.births([last]):
        with uncollected():
            record(service.journal)
    with suppress(RebuildNeeded):
        if service.store.current().position == facts.head():
            service.log.catch_up()
            return
    Rebuild(service.journal, service.store).run()
    service.log.catch_up()
