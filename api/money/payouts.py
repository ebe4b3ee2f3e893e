"""Payouts over HTTP: batches, what became of each payout, holds, and everybody's own statement.

The one rule: what one person is paid is shown to that person and to the operator, nobody else.
"""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from io import StringIO
from typing import Any, Unpack

from flask import Response, request

from api.answers.examples import BATCH, BEN
from api.answers.payouts import (
    PAYOUT_STATES,
    BatchAnswer,
    BatchesAnswer,
    PayoutAnswer,
    PayoutsAnswer,
    StatementAnswer,
)
from api.asking import Asked, Listed, Part, form_asked
from api.authentication import actor
from api.fields import Choice, Id, text_named, word
from api.routes import Routes
from domain.journal import Journal
from domain.moment import start_of
from domain.money.currency import currency_code
from domain.money.payee import Payee
from domain.permission import OWN, permit
from domain.refusal import (
    BadCurrency,
    BadMadeAt,
    BadPeriod,
    NotPermitted,
    StatementTooLong,
    UnknownBatch,
    UnknownContributor,
    UnknownPayout,
)
from projections import attribution
from projections.money import statements
from projections.store import Page, Store, View

HERE = "/payouts/<id(payout):id>"

FORMATS = {"json": "application/json", "csv": "text/csv", "pdf": "application/pdf"}

COLUMNS = (
    *("recorded_at", "effective_at", "kind", "currency", "amount_minor", "release", "pool"),
    *("source", "agreement", "noun", "position"),
)
"""The columns of a statement as CSV."""


class Payouts(Listed):
    """Which payouts are asked for."""

    batch = Id(BATCH, "Of this batch.", allow_none=False)
    payee = text_named("payer", BEN, "To this payee.", allow_none=False)
    state = Choice(PAYOUT_STATES, "In this state.")


class Period(Asked):
    """The period of a statement."""

    from_ = word(
        "2026-01",
        "From this moment on; from the beginning, if not said.",
        data_key="from",
        allow_none=False,
    )
    to = word("2026-07", "Before this moment; until now, if not said.", allow_none=False)
    currency = word("USD", "Only in this currency.", allow_none=False)
    format = Choice(tuple(FORMATS), "The form; goes before the Accept header.")


def payouts(journal: Journal, store: Store) -> Routes:
    """The routes of payouts, holds and statements."""
    routes = Routes("payouts", "What is paid, and what is held back.", journal, store)
    _ask(routes)
    _tell(routes, journal)
    return routes


def _ask(routes: Routes) -> None:
    @routes.reads("/payout-batches", BatchesAnswer, Listed, refuses=(NotPermitted,))
    def list_payout_batches(view: View, **part: Unpack[Part]) -> Page[dict[str, Any]]:
        """Payout batches, in the order of their issue."""
        permit(actor(), "read a statement", OWN, {})
        return statements.batches(view, **part)

    @routes.reads(
        "/payout-batches/<id(batch):id>", BatchAnswer, refuses=(UnknownBatch, NotPermitted)
    )
    def show_payout_batch(view: View, id: str) -> dict[str, Any]:
        """A payout batch with its control sums."""
        permit(actor(), "read a statement", OWN, {})
        return statements.batch(view, id)

    @routes.reads("/payouts", PayoutsAnswer, Payouts, refuses=(NotPermitted, UnknownContributor))
    def list_payouts(view: View, *, payee: str | None = None, **asked: Any) -> Page[dict[str, Any]]:
        """Payouts, in the order of their issue: one's own, or for the operator all."""
        must_be_own(view, payee)
        return statements.payouts(view, payee=payee, **asked)

    @routes.reads(HERE, PayoutAnswer, refuses=(UnknownPayout, NotPermitted))
    def show_payout(view: View, id: str) -> dict[str, Any]:
        """A payout."""
        found = statements.payout(view, id)
        must_be_own(view, found["payee"]["id"])
        return found


def _tell(routes: Routes, journal: Journal) -> None:
    @routes.reads(
        "/contributors/<id(contributor):id>/statement",
        StatementAnswer,
        Period,
        refuses=(
            *(NotPermitted, UnknownContributor, BadMadeAt, BadPeriod, BadCurrency),
            StatementTooLong,
        ),
        also={"text/csv": ",".join(COLUMNS) + "\r\n", "application/pdf": "%PDF-1.7"},
    )
    def show_statement(
        view: View,
        id: str,
        *,
        from_: str | None = None,
        to: str | None = None,
        currency: str | None = None,
        format: str | None = None,
    ) -> dict[str, Any] | Response:
        """What somebody earned, was paid and is owed in a period; also as CSV and as PDF."""
        must_be_own(view, id)
        told = statement_of(view, journal, id, from_, to, currency)
        wanted = format or form_asked(FORMATS)
        if wanted == "json":
            return told
        period = {"from": from_, "to": to, "currency": currency}
        return statement_file(view, journal, told, wanted, period)


def statement_of(
    view: View,
    journal: Journal,
    id: str,
    since: str | None,
    before: str | None,
    currency: str | None,
) -> dict[str, Any]:
    """The statement of a person over a period of recorded time."""
    if since is not None and before is not None and start_of(since) > start_of(before):
        raise BadPeriod(since, before)
    after = 0 if since is None else _before(journal, since)
    until = None if before is None else _before(journal, before)
    wanted = None if currency is None else currency_code(currency)
    return statements.statement(view, journal, id, after=after, until=until, currency=wanted)


def statement_file(
    view: View,
    journal: Journal,
    told: dict[str, Any],
    form: str,
    asked: dict[str, str | None],
) -> Response:
    """A statement as a file: CSV, or PDF with links to the pages of this service."""
    if form == "csv":
        return Response(as_csv(told), content_type="text/csv; charset=utf-8")
    from api.money.statement_pdf import as_pdf

    made = as_pdf(view, journal, told, asked=asked, origin=request.root_url)
    return Response(made, content_type=FORMATS["pdf"])


def _before(journal: Journal, moment: str) -> int:
    """The last position recorded before a moment."""
    return journal.position_at(datetime.fromisoformat(start_of(moment)) - timedelta(microseconds=1))


def as_csv(told: dict[str, Any]) -> str:
    """A statement's lines, one a row, as RFC 4180 writes them."""
    written = StringIO()
    table = csv.writer(written)
    table.writerow(COLUMNS)
    for statement in told["statements"]:
        for line in statement["lines"]:
            row = {
                **line,
                "currency": statement["currency"],
                "release": line["release"]["title"],
                "pool": line["pool"]["name"],
            }
            table.writerow([_cell(row[column]) for column in COLUMNS])
    return written.getvalue()


def _cell(value: object) -> object:
    """A cell; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def must_be_own(view: View, payee: str | None) -> None:
    """Only the operator reads of others."""
    owner = "" if payee is None else _person(view, payee)
    permit(_person(view, actor()), "read a statement", OWN, {"contributor": owner})


def _person(view: View, id: str) -> str:
    """Who an account belongs to after all merges; a payee that is nobody here stays as it is."""
    if not Payee.parse(id).is_contributor:
        return id
    number = attribution.after_merges(view, attribution.find_person(view, id)[0])
    return str(attribution.persons(view, [number])[number]["id"])
