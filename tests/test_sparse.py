"""What a sparse Merkle tree reads of its places: no more than needed, and few at once or all."""

from collections.abc import Iterable
from math import ceil

from domain.sparse import AHEAD, FEW, ROOT, MapLeaf, Node, leaf_of, prove, put


class Places:
    """The places of a map, and which were read, by query."""

    def __init__(self, keys: int) -> None:
        self.leaves = [leaf_of(b"key %d" % number, b"value") for number in range(keys)]
        self.nodes: dict[int, Node] = put(self.leaves, lambda _: {})
        self.queries: list[set[int]] = []

    def read(self, places: Iterable[int]) -> dict[int, Node]:
        self.queries.append(asked := set(places))
        return {one: self.nodes[one] for one in asked if one in self.nodes}

    @property
    def asked(self) -> list[int]:
        return [place for query in self.queries for place in query]


def test_a_proof_takes_a_few_queries_and_reads_no_place_twice() -> None:
    for number in range(20):
        map = Places(keys=3_000)
        proof = prove(map.leaves[number].path, map.read)
        assert len(map.queries) <= 1 + ceil((len(proof.beside) + 1) / AHEAD)
        assert len(map.asked) == len({*map.asked})


def test_many_leaves_read_only_places_below_nodes_and_each_once() -> None:
    map = Places(keys=3_000)
    put([MapLeaf(leaf.path, bytes(32)) for leaf in map.leaves[: FEW + 1]], map.read)
    assert len(map.asked) == len({*map.asked})
    assert all(isinstance(map.nodes.get(one // 2), bytes) for one in map.asked if one != ROOT)
