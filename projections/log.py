"""The transparency log: every fact is a leaf of one Merkle tree, stored as tiles, with checkpoints.

The one rule: a tile only grows, and a tree size has one root for ever.

Formats: C2SP tlog-tiles, tlog-checkpoint and tlog-proof (see domain.tree, domain.checkpoint,
domain.receipt). The leaf at index i is the fact at position i + 1: positions have no gaps.
Unlike read tables, the log's tables are never dropped and folded again: their roots are signed.

One file, because signing, extending and proving share one view of the tiles.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple, Protocol

from domain import checkpoint as checkpoints
from domain.as_of import make_as_of
from domain.checkpoint import Checkpoint
from domain.engine import Overtaken, Row, Table, Transaction
from domain.journal import Journal
from domain.latest import make_latest, sign_map, verify_latest
from domain.moment import instant
from domain.note import Note, Signature, SignerKey, VerifierKey, time_of
from domain.promise import Promise, make_promise
from domain.receipt import make_receipt
from domain.refusal import BadCosignature, MapNotKept, NotInLog
from domain.stored import Placed
from domain.tree import (
    ENTRIES,
    HASH_BYTES,
    LARGEST_SIZE,
    TILE_WIDTH,
    Frontier,
    NotVerified,
    Tile,
    bundle,
    consistency_proof,
    frontier_at,
    grow,
    inclusion_proof,
    leaf_hash,
    tile_at,
    tile_of,
    tiles_to,
    verify_consistency,
    verify_inclusion,
    with_parts,
)
from domain.trust import WitnessPolicy
from domain.unreadable import Unreadable, of_only_row
from projections import latest as latest_facts
from projections.folding import uncollected
from projections.latest import LARGE_PAGE, NOTES, LatestMap, note_first

PAGE = 5_000
"""The most leaves integrated in one transaction."""
RECEIPTS = 500
"""How many facts are read at once to make the receipts of a history."""
SECONDS_BETWEEN_CHECKPOINTS = 1.0
CLOCKS_DIFFER_SECONDS = 300
"""How far a witness's clock may differ from ours."""
MOST_TILES_KEPT = 2_048
"""How many tiles are cached, of at most 8 KiB each, before the cache is emptied."""
_LEVEL = 1 << 48
"""The row of a tile has the place level · 2⁴⁸ + number."""


TILES = Table("log_tiles", {"place": "BIGINT", "hashes": "BYTES"}, keys=(("place",),))
"""The ``hashes`` of a full tile are followed by the roots of its parts (``with_parts``); earlier
versions did not store these."""
SIZE = Table(
    "log_size",
    {"only_row": "BIGINT CHECK (only_row = 1)", "size": "BIGINT"},
    keys=(("only_row",),),
    on_conflict="(only_row) DO NOTHING",
)
CHECKPOINTS = Table("log_checkpoints", {"size": "BIGINT", "note": "BYTES"}, keys=(("size",),))
COSIGNATURES = Table(
    "log_cosignatures",
    {"size": "BIGINT", "witness": "TEXT", "time": "BIGINT", "line": "TEXT"},
    keys=(("size", "witness"),),
    index="witness, size",
)
TABLES = (TILES, SIZE, CHECKPOINTS, COSIGNATURES, *latest_facts.TABLES)


def first_size(transaction: Transaction) -> None:
    """Create an empty log, unless there is one."""
    transaction.insert(SIZE, [(1, 0)])
    transaction.insert(latest_facts.SIZE, [(1, 0, None)])


def fill_parts(transaction: Transaction) -> None:
    """Store the roots of the parts of full tiles where they are missing."""
    sql = "SELECT place, hashes FROM log_tiles WHERE length(hashes) = :full LIMIT 500"
    while rows := transaction.query(sql, full=TILE_WIDTH * HASH_BYTES):
        transaction.execute_many(
            "UPDATE log_tiles SET hashes = :hashes WHERE place = :place",
            [{"place": place, "hashes": with_parts(bytes(hashes))} for place, hashes in rows],
        )


