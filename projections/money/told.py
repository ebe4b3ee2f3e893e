"""The types of the answers about money.

An amount is a whole number of the currency's smallest units; an exact number is a string.

One file, because it is one list.
"""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from domain.money.held import REASONS
from domain.money.naming import CATEGORIES, SOURCES
from domain.money.pool import POOL_KINDS
from domain.money.postings import ACCOUNTS
from domain.money.proposal import COMMENT_KINDS
from domain.money.split import ROUNDINGS
from domain.value import Example, Length, one_of
from domain.values import (
    BEN,
    PAID_IN,
    SONG,
    TERMS,
    BatchId,
    ContributorId,
    CountryCode,
    CurrencyCode,
    EntryId,
    ExactRate,
    ExchangeRateId,
    PayeeId,
    PayoutId,
    PoolId,
    ProposalCommentId,
    ProposalId,
    ReleaseId,
    RevenueId,
    WithholdingId,
    WorkId,
)
from projections.told import (
    MOMENT,
    Agent,
    Count,
    Effect,
    Exact,
    Instant,
    PathCount,
    PersonRef,
    Position,
)

EARNING = ("division", "reversal", "correction", "adjustment", "opening", "assignment")
RESERVE = "reserve"
ENTRY_KINDS = (*EARNING, RESERVE)

Dollars = Annotated[CurrencyCode, Example("USD")]
Operator = Annotated[str, "Who acted: a contributor, or “operator”.", Example("operator")]
PoolName = Annotated[str | None, "Null when it was erased.", Example("song")]
Policy = Annotated[dict[str, Any] | None, Example({"type": "relative_cascade"})]
Debt = Annotated[Count, "Overpaid; recouped from later earnings.", Example(0)]
InTransit = Annotated[int, "Payouts that are on their way.", Example(0)]
Arrived = Annotated[int, "Payouts that have arrived.", Example(0)]
Suspense = Annotated[int, "Returned and not claimed yet.", Example(0)]
Withheld = Annotated[int, "Withheld from payouts, for the countries of source.", Example(0)]
Converted = Annotated[int, "Sent in another currency.", Example(0)]
Reserved = Annotated[int, "Held back for returns.", Example(0)]
Terms = Annotated[dict[str, Any], "The policy by which the pool divides.", Example(TERMS)]
KindOfPool = Annotated[str, one_of(POOL_KINDS, "What it holds the income of.")]
KindOfComment = Annotated[str, one_of(COMMENT_KINDS, "What it says.")]
KindOfEntry = Annotated[str, one_of(ENTRY_KINDS, "What it does.")]
ProposalState = Annotated[str, one_of(("open", "finalised", "withdrawn"), "How it stands.")]
WithholdingState = Annotated[str, one_of(("stated", "ended"), "How it stands.")]
PayoutState = Annotated[str, one_of(("issued", "settled", "returned", "claimed"), "How it stands.")]
ReasonHeld = Annotated[str, one_of(REASONS, "Why it is held.")]
KindOfSource = Annotated[str, one_of(SOURCES)]
KindOfCost = Annotated[str, one_of(CATEGORIES)]
Account = Annotated[str, one_of(ACCOUNTS, "Which account it is on.")]
RoundingMethod = Annotated[str, one_of(ROUNDINGS, "How whole units are allocated.")]

# -- splits --------------------------------------------------------------------------------------


class PayeeRef(TypedDict):
    """A payee as answers refer to it."""

    id: Annotated[str, "A contributor's id, “work/…” with a work's id, or a name.", Example(BEN)]
    kind: Annotated[
        str,
        "Whether it is a contributor, a work, or somebody outside.",
        one_of(("contributor", "work", "other")),
    ]
    name: Annotated[
        str | None, "Name, or title of the work; null when it was erased.", Example("Ben")
    ]


class PathWork(TypedDict):
    """A work on a path."""

    id: WorkId
    title: Annotated[
        str | None, "Title or URI; null for a withdrawn piece.", Example("Low Tide, sung")
    ]


class PaidPath(TypedDict):
    """One path through which a payee is paid."""

    works: Annotated[
        list[PathWork],
        "From the work in question to the one the payee has a share in; both ends of a long path.",
    ]
    left_out: Annotated[Count, "How many works in the middle are left out.", Example(0)]
    rates: Annotated[list[ExactRate | None], "Of the remixes between them."]
    share: Annotated[
        str | None,
        "The share through this path; null if the policy does not define it.",
        Example("1/10"),
    ]


