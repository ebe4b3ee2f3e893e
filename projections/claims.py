"""Claims: what was said about another's work, and waits for the other side to agree.

They are shown as claims, with who may answer, and are in no other answer about a work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domain.claim import PENDING
from domain.engine import Row
from domain.permission import OPERATOR
from domain.values import WorkId
from projections import attribution, lineage
from projections.question import LIMIT, After, Limit, question
from projections.store import Page, View, holds
from projections.told import ClaimTold

_CREDITS = (
    "SELECT c.born AS born, c.id AS id, 'credit' AS noun, c.work AS work, c.contributor AS other, "
    "c.role AS says, CAST(NULL AS TEXT) AS rate, c.evidence AS evidence, c.deadline AS deadline, "
    "CAST(NULL AS TEXT) AS actor FROM @credits c "
    f"WHERE c.state = '{PENDING}' AND c.deadline IS NOT NULL AND {holds('c')}"
)
_REMIXES = (
    "SELECT e.born, e.id, 'remix', e.child, e.parent, e.kind, e.rate, e.evidence, e.deadline, "
    f"e.actor FROM @remixes e WHERE e.state = '{PENDING}' AND {holds('e')}"
)


@question("list_work_claims", "/works/{id}/claims", cli="claims")
def on_work(
    view: View, id: WorkId, *, after: After | None = None, limit: Limit = LIMIT
) -> Page[ClaimTold]:
    """What others claim about a work, and who may accept or decline it; the oldest first.

    None of it counts before it is accepted.
    """
    number = lineage.find(view, id).number
    both = f"{_CREDITS} AND c.work = :work UNION ALL {_REMIXES} AND e.child = :work"
    return _page(view, both, after, limit, work=number)


@question("list_claims", "/claims", cli="waiting")
def waiting(
    view: View, *, actor: str, after: After | None = None, limit: Limit = LIMIT
) -> Page[ClaimTold]:
    """The claims that wait for your answer, the oldest first.

    For the operator they are those on works that nobody here posted.
    """
    of = "w.poster IN :posters AND w.kind <> 'outside'"
    posters = [OPERATOR] if actor == OPERATOR else _accounts(view, actor)
    if actor == OPERATOR:
        of = "w.poster IN :posters OR w.kind = 'outside'"
    here = f"SELECT w.number FROM @works w WHERE ({of}) AND {holds('w')}"
    both = f"{_CREDITS} AND c.work IN ({here}) UNION ALL {_REMIXES} AND e.child IN ({here})"
    return _page(view, both, after, limit, posters=posters)


def overdue(view: View, now: str, *, limit: int = LIMIT) -> list[ClaimTold]:
    """The claims that nobody answered in time, the oldest first."""
    late = f"{_CREDITS} AND c.deadline <= :now UNION ALL {_REMIXES} AND e.deadline <= :now"
    return _page(view, late, None, limit, now=now).items


def _accounts(view: View, id: str) -> list[str]:
    rows = view.rows(
        f"SELECT p.id FROM @contributors p WHERE p.number IN :numbers AND {holds('p')}",
        numbers=attribution.accounts(view, id),
    )
    return [id for (id,) in rows]


def _page(view: View, both: str, after: str | None, limit: int, **values: Any) -> Page[ClaimTold]:
    page, more = view.page(
        f"SELECT * FROM ({both}) AS claims WHERE born > :beyond ORDER BY born",
        after,
        limit,
        **values,
    )
    return Page(_told(view, page), more)


def _told(view: View, rows: Sequence[Row]) -> list[ClaimTold]:
    numbers = {row[3] for row in rows} | {row[4] for row in rows if row[2] == "remix"}
    found = lineage.rows_of(view, numbers)
    works = lineage.references(view, numbers)
    people = attribution.persons(view, {row[4] for row in rows if row[2] == "credit"})
    texts = view.texts({row[7] for row in rows})
    items: list[ClaimTold] = []
    for born, id, noun, work, other, says, rate, evidence, deadline, actor in rows:
        is_credit = noun == "credit"
        items.append(
            {
                "id": id,
                "noun": noun,
                "work": works[work],
                "contributor": people[other] if is_credit else None,
                "role": says if is_credit else None,
                "parent": None if is_credit else works[other],
                "kind": None if is_credit else says,
                "rate": rate,
                "evidence": texts.get(evidence),
                "claimed_by": people[other]["id"] if is_credit else actor,
                "may_answer": OPERATOR if found[work].kind == "outside" else found[work].poster,
                "deadline": deadline,
                "position": born,
            }
        )
    return items
