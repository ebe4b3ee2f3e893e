"""The journal: every fact in one total order, and the only way to write.

The one rule: what ``record`` answers has been recorded, whole and for ever; what it refuses has
left no trace.
"""

from __future__ import annotations

import random
import time
from bisect import bisect_right
from collections.abc import (
    Callable,
    Collection,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from datetime import datetime
from threading import Condition as Signal
from threading import Lock
from typing import Any, NamedTuple, cast

from eventsourcing.application import Application
from eventsourcing.persistence import IntegrityError, Mapper, StoredEvent

from domain.command import Command
from domain.draft import Draft, Receipt
from domain.engine import Engine
from domain.fact import Fact, FactMapper, utc_now
from domain.money.books import Bookkeeper
from domain.money.policy.graph import Graph, graph_of
from domain.permission import OPERATOR
from domain.recorders import Condition, JournalRecorder, Placed
from domain.refusal import Busy, Refusal, TooLarge
from domain.remix import follow_edges
from domain.request import Request
from domain.seal import Disclosure
from domain.signature import Signing

LARGEST_FACT_BYTES = 65_000
"""A leaf of the log holds 65,535 bytes: a fact, its place, and its links."""
LONGEST_LINK_BYTES = 120

ATTEMPTS = 12
"""How often a command is tried when others write about the same works at the same moment."""

KEPT_POSITIONS = 100_000
"""How far what was read of the journal may lie behind what is projected until it is forgotten."""


class Neighbours(NamedTuple):
    """The edges at a work that count, as known at a position: remix id to (child, parent)."""

    position: int
    edges: Mapping[str, tuple[str, str]]


def no_neighbours(_work: str) -> Neighbours:
    """Nothing is known yet: the journal itself is read from its start."""
    return Neighbours(0, {})


def no_lineage(work: str, _position: int, _default_rate: str | None) -> Graph:
    """Nothing is known: the work stands alone."""
    return graph_of(work, [], {})


class NewerEdges:
    """What happened to edges lately, by work: read once, however many commands ask for it.

    An import may add many edges before any of them is projected.
    """

    TOPICS = ("remix.declared", "remix.struck", "remix.settled")
    PAGE = 5000

    def __init__(self, facts: JournalRecorder) -> None:
        self.facts = facts
        self._lock = Lock()
        self._forget(0)

    def _forget(self, start: int) -> None:
        self._start = self._end = start
        self._by_work: dict[str, list[tuple[int, Fact]]] = {}

    def at(self, work: str, after: int, upto: int) -> list[Fact]:
        """The facts about edges at a work after a position, up to another."""
        with self._lock:
            is_past = after - self._start > KEPT_POSITIONS or after > self._end
            if is_past or after < self._start:
                self._forget(after)
            while self._end < upto:
                placed = self.facts.after(self._end, self.PAGE, self.TOPICS)
                for one in placed:
                    happened = one.fact()
                    for subject in happened.subjects():
                        self._by_work.setdefault(subject, []).append((one.position, happened))
                last = placed[-1].position if placed else 0
                self._end = last if len(placed) == self.PAGE else max(last, upto)
            found = self._by_work.get(work, ())
            return [happened for position, happened in found if after < position <= upto]


class Journal(Application[str]):
    """Every fact of Stemma, and the only way to add one."""

    name = "stemma"

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], datetime] = utc_now,
        neighbours: Callable[[str], Neighbours] = no_neighbours,
        lineage: Callable[[str, int, str | None], Graph] = no_lineage,
    ) -> None:
        self.engine = engine
        super().__init__({"PERSISTENCE_MODULE": "eventsourcing.popo"})  # of which nothing is used
        self.clock = clock
        self.neighbours = neighbours
        self.lineage = lineage
        """A work's lineage and people as known at a position, for shares to be computed over."""
        self.bookkeeper = Bookkeeper(self.facts)
        self._newer = NewerEdges(self.facts)
        self.written = Signal()
        self.last_written = 0
        """The latest position this process has been given, guarded by ``written``."""

    def construct_recorder(self) -> JournalRecorder:
        """What the library records by, on the engine."""
        return JournalRecorder(self.engine)

    def construct_mapper(self) -> Mapper[str]:
        """Facts are stored as compact JSON of their own fields."""
        return FactMapper(self.construct_transcoder())

    @property
    def facts(self) -> JournalRecorder:
        """The facts as stored."""
        return cast("JournalRecorder", self.recorder)

    def record(
        self, *commands: Command, by: str = OPERATOR, signing: Signing | None = None
    ) -> Receipt:
        """Carry out commands in one append, and answer the receipt of the last.

        A single one may be signed by its actor. All are carried out again when others interfere,
        and none is recorded if one is refused, which is raised.
        """
        for attempt in range(ATTEMPTS):
            draft = Draft(self, self.clock(), signing=signing)
            try:
                with self.engine.reading():
                    receipts = [draft.carry_out(command, by) for command in commands]
                    return receipts[-1].recorded(self.commit(draft))
            except Refusal:
                if not draft.is_overtaken:
                    raise
            except IntegrityError:
                time.sleep(random.uniform(0, 0.004 * 2 ** min(attempt, 6)))
        raise Busy

    def draft(self, *, once: MutableMapping[str, int] | None = None) -> Draft:
        """An empty draft, for several commands in one append."""
        return Draft(self, self.clock(), once=once)

    def commit(self, draft: Draft) -> Sequence[int]:
        """Record a draft at the positions it answers; IntegrityError if others were faster."""
        if not draft.facts:
            return ()
        return self.append(
            draft.facts,
            draft.kept(),
            draft.erased,
            draft.condition,
            draft.requests,
        )

    def append(
        self,
        facts: Sequence[Fact],
        disclosures: Sequence[Disclosure],
        erased: Collection[str],
        condition: Condition,
        requests: Sequence[Request] = (),
    ) -> Sequence[int]:
        """Record facts with their texts; IntegrityError if others were faster."""
        return self.append_stored(
            list(map(self.mapper.to_stored_event, facts)),
            about=[happened.subjects() for happened in facts],
            disclosures=disclosures,
            erased=erased,
            condition=condition,
            requests=requests,
        )

    def append_stored(
        self,
        stored: Sequence[StoredEvent],
        *,
        about: Sequence[Collection[str]] | None = None,
        **terms: Any,
    ) -> Sequence[int]:
        """Record facts in the form in which they are stored (see JournalRecorder)."""
        if about is None:
            facts = map(self.mapper.to_domain_event, stored)
            about = [cast("Fact", happened).subjects() for happened in facts]
        for one, subjects in zip(stored, about, strict=True):
            if len(one.state) + LONGEST_LINK_BYTES * len(subjects) > LARGEST_FACT_BYTES:
                raise TooLarge(LARGEST_FACT_BYTES)
        positions = self.recorder.insert_events(stored, about=about, **terms)
        assert positions is not None
        with self.written:
            self.last_written = max(self.last_written, *positions)
            self.written.notify_all()
        return positions

    def read(
        self, after: int = 0, page: int = 5000, topics: Collection[str] = ()
    ) -> Iterator[Placed]:
        """Every fact after a position, of some topics or of all, in order, as stored."""
        while placed := self.facts.after(after, page, topics):
            yield from placed
            after = placed[-1].position

    def position_at(self, moment: datetime) -> int:
        """The last position recorded up to a moment; 0 if nothing was.

        Clocks of several machines may differ by a little: then it is where time passes the moment.
        """

        def recorded(position: int) -> datetime:
            (placed,) = self.facts.at([position])
            return placed.fact().timestamp

        return bisect_right(range(1, self.facts.head() + 1), moment, key=recorded)

    def edges_at(self, work: str, upto: int) -> dict[str, tuple[str, str]]:
        """The edges at a work that count, up to a position: what is projected, and what is newer.

        Raises nothing and misses nothing, however far behind the projection is.
        """
        position, known = self.neighbours(work)
        edges = dict(known)
        for happened in self._newer.at(work, position, upto):
            follow_edges(edges, work, happened)
        return edges
