"""Why a payee can't be paid what they are owed under an agreement, and how much of it.

One function decides, both for the books and for the read tables. What is in question about a piece
holds only what the payee has by that piece.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from fractions import Fraction
from math import ceil
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

NO_ASSETS: Mapping[str, Collection[str]] = {}
Parts = Mapping[str, Fraction]
"""By asset: a payee's part of the whole."""
NO_PARTS: Parts = {}


class Claim(NamedTuple):
    """A payee's claim under an agreement, with everything that could hold it back."""

    payee: str
    person: str
    """The person the payee is after all merges, or who claimed the work."""
    consent: str | None
    """The state of their share; None where nobody is asked."""
    release: str = ""
    assets: Mapping[str, Collection[str]] = NO_ASSETS
    """The assets in which they have a share, each with itself and what it is within."""
    works: Collection[str] = ()
    """The release, all assets, and what those are within."""
    named: Collection[str] = ()
    """If the terms name the payee: these, and everything that the release was made from."""
    known: int = 0
    """What was found false up to here was known when the share was agreed, corrected or
    confirmed."""
    is_forgotten: bool = False

    @property
    def own(self) -> set[str]:
        """The release, the assets in which they have a share, and what those are within."""
        return {self.release}.union(*self.assets.values())


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
    by_piece: bool = False
    """Whether it holds only what a payee has by the piece; older disputes held all of a share."""

    def touches(self, claim: Claim) -> bool:
        """Whether a claim depends on what is in question."""
        if self.false_at is not None and self.false_at <= claim.known:
            return False
        works, own = {*claim.works}, claim.own
        if self.by_name and claim.named:
            works.update(claim.named)
            # An edge leads to a work; which people it is about, only their credits tell.
            own.update(claim.named if self.child is None else [Payee.parse(claim.payee).id])
        if self.child is not None:
            return self.child in works and not own.isdisjoint(self.works)
        return self.person == claim.person and not own.isdisjoint(self.works)

    def limited_to(self, claim: Claim) -> Collection[str]:
        """The assets by which a claim depends on it; none if all of the claim does."""
        by_name = self.by_name and claim.named
        if not self.by_piece or by_name or claim.release in self.works:
            return ()
        return {asset for asset, works in claim.assets.items() if not self.works.isdisjoint(works)}


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


class Held(NamedTuple):
    """Why what is owed can't be paid now."""

    because: tuple[str, ...] = ()
    """The reasons; none if it can."""
    assets: frozenset[str] = frozenset()
    """The assets that it is about; none if it is about all of the claim."""


def against(claim: Claim, questions: Questions) -> Held:
    """Why what is owed can't be paid now, and which of it."""
    open_now = list(questions.of(claim))
    is_false = {each.false_at is not None for each in open_now}
    stands = {
        UNCLAIMED: Payee.parse(claim.person).is_work,
        UNACCEPTED: claim.consent == "offered",
        DECLINED: claim.consent == "declined",
        DISPUTED: False in is_false,
        TO_BE_CORRECTED: True in is_false,
        NOBODY: claim.is_forgotten,
    }
    because = tuple(reason for reason in REASONS if stands[reason])
    about = [each.limited_to(claim) for each in open_now]
    is_limited = {*because} <= {DISPUTED, TO_BE_CORRECTED} and all(about)
    return Held(because, frozenset().union(*about) if is_limited else frozenset())


class Owed(NamedTuple):
    """What a payee is owed under an agreement."""

    left_minor: int = 0
    """Negative if too much was paid: a debt."""
    gone_minor: int = 0
    """What was paid since nothing was left to be paid."""

    def earned(self, units: int) -> Owed:
        """The same after more was earned, or taken back."""
        return self._replace(left_minor=self.left_minor + units)

    def paid(self, units: int) -> Owed:
        """The same after something was paid; or, if negative, came back and was claimed."""
        left = self.left_minor - units
        return Owed(left, max(0, self.gone_minor + units) if left else 0)

    def held_minor(self, held: Held, parts: Parts) -> int:
        """How much of it waits, with the payee's parts by each asset; a debt never does.

        What is about some assets holds their part of all that came in since nothing was left: were
        it their part of what is left, one payout after another would pay it.
        """
        if self.left_minor <= 0 or not held.because:
            return 0
        whole = sum(parts.values(), Fraction())
        if not held.assets or not whole:
            return self.left_minor
        waits = sum((parts.get(asset, Fraction()) for asset in held.assets), Fraction())
        return min(self.left_minor, ceil((self.left_minor + self.gone_minor) * waits / whole))


def covering_debts(
    of: Mapping[tuple[str, str], tuple[str, int, int]],
) -> dict[tuple[str, str], int]:
    """How much of what is held a debt of the same payee to the same pool takes back.

    By payee and agreement: the pool, what is owed, and what of it is held. A correction posts what
    it takes as a debt under the new agreement: nobody waits for that any more, and nobody owes it.
    """
    net: dict[tuple[str, str], int] = defaultdict(int)
    for (payee, _), (pool, owed, waits) in of.items():
        net[payee, pool] += owed - waits
    found = {}
    for key, (pool, _, waits) in sorted(of.items()):
        if part := min(waits, max(0, -net[key[0], pool])):
            net[key[0], pool] += part
            found[key] = part
    return found
