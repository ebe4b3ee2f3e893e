"""Parts: everyone who contributed to a work, through every generation, and by which paths.

The list of a work shows only the first of someone's credits and paths; all of them come page by
page. From the other side, it is every release that somebody has a part in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Annotated, NamedTuple, Unpack

from domain.lineage import Edge, Lineage
from domain.pedigree import Ends, Pedigree
from domain.value import Example, one_of
from domain.values import ContributorId, CreditKind, Role, WorkId
from projections import attribution, contributors, groups, lineage, pending
from projections.ancestry import counted_paths
from projections.attribution import CreditRow, KeptCredit
from projections.credited import Near, credits_above, is_direct, nearest_in, whole
from projections.finding import CREDIT_COUNTS, FURTHER_DOWN, REMIX_COUNTS
from projections.hidden import NOT_HIDDEN
from projections.pages import LIMIT, Page, cut, decode_cursor, place_of, sliced
from projections.question import After, Limit, Paged, question
from projections.roll import FORMS
from projections.store import View, holds
from projections.tables import NEVER
from projections.told import CreditLine, MemberThen, Part, PartInRelease, PartOfPerson, PathIn

PATHS = 12
"""How many paths are listed for one person; all are counted."""
CREDITS_SHOWN = 6
"""How many credits are listed for one person; all are counted."""


class Share(NamedTuple):
    """A person's credits in the ancestry of a work."""

    person: int
    generation: int
    place: int
    """The place of their nearest credit, a sort key within the generation."""
    credits: list[KeptCredit | CreditRow]


def shares_of(people: Near, rows: Iterable[KeptCredit | CreditRow]) -> list[Share]:
    """The share of each of these people, with those of the credits that are theirs."""
    shares = {person: Share(person, *near, []) for person, near in people.items()}
    for row in rows:
        if row.contributor in shares:
            shares[row.contributor].credits.append(row)
    return [*shares.values()]


@question(
    "list_work_contributors",
    "/works/{id}/contributors",
    cli="contributors",
    as_published=True,
    forms=FORMS,
    beside={"claims": pending.behind_later},
)
def of_work(
    view: View,
    id: WorkId,
    *,
    role: Annotated[Role | None, "In this role, or a narrower one."] = None,
    kind: Annotated[CreditKind | None, "direct or influence.", Example("direct")] = None,
    expand: Annotated[
        str | None,
        one_of(("groups",), "“groups”: with the people who were in each group at the time."),
    ] = None,
    after: After | None = None,
    limit: Limit = LIMIT,
) -> Page[PartOfPerson]:
    """Everyone who contributed to a work, through every generation, and by which paths.

    The nearest come first. What is only claimed about a work does not count; ``claims`` says how
    much is waiting. As CSV, it is the whole credits roll.
    """
    place = tuple(decode_cursor(after, int, int) or (-1, -1))
    root = lineage.root_of(view, id)
    tree, rows, nearest = credits_above(view, root, role)
    left = [(person, near) for person, near in nearest.items() if near > place]
    if kind is not None:
        direct = {row.contributor for row in rows if is_direct(tree, row)}
        left = [one for one in left if (kind == "direct") == (one[0] in direct)]
    shown, more = cut(left, limit, itemgetter(1))
    page = shares_of(dict(shown), rows)
    people = contributors.persons(view, [share.person for share in page])
    explained = _explained(view, [(tree, share) for share in page])
    then = None if expand is None else _members_then(view, page)
    items: list[PartOfPerson] = [
        {
            "contributor": people[share.person],
            "members": None if then is None else then.get(share.person, []),
            **told,
        }
        for share, told in zip(page, explained, strict=True)
    ]
    return Page(items, more)


def _members_then(view: View, shares: Iterable[Share]) -> dict[int, list[MemberThen]]:
    """By group: the members it had when a work was made on which the group is credited."""
    works = {share.person: {row.work for row in share.credits} for share in shares}
    found = groups.behind(view, works)
    people = contributors.persons(
        view, {one.contributor for each in found.values() for one in each}
    )
    return {
        group: [{"contributor": people[one.contributor], "roles": one.does} for one in each]
        for group, each in found.items()
    }


