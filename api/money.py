"""The shape of answers about money.

The one rule: an amount is a whole number of the currency's smallest units, an exact number is a
text, and a JSON number is never a share.
"""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from api.answers import (
    ALBUM,
    BEN,
    MOMENT,
    SONG,
    Known,
    ListAnswer,
    PayeeRef,
    PersonRef,
    _count,
    _id,
    _one,
    _one_of,
    _several,
    _text,
)
from api.fields import Shape
from domain.identity import part_id
from domain.money.pool import POOL_KINDS
from domain.money.postings import ACCOUNTS
from domain.money.proposal import COMMENT_KINDS
from domain.split import ROUNDINGS

POOL = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d401"
PROPOSAL = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d402"
COMMENT = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d403"
REVENUE = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d404"
DIVISION = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d405"
BATCH = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d406"
PAYOUT = part_id(BATCH, "payout", 0)
EXPENSE = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d409"
CORRECTION = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d408"

TERMS: dict[str, Any] = {
    "type": "fixed",
    "shares": [["operator", "1/2"], ["artists", "1/2", {"type": "agreed"}]],
}
PROPOSAL_STATES = ("open", "finalised", "withdrawn")
CONSENT_STATES = ("offered", "accepted", "declined")
PAYOUT_STATES = ("issued", "settled", "returned", "claimed")
ENTRY_KINDS = ("division", "reversal", "correction")
HELD_BECAUSE = ("unclaimed", "unaccepted", "declined", "disputed")


def _units(example: int, description: str = "") -> fields.Integer:
    said = {"description": description} if description else {}
    return fields.Integer(required=True, metadata={"examples": [example], **said})


def _maybe(kind: str, example: object, description: str = "") -> fields.Raw:
    """What may be null, of a JSON type."""
    said = {"description": description} if description else {}
    return fields.Raw(
        required=True,
        allow_none=True,
        metadata={"type": kind, **said, "examples": [example]},
    )


def _exact(example: str, description: str = "", *, null: bool = False) -> fields.String:
    return _text(example, description or "Exact.", null=null)


class PoolItem(Shape):
    """A pool in a list."""

    id = _id(POOL)
    release = _id(ALBUM)
    name = _text("song", null=True)
    kind = _one_of(POOL_KINDS)
    currency = _text("USD")
    received_minor = _units(807364, "What came in and was not taken back.")
    position = _count(60)


class PoolsAnswer(ListAnswer):
    """The pools of a release."""

    items = _several(PoolItem)


class AccountsBody(Shape):
    """What stands on the accounts of a pool; together they are nothing."""

    received_minor = _units(-807364, ACCOUNTS["received"])
    waiting_minor = _units(0, ACCOUNTS["waiting"])
    owed_minor = _units(807364, ACCOUNTS["owed"])
    in_transit_minor = _units(0, ACCOUNTS["in_transit"])
    paid_minor = _units(0, ACCOUNTS["paid"])
    suspense_minor = _units(0, ACCOUNTS["suspense"])


class ProposalItem(Shape):
    """A proposal in a list."""

    id = _id(PROPOSAL)
    state = _one_of(PROPOSAL_STATES)
    number = _maybe("integer", 1, "Which agreement of the pool it is.")
    opened_at = _text(MOMENT)
    closes_at = _text(MOMENT, "Until when comments can be made.")
    effective_at = _text(None, "From when what is earned goes by it; null: from ever.", null=True)
    position = _count(61)


class PoolAnswer(Known):
    """A pool, its accounts and its proposals."""

    id = _id(POOL)
    release = _id(ALBUM)
    name = _text("song", null=True)
    kind = _one_of(POOL_KINDS)
    currency = _text("USD")
    terms = fields.Dict(required=True, keys=fields.String(), metadata={"examples": [TERMS]})
    rounding = _one_of(ROUNDINGS)
    comment_days = _count(14)
    deferral_minor = _count(50000, "Revenue waits until its source has brought so much.")
    works = fields.List(
        _id(SONG),
        required=True,
        allow_none=True,
        metadata={"description": "The components with a right to it; null: all."},
    )
    position = _count(60)
    accounts = _one(AccountsBody)
    proposals = _several(ProposalItem)


