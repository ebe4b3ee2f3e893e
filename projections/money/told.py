"""What is answered about money: the type of each answer.

An amount is a whole number of the currency's smallest units, an exact number is a text.
"""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from domain.money.held import REASONS
from domain.money.pool import POOL_KINDS
from domain.money.postings import ACCOUNTS
from domain.money.proposal import COMMENT_KINDS
from domain.money.split import ROUNDINGS
from domain.values import (
    BEN,
    REVENUE,
    SONG,
    TERMS,
    BatchId,
    CommentId,
    ContributorId,
    CurrencyCode,
    DivisionId,
    ExactRate,
    Example,
    ExpenseId,
    Length,
    PayoutId,
    PoolId,
    ProposalId,
    ReleaseId,
    RevenueId,
    WorkId,
    one_of,
)
from projections.told import MOMENT, Count, Exact, Instant, PersonRef

ENTRY_KINDS = ("division", "reversal", "correction")

Dollars = Annotated[CurrencyCode, Example("USD")]
Operator = Annotated[str, Example("operator")]
PoolName = Annotated[str | None, Example("song")]
Policy = Annotated[dict[str, Any] | None, Example({"type": "relative_cascade"})]
Terms = Annotated[dict[str, Any], Example(TERMS)]
KindOfPool = Annotated[str, one_of(POOL_KINDS)]
KindOfComment = Annotated[str, one_of(COMMENT_KINDS)]
KindOfEntry = Annotated[str, one_of(ENTRY_KINDS)]
ProposalState = Annotated[str, one_of(("open", "finalised", "withdrawn"))]
PayoutState = Annotated[str, one_of(("issued", "settled", "returned", "claimed"))]
ReasonHeld = Annotated[str, one_of(REASONS)]
RoundingMethod = Annotated[str, one_of(ROUNDINGS)]

# -- splits --------------------------------------------------------------------------------------


class PayeeRef(TypedDict):
    """Who is paid, as answers refer to them."""

    id: Annotated[str, "A contributor's id, “work/…” with a work's id, or a name.", Example(BEN)]
    kind: Annotated[str, one_of(("contributor", "work", "other"))]
    name: Annotated[
        str | None, "Or the title of the work; null when it was erased.", Example("Ben")
    ]


class PathWork(TypedDict):
    """A work on a path."""

    id: WorkId
    title: Annotated[
        str | None, "Or its URI; null for a withdrawn piece.", Example("Low Tide, sung")
    ]


class PaidPath(TypedDict):
    """One path by which something comes to a payee."""

    works: Annotated[
        list[PathWork], "From the work asked about to the one the payee has a share in."
    ]
    rates: Annotated[list[ExactRate | None], "Of the edges between them."]
    share: Annotated[
        str | None,
        "What comes through this path, of 1; null if it can't be computed.",
        Example("1/10"),
    ]


class SplitLine(TypedDict):
    """What one payee would get."""

    payee: PayeeRef
    share: Annotated[str, "The exact share of the whole.", Example("1/10")]
    amount_minor: Annotated[
        Count, "In smallest units; all of them sum to the amount.", Example(100)
    ]
    currency: Annotated[CurrencyCode, Example("EUR")]
    path_count: Annotated[Count, "Through how many paths.", Example(1)]
    paths: Annotated[list[PaidPath], "The shortest of these paths."]


class Stack(TypedDict):
    """How much of a work goes to what it is made from, by the rates of its own edges."""

    before: Annotated[str, "Edges that state no rate add nothing.", Example("1/10")]
    after: Annotated[str, Example("3/10")]
    cap: Annotated[str, "An edge that would exceed it is refused.", Example("1")]


class Change(TypedDict):
    """What changes for one payee."""

    payee: PayeeRef
    share_before: Annotated[str, Example("1/2")]
    share_after: Annotated[str, Example("2/5")]
    change: Annotated[str, "Negative for who is diluted.", Example("-1/10")]
    amount_before_minor: Annotated[Count | None, Example(5000)]
    amount_after_minor: Annotated[Count | None, Example(4000)]


class EdgePreview(TypedDict):
    """What an edge would change."""

    stack: Stack
    changed: Annotated[Count, "For how many payees something changes.", Example(2)]
    items: Annotated[list[Change], "Those who lose most first."]


# -- proposals -----------------------------------------------------------------------------------


class ShareLine(TypedDict):
    """The share of one payee."""

    payee: PayeeRef
    share: Annotated[Exact, Example("1/4")]
    consent: Annotated[
        Annotated[str, one_of(("offered", "accepted", "declined"))] | None,
        "Null while nothing is final.",
    ]


