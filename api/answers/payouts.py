"""What one person earned and was paid, and payouts with what became of them.

The one rule: opening + earned − recouped − held − paid = closing, in every currency.
"""

from __future__ import annotations

from marshmallow import fields

from api.answers import told
from api.answers.divisions import ENTRY_KINDS
from api.answers.examples import (
    ALBUM,
    BATCH,
    BEN,
    DIVISION,
    MOMENT,
    PAYOUT,
    POOL,
    PROPOSAL,
    REVENUE,
)
from api.answers.people import PersonRefBody
from api.answers.splits import PayeeRefBody
from api.answers.told import Known, ListAnswer
from api.fields import Shape
from domain.money.held import REASONS

PAYOUT_STATES = ("issued", "settled", "returned", "claimed")


class BalancesBody(Shape):
    """Where somebody stands at the end of a period."""

    payable_minor = told.count(0)
    held_minor = told.count(25000)
    debt_minor = told.count(0)
    in_transit_minor = told.count(0)
    settled_minor = told.count(0)
    suspense_minor = told.count(0)


class HeldLine(Shape):
    """What is held for the same reasons."""

    because = fields.List(fields.String(metadata={"enum": list(REASONS)}), required=True)
    amount_minor = told.count(25000)


class NamedRef(Shape):
    """A pool as statements refer to it."""

    id = told.id(POOL)
    name = told.text("song", null=True)


class TitledRef(Shape):
    """A release as statements refer to it."""

    id = told.id(ALBUM)
    title = told.text("Low Tide", null=True)


class StatementLine(Shape):
    """Something given to somebody, or paid."""

    position = told.count(80)
    recorded_at = told.text(MOMENT)
    effective_at = told.text(MOMENT, "When it was earned.", null=True)
    kind = told.one_of((*ENTRY_KINDS, "payout", "claim"))
    noun = told.id(DIVISION, "The division, correction, reversal or payout.")
    payee = told.id(BEN, "The account it stands on; before a merge it was another person's.")
    release = told.one(TitledRef)
    pool = told.one(NamedRef)
    agreement = told.count(1)
    proposal = told.id(PROPOSAL)
    source = told.text("Bandcamp", null=True)
    revenue = told.id(REVENUE, null=True)
    of_minor = told.maybe("integer", 100000, "What was divided, taken back or corrected.")
    share = told.exact("1/4", "What of that is due, exactly; rounding is carried.", null=True)
    amount_minor = told.units(25000)


class CurrencyStatement(Shape):
    """A statement in one currency: opening + earned − recouped − held − paid = closing."""

    currency = told.text("USD")
    opening_minor = told.count(0, "What could be paid at the beginning.")
    earned_minor = told.units(25000)
    recouped_minor = told.units(0, "By how much a debt became smaller.")
    held_minor = told.units(25000, "By how much more is held; negative if some was released.")
    paid_minor = told.units(0, "Payouts issued, less those claimed again.")
    closing_minor = told.count(0, "What can be paid at the end.")
    balances = told.one(BalancesBody)
    held = told.several(HeldLine)
    lines = told.several(StatementLine)


class StatementAnswer(Known):
    """What somebody earned, was paid and is owed in a period."""

    contributor = told.one(PersonRefBody)
    after = told.count(0, "The period begins after this position.")
    until = told.count(97, "The period ends with this position.")
    statements = told.several(CurrencyStatement)


class PayoutBody(Shape):
    """A payout."""

    id = told.id(PAYOUT)
    batch = told.id(BATCH)
    payee = told.one(PayeeRefBody)
    currency = told.text("USD")
    amount_minor = told.count(25000)
    state = told.one_of(PAYOUT_STATES)
    reference = told.text(None, "Of the transfer.", null=True)
    issued_at = told.text(MOMENT)
    position = told.count(90)


class PayoutAnswer(Known, PayoutBody):
    """A payout."""


class PayoutsAnswer(ListAnswer):
    """Payouts, in the order of their issue."""

    items = told.several(PayoutBody)


class BatchState(Shape):
    """How many payouts of a batch are in a state."""

    state = told.one_of(PAYOUT_STATES)
    count = told.count(2)
    amount_minor = told.count(50000)


class BatchItem(Shape):
    """A payout batch in a list."""

    id = told.id(BATCH)
    currency = told.text("USD")
    count = told.count(2)
    total_minor = told.count(50000)
    issued_at = told.text(MOMENT)
    position = told.count(90)


class BatchAnswer(Known, BatchItem):
    """A payout batch with its control sums."""

    states = told.several(BatchState)


class BatchesAnswer(ListAnswer):
    """Payout batches, in the order of their issue."""

    items = told.several(BatchItem)
