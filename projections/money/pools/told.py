"""The types of the answers about pools and divisions.

An amount is a whole number of the currency's smallest units; an exact number is a string.

One file, because it is one list.
"""

from __future__ import annotations

from typing import Annotated, TypedDict

from domain.money.postings import ACCOUNTS
from domain.readers import STATEMENTS
from domain.value import Example, one_of
from domain.values import (
    REVENUE,
    SONG,
    CountryCode,
    EntryId,
    ExpenseId,
    PoolId,
    ProposalId,
    ReleaseId,
    RevenueId,
    WorkId,
)
from projections.money.told import (
    Account,
    Arrived,
    Dollars,
    KindOfCost,
    KindOfEntry,
    KindOfPool,
    KindOfSource,
    Operator,
    PathWork,
    PayeeRef,
    Policy,
    PoolName,
    ProposalState,
    ReasonHeld,
    RecoupedTold,
    RoundingMethod,
    RuleGave,
    Terms,
    WaivedLine,
    Where,
)
from projections.told import (
    MOMENT,
    Count,
    Effect,
    Exact,
    Instant,
    PathCount,
    Position,
)

# -- pools ---------------------------------------------------------------------------------------


class PoolItem(TypedDict):
    """A pool in a list."""

    id: PoolId
    release: ReleaseId
    name: PoolName
    kind: KindOfPool
    currency: Dollars
    received_minor: Annotated[
        int | None,
        "What came in and was not reversed; null if you may not read its statement.",
        Example(807_364),
    ]
    position: Annotated[Position, Example(60)]


class Accounts(TypedDict):
    """The balances of a pool's accounts; they sum to zero. None is in another currency."""

    received_minor: Annotated[int, ACCOUNTS["received"], Example(-807_364)]
    waiting_minor: Annotated[int, ACCOUNTS["waiting"], Example(0)]
    owed_minor: Annotated[int, ACCOUNTS["owed"], Example(807_364)]
    in_transit_minor: Annotated[int, ACCOUNTS["in_transit"], Example(0)]
    paid_minor: Annotated[int, ACCOUNTS["paid"], Example(0)]
    suspense_minor: Annotated[int, ACCOUNTS["suspense"], Example(0)]
    withheld_minor: Annotated[int, ACCOUNTS["withheld"], Example(0)]
    exchanged_minor: Annotated[int, ACCOUNTS["exchanged"], Example(0)]
    reserved_minor: Annotated[int, ACCOUNTS["reserved"], Example(0)]


class ProposalItem(TypedDict):
    """A proposal in a list."""

    id: ProposalId
    state: ProposalState
    number: Annotated[int | None, "Which agreement of the pool it is.", Example(1)]
    opened_at: Instant
    closes_at: Annotated[Instant, "It is open for comments until then."]
    effective_at: Annotated[str | None, "It applies to earnings from then on; null: to all."]
    position: Annotated[Position, Example(61)]


class AmendmentTold(TypedDict):
    """Terms of a pool, from a date on."""

    number: Annotated[Count, "0: those it was opened with.", Example(1)]
    effective_at: Annotated[str | None, "For what is earned from then on.", Example(MOMENT)]
    terms: Terms
    reason: Annotated[
        str | None,
        "Why; null of the first, or when it was erased.",
        Example("The label gets 20 % instead of 15 %."),
    ]
    document: Annotated[str | None, "The document that proves it."]


class ReservingTold(TypedDict):
    """A rule by which a part of what is earned is held back for returns."""

    payee: Annotated[PayeeRef | None, "The payee; null: everyone without a rule of their own."]
    rate: Annotated[str, "Which part of what is earned, exactly.", Example("0.2")]
    months: Annotated[int | None, "Null: until it is freed.", Example(6)]
    effective_at: Annotated[str, "For what is earned from then on.", Example(MOMENT)]
    reason: Annotated[str | None, "Why; null if nothing was said, or when it was erased."]