class WaivedLine(TypedDict):
    """A share that was waived; it went to others."""

    payee: PayeeRef
    asset: Annotated[str, "What was waived.", Example(SONG)]
    title: Annotated[str | None, "If the asset is a work.", Example("Low Tide, sung")]
    over: Annotated[
        str, "Over what it is spread: an asset, a part, or “release”.", Example("act 1")
    ]
    over_title: Annotated[str | None, "If that is a work."]
    share: Annotated[Exact, Example("1/8")]


class CommentAnswer(TypedDict):
    """An answer to a comment."""

    text: Annotated[str | None, Example("Added with 1 %.")]
    actor: Operator
    at: Instant
    position: Annotated[Count, Example(70)]


class CommentTold(TypedDict):
    """A comment on a proposal."""

    id: CommentId
    kind: KindOfComment
    about: Annotated[str | None, "The payee or the asset it is about.", Example(BEN)]
    text: Annotated[str | None, Example("Ben cut the last verse and is missing.")]
    actor: Annotated[str, Example(BEN)]
    at: Instant
    position: Annotated[Count, Example(62)]
    is_open: Annotated[bool, "Nobody has answered."]
    answers: list[CommentAnswer]


class Revision(TypedDict):
    """A stage of a proposal: the first, or a revision."""

    at: Instant
    actor: Operator
    position: Annotated[Count, Example(61)]
    comments: Annotated[list[CommentId], "The comments that caused it."]
    note: str | None


class Uncited(TypedDict):
    """Somebody or something of the finished work that is missing from a proposal."""

    kind: Annotated[str, one_of(("work", "contributor"))]
    id: ContributorId
    name: Annotated[str | None, Example("Ben")]


class AssetTold(TypedDict):
    """What an asset is worth, and whose it is."""

    asset: Annotated[str, "A work's id, or a name.", Example(SONG)]
    value: Annotated[str, "How much it weighs among the assets.", Example("3")]
    within: Annotated[list[Annotated[str, Example("act 1")]], "The parts of the whole it is in."]
    shares: Annotated[
        list[Annotated[list[str], Length(2)]], Example([[BEN, "1/2"], ["operator", "1/2"]])
    ]


class ProposalTold(TypedDict):
    """A proposal: shares, the window, comments with answers, and who has agreed."""

    id: ProposalId
    pool: PoolId
    release: ReleaseId
    state: ProposalState
    opened_at: Annotated[Instant, "The first notice."]
    closes_at: Instant
    number: Annotated[int | None, Example(1)]
    effective_at: str | None
    policy: Annotated[Policy, "Null if it was set by hand."]
    graph_position: Annotated[
        int | None, "Where the lineage it was computed over was frozen.", Example(57)
    ]
    assets: list[AssetTold]
    shares: list[ShareLine]
    struck: list[WaivedLine]
    comments: list[CommentTold]
    revisions: list[Revision]
    warnings: Annotated[list[Uncited], "Used but uncited."]
    position: Annotated[Count, Example(61)]


class CauseComment(TypedDict):
    """A comment that caused a change."""

    id: CommentId
    kind: KindOfComment
    about: Annotated[str | None, Example(BEN)]
    text: Annotated[str | None, Example("Ben is missing.")]
    actor: Annotated[str, Example(BEN)]


class Cause(TypedDict):
    """A revision that changed somebody's share."""

    at: Instant
    position: Annotated[Count, Example(65)]
    before: Annotated[Exact, Example("0")]
    after: Annotated[Exact, Example("1/100")]
    comments: list[CauseComment]


class DiffLine(TypedDict):
    """What became of one payee's share."""

    payee: PayeeRef
    first: Annotated[Exact, Example("0")]
    current: Annotated[Exact, Example("1/100")]
    change: Annotated[Exact, Example("1/100")]
    waived: Annotated[str, "How much of the change was waived.", Example("0")]
    causes: list[Cause]


class Diff(TypedDict):
    """The first proposal against the current one, person by person."""

    id: ProposalId
    state: ProposalState
    lines: list[DiffLine]


# -- pools ---------------------------------------------------------------------------------------


class PoolItem(TypedDict):
    """A pool in a list."""

    id: PoolId
    release: ReleaseId
    name: PoolName
    kind: KindOfPool
    currency: Dollars
    received_minor: Annotated[int, "What came in and was not taken back.", Example(807_364)]
    position: Annotated[Count, Example(60)]


