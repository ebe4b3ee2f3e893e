"""Log: the cost of keeping every fact in a Merkle tree, and how fast a fact is proved.

Pieces are appended while a follower integrates them, until the last one is in the tree; the peer
is the same with a follower that does nothing. Receipts (fact, inclusion proof, checkpoint) of
random facts are made; the peer reads the row of the fact by hand. A bundle of entries is
compressed; the peer is the bundle as it is. A restart opens the database and signs the root; the
peer computes that root from the facts again.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from random import Random
from statistics import median

from domain.command import Command
from domain.commands.admitting import AdmitContributor
from domain.tree import TILE_WIDTH, Frontier, leaf_hash
from projections.log import PAGE
from scripts.benchmarks.append import record as append
from scripts.benchmarks.by_hand import Plain, plain, scratch
from scripts.benchmarks.filled import SIGNER
from scripts.benchmarks.measure import (
    Peer,
    Result,
    Size,
    at_least,
    at_most,
    in_turns,
    percentiles,
    rates,
    seconds,
)
from scripts.generate import community, record
from scripts.service import Service, open_service

PIECES = {"small": 40, "full": 2_000}
"""How many pieces are appended in each round; each is two facts."""
BATCH = {"small": 20, "full": 500}
ROUNDS = {"small": 2, "full": 7}
SIZES = {"small": (100, 400), "full": (29_100, 262_000)}
"""How many pieces are recorded first, and then: with about 3.44 facts each, 10⁵ and 10⁶ facts."""
PROOFS = {"small": 50, "full": 2_000}
RESTARTS = 5

WITHOUT, ROW = "appended without the log", "the row of the fact"


def measure(size: Size, database: str) -> Iterator[Result]:
    """Pieces per second with the log and without; proofs, bytes and restarts at two sizes."""
    for batch in (1, BATCH[size]):
        yield appended(size, database, batch)
    with scratch(database) as address, plain(address) as by_hand:
        for seed, pieces in enumerate(SIZES[size]):
            facts = fill(address, community(pieces, seed=seed))
            yield from proved(size, address, by_hand, facts)
            yield stored(by_hand, facts)
            yield compressed(address, facts)
            yield restarted(address, facts)


def appended(size: Size, database: str, batch: int) -> Result:
    """Both in turns, with ``batch`` pieces in a transaction."""
    times = PIECES[size] // batch
    with (
        scratch(database) as with_log,
        scratch(database) as without,
        open_service(with_log, signer=SIGNER) as logged,
        open_service(without) as bare,
    ):
        logged.follower.steps, bare.follower.steps = [logged.log.step], []
        authors = [
            service.journal.record(AdmitContributor(name="Ana")).id for service in (logged, bare)
        ]

        def followed(service: Service, author: str) -> None:
            service.follower.start()
            for _ in range(times):
                append(service.journal, author, batch)
            service.follower.stop()

        def ours(_: int) -> None:
            followed(logged, authors[0])
            assert logged.log.catch_up() == logged.journal.last_written

        measured = rates(ROUNDS[size], times * batch, ours, lambda _: followed(bare, authors[1]))
    return Result(
        f"appended and integrated, {batch} in a transaction",
        measured[0],
        "pieces/s",
        (Peer(WITHOUT, measured[1]),),
        aims=at_least(0.8, WITHOUT),
    )


def fill(address: str, commands: Iterable[Command]) -> int:
    """Record another community and integrate it; how many facts there are."""
    with open_service(address, signer=SIGNER) as service:
        record(service.journal, commands, before=service.journal.facts.head())
        return service.log.catch_up()


def proved(size: Size, address: str, by_hand: Plain, facts: int) -> Iterator[Result]:
    """Milliseconds for a receipt, and for a proof that the log grew."""
    chance = Random(facts)
    positions = [chance.randint(1, facts) for _ in range(PROOFS[size])]
    sql = "SELECT originator_id, topic, state FROM stored_events WHERE position = ?"
    with open_service(address, signer=SIGNER) as service:
        questions: dict[str, Callable[[int], object]] = {
            "a receipt": service.log.receipt,
            "a consistency proof": lambda position: service.log.consistency(position, facts),
        }
        for what, question in questions.items():
            ours, row = in_turns(
                [partial(question, position) for position in positions],
                [partial(by_hand.execute, sql, [position]) for position in positions],
            )
            peers = {f"{ROW} by hand": row}
            aims = at_most(3, ROW), at_most(2)
            yield from percentiles(f"{what} of {facts:,}", ours, peers, aims)


def stored(by_hand: Plain, facts: int) -> Result:
    """Bytes of tiles per fact."""
    ((tiles,),) = by_hand.execute("SELECT sum(length(hashes)) FROM log_tiles")
    ((states,),) = by_hand.execute("SELECT sum(length(state)) FROM stored_events")
    return Result(
        f"tiles of {facts:,}",
        float(tiles) / facts,
        "bytes/fact",
        (Peer("the stored facts themselves", float(states) / facts),),
    )


def compressed(address: str, facts: int) -> Result:
    """Bytes of a full bundle of entries as they are sent to those who accept gzip."""
    with open_service(address, signer=SIGNER) as service:
        _, data = service.log.tile("tile/entries/000")
    return Result(
        f"entries of {facts:,}, compressed",
        len(gzip.compress(data, mtime=0)) / TILE_WIDTH,
        "bytes/fact",
        (Peer("as they are", len(data) / TILE_WIDTH),),
    )


def restarted(address: str, facts: int) -> Result:
    """Milliseconds until the log is up to date again."""

    def restart() -> None:
        with open_service(address, signer=SIGNER) as service:
            assert service.log.catch_up() == facts

    ours = median(seconds(restart) for _ in range(RESTARTS))
    with open_service(address) as service:
        recomputed = seconds(lambda: root_of_all(service))
    return Result(
        f"restart at {facts:,}",
        1000 * ours,
        "ms",
        (Peer("the root computed from every fact", 1000 * recomputed),),
        aims=at_most(50),
    )


def root_of_all(service: Service) -> bytes:
    """The root over all facts, without tiles."""
    frontier = Frontier()
    while placed := service.journal.facts.after(frontier.size, PAGE):
        for one in placed:
            frontier.append(leaf_hash(one.leaf()))
    return frontier.root()
