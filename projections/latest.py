"""The map of the log: the latest fact about every work and person, as of each signed tree.

The one rule: the map of a size follows from the facts up to that size, and is signed only together
with the tree of that size.

Each place in the map has a row for every recent size at which it changed, so that a proof can lead
to a checkpoint that witnesses have seen while the log grows on. A size that was not signed when the
map grows on never will be, so its rows are replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256

from domain.engine import Engine, Overtaken, Row, Table, Transaction
from domain.latest import Place, leaf_for, path_of
from domain.receipt import numbers_in
from domain.sparse import ROOT, MapLeaf, Node, Proof, hash_of, prove, put
from domain.tree import HASH_BYTES, NotVerified
from domain.unreadable import Unreadable, of_only_row

PAGE, LARGE_PAGE = 20_000, 200_000
"""The most facts put into the map in one transaction: beside other work, and while nothing waits.

A place is hashed and written once for all the facts of a page, so a large page costs less.
"""
SIZES_KEPT, SEEN_SIZES_KEPT = 1_000, 20_000
"""For how many of the latest checkpoints there are proofs; and up to how many if witnesses come
rarely, so that a checkpoint they have seen is among them.

A limit, because each checkpoint keeps some twenty rows for each fact.
"""

PLACES = Table(
    "log_map",
    {"place": "TEXT", "since": "BIGINT", "node": "BYTES"},
    keys=(("place", "since"),),
    in_backups=False,
)
"""``node`` is the hash of the two nodes below or, for a leaf, its path and its value."""
SIZE = Table(
    "log_map_size",
    {"only_row": "BIGINT CHECK (only_row = 1)", "size": "BIGINT", "first": "BIGINT NULL"},
    keys=(("only_row",),),
    on_conflict="(only_row) DO NOTHING",
    in_backups=False,
)
"""How many facts the map contains, and the size of the first checkpoint with a map."""
NOTES = Table("log_maps", {"size": "BIGINT", "note": "BYTES"}, keys=(("size",),))
"""The signed root of the map of each checkpoint."""
TABLES = (PLACES, SIZE, NOTES)

Query = Callable[..., list[Row]]


def begin_again(transaction: Transaction) -> None:
    """Empty the map; it is filled again from the facts."""
    transaction.execute("DELETE FROM log_map")
    transaction.execute("UPDATE log_map_size SET size = 0")


def note_first(transaction: Transaction) -> None:
    """Record the size of the first checkpoint with a map, so that a missing one is noticed."""
    transaction.execute(
        "UPDATE log_map_size SET first = (SELECT min(size) FROM log_maps) WHERE first IS NULL"
    )


class LatestMap:
    """The map of one log, in its database."""

    def __init__(self, engine: Engine, first_seen: Callable[[], int]) -> None:
        self.engine, self._first_seen = engine, first_seen
        """``first_seen`` is the smallest size that witnesses have seen and proofs may lead to."""

    def size(self) -> int:
        """How many facts it contains."""
        return int(of_only_row(self.engine.query, SIZE.name, "size")[0])

    def must_be_whole(self) -> int:
        """Its size; raises NotVerified if its rows are of another: no such root may be signed."""
        held_sql = "(SELECT coalesce(max(since), 0) FROM log_map WHERE place = '1')"  # at the root
        size, held = of_only_row(self.engine.query, SIZE.name, f"size, {held_sql}")
        if held > size or self.latest(held, size):
            raise NotVerified(
                f"the map of the log is said to be of {size} facts, and holds those up to {held}: "
                "“stemma upgrade” makes it anew"
            )
        return int(size)

    def first(self) -> int | None:
        """The size of the first checkpoint with a map; every later checkpoint has one, too."""
        size: int | None = of_only_row(self.engine.query, SIZE.name, "first")[0]
        return size

    # -- growing ---------------------------------------------------------------------------

    def grow(self, upto: int, most: int = PAGE) -> bool:
        """Put in the next facts, at most ``most``, up to a size; returns whether that is reached.

        Raises NotVerified if the map is damaged where it changes.
        """
        size = self.must_be_whole()
        new = min(upto, size + most)
        if size >= upto:
            return True
        leaves = [leaf_for(*one) for one in self.latest(size, new).items()]
        oldest = self.oldest()
        try:
            with self.engine.transaction() as writer:
                moved = writer.execute(
                    "UPDATE log_map_size SET size = :new WHERE size = :old", new=new, old=size
                )
                if not moved:
                    raise Overtaken
                changed = put(leaves, partial(_read, writer.query, size))
                rows = [(_name(place), new, _row(node)) for place, node in changed.items()]
                _replace(writer, [name for name, *_ in rows], size)
                writer.insert(PLACES, rows)
                _forget(writer, [name for name, *_ in rows], oldest)
        except Overtaken:
            return False  # another follower did it
        return new == upto

    def root(self, signing: Transaction, size: int) -> bytes:
        """The root to sign; raises Overtaken unless the map has this size.

        It keeps it until the transaction ends; who then lets it grow sees the checkpoint.
        """
        sql = "UPDATE log_map_size SET size = :size WHERE size = :size"
        if not signing.execute(sql, size=size):
            raise Overtaken
        return hash_of(_read(signing.query, size, [ROOT]).get(ROOT))

    def latest(self, after: int, upto: int) -> dict[str, Place]:
        """The latest fact about each subject, among those after one position and up to another."""
        found: dict[str, tuple[int, int]] = {}
        for begin in range(after, upto, PAGE):
            rows = self.engine.query(
                "SELECT position, links FROM stored_events "
                "WHERE position > :after AND position <= :upto ORDER BY position",
                after=begin,
                upto=min(begin + PAGE, upto),
            )
            if not rows:  # a damaged size may be far beyond the last fact
                break
            linked = numbers_in(links for _, links in rows)
            for (position, _), numbers in zip(rows, linked, strict=True):
                for subject, number in numbers:
                    found[subject] = number, position
        return {subject: Place(*place) for subject, place in found.items()}

    # -- answering -------------------------------------------------------------------------

    def oldest(self) -> int:
        """The oldest size for which there are proofs; 0 while that is every size."""
        oldest = self._size_before(SIZES_KEPT)
        if oldest and (seen := self._first_seen()):
            oldest = min(oldest, max(seen, self._size_before(SEEN_SIZES_KEPT)))
        return oldest

    def _size_before(self, count: int) -> int:
        """The size of the checkpoint before the latest ``count``; 0 if there is none."""
        sql = "SELECT size FROM log_checkpoints ORDER BY size DESC LIMIT 1 OFFSET :count"
        rows = self.engine.query(sql, count=count)
        return int(rows[0][0]) if rows else 0

    def nodes(self, places: Iterable[int], size: int) -> dict[int, Node]:
        """The nodes at some places at a size that is kept, by place."""
        return _read(self.engine.query, size, places)

    def rows(self) -> dict[int, dict[int, Node]]:
        """Every stored node, by the size at which it was written, then by place."""
        found: dict[int, dict[int, Node]] = {}
        for name, since, row in self.engine.query("SELECT place, since, node FROM log_map"):
            found.setdefault(since, {})[_place(name)] = _node(bytes(row))
        return found

    def proof(self, subject: str, size: int) -> tuple[Place | None, Proof]:
        """The latest fact about a subject at a size that is kept, if any, with the proof."""
        path, there = path_of(subject), list[MapLeaf]()

        def read(places: Iterable[int]) -> dict[int, Node]:
            found = self.nodes(places, size)
            there.extend(
                node for node in found.values() if isinstance(node, MapLeaf) and node.path == path
            )
            return found

        proof = prove(path, read)
        return (Place.parse(there[0].said.decode()) if there else None), proof


def _read(query: Query, size: int, places: Iterable[int]) -> dict[int, Node]:
    """The nodes at some places as of a size, read by any query function."""
    # Looked up place by place: those near the root have a row for nearly every size that is kept.
    rows = query(
        "SELECT value, (SELECT node FROM log_map WHERE place = value AND since <= :size "
        "ORDER BY since DESC LIMIT 1) AS node FROM EACH :places",
        places=[_name(place) for place in places],
        size=size,
    )
    return {_place(name): _node(bytes(row)) for name, row in rows if row is not None}


def _replace(writer: Transaction, names: list[str], size: int) -> None:
    """Delete the rows of places that change which no checkpoint up to the present size needs."""
    sql = "SELECT coalesce(max(size), 0) FROM log_checkpoints WHERE size <= :size"
    ((signed,),) = writer.query(sql, size=size)
    if signed < size:
        writer.execute(
            "DELETE FROM log_map WHERE place IN :names AND since > :signed AND place <> :root",
            names=names,
            signed=signed,
            root=_name(ROOT),  # which a process of an earlier version may be about to sign
        )


def _forget(writer: Transaction, names: list[str], oldest: int) -> None:
    """Delete the rows of these places that no proof for the oldest size kept, or a later, needs."""
    if oldest:
        writer.execute(
            "DELETE FROM log_map WHERE place IN :names AND since < :size AND since < "
            "(SELECT max(since) FROM log_map l WHERE l.place = log_map.place AND l.since <= :size)",
            names=names,
            size=oldest,
        )


def _name(place: int) -> str:
    return f"{place:x}"


def _row(node: Node) -> bytes:
    return node.path + node.said if isinstance(node, MapLeaf) else node


def _place(name: str) -> int:
    """The place that the name of a row stands for; raises Unreadable if it stands for none."""
    try:
        return int(name, 16)
    except ValueError as error:
        raise Unreadable(PLACES.name, f"place {name}", error) from error


def _node(row: bytes) -> Node:
    path, said = row[:HASH_BYTES], row[HASH_BYTES:]
    return MapLeaf(path, sha256(said).digest(), said) if said else path
