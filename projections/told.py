"""The types of the answers about works, people, credits and facts.

Every field is always present. An exact number is a string; a share is never a JSON number.

One file, because it is one list.
"""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from domain.credit import CREDIT_KINDS
from domain.disclosure import AI_PARTS, AI_USES, EVIDENCE_KINDS, NO_AI
from domain.dispute import GROUNDS
from domain.identifier import SCHEMES
from domain.licensing import RULES
from domain.release import OFFERED, PARTS
from domain.remix import REMIX_KINDS
from domain.value import Example, Length, Number, Ref, one_of
from domain.value import Instant as InstantValue
from domain.values import (
    ALBUM,
    BEN,
    EDGE,
    LINE,
    POEM,
    ContributorId,
    CreditId,
    ExactRate,
    GrantedRole,
    IdentifierId,
    JoinId,
    MembershipId,
    PoolId,
    RemixId,
    Role,
    WorkId,
)

MOMENT = "2026-11-20T18:30:00.000000Z"

Count = Annotated[int, Number(least=0)]
"""A whole number that is not negative."""
Exact = Annotated[str, "Exact."]
"""An exact number."""
Position = Annotated[Count, "Where in the journal it is recorded."]
Instant = Annotated[str, InstantValue(help="By the clock, in UTC.", example=MOMENT)]
Effect = Annotated[str, Example(MOMENT)]
"""When something takes effect, as stated: that may be before the year 1, which no instant is."""
Agent = Annotated[str, "A contributor, or “operator”.", Example(BEN)]
Rate = Annotated[ExactRate | None, "Exactly as stated."]
Evidence = Annotated[str | None, "What proves it; null when it was erased."]

EvidenceKind = Annotated[
    Annotated[str, one_of(EVIDENCE_KINDS)] | None, "What kind of evidence it is."
]
EvidenceSha256 = Annotated[str | None, "Of a file that is evidence."]
AiUses = Annotated[
    list[Annotated[str, one_of(AI_USES)]] | None,
    "Which parts AI made, fully or partly; null if nothing was stated.",
]
AiToolTold = Annotated[str | None, "The tool used."]

Deadline = Annotated[
    Instant | None, "For a pending claim: until then only the other side can answer."
]

AiUsed = Annotated[str, one_of(("any", NO_AI, *AI_PARTS))]
KindOfWork = Annotated[
    str, one_of(("contribution", "outside", "release"), "What kind of work it is.")
]
WorkState = Annotated[
    str, one_of(("submitted", "cited", "assembled", "published", "withdrawn"), "How it stands.")
]
KindOfRemix = Annotated[str, one_of(REMIX_KINDS, "How the child was made from the parent.")]
RemixState = Annotated[
    str,
    one_of(
        ("declared", "pending", "declined", "disputed", "struck", "retired"),
        "How it stands; only a declared or disputed one counts.",
    ),
]
Places = Annotated[
    list[Annotated[int, Number(least=1, example=1)]] | None,
    "Its places in a release, from 1; several if it is used again. Null otherwise.",
]
KindOfCredit = Annotated[str, one_of(CREDIT_KINDS, "Whether anything of theirs is in the work.")]
CreditState = Annotated[
    str,
    one_of(
        ("granted", "claimed", "pending", "accepted", "declined", "disputed", "revoked"),
        "How it stands; one that is pending, declined or revoked does not count.",
    ),
]
IdentifierState = Annotated[str, one_of(("stated", "disputed", "withdrawn"), "How it stands.")]
JoinState = Annotated[str, one_of(("pending", "joined", "declined", "undone"), "How it stands.")]
MembershipState = Annotated[
    str, one_of(("offered", "accepted", "disputed", "declined"), "How it stands.")
]
LicenceRule = Annotated[str, one_of(tuple(RULES), "The rule that they break.")]
PersonState = Annotated[str, one_of(("admitted", "merged", "forgotten"), "How it stands.")]

# -- people --------------------------------------------------------------------------------------