class Signed(NamedTuple):
    """A signed checkpoint: its tree size, and the note."""

    size: int
    note: bytes


class LastSigned(Protocol):
    """Where the checkpoint signed last is kept, outside the database, which can be set back."""

    def read(self) -> bytes | None: ...
    def write(self, note: bytes) -> None: ...


class Log:
    """The log of one journal; without a signing key it grows but has no checkpoints."""

    def __init__(
        self,
        journal: Journal,
        signer: SignerKey | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        former: Sequence[SignerKey | VerifierKey] = (),
        witnesses: Sequence[VerifierKey] = (),
        policy: WitnessPolicy | None = None,
        last_signed: LastSigned | None = None,
    ) -> None:
        self.journal, self.engine, self.signer, self.clock = journal, journal.engine, signer, clock
        self.former, self.witnesses = former, witnesses
        """``former`` are earlier keys; those given as secret keys still sign as well."""
        self._witness_of = {f"{key.name}+{key.id.hex()}": key for key in witnesses}
        self.policy = policy if policy is not None and policy.needs_witnesses else None
        """Which witnesses must have seen a checkpoint before it is published; None if none must."""
        self.last_signed = last_signed
        self.map = LatestMap(self.engine, self._first_seen)
        self._signed_at = -SECONDS_BETWEEN_CHECKPOINTS  # a monotonic clock may start at 0
        self._tiles_read: dict[int, bytes] = {}
        self._edge = Frontier()

    def public_keys(self) -> list[VerifierKey]:
        """The keys that verify this log's signatures, the current one first."""
        keys = [*([] if self.signer is None else [self.signer]), *self.former]
        return [key.verifier if isinstance(key, SignerKey) else key for key in keys]

    def keys_of(self, note: bytes) -> list[VerifierKey]:
        """The keys that verify a checkpoint; none if it is of a log under another name."""
        keys, origin = self.public_keys(), Checkpoint.parse(Note.parse(note).text).origin
        return keys if keys and keys[0].name == origin else []

    # -- growing ---------------------------------------------------------------------------

    def size(self) -> int:
        """The number of leaves integrated."""
        return int(of_only_row(self.engine.query, SIZE.name, "size")[0])

    def step(self) -> bool:
        """Once a second, integrate new facts and sign the tree; returns whether more are waiting.

        Only a checkpoint proves a fact, so integrating it sooner would be of no use.
        """
        if self.clock() - self._signed_at < SECONDS_BETWEEN_CHECKPOINTS:
            return False
        if self.integrate() == PAGE or not self._map_grows():
            return True
        self.sign()
        return False

    def integrate(self) -> int:
        """Add the next facts to the tree, at most PAGE; returns how many there were."""
        size = self.size()
        placed = self.journal.facts.next(size, PAGE)
        if not placed:
            return 0
        hashes = [leaf_hash(one.leaf()) for one in placed]
        try:
            with self.engine.transaction() as writer:
                moved = writer.execute(
                    "UPDATE log_size SET size = :new WHERE size = :old",
                    new=size + len(hashes),
                    old=size,
                )
                if not moved:
                    raise Overtaken
                grown = grow(size, hashes, partial(_read, writer.query))
                writer.execute_many(
                    "INSERT INTO log_tiles (place, hashes) VALUES (:place, :hashes) "
                    "ON CONFLICT (place) DO UPDATE SET hashes = excluded.hashes",
                    [
                        {"place": _place(tile), "hashes": with_parts(hashes)}
                        for tile, hashes in grown.items()
                    ],
                )
        except Overtaken:
            pass  # another follower did it
        return len(placed)

    def catch_up(self) -> int:
        """Integrate everything there is and sign it; returns the size reached."""
        with uncollected():
            while self.integrate() or not self._map_grows(LARGE_PAGE):
                pass
        self.sign()
        return self.size()

    def _map_grows(self, most: int = latest_facts.PAGE) -> bool:
        """Put the next integrated facts into the map, at most so many; whether none is left."""
        return self.signer is None or self.map.grow(self.size(), most)

    def sign(self) -> None:
        """Sign the tree at the map's size, and the map, unless that was done already."""
        self._signed_at = self.clock()
        if self.signer is None:
            return
        self.must_not_have_gone_back()
        self.map.grow(self.size())
        size, latest = self.map.must_be_whole(), self.checkpoint()
        if size == 0 or (latest is not None and not self._has_to_sign(latest, size)):
            return
        secret = [self.signer, *(key for key in self.former if isinstance(key, SignerKey))]
        tree = Checkpoint(self.signer.name, size, frontier_at(size, self._stored_tiles).root())
        note = checkpoints.sign(tree, *secret)
        if latest is not None:
            self._must_continue(Checkpoint.parse(Note.parse(latest.note).text), tree)
        try:
            with self.engine.transaction() as writer:
                signed = sign_map(tree, self.map.root(writer, size), *secret)
                if self.last_signed is not None:  # before others see it: a crash may come between
                    self.last_signed.write(note)
                # The tables' keys allow one root per size, even when two processes sign at once.
                for table, what in ((CHECKPOINTS, note), (NOTES, signed)):
                    writer.execute(
                        f"INSERT INTO {table.name} (size, note) VALUES (:size, :note) "
                        "ON CONFLICT (size) DO NOTHING",
                        size=size,
                        note=what,
                    )
                note_first(writer)
        except Overtaken:
            self.sign()  # another follower has put more into the map
            return
        if latest is not None and latest.size == size:
            self._sign_again(CHECKPOINTS, latest, Note.parse(note))
            self._sign_again(NOTES, Signed(size, self.map_of(size)), Note.parse(signed))

    def _has_to_sign(self, latest: Signed, size: int) -> bool:
        """Whether the tree has grown since the latest checkpoint, or lacks our key's signature."""
        if latest.size != size:
            return latest.size < size
        notes = [latest.note, *self._map_notes(size)]
        key = self.public_keys()[0]
        signed = [{one[:2] for one in Note.parse(note).signatures} for note in notes]
        return len(notes) < 2 or not all((key.name, key.id) in signers for signers in signed)

    def _must_continue(self, old: Checkpoint, new: Checkpoint) -> None:
        """Raise NotVerified if the new tree does not extend the one signed before."""
        verify_consistency(
            old_size=old.size,
            size=new.size,
            proof=self.consistency(old.size, new.size),
            old_root=old.root,
            root=new.root,
        )

    def must_not_have_gone_back(self) -> None:
        """Raise NotVerified if the database lacks facts that this log has signed.

        It does if it was restored or recovered to an earlier moment. To sign the facts that then
        get the same positions would be a fork.
        """
        note = None if self.last_signed is None else self.last_signed.read()
        if note is None or self.signer is None:
            return
        signed, size = Checkpoint.parse(Note.parse(note).text), self.size()
        if signed.origin != self.signer.name:
            return
        if size < signed.size:
            raise NotVerified(
                f"rollback: {signed.origin} has signed {signed.size} facts, and the database has "
                f"only {size} of them"
            )
        if frontier_at(signed.size, self._stored_tiles).root() != signed.root:
            raise NotVerified(
                f"rollback: {signed.origin} has signed {signed.size} facts, and the database has "
                "others at their positions"
            )

    def signed_sizes(self) -> tuple[int, int]:
        """How many facts the latest checkpoint covers, and the latest that was cosigned.

        That is by enough witnesses for the policy or, without one, by any.
        """
        sql = (
            "SELECT (SELECT coalesce(max(size), 0) FROM log_checkpoints), "
            "(SELECT coalesce(max(size), 0) FROM log_cosignatures)"
        )
        ((signed, cosigned),) = self.engine.query(sql)
        return signed, cosigned if self.policy is None else self._agreed_size(self.policy)

    def progress(self) -> tuple[int, int]:
        """How many facts are in the log and, if it is signed, signed; and a sum that grows."""
        size = self.size()
        if self.signer is None:
            return size, size
        signed, _ = self.signed_sizes()
        return signed, size + self.map.size() + signed

    def _sign_again(self, table: Table, latest: Signed, ours: Note) -> None:
        """Add the signatures of a new key to the latest checkpoint, or to its map."""
        there = Note.parse(latest.note)
        if there.text != ours.text:
            return  # a log under another name is another log, which begins with the next fact
        # Ed25519 is deterministic: signing again gives the same line.
        lines = dict.fromkeys((*ours.signatures, *there.signatures))
        self.engine.execute(
            f"UPDATE {table.name} SET note = :both WHERE size = :size AND note = :note",
            **latest._asdict(),
            both=Note(there.text, tuple(lines)).encode(),
        )

    # -- witnesses -------------------------------------------------------------------------

    def add_cosignatures(self, cosigned: bytes) -> bytes:
        """Store our witnesses' signatures of a checkpoint; returns it with all known cosignatures.

        Of each witness, the latest signature is kept. Raises NotInLog if no checkpoint of this size
        was signed, and BadCosignature if the note describes another tree, none of our witnesses
        signed it, or the time of a signature is not credible.
        """
        try:
            checkpoint, signatures = checkpoints.cosigned(cosigned, self.witnesses)
        except NotVerified as problem:
            raise BadCosignature(str(problem)) from problem
        size = checkpoint.size
        ours = Note.parse(self.checkpoint_of(size))
        if ours.text != checkpoint.text:
            raise BadCosignature(f"the log has signed another checkpoint of size {size}")
        self._must_have_credible_time(signatures, size)
        known = {signature[:2]: time_of(signature.data) for signature in ours.signatures}
        later = [one for one in signatures if time_of(one.data) > known.get(one[:2], -1)]
        if later:
            with self.engine.transaction() as writer:
                writer.execute_many(
                    "INSERT INTO log_cosignatures (size, witness, time, line) "
                    "VALUES (:size, :witness, :time, :line) ON CONFLICT (size, witness) "
                    "DO UPDATE SET time = excluded.time, line = excluded.line "
                    "WHERE excluded.time > log_cosignatures.time",
                    [
                        {
                            "size": size,
                            "witness": f"{one.name}+{one.key_id.hex()}",
                            "time": time_of(one.data),
                            "line": one.line,
                        }
                        for one in later
                    ],
                )
        return self.checkpoint_of(size)

    def _must_have_credible_time(self, signatures: Sequence[Signature], size: int) -> None:
        """Refuse a time before the tree's last fact was recorded, or in the future.

        A fact that is dated in the future itself is of a clock that was set back since.
        """
        (last,) = self.journal.facts.at([size])
        now = self.journal.clock().timestamp()
        earliest = min(last.fact().timestamp.timestamp(), now) - CLOCKS_DIFFER_SECONDS
        latest = now + CLOCKS_DIFFER_SECONDS
        for signature in signatures:
            if not earliest <= (time := time_of(signature.data)) <= latest:
                raise BadCosignature(f"the time of {signature.name} can't be {time}")

    # -- answering -------------------------------------------------------------------------

    def latest(self) -> bytes:
        """The latest published checkpoint, with its cosignatures; raises NotInLog without one."""
        if self.policy is not None:
            return self._agreed(self.policy).note
        return self.signed()

    def signed(self) -> bytes:
        """The latest signed checkpoint, whether published or not: the one for witnesses to sign."""
        return self._cosigned("SELECT max(size) FROM log_checkpoints", "a checkpoint").note

    def witnessed(self) -> bytes:
        """The latest checkpoint that meets the policy; without a policy, the one most witnessed.

        Raises NotInLog if there is none."""
        return self._seen().note

    def seen_size(self) -> int:
        """The size of the checkpoint that ``witnessed`` returns."""
        return self._seen().size

    def _seen(self) -> Signed:
        if self.policy is not None:
            return self._agreed(self.policy)
        return self._cosigned(_SEEN, "a checkpoint that a witness has seen", least=1)

    def published(self, size: int) -> bytes:
        """The checkpoint of a size; raises NotInLog if the policy asks for more witnesses."""
        note = self.checkpoint_of(size)
        if self.policy is not None and not self.policy.is_met(self._seen_by(size)):
            raise NotInLog(f"a checkpoint of size {size} that enough witnesses have seen")
        return note

    def _agreed(self, policy: WitnessPolicy, least: int = 1) -> Signed:
        """The latest checkpoint of at least a size that meets the policy; raises NotInLog."""
        if size := self._agreed_size(policy, least):
            return Signed(size, self.checkpoint_of(size))
        raise NotInLog("a checkpoint that enough witnesses have seen")

    def _agreed_size(self, policy: WitnessPolicy, least: int = 1) -> int:
        """The size of that checkpoint; 0 if there is none."""
        sizes = {"least": min(least, LARGEST_SIZE), "most": self._largest_agreed(policy)}
        for (size,) in self.engine.query(_RECENT, **sizes):
            if policy.is_met(self._seen_by(size)):
                return int(size)
        return 0

    def _first_seen(self) -> int:
        """The smallest size that ``witnessed`` may lead to, now or soon; 0 if there is none."""
        if self.policy is not None:
            return self._agreed_size(self.policy)
        return int(self.engine.query(_FIRST_SEEN)[0][0])

    def _largest_agreed(self, policy: WitnessPolicy) -> int:
        """The size above which too few witnesses have signed any tree; 0 if they never were enough.

        So one that stays away for long does not hide what it has signed before.
        """
        last = self.last_seen()
        for most in sorted({*last.values()}, reverse=True):
            if policy.is_met([key for key, size in last.items() if size >= most]):
                return most
        return 0

    def last_seen(self) -> dict[VerifierKey, int]:
        """The size of the latest tree that each witness has cosigned; 0 if it has cosigned none."""
        rows = self.engine.query(_LAST_SEEN, witnesses=[*self._witness_of])
        return {self._witness_of[name]: size or 0 for name, size in rows}

    def _seen_by(self, size: int) -> list[VerifierKey]:
        """The witnesses that have signed the tree of a size."""
        rows = self.engine.query(
            "SELECT witness FROM log_cosignatures WHERE size = :size", size=size
        )
        return [self._witness_of[name] for (name,) in rows if name in self._witness_of]

    def checkpoint_of(self, size: int) -> bytes:
        """The checkpoint of a size, with its cosignatures; raises NotInLog if none was signed."""
        return self._cosigned("SELECT :size", f"a checkpoint of size {size}", size=size).note

    def _cosigned(self, chosen: str, missing: str, **values: int) -> Signed:
        """The checkpoint of the size that a subquery selects, followed by its cosignatures."""
        is_size = all(value <= LARGEST_SIZE for value in values.values())
        rows = self.engine.query(_COSIGNED.format(chosen), **values) if is_size else []
        return _signed(rows, missing)

    def checkpoint(self) -> Signed | None:
        """The latest signed checkpoint, without cosignatures, if there is one."""
        rows = self.engine.query(
            "SELECT size, note FROM log_checkpoints ORDER BY size DESC LIMIT 1"
        )
        return Signed(rows[0][0], bytes(rows[0][1])) if rows else None

    def tile(self, path: str) -> tuple[Tile, bytes]:
        """A tile or an entry bundle by its path; raises NotInLog if the log has none (yet)."""
        try:
            tile = tile_of(path)
        except ValueError:
            raise NotInLog(path) from None
        there = tile_at(tile.level, tile.number, self.size())
        if there is None or tile.width > there.width:
            raise NotInLog(path)
        if tile.level == ENTRIES:
            placed = self.journal.facts.next(tile.number * TILE_WIDTH, tile.width)
            return tile, bundle(one.leaf() for one in placed)
        (hashes,) = self._stored_tiles([tile])
        return tile, hashes[: _bytes_of(tile)]

    def promise(self, position: int) -> str | None:
        """A signed promise that the fact at a position stays there; None without a signing key."""
        if self.signer is None:
            return None
        facts = self.journal.facts
        (placed,) = facts.lately(position - 1)[:1] or facts.at([position])
        return self.promise_of(placed)

    def promise_of(self, placed: Placed) -> str | None:
        """Like ``promise``, for a fact that was read already."""
        if self.signer is None:
            return None
        recorded, leaf = instant(placed.fact().timestamp), leaf_hash(placed.leaf())
        return make_promise(Promise(self.signer.name, placed.position, leaf, recorded), self.signer)

    def receipt(self, position: int, see: Callable[[Placed], None] = lambda _: None) -> bytes:
        """The proof that the fact at a position is in the log, with the fact itself.

        With a policy, it leads to the latest checkpoint that meets it; otherwise to the one seen by
        the most witnesses, or to the latest if none has seen one. Raises NotInLog if there is no
        such fact, or no such checkpoint covers it yet; before that, what ``see`` raises for one who
        may not read the fact.
        """
        if not 1 <= position <= LARGEST_SIZE:
            raise NotInLog(f"position {position}")
        index = position - 1
        near = [place for place in map(_place, tiles_to(index)) if place not in self._tiles_read]
        asked: list[tuple[str, dict[str, Any]]] = [(_TILES, {"places": near})] if near else []
        if self.policy is None:
            asked.insert(0, (_COSIGNED_BEST, {"least": position}))
        with self.engine.reading():
            facts, found = self.journal.facts.with_fact(position, *asked)
            for placed in facts:
                see(placed)
            if near:
                self._keep({place: bytes(row) for place, row in found.pop()})
            if self.policy is None:
                signed = _signed(found[0], f"position {position}")
            else:
                signed = self._agreed(self.policy, position)
            (placed,) = facts
            return self._proven(placed, signed)

    def receipts(self, positions: Sequence[int]) -> Iterator[bytes]:
        """The receipts of those facts that the latest checkpoint covers.

        All lead to the same checkpoint, which is chosen as for ``receipt``. Raises NotInLog if the
        latest covers none of the facts.
        """
        latest = self.checkpoint() if self.policy is None else self._agreed(self.policy)
        covered = [one for one in positions if latest and one <= latest.size]
        if not covered:
            raise NotInLog("any of these facts")
        return self._receipts(covered, self._covering(max(covered)))

    def _receipts(self, positions: Sequence[int], signed: Signed) -> Iterator[bytes]:
        for start in range(0, len(positions), RECEIPTS):
            for placed in self.journal.facts.at(positions[start : start + RECEIPTS]):
                yield self._proven(placed, signed)

    def _proven(self, placed: Placed, signed: Signed) -> bytes:
        """The receipt of a fact under a checkpoint; NotVerified if it or a tile is damaged."""
        return self._checked(lambda: self._receipt(placed, signed))

    def _receipt(self, placed: Placed, signed: Signed) -> bytes:
        index, size, leaf, edge = placed.position - 1, signed.size, placed.leaf(), self._edge
        if edge.size != size:  # many receipts lead to the same checkpoint
            edge = self._edge = self.frontier(size)
        proof, root = inclusion_proof(index, size, self._tiles, edge), _root_in(signed.note)
        verify_inclusion(leaf_hash(leaf), index=index, size=size, proof=proof, root=root)
        return make_receipt(leaf=leaf, index=index, proof=proof, checkpoint=signed.note)

    def _checked(self, make: Callable[[], bytes]) -> bytes:
        """What is made of tiles and checked; if it does not hold, of tiles read again.

        They may have been repaired, or the database set back.
        """
        try:
            return make()
        except NotVerified:
            self._tiles_read, self._edge = {}, Frontier()
            return make()

    def map_of(self, size: int) -> bytes:
        """The signed root of a checkpoint's map; raises NotInLog if none was signed."""
        if notes := self._map_notes(size):
            return notes[0]
        raise NotInLog(f"a map of size {size}")

    def _map_notes(self, size: int) -> list[bytes]:
        rows = self.engine.query("SELECT note FROM log_maps WHERE size = :size", size=size)
        return [bytes(note) for (note,) in rows]

    def latest_of(self, subject: str, *, witnessed: bool = False) -> bytes:
        """The proof of which fact about a subject is the latest, or that there is none.

        It leads to the checkpoint that ``latest`` returns or, if asked for, ``witnessed``. Raises
        NotInLog if there is none, and MapNotKept if it is too old.
        """
        note = self.witnessed() if witnessed else self.latest()
        size = Checkpoint.parse(Note.parse(note).text).size
        if size < (oldest := self.map.oldest()):
            raise MapNotKept(size, oldest)
        map = self.map_of(size)
        place, proof = self.map.proof(subject, size)
        data = make_latest(subject=subject, place=place, proof=proof, map=map, checkpoint=note)
        try:
            verify_latest(data, self.public_keys())
        except NotVerified:  # the stored map is damaged
            raise NotInLog(f"the places of the map of size {size}") from None
        return data

    def as_of(self, position: int) -> bytes:
        """The proof behind answers as of a position; raises NotInLog if no checkpoint covers it."""
        signed = self._covering(position)
        return self._checked(lambda: self._as_of(position, signed))

    def _as_of(self, position: int, signed: Signed) -> bytes:
        root, proof = self.root(position), consistency_proof(position, signed.size, self._tiles)
        verify_consistency(
            old_size=position,
            size=signed.size,
            proof=proof,
            old_root=root,
            root=_root_in(signed.note),
        )
        return make_as_of(size=position, root=root, proof=proof, checkpoint=signed.note)

    def _covering(self, position: int) -> Signed:
        """The best checkpoint that covers a position (see ``receipt``); raises NotInLog."""
        missing = f"position {position}"
        if position < 1:
            raise NotInLog(missing)
        if self.policy is not None:
            return self._agreed(self.policy, position)
        return self._cosigned(_BEST, missing, least=position)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the tree of one size is a prefix of that of another; raises NotInLog."""
        if not 1 <= old <= new <= self.size():
            raise NotInLog(f"the sizes {old} and {new}")
        return consistency_proof(old, new, self._stored_tiles)

    def root(self, size: int) -> bytes:
        """The root of the tree at a size."""
        return self.frontier(size).root()

    def frontier(self, size: int) -> Frontier:
        """The right edge of the tree at a size, which is enough to extend it."""
        return frontier_at(size, self._tiles)

    def stored(self, tiles: Iterable[Tile]) -> dict[tuple[int, int], bytes]:
        """The stored rows of these tiles, by level and number; missing ones are left out."""
        rows = self.engine.query(_TILES, places=[_place(tile) for tile in tiles])
        return {divmod(place, _LEVEL): bytes(hashes) for place, hashes in rows}

    def checkpoints(self) -> Iterator[Signed]:
        """Every signed checkpoint, in order of size."""
        size = -1
        while rows := self.engine.query(
            "SELECT size, note FROM log_checkpoints WHERE size > :size ORDER BY size LIMIT 500",
            size=size,
        ):
            for size, note in rows:
                yield Signed(size, bytes(note))

    def _stored_tiles(self, tiles: Sequence[Tile]) -> list[bytes]:
        """The rows of these tiles as they are stored, for what is signed, or can't be checked."""
        return _read(self.engine.query, tiles)

    def _tiles(self, tiles: Sequence[Tile]) -> list[bytes]:
        """The rows of these tiles, from the cache if possible: a tile's hashes never change.

        They do in a database that is set back, so whatever is made of them is checked.
        """
        kept, places = self._tiles_read, [_place(tile) for tile in tiles]
        rows = {place: kept.get(place, b"") for place in places}
        if missing := [tile for tile in tiles if len(rows[_place(tile)]) < _bytes_of(tile)]:
            read = dict(zip(map(_place, missing), _read(self.engine.query, missing), strict=True))
            self._keep(read)
            rows |= read
        return [rows[place] for place in places]

    def _keep(self, rows: Mapping[int, bytes]) -> None:
        """Cache the rows of tiles, by place."""
        if len(self._tiles_read) > MOST_TILES_KEPT:
            self._tiles_read = {}
        self._tiles_read |= rows


