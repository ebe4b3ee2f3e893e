"""What shops say they sold and owe: their statements, read as lines that record revenue.

Nothing is lost silently: a sale that can't be read or placed is a line too, to be refused with its
reason.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

from projections.shops.dsr import convert_dsr
from projections.shops.line import Line, NotConvertible, Unplaced
from projections.shops.placed import Finding, Row
from projections.shops.sales import convert_sales

SHOPS: dict[str, Callable[[Path, Finding | None, Row], Iterator[Line]]] = {
    "dsr": convert_dsr,
    "sales": convert_sales,
}
"""Readers by the format of a statement; they find out what pool a numbered work's sales are for."""


def statement_lines(
    form: str, path: Path, finding: Finding | None = None, given: Row | None = None
) -> Iterator[Line]:
    """The lines of a statement; ``given`` is what it does not say itself, such as its source."""
    try:
        yield from SHOPS[form](path, finding, given or {})
    except UnicodeDecodeError as error:
        raise NotConvertible(f"it is not text in UTF-8 (byte {error.start})") from None
    except csv.Error as error:
        raise NotConvertible(f"it is not a table: {error}") from None


__all__ = ["SHOPS", "Finding", "Line", "NotConvertible", "Row", "Unplaced", "statement_lines"]