class PersonRef(TypedDict):
    """A contributor as answers refer to them."""

    id: Annotated[ContributorId, "Of a hidden credit: that of the credit."]
    name: Annotated[str | None, "Null if it was erased or is hidden on a credit.", Example("Ben")]


class IdentifierTold(TypedDict):
    """The number of a work or a person in a registry."""

    id: IdentifierId
    scheme: Annotated[str, "The registry.", one_of(SCHEMES)]
    identifier: Annotated[str | None, "Null when it was erased.", Example("USSKG1912345")]
    state: IdentifierState
    evidence: Evidence
    stated_by: Agent
    position: Annotated[Position, Example(46)]


class WorkRef(TypedDict):
    """A work as answers refer to it."""

    id: WorkId
    kind: KindOfWork
    state: WorkState
    title: Annotated[
        str | None,
        "Null for a withdrawn piece, and for an outside source without a stated title.",
        Example("Low Tide, sung"),
    ]
    medium: Annotated[str | None, "Null for an outside source and a release.", Example("audio")]
    uri: Annotated[str | None, "Of an outside source."]
    made_at: Annotated[
        str | None, "When it was made, as stated: a date or time, or EDTF.", Example("2026-11")
    ]


class Did(TypedDict):
    """What somebody did, with all of their accounts."""

    role: Role
    works: Annotated[Count, "On how many works.", Example(12)]
    latest: Annotated[WorkRef, "The one recorded last."]


class PersonItem(PersonRef):
    """A contributor in a list."""

    state: PersonState
    did: Annotated[
        list[Did],
        "Their roles, the most frequent first; only the roles asked for, if any are.",
    ]


class Person(PersonItem):
    """One contributor."""

    identifiers: list[IdentifierTold]
    formerly: Annotated[
        list[Annotated[str, Example("Benny")]], "Former names that were not erased."
    ]

    merged_into: Annotated[
        ContributorId | None,
        "Who they are, if the same person was registered twice.",
        Example(None),
    ]
    position: Annotated[Position, Example(7)]


# -- works ---------------------------------------------------------------------------------------


class FacetValue(TypedDict):
    """One value, and how many have it."""

    value: Annotated[str | None, "Null if none is stated.", Example("audio")]
    count: Annotated[Count, "How many have it.", Example(12)]


class Facet(TypedDict):
    """What those of a list have in some respect, and how many of them have it."""

    values: Annotated[list[FacetValue], "The most frequent first."]
    left_out: Annotated[Count, "How many more values there are.", Example(0)]


IsExact = Annotated[
    bool, "False if there may be more: only so many were counted, the latest.", Example(True)
]


class WorkFacets(TypedDict):
    """How many works there are, and of each medium, licence, year, role and kind."""

    total: Annotated[Count, "How many there are.", Example(20)]
    is_exact: IsExact
    medium: Facet
    licence: Annotated[Facet, "By their SPDX names, if they have one."]
    year: Annotated[Facet, "The year they were made, or the first one."]
    role: Annotated[Facet, "Those with a credit in exactly this role."]
    kind: Facet


class PeopleFacets(TypedDict):
    """How many people there are, and with a credit in each role and medium."""

    total: Annotated[Count, "How many there are.", Example(20)]
    is_exact: IsExact
    role: Annotated[Facet, "Those with a credit in exactly this role."]
    medium: Facet


class ConflictThen(TypedDict):
    """Two licences that conflicted when a release was published."""

    code: LicenceRule
    child: WorkId
    parent: WorkId


class Publication(TypedDict):
    """Where a release's lineage was frozen."""

    position: Annotated[Position, Example(51)]
    at: Annotated[Instant, "When it was published."]
    offered: Annotated[str, "Whether anybody pays for it.", one_of(OFFERED)]
    conflicts: Annotated[
        list[ConflictThen], "The first twenty conflicts between licences at that time."
    ]


class ReleaseRef(WorkRef):
    """A release as answers refer to it."""

    published: Publication | None


class Relative(WorkRef):
    """A work at some distance from the one asked about."""

    generation: Annotated[Count, "The fewest remixes between the two.", Example(1)]


