"""Lineage: the works, what each was made from, and what was made from it.

An edge is not followed while it is only claimed, nor once it is declined, struck or retired.

Tables, rows and questions are in one file because they share the columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Annotated, Any, NamedTuple, Unpack
from urllib.parse import unquote

from domain.cached import cached_property
from domain.claim import PENDING
from domain.contribution import Contribution
from domain.dates import is_surely_before, span_of, year_of
from domain.engine import PLANNED_ONCE, Row
from domain.fact import Fact
from domain.identity import part_id
from domain.join import Join
from domain.lineage import Edge, Lineage
from domain.moment import instant, stamp
from domain.outside import Outside, readable
from domain.pedigree import MANY, SHOWN_OF_END, Ends, Pedigree
from domain.refusal import NotPublished, UnknownJoin, UnknownRemix, UnknownWork
from domain.release import SOLD, Release
from domain.remix import Remix
from domain.text import folded
from domain.values import JoinId, WorkId
from domain.work import DESCRIBED, Work
from projections import finding, walking
from projections.ancestry import ancestry, numbered
from projections.finding import REMIX_COUNTS as _COUNTS
from projections.finding import Filtered, Reverse, SortOfWorks, WorkFilters
from projections.question import After, Limit, question
from projections.store import LIMIT, Page, View, counting, cut, decode_cursor, holds, within_bytes
from projections.tables import Amend, Change, Numbers, Projection, Put, born, facts_about, table
from projections.told import (
    JoinTold,
    MadeFrom,
    PathCount,
    Publication,
    Relative,
    RemixTold,
    WorkFacets,
    WorkFound,
    WorkRef,
)
from projections.walking import DOWN, UP, Far, Way


class WorkRow(NamedTuple):
    """A work as it is in the read table."""

    number: int
    id: str
    kind: str
    state: str
    title: str | None
    medium: str | None
    uri: str | None
    made_at: str | None
    made: str
    licence: str | None
    sha256: str | None
    poster: str
    born: int
    recorded_at: str
    published: int | None
    published_at: str | None
    address: str | None
    """The URI as searches compare it."""
    made_first: str | None
    made_last: str | None
    creators: str | None
    node: int
    offered: str | None
    conflicts: str | None
    medium_folded: str | None
    """The medium as searches compare it."""
    part: str | None
    media_url: str | None
    made_year: str | None


WORKS = table(
    "works",
    WorkRow,
    ("number", "id", "kind, number", "poster", "node", "sha256"),
    key="number",
)
REMIXES = table(
    "remixes",
    "id TEXT, child BIGINT, parent BIGINT, kind TEXT, rate TEXT NULL, state TEXT, "
    "evidence TEXT NULL, actor TEXT, deadline TEXT NULL, born BIGINT, own_child BIGINT, "
    "own_parent BIGINT, places TEXT NULL, replaced_by TEXT NULL, ai TEXT NULL, "
    "ai_tool TEXT NULL",
    ("id", "child", "parent, child"),
    key="id",
)
"""The edges between nodes, each with the works for which it was declared."""


JOINS = table(
    "joins",
    "id TEXT, work BIGINT, target BIGINT, state TEXT, reason TEXT NULL, actor TEXT, "
    "deadline TEXT NULL, asked BIGINT NULL, born BIGINT",
    ("id", "work", "target"),
    key="id",
)


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """The works, edges and joins that this fact adds or changes."""
    match happened:
        case Contribution.Submitted():
            yield _work(position, happened, numbers, "contribution")
        case Remix.Declared(child=child, parent=parent):
            yield born(
                REMIXES,
                happened,
                child=numbers.node(child),
                parent=numbers.node(parent),
                own_child=numbers[child],
                own_parent=numbers[parent],
                born=position,
                places=happened.places and " ".join(map(str, happened.places)),
                ai=finding.written_uses(happened.ai),
            )
        case Outside.Cited():
            yield _work(position, happened, numbers, "outside")
        case Release.Assembled():
            yield _work(position, happened, numbers, "release")
        case Contribution.Withdrawn() | Release.Withdrawn():
            yield Amend(WORKS, numbers[happened.originator_id], {"state": happened.STATE})
        case Release.Published():
            number = numbers[happened.originator_id]
            out: dict[str, Any] = {"published": position, "offered": happened.offered}
            out |= {"published_at": instant(happened.timestamp)}
            out["conflicts"] = happened.conflicts and "|".join(happened.conflicts)
            yield Amend(WORKS, number, {"state": happened.STATE, **out})
        case Work.Redated(made_at=made_at, made=made):
            number = numbers[happened.originator_id]
            yield Amend(WORKS, number, {"made_at": made_at, "made": made, **_span(made_at)})
        case Work.Described(originator_id=id):
            stated = happened.stated(*DESCRIBED)
            if happened.medium is not None:
                stated["medium_folded"] = folded(happened.medium)
            yield Amend(WORKS, numbers[id], stated)
        case Remix.Retired(originator_id=id, replaced_by=by):
            yield Amend(REMIXES, id, {"state": happened.STATE, "replaced_by": by})
        case Join.Event():
            yield from _join(position, happened, numbers)
        case Remix.Event() if happened.leaves:
            yield Amend(REMIXES, happened.originator_id, {"state": happened.leaves})


def _work(position: int, happened: Fact, numbers: Numbers, kind: str) -> Put:
    return born(
        WORKS,
        happened,
        number=numbers[happened.originator_id],
        node=numbers[happened.originator_id],
        kind=kind,
        made=getattr(happened, "made", ""),
        poster=happened.actor,
        born=position,
        recorded_at=stamp(happened.timestamp),
        address=_address(uri) if (uri := getattr(happened, "uri", None)) else None,
        medium_folded=_folded(medium) if (medium := getattr(happened, "medium", None)) else None,
        **_span(getattr(happened, "made_at", None)),
    )


_folded = lru_cache(4096)(folded)
"""Cached, because only few media occur."""


def _address(uri: str) -> str:
    """A URI as searches compare it: decoded, its host in letters and, if different, in ASCII."""
    return folded(" ".join(dict.fromkeys((readable(uri), unquote(uri)))))


def _join(position: int, happened: Join.Event, numbers: Numbers) -> Iterator[Change]:
    if isinstance(happened, Join.Declared):
        ends = {"work": numbers[happened.work], "target": numbers[happened.into]}
        asked = None if happened.asked is None else numbers[happened.asked]
        yield born(JOINS, happened, **ends, asked=asked, born=position)
    else:
        yield Amend(JOINS, happened.originator_id, {"state": happened.leaves})
    if happened.node:
        for work in happened.moves:
            yield Amend(WORKS, numbers[work], {"node": numbers[happened.node]})


def _span(made_at: str | None) -> dict[str, str | None]:
    """The first and last instant and the year of a stated date; None where unknown."""
    first, last = span_of(made_at) if made_at else ("", "")
    year = year_of(made_at) if made_at else ""
    return {"made_first": first or None, "made_last": last or None, "made_year": year or None}


LINEAGE = Projection(
    "lineage",
    (WORKS, REMIXES, JOINS),
    changes,
    facts_about(Work, Contribution, Outside, Release, Remix, Join),
)

# -- answers -------------------------------------------------------------------------------

MOST_SOURCES = 1_000
"""How many of a work's sources an answer about it considers."""
MOST_OF_LIST_BYTES = 300_000
"""The most bytes, as JSON, of a list within an answer about a work."""