class ShareLine(Shape):
    """The share of one payee."""

    payee = _one(PayeeRef)
    share = _exact("1/4")
    consent = fields.String(
        required=True,
        allow_none=True,
        metadata={"enum": [*CONSENT_STATES, None], "description": "Null while nothing is final."},
    )


class StruckLine(Shape):
    """A share that was waived; it went to others."""

    payee = _one(PayeeRef)
    asset = _text(SONG, "What was waived.")
    title = _text("Low Tide, sung", "If the asset is a work.", null=True)
    over = _text("act 1", "Over what it is spread: an asset, a part, or “release”.")
    over_title = _text(None, "If that is a work.", null=True)
    share = _exact("1/8")


class AnswerBody(Shape):
    """An answer to a comment."""

    text = _text("Added with 1 %.", null=True)
    actor = _text("operator")
    at = _text(MOMENT)
    position = _count(70)


class CommentBody(Shape):
    """A comment on a proposal."""

    id = _id(COMMENT)
    kind = _one_of(COMMENT_KINDS)
    about = _text(BEN, "The payee or the asset it is about.", null=True)
    text = _text("Ben cut the last verse and is missing.", null=True)
    actor = _text(BEN)
    at = _text(MOMENT)
    position = _count(62)
    is_open = fields.Boolean(required=True, metadata={"description": "Nobody has answered."})
    answers = _several(AnswerBody)


class RevisionBody(Shape):
    """A stage of a proposal: the first, or a revision."""

    at = _text(MOMENT)
    actor = _text("operator")
    position = _count(61)
    comments = _several(_id(COMMENT), "The comments that caused it.")
    note = _text(None, null=True)


class WarningBody(Shape):
    """Somebody or something of the finished work that is missing from a proposal."""

    kind = _one_of(("work", "contributor"))
    id = _id(BEN)
    name = _text("Ben", null=True)


class AssetBody(Shape):
    """What an asset is worth, and whose it is."""

    asset = _text(SONG, "A work's id, or a name.")
    value = _exact("3", "How much it weighs among the assets.")
    within = _several(_text("act 1"), "The parts of the whole it is in.")
    shares = fields.List(
        fields.List(fields.String(), metadata={"minItems": 2, "maxItems": 2}),
        required=True,
        metadata={"examples": [[[BEN, "1/2"], ["operator", "1/2"]]]},
    )


class ProposalAnswer(Known):
    """A proposal: shares, the window, comments with answers, and who has agreed."""

    id = _id(PROPOSAL)
    pool = _id(POOL)
    release = _id(ALBUM)
    state = _one_of(PROPOSAL_STATES)
    opened_at = _text(MOMENT, "The first notice.")
    closes_at = _text(MOMENT)
    number = _maybe("integer", 1)
    effective_at = _text(None, null=True)
    policy = _maybe("object", {"type": "relative_cascade"}, "Null if it was set by hand.")
    graph_position = _maybe("integer", 57, "Where the lineage it was computed over was frozen.")
    assets = _several(AssetBody)
    shares = _several(ShareLine)
    struck = _several(StruckLine)
    comments = _several(CommentBody)
    revisions = _several(RevisionBody)
    warnings = _several(WarningBody, "Used but uncited.")
    position = _count(61)


class CauseComment(Shape):
    """A comment that caused a change."""

    id = _id(COMMENT)
    kind = _one_of(COMMENT_KINDS)
    about = _text(BEN, null=True)
    text = _text("Ben is missing.", null=True)
    actor = _text(BEN)


class CauseBody(Shape):
    """A revision that changed somebody's share."""

    at = _text(MOMENT)
    position = _count(65)
    before = _exact("0")
    after = _exact("1/100")
    comments = _several(CauseComment)


