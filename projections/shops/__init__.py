"""Statements of shops about what they sold and owe, converted to lines that record revenue.

Nothing is lost silently: a sale that cannot be read or placed becomes a line that the import
refuses with the reason.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

from projections.shops.dsr import convert_dsr
from projections.shops.line import Line, NotConvertible, Unplaced, place_of
from projections.shops.placed import Finding, Row
from projections.shops.sales import convert_sales

SHOPS: dict[str, Callable[[Path, Finding | None, Row], Iterator[Line]]] = {
    "dsr": convert_dsr,
    "sales": convert_sales,
}
"""By format: the converter, which also finds the pools that the sales of numbered works are for."""


def statement_lines(
    form: str, path: Path, finding: Finding | None, given: Row | None = None
) -> Iterator[Line]:
    """The lines of a statement; ``given`` are fields that it lacks, such as its source.

    Raises NotConvertible.
    """
    try:
        yield from SHOPS[form](path, finding, given or {})
    except UnicodeDecodeError as error:
        raise NotConvertible(f"it is not text in UTF-8 (byte {error.start})") from None
    except csv.Error as error:
        raise NotConvertible(f"it is not a table: {error}") from None


__all__ = [
    "SHOPS",
    "Finding",
    "Line",
    "NotConvertible",
    "Row",
    "Unplaced",
    "place_of",
    "statement_lines",
]
