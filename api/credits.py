"""Credits over HTTP: one public line each, given or claimed, agreed to or not.

The one rule: whether a credit is granted or claimed follows from the key, not from the body.
"""

from __future__ import annotations

from typing import Any, Unpack

from api.answers.facts import HistoryAnswer
from api.answers.works import CreditAnswer
from api.asking import Listed, Part
from api.routes import Routes
from domain.journal import Journal
from domain.refusal import (
    UnknownCredit,
)
from projections import attribution, history
from projections.disputes import with_dispute
from projections.store import Page, Store, View

HERE = "/credits/<id(credit):id>"


def credits(journal: Journal, store: Store) -> Routes:
    """The routes of credits."""
    routes = Routes("credits", "Public lines: this person, this role, this work.", journal, store)

    @routes.reads(HERE, CreditAnswer, refuses=(UnknownCredit,))
    def show_credit(view: View, id: str) -> dict[str, Any]:
        """One credit, and the dispute that is open about it."""
        return with_dispute(view, journal, attribution.credit(view, id))

    @routes.reads(f"{HERE}/history", HistoryAnswer, Listed, refuses=(UnknownCredit,))
    def show_credit_history(view: View, id: str, **part: Unpack[Part]) -> Page:
        """Every fact about this credit, in order: who said so, who agreed, what was decided."""
        return history.of_credit(view, journal, id, **part)

    return routes
