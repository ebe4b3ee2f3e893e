"""Commands by which shares become final, and their payees accept, decline or waive them.

Every payee is asked, and revenue that waited for the agreement is divided.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Self

from domain.command import Command, command, record
from domain.fact import New
from domain.identity import new_id
from domain.membership import Membership
from domain.moment import instant
from domain.money.dividing import corrected, divide_waiting
from domain.money.finalising import agreed
from domain.money.held import TO_BE_CORRECTED
from domain.money.keeping import held_now, share_id
from domain.money.payee import Payee
from domain.money.pool import Pool
from domain.money.proposal import Proposal
from domain.money.proposing import CLOSES, must_be_open
from domain.money.reckoning import waived_from
from domain.money.share import Share
from domain.money.shares import must_be_scope, shares_of, waived_in
from domain.money.split import OF_SPLIT
from domain.money.terms import by_shares
from domain.past import Past
from domain.permission import OPERATOR, OWN
from domain.refusal import (
    CommentsOpen,
    NoShare,
    NothingToConfirm,
    NotPermitted,
    UnknownScope,
    WindowOpen,
    WrongState,
)
from domain.value import Example
from domain.values import (
    BEN,
    ContributorId,
    Moment,
    PayeeText,
    PieceText,
    ProposalId,
    Reason,
    WorkId,
)

_HERE = "/proposals/{proposal}"


@command(
    "proposal.finalise",
    f"{_HERE}/finalise",
    may=CLOSES,
    refuses=(WrongState, WindowOpen, CommentsOpen, *OF_SPLIT),
)
class FinaliseProposal(Command):
    """Agree on the shares: every payee is asked, and revenue that waited is divided.

    This is refused before the window has closed, and within the pool's hours of review after a
    revision or a comment on the last day. The shares apply to what is earned from ``effective_at``
    on: by default from now on, and for the first agreement of a pool from the beginning.
    """

    proposal: ProposalId
    effective_at: Annotated[
        Moment | None, "They apply to what is earned from then on; default now.", Example("2017")
    ] = None

    def decide(self, past: Past) -> Iterator[New]:
        noun = past.get(Proposal, self.proposal)
        must_be_open(noun)
        opened = past.get(Pool, noun.pool).opened
        if instant(past.now) < (final_from := noun.final_from(opened.review_hours)):
            raise WindowOpen(final_from)
        if unanswered := tuple(each.id for each in noun.comments.values() if each.is_open):
            raise CommentsOpen(unanswered)
        yield from agreed(
            past,
            opened,
            self.proposal,
            noun.current,
            effective_at=self.effective_at,
            known_at=noun.versions[-1].position,
        )
        yield from divide_waiting(past, noun.pool)


@record
class _OfShare(Command):
    """A command about the sender's agreed share."""

    proposal: ProposalId
    contributor: Annotated[
        ContributorId | None, "Whose share it is; default your own, under any of your accounts."
    ] = None
    work: Annotated[
        WorkId | None, "For a share held for a work you claimed: the work.", Example(None)
    ] = None

    def settled(self, past: Past) -> Self:
        """The command with the sender's account that was offered the share, if it is another."""
        is_said = self.contributor or past.is_signed
        if is_said or past.stream(share_id(self.proposal, past.actor)):
            return self
        for own in past.accounts(past.actor):
            if past.stream(share_id(self.proposal, own)):
                return replace(self, contributor=own)
        return self

    def target(self, actor: str) -> str:
        return share_id(self.proposal, self._payee(actor))

    def sides(self, past: Past) -> dict[str, str]:
        if self.work is not None:
            return past.get(Share, self.target(past.actor)).sides(past)
        return {"contributor": self.contributor or past.actor}

    def changes(self, past: Past) -> Share:
        """The sender's share; refuses (``NoShare``) if there is none."""
        if not past.stream(past.id):
            raise NoShare(self._payee(past.actor))
        return past.get(Share, past.id)

    def _payee(self, actor: str) -> str:
        if self.work is not None:
            return str(Payee("work", self.work))
        return self.contributor or actor


@command("share.accept", f"{_HERE}/share/accept", may=OWN, refuses=(NoShare,), then=Share.Accepted)
class AcceptShare(_OfShare):
    """Accept the share that was agreed; what was held for it can be paid."""


