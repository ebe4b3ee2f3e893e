"""An agreement: the shares of a final proposal, less what was waived since.

Its assets are those of the final proposal; only a waiver changes its shares.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from operator import attrgetter
from typing import ClassVar, NamedTuple

from domain.cached import cached_property
from domain.money.passing import PassedOn
from domain.money.proposal import Assets, depends_on
from domain.money.shares import Shares, parts_of, shares_of


@dataclass(frozen=True)
class Agreement:
    """Shares that were agreed for a pool."""

    LASTS: ClassVar = True
    proposal: str
    pool: str
    release: str
    number: int
    effective_at: str
    """It is in force for what is earned from then on; the empty text is before every date."""
    graph_position: int | None
    """The position at which the lineage was read, if the shares follow from it."""
    assets: Assets
    at: int
    """The position at which it became final."""
    waivers: Mapping[tuple[str, str], str] = field(default_factory=dict)
    known: int = 0
    """The position up to which its shares take account of what was found false."""
    known_as: tuple[str, ...] = ()
    """Other agreements whose account of what was found false holds for it, too."""
    is_implied: bool = False
    """Whether the terms of the pool name everybody, so that it has no shares."""
    passed: PassedOn = field(default_factory=dict)
    """The parts of shares that others had before, by assignment or through a group."""

    @cached_property
    def shares(self) -> Shares:
        """The exact share of every payee, after waivers."""
        return shares_of(self.assets, self.waivers)

    @cached_property
    def pieces(self) -> Mapping[str, Mapping[str, Collection[str]]]:
        """By payee and asset in which they have a share: the works that the share depends on."""
        found: dict[str, dict[str, Collection[str]]] = {}
        for asset in self.assets:
            for payee, _ in asset["shares"]:
                found.setdefault(payee, {})[asset["asset"]] = depends_on(asset, payee)
        return found

    @cached_property
    def works(self) -> Collection[str]:
        """The release, and all works that its shares depend on."""
        every = (each for assets in self.pieces.values() for each in assets.values())
        return {self.release}.union(*every)

    @cached_property
    def parts(self) -> Mapping[str, Mapping[str, Fraction]]:
        """By payee and asset: their part of the whole through that asset, after waivers."""
        return parts_of(self.assets, self.waivers)


class Dated(NamedTuple):
    """An agreement of a pool, and the date from which it is in force."""

    agreement: str
    effective_at: str
    number: int


def in_force(agreements: Iterable[Dated], effective_at: str) -> Dated | None:
    """The agreement of a pool for what was earned at a moment; None if that is before the first."""
    begun = (each for each in agreements if each.effective_at <= effective_at)
    return max(begun, key=attrgetter("effective_at", "number"), default=None)
