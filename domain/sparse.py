"""A sparse Merkle tree: a map from keys to values under one root, with proofs of what is not in it.

A place is empty, a leaf, or a node above two places; a subtree with a single leaf is that leaf. So
the tree depends only on its entries, not on the order of insertion, and a proof has about
log2(number of keys) hashes.

The construction is that of the Libra white paper ("The Libra Blockchain", section 3.3), in the
bytes of celestiaorg/smt, which ICS 23 describes as SmtSpec: a path is SHA-256(key), a leaf
SHA-256(0x00 || path || SHA-256(value)), a node SHA-256(0x01 || left || right), and an empty place
32 zero bytes.
This file depends only on the standard library, so that a proof can be checked on its own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from domain.tree import HASH_BYTES, NotVerified, leaf_hash, node_hash

EMPTY = bytes(HASH_BYTES)
"""The hash of a place with nothing below it, and the root of an empty map."""
DEPTH = 8 * HASH_BYTES
ROOT = 1
"""Places are numbered as in a binary heap: below n are 2n on the left and 2n + 1 on the right."""
FEW, AHEAD = 64, 12
"""For up to FEW keys, AHEAD levels are read at once."""


class MapLeaf(NamedTuple):
    """A key and its value, by their hashes."""

    path: bytes
    value: bytes
    said: bytes = b""
    """The value itself, if it is known."""

    @property
    def data(self) -> bytes:
        """The bytes that are hashed, after the prefix 0x00."""
        return self.path + self.value


Node = MapLeaf | bytes
"""The content of a place that is not empty: a leaf, or the hash of the two places below."""
Read = Callable[[Iterable[int]], Mapping[int, Node]]
"""Reads the content of places; empty places are missing in the result."""


def leaf_of(key: bytes, value: bytes) -> MapLeaf:
    """The leaf of a key and its value."""
    return MapLeaf(sha256(key).digest(), sha256(value).digest(), value)


def hash_of(node: Node | None) -> bytes:
    """The hash of a place."""
    if node is None:
        return EMPTY
    return leaf_hash(node.data) if isinstance(node, MapLeaf) else node


def place_of(path: bytes, depth: int) -> int:
    """The place at a depth along a path."""
    return 1 << depth | int.from_bytes(path, "big") >> (DEPTH - depth)


def is_right(path: bytes, depth: int) -> bool:
    """Whether a path goes to the right at a depth."""
    return bool(path[depth >> 3] >> (7 - (depth & 7)) & 1)


# -- growing -------------------------------------------------------------------------------------


def put(leaves: Iterable[MapLeaf], read: Read) -> dict[int, Node]:
    """The new content of the places that change when leaves are inserted or replaced.

    Raises NotVerified if the present content along their paths is damaged.
    """
    placed = {leaf.path: leaf for leaf in leaves}
    if not placed:
        return {}
    ordered = [placed[path] for path in sorted(placed)]
    known = _read_ways(ordered, read)
    put: dict[int, Node] = {}
    _put(ROOT, 0, ordered, known, put)
    return put


def root_of(leaves: Iterable[MapLeaf]) -> bytes:
    """The root of a map with these leaves."""
    return hash_of(put(leaves, lambda _: {}).get(ROOT))


def _put(
    place: int, depth: int, leaves: list[MapLeaf], known: Mapping[int, Node], put: dict[int, Node]
) -> bytes:
    """Insert leaves below a place; returns its new hash, and adds all changes to ``put``."""
    there = known.get(place)
    if isinstance(there, MapLeaf):
        if all(leaf.path != there.path for leaf in leaves):
            leaves = sorted([*leaves, there])
        there = None
    if there is None and len(leaves) == 1:
        put[place] = leaves[0]
        return hash_of(leaves[0])
    below = 2 * place
    if there is None:
        known, left, right = {}, EMPTY, EMPTY
    else:
        left, right = hash_of(known.get(below)), hash_of(known.get(below + 1))
        if there != node_hash(left, right):
            raise NotVerified(f"the map is damaged: place {place:x} is not the hash of those below")
    middle = _middle(leaves, depth)
    if middle:
        left = _put(below, depth + 1, leaves[:middle], known, put)
    if middle < len(leaves):
        right = _put(below + 1, depth + 1, leaves[middle:], known, put)
    put[place] = made = node_hash(left, right)
    return made


def _middle(leaves: Sequence[MapLeaf], depth: int) -> int:
    """How many of these sorted leaves go to the left at a depth."""
    if len(leaves) == 1:
        return 0 if is_right(leaves[0].path, depth) else 1
    return bisect_left(leaves, True, key=lambda leaf: is_right(leaf.path, depth))


def _read_ways(leaves: Sequence[MapLeaf], read: Read) -> dict[int, Node]:
    """The content of the places along the paths to leaves, and of their siblings."""
    known = dict(read([ROOT]))
    ways = [place_of(leaf.path, DEPTH) for leaf in leaves]
    ahead, depth = AHEAD if len(ways) <= FEW else 1, 0
    while depth < DEPTH:
        ways = [way for way in ways if isinstance(known.get(way >> (DEPTH - depth)), bytes)]
        if not ways:
            break
        known.update(read(_beside(ways, depth, ahead)))
        depth = min(depth + ahead, DEPTH)
    return known


def _beside(ways: Sequence[int], depth: int, ahead: int) -> set[int]:
    """The next places on the ways to places at the greatest depth, and their siblings."""
    deeper = range(depth + 1, min(depth + ahead, DEPTH) + 1)
    places = {way >> (DEPTH - deep) for way in ways for deep in deeper}
    return places | {place ^ 1 for place in places}


# -- proofs --------------------------------------------------------------------------------------


class Proof(NamedTuple):
    """The proof of what a map holds at a path."""

    beside: tuple[bytes, ...]
    """The hashes of the siblings along the path, the deepest first."""
    other: MapLeaf | None = None
    """In a proof of absence: the leaf of another key at the end of the path; None: it is empty."""


def prove(path: bytes, read: Read) -> Proof:
    """The proof of what a map holds at a path, or that it holds nothing."""
    leaf = MapLeaf(path, b"")
    known = _read_ways([leaf], read)
    depth = 0
    while isinstance(known.get(place_of(path, depth)), bytes):
        depth += 1
    end = known.get(place_of(path, depth))
    other = end if isinstance(end, MapLeaf) and end.path != path else None
    ways = (place_of(path, deep) ^ 1 for deep in range(depth, 0, -1))
    return Proof(tuple(hash_of(known.get(place)) for place in ways), other)


def verify(proof: Proof, path: bytes, value: bytes | None, root: bytes) -> None:
    """Raise NotVerified unless a map has the hash of this value at a path; None: nothing there."""
    if len(proof.beside) > DEPTH or any(len(hash) != HASH_BYTES for hash in proof.beside):
        raise NotVerified("the proof of the map has more than 256 hashes, or one not of 32 bytes")
    if proof.other is not None:
        if value is not None:
            raise NotVerified("the proof of the map names another key, though this one is there")
        _must_be_beside(proof.other, path, len(proof.beside))
    end = proof.other if value is None else MapLeaf(path, value)
    found = hash_of(end)
    for depth, beside in zip(range(len(proof.beside) - 1, -1, -1), proof.beside, strict=True):
        pair = (beside, found) if is_right(path, depth) else (found, beside)
        found = node_hash(*pair)
    if found != root:
        raise NotVerified("the map under the signed root holds something else there")


def _must_be_beside(other: MapLeaf, path: bytes, depth: int) -> None:
    """Raise NotVerified unless the leaf of another key may be at the end of a path."""
    if len(other.path) != HASH_BYTES or len(other.value) != HASH_BYTES:
        raise NotVerified("the other leaf of the map does not have 64 bytes")
    if other.path == path or place_of(other.path, depth) != place_of(path, depth):
        raise NotVerified("the other leaf of the map does not stand in the way of this key")
