"""One person's complete part in a work: every credit and every path, page by page.

The list of contributors (see attribution) shows only the first of each.
"""

from __future__ import annotations

from typing import Unpack

from domain.pedigree import Pedigree
from domain.values import ContributorId, WorkId
from projections import attribution, lineage
from projections.attribution import Share
from projections.question import After, Limit, Paged, question
from projections.store import LIMIT, Page, View, place_of, sliced
from projections.told import CreditLine, PathIn

MOST_PATHS = 1000
"""How many of the paths to one person's pieces can be listed; all of them are counted."""

_HERE = "/works/{id}/contributors/{contributor}"


@question("list_part_credits", f"{_HERE}/credits", cli="work credits", as_published=True)
def credits(
    view: View, id: WorkId, contributor: ContributorId, **part: Unpack[Paged]
) -> Page[CreditLine]:
    """Every credit that one person has in a work, through every generation."""
    tree, share = _part(view, id, contributor)
    shown, more = sliced(share.credits, **part)
    rows = attribution.whole(view, shown)
    texts = attribution.texts_of(view, rows)
    ids = lineage.ids_of(view, {row.work for row in rows})
    items = [attribution.told_credit(tree, row, ids, texts) for row in rows]
    return Page(items, more)


@question("list_part_paths", f"{_HERE}/paths", cli="work paths", as_published=True)
def paths(
    view: View,
    id: WorkId,
    contributor: ContributorId,
    *,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[PathIn]:
    """The paths by which one person came into a work, the shortest first, at most a thousand."""
    tree, share = _part(view, id, contributor)
    pieces = {row.work for row in share.credits}
    nearest = sorted(pieces, key=lambda work: (tree.generation[work], work))
    found = tree.paths(nearest, min(place_of(after) + limit + 1, MOST_PATHS))
    page, more = sliced(found, after, limit)
    shown = [tree.ends_of(path) for path in page]
    ids = lineage.ids_of(view, {work for path in shown for work in path.works})
    items = [attribution.told_path(share, path, ids) for path in shown]
    return Page(items, more)


def _part(view: View, id: str, contributor: str) -> tuple[Pedigree[int], Share]:
    """The lineage of a work, and one person's part in it, which is empty without credits."""
    root = lineage.find(view, id).number
    person = attribution.find_root(view, contributor)
    tree, rows, people = attribution.credits_above(view, root)
    (share,) = attribution.shares_of({person: people.get(person, (0, 0))}, rows)
    return tree, share