class SplitLine(PathCount):
    """What one payee would get."""

    payee: PayeeRef
    share: Annotated[str, "The exact share of the whole.", Example("1/10")]
    amount_minor: Annotated[Count, "In smallest units; all lines sum to the amount.", Example(100)]
    currency: Annotated[CurrencyCode, Example("EUR")]
    paths: Annotated[list[PaidPath], "The shortest of these paths."]


class Stack(TypedDict):
    """How much of a work goes to its sources, by the rates of its own remixes."""

    before: Annotated[str, "A remix that states no rate counts as 0.", Example("1/10")]
    after: Annotated[str, "With the remix.", Example("3/10")]
    cap: Annotated[str, "A remix that would exceed it is refused.", Example("1")]


class Change(TypedDict):
    """What changes for one payee."""

    payee: PayeeRef
    share_before: Annotated[str, "Without the remix.", Example("1/2")]
    share_after: Annotated[str, "With it.", Example("2/5")]
    change: Annotated[str, "Negative if diluted.", Example("-1/10")]
    amount_before_minor: Annotated[
        Count | None, "Of the amount asked about; null without one.", Example(5000)
    ]
    amount_after_minor: Annotated[
        Count | None, "Of the amount asked about; null without one.", Example(4000)
    ]


class EdgePreview(TypedDict):
    """What a remix would change."""

    stack: Stack
    changed: Annotated[Count, "How many payees' shares change.", Example(2)]
    items: Annotated[list[Change], "The greatest loss first."]


# -- proposals -----------------------------------------------------------------------------------


class ShareLine(TypedDict):
    """The share of one payee."""

    payee: PayeeRef
    share: Annotated[Exact, Example("1/4")]
    consent: Annotated[
        Annotated[str, one_of(("offered", "accepted", "carried", "declined", "waived"))] | None,
        "Null until the proposal is final.",
    ]


class WaivedLine(TypedDict):
    """A waived share, which went to others."""

    payee: PayeeRef
    asset: Annotated[str, "The asset it was a share of.", Example(SONG)]
    title: Annotated[str | None, "If the asset is a work.", Example("Low Tide, sung")]
    over: Annotated[
        str, "What it is spread over: an asset, a part, or “release”.", Example("act 1")
    ]
    over_title: Annotated[str | None, "If that is a work."]
    share: Annotated[Exact, Example("1/8")]


class CommentAnswer(TypedDict):
    """An answer to a comment."""

    text: Annotated[str | None, "Null when it was erased.", Example("Added with 1 %.")]
    actor: Operator
    at: Instant
    position: Annotated[Position, Example(70)]


class CauseComment(TypedDict):
    """A comment that caused a change."""

    id: ProposalCommentId
    kind: KindOfComment
    about: Annotated[str | None, "The payee or the asset it is about.", Example(BEN)]
    text: Annotated[
        str | None, "Null when it was erased.", Example("Ben cut the last verse and is missing.")
    ]
    actor: Annotated[str, "Who commented.", Example(BEN)]


class CommentTold(CauseComment):
    """A comment on a proposal."""

    at: Instant
    position: Annotated[Position, Example(62)]
    is_open: Annotated[bool, "Whether it is still unanswered."]
    answers: list[CommentAnswer]


class Revision(TypedDict):
    """A stage of a proposal: the first, or a revision."""

    at: Instant
    actor: Operator
    position: Annotated[Position, Example(61)]
    comments: Annotated[list[ProposalCommentId], "The comments that caused it."]
    note: Annotated[str | None, "Null if nothing was said, or when it was erased."]


class Uncited(TypedDict):
    """A person or work in the release that is missing from a proposal."""

    kind: Annotated[str, "Whether it is a work or a person.", one_of(("work", "contributor"))]
    id: ContributorId
    name: Annotated[str | None, "Null when it was erased.", Example("Ben")]


class ThroughGroup(TypedDict):
    """What of an asset's shares members have through their group."""

    group: Annotated[ContributorId, "The group."]
    shares: Annotated[
        list[Annotated[list[str], Length(2)]],
        "Each member, with the part of their share that comes from the group's.",
        Example([[BEN, "1"]]),
    ]


