"""The Merkle tree of a transparency log: hashes, tiles, proofs and their verification.

Verification trusts only the root: it checks every length, size and index, and refuses any proof but
the one that the tree itself would give.

Hashing and proofs are RFC 6962, section 2.1 (RFC 9162, section 2.1, with SHA-256); tiles are
C2SP tlog-tiles, section "Merkle Tree". All of it is in one file that depends only on the
standard library, so that a proof can be checked on its own, years later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import count
from typing import NamedTuple

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962, section 2.1)."""

LARGEST_SIZE = 2**63 - 1
"""The most leaves of a log: databases and existing clients count in signed 64 bits."""

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT

ENTRIES = -1
"""The level of entry bundles, below the tiles that hash them."""


class NotVerified(Exception):
    """Something to be checked is malformed or wrong; the message says what and where."""


# -- Hashes (RFC 6962, section 2.1) --------------------------------------------------------------


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf: SHA-256(0x00 || leaf)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass
class Frontier:
    """The roots of the full subtrees that make up a tree, widest first: all that an append needs.

    There is one for each set bit of the number of leaves n: about log2 n at most.
    """

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not 0 <= self.size <= LARGEST_SIZE or len(self.hashes) != self.size.bit_count():
            raise ValueError(f"{len(self.hashes)} hashes are no frontier of {self.size} leaves")
        if any(len(hash) != HASH_BYTES for hash in self.hashes):
            raise ValueError("a hash of a frontier does not have 32 bytes")

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next leaf; this hashes one node on average."""
        size = self.size
        while size & 1:
            leaf = node_hash(self.hashes.pop(), leaf)
            size >>= 1
        self.hashes.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The current root of the tree."""
        return _joined(self.hashes) if self.hashes else EMPTY_ROOT


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over these leaf hashes."""
    frontier = Frontier()
    for hash in leaf_hashes:
        frontier.append(hash)
    return frontier.root()


def _joined(hashes: Sequence[bytes]) -> bytes:
    """The root above adjacent full subtrees, widest first."""
    *wider, root = hashes
    for hash in reversed(wider):
        root = node_hash(hash, root)
    return root


def _raised(row: bytes, height: int) -> bytes:
    """The nodes so much above a row of adjacent hashes."""
    for _ in range(height):
        # A node is the hash of 64 bytes that are already adjacent.
        row = b"".join(
            [
                sha256(b"\x01" + row[at : at + 2 * HASH_BYTES]).digest()
                for at in range(0, len(row), 2 * HASH_BYTES)
            ]
        )
    return row


# -- Tiles (C2SP tlog-tiles, section "Merkle Tree") ----------------------------------------------


class Tile(NamedTuple):
    """Up to 256 consecutive hashes of one level; at level ENTRIES, up to 256 leaves."""

    level: int
    number: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """The path under which the tile is served, below the prefix of the log."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        name, rest = f"{self.number % 1000:03}", self.number // 1000
        while rest:
            name, rest = f"x{rest % 1000:03}/{name}", rest // 1000
        part = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{name}{part}"


_PATH = re.compile(
    r"tile/(entries|\d{1,2})/((?:x\d{3}/){0,6}\d{3})(?:\.p/(\d{1,3}))?", flags=re.ASCII
)


def tile_of(path: str) -> Tile:
    """The tile at a path; ValueError if no tile has that path."""
    if found := _PATH.fullmatch(path):
        level, name, width = found.groups()
        tile = Tile(
            ENTRIES if level == "entries" else int(level),
            int(name.replace("x", "").replace("/", "")),
            TILE_WIDTH if width is None else int(width),
        )
        # Each tile has only one path: without leading zeros, and never empty or overfull.
        is_possible = 1 <= tile.width <= TILE_WIDTH and tile.level < 64
        if is_possible and tile.number <= LARGEST_SIZE and tile.path == path:
            return tile
    raise ValueError(f"{path!r} is not the path of a tile")


def tile_at(level: int, number: int, size: int) -> Tile | None:
    """This tile in a tree of ``size`` leaves; None if it is empty there."""
    full = size >> (TILE_HEIGHT * max(level, 0))
    width = min(TILE_WIDTH, full - number * TILE_WIDTH)
    return Tile(level, number, width) if width > 0 else None