class PoolTold(TypedDict):
    """A pool, its accounts and its proposals."""

    id: PoolId
    release: ReleaseId
    name: PoolName
    kind: KindOfPool
    currency: Dollars
    terms: Annotated[Terms, "The latest."]
    amendments: Annotated[list[AmendmentTold], "All the terms it has had, if they were amended."]
    rounding: RoundingMethod
    comment_days: Annotated[
        Count, "For how many days a proposal is open for comments, at least.", Example(14)
    ]
    review_hours: Annotated[Count, "The least number of hours a revision stays open.", Example(72)]
    deferral_minor: Annotated[
        Count, "Revenue waits until its source has brought in this much.", Example(50_000)
    ]
    works: Annotated[
        list[WorkId] | None, "The components entitled to it; null: all.", Example([SONG])
    ]
    statement: Annotated[
        Annotated[str, one_of(STATEMENTS)] | None,
        "Who else may read its statement.",
    ]
    reserving: Annotated[list[ReservingTold], "The rules for reserves, in the order stated."]
    country: Annotated[
        CountryCode | None, "The country its money comes from, if stated.", Example(None)
    ]
    by_territory: Annotated[
        bool, "Whether the money of a sale comes from the country of that sale.", Example(False)
    ]
    position: Annotated[Position, Example(60)]
    accounts: Annotated[Accounts | None, "Null if you may not read its statement."]
    proposals: list[ProposalItem]


class Totals(Where):
    """What was earned, and where it is."""

    earned_minor: Annotated[int, "What was earned.", Example(25_000)]
    paid_minor: Arrived


class BalanceLine(Totals):
    """Where the money of one payee is."""

    payee: PayeeRef
    belongs_to: Annotated[
        PayeeRef | None,
        "Whose it is now, if the payee is a work that was claimed or joined into another, an "
        "account that was merged, or a name that stands for somebody; for who reads all money.",
    ]
    share: Annotated[str | None, "Of the agreed part, by the agreement in force.", Example("1/4")]
    held_because: list[ReasonHeld]
    rounding: Annotated[str, "Carried to the next division, in units.", Example("-1/3")]


class WaitingLine(TypedDict):
    """Revenue of one source that is not divided yet."""

    source: Annotated[str, "The name of the source, else its kind.", Example("Bandcamp")]
    brought_minor: Annotated[int, "How much it has brought in.", Example(40_000)]
    waiting_minor: Annotated[int, "How much of that waits.", Example(40_000)]
    because: Annotated[str, "Why it waits.", one_of(("deferred", "no_agreement", "below_zero"))]


class PoolStatement(TypedDict):
    """Where all the money of a pool is.

    received − reversed = waiting + earned; earned = payable + held − debt + in transit + paid +
    suspense + withheld + exchanged + reserved; the rounding sums to zero.
    """

    pool: PoolId
    release: ReleaseId
    name: PoolName
    currency: Dollars
    agreement: Annotated[int | None, "The agreement in force for what is earned now.", Example(1)]
    received_minor: Annotated[int, "What came in.", Example(807_364)]
    reversed_minor: Annotated[Count, "What of that was reversed.", Example(0)]
    opening_minor: Annotated[int, "What payees were owed by earlier books.", Example(0)]
    waiting_minor: Annotated[int, "What is not divided yet.", Example(0)]
    waiting: list[WaitingLine]
    divided_minor: Annotated[int, "What payees have earned in all.", Example(807_364)]
    costs_minor: Annotated[Count, "Expenses recorded, less what was reversed.", Example(0)]
    lines: list[BalanceLine]
    waived: list[WaivedLine]
    recouped: Annotated[list[RecoupedTold], "How far the terms have recouped what comes first."]
    rules: Annotated[list[RuleGave], "What each rule of the terms has given in total."]
    totals: Annotated[Totals, "The sums of the lines."]


class Posting(TypedDict):
    """Money on an account."""

    account: Account
    payee: PayeeRef | None
    proposal: Annotated[ProposalId | None, "The agreement."]
    amount_minor: Annotated[
        int, "What was added to the account; negative: what was taken from it.", Example(25_000)
    ]


class LedgerFact(TypedDict):
    """One fact that moved money; the postings of one append sum to zero."""

    position: Annotated[Position, Example(80)]
    recorded_at: Instant
    effective: Annotated[str | None, "When it takes effect.", Example(MOMENT)]
    topic: Annotated[str, "What kind of fact it is.", Example("entry.divided")]
    noun: EntryId
    actor: Operator
    reason: Annotated[str | None, "Null also if you may not read the fact itself."]
    postings: list[Posting]


class Booking(TypedDict):
    """Money that somebody outside paid or was paid."""

    pool: PoolId
    amount_minor: Annotated[int, "How much.", Example(807_364)]
    effective_at: Annotated[Effect, "When it was earned or spent."]
    recorded_at: Instant
    document: Annotated[
        str | None, "The document that proves it.", Example("statement 2017-06, page 3")
    ]
    note: Annotated[str | None, "Null if nothing was said, or when it was erased."]
    repeats: Annotated[
        RevenueId | None, "An earlier one with the same document and amount, if there is one."
    ]
    position: Annotated[Position, Example(79)]


