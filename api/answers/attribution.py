"""Who is in a work, and in which works somebody is.

The one rule: whoever is named is told with the ways by which they came in.
"""

from __future__ import annotations

from api.answers import told
from api.answers.examples import (
    LINE,
    SONG,
)
from api.answers.people import PersonRef
from api.answers.told import ListAnswer
from api.answers.works import CREDIT_STATES, Publication, WorkRef
from api.fields import Shape
from domain.credit import CREDIT_KINDS


class Path(Shape):
    """One way by which somebody came in."""

    kind = told.one_of(CREDIT_KINDS)
    works = told.several(told.id(SONG), "From the work asked about to the piece.")
    roles = told.several(told.text("singer"))


class CreditLine(Shape):
    """One credit of somebody within a work."""

    id = told.id(LINE)
    work = told.id(SONG)
    role = told.text("singer")
    display = told.text("low harmony", null=True)
    kind = told.one_of(CREDIT_KINDS)
    state = told.one_of(CREDIT_STATES)


class Part(Shape):
    """What somebody has in a work."""

    kind = told.one_of(CREDIT_KINDS, "Direct if anything of theirs is in it.")
    roles = told.several(told.text("singer"))
    generation = told.count(1, "Of their nearest piece; 0 is the work itself.")
    pieces = told.count(1, "How many of its pieces they are credited on.")
    path_count = told.count(1, "By how many ways they came in.")
    paths = told.several(Path, "The shortest of these ways.")
    credits = told.several(CreditLine)


class ContributorItem(Part):
    """Somebody who contributed to a work."""

    contributor = told.one(PersonRef)


class ContributorsAnswer(ListAnswer):
    """Everybody who contributed, the nearest first."""

    items = told.several(ContributorItem)


class ReleaseRef(WorkRef):
    """A release as answers refer to it."""

    published = told.one(Publication, allow_none=True)


class AttributionItem(Part):
    """A finished work somebody is in."""

    release = told.one(ReleaseRef)


class AttributionAnswer(ListAnswer):
    """Every finished work somebody is in, the latest first."""

    items = told.several(AttributionItem)
