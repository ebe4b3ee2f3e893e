"""People, by their names.

The one rule: whoever was merged or forgotten is still found, and says so.
"""

from __future__ import annotations

from api.answers import told
from api.answers.examples import (
    BEN,
)
from api.answers.told import Known, ListAnswer
from api.fields import Shape


class PersonRef(Shape):
    """A contributor as answers refer to them."""

    id = told.id(BEN)
    name = told.text("Ben", "Null when it was erased.", null=True)


class PersonAnswer(Known):
    """One contributor."""

    id = told.id(BEN)
    name = told.text("Ben", null=True)
    state = told.one_of(("admitted", "merged", "forgotten"))
    merged_into = told.id(None, "Who they are, when the same person was admitted twice.", null=True)
    position = told.count(7)


class PersonItem(PersonRef):
    """One contributor in a list."""

    state = told.one_of(("admitted", "merged", "forgotten"))


class PeopleAnswer(ListAnswer):
    """Contributors, in the order of admission."""

    items = told.several(PersonItem)
