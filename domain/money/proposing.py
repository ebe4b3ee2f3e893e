"""Commands that open pools, and propose, discuss and change shares of them.

Everyone with a share can see a proposal, and comment on it within the window.

One file, because its commands share what a pool and its proposals are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

from domain.clearing import must_suit_sale
from domain.command import Command, command, record
from domain.fact import New
from domain.lineage import Lineage
from domain.moment import instant, last_before
from domain.money.keeping import must_know, stage_facts, standing
from domain.money.payee import Payee, people_among
from domain.money.policy.flow import BY_RULE
from domain.money.policy.works import assets_of
from domain.money.pool import (
    LEAST_COMMENT_DAYS,
    LEAST_REVIEW_HOURS,
    MOST_COMMENT_DAYS,
    MOST_REVIEW_HOURS,
    Pool,
    texts_in,
)
from domain.money.proposal import Assets, Content, Proposal, ProposalComment, payees_of
from domain.money.split import OF_SPLIT, WITH_CARRY, read_terms
from domain.money.terms import named_in, places_of
from domain.money.through import Divides, divided
from domain.nouns import BORN
from domain.past import Past
from domain.permission import OPERATOR, QUOTAS
from domain.refusal import (
    BadPolicy,
    BadSplit,
    LicenceConflict,
    NotEligible,
    ProposalRevised,
    QuotaExceeded,
    TermsLoseSums,
    UnknownComment,
    UnknownContributor,
    UnknownWork,
    WindowTooShort,
    WrongState,
    to_the_minute,
)
from domain.release import Release
from domain.standing import of_proposal
from domain.text import is_visible
from domain.value import MOST_PIECES, Amount, Example, Json, Many, Most, Number
from domain.values import (
    ASSETS,
    COMMENT,
    TERMS,
    About,
    CommentKind,
    ContributorId,
    CurrencyCode,
    Document,
    ExactRate,
    Means,
    Moment,
    Name,
    NewCommentId,
    NewPoolId,
    NewProposalId,
    Note,
    PoolId,
    PoolKind,
    ProposalCommentId,
    ProposalId,
    Reason,
    ReleaseId,
    Remark,
    RoundingMethod,
    StatementReaders,
    WorkId,
)
from domain.work import Work

CLOSES = frozenset({"poster", "producer"})
"""Who may decide about shares: who assembled the release, and its producers."""
_PATH = "/proposals"
_HERE = f"{_PATH}/{{proposal}}"


@command(
    "pool",
    "/releases/{release}/pools",
    may=CLOSES,
    refuses=(UnknownWork, UnknownContributor, WindowTooShort, LicenceConflict, *OF_SPLIT),
    home="/pools",
)
class OpenPool(Command):
    """Open a pool for the money of a release, in one currency, under terms."""

    release: ReleaseId
    name: Annotated[Name, Example("song")]
    kind: PoolKind
    currency: CurrencyCode
    terms: Annotated[
        Mapping[str, Any],
        Json(
            help="A policy in which “agreed” stands for the shares of the proposal in force.",
            example=TERMS,
        ),
    ]
    rounding: RoundingMethod = WITH_CARRY
    comment_days: Annotated[
        int,
        Number(help=f"How long proposals are open; at least {LEAST_COMMENT_DAYS}.", example=14),
    ] = LEAST_COMMENT_DAYS
    review_hours: Annotated[
        int,
        Number(
            help="How long a proposal stays open after a revision or a comment on its last day; "
            f"at least {LEAST_REVIEW_HOURS}.",
            example=72,
        ),
    ] = LEAST_REVIEW_HOURS
    deferral_minor: Annotated[
        int,
        Amount(
            least=0, help="Revenue waits until its source has brought in this much.", example=50_000
        ),
    ] = 0
    works: Annotated[
        tuple[WorkId, ...] | None,
        Most(MOST_PIECES),
        "The components entitled to it; default all.",
    ] = None
    statement: Annotated[
        StatementReaders | None,
        "Who else may read its statement: “public”, everyone; default nobody.",
    ] = None
    id: NewPoolId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        must_be_days(self.comment_days, LEAST_COMMENT_DAYS)
        must_suit_sale(past, past.get(Release, self.release))
        if not LEAST_REVIEW_HOURS <= self.review_hours <= MOST_REVIEW_HOURS:
            raise WindowTooShort(f"{LEAST_REVIEW_HOURS} to {MOST_REVIEW_HOURS} hours")
        new = Pool.Opened.born(
            past.id,
            **self.told(
                Pool.Opened,
                terms=dict(self.terms),
                review_hours=None if self.review_hours == LEAST_REVIEW_HOURS else self.review_hours,
                works=None if self.works is None else list(self.works),
            ),
        )
        opened = past.imagine(Pool, new).opened
        must_know(past, named_in(opened))
        _must_be_seen(texts_in(self.terms), "policy")
        yield new


@command(
    "pool.amend",
    "/pools/{pool}/amend",
    may=CLOSES,
    refuses=(TermsLoseSums, UnknownContributor, UnknownWork, *OF_SPLIT),
)
class AmendPool(Command):
    """Amend the terms of a pool from a date: the new ones apply to what is earned from then on.

    What was recouped, earned and carried so far is kept, so the new terms need every place that has
    a sum. Money already divided for later dates moves with ``pool correct``.
    """

    pool: PoolId
    terms: Annotated[
        Mapping[str, Any],
        Json(help="The complete new terms.", example=TERMS),
    ]
    effective_at: Annotated[Moment, "For what is earned from then on.", Example("2026-07")]
    reason: Annotated[Reason, Example("The label gets 20 % instead of 15 %.")]
    document: Annotated[Document | None, Example("amendment 2, signed on 20 June 2026")] = None

    def decide(self, past: Past) -> Iterator[New]:
        noun, known = past.get(Pool, self.pool), past.books().pools[self.pool]
        amended = noun.then(
            Pool.Amended,
            **self.told(Pool.Amended, terms=dict(self.terms)),
            release=noun.opened.release,
            number=len(noun.amended) + 1,
        )
        opened = replace(noun.opened, terms=dict(self.terms))
        must_know(past, named_in(opened), self.pool)
        _must_be_seen(texts_in(self.terms), "policy")
        places = places_of(opened)
        lost = tuple(place for place, sum in known.flow.items() if sum and place not in places)
        if lost := tuple(place for place in lost if not place.startswith(BY_RULE)):
            raise TermsLoseSums(lost)
        past.watch_money(noun.opened.release)
        if any(each.effective_at == self.effective_at for each in noun.amended):
            past.warn("amended_already", since=self.effective_at)
        yield amended


# -- proposals -----------------------------------------------------------------------------------


@record
class ProposedContent(Command):
    """What is proposed: assets set by hand, or a policy to compute them by."""

    assets: Annotated[
        tuple[Mapping[str, Any], ...] | None,
        Many(
            inner=Json(help="What an asset is worth, and whose it is.", example=ASSETS[0]),
            help="The assets, set by hand: objects with asset, value, shares and perhaps within.",
            example=ASSETS,
            most=MOST_PIECES,
        ),
    ] = None
    policy: Annotated[
        Mapping[str, Any] | None,
        Json(help='Or compute them by this policy, such as {"type": "relative_cascade"}.'),
    ] = None
    graph_position: Annotated[
        int | None, Number(help="Over the lineage as known at this position; default as published.")
    ] = None
    default_rate: Annotated[
        ExactRate | None, "The rate of edges that state none, as text.", Example(None)
    ] = None
    note: Annotated[Note | None, Example("As discussed in May.")] = None

    def content(self, past: Past, opened: Pool.Opened) -> Content:
        """What is proposed, as assets."""
        if (self.assets is None) == (self.policy is None):
            raise BadSplit(
                "body",
                "state either “assets”, which set the shares, or a “policy”, which computes them",
            )
        if self.policy is not None:
            position = frozen_at(past, opened.release, self.graph_position)
            graph = past.known_at(position).lineage(opened.release, self.default_rate)
            computed = computed_assets(self.policy, graph)
            content = Content(dict(self.policy), position, self.default_rate, computed)
        else:
            assert self.assets is not None
            read_terms({"type": "assets", "assets": list(self.assets)})
            content = Content(None, None, None, [dict(asset) for asset in self.assets])
        if opened.works is not None:
            content = _eligible(past, opened, opened.works, content)
            read_terms({"type": "assets", "assets": content.assets})
        groups = (each["group"] for asset in content.assets for each in asset.get("through", ()))
        names = [*payees_of(content.assets), *(asset["asset"] for asset in content.assets)]
        _must_be_seen(names, "assets" if self.policy is None else "policy")
        must_know(past, [*payees_of(content.assets), *groups], opened.originator_id)
        return content


OF_CONTENT = (*OF_SPLIT, UnknownContributor, NotEligible, UnknownWork)


@command(
    "proposal",
    "/pools/{pool}/proposals",
    may=CLOSES,
    refuses=(WindowTooShort, *OF_CONTENT),
    home=_PATH,
)
class PostProposal(ProposedContent):
    """Propose shares: set by hand (assets), or computed by a policy over the lineage."""

    pool: PoolId
    comment_days: Annotated[
        int | None, Number(help="At least as many as the pool's.", example=14)
    ] = None
    id: NewProposalId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        opened = past.get(Pool, self.pool).opened
        days = opened.comment_days
        if self.comment_days is not None:
            days = must_be_days(self.comment_days, opened.comment_days)
        content = self.content(past, opened)
        divides = standing(past, content.assets)
        yield from stage_facts(
            Proposal.Posted,
            past.id,
            content,
            pool=self.pool,
            release=opened.release,
            closes_at=instant(past.now + timedelta(days=days)),
            note=self.note,
            divides=divides,
            notified=_by_mail(past, content, divides),
        )


@command(
    "proposal.revise",
    f"{_HERE}/revise",
    may=CLOSES,
    refuses=(UnknownComment, WrongState, *OF_CONTENT),
)
class ReviseProposal(ProposedContent):
    """Revise a proposal because of comments, which this answers."""

    proposal: ProposalId
    comments: Annotated[
        tuple[ProposalCommentId, ...], "The comments that prompted it.", Example(COMMENT)
    ]

    def decide(self, past: Past) -> Iterator[New]:
        noun = past.get(Proposal, self.proposal)
        commenters = [_comment(noun, comment).actor for comment in self.comments]
        if not self.comments:
            raise BadSplit("comments", "a revision must name the comments that prompted it")
        content = self.content(past, past.get(Pool, noun.pool).opened)
        must_be_open(noun)
        divides = standing(past, content.assets)
        yield from stage_facts(
            Proposal.Revised,
            self.proposal,
            content,
            **noun.line,
            comments=list(self.comments),
            commenters=list(dict.fromkeys(commenters)),
            note=self.note,
            divides=divides,
            notified=_by_mail(past, content, divides),
        )


@command(
    "proposal.comment",
    f"{_HERE}/comments",
    may=(*CLOSES, "party"),
    spends=("comments",),
    refuses=(WrongState, UnknownContributor),
    makes="comment",
)
class CommentOnProposal(Command):
    """Comment on a proposal: someone was left out, too much, too little, or something else.

    Open to those who have a share in it or a claim to one: a credit, even one only claimed, on the
    release or on what it was made from. After the window, those with a share can comment until the
    proposal can be finalised.
    """

    proposal: ProposalId
    kind: CommentKind
    text: Annotated[Remark, Example("Ben cut the last verse and is missing.")]
    about: Annotated[About | None, "The payee or the asset it is about."] = None
    id: NewCommentId | None = None

    def sides(self, past: Past) -> dict[str, str]:
        noun = past.get(Proposal, self.proposal)
        return {**noun.sides(past), **of_proposal(past, noun)}

    def decide(self, past: Past) -> Iterator[New]:
        noun = past.get(Proposal, self.proposal)
        commented = noun.then(
            Proposal.Commented,
            comment=past.id,
            kind=self.kind,
            text=self.text,
            about=None if self.about is None else about_in(past, noun, self.about),
        )
        hours = past.get(Pool, noun.pool).opened.review_hours
        if past.is_over(last_before(noun.closes_at)) and (
            past.is_over(last_before(noun.final_from(hours))) or not _shares(past, noun)
        ):
            raise WrongState(noun.NAME, noun.id, "closed for comments", ("open",))
        if past.is_limited:
            _must_be_few(past, noun)
        yield commented


def _must_be_few(past: Past, noun: Proposal) -> None:
    """Refuse (``QuotaExceeded``) more open comments of one person than can be answered."""
    limit, accounts = QUOTAS["comments"], past.accounts(past.actor)
    own = [one for one in noun.comments.values() if one.actor in accounts]
    since = noun.versions[-1].position
    for most, count, per in (
        (limit.open, sum(one.is_open for one in own), "without an answer"),
        (limit.a_round, sum(one.position > since for one in own), "on one version"),
    ):
        if most is not None and count >= most:
            raise QuotaExceeded(most, limit.what, per, None)


def _shares(past: Past, noun: Proposal) -> bool:
    """Whether the actor has, or had, a share in a proposal."""
    payees = {payee for each in noun.versions for payee in payees_of(each.content.assets)}
    people = filter(lambda payee: Payee.parse(payee).is_contributor, payees)
    return past.actor == OPERATOR or any(map(past.is_actor, people))


def about_in(past: Past, noun: Proposal, about: str) -> str:
    """The payee or asset that a comment is about, or a person or work missing in the proposal.

    Other texts are refused: what people write is stored only where it can be erased.
    """
    assets = noun.current.assets
    named = {name for asset in assets for name in (asset["asset"], *asset.get("within", ()))}
    if about in named.union(payees_of(assets)):
        return about
    if (stream := past.stream(about)) and issubclass(BORN[type(stream[0][1])], Work):
        return about
    return past.contributor(about).id


@command("proposal.answer", f"{_HERE}/answer", may=CLOSES, refuses=(UnknownComment, WrongState))
class AnswerComment(Command):
    """Answer a comment on a proposal."""

    proposal: ProposalId
    comment: ProposalCommentId
    text: Annotated[Remark, Example("Added with 1 %.")]

    def decide(self, past: Past) -> Iterator[New]:
        noun = past.get(Proposal, self.proposal)
        commenter = _comment(noun, self.comment).actor
        yield noun.then(
            Proposal.Answered, comment=self.comment, commenter=commenter, text=self.text
        )


@command("proposal.extend", f"{_HERE}/extend", may=CLOSES, refuses=(WindowTooShort, WrongState))
class ExtendProposal(Command):
    """Keep a proposal open for comments for longer."""

    proposal: ProposalId
    closes_at: Annotated[Moment, "Until when.", Example("2027-01-15")]
    reason: Annotated[Reason | None, Example("Holidays.")] = None

    def decide(self, past: Past) -> Iterator[New]:
        noun = past.get(Proposal, self.proposal)
        extended = noun.then(Proposal.Extended, closes_at=self.closes_at, reason=self.reason)
        if self.closes_at <= noun.closes_at:
            raise WindowTooShort(f"longer than until {to_the_minute(noun.closes_at)}")
        yield extended


@command(
    "proposal.notify", f"{_HERE}/notify", refuses=(ProposalRevised, UnknownContributor, WrongState)
)
class NotifyOfProposal(Command):
    """Record that someone was notified of the current proposal.

    The service does this once it has handed over a digest that names the proposal. For those
    notified by mail, the comment period runs from then on.
    """

    proposal: ProposalId
    contributor: ContributorId
    means: Means
    version: Annotated[
        int | None,
        Number(
            least=1,
            help="The version: 1, or one more for each revision; default the latest.",
            example=2,
        ),
    ] = None

    def decide(self, past: Past) -> Iterator[New]:
        noun = past.get(Proposal, self.proposal)
        past.contributor(self.contributor)
        latest = len(noun.versions)
        if self.version not in (None, latest):
            raise ProposalRevised(self.version)
        said = {"contributor": self.contributor, "means": self.means}
        yield noun.then(Proposal.Notified, version=latest, **said)


@command("proposal.withdraw", f"{_HERE}/withdraw", may=CLOSES, then=Proposal.Withdrawn)
class WithdrawProposal(Command):
    """Withdraw a proposal."""

    proposal: ProposalId
    reason: Annotated[Reason, Example("Posted to the wrong pool.")]


# -- content of proposals ------------------------------------------------------------------------


def _by_mail(past: Past, content: Content, divides: Divides | None) -> set[str]:
    """Those with a share, except the actor, who want to be notified by mail."""
    payees = payees_of(divided(content.assets, divides))
    people = set(people_among(payees)) - {past.actor}
    return past.told_by_mail(people)


def must_be_open(noun: Proposal) -> None:
    """Refuse a proposal that was withdrawn or is final."""
    if noun.state != "open":
        raise WrongState(noun.NAME, noun.id, noun.state, ("open",))


def frozen_at(past: Past, release: str, position: int | None) -> int:
    """The position at which the lineage is read: requested, of the publication, or the latest."""
    noun = past.get(Release, release)
    published = [at for at, happened in noun.facts if isinstance(happened, Release.Published)]
    return min([*published, past.position] if position is None else [position, past.position])


def _eligible(past: Past, opened: Pool.Opened, works: Sequence[str], content: Content) -> Content:
    """The content without works that have no right to the pool; refuses (``NotEligible``) none."""
    position = frozen_at(past, opened.release, content.graph_position)
    graph = past.known_at(position).lineage(opened.release, "0")
    kept = eligible_assets(content.assets, works, graph)
    for asset in content.assets:
        if content.policy is None and asset not in kept:
            raise NotEligible(asset["asset"])
    return content._replace(assets=kept)


def computed_assets(policy: Mapping[str, Any], graph: Lineage[str]) -> Assets:
    """A policy over a lineage as assets: one for each work that keeps something."""
    return [
        {
            "asset": name,
            "value": str(value),
            "shares": [[payee, str(share)] for payee, share in holders],
        }
        for name, value, holders in assets_of(read_terms(policy, graph=graph), graph)
        if value
    ]


def eligible_assets(assets: Assets, works: Sequence[str], graph: Lineage[str]) -> Assets:
    """The assets within one of these works, and those that are not works of the lineage."""
    known = set(graph.nodes)  # without what came into the release later
    allowed = {node for work in works if work in known for node in graph.above(work)}
    return [asset for asset in assets if asset["asset"] in allowed or asset["asset"] not in known]


def _must_be_seen(names: Iterable[str], where: str) -> None:
    """Refuse (``BadPolicy``) names of payees or assets of which nothing would be seen."""
    if not all(map(is_visible, names)):
        raise BadPolicy(where, "a name has no visible characters")


def must_be_days(days: int, least: int) -> int:
    """The days, if a window may be open that long; else ``WindowTooShort``."""
    if type(days) is not int or not least <= days <= MOST_COMMENT_DAYS:  # bool is an int, too
        raise WindowTooShort(f"{least} to {MOST_COMMENT_DAYS} days")
    return days


def _comment(noun: Proposal, id: str) -> ProposalComment:
    if id not in noun.comments:
        raise UnknownComment(id)
    return noun.comments[id]
