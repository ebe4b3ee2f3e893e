"""What this process remembers of its latest appends, which saves queries.

Memory is as good as a query unless another process has recorded something since. An append shows
whether that is so: the next position is free, or the latest fact is the remembered one.
"""

from __future__ import annotations

from base64 import b64encode
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from threading import Lock
from typing import NamedTuple

from domain.clock import stamp_of
from domain.engine import Row
from domain.fact import Fact
from domain.heads import Begun
from domain.join import Join
from domain.stored import Placed, facts_in
from domain.tree import leaf_hash

MOST_GROUPS, MOST_FACTS = 32, 1_000
"""How many groups are remembered, since others are recorded while a thread decides. A group with
more facts is not.
"""
MOST_IDS, LONGEST_STREAM = 2_048, 16
"""How many ids are remembered, and how many facts each may have."""


class Group(NamedTuple):
    """What was recorded after position ``before``, in one or more consecutive transactions."""

    before: int
    position: int
    """The latest position; ``stamp`` is the time there."""
    stamp: str
    heads: Mapping[str, Row]
    """The heads of the subjects of its facts."""
    facts: Sequence[tuple[int, Fact]] = ()
    spent: Sequence[Row] = ()
    stored: Sequence[Row] = ()
    """The facts as they are stored."""


class There(NamedTuple):
    """The state of an id: its head, its stream, and whether it was ever joined with others."""

    head: Row | None
    stream: tuple[Row, ...]
    is_joined: bool


_UNBORN = There(None, (), is_joined=False)


class Lately:
    """What one process remembers; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._groups: tuple[Group, ...] = ()
        """Consecutive groups, without gaps."""
        self._position, self._stamp = -1, ""
        self._there = OrderedDict[str, There]()
        """The state of ids as of ``_position``."""

    def since(self, decided: Iterable[Begun]) -> Group | None:
        """The base for appends: what they were decided on, and everything recorded since.

        It holds unless another process has recorded something. None if it has to be read.
        """
        told = sorted(decided, key=_POSITION)
        before = told[0].position
        since = self._since(before)
        latest = since[-1] if since else told[0]
        if told[-1].position > latest.position or (since and since[0].before > before):
            return None
        moments: list[Begun | Group] = [*told, *since]
        heads: dict[str, Row] = {}
        for moment in sorted(moments, key=_POSITION):
            heads.update(moment.heads)
        facts = [*chain.from_iterable(one.facts for one in since)]
        spent = [*chain.from_iterable(one.spent for one in since)]
        return Group(before, latest.position, latest.stamp, heads, facts, spent)

    def _since(self, position: int) -> tuple[Group, ...]:
        """The groups recorded after a position."""
        groups = self._groups
        return groups[bisect_right(groups, position, key=_POSITION) :]

    def recorded(self, group: Group) -> None:
        """Remember a group that was recorded."""
        is_kept = len(group.facts) <= MOST_FACTS
        with self._lock:
            groups, there = self._groups, self._there
            if not groups or groups[-1].position != group.before:
                groups = ()
            self._groups = (*groups[1 - MOST_GROUPS :], group) if is_kept else ()
            if not is_kept or self._position != group.before:
                there.clear()
            self._position, self._stamp = group.position, group.stamp
            if any(isinstance(happened, Join.Event) for _, happened in group.facts):
                there.clear()  # joined works have to be read again
            elif is_kept:
                for row in group.stored:
                    self._go_on(row)
            for id, head in group.heads.items():
                if id in there:
                    there[id] = There(head, *there[id][1:])
            self._forget()

    def _go_on(self, row: Row) -> None:
        """Remember a fact if its stream begins with it or is remembered."""
        before = _UNBORN if row[2] == 1 else self._there.pop(row[1], None)
        if before is not None and len(before.stream) < LONGEST_STREAM:
            self._there[row[1]] = There(before.head, (*before.stream, row), before.is_joined)

    def _forget(self) -> None:
        while len(self._there) > MOST_IDS:
            self._there.popitem(last=False)

    def with_others(self, base: Group, rows: Sequence[Row]) -> Group | None:
        """The base extended by what other processes recorded after it, which is remembered, too.

        The rows are the facts from its position on. None if the fact at that position is another
        one, or if the rows are too many.
        """
        placed = [Placed(*row) for row in rows]
        if base.position:
            if [(one.position, stamp_of(one.state)) for one in placed[:1]] != [base[1:3]]:
                return None
            del placed[0]
        if not placed or len(placed) > MOST_FACTS:
            return None if placed else base
        heads, spent = dict[str, Row](), list[Row]()
        facts = [
            (one.position, happened) for one, happened in zip(placed, facts_in(placed), strict=True)
        ]
        for one, (_, happened) in zip(placed, facts, strict=True):
            hash = b64encode(leaf_hash(one.leaf())).decode()
            for link in one.linked():
                heads[link.subject] = link.number, one.position, hash
            if happened.spends:  # harmless if a few do not count: they are counted again
                spent.append((happened.actor, happened.spends, stamp_of(one.state), one.position))
        latest = placed[-1].position, stamp_of(placed[-1].state)
        self.recorded(Group(base.position, *latest, heads, facts, spent, placed))
        heads, facts = {**base.heads, **heads}, [*base.facts, *facts]
        return Group(base.before, *latest, heads, facts, [*base.spent, *spent])

    def read(self, found: Begun) -> None:
        """Remember what was read from the journal."""
        with self._lock:
            there = self._there
            if found.position > self._position:
                there.clear()
                self._position, self._stamp = found.position, found.stamp
            if found.position < self._position or len(found.asked) > MOST_IDS:
                return
            streams: dict[str, list[Row]] = {id: [] for id in found.asked}
            for row in found.streams:
                streams[row[1]].append(row)
            for id, stream in streams.items():
                if id not in found.wrong and len(stream) <= LONGEST_STREAM:
                    there[id] = There(found.heads.get(id), (*stream,), id in found.joined)
            self._forget()

    def after(self, position: int) -> list[Placed]:
        """The facts recorded after a position; none unless the very next one is remembered."""
        rows = [row for one in self._since(position) for row in one.stored if row[0] > position]
        return [Placed(*row) for row in rows] if rows and rows[0][0] == position + 1 else []

    def begun(self, ids: Collection[str]) -> Begun | None:
        """The state of these ids; None unless all of them are remembered."""
        with self._lock:
            there = {id: self._there[id] for id in ids if id in self._there}
            if self._position < 0 or len(there) < len(ids):
                return None
            heads = {id: one.head for id, one in there.items() if one.head is not None}
            streams = [row for one in there.values() for row in one.stream]
            joined = {id for id, one in there.items() if one.is_joined}
            return Begun(ids, self._position, self._stamp, heads, streams, set(), joined, True)


_POSITION = attrgetter("position")
