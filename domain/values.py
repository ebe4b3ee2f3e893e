"""The fields that commands and questions share, each with its value type, help and example.

One file, because it is one list.
"""

from __future__ import annotations

from typing import Annotated, Any

from domain.contributor import FORMER
from domain.contributor import GROUNDS as ERASURE_GROUNDS
from domain.credit import CREDIT_KINDS
from domain.dates import span_of, start_of, start_of_past
from domain.disclosure import AI_USES, EVIDENCE_KINDS
from domain.dispute import GROUNDS, OUTCOMES, known_outcome
from domain.follow import SHOWN
from domain.grant import GRANTABLE, granted_role
from domain.identifier import SCHEMES, normal
from domain.identity import part_id
from domain.money.country import country_code
from domain.money.currency import currency_code
from domain.money.exchange import LONGEST_RATE, exchange_rate
from domain.money.naming import CATEGORIES, SOURCES
from domain.money.policy.sold import LONGEST_DECIMAL, LONGEST_DIMENSION, dimension, exact_text
from domain.money.pool import LOCATED_BY, POOL_KINDS
from domain.money.proposal import COMMENT_KINDS, MEANS
from domain.money.split import ROUNDINGS, WITH_CARRY, known_rounding
from domain.outside import URI_LIMIT, normal_uri
from domain.project import PROJECT_KINDS, PROJECT_OUTCOMES
from domain.readers import PUBLIC, STATEMENTS
from domain.refusal import (
    BadCountry,
    BadCurrency,
    BadExchangeRate,
    BadIdentifier,
    BadMadeAt,
    BadOutcome,
    BadRate,
    BadRole,
    BadSold,
    BadSplit,
    BadUri,
    MadeInFuture,
    UnknownErasureGround,
    UnknownGrounds,
    UnknownRole,
)
from domain.release import OFFERED, PARTS
from domain.remix import MAXIMUM_RATE_LENGTH, REMIX_KINDS, exact_rate
from domain.role import role_named
from domain.text import LIMITS, hex_digest, plain_text
from domain.value import (
    Amount,
    Example,
    NewId,
    Number,
    Payee,
    Piece,
    Rate,
    Ref,
    Value,
    WebAddress,
    Word,
    known,
    listed,
    stated,
    text,
)

MOST_BILLED = 10_000

# -- ids -----------------------------------------------------------------------------------------

# The examples tell one small story: Ana's poem, sung by Ben, published as a release and sold.
ANA = "8f7c1f1e-5d6a-4f0e-9f43-2d0c6b1a9e01"
BEN = "8f7c1f1e-5d6a-4f0e-9f43-2d0c6b1a9e02"
POEM = "1b7d9a40-0c56-4c0e-8f0a-5b1e5d7c3a11"
SONG = "1b7d9a40-0c56-4c0e-8f0a-5b1e5d7c3a12"
ALBUM = "1b7d9a40-0c56-4c0e-8f0a-5b1e5d7c3a13"
EDGE = "5e2f8c36-7a41-4d0b-b6a5-90c4e1d2f321"
JOIN = "d3b7c1a9-52e8-4f60-9a14-7c2e8b5d6f43"
LINE = "c0a8f6d2-3b9e-4e57-8d12-6f7a8b9c0d31"
CODE = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d410"
POOL = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d401"
PROPOSAL = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d402"
COMMENT = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d403"
REVENUE = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d404"
DIVISION = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d405"
BATCH = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d406"
PAYOUT = part_id(BATCH, "payout", 0)
EXPENSE = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d409"
CORRECTION = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d408"
ADJUSTMENT = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d40a"
SHEET = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d40d"
SOLD = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d40e"
OPENING = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d41a"
FREEING = "b0f5f2a3-63d5-4c0b-8f4e-2f1f6a8d7c55"
PERIOD = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d40f"
REFUND = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d40c"
ASSIGNMENT = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d40b"
RATE = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d411"
PAID_IN = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d412"
PROJECT = "2c4e8d15-93a7-4b60-8f2e-6a1d0b7c5e71"
STEP = part_id(PROJECT, "step", 0)
MEMBERSHIP = "2c4e8d15-93a7-4b60-8f2e-6a1d0b7c5e74"
NEXT_STEP = "2c4e8d15-93a7-4b60-8f2e-6a1d0b7c5e73"
REMARK = "2c4e8d15-93a7-4b60-8f2e-6a1d0b7c5e75"
CHALLENGE = "2c4e8d15-93a7-4b60-8f2e-6a1d0b7c5e72"
WITHHOLDING = "6d2c9a51-4f0e-4b7e-9a33-0f7a51c2d413"

