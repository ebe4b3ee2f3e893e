"""Facts, as histories and notices tell them.

The one rule: a fact is told whole; a text that was erased is null.
"""

from __future__ import annotations

from marshmallow import fields

from api.answers import told
from api.answers.examples import (
    LINE,
    MOMENT,
    SONG,
)
from api.answers.told import Known, ListAnswer
from api.fields import Shape


class FactItem(Shape):
    """One fact."""

    position = told.count(43)
    receipt = told.text("/facts/43/receipt", "Where its receipt is.")
    recorded_at = told.text(MOMENT)
    effective = told.text(MOMENT, "From when it holds.", null=True)
    actor = told.text("operator", "Who acted: a contributor, or “operator”.")
    signed = fields.Boolean(
        required=True, metadata={"description": "Whether they signed it with a key of their own."}
    )
    topic = told.text("credit.granted", "What happened.")
    noun = told.id(LINE, "To what it happened.")
    about = told.several(told.id(SONG), "The works and contributors it is about.")
    reason = told.text(None, null=True)
    content = fields.Dict(
        required=True,
        keys=fields.String(),
        metadata={
            "description": "What else it says; null where a text was erased.",
            "examples": [{"role": "singer", "kind": "direct"}],
        },
    )


class HistoryItem(FactItem):
    """One fact of a history."""

    number = told.count(2, "Its place in this history; the first fact is 1, and none is left out.")
    previous = fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "The position of the fact before it in this history.",
            "examples": [42],
        },
    )


class HistoryAnswer(ListAnswer):
    """Facts, in the order of the journal."""

    items = told.several(HistoryItem)


class DisclosuresAnswer(Known):
    """What a fact commits to (RFC 9901, section 4.2)."""

    disclosures = told.several(
        fields.List(fields.String(), metadata={"minItems": 3, "maxItems": 3}),
        "Each a salt, a name and a text.",
    )


class PositionAnswer(Shape):
    """Where the journal stood at a moment."""

    position = told.count(57, "The last fact recorded up to then; 0 if there was none.")
    recorded_at = told.text(MOMENT, "When that was recorded.", null=True)


class NoticesAnswer(ListAnswer):
    """What somebody was told, in the order of the journal; “recorded_at” says since when."""

    items = told.several(FactItem)
