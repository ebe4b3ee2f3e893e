"""A division, line by line, and why somebody was given an amount.

The one rule: due = agreement + terms + costs, and amount = carried before + due − carried after.
"""

from __future__ import annotations

from marshmallow import fields

from api.answers import told
from api.answers.examples import (
    ALBUM,
    DIVISION,
    MOMENT,
    POOL,
    PROPOSAL,
    REVENUE,
    SONG,
    TERMS,
)
from api.answers.splits import PayeeRefBody
from api.answers.told import Known
from api.fields import Shape
from domain.money.split import ROUNDINGS

ENTRY_KINDS = ("division", "reversal", "correction")


class CostBody(Shape):
    """An expense that was paid back out of a division."""

    expense = told.id(REVENUE)
    payer = told.text("operator")
    amount_minor = told.units(500)


class FlowBody(Shape):
    """What went through a part of the terms that remembers."""

    place = told.text("policy.tranches")
    amount = told.exact("1000")


class EntryLine(Shape):
    """What one payee was given."""

    payee = told.one(PayeeRefBody)
    amount_minor = told.units(25000)
    due = told.exact("75001/3")
    share = told.exact("1/4", "due / amount; null for a correction, whose amount is 0.", null=True)
    carry_before = told.exact("0")
    carry_after = told.exact("1/3")


class DivisionAnswer(Known):
    """A division, a reversal or a correction, with every line."""

    id = told.id(DIVISION)
    kind = told.one_of(ENTRY_KINDS)
    pool = told.id(POOL)
    release = told.id(ALBUM)
    proposal = told.id(PROPOSAL)
    agreement = told.count(1)
    revenue = told.id(REVENUE, null=True)
    currency = told.text("USD")
    amount_minor = told.units(807364)
    agreed = told.exact("403682", "How much of it goes by the agreed shares.")
    recorded_at = told.text(MOMENT)
    effective_at = told.text(MOMENT, null=True)
    reason = told.text(None, null=True)
    costs = told.several(CostBody)
    flow = told.several(FlowBody)
    lines = told.several(EntryLine)
    position = told.count(80)


class RoundingBody(Shape):
    """How the last unit was given."""

    method = told.one_of(ROUNDINGS)
    left_over = told.units(
        1, "Units left over after everybody got whole ones; negative: taken back."
    )
    rank = told.count(2, "Of the remainder; the first ranks got the units left over.")
    payees = told.count(4)


class AgreementBody(Shape):
    """By what was divided."""

    proposal = told.id(PROPOSAL)
    number = told.count(1)
    policy = told.maybe("object", {"type": "relative_cascade"})
    graph_position = told.maybe("integer", 57)
    effective_at = told.text(None, null=True)


class PathStep(Shape):
    """A work on the way from the release to a piece."""

    id = told.id(SONG)
    title = told.text("Low Tide, sung", null=True)


class PieceBody(Shape):
    """An asset in which the payee has a share."""

    asset = told.text(SONG)
    title = told.text("Low Tide, sung", null=True)
    value = told.exact("3/4", "What part of the agreed amount the asset is.")
    share = told.exact("1/2", "Inside the asset.")
    waived_over = told.text(None, "Over what the payee waived it.", null=True)
    paths = told.several(told.several(PathStep), "The ways that lead to it.")


class PayeeCost(Shape):
    """An expense of this payee that was paid back."""

    expense = told.id(REVENUE)
    amount_minor = told.units(500)


class WhyAnswer(Known):
    """Why a payee was given this amount.

    due = by_agreement + by_terms + costs; amount = carry_before + due − carry_after.
    """

    division = told.id(DIVISION)
    kind = told.one_of(ENTRY_KINDS)
    payee = told.one(PayeeRefBody)
    currency = told.text("USD")
    of_minor = told.units(807364)
    amount_minor = told.units(100920)
    due = told.exact("201841/2")
    carry_before = told.exact("0")
    carry_after = told.exact("1/2")
    rounding = told.one(RoundingBody, allow_none=True)
    terms = fields.Dict(required=True, keys=fields.String(), metadata={"examples": [TERMS]})
    agreed = told.exact("403682")
    share = told.exact("1/4", "Of the agreed part.")
    by_agreement = told.exact("201841/2")
    by_terms = told.exact("0", "Named in the terms themselves.")
    costs = told.several(PayeeCost)
    agreement = told.one(AgreementBody)
    pieces = told.several(PieceBody)
