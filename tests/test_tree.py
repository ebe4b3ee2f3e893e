"""The tree gives the roots and proofs of the RFCs, from tiles alone, and checks them strictly."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tree import (
    EMPTY_ROOT,
    ENTRIES,
    LARGEST_SIZE,
    TILE_WIDTH,
    Frontier,
    NotVerified,
    Tile,
    bundle,
    consistency_proof,
    entries_of,
    frontier_at,
    grow,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    tile_at,
    tile_of,
    tiles_of,
    verify_consistency,
    verify_inclusion,
    with_parts,
)

VECTORS = json.loads(
    (Path(__file__).parent / "golden" / "transparency_log.json").read_text("utf-8")
)
EIGHT = VECTORS["rfc6962_tree_8"]
EIGHT_LEAVES = [bytes.fromhex(leaf) for leaf in EIGHT["leaf_inputs_hex"]]
MANY = 1000

Hashes = list[bytes]


# The oracle: RFC 6962, section 2.1, word for word, over leaves; slow and plain.


def k_of(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = k_of(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> Hashes:
    if len(leaves) == 1:
        return []
    k = k_of(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], is_whole: bool) -> Hashes:
    if m == len(leaves):
        return [] if is_whole else [mth(leaves)]
    k = k_of(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], is_whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def leaves_of(size: int) -> Hashes:
    return [number.to_bytes(2, "big") for number in range(size)]


class Tiles:
    """A log that keeps the widest state of each tile, and counts what is read."""

    def __init__(self, leaves: Sequence[bytes] = ()) -> None:
        self.rows: dict[tuple[int, int], bytes] = {}
        self.reads: list[Sequence[Tile]] = []
        self.size = 0
        self.add(leaves)

    def add(self, leaves: Sequence[bytes]) -> dict[Tile, bytes]:
        grown = grow(self.size, [leaf_hash(leaf) for leaf in leaves], self.read)
        self.rows.update({(tile.level, tile.number): row for tile, row in grown.items()})
        self.size += len(leaves)
        return grown

    def read(self, tiles: Sequence[Tile]) -> list[bytes]:
        self.reads.append(tiles)
        return [self.rows[tile.level, tile.number] for tile in tiles]


LEAVES = leaves_of(MANY)
TILES = Tiles(LEAVES)


# -- The vectors ----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", VECTORS["rfc6962_hasher"]["cases"], ids=lambda case: case["desc"])
def test_hashes_are_those_of_the_rfc(case: dict[str, str]) -> None:
    match case:
        case {"leaf_hex": leaf}:
            found = leaf_hash(bytes.fromhex(leaf))
        case {"left_hex": left, "right_hex": right}:
            found = node_hash(bytes.fromhex(left), bytes.fromhex(right))
        case _:
            found = EMPTY_ROOT
            assert case["desc"] == "empty tree root"
    assert found.hex() == case["want"]


def test_eight_leaves_have_the_known_nodes() -> None:
    level = [leaf_hash(leaf) for leaf in EIGHT_LEAVES]
    for known in EIGHT["node_hashes_hex_by_level"]:
        assert [hash.hex() for hash in level] == known
        level = [node_hash(*level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
    assert level == []


@pytest.mark.parametrize("size", range(9))
def test_the_first_eight_roots_are_the_known_ones(size: int) -> None:
    known = EIGHT["roots_hex_by_size_0_to_8"][size]
    assert root_of(map(leaf_hash, EIGHT_LEAVES[:size])).hex() == known
    assert frontier_at(size, Tiles(EIGHT_LEAVES).read).root().hex() == known
    assert mth(EIGHT_LEAVES[:size]).hex() == known


@pytest.mark.parametrize("known", VECTORS["ct_cpp_paths_and_proofs"]["paths"])
def test_paths_of_certificate_transparency(known: dict[str, Any]) -> None:
    index, size = known["leaf_1based"] - 1, known["snapshot"]
    read = Tiles(EIGHT_LEAVES).read
    if index < 0:
        assert known["hashes"] == []
        with pytest.raises(ValueError, match="no leaf -1"):
            inclusion_proof(index, size, read)
        return
    proof = inclusion_proof(index, size, read)
    assert [hash.hex() for hash in proof] == known["hashes"]
    assert len(proof) == known["n"]
    root = mth(EIGHT_LEAVES[:size])
    leaf = leaf_hash(EIGHT_LEAVES[index])
    verify_inclusion(leaf, index=index, size=size, proof=proof, root=root)


@pytest.mark.parametrize("known", VECTORS["ct_cpp_paths_and_proofs"]["proofs"])
def test_proofs_of_certificate_transparency(known: dict[str, Any]) -> None:
    old_size, size = known["snapshot1"], known["snapshot2"]
    proof = consistency_proof(old_size, size, Tiles(EIGHT_LEAVES).read)
    assert [hash.hex() for hash in proof] == known["hashes"]
    assert len(proof) == known["n"]


SUBTREES = 130
SUBTREE_LEAVES = [bytes([number]) for number in range(SUBTREES)]


def subtrees(size: int) -> Iterator[tuple[int, int]]:
    """The subtrees of draft-ietf-plants-merkle-tree-certs, section 4.1, that end at a size."""
    for start in range(size + 1):
        length = size - start
        if not start or not length or start % (1 << (length - 1).bit_length()) == 0:
            yield start, size


def subtree_proof(start: int, end: int, leaves: Sequence[bytes], is_whole: bool = True) -> Hashes:
    """The subtree consistency proof of that draft, section 4.4.1; from 0 it is the RFC's."""
    if start == end:
        return []
    if (start, end) == (0, len(leaves)):
        return [] if is_whole else [cached_mth(leaves)]
    k = k_of(len(leaves))
    left, right = leaves[:k], leaves[k:]
    if end <= k:
        return [*subtree_proof(start, end, left, is_whole), cached_mth(right)]
    if k <= start:
        return [*subtree_proof(start - k, end - k, right, is_whole), cached_mth(left)]
    return [*subtree_proof(0, end - k, right, False), cached_mth(left)]


