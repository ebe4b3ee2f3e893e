"""Claims about works: how many wait, to be shown beside an answer in which they do not count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, TypedDict

from domain.claim import CONTRIBUTOR, PENDING, POSTER
from domain.engine import PLANNED_ONCE, Row
from domain.value import Example
from projections import lineage
from projections.ancestry import ancestry
from projections.hidden import NOT_HIDDEN
from projections.store import View, holds
from projections.told import Count, WorkRef

_PENDING = (
    "SELECT c.born AS born, c.id AS id, 'credit' AS noun, c.own_work AS work, "
    f"CASE WHEN {NOT_HIDDEN} THEN c.contributor ELSE -c.born END AS other, "
    "c.role AS says, CAST(NULL AS TEXT) AS rate, c.evidence AS evidence, c.deadline AS deadline, "
    f"CASE WHEN {NOT_HIDDEN} THEN c.actor ELSE c.id END AS actor, "
    "c.credited_as AS named FROM @credits c "
    f"WHERE c.state = '{PENDING}' AND {holds('c')}"
)
CREDITS = f"{_PENDING} AND c.waits_for = '{POSTER}'"
OFFERS = f"{_PENDING} AND c.waits_for = '{CONTRIBUTOR}'"
"""Credits that wait for people who want to be asked; nobody else may see them."""
REMIXES = (
    "SELECT e.born, e.id, 'remix', e.own_child, e.own_parent, e.kind, e.rate, e.evidence, "
    "e.deadline, e.actor, CAST(NULL AS TEXT) FROM @remixes e "
    f"WHERE e.state = '{PENDING}' AND {holds('e')}"
)
JOINS = (
    "SELECT j.born, j.id, 'join', j.asked, CASE WHEN j.asked = j.work THEN j.target ELSE j.work "
    "END, CAST(NULL AS TEXT), CAST(NULL AS TEXT), j.reason, j.deadline, j.actor, "
    f"CAST(NULL AS TEXT) FROM @joins j WHERE j.state = '{PENDING}' AND {holds('j')}"
)

WORKS_NAMED = 12
"""How many works with claims are named; the claims on all of them are counted."""


class Waiting(TypedDict):
    """Claims that wait for an answer and do not count; each work lists its own."""

    count: Annotated[Count, "How many are waiting.", Example(1)]
    works: Annotated[list[WorkRef], "The first works that have claims."]


def behind(view: View, id: str) -> Waiting:
    """How many claims wait on a work and on everything it was made from, and on which works."""
    return behind_later(view, id)()


def behind_later(view: View, id: str) -> Callable[[], Waiting]:
    """The same once the returned function is called; for a small lineage, the query is deferred."""
    above = ancestry(view, lineage.root_of(view, id))
    generation = above.tree.generation
    asked = _claims_on(view, [*generation]) if above.is_small else None

    def told() -> Waiting:
        claims = above.rows(view, "claims", _claims_on) if asked is None else asked
        nodes, counted = {own: node for node, own in claims}, Counter(own for _, own in claims)
        first = sorted(counted, key=lambda work: (generation[nodes[work]], work))[:WORKS_NAMED]
        works = lineage.references(view, first)
        return {"count": len(claims), "works": [works[work] for work in first]}

    return told


def _claims_on(view: View, works: list[int]) -> Sequence[Row]:
    """The node and the work of each claim on these nodes, deferred (see View.later)."""
    return view.later(
        f"{PLANNED_ONCE}SELECT c.work, c.own_work FROM @credits c WHERE c.work IN :works "
        f"AND {holds('c')} AND c.state = '{PENDING}' AND c.waits_for = '{POSTER}' UNION ALL "
        f"SELECT e.child, e.own_child FROM @remixes e WHERE e.child IN :works AND {holds('e')} "
        f"AND e.state = '{PENDING}'",
        works=works,
    )
