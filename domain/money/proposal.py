"""A proposal: who should have which share of a pool, open for comments before it is final.

A proposal is not final before its comment window has closed and every comment has been answered;
the first version stays available for comparison.

A proposal says what each asset of the pool (a piece, an act, an episode) is worth, and who holds
which share of it. It is computed by a policy over the lineage or set by hand; either way its
content is that list.

One file, because what a proposal is waiting for follows from all of its facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple

from domain.fact import Fact, Looking, Noun, common, fact
from domain.moment import instant
from domain.money.payee import people_among
from domain.money.pool import LEAST_REVIEW_HOURS
from domain.money.through import Divides, divided, joined, members_of
from domain.readers import AGREEMENT
from domain.release import Release

COMMENT_KINDS = {
    "left_out": "someone or something is missing",
    "too_much": "a share is too large",
    "too_little": "a share is too small",
    "other": "anything else",
}

MEANS = {
    "email": "a digest that was handed over to a mail server",
    "post": "a letter",
    "phone": "a call",
    "in_person": "somebody said so",
}
"""How somebody was notified of a proposal."""
LONGEST_WAIT = timedelta(days=10)
"""The longest that a proposal waits for somebody to be notified: a weekly digest, plus three
days for mail to arrive."""

Assets = list[dict[str, Any]]
"""``[{"asset", "value", "within"?, "shares": [[payee, share], …], "through"?}]``.

``through`` is ``[{"group", "shares": [[payee, part], …]}]``: the part of a payee's share that
they have through a group, by the group's division of its share.
"""


def payees_of(assets: Assets) -> Iterator[str]:
    """The payee of every share in an asset."""
    for asset in assets:
        for payee, _ in asset["shares"]:
            yield payee


def depends_on(asset: Mapping[str, Any], payee: str) -> tuple[str, ...]:
    """What a share in an asset depends on: the asset, what it is within, and the groups through
    which the payee has it."""
    groups = (
        each["group"]
        for each in asset.get("through", ())
        if any(payee == who for who, _ in each["shares"])
    )
    return (asset["asset"], *asset.get("within", ()), *groups)


class Content(NamedTuple):
    """What is proposed, and how it was computed."""

    policy: dict[str, Any] | None
    """The policy it was computed by; None if it was set by hand."""
    graph_position: int | None
    """The journal position whose lineage and credits it was computed over."""
    default_rate: str | None
    """The rate of edges for which none was agreed."""
    assets: Assets


@dataclass
class Version:
    """One stage of a proposal: the first, or a revision."""

    content: Content
    at: str
    actor: str
    position: int
    comments: tuple[str, ...] = ()
    """The comments that prompted it."""
    note: str | None = None
    notifies: list[str] = field(default_factory=list)
    """Those whose time to comment starts only when they are notified."""
    notified: dict[str, str] = field(default_factory=dict)
    """By person: when they were first notified of it."""


@dataclass
class ProposalComment:
    """A comment on a proposal, and its answers."""

    id: str
    kind: str
    about: str | None
    """The payee or the asset it is about."""
    text: str
    actor: str
    at: str
    position: int
    answers: list[Answer] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it has no answer yet."""
        return not self.answers


class Answer(NamedTuple):
    """An answer to a comment; without a text, it is the revision that the comment caused."""

    text: str | None
    actor: str
    at: str
    position: int