_WORK = WORKS.selected("w")
_AGREED = counting("e", (PENDING, Remix.Declined.STATE, Remix.Retired.STATE))


def find(view: View, id: str) -> WorkRow:
    """The node that the work with this id belongs to; raises UnknownWork."""
    row = stated(view, id)
    return row if row.node == row.number else rows_of(view, [row.node])[row.node]


def stated(view: View, id: str) -> WorkRow:
    """The work with this id as it was recorded, regardless of joins; raises UnknownWork."""

    def read(_: list[str]) -> dict[str, WorkRow]:
        row = view.one(f"SELECT {_WORK} FROM @works w WHERE w.id = :id AND {holds('w')}", id=id)
        if row is None:
            raise UnknownWork(id)
        view.known(_ROWS)[row[0]] = found = WorkRow(*row)
        note_id(view, found.number, id)
        return {id: found}

    return view.looked_up("works by id", [id], read)[id]


_ROWS, _IDS = "works", "ids of works"


def note_id(view: View, number: int, id: str | None) -> None:
    """Note the id of a work that was read by the way, so that it is not read again."""
    view.known(_IDS)[number] = id


def as_published(view: View, id: str) -> View:
    """A view as of this release's publication; raises NotPublished if it was not published."""
    published = find(view, id).published
    if published is None:
        raise NotPublished(id)
    return view.at(published)


