"""The types of line a bundle may hold: the command of each, and what its fields are.

The one rule: a line says what the body of the request of the same name says, in the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from domain.draft import Draft
from domain.money.treasury import Treasury
from domain.sheet import Receipt

PERSON, WORK, REMIX, CREDIT, TEXT, LIST = "person", "work", "remix", "credit", "text", "list"
POOL, PROPOSAL, COMMENT, REVENUE = "pool", "proposal", "comment", "revenue"
EXPENSE, REVERSAL, CORRECTION = "expense", "reversal", "correction"
BATCH_ID, PAYOUT = "batch", "payout"
NUMBER = "number"
"""A whole number, never a text: an amount of units, days, a position."""
JSON = "json"
"""A JSON value whose form the domain describes; in it, “@text” stands for an id of the bundle."""
OBJECT = "object"
"""The same, and it is an object."""
PAYEE = "payee"
"""“@text” for a contributor of the bundle, a contributor's UUID, or any name."""
PIECE = "piece"
"""“@text” for a work of the bundle, a work's UUID, or any name of an asset or a part."""
WORKS, COMMENTS, PAYEES = "works", "comments", "payees"
LISTS = {WORKS: WORK, COMMENTS: COMMENT, PAYEES: PAYEE}
"""Lists, and what stands in them."""


class Shape(NamedTuple):
    """The fields of one type of line: what each names, and which may be missing."""

    command: Callable[..., Receipt]
    needed: Mapping[str, str]
    optional: Mapping[str, str] = {}
    makes: str = ""
    """What a line without an id makes, so that one can be derived."""


_REASON = {"reason": TEXT}
_MADE = {"id": WORK, "made_at": TEXT}
_CONTENT = {
    "assets": JSON,
    "policy": JSON,
    "graph_position": NUMBER,
    "default_rate": TEXT,
    "note": TEXT,
}
_BOOKED = {"amount_minor": NUMBER, "effective_at": TEXT}
_OF_PROPOSAL = {"proposal": PROPOSAL}


def _disputes(
    noun: str,
    kind: str,
    dispute: Callable[..., Receipt],
    answer: Callable[..., Receipt],
    settle: Callable[..., Receipt],
) -> dict[str, Shape]:
    """The lines of a dispute, the same about whatever it is."""
    needed, evidence = {"id": kind}, {"evidence": TEXT}
    opened = {**needed, "grounds": TEXT, **_REASON}
    settled = {**needed, "outcome": TEXT, **_REASON}
    return {
        f"{noun}.dispute": Shape(dispute, opened, {**evidence, "answer_by": TEXT}),
        f"{noun}.answer": Shape(answer, {**needed, **_REASON}, evidence),
        f"{noun}.settle": Shape(settle, settled, {"replaced_by": kind}),
    }