class AssetTold(TypedDict):
    """The weight of an asset, and its shares."""

    asset: Annotated[str, "A work's id, or a name.", Example(SONG)]
    value: Annotated[str, "Its weight among the assets.", Example("3")]
    within: Annotated[list[Annotated[str, Example("act 1")]], "The parts of the whole it is in."]
    shares: Annotated[
        list[Annotated[list[str], Length(2)]],
        "Each payee, with their share of the asset.",
        Example([[BEN, "1/2"], ["operator", "1/2"]]),
    ]
    through: Annotated[
        list[ThroughGroup], "The groups whose own share was divided among their members."
    ]


class ProposalWithdrawn(TypedDict):
    """When a proposal was withdrawn, by whom and why."""

    at: Instant
    actor: Agent
    reason: Annotated[str | None, "Null when it was erased."]


class ProposalTold(TypedDict):
    """A proposal: shares, comment window, comments with answers, and who has agreed."""

    id: ProposalId
    pool: PoolId
    release: ReleaseId
    state: ProposalState
    opened_at: Annotated[Instant, "The first notice."]
    closes_at: Annotated[Instant, "It is open for comments until then."]
    final_from: Annotated[
        Instant, "It can be finalised from then on; a revision or a late comment moves this back."
    ]
    runs_from: Annotated[
        Instant,
        "The comment period for the current version runs from then, when all had been notified.",
    ]
    to_notify: Annotated[
        Count, "How many of those notified by mail have not been notified yet.", Example(0)
    ]
    number: Annotated[
        int | None, "Which agreement of the pool it is; null until it is final.", Example(1)
    ]
    effective_at: Annotated[str | None, "It applies to earnings from then on; null: to all."]
    policy: Annotated[Policy, "Null if it was set by hand."]
    graph_position: Annotated[
        int | None, "The position of the lineage it was computed from.", Example(57)
    ]
    is_implied: Annotated[bool, "Whether the terms name every payee, so that nobody had to agree."]
    agreed_on: Annotated[
        str | None, "When it was agreed elsewhere, without comments here; null if agreed here."
    ]
    document: Annotated[str | None, "The document that proves it."]
    replaces: Annotated[ProposalId | None, "The agreement in which a share was assigned."]
    withdrawn: Annotated[ProposalWithdrawn | None, "Null unless it was withdrawn."]
    assets: list[AssetTold]
    shares: list[ShareLine]
    waived: list[WaivedLine]
    comments: list[CommentTold]
    revisions: list[Revision]
    warnings: Annotated[list[Uncited], "Used but uncited."]
    position: Annotated[Position, Example(61)]


class ComparedComment(CauseComment):
    """A comment that caused a revision, for one payee."""

    concerns: Annotated[bool, "Whether it is about them or their pieces, if any is."]


class Cause(TypedDict):
    """A revision that changed somebody's share."""

    at: Instant
    position: Annotated[Position, Example(65)]
    before: Annotated[Exact, Example("0")]
    after: Annotated[Exact, Example("1/100")]
    comments: list[ComparedComment]


class DiffLine(TypedDict):
    """How one payee's share changed."""

    payee: PayeeRef
    first: Annotated[Exact, Example("0")]
    current: Annotated[Exact, Example("1/100")]
    change: Annotated[Exact, Example("1/100")]
    waived: Annotated[str, "How much of the change was waived.", Example("0")]
    by_waivers: Annotated[str, "How much waivers changed it, their own or others'.", Example("0")]
    waivers: Annotated[list[WaivedLine], "The waivers that did, if any."]
    causes: list[Cause]


class Diff(TypedDict):
    """The first proposal against the current one, person by person."""

    id: ProposalId
    state: ProposalState
    lines: list[DiffLine]


# -- statements and payouts ----------------------------------------------------------------------


class Where(TypedDict):
    """Where what somebody earned is, but for what was paid."""

    payable_minor: Annotated[Count, "It can be paid now.", Example(0)]
    held_minor: Annotated[Count, "What cannot be paid yet.", Example(25_000)]
    debt_minor: Debt
    in_transit_minor: InTransit
    suspense_minor: Suspense
    withheld_minor: Withheld
    exchanged_minor: Converted
    reserved_minor: Reserved


class Balances(Where):
    """Somebody's balances at the end of a period."""

    settled_minor: Annotated[Count, "Payouts that have arrived.", Example(0)]


class ReserveTold(TypedDict):
    """What is held back for returns until a day."""

    until: Annotated[
        str | None, "The first payout after this frees it; null: freed by hand.", Example(MOMENT)
    ]
    amount_minor: Annotated[int, "How much.", Example(5_000)]


