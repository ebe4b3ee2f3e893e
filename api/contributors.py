"""Contributors over HTTP: who can be credited, and every finished work they are in.

The one rule: a person is named by their id; the name is only an answer.
"""

from __future__ import annotations

from typing import Any, Unpack

from api.answers.attribution import AttributionAnswer
from api.answers.facts import HistoryAnswer, NoticesAnswer
from api.answers.people import PeopleAnswer, PersonAnswer
from api.asking import Listed, Part
from api.fields import searched
from api.routes import Routes
from domain.journal import Journal
from domain.refusal import (
    UnknownContributor,
)
from projections import attribution, history, notices
from projections.store import Page, Store, View

HERE = "/contributors/<id(contributor):id>"


class People(Listed):
    """Which contributors are asked for."""

    q = searched("ben", "In the name, in any case.")


def contributors(journal: Journal, store: Store) -> Routes:
    """The routes of contributors."""
    routes = Routes("contributors", "People and groups who can be credited.", journal, store)

    @routes.reads("/contributors", PeopleAnswer, People)
    def list_contributors(view: View, *, q: str | None = None, **part: Unpack[Part]) -> Page:
        """Find contributors by name."""
        return attribution.people(view, q=q, **part)

    @routes.reads(HERE, PersonAnswer, refuses=(UnknownContributor,))
    def show_contributor(view: View, id: str) -> dict[str, Any]:
        """One contributor, and whom they were merged into."""
        return attribution.person(view, id)

    @routes.reads(f"{HERE}/attribution", AttributionAnswer, Listed, refuses=(UnknownContributor,))
    def list_attribution(view: View, id: str, **part: Unpack[Part]) -> Page:
        """Every finished work this person is in, how, and through what."""
        return attribution.attribution(view, id, **part)

    @routes.reads(f"{HERE}/history", HistoryAnswer, Listed, refuses=(UnknownContributor,))
    def show_contributor_history(view: View, id: str, **part: Unpack[Part]) -> Page:
        """Every fact about this person and their credits, in order."""
        return history.of_contributor(view, journal, id, **part)

    @routes.reads(
        f"{HERE}/notices", NoticesAnswer, Listed, refuses=(UnknownContributor,), knows_actor=True
    )
    def list_notices(view: View, id: str, *, actor: str, **part: Unpack[Part]) -> Page:
        """What this person was told: disputes that concern them, answers and ends.

        Only the person and the operator may ask.
        """
        return notices.of_contributor(view, journal, id, actor=actor, **part)

    return routes
