"""What everybody would get of a work, and what an edge would change.

The one rule: shares are exact, and beside an amount stands its currency or what it is part of.
"""

from __future__ import annotations

from api.answers import told
from api.answers.examples import (
    BEN,
    SONG,
)
from api.answers.told import Known, ListAnswer
from api.fields import Shape


class PayeeRef(Shape):
    """Whoever is paid, as answers refer to them."""

    id = told.text(BEN, "A contributor's id, “work/…” with a work's id, or a name.")
    kind = told.one_of(("contributor", "work", "other"))
    name = told.text("Ben", "Or the title of the work; null when it was erased.", null=True)


class PathWork(Shape):
    """A work on a path."""

    id = told.id(SONG)
    title = told.text("Low Tide, sung", "Or its URI; null for a withdrawn piece.", null=True)


class PaidPath(Shape):
    """One way by which something comes to a payee."""

    works = told.several(PathWork, "From the work asked about to the one the payee has a share in.")
    rates = told.several(told.text("1/5", null=True), "Of the edges between them.")
    share = told.text(
        "1/10", "What comes through this path, of 1; null if it can't be told.", null=True
    )


class SplitItem(Shape):
    """What one payee would get."""

    payee = told.one(PayeeRef)
    share = told.text("1/10", "The exact share of the whole.")
    amount_minor = told.count(100, "In smallest units; all of them add up to the amount.")
    currency = told.text("EUR")
    path_count = told.count(1, "Through how many paths.")
    paths = told.several(PaidPath, "The shortest of these paths.")


class SplitAnswer(ListAnswer):
    """What everybody would get, the largest share first."""

    items = told.several(SplitItem)


class Stack(Shape):
    """How much of a work goes to what it is made from, by the rates of its own edges."""

    before = told.text("1/10", "Edges that state no rate add nothing.")
    after = told.text("3/10")
    cap = told.text("1", "What an edge that would pass it is refused by.")


class PreviewItem(Shape):
    """What changes for one payee."""

    payee = told.one(PayeeRef)
    share_before = told.text("1/2")
    share_after = told.text("2/5")
    change = told.text("-1/10", "Negative for who is diluted.")
    amount_before_minor = told.count(5000, null=True)
    amount_after_minor = told.count(4000, null=True)


class PreviewAnswer(Known):
    """What an edge would change."""

    stack = told.one(Stack)
    changed = told.count(2, "For how many payees something changes.")
    items = told.several(PreviewItem, "Those who lose most first.")