class DiffLine(Shape):
    """What became of one payee's share."""

    payee = _one(PayeeRef)
    first = _exact("0")
    current = _exact("1/100")
    change = _exact("1/100")
    waived = _exact("0", "How much of the change was waived.")
    causes = _several(CauseBody)


class DiffAnswer(Known):
    """The first proposal against the current one, person by person."""

    id = _id(PROPOSAL)
    state = _one_of(PROPOSAL_STATES)
    lines = _several(DiffLine)


class BalanceLine(Shape):
    """Where the money of one payee is."""

    payee = _one(PayeeRef)
    share = _exact("1/4", "Of the agreed part, as agreed last.", null=True)
    earned_minor = _units(25000)
    payable_minor = _count(0, "It can be paid now.")
    held_minor = _count(25000)
    debt_minor = _count(0, "What was paid too much; later earnings fill it up.")
    in_transit_minor = _count(0)
    paid_minor = _count(0)
    suspense_minor = _count(0, "It came back and was not claimed yet.")
    held_because = fields.List(fields.String(metadata={"enum": list(HELD_BECAUSE)}), required=True)
    rounding = _exact("-1/3", "What is carried on to the next division, in units.")


class WaitingLine(Shape):
    """Revenue of one source that is not divided yet."""

    source = _text("Bandcamp")
    brought_minor = _units(40000)
    waiting_minor = _units(40000)
    because = _one_of(("deferred", "no_agreement"))


class TotalsBody(Shape):
    """The lines, added up."""

    earned_minor = _units(807364)
    payable_minor = _count(0)
    held_minor = _count(0)
    debt_minor = _count(0)
    in_transit_minor = _count(0)
    paid_minor = _count(0)
    suspense_minor = _count(0)


class PoolStatementAnswer(Known):
    """Where all money of a pool is.

    received − reversed = waiting + earned; earned = payable + held − debt + in transit + paid +
    suspense; the rounding adds up to 0.
    """

    pool = _id(POOL)
    release = _id(ALBUM)
    name = _text("song", null=True)
    currency = _text("USD")
    agreement = _maybe("integer", 1)
    received_minor = _count(807364)
    reversed_minor = _count(0)
    waiting_minor = _units(0)
    waiting = _several(WaitingLine)
    divided_minor = _units(807364)
    costs_minor = _count(0, "Expenses recorded.")
    lines = _several(BalanceLine)
    struck = _several(StruckLine)
    totals = _one(TotalsBody)


class PostingBody(Shape):
    """Money on an account."""

    account = _one_of(ACCOUNTS)
    payee = _one(PayeeRef, allow_none=True)
    proposal = _id(PROPOSAL, "The agreement.", null=True)
    amount_minor = _units(25000)


class LedgerItem(Shape):
    """One fact that moved money; those of one append add up to nothing."""

    position = _count(80)
    recorded_at = _text(MOMENT)
    effective = _text(MOMENT, null=True)
    topic = _text("division.made")
    noun = _id(DIVISION)
    actor = _text("operator")
    reason = _text(None, null=True)
    postings = _several(PostingBody)


class LedgerAnswer(ListAnswer):
    """Every fact that moved money of a pool."""

    items = _several(LedgerItem)


class BookingBody(Shape):
    """Money that somebody outside paid or was paid."""

    pool = _id(POOL)
    amount_minor = _units(807364)
    effective_at = _text(MOMENT, "When it was earned or spent.")
    recorded_at = _text(MOMENT)
    document = _text("statement 2017-06, page 3", null=True)
    note = _text(None, null=True)
    position = _count(79)


class ReversalItem(Shape):
    """Something that was taken back."""

    id = _id(DIVISION)
    amount_minor = _units(1000)


class RevenueItem(BookingBody):
    """Money that came in."""

    id = _id(REVENUE)
    source = _text("HarperCollins")
    reversed_minor = _units(0, "What was taken back.")
    division = _id(DIVISION, "What it was divided by; null while it waits.", null=True)
    reversals = _several(ReversalItem)


