"""What an installation decides for its journal: when it refuses what others only warn of.

None of it holds for what the operator vouches for, as in an import (see domain.past).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from domain.comment import COMMENT_MINUTES


@dataclass(kw_only=True)
class Rules:
    """The rules of one installation."""

    claim_evidence: Collection[str] = ()
    """The kinds of evidence of which a claim needs one; empty if it needs none."""
    refuses_licences: bool = False
    """Whether a remix that a licence does not allow is refused, not recorded with a warning."""
    comment_minutes: int = COMMENT_MINUTES
    """For how long the writer of a comment may edit it."""
    rate_days: int | None = None
    """How old an exchange rate may be; None: any age, and payouts without one are not exchanged."""
    told_by_mail: Callable[[Collection[str]], Collection[str]] = frozenset().intersection
    """Which of some contributors are notified by mail."""