def _signed(rows: Sequence[Row], missing: str) -> Signed:
    """A checkpoint with its cosignatures, from its rows; raises NotInLog if there are none."""
    if not rows:
        raise NotInLog(missing)
    lines = "".join(line for _, _, line in rows if line)
    return Signed(rows[0][0], bytes(rows[0][1]) + lines.encode())


_COSIGNED = (
    "SELECT signed.size, signed.note, seen.line FROM log_checkpoints AS signed "
    "LEFT JOIN log_cosignatures AS seen ON seen.size = signed.size "
    "WHERE signed.size = ({}) ORDER BY seen.witness"
)
"""The checkpoint of the size that a subquery selects, with the lines of its cosignatures."""
_TILES = "SELECT place, hashes FROM log_tiles WHERE place IN :places"
_LAST_SEEN = """
    SELECT value, (SELECT max(size) FROM log_cosignatures WHERE witness = value)
    FROM EACH :witnesses"""
"""The latest size that each witness has seen."""
_RECENT = """
    SELECT DISTINCT size FROM log_cosignatures WHERE size >= :least AND size <= :most
    ORDER BY size DESC LIMIT 256"""
"""The latest sizes, up to one, that any witness has seen."""
_SEEN = """
    SELECT size FROM (SELECT size FROM log_cosignatures WHERE size >= :least
                      ORDER BY size DESC LIMIT 256) AS recent
    GROUP BY size ORDER BY count(*) DESC, size DESC LIMIT 1"""