def _explained(view: View, shares: Sequence[tuple[Pedigree[int], Share]]) -> list[Part]:
    """What answers show of each share; ids and texts are read together for all.

    The longer the page, the fewer paths and credits it lists for each person.
    """
    many = max(len(shares), LIMIT)
    most, most_paths = (max(1, each * LIMIT // many) for each in (CREDITS_SHOWN, PATHS))
    shown = [share.credits[:most] for _, share in shares]
    paths = [
        tree.shown_paths({row.work for row in share.credits}, most_paths) for tree, share in shares
    ]
    rows = iter(whole(view, list(chain.from_iterable(shown))))
    own = [list(islice(rows, len(one))) for one in shown]
    texts = attribution.texts_of(view, chain.from_iterable(own))
    ends = {work for found in paths for path in found for work in path.works}
    ids = lineage.ids_of(view, ends.union(row.work for row in chain.from_iterable(own)))
    return [
        explain(tree, share, found, ids, [told_credit(tree, row, ids, texts) for row in lines])
        for (tree, share), found, lines in zip(shares, paths, own, strict=True)
    ]


def explain(
    tree: Pedigree[int],
    share: Share,
    paths: list[Ends[int]],
    ids: dict[int, str],
    credits: list[CreditLine],
) -> Part:
    """The part one person has in a work: roles, pieces, and the paths by which they came in."""
    pieces = {row.work for row in share.credits}
    return {
        "kind": "direct" if any(is_direct(tree, row) for row in share.credits) else "influence",
        "roles": list(dict.fromkeys(row.role for row in share.credits)),
        "generation": share.generation,
        "pieces": len(pieces),
        **counted_paths(tree, pieces),
        "paths": [told_path(share, path, ids) for path in paths],
        "credit_count": len(share.credits),
        "credits": credits,
    }


def told_path(share: Share, path: Ends[int], ids: dict[int, str]) -> PathIn:
    """One path to a piece the person is credited on, with their roles in that piece."""
    end = path.works[-1]
    return {
        "kind": "direct" if path.is_direct else "influence",
        "works": [ids[work] for work in path.works],
        "left_out": path.left_out,
        "roles": list(dict.fromkeys(row.role for row in share.credits if row.work == end)),
    }


def told_credit(
    tree: Pedigree[int], row: CreditRow, ids: dict[int, str], texts: dict[str | None, str]
) -> CreditLine:
    """One credit within a work."""
    return {
        "id": row.id,
        "work": ids[row.work],
        "role": row.role,
        **attribution.name_on(row, texts),
        "kind": "direct" if is_direct(tree, row) else "influence",
        "state": row.state,
    }


@question("list_attribution", "/contributors/{id}/attribution", cli="attribution")
def in_releases(view: View, id: ContributorId, **part: Unpack[Paged]) -> Page[PartInRelease]:
    """Every release this person is in, in which roles, and through which pieces; latest first."""
    same = contributors.accounts(view, id)
    page, more = view.page(
        "WITH RECURSIVE down (number) AS (SELECT c.work FROM @credits c "
        f"WHERE c.contributor IN :accounts AND {CREDIT_COUNTS} AND {NOT_HIDDEN} {FURTHER_DOWN}) "
        # Not a join, for which SQLite would scan every release.
        "SELECT w.number FROM @works w WHERE w.number IN (SELECT number FROM down) "
        f"AND w.kind = 'release' AND {holds('w')} AND w.number < :beyond ORDER BY w.number DESC",
        **part,
        first=NEVER,
        accounts=same,
    )
    numbers = [number for (number,) in page]
    own = attribution.open_credits_of(view, same)
    trees = _lineages_to(view, numbers, {row.work for row in own})
    shares = []
    for number in numbers:
        tree = trees[number]
        here = [row for row in own if row.work in tree.generation]
        (share,) = shares_of(nearest_in(tree, here), here)
        shares.append((tree, share))
    rows = lineage.rows_of(view, numbers)
    texts = view.texts({row.title for row in rows.values()})
    items: list[PartInRelease] = [
        {
            "release": {
                **lineage.reference(rows[number], texts),
                "published": lineage.publication(rows[number]),
            },
            **told,
        }
        for number, told in zip(numbers, _explained(view, shares), strict=True)
    ]
    return Page(items, more)


def _lineages_to(
    view: View, roots: Collection[int], works: Collection[int]
) -> dict[int, Lineage[int]]:
    """The lineage of each root, limited to the paths that lead to these works."""
    rows = view.rows(
        # The plus makes SQLite use the index on the child; otherwise it would scan all descendants.
        "WITH RECURSIVE down (number) AS MATERIALIZED ("
        f"SELECT w.number FROM @works w WHERE w.number IN :works AND {holds('w')} {FURTHER_DOWN}), "
        "up (root, number) AS ("
        f"SELECT w.number, w.number FROM @works w WHERE w.number IN :roots AND {holds('w')} UNION "
        "SELECT up.root, e.parent FROM up JOIN EACH @remixes e ON e.child = up.number "
        f"WHERE +e.parent IN (SELECT number FROM down) AND {REMIX_COUNTS}) "
        "SELECT up.root, e.child, e.parent, e.kind FROM up "
        "JOIN EACH @remixes e ON e.child = up.number "
        f"WHERE +e.parent IN (SELECT number FROM down) AND {REMIX_COUNTS}",
        roots=list(roots),
        works=list(works),
    )
    edges: dict[int, list[Edge[int]]] = {root: [] for root in roots}
    for root, *edge in sorted(rows):
        edges[root].append(Edge(*edge))
    return {root: Lineage(root, tuple(edges[root])) for root in roots}


# -- one person's complete part ------------------------------------------------------------

MOST_PATHS = 1000
"""How many of the paths to one person's pieces can be listed; all of them are counted."""

_HERE = "/works/{id}/contributors/{contributor}"


@question("list_part_credits", f"{_HERE}/credits", cli="work credits", as_published=True)
def credits(
    view: View, id: WorkId, contributor: ContributorId, **part: Unpack[Paged]
) -> Page[CreditLine]:
    """Every credit that one person has in a work, through every generation, in order."""
    tree, share = _part(view, id, contributor)
    shown, more = sliced(share.credits, **part)
    rows = whole(view, shown)
    texts = attribution.texts_of(view, rows)
    ids = lineage.ids_of(view, {row.work for row in rows})
    items = [told_credit(tree, row, ids, texts) for row in rows]
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
    items = [told_path(share, path, ids) for path in shown]
    return Page(items, more)


def _part(view: View, id: str, contributor: str) -> tuple[Pedigree[int], Share]:
    """The lineage of a work, and one person's part in it, which is empty without credits."""
    root = lineage.root_of(view, id)
    person = contributors.find_root(view, contributor)
    tree, rows, people = credits_above(view, root)
    (share,) = shares_of({person: people.get(person, (0, 0))}, rows)
    return tree, share
