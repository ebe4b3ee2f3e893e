"""The shape of public output: what every answer looks like.

The one rule: an answer has exactly these fields, always all of them; what is not known is null.
(Answers are not converted: projections already speak this way. Tests hold every answer against
these shapes.)
"""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from api.fields import Shape
from domain.credit import CREDIT_KINDS
from domain.dispute import GROUNDS
from domain.remix import REMIX_KINDS

# Examples are one small story: Ana's poem, sung by Ben, brought out as a release.
ANA = "8f7c1f1e-5d6a-4f0e-9f43-2d0c6b1a9e01"
BEN = "8f7c1f1e-5d6a-4f0e-9f43-2d0c6b1a9e02"
POEM = "1b7d9a40-0c56-4c0e-8f0a-5b1e5d7c3a11"
SONG = "1b7d9a40-0c56-4c0e-8f0a-5b1e5d7c3a12"
ALBUM = "1b7d9a40-0c56-4c0e-8f0a-5b1e5d7c3a13"
EDGE = "5e2f8c36-7a41-4d0b-b6a5-90c4e1d2f321"
LINE = "c0a8f6d2-3b9e-4e57-8d12-6f7a8b9c0d31"
MOMENT = "2026-11-20T18:30:00.000000Z"

WORK_STATES = ("submitted", "cited", "assembled", "published", "withdrawn")
REMIX_STATES = ("declared", "disputed", "struck")
CREDIT_STATES = ("granted", "claimed", "accepted", "declined", "disputed", "revoked")


def _text(
    example: str | None, description: str = "", *, null: bool = False, **said: Any
) -> fields.String:
    told = {"description": description} if description else {}
    return fields.String(
        required=True, allow_none=null, metadata={"examples": [example], **told, **said}
    )


def _id(example: str | None, description: str = "", *, null: bool = False) -> fields.String:
    return _text(example, description, null=null, format="uuid")


def _one_of(words: Any, description: str = "") -> fields.String:
    return _text(next(iter(words)), description, enum=list(words))


def _count(example: int, description: str = "", *, null: bool = False) -> fields.Integer:
    said = {"description": description} if description else {}
    return fields.Integer(
        required=True, allow_none=null, metadata={"minimum": 0, "examples": [example], **said}
    )


def _one(shape: Any, **options: Any) -> fields.Nested:
    return fields.Nested(shape, required=True, **options)


def _several(inner: Any, description: str = "") -> fields.List[Any]:
    said = {"description": description} if description else {}
    return fields.List(
        _one(inner) if isinstance(inner, type) else inner, required=True, metadata=said
    )


class ReceiptAnswer(Shape):
    """What every write answers."""

    id = _id(SONG, "What was written about; for a claim on a work the new credit.")
    position = _count(42, "Where in the journal it is recorded; reads take it as min_position.")


class PersonRef(Shape):
    """A contributor as answers refer to them."""

    id = _id(BEN)
    name = _text("Ben", "Null when it was erased.", null=True)


class WorkRef(Shape):
    """A work as answers refer to it."""

    id = _id(SONG)
    kind = _one_of(("contribution", "outside", "release"))
    state = _one_of(WORK_STATES)
    title = _text("Low Tide, sung", "Null for an outside source and a withdrawn piece.", null=True)
    medium = _text("audio", "Null for an outside source and a release.", null=True)
    uri = _text(None, "Of an outside source.", null=True)
    made_at = _text("2026-11", "When it was made, as stated.", null=True)


class Publication(Shape):
    """Where a release's lineage was frozen."""

    position = _count(51)
    at = _text(MOMENT)


class CreditBody(Shape):
    """One credit."""

    id = _id(LINE)
    work = _id(SONG)
    contributor = _one(PersonRef)
    role = _text("singer", "One of the vocabulary.")
    display = _text("low harmony", "What the person would rather be called.", null=True)
    kind = _one_of(CREDIT_KINDS)
    state = _one_of(CREDIT_STATES)
    evidence = _text(None, null=True)
    position = _count(43, "Where in the journal it was opened.")


class SourceItem(Shape):
    """One thing a work was made from."""

    remix = _id(EDGE, "The edge.")
    kind = _one_of(REMIX_KINDS)
    rate = _text("1/5", "Exactly as stated.", null=True)
    state = _one_of(REMIX_STATES)
    evidence = _text(None, null=True)
    work = _one(WorkRef)


class Known(Shape):
    """The position an answer holds at."""

    as_of = _count(57, "The answer is what was known at this position of the journal.")


class ListAnswer(Known):
    """A part of a list."""

    next = _text("WzQyXQ", "The cursor of the part after this one; null at the end.", null=True)


