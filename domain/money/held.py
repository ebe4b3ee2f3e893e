"""Money on hold: why a payee can't be paid what they are owed under an agreement, and how much.

One function (``against``) decides, for the books and for the read tables alike. A question about a
piece puts only what the payee gets for that piece on hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from domain.money.doubt import Doubt
from domain.money.passing import NOTHING_PASSED, Passed
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
ByAsset = Mapping[str, Fraction]
"""By asset: a payee's part of the whole, through that asset."""
NO_PARTS: ByAsset = {}


class PayeeClaim(NamedTuple):
    """A payee's claim under an agreement, with everything that could put it on hold."""

    payee: str
    person: str
    """The payee's person after all merges; of a work, who claimed it."""
    consent: str | None
    """The state of their share; None if consent is not asked for."""
    release: str = ""
    assets: Mapping[str, Collection[str]] = NO_ASSETS
    """By asset in which they have a share: the works it depends on."""
    works: Collection[str] = ()
    """The release, and the works that any asset of the agreement depends on."""
    named: Collection[str] = ()
    """If the terms name the payee: ``works``, and all ancestors of the release."""
    known: int = 0
    """What was found false up to this position was known when the share was agreed, corrected or
    confirmed, and no longer matters."""
    is_forgotten: bool = False
    passed: Mapping[str, tuple[Passed, ...]] = NOTHING_PASSED
    """By asset: the parts that others had before; persons and works after all merges and joins."""

    @property
    def givers(self) -> set[str]:
        """The persons who had a part of it before."""
        every = (each for passed in self.passed.values() for each in passed)
        return {giver.payee for each in every for giver in each.givers}

    @property
    def own(self) -> set[str]:
        """The release, and the works that the assets with a share of theirs depend on."""
        return {self.release}.union(*self.assets.values())


class InQuestion(NamedTuple):
    """A doubt, with the people and works that it is about after all merges and joins."""

    works: frozenset[str]
    """The work of the credit; or the parent of the edge, with all of its ancestors."""
    person: str | None
    """The person credited."""
    child: str | None
    """The child of the edge."""
    doubt: Doubt

    def is_settled_for(self, claim: PayeeClaim) -> bool:
        """Whether a claim accounts for what was found."""
        return self.doubt.false_at is not None and self.doubt.false_at <= claim.known

    def touches(self, claim: PayeeClaim) -> bool:
        """Whether a claim depends on what is in question."""
        if self.is_settled_for(claim):
            return False
        works, own = {*claim.works}, claim.own
        if self.doubt.by_name and claim.named:
            works.update(claim.named)
            # A disputed edge concerns the people of a work only through their credits.
            own.update(claim.named if self.child is None else [Payee.parse(claim.payee).id])
        if self.child is not None:
            return self.child in works and not own.isdisjoint(self.works)
        return self.person == claim.person and not own.isdisjoint(self.works)

    def limited_to(self, claim: PayeeClaim) -> Collection[str]:
        """The assets through which a claim depends on the question; empty: the whole claim does."""
        by_name = self.doubt.by_name and claim.named
        if not self.doubt.by_piece or by_name or claim.release in self.works:
            return ()
        return {asset for asset, works in claim.assets.items() if not self.works.isdisjoint(works)}

    def reached(self, claim: PayeeClaim) -> Iterator[tuple[str, int]]:
        """The parts of a claim that somebody had for what is in question: the asset, the index."""
        if not self.doubt.by_origin or self.is_settled_for(claim):
            return
        for asset, passed in claim.passed.items():
            for index, each in enumerate(passed):
                if any(
                    giver.payee == self.person
                    and not self.works.isdisjoint((claim.release, *giver.works))
                    for giver in each.givers
                ):
                    yield asset, index