def counted(tree: Pedigree[Any], works: Iterable[Any]) -> PathCount:
    """How many paths lead to any of these works, counted up to a limit."""
    count = sum(map(tree.path_count.__getitem__, works))
    return {"path_count": min(count, MANY - 1), "path_count_is_exact": count < MANY}


def shown_paths(tree: Pedigree[Any], works: Iterable[Any], limit: int) -> list[Ends[Any]]:
    """The shortest paths to these works, up to SHOWN_OF_END long; if none is, only the nearest."""
    generation = tree.generation.__getitem__
    works = sorted(sorted(works), key=generation)
    near = [work for work in works if generation(work) < SHOWN_OF_END]
    if not near:
        return [tree.nearest_path(work) for work in works[:1]]
    return tree.short_paths(near, limit)


def rows_of(view: View, numbers: Iterable[int]) -> dict[int, WorkRow]:
    """The works with these numbers."""

    def read(left: list[int]) -> dict[int, WorkRow]:
        rows = view.rows(
            f"{PLANNED_ONCE}SELECT {_WORK} FROM @works w WHERE w.number IN :numbers "
            f"AND {holds('w')}",
            numbers=left,
        )
        return {row[0]: WorkRow(*row) for row in rows}

    return view.looked_up(_ROWS, numbers, read)


def media_urls(view: View, ids: Sequence[str]) -> dict[str, str]:
    """The addresses at which these works can be seen or heard, by id, where stated."""
    rows = view.rows(
        "SELECT w.id, w.media_url FROM @works w WHERE w.id IN :ids "
        f"AND w.media_url IS NOT NULL AND w.state <> 'withdrawn' AND {holds('w')}",
        ids=list(ids),
    )
    texts = view.texts({url for _, url in rows})
    return {id: texts[url] for id, url in rows if url in texts}


def licences_in(view: View, root: int) -> dict[int, str]:
    """By work in a lineage: its licence or else the first one recorded of a work joined into it."""
    rows = ancestry(view, root).rows(view, "works", _notable)
    own_last = sorted(rows, key=lambda row: (row[0] == row[1], -row[1]))
    return {node: licence for node, _, licence, _ in own_last if licence is not None}


def has_unrated(view: View, root: int) -> tuple[bool, bool]:
    """Whether any releases, and whether any other works, in a lineage have edges without a rate."""
    above = ancestry(view, root)
    rows = above.rows(view, "works", _notable)
    releases = {node for node, number, _, kind in rows if node == number and kind == "release"}
    unrated = above.unrated
    return not unrated.isdisjoint(releases), not unrated <= releases


def _notable(view: View, nodes: list[int]) -> list[Row]:
    """The works belonging to these nodes that have a licence or are releases."""
    return view.rows(
        "SELECT w.node, w.number, w.licence, w.kind FROM @works w WHERE w.node IN :nodes "
        f"AND (w.licence IS NOT NULL OR w.kind = 'release') AND {holds('w')}",
        nodes=nodes,
    )


def changed_licences(
    view: View, nodes: Collection[int]
) -> Iterator[tuple[str, int, list[tuple[int, str]]]]:
    """For each edge to one of these works whose licence has changed: its id and position, and every
    licence of that work with the position from which it applied."""
    numbers = list(nodes)
    rows = view.rows(
        "SELECT w.number, w.licence, min(w.since) FROM @works w WHERE w.number IN :numbers "
        "AND w.kind <> 'outside' AND w.licence IS NOT NULL AND w.since <= :as_of "
        "GROUP BY w.number, w.licence ORDER BY min(w.since)",
        numbers=numbers,
    )
    stated: dict[int, list[tuple[int, str]]] = {}
    for number, licence, since in rows:
        stated.setdefault(number, []).append((since, licence))
    changed = {number: every for number, every in stated.items() if len(every) > 1}
    if changed:
        edges = view.rows(
            "SELECT e.id, e.parent, e.born FROM @remixes e WHERE e.parent IN :numbers "
            f"AND {holds('e')}",
            numbers=list(changed),
        )
        yield from ((id, born, changed[parent]) for id, parent, born in edges)


