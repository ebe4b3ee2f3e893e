"""Lineage: the works, what each was made from, and what was made from it.

An edge that is only claimed, was declined or struck is never followed; every other edge is. Tables,
rows and questions are in one file because they share the columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Annotated, Any, NamedTuple, cast
from urllib.parse import unquote

from domain import credit as credits
from domain.claim import PENDING
from domain.contribution import Contribution
from domain.dates import is_surely_before, span_of
from domain.disclosure import AI_PARTS, NO_AI
from domain.fact import Fact
from domain.identifier import SCHEMES, WORK
from domain.lineage import MANY, Edge, Lineage, Path
from domain.moment import instant
from domain.outside import Outside
from domain.refusal import NotPublished, UnknownRemix, UnknownWork
from domain.release import Release
from domain.remix import NOT_COUNTED, Remix
from domain.role import within
from domain.text import folded
from domain.values import Example, Flag, Role, WorkId, number_of
from domain.work import Work
from projections import identifiers
from projections.hidden import NOT_HIDDEN
from projections.question import LIMIT, After, Limit, Search, question
from projections.store import Page, View, counting, cut, decode_cursor, holds
from projections.tables import NEVER, Amend, Change, Numbers, Projection, Put, Table, born
from projections.told import (
    AiUsed,
    EdgeTold,
    KindOfWork,
    LineageTold,
    Node,
    PathCount,
    Publication,
    Relative,
    RemixTold,
    WorkFound,
    WorkRef,
)

WORKS = Table(
    "works",
    (
        ("number", "BIGINT NOT NULL"),
        ("id", "TEXT NOT NULL"),
        ("kind", "TEXT NOT NULL"),
        ("state", "TEXT NOT NULL"),
        ("title", "TEXT"),
        ("medium", "TEXT"),
        ("uri", "TEXT"),
        ("made_at", "TEXT"),
        ("made", "TEXT NOT NULL"),
        ("licence", "TEXT"),
        ("sha256", "TEXT"),
        ("poster", "TEXT NOT NULL"),
        ("born", "BIGINT NOT NULL"),
        ("recorded_at", "TEXT NOT NULL"),
        ("published", "BIGINT"),
        ("published_at", "TEXT"),
        ("address", "TEXT"),
        ("made_first", "TEXT"),
        ("made_last", "TEXT"),
        ("creators", "TEXT"),
    ),
    ("number", "id", "kind, number", "poster"),
    key="number",
)
REMIXES = Table(
    "remixes",
    (
        ("id", "TEXT NOT NULL"),
        ("child", "BIGINT NOT NULL"),
        ("parent", "BIGINT NOT NULL"),
        ("kind", "TEXT NOT NULL"),
        ("rate", "TEXT"),
        ("state", "TEXT NOT NULL"),
        ("evidence", "TEXT"),
        ("actor", "TEXT NOT NULL"),
        ("deadline", "TEXT"),
        ("born", "BIGINT NOT NULL"),
    ),
    ("id", "child", "parent, child"),
    key="id",
)


def changes(position: int, happened: Fact, numbers: Numbers) -> Iterator[Change]:
    """The works and edges this fact adds or changes."""
    match happened:
        case Contribution.Submitted():
            yield _work(position, happened, numbers, "contribution")
        case Outside.Cited():
            yield _work(position, happened, numbers, "outside")
        case Release.Assembled():
            yield _work(position, happened, numbers, "release")
        case Contribution.Withdrawn() | Release.Withdrawn():
            yield Amend(WORKS, numbers[happened.originator_id], {"state": happened.STATE})
        case Release.Published():
            number = numbers[happened.originator_id]
            out = {"published": position, "published_at": instant(happened.timestamp)}
            yield Amend(WORKS, number, {"state": happened.STATE, **out})
        case Work.Redated(made_at=made_at, made=made):
            number = numbers[happened.originator_id]
            yield Amend(WORKS, number, {"made_at": made_at, "made": made, **_span(made_at)})
        case Work.Described(originator_id=id):
            yield Amend(WORKS, numbers[id], happened.stated)
        case Remix.Declared(child=child, parent=parent):
            ends = {"child": numbers[child], "parent": numbers[parent]}
            yield born(REMIXES, happened, **ends, born=position)
        case Remix.Event() if happened.leaves:
            yield Amend(REMIXES, happened.originator_id, {"state": happened.leaves})


def _work(position: int, happened: Fact, numbers: Numbers, kind: str) -> Put:
    return born(
        WORKS,
        happened,
        number=numbers[happened.originator_id],
        kind=kind,
        made=getattr(happened, "made", ""),
        poster=happened.actor,
        born=position,
        recorded_at=instant(happened.timestamp),
        address=folded(unquote(uri)) if (uri := getattr(happened, "uri", None)) else None,
        **_span(getattr(happened, "made_at", None)),
    )


def _span(made_at: str | None) -> dict[str, str | None]:
    """The first and the last instant of a stated date; null where they are not known."""
    first, last = span_of(made_at) if made_at else ("", "")
    return {"made_first": first or None, "made_last": last or None}


LINEAGE = Projection("lineage", (WORKS, REMIXES), changes)

# -- answers -------------------------------------------------------------------------------

SHOWN_OF_END = 12
"""How many works of a long path are shown at either end."""
SHOWN_OF_PATHS = 50
"""How many works the paths of one item of a list show together, after the first path."""

_WORK = ", ".join(f"w.{name}" for name, _ in WORKS.columns)
_AGREED = counting("e", (PENDING, Remix.Declined.STATE))
_COUNTS = f"{counting('e', NOT_COUNTED)} AND {holds('e')}"


class WorkRow(NamedTuple):
    """A work as the read table holds it."""

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
    """The URI as a search compares it."""
    made_first: str | None
    made_last: str | None
    creators: str | None


def find(view: View, id: str) -> WorkRow:
    """The work with this id, as known at the view's position; UnknownWork if there is none."""
    row = view.one(f"SELECT {_WORK} FROM @works w WHERE w.id = :id AND {holds('w')}", id=id)
    if row is None:
        raise UnknownWork(id)
    return WorkRow(*row)