SuspectDates = Annotated[
    bool, "Whether the child is certainly older than the parent, by the stated dates."
]


class MadeFrom(TypedDict):
    """One thing a work was made from."""

    remix: RemixId
    kind: KindOfRemix
    rate: Rate
    state: RemixState
    evidence: Evidence
    ai: AiUses
    ai_tool: AiToolTold
    places: Places
    suspect_dates: SuspectDates
    work: WorkRef


class JoinTold(TypedDict):
    """That two works are the same, and what became of it."""

    id: JoinId
    work: Annotated[WorkRef, "As it was recorded."]
    into: Annotated[WorkRef, "What stands for both, unless it is elsewhere and the other is here."]
    state: JoinState
    reason: Annotated[str | None, "Why; null if nothing was said.", Example("The same recording.")]
    said_by: Agent
    deadline: Deadline
    position: Annotated[Position, Example(44)]


class WorkFound(WorkRef):
    """A contribution, an outside source or a release, without its credits."""

    creators: Annotated[str | None, "Of an outside source: who made it, by name."]
    made: Annotated[
        str | None,
        "The first instant of made_at, if known.",
        Example("2026-11-01T00:00:00.000000Z"),
    ]
    recorded_at: Instant
    licence: Annotated[
        str | None, "As stated; null if nobody has stated one.", Example("CC-BY-4.0")
    ]
    sha256: Annotated[str | None, "Of the file."]
    media_url: Annotated[
        str | None,
        "Where it can be seen or heard.",
        Example("https://example.org/songs/low-tide.ogg"),
    ]
    posted_by: Agent
    position: Annotated[Count, "Where in the journal it was recorded.", Example(42)]
    published: Publication | None
    part: Annotated[
        Annotated[str, one_of(PARTS)] | None, "For a release: which part of a series it is."
    ]
    sources: list[MadeFrom]
    sources_left_out: Annotated[Count, "How many more there are; the lineage has all.", Example(0)]
    remixed_by: Annotated[Count, "How many works were made from it.", Example(1)]
    joins: Annotated[list[JoinTold], "The works it is joined with, or is claimed to be."]
    joins_left_out: Annotated[Count, "How many more there are; the history has all.", Example(0)]


class NameOnCredit(TypedDict):
    """The name on a credit and its wording, where they differ from the account and the role.

    And what is disclosed of AI.
    """

    display: Annotated[
        str | None, "The wording the person prefers for the role.", Example("low harmony")
    ]
    credited_as: Annotated[str | None, "The name on this credit.", Example("B. Low")]
    join_phrase: Annotated[
        str | None, "What comes between this name and the next.", Example(" feat. ")
    ]
    character: Annotated[str | None, "The part an actor plays."]
    ai: AiUses
    ai_tool: AiToolTold


class CreditTold(NameOnCredit):
    """One credit."""

    id: CreditId
    work: WorkId
    contributor: PersonRef
    role: Annotated[Role, "A role from the vocabulary."]
    billing: Annotated[
        Count | None, "Its stated place among the credits; they are listed in order.", Example(2)
    ]
    kind: KindOfCredit
    state: CreditState
    evidence: Evidence
    evidence_kind: EvidenceKind
    evidence_sha256: EvidenceSha256
    agreed_licence: Annotated[
        str | None, "The licence for the work that the person agreed to last."
    ]
    deadline: Deadline
    position: Annotated[Count, "Where in the journal it was opened.", Example(43)]


class GrantTold(TypedDict):
    """A role that somebody holds."""

    contributor: PersonRef
    role: GrantedRole
    work: Annotated[WorkRef | None, "The work for which a producer has it."]
    pool: Annotated[PoolId | None, "The pool of that work, if it is for one pool alone."]
    position: Annotated[Count, "Where in the journal it was granted.", Example(45)]


class WorkTold(WorkFound):
    """A contribution, an outside source or a release."""

    credits: list[CreditTold]
    credits_left_out: Annotated[
        Count, "How many more there are; a separate list has them all.", Example(0)
    ]
    identifiers: list[IdentifierTold]