SHAPES: dict[str, Shape] = {
    "contributor": Shape(Draft.admit_contributor, {"name": TEXT}, {"id": PERSON}, PERSON),
    "contributor.merge": Shape(
        Draft.merge_contributor, {"id": PERSON, "into": PERSON}, {"reason": TEXT}
    ),
    "contributor.register-key": Shape(Draft.register_key, {"id": PERSON, "key": TEXT}),
    "contributor.revoke-key": Shape(
        Draft.revoke_key, {"id": PERSON, "key": TEXT}, {"reason": TEXT}
    ),
    "contributor.forget": Shape(Draft.forget_contributor, {"id": PERSON, "ground": TEXT}),
    "contribution": Shape(
        Draft.submit_contribution,
        {"title": TEXT, "medium": TEXT},
        {**_MADE, "authors": LIST, "sources": LIST, "licence": TEXT, "sha256": TEXT},
        WORK,
    ),
    "contribution.withdraw": Shape(Draft.withdraw_contribution, {"id": WORK, **_REASON}),
    "work.redate": Shape(Draft.redate_work, {"id": WORK, "made_at": TEXT, **_REASON}),
    "work.claim": Shape(
        Draft.claim_work,
        {"id": WORK, "contributor": PERSON, "role": TEXT},
        {"evidence": TEXT, "credit": CREDIT},
        CREDIT,
    ),
    "remix": Shape(
        Draft.declare_remix,
        {"child": WORK, "kind": TEXT},
        {
            "id": REMIX,
            "parent": WORK,
            "uri": TEXT,
            "rate": TEXT,
            "evidence": TEXT,
            "effective_at": TEXT,
        },
        REMIX,
    ),
    "credit": Shape(
        Draft.open_credit,
        {"work": WORK, "contributor": PERSON, "role": TEXT},
        {
            "id": CREDIT,
            "kind": TEXT,
            "display": TEXT,
            "evidence": TEXT,
            "effective_at": TEXT,
        },
        CREDIT,
    ),
    "release": Shape(
        Draft.assemble_release, {"title": TEXT, "components": LIST}, dict(_MADE), WORK
    ),
    "release.publish": Shape(Draft.publish_release, {"id": WORK}),
    "release.withdraw": Shape(Draft.withdraw_release, {"id": WORK, **_REASON}),
    **_disputes("remix", REMIX, Draft.dispute_remix, Draft.answer_remix, Draft.settle_remix),
    "remix.strike": Shape(Draft.strike_remix, {"id": REMIX, **_REASON}),
    **_disputes("credit", CREDIT, Draft.dispute_credit, Draft.answer_credit, Draft.settle_credit),
    **{
        f"credit.{verb}": Shape(command, {"id": CREDIT}, {"reason": TEXT})
        for verb, command in (
            ("accept", Draft.accept_credit),
            ("decline", Draft.decline_credit),
            ("revoke", Draft.revoke_credit),
        )
    },
    **{
        f"credit.{verb}": Shape(command, {"id": CREDIT, **needed}, optional)
        for verb, command, needed, optional in (
            ("hold", Treasury.hold_credit, _REASON, {}),
            ("release", Treasury.release_credit, {}, _REASON),
        )
    },
    "pool": Shape(
        Treasury.open_pool,
        {"release": WORK, "name": TEXT, "kind": TEXT, "currency": TEXT, "terms": OBJECT},
        {
            "id": POOL,
            "rounding": TEXT,
            "comment_days": NUMBER,
            "deferral_minor": NUMBER,
            "works": WORKS,
        },
        POOL,
    ),
    "pool.correct": Shape(
        Treasury.correct_pool, {"pool": POOL, **_REASON}, {"id": CORRECTION}, CORRECTION
    ),
    "proposal": Shape(
        Treasury.post_proposal,
        {"pool": POOL},
        {"id": PROPOSAL, "comment_days": NUMBER, **_CONTENT},
        PROPOSAL,
    ),
    "proposal.comment": Shape(
        Treasury.comment_on_proposal,
        {**_OF_PROPOSAL, "kind": TEXT, "text": TEXT},
        {"about": PAYEE, "id": COMMENT},
        COMMENT,
    ),
    "proposal.answer": Shape(
        Treasury.answer_comment, {**_OF_PROPOSAL, "comment": COMMENT, "text": TEXT}
    ),
    "proposal.revise": Shape(
        Treasury.revise_proposal, {**_OF_PROPOSAL, "comments": COMMENTS}, _CONTENT
    ),
    "proposal.extend": Shape(
        Treasury.extend_proposal, {**_OF_PROPOSAL, "closes_at": TEXT}, _REASON
    ),
    "proposal.withdraw": Shape(Treasury.withdraw_proposal, {**_OF_PROPOSAL, **_REASON}),
    "proposal.finalise": Shape(Treasury.finalise_proposal, _OF_PROPOSAL, {"effective_at": TEXT}),
    "proposal.accept": Shape(Treasury.accept_share, _OF_PROPOSAL, {"contributor": PERSON}),
    "proposal.decline": Shape(
        Treasury.decline_share, _OF_PROPOSAL, {"contributor": PERSON, **_REASON}
    ),
    "proposal.waive": Shape(
        Treasury.waive_share,
        {**_OF_PROPOSAL, "scope": PIECE},
        {"contributor": PERSON, **_REASON},
    ),
    "revenue": Shape(
        Treasury.record_revenue,
        {"pool": POOL, "source": TEXT, **_BOOKED},
        {"id": REVENUE, "document": TEXT, "note": TEXT},
        REVENUE,
    ),
    "revenue.reverse": Shape(
        Treasury.reverse_revenue,
        {"revenue": REVENUE, **_REASON},
        {"amount_minor": NUMBER, "id": REVERSAL},
        REVERSAL,
    ),
    "expense": Shape(
        Treasury.record_expense,
        {"pool": POOL, "category": TEXT, **_BOOKED},
        {"id": EXPENSE, "payer": PAYEE, "document": TEXT, "note": TEXT},
        EXPENSE,
    ),
    "payout": Shape(
        Treasury.issue_payouts,
        {"currency": TEXT},
        {"id": BATCH_ID, "minimum_minor": NUMBER, "minimums": LIST, "payees": PAYEES},
        BATCH_ID,
    ),
    "payout.settle": Shape(Treasury.settle_payout, {"id": PAYOUT}, {"reference": TEXT}),
    "payout.return": Shape(Treasury.return_payout, {"id": PAYOUT, **_REASON}),
    "payout.claim": Shape(Treasury.claim_payout, {"id": PAYOUT}, _REASON),
}
"""Every type of line but ``fact``."""
OVER_LINEAGE = ("proposal", "proposal.revise", "payout")
"""What is computed over a lineage as it was recorded."""

PARTS: dict[str, tuple[Mapping[str, str], Mapping[str, str]]] = {
    "authors": ({"contributor": PERSON, "role": TEXT}, {"display": TEXT}),
    "sources": ({"kind": TEXT}, {"work": WORK, "uri": TEXT, "rate": TEXT, "note": TEXT}),
    "components": ({"work": WORK}, {"rate": TEXT}),
    "minimums": ({"payee": PAYEE, "minimum_minor": NUMBER}, {}),
}
"""The fields of what stands in a list."""