"""Among the latest sizes seen that cover a position, the one seen by the most witnesses."""
_FIRST_SEEN = """
    SELECT coalesce(min(size), 0) FROM (SELECT DISTINCT size FROM log_cosignatures
                                        ORDER BY size DESC LIMIT 256) AS recent"""
"""The smallest of the latest sizes seen."""
_BEST = f"""
    SELECT coalesce(({_SEEN}), (SELECT max(size) FROM log_checkpoints WHERE size >= :least))"""
"""That size or, if no witness has seen one, the latest signed."""
_COSIGNED_BEST = _COSIGNED.format(_BEST)


def _read(query: Callable[..., list[Row]], tiles: Sequence[Tile]) -> list[bytes]:
    """The rows of these tiles, read by any query function; raises Unreadable if one is missing."""
    places = [_place(tile) for tile in tiles]
    rows: dict[int, bytes] = dict(query(_TILES, places=places))
    for tile, place in zip(tiles, places, strict=True):
        if place not in rows:
            raise Unreadable("log_tiles", tile.path, LookupError("it is not there"))
    return [bytes(rows[place]) for place in places]


@lru_cache(maxsize=64)
def _root_in(note: bytes) -> bytes:
    """The root that a checkpoint states; cached, since many receipts lead to the same."""
    return Checkpoint.parse(Note.parse(note).text).root


def _bytes_of(tile: Tile) -> int:
    return tile.width * HASH_BYTES


def _place(tile: Tile) -> int:
    return tile.level * _LEVEL + tile.number