def tiles_of(size: int) -> Iterator[Tile]:
    """All tiles of hashes in a tree of ``size`` leaves, level by level, left to right."""
    for level in count():
        full = size >> (TILE_HEIGHT * level)
        if not full:
            return
        for number in range(-(-full // TILE_WIDTH)):
            yield Tile(level, number, min(TILE_WIDTH, full - number * TILE_WIDTH))


def tiles_to(index: int) -> Iterator[Tile]:
    """The full tiles with a leaf's hash and the nodes above it, up to the first tile of a level."""
    for level in count():
        index >>= TILE_HEIGHT
        yield Tile(level, index)
        if not index:
            return


_PART_HEIGHT = 4
_PARTS = 1 << _PART_HEIGHT
"""A full tile consists of 16 parts of 16 hashes."""
_PART_BYTES = _PARTS * HASH_BYTES
_TILE_BYTES = TILE_WIDTH * HASH_BYTES
_LENGTHS = frozenset((*range(0, _TILE_BYTES + 1, HASH_BYTES), _TILE_BYTES + _PART_BYTES))
"""The possible lengths of a tile, the last with the roots of its parts."""


def with_parts(row: bytes) -> bytes:
    """A full tile followed by the roots of its parts; any other as it is.

    A proof hashes 28 nodes of such a tile instead of 247.
    """
    return row + _parts_of(row) if len(row) == _TILE_BYTES else row


@lru_cache(maxsize=64)
def _parts_of(row: bytes) -> bytes:
    """The roots of a tile's full parts; cached, since the last tile of a level is often read."""
    full = len(row) // _PART_BYTES * _PART_BYTES
    return row[_TILE_BYTES:] or _raised(row[:full], _PART_HEIGHT)


LARGEST_ENTRY_BYTES = 2**16 - 1


def bundle(entries: Iterable[bytes]) -> bytes:
    """Leaves as an entry bundle, each after its length in 16 bits (section "Log entries")."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def entries_of(data: bytes) -> list[bytes]:
    """The leaves in an entry bundle; NotVerified if it ends within a leaf."""
    entries, at = [], 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        entries.append(data[start:at])
    if at > len(data):
        raise NotVerified(f"the entry bundle ends within its entry {len(entries) - 1}")
    return entries


ReadTiles = Callable[[Sequence[Tile]], Sequence[bytes]]
"""Returns the bytes of each requested tile, in order.

A tile may be wider than requested, and a full one followed by the roots of its parts.
"""


def grow(size: int, leaf_hashes: Sequence[bytes], read_tiles: ReadTiles) -> dict[Tile, bytes]:
    """The tiles that change when leaves are added to a tree of ``size``, with their new bytes.

    Reads at most the last tile of each level that grows.
    """
    grown: dict[Tile, bytes] = {}
    added = b"".join(leaf_hashes)
    if len(added) != HASH_BYTES * len(leaf_hashes):
        raise ValueError("a leaf hash does not have 32 bytes")
    for level in count():
        if not added:
            break
        first, held = divmod(size >> (TILE_HEIGHT * level), TILE_WIDTH)
        row = added
        if held:
            (before,) = _read([Tile(level, first, held)], read_tiles)
            row = before[: held * HASH_BYTES] + added
        cut = [row[at : at + _TILE_BYTES] for at in range(0, len(row), _TILE_BYTES)]
        for number, hashes in enumerate(cut, start=first):
            grown[Tile(level, number, len(hashes) // HASH_BYTES)] = hashes
        added = b"".join(
            _raised(_parts_of(hashes), TILE_HEIGHT - _PART_HEIGHT)
            for hashes in cut
            if len(hashes) == _TILE_BYTES
        )
    return grown


def _read(tiles: Sequence[Tile], read_tiles: ReadTiles) -> Sequence[bytes]:
    """The bytes of these tiles; NotVerified for a bad length."""
    rows = read_tiles(tiles) if tiles else ()
    for tile, row in zip(tiles, rows, strict=True):
        if len(row) < tile.width * HASH_BYTES or len(row) not in _LENGTHS:
            raise NotVerified(f"{tile.path} has {len(row)} bytes, not {tile.width * HASH_BYTES}")
    return rows


# -- Nodes out of tiles --------------------------------------------------------------------------

Subtree = tuple[int, int]
"""A full subtree: its height, and its index among all those of that height."""


def _subtrees(size: int) -> list[Subtree]:
    """The full subtrees that make up a tree, widest first."""
    found: list[Subtree] = []
    start = 0
    while start < size:
        height = (size - start).bit_length() - 1
        found.append((height, start >> height))
        start += 1 << height
    return found


_Part = tuple[int, int]
"""A part of a tile, or the roots of all its parts: 16 adjacent nodes of the height 4·k, as k and
their number among all those of that height."""


def _place(subtree: Subtree) -> tuple[_Part, int, int]:
    """The part under the root of a full subtree, its height above that, and which node it is."""
    height, index = subtree
    above = height % _PART_HEIGHT
    within = _PART_HEIGHT - above
    return (height // _PART_HEIGHT, index >> within), above, index % (1 << within)


def _tile_of(part: _Part, size: int) -> Tile:
    """The tile of a part, in a tree of ``size`` leaves."""
    k, number = part
    tile = tile_at(k // 2, number if k % 2 else number // _PARTS, size)
    assert tile is not None
    return tile


def _in(row: bytes, part: _Part) -> bytes:
    """The nodes of a part, out of its tile."""
    k, number = part
    if k % 2:
        return _parts_of(row)
    start = number % _PARTS * _PART_BYTES
    return row[start : start + _PART_BYTES]


@lru_cache(maxsize=4_096)
def _above(part: bytes) -> tuple[bytes, ...]:
    """A part and the nodes above it, by height; cached, since those near the top recur."""
    rows = [part]
    for _ in range(1, _PART_HEIGHT):
        rows.append(_raised(rows[-1], 1))  # behind the last full node, what is left is hashed too
    return tuple(rows)


def _roots_of(subtrees: Sequence[Subtree], size: int, read_tiles: ReadTiles) -> list[bytes]:
    """The roots of full subtrees; reads all tiles in one request, each once."""
    places = [_place(subtree) for subtree in subtrees]
    tiles = {part: _tile_of(part, size) for part in dict.fromkeys([place[0] for place in places])}
    needed = list(dict.fromkeys(tiles.values()))
    rows = dict(zip(needed, _read(needed, read_tiles), strict=True))
    nodes = {part: _above(_in(rows[tile], part)) for part, tile in tiles.items()}
    return [
        nodes[part][above][at * HASH_BYTES : (at + 1) * HASH_BYTES] for part, above, at in places
    ]


def frontier_at(size: int, read_tiles: ReadTiles) -> Frontier:
    """The frontier of the tree at ``size`` leaves, read from its tiles."""
    _must_be_size(size)
    return Frontier(size, _roots_of(_subtrees(size), size, read_tiles))


# -- Proofs --------------------------------------------------------------------------------------


def inclusion_proof(
    index: int, size: int, read_tiles: ReadTiles, frontier: Frontier | None = None
) -> list[bytes]:
    """Proves that a tree of ``size`` has the leaf at ``index`` (RFC 6962, section 2.1.1: PATH).

    If the tree's frontier is known, less has to be read.
    """
    _must_be_size(size)
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} in a tree of {size}")
    return _beside((0, index), size, read_tiles, frontier)[1]


def consistency_proof(old_size: int, size: int, read_tiles: ReadTiles) -> list[bytes]:
    """Proves that a tree of ``size`` extends an older one (RFC 6962, section 2.1.2: PROOF).

    ValueError for an old size of 0: every tree extends the empty one, so it would prove nothing.
    """
    _must_be_size(size)
    if not 0 < old_size <= size:
        raise ValueError(f"there is no consistency proof from size {old_size} to {size}")
    if old_size == size:
        return []
    # All other full subtrees of the old tree are beside the way of its last one.
    last = _subtrees(old_size)[-1]
    root, beside = _beside(last, size, read_tiles)
    return [root, *beside] if last[1] else beside  # the verifier has the old root itself


def _beside(
    subtree: Subtree, size: int, read_tiles: ReadTiles, frontier: Frontier | None = None
) -> tuple[bytes, list[bytes]]:
    """The root of a full subtree, and the hashes beside its way to the root of the tree.

    The way goes up within one of the full subtrees that make up the tree; then all narrower ones
    are beside it together, then each of the wider ones, the widest last.
    """
    height, index = subtree
    top = (size ^ index << height).bit_length() - 1
    wider = (size >> top + 1).bit_count()
    asked = [subtree, *((high, index >> high - height ^ 1) for high in range(height, top))]
    if frontier is None:
        asked += _subtrees(size)
    root, *found = _roots_of(asked, size, read_tiles)
    edge = found[top - height :] if frontier is None else frontier.hashes
    narrower = [_joined(edge[wider + 1 :])] if wider + 1 < len(edge) else []
    return root, [*found[: top - height], *narrower, *reversed(edge[:wider])]


def _must_be_size(size: int) -> None:
    if not 0 <= size <= LARGEST_SIZE:
        raise ValueError(f"no tree has {size} leaves")


# -- Checking proofs -----------------------------------------------------------------------------


def verify_inclusion(
    leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Raise NotVerified unless the leaf is at this index (RFC 9162, section 2.1.3.2).

    ``leaf`` is the hash of the leaf.
    """
    _check_sizes(size)
    if not 0 <= index < size:
        raise NotVerified(f"index {index} lies outside a tree of {size}")
    _check_hashes(proof, ("leaf hash", leaf), ("root", root))
    found = leaf
    fn, sn = index, size - 1
    for hash in proof:
        if sn == 0:
            raise NotVerified(f"the inclusion proof is too long: {len(proof)} hashes")
        if fn & 1 or fn == sn:
            found = node_hash(hash, found)
            while not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = node_hash(found, hash)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise NotVerified(f"the inclusion proof is too short: {len(proof)} hashes")
    if found != root:
        raise NotVerified(f"the leaf at index {index} is not under the root of size {size}")


def verify_consistency(
    *, old_size: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes
) -> None:
    """Raise NotVerified unless the tree extends the old one (RFC 9162, section 2.1.4.2).

    An old size of 0 is refused, since every tree extends the empty one. For equal sizes the proof
    must be empty and the roots equal.
    """
    _check_sizes(old_size, size)
    if old_size == 0:
        raise NotVerified("consistency with an empty tree proves nothing")
    if size < old_size:
        raise NotVerified(f"the tree shrank from {old_size} to {size} leaves")
    if size == old_size:
        if proof:
            raise NotVerified("a consistency proof between equal sizes must be empty")
        if root != old_root:
            raise NotVerified(f"two different roots of size {size}")
        return
    if not proof:
        raise NotVerified("the consistency proof is empty")
    _check_hashes(proof, ("old root", old_root), ("root", root))
    _check_growth(old_size, size, proof, old_root, root)


def _check_growth(
    old_size: int, size: int, proof: Sequence[bytes], old_root: bytes, root: bytes
) -> None:
    """The steps of RFC 9162, section 2.1.4.2, for 0 < old_size < size and a proof with hashes."""
    path = [old_root, *proof] if old_size.bit_count() == 1 else list(proof)
    fn, sn = old_size - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old_found = found = path[0]
    for hash in path[1:]:
        if sn == 0:
            raise NotVerified(f"the consistency proof is too long: {len(proof)} hashes")
        if fn & 1 or fn == sn:
            old_found, found = node_hash(hash, old_found), node_hash(hash, found)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = node_hash(found, hash)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise NotVerified(f"the consistency proof is too short: {len(proof)} hashes")
    if old_found != old_root:
        raise NotVerified(f"the proof does not lead to the old root of size {old_size}")
    if found != root:
        raise NotVerified(f"the tree of {size} does not contain the tree of {old_size}")


def _check_sizes(*sizes: int) -> None:
    for size in sizes:
        if not 0 <= size <= LARGEST_SIZE:
            raise NotVerified(f"no tree has {size} leaves")


def _check_hashes(proof: Sequence[bytes], *named: tuple[str, bytes]) -> None:
    for name, hash in named:
        if len(hash) != HASH_BYTES:
            raise NotVerified(f"the {name} has {len(hash)} bytes, not {HASH_BYTES}")
    for i, hash in enumerate(proof):
        if len(hash) != HASH_BYTES:
            raise NotVerified(f"the proof hash {i} has {len(hash)} bytes, not {HASH_BYTES}")
