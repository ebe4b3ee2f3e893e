"""Audits the log: its tiles, its checkpoints and their cosignatures."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from itertools import islice

from domain.checkpoint import Checkpoint, open_checkpoint
from domain.note import Note, VerifierKey, read_signatures, time_of
from domain.tree import (
    HASH_BYTES,
    TILE_WIDTH,
    NotVerified,
    Tile,
    grow,
    leaf_hash,
    tiles_of,
    with_parts,
)
from projections.log import Log, Signed
from projections.progress import Progress
from projections.wording import several
from scripts.difference import Difference, Differences, at, at_one_moment, pages, position
from scripts.service import Service


@at_one_moment
def log(service: Service, progress: Progress) -> Differences:
    """Every tile and the root of every signed checkpoint follow from the facts."""
    size, head = service.log.size(), service.journal.facts.head()
    if size > head:
        yield at(head + 1, f"the log holds {size} facts, the journal {head}")
    unfinished: dict[tuple[int, int], tuple[Tile, bytes]] = {}

    def read(tiles: Iterable[Tile]) -> list[bytes]:
        return [unfinished[tile.level, tile.number][1] for tile in tiles]

    done = 0
    for page in pages(islice(service.journal.read(), size), progress, size):
        grown = grow(done, [leaf_hash(placed.leaf()) for placed in page], read)
        done += len(page)
        for tile, hashes in grown.items():
            unfinished[tile.level, tile.number] = tile, hashes
        finished = dict(one for one in unfinished.values() if one[0].width == TILE_WIDTH)
        yield from _changed(service.log, finished)
        unfinished = {at: one for at, one in unfinished.items() if one[0] not in finished}
    yield from _changed(service.log, dict(unfinished.values()))
    expected = sum(1 for _ in tiles_of(done))
    (count,) = service.engine.query("SELECT count(*) FROM log_tiles")[0]
    if count != expected:
        yield at("the log", f"it has {count} tiles, and {done} facts make {expected}")
    signed, keys = dict[int, bytes](), list[VerifierKey]()
    for one in service.log.checkpoints():
        signed[one.size] = one.note
        if one.size > size:
            yield at(f"the checkpoint of size {one.size}", f"the log holds {size} facts")
        elif why := _unbelievable(service.log, one, keys):
            yield at(f"the checkpoint of size {one.size}", why)
        else:
            keys = keys or service.log.keys_of(one.note)  # before, it had another name
    seen = yield from _cosigned(service.log, signed)
    seen_by = f", {seen} cosignatures" if seen else ""
    return (
        f"{several(size, 'leaf', 'leaves')} in {several(expected, 'tile')}, "
        f"{several(len(signed), 'checkpoint')}{seen_by}"
    )


def _cosigned(log: Log, signed: Mapping[int, bytes]) -> Generator[Difference, None, int]:
    """Every cosignature is by its witness, and on a checkpoint that the log signed."""
    keys, count = {f"{key.name}+{key.id.hex()}": key for key in log.witnesses}, 0
    for size, witness, time, line in log.engine.query(
        "SELECT size, witness, time, line FROM log_cosignatures ORDER BY size, witness"
    ):
        count += 1
        try:
            (found,) = read_signatures(line)
            text = Note.parse(signed.get(size, b"")).text
            is_its = (f"{found.name}+{found.key_id.hex()}", time_of(found.data)) == (witness, time)
            holds = witness not in keys or keys[witness].has_signed(text, found.data)
        except (NotVerified, ValueError):
            is_its = holds = False
        if not (is_its and holds):
            yield at(f"the checkpoint of size {size}", f"{witness} has not cosigned it so")
    return count


def _changed(log: Log, computed: dict[Tile, bytes]) -> Iterator[Difference]:
    stored = log.stored(computed)
    for tile, hashes in computed.items():
        held = stored.get((tile.level, tile.number), b"")
        if held in (hashes, with_parts(hashes)):
            continue
        if tile.level == 0 and not held.startswith(hashes):
            leaf = next(at for at in range(tile.width) if _hash(held, at) != _hash(hashes, at))
            number = tile.number * TILE_WIDTH + leaf + 1
            yield at(f"{position(number)}, {tile.path}", "the fact is not the one in the log")
        else:
            yield at(tile.path, "the tile of the log is not the hash of those below it")


def _hash(hashes: bytes, at: int) -> bytes:
    return hashes[at * HASH_BYTES : (at + 1) * HASH_BYTES]


def _unbelievable(log: Log, signed: Signed, keys: Collection[VerifierKey]) -> str:
    """Why the log can't have signed a stored checkpoint; empty if it can."""
    try:
        if keys := keys or log.keys_of(signed.note):
            checkpoint = open_checkpoint(signed.note, keys).checkpoint
        else:
            checkpoint = Checkpoint.parse(Note.parse(signed.note).text)
    except NotVerified as problem:
        return str(problem)
    if checkpoint.size != signed.size or checkpoint.root != log.root(signed.size):
        return "its root is not that of the tree of its size"
    return ""