def ids_of(view: View, numbers: Iterable[int]) -> dict[int, str]:
    """The ids of the works with these numbers."""
    return view.looked_up(_IDS, numbers, partial(view.ids, "works"))


def nodes_of(view: View, ids: Iterable[str]) -> dict[str, str]:
    """The ids of the nodes of those works that were joined into another, by the work's id."""
    rows = view.rows(
        "SELECT w.id, n.id FROM @works w JOIN @works n ON n.number = w.node "
        f"WHERE w.id IN :ids AND w.node <> w.number AND {holds('w')} AND {holds('n')}",
        ids=sorted(ids),
    )
    return dict(rows)


def references(view: View, numbers: Iterable[int]) -> dict[int, WorkRef]:
    """How answers refer to the works with these numbers."""
    wanted = [*set(numbers)]
    if not wanted:
        return {}
    rows = view.rows(
        f"{PLANNED_ONCE}SELECT w.number, w.id, w.kind, w.state, "
        "(SELECT v.value FROM vault v WHERE v.digest = w.title), w.medium, w.uri, w.made_at "
        f"FROM @works w WHERE w.number IN :numbers AND {holds('w')}",
        numbers=wanted,
    )
    return {number: _referred(*told) for number, *told in rows}


def reference(row: WorkRow, texts: Mapping[str | None, str]) -> WorkRef:
    """How answers refer to a work."""
    title = texts.get(row.title)
    return _referred(row.id, row.kind, row.state, title, row.medium, row.uri, row.made_at)


def _referred(
    id: str,
    kind: str,
    state: str,
    title: str | None,
    medium: str | None,
    uri: str | None,
    made_at: str | None,
) -> WorkRef:
    """A reference to a work; the title of a withdrawn piece is not shown."""
    gone = kind == "contribution" and state == "withdrawn"
    return {
        "id": id,
        "kind": kind,
        "state": state,
        "title": None if gone else title,
        "medium": medium,
        "uri": uri,
        "made_at": made_at,
    }


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

    row: WorkRow
    _edges: Sequence[Row]
    _remixed: Sequence[Row]
    _joins: Sequence[Row]

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
    found = around(view, find(view, id))
    return found.told(view, view.texts(found.texts))


def around(view: View, row: WorkRow) -> Around:
    """A work with what is around it."""
    return Around(
        row,
        view.later(
            "SELECT e.id, e.kind, e.rate, e.state, e.evidence, e.ai, e.ai_tool, e.places, e.born, "
            f"{_WORK} FROM @remixes e JOIN @works w ON w.number = e.parent AND {holds('w')} "
            f"WHERE e.child = :number AND {_AGREED} AND {holds('e')} ORDER BY e.born",
            number=row.number,
        ),
        view.later(
            "SELECT count(DISTINCT e.child) FROM @remixes e "
            f"WHERE e.parent = :number AND {_COUNTS}",
            number=row.number,
        ),
        view.later(_JOINS_OF, node=row.number),
    )


def _source_told(row: WorkRow, one: Source, texts: Mapping[str | None, str]) -> MadeFrom:
    return {
        "remix": one.remix,
        "kind": one.kind,
        "rate": one.rate,
        "state": one.state,
        "evidence": texts.get(one.evidence),
        "ai": finding.uses_of(one.ai),
        "ai_tool": texts.get(one.ai_tool),
        "places": one.places,
        "suspect_dates": is_surely_before(row.made_at, one.work.made_at),
        "work": reference(one.work, texts),
    }


_LAST = 1 << 62


def _places(row: WorkRow, places: str | None, born: int, remix: str) -> list[int] | None:
    """A component's places in a release; older facts state none, and there their order tells."""
    if places is not None:
        return [int(one) for one in places.split()]
    number = born - row.born
    is_listed = row.kind == "release" and remix == part_id(row.id, "component", number - 1)
    return [number] if is_listed else None


