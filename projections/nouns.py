"""Nouns, rebuilt from their own facts in the journal, up to the view's position."""

from __future__ import annotations

from typing import TypeVar

from domain.fact import Noun
from domain.journal import Journal
from domain.stored import Placed
from projections.store import View

N = TypeVar("N", bound=Noun)


def facts_of(view: View, journal: Journal, *ids: str) -> list[Placed]:
    """The facts of these nouns, in the order of the journal."""
    return sorted(placed for placed in journal.facts.streams(ids) if placed.position <= view.as_of)


def noun_at(view: View, journal: Journal, kind: type[N], id: str) -> N:
    """The noun as of the view's position; raises its refusal if it did not exist then."""
    facts = [(placed.position, placed.fact()) for placed in facts_of(view, journal, id)]
    if not facts or not isinstance(facts[0][1], kind.BIRTHS):
        raise kind.UNKNOWN(id)
    return kind.told_by(facts)
