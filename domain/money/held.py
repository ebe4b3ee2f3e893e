"""Why a payee can't be paid what they are owed under an agreement.

One function decides, both for the books and for the read tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from domain.money.payee import Payee

UNCLAIMED = "unclaimed"
UNACCEPTED = "unaccepted"
DECLINED = "declined"
DISPUTED = "disputed"
TO_BE_CORRECTED = "to_be_corrected"
NOBODY = "nobody"
REASONS = (UNCLAIMED, UNACCEPTED, DECLINED, DISPUTED, TO_BE_CORRECTED, NOBODY)
"""Why money is held, in the order in which reasons are listed."""

PAYABLE = "payable"
HELD = "held"
DEBT = "debt"


class Claim(NamedTuple):
    """A payee's claim under an agreement, with everything that could hold it back."""

    payee: str
    person: str
    """The person the payee is after all merges, or who claimed the work."""
    consent: str | None
    """The state of their share; None where nobody is asked."""
    own: Collection[str] = ()
    """The release, the assets in which they have a share, and what those are within."""
    works: Collection[str] = ()
    """The release, all assets, and what those are within."""
    named: Collection[str] = ()
    """If the terms name the payee: the same, and everything that the release was made from."""
    known: int = 0
    """What was found false up to here was known when the share was agreed, corrected or
    confirmed."""
    is_forgotten: bool = False


class Question(NamedTuple):
    """A credit or an edge that is held, in dispute, or was found false."""

    works: frozenset[str]
    """The work of the credit; the parent of the edge, with everything that it was made from."""
    person: str | None
    """The person credited."""
    child: str | None
    """The child of the edge."""
    by_name: bool = False
    """Whether it also holds what terms give by name; older disputes did not."""
    false_at: int | None = None
    """Where it was found false; None while that is open."""

    def touches(self, claim: Claim) -> bool:
        """Whether a claim depends on what is in question."""
        if self.false_at is not None and self.false_at <= claim.known:
            return False
        works, own = {*claim.works}, {*claim.own}
        if self.by_name and claim.named:
            works.update(claim.named)
            # An edge leads to a work; which people it is about, only their credits tell.
            own.update(claim.named if self.child is None else [Payee.parse(claim.payee).id])
        if self.child is not None:
            return self.child in works and not own.isdisjoint(self.works)
        return self.person == claim.person and not own.isdisjoint(self.works)


class Questions:
    """Everything that is in question."""

    def __init__(self, every: Iterable[Question] = ()) -> None:
        self._edges: list[Question] = []
        self._credits: dict[str | None, list[Question]] = defaultdict(list)
        for each in every:
            (self._credits[each.person] if each.child is None else self._edges).append(each)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in question."""
        return not self._edges and not self._credits

    def of(self, claim: Claim) -> Iterator[Question]:
        """Those on which a claim depends."""
        for each in (*self._edges, *self._credits.get(claim.person, ())):
            if each.touches(claim):
                yield each


def against(claim: Claim, questions: Questions) -> tuple[str, ...]:
    """Why what is owed can't be paid now; empty if it can."""
    is_false = {each.false_at is not None for each in questions.of(claim)}
    stands = {
        UNCLAIMED: Payee.parse(claim.payee).is_work and claim.person == claim.payee,
        UNACCEPTED: claim.consent == "offered",
        DECLINED: claim.consent == "declined",
        DISPUTED: False in is_false,
        TO_BE_CORRECTED: True in is_false,
        NOBODY: claim.is_forgotten,
    }
    return tuple(reason for reason in REASONS if stands[reason])


def standing(owed_minor: int, why: Collection[str]) -> str:
    """Whether what is owed is payable, held or negative: a debt is never held."""
    if owed_minor < 0:
        return DEBT
    return HELD if why else PAYABLE
