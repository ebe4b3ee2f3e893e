"""Pools over HTTP: what came in for a release, where it is, how it was divided, and why so.

The one rule: whoever may read a pool can read all of it: shares, comments, rounding and holds.
"""

from __future__ import annotations

from typing import Any, Unpack

from flask import Response

from api.answers.divisions import DivisionAnswer, WhyAnswer
from api.answers.examples import (
    CORRECTION,
    DIVISION,
    EXPENSE,
    POOL,
    REVENUE,
    SONG,
    TERMS,
)
from api.answers.pools import (
    ExpenseAnswer,
    ExpensesAnswer,
    LedgerAnswer,
    PoolAnswer,
    PoolsAnswer,
    PoolStatementAnswer,
    RevenueAnswer,
    RevenuesAnswer,
)
from api.asking import Listed, Part, form_asked
from api.fields import (
    Anything,
    Choice,
    Id,
    Shape,
    Texts,
    Units,
    text_named,
    word,
)
from api.money.proposals import OF_SPLIT, POOL_PATH, proposed
from api.routes import Routes
from domain.journal import Journal
from domain.money.pool import LEAST_COMMENT_DAYS
from domain.money.treasury import Treasury
from domain.refusal import (
    BadAmount,
    BadCurrency,
    BadMadeAt,
    IdTaken,
    NoShare,
    NothingToCorrect,
    ReversalTooLarge,
    UnknownContributor,
    UnknownDivision,
    UnknownExpense,
    UnknownKind,
    UnknownPool,
    UnknownRelease,
    UnknownRevenue,
    UnknownWork,
    WindowTooShort,
)
from projections.money import pools as asked
from projections.money.beancount import beancount
from projections.store import Page, Store, View

BEANCOUNT = "text/x-beancount"
FORMATS = {"json": "application/json", "beancount": BEANCOUNT}

HERE = "/pools/<id(pool):id>"


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


class Correcting(Shape):
    """Why earlier divisions are corrected."""

    reason = text_named("reason", "Somebody was found late.", required=True)
    id = Id(CORRECTION, "Chosen by the client, so that a repetition is harmless.")


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
    _open(routes)
    proposed(routes, journal)
    _book(routes)
    _ask(routes, journal)
    _booked(routes, journal)
    _explain(routes, journal)
    return routes


def _open(routes: Routes) -> None:
    routes.creates(
        "/releases/<id(release):release>/pools",
        Treasury.open_pool,
        Opening,
        at="/pools",
        refuses=(
            *(UnknownRelease, UnknownWork, UnknownContributor, UnknownKind, BadCurrency),
            *(IdTaken, WindowTooShort, *OF_SPLIT),
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
            refuses=(UnknownPool, IdTaken, BadMadeAt, *more),
        )
    routes.changes(
        "/revenue/<id(revenue):revenue>/reverse",
        Treasury.reverse_revenue,
        Reversing,
        refuses=(UnknownRevenue, IdTaken, ReversalTooLarge, *OF_SPLIT),
    )
    routes.changes(
        f"{POOL_PATH}/correct",
        Treasury.correct_pool,
        Correcting,
        refuses=(UnknownPool, IdTaken, NothingToCorrect, *OF_SPLIT),
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
