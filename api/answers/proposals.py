"""A proposal: shares, comments, and what became of the first one.

The one rule: a share that was waived stays to be seen.
"""

from __future__ import annotations

from marshmallow import fields

from api.answers import told
from api.answers.examples import (
    ALBUM,
    BEN,
    COMMENT,
    MOMENT,
    POOL,
    PROPOSAL,
    SONG,
)
from api.answers.splits import PayeeRefBody
from api.answers.told import Known
from api.fields import Shape
from domain.money.proposal import COMMENT_KINDS

PROPOSAL_STATES = ("open", "finalised", "withdrawn")
CONSENT_STATES = ("offered", "accepted", "declined")


class ShareLine(Shape):
    """The share of one payee."""

    payee = told.one(PayeeRefBody)
    share = told.exact("1/4")
    consent = fields.String(
        required=True,
        allow_none=True,
        metadata={"enum": [*CONSENT_STATES, None], "description": "Null while nothing is final."},
    )


class StruckLine(Shape):
    """A share that was waived; it went to others."""

    payee = told.one(PayeeRefBody)
    asset = told.text(SONG, "What was waived.")
    title = told.text("Low Tide, sung", "If the asset is a work.", null=True)
    over = told.text("act 1", "Over what it is spread: an asset, a part, or “release”.")
    over_title = told.text(None, "If that is a work.", null=True)
    share = told.exact("1/8")


class AnswerBody(Shape):
    """An answer to a comment."""

    text = told.text("Added with 1 %.", null=True)
    actor = told.text("operator")
    at = told.text(MOMENT)
    position = told.count(70)


class CommentBody(Shape):
    """A comment on a proposal."""

    id = told.id(COMMENT)
    kind = told.one_of(COMMENT_KINDS)
    about = told.text(BEN, "The payee or the asset it is about.", null=True)
    text = told.text("Ben cut the last verse and is missing.", null=True)
    actor = told.text(BEN)
    at = told.text(MOMENT)
    position = told.count(62)
    is_open = fields.Boolean(required=True, metadata={"description": "Nobody has answered."})
    answers = told.several(AnswerBody)


class RevisionBody(Shape):
    """A stage of a proposal: the first, or a revision."""

    at = told.text(MOMENT)
    actor = told.text("operator")
    position = told.count(61)
    comments = told.several(told.id(COMMENT), "The comments that caused it.")
    note = told.text(None, null=True)


class WarningBody(Shape):
    """Somebody or something of the finished work that is missing from a proposal."""

    kind = told.one_of(("work", "contributor"))
    id = told.id(BEN)
    name = told.text("Ben", null=True)


class AssetBody(Shape):
    """What an asset is worth, and whose it is."""

    asset = told.text(SONG, "A work's id, or a name.")
    value = told.exact("3", "How much it weighs among the assets.")
    within = told.several(told.text("act 1"), "The parts of the whole it is in.")
    shares = fields.List(
        fields.List(fields.String(), metadata={"minItems": 2, "maxItems": 2}),
        required=True,
        metadata={"examples": [[[BEN, "1/2"], ["operator", "1/2"]]]},
    )


class ProposalAnswer(Known):
    """A proposal: shares, the window, comments with answers, and who has agreed."""

    id = told.id(PROPOSAL)
    pool = told.id(POOL)
    release = told.id(ALBUM)
    state = told.one_of(PROPOSAL_STATES)
    opened_at = told.text(MOMENT, "The first notice.")
    closes_at = told.text(MOMENT)
    number = told.maybe("integer", 1)
    effective_at = told.text(None, null=True)
    policy = told.maybe("object", {"type": "relative_cascade"}, "Null if it was set by hand.")
    graph_position = told.maybe("integer", 57, "Where the lineage it was computed over was frozen.")
    assets = told.several(AssetBody)
    shares = told.several(ShareLine)
    struck = told.several(StruckLine)
    comments = told.several(CommentBody)
    revisions = told.several(RevisionBody)
    warnings = told.several(WarningBody, "Used but uncited.")
    position = told.count(61)


class CauseComment(Shape):
    """A comment that caused a change."""

    id = told.id(COMMENT)
    kind = told.one_of(COMMENT_KINDS)
    about = told.text(BEN, null=True)
    text = told.text("Ben is missing.", null=True)
    actor = told.text(BEN)


class CauseBody(Shape):
    """A revision that changed somebody's share."""

    at = told.text(MOMENT)
    position = told.count(65)
    before = told.exact("0")
    after = told.exact("1/100")
    comments = told.several(CauseComment)


class DiffLine(Shape):
    """What became of one payee's share."""

    payee = told.one(PayeeRefBody)
    first = told.exact("0")
    current = told.exact("1/100")
    change = told.exact("1/100")
    waived = told.exact("0", "How much of the change was waived.")
    causes = told.several(CauseBody)


class DiffAnswer(Known):
    """The first proposal against the current one, person by person."""

    id = told.id(PROPOSAL)
    state = told.one_of(PROPOSAL_STATES)
    lines = told.several(DiffLine)