def as_published(view: View, id: str) -> View:
    """The answers as known when this release was published; NotPublished if it never was."""
    published = find(view, id).published
    if published is None:
        raise NotPublished(id)
    return view.at(published)


def counted(tree: Lineage[Any], works: Iterable[Any]) -> PathCount:
    """How many paths lead to any of these works."""
    count = sum(tree.path_count[work] for work in works)
    return {"path_count": min(count, MANY - 1), "path_count_is_exact": count < MANY}


class Ends(NamedTuple):
    """The beginning and the end of a path, and how many works are left out between them."""

    works: Path[Any]
    left_out: int


def both_ends(path: Path[Any]) -> Ends:
    """A path as an answer shows it: whole, or both of its ends."""
    left_out = len(path) - 2 * SHOWN_OF_END
    if left_out <= 0:
        return Ends(path, 0)
    return Ends((*path[:SHOWN_OF_END], *path[-SHOWN_OF_END:]), left_out)


def within_bounds(paths: Iterable[Path[Any]]) -> list[Path[Any]]:
    """The first path, and further ones as long as they are not too many works together."""
    found, count = list[Path[Any]](), 0
    for path in paths:
        count += min(len(path), 2 * SHOWN_OF_END)
        if found and count > SHOWN_OF_PATHS:
            break
        found.append(path)
    return found


def rows_of(view: View, numbers: Iterable[int]) -> dict[int, WorkRow]:
    """The works with these numbers."""
    rows = view.rows(
        f"SELECT {_WORK} FROM @works w WHERE w.number IN :numbers AND {holds('w')}",
        numbers=list(numbers),
    )
    return {row[0]: WorkRow(*row) for row in rows}