class WorkAnswer(Known, WorkRef):
    """A contribution, an outside source or a release."""

    made = _text("2026-11-01T00:00:00.000000Z", "The first instant of made_at.", null=True)
    recorded_at = _text(MOMENT)
    licence = _text("CC-BY-4.0", null=True)
    sha256 = _text(None, "Of the file.", null=True)
    posted_by = _text(BEN, "A contributor, or “operator”.")
    position = _count(42, "Where in the journal it was born.")
    published = _one(Publication, allow_none=True)
    credits = _several(CreditBody)
    sources = _several(SourceItem)
    remixed_by = _count(1, "How many works were made from it.")


class SideBody(Shape):
    """What one side says in a dispute."""

    reason = _text("I only lent the drum.", "Null when it was erased.", null=True)
    evidence = _text(None, null=True)
    actor = _text(BEN, "A contributor, or “operator”.")
    at = _text(MOMENT)
    position = _count(44)


class DisputeBody(SideBody):
    """A dispute that is open."""

    grounds = _one_of(GROUNDS)
    deadline = _text("2026-12-20T18:30:00.000000Z", "Until when the other side can answer.")
    answer = _one(SideBody, allow_none=True)


class RemixAnswer(Known):
    """One edge."""

    id = _id(EDGE)
    child = _one(WorkRef)
    parent = _one(WorkRef)
    kind = _one_of(REMIX_KINDS)
    rate = _text("1/5", null=True)
    state = _one_of(REMIX_STATES)
    evidence = _text(None, null=True)
    position = _count(44)
    dispute = _one(DisputeBody, allow_none=True)


class CreditAnswer(Known, CreditBody):
    """One credit."""

    dispute = _one(DisputeBody, allow_none=True)


class PersonAnswer(Known):
    """One contributor."""

    id = _id(BEN)
    name = _text("Ben", null=True)
    state = _one_of(("admitted", "merged", "forgotten"))
    merged_into = _id(None, "Who they are, when the same person was admitted twice.", null=True)
    position = _count(7)


class PersonItem(PersonRef):
    """One contributor in a list."""

    state = _one_of(("admitted", "merged", "forgotten"))


class PeopleAnswer(ListAnswer):
    """Contributors, in the order of admission."""

    items = _several(PersonItem)


class WorksAnswer(ListAnswer):
    """Works, the latest recorded first."""

    items = _several(WorkRef)


class Relative(WorkRef):
    """A work at some distance from the one asked about."""

    generation = _count(1, "How many edges lie between them at least.")


class RelativesAnswer(ListAnswer):
    """Ancestors or descendants, the nearest generation first."""

    items = _several(Relative)


class Path(Shape):
    """One way by which somebody came in."""

    kind = _one_of(CREDIT_KINDS)
    works = _several(_id(SONG), "From the work asked about to the piece.")
    roles = _several(_text("singer"))


class CreditLine(Shape):
    """One credit of somebody within a work."""

    id = _id(LINE)
    work = _id(SONG)
    role = _text("singer")
    display = _text("low harmony", null=True)
    kind = _one_of(CREDIT_KINDS)
    state = _one_of(CREDIT_STATES)


class Part(Shape):
    """What somebody has in a work."""

    kind = _one_of(CREDIT_KINDS, "Direct if anything of theirs is in it.")
    roles = _several(_text("singer"))
    generation = _count(1, "Of their nearest piece; 0 is the work itself.")
    pieces = _count(1, "How many of its pieces they are credited on.")
    path_count = _count(1, "By how many ways they came in.")
    paths = _several(Path, "The shortest of these ways.")
    credits = _several(CreditLine)


class ContributorItem(Part):
    """Somebody who contributed to a work."""

    contributor = _one(PersonRef)


class ContributorsAnswer(ListAnswer):
    """Everybody who contributed, the nearest first."""

    items = _several(ContributorItem)


class ReleaseRef(WorkRef):
    """A release as answers refer to it."""

    published = _one(Publication, allow_none=True)


class AttributionItem(Part):
    """A finished work somebody is in."""

    release = _one(ReleaseRef)


class AttributionAnswer(ListAnswer):
    """Every finished work somebody is in, the latest first."""

    items = _several(AttributionItem)


class Maker(PersonRef):
    """Somebody credited directly on a work."""

    role = _text("singer")


class Node(Relative):
    """A work of a lineage."""

    contributors = _several(Maker)


class Edge(Shape):
    """An edge of a lineage."""

    id = _id(EDGE)
    child = _id(SONG)
    parent = _id(POEM)
    kind = _one_of(REMIX_KINDS)
    rate = _text("1/5", null=True)
    state = _one_of(REMIX_STATES)


class LineageAnswer(Known):
    """Everything a work was made from, as a graph."""

    root = _id(ALBUM)
    nodes = _several(Node)
    edges = _several(Edge)


class PayeeRef(Shape):
    """Whoever is paid, as answers refer to them."""

    id = _text(BEN, "A contributor's id, “work/…” with a work's id, or a name.")
    kind = _one_of(("contributor", "work", "other"))
    name = _text("Ben", "Or the title of the work; null when it was erased.", null=True)


class PathWork(Shape):
    """A work on a path."""

    id = _id(SONG)
    title = _text("Low Tide, sung", "Or its URI; null for a withdrawn piece.", null=True)


