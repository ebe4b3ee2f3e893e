"""Mirroring a log: copies its tiles and, with a key, its leaves into a folder, and checks them.

The one rule: the checkpoint in the folder is replaced only after everything under the new one was
recomputed and the old tree was found in it; so a rewrite, a fork or a rollback is noticed.

The folder is itself a C2SP tlog-tiles log: any web server can serve it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from random import SystemRandom

from domain.checkpoint import Checkpoint, Trusted, must_continue
from domain.latest import open_map
from domain.tree import ENTRIES, TILE_WIDTH, NotVerified, Tile, root_of, tiles_of
from domain.trust import Misused
from scripts.line import Connections
from scripts.mirrored import (
    bundles_of,
    check_entries,
    check_hashes,
    check_log,
    check_map,
    checkpoint_in,
    hashes_in,
    must_be_shown,
    unverified,
)
from scripts.remote import Remote
from scripts.safe_file import alone, write_whole

AT_ONCE = 4
"""How many tiles are fetched at the same time."""
LISTED = 1_024
"""How many tiles to fetch are listed at a time."""
SAMPLE = 32
"""How many of the tiles that need not be fetched are compared with the log's."""


def mirror(
    log: Remote,
    folder: Path,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
    *,
    only_hashes: bool = False,
    again: bool = False,
    is_replayed: bool = False,
) -> Trusted:
    """Bring a folder up to date with a log; NotVerified if the log was rewritten.

    Tiles of hashes follow from the leaves, or from the lowest tiles, and are made here. Full tiles
    already there are not fetched again, since they never change. Of both, which others may read, a
    random sample is fetched and compared; ``again`` does so with every tile. The leaves need the
    key of an auditor, unless they are published; hashes alone show everything but what was
    recorded. If the mirror ``is_replayed`` next, how its facts name each other is left to that (see
    scripts.replay). If witnesses are asked for, it is the latest tree that they have seen.
    """
    with alone(folder / ".lock"):  # two runs at once would keep each other's unverified files
        note, trusted = log.checkpoint()
        kept, maps = folder / "checkpoint", folder / "map"
        remembered = checkpoint_in(kept, log.keys)
        log.must_be_recent(trusted, kept)
        with evidence_kept(note, kept):
            if remembered is not None:
                if log.is_witnessed and remembered.size > trusted.checkpoint.size:
                    _must_hold(folder, remembered, trusted.checkpoint)
                    return trusted  # the witnesses have not seen the tree that is here yet
                must_continue(remembered, trusted.checkpoint)
            size, lowest = trusted.checkpoint.size, 0 if only_hashes else ENTRIES
            every = partial(_every, size, only_hashes=only_hashes)
            wanted = (tile for tile in every() if again or _is_fetched(folder, tile, lowest))
            with _damage_told(folder, remembered), _kept_if_verified(folder, every):
                fetched = _fetch(log, folder, wanted, lambda upto: progress(min(upto, size), size))
                sampled = _sampled(log, [*{*every()} - fetched])
                map = _map_of(log, trusted, may_be_none=only_hashes and not maps.exists())
                if only_hashes:
                    check_hashes(folder, trusted.checkpoint, remembered, _make)
                elif is_replayed:
                    check_entries(folder, trusted.checkpoint, remembered, _make)
                else:
                    names = log.names(trusted.checkpoint)
                    chains = check_log(folder, trusted.checkpoint, remembered, names, _make)
                    check_map(map, trusted, log.keys, chains.heads)
                for tile, data in sampled.items():
                    must_be_shown(folder, tile, data)
        if map:
            write_whole(maps / str(size), map)
        _keep_checkpoint(kept, note, is_grown=remembered is None or remembered.size != size)
        for earlier in maps.glob("*"):
            if earlier.name != str(size):
                earlier.unlink()
        return trusted


def _keep_checkpoint(kept: Path, note: bytes, *, is_grown: bool) -> None:
    """Keep a checkpoint; the age of its file tells how long the log has not grown.

    With other signatures or further lines, as a frozen log may add each time, it stays as old.
    """
    if is_grown:
        write_whole(kept, note)
    elif kept.read_bytes() != note:
        since = kept.stat()
        write_whole(kept, note)
        os.utime(kept, ns=(since.st_atime_ns, since.st_mtime_ns))


