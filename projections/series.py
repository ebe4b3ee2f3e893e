"""A series: the parts of a release as an outline, and the wholes that a part is in.

A part used in several places is listed in each, but its own parts only in the first. So an outline
has a line for each stated use, not for each way to reach it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, NamedTuple, TypedDict, Unpack

from domain.engine import PLANNED_ONCE
from domain.release import PARTS
from domain.value import Example, one_of
from domain.values import POEM, WorkId
from projections import lineage
from projections.finding import REMIX_COUNTS
from projections.pages import Page, sliced
from projections.question import Paged, question
from projections.store import View, holds
from projections.told import Count, Places, WorkRef

MOST_WHOLES = 12
"""How many of the wholes of a part are named."""
Below = dict[int, dict[int, list[int] | None]]
"""By release: the releases among its components, in order, with their places."""
OfSeries = Annotated[
    Annotated[str, one_of(PARTS)] | None, "Which part of a series it is.", Example("episode")
]


class PartOfWhole(TypedDict):
    """A part of a release, where it stands in the outline."""

    work: WorkRef
    part: OfSeries
    within: Annotated[WorkId, "The release it is directly part of.", Example(POEM)]
    depth: Annotated[Count, "How deep it is: 1 is a part of the whole itself.", Example(1)]
    places: Places
    used_in: Annotated[Count, "In how many releases of this outline it is.", Example(1)]
    is_listed_before: Annotated[
        bool, "Whether it is already listed above, with what is in it.", Example(False)
    ]


class Whole(TypedDict):
    """A release that something is a part of."""

    work: WorkRef
    part: OfSeries


class _Line(NamedTuple):
    part: int
    within: int
    depth: int
    places: list[int] | None
    is_repeated: bool


_IN_RELEASES = f"w.kind = 'release' AND {holds('w')} AND e.kind = 'component' AND {REMIX_COUNTS}"


@question("list_parts", "/works/{id}/parts", cli="release parts", as_published=True)
def parts(view: View, id: WorkId, **part: Unpack[Paged]) -> Page[PartOfWhole]:
    """The releases that a release is made of, as an outline: seasons, episodes, acts, segments.

    In the order of the components. A part used again is listed again, without its own parts.
    """
    root = lineage.find(view, id).number
    below = _below(view, root)
    lines = list(_outline(below, root))
    page, more = sliced(lines, **part)
    return Page(_told(view, page, below), more)


def _below(view: View, root: int) -> Below:
    """The parts of a release, and of every release within it."""
    rows = view.rows(
        "WITH RECURSIVE wholes (number) AS (SELECT CAST(:root AS BIGINT) UNION "
        "SELECT e.parent FROM wholes JOIN EACH @remixes e ON e.child = wholes.number "
        f"JOIN @works w ON w.number = e.parent WHERE {_IN_RELEASES}) "
        "SELECT e.child, e.parent, e.places, e.born FROM wholes "
        "JOIN EACH @remixes e ON e.child = wholes.number JOIN @works w ON w.number = e.parent "
        f"WHERE {_IN_RELEASES}",
        root=root,
    )
    placed = [
        (child, parent, [int(one) for one in places.split()] if places else None, born)
        for child, parent, places, born in rows
    ]
    # Components added later have no place, so they come after those with one.
    placed.sort(key=lambda row: (row[2] is None, row[2] or [], row[3]))
    below: Below = {}
    for child, parent, places, _ in placed:
        below.setdefault(child, {}).setdefault(parent, places)
    return below


def _outline(below: Below, root: int) -> Iterator[_Line]:
    """A line for every use of a part; where it is used first, its own parts follow."""
    seen, ahead = set[int](), list[_Line]()

    def open_(whole: int, depth: int) -> None:
        inside = below.get(whole, {}).items()
        ahead.extend(_Line(part, whole, depth, places, False) for part, places in reversed(inside))

    open_(root, 1)
    while ahead:
        line = ahead.pop()
        yield line._replace(is_repeated=line.part in seen)
        if line.part not in seen:
            seen.add(line.part)
            open_(line.part, line.depth + 1)


def _told(
    view: View,
    lines: Sequence[_Line],
    below: Below,
) -> list[PartOfWhole]:
    used = Counter(part for inside in below.values() for part in inside)
    numbers = {number for line in lines for number in (line.part, line.within)}
    found = _wholes_told(view, numbers)
    return [
        {
            **found[line.part],
            "within": found[line.within]["work"]["id"],
            "depth": line.depth,
            "places": line.places,
            "used_in": used[line.part],
            "is_listed_before": line.is_repeated,
        }
        for line in lines
    ]


def _wholes_told(view: View, numbers: set[int]) -> dict[int, Whole]:
    rows = lineage.rows_of(view, numbers)
    texts = view.texts({row.title for row in rows.values()})
    return {
        number: {"work": lineage.reference(row, texts), "part": row.part}
        for number, row in rows.items()
    }


def inside(view: View, wholes: Sequence[int]) -> dict[int, dict[int, str]]:
    """By series or season: the seasons and episodes in it, by number, and which part each is."""
    rows = view.rows(
        f"{PLANNED_ONCE}WITH RECURSIVE inside (whole, number, part) AS ("
        "SELECT w.number, w.number, w.part FROM @works w WHERE w.number IN :wholes "
        f"AND w.part IN ('series', 'season') AND {holds('w')} "
        "UNION SELECT inside.whole, e.parent, w.part FROM inside "
        "JOIN EACH @remixes e ON e.child = inside.number JOIN @works w ON w.number = e.parent "
        f"WHERE w.part IN ('season', 'episode') AND {_IN_RELEASES}) "
        "SELECT whole, number, part FROM inside WHERE number <> whole ORDER BY number",
        wholes=list(wholes),
    )
    found: dict[int, dict[int, str]] = {}
    for whole, number, part in rows:
        found.setdefault(whole, {})[number] = part
    return found


def wholes(view: View, number: int) -> list[Whole]:
    """The releases that contain a work, directly or within others, the nearest first."""
    found, level = dict.fromkeys([number]), [number]
    while level and len(found) <= MOST_WHOLES:
        rows = view.rows(
            "SELECT DISTINCT e.child FROM @remixes e JOIN @works w ON w.number = e.child "
            f"WHERE e.parent IN :level AND {_IN_RELEASES} ORDER BY e.child LIMIT :most",
            level=level,
            most=MOST_WHOLES,
        )
        level = [whole for (whole,) in rows if whole not in found]
        found |= dict.fromkeys(level)
    above = [one for one in found if one != number][:MOST_WHOLES]
    told = _wholes_told(view, {*above})
    return [told[one] for one in above]