class Accounts(TypedDict):
    """What stands on the accounts of a pool; together they sum to zero."""

    received_minor: Annotated[int, ACCOUNTS["received"], Example(-807_364)]
    waiting_minor: Annotated[int, ACCOUNTS["waiting"], Example(0)]
    owed_minor: Annotated[int, ACCOUNTS["owed"], Example(807_364)]
    in_transit_minor: Annotated[int, ACCOUNTS["in_transit"], Example(0)]
    paid_minor: Annotated[int, ACCOUNTS["paid"], Example(0)]
    suspense_minor: Annotated[int, ACCOUNTS["suspense"], Example(0)]


class ProposalItem(TypedDict):
    """A proposal in a list."""

    id: ProposalId
    state: ProposalState
    number: Annotated[int | None, "Which agreement of the pool it is.", Example(1)]
    opened_at: Instant
    closes_at: Annotated[Instant, "Until when comments can be made."]
    effective_at: Annotated[str | None, "From when what is earned goes by it; null: always."]
    position: Annotated[Count, Example(61)]


class PoolTold(TypedDict):
    """A pool, its accounts and its proposals."""

    id: PoolId
    release: ReleaseId
    name: PoolName
    kind: KindOfPool
    currency: Dollars
    terms: Terms
    rounding: RoundingMethod
    comment_days: Annotated[Count, Example(14)]
    deferral_minor: Annotated[
        Count, "Revenue waits until its source has brought so much.", Example(50_000)
    ]
    works: Annotated[
        list[WorkId] | None, "The components with a right to it; null: all.", Example([SONG])
    ]
    position: Annotated[Count, Example(60)]
    accounts: Accounts
    proposals: list[ProposalItem]


class BalanceLine(TypedDict):
    """Where the money of one payee is."""

    payee: PayeeRef
    share: Annotated[str | None, "Of the agreed part, as agreed last.", Example("1/4")]
    earned_minor: Annotated[int, Example(25_000)]
    payable_minor: Annotated[Count, "It can be paid now.", Example(0)]
    held_minor: Annotated[Count, Example(25_000)]
    debt_minor: Annotated[Count, "What was paid too much; later earnings fill it up.", Example(0)]
    in_transit_minor: Annotated[Count, Example(0)]
    paid_minor: Annotated[Count, Example(0)]
    suspense_minor: Annotated[Count, "It came back and was not claimed yet.", Example(0)]
    held_because: list[ReasonHeld]
    rounding: Annotated[str, "What is carried on to the next division, in units.", Example("-1/3")]


class WaitingLine(TypedDict):
    """Revenue of one source that is not divided yet."""

    source: Annotated[str, Example("Bandcamp")]
    brought_minor: Annotated[int, Example(40_000)]
    waiting_minor: Annotated[int, Example(40_000)]
    because: Annotated[str, one_of(("deferred", "no_agreement"))]


class Totals(TypedDict):
    """The sums of the lines."""

    earned_minor: Annotated[int, Example(807_364)]
    payable_minor: Annotated[Count, Example(0)]
    held_minor: Annotated[Count, Example(0)]
    debt_minor: Annotated[Count, Example(0)]
    in_transit_minor: Annotated[Count, Example(0)]
    paid_minor: Annotated[Count, Example(0)]
    suspense_minor: Annotated[Count, Example(0)]


class PoolStatement(TypedDict):
    """Where all money of a pool is.

    received − reversed = waiting + earned; earned = payable + held − debt + in transit + paid +
    suspense; the rounding sums to zero.
    """

    pool: PoolId
    release: ReleaseId
    name: PoolName
    currency: Dollars
    agreement: Annotated[int | None, Example(1)]
    received_minor: Annotated[Count, Example(807_364)]
    reversed_minor: Annotated[Count, Example(0)]
    waiting_minor: Annotated[int, Example(0)]
    waiting: list[WaitingLine]
    divided_minor: Annotated[int, Example(807_364)]
    costs_minor: Annotated[Count, "Expenses recorded.", Example(0)]
    lines: list[BalanceLine]
    struck: list[WaivedLine]
    totals: Totals


class Posting(TypedDict):
    """Money on an account."""

    account: Annotated[str, one_of(ACCOUNTS)]
    payee: PayeeRef | None
    proposal: Annotated[ProposalId | None, "The agreement."]
    amount_minor: Annotated[int, Example(25_000)]


class LedgerFact(TypedDict):
    """One fact that moved money; those of one append sum to zero."""

    position: Annotated[Count, Example(80)]
    recorded_at: Instant
    effective: Annotated[str | None, Example(MOMENT)]
    topic: Annotated[str, Example("division.made")]
    noun: DivisionId
    actor: Operator
    reason: str | None
    postings: list[Posting]


