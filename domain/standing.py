"""Standing: whom a work or proposal concerns, and who may therefore dispute or comment on it.

A party is credited on the work, one of its parents or one of its children; or posted one of these;
or holds the rights to the work; or has a share in what it earns.
"""

from __future__ import annotations

from collections.abc import Collection

from domain.claim import PENDING
from domain.money.proposal import Proposal, payees_of
from domain.past import Past

PARTY = "party"


def of_works(past: Past, works: Collection[str]) -> dict[str, str]:
    """The actor as a party of these works, if they are one."""
    if not past.is_limited:
        return {PARTY: past.actor}
    is_party = _concerned(past, works, set(past.accounts(past.actor)))
    return {PARTY: past.actor} if is_party else {}


def of_proposal(past: Past, proposal: Proposal) -> dict[str, str]:
    """The actor as a party of a proposal: with a share in it, or a claim to one."""
    if not past.is_limited:
        return {PARTY: past.actor}
    accounts = set(past.accounts(past.actor))
    payees = {one for version in proposal.versions for one in payees_of(version.content.assets)}
    if accounts & payees:
        return {PARTY: past.actor}
    works = past.known.works_above(proposal.release)
    is_credited = bool(accounts & _credited(past, works, claims=True))
    return {PARTY: past.actor} if is_credited or accounts & _speakers(past, works) else {}


def _concerned(past: Past, works: Collection[str], accounts: set[str]) -> bool:
    parents = {edge.parent for edge in past.known.edges(works)}
    if accounts & _involved(past, {*works, *parents}):
        return True
    books = past.books()
    books.fetch(of=[(books.asked, account) for account in accounts])
    if any(
        not set(works).isdisjoint(books.agreements[agreement].works)
        for account in accounts
        for (_, agreement), _ in books.asked.under(account)
    ):
        return True
    return bool(accounts & _involved(past, past.known.children_naming(works, accounts)))


def _involved(past: Past, works: Collection[str]) -> set[str]:
    """Who speaks for one of these works, holds its rights, or has a credit on it that counts."""
    return _speakers(past, works) | _credited(past, works)


def _speakers(past: Past, works: Collection[str]) -> set[str]:
    past.prefetch(works)
    found = [past.work(work) for work in works]
    return {one.speaker for one in found} | {one.right_holder for one in found if one.right_holder}


def _credited(past: Past, works: Collection[str], *, claims: bool = False) -> set[str]:
    """Who has a credit that counts on one of these works or, with ``claims``, a pending one."""
    return {
        credit.contributor
        for credit in past.known.credits(works)
        if credit.counts or (claims and credit.state == PENDING)
    }
