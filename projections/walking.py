"""Walking the lineage: from a work up to what it was made from, or down to what was made from it.

Each work appears once, in its nearest generation. A filter decides which works are returned, not
which are passed through.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby, islice
from operator import itemgetter

from domain.engine import Row
from projections import finding
from projections.ancestry import ancestry, remembered
from projections.finding import REMIX_COUNTS, WORK_ORDERS, WorkFilters
from projections.pages import cut, decode_cursor
from projections.store import View, holds

Way = tuple[str, str]
"""The ends of an edge, in the order in which a walk passes them."""
UP: Way = ("child", "parent")
DOWN: Way = ("parent", "child")

Far = Sequence[tuple[int, int]]
"""Works, each as its generation and its number."""


def nearest(
    view: View, root: int, way: Way, after: str | None, limit: int, asked: WorkFilters
) -> tuple[Far, str | None]:
    """A page of the works that match, the nearest generation first, then by number."""
    place = decode_cursor(after, int, int) or [0, 0]
    taken: list[tuple[int, int]] = []
    for generation, level in _levels(view, root, way):
        known = [number for number in level if [generation, number] > place]
        taken += [(generation, number) for number in matching(view, known, asked)]
        if len(taken) > limit:
            break
    return cut(taken, limit, tuple)


def generations(view: View, root: int, way: Way) -> dict[int, int]:
    """The generation of every work up or down from one, by number."""
    if way == UP:  # read whole, because the process then remembers it
        return dict(islice(ancestry(view, root).tree.generation.items(), 1, None))
    levels = _levels(view, root, way)
    return {number: generation for generation, level in levels for number in level}


def matching(view: View, numbers: list[int], asked: WorkFilters) -> list[int]:
    """The works among these that match every filter."""
    if not asked or not numbers:
        return numbers
    found = finding.works_that(view, asked, numbers)
    rows = view.rows(f"SELECT w.number FROM @works w WHERE {found.where}", **found.values)
    return sorted(number for (number,) in rows)


def by_title(
    view: View, root: int, after: str | None, limit: int, asked: WorkFilters, *, reverse: bool
) -> tuple[Far, str | None]:
    """A page of what a work was made from, by title; the order is remembered, but no title."""
    above = ancestry(view, root)
    far = above.tree.generation
    place, of = decode_cursor(after, str, int), partial(_title, view)
    rows = above.rows(view, "by title", _in_title_order, lambda row: of(row[0]))
    left = [number for (number,) in rows if number != root]
    if asked:
        matched = set(matching(view, left, asked))
        left = [number for number in left if number in matched]
    if reverse:
        left = left[: None if place is None else bisect_left(left, tuple(place), key=of)][::-1]
    elif place is not None:
        left = left[bisect_right(left, tuple(place), key=of) :]
    page, more = cut(left, limit, of)
    return [(far[number], number) for number in page], more


_TITLE = WORK_ORDERS["title"]
_TITLED = f"FROM @works w {_TITLE.joined} WHERE w.number IN :works AND {holds('w')}"


def _in_title_order(view: View, works: list[int]) -> list[Row]:
    return view.rows(f"SELECT w.number {_TITLED} ORDER BY {_TITLE.key}, w.number", works=works)


def _title(view: View, work: int) -> tuple[str, int]:
    """A work's sort key: its title, then its number."""

    def read(works: list[int]) -> dict[int, tuple[str, int]]:
        ((title,),) = view.rows(f"SELECT {_TITLE.key} {_TITLED}", works=works)
        return {work: (title, work)}

    return view.looked_up("titles", [work], read)[work]


ASKED_ONE_BY_ONE = 64
"""So many generations are read one by one, and the rest at once: a chain may be very long."""


def _levels(view: View, root: int, way: Way) -> Iterator[tuple[int, list[int]]]:
    """The generations one after another, each with its works in order of number."""
    known = remembered(view, root) if way == UP else None
    if known is not None:
        above = islice(known.tree.generation.items(), 1, None)
        for generation, works in groupby(above, key=itemgetter(1)):
            yield generation, sorted(number for number, _ in works)
        return
    level = [root]
    seen, generation, onwards = set(level), 0, dict[int, list[int]]()
    while level:
        if generation <= ASKED_ONE_BY_ONE:
            onwards = onwards_of(view, level, way, is_whole=generation == ASKED_ONE_BY_ONE)
        generation += 1
        level = sorted({to for number in level for to in onwards.get(number, ())} - seen)
        seen.update(level)
        if level:
            yield generation, level


def onwards_of(
    view: View, level: list[int], way: Way, *, is_whole: bool = False, most: int | None = None
) -> dict[int, list[int]]:
    """Where the edges of these works lead; with ``is_whole``, also those of all works beyond.

    With ``most``, only the first so many edges.
    """
    known = view.known(("onwards", way))
    if not is_whole and all(number in known for number in level):
        return {number: leads for number in level if (leads := known[number])}
    here, there = way
    leading = f"JOIN EACH @remixes e ON e.{here} = far.number WHERE {REMIX_COUNTS}"
    further = f"UNION SELECT e.{there} FROM far {leading}" if is_whole else ""
    first = "" if most is None else f" ORDER BY e.{here}, e.{there} LIMIT {most}"
    rows = view.rows(
        "WITH RECURSIVE far (number) AS ("
        f"SELECT w.number FROM @works w WHERE w.number IN :level AND {holds('w')} "
        f"{further}) SELECT DISTINCT e.{here}, e.{there} FROM far {leading}{first}",
        level=level,
    )
    onwards: dict[int, list[int]] = {}
    for one, other in sorted(rows):
        onwards.setdefault(one, []).append(other)
    if most is None or len(rows) < most:  # nothing was left out
        known.update((number, onwards.get(number)) for number in level)
    return onwards
