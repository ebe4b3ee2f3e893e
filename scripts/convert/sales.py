"""A shop's file of sales as a bundle: one revenue for each pool, source, time and document.

Its lines are summed by kind, exactly, so that the revenue is rounded once. A line that can't be
read becomes a revenue of its own, for the import to refuse with its reason.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from decimal import MAX_PREC, Context, Decimal, InvalidOperation
from hashlib import sha256
from pathlib import Path

from scripts.convert.line import Line, NotConvertible

MOST_KINDS = 400
"""How many kinds of sale go into one revenue."""
COLUMNS: dict[str, tuple[str, ...]] = {
    "pool": ("pool",),
    "source": ("source", "shop", "store", "service", "retailer"),
    "effective_at": ("effective at", "period", "month", "sales period", "reporting month"),
    "document": ("document", "statement", "statement id"),
    "work": ("work",),
    "territory": ("territory", "country", "country code", "country of sale", "territory code"),
    "channel": ("channel", "distribution channel", "commercial model", "delivery"),
    "configuration": ("configuration", "format", "product type", "item type", "use type"),
    "units": ("units", "quantity", "qty", "usages", "units sold", "number of usages"),
    "amount": ("amount", "net revenue", "net amount", "earnings", "royalty", "revenue"),
}
"""By field: what shops call its column; capitals and punctuation do not matter."""
NEEDED = ("pool", "source", "effective_at", "amount")
_REVENUE = ("pool", "source", "effective_at", "document")
_KIND = ("work", "territory", "channel", "configuration")
_EXACTLY = Context(prec=MAX_PREC)

Row = dict[str, str]


def convert_sales(path: Path | str) -> Iterator[Line]:
    """The sales of a table with a header: commas, semicolons or tabs between its columns.

    Columns that no field has are ignored: what a shop says of its product, its tax, its rate.
    """
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file, delimiter=_delimiter(file.readline()), fieldnames=None)
        file.seek(0)
        columns = _columns(list(table.fieldnames or ()))
        revenues: dict[tuple[str, ...], dict[tuple[str, ...], tuple[int, Decimal]]] = {}
        for row in table:
            sale = {field: (row.get(column) or "").strip() for field, column in columns.items()}
            if (read := _read(sale)) is None:
                yield _revenue(sale, [_said(sale, (*_KIND, "amount")) | _units(sale)])
                continue
            kinds = revenues.setdefault(_key(sale, _REVENUE), {})
            units, amount = kinds.get(kind := _key(sale, _KIND), (0, Decimal()))
            kinds[kind] = units + read[0], _EXACTLY.add(amount, read[1])
    for key, kinds in revenues.items():
        of = dict(zip(_REVENUE, key, strict=True))
        for page in _pages(kinds):
            yield _revenue(of, page)


def _delimiter(header: str) -> str:
    """What stands between the columns."""
    return max("\t;,", key=header.count)


def _columns(header: list[str]) -> dict[str, str]:
    """By field: the column of the table."""
    found: dict[str, str] = {}
    named = {each: field for field, names in COLUMNS.items() for each in names}
    for column in header:
        field = named.get(" ".join(re.findall(r"[a-z0-9]+", column.lower())))
        if field in found:
            raise NotConvertible(f"“{found[field]}” and “{column}” both say the {field}")
        if field is not None:
            found[field] = column
    if missing := [field for field in NEEDED if field not in found]:
        raise NotConvertible(f"there is no column for: {', '.join(missing)}")
    return found


def _read(sale: Row) -> tuple[int, Decimal] | None:
    """The units and the amount of a sale; None if they are no numbers."""
    try:
        return int(sale.get("units") or 0), _EXACTLY.create_decimal(sale["amount"])
    except (ValueError, InvalidOperation):
        return None


def _units(sale: Row) -> Line:
    """How many were sold, as it was said where that is no number."""
    said = sale.get("units")
    return {"units": int(said) if said.isdecimal() else said} if said else {}


def _key(sale: Row, fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sale.get(field, "") for field in fields)


def _said(sale: Mapping[str, str], fields: tuple[str, ...]) -> Line:
    """The fields that have a value."""
    return {field: sale[field] for field in fields if sale.get(field)}


def _pages(kinds: Mapping[tuple[str, ...], tuple[int, Decimal]]) -> Iterator[list[Line]]:
    """What was sold and what came back, as many kinds as a revenue may have."""
    for came_back in (False, True):
        sold = [
            _said(dict(zip(_KIND, kind, strict=True)), _KIND)
            | ({"units": units} if units else {})
            | {"amount": f"{amount:f}"}
            for kind, (units, amount) in kinds.items()
            if (amount < 0) is came_back
        ]
        yield from (sold[at : at + MOST_KINDS] for at in range(0, len(sold), MOST_KINDS))


def _revenue(of: Mapping[str, str], sold: list[Line]) -> Line:
    """A line of a bundle; the same sales have the same id, so a file may be imported again."""
    line: Line = {"type": "revenue", **_said(of, _REVENUE), "sold": sold}
    kinds = [[each.get(field) for field in _KIND] for each in sold]
    digest = sha256(repr((sorted(_said(of, _REVENUE).items()), kinds)).encode()).hexdigest()
    return {**line, "id": f"sales:{digest[:32]}"}
