"""Works, their edges and credits, and disputes about these.

The one rule: a work is told the same wherever an answer refers to it.
"""

from __future__ import annotations

from api.answers import told
from api.answers.examples import (
    ALBUM,
    BEN,
    EDGE,
    LINE,
    MOMENT,
    POEM,
    SONG,
)
from api.answers.people import PersonRef
from api.answers.told import Known, ListAnswer
from api.fields import Shape
from domain.credit import CREDIT_KINDS
from domain.dispute import GROUNDS
from domain.remix import REMIX_KINDS

WORK_STATES = ("submitted", "cited", "assembled", "published", "withdrawn")
REMIX_STATES = ("declared", "disputed", "struck")
CREDIT_STATES = ("granted", "claimed", "accepted", "declined", "disputed", "revoked")


class WorkRef(Shape):
    """A work as answers refer to it."""

    id = told.id(SONG)
    kind = told.one_of(("contribution", "outside", "release"))
    state = told.one_of(WORK_STATES)
    title = told.text(
        "Low Tide, sung", "Null for an outside source and a withdrawn piece.", null=True
    )
    medium = told.text("audio", "Null for an outside source and a release.", null=True)
    uri = told.text(None, "Of an outside source.", null=True)
    made_at = told.text("2026-11", "When it was made, as stated.", null=True)


class Publication(Shape):
    """Where a release's lineage was frozen."""

    position = told.count(51)
    at = told.text(MOMENT)


class CreditBody(Shape):
    """One credit."""

    id = told.id(LINE)
    work = told.id(SONG)
    contributor = told.one(PersonRef)
    role = told.text("singer", "One of the vocabulary.")
    display = told.text("low harmony", "What the person would rather be called.", null=True)
    kind = told.one_of(CREDIT_KINDS)
    state = told.one_of(CREDIT_STATES)
    evidence = told.text(None, null=True)
    position = told.count(43, "Where in the journal it was opened.")


class SourceItem(Shape):
    """One thing a work was made from."""

    remix = told.id(EDGE, "The edge.")
    kind = told.one_of(REMIX_KINDS)
    rate = told.text("1/5", "Exactly as stated.", null=True)
    state = told.one_of(REMIX_STATES)
    evidence = told.text(None, null=True)
    work = told.one(WorkRef)


class WorkAnswer(Known, WorkRef):
    """A contribution, an outside source or a release."""

    made = told.text("2026-11-01T00:00:00.000000Z", "The first instant of made_at.", null=True)
    recorded_at = told.text(MOMENT)
    licence = told.text("CC-BY-4.0", null=True)
    sha256 = told.text(None, "Of the file.", null=True)
    posted_by = told.text(BEN, "A contributor, or “operator”.")
    position = told.count(42, "Where in the journal it was born.")
    published = told.one(Publication, allow_none=True)
    credits = told.several(CreditBody)
    sources = told.several(SourceItem)
    remixed_by = told.count(1, "How many works were made from it.")


class SideBody(Shape):
    """What one side says in a dispute."""

    reason = told.text("I only lent the drum.", "Null when it was erased.", null=True)
    evidence = told.text(None, null=True)
    actor = told.text(BEN, "A contributor, or “operator”.")
    at = told.text(MOMENT)
    position = told.count(44)


class DisputeBody(SideBody):
    """A dispute that is open."""

    grounds = told.one_of(GROUNDS)
    deadline = told.text("2026-12-20T18:30:00.000000Z", "Until when the other side can answer.")
    answer = told.one(SideBody, allow_none=True)


class RemixAnswer(Known):
    """One edge."""

    id = told.id(EDGE)
    child = told.one(WorkRef)
    parent = told.one(WorkRef)
    kind = told.one_of(REMIX_KINDS)
    rate = told.text("1/5", null=True)
    state = told.one_of(REMIX_STATES)
    evidence = told.text(None, null=True)
    position = told.count(44)
    dispute = told.one(DisputeBody, allow_none=True)


class CreditAnswer(Known, CreditBody):
    """One credit."""

    dispute = told.one(DisputeBody, allow_none=True)


class WorksAnswer(ListAnswer):
    """Works, the latest recorded first."""

    items = told.several(WorkRef)


class Relative(WorkRef):
    """A work at some distance from the one asked about."""

    generation = told.count(1, "How many edges lie between them at least.")


class RelativesAnswer(ListAnswer):
    """Ancestors or descendants, the nearest generation first."""

    items = told.several(Relative)


class Maker(PersonRef):
    """Somebody credited directly on a work."""

    role = told.text("singer")


class Node(Relative):
    """A work of a lineage."""

    contributors = told.several(Maker)


class EdgeBody(Shape):
    """An edge of a lineage."""

    id = told.id(EDGE)
    child = told.id(SONG)
    parent = told.id(POEM)
    kind = told.one_of(REMIX_KINDS)
    rate = told.text("1/5", null=True)
    state = told.one_of(REMIX_STATES)


class LineageAnswer(Known):
    """Everything a work was made from, as a graph."""

    root = told.id(ALBUM)
    nodes = told.several(Node)
    edges = told.several(EdgeBody)