def ids_of(view: View, numbers: Iterable[int]) -> dict[int, str]:
    """The ids of the works with these numbers."""
    rows = view.rows(
        f"SELECT w.number, w.id FROM @works w WHERE w.number IN :numbers AND {holds('w')}",
        numbers=list(numbers),
    )
    return dict(rows)


def numbers_of(view: View, ids: Iterable[str]) -> dict[str, int]:
    """The numbers of the works with these ids; other ids are left out."""
    rows = view.rows(
        f"SELECT w.id, w.number FROM @works w WHERE w.id IN :ids AND {holds('w')}", ids=list(ids)
    )
    return dict(rows)


def references(view: View, numbers: Iterable[int]) -> dict[int, WorkRef]:
    """The works with these numbers, as answers refer to them."""
    found = rows_of(view, numbers)
    texts = view.texts({row.title for row in found.values()})
    return {number: reference(row, texts) for number, row in found.items()}


def reference(row: WorkRow, texts: dict[str | None, str]) -> WorkRef:
    """A work as answers refer to it; a withdrawn piece has no title any more."""
    gone = row.kind == "contribution" and row.state == "withdrawn"
    return {
        "id": row.id,
        "kind": row.kind,
        "state": row.state,
        "title": None if gone else texts.get(row.title),
        "medium": row.medium,
        "uri": row.uri,
        "made_at": row.made_at,
    }


def work(view: View, id: str) -> WorkFound:
    """A work with its sources and how often it was remixed; for credits see attribution."""
    row = find(view, id)
    sources = view.rows(
        "SELECT e.id, e.kind, e.rate, e.state, e.evidence, e.parent FROM @remixes e "
        f"WHERE e.child = :number AND {_AGREED} AND {holds('e')} ORDER BY e.born",
        number=row.number,
    )
    remixed = view.rows(
        f"SELECT count(DISTINCT e.child) FROM @remixes e WHERE e.parent = :number AND {_COUNTS}",
        number=row.number,
    )
    parents = references(view, {source[5] for source in sources})
    texts = view.texts({row.title, row.creators, *(source[4] for source in sources)})
    return {
        **reference(row, texts),
        "creators": texts.get(row.creators),
        "made": row.made or None,
        "recorded_at": row.recorded_at,
        "licence": row.licence,
        "sha256": row.sha256,
        "posted_by": row.poster,
        "position": row.born,
        "published": publication(row),
        "sources": [
            {
                "remix": remix,
                "kind": kind,
                "rate": rate,
                "state": state,
                "evidence": texts.get(evidence),
                "suspect_dates": is_surely_before(row.made_at, parents[parent]["made_at"]),
                "work": parents[parent],
            }
            for remix, kind, rate, state, evidence, parent in sources
        ],
        "remixed_by": remixed[0][0],
    }


def parents_of(view: View, numbers: Iterable[int]) -> dict[int, list[int]]:
    """What each of these works was made from directly."""
    rows = view.rows(
        "SELECT DISTINCT e.child, e.parent FROM @remixes e "
        f"WHERE e.child IN :numbers AND {_COUNTS}",
        numbers=list(numbers),
    )
    parents: dict[int, list[int]] = {}
    for child, parent in sorted(rows):
        parents.setdefault(child, []).append(parent)
    return parents


def remix_counts(view: View, numbers: Iterable[int]) -> dict[int, int]:
    """How many works were made from each of these; those without any are left out."""
    rows = view.rows(
        "SELECT e.parent, count(DISTINCT e.child) FROM @remixes e "
        f"WHERE e.parent IN :numbers AND {_COUNTS} GROUP BY e.parent",
        numbers=list(numbers),
    )
    return dict(rows)


def publication(row: WorkRow) -> Publication | None:
    """Where a release's lineage was frozen, and when that was recorded."""
    if row.published is None or row.published_at is None:
        return None
    return {"position": row.published, "at": row.published_at}


