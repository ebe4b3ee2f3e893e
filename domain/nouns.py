"""Every kind of noun, by its name and by the facts that create it.

A kind of fact that may come first in a stream creates exactly one kind of noun.

One that names states in FROM, such as a hold that is opened again, may also
come later.
"""

from __future__ import annotations

from domain.challenge import Answer, Challenge
from domain.clock import Clock
from domain.comment import Comment
from domain.contribution import Contribution
from domain.contributor import Contributor
from domain.credit import Credit
from domain.fact import Fact, Noun
from domain.follow import Follow
from domain.grant import Grant
from domain.identifier import Identifier
from domain.join import Join
from domain.membership import Membership
from domain.money.entry import Entry
from domain.money.exchange import ExchangeRate, PaymentCurrency
from domain.money.hold import Hold
from domain.money.outsider import Outsider
from domain.money.payout import Batch, Payout
from domain.money.period import Period
from domain.money.pool import Pool
from domain.money.proposal import Proposal
from domain.money.revenue import Expense, Revenue
from domain.money.share import Share
from domain.money.withholding import Withholding
from domain.outside import Outside
from domain.project import Placement, Project, Step
from domain.release import Release
from domain.remix import Remix
from domain.work import Work

NOUNS: tuple[type[Noun], ...] = (
    *(Contributor, Grant, Contribution, Outside, Release, Remix, Join, Credit, Identifier),
    *(Project, Step, Placement, Challenge, Answer, Comment, Follow),
    Membership,
    *(Pool, Proposal, Share, Revenue, Expense, Entry, Batch, Payout, Hold, Outsider, Period),
    *(ExchangeRate, PaymentCurrency, Withholding),
    Clock,
)
BORN = {birth: noun for noun in NOUNS for birth in noun.BIRTHS}


def may_stand_at(kind: type[Fact], version: int) -> bool:
    """Whether a kind of fact may have this version in a stream; version 1 is the first fact."""
    if version == 1:
        return kind in BORN
    return kind not in BORN or bool(kind.FROM)


NAMED: dict[str, type[Noun]] = {
    **{noun.NAME: noun for noun in NOUNS},
    "work": Work,
}
"""By name: the kind of noun."""
