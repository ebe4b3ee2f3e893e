"""Why a payee can't be paid what they are owed under an agreement.

One function decides, both for the books and for the read tables.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from domain.money.payee import Payee

UNCLAIMED = "unclaimed"
UNACCEPTED = "unaccepted"
DECLINED = "declined"
DISPUTED = "disputed"
REASONS = (UNCLAIMED, UNACCEPTED, DECLINED, DISPUTED)
"""Why money is held, in the order in which reasons are listed."""

PAYABLE = "payable"
HELD = "held"
DEBT = "debt"


class Claim(NamedTuple):
    """A payee's claim under an agreement, with everything that could hold it back."""

    payee: str
    person: str
    """The person the payee is after all merges."""
    consent: str | None
    """The state of their share; None where nobody is asked."""
    own: Collection[str] = ()
    """The release, the assets in which they have a share, and what those are within."""
    works: Collection[str] = ()
    """The release, all assets, and what those are within."""


class Questions(NamedTuple):
    """The credits and edges that are held or in dispute."""

    credits: Collection[tuple[str, str]] = ()
    """The work and the person of each credit."""
    edges: Collection[tuple[str, frozenset[str]]] = ()
    """The child of each edge, and its parent with everything that the parent was made from."""

    def touch(self, claim: Claim) -> bool:
        """Whether a claim depends on what is in question."""
        return any((work, claim.person) in self.credits for work in claim.own) or any(
            child in claim.works and not above.isdisjoint(claim.own) for child, above in self.edges
        )


def against(claim: Claim, questions: Questions) -> tuple[str, ...]:
    """Why what is owed can't be paid now; empty if it can."""
    stands = {
        UNCLAIMED: Payee.parse(claim.payee).is_work,
        UNACCEPTED: claim.consent == "offered",
        DECLINED: claim.consent == "declined",
        DISPUTED: questions.touch(claim),
    }
    return tuple(reason for reason in REASONS if stands[reason])


def standing(owed_minor: int, why: Collection[str]) -> str:
    """Whether what is owed is payable, held or negative: a debt is never held."""
    if owed_minor < 0:
        return DEBT
    return HELD if why else PAYABLE
