"""Rules that each installation chooses for its journal.

They do not apply to what the operator vouches for, as in an import (see domain.past).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from domain.comment import COMMENT_MINUTES


@dataclass(kw_only=True)
class Rules:
    """The rules of one installation."""

    claim_evidence: Collection[str] = ()
    """A claim needs evidence of one of these kinds; if empty, it needs none."""
    refuses_licences: bool = False
    """Whether a remix that violates a licence is refused, instead of recorded with a warning."""
    comment_minutes: int = COMMENT_MINUTES
    """The time in which the writer of a comment may edit it, in minutes."""
    rate_days: int | None = None
    """The maximum age of an exchange rate in days; None: any age, and payouts without a rate are
    sent unconverted."""
    told_by_mail: Callable[[Collection[str]], Collection[str]] = frozenset().intersection
    """Returns those of these contributors who want notifications by mail."""