class RevenueAnswer(Known, RevenueItem):
    """Money that came in."""


class RevenuesAnswer(ListAnswer):
    """The revenue of a pool."""

    items = _several(RevenueItem)


class ExpenseItem(BookingBody):
    """Money that was spent."""

    id = _id(EXPENSE)
    category = _text("printing")
    payer = _one(PayeeRef)


class ExpenseAnswer(Known, ExpenseItem):
    """Money that was spent."""


class ExpensesAnswer(ListAnswer):
    """The expenses of a pool."""

    items = _several(ExpenseItem)


class CostBody(Shape):
    """An expense that was paid back out of a division."""

    expense = _id(REVENUE)
    payer = _text("operator")
    amount_minor = _units(500)


class FlowBody(Shape):
    """What went through a part of the terms that remembers."""

    place = _text("policy.tranches")
    amount = _exact("1000")


class EntryLine(Shape):
    """What one payee was given."""

    payee = _one(PayeeRef)
    amount_minor = _units(25000)
    due = _exact("75001/3")
    share = _exact("1/4", "due / amount; null for a correction, whose amount is 0.", null=True)
    carry_before = _exact("0")
    carry_after = _exact("1/3")


class DivisionAnswer(Known):
    """A division, a reversal or a correction, with every line."""

    id = _id(DIVISION)
    kind = _one_of(ENTRY_KINDS)
    pool = _id(POOL)
    release = _id(ALBUM)
    proposal = _id(PROPOSAL)
    agreement = _count(1)
    revenue = _id(REVENUE, null=True)
    currency = _text("USD")
    amount_minor = _units(807364)
    agreed = _exact("403682", "How much of it goes by the agreed shares.")
    recorded_at = _text(MOMENT)
    effective_at = _text(MOMENT, null=True)
    reason = _text(None, null=True)
    costs = _several(CostBody)
    flow = _several(FlowBody)
    lines = _several(EntryLine)
    position = _count(80)


class RoundingBody(Shape):
    """How the last unit was given."""

    method = _one_of(ROUNDINGS)
    left_over = _units(1, "Units left over after everybody got whole ones; negative: taken back.")
    rank = _count(2, "Of the remainder; the first ranks got the units left over.")
    payees = _count(4)


class AgreementBody(Shape):
    """By what was divided."""

    proposal = _id(PROPOSAL)
    number = _count(1)
    policy = _maybe("object", {"type": "relative_cascade"})
    graph_position = _maybe("integer", 57)
    effective_at = _text(None, null=True)


class PathStep(Shape):
    """A work on the way from the release to a piece."""

    id = _id(SONG)
    title = _text("Low Tide, sung", null=True)


class PieceBody(Shape):
    """An asset in which the payee has a share."""

    asset = _text(SONG)
    title = _text("Low Tide, sung", null=True)
    value = _exact("3/4", "What part of the agreed amount the asset is.")
    share = _exact("1/2", "Inside the asset.")
    waived_over = _text(None, "Over what the payee waived it.", null=True)
    paths = _several(_several(PathStep), "The ways that lead to it.")


class PayeeCost(Shape):
    """An expense of this payee that was paid back."""

    expense = _id(REVENUE)
    amount_minor = _units(500)


class WhyAnswer(Known):
    """Why a payee was given this amount.

    due = by_agreement + by_terms + costs; amount = carry_before + due − carry_after.
    """

    division = _id(DIVISION)
    kind = _one_of(ENTRY_KINDS)
    payee = _one(PayeeRef)
    currency = _text("USD")
    of_minor = _units(807364)
    amount_minor = _units(100920)
    due = _exact("201841/2")
    carry_before = _exact("0")
    carry_after = _exact("1/2")
    rounding = _one(RoundingBody, allow_none=True)
    terms = fields.Dict(required=True, keys=fields.String(), metadata={"examples": [TERMS]})
    agreed = _exact("403682")
    share = _exact("1/4", "Of the agreed part.")
    by_agreement = _exact("201841/2")
    by_terms = _exact("0", "Named in the terms themselves.")
    costs = _several(PayeeCost)
    agreement = _one(AgreementBody)
    pieces = _several(PieceBody)


