"""The facts of an agreement: made here, made elsewhere, or implied by the terms of a pool.

Every payee with a share is asked, except those who accepted the same share before: that is carried
over. A share of 0 gives nothing that could be accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from domain.fact import New
from domain.identity import part_id
from domain.moment import instant
from domain.money.agreement import Agreement
from domain.money.apportionment import payee_key
from domain.money.books import Books
from domain.money.claiming import claimed, maker_of
from domain.money.held import NO_PARTS
from domain.money.keeping import share_id
from domain.money.payee import Payee
from domain.money.policy.shares import Agreed
from domain.money.pool import Pool
from domain.money.proposal import Content, Proposal
from domain.money.share import Share
from domain.money.shares import shares_of
from domain.money.terms import by_shares, policies_in
from domain.paging import pages
from domain.past import Past

ACCEPTED = frozenset({"accepted", "carried"})
"""The states of a share whose payee has agreed."""


def agreed(
    past: Past,
    opened: Pool.Opened,
    proposal: str,
    content: Content,
    *,
    effective_at: str | None,
    **more: Any,
) -> Iterator[New]:
    """The facts by which proposed shares become final, and payees are asked for their consent."""
    shares = shares_of(content.assets, {})
    exact = [[payee, str(shares[payee])] for payee in sorted(shares, key=payee_key)]
    by_shares(opened, 1, {}, shares)  # refuses shares by which nothing can be divided
    books, pool = past.books(), opened.originator_id
    since = effective_at or (instant(past.now) if _agreements(books, pool) else None)
    earlier = books.agreement_for(pool, since or "")
    line = {"pool": pool, "release": opened.release}
    first, *further = pages(exact)
    yield New(
        Proposal.Finalised,
        proposal,
        {
            **line,
            "shares": first,
            "number": len(books.pools[pool].agreements) + 1,
            "effective_at": since,
            "basis": content.policy
            and f"{content.policy['type']} {content.policy.get('version', 1)}",
            "graph_position": content.graph_position,
            **more,
        },
    )
    for page in further:
        yield New(Proposal.Shared, proposal, {**line, "shares": page})
    agreement = past.books().agreements[proposal]
    if not more.get("replaces"):
        for payee in _ended(past, earlier, agreement):
            past.warn("assignment_ended", payee=payee, since=since)
        dates = {each.effective_at for each in past.books().opened[pool].agreements}
        if later := [date for date in sorted(dates) if date > agreement.effective_at]:
            past.warn("agreement_ends", since=later[0])
    for payee, share in exact:
        yield from _asked(past, agreement, payee, share, earlier)


def _ended(past: Past, earlier: Agreement | None, now: Agreement) -> dict[str, None]:
    """Those who had a share by assignment under an earlier agreement, and have none now."""
    ended: dict[str, None] = {}
    while earlier is not None and (before := _replaced_by(past, earlier)) is not None:
        for payee, share in earlier.shares.items():
            if share > before.shares.get(payee, Fraction()) and not now.shares.get(payee):
                ended[payee] = None
        earlier = before
    return ended


def _replaced_by(past: Past, assigned: Agreement) -> Agreement | None:
    """The agreement in which a share was assigned by this one; None if it is no assignment."""
    replaced = getattr(past.get(Proposal, assigned.proposal).final, "replaces", None)
    return past.books().agreements[replaced] if replaced else None


def _asked(
    past: Past, agreement: Agreement, payee: str, share: str, earlier: Agreement | None
) -> Iterator[New]:
    """Asks a payee, or carries over the acceptance of an unchanged share."""
    own, of = share_id(agreement.proposal, payee), Payee.parse(payee)
    line = {
        "proposal": agreement.proposal,
        "pool": agreement.pool,
        "release": agreement.release,
        "payee": payee,
    }
    if not Fraction(share):
        return
    if of.is_work and (maker := maker_of(past, payee)):
        yield claimed(past, agreement, payee, maker)
    elif of.is_contributor:
        yield Share.Offered.born(own, **line, share=share)
    else:
        return
    if earlier is not None and is_unchanged(past.books(), earlier, agreement, payee):
        yield New(Share.Carried, own, {**line, "earlier": earlier.proposal})


def is_unchanged(books: Books, earlier: Agreement, now: Agreement, payee: str) -> bool:
    """Whether a payee accepted the earlier agreement, and now has the same part of every asset."""
    consent = books.consents.get((earlier.proposal, payee))
    before, after = (each.parts.get(payee, NO_PARTS) for each in (earlier, now))
    return consent in ACCEPTED and before == after


def _agreements(books: Books, pool: str) -> list[str]:
    """The agreements of a pool, without an implied one."""
    return [id for id in books.pools[pool].agreements if not books.agreements[id].is_implied]


def implied(past: Past, pool: str) -> Iterator[New]:
    """The implied agreement of a pool whose terms name all payees, recorded when it is needed."""
    known = past.books().opened[pool]
    if known.agreements:
        return
    if not any(policies_in(each.terms, Agreed.TYPE) for each in known.versions):
        line = {"pool": pool, "release": known.opened.release}
        yield Proposal.Implied.born(part_id(pool, "terms", 0), **line, number=1)