def cached_mth(leaves: Sequence[bytes], known: dict[bytes, bytes] = {}) -> bytes:  # noqa: B006
    """The oracle's root, remembered: these leaves are one byte each."""
    key = b"".join(leaves)
    if key not in known:
        known[key] = mth(leaves)
    return known[key]


def subtree_hash_lines() -> Iterator[str]:
    for end in range(SUBTREES + 1):
        for start, _ in subtrees(end):
            root = root_of(map(leaf_hash, SUBTREE_LEAVES[start:end]))
            yield f"[{start}, {end}) {root.hex()}\n"


def subtree_inclusion_lines() -> Iterator[str]:
    """A subtree is a tree of its own: the proof is ours, out of tiles."""
    for end in range(SUBTREES + 1):
        for start, _ in subtrees(end):
            read = Tiles(SUBTREE_LEAVES[start:end]).read
            for index in range(start, end):
                proof = inclusion_proof(index - start, end - start, read)
                yield " ".join([f"{index} [{start}, {end})", *(h.hex() for h in proof)]) + "\n"


def subtree_consistency_lines() -> Iterator[str]:
    """From 0 the proof is ours, out of tiles; from elsewhere, which no log gives, the oracle's."""
    read = Tiles(SUBTREE_LEAVES).read
    for size in range(SUBTREES + 1):
        for end in range(size + 1):
            for start, _ in subtrees(end):
                if start == 0 < end:
                    proof = consistency_proof(end, size, read)
                else:
                    proof = subtree_proof(start, end, SUBTREE_LEAVES[:size])
                yield " ".join([f"[{start}, {end}) {size}", *(h.hex() for h in proof)]) + "\n"


def subtree_covering_lines() -> Iterator[str]:
    """Two subtrees that cover a span (section 4.5.1); arithmetic on indexes, no tree needed."""
    for end in range(SUBTREES + 1):
        for start in range(end + 1):
            first, middle = start, end
            if end - start > 1:
                split = (start ^ (end - 1)).bit_length() - 1
                middle = (end - 1) >> split << split
                level = (~start & ((1 << split) - 1)).bit_length()
                first = start >> level << level
            yield f"[{first}, {middle}) [{middle}, {end})\n"


ACCUMULATED: dict[str, Callable[[], Iterator[str]]] = {
    "TestSubtreeHashVectors": subtree_hash_lines,
    "TestSubtreeInclusionProofVectors": subtree_inclusion_lines,
    "TestSubtreeConsistencyProofVectors": subtree_consistency_lines,
    "TestSubtreeCoveringVectors": subtree_covering_lines,
}


@pytest.mark.parametrize("name, known", VECTORS["mtc_accumulated"]["accumulated_sha256"].items())
def test_every_root_and_proof_to_130_is_the_published_one(name: str, known: str) -> None:
    assert sha256("".join(ACCUMULATED[name]()).encode()).hexdigest() == known