class RemixTold(TypedDict):
    """One remix."""

    id: RemixId
    child: WorkRef
    parent: WorkRef
    kind: KindOfRemix
    rate: Rate
    state: RemixState
    evidence: Evidence
    deadline: Deadline
    places: Places
    replaced_by: Annotated[RemixId | None, "For a retired one: what took its place.", Example(None)]
    ai: AiUses
    ai_tool: AiToolTold
    suspect_dates: SuspectDates
    position: Annotated[Position, Example(44)]


class ClaimTold(TypedDict):
    """A claim about a work: of a credit on it, of what it was made from, or what it is one with."""

    id: Annotated[str, "Of the credit, the remix or the join.", Example(EDGE)]
    noun: Annotated[str, "What is claimed.", one_of(("credit", "remix", "join"))]
    work: WorkRef
    contributor: Annotated[PersonRef | None, "Of a credit."]
    role: Annotated[Role | None, "Of a credit."]
    credited_as: Annotated[str | None, "The name on the credit, as claimed."]
    parent: Annotated[WorkRef | None, "Of a remix; of a join the other work."]
    kind: Annotated[str | None, "Of a remix.", Example("sample")]
    rate: Rate
    evidence: Evidence
    claimed_by: Agent
    may_answer: Annotated[
        str, "Who accepts or declines it: a contributor, or “operator”.", Example(BEN)
    ]
    deadline: Annotated[
        Instant | None,
        "After this a moderator may answer too; null if only the person credited may.",
    ]
    position: Annotated[Position, Example(44)]


# -- disputes ------------------------------------------------------------------------------------


class Side(TypedDict):
    """What one side says in a dispute."""

    reason: Annotated[str | None, "Null when it was erased.", Example("I only lent the drum.")]
    evidence: Evidence
    evidence_kind: EvidenceKind
    evidence_sha256: EvidenceSha256
    actor: Agent
    at: Instant
    position: Annotated[Position, Example(44)]


class Dispute(Side):
    """An open dispute."""

    grounds: Annotated[str, "Why it is disputed, in one of the fixed words.", one_of(GROUNDS)]
    deadline: Annotated[
        str, "The other side can answer until then.", Example("2026-12-20T18:30:00.000000Z")
    ]
    answer: Side | None


class DisputedCredit(CreditTold):
    """One credit, and the open dispute about it."""

    dispute: Dispute | None


class DisputedIdentifier(IdentifierTold):
    """One identifier, and the open dispute about it."""

    dispute: Dispute | None


class DisputedRemix(RemixTold):
    """One remix, and the open dispute about it."""

    dispute: Dispute | None


# -- lineages ------------------------------------------------------------------------------------


class Maker(PersonRef, NameOnCredit):
    """Somebody credited directly on a work."""

    role: Role


class Node(Relative):
    """A work of a lineage."""

    contributors: list[Maker]
    contributors_left_out: Annotated[Count, "How many more there are.", Example(0)]


class EdgeTold(TypedDict):
    """A remix in a lineage."""

    id: RemixId
    child: WorkId
    parent: Annotated[WorkId, Example(POEM)]
    kind: KindOfRemix
    rate: Rate
    state: RemixState
    suspect_dates: SuspectDates


class LineageTold(TypedDict):
    """Everything a work was made from, as a graph."""

    root: Annotated[WorkId, Example(ALBUM)]
    nodes: list[Node]
    edges: list[EdgeTold]
    next: Annotated[str | None, "The cursor of the next page; null at the end."]


# -- who is in a work ----------------------------------------------------------------------------


class PathIn(TypedDict):
    """One path by which somebody came in."""

    kind: KindOfCredit
    works: Annotated[
        list[WorkId], "From the work in question to the piece; both ends of a long path."
    ]
    left_out: Annotated[Count, "How many works in the middle are left out.", Example(0)]
    roles: list[Role]


class CreditLine(NameOnCredit):
    """One credit somebody has within a work."""

    id: CreditId
    work: WorkId
    role: Role
    kind: KindOfCredit
    state: CreditState


