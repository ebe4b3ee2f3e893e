"""The audit of the log's map: every place of the map, and every signed root of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import pairwise

from domain.checkpoint import open_checkpoint
from domain.latest import MapOf, leaf_for, open_map
from domain.note import Note
from domain.refusal import NotInLog
from domain.sparse import ROOT, MapLeaf, Node, hash_of, put
from domain.tree import NotVerified
from projections.log import Log
from projections.progress import Progress
from scripts.difference import Difference, Differences, at_one_moment
from scripts.service import Service


@at_one_moment
def latest(service: Service, progress: Progress) -> Differences:
    """Check that the map of the latest facts, and its signed roots, follow from the facts."""
    log, size = service.log, service.log.map.size()
    notes: dict[int, bytes] = dict(service.engine.query("SELECT size, note FROM log_maps"))
    rows, nodes = log.map.rows(), dict[int, Node]()
    for after, upto in pairwise(sorted({0, size, *_upto(size, notes, rows)})):
        leaves = (leaf_for(*one) for one in log.map.latest(after, upto).items())
        nodes |= put(leaves, partial(_among, nodes))
        yield from _differing(upto, rows.pop(upto, {}), nodes)
        if upto in notes and (why := _unbelievable(log, upto, notes[upto], nodes)):
            yield Difference(f"the map of size {upto}", why)
        progress(upto, size)
    for beyond in sorted({*rows, *(one for one in notes if one > log.size())}):
        yield Difference(f"the map of size {beyond}", f"the log holds {log.size()} facts")
    if size > log.size():
        yield Difference("the map", f"it is of {size} facts, and the log holds {log.size()}")
    yield from _missing(log, notes)
    held = log.map.nodes(nodes, size)
    yield from _differing(size, {place: held.get(place) for place in nodes}, nodes)
    subjects = sum(isinstance(node, MapLeaf) for node in nodes.values())
    return f"{subjects} works and people, each with its latest fact; {len(notes)} signed"


def _missing(log: Log, notes: Collection[int]) -> Iterator[Difference]:
    """Check that every checkpoint after the first with a map has one, too."""
    first, earliest = log.map.first(), min(notes, default=None)
    if first != earliest and not (first is None and earliest):  # as after a restore
        yield Difference("the maps", f"the first is of size {earliest}, and was of size {first}")
    for one in log.checkpoints():
        if earliest is not None and one.size >= earliest and one.size not in notes:
            yield Difference(f"the checkpoint of size {one.size}", "it has no map")


def _among(nodes: Mapping[int, Node], places: Iterable[int]) -> dict[int, Node]:
    return {place: nodes[place] for place in places if place in nodes}


def _upto(size: int, *by_size: Iterable[int]) -> set[int]:
    return {one for each in by_size for one in each if one <= size}


def _unbelievable(log: Log, size: int, note: bytes, nodes: dict[int, Node]) -> str:
    """Why the map of a size can't be signed by the log; empty if it can."""
    try:
        told = MapOf.parse(Note.parse(bytes(note)).text)
        if told.root != hash_of(nodes.get(ROOT)):
            return "its root is not that of the latest facts"
        checkpoint = log.checkpoint_of(size)
        if keys := log.keys_of(checkpoint):
            open_map(bytes(note), keys, open_checkpoint(checkpoint, keys))
    except (NotVerified, NotInLog) as problem:
        return str(problem)
    return ""


def _differing(
    size: int, held: Mapping[int, Node | None], told: Mapping[int, Node]
) -> Iterator[Difference]:
    for place in sorted(held):
        there, expected = held[place], told.get(place)
        if there != expected:
            what = f"it holds {_shown(there)}; the facts give {_shown(expected)}"
            yield Difference(f"place {place:x} of the map of size {size}", what)


def _shown(node: Node | None) -> str:
    if isinstance(node, MapLeaf):
        number, _, position = node.said.decode("utf-8", "replace").partition(" ")
        return f"fact {number} at position {position}"
    return "nothing" if node is None else f"the hash {node.hex()[:16]}…"