class Proposal(Noun):
    """Who should have which share of a pool."""

    pool: str
    release: str
    versions: list[Version]
    comments: dict[str, ProposalComment]
    opened_at: str
    closes_at: str
    window: timedelta
    """The length of the original window for comments."""
    final: Finalised | Implied | None = None

    @common
    class Event(Fact):
        """A fact about a proposal names the pool and the release."""

        READERS = AGREEMENT
        ABOUT: ClassVar[tuple[str, ...]] = ("release",)
        pool: str
        release: str

    @common
    class Proposing(Event):
        """Assets that are proposed, with all who have a share in them."""

        FROM = ("open",)
        assets: Assets
        notifies: list[str] | None = None
        """Those of its payees who are notified by mail, whose time to comment starts then."""
        divides: Divides | None = None
        """How groups with a share divide it, by their standing divisions."""

        @property
        def divided(self) -> Assets:
            """The assets after groups divided their shares among their members."""
            return divided(self.assets, self.divides)

        def people(self) -> tuple[str, ...]:
            """Everybody with a share, and the groups through which they have it."""
            return people_among((*payees_of(self.assets), *members_of(self.divides)))

        def subjects(self) -> tuple[str, ...]:
            return (self.release, *self.people())

    @common
    class Stage(Proposing):
        """A version of the proposal; further assets may follow in ``Continued`` facts."""

        STATE = "open"
        policy: dict[str, Any] | None = None
        graph_position: int | None = None
        default_rate: str | None = None
        """The rate of edges for which none was agreed."""
        note: str | None = None

        def begin(self, noun: Proposal, comments: tuple[str, ...] = ()) -> None:
            """Add the stage to the proposal."""
            content = Content(self.policy, self.graph_position, self.default_rate, self.divided)
            position, _ = noun.facts[-1]
            at = instant(self.timestamp)
            more = (comments, self.note, list(self.notifies or ()))
            noun.versions.append(Version(content, at, self.actor, position, *more))

    @fact("proposal.posted", "{actor} proposed who shares what {release} earns", begins=True)
    class Posted(Stage):
        """Shares were proposed; everyone with a share can see them, and comment until it closes."""

        closes_at: str

        def apply(self, noun: Proposal) -> None:
            noun.state = self.STATE
            noun.pool, noun.release = self.pool, self.release
            noun.opened_at, noun.closes_at = instant(self.timestamp), self.closes_at
            noun.window = datetime.fromisoformat(self.closes_at) - self.timestamp
            noun.versions, noun.comments = [], {}
            self.begin(noun)

    @fact("proposal.continued", "{actor} proposed who shares what {release} earns")
    class Continued(Proposing):
        """Continues the assets of the stage before, in the same append."""

        def apply(self, noun: Proposal) -> None:
            assets = noun.versions[-1].content.assets
            assets[:] = joined(assets, self.divided)
            noun.versions[-1].notifies += self.notifies or ()

    @fact("proposal.notified", "{contributor} was notified of the proposed shares in {release}")
    class Notified(Event):
        """Someone with a share was notified of what is proposed now."""

        FROM = ("open",)
        ABOUT = ("release", "contributor")
        contributor: str
        means: str
        version: int
        """The number of the stage: the first, or a revision."""

        def apply(self, noun: Proposal) -> None:
            noun.versions[-1].notified.setdefault(self.contributor, instant(self.timestamp))

    @fact("proposal.commented", "{actor} commented on the shares in {release}")
    class Commented(Event):
        """Someone commented on it."""

        QUOTA = "comments"
        FROM = ("open",)
        comment: str
        kind: str
        text: str
        about: str | None = None

        def apply(self, noun: Proposal) -> None:
            noun.comments[self.comment] = ProposalComment(
                self.comment,
                self.kind,
                self.about,
                self.text,
                self.actor,
                instant(self.timestamp),
                noun.facts[-1][0],
            )

    @fact("proposal.answered", "{actor} answered a comment on the shares in {release}")
    class Answered(Event):
        """A comment was answered; its author is notified."""

        FROM = ("open",)
        comment: str
        commenter: str
        text: str

        def subjects(self) -> tuple[str, ...]:
            return (self.release, *people_among([self.commenter]))

        def apply(self, noun: Proposal) -> None:
            at, position = instant(self.timestamp), noun.facts[-1][0]
            noun.comments[self.comment].answers.append(Answer(self.text, self.actor, at, position))

    @fact("proposal.revised", "{actor} revised the shares in {release}")
    class Revised(Stage):
        """The shares were changed because of comments, which this answers."""

        comments: list[str]
        commenters: list[str]
        """Their authors, who are notified."""

        def subjects(self) -> tuple[str, ...]:
            return (self.release, *dict.fromkeys((*self.people(), *people_among(self.commenters))))

        def apply(self, noun: Proposal) -> None:
            self.begin(noun, tuple(self.comments))
            at, position = instant(self.timestamp), noun.facts[-1][0]
            for comment in self.comments:
                noun.comments[comment].answers.append(Answer(self.note, self.actor, at, position))

    @fact(
        "proposal.extended",
        "{actor} extended the comment period for the proposed shares in {release}",
    )
    class Extended(Event):
        """The window for comments closes later."""

        FROM = ("open",)
        closes_at: str
        reason: str | None = None

    @fact("proposal.withdrawn", "{actor} withdrew the proposed shares in {release}")
    class Withdrawn(Event):
        """The proposal was withdrawn."""

        FROM = ("open",)
        STATE = "withdrawn"
        reason: str

    @fact("proposal.finalised", "{actor} made the shares in {release} final")
    class Finalised(Event):
        """The shares are agreed: exact fractions that sum to 1; a long list has further facts.

        ``number`` counts the agreements of the pool. They hold for what was earned from
        ``effective_at`` on; without it, for whatever no other agreement covers.
        """

        FROM = ("open",)
        STATE = "finalised"
        number: int
        shares: list[list[str]]
        effective_at: str | None = None
        basis: str | None = None
        """The type and version of the policy it was computed by."""
        graph_position: int | None = None
        agreed_on: str | None = None
        """The date of an agreement made elsewhere, on which nobody could comment here."""
        document: str | None = None
        """The document that proves it, such as a signed split sheet."""
        replaces: str | None = None
        """The agreement it differs from only by an assigned share, if it does."""
        known_as: str | None = None
        """The agreement that accounts for what was found false, as an assignment decides nothing
        about that; None: this one."""
        known_at: int | None = None
        """It accounts for what was found false up to this position, at which the version that
        became final was posted. None: for everything found before it."""

        def apply(self, noun: Proposal) -> None:
            noun.state = self.STATE
            noun.final = self

    @fact(
        "proposal.implied",
        "The terms of {release} name everybody who is paid",
        begins=True,
    )
    class Implied(Event):
        """The terms of the pool name everybody, so nobody has to agree on anything."""

        STATE = "finalised"
        number: int
        effective_at: str | None = None

        def apply(self, noun: Proposal) -> None:
            noun.state, noun.final = self.STATE, self
            noun.pool, noun.release = self.pool, self.release
            noun.opened_at = noun.closes_at = instant(self.timestamp)
            noun.versions, noun.comments = [], {}
            position, _ = noun.facts[-1]
            content = Content(None, None, None, [])
            noun.versions.append(Version(content, noun.opened_at, self.actor, position))

    @fact("proposal.shared", "{actor} made the shares in {release} final")
    class Shared(Event):
        """Continues the agreed shares, in the same append."""

        FROM = ("finalised",)
        shares: list[list[str]]

    @fact("proposal.confirmed", "{actor} decided that the share of {payee} in {release} stands")
    class Confirmed(Event):
        """A share stands, although something that it depends on was found false."""

        FROM = ("finalised",)
        payee: str
        reason: str

        def subjects(self) -> tuple[str, ...]:
            return (self.release, *people_among([self.payee]))

    def sides(self, looking: Looking) -> dict[str, str]:
        """Who assembled the release."""
        return looking.get(Release, self.release).sides(looking)

    def areas(self, looking: Looking) -> tuple[str, ...]:
        """The pool whose shares it proposes, and the release."""
        return (self.pool, self.release)

    def final_from(self, review_hours: int | None = None) -> str:
        """The instant from which it can be final.

        Not before its window has closed, nor before everyone with a share has had time to see the
        latest revision, and any comment of the last day. For those who are notified by mail, that
        time starts with the notification.
        """
        closes = datetime.fromisoformat(self.closes_at)
        review = timedelta(hours=review_hours or LEAST_REVIEW_HOURS)
        if self.versions[0].notifies:
            closes = max(closes, datetime.fromisoformat(self.runs_from(0)) + self.window)
        revised = ((self.runs_from(index), True) for index in range(1, len(self.versions)))
        commented = ((each.at, False) for each in self.comments.values())
        for at, is_revision in sorted((*revised, *commented)):
            happened = datetime.fromisoformat(at)
            if is_revision or happened >= closes - timedelta(days=1):
                closes = max(closes, happened + review)
        return instant(closes)

    def runs_from(self, index: int = -1) -> str:
        """The instant at which the time to see a stage starts: when the last person was notified.

        Being notified of a later stage counts for earlier ones. It waits at most LONGEST_WAIT.
        """
        indexes = range(len(self.versions))
        stage, later = self.versions[index], [self.versions[one] for one in indexes[index:]]
        latest = instant(datetime.fromisoformat(stage.at) + LONGEST_WAIT)
        told = (
            min([latest, *(each.notified[person] for each in later if person in each.notified)])
            for person in stage.notifies
        )
        return max([stage.at, *told])

    @property
    def waits_for(self) -> list[str]:
        """Those who have not been notified of the current version yet."""
        now = self.versions[-1]
        return [person for person in dict.fromkeys(now.notifies) if person not in now.notified]

    @property
    def current(self) -> Content:
        """The content of the current version."""
        return self.versions[-1].content
