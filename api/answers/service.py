"""What the service says about itself: its vocabulary, and whether it is well.

The one rule: nothing here is about anybody.
"""

from __future__ import annotations

from marshmallow import fields

from api.answers import told
from api.fields import Shape
from domain.remix import REMIX_KINDS


class RoleItem(Shape):
    """One role of the vocabulary."""

    name = told.text("singer")
    meaning = told.text("sang")
    marc = told.text("sng", "The MARC relator code, where MARC has the same term.", null=True)
    aliases = told.several(told.text("vocalist"), "Other words that are taken for it.")


class RolesAnswer(Shape):
    """The vocabulary of roles."""

    items = told.several(RoleItem)


class KindItem(Shape):
    """One kind, and what it means."""

    name = told.text("sample")
    meaning = told.text(REMIX_KINDS["sample"])


class KindsAnswer(Shape):
    """The kinds of remixes and credits, and the grounds and outcomes of disputes about them."""

    remix = told.several(KindItem)
    credit = told.several(KindItem)
    grounds = told.several(KindItem)
    outcome = told.several(KindItem)


class HealthAnswer(Shape):
    """The process is alive."""

    status = told.one_of(("ok",))


class ReadyAnswer(Shape):
    """How far each projection has read."""

    status = told.one_of(("ready", "behind"))
    journal = told.count(57, "The position of the latest fact.")
    projections = fields.Dict(
        required=True,
        keys=fields.String(),
        values=fields.Integer(),
        metadata={
            "description": "How far each has read.",
            "examples": [{"lineage": 57, "attribution": 57, "history": 57, "notices": 57}],
        },
    )
    behind = told.count(0, "How many facts the slowest has still to read.")
