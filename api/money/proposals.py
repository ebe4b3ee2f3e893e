"""Proposals over HTTP: shares proposed, talked about, revised, agreed, accepted or given up.

The one rule: what is said about a proposal is answered under it, and nothing is final before that.
"""

from __future__ import annotations

from typing import Any

from api.answers.examples import (
    BEN,
    COMMENT,
    PROPOSAL,
    SONG,
)
from api.answers.proposals import DiffAnswer, ProposalAnswer
from api.fields import (
    Anything,
    Id,
    Rate,
    Shape,
    Texts,
    Units,
    text_named,
    word,
)
from api.routes import Routes
from domain.journal import Journal
from domain.money.treasury import Treasury
from domain.refusal import (
    BadAmount,
    BadGraph,
    BadMadeAt,
    BadPolicy,
    BadRate,
    BadShare,
    BadSplit,
    CapExceeded,
    CommentsOpen,
    IdTaken,
    LineageCircle,
    NoShare,
    NotEligible,
    RatesOverWhole,
    SplitTooLarge,
    TooLarge,
    UnbalancedDivision,
    UnknownComment,
    UnknownContributor,
    UnknownKind,
    UnknownPool,
    UnknownProposal,
    UnknownScope,
    UnknownWork,
    WindowOpen,
    WindowTooShort,
    WrongState,
)
from projections.money import pools as asked
from projections.store import View

HERE = "/proposals/<id(proposal):id>"
POOL_PATH = "/pools/<id(pool):pool>"
PROPOSAL_PATH = "/proposals/<id(proposal):proposal>"

OF_SPLIT = (
    *(BadSplit, BadAmount, BadPolicy, BadShare, BadRate, BadGraph, LineageCircle),
    *(RatesOverWhole, CapExceeded, SplitTooLarge, UnbalancedDivision, TooLarge),
)
OF_CONTENT = (*OF_SPLIT, UnknownContributor, NotEligible, UnknownWork)

ASSETS = [
    {
        "asset": SONG,
        "value": "3",
        "within": ["act 1"],
        "shares": [[BEN, "1/2"], ["operator", "1/2"]],
    },
    {"asset": "cover", "value": "1", "shares": [[BEN, "1"]]},
]


class Content(Shape):
    """What is proposed: assets set by hand, or a policy to compute them by."""

    assets = Texts(
        Anything(ASSETS[0], "What an asset is worth, and whose it is."),
        "The assets, set by hand.",
        example=ASSETS,
    )
    policy = Anything(None, "Or compute them by this policy, such as a relative_cascade.")
    graph_position = Units(0, None, "Over the lineage as known here; if not said, as published.")
    default_rate = Rate("For edges without a rate; never a number.", example=None)
    note = text_named("note", "As talked about in May.")


class Proposing(Content):
    """A new proposal."""

    comment_days = Units(0, 14, "Not fewer than the pool's.")
    id = Id(PROPOSAL, "Chosen by the client, so that a repetition is harmless.")


class Revising(Content):
    """A proposal changed because of comments."""

    comments = Texts(Id(COMMENT), "The comments that caused it.", required=True)


class Commenting(Shape):
    """What somebody says of a proposal."""

    kind = word("left_out", "left_out, too_much, too_little or other.", required=True)
    text = text_named("text", "Ben cut the last verse and is missing.", required=True)
    about = text_named("about", BEN, "The payee or the asset it is about.")
    id = Id(COMMENT, "Chosen by the client, so that a repetition is harmless.")


class Answering(Shape):
    """An answer to a comment."""

    comment = Id(COMMENT, required=True)
    text = text_named("text", "Added with 1 %.", required=True)


class Extending(Shape):
    """A later end of the window."""

    closes_at = word("2027-01-15", required=True)
    reason = text_named("reason", "Holidays.")


class Withdrawing(Shape):
    """Why something is taken back."""

    reason = text_named("reason", "Posted to the wrong pool.", required=True)


class Finalising(Shape):
    """From when the shares hold."""

    effective_at = word("2017", "For what is earned from then on; from now, if not said.")


class Accepting(Shape):
    """Whose share it is."""

    contributor = Id(BEN, "Whoever asks, if not said.")


class Declining(Accepting):
    """Whose share it is, and why not."""

    reason = text_named("reason", "Too little for the work.")


class Waiving(Declining):
    """Over what a share is given up."""

    scope = text_named(
        "about", "act 1", "An asset, a part it is within, or “release”.", required=True
    )


def proposed(routes: Routes, journal: Journal) -> None:
    """The routes of proposals; they belong to those of pools."""
    _propose(routes)
    _agree(routes)
    _ask(routes, journal)


def _propose(routes: Routes) -> None:
    routes.creates(
        f"{POOL_PATH}/proposals",
        Treasury.post_proposal,
        Proposing,
        at="/proposals",
        refuses=(UnknownPool, IdTaken, WindowTooShort, *OF_CONTENT),
    )
    for path, command, body, refuses in (
        (
            "comments",
            Treasury.comment_on_proposal,
            Commenting,
            (UnknownKind, IdTaken, WrongState, UnknownContributor),
        ),
        ("answer", Treasury.answer_comment, Answering, (UnknownComment, WrongState)),
        (
            "revise",
            Treasury.revise_proposal,
            Revising,
            (UnknownComment, WrongState, *OF_CONTENT),
        ),
        (
            "extend",
            Treasury.extend_proposal,
            Extending,
            (BadMadeAt, WindowTooShort, WrongState),
        ),
        ("withdraw", Treasury.withdraw_proposal, Withdrawing, (WrongState,)),
    ):
        routes.changes(
            f"{PROPOSAL_PATH}/{path}", command, body, refuses=(UnknownProposal, *refuses)
        )


def _agree(routes: Routes) -> None:
    routes.changes(
        f"{PROPOSAL_PATH}/finalise",
        Treasury.finalise_proposal,
        Finalising,
        refuses=(
            *(UnknownProposal, WrongState, WindowOpen, CommentsOpen, BadMadeAt),
            *OF_SPLIT,
        ),
        may_be_empty=True,
    )
    for verb, command, body in (
        ("accept", Treasury.accept_share, Accepting),
        ("decline", Treasury.decline_share, Declining),
    ):
        routes.changes(
            f"{PROPOSAL_PATH}/{verb}",
            command,
            body,
            refuses=(UnknownProposal, UnknownContributor, NoShare, WrongState),
            may_be_empty=True,
        )
    routes.changes(
        f"{PROPOSAL_PATH}/waive",
        Treasury.waive_share,
        Waiving,
        refuses=(
            *(UnknownProposal, UnknownContributor, NoShare, WrongState, UnknownScope),
            *OF_SPLIT,
        ),
    )


def _ask(routes: Routes, journal: Journal) -> None:
    @routes.reads(HERE, ProposalAnswer, refuses=(UnknownProposal,))
    def show_proposal(view: View, id: str) -> dict[str, Any]:
        """A proposal: shares, the window, comments with answers, who has agreed, who is missing."""
        return asked.proposal(view, journal, id)

    @routes.reads(f"{HERE}/diff", DiffAnswer, refuses=(UnknownProposal,))
    def show_proposal_diff(view: View, id: str) -> dict[str, Any]:
        """What became of the first proposal, person by person, with the comments that caused it."""
        return asked.diff(view, journal, id)
