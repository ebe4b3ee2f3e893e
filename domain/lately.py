"""What this process remembers of its latest appends, which saves queries.

Memory is as good as a query unless another process has recorded something since. An append shows
whether that is so: the next position is free, or the latest fact is the remembered one. What was
recorded on one server is forgotten once another answers, which may lack it.
"""

from __future__ import annotations

from base64 import b64encode
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from threading import Lock
from typing import NamedTuple

from domain.clock import START, Point, stamp_of
from domain.engine import Engine, Row
from domain.fact import Fact
from domain.heads import Basis
from domain.join import Join
from domain.stored import Placed, facts_in
from domain.tree import leaf_hash

MOST_GROUPS, MOST_FACTS = 32, 1_000
"""How many groups are remembered, since others are recorded while a thread decides. A group with
more facts is not."""
MOST_IDS, LONGEST_STREAM = 2_048, 16
"""How many ids are remembered, and how many facts each may have."""


class Group(NamedTuple):
    """What was recorded after one point and up to another, in consecutive transactions."""

    before: Point
    point: Point
    heads: Mapping[str, Row]
    """The heads of the subjects of its facts."""
    facts: Sequence[tuple[int, Fact]]
    spent: Sequence[Row]
    """The rows of what counts toward quotas."""
    stored: Sequence[Row]
    """The facts as they are stored."""

    def has(self, point: Point) -> bool:
        """Whether the journal once ended at a point of this group, its first and last included."""
        place = point.position - self.before.position
        if place == 0:
            return point == self.before
        is_within = 0 < place <= len(self.stored)
        return is_within and stamp_of(self.stored[place - 1][4]) == point.stamp


class Since(NamedTuple):
    """What appends follow: all that was recorded since they were decided, and may concern them."""

    points: Collection[Point]
    """The points at which they were decided, without those that are not of this journal."""
    end: Point
    """The end of the journal."""
    heads: Mapping[str, Row]
    """The heads of their subjects."""
    facts: Sequence[tuple[int, Fact]] = ()
    spent: Sequence[Row] = ()
    """The rows of what counts toward the quotas that they depend on."""


class There(NamedTuple):
    """The state of an id: its head, its stream, and whether it was ever joined with others."""

    head: Row | None
    stream: tuple[Row, ...]
    is_joined: bool


_UNBORN = There(None, (), is_joined=False)


