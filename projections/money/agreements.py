"""Agreements at the position of a view: dates, waivers, and everyone's part of each asset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.journal import Journal
from domain.money.agreement import Dated
from domain.money.held import ByAsset
from domain.money.keeping import share_id
from domain.money.passing import PassedOn, passed_by, passed_in
from domain.money.proposal import Proposal, payees_of
from domain.money.share import Share
from domain.money.shares import Shares, parts_of, shares_of, waived_in
from projections.nouns import facts_of, noun_at
from projections.store import View, holds


def waivers_of(view: View, journal: Journal, noun: Proposal) -> dict[tuple[str, str], str]:
    """By payee and asset: the scope over which a waived share is spread."""
    return _spread(noun, (share for _, share in _waived(view, journal, noun)))


def _waived(view: View, journal: Journal, noun: Proposal) -> list[tuple[int, Share.Waived]]:
    payees = dict.fromkeys(payees_of(noun.current.assets))
    every = facts_of(view, journal, *(share_id(noun.id, payee) for payee in payees))
    found = ((placed.position, placed.fact()) for placed in every)
    return [(at, happened) for at, happened in found if isinstance(happened, Share.Waived)]


def _spread(noun: Proposal, waived: Iterable[Share.Waived]) -> dict[tuple[str, str], str]:
    waivers: dict[tuple[str, str], str] = {}
    for share in waived:
        waivers |= waived_in(noun.current.assets, share.payee, share.scope)
    return waivers


class AgreedShares:
    """The shares of agreements at any positions up to the view's; each agreement is read once."""

    def __init__(self, view: View, journal: Journal) -> None:
        self._view, self._journal = view, journal
        self._read: dict[str, tuple[Proposal, list[tuple[int, Share.Waived]]]] = {}
        self._shares: dict[tuple[str, int], Shares] = {}

    def at(self, proposal: str, position: int) -> Shares:
        """Everyone's share under an agreement after what had been waived up to a position."""
        if proposal not in self._read:
            noun = noun_at(self._view, self._journal, Proposal, proposal)
            self._read[proposal] = noun, _waived(self._view, self._journal, noun)
        noun, every = self._read[proposal]
        waived = [share for at, share in every if at <= position]
        which = proposal, len(waived)
        if which not in self._shares:
            self._shares[which] = shares_of(noun.current.assets, _spread(noun, waived))
        return self._shares[which]


def passed_under(view: View, journal: Journal, proposal: str) -> PassedOn:
    """The parts of shares that others had before they had them under an agreement."""
    noun = noun_at(view, journal, Proposal, proposal)
    assigned = (
        (view.at(position), happened.replaces)
        for position, happened in noun.facts
        if isinstance(happened, Proposal.Finalised) and happened.replaces is not None
    )
    then, earlier = next(assigned, (view, None))
    if earlier is None:
        return passed_in(noun.current.assets)
    parts = parts_in(then, journal, (earlier, proposal))
    assets = noun_at(then, journal, Proposal, earlier).current.assets
    before = passed_under(then, journal, earlier)
    return passed_by(assets, before, parts[earlier], parts[proposal])


def dated_in(view: View, pool: str) -> list[Dated]:
    """The agreements of a pool, with their dates."""
    rows = view.rows(
        "SELECT a.id, coalesce(a.effective_at, ''), a.number FROM @proposals a "
        f"WHERE a.pool = :pool AND a.number IS NOT NULL AND {holds('a')}",
        pool=pool,
    )
    return [Dated(*row) for row in rows]


def parts_in(
    view: View, journal: Journal, proposals: Iterable[str]
) -> dict[str, Mapping[str, ByAsset]]:
    """By agreement and payee: their parts of the whole through each asset, after waivers."""
    found = {}
    for proposal in proposals:
        noun = noun_at(view, journal, Proposal, proposal)
        found[proposal] = parts_of(noun.current.assets, waivers_of(view, journal, noun))
    return found