class Booking(TypedDict):
    """Money that somebody outside paid or was paid."""

    pool: PoolId
    amount_minor: Annotated[int, Example(807_364)]
    effective_at: Annotated[Instant, "When it was earned or spent."]
    recorded_at: Instant
    document: Annotated[str | None, Example("statement 2017-06, page 3")]
    note: str | None
    position: Annotated[Count, Example(79)]


class ReversalItem(TypedDict):
    """Something that was taken back."""

    id: DivisionId
    amount_minor: Annotated[int, Example(1000)]


class Revenue(Booking):
    """Money that came in."""

    id: RevenueId
    source: Annotated[str, Example("HarperCollins")]
    reversed_minor: Annotated[int, "What was taken back.", Example(0)]
    division: Annotated[DivisionId | None, "What it was divided by; null while it waits."]
    reversals: list[ReversalItem]


class Expense(Booking):
    """Money that was spent."""

    id: ExpenseId
    category: Annotated[str, Example("printing")]
    payer: PayeeRef


# -- divisions -----------------------------------------------------------------------------------


class Cost(TypedDict):
    """An expense that was paid back out of a division."""

    expense: Annotated[ExpenseId, Example(REVENUE)]
    payer: Annotated[str, Example("operator")]
    amount_minor: Annotated[int, Example(500)]


class FlowThrough(TypedDict):
    """What went through a part of the terms that remembers."""

    place: Annotated[str, Example("policy.tranches")]
    amount: Annotated[Exact, Example("1000")]


class EntryLine(TypedDict):
    """What one payee was given."""

    payee: PayeeRef
    amount_minor: Annotated[int, Example(25_000)]
    due: Annotated[Exact, Example("75001/3")]
    share: Annotated[
        str | None, "due / amount; null for a correction, whose amount is 0.", Example("1/4")
    ]
    carry_before: Annotated[Exact, Example("0")]
    carry_after: Annotated[Exact, Example("1/3")]


class DivisionTold(TypedDict):
    """A division, a reversal or a correction, with every line."""

    id: DivisionId
    kind: KindOfEntry
    pool: PoolId
    release: ReleaseId
    proposal: ProposalId
    agreement: Annotated[Count, Example(1)]
    revenue: RevenueId | None
    currency: Dollars
    amount_minor: Annotated[int, Example(807_364)]
    agreed: Annotated[str, "How much of it goes by the agreed shares.", Example("403682")]
    recorded_at: Instant
    effective_at: Annotated[str | None, Example(MOMENT)]
    reason: str | None
    costs: list[Cost]
    flow: list[FlowThrough]
    lines: list[EntryLine]
    position: Annotated[Count, Example(80)]


class RoundingTold(TypedDict):
    """How the last unit was given."""

    method: RoundingMethod
    left_over: Annotated[
        int, "Units left over after everybody got whole ones; negative: taken back.", Example(1)
    ]
    rank: Annotated[Count, "Of the remainder; the first ranks got the units left over.", Example(2)]
    payees: Annotated[Count, Example(4)]


class AgreementTold(TypedDict):
    """By what was divided."""

    proposal: ProposalId
    number: Annotated[Count, Example(1)]
    policy: Policy
    graph_position: Annotated[int | None, Example(57)]
    effective_at: str | None


class PathStep(TypedDict):
    """A work on the way from the release to a piece."""

    id: WorkId
    title: Annotated[str | None, Example("Low Tide, sung")]


class PieceTold(TypedDict):
    """An asset in which the payee has a share."""

    asset: Annotated[str, Example(SONG)]
    title: Annotated[str | None, Example("Low Tide, sung")]
    value: Annotated[str, "What part of the agreed amount the asset is.", Example("3/4")]
    share: Annotated[str, "Inside the asset.", Example("1/2")]
    waived_over: Annotated[str | None, "Over what the payee waived it."]
    paths: Annotated[list[list[PathStep]], "The paths that lead to it."]


class PayeeCost(TypedDict):
    """An expense of this payee that was paid back."""

    expense: Annotated[ExpenseId, Example(REVENUE)]
    amount_minor: Annotated[int, Example(500)]


