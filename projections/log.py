"""The log: every fact a leaf of one Merkle tree, kept as tiles, its checkpoints signed.

The one rule: the leaf of a fact stands at its position; a tile only grows, and a size has one
root for ever.

Formats: C2SP tlog-tiles, tlog-checkpoint and tlog-proof (see domain.tree, domain.checkpoint,
domain.receipt). The leaf at index i is the fact at position i + 1: positions have no gaps.
Unlike the read tables, these are never dropped and folded again: their roots have been signed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from domain import checkpoint as checkpoints
from domain.as_of import make_as_of
from domain.checkpoint import Checkpoint
from domain.journal import Journal
from domain.note import SignerKey
from domain.receipt import make_receipt
from domain.refusal import NotInLog
from domain.tree import (
    ENTRIES,
    HASH_BYTES,
    TILE_WIDTH,
    Tile,
    bundle,
    consistency_proof,
    frontier_at,
    grow,
    inclusion_proof,
    leaf_hash,
    tile_at,
    tile_of,
)
from projections.store import Overtaken, Row, Store

PAGE = 5_000
"""How many leaves are integrated in one transaction."""
RECEIPTS = 500
"""How many receipts of a history are made from tiles that are read once."""
SECONDS_BETWEEN_CHECKPOINTS = 1.0
_LEVEL = 1 << 48
"""A tile's row is numbered level · 2⁴⁸ + number."""


class Signed(NamedTuple):
    """A checkpoint: the size it is of, and the signed note."""

    size: int
    note: bytes