_JOIN = (
    "SELECT j.id, j.work, j.target, j.state, j.reason, j.actor, j.deadline, j.born FROM @joins j"
)


_SAME = f"(SELECT m.number FROM @works m WHERE m.node = :node AND {holds('m')})"
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


def remix_counts(view: View, numbers: Iterable[int]) -> Counter[int]:
    """How many works were made from each of these, by number."""
    rows = view.rows(
        "SELECT e.parent, count(DISTINCT e.child) FROM @remixes e "
        f"WHERE e.parent IN :numbers AND {_COUNTS} GROUP BY e.parent",
        numbers=list(numbers),
    )
    return Counter(dict(rows))


def publication(row: WorkRow) -> Publication | None:
    """Where and when a release's lineage was frozen, and the licence conflicts it had then."""
    if row.published is None or row.published_at is None:
        return None
    found = [one.split(" ") for one in (row.conflicts or "").split("|") if one]
    return {
        "position": row.published,
        "at": row.published_at,
        "offered": row.offered or SOLD,
        "conflicts": [
            {"code": code, "child": child, "parent": parent} for code, child, parent in found
        ],
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
        "ai": finding.uses_of(ai),
        "ai_tool": texts.get(tool),
        "suspect_dates": is_surely_before(ends[child]["made_at"], ends[parent]["made_at"]),
        "position": born,
    }


@question("list_works", "/works", cli="works")
def works(
    view: View,
    *,
    sort: SortOfWorks = "recorded",
    reverse: Reverse = False,
    after: After | None = None,
    limit: Limit = LIMIT,
    **asked: Unpack[WorkFilters],
) -> Page[WorkRef]:
    """Find works that match every filter, the latest recorded first."""
    found = finding.works_that(view, asked)
    page, more = _listed(view, found, sort, after, limit, reverse=reverse)
    told = references(view, page)
    return Page([told[number] for number in page], more)


@question("count_works", "/works/facets", cli="facets")
def facets(view: View, **asked: Unpack[WorkFilters]) -> WorkFacets:
    """How many works match every filter, in total and by medium, licence, year and so on.

    Each value can be used as a filter.
    """
    return finding.facets_of_works(view, finding.works_that(view, asked))


def _listed(
    view: View, found: Filtered, sort: str, after: str | None, limit: int, *, reverse: bool
) -> tuple[list[int], str | None]:
    """A page of the numbers of the works that match, in one of the orders."""
    order = finding.WORK_ORDERS[sort]
    source = f"@works w {order.joined} WHERE {found.where}"
    page, more = finding.in_order(
        view, "w.number", source, order, after, limit, reverse=reverse, **found.values
    )
    return [number for number, *_ in page], more


@dataclass(frozen=True)
class Shown:
    """A lineage, with its works as answers refer to them."""

    lineage: Lineage[str]
    works: Mapping[str, dict[str, Any]]
    """By id, the nearest generation first."""
    numbers: Sequence[int]
    """The works' numbers, in the same order."""

    def is_suspect(self, edge: Edge[str]) -> bool:
        """Whether the child is certainly older than the parent, by their stated dates."""
        child, parent = self.works[edge.child], self.works[edge.parent]
        return is_surely_before(child["made_at"], parent["made_at"])


def lineages_to(
    view: View, roots: Collection[int], works: Collection[int]
) -> dict[int, Lineage[int]]:
    """The lineage of each root, limited to the paths that lead to these works."""
    rows = view.rows(
        # The plus makes SQLite use the index on the child; otherwise it would scan all descendants.
        "WITH RECURSIVE down (number) AS MATERIALIZED ("
        f"SELECT w.number FROM @works w WHERE w.number IN :works AND {holds('w')} UNION "
        "SELECT e.child FROM down JOIN EACH @remixes e ON e.parent = down.number "
        f"WHERE {_COUNTS}), "
        "up (root, number) AS ("
        f"SELECT w.number, w.number FROM @works w WHERE w.number IN :roots AND {holds('w')} UNION "
        "SELECT up.root, e.parent FROM up JOIN EACH @remixes e ON e.child = up.number "
        f"WHERE +e.parent IN (SELECT number FROM down) AND {_COUNTS}) "
        "SELECT up.root, e.child, e.parent, e.kind FROM up "
        "JOIN EACH @remixes e ON e.child = up.number "
        f"WHERE +e.parent IN (SELECT number FROM down) AND {_COUNTS}",
        roots=list(roots),
        works=list(works),
    )
    edges: dict[int, list[Edge[int]]] = {root: [] for root in roots}
    for root, *edge in sorted(rows):
        edges[root].append(Edge(*edge))
    return {root: Lineage(root, tuple(edges[root])) for root in roots}


