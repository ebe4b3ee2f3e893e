"""The treasury: every command there is, those about money with those about works.

The one rule: this is what the journal hands out as a draft.
"""

from __future__ import annotations

from domain.draft import Draft
from domain.money.paying import Paying
from domain.money.proposing import Proposing


class Treasury(Draft, Proposing, Paying):
    """Every command."""
