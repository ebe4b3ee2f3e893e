"""Claims: statements about somebody else's work that wait for the other side's consent.

Answers list them as claims, with who may accept or decline them; no other answer about a work has
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Unpack

from domain.engine import Row
from domain.journal import Journal
from domain.moment import instant
from domain.permission import OPERATOR
from domain.refusal import UnknownContributor
from domain.value import Flag
from domain.values import WorkId
from projections import contributors, lineage
from projections.lineage import WorkRow
from projections.pages import Page
from projections.pending import CREDITS, JOINS, OFFERS, REMIXES
from projections.question import Paged, question
from projections.store import View, holds
from projections.told import ClaimTold


@question("list_work_claims", "/works/{id}/claims", cli="claims")
def on_work(view: View, id: WorkId, **part: Unpack[Paged]) -> Page[ClaimTold]:
    """What others claim about a work, and who may accept or decline it; the oldest first.

    None of it counts until it is accepted.
    """
    number = lineage.find(view, id).number
    its = _those("c.work = :work", "e.child = :work", "(j.work = :work OR j.target = :work)")
    return _page(view, its, **part, work=number)


@question("list_claims", "/claims", cli="waiting", refuses=(UnknownContributor,))
def waiting(
    view: View,
    journal: Journal,
    *,
    actor: str,
    overdue: Annotated[
        bool, Flag(help="Instead, claims on any work that nobody has answered in time.")
    ] = False,
    **part: Unpack[Paged],
) -> Page[ClaimTold]:
    """The claims waiting for your answer, the oldest first.

    For the operator these are claims on works that nobody here posted; for a moderator, overdue
    ones.
    """
    if overdue:
        late = _those(*(f"{claim}.deadline <= :now" for claim in "cej"))
        return _page(view, late, **part, now=instant(journal.clock()))
    if actor == OPERATOR:
        own, posters, of = list[int](), [OPERATOR], "w.poster IN :posters OR w.kind = 'outside'"
    else:
        own, posters = contributors.accounts(view, actor), contributors.account_ids(view, actor)
        of = "w.poster IN :posters AND w.kind <> 'outside'"
    here = f"IN (SELECT w.number FROM @works w WHERE ({of}) AND {holds('w')})"
    every = _those(f"c.own_work {here}", f"e.own_child {here}", f"j.asked {here}")
    every += f" UNION ALL {OFFERS} AND c.contributor IN :own"
    return _page(view, every, **part, posters=posters, own=own)


def _those(credits: str, remixes: str, joins: str) -> str:
    """The claims on credits, edges and joins that meet these conditions."""
    return (
        f"{CREDITS} AND {credits} UNION ALL {REMIXES} AND {remixes} UNION ALL {JOINS} AND {joins}"
    )


def _page(view: View, both: str, **values: Any) -> Page[ClaimTold]:
    sql = f"SELECT * FROM ({both}) AS claims WHERE born > :beyond ORDER BY born"
    page, more = view.page(sql, at=0, **values)
    return Page(_told(view, page), more)


def _told(view: View, rows: Sequence[Row]) -> list[ClaimTold]:
    numbers = {row[3] for row in rows} | {row[4] for row in rows if row[2] != "credit"}
    found = lineage.rows_of(view, numbers)
    works = lineage.references(view, numbers)
    credited = contributors.persons(view, {row[4] for row in rows if row[2] == "credit"})
    texts = view.texts({text for row in rows for text in (row[7], row[10])})
    items: list[ClaimTold] = []
    for born, id, noun, work, other, says, rate, evidence, deadline, actor, named in rows:
        is_credit = noun == "credit"
        items.append(
            {
                "id": id,
                "noun": noun,
                "work": works[work],
                "contributor": credited[other] if is_credit else None,
                "role": says if is_credit else None,
                "credited_as": texts.get(named),
                "parent": None if is_credit else works[other],
                "kind": None if is_credit else says,
                "rate": rate,
                "evidence": texts.get(evidence),
                "claimed_by": actor,
                "may_answer": _answers(found[work]) if deadline else credited[other]["id"],
                "deadline": deadline,
                "position": born,
            }
        )
    return items


def _answers(work: WorkRow) -> str:
    """Who may accept or decline a claim about a work."""
    return OPERATOR if work.kind == "outside" else work.poster
