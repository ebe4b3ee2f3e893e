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
from domain.money.shares import parts_of, waived_in
from projections.nouns import facts_of, noun_at
from projections.store import View, holds


def waivers_of(view: View, journal: Journal, noun: Proposal) -> dict[tuple[str, str], str]:
    """By payee and asset: the scope over which a waived share is spread."""
    payees = dict.fromkeys(payees_of(noun.current.assets))
    waivers: dict[tuple[str, str], str] = {}
    for placed in facts_of(view, journal, *(share_id(noun.id, payee) for payee in payees)):
        happened = placed.fact()
        if isinstance(happened, Share.Waived):
            waivers |= waived_in(noun.current.assets, happened.payee, happened.scope)
    return waivers


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
