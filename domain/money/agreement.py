"""An agreement: the shares of a final proposal, with what was waived of them since.

Its assets are those of the final proposal; only a waiver changes its shares.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from domain.money.proposal import Assets
from domain.money.shares import Shares


@dataclass(frozen=True)
class Agreement:
    """Shares that were agreed for a pool."""

    proposal: str
    pool: str
    release: str
    number: int
    effective_at: str
    """It holds for what is earned from then on; the empty text is before every date."""
    graph_position: int | None
    assets: Assets
    waivers: Mapping[tuple[str, str], str]
    shares: Shares
    agreed: Fraction = Fraction()
    """The exact amount that was divided by these shares and not reversed."""
    known: int = 0
    """The position up to which its shares take account of what was found false."""

    @cached_property
    def pieces(self) -> Mapping[str, Collection[str]]:
        """By payee: the assets in which they have a share, and what those are within."""
        found: dict[str, set[str]] = {}
        for asset in self.assets:
            for payee, _ in asset["shares"]:
                found.setdefault(payee, set()).update((asset["asset"], *asset.get("within", ())))
        return found

    @cached_property
    def works(self) -> Collection[str]:
        """The release, all assets, and what those are within."""
        return {self.release}.union(*self.pieces.values())
