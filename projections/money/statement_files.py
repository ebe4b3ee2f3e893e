"""A statement as a file: CSV for spreadsheets, PDF for people."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO
from typing import TYPE_CHECKING, Any

from projections.question import Asking, Form

if TYPE_CHECKING:
    from projections.money.told import Statement

COLUMNS = (
    *("recorded_at", "effective_at", "kind", "currency", "amount_minor", "release", "pool"),
    *("source", "agreement", "noun", "position"),
)
"""The columns of a statement as CSV."""


def as_csv(told: Statement) -> str:
    """A statement's lines, one a row, as RFC 4180 writes them."""
    written = StringIO()
    table = csv.writer(written)
    table.writerow(COLUMNS)
    for statement in told["statements"]:
        for line in statement["lines"]:
            row: Mapping[str, Any] = {
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
    "csv": Form("text/csv", lambda asking: as_csv(asking.answer), ",".join(COLUMNS) + "\r\n"),
    "pdf": Form("application/pdf", _as_pdf, "%PDF-1.7", has_links=True, is_binary=True),
}
