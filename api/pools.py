"""Pools over HTTP: shares proposed, talked about, agreed, and what came in divided by them.

The one rule: whoever may read a pool can read all of it: shares, comments, rounding and holds.
"""

from __future__ import annotations

from typing import Any, Unpack

from flask import Response

from api.answers import BEN, SONG
from api.asking import Listed, Part, form_asked
from api.fields import (
    Anything,
    Choice,
    Id,
    Rate,
    Shape,
    Texts,
    Units,
    text_named,
    word,
)
from api.money import (
    COMMENT,
    CORRECTION,
    DIVISION,
    EXPENSE,
    POOL,
    PROPOSAL,
    REVENUE,
    TERMS,
    DiffAnswer,
    DivisionAnswer,
    ExpenseAnswer,
    ExpensesAnswer,
    LedgerAnswer,
    PoolAnswer,
    PoolsAnswer,
    PoolStatementAnswer,
    ProposalAnswer,
    RevenueAnswer,
    RevenuesAnswer,
    WhyAnswer,
)
from api.routes import Routes
from domain.journal import Journal
from domain.money.pool import LEAST_COMMENT_DAYS
from domain.money.treasury import Treasury
from domain.refusal import (
    BadAmount,
    BadCurrency,
    BadGraph,
    BadId,
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
    NothingToCorrect,
    RatesOverWhole,
    ReversalTooLarge,
    SplitTooLarge,
    TooLarge,
    UnbalancedDivision,
    UnknownComment,
    UnknownContributor,
    UnknownDivision,
    UnknownExpense,
    UnknownKind,
    UnknownPool,
    UnknownProposal,
    UnknownRelease,
    UnknownRevenue,
    UnknownScope,
    UnknownWork,
    WindowOpen,
    WindowTooShort,
    WrongState,
)
from projections import pools as asked
from projections.beancount import beancount
from projections.store import Page, Store, View

BEANCOUNT = "text/x-beancount"
FORMATS = {"json": "application/json", "beancount": BEANCOUNT}

HERE = "/pools/<id(pool):id>"
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


class Opening(Shape):
    """A pool of a release."""

    name = text_named("name", "song", required=True)
    kind = word("song", "One of GET /kinds.", required=True)
    currency = word("USD", "A code of ISO 4217.", required=True)
    terms = Anything(
        TERMS,
        "A policy in which “agreed” stands for the shares of the proposal in force.",
        required=True,
    )
    rounding = word(
        "largest_remainder_with_carry", "This, if not said, or largest_remainder.", allow_none=False
    )
    comment_days = Units(0, 14, f"At least {LEAST_COMMENT_DAYS}.", allow_none=False)
    deferral_minor = Units(
        0, 50000, "Revenue waits until its source has brought so much.", allow_none=False
    )
    works = Texts(Id(SONG), "The components that have a right to it; all, if not said.")
    id = Id(POOL, "Chosen by the client, so that a repetition is harmless.")


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


class Correcting(Shape):
    """Why earlier divisions are corrected."""

    reason = text_named("reason", "Somebody was found late.", required=True)
    id = Id(CORRECTION, "Chosen by the client, so that a repetition is harmless.")


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


class Booking(Shape):
    """Money that somebody outside paid or was paid."""

    amount_minor = Units(1, 807364, "In the smallest units of the pool's currency.", required=True)
    effective_at = word("2017-06", "When it was earned or spent.", required=True)
    document = text_named("document", "statement 2017-06, page 3")
    note = text_named("note", "Net of the shop's fee.")


class RevenueBody(Booking):
    """Money that came in."""

    id = Id(REVENUE, "Chosen by the client, so that a repetition is harmless.")
    source = text_named("source", "HarperCollins", required=True)


class ExpenseBody(Booking):
    """Money that was spent."""

    id = Id(EXPENSE, "Chosen by the client, so that a repetition is harmless.")
    category = text_named("category", "printing", required=True)
    payer = text_named(
        "payer", "operator", "Who is paid back: a contributor, or a name.", allow_none=False
    )


class Reversing(Shape):
    """Revenue that is taken back."""

    reason = text_named("reason", "Chargeback.", required=True)
    amount_minor = Units(1, 1000, "All that is left, if not said.")
    id = Id(DIVISION, "Chosen by the client, so that a repetition is harmless.")


class Ledger(Listed):
    """In which form a ledger is asked for."""

    format = Choice(tuple(FORMATS), "The form; goes before the Accept header.")


def pools(journal: Journal, store: Store) -> Routes:
    """The routes of pools, proposals, revenue and divisions."""
    routes = Routes("pools", "Money of a release, and who shares it.", journal, store)
    _propose(routes)
    _agree(routes)
    _book(routes)
    _ask(routes, journal)
    _booked(routes, journal)
    _explain(routes, journal)
    return routes