class PaidPath(Shape):
    """One way by which something comes to a payee."""

    works = _several(PathWork, "From the work asked about to the one the payee has a share in.")
    rates = _several(_text("1/5", null=True), "Of the edges between them.")
    share = _text(
        "1/10", "What comes through this path, of 1; null if it can't be told.", null=True
    )


class SplitItem(Shape):
    """What one payee would get."""

    payee = _one(PayeeRef)
    share = _text("1/10", "The exact share of the whole.")
    amount_minor = _count(100, "In smallest units; all of them add up to the amount.")
    currency = _text("EUR")
    path_count = _count(1, "Through how many paths.")
    paths = _several(PaidPath, "The shortest of these paths.")


class SplitAnswer(ListAnswer):
    """What everybody would get, the largest share first."""

    items = _several(SplitItem)


class Stack(Shape):
    """How much of a work goes to what it is made from, by the rates of its own edges."""

    before = _text("1/10", "Edges that state no rate add nothing.")
    after = _text("3/10")
    cap = _text("1", "What an edge that would pass it is refused by.")


class PreviewItem(Shape):
    """What changes for one payee."""

    payee = _one(PayeeRef)
    share_before = _text("1/2")
    share_after = _text("2/5")
    change = _text("-1/10", "Negative for who is diluted.")
    amount_before_minor = _count(5000, null=True)
    amount_after_minor = _count(4000, null=True)


class PreviewAnswer(Known):
    """What an edge would change."""

    stack = _one(Stack)
    changed = _count(2, "For how many payees something changes.")
    items = _several(PreviewItem, "Those who lose most first.")


class FactItem(Shape):
    """One fact."""

    position = _count(43)
    receipt = _text("/facts/43/receipt", "Where its receipt is.")
    recorded_at = _text(MOMENT)
    effective = _text(MOMENT, "From when it holds.", null=True)
    actor = _text("operator", "Who acted: a contributor, or “operator”.")
    signed = fields.Boolean(
        required=True, metadata={"description": "Whether they signed it with a key of their own."}
    )
    topic = _text("credit.granted", "What happened.")
    noun = _id(LINE, "To what it happened.")
    about = _several(_id(SONG), "The works and contributors it is about.")
    reason = _text(None, null=True)
    content = fields.Dict(
        required=True,
        keys=fields.String(),
        metadata={
            "description": "What else it says; null where a text was erased.",
            "examples": [{"role": "singer", "kind": "direct"}],
        },
    )


class HistoryItem(FactItem):
    """One fact of a history."""

    number = _count(2, "Its place in this history; the first fact is 1, and none is left out.")
    previous = fields.Integer(
        required=True,
        allow_none=True,
        metadata={
            "description": "The position of the fact before it in this history.",
            "examples": [42],
        },
    )


class HistoryAnswer(ListAnswer):
    """Facts, in the order of the journal."""

    items = _several(HistoryItem)


class DisclosuresAnswer(Known):
    """What a fact commits to (RFC 9901, section 4.2)."""

    disclosures = _several(
        fields.List(fields.String(), metadata={"minItems": 3, "maxItems": 3}),
        "Each a salt, a name and a text.",
    )


class PositionAnswer(Shape):
    """Where the journal stood at a moment."""

    position = _count(57, "The last fact recorded up to then; 0 if there was none.")
    recorded_at = _text(MOMENT, "When that was recorded.", null=True)


class NoticesAnswer(ListAnswer):
    """What somebody was told, in the order of the journal; “recorded_at” says since when."""

    items = _several(FactItem)


class RoleItem(Shape):
    """One role of the vocabulary."""

    name = _text("singer")
    meaning = _text("sang")
    marc = _text("sng", "The MARC relator code, where MARC has the same term.", null=True)
    aliases = _several(_text("vocalist"), "Other words that are taken for it.")


class RolesAnswer(Shape):
    """The vocabulary of roles."""

    items = _several(RoleItem)


class KindItem(Shape):
    """One kind, and what it means."""

    name = _text("sample")
    meaning = _text(REMIX_KINDS["sample"])


class KindsAnswer(Shape):
    """The kinds of remixes and credits, and the grounds and outcomes of disputes about them."""

    remix = _several(KindItem)
    credit = _several(KindItem)
    grounds = _several(KindItem)
    outcome = _several(KindItem)


class HealthAnswer(Shape):
    """The process is alive."""

    status = _one_of(("ok",))


class ReadyAnswer(Shape):
    """How far each projection has read."""

    status = _one_of(("ready", "behind"))
    journal = _count(57, "The position of the latest fact.")
    projections = fields.Dict(
        required=True,
        keys=fields.String(),
        values=fields.Integer(),
        metadata={
            "description": "How far each has read.",
            "examples": [{"lineage": 57, "attribution": 57, "history": 57, "notices": 57}],
        },
    )
    behind = _count(0, "How many facts the slowest has still to read.")