class ReversalItem(TypedDict):
    """A reversal of revenue or of an expense."""

    id: EntryId
    amount_minor: Annotated[int, "How much was reversed.", Example(1000)]
    against: Annotated[RevenueId | None, "The negative revenue that it was taken back for."]


class SoldTold(TypedDict):
    """All that was sold of one kind."""

    work: WorkId | None
    territory: Annotated[
        str | None, "Where, as a country or a territory; null if not known.", Example("DE")
    ]
    channel: Annotated[str | None, "How, such as by stream; null if not known.", Example("stream")]
    configuration: Annotated[
        str | None, "As what, such as vinyl; null if not known.", Example("vinyl")
    ]
    units: Annotated[Exact, "How many.", Example("1000")]
    amount: Annotated[Exact, "In smallest units, exactly.", Example("1.093420044805")]


class Revenue(Booking):
    """Money that came in."""

    id: RevenueId
    source: Annotated[str, "The name of the source, else its kind.", Example("HarperCollins")]
    source_kind: Annotated[KindOfSource | None, "Null if another kind of word was recorded."]
    sold: Annotated[list[SoldTold], "What was sold, by kind; empty if that is not known."]
    exact: Annotated[
        Exact, "The exact sum of its lines; the amount is rounded.", Example("807364.2")
    ]
    rounding: Annotated[
        Exact, "What rounding added: the amount less the exact sum.", Example("-0.2")
    ]
    reversed_minor: Annotated[int, "How much was reversed.", Example(0)]
    division: Annotated[EntryId | None, "Its division; null while it waits."]
    reversals: list[ReversalItem]
    taken_back_minor: Annotated[
        Count, "For negative revenue: how much of other revenue it has taken back.", Example(0)
    ]


class Expense(Booking):
    """Money that was spent."""

    id: ExpenseId
    category: Annotated[str, "What it was, else its kind.", Example("printing")]
    category_kind: Annotated[KindOfCost | None, "Null if another kind of word was recorded."]
    payer: PayeeRef
    reversed_minor: Annotated[int, "How much was reversed.", Example(0)]
    reversals: list[ReversalItem]


# -- divisions -----------------------------------------------------------------------------------


class Cost(TypedDict):
    """An expense reimbursed from a division."""

    expense: Annotated[ExpenseId, Example(REVENUE)]
    payer: Annotated[str, "Who is reimbursed.", Example("operator")]
    amount_minor: Annotated[int, "How much of it this division reimburses.", Example(500)]


class FlowThrough(TypedDict):
    """What went through a part of the terms that keeps a running sum."""

    place: Annotated[str, "Where it stands in the terms.", Example("policy.tranches")]
    amount: Annotated[Exact, Example("1000")]


class EntryLine(TypedDict):
    """What was allocated to one payee."""

    payee: PayeeRef
    amount_minor: Annotated[int, "What was allocated, in whole units.", Example(25_000)]
    due: Annotated[Exact, Example("75001/3")]
    share: Annotated[
        str | None, "due / amount; null for a correction, whose amount is 0.", Example("1/4")
    ]
    carry_before: Annotated[Exact, Example("0")]
    carry_after: Annotated[Exact, Example("1/3")]


class ReservedLine(TypedDict):
    """What of an entry is held back of a payee's for returns, or freed."""

    payee: PayeeRef
    until: Annotated[str | None, "Null: until it is freed.", Example(MOMENT)]
    amount_minor: Annotated[int, "How much; negative: freed.", Example(20_184)]


class DivisionTold(TypedDict):
    """A division, a reversal or a correction, with every line."""

    id: EntryId
    kind: KindOfEntry
    pool: PoolId
    release: ReleaseId
    proposal: ProposalId
    agreement: Annotated[Count, "The number of the agreement.", Example(1)]
    revenue: RevenueId | None
    currency: Dollars
    amount_minor: Annotated[int, "What was divided, reversed or corrected.", Example(807_364)]
    agreed: Annotated[str, "How much of it follows the agreed shares.", Example("403682")]
    recorded_at: Instant
    effective_at: Annotated[str | None, "When it takes effect.", Example(MOMENT)]
    reason: Annotated[str | None, "Of a reversal or a correction; null when it was erased."]
    document: Annotated[str | None, "What proves an adjustment or an assignment."]
    costs: list[Cost]
    flow: list[FlowThrough]
    recouped: list[RecoupedTold]
    rules: Annotated[list[RuleGave], "What each rule of the terms gave."]
    lines: list[EntryLine]
    reserved: Annotated[list[ReservedLine], "Held back for returns, or (negative) freed."]
    position: Annotated[Position, Example(80)]


