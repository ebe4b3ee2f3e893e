"""Commands that record, with proof, what was agreed, signed or found out outside of Stemma.

None of it waits for comments here, and the facts say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Annotated, Any

from domain.command import Command, Record, command, record
from domain.fact import New
from domain.moment import instant
from domain.money.agreement import Agreement
from domain.money.books import Books
from domain.money.dividing import divide_waiting
from domain.money.finalising import ACCEPTED, agreed
from domain.money.held import DISPUTED, TO_BE_CORRECTED
from domain.money.keeping import (
    held_now,
    must_know,
    must_not_be_forgotten,
    of_same_document,
    share_id,
    side_of,
    stage_facts,
    standing,
)
from domain.money.outsider import Outsider, outsider_id
from domain.money.payee import Payee
from domain.money.pool import Pool
from domain.money.proposal import Assets, Content, Proposal
from domain.money.proposing import OF_CONTENT, ProposedContent
from domain.money.share import Share
from domain.money.split import OF_SPLIT
from domain.money.through import MOST_MEMBERS, divided, parts_among, passed_on
from domain.past import Past
from domain.permission import OWN
from domain.refusal import (
    AlreadyIdentified,
    BadShare,
    ContributorForgotten,
    NoShare,
    NotAgreed,
    ShareInQuestion,
    UnknownContributor,
    UnknownPayee,
    UnknownWork,
)
from domain.value import Example, Most
from domain.values import (
    BEN,
    SHEET,
    SOLD,
    ContributorId,
    Document,
    Evidence,
    ExactRate,
    MadeAt,
    Moment,
    NewProposalId,
    PayeeText,
    PoolId,
    Reason,
)


@command(
    "agreement",
    "/pools/{pool}/agreements",
    refuses=(NoShare, *OF_CONTENT),
    makes="proposal",
    home="/proposals",
)
class RecordAgreement(ProposedContent):
    """Record an agreement that was made elsewhere, such as a signed split sheet.

    It is final at once, without a comment window, and is marked as made elsewhere. Those whose
    consent the document carries have accepted; everyone else is asked.
    """

    pool: PoolId
    agreed_on: Annotated[MadeAt, "When it was agreed.", Example("2026-03-14")]
    document: Annotated[Document, Example("split sheet, signed by all on 14 March 2026")]
    consents: Annotated[tuple[ContributorId, ...], "Those who signed it.", Example([BEN])] = ()
    effective_at: Annotated[
        Moment | None,
        "It holds for what is earned from then on; default now, or always if it is the first.",
        Example("2026-03-14"),
    ] = None
    id: Annotated[NewProposalId | None, Example(SHEET)] = None

    def decide(self, past: Past) -> Iterator[New]:
        opened = past.get(Pool, self.pool).opened
        content = self.content(past, opened)
        past.watch_money(opened.release)
        line = {"pool": self.pool, "release": opened.release}
        more = {"agreed_on": self.agreed_on, "document": self.document}
        divides = standing(past, content.assets)
        stage: dict[str, Any] = {**line, "closes_at": instant(past.now), "note": self.note}
        yield from stage_facts(Proposal.Posted, past.id, content, divides=divides, **stage)
        content = content._replace(assets=divided(content.assets, divides))
        yield from agreed(past, opened, past.id, content, effective_at=self.effective_at, **more)
        yield from self._accepted(past, line)
        yield from divide_waiting(past, self.pool)

    def _accepted(self, past: Past, line: dict[str, str]) -> Iterator[New]:
        """The acceptances of those who signed; of a share of 0 there is nothing to accept."""
        shares = past.books().agreements[past.id].shares
        for payee in dict.fromkeys(self.consents):
            if payee not in shares:
                raise NoShare(payee)
            if shares[payee]:
                said = {**line, "proposal": past.id, "payee": payee, "by_document": True}
                yield New(Share.Accepted, share_id(past.id, payee), said)


@record
class Divided(Record):
    """A member of a group, with their part of its share."""

    payee: PayeeText
    part: Annotated[ExactRate, "Their part of the group's share.", Example("1/3")]


@command(
    "share.assign",
    "/pools/{pool}/assign-share",
    may=OWN,
    refuses=(
        *(NotAgreed, NoShare, BadShare, ShareInQuestion, ContributorForgotten),
        *(UnknownContributor, UnknownWork),
        *OF_SPLIT,
    ),
    makes="proposal",
)
class AssignShare(Command):
    """Assign a share to another payee from a date, in whole or in part, with evidence.

    To a publisher, heirs or a company; or divide a group's share ``among`` its members by their own
    agreement, whose parts sum to at most 1: the rest stays with the group's account.

    It is a new agreement in which nothing else changes, so everyone else's acceptance is carried
    over, and those who get a part are asked. Money divided for a later date moves with ``pool
    correct``; what is already owed, with ``assignment record``. It applies until the date of a
    later agreement, which a warning names: assign the share there as well. A share that is
    disputed, or rests on something found false, can be assigned once that is decided. What the
    terms give by name is assigned by amending them.
    """

    pool: PoolId
    payee: Annotated[PayeeText, "Whose share it is."]
    to: Annotated[PayeeText | None, "Who gets it.", Example("Tide Publishing")] = None
    effective_at: Annotated[Moment, "For what is earned from then on.", Example("2026-07")]
    reason: Annotated[Reason, Example("Ben signed with a publisher.")]
    evidence: Annotated[Evidence, Example("contract of 1 July 2026, § 4")]
    part: Annotated[ExactRate, "How much of it; default all.", Example("1/2")] = "1"
    among: Annotated[
        tuple[Divided, ...],
        Most(MOST_MEMBERS),
        "Or, for a group: which member gets which part.",
        Example([]),
    ] = ()
    id: Annotated[NewProposalId | None, Example(SOLD)] = None

    def sides(self, past: Past) -> dict[str, str]:
        return side_of(past, self.payee)

    def decide(self, past: Past) -> Iterator[New]:
        parts = self._parts()
        must_know(past, [self.payee, *parts], self.pool)
        must_not_be_forgotten(past, parts)
        books, opened = past.books(), past.get(Pool, self.pool).opened
        earlier = books.agreement_for(self.pool, self.effective_at)
        if earlier is None:
            raise NotAgreed(self.pool)
        if books.person(self.payee) in map(books.person, parts):
            raise BadShare("part", self.part, "some of it must go to someone else")
        if not earlier.shares.get(self.payee):
            raise NoShare(self.payee)
        # The assignee would not be held to what was found about the one who had it.
        if {DISPUTED, TO_BE_CORRECTED} & {*held_now(past, self.payee, earlier.proposal).because}:
            raise ShareInQuestion(self.payee)
        past.watch_money(opened.release)
        for since in _later(books, self.pool, self.payee, self.effective_at):
            past.warn("agreed_later", payee=self.payee, since=since)
        self._warn_if_repeated(past, earlier, parts)
        assets = self._assigned(earlier, parts)
        content = Content(None, earlier.graph_position, None, assets)
        line = {"pool": self.pool, "release": opened.release}
        reason = past.text(past.actor, "reason", self.reason)
        before = earlier.proposal
        more = {"document": self.evidence, "replaces": before, "known_as": before}
        yield from stage_facts(
            Proposal.Posted, past.id, content, **line, closes_at=instant(past.now), note=reason
        )
        yield from agreed(past, opened, past.id, content, effective_at=self.effective_at, **more)
        yield from self._kept(past, line, earlier)
        yield from divide_waiting(past, self.pool)

    def _parts(self) -> dict[str, Fraction]:
        """By payee: the part of the share that they get."""
        if (self.to is None) == (not self.among):
            raise BadShare("to", self.to or "", "state either “to” or “among”, not both")
        if self.among:
            return parts_among([(each.payee, each.part) for each in self.among])
        return parts_among([(str(self.to), self.part)], "part")

    def _assigned(self, earlier: Agreement, parts: Mapping[str, Fraction]) -> Assets:
        return _assigned(earlier, self.payee, parts, is_divided=bool(self.among))

    def _warn_if_repeated(
        self, past: Past, earlier: Agreement, parts: Mapping[str, Fraction]
    ) -> None:
        """Warn if the same part was already assigned from that date by the same evidence."""
        books = past.books()
        while earlier.effective_at == self.effective_at:
            final = past.get(Proposal, earlier.proposal).final
            if not isinstance(final, Proposal.Finalised) or final.replaces is None:
                return
            before = books.agreements[final.replaces]
            is_same = earlier.assets == self._assigned(before, parts)
            by_document = {final.document: earlier.proposal} if is_same and final.document else {}
            for first in of_same_document(past, by_document, self.evidence):
                past.warn("document_repeated", first=first)
                return
            earlier = before

    def _kept(self, past: Past, line: dict[str, str], earlier: Agreement) -> Iterator[New]:
        """The consent of who assigned a part of their share, carried over to what is left."""
        consents = past.books().consents
        is_asked = consents.get((past.id, self.payee)) == "offered"
        if is_asked and consents.get((earlier.proposal, self.payee)) in ACCEPTED:
            said = {**line, "proposal": past.id, "payee": self.payee}
            own = share_id(past.id, self.payee)
            yield New(Share.Carried, own, {**said, "earlier": earlier.proposal})


def _later(books: Books, pool: str, payee: str, since: str) -> list[str]:
    """The later dates from which other agreements give a payee a share."""
    dates = sorted({each.effective_at for each in books.opened[pool].agreements})
    later = ((date, books.agreement_for(pool, date)) for date in dates if date > since)
    return [date for date, each in later if each is not None and each.shares.get(payee)]


def _assigned(
    earlier: Agreement, payee: str, parts: Mapping[str, Fraction], *, is_divided: bool
) -> Assets:
    """The assets of an agreement after waivers, with one share, or parts of it, in others' names;
    a group's share that its members divide is theirs through the group."""
    assets = []
    for asset in earlier.assets:
        name = asset["asset"]
        shares = {who: own[name] for who, own in earlier.parts.items() if own.get(name)}
        if shares:
            held = [[who, str(share)] for who, share in shares.items()]
            worth = {**asset, "value": str(sum(shares.values())), "shares": held}
            assets.append(passed_on(worth, payee, parts, is_through=is_divided))
    return assets


@command(
    "payee.identify",
    "/contributors/{contributor}/identify",
    refuses=(UnknownPayee, AlreadyIdentified),
)
class IdentifyPayee(Command):
    """Record which contributor a name in terms or agreements, such as “label”, stands for.

    What the name has earned and will earn is theirs: it is on their statement and paid with the
    rest. A name that paid for something before it had a share is two payees: it is reimbursed under
    an id of its own (payer/…, see the balances). If both are the same contributor, they are one.
    """

    contributor: ContributorId
    name: Annotated[
        PayeeText, "The name in terms or agreements, or the id of a payer.", Example("label")
    ]
    reason: Annotated[Reason, Example("The label has an account now.")]
    evidence: Evidence | None = None

    def target(self, actor: str) -> str:
        return outsider_id(self.name)

    def decide(self, past: Past) -> Iterator[New]:
        books = past.books()
        if Payee.parse(self.name).kind != "other" or not books.is_named(self.name):
            raise UnknownPayee(self.name)
        if self.name in books.merged:
            raise AlreadyIdentified(self.name)
        past.watch_money(self.contributor, self.name)
        yield Outsider.Identified.born(past.id, **self.told(Outsider.Identified, payee=self.name))