class HeldAsset(TypedDict):
    """An asset by which something is held."""

    asset: Annotated[str, "A work's id, or a name.", Example(SONG)]
    title: Annotated[str | None, "If the asset is a work.", Example("Low Tide, sung")]


class HeldLine(TypedDict):
    """What is held for the same reasons."""

    because: list[ReasonHeld]
    amount_minor: Annotated[Count, "How much is held.", Example(25_000)]
    assets: Annotated[list[HeldAsset], "The pieces concerned; empty if the whole share is held."]


class PoolRef(TypedDict):
    """A pool as statements refer to it."""

    id: PoolId
    name: PoolName


class TitledRef(TypedDict):
    """A release as statements refer to it."""

    id: ReleaseId
    title: Annotated[str | None, "Null when it was erased.", Example("Low Tide")]


class Line(TypedDict):
    """What the lines of a statement tell, by account or as people read them."""

    position: Annotated[Position, Example(80)]
    recorded_at: Instant
    effective_at: Annotated[str | None, "When it was earned.", Example(MOMENT)]
    noun: Annotated[EntryId, "The division, correction, reversal or payout."]
    payee: Annotated[
        PayeeId,
        "The account it is on, as in a payee; an account merged later keeps its id here.",
    ]
    source: Annotated[
        str | None, "Of an exchange, the currency that it was earned in.", Example("Bandcamp")
    ]
    of_minor: Annotated[int | None, "What was divided, reversed or corrected.", Example(100_000)]
    share: Annotated[
        str | None, "The exact share of it that is due; rounding is carried.", Example("1/4")
    ]
    reason: Annotated[str | None, "Of a reversal or a correction.", Example("Chargeback.")]
    amount_minor: Annotated[int, "What it adds to what is owed.", Example(25_000)]
    is_late: Annotated[bool, "Whether it was recorded after the period it is dated in was closed."]
    rules: Annotated[list[str], "The rules of the terms that gave it.", Example(["vinyl"])]
    through: Annotated[
        list[PersonRef], "The groups whose divided share it is part of, by the agreement."
    ]


class StatementLine(Line):
    """Something allocated to somebody, or paid."""

    kind: Annotated[str, "What it is.", one_of((*ENTRY_KINDS, "payout", "claim"))]
    release: TitledRef
    pool: PoolRef
    agreement: Annotated[Count, "The number of the agreement.", Example(1)]
    proposal: ProposalId
    revenue: RevenueId | None


class RecoupedTold(TypedDict):
    """How far an advance, a tranche or a budget line is paid back."""

    payee: Annotated[PayeeRef, "Who got the advance, or who is paid first."]
    to: Annotated[PayeeRef | None, "Who paid the advance."]
    advance_minor: Annotated[Count, "How much is to be paid back in all.", Example(110_730)]
    before_minor: Annotated[int, "Recouped before.", Example(0)]
    now_minor: Annotated[int, "Recouped now; negative after a reversal.", Example(18_824)]
    remaining_minor: Annotated[Count, "Still to be recouped.", Example(91_906)]


class WithheldTold(TypedDict):
    """What was withheld of a payout for one country."""

    country: CountryCode
    rule: Annotated[WithholdingId | None, "The rule applied; null if there was none."]
    rate: Annotated[
        str | None, "Which part was withheld; null if there was no rule.", Example("0.15")
    ]
    paid_minor: Annotated[int, "How much of the payout came from there.", Example(25_000)]
    withheld_minor: Annotated[Count, "What was withheld.", Example(3_750)]


class SentTold(TypedDict):
    """What was sent of a payout."""

    currency: Annotated[CurrencyCode, "The currency in which it was sent.", Example("EUR")]
    amount_minor: Annotated[Count, "How much of it, in smallest units.", Example(19_586)]
    withheld_minor: Annotated[Count, "Withheld, in the currency of the pools.", Example(3_750)]
    withheld: Annotated[list[WithheldTold], "For each country the money came from, if stated."]
    rate: Annotated[str | None, "Null if it was not exchanged.", Example("0.9217")]
    rate_of: Annotated[str | None, "The day of the rate.", Example(MOMENT)]
    exchange_rate: Annotated[ExchangeRateId | None, "The rate that was stated."]