def lineage(view: View, id: str) -> Shown:
    """A work and everything it was made from, for pictures and export."""
    tree = numbered(view, find(view, id).number)
    works = references(view, tree.generation)
    ids = {number: work["id"] for number, work in works.items()}
    return Shown(
        tree.named(ids),
        {
            ids[number]: {**works[number], "generation": generation}
            for number, generation in tree.generation.items()
        },
        list(tree.generation),
    )


SortOfRelatives = Annotated[str, finding.sort_of(finding.RELATIVE_ORDERS, "generation")]


@question("list_ancestors", "/works/{id}/ancestors", cli="ancestors", as_published=True)
def ancestors(
    view: View,
    id: WorkId,
    *,
    sort: SortOfRelatives = "generation",
    reverse: Reverse = False,
    after: After | None = None,
    limit: Limit = LIMIT,
    **asked: Unpack[WorkFilters],
) -> Page[Relative]:
    """What a work was made from, the nearest generation first.

    With filters, only those that match, whatever lies in between.
    """
    return _relatives(view, id, UP, sort, after, limit, asked, reverse=reverse)


@question("list_descendants", "/works/{id}/descendants", cli="descendants", as_published=True)
def descendants(
    view: View,
    id: WorkId,
    *,
    sort: SortOfRelatives = "generation",
    reverse: Reverse = False,
    after: After | None = None,
    limit: Limit = LIMIT,
    **asked: Unpack[WorkFilters],
) -> Page[Relative]:
    """What was made from a work, the nearest generation first.

    With filters, only those that match: with never_remixed, the works that nobody has used yet.
    """
    # A page costs as much as all pages before it together; there may be any number of descendants.
    return _relatives(view, id, DOWN, sort, after, limit, asked, reverse=reverse)


@question(
    "count_descendants", "/works/{id}/descendants/facets", cli="work facets", as_published=True
)
def descendant_facets(view: View, id: WorkId, **asked: Unpack[WorkFilters]) -> WorkFacets:
    """How many works were made from one, in total and by medium, licence and so on."""
    far = walking.generations(view, find(view, id).number, DOWN)
    return finding.facets_of_works(view, finding.works_that(view, asked, far))


def _relatives(
    view: View,
    id: str,
    way: Way,
    sort: str,
    after: str | None,
    limit: int,
    asked: WorkFilters,
    *,
    reverse: bool,
) -> Page[Relative]:
    """A page of the works up or down from one that match every filter."""
    root = find(view, id).number
    if sort == "generation" and not reverse:
        found, more = walking.nearest(view, root, way, after, limit, asked)
    elif sort == "title" and way == UP and view.is_latest:
        found, more = walking.by_title(view, root, after, limit, asked, reverse=reverse)
    else:
        far = walking.generations(view, root, way)
        found, more = _sorted(view, far, sort, after, limit, asked, reverse=reverse)
    nodes = references(view, [number for _, number in found])
    items: list[Relative] = [
        {**nodes[number], "generation": generation} for generation, number in found
    ]
    return Page(items, more)


def _sorted(
    view: View,
    far: Mapping[int, int],
    sort: str,
    after: str | None,
    limit: int,
    asked: WorkFilters,
    *,
    reverse: bool,
) -> tuple[Far, str | None]:
    """A page of these works that match, in any order other than nearest first."""
    if sort != "generation":
        found = finding.works_that(view, asked, far)
        page, more = _listed(view, found, sort, after, limit, reverse=reverse)
        return [(far[number], number) for number in page], more
    place = decode_cursor(after, int, int)
    matching = walking.matching(view, list(far), asked)
    furthest = sorted(((far[one], one) for one in matching), reverse=True)
    left = [one for one in furthest if place is None or list(one) < place]
    return cut(left, limit, tuple)