ContributorId = Annotated[str, Ref("contributor", example=BEN)]
PayeeId = Annotated[str, Ref("contributor", or_name=True, example=BEN)]
IdentifierId = Annotated[str, Ref("identifier", example=CODE)]
ContributionId = Annotated[str, Ref("contribution", example=SONG)]
WorkId = Annotated[str, Ref("work", example=SONG)]
ReleaseId = Annotated[str, Ref("release", example=ALBUM)]
RemixId = Annotated[str, Ref("remix", example=EDGE)]
JoinId = Annotated[str, Ref("join", example=JOIN)]
CreditId = Annotated[str, Ref("credit", example=LINE)]
PoolId = Annotated[str, Ref("pool", example=POOL)]
ProposalId = Annotated[str, Ref("proposal", example=PROPOSAL)]
ProposalCommentId = Annotated[str, Ref("comment", is_part=True, example=COMMENT)]
CommentId = Annotated[str, Ref("comment", example=REMARK)]
RevenueId = Annotated[str, Ref("revenue", example=REVENUE)]
ExpenseId = Annotated[str, Ref("expense", example=EXPENSE)]
EntryId = Annotated[str, Ref("entry", example=DIVISION)]
BatchId = Annotated[str, Ref("batch", example=BATCH)]
PayoutId = Annotated[str, Ref("payout", example=PAYOUT)]
ExchangeRateId = Annotated[str, Ref("exchange_rate", example=RATE)]
MembershipId = Annotated[str, Ref("membership", example=MEMBERSHIP)]
ProjectId = Annotated[str, Ref("project", example=PROJECT)]
StepId = Annotated[str, Ref("step", example=STEP)]
ChallengeId = Annotated[str, Ref("challenge", example=CHALLENGE)]
WithholdingId = Annotated[str, Ref("withholding", example=WITHHOLDING)]

_CHOSEN = "Chosen by the client, so that a repetition is harmless."
NewContributorId = Annotated[str, NewId("contributor", help=_CHOSEN, example=BEN)]
NewIdentifierId = Annotated[str, NewId("identifier", help=_CHOSEN, example=CODE)]
NewContributionId = Annotated[str, NewId("contribution", help=_CHOSEN, example=SONG)]
NewReleaseId = Annotated[str, NewId("release", help=_CHOSEN, example=ALBUM)]
NewRemixId = Annotated[str, NewId("remix", help=_CHOSEN, example=EDGE)]
NewJoinId = Annotated[str, NewId("join", help=_CHOSEN, example=JOIN)]
NewCreditId = Annotated[str, NewId("credit", help=_CHOSEN, example=LINE)]
NewPoolId = Annotated[str, NewId("pool", help=_CHOSEN, example=POOL)]
NewProposalId = Annotated[str, NewId("proposal", help=_CHOSEN, example=PROPOSAL)]
NewCommentId = Annotated[str, NewId("comment", help=_CHOSEN, example=COMMENT)]
NewRevenueId = Annotated[str, NewId("revenue", help=_CHOSEN, example=REVENUE)]
NewExpenseId = Annotated[str, NewId("expense", help=_CHOSEN, example=EXPENSE)]
NewReversalId = Annotated[str, NewId("reversal", help=_CHOSEN, example=DIVISION)]
NewCorrectionId = Annotated[str, NewId("correction", help=_CHOSEN, example=CORRECTION)]
NewAdjustmentId = Annotated[str, NewId("adjustment", help=_CHOSEN, example=ADJUSTMENT)]
NewFreeingId = Annotated[str, NewId("freeing", help=_CHOSEN, example=FREEING)]
NewOpeningId = Annotated[str, NewId("opening", help=_CHOSEN, example=OPENING)]
NewAssignmentId = Annotated[str, NewId("assignment", help=_CHOSEN, example=ASSIGNMENT)]
NewPeriodId = Annotated[str, NewId("period", help=_CHOSEN, example=PERIOD)]
NewBatchId = Annotated[str, NewId("batch", help=_CHOSEN, example=BATCH)]
NewExchangeRateId = Annotated[str, NewId("exchange_rate", help=_CHOSEN, example=RATE)]
NewPaymentCurrencyId = Annotated[str, NewId("payment_currency", help=_CHOSEN, example=PAID_IN)]
NewMembershipId = Annotated[str, NewId("membership", help=_CHOSEN, example=MEMBERSHIP)]
NewProjectId = Annotated[str, NewId("project", help=_CHOSEN, example=PROJECT)]
NewStepId = Annotated[str, NewId("step", help=_CHOSEN, example=NEXT_STEP)]
NewChallengeId = Annotated[str, NewId("challenge", help=_CHOSEN, example=CHALLENGE)]
NewWithholdingId = Annotated[str, NewId("withholding", help=_CHOSEN, example=WITHHOLDING)]

