"""One work with what is around it: its sources, how often it was remixed, and its joins.

A single edge and a single join are answered here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from domain.cached import cached_property
from domain.claim import PENDING
from domain.dates import is_surely_before
from domain.engine import Row
from domain.identity import part_id
from domain.join import Join
from domain.refusal import UnknownJoin, UnknownRemix
from domain.remix import Remix
from domain.values import JoinId
from projections.finding import NODE, REMIX_COUNTS, uses_of
from projections.lineage import (
    WORKS,
    WorkRow,
    find_later,
    publication,
    reference,
    references,
    rows_of,
)
from projections.pages import within_bytes
from projections.question import question
from projections.store import View, counting, holds
from projections.told import JoinTold, MadeFrom, RemixTold, WorkFound

MOST_SOURCES = 1_000
"""How many of a work's sources an answer about it considers."""
MOST_OF_LIST_BYTES = 300_000
"""The most bytes, as JSON, of a list within an answer about a work."""

_WORK = WORKS.selected("w")
_AGREED = counting("e", (PENDING, Remix.Declined.STATE, Remix.Retired.STATE))


class Source(NamedTuple):
    """What a work was made from: an edge, and the work at its other end."""

    remix: str
    kind: str
    rate: str | None
    state: str
    evidence: str | None
    ai: str | None
    ai_tool: str | None
    places: list[int] | None
    work: WorkRow

    @property
    def texts(self) -> tuple[str | None, ...]:
        """The commitments of its texts."""
        return self.evidence, self.ai_tool, self.work.title


