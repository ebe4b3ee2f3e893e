"""Exports that check themselves: a first line announces the facts, and a last one seals them.

The one rule: an export in which a line was lost, added, moved or changed is refused as a whole,
before anything is recorded. Exports of version 0.1 have neither line, so lines lost at their end go
unnoticed.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from domain.chain import link_facts
from domain.journal import Journal
from domain.lines import BadLine, Line, NotRestored
from domain.refusal import Refusal
from domain.stored import Placed
from domain.tree import Frontier, NotVerified, leaf_hash
from projections.log import Log
from scripts.bundle.whole import exported, placed_in
from scripts.short_lines import short_lines

FIRST, LAST = "export", "export.end"
"""The types of the first and of the last line."""
FORMAT = 1
LONGEST_LINE_BYTES = 16 << 20
"""How long a line of an export, or of any bundle, may be."""
TOO_LONG = f"longer than {LONGEST_LINE_BYTES >> 20} MiB"


class ExportDamaged(Refusal, listed=False):
    """An export is not as it was written; ``reason`` says how."""

    says = "The export is damaged, and nothing of it was recorded: {reason}."


class Seal(NamedTuple):
    """The last line of an export: a statement about all lines before it."""

    after: int
    """The position before its first fact."""
    facts: int
    head: int
    """The position of its last fact."""
    root: str
    """The root of the tree over all facts up to ``head``, in base64."""
    sha256: str
    """The SHA-256 of all lines before it, including their line ends, in hexadecimal."""


def sealed_lines(journal: Journal, log: Log, after: int = 0) -> Iterator[str]:
    """An export, line by line: its first line, every fact after a position, and its seal."""
    hashed, count, head = sha256(), 0, after
    tree = tree_at(journal, log, after)
    for line in _announced(journal, log, tree, after):
        text = json.dumps(line, ensure_ascii=False) + "\n"
        hashed.update(text.encode())
        if line["type"] == "fact":
            count, head = count + 1, line["position"]
        yield text
    seal = Seal(after, count, head, root_of(tree), hashed.hexdigest())
    yield json.dumps({"type": LAST, **seal._asdict()}) + "\n"


def _announced(journal: Journal, log: Log, tree: Frontier, after: int) -> Iterator[Line]:
    """The first line and the facts; raises NotVerified if they are not those in the log."""
    yield {"type": FIRST, "format": FORMAT, "after": after}
    size = log.size()
    for placed, line in exported(journal, after):
        tree.append(leaf_hash(placed.leaf()))
        if tree.size == size and tree.root() != log.frontier(size).root():
            raise NotVerified(f"the first {size} facts are not those in the log")
        yield line


def tree_at(journal: Journal, log: Log, size: int) -> Frontier:
    """The tree over the first ``size`` facts: read from the log, then extended by newer facts."""
    tree = log.frontier(min(size, log.size()))
    for placed in islice(journal.read(tree.size), size - tree.size):
        tree.append(leaf_hash(placed.leaf()))
    return tree


def root_of(tree: Frontier) -> str:
    """The root of a tree in base64, as in an export."""
    return b64encode(tree.root()).decode()


# -- checking ------------------------------------------------------------------------------------


def is_sealed(first: bytes) -> bool:
    """Whether this is the first line of an export that ends with a seal."""
    return _read(first).get("type") == FIRST


def seal_of(file: BinaryIO) -> Seal | None:
    """Check a whole export and return its seal; None if the file is no sealed export.

    Raises ExportDamaged, which names the place of the damage.
    """
    lines = short_lines(file, LONGEST_LINE_BYTES)
    first = next(lines, b"")
    if not is_sealed(first):
        return None
    said = _read(first)
    if said.get("format") != FORMAT:
        raise ExportDamaged(f"its format is {said.get('format')}, and this version reads {FORMAT}")
    hashed, check = sha256(first), _Check(said.get("after"))
    for number, raw in enumerate(lines, start=2):
        if len(raw) > LONGEST_LINE_BYTES:
            raise ExportDamaged(f"line {number} is {TOO_LONG}")
        line = _read(raw)
        if line.get("type") == LAST:
            if file.read(1):
                raise ExportDamaged(f"it goes on after its last line, number {number}")
            return check.sealed(line, hashed.hexdigest())
        hashed.update(raw)
        check.follow(number, line)
    raise ExportDamaged(f"its last line is missing; it breaks off after position {check.head}")


class _Check:
    """The state of a check: the facts of an export so far."""

    def __init__(self, after: Any) -> None:
        self.after = self.head = after if type(after) is int else 0
        self.tree = Frontier()
        self.heads: dict[str, tuple[int, int, str]] = {}

    def follow(self, number: int, line: Line) -> None:
        """Check the next fact."""
        try:
            placed = placed_in(line)
        except (BadLine, NotRestored) as problem:
            raise ExportDamaged(f"line {number}: {problem}") from None
        if placed.position != self.head + 1:
            expected = f"position {self.head + 1} is missing"
            raise ExportDamaged(f"line {number} is of position {placed.position}, and {expected}")
        self.head += 1
        if self.after == 0:
            self.tree.append(leaf_hash(self._linked(placed).leaf()))

    def _linked(self, placed: Placed) -> Placed:
        (links,) = link_facts([placed[:5]], [placed.fact().subjects()], self.heads)
        return placed._replace(links=links)

    def sealed(self, line: Line, hashed: str) -> Seal:
        """The seal in the last line; ExportDamaged unless it matches the facts before it."""
        try:
            seal = Seal(**{name: value for name, value in line.items() if name != "type"})
        except TypeError:
            raise ExportDamaged("its last line is not one that “stemma export” writes") from None
        if (seal.after, seal.facts, seal.head) != (self.after, self.head - self.after, self.head):
            raise ExportDamaged(f"its last line is of {seal.facts} facts up to {seal.head}")
        if seal.sha256 != hashed:
            raise ExportDamaged("a line was changed: the lines have another SHA-256")
        if self.after == 0 and seal.root != root_of(self.tree):
            raise ExportDamaged("a fact was changed: the facts have another root")
        return seal


def _read(raw: bytes) -> Line:
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return line if isinstance(line, dict) else {}
