"""Lists of works: all of them, what one was made from, and what was made from it.

Every list takes the same filters and orders (projections.finding).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Unpack

from domain.values import WorkId
from projections import finding, walking
from projections.finding import Filtered, Reverse, SortOfWorks, WorkFilters
from projections.lineage import find, references, root_of
from projections.pages import LIMIT, Page, cut, decode_cursor
from projections.question import After, Limit, question
from projections.store import View
from projections.told import Relative, WorkFacets, WorkRef
from projections.walking import DOWN, UP, Far, Way


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

    Up to 10,000 are counted, the latest. Each value can be used as a filter.
    """
    return finding.facets_of_works(view, finding.works_that(view, asked))


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
    """How many works were made from one, by medium, licence and so on, up to 10,000."""
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
    root = root_of(view, id) if way == UP else find(view, id).number
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