TERMS: dict[str, Any] = {
    "type": "fixed",
    "shares": [["operator", "1/2"], ["artists", "1/2", {"type": "agreed"}]],
}
ASSETS: list[dict[str, Any]] = [
    {
        "asset": SONG,
        "value": "3",
        "within": ["act 1"],
        "shares": [[BEN, "1/2"], ["operator", "1/2"]],
    },
    {"asset": "cover", "value": "1", "shares": [[BEN, "1"]]},
]

# -- texts ---------------------------------------------------------------------------------------

Name = Annotated[str, text("name", example="Ben")]
Title = Annotated[str, text("title", example="Low Tide, sung")]
Creators = Annotated[
    str, text("creators", "Who made it, by name, as on its cover.", "Nobuo Uematsu")
]
MediaUrl = Annotated[
    str,
    WebAddress(
        "media_url",
        help="Where it can be seen or heard.",
        example="https://example.org/songs/low-tide.ogg",
    ),
]
Wording = Annotated[
    str, text("display", "The wording of the credit, instead of the role.", "low harmony")
]
CreditedAs = Annotated[
    str, text("credited_as", "The name on this credit, such as a pen name.", "B. Low")
]
JoinPhrase = Annotated[
    str,
    text(
        "join_phrase",
        "What comes between this name and the next, including spaces.",
        " feat. ",
        keeps_spaces=True,
    ),
]
Character = Annotated[
    str, text("character", "The part an actor plays or voices.", "the lighthouse keeper")
]
AiUse = Annotated[
    str, listed(AI_USES, "Which part AI made, fully or partly, or “none”.", "vocals partly")
]
AiTool = Annotated[str, text("ai_tool", "The tool used.", "a voice model")]
EvidenceKind = Annotated[str, listed(EVIDENCE_KINDS, "What kind of evidence it is.", "liner_notes")]
Billing = Annotated[
    int,
    Number(
        least=1,
        most=MOST_BILLED,
        help="Its place in the order of credits; by default the order in which they were opened.",
        example=2,
    ),
]
Place = Annotated[
    int, Number(least=1, most=MOST_BILLED, help="A place in the release, from 1.", example=2)
]
Reason = Annotated[str, text("reason", "Why.", "The recording was not ours to post.")]
Evidence = Annotated[str, text("evidence", "What proves it.", "https://example.org/session-notes")]
Note = Annotated[str, text("note", "A remark.", "The whole text.")]
Remark = Annotated[str, text("text", "What you want to say.", "Ben cut the last verse.")]
Goal = Annotated[
    str, text("goal", "What you set out to make.", "A lighthouse walks away, in pictures.")
]
Prompt = Annotated[str, text("prompt", "What you ask others to make.", "Draw the keeper. Any way.")]
KindName = Annotated[
    str, text("kind_name", "The kind in your own words; only with “other”.", "a radio play")
]
Document = Annotated[
    str, text("document", "The document that proves it.", "statement 2017-06, page 3")
]
Reference = Annotated[
    str, text("reference", "The reference of the transfer.", "SEPA 2026-11-23/17")
]
Medium = Annotated[str, text("medium", "Such as text, image, audio or video.", "audio")]
Licence = Annotated[str, text("licence", "An SPDX or Creative Commons id.", "CC-BY-4.0")]
Source = Annotated[
    str,
    text(
        "source",
        "Who paid: a kind of source such as streaming, or a name.",
        "physical",
        words=SOURCES,
    ),
]
SourceName = Annotated[
    str, text("source_name", "Who paid, by name; it can be erased.", "HarperCollins")
]
Category = Annotated[
    str,
    text(
        "category",
        "What it was spent on: a kind of cost such as printing, or another in your words.",
        "printing",
        words=CATEGORIES,
    ),
]
CategoryName = Annotated[
    str,
    text(
        "category_name",
        "What it was spent on, in your words; it can be erased.",
        "the second printing",
    ),
]