def test_the_tiles_of_70000_and_of_256_are_those_of_the_specification() -> None:
    assert "size 70000" in VECTORS["c2sp_examples"]["tiles_rule"]
    tiles = list(tiles_of(70_000))
    full = [tile for tile in tiles if tile.width == TILE_WIDTH]
    assert sum(tile.level == 0 for tile in full) == 273
    assert sum(tile.level == 1 for tile in full) == 1
    assert len(full) == 274
    assert set(tiles) - set(full) == {Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)}
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []
    assert Tile(0, 1234067).path == "tile/0/x001/x234/067"


def test_no_group_of_vectors_is_left_out() -> None:
    """Each is read here, in test_note.py or in test_receipt.py; a new one must find its test."""
    tests = "".join(
        (Path(__file__).parent / f"test_{name}.py").read_text("utf-8")
        for name in ("tree", "note", "receipt")
    )
    for group in VECTORS:
        assert group == "_about" or f'VECTORS["{group}"]' in tests, group


# -- Against the oracle ---------------------------------------------------------------------------


def test_every_inclusion_to_130_leaves() -> None:
    for size in range(1, 131):
        leaves = LEAVES[:size]
        root = cached_mth(leaves)
        for index in range(size):
            proof = inclusion_proof(index, size, TILES.read)
            leaf = leaf_hash(leaves[index])
            verify_inclusion(leaf, index=index, size=size, proof=proof, root=root)
    assert proof == path(129, LEAVES[:130])


def test_every_consistency_to_70_leaves() -> None:
    for size in range(1, 71):
        for old_size in range(1, size + 1):
            proof = consistency_proof(old_size, size, TILES.read)
            assert proof == subproof(old_size, LEAVES[:size], True)
            verify_consistency(
                old_size=old_size,
                size=size,
                proof=proof,
                old_root=cached_mth(LEAVES[:old_size]),
                root=cached_mth(LEAVES[:size]),
            )


@given(st.data())
def test_proofs_are_those_of_the_naive_recursion(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, MANY), "size")
    index = data.draw(st.integers(0, size - 1), "index")
    root, leaf = mth(LEAVES[:size]), leaf_hash(LEAVES[index])
    assert root_of(map(leaf_hash, LEAVES[:size])) == root
    assert frontier_at(size, TILES.read).root() == root
    proof = inclusion_proof(index, size, TILES.read)
    assert proof == path(index, LEAVES[:size])
    verify_inclusion(leaf, index=index, size=size, proof=proof, root=root)
    grown = consistency_proof(index + 1, size, TILES.read)
    assert grown == subproof(index + 1, LEAVES[:size], True)
    old_root = mth(LEAVES[: index + 1])
    verify_consistency(old_size=index + 1, size=size, proof=grown, old_root=old_root, root=root)


@given(st.lists(st.integers(0, 300), max_size=12))
def test_tiles_do_not_depend_on_how_the_leaves_came(batches: list[int]) -> None:
    grown = Tiles()
    for batch in batches:
        old_rows = dict(grown.rows)
        changed = grown.add(leaves_of(grown.size + batch)[grown.size :])
        for tile, row in changed.items():  # what was there is only added to
            assert row.startswith(old_rows.get((tile.level, tile.number), b""))
            assert len(row) == 32 * tile.width
    at_once = Tiles(leaves_of(grown.size))
    assert grown.rows == at_once.rows
    assert {(tile.level, tile.number) for tile in tiles_of(grown.size)} == set(grown.rows)
    for tile in tiles_of(grown.size):
        assert len(grown.rows[tile.level, tile.number]) == 32 * tile.width


@given(st.integers(0, MANY), st.integers(0, 300))
def test_a_frontier_is_found_again_and_goes_on(size: int, more: int) -> None:
    frontier = frontier_at(size, TILES.read)
    assert len(frontier.hashes) <= max(size, 1).bit_length()
    for leaf in LEAVES[size : size + more]:
        frontier.append(leaf_hash(leaf))
    assert frontier == frontier_at(min(size + more, MANY), TILES.read)


@cache
def deep() -> Tiles:
    """A log in which a tile of the second level is full."""
    return Tiles([b"%d" % number for number in range(66_000)])