def _map_of(log: Remote, trusted: Trusted, *, may_be_none: bool) -> bytes:
    """The signed map of the log's tree; empty if there is none, as in a log of other software."""
    map = log.map(trusted.checkpoint.size)
    if map is not None:
        open_map(map, log.keys, trusted)
    elif not may_be_none:
        raise NotVerified(f"the log does not show the map of its {trusted.checkpoint.size} facts")
    return map or b""


def _every(size: int, *, only_hashes: bool) -> Iterator[Tile]:
    """The tiles of a mirror, its leaves first; never in a list, as a log may claim any size."""
    if not only_hashes:
        yield from bundles_of(size)
    yield from tiles_of(size)


def _fetch(
    log: Remote, folder: Path, wanted: Iterator[Tile], progress: Callable[[int], None]
) -> set[Tile]:
    """Fetch tiles into the folder; returns which."""
    fetched = set[Tile]()
    with Connections() as line, ThreadPoolExecutor(AT_ONCE) as threads:
        keep = partial(_keep, log, folder, line=line)
        while some := [*islice(wanted, LISTED)]:
            for tile, _ in zip(some, threads.map(keep, some), strict=True):
                fetched.add(tile)
                progress(len(fetched) * TILE_WIDTH)
    return fetched


def _sampled(log: Remote, tiles: Sequence[Tile]) -> dict[Tile, bytes]:
    """A random sample of tiles as they are served."""
    sample = SystemRandom().sample(tiles, min(SAMPLE, len(tiles)))
    with Connections() as line, ThreadPoolExecutor(AT_ONCE) as threads:
        return dict(zip(sample, threads.map(partial(log.tile, line=line), sample), strict=True))


@contextmanager
def evidence_kept(note: bytes, kept: Path) -> Iterator[None]:
    """Keep a signed checkpoint that turns out to be wrong, beside the one before it.

    Two signed checkpoints that contradict each other are proof for others.
    """
    try:
        yield
    except Misused:
        raise
    except NotVerified as problem:
        refused = kept.with_name(f"{kept.name}.refused")
        write_whole(refused, note)
        raise NotVerified(f"{problem} (the checkpoint is kept as {refused})") from problem


@contextmanager
def _kept_if_verified(folder: Path, tiles: Callable[[], Iterator[Tile]]) -> Iterator[None]:
    """Rename fetched files once they are verified, and delete them if they are not.

    After an interruption they are still there, and are not fetched again.
    """
    try:
        yield
    except NotVerified:
        for path in folder.rglob(unverified(Path("*")).name):
            path.unlink()
        raise
    for tile in tiles():
        if (fetched := unverified(folder / tile.path)).exists():
            fetched.replace(folder / tile.path)


@contextmanager
def _damage_told(folder: Path, remembered: Checkpoint | None) -> Iterator[None]:
    """Raise Misused for what is not verified if it is this mirror that is not as it was."""
    try:
        yield
    except NotVerified as problem:
        if remembered is not None:
            check = check_entries if (folder / "tile" / "entries").exists() else check_hashes
            try:
                check(folder, remembered)
            except NotVerified as damage:
                raise Misused(
                    f"this mirror was damaged, which says nothing about the log: {damage}. Delete "
                    f"{folder / 'tile'} and mirror again; what comes has to fit the checkpoint here"
                ) from problem
        raise


def _must_hold(folder: Path, kept: Checkpoint, earlier: Checkpoint) -> None:
    """Raise NotVerified unless a mirror's tree extends an earlier tree of its log."""
    if root_of(hashes_in(folder, kept.size)[: earlier.size]) != earlier.root:
        raise NotVerified(f"fork: witnesses have seen another tree of {earlier.size} leaves")


def _is_fetched(folder: Path, tile: Tile, lowest: int) -> bool:
    """Whether a tile has to be fetched: it can't be computed, and is missing or not full."""
    path = folder / tile.path
    is_there = tile.width == TILE_WIDTH and (path.exists() or unverified(path).exists())
    return tile.level == lowest and not is_there


def _keep(log: Remote, folder: Path, tile: Tile, *, line: Connections) -> None:
    path = folder / tile.path
    data = log.tile(tile, line)
    if not (tile.width == TILE_WIDTH and path.exists()):
        write_whole(unverified(path), data)
    elif data != path.read_bytes():
        raise NotVerified(f"{tile.path} is not what the log gave before")


def _make(path: Path, data: bytes) -> None:
    write_whole(unverified(path), data)
