"""A cache of the graph around works, kept from one append of an import to the next.

It holds adjacency lists in both directions. What the current draft adds is kept beside what is
recorded, and what others recorded meanwhile is read before the next append.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from domain.fact import Fact
from domain.join import Join
from domain.queries import Facts
from domain.release import Release
from domain.remix import Remix
from domain.work import Work

LEADING = (Remix.Declared, Join.Event)
"""The facts that lead from one work to another."""
JOINING = (Join.Declared.TOPIC, Join.Accepted.TOPIC, Join.Undone.TOPIC)
"""The facts that may change which works are one node."""
_NOTED = {Remix.Declared.TOPIC, *JOINING, Work.Described.TOPIC, Release.Published.TOPIC}
"""The facts that change what is cached: also those that give a licence, or publish a release."""
MOST_KEPT = 500_000
"""With more works than this, the cache is emptied at the end of an append."""
MOST_READ = 20_000
"""If more positions than this were recorded meanwhile, the cache is emptied instead of updated."""
MOST_EDGES = 16
"""Works looked up together may have this many edges each on average."""

Near = dict[str, list[str]]
"""By work: the works at the other end of its edges."""


class Neighbours:
    """Cached edges of works; struck, retired and pending edges are included."""

    def __init__(self, stored: Facts) -> None:
        self._stored = stored
        self._near: dict[str, Near] = {"child": {}, "parent": {}}
        self._added: dict[str, Near] = {"child": {}, "parent": {}}
        self._position, self._own = 0, range(0)
        self.unlicensed: set[str] = set()
        self.unpublished: set[str] = set()
        """Works known to have no licence, and works known not to be published releases."""
        self.nodes: dict[str, str] = {}
        self.members: dict[str, set[str]] = {}
        """The node of each work, and the works of each node, as far as Known looked them up;
        emptied when any works are joined or separated."""
        self._joins = False
        """Whether the append that is being decided joins works: if it fails, both are emptied."""

    # -- appends ---------------------------------------------------------------------------

    def begin(self, position: int) -> None:
        """Begin another append at a position; what was added but never recorded is dropped."""
        is_much = self._count() > MOST_KEPT or position - self._position > MOST_READ
        is_lost = position < self._position  # a failover has set the journal back
        if is_much or is_lost or any(self._added.values()):
            self._near = {"child": {}, "parent": {}}
            self._added = {"child": {}, "parent": {}}
            self.unlicensed, self.unpublished = set(), set()
            self._forget_joins()
        elif position > self._position and self._count():
            self._catch_up(position)
        if self._joins:
            self._forget_joins()
            self._joins = False
        self._position = position

    def add(self, happened: Fact) -> None:
        """Note a fact that is about to be recorded, and add the edges to which it leads."""
        self._note(happened.originator_id)
        if not isinstance(happened, LEADING):
            return
        for end, work, to in _leads(happened):
            self._added[end].setdefault(work, []).append(to)
            self._lead(end, work, to)
        if happened.TOPIC != Remix.Declared.TOPIC:
            self._joins = True
            self._forget_joins()

    def _note(self, work: str) -> None:
        """Forget what is known not to be so of a work, because it got another fact."""
        self.unlicensed.discard(work)
        self.unpublished.discard(work)

    def recorded(self, positions: Sequence[int]) -> None:
        """What was added is now recorded at these positions.

        If others recorded something before it, that is read in ``begin``.
        """
        for added in self._added.values():
            added.clear()
        self._joins = False
        self._own = range(positions[0], positions[-1] + 1)
        if positions[0] == self._position + 1:
            self._position = positions[-1]

    def _catch_up(self, position: int) -> None:
        for placed in self._stored.after(self._position, position - self._position, _NOTED):
            if placed.position <= position and placed.position not in self._own:
                self._note(placed.originator_id)
                if placed.topic in JOINING:
                    self._forget_joins()
                for lead in _leads(placed.fact()):
                    self._lead(*lead)

    def _forget_joins(self) -> None:
        self.nodes.clear()
        self.members.clear()

    def _lead(self, end: str, work: str, to: str) -> None:
        if work in self._near[end]:
            self._near[end][work].append(to)

    def _count(self) -> int:
        return sum(map(len, self._near.values())) + len(self.nodes)

    # -- looking up edges ------------------------------------------------------------------

    def along(self, end: str) -> Mapping[str, Sequence[str]]:
        """By work looked up so far: where edges lead that have it at this end."""
        return self._near[end]

    def look_up(self, works: Collection[str]) -> None:
        """Read the edges of these works."""
        for end, near in self._near.items():
            missing = [work for work in works if work not in near]
            self._learn(end, missing, self._stored.leads(_field(end), missing, self._position))

    def look_up_none(self, works: Iterable[str]) -> None:
        """Note of works that are not recorded yet that they have no edges."""
        for near in self._near.values():
            for work in works:
                near.setdefault(work, [])

    def look_around(self, works: Sequence[str], end: str, most: int) -> None:
        """Read the edges from these works and the works beyond, up to ``most`` works in all.

        Nothing is cached if they have more than MOST_EDGES edges each on average.
        """
        starts, limit = self._with_added(works[:most], end, most), most * MOST_EDGES
        rows = self._stored.around(_field(end), starts, self._position, most, limit + 1)
        if len(rows) <= limit:
            self._learn(end, starts, rows)

    def _with_added(self, works: Sequence[str], end: str, most: int) -> list[str]:
        """These works and those beyond along edges added but not recorded, at most ``most``."""
        added = self._added[end]
        reached = [*works]
        known = set(reached)
        for work in reached:
            if len(reached) >= most:
                break
            fresh = [to for to in added.get(work, ()) if to not in known]
            known.update(fresh)
            reached += fresh
        return reached

    def _learn(
        self, end: str, works: Iterable[str], rows: Iterable[tuple[str, str | None]]
    ) -> None:
        near: Near = {work: [] for work in works}
        for work, to in rows:
            leads = near.setdefault(work, [])
            if to is not None:
                leads.append(to)
        for work in near.keys() & self._added[end].keys():
            near[work] += self._added[end][work]
        self._near[end] |= near


def _field(end: str) -> str:
    return f"{Remix.Declared.TOPIC}.{end}"


def _leads(happened: Fact) -> list[tuple[str, str, str]]:
    """The end, the work and the other work of each direction in which a fact leads."""
    return [
        (_END[field], value, leads_to)
        for value, field, leads_to in happened.found_by()
        if leads_to is not None
    ]


_END = {_field(end): end for end in ("child", "parent")}