@given(st.integers(1, 66_000), st.data())
def test_the_roots_of_parts_change_no_proof(size: int, data: st.DataObject) -> None:
    log, index = deep(), data.draw(st.integers(0, size - 1), "index")

    def read(tiles: Sequence[Tile]) -> list[bytes]:
        return [with_parts(row) for row in log.read(tiles)]

    proof, frontier = inclusion_proof(index, size, log.read), frontier_at(size, log.read)
    assert inclusion_proof(index, size, read) == proof
    assert inclusion_proof(index, size, read, frontier) == proof
    assert consistency_proof(index + 1, size, read) == consistency_proof(index + 1, size, log.read)
    assert frontier_at(size, read) == frontier


def test_only_a_full_tile_has_parts() -> None:
    for width in (0, 1, 16, 255):
        assert with_parts(bytes(32 * width)) == bytes(32 * width)
    row = b"".join(map(leaf_hash, leaves_of(256)))
    assert with_parts(with_parts(row)) == with_parts(row)
    parts = [row[at : at + 512] for at in range(0, len(row), 512)]
    roots = [root_of(part[at : at + 32] for at in range(0, 512, 32)) for part in parts]
    assert with_parts(row) == row + b"".join(roots)


def test_a_proof_reads_few_tiles_at_once() -> None:
    """Of 200,000 leaves: at most the leaf's own and the last one of each of three levels."""
    tiles, random = Tiles(), Random(4)
    tiles.size, tiles.rows = 200_000, {}
    for tile in tiles_of(200_000):
        tiles.rows[tile.level, tile.number] = random.randbytes(32 * tile.width)
    tiles.reads.clear()
    for _ in range(200):
        index = random.randrange(200_000)
        inclusion_proof(index, 200_000, tiles.read)
        consistency_proof(index + 1, 200_000, tiles.read)
    assert len(tiles.reads) == 400
    assert max(map(len, tiles.reads)) <= 5
    assert all(len(set(read)) == len(read) for read in tiles.reads)


# -- Tiles and their paths ------------------------------------------------------------------------

PATHS = [
    (Tile(0, 0), "tile/0/000"),
    (Tile(0, 999), "tile/0/999"),
    (Tile(0, 1000), "tile/0/x001/000"),
    (Tile(63, 5, 1), "tile/63/005.p/1"),
    (Tile(1, 1234067, 255), "tile/1/x001/x234/067.p/255"),
    (Tile(ENTRIES, 7), "tile/entries/007"),
    (Tile(ENTRIES, 1_000_000, 12), "tile/entries/x001/x000/000.p/12"),
]


@pytest.mark.parametrize("tile, path", PATHS)
def test_a_tile_and_its_path_belong_together(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert tile_of(path) == tile


NO_PATHS = """
tile/0/0 tile/0/0000 tile/00/000 tile/64/000 tile/-1/000 tile/data/000 tile/0/x000/001
tile/0/001/002 tile/0/x001 tile/0/000.p/0 tile/0/000.p/256 tile/0/000.p/01 tile/0/000.p/
tile/0/000/ /tile/0/000 tile//000 tile/0/٠٠٠ tile/0/x001/x001/x001/x001/x001/x001/x001/001
tile/8/0/000 tile/0/000.p/1.p/1 tile/Entries/000 tile/0/x999/x999/x999/x999/x999/x999/999
"""


@pytest.mark.parametrize("path", [*NO_PATHS.split(), "", "tile/0/000\n", " tile/0/000"])
def test_no_other_path_is_one_of_a_tile(path: str) -> None:
    with pytest.raises(ValueError, match="is not the path of a tile"):
        tile_of(path)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65536, 70000])