@command(
    "share.decline", f"{_HERE}/share/decline", may=OWN, refuses=(NoShare,), then=Share.Declined
)
class DeclineShare(_OfShare):
    """Decline the share; the money due on it stays held."""

    reason: Annotated[Reason | None, Example("Too little for the work.")] = None


@command(
    "share.waive",
    f"{_HERE}/share/waive",
    may=OWN,
    refuses=(NoShare, WrongState, UnknownScope, *OF_SPLIT),
)
class WaiveShare(_OfShare):
    """Waive the share within a scope: a piece, an act, an episode, the release.

    It goes to the others there in proportion; money already divided is corrected. Whoever waives
    all of it is no longer asked.
    """

    scope: Annotated[PieceText, "An asset, a part it is within, or “release”.", Example("act 1")]
    reason: Annotated[Reason | None, Example("I was paid in full already.")] = None

    def decide(self, past: Past) -> Iterator[New]:
        noun = self.changes(past)
        before = past.books().agreements[self.proposal]
        must_be_scope(before.assets, noun.payee, self.scope)
        waivers = {**before.waivers, **waived_in(before.assets, noun.payee, self.scope)}
        shares = shares_of(before.assets, waivers)
        # Both calls refuse a waiver that leaves nobody to receive it.
        by_shares(past.get(Pool, noun.pool).opened, 1, {}, shares)
        past.watch_money(noun.release)
        reason = past.text(past.actor, "reason", self.reason)
        stands_as = None if shares[noun.payee] else Share.WAIVED
        yield noun.then(Share.Waived, scope=self.scope, reason=reason, stands_as=stands_as)
        after = past.books().agreements[self.proposal]
        if past.books().agreed[self.proposal] and before.shares != after.shares:
            change = waived_from(past.books(), before)
            yield from corrected(past, new_id(None), self.proposal, change, reason)


# -- what was found false ------------------------------------------------------------------------


@command("share.confirm", f"{_HERE}/confirm", may=CLOSES, refuses=(NothingToConfirm,))
class ConfirmShare(Command):
    """Decide that a share stands, although something it depends on was found false.

    Until then, or until a new agreement and a correction, what is owed for it is held. Nobody but
    the operator decides this about their own share, one they had before, or that of a group they
    are or were in.
    """

    proposal: ProposalId
    payee: Annotated[PayeeText, Example(BEN)]
    reason: Annotated[Reason, Example("The solo stayed in the mix; only the credit was wrong.")]

    def is_done(self, past: Past) -> bool:
        return not self._is_in_question(past)

    def decide(self, past: Past) -> Iterator[New]:
        noun = past.get(Proposal, self.proposal)
        if not self._is_in_question(past):
            raise NothingToConfirm(self.payee)
        self._must_be_of_another(past)
        past.watch_money(noun.release, self.payee)
        yield noun.then(Proposal.Confirmed, **self.told(Proposal.Confirmed))

    def _is_in_question(self, past: Past) -> bool:
        if self.proposal not in past.books().agreements:
            return False
        return TO_BE_CORRECTED in held_now(past, self.payee, self.proposal).because

    def _must_be_of_another(self, past: Past) -> None:
        """Refuse the payee: who profits from a finding being passed over does not pass it over.

        Nor do those who had a part of it before, as the finding may be about them.
        """
        claim = past.books().claim(self.payee, self.proposal)
        own = {past.person(past.actor), *_groups(past)}
        if past.actor != OPERATOR and not own.isdisjoint({claim.person, *claim.givers}):
            why = (
                "Nobody confirms their own share, one they had before, or that of a group they are "
                "or were in: the operator decides, or others who may."
            )
            raise NotPermitted(past.actor, self.words(), why)


def _groups(past: Past) -> set[str]:
    """The groups that the actor is or was in, under any account."""
    accounts = past.accounts(past.actor)
    past.watch(Membership.Accepted.TOPIC, *accounts)
    offered = past.known.saying((Membership.Offered,), "contributor", accounts)
    every = (past.get(Membership, each.originator_id) for each in offered)
    return {past.person(each.group) for each in every if each.counts}