class Log:
    """The log of one journal; without a signing key it grows but gives out no checkpoints."""

    def __init__(
        self,
        journal: Journal,
        store: Store,
        signer: SignerKey | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.journal, self.store, self.signer, self.clock = journal, store, signer, clock
        self._signed_at = -SECONDS_BETWEEN_CHECKPOINTS

    def create_tables(self) -> None:
        """Create what is missing."""
        with self.store.writing() as writer:
            writer.lock()
            for statement in (
                "CREATE TABLE IF NOT EXISTS log_tiles (place BIGINT PRIMARY KEY, "
                f"hashes {self.store.BYTES} NOT NULL)",
                "CREATE TABLE IF NOT EXISTS log_size (only_row INTEGER PRIMARY KEY "
                "CHECK (only_row = 1), size BIGINT NOT NULL)",
                "INSERT INTO log_size (only_row, size) VALUES (1, 0) "
                "ON CONFLICT (only_row) DO NOTHING",
                "CREATE TABLE IF NOT EXISTS log_checkpoints (size BIGINT PRIMARY KEY, "
                f"note {self.store.BYTES} NOT NULL)",
            ):
                writer.execute(statement)

    # -- growing ---------------------------------------------------------------------------

    def size(self) -> int:
        """How many leaves there are."""
        return int(self.store.query("SELECT size FROM log_size")[0][0])

    def step(self) -> bool:
        """Integrate the next page, or sign what there is; whether there is more to integrate."""
        if self.integrate():
            return True
        self.sign()
        return False

    def integrate(self) -> bool:
        """Add the next facts to the tree; whether there were any."""
        size = self.size()
        placed = self.journal.facts.after(size, PAGE)
        if not placed:
            return False
        assert placed[-1].position == size + len(placed), "the journal has a gap"
        hashes = [leaf_hash(one.leaf()) for one in placed]
        try:
            with self.store.writing() as writer:
                moved = writer.execute(
                    "UPDATE log_size SET size = :new WHERE size = :old",
                    {"new": size + len(hashes), "old": size},
                )
                if not moved:
                    raise Overtaken
                grown = grow(size, hashes, partial(_read, writer.query))
                writer.execute_many(
                    "INSERT INTO log_tiles (place, hashes) VALUES (:place, :hashes) "
                    "ON CONFLICT (place) DO UPDATE SET hashes = excluded.hashes",
                    [{"place": _place(tile), "hashes": hashes} for tile, hashes in grown.items()],
                )
        except Overtaken:
            pass  # another follower did it
        return True

    def catch_up(self) -> int:
        """Integrate everything there is and sign it; the size reached."""
        while self.integrate():
            pass
        self._signed_at = -SECONDS_BETWEEN_CHECKPOINTS
        self.sign()
        return self.size()

    def sign(self) -> None:
        """Sign the tree as it is, unless that was done; at most about once a second."""
        if self.signer is None or self.clock() - self._signed_at < SECONDS_BETWEEN_CHECKPOINTS:
            return
        self._signed_at = self.clock()
        size, latest = self.size(), self.checkpoint()
        if size == 0 or (latest is not None and latest.size >= size):
            return
        signed = Checkpoint(self.signer.name, size, self.root(size))
        note = checkpoints.sign(signed, self.signer)
        # The key of the table keeps a size to one root, whoever else signs at this moment.
        self.store.execute(
            "INSERT INTO log_checkpoints (size, note) VALUES (:size, :note) "
            "ON CONFLICT (size) DO NOTHING",
            size=size,
            note=note,
        )

    # -- answering -------------------------------------------------------------------------

    def latest(self) -> bytes:
        """The latest checkpoint, as it was signed; NotInLog if none was signed yet."""
        signed = self.checkpoint()
        if signed is None:
            raise NotInLog("a checkpoint")
        return signed.note

    def checkpoint(self, at_least: int = 0) -> Signed | None:
        """The latest checkpoint, if it is of at least this size."""
        rows = self.store.query(
            "SELECT size, note FROM log_checkpoints WHERE size >= :least "
            "ORDER BY size DESC LIMIT 1",
            least=at_least,
        )
        return Signed(rows[0][0], bytes(rows[0][1])) if rows else None

    def tile(self, path: str) -> tuple[Tile, bytes]:
        """A tile or an entry bundle by its path; NotInLog if the log does not have it (yet)."""
        try:
            tile = tile_of(path)
        except ValueError:
            raise NotInLog(path) from None
        there = tile_at(tile.level, tile.number, self.size())
        if there is None or tile.width > there.width:
            raise NotInLog(path)
        if tile.level == ENTRIES:
            placed = self.journal.facts.after(tile.number * TILE_WIDTH, tile.width)
            return tile, bundle(one.leaf() for one in placed)
        (hashes,) = self._tiles([tile])
        return tile, hashes[: tile.width * HASH_BYTES]

    def receipt(self, position: int) -> bytes:
        """The proof that the fact at a position stands in the log, with the fact itself.

        Raises NotInLog if there is no such fact, or no checkpoint that covers it yet.
        """
        is_there = 1 <= position <= self.size()
        signed = self.checkpoint(at_least=position) if is_there else None
        if signed is None:
            raise NotInLog(f"position {position}")
        (placed,) = self.journal.facts.at([position])
        proof = inclusion_proof(position - 1, signed.size, self._tiles)
        return make_receipt(
            leaf=placed.leaf(), index=position - 1, proof=proof, checkpoint=signed.note
        )

    def receipts(self, positions: Sequence[int]) -> Iterator[bytes]:
        """The receipts of facts, all under the latest checkpoint, as far as that reaches.

        Raises NotInLog if it reaches none of them.
        """
        signed = self.checkpoint()
        covered = [one for one in positions if signed and one <= signed.size]
        if signed is None or not covered:
            raise NotInLog("any of these facts")
        return self._receipts(covered, signed)

    def _receipts(self, positions: Sequence[int], signed: Signed) -> Iterator[bytes]:
        for start in range(0, len(positions), RECEIPTS):
            tiles: dict[Tile, bytes] = {}
            for placed in self.journal.facts.at(positions[start : start + RECEIPTS]):
                index = placed.position - 1
                proof = inclusion_proof(index, signed.size, partial(self._once, tiles))
                yield make_receipt(
                    leaf=placed.leaf(), index=index, proof=proof, checkpoint=signed.note
                )

    def _once(self, known: dict[Tile, bytes], tiles: Sequence[Tile]) -> list[bytes]:
        """Tiles of which most were read before."""
        missing = [tile for tile in tiles if tile not in known]
        known.update(zip(missing, self._tiles(missing), strict=True))
        return [known[tile] for tile in tiles]

    def as_of(self, position: int) -> bytes:
        """What answers as of a position rest on; NotInLog if no checkpoint covers it yet."""
        is_there = 1 <= position <= self.size()
        signed = self.checkpoint(at_least=position) if is_there else None
        if signed is None:
            raise NotInLog(f"position {position}")
        return make_as_of(
            size=position,
            root=frontier_at(position, self._tiles).root(),
            proof=consistency_proof(position, signed.size, self._tiles),
            checkpoint=signed.note,
        )

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the tree of one size is the beginning of the tree of another."""
        if not 1 <= old <= new <= self.size():
            raise NotInLog(f"the sizes {old} and {new}")
        return consistency_proof(old, new, self._tiles)

    def root(self, size: int) -> bytes:
        """The root of the tree when it had a size."""
        return frontier_at(size, self._tiles).root()

    def stored(self, tiles: Iterable[Tile]) -> dict[tuple[int, int], bytes]:
        """The rows of these tiles by level and number, as far as they are there."""
        rows = self.store.query(
            "SELECT place, hashes FROM log_tiles WHERE place IN :places",
            places=[_place(tile) for tile in tiles],
        )
        return {divmod(place, _LEVEL): bytes(hashes) for place, hashes in rows}

    def checkpoints(self) -> Iterator[Signed]:
        """Every checkpoint that was signed, in order."""
        size = -1
        while rows := self.store.query(
            "SELECT size, note FROM log_checkpoints WHERE size > :size ORDER BY size LIMIT 500",
            size=size,
        ):
            for size, note in rows:
                yield Signed(size, bytes(note))

    def _tiles(self, tiles: Sequence[Tile]) -> list[bytes]:
        return _read(lambda sql, values: self.store.query(sql, **values), tiles)


def _read(query: Callable[[str, dict[str, Any]], list[Row]], tiles: Sequence[Tile]) -> list[bytes]:
    """The rows of these tiles, within a transaction or outside."""
    places = [_place(tile) for tile in tiles]
    sql = "SELECT place, hashes FROM log_tiles WHERE place IN :places"
    rows: dict[int, bytes] = dict(query(sql, {"places": places}))
    return [bytes(rows[place]) for place in places]


def _place(tile: Tile) -> int:
    return tile.level * _LEVEL + tile.number