class BalancesBody(Shape):
    """Where somebody stands at the end of a period."""

    payable_minor = _count(0)
    held_minor = _count(25000)
    debt_minor = _count(0)
    in_transit_minor = _count(0)
    settled_minor = _count(0)
    suspense_minor = _count(0)


class HeldLine(Shape):
    """What is held for the same reasons."""

    because = fields.List(fields.String(metadata={"enum": list(HELD_BECAUSE)}), required=True)
    amount_minor = _count(25000)


class NamedRef(Shape):
    """A pool as statements refer to it."""

    id = _id(POOL)
    name = _text("song", null=True)


class TitledRef(Shape):
    """A release as statements refer to it."""

    id = _id(ALBUM)
    title = _text("Low Tide", null=True)


class StatementLine(Shape):
    """Something given to somebody, or paid."""

    position = _count(80)
    recorded_at = _text(MOMENT)
    effective_at = _text(MOMENT, "When it was earned.", null=True)
    kind = _one_of((*ENTRY_KINDS, "payout", "claim"))
    noun = _id(DIVISION, "The division, correction, reversal or payout.")
    release = _one(TitledRef)
    pool = _one(NamedRef)
    agreement = _count(1)
    proposal = _id(PROPOSAL)
    source = _text("Bandcamp", null=True)
    revenue = _id(REVENUE, null=True)
    amount_minor = _units(25000)


class CurrencyStatement(Shape):
    """A statement in one currency: opening + earned − recouped − held − paid = closing."""

    currency = _text("USD")
    opening_minor = _count(0, "What could be paid at the beginning.")
    earned_minor = _units(25000)
    recouped_minor = _units(0, "By how much a debt became smaller.")
    held_minor = _units(25000, "By how much more is held; negative if some was released.")
    paid_minor = _units(0, "Payouts issued, less those claimed again.")
    closing_minor = _count(0, "What can be paid at the end.")
    balances = _one(BalancesBody)
    held = _several(HeldLine)
    lines = _several(StatementLine)


class StatementAnswer(Known):
    """What somebody earned, was paid and is owed in a period."""

    contributor = _one(PersonRef)
    after = _count(0, "The period begins after this position.")
    statements = _several(CurrencyStatement)


class PayoutBody(Shape):
    """A payout."""

    id = _id(PAYOUT)
    batch = _id(BATCH)
    payee = _one(PayeeRef)
    currency = _text("USD")
    amount_minor = _count(25000)
    state = _one_of(PAYOUT_STATES)
    reference = _text(None, "Of the transfer.", null=True)
    issued_at = _text(MOMENT)
    position = _count(90)


class PayoutAnswer(Known, PayoutBody):
    """A payout."""


class PayoutsAnswer(ListAnswer):
    """Payouts, in the order of their issue."""

    items = _several(PayoutBody)


class BatchState(Shape):
    """How many payouts of a batch are in a state."""

    state = _one_of(PAYOUT_STATES)
    count = _count(2)
    amount_minor = _count(50000)


class BatchAnswer(Known):
    """A payout batch with its control sums."""

    id = _id(BATCH)
    currency = _text("USD")
    count = _count(2)
    total_minor = _count(50000)
    issued_at = _text(MOMENT)
    states = _several(BatchState)
    position = _count(90)


class BatchItem(Shape):
    """A payout batch in a list."""

    id = _id(BATCH)
    currency = _text("USD")
    count = _count(2)
    total_minor = _count(50000)
    issued_at = _text(MOMENT)
    position = _count(90)


class BatchesAnswer(ListAnswer):
    """Payout batches, in the order of their issue."""

    items = _several(BatchItem)
