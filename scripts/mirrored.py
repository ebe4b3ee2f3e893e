"""Checking a mirrored log: its files, its hashes, and the chains of its facts.

It needs what scripts.verify needs: the standard library and cryptography.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from domain.chain import Chains
from domain.checkpoint import Checkpoint, Trusted, must_continue, open_checkpoint
from domain.latest import Place, must_be_map_of, open_map
from domain.note import VerifierKey
from domain.receipt import read_leaf
from domain.tree import (
    ENTRIES,
    HASH_BYTES,
    NotVerified,
    Tile,
    entries_of,
    grow,
    leaf_hash,
    root_of,
    tile_at,
    tiles_of,
)


class NotProven(NotVerified):
    """What was asked is neither contradicted nor proven."""


class Missing(NotVerified):
    """A file of a mirror is missing."""


def bundles_of(size: int) -> Iterator[Tile]:
    """The entry bundles of a log of this size, in order."""
    number = 0
    while tile := tile_at(ENTRIES, number, size):
        yield tile
        number += 1


def check_log(
    folder: Path,
    checkpoint: Checkpoint,
    remembered: Checkpoint | None = None,
    logs: Collection[str] = (),
    make: Make | None = None,
) -> Chains:
    """The chains of a mirrored log; NotVerified, with the file, unless complete and as signed.

    Everything is computed again from the leaves: each tile, the root, and the root at the
    remembered size. Every history is checked: its numbers have no gap, and each fact names the one
    before it. Every signature of an actor is one of a key in the log, for one of these logs.
    A tile of hashes that is missing may be made (see check_entries).
    """
    chains = Chains(logs)
    check_entries(folder, checkpoint, remembered, make, partial(_follow, chains))
    return chains


def _follow(chains: Chains, bundle: Tile, index: int, entry: bytes, hash: bytes) -> None:
    try:
        leaf = read_leaf(entry)
        if leaf.position != index + 1:
            raise NotVerified(f"it says that it is at position {leaf.position}")
        chains.follow(leaf, hash)
    except NotVerified as problem:
        raise NotVerified(f"{bundle.path}, position {index + 1}: {problem}") from problem


@contextmanager
def of_file(path: Path) -> Iterator[None]:
    """Name the file in errors: what is wrong is what was kept in it, and not the log."""
    try:
        yield
    except NotVerified as problem:
        raise NotVerified(f"{path}: {problem}") from problem


def checkpoint_in(kept: Path, keys: Sequence[VerifierKey]) -> Checkpoint | None:
    """The checkpoint that was kept in a file; None if there is none yet."""
    if not kept.exists():
        return None
    with of_file(kept):
        return open_checkpoint(kept.read_bytes(), keys).checkpoint


Make = Callable[[Path, bytes], object]
"""Writes a file."""


def check_entries(
    folder: Path,
    checkpoint: Checkpoint,
    remembered: Checkpoint | None = None,
    make: Make | None = None,
    follow: Callable[[Tile, int, bytes, bytes], object] | None = None,
) -> None:
    """Raise NotVerified, with the file, unless the entries of a mirrored log are as signed.

    What they say is not looked at, unless by ``follow``. A tile of hashes is what its entries hash
    to; one that is missing may be made.
    """
    hashes: list[bytes] = []
    for bundle in bundles_of(checkpoint.size):
        entries = entries_of(_bytes_of(folder, bundle))
        if len(entries) != bundle.width:
            raise NotVerified(f"{bundle.path} holds {len(entries)} leaves, not {bundle.width}")
        for entry in entries:
            hashes.append(leaf_hash(entry))
            if follow is not None:
                follow(bundle, len(hashes) - 1, entry, hashes[-1])
    _must_hash_to(folder, hashes, checkpoint, remembered, make)


def map_in(folder: Path, size: int) -> bytes:
    """The signed map of a mirror's tree; raises Missing if it is not there."""
    try:
        return (folder / "map" / str(size)).read_bytes()
    except FileNotFoundError:
        raise Missing(f"map/{size} is missing") from None


def check_map(
    note: bytes,
    trusted: Trusted,
    keys: Collection[VerifierKey],
    heads: Mapping[str, Sequence[Any]],
) -> None:
    """Raise NotVerified unless the map of a tree follows from its leaves.

    ``heads`` are the number and position of the latest fact about each subject, by the leaves.
    """
    root = open_map(note, keys, trusted)
    must_be_map_of(root, ((one, (head[0], head[1])) for one, head in heads.items()))


def check_hashes(
    folder: Path,
    checkpoint: Checkpoint,
    remembered: Checkpoint | None = None,
    make: Make | None = None,
) -> None:
    """Raise NotVerified, with the file, unless the hashes of a mirrored log are as signed.

    The tiles are computed again from the hashes of the leaves, which are not read; one above the
    lowest that is missing may be made.
    """
    _must_hash_to(folder, hashes_in(folder, checkpoint.size), checkpoint, remembered, make)