# -- words ---------------------------------------------------------------------------------------

Role = Annotated[str, known(role_named, "A role from the vocabulary.", "singer", wrong=UnknownRole)]
GrantedRole = Annotated[
    str,
    known(
        granted_role,
        f"One of {', '.join(GRANTABLE)}.",
        "producer",
        wrong=BadRole,
        choices=GRANTABLE,
    ),
]
RemixKind = Annotated[str, listed(REMIX_KINDS, "How it was made from its source.", "sample")]
CreditKind = Annotated[str, listed(CREDIT_KINDS, "direct or influence.", "influence")]
Offered = Annotated[str, listed(OFFERED, "sold or free; default sold.", "free")]
ProjectKind = Annotated[
    str,
    listed(
        PROJECT_KINDS,
        "What kind of work it becomes; “other” needs a kind name.",
        "illustrated story",
    ),
]
ProjectOutcome = Annotated[str, listed(PROJECT_OUTCOMES, "How it ended.", "finished")]
PartOfSeries = Annotated[str, listed(PARTS, "Which part of a series it is.", "episode")]
LocatedBy = Annotated[
    str,
    listed(
        LOCATED_BY,
        "territory: what comes in from now on for a sale whose territory is a country comes "
        "from there.",
        None,
    ),
]
PoolKind = Annotated[str, listed(POOL_KINDS, "What the money is for.", "song")]
StatementReaders = Annotated[str, listed(STATEMENTS, "“public”: everyone may read it.", PUBLIC)]
ShownTo = Annotated[
    str,
    listed(SHOWN, "“public”: everyone may see that you follow it; default nobody.", PUBLIC),
]
Means = Annotated[str, listed(MEANS, "email, post, phone or in_person.", "email")]
CommentKind = Annotated[
    str, listed(COMMENT_KINDS, "left_out, too_much, too_little or other.", "left_out")
]
IdentifierScheme = Annotated[
    str, listed({name: one.meaning for name, one in SCHEMES.items()}, "The registry.", "isrc")
]
IdentifierText = Annotated[str, text("identifier", "The number, as written.", "US-SKG-19-12345")]
FormerName = Annotated[
    str, listed(FORMER, "What happens to the former name: erased or kept; default erased.", "kept")
]
Grounds = Annotated[str, listed(GROUNDS, "What is wrong.", "wrong_role", wrong=UnknownGrounds)]
ErasureGround = Annotated[
    str, listed(ERASURE_GROUNDS, "The ground for it.", "request", wrong=UnknownErasureGround)
]
Outcome = Annotated[
    str, known(known_outcome, "How it ends.", "dismissed", wrong=BadOutcome, choices=OUTCOMES)
]
CurrencyCode = Annotated[
    str,
    known(
        currency_code,
        "A code of ISO 4217, or a unit of your own with its exponent (at most 12), such as HOPE.2.",
        "USD",
        wrong=BadCurrency,
    ),
]
CountryCode = Annotated[
    str,
    known(
        country_code,
        "Where the money comes from: two letters of ISO 3166-1.",
        "US",
        wrong=BadCountry,
    ),
]
ExchangeRateText = Annotated[
    str,
    known(
        exchange_rate,
        "How much of the other is got for one.",
        "0.9217",
        wrong=BadExchangeRate,
        limit=LONGEST_RATE,
    ),
]
Sha256 = Annotated[
    str,
    known(
        hex_digest,
        "The digest of the file, in hexadecimal.",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        limit=64,
    ),
]
EvidenceSha256 = Annotated[Sha256, "The SHA-256 of a file that is evidence.", Example(None)]
Uri = Annotated[
    str,
    known(
        normal_uri,
        "The address of a work elsewhere.",
        "https://example.org/poems/low-tide",
        wrong=BadUri,
        limit=URI_LIMIT,
        format="uri",
    ),
]
WorkHere = Annotated[WorkId, "Either the id of a work here, or …", Example(None)]
UriElsewhere = Annotated[Uri, "… the address of one elsewhere."]
ExactRate = Annotated[
    str,
    Rate(
        lambda text, _: exact_rate(text),
        (BadRate,),
        MAXIMUM_RATE_LENGTH,
        help="How much of it, as text: 1/5 or 0.2.",
        example="1/5",
    ),
]
Moment = Annotated[
    str, known(start_of, "A year, a month, a day or a time.", "2026-11-20", wrong=BadMadeAt)
]
Until = Annotated[
    str,
    stated("The deadline for answers: a day (to its end) or a moment.", example="2099-12-31"),
]
StatedMoment = Annotated[str, stated("As it was stated.")]
AnswerBy = Annotated[
    str,
    stated(
        "Deadline for the other side to answer: a day (to its end) or a moment, in 7 to 180 days; "
        "default 30."
    ),
]
MadeAt = Annotated[
    str,
    stated(
        "When it was made, as precisely as it is known: a year, a month, a day, a time, or an EDTF "
        "date such as 1970~ (about 1970), 1975? or [..2003]; default the time of recording.",
        start_of_past,
        MadeInFuture,
        example="2026-11",
    ),
]
MembershipTime = Annotated[
    str,
    stated(
        "When they were in it, as an EDTF date or interval such as 1985/1991 or 2019/.. (since "
        "2019); default not known.",
        lambda text, _: span_of(text),
        example="2019/..",
    ),
]
SigningKey = Annotated[
    str,
    known(
        str,
        "The public half: the contributor's id, the key's id, the key.",
        f"{BEN}+22a6266a+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
    ),
]
AmountMinor = Annotated[int, Amount(help="In the currency's smallest units.", example=807_364)]


