"""The accountant's desk: open tasks, bookings, balances and reports.

It is open to those who may read all money; forms are shown to those who keep the books.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from flask import Response, g, render_template

from api.fields import LONGEST_WORD, Choice, Text, Whole, word
from api.questions import asked_by
from api.web import batches, importing
from api.web.address import Listed, PageQuery
from api.web.amounts import Currency
from api.web.choosing import payee_of
from api.web.frame import Answer, Frame, file_of, reader, to_save
from api.web.keepers import keeps_books, must_read_all
from domain.permission import OPERATOR
from domain.readers import ALL_MONEY
from domain.registry import COMMANDS
from projections.money import balances, bookkeeping, remittances
from projections.money.bookkeeping import PayeeBalance
from projections.money.pools.beancount import beancount
from projections.question import Asking, Paged
from projections.store import View

PART = 30
"""How many lines of a list a page shows."""
MOST_ADDED = 200
"""Up to so many balances, a page sums what is payable and what is held; of more, it does not."""
TRADE = "accountant"
DEEDS = (
    *("period", "exchange-rate", "payment-currency", "withholding", "assignment"),
    "payee.identify",
)
"""The commands about no single pool; those about one are on its page."""
FEW = 5
"""How many of the latest batches and the largest pools the desk shows."""


class Filtered(Listed):
    """The parameters of a list of money."""

    currency = Currency(LONGEST_WORD, "EUR", "Only in this currency.")
    pool = word(None, "Of this pool.")
    payee = Text(200, None, "Of this payee.")
    from_ = word("2026-01", "From this moment on.", data_key="from")
    to = word("2026-07", "Before this moment.")
    format = Choice(("trial", "withheld", "ledger"), "As a file.")
    year = Whole(1970, 9998, 2026, "In this year.")


def pages(frame: Frame) -> None:
    """The desk and its lists."""
    importing.pages(frame)
    batches.pages(frame)
    _lists(frame)
    _reports(frame)

    @frame.desk(TRADE, "Statements of shops, payouts, periods, reports", ALL_MONEY)
    def show_accountant(view: View, _: PageQuery) -> Answer:
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
            deeds=[one for one in DEEDS if g.actor == OPERATOR or TRADE in COMMANDS[one].MAY],
        )


def _lists(frame: Frame) -> None:
    @frame.viewed("/desk/accountant/bookings", Filtered, nobody_else=True)
    def show_bookings(view: View, said: PageQuery) -> Answer:
        must_read_all(frame, view)
        here: Paged = {"limit": PART, "after": said.at.cursor}
        filters = said.of("from_", "to", "currency", "pool", "kind")
        found = bookkeeping.bookings(view, frame.journal, actor=reader(), **here, **filters)
        return render_template(
            "bookings.html", found=found, said=filters, keeps_books=keeps_books(frame)
        )

    @frame.viewed("/desk/accountant/balances", Filtered, nobody_else=True)
    def show_balances(view: View, said: PageQuery) -> Answer:
        must_read_all(frame, view)
        here: Paged = {"limit": PART, "after": said.at.cursor}
        filters = said.of("currency")
        if payee := said.get("payee"):
            filters["payee"] = payee_of(view, payee)
        found = bookkeeping.all_balances(view, frame.journal, actor=reader(), **here, **filters)
        totals = {} if payee else balances.totals(view, "x.payee IS NOT NULL")
        if only := filters.get("currency"):
            totals = {code: units for code, units in totals.items() if code == only}
        every = found
        if totals and (found.next or said.at.cursor):
            here = {"limit": MOST_ADDED}
            every = bookkeeping.all_balances(view, frame.journal, actor=reader(), **here, **filters)
        if every.next is None:
            _add_standings(totals, every.items)
        # The statements that the page links to are for the period asked for.
        return render_template("balances.html", found=found, said=said, totals=totals)

    @frame.viewed("/desk/accountant/pools", Filtered, nobody_else=True)
    def show_pools(view: View, said: PageQuery) -> Answer:
        must_read_all(frame, view)
        filters = said.of("currency")
        found = bookkeeping.pools_by_size(view, after=said.at.cursor, limit=PART, **filters)
        return render_template("pools.html", pools=found.items, next=found.next, said=filters)


def _add_standings(totals: dict[str, dict[str, int]], every: Sequence[PayeeBalance]) -> None:
    """Add to the totals by currency how much of these balances is payable and how much is held."""
    for one in every:
        if (units := totals.get(one["currency"])) is not None:
            for name, amount in (("payable", one["payable_minor"]), ("held", one["held_minor"])):
                units[name] = units.get(name, 0) + amount


def _reports(frame: Frame) -> None:
    @frame.viewed("/desk/accountant/reports", Filtered, nobody_else=True)
    def show_reports(view: View, said: PageQuery) -> Answer:
        must_read_all(frame, view)
        year = said.get("year") or datetime.now(UTC).year
        trial = asked_by(view, frame.journal, "show_trial_balance", {})
        withheld = asked_by(view, frame.journal, "show_withheld", {"year": year})
        match said.get("format"):
            case "trial":
                return _as_csv(trial, f"trial-balance-{view.as_of}.csv")
            case "withheld":
                return _as_csv(withheld, f"withheld-{year}.csv")
            case "ledger":
                text = beancount(view, frame.journal)
                return to_save(
                    Response(text, content_type="text/plain; charset=utf-8"),
                    f"ledger-{view.as_of}.beancount",
                )
        rules: Paged = {"limit": PART, "after": said.at.of("rules")}
        return render_template(
            "reports.html",
            trial=trial.answer,
            withheld=withheld.answer,
            year=year,
            pools=bookkeeping.pools_by_size(view, limit=PART).items,
            rates=remittances.exchange_rates(view, limit=PART, after=said.at.of("rates")),
            rules=remittances.withholdings(view, frame.journal, actor=reader(), **rules),
            keeps_books=keeps_books(frame),
        )


def _as_csv(asking: Asking, name: str) -> Response:
    return to_save(file_of(asking.question.forms["csv"], asking), name)
