"""The credits in a work's ancestry: how they count, and who holds each work.

A credit counts as influence if its own kind is influence, or if every path to its work is one of
influence. Of a large ancestry only the columns that decide are read, and remembered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import NamedTuple

from domain.pedigree import Pedigree
from domain.role import within
from projections import attribution, hidden
from projections.ancestry import ancestry
from projections.attribution import CREDIT_FROM, CreditRow, KeptCredit
from projections.finding import CREDIT_COUNTS
from projections.store import View

Near = Mapping[int, tuple[int, int]]
"""People, the nearest first, with the generation and the place of their nearest credit."""


class Above(NamedTuple):
    """A work's ancestry with everyone credited in it."""

    tree: Pedigree[int]
    credits: Sequence[KeptCredit | CreditRow]
    """In order, each under its contributor after all merges; hidden ones under stand-ins."""
    people: Near


def credits_above(view: View, root: int, role: str | None = None) -> Above:
    """Everyone credited in a work's ancestry; with ``role``, in that role or a narrower one."""
    above, known = ancestry(view, root), credits_in(view, root)
    roles = None if role is None else within(role)
    named = known if roles is None else [row for row in known if row.role in roles]
    name, key, tree = "people" if role is None else "people in a role", (known, role), above.tree
    people = above.derived(view, name, key, lambda: nearest_in(tree, named), len(named))
    return Above(tree, named, people)


def nearest_in(tree: Pedigree[int], rows: Sequence[KeptCredit | CreditRow]) -> Near:
    """The people credited in an ancestry; ``rows`` must be in order."""
    generation = tree.generation
    found: dict[int, tuple[int, int]] = {}
    for row in rows:
        far, person = generation[row.work], row.contributor
        if person not in found or far < found[person][0]:
            found[person] = far, row.place
    return dict(sorted(found.items(), key=itemgetter(1)))


def credits_in(view: View, root: int) -> Sequence[KeptCredit | CreditRow]:
    """The credits in a work's ancestry that count, in order."""
    above = ancestry(view, root)
    if above.is_small:  # one query instead of three
        return attribution.credits_on(view, above.tree.generation)
    rows, veils = above.rows(view, "credits", _kept), frozenset(hidden.positions(view).values())
    key = rows, veils
    return above.derived(view, "credits", key, lambda: attribution.settled(view, rows), len(rows))


def _kept(view: View, works: list[int]) -> list[KeptCredit]:
    """The credits on these works that count, unordered and as recorded."""
    rows = view.rows(
        f"SELECT {_COLUMNS} FROM {CREDIT_FROM} WHERE c.work IN :works AND {CREDIT_COUNTS}",
        works=works,
    )
    return list(map(_KEPT, rows))


_COLUMNS = "c.work, c.born, c.contributor, c.role, c.kind, c.billing, p.merged_into, c.born, 0"
_KEPT = partial(tuple.__new__, KeptCredit)


def whole(view: View, rows: Sequence[KeptCredit | CreditRow]) -> list[CreditRow]:
    """These credits with all the columns that answers show."""
    left = {row.work for row in rows if isinstance(row, KeptCredit)}
    found = {row.born: row for row in attribution.credits_on(view, left)} if left else {}
    return [found[row.born] if isinstance(row, KeptCredit) else row for row in rows]


def is_direct(tree: Pedigree[int], row: KeptCredit | CreditRow) -> bool:
    """Whether a credit is direct: the person's contribution, not only influence, is in the work."""
    return row.kind == "direct" and row.work in tree.direct


Held = tuple[int, tuple[int, ...]]
"""A work, with the people who hold it in equal shares."""


def holders_in(view: View, root: int) -> Collection[Held]:
    """Who holds each work in a work's ancestry; works without direct credits are left out."""
    above = ancestry(view, root)
    if above.is_small:
        return held_by_work(attribution.credits_on(view, above.tree.generation)).items()
    veils = frozenset(hidden.positions(view).values())

    def read(view: View, works: list[int]) -> Iterable[Held]:
        return held_by_work(attribution.settled(view, _kept(view, works))).items()

    return above.rows(view, ("holders", veils), read)


def held_by_work(credits: Iterable[KeptCredit | CreditRow]) -> dict[int, tuple[int, ...]]:
    """By work: who is credited directly, each once, and hidden only if all their credits are."""
    held: dict[int, tuple[int, ...]] = {}
    direct = [credit for credit in credits if credit.kind == "direct"]
    # Hidden people have negative numbers; one who is also credited openly is left out.
    owners = {credit.contributor: credit.owner for credit in direct if credit.owner}
    if owners:
        direct.sort(key=lambda credit: max(0, -credit.contributor))
    for credit in direct:
        work, shown = credit.work, credit.contributor
        others = held.get(work)
        if others is None:
            held[work] = (shown,)
        elif shown not in others and owners.get(shown, 0) not in map(owners.get, others, others):
            held[work] = (*others, shown)
    return held
