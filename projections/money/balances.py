"""Balances: what is on every account, and how much can be paid now, as known at any position.

The one rule: a balance is the sum of postings, and a posting is never changed. Whether money is
held follows from consents and holds, not from an account.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from domain.money.held import HELD, Claim, Questions, against, standing
from domain.money.payee import people_among
from domain.money.postings import ACCOUNTS, OWED
from projections import attribution, lineage
from projections.store import View, holds


class Account(NamedTuple):
    """What a payee has under one agreement, by account."""

    payee: str
    proposal: str
    pool: str
    currency: str
    units: dict[str, int]

    @property
    def owed(self) -> int:
        """What is owed; a debt is negative."""
        return self.units.get(OWED, 0)


def accounts(
    view: View,
    *,
    payees: Collection[str] | None = None,
    pool: str | None = None,
    currency: str | None = None,
) -> list[Account]:
    """The accounts of some payees, of a pool, in a currency, or all of them."""
    where, values = ["p.position <= :as_of", "p.payee IS NOT NULL"], dict[str, Any]()
    for name, wanted, condition in (
        ("payees", None if payees is None else list(payees), "p.payee IN :payees"),
        ("pool", pool, "p.pool = :pool"),
        ("currency", currency, "p.currency = :currency"),
    ):
        if wanted is not None:
            where.append(condition)
            values[name] = wanted
    rows = view.rows(
        "SELECT p.payee, p.proposal, p.pool, p.currency, p.account, CAST(sum(p.amount) AS BIGINT) "
        f"FROM @postings p WHERE {' AND '.join(where)} "
        "GROUP BY p.payee, p.proposal, p.pool, p.currency, p.account "
        "ORDER BY p.payee, p.proposal, p.account",
        **values,
    )
    found: dict[tuple[str, str], Account] = {}
    for payee, proposal, of_pool, of_currency, account, amount in rows:
        known = found.setdefault(
            (payee, proposal), Account(payee, proposal, of_pool, of_currency, {})
        )
        known.units[account] = amount
    return list(found.values())


def pool_units(view: View, pool: str) -> dict[str, int]:
    """The balance of each account of a pool, over all payees."""
    rows = view.rows(
        "SELECT p.account, CAST(sum(p.amount) AS BIGINT) FROM @postings p "
        "WHERE p.pool = :pool AND p.position <= :as_of GROUP BY p.account",
        pool=pool,
    )
    return dict(rows)


def totals(view: View) -> dict[str, dict[str, int]]:
    """The balance of each account, by currency; those of a currency sum to zero."""
    found: dict[str, dict[str, int]] = {}
    for currency, account, amount in view.rows(
        "SELECT p.currency, p.account, CAST(sum(p.amount) AS BIGINT) FROM @postings p "
        "WHERE p.position <= :as_of GROUP BY p.currency, p.account ORDER BY p.currency, p.account"
    ):
        found.setdefault(currency, dict.fromkeys(ACCOUNTS, 0))[account] = amount
    return found


Key = tuple[str, str]
"""A payee and an agreement."""


Why = tuple[str, ...]
"""The reasons for which money is held."""


def standings(view: View, of: Collection[Account]) -> Iterator[tuple[Account, str, Why]]:
    """Accounts, each with the standing of what is owed on it, and the reasons if it is held."""
    found = held(view, ((each.payee, each.proposal) for each in of))
    for each in of:
        why = found.get((each.payee, each.proposal), ())
        stands = standing(each.owed, why)
        yield each, stands, why if stands == HELD and each.owed else ()


def held(view: View, of: Iterable[Key]) -> dict[Key, Why]:
    """The reasons why money owed under an agreement cannot be paid now, by payee and agreement."""
    asked = set(of)
    people = people_among(payee for payee, _ in asked)
    consents = {
        (payee, proposal): state
        for payee, proposal, state in view.rows(
            "SELECT s.payee, s.proposal, s.state FROM @shares s "
            f"WHERE s.payee IN :payees AND s.state <> 'accepted' AND {holds('s')}",
            payees=sorted(people),
        )
    }
    questions = _questions(view)
    # Usually nothing is in question; then it does not matter what a claim depends on.
    is_clear = questions == ([], [])
    persons = {} if is_clear else attribution.persons_of(view, people)
    works = {} if is_clear else _works(view, {proposal for _, proposal in asked})
    nothing = _Works("")
    found = {}
    for payee, proposal in asked:
        known = works.get(proposal, nothing)
        own = {known.release, *known.pieces[payee]}
        consent = consents.get((payee, proposal))
        claim = Claim(payee, persons.get(payee, payee), consent, own, known.every)
        if why := against(claim, questions):
            found[payee, proposal] = why
    return found


def _questions(view: View) -> Questions:
    """Everything held or in dispute."""
    latest = {
        id: (work, contributor, child, state)
        for id, work, contributor, child, state in view.rows(
            "SELECT h.id, h.work, h.contributor, h.child, h.state FROM @holds h "
            "WHERE h.position <= :as_of ORDER BY h.position"
        )
    }
    still = [(*about, child) for *about, child, state in latest.values() if state == "open"]
    accounts = {contributor for _, contributor, _ in still if contributor is not None}
    persons = attribution.persons_of(view, accounts) if accounts else {}
    return Questions(
        [(work, persons[account]) for work, account, _ in still if account is not None],
        [(child, _with_above(view, parent)) for parent, _, child in still if child is not None],
    )


@dataclass
class _Works:
    """What an agreement is about."""

    release: str
    pieces: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By payee: the assets in which they have a share, and the parts those belong to."""
    every: set[str] = field(default_factory=set)


def _works(view: View, proposals: set[str]) -> dict[str, _Works]:
    """What agreements are about."""
    found: dict[str, _Works] = {}
    for proposal, release, payee, piece in view.rows(
        "SELECT q.proposal, w.id, q.payee, q.piece FROM @pieces q "
        f"JOIN @proposals a ON a.id = q.proposal AND q.position >= a.staged AND {holds('a')} "
        f"JOIN @pools o ON o.id = a.pool JOIN @works w ON w.number = o.release AND {holds('w')} "
        "WHERE q.proposal IN :proposals AND q.position <= :as_of",
        proposals=sorted(proposals),
    ):
        known = found.setdefault(proposal, _Works(release))
        known.pieces[payee].add(piece)
        known.every |= {release, piece}
    return found


def _with_above(view: View, work: str) -> frozenset[str]:
    """A work and everything it was made from."""
    tree = lineage.numbered(view, lineage.find(view, work).number)
    return frozenset(lineage.ids_of(view, tree.generation).values())
