"""How much money is on hold for each unaccepted share, and for each open question.

Money held by several questions is counted for each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from domain.engine import PLANNED_ONCE
from domain.journal import Journal
from domain.money.held import (
    DISPUTED,
    HELD,
    NO_PARTS,
    TO_BE_CORRECTED,
    AllInQuestion,
    Held,
    InQuestion,
    Owed,
    depending,
)
from domain.money.proposal import Proposal
from projections.finding import FURTHER_DOWN, REMIX_COUNTS
from projections.money import balances
from projections.money.agreements import parts_in
from projections.money.balances import Account
from projections.money.questioned import questions
from projections.store import View, holds

Amounts = Mapping[str, int]
"""Amounts in smallest units, by currency."""

_MISSING = (
    "SELECT s.payee FROM @shares s WHERE s.proposal IN :proposals "
    f"AND s.state IN ('offered', 'declined') AND {holds('s')}"
)


def for_shares(
    view: View, journal: Journal, proposals: Collection[str], payees: Collection[str] | None = None
) -> dict[str, Amounts]:
    """By agreement: what is held until shares are accepted, of these payees or of all."""
    if not proposals:
        return {}
    missing = {payee for (payee,) in view.rows(_MISSING, proposals=sorted(proposals))}
    asked = missing if payees is None else missing.intersection(payees)
    accounts = balances.accounts(view, payees=sorted(asked)) if asked else []
    return _summed(
        (each.proposal, each.currency, standing.sums[HELD])
        for each, standing in balances.standings(view, journal, accounts)
        if each.proposal in proposals
    )


AT_ONCE = 1_000
"""So many shares that may depend on false findings are examined at once."""
_FOUND_FALSE = (
    "SELECT h.position, coalesce(h.child, h.work) AS work, h.contributor, h.child FROM @holds h "
    "WHERE h.state = 'false' AND h.position <= :as_of"
)
_BELOW = (
    f"SELECT w.node, f.position FROM wrong f JOIN @works w ON w.id = f.child AND {holds('w')} "
    "WHERE EXISTS (SELECT 1 FROM @named n WHERE n.payee LIKE 'work/%') "
    "UNION SELECT e.child, b.position FROM below b JOIN @remixes e ON e.parent = b.number "
    f"AND {REMIX_COUNTS}"
)
"""SQL: all descendants of the child of an edge that was found false."""
_DEPENDENT = (
    "SELECT q.proposal, f.position FROM wrong f JOIN @pieces q ON q.piece = f.work "
    "UNION SELECT a.id, f.position FROM wrong f "
    f"JOIN @works w ON w.id = f.work AND {holds('w')} JOIN @pools o ON o.release = w.number "
    "JOIN @proposals a ON a.pool = o.id "
    "UNION SELECT a.id, f.position FROM wrong f JOIN @named n ON n.payee = f.contributor "
    "JOIN @proposals a ON a.pool = n.pool "
    # A work that the terms name is paid by the lineage of the release.
    "UNION SELECT a.id, b.position FROM below b JOIN @pools o ON o.release = b.number "
    "JOIN @named n ON n.pool = o.id AND n.payee LIKE 'work/%' "
    "JOIN @proposals a ON a.pool = o.id"
)
_SHARING = (
    "SELECT x.proposal, x.payee FROM dependent d JOIN @pieces x ON x.proposal = d.proposal UNION "
    "SELECT d.proposal, n.payee FROM dependent d JOIN @proposals a ON a.id = d.proposal "
    "JOIN @named n ON n.pool = a.pool"
)
_MAY_DEPEND = (
    f"{PLANNED_ONCE}WITH RECURSIVE wrong AS ({_FOUND_FALSE}), "
    f"below (number, position) AS ({_BELOW}), dependent (proposal, position) AS ({_DEPENDENT}), "
    f"sharing (proposal, payee) AS ({_SHARING}) "
    "SELECT d.proposal, s.payee, max(d.position) FROM dependent d "
    f"JOIN @proposals p ON p.id = d.proposal AND p.state = '{Proposal.Finalised.STATE}' "
    f"AND {holds('p')} JOIN @pools o ON o.id = p.pool JOIN sharing s ON s.proposal = p.id "
    "WHERE {whose} AND NOT EXISTS (SELECT 1 FROM @known k WHERE k.proposal = d.proposal "
    "AND k.known_as IS NULL AND (k.payee IS NULL OR k.payee = s.payee) "
    "AND k.upto >= d.position AND k.position <= :as_of) "
    "GROUP BY d.proposal, s.payee ORDER BY d.proposal, s.payee"
)


def to_confirm(
    view: View, journal: Journal, whose: str, **values: Any
) -> list[tuple[str, str, int]]:
    """(agreement, payee, position): shares that depend on something found false there.

    They wait for a confirmation or a new agreement. ``whose`` is an SQL condition on pools.
    """
    if not view.rows(f"{_FOUND_FALSE} LIMIT 1"):
        return []  # as nearly always
    found = list[tuple[str, str, int]]()
    may_depend = view.rows(_MAY_DEPEND.replace("{whose}", whose), **values)
    for first in range(0, len(may_depend), AT_ONCE):
        rows = may_depend[first : first + AT_ONCE]
        held = balances.held(view, journal, [(payee, proposal) for proposal, payee, _ in rows])
        found += [
            (proposal, payee, at)
            for proposal, payee, at in rows
            if (payee, proposal) in held and TO_BE_CORRECTED in held[payee, proposal].because
        ]
    return found


def for_doubted(view: View, journal: Journal, proposals: Collection[str]) -> dict[str, Amounts]:
    """By agreement: what is held because it depends on something found false."""
    if not proposals:
        return {}
    rows = view.rows(
        "SELECT DISTINCT p.pool FROM @proposals p WHERE p.id IN :ids", ids=sorted(proposals)
    )
    of = balances.accounts(view, pools=[pool for (pool,) in rows])
    return _summed(
        (each.proposal, each.currency, standing.sums[HELD])
        for each, standing in balances.standings(view, journal, of)
        if each.proposal in proposals and TO_BE_CORRECTED in standing.held.because
    )


def for_questions(
    view: View, journal: Journal, ids: Collection[str], payees: Collection[str] | None = None
) -> dict[str, Amounts]:
    """By dispute or hold: what is held because of it, of these payees or of everybody."""
    if not ids:
        return {}
    asked = defaultdict[InQuestion, list[str]](list)
    for id, question in questions(view).items():
        if id in ids:
            asked[question].append(id)
    of = _concerned(view, asked) if payees is None else balances.accounts(view, payees=payees)
    claims = balances.claims(view, journal, ((each.payee, each.proposal) for each in of))
    parts = parts_in(view, journal, {each.proposal for each in of})
    owed = balances.owed_to(view, claims)

    def held(question: InQuestion, each: Account) -> int:
        claim = claims[each.payee, each.proposal]
        depends, assets, limits = depending(claim, [question])
        if not depends:
            return 0
        why = Held((DISPUTED,), assets, limits)
        known = owed.get((each.payee, each.proposal), Owed(each.owed))
        return known.held_minor(why, parts.get(each.proposal, {}).get(each.payee, NO_PARTS))

    every = AllInQuestion(asked)
    return _summed(
        (id, each.currency, held(question, each))
        for each in of
        for question in every.about(claims[each.payee, each.proposal])
        for id in asked[question]
    )


def _concerned(view: View, asked: Iterable[InQuestion]) -> list[Account]:
    """The accounts that may depend on one of these questions."""
    people = {each.person for each in asked if each.child is None and each.person}
    payees = sorted({payee for one in people for payee in balances.payees_of(view, one)})
    children = {each.child for each in asked if each.child is not None}
    pools = [*_passed_in(view, payees), *_pools_below(view, children)]
    found = [*balances.accounts(view, payees=payees), *balances.accounts(view, pools=pools)]
    return list({(each.payee, each.proposal): each for each in found}.values())


def _passed_in(view: View, payees: Sequence[str]) -> list[str]:
    """The pools in which one of these payees may have passed a share on."""
    rows = view.rows(
        "SELECT DISTINCT a.pool FROM @pieces q JOIN @proposals a ON a.id = q.proposal "
        "WHERE (q.payee IN :payees OR q.piece IN :payees) AND q.position <= :as_of AND EXISTS "
        "(SELECT 1 FROM @proposals b WHERE b.pool = a.pool AND b.is_passed = 1)",
        payees=payees,
    )
    return [pool for (pool,) in rows]


def _pools_below(view: View, works: Collection[str]) -> list[str]:
    """The pools of these works and of all their descendants."""
    rows = view.rows(
        "WITH RECURSIVE down (number) AS ("
        f"SELECT w.number FROM @works w WHERE w.id IN :works AND {holds('w')} "
        f"{FURTHER_DOWN}) "
        "SELECT o.id FROM @pools o WHERE o.release IN (SELECT number FROM down) "
        "AND o.position <= :as_of",
        works=sorted(works),
    )
    return [pool for (pool,) in rows]


def _summed(amounts: Iterable[tuple[str, str, int]]) -> dict[str, Amounts]:
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for key, currency, amount in amounts:
        if amount:
            found[key][currency] += amount
    return {key: dict(sorted(sums.items())) for key, sums in found.items()}