class RuleGave(TypedDict):
    """What a rule of the terms gave."""

    rule: Annotated[str, "Its name; of one inside another, both.", Example("vinyl / 300 a unit")]
    payee: Annotated[PayeeRef | None, "Null: everyone who shares by agreement."]
    amount: Annotated[Exact, "Exactly; negative where it was taken back.", Example("6000")]


class Part(TypedDict):
    """What a payout holds of one pool."""

    release: TitledRef
    pool: PoolRef
    agreement: Annotated[Count, "The number of the agreement.", Example(1)]
    amount_minor: Annotated[int, "How much of it comes from there.", Example(25_000)]


class Movement(Line):
    """One line of a statement as people read it: a payout is one, with its parts."""

    kind: Annotated[
        str, "What it is.", one_of((*ENTRY_KINDS, "payout", "claim", "recoupment", "exchange"))
    ]
    release: Annotated[TitledRef | None, "Null for a payout of several pools."]
    pool: PoolRef | None
    agreement: Annotated[
        int | None, "The number of the agreement; null for a payout of several.", Example(1)
    ]
    parts: Annotated[list[Part], "Of a payout: what it consists of; a debt is negative."]
    recouped: Annotated[RecoupedTold | None, "Of a recoupment."]
    sent: Annotated[SentTold | None, "For a payout with withholding or an exchange."]
    is_returned: Annotated[
        bool,
        "Whether it is a payout, or the exchange for one, that came back.",
    ]


class Net(TypedDict):
    """What can be paid less what is owed back, as a payout nets it."""

    opening_minor: Annotated[int, "At the start.", Example(0)]
    closing_minor: Annotated[int, "At the end.", Example(0)]


class Exchanged(TypedDict):
    """What was sent in the currency of a statement and earned in another."""

    currency: Annotated[CurrencyCode, "In which it was earned.", Example("JPY")]
    amount_minor: Annotated[int, "In the currency of the statement.", Example(14_466)]


class CurrencyStatement(TypedDict):
    """In one currency: opening + earned − recouped − held − reserved − paid = closing."""

    currency: Dollars
    opening_minor: Annotated[Count, "What could be paid at the start.", Example(0)]
    earned_minor: Annotated[int, "What was earned in the period.", Example(25_000)]
    recouped_minor: Annotated[int, "How much debt was recouped.", Example(0)]
    held_minor: Annotated[
        int, "The change in what is held; negative if some was released.", Example(25_000)
    ]
    paid_minor: Annotated[int, "Payouts issued, minus those claimed again.", Example(0)]
    withheld_minor: Annotated[int, "How much of that was withheld, not sent.", Example(0)]
    reserved_minor: Annotated[
        int, "Held back for returns, less what was freed or taken from the reserve.", Example(0)
    ]
    closing_minor: Annotated[Count, "What can be paid at the end.", Example(0)]
    net: Annotated[Net, "opening + earned − held − reserved − paid = closing, debts deducted."]
    balances: Balances
    exchanged: Annotated[
        list[Exchanged], "Of what is in transit or settled: what was earned in other currencies."
    ]
    held: list[HeldLine]
    reserves: list[ReserveTold]
    lines: Annotated[list[StatementLine], "By account: one for each agreement."]
    movements: Annotated[list[Movement], "The same in words, with recoupments."]


class Statement(TypedDict):
    """What somebody earned, was paid and is owed in a period."""

    contributor: PayeeRef
    after: Annotated[Count, "The period begins after this position.", Example(0)]
    until: Annotated[Count, "The period ends with this position.", Example(97)]
    statements: list[CurrencyStatement]


class MonthOfPool(TypedDict):
    """What payees of a pool earned in a month."""

    month: Annotated[str, "The month.", Example("2026-03")]
    earned_minor: Annotated[int, "Less what was reversed.", Example(25_000)]
    late_minor: Annotated[
        int, "How much of it was recorded after its period was closed.", Example(0)
    ]


class Earned(MonthOfPool):
    """What was earned in a month from a pool."""

    pool: PoolRef


class CurrencyEarnings(TypedDict):
    """What was earned in one currency."""

    currency: Dollars
    earned_minor: Annotated[int, "In all months shown.", Example(25_000)]
    months: list[Earned]


class Earnings(TypedDict):
    """What somebody earned, by when it was earned."""

    contributor: PayeeRef
    earnings: list[CurrencyEarnings]


class PoolEarnings(TypedDict):
    """What payees of a pool earned, by when it was earned."""

    pool: PoolId
    currency: Dollars
    earned_minor: Annotated[int, "In all months shown.", Example(25_000)]
    months: list[MonthOfPool]


