"""Proposals over HTTP: shares proposed, talked about, revised, agreed, accepted or given up.

The one rule: what is said about a proposal is answered under it, and nothing is final before that.
"""

from __future__ import annotations

from typing import Any

from api.answers.proposals import DiffAnswer, ProposalAnswer
from api.routes import Routes
from domain.journal import Journal
from domain.refusal import (
    UnknownProposal,
)
from projections.money import pools as asked
from projections.store import View

HERE = "/proposals/<id(proposal):id>"


def proposed(routes: Routes, journal: Journal) -> None:
    """The routes of proposals; they belong to those of pools."""
    _ask(routes, journal)


def _ask(routes: Routes, journal: Journal) -> None:
    @routes.reads(HERE, ProposalAnswer, refuses=(UnknownProposal,))
    def show_proposal(view: View, id: str) -> dict[str, Any]:
        """A proposal: shares, the window, comments with answers, who has agreed, who is missing."""
        return asked.proposal(view, journal, id)

    @routes.reads(f"{HERE}/diff", DiffAnswer, refuses=(UnknownProposal,))
    def show_proposal_diff(view: View, id: str) -> dict[str, Any]:
        """What became of the first proposal, person by person, with the comments that caused it."""
        return asked.diff(view, journal, id)
