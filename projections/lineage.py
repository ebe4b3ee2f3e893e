"""Lineage: works, what each was made from, and which are one; and how answers refer to works.

An edge is not followed while it is only claimed, nor once it is declined, struck or retired.

One file, because the tables and all that looks up works name the same columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple
from urllib.parse import unquote

from domain.contribution import Contribution
from domain.dates import span_of, year_of
from domain.engine import PLANNED_ONCE, Row
from domain.fact import Fact
from domain.join import Join
from domain.lineage import Lineage
from domain.moment import instant, stamp
from domain.outside import Outside, readable
from domain.refusal import NotPublished, UnknownWork
from domain.release import SOLD, Release
from domain.remix import Remix
from domain.text import folded
from domain.work import DESCRIBED, Work
from projections import finding
from projections.ancestry import ancestry, edges_near, note_small, numbered
from projections.finding import REMIX_COUNTS
from projections.store import View, holds
from projections.tables import Amend, Change, Numbers, Projection, Put, born, facts_about, table
from projections.told import (
    Publication,
    WorkRef,
)


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

# -- looking up -----------------------------------------------------------------------------

_WORK = WORKS.selected("w")


def find(view: View, id: str) -> WorkRow:
    """The node that the work with this id belongs to; raises UnknownWork."""
    return find_later(view, id)()


def find_later(view: View, id: str) -> Callable[[], WorkRow]:
    """The same once the returned function is called; the query is deferred (see View.later)."""
    known: dict[str, WorkRow] = view.known(_NODES)
    sql = f"SELECT {_WORK} FROM @works w WHERE w.number = {finding.NODE} AND {holds('w')}"
    rows = () if id in known else view.later(sql, id=id)

    def found() -> WorkRow:
        if id not in known:
            if not rows:
                raise UnknownWork(id)
            known[id] = _noted(view, rows[0])
        return known[id]

    return found


def root_of(view: View, id: str) -> int:
    """The number of the node that a work belongs to, whose ancestry is asked for next.

    If that is small, both are read in one message.
    """
    known: dict[str, WorkRow] = view.known(_NODES)
    if id not in known:
        row, edges = find_later(view, id), edges_near(view, id)
        note_small(view, row().number, edges)
    return known[id].number


def _noted(view: View, row: Row) -> WorkRow:
    """A work that was read, noted so that it is not read again."""
    found = WorkRow(*row)
    view.known(_ROWS)[found.number] = view.known(_STATED)[found.id] = found
    if found.node == found.number:
        view.known(_NODES)[found.id] = found
    note_id(view, found.number, found.id)
    return found


def stated(view: View, id: str) -> WorkRow:
    """The work with this id as it was recorded, regardless of joins; raises UnknownWork."""

    def read(_: list[str]) -> dict[str, WorkRow]:
        row = view.one(f"SELECT {_WORK} FROM @works w WHERE w.id = :id AND {holds('w')}", id=id)
        if row is None:
            raise UnknownWork(id)
        return {id: _noted(view, row)}

    return view.looked_up(_STATED, [id], read)[id]


_NODES, _STATED, _ROWS, _IDS = "nodes by id", "works by id", "works", "ids of works"


def note_id(view: View, number: int, id: str | None) -> None:
    """Note the id of a work that was read by the way, so that it is not read again."""
    view.known(_IDS)[number] = id


def as_published(view: View, id: str) -> View:
    """A view as of this release's publication; raises NotPublished if it was not published."""
    published = find(view, id).published
    if published is None:
        raise NotPublished(id)
    return view.at(published)


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


def has_unrated(view: View, root: int) -> tuple[bool, bool]:
    """Whether any releases, and whether any other works, in a lineage have edges without a rate."""
    above = ancestry(view, root)
    rows = above.rows(view, "works", notable)
    releases = {node for node, number, _, kind in rows if node == number and kind == "release"}
    unrated = above.unrated
    return not unrated.isdisjoint(releases), not unrated <= releases


def notable(view: View, nodes: list[int]) -> list[Row]:
    """The works belonging to these nodes that have a licence or are releases."""
    return view.rows(
        "SELECT w.node, w.number, w.licence, w.kind FROM @works w WHERE w.node IN :nodes "
        f"AND (w.licence IS NOT NULL OR w.kind = 'release') AND {holds('w')}",
        nodes=nodes,
    )


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
    return view.looked_up("references", numbers, partial(_references, view))


def _references(view: View, numbers: list[int]) -> dict[int, WorkRef]:
    rows = view.rows(
        f"{PLANNED_ONCE}SELECT w.number, w.id, w.kind, w.state, "
        "(SELECT v.value FROM vault v WHERE v.digest = w.title), w.medium, w.uri, w.made_at "
        f"FROM @works w WHERE w.number IN :numbers AND {holds('w')}",
        numbers=numbers,
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


def remix_counts(view: View, numbers: Iterable[int]) -> Counter[int]:
    """How many works were made from each of these, by number."""
    rows = view.rows_for(
        f"{PLANNED_ONCE}SELECT e.parent, count(DISTINCT e.child) FROM @remixes e "
        f"WHERE e.parent IN :numbers AND {REMIX_COUNTS} GROUP BY e.parent",
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


@dataclass(frozen=True)
class Shown:
    """A lineage, with its works as answers refer to them."""

    lineage: Lineage[str]
    works: Mapping[str, dict[str, Any]]
    """By id, the nearest generation first."""
    numbers: Sequence[int]
    """The works' numbers, in the same order."""


def lineage(view: View, id: str) -> Shown:
    """A work and everything it was made from, for pictures and export."""
    tree = numbered(view, root_of(view, id))
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