def _must_hash_to(
    folder: Path,
    hashes: list[bytes],
    checkpoint: Checkpoint,
    remembered: Checkpoint | None,
    make: Make | None,
) -> None:
    """Raise NotVerified unless tiles, root and remembered root follow from these leaf hashes."""
    is_signed = root_of(hashes) == checkpoint.root
    if is_signed and remembered is not None and remembered.size:
        must_continue(remembered, checkpoint)
        if root_of(hashes[: remembered.size]) != remembered.root:
            raise NotVerified(
                f"fork: the first {remembered.size} leaves are not the same as before"
            )
    missing = dict[Path, bytes]()
    for tile, computed in grow(0, hashes, lambda _: ()).items():
        try:
            if _bytes_of(folder, tile) != computed:
                raise NotVerified(f"{tile.path} is not what its leaves hash to")
        except Missing:
            if make is None:
                raise
            missing[folder / tile.path] = computed
    if not is_signed:
        raise NotVerified("the leaves do not hash to the root that was signed")
    for path, computed in missing.items():
        assert make is not None
        make(path, computed)


CLOCKS_DIFFER_SECONDS = 300
"""By how much the clock of a witness may differ from ours."""


def must_be_seen(trusted: Trusted, max_age: int) -> None:
    """Raise NotVerified unless all requested witnesses saw the tree within ``max_age`` seconds."""
    now, times = int(time.time()), [seen.time for seen in trusted.cosignatures]
    if (ahead := max(times) - now) > CLOCKS_DIFFER_SECONDS:
        raise NotVerified(f"a witness says that it has seen this tree in {ahead} seconds")
    if (age := now - min(times)) > max_age:
        raise NotVerified(f"frozen: witnesses have seen this tree {age} seconds ago, and not since")


def unverified(path: Path) -> Path:
    """The path at which a mirror keeps a file until it is verified."""
    return path.with_name(f"{path.name}.unverified")


def _bytes_of(folder: Path, tile: Tile) -> bytes:
    for path in (unverified(folder / tile.path), folder / tile.path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            continue
    hint = ", as in a mirror of hashes alone (--hashes)" if tile.level == ENTRIES else ""
    raise Missing(f"{tile.path} is missing{hint}")


def must_be_shown(folder: Path, tile: Tile, shown: bytes) -> None:
    """Raise NotVerified unless a tile served by a log is the one computed or kept here."""
    if _bytes_of(folder, tile) != shown:
        raise NotVerified(f"{tile.path}, as the log shows it now, is not what its leaves hash to")


def hashes_in(folder: Path, size: int) -> list[bytes]:
    """The leaf hashes in the tiles of a mirror; NotVerified if a tile has another length."""
    hashes: list[bytes] = []
    for tile in tiles_of(size):
        if not tile.level:
            data, whole = _bytes_of(folder, tile), tile.width * HASH_BYTES
            if len(data) != whole:
                raise NotVerified(f"{tile.path} has {len(data)} bytes, not {whole}")
            hashes += (data[at : at + HASH_BYTES] for at in range(0, whole, HASH_BYTES))
    return hashes


def compare(
    folder: Path,
    keys: Sequence[VerifierKey],
    checkpoint: Checkpoint,
    leaves: Mapping[int, bytes],
) -> Iterator[str]:
    """Lines on how a tree agrees with a mirror; ``leaves`` are proven leaf hashes of it, by index.

    Raises NotVerified for another tree. A shorter mirror may be the beginning of it.
    """
    mirrored = open_checkpoint((folder / "checkpoint").read_bytes(), keys).checkpoint
    hashes = hashes_in(folder, mirrored.size)
    if root_of(hashes) != mirrored.root:
        raise NotVerified(f"the tiles of {folder} do not hash to its checkpoint")
    both = min(checkpoint.size, mirrored.size)
    if checkpoint.size == both and root_of(hashes[:both]) != checkpoint.root:
        raise NotVerified(f"fork: {folder} shows another tree of {both} leaves")
    known = [index for index in leaves if index < both]
    for index in known:
        if hashes[index] != leaves[index]:
            raise NotVerified(f"fork: {folder} has another fact at position {index + 1}")
    if checkpoint.size == both:
        yield f"in mirror   {folder}: its first {both} leaves are this tree"
    elif len(known) == both:
        if root_of([leaves[index] for index in range(both)]) != mirrored.root:
            raise NotVerified(f"fork: {folder} shows another tree of {both} leaves")
        yield f"in mirror   {folder}: an earlier one, a consistent beginning of {both} leaves"
    else:
        yield f"in mirror   {folder}: an earlier one of {both} leaves, {len(known)} compared"
        if not known:
            raise NotProven(f"that {folder}, which ends before, is a beginning of this tree")


def places_in(folder: Path, keys: Sequence[VerifierKey], size: int) -> dict[str, Place]:
    """By subject: its latest fact among the first ``size`` leaves of a mirror, which may be longer.

    NotVerified if its leaves are not as signed, NotProven if it has none.
    """
    if not (folder / "tile" / "entries").exists():
        raise NotProven(f"that the map follows from the leaves, which {folder} does not hold")
    mirrored = open_checkpoint((folder / "checkpoint").read_bytes(), keys).checkpoint
    places: dict[str, Place] = {}

    def follow(_bundle: Tile, index: int, entry: bytes, _hash: bytes) -> None:
        if index < size:
            leaf = read_leaf(entry)
            places.update((one.subject, Place(one.number, leaf.position)) for one in leaf.links)

    check_entries(folder, mirrored, follow=follow)
    return places
