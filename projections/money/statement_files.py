"""Statements over periods of time, as JSON, CSV and PDF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

from domain.dates import start_of
from domain.journal import Journal
from domain.moment import last_before
from domain.money.currency import currency_code
from domain.readers import OWN_MONEY
from domain.refusal import BadPeriod, StatementTooLong
from domain.value import Example
from domain.values import CurrencyCode, PayeeId, StatedMoment
from projections import wording
from projections.money import statements
from projections.money.readers import Reader
from projections.money.told import Statement
from projections.question import Asking, Format, question
from projections.spreadsheet import rows_of_csv
from projections.store import View

COLUMNS = (
    *("recorded_at", "effective_at", "kind", "currency", "amount_minor", "release", "pool"),
    *("source", "agreement", "noun", "position", "reason"),
    *("advance_minor", "recouped_before_minor", "recouped_now_minor", "remaining_minor"),
    *("late", "withheld_minor", "sent_currency", "sent_minor", "exchange_rate", "rules", "through"),
)
"""The columns of a statement as CSV."""


def as_csv(told: Statement) -> str:
    """A statement's lines as CSV."""
    return rows_of_csv(COLUMNS, _rows(told))


def _rows(told: Statement) -> Iterator[Mapping[str, Any]]:
    for statement in told["statements"]:
        for line in statement["movements"]:
            recouped: Mapping[str, Any] = line["recouped"] or {}
            sent: Mapping[str, Any] = line["sent"] or {}
            yield {
                **line,
                "effective_at": wording.stated(line["effective_at"]),
                "currency": statement["currency"],
                "release": line["release"] and line["release"]["title"],
                "pool": line["pool"] and line["pool"]["name"],
                "advance_minor": recouped.get("advance_minor"),
                "recouped_before_minor": recouped.get("before_minor"),
                "recouped_now_minor": recouped.get("now_minor"),
                "remaining_minor": recouped.get("remaining_minor"),
                "late": "late" if line["is_late"] else "",
                "withheld_minor": sent.get("withheld_minor"),
                "sent_currency": sent.get("currency"),
                "sent_minor": sent.get("amount_minor"),
                "exchange_rate": sent.get("rate"),
                "rules": "; ".join(line["rules"]),
                "through": "; ".join(one["name"] or one["id"] for one in line["through"]),
            }


def _as_pdf(asking: Asking) -> bytes:
    from projections.money.statement_pdf import as_pdf

    asked = {"from": "from_", "to": "to", "currency": "currency"}
    return as_pdf(
        asking.view,
        asking.journal,
        asking.answer,
        asked={called: asking.said.get(name) for called, name in asked.items()},
        origin=asking.origin,
    )


FORMS = {
    "csv": Format("text/csv", lambda asking: as_csv(asking.answer), ",".join(COLUMNS) + "\r\n"),
    "pdf": Format("application/pdf", _as_pdf, "%PDF-1.7", has_links=True, is_binary=True),
}


@question(
    "show_statement",
    "/contributors/{id}/statement",
    cli="statement",
    refuses=(BadPeriod, StatementTooLong),
    forms=FORMS,
    may=OWN_MONEY,
    parts=tuple(f"statements.{name}" for name in ("held", "reserves", "movements", "lines")),
)
def statement_of(
    view: View,
    journal: Journal,
    id: PayeeId,
    *,
    actor: str,
    from_: Annotated[
        StatedMoment | None, "From this moment on; default: the beginning.", Example("2026-01")
    ] = None,
    to: Annotated[
        StatedMoment | None, "Before this moment; default: now.", Example("2026-07")
    ] = None,
    currency: Annotated[CurrencyCode | None, "Only in this currency."] = None,
) -> Statement:
    """What someone earned, was paid and is owed in a period; also as CSV and PDF."""
    Reader(view, journal, actor).must_be("this statement", id)
    if from_ is not None and to is not None and start_of(from_) > start_of(to):
        raise BadPeriod(from_, to)
    after = 0 if from_ is None else _before(journal, from_)
    until = None if to is None else _before(journal, to)
    code = None if currency is None else currency_code(currency)
    return statements.statement(view, journal, id, after=after, until=until, currency=code)


def _before(journal: Journal, moment: str) -> int:
    """The last position recorded before a moment."""
    return journal.position_at(datetime.fromisoformat(last_before(start_of(moment))))