class AllInQuestion:
    """All that is in question: edges indexed by child, credits by person."""

    def __init__(self, every: Iterable[InQuestion] = ()) -> None:
        self._edges: dict[str, list[InQuestion]] = defaultdict(list)
        self._credits: dict[str | None, list[InQuestion]] = defaultdict(list)
        for each in every:
            if each.child is None:
                self._credits[each.person].append(each)
            else:
                self._edges[each.child].append(each)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is in question."""
        return not self._edges and not self._credits

    def about(self, claim: PayeeClaim) -> Iterator[InQuestion]:
        """The questions on which a claim may depend."""
        for work in {*claim.works, *claim.named}:
            yield from self._edges.get(work, ())
        for person in {claim.person, *claim.givers}:
            yield from self._credits.get(person, ())


def accounting_for(agreement: str, known_as: Callable[[str], Iterable[str]]) -> list[str]:
    """The agreements whose account of what was found false holds for one: itself, and others.

    An assigned share is known as under the agreement that the assignment changed; corrected money,
    as under the agreement that it was corrected to. Neither decides what stands.
    """
    reached = [agreement]
    # The loop continues over what it appends.
    for each in reached:
        reached += [other for other in known_as(each) if other not in reached]
    return reached


class Held(NamedTuple):
    """Whether a claim is on hold, and why."""

    because: tuple[str, ...] = ()
    """The reasons; empty: it can be paid."""
    assets: frozenset[str] = frozenset()
    """The assets on hold; empty: the whole claim."""
    parts: tuple[tuple[str, Fraction], ...] = ()
    """Of which of these assets only a part is on hold, and how much of it."""


def against(claim: PayeeClaim, questions: AllInQuestion) -> Held:
    """Why a claim can't be paid now, and which assets of it."""
    open_now, assets, parts = depending(claim, questions.about(claim))
    is_false = {each.doubt.false_at is not None for each in open_now}
    stands = {
        UNCLAIMED: Payee.parse(claim.person).is_work,
        UNACCEPTED: claim.consent == "offered",
        DECLINED: claim.consent == "declined",
        DISPUTED: False in is_false,
        TO_BE_CORRECTED: True in is_false,
        NOBODY: claim.is_forgotten,
    }
    because = tuple(reason for reason in REASONS if stands[reason])
    is_limited = {*because} <= {DISPUTED, TO_BE_CORRECTED}
    return Held(because, assets, parts) if is_limited else Held(because)


class Depending(NamedTuple):
    """The questions on which a claim depends, and what of it does, as in ``Held``."""

    questions: list[InQuestion]
    assets: frozenset[str]
    parts: tuple[tuple[str, Fraction], ...]


def depending(claim: PayeeClaim, questions: Iterable[InQuestion]) -> Depending:
    """Which of these questions a claim depends on, and through which assets or parts of them."""
    found: list[InQuestion] = []
    about: list[Collection[str]] = []
    reached: dict[str, set[int]] = defaultdict(set)
    for each in questions:
        passed = list(each.reached(claim))
        for asset, index in passed:
            reached[asset].add(index)
        if is_own := each.touches(claim):
            about.append(each.limited_to(claim))
        if is_own or passed:
            found.append(each)
    if not all(about):
        return Depending(found, frozenset(), ())
    whole: frozenset[str] = frozenset().union(*about)
    only = tuple(
        (asset, sum((claim.passed[asset][index].part for index in reached[asset]), Fraction()))
        for asset in sorted({*reached} - whole)
    )
    return Depending(found, whole.union(reached), only)


class Owed(NamedTuple):
    """What a payee is owed under an agreement."""

    left_minor: int = 0
    """The balance; negative if too much was paid: a debt."""
    gone_minor: int = 0
    """What was paid or assigned away since the balance was last 0."""

    def earned(self, units: int) -> Owed:
        """After these units were earned (negative: taken back)."""
        return self._replace(left_minor=self.left_minor + units)

    def paid(self, units: int) -> Owed:
        """After these units were paid (negative: came back and were claimed)."""
        left = self.left_minor - units
        return Owed(left, max(0, self.gone_minor + units) if left else 0)

    def held_minor(self, held: Held, parts: ByAsset) -> int:
        """How many units are on hold; a debt never is. ``parts`` are the payee's, by asset.

        If only some assets are on hold, that is their part of everything earned since the balance
        was last 0. Of the present balance alone it would not do: repeated payouts would then pay
        out what is on hold bit by bit.
        """
        if self.left_minor <= 0 or not held.because:
            return 0
        whole = sum(parts.values(), Fraction())
        if not held.assets or not whole:
            return self.left_minor
        only = dict(held.parts)
        of = (parts.get(asset, Fraction()) * only.get(asset, 1) for asset in held.assets)
        waits = sum(of, Fraction())
        return min(self.left_minor, ceil((self.left_minor + self.gone_minor) * waits / whole))


def covering_debts(
    of: Mapping[tuple[str, str], tuple[str, int, int]],
) -> dict[tuple[str, str], int]:
    """By payee and agreement: how many held units offset a debt of the payee to the same pool.

    ``of`` gives by payee and agreement the pool, the units owed, and the units of those on hold. A
    correction posts what it takes away as a debt under the new agreement; offset against what is on
    hold under the old one, it need be neither awaited nor paid.
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
