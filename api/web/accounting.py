"""The accountant's desk: what is to be done, what was booked, what is owed, and the reports.

It is read by those who may read all money; forms are shown to those who keep the books.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Response, render_template

from api.fields import Choice, Text, Whole, word
from api.questions import asked_by, written
from api.web import batches, importing
from api.web.choosing import payee_of
from api.web.frame import Answer, Frame, Listed, asked, reader
from api.web.keepers import keeps_books, must_read_all
from api.web.lists import continued
from domain.readers import ALL_MONEY
from projections.money import bookkeeping, remittances
from projections.money.pools.beancount import beancount
from projections.question import Asking
from projections.store import View

PART = 30
"""How many lines of a list a page shows."""
DEEDS = (
    *("period", "exchange-rate", "payment-currency", "withholding", "assignment"),
    "payee.identify",
)
"""What is recorded of no single pool; what is of one is on its page."""
FEW = 5
"""How many of the latest batches and of the largest pools the desk itself shows."""


class Filtered(Listed):
    """The parameters of a list of money."""

    currency = word("EUR", "Only in this currency.")
    pool = word(None, "Of this pool.")
    payee = Text(200, None, "Of this payee.")
    from_ = word("2026-01", "From this moment on.", data_key="from")
    to = word("2026-07", "Before this moment.")
    format = Choice(("trial", "withheld", "ledger"), "As a file.")
    year = Whole(1970, 9998, "In this year.")


def pages(frame: Frame) -> None:
    """The desk and its lists."""
    importing.pages(frame)
    batches.pages(frame)
    _lists(frame)
    _reports(frame)

    @frame.desk("accountant", "Statements of shops, payouts, periods, reports", ALL_MONEY)
    def show_accountant() -> Answer:
        with frame.view(asked()) as view:
            return _desk(frame, view)


def _desk(frame: Frame, view: View) -> str:
    must_read_all(frame, view)
    trial = bookkeeping.trial_balance(view, frame.journal, actor=reader())
    by_currency: dict[str, dict[str, int]] = {}
    for line in trial["lines"]:
        by_currency.setdefault(line["currency"], {})[line["account"]] = line["amount_minor"]
    return render_template(
        "accountant.html",
        keeps_books=keeps_books(frame),
        currencies=by_currency,
        pools=bookkeeping.pools_by_size(view, limit=FEW).items,
        batches=bookkeeping.latest_batches(view, limit=FEW).items,
        periods=bookkeeping.closed_periods(view, FEW),
        deeds=DEEDS,
    )


def _lists(frame: Frame) -> None:
    @frame.page("/desk/accountant/bookings", nobody_else=True)
    def show_bookings() -> Answer:
        wanted, filters = _asked("from_", "to", "currency", "pool", "kind")
        with frame.view(wanted) as view:
            must_read_all(frame, view)
            found = _part_of(bookkeeping.bookings, frame, view, wanted, filters)
            return render_template(
                "bookings.html", found=found, said=filters, keeps_books=keeps_books(frame)
            )

    @frame.page("/desk/accountant/balances", nobody_else=True)
    def show_balances() -> Answer:
        wanted, filters = _asked("currency", "payee", "from_", "to")
        with frame.view(wanted) as view:
            must_read_all(frame, view)
            if payee := filters.get("payee"):
                filters["payee"] = payee_of(view, payee)
            found = _part_of(bookkeeping.all_balances, frame, view, wanted, filters)
            filters |= {"payee": payee}
            return render_template("balances.html", found=found, said=filters)

    @frame.page("/desk/accountant/pools", nobody_else=True)
    def show_pools() -> Answer:
        wanted, filters = _asked("currency")
        with frame.view(wanted) as view:
            must_read_all(frame, view)
            after = wanted.pop("cursor", None)
            found = bookkeeping.pools_by_size(view, after=after, limit=PART, **filters)
            return render_template("pools.html", pools=found.items, next=found.next, said=filters)


def _reports(frame: Frame) -> None:
    @frame.page("/desk/accountant/reports", nobody_else=True)
    def show_reports() -> Answer:
        wanted, filters = _asked("year", "format")
        at = continued(wanted)
        year = filters.get("year") or datetime.now(UTC).year
        with frame.view(wanted) as view:
            must_read_all(frame, view)
            trial = asked_by(view, frame.journal, "show_trial_balance", {})
            withheld = asked_by(view, frame.journal, "show_withheld", {"year": year})
            match filters.get("format"):
                case "trial":
                    return _file(trial, f"trial-balance-{view.as_of}.csv")
                case "withheld":
                    return _file(withheld, f"withheld-{year}.csv")
                case "ledger":
                    return _ledger(frame, view)
            return render_template(
                "reports.html",
                trial=trial.answer,
                withheld=withheld.answer,
                year=year,
                pools=bookkeeping.pools_by_size(view, limit=PART).items,
                rates=remittances.exchange_rates(view, limit=PART, after=at.of("rates")),
                rules=remittances.withholdings(
                    view, frame.journal, actor=reader(), limit=PART, after=at.of("rules")
                ),
                keeps_books=keeps_books(frame),
            )


def _file(asking: Asking, name: str) -> Response:
    """An answer as CSV, to be saved."""
    answer = written(asking.question.forms["csv"], asking)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _ledger(frame: Frame, view: View) -> Response:
    """Every entry of all pools, as beancount reads it."""
    name = f"ledger-{view.as_of}.beancount"
    return Response(
        beancount(view, frame.journal),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _part_of(
    ask: Callable[..., Any],
    frame: Frame,
    view: View,
    wanted: Mapping[str, Any],
    filters: Mapping[str, Any],
) -> Any:
    """A page of a list, from where the one before ended."""
    here = {"actor": reader(), "limit": PART, "after": wanted.get("cursor")}
    return ask(view, frame.journal, **here, **filters)


def _asked(*names: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters of the address: of every page, and the filters of this one."""
    wanted = asked(Filtered)
    filters = {name: wanted.pop(name) for name in names if name in wanted}
    return wanted, filters
