"""A pool, what came in for it and was spent, and where all of it is.

The one rule: the lines of a statement add up to its sums, and the postings of an append to nothing.
"""

from __future__ import annotations

from marshmallow import fields

from api.answers import told
from api.answers.examples import (
    ALBUM,
    DIVISION,
    EXPENSE,
    MOMENT,
    POOL,
    PROPOSAL,
    REVENUE,
    SONG,
    TERMS,
)
from api.answers.proposals import PROPOSAL_STATES, StruckLine
from api.answers.splits import PayeeRefBody
from api.answers.told import Known, ListAnswer
from api.fields import Shape
from domain.money.held import REASONS
from domain.money.pool import POOL_KINDS
from domain.money.postings import ACCOUNTS
from domain.money.split import ROUNDINGS


class PoolItem(Shape):
    """A pool in a list."""

    id = told.id(POOL)
    release = told.id(ALBUM)
    name = told.text("song", null=True)
    kind = told.one_of(POOL_KINDS)
    currency = told.text("USD")
    received_minor = told.units(807364, "What came in and was not taken back.")
    position = told.count(60)


class PoolsAnswer(ListAnswer):
    """The pools of a release."""

    items = told.several(PoolItem)


class AccountsBody(Shape):
    """What stands on the accounts of a pool; together they are nothing."""

    received_minor = told.units(-807364, ACCOUNTS["received"])
    waiting_minor = told.units(0, ACCOUNTS["waiting"])
    owed_minor = told.units(807364, ACCOUNTS["owed"])
    in_transit_minor = told.units(0, ACCOUNTS["in_transit"])
    paid_minor = told.units(0, ACCOUNTS["paid"])
    suspense_minor = told.units(0, ACCOUNTS["suspense"])


class ProposalItem(Shape):
    """A proposal in a list."""

    id = told.id(PROPOSAL)
    state = told.one_of(PROPOSAL_STATES)
    number = told.maybe("integer", 1, "Which agreement of the pool it is.")
    opened_at = told.text(MOMENT)
    closes_at = told.text(MOMENT, "Until when comments can be made.")
    effective_at = told.text(
        None, "From when what is earned goes by it; null: from ever.", null=True
    )
    position = told.count(61)


class PoolAnswer(Known):
    """A pool, its accounts and its proposals."""

    id = told.id(POOL)
    release = told.id(ALBUM)
    name = told.text("song", null=True)
    kind = told.one_of(POOL_KINDS)
    currency = told.text("USD")
    terms = fields.Dict(required=True, keys=fields.String(), metadata={"examples": [TERMS]})
    rounding = told.one_of(ROUNDINGS)
    comment_days = told.count(14)
    deferral_minor = told.count(50000, "Revenue waits until its source has brought so much.")
    works = fields.List(
        told.id(SONG),
        required=True,
        allow_none=True,
        metadata={"description": "The components with a right to it; null: all."},
    )
    position = told.count(60)
    accounts = told.one(AccountsBody)
    proposals = told.several(ProposalItem)


class BalanceLine(Shape):
    """Where the money of one payee is."""

    payee = told.one(PayeeRefBody)
    share = told.exact("1/4", "Of the agreed part, as agreed last.", null=True)
    earned_minor = told.units(25000)
    payable_minor = told.count(0, "It can be paid now.")
    held_minor = told.count(25000)
    debt_minor = told.count(0, "What was paid too much; later earnings fill it up.")
    in_transit_minor = told.count(0)
    paid_minor = told.count(0)
    suspense_minor = told.count(0, "It came back and was not claimed yet.")
    held_because = fields.List(fields.String(metadata={"enum": list(REASONS)}), required=True)
    rounding = told.exact("-1/3", "What is carried on to the next division, in units.")


class WaitingLine(Shape):
    """Revenue of one source that is not divided yet."""

    source = told.text("Bandcamp")
    brought_minor = told.units(40000)
    waiting_minor = told.units(40000)
    because = told.one_of(("deferred", "no_agreement"))


class TotalsBody(Shape):
    """The lines, added up."""

    earned_minor = told.units(807364)
    payable_minor = told.count(0)
    held_minor = told.count(0)
    debt_minor = told.count(0)
    in_transit_minor = told.count(0)
    paid_minor = told.count(0)
    suspense_minor = told.count(0)


class PoolStatementAnswer(Known):
    """Where all money of a pool is.

    received − reversed = waiting + earned; earned = payable + held − debt + in transit + paid +
    suspense; the rounding adds up to 0.
    """

    pool = told.id(POOL)
    release = told.id(ALBUM)
    name = told.text("song", null=True)
    currency = told.text("USD")
    agreement = told.maybe("integer", 1)
    received_minor = told.count(807364)
    reversed_minor = told.count(0)
    waiting_minor = told.units(0)
    waiting = told.several(WaitingLine)
    divided_minor = told.units(807364)
    costs_minor = told.count(0, "Expenses recorded.")
    lines = told.several(BalanceLine)
    struck = told.several(StruckLine)
    totals = told.one(TotalsBody)


class PostingBody(Shape):
    """Money on an account."""

    account = told.one_of(ACCOUNTS)
    payee = told.one(PayeeRefBody, allow_none=True)
    proposal = told.id(PROPOSAL, "The agreement.", null=True)
    amount_minor = told.units(25000)


class LedgerItem(Shape):
    """One fact that moved money; those of one append add up to nothing."""

    position = told.count(80)
    recorded_at = told.text(MOMENT)
    effective = told.text(MOMENT, null=True)
    topic = told.text("division.made")
    noun = told.id(DIVISION)
    actor = told.text("operator")
    reason = told.text(None, null=True)
    postings = told.several(PostingBody)


class LedgerAnswer(ListAnswer):
    """Every fact that moved money of a pool."""

    items = told.several(LedgerItem)


class BookingBody(Shape):
    """Money that somebody outside paid or was paid."""

    pool = told.id(POOL)
    amount_minor = told.units(807364)
    effective_at = told.text(MOMENT, "When it was earned or spent.")
    recorded_at = told.text(MOMENT)
    document = told.text("statement 2017-06, page 3", null=True)
    note = told.text(None, null=True)
    position = told.count(79)


class ReversalItem(Shape):
    """Something that was taken back."""

    id = told.id(DIVISION)
    amount_minor = told.units(1000)


class RevenueItem(BookingBody):
    """Money that came in."""

    id = told.id(REVENUE)
    source = told.text("HarperCollins")
    reversed_minor = told.units(0, "What was taken back.")
    division = told.id(DIVISION, "What it was divided by; null while it waits.", null=True)
    reversals = told.several(ReversalItem)


class RevenueAnswer(Known, RevenueItem):
    """Money that came in."""


class RevenuesAnswer(ListAnswer):
    """The revenue of a pool."""

    items = told.several(RevenueItem)


class ExpenseItem(BookingBody):
    """Money that was spent."""

    id = told.id(EXPENSE)
    category = told.text("printing")
    payer = told.one(PayeeRefBody)


class ExpenseAnswer(Known, ExpenseItem):
    """Money that was spent."""


class ExpensesAnswer(ListAnswer):
    """The expenses of a pool."""

    items = told.several(ExpenseItem)
