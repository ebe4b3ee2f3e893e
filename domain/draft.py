"""A draft: commands carried out on what the journal says, not yet recorded.

The one rule: a command takes the actor (the operator or a contributor's id) and its particulars by
name, and answers a receipt; its position is filled in when the draft is committed.

What a command does stands in its room in domain/commands; what all are made of, in
domain/drafting.py. The commands about money have their rooms in domain/money.
"""

from __future__ import annotations

from domain.commands.admitting import Admitting
from domain.commands.disputing import Disputing
from domain.commands.forgetting import Forgetting
from domain.commands.releasing import Releasing
from domain.commands.submitting import Submitting


class Draft(Admitting, Forgetting, Submitting, Releasing, Disputing):
    """Every command but those about money."""