def remix(view: View, id: str) -> RemixTold:
    """One remix; UnknownRemix if there is none with this id."""
    row = view.one(
        "SELECT e.child, e.parent, e.kind, e.rate, e.state, e.evidence, e.deadline, e.born "
        f"FROM @remixes e WHERE e.id = :id AND {holds('e')}",
        id=id,
    )
    if row is None:
        raise UnknownRemix(id)
    child, parent, kind, rate, state, evidence, deadline, born = row
    ends = references(view, {child, parent})
    return {
        "id": id,
        "child": ends[child],
        "parent": ends[parent],
        "kind": kind,
        "rate": rate,
        "state": state,
        "evidence": view.texts({evidence}).get(evidence),
        "deadline": deadline if state == PENDING else None,
        "suspect_dates": is_surely_before(ends[child]["made_at"], ends[parent]["made_at"]),
        "position": born,
    }


@question("list_works", "/works", cli="works")
def works(
    view: View,
    *,
    q: Annotated[
        Search | None,
        "In the title, the creators, the address or a name on a credit, or the whole title of an "
        "outside source that it was made from; case and accents do not matter.",
        Example("low tide"),
    ] = None,
    medium: Annotated[Search | None, "Of this medium.", Example("audio")] = None,
    role: Annotated[Role | None, "With a credit in this role, or a narrower one."] = None,
    credit: Annotated[
        Search | None,
        "In a credit: its wording, the name on it or the character.",
        Example("low harmony"),
    ] = None,
    kind: Annotated[KindOfWork | None, "Of this kind."] = None,
    isrc: Annotated[str | None, number_of("isrc")] = None,
    iswc: Annotated[str | None, number_of("iswc")] = None,
    upc: Annotated[str | None, number_of("upc")] = None,
    eidr: Annotated[str | None, number_of("eidr")] = None,
    doi: Annotated[str | None, number_of("doi")] = None,
    mbid: Annotated[str | None, number_of("mbid")] = None,
    ai: Annotated[
        AiUsed | None, "Of which a credit says that AI made this part of it; or any, or none."
    ] = None,
    never_remixed: Annotated[
        bool, Flag(help="Only works from which nothing was made yet, and that still stand.")
    ] = False,
    suspect_dates: Annotated[
        bool, Flag(help="Only works dated before something they were made from.")
    ] = False,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[WorkRef]:
    """Find works that match every filter, the latest recorded first."""
    said: dict[str, Any] = {"medium": medium, "kind": kind, "role": role and list(within(role))}
    said |= {"ai": AI_PATTERNS.get(ai or ""), "isrc": isrc, "iswc": iswc, "upc": upc}
    said |= {"eidr": eidr, "doi": doi, "mbid": mbid}
    searched = {"q": q, "credit": credit}
    said |= {name: None if text is None else contains(text) for name, text in searched.items()}
    values = {name: value for name, value in said.items() if value is not None}
    whole = {} if q is None else {"whole": folded(q.strip())}
    where = [holds("w"), *(_FILTERS[name] for name in values)]
    flags = {"never_remixed": never_remixed, "suspect_dates": suspect_dates}
    where += [_FILTERS[name] for name, is_set in flags.items() if is_set]
    page, more = view.page(
        f"SELECT {_WORK} FROM @works w "
        f"WHERE w.number < :beyond AND {' AND '.join(where)} ORDER BY w.number DESC",
        after,
        limit,
        first=NEVER,
        at=0,
        **values,
        **whole,
    )
    rows = [WorkRow(*row) for row in page]
    texts = view.texts({row.title for row in rows})
    return Page([reference(row, texts) for row in rows], more)


_MATCHED = "SELECT n.digest FROM vault n WHERE n.folded LIKE :{} ESCAPE '!'"
"""The texts in which something was found; they are looked for once in a query."""


def _in_credits(pattern: str, *texts: str) -> str:
    """The condition that one of these texts of a credit on the work matches."""
    matches = " OR ".join(f"c.{text} IN ({_MATCHED.format(pattern)})" for text in texts)
    return (
        f"w.number IN (SELECT c.work FROM @credits c WHERE ({matches}) "
        f"AND {NOT_HIDDEN} "
        f"AND {counting('c', credits.NOT_COUNTED)} AND {holds('c')})"
    )


OF_WORKS = tuple(name for name, one in SCHEMES.items() if WORK in one.of)
_CITING = (
    "w.number IN (SELECT e.child FROM @works s JOIN @remixes e ON e.parent = s.number "
    "WHERE s.title IN (SELECT n.digest FROM vault n WHERE n.folded = :whole) "
    f"AND s.kind = 'outside' AND {_COUNTS} AND {holds('s')})"
)
"""The condition that a work was made from an outside source whose whole title was searched for."""

_FILTERS = {
    "q": f"(w.address LIKE :q ESCAPE '!' OR {_in_credits('q', 'credited_as')} OR {_CITING} "
    f"OR w.creators IN ({_MATCHED.format('q')}) OR w.title IN ({_MATCHED.format('q')}) "
    "AND NOT (w.kind = 'contribution' AND w.state = 'withdrawn'))",
    "credit": _in_credits("credit", "display", "credited_as", "character"),
    "medium": "w.medium = :medium",
    "kind": "w.kind = :kind",
    "role": "EXISTS (SELECT 1 FROM @credits c WHERE c.work = w.number AND c.role IN :role "
    f"AND {counting('c', credits.NOT_COUNTED)} AND {holds('c')})",
    **{one: identifiers.having("w.number", one) for one in OF_WORKS},
    "ai": "EXISTS (SELECT 1 FROM @credits c WHERE c.work = w.number AND c.ai LIKE :ai "
    f"AND {counting('c', credits.NOT_COUNTED)} AND {holds('c')})",
    "never_remixed": "w.state <> 'withdrawn' AND NOT EXISTS "
    f"(SELECT 1 FROM @remixes e WHERE e.parent = w.number AND {_COUNTS})",
    "suspect_dates": "EXISTS (SELECT 1 FROM @remixes e JOIN @works p ON p.number = e.parent "
    f"WHERE e.child = w.number AND w.made_last < p.made_first AND {holds('p')} AND {_COUNTS})",
}
"""The conditions of the filters."""


AI_PATTERNS = {
    "any": "%ly|%",
    NO_AI: f"|{NO_AI}|",
    **{part: f"%|{part} %" for part in AI_PARTS},
}
"""What a disclosure looks like in the read table, by what is asked for."""


def contains(q: str) -> str:
    """A LIKE pattern (escape character !) for folded text that contains this one, folded."""
    escaped = folded(q).replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


@dataclass(frozen=True)
class Shown:
    """A lineage, and its works as an answer refers to them."""

    lineage: Lineage[str]
    works: Mapping[str, dict[str, Any]]
    """By their ids, the nearest generation first."""
    numbers: Sequence[int]
    """Their numbers, in the same order."""

    def is_suspect(self, edge: Edge[str]) -> bool:
        """Whether the child is surely older than what it was made from, by their dates."""
        child, parent = self.works[edge.child], self.works[edge.parent]
        return is_surely_before(child["made_at"], parent["made_at"])

    def answer(self) -> LineageTold:
        """The lineage as JSON."""
        names = ("id", "child", "parent", "kind", "rate", "state")
        return {
            "root": self.lineage.root,
            "nodes": cast("list[Node]", list(self.works.values())),
            "edges": [
                cast(
                    "EdgeTold",
                    {name: getattr(edge, name) for name in names}
                    | {"suspect_dates": self.is_suspect(edge)},
                )
                for edge in self.lineage.edges
            ],
        }


def numbered(view: View, root: int) -> Lineage[int]:
    """A work and everything it was made from, by their numbers."""
    return Lineage(root, tuple(edges_above(view, root)))


def lineages_to(
    view: View, roots: Collection[int], works: Collection[int]
) -> dict[int, Lineage[int]]:
    """The lineage of each root, limited to the paths that lead to these works."""
    rows = view.rows(
        # The plus makes SQLite use the index on the child; else it would scan all descendants.
        "WITH RECURSIVE down (number) AS MATERIALIZED ("
        f"SELECT w.number FROM @works w WHERE w.number IN :works AND {holds('w')} UNION "
        f"SELECT e.child FROM down JOIN @remixes e ON e.parent = down.number WHERE {_COUNTS}), "
        "up (root, number) AS ("
        f"SELECT w.number, w.number FROM @works w WHERE w.number IN :roots AND {holds('w')} UNION "
        "SELECT up.root, e.parent FROM up JOIN @remixes e ON e.child = up.number "
        f"WHERE +e.parent IN (SELECT number FROM down) AND {_COUNTS}) "
        "SELECT up.root, e.child, e.parent, e.kind FROM up JOIN @remixes e ON e.child = up.number "
        f"WHERE +e.parent IN (SELECT number FROM down) AND {_COUNTS}",
        roots=list(roots),
        works=list(works),
    )
    edges: dict[int, list[Edge[int]]] = {root: [] for root in roots}
    for root, *edge in sorted(rows):
        edges[root].append(Edge(*edge))
    return {root: Lineage(root, tuple(edges[root])) for root in roots}


def edges_above(view: View, root: int) -> list[Edge[int]]:
    """The edges between a work and all its ancestors, in order."""
    rows = view.rows(
        "WITH RECURSIVE up (number) AS (SELECT CAST(:root AS BIGINT) UNION "
        f"SELECT e.parent FROM up JOIN @remixes e ON e.child = up.number WHERE {_COUNTS}) "
        "SELECT e.child, e.parent, e.kind, e.rate, e.id, e.state "
        f"FROM up JOIN @remixes e ON e.child = up.number WHERE {_COUNTS}",
        root=root,
    )
    # By child, parent, kind and id: a rate may be null, which has no order.
    return [Edge._make(row) for row in sorted(rows, key=itemgetter(0, 1, 2, 4))]


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


@question("list_ancestors", "/works/{id}/ancestors", cli="ancestors", as_published=True)
def ancestors(
    view: View, id: WorkId, *, after: After | None = None, limit: Limit = LIMIT
) -> Page[Relative]:
    """What a work was made from, the nearest generation first."""
    return _walk(view, id, "child", "parent", after, limit)


@question("list_descendants", "/works/{id}/descendants", cli="descendants", as_published=True)
def descendants(
    view: View, id: WorkId, *, after: After | None = None, limit: Limit = LIMIT
) -> Page[Relative]:
    """What was made from a work, the nearest generation first."""
    # A page costs as much as all pages before it; the number of descendants has no bound.
    return _walk(view, id, "parent", "child", after, limit)


def _walk(
    view: View, id: str, here: str, there: str, after: str | None, limit: int
) -> Page[Relative]:
    """Generation after generation, each in order of numbers, until the page is full."""
    place = decode_cursor(after, int, int) or [0, 0]
    root = find(view, id).number
    seen, level, generation = {root}, [root], 0
    taken: list[tuple[int, int]] = []
    while level and len(taken) <= limit:
        generation += 1
        found = view.rows(
            f"SELECT DISTINCT e.{there} FROM @remixes e WHERE e.{here} IN :level AND {_COUNTS}",
            level=level,
        )
        level = sorted({number for (number,) in found} - seen)
        seen.update(level)
        taken += [(generation, number) for number in level if [generation, number] > place]
    page, more = cut(taken, limit, tuple)
    nodes = references(view, [number for _, number in page])
    items: list[Relative] = [
        {**nodes[number], "generation": generation} for generation, number in page
    ]
    return Page(items, more)
