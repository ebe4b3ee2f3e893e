"""Tables as CSV (RFC 4180), in which no spreadsheet takes a text for a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

from domain.printable import printable

_FORMULA = re.compile(r"""(\A|[,;|:'"\t\r\n])(?=\s*[=+\-@＝＋－＠\t\r])""")
"""Where a spreadsheet could see a formula: at the beginning, and after what another locale or a
pasted line may take for the end of a cell (OWASP, CSV injection)."""
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def rows_of_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as CSV, under the names of their columns."""
    written = StringIO()
    table = csv.writer(written)
    table.writerow(columns)
    table.writerows([cell(row[column]) for column in columns] for row in rows)
    return written.getvalue()


def cell(value: object) -> object:
    """A cell; numbers stay numbers, and text that could become a formula gets an apostrophe."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    return printable(_FORMULA.sub(r"\1'", value))