class Why(TypedDict):
    """Why a payee was given this amount.

    due = by_agreement + by_terms + costs; amount = carry_before + due − carry_after.
    """

    division: DivisionId
    kind: KindOfEntry
    payee: PayeeRef
    currency: Dollars
    of_minor: Annotated[int, Example(807_364)]
    amount_minor: Annotated[int, Example(100_920)]
    due: Annotated[Exact, Example("201841/2")]
    carry_before: Annotated[Exact, Example("0")]
    carry_after: Annotated[Exact, Example("1/2")]
    rounding: RoundingTold | None
    terms: Terms
    agreed: Annotated[Exact, Example("403682")]
    share: Annotated[str, "Of the agreed part.", Example("1/4")]
    by_agreement: Annotated[Exact, Example("201841/2")]
    by_terms: Annotated[str, "Named in the terms themselves.", Example("0")]
    costs: list[PayeeCost]
    agreement: AgreementTold
    pieces: list[PieceTold]


# -- statements and payouts ----------------------------------------------------------------------


class Balances(TypedDict):
    """Where somebody stands at the end of a period."""

    payable_minor: Annotated[Count, Example(0)]
    held_minor: Annotated[Count, Example(25_000)]
    debt_minor: Annotated[Count, Example(0)]
    in_transit_minor: Annotated[Count, Example(0)]
    settled_minor: Annotated[Count, Example(0)]
    suspense_minor: Annotated[Count, Example(0)]


class HeldLine(TypedDict):
    """What is held for the same reasons."""

    because: list[ReasonHeld]
    amount_minor: Annotated[Count, Example(25_000)]


class PoolRef(TypedDict):
    """A pool as statements refer to it."""

    id: PoolId
    name: PoolName


class TitledRef(TypedDict):
    """A release as statements refer to it."""

    id: ReleaseId
    title: Annotated[str | None, Example("Low Tide")]


class StatementLine(TypedDict):
    """Something given to somebody, or paid."""

    position: Annotated[Count, Example(80)]
    recorded_at: Instant
    effective_at: Annotated[str | None, "When it was earned.", Example(MOMENT)]
    kind: Annotated[str, one_of((*ENTRY_KINDS, "payout", "claim"))]
    noun: Annotated[DivisionId, "The division, correction, reversal or payout."]
    payee: Annotated[
        ContributorId, "The account it stands on; before a merge it was another person's."
    ]
    release: TitledRef
    pool: PoolRef
    agreement: Annotated[Count, Example(1)]
    proposal: ProposalId
    source: Annotated[str | None, Example("Bandcamp")]
    revenue: RevenueId | None
    of_minor: Annotated[int | None, "What was divided, taken back or corrected.", Example(100_000)]
    share: Annotated[
        str | None, "What of that is due, exactly; rounding is carried.", Example("1/4")
    ]
    amount_minor: Annotated[int, Example(25_000)]


class CurrencyStatement(TypedDict):
    """A statement in one currency: opening + earned − recouped − held − paid = closing."""

    currency: Dollars
    opening_minor: Annotated[Count, "What could be paid at the beginning.", Example(0)]
    earned_minor: Annotated[int, Example(25_000)]
    recouped_minor: Annotated[int, "By how much a debt became smaller.", Example(0)]
    held_minor: Annotated[
        int, "By how much more is held; negative if some was released.", Example(25_000)
    ]
    paid_minor: Annotated[int, "Payouts issued, less those claimed again.", Example(0)]
    closing_minor: Annotated[Count, "What can be paid at the end.", Example(0)]
    balances: Balances
    held: list[HeldLine]
    lines: list[StatementLine]


class Statement(TypedDict):
    """What somebody earned, was paid and is owed in a period."""

    contributor: PersonRef
    after: Annotated[Count, "The period begins after this position.", Example(0)]
    until: Annotated[Count, "The period ends with this position.", Example(97)]
    statements: list[CurrencyStatement]


class PayoutTold(TypedDict):
    """A payout."""

    id: PayoutId
    batch: BatchId
    payee: PayeeRef
    currency: Dollars
    amount_minor: Annotated[Count, Example(25_000)]
    state: PayoutState
    reference: Annotated[str | None, "Of the transfer."]
    issued_at: Instant
    position: Annotated[Count, Example(90)]


class BatchState(TypedDict):
    """How many payouts of a batch are in a state."""

    state: PayoutState
    count: Annotated[Count, Example(2)]
    amount_minor: Annotated[Count, Example(50_000)]


class BatchItem(TypedDict):
    """A payout batch in a list."""

    id: BatchId
    currency: Dollars
    count: Annotated[Count, Example(2)]
    total_minor: Annotated[Count, Example(50_000)]
    issued_at: Instant
    position: Annotated[Count, Example(90)]


class BatchTold(BatchItem):
    """A payout batch with its control sums."""

    states: list[BatchState]