def _propose(routes: Routes) -> None:
    routes.creates(
        "/releases/<id(release):release>/pools",
        Treasury.open_pool,
        Opening,
        at="/pools",
        refuses=(
            *(UnknownRelease, UnknownWork, UnknownContributor, UnknownKind, BadCurrency),
            *(BadId, IdTaken, WindowTooShort, *OF_SPLIT),
        ),
    )
    routes.creates(
        f"{POOL_PATH}/proposals",
        Treasury.post_proposal,
        Proposing,
        at="/proposals",
        refuses=(UnknownPool, BadId, IdTaken, WindowTooShort, *OF_CONTENT),
    )
    for path, command, body, refuses in (
        (
            "comments",
            Treasury.comment_on_proposal,
            Commenting,
            (UnknownKind, BadId, IdTaken, WrongState, UnknownContributor),
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


def _book(routes: Routes) -> None:
    for noun, command, body, more in (
        ("revenue", Treasury.record_revenue, RevenueBody, OF_SPLIT),
        ("expenses", Treasury.record_expense, ExpenseBody, (BadAmount, UnknownContributor)),
    ):
        routes.creates(
            f"{POOL_PATH}/{noun}",
            command,
            body,
            at=f"/{noun}",
            refuses=(UnknownPool, BadId, IdTaken, BadMadeAt, *more),
        )
    routes.changes(
        "/revenue/<id(revenue):revenue>/reverse",
        Treasury.reverse_revenue,
        Reversing,
        refuses=(UnknownRevenue, BadId, IdTaken, ReversalTooLarge, *OF_SPLIT),
    )
    routes.changes(
        f"{POOL_PATH}/correct",
        Treasury.correct_pool,
        Correcting,
        refuses=(UnknownPool, BadId, IdTaken, NothingToCorrect, *OF_SPLIT),
    )


def _ask(routes: Routes, journal: Journal) -> None:
    @routes.reads(
        "/releases/<id(release):id>/pools",
        PoolsAnswer,
        Listed,
        refuses=(UnknownRelease, UnknownWork),
    )
    def list_pools(view: View, id: str, **part: Unpack[Part]) -> Page:
        """The pools of a release, in the order in which they were opened."""
        return asked.pools(view, id, **part)

    @routes.reads(HERE, PoolAnswer, refuses=(UnknownPool,))
    def show_pool(view: View, id: str) -> dict[str, Any]:
        """A pool: its terms, its accounts, and its proposals."""
        return asked.pool(view, journal, id)

    @routes.reads("/proposals/<id(proposal):id>", ProposalAnswer, refuses=(UnknownProposal,))
    def show_proposal(view: View, id: str) -> dict[str, Any]:
        """A proposal: shares, the window, comments with answers, who has agreed, who is missing."""
        return asked.proposal(view, journal, id)

    @routes.reads("/proposals/<id(proposal):id>/diff", DiffAnswer, refuses=(UnknownProposal,))
    def show_proposal_diff(view: View, id: str) -> dict[str, Any]:
        """What became of the first proposal, person by person, with the comments that caused it."""
        return asked.diff(view, journal, id)


def _booked(routes: Routes, journal: Journal) -> None:
    @routes.reads(f"{HERE}/revenue", RevenuesAnswer, Listed, refuses=(UnknownPool,))
    def list_revenue(view: View, id: str, **part: Unpack[Part]) -> Page:
        """What came in for a pool, in the order of recording."""
        asked.pool_named(view, journal, id)
        return asked.bookings(view, "revenue", id, **part)

    @routes.reads("/revenue/<id(revenue):id>", RevenueAnswer, refuses=(UnknownRevenue,))
    def show_revenue(view: View, id: str) -> dict[str, Any]:
        """Money that came in, what was taken back, and what it was divided by."""
        return asked.booking(view, "revenue", id, UnknownRevenue)

    @routes.reads(f"{HERE}/expenses", ExpensesAnswer, Listed, refuses=(UnknownPool,))
    def list_expenses(view: View, id: str, **part: Unpack[Part]) -> Page:
        """What was spent on a pool, in the order of recording."""
        asked.pool_named(view, journal, id)
        return asked.bookings(view, "expense", id, **part)

    @routes.reads("/expenses/<id(expense):id>", ExpenseAnswer, refuses=(UnknownExpense,))
    def show_expense(view: View, id: str) -> dict[str, Any]:
        """Money that was spent."""
        return asked.booking(view, "expense", id, UnknownExpense)


def _explain(routes: Routes, journal: Journal) -> None:
    @routes.reads(f"{HERE}/statement", PoolStatementAnswer, refuses=(UnknownPool,))
    def show_pool_statement(view: View, id: str) -> dict[str, Any]:
        """The public statement: pool, shares, rounding, holds, deferrals, unclaimed; it adds up."""
        return asked.statement(view, journal, id)

    @routes.reads(
        f"{HERE}/ledger",
        LedgerAnswer,
        Ledger,
        refuses=(UnknownPool,),
        also={"text/x-beancount": "2026-06-01 open Assets:Received\n…"},
    )
    def show_pool_ledger(
        view: View,
        id: str,
        *,
        format: str | None = None,
        **part: Unpack[Part],
    ) -> Page | Response:
        """Every fact that moved money of a pool, with its postings; also as a beancount journal."""
        if (format or form_asked(FORMATS)) == "beancount":
            return Response(beancount(view, journal, pool=id), content_type=BEANCOUNT)
        return asked.ledger(view, journal, id, **part)

    @routes.reads("/divisions/<id(division):id>", DivisionAnswer, refuses=(UnknownDivision,))
    def show_division(view: View, id: str) -> dict[str, Any]:
        """A division, a reversal or a correction, with every line."""
        return asked.division(view, journal, id)

    @routes.reads(
        "/divisions/<id(division):id>/lines/<path:payee>/why",
        WhyAnswer,
        refuses=(UnknownDivision, NoShare),
    )
    def explain_line(view: View, id: str, payee: str) -> dict[str, Any]:
        """Why a payee was given this amount: shares, pieces, paths, carry, the last unit."""
        return asked.why(view, journal, id, payee)
