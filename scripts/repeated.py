"""Checking the fields that a fact about money repeats from other facts.

A fact names its release, pool and payee for those who read it alone, and it is in the histories of
these. Its other fields are checked by deciding its command again, or by recomputing them.
"""

from __future__ import annotations

from typing import Any

from domain.credit import Credit
from domain.fact import Fact
from domain.money.entry import Entry
from domain.money.hold import Hold, hold_on
from domain.money.keeping import share_id
from domain.money.payee import Payee
from domain.money.payout import Payout
from domain.money.pool import Pool
from domain.money.proposal import Proposal
from domain.money.share import Share
from domain.past import Past

_ALWAYS = ("pool", "release", "proposal", "currency", "credit", "work", "contributor", "batch")
REPEATING: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("pool", "proposal", "entry", "revenue", "expense", "hold"), _ALWAYS),
    "share": (*_ALWAYS, "payee"),
    "payout": (*_ALWAYS, "payee", "amount_minor"),
    "withholding": ("payee", "country"),
}
"""By noun: the fields that later facts repeat from its first one."""


def repeated_otherwise(past: Past, happened: Fact) -> str:
    """The field in which a fact differs from the fact that it repeats; empty if none does.

    Raises Unknown if it names a pool, an agreement or a credit that does not exist.
    """
    noun, said = happened.TOPIC.partition(".")[0], vars(happened)
    first = next((vars(one) for _, one in past.stream(happened.originator_id)), {})
    known = {name: first[name] for name in REPEATING[noun] if name in first}
    known |= _known(past, happened, said)
    return next((name for name, value in known.items() if said.get(name, value) != value), "")


def _known(past: Past, happened: Fact, said: dict[str, Any]) -> dict[str, Any]:
    """The values that a fact should repeat, from the facts of other nouns."""
    match happened:
        case Hold.Event():
            credit = past.get(Credit, happened.credit)
            own = {"originator_id": hold_on(happened.credit)}
            return own | {"work": credit.work, "contributor": credit.contributor}
        case Payout.Issued():
            return {} if past.stream(happened.batch) else {"batch": None}
        case Proposal.Finalised(replaces=str(earlier)):
            return _accounting(past, happened) | {"pool": past.get(Proposal, earlier).pool}
    known = _accounting(past, happened)
    if (pool := said.get("pool")) and "release" in said:
        known["release"] = past.get(Pool, pool).opened.release
    if pool and (proposal := said.get("proposal")):
        known["pool"] = past.get(Proposal, proposal).pool
    if isinstance(happened, Share.Event):
        known["originator_id"] = share_id(happened.proposal, happened.payee)
    if isinstance(happened, Share.Claimed) and not _is_maker(past, happened):
        known["contributor"] = None
    return known


def _accounting(past: Past, happened: Fact) -> dict[str, Any]:
    """How an agreement or a correction accounts for findings, unless it is too old to say so."""
    known: dict[str, Any] = {}
    match happened:
        case Proposal.Finalised():
            if happened.known_as is not None:
                known["known_as"] = happened.replaces
            if happened.known_at is not None:
                noun = past.get(Proposal, happened.originator_id)
                known["known_at"] = noun.versions[-1].position
        case Entry.Corrected(known_as=str()):
            known["known_as"] = happened.proposal if happened.is_complete else None
    return known


def _is_maker(past: Past, claimed: Share.Claimed) -> bool:
    """Whether the share of a work is offered to somebody with a credit on it.

    Or to who claimed another share of it: their later shares are offered to them, too, whatever
    became of the credit.
    """
    if past.books().person(claimed.payee) == claimed.contributor:
        return True
    credits = past.known.credits(past.known.same([Payee.parse(claimed.payee).id]))
    people = {past.person(one.contributor) for one in credits if one.counts}
    return past.person(claimed.contributor) in people