class Lately:
    """What one process remembers; safe to use from several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = Lock()
        self._groups: tuple[Group, ...] = ()
        """Consecutive groups, without gaps."""
        self._server: Hashable = None
        """The server on which they were recorded."""
        self._point: Point | None = None
        self._there = OrderedDict[str, There]()
        """The state of ids at ``_point``."""

    # -- what was recorded ------------------------------------------------------------------

    def since(self, decided: Iterable[Basis]) -> Since | None:
        """What was recorded since decisions were made, unless others have recorded something.

        None if it has to be read.
        """
        told = sorted(decided, key=_POSITION)
        points = {one.point for one in told}
        groups = self._after(told[0].point.position)
        is_whole = all(any(one.has(point) for one in groups) for point in points)
        if not (is_whole if groups else len(points) == 1):
            return None
        states: list[Basis | Group] = [*told, *groups]
        heads: dict[str, Row] = {}
        for state in sorted(states, key=_POSITION):
            heads.update(state.heads)
        facts = [*chain.from_iterable(one.facts for one in groups)]
        spent = [*chain.from_iterable(one.spent for one in groups)]
        return Since(points, states[-1].point, heads, facts, spent)

    def since_others(
        self, decided: Iterable[Basis], end: Point, rows: Sequence[Row]
    ) -> Since | None:
        """The same after others have recorded something, which is remembered from now on.

        The rows are the fact at what was thought to be the ``end``, and all that follow. None if
        another fact is there, or if too many follow.
        """
        placed = [Placed(*row) for row in rows]
        if end != START:
            if [one.point for one in placed[:1]] != [end]:
                return None
            del placed[0]
        if len(placed) > MOST_FACTS:
            return None
        if placed:
            self.recorded(_group(end, placed))
            end = placed[-1].point
        found = self.since(decided)
        return found if found is not None and found.end == end else None

    def after(self, position: int) -> list[Placed]:
        """The facts recorded after a position; none unless the very next one is remembered."""
        rows = [row for one in self._after(position) for row in one.stored if row[0] > position]
        return [Placed(*row) for row in rows] if rows and rows[0][0] == position + 1 else []

    def _after(self, position: int) -> tuple[Group, ...]:
        """The groups recorded after a position."""
        groups = self._groups if self._server == self._engine.server else ()
        return groups[bisect_right(groups, position, key=_POSITION) :]

    def recorded(self, group: Group) -> None:
        """Remember a group that was recorded."""
        if not group.facts:
            return
        with self._lock:
            groups, there, before = self._groups, self._there, self._server
            self._server = self._engine.server
            if not groups or groups[-1].point != group.before or self._server != before:
                groups = ()
            if self._point != group.before:
                there.clear()
            self._point = group.point
            if len(group.facts) > MOST_FACTS:
                self._groups = ()
                there.clear()
                return
            self._groups = (*groups[1 - MOST_GROUPS :], group)
            if any(isinstance(happened, Join.Event) for _, happened in group.facts):
                there.clear()  # joined works have to be read again
            else:
                for row in group.stored:
                    self._go_on(row)
            for id, head in group.heads.items():
                if id in there:
                    there[id] = There(head, *there[id][1:])
            self._forget()

    # -- the state of ids -------------------------------------------------------------------

    def basis(self, ids: Collection[str]) -> Basis | None:
        """The state of these ids; None unless all of them are remembered."""
        with self._lock:
            there = {id: self._there[id] for id in ids if id in self._there}
            if self._point is None or len(there) < len(ids):
                return None
            heads = {id: one.head for id, one in there.items() if one.head is not None}
            streams = [row for one in there.values() for row in one.stream]
            joined = {id for id, one in there.items() if one.is_joined}
            return Basis(ids, self._point, heads, streams, set(), joined, is_remembered=True)

    def read(self, found: Basis) -> None:
        """Remember what was read from the journal."""
        with self._lock:
            there = self._there
            if self._point is None or found.point.position > self._point.position:
                there.clear()
                self._point = found.point
            if found.point != self._point or len(found.asked) > MOST_IDS:
                return
            streams: dict[str, list[Row]] = {id: [] for id in found.asked}
            for row in found.streams:
                streams[row[1]].append(row)
            for id, stream in streams.items():
                if id not in found.wrong and len(stream) <= LONGEST_STREAM:
                    there[id] = There(found.heads.get(id), (*stream,), id in found.joined)
            self._forget()

    def _go_on(self, row: Row) -> None:
        """Remember a fact if its stream begins with it or is remembered."""
        before = _UNBORN if row[2] == 1 else self._there.pop(row[1], None)
        if before is not None and len(before.stream) < LONGEST_STREAM:
            self._there[row[1]] = There(before.head, (*before.stream, row), before.is_joined)

    def _forget(self) -> None:
        while len(self._there) > MOST_IDS:
            self._there.popitem(last=False)


def _group(before: Point, placed: Sequence[Placed]) -> Group:
    """What others have recorded after a point."""
    heads, spent = dict[str, Row](), list[Row]()
    facts = [*zip((one.position for one in placed), facts_in(placed), strict=True)]
    for one, (position, happened) in zip(placed, facts, strict=True):
        hash = b64encode(leaf_hash(one.leaf())).decode()
        for link in one.linked():
            heads[link.subject] = link.number, position, hash
        if happened.spends:  # harmless if a few do not count: they are counted again
            spent.append((happened.actor, happened.spends, one.point.stamp, position))
    return Group(before, placed[-1].point, heads, facts, spent, placed)


_POSITION = attrgetter("point.position")