@dataclass(frozen=True, eq=False)
class Around:
    """A work with what is around it; the queries for that are deferred, to be sent together."""

    _row: Callable[[], WorkRow]
    _edges: Sequence[Row]
    _remixed: Sequence[Row]
    _joins: Sequence[Row]

    @property
    def row(self) -> WorkRow:
        """The work; raises UnknownWork."""
        return self._row()

    @cached_property
    def _sources(self) -> list[Source]:
        """What it was made from, in the order of places, then of declaration."""
        found = list[Source]()
        for remix, kind, rate, state, evidence, ai, tool, at, since, *work in self._edges:
            places, source = _places(self.row, at, since, remix), WorkRow(*work)
            found.append(Source(remix, kind, rate, state, evidence, ai, tool, places, source))
        return sorted(found, key=lambda one: one.places or [_LAST])

    @property
    def texts(self) -> set[str | None]:
        """The commitments of its own texts and of its sources' texts."""
        own = {self.row.title, self.row.creators, self.row.media_url}
        return own | {text for one in self._sources[:MOST_SOURCES] for text in one.texts}

    def told(self, view: View, texts: dict[str | None, str]) -> WorkFound:
        """It as an answer, given the texts behind its commitments."""
        row, sources = self.row, self._sources
        told = (_source_told(row, one, texts) for one in sources[:MOST_SOURCES])
        shown = within_bytes(told, MOST_OF_LIST_BYTES)
        joined = _joins(view, self._joins)
        joins = within_bytes(joined, MOST_OF_LIST_BYTES // 2)
        return {
            **reference(row, texts),
            "creators": texts.get(row.creators),
            "made": row.made or None,
            "recorded_at": row.recorded_at,
            "licence": row.licence,
            "sha256": row.sha256,
            "media_url": texts.get(row.media_url),
            "posted_by": row.poster,
            "position": row.born,
            "published": publication(row),
            "part": row.part,
            "sources": shown,
            "sources_left_out": len(sources) - len(shown),
            "remixed_by": self._remixed[0][0],
            "joins": joins,
            "joins_left_out": len(joined) - len(joins),
        }


def work(view: View, id: str) -> WorkFound:
    """A work with its sources and how often it was remixed; for credits see attribution."""
    found = around(view, id)
    return found.told(view, view.texts(found.texts))


def around(view: View, id: str) -> Around:
    """The work with this id, or the one it was joined into, with what is around it."""
    return Around(
        find_later(view, id),
        view.later(
            "SELECT e.id, e.kind, e.rate, e.state, e.evidence, e.ai, e.ai_tool, e.places, e.born, "
            f"{_WORK} FROM @remixes e JOIN @works w ON w.number = e.parent AND {holds('w')} "
            f"WHERE e.child = {NODE} AND {_AGREED} AND {holds('e')} ORDER BY e.born",
            id=id,
        ),
        view.later(
            "SELECT count(DISTINCT e.child) FROM @remixes e "
            f"WHERE e.parent = {NODE} AND {REMIX_COUNTS}",
            id=id,
        ),
        view.later(_JOINS_OF, id=id),
    )


def _source_told(row: WorkRow, one: Source, texts: Mapping[str | None, str]) -> MadeFrom:
    return {
        "remix": one.remix,
        "kind": one.kind,
        "rate": one.rate,
        "state": one.state,
        "evidence": texts.get(one.evidence),
        "ai": uses_of(one.ai),
        "ai_tool": texts.get(one.ai_tool),
        "places": one.places,
        "suspect_dates": is_surely_before(row.made_at, one.work.made_at),
        "work": reference(one.work, texts),
    }


def remix(view: View, id: str) -> RemixTold:
    """One remix; raises UnknownRemix."""
    row = view.one(
        "SELECT e.child, e.parent, e.kind, e.rate, e.state, e.evidence, e.deadline, e.born, "
        "e.places, e.replaced_by, e.ai, e.ai_tool "
        f"FROM @remixes e WHERE e.id = :id AND {holds('e')}",
        id=id,
    )
    if row is None:
        raise UnknownRemix(id)
    child, parent, kind, rate, state, evidence, deadline, born, places, by, ai, tool = row
    texts = view.texts({evidence, tool})
    ends = references(view, {child, parent})
    return {
        "id": id,
        "child": ends[child],
        "parent": ends[parent],
        "kind": kind,
        "rate": rate,
        "state": state,
        "evidence": texts.get(evidence),
        "deadline": deadline if state == PENDING else None,
        "places": _places(rows_of(view, [child])[child], places, born, id),
        "replaced_by": by,
        "ai": uses_of(ai),
        "ai_tool": texts.get(tool),
        "suspect_dates": is_surely_before(ends[child]["made_at"], ends[parent]["made_at"]),
        "position": born,
    }


_LAST = 1 << 62


def _places(row: WorkRow, places: str | None, born: int, remix: str) -> list[int] | None:
    """A component's places in a release; older facts state none, and there their order tells."""
    if places is not None:
        return [int(one) for one in places.split()]
    number = born - row.born
    is_listed = row.kind == "release" and remix == part_id(row.id, "component", number - 1)
    return [number] if is_listed else None


# -- joins ---------------------------------------------------------------------------------------

_JOIN = (
    "SELECT j.id, j.work, j.target, j.state, j.reason, j.actor, j.deadline, j.born FROM @joins j"
)


_SAME = f"(SELECT m.number FROM @works m WHERE m.node = {NODE} AND {holds('m')})"
_JOINS_OF = (
    f"{_JOIN} WHERE (j.work IN {_SAME} OR j.target IN {_SAME}) "
    f"AND j.state IN ('{PENDING}', '{Join.Declared.STATE}') AND {holds('j')} ORDER BY j.born"
)
"""The joins of a node's works that count, and those only claimed."""


@question("show_join", "/joins/{id}")
def join(view: View, id: JoinId) -> JoinTold:
    """One join: which two works are the same, and its state."""
    found = _joins(view, view.rows(f"{_JOIN} WHERE j.id = :id AND {holds('j')}", id=id))
    if not found:
        raise UnknownJoin(id)
    return found[0]


def _joins(view: View, rows: Sequence[Row]) -> list[JoinTold]:
    works = references(view, {number for row in rows for number in row[1:3]})
    texts = view.texts({row[4] for row in rows})
    return [
        {
            "id": id,
            "work": works[work],
            "into": works[into],
            "state": state,
            "reason": texts.get(reason),
            "said_by": actor,
            "deadline": deadline if state == PENDING else None,
            "position": born,
        }
        for id, work, into, state, reason, actor, deadline, born in rows
    ]
