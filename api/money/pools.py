"""Pools over HTTP: what came in for a release, where it is, how it was divided, and why so.

The one rule: whoever may read a pool can read all of it: shares, comments, rounding and holds.
"""

from __future__ import annotations

from typing import Any, Unpack

from flask import Response

from api.answers.divisions import DivisionAnswer, WhyAnswer
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
    Choice,
)
from api.money.proposals import proposed
from api.routes import Routes
from domain.journal import Journal
from domain.refusal import (
    NoShare,
    UnknownDivision,
    UnknownExpense,
    UnknownPool,
    UnknownRelease,
    UnknownRevenue,
    UnknownWork,
)
from projections.money import pools as asked
from projections.money.beancount import beancount
from projections.store import Page, Store, View

BEANCOUNT = "text/x-beancount"
FORMATS = {"json": "application/json", "beancount": BEANCOUNT}

HERE = "/pools/<id(pool):id>"


class Ledger(Listed):
    """In which form a ledger is asked for."""

    format = Choice(tuple(FORMATS), "The form; goes before the Accept header.")


def pools(journal: Journal, store: Store) -> Routes:
    """The routes of pools, proposals, revenue and divisions."""
    routes = Routes("pools", "Money of a release, and who shares it.", journal, store)
    proposed(routes, journal)
    _ask(routes, journal)
    _booked(routes, journal)
    _explain(routes, journal)
    return routes


def _ask(routes: Routes, journal: Journal) -> None:
    @routes.reads(
        "/releases/<id(release):id>/pools",
        PoolsAnswer,
        Listed,
        refuses=(UnknownRelease, UnknownWork),
    )
    def list_pools(view: View, id: str, **part: Unpack[Part]) -> Page[dict[str, Any]]:
        """The pools of a release, in the order in which they were opened."""
        return asked.pools(view, id, **part)

    @routes.reads(HERE, PoolAnswer, refuses=(UnknownPool,))
    def show_pool(view: View, id: str) -> dict[str, Any]:
        """A pool: its terms, its accounts, and its proposals."""
        return asked.pool(view, journal, id)


def _booked(routes: Routes, journal: Journal) -> None:
    @routes.reads(f"{HERE}/revenue", RevenuesAnswer, Listed, refuses=(UnknownPool,))
    def list_revenue(view: View, id: str, **part: Unpack[Part]) -> Page[dict[str, Any]]:
        """What came in for a pool, in the order of recording."""
        asked.pool_named(view, journal, id)
        return asked.bookings(view, "revenue", id, **part)

    @routes.reads("/revenue/<id(revenue):id>", RevenueAnswer, refuses=(UnknownRevenue,))
    def show_revenue(view: View, id: str) -> dict[str, Any]:
        """Money that came in, what was taken back, and what it was divided by."""
        return asked.booking(view, "revenue", id, UnknownRevenue)

    @routes.reads(f"{HERE}/expenses", ExpensesAnswer, Listed, refuses=(UnknownPool,))
    def list_expenses(view: View, id: str, **part: Unpack[Part]) -> Page[dict[str, Any]]:
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
    ) -> Page[dict[str, Any]] | Response:
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