class PayoutTold(TypedDict):
    """A payout."""

    id: PayoutId
    batch: BatchId
    payee: PayeeRef
    currency: Dollars
    amount_minor: Annotated[
        Count, "The reduction of what is owed, before withholding.", Example(25_000)
    ]
    sent: SentTold
    state: PayoutState
    reference: Annotated[str | None, "Of the transfer."]
    reason: Annotated[str | None, "Why it came back."]
    issued_at: Instant
    position: Annotated[Position, Example(90)]


class BatchState(TypedDict):
    """How many payouts of a batch are in a state."""

    state: PayoutState
    count: Annotated[Count, "How many payouts are in it.", Example(2)]
    amount_minor: Annotated[Count, "What they come to.", Example(50_000)]


class BatchSent(TypedDict):
    """What a batch sent in one currency; what came back is not counted."""

    currency: Dollars
    count: Annotated[Count, "How many payouts.", Example(2)]
    amount_minor: Annotated[Count, "What was sent in it.", Example(50_000)]


class BatchItem(TypedDict):
    """A payout batch in a list."""

    id: BatchId
    currency: Dollars
    count: Annotated[Count, "How many payouts it has.", Example(2)]
    total_minor: Annotated[Count, "What they come to, before withholding.", Example(50_000)]
    issued_at: Instant
    position: Annotated[Position, Example(90)]


class BatchTold(BatchItem):
    """A payout batch with its control sums."""

    states: list[BatchState]
    sent: list[BatchSent]
    withheld_minor: Annotated[int, "Of what was sent.", Example(0)]


# -- rates and rules -----------------------------------------------------------------------------


class RateTold(TypedDict):
    """An exchange rate."""

    id: ExchangeRateId
    currency: Dollars
    into_currency: Annotated[CurrencyCode, Example("EUR")]
    rate: Annotated[str, "How much of the other currency one unit buys.", Example("0.9217")]
    effective_at: Annotated[Effect, "It is used from then on."]
    source_name: Annotated[
        str | None,
        "Where it was published; null when it was erased.",
        Example("ECB reference rates"),
    ]
    position: Annotated[Position, Example(88)]


class PaymentCurrencyTold(TypedDict):
    """In which currency somebody wants to be paid."""

    id: Annotated[str, "Its id.", Example(PAID_IN)]
    payee: PayeeRef
    currency: Annotated[CurrencyCode | None, "Null: the currency of each pool.", Example("EUR")]
    position: Annotated[Position, Example(88)]


class WithholdingTold(TypedDict):
    """A rule of withholding."""

    id: WithholdingId
    payee: PayeeRef
    country: CountryCode
    rate: Annotated[str, "Which part is withheld, exactly.", Example("0.15")]
    document: Annotated[
        str | None, "The form or the treaty.", Example("W-8BEN of 2026-01-12, article 12")
    ]
    note: Annotated[str | None, "Null if nothing was said, or when it was erased."]
    effective_at: Annotated[Effect, "For payouts from then on."]
    until: Annotated[str | None, "For payouts before then.", Example(MOMENT)]
    state: WithholdingState
    position: Annotated[Position, Example(88)]


class WithheldLine(TypedDict):
    """What was paid to somebody out of one country in a year, by one rule."""

    payee: PayeeRef
    country: CountryCode
    currency: Dollars
    paid_minor: Annotated[int, "Before withholding.", Example(25_000)]
    withheld_minor: Annotated[int, "What of that was withheld.", Example(3_750)]
    payouts: Annotated[int, "How many, less those that came back.", Example(1)]
    rule: Annotated[WithholdingId | None, "Null: nothing was stated."]
    rate: Annotated[str | None, "Which part; null: nothing was stated.", Example("0.15")]
    document: Annotated[
        str | None, "What it rests on.", Example("W-8BEN of 2026-01-12, article 12")
    ]


class WithheldTotal(TypedDict):
    """The sum for one country and currency."""

    country: CountryCode
    currency: Dollars
    paid_minor: Annotated[int, "Before withholding.", Example(25_000)]
    withheld_minor: Annotated[int, "What of that was withheld.", Example(3_750)]


class WithheldSummary(TypedDict):
    """What was withheld in a year."""

    year: Annotated[int, "The calendar year.", Example(2026)]
    lines: list[WithheldLine]
    totals: list[WithheldTotal]