class PathCount(TypedDict):
    """How many paths there are, as far as they can be counted."""

    path_count: Annotated[Count, "How many paths lead to their pieces.", Example(1)]
    path_count_is_exact: Annotated[bool, "If false, there are more than that.", Example(True)]


class Part(PathCount):
    """The part somebody has in a work."""

    kind: Annotated[KindOfCredit, "Direct if anything of theirs is in it."]
    roles: list[Role]
    generation: Annotated[Count, "Of their nearest piece; 0 is the work itself.", Example(1)]
    pieces: Annotated[Count, "How many of its pieces they are credited on.", Example(1)]
    paths: Annotated[list[PathIn], "The shortest of these paths; …/paths has more."]
    credit_count: Annotated[Count, "How many credits they have in it.", Example(1)]
    credits: Annotated[list[CreditLine], "The nearest of these credits; …/credits has all."]


class MembershipTold(TypedDict):
    """Somebody's time in a group."""

    id: MembershipId
    group: PersonRef
    contributor: PersonRef
    roles: Annotated[list[Role], "What they do in it."]
    during: Annotated[str | None, "When they were in it, as stated.", Example("2019/..")]
    state: MembershipState
    position: Annotated[Position, Example(62)]


class MemberPart(TypedDict):
    """A member of a group, with their part of its shares."""

    contributor: PersonRef
    part: Annotated[str, "The exact part of the group's share.", Example("1/3")]


class GroupDivisionTold(TypedDict):
    """How the shares of a group are divided among its members."""

    among: Annotated[list[MemberPart], "The members; nobody if it is not divided."]
    left: Annotated[str, "The exact part that stays with the group's account.", Example("1/3")]


class DisputedMembership(MembershipTold):
    """One membership, and the open dispute about it."""

    dispute: Dispute | None


class MemberThen(TypedDict):
    """Somebody who was in a group when a work was made."""

    contributor: PersonRef
    roles: Annotated[list[Role], "What they do in it."]


class PartOfPerson(Part):
    """Somebody who contributed to a work."""

    contributor: PersonRef
    members: Annotated[
        list[MemberThen] | None,
        "With expand=groups, of a group: who was in it, as far as dates do not say otherwise, when "
        "something was made on which the group is credited. Null without it.",
    ]


class PartInRelease(Part):
    """A release somebody is in."""

    release: ReleaseRef


# -- facts ---------------------------------------------------------------------------------------


class FactTold(TypedDict):
    """One fact."""

    position: Annotated[Position, Example(43)]
    receipt: Annotated[str, "The address of its receipt.", Example("/facts/43/receipt")]
    recorded_at: Instant
    effective: Annotated[str | None, "When it takes effect.", Example(MOMENT)]
    actor: Annotated[str, "Who acted: a contributor, or “operator”.", Example("operator")]
    signed: Annotated[bool, "Whether they signed it with a key of their own."]
    topic: Annotated[str, "What happened.", Example("credit.granted")]
    noun: Annotated[str, Ref("credit"), "What it happened to.", Example(LINE)]
    about: Annotated[list[WorkId], "The works and contributors it is about."]
    reason: Annotated[str | None, "Why; null if nothing was said, or when it was erased."]
    content: Annotated[
        dict[str, Any],
        "Its other fields; null where a text was erased.",
        Example({"role": "singer", "kind": "direct"}),
    ]


class FactInHistory(FactTold):
    """One fact of a history."""

    number: Annotated[
        Count, "Its place in this history; the first fact is 1, and none is left out.", Example(2)
    ]
    previous: Annotated[
        int | None, "The position of the fact before it in this history.", Example(42)
    ]


class Disclosures(TypedDict):
    """What a fact commits to (RFC 9901, section 4.2)."""

    disclosures: Annotated[
        list[Annotated[list[str], Length(3)]],
        "Each a salt, a name and a text.",
        Example([["vG9oC1Vv62tTwcHUZWjVpg", "name", "Ben"]]),
    ]


class DisclosuresOfFact(Disclosures):
    """What the fact at a position commits to."""

    position: Annotated[Count, "The position of the fact.", Example(57)]