def _of_sale(name: str, help: str, example: str) -> Word:
    """What a line says of a sale."""
    return known(
        lambda text: dimension(name, text, name),
        help,
        example,
        wrong=BadSold,
        limit=LONGEST_DIMENSION,
    )


Territory = Annotated[
    str, _of_sale("territory", "Where: a code of ISO 3166, or any other name.", "DE")
]
Channel = Annotated[str, _of_sale("channel", "How it was sold, as the shop says.", "stream")]
Configuration = Annotated[
    str, _of_sale("configuration", "What was sold, as the shop says.", "paperback")
]
ExactAmount = Annotated[
    str,
    known(
        exact_text,
        "An exact decimal in the currency itself, as the statement writes it, also in parts "
        "of its smallest unit.",
        "0.01093420044805",
        wrong=BadSold,
        limit=LONGEST_DECIMAL,
    ),
]
RoundingMethod = Annotated[
    str,
    known(
        known_rounding,
        f"How units are apportioned: {' or '.join(ROUNDINGS)}.",
        WITH_CARRY,
        wrong=BadSplit,
        choices=ROUNDINGS,
    ),
]


def _plain(kind: type[Payee | Piece], field: str, help: str) -> Value:
    """A payee or a piece, as plain text within the limit of a field."""
    return kind(lambda text, _: plain_text(field, text), (), LIMITS[field], help=help, example=BEN)


PayeeText = Annotated[str, _plain(Payee, "payer", help="A contributor or a name.")]
About = Annotated[str, _plain(Payee, "about", help="A payee or an asset.")]
PieceText = Annotated[
    str, _plain(Piece, "about", help="A payee, an asset, or a part of the release.")
]


def number_of(scheme: str) -> Value:
    """The number of something in a registry, to look it up by."""
    help, example = f"With this {scheme.upper()}.", SCHEMES[scheme].example
    return known(lambda text: normal(scheme, text), help, example, wrong=BadIdentifier)
