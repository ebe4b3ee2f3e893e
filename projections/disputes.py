"""Disputes: the one that is open about an edge or a credit, and until when an answer is due.

The one rule: it is told for as long as it is open; what became of those before is in the history.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.dispute import Answer, Opening, Settlement
from domain.journal import Journal
from domain.recorders import Placed
from projections.history import tell
from projections.nouns import facts_of
from projections.store import View


def with_dispute(view: View, journal: Journal, told: Mapping[str, Any]) -> dict[str, Any]:
    """An edge or a credit as it is told, with the dispute that is open about it."""
    is_open = told["state"] == Opening.STATE
    return {**told, "dispute": _open(view, journal, told["id"]) if is_open else None}


def _open(view: View, journal: Journal, id: str) -> dict[str, Any]:
    """The latest dispute, which has not ended: what was said, by whom, and the answer."""
    said = list[Placed]()
    for placed in facts_of(view, journal, id):
        match placed.fact():
            case Opening() | Answer():
                said.append(placed)
            case Settlement():
                said.clear()
    opening, *answers = tell(journal, said)
    return {
        "grounds": opening["content"]["grounds"],
        **_side(opening),
        "deadline": opening["content"]["deadline"],
        "answer": _side(answers[0]) if answers else None,
    }


def _side(told: Mapping[str, Any]) -> dict[str, Any]:
    """What one side says; texts that were erased are null."""
    return {
        "reason": told["reason"],
        "evidence": told["content"]["evidence"],
        "actor": told["actor"],
        "at": told["recorded_at"],
        "position": told["position"],
    }