def test_a_tile_is_as_wide_as_the_tree_makes_it(size: int) -> None:
    for tile in tiles_of(size):
        assert tile_at(tile.level, tile.number, size) == tile
    assert tile_at(0, -(-size // 256), size) is None
    assert tile_at(5, 0, size) is None
    bundle = tile_at(ENTRIES, 0, size)
    assert (bundle.width if bundle else 0) == min(size, 256)


@pytest.mark.parametrize("row", [b"", b"\x00" * 31, b"\x00" * 33, b"\x00" * 8224])
def test_a_tile_of_a_wrong_length_is_refused(row: bytes) -> None:
    with pytest.raises(NotVerified, match="tile/0/000"):
        inclusion_proof(0, 256, lambda tiles: [row for _ in tiles])


def test_a_reader_that_gives_too_few_tiles_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        inclusion_proof(0, 300, lambda _: [])


def test_a_log_with_the_most_leaves_is_proved_like_any_other() -> None:
    """All of its leaves are alike, and so are the nodes of each level."""
    alike = [leaf_hash(b"")]
    while len(alike) < 64:
        alike.append(node_hash(alike[-1], alike[-1]))

    def read(tiles: Sequence[Tile]) -> list[bytes]:
        return [alike[8 * tile.level] * tile.width for tile in tiles]

    size = LARGEST_SIZE
    frontier = frontier_at(size, read)
    assert frontier.hashes == alike[62::-1]
    root = frontier.root()
    for index in (0, size // 3, size - 1):
        proof = inclusion_proof(index, size, read)
        verify_inclusion(alike[0], index=index, size=size, proof=proof, root=root)
    before = size - 2**40
    old_root = frontier_at(before, read).root()
    verify_consistency(
        old_size=before,
        size=size,
        proof=consistency_proof(before, size, read),
        old_root=old_root,
        root=root,
    )


def test_what_no_tree_has_is_not_asked_for() -> None:
    for index, size in [(-1, 5), (5, 5), (6, 5), (0, 0), (0, -1), (0, LARGEST_SIZE + 1)]:
        with pytest.raises(ValueError, match=r"no leaf|no tree"):
            inclusion_proof(index, size, TILES.read)
    for old_size, size in [(0, 5), (0, 0), (-1, 5), (6, 5), (1, LARGEST_SIZE + 1)]:
        with pytest.raises(ValueError, match=r"no consistency|no tree"):
            consistency_proof(old_size, size, TILES.read)
    with pytest.raises(ValueError, match="no tree"):
        frontier_at(-1, TILES.read)
    with pytest.raises(ValueError, match="32 bytes"):
        grow(0, [b"short"], TILES.read)
    for size, hashes in [(1, []), (3, [b"\x00" * 32]), (1, [b"\x00" * 31]), (-1, [b"\x00" * 32])]:
        with pytest.raises(ValueError, match="frontier"):
            Frontier(size, hashes)


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_entries_come_back_from_their_bundle(entries: list[bytes]) -> None:
    packed = bundle(entries)
    assert entries_of(packed) == entries
    if packed:
        with pytest.raises(NotVerified, match=f"ends within its entry {len(entries) - 1}"):
            entries_of(packed[:-1])
        with pytest.raises(NotVerified, match=f"ends within its entry {len(entries)}"):
            entries_of(packed + b"\x00\x01")


def test_a_bundle_that_ends_within_a_length_is_refused() -> None:
    for end in (b"\x00", b"\x01"):
        with pytest.raises(NotVerified, match="ends within its entry 1"):
            entries_of(bundle([b"entry"]) + end)


# -- Strictness -----------------------------------------------------------------------------------

SIZES = st.integers(1, 300)


@given(st.data())
def test_a_spoiled_inclusion_proof_is_refused(data: st.DataObject) -> None:
    size = data.draw(SIZES, "size")
    index = data.draw(st.integers(0, size - 1), "index")
    leaf, root = leaf_hash(LEAVES[index]), frontier_at(size, TILES.read).root()
    proof = inclusion_proof(index, size, TILES.read)
    other_index = data.draw(st.integers(-2, 2 * size).filter(lambda other: other != index))
    spoiled = data.draw(st.sampled_from(list(spoiled_proofs(proof, root, leaf))))
    for wrong_leaf, wrong_index, wrong_size, wrong_proof, wrong_root in [
        (leaf, index, size, spoiled, root),
        (leaf, other_index, size, proof, root),
        (node_hash(leaf, leaf), index, size, proof, root),
        (LEAVES[index], index, size, proof, root),
        (leaf + b"\x00", index, size, proof, root),
        (leaf, index, size, proof, root[:-1]),
        (leaf, index, size, proof, b""),
        (leaf, index, size, proof, bytes(32)),
        (leaf, index, 0, proof, root),
        (leaf, index, -size, proof, root),
        (leaf, index, index, proof, root),
        (leaf, index, LARGEST_SIZE + 1, proof, root),
    ]:
        with pytest.raises(NotVerified):
            verify_inclusion(
                wrong_leaf, index=wrong_index, size=wrong_size, proof=wrong_proof, root=wrong_root
            )


@given(st.data())
def test_a_spoiled_consistency_proof_is_refused(data: st.DataObject) -> None:
    size = data.draw(SIZES, "size")
    old_size = data.draw(st.integers(1, size), "old size")
    old_root, root = (frontier_at(n, TILES.read).root() for n in (old_size, size))
    proof = consistency_proof(old_size, size, TILES.read)
    other_size = data.draw(st.integers(1, 2 * size).filter(lambda other: other != old_size))
    other_root = frontier_at(other_size, TILES.read).root()
    spoiled = data.draw(st.sampled_from(list(spoiled_proofs(proof, root, old_root))))
    for wrong_old_size, wrong_size, wrong_proof, wrong_old_root, wrong_root in [
        (old_size, size, spoiled, old_root, root),
        (old_size, size, proof, other_root, root),
        (other_size, size, proof, old_root, root),
        (other_size, size, proof, other_root, root) if proof else (0, size, [], EMPTY_ROOT, root),
        (old_size, size, proof, old_root, node_hash(root, root)),
        (old_size, size, proof, old_root[:-1], root),
        (old_size, size, proof, old_root, root + b"\x00"),
        (0, size, proof, old_root, root),
        (0, size, [], EMPTY_ROOT, root),
        (0, 0, [], EMPTY_ROOT, EMPTY_ROOT),
        (-1, size, proof, old_root, root),
        (size + 1, size, proof, old_root, root),
        (old_size, LARGEST_SIZE + 1, proof, old_root, root),
    ]:
        with pytest.raises(NotVerified):
            verify_consistency(
                old_size=wrong_old_size,
                size=wrong_size,
                proof=wrong_proof,
                old_root=wrong_old_root,
                root=wrong_root,
            )


def spoiled_proofs(proof: Hashes, *others: bytes) -> Iterator[Hashes]:
    """Longer, shorter, turned, with a bit changed, with a hash of a wrong length."""
    for other in (*others, bytes(32), b""):
        yield [*proof, other]
        yield [other, *proof]
    if proof:
        yield proof[:-1]
        yield proof[1:]
        yield [*proof, *proof]
    for at, hash in enumerate(proof):
        for wrong in (hash[:-1], hash + b"\x00", b"", hash[:-1] + bytes([hash[-1] ^ 1]), bytes(32)):
            yield [*proof[:at], wrong, *proof[at + 1 :]]
    if proof != proof[::-1]:
        yield proof[::-1]


REASONS = [
    ({"index": 7}, "lies outside a tree of 7"),
    ({"index": -1}, "lies outside"),
    ({"size": -1}, "no tree has -1 leaves"),
    ({"size": 2**63}, "no tree has"),
    ({"root": bytes(31)}, "the root has 31 bytes, not 32"),
    ({"proof": [bytes(32)] * 2}, "too short: 2 hashes"),
    ({"proof": [bytes(32)] * 4}, "too long: 4 hashes"),
    ({"proof": [bytes(32), b""]}, "the proof hash 1 has 0 bytes"),
    ({"root": bytes(32)}, "the leaf at index 2 is not under the root of size 7"),
]


@pytest.mark.parametrize("wrong, reason", REASONS)
def test_what_is_wrong_with_an_inclusion_is_said(wrong: dict[str, Any], reason: str) -> None:
    right: dict[str, Any] = {
        "index": 2,
        "size": 7,
        "proof": inclusion_proof(2, 7, TILES.read),
        "root": frontier_at(7, TILES.read).root(),
    }
    verify_inclusion(leaf_hash(LEAVES[2]), **right)
    with pytest.raises(NotVerified, match=reason):
        verify_inclusion(leaf_hash(LEAVES[2]), **right | wrong)


GROWTH_REASONS = [
    ({"old_size": 0}, "an empty tree proves nothing"),
    ({"old_size": 8}, "the tree shrank from 8 to 7"),
    ({"old_size": 7}, "between equal sizes must be empty"),
    ({"old_size": 7, "proof": []}, "two different roots of size 7"),
    ({"proof": []}, "the consistency proof is empty"),
    ({"proof": [bytes(32)]}, "too short: 1 hashes"),
    ({"proof": [bytes(32)] * 5}, "too long: 5 hashes"),
    ({"old_root": bytes(32)}, "does not lead to the old root of size 3"),
    ({"root": bytes(32)}, "the tree of 7 does not contain the tree of 3"),
    ({"old_root": b""}, "the old root has 0 bytes"),
]


@pytest.mark.parametrize("wrong, reason", GROWTH_REASONS)
def test_what_is_wrong_with_a_growth_is_said(wrong: dict[str, Any], reason: str) -> None:
    right: dict[str, Any] = {
        "old_size": 3,
        "size": 7,
        "proof": consistency_proof(3, 7, TILES.read),
        "old_root": frontier_at(3, TILES.read).root(),
        "root": frontier_at(7, TILES.read).root(),
    }
    verify_consistency(**right)
    with pytest.raises(NotVerified, match=reason):
        verify_consistency(**right | wrong)