class RoundingTold(TypedDict):
    """How the last unit was allocated."""

    method: RoundingMethod
    left_over: Annotated[
        int, "Units left over after rounding down; negative: units deducted.", Example(1)
    ]
    rank: Annotated[Count, "Of the remainder; the first ranks got the units left over.", Example(2)]
    payees: Annotated[Count, "How many payees there were.", Example(4)]


class AgreementTold(TypedDict):
    """The agreement of a division."""

    proposal: ProposalId
    number: Annotated[Count, "Which agreement of the pool it is.", Example(1)]
    policy: Annotated[Policy, "Null if it was set by hand."]
    graph_position: Annotated[
        int | None, "The position of the lineage it was computed from.", Example(57)
    ]
    effective_at: Annotated[str | None, "It applies to earnings from then on; null: to all."]


class ThroughPart(TypedDict):
    """A group through which somebody has a share."""

    group: PayeeRef
    share: Annotated[str, "Their part of the asset through it.", Example("1/6")]
    of: Annotated[str, "The part that the group's members have together.", Example("1/2")]


class PieceTold(PathCount):
    """An asset in which the payee has a share."""

    asset: Annotated[str, "A work's id, or a name.", Example(SONG)]
    title: Annotated[str | None, "If the asset is a work.", Example("Low Tide, sung")]
    value: Annotated[str, "The asset's part of the agreed amount.", Example("3/4")]
    share: Annotated[str, "The payee's part of the asset.", Example("1/2")]
    part: Annotated[str, "The payee's part of the agreed amount through it.", Example("3/8")]
    amount: Annotated[Exact, "That part of this amount, before any waiver.", Example("151380")]
    waived_over: Annotated[str | None, "What it was spread over, if the payee waived it."]
    over_title: Annotated[str | None, "If that is a work."]
    from_waivers: Annotated[
        Exact, "What comes to the payee here of shares that others waived.", Example("0")
    ]
    through: Annotated[
        list[ThroughPart], "The groups whose share it is part of, by their own division."
    ]
    paths: Annotated[list[list[PathWork]], "Up to twelve of them, the shortest first."]
    paths_left_out: Annotated[
        list[Count], "How many works in the middle of each path are left out."
    ]
    path_amounts: Annotated[
        list[Exact | None], "How much comes through each of these paths, if that is defined."
    ]


class PayeeCost(TypedDict):
    """An expense of this payee that was reimbursed."""

    expense: Annotated[ExpenseId, Example(REVENUE)]
    amount_minor: Annotated[int, "How much of it was reimbursed.", Example(500)]


class CorrectsTold(TypedDict):
    """What was so before a correction, which gives the difference."""

    share: Annotated[str, "Of the agreed part.", Example("1/8")]
    agreed: Annotated[Exact, "The agreed part of what was divided.", Example("403682")]


class Why(TypedDict):
    """Why a payee got this amount.

    due = by_agreement + by_terms + costs + stated; amount = carry_before + due − carry_after;
    by_agreement = agreed · share, less the same of what a correction ``corrects``;
    agreed · share = the amounts of all ``pieces`` that the payee did not waive + ``from_waivers``.
    """

    division: EntryId
    kind: KindOfEntry
    payee: PayeeRef
    currency: Dollars
    of_minor: Annotated[int, "What was divided, reversed or corrected.", Example(807_364)]
    amount_minor: Annotated[int, "What the payee got of it.", Example(100_920)]
    due: Annotated[Exact, Example("201841/2")]
    carry_before: Annotated[Exact, Example("0")]
    carry_after: Annotated[Exact, Example("1/2")]
    rounding: RoundingTold | None
    terms: Terms
    agreed: Annotated[Exact, Example("403682")]
    share: Annotated[str, "Of the agreed part.", Example("1/4")]
    corrects: Annotated[CorrectsTold | None, "For a correction."]
    by_agreement: Annotated[Exact, Example("201841/2")]
    by_terms: Annotated[str, "Set by the terms themselves.", Example("0")]
    costs: list[PayeeCost]
    stated: Annotated[str, "Stated by an adjustment or an assignment.", Example("0")]
    reason: Annotated[str | None, "For everything but a division.", Example("Chargeback.")]
    document: Annotated[str | None, "What proves an adjustment or an assignment."]
    recouped: Annotated[list[RecoupedTold], "What was recouped from this payee, or for them."]
    rules: Annotated[list[RuleGave], "The rules of the terms that gave it; no rule gave the rest."]
    reserved: Annotated[list[ReservedLine], "How much of it is held back for returns, or freed."]
    agreement: AgreementTold
    pieces: list[PieceTold]
