"""A shop's table of sales, converted to one revenue for each pool, source, time and document.

Sales are summed exactly by kind, so that a revenue is rounded only once. A row that cannot be read
becomes a revenue of its own, which the import refuses with the reason.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import MAX_PREC, Context, Decimal
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import cast
from uuid import UUID

from domain.refusal import BadAmount
from projections.shops.line import Line, NotConvertible, OfRow, Unplaced
from projections.shops.placed import NUMBERS, UNPLACED, Finding, Row, placed
from projections.shops.restating import SALES
from projections.shops.written import plain

MOST_KINDS = 400
"""How many kinds of sale one revenue holds at most."""
MOST_BYTES = 64_500
"""The JSON of kinds with more than this fits into no fact, whatever else it holds."""
COLUMNS: dict[str, tuple[str, ...]] = {
    "pool": ("pool",),
    "source": ("source", "shop", "store", "service", "retailer"),
    "effective_at": ("effective at", "period", "month", "sales period", "reporting month"),
    "document": ("document", "statement", "statement id"),
    "work": ("work",),
    "isrc": ("isrc", "track isrc"),
    "upc": ("upc", "ean", "barcode", "upc ean"),
    "currency": ("currency", "currency code", "payment currency"),
    "territory": ("territory", "country", "country code", "country of sale", "territory code"),
    "channel": ("channel", "distribution channel", "commercial model", "delivery"),
    "configuration": ("configuration", "format", "product type", "item type", "use type"),
    "units": ("units", "quantity", "qty", "usages", "units sold", "number of usages"),
    "amount": ("amount", "net revenue", "net amount", "earnings", "royalty", "revenue"),
}
"""By field: what shops call its column, regardless of case and punctuation."""
TOTALS = ("total", "sum", "grand total", "subtotal")
"""How the first cell begins in a row that sums the rows above it."""
_NUMBER = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[Ee][+-]?[0-9]{1,2})?")
_SEPARATOR = re.compile(r"sep=([;,\t])\s*")
"""The first line that Excel writes, and reads, to say what separates the columns."""
_UNITS = re.compile("-?[0-9]{1,15}")
_THOUSANDS = re.compile(r"\D*[1-9][0-9]{0,2}\.[0-9]{3}\D*")
"""An amount such as 1.234, which may be in thousands unless others have decimals after a point."""
ROW = "row"
"""The field with the number of a sale's row in its file."""
NEEDED = ("source", "effective_at", "amount")
_REVENUE = ("pool", "source", "effective_at", "document")
_KIND = ("work", "territory", "channel", "configuration")
_OF_UNPLACED = (UNPLACED, *NUMBERS, "currency", *_REVENUE)
_EXACTLY = Context(prec=MAX_PREC)
_ANY_ID = str(UUID(int=0))

Sums = dict[tuple[str, ...], tuple[int, Decimal]]
"""By kind: the units sold and their amount."""


def convert_sales(
    path: Path | str, finding: Finding | None = None, given: Row | None = None
) -> Iterator[Line]:
    """The revenues of a table with a header, its columns separated by commas, semicolons or tabs.

    Other columns than those of ``COLUMNS`` are ignored. ``given`` has fields that the table has no
    column for. Raises NotConvertible if a column is missing or an amount could mean two things.
    """
    given = given or {}
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        first = file.readline()
        is_stated = _SEPARATOR.fullmatch(first)
        if not is_stated:
            file.seek(0)
        delimiter = is_stated[1] if is_stated else _delimiter(first)
        table = csv.DictReader(file, delimiter=delimiter, fieldnames=None)
        columns = _columns(list(table.fieldnames or ()), given)
        rows = (given | row for row in _sales(table, columns, bool(is_stated)))
        yield from revenues(placed(rows, finding))


def _sales(table: csv.DictReader[str], columns: Mapping[str, str], skipped: int) -> Iterator[Row]:
    """The rows as sales; a row that only sums rows above it is marked as ``UNPLACED``.

    ``skipped`` is the number of lines above the header.
    """
    of_all = of_some = Decimal()
    fewest, commas, points, either = 0, "", "", ""
    for row in table:
        beyond = "".join(row.pop(cast("str", None), ()))
        cells = [*filter(str.strip, filter(None, row.values()))]
        if not cells:
            continue
        sale = {field: (row[column] or "").strip() for field, column in columns.items()}
        sale[ROW] = str(table.line_num + skipped)
        amount, sale["amount"] = sale["amount"], _plain(sale["amount"])
        if sale.get("units"):
            sale["units"] = _whole(sale["units"])
        if beyond.strip():
            sale[UNPLACED] = "it has more values than the table has columns"
        elif read := _read(sale):
            is_sum = any(_is_sum(read[1], whole) for whole in (of_all, of_some))
            if is_sum and (len(cells) < fewest or cells[0].strip().lower().startswith(TOTALS)):
                sale[UNPLACED], of_some = "it is the sum of rows above it", Decimal()
            else:
                of_all = _EXACTLY.add(of_all, read[1])
                of_some = _EXACTLY.add(of_some, read[1])
                fewest = min(fewest or len(cells), len(cells))
            if _THOUSANDS.fullmatch(amount):
                either = either or sale["amount"]
            elif rest := sale["amount"].partition(".")[2]:
                commas = commas or (amount if f",{rest}" in amount else "")
                points = points or (amount if f".{rest}" in amount else "")
        yield sale
    if either and commas:
        raise NotConvertible(f"“{either}” may be in thousands, since “{commas}” has a comma")
    if either and not points:
        ways = f"{either.replace('.', '')} or {either}0"
        raise NotConvertible(f"“{either}” may be in thousands or have three decimals: write {ways}")


def _is_sum(amount: Decimal, whole: Decimal) -> bool:
    """Whether an amount is a sum, exactly or rounded to the digits that it is written with.

    Shops state fractions of a cent in every row, and whole cents below them.
    """
    last_digit = Decimal(1).scaleb(int(amount.as_tuple().exponent))
    return bool(amount and whole) and abs(_EXACTLY.subtract(whole, amount)) < last_digit


def _whole(units: str) -> str:
    """A number of units as plain digits if it can be read in only one way, else as written."""
    with suppress(BadAmount):
        whole, _, rest = plain(units, 0).partition(".")
        if not rest.strip("0") and len(rest) != len("000"):
            return whole
    return units


def _plain(amount: str) -> str:
    """An amount as a plain decimal if it can be read in only one way, else as it was written."""
    if not _NUMBER.fullmatch(amount):
        with suppress(BadAmount):
            return plain(amount)
    return amount


def revenues(sales: Iterable[Row]) -> Iterator[Line]:
    """The sales as revenues, summed exactly by kind; sales that cannot be read, one by one."""
    found: dict[tuple[str, ...], Sums] = {}
    unplaced: Sums = {}
    first: dict[tuple[str, ...], str] = {}
    for sale in sales:
        if (read := _read(sale)) is None:
            sold = _said(sale, (*_KIND, "amount")) | _units(sale)
            line = {"type": "revenue", **_said(sale, _REVENUE), "sold": [sold]}
            yield _of_row(line, sale.get(ROW))
        elif UNPLACED in sale:
            key = _key(sale, _OF_UNPLACED)
            _add(unplaced, key, read)
            first.setdefault(key, sale.get(ROW, ""))
        else:
            key = _key(sale, _REVENUE)
            _add(found.setdefault(key, {}), _key(sale, _KIND), read)
            first.setdefault(key, sale.get(ROW, ""))
    for key, kinds in found.items():
        of = dict(zip(_REVENUE, key, strict=True))
        for page in _pages(kinds):
            yield _of_row(_revenue(of, page), first[key])
    for key, sums in unplaced.items():
        refused = _refused(key[0], dict(zip(_OF_UNPLACED, key, strict=True)), sums)
        refused.row = int(first[key] or 0)
        yield refused


def _delimiter(header: str) -> str:
    """What separates the columns: the most frequent candidate in the header."""
    return max("\t;,", key=header.count)


def _columns(header: list[str], given: Row) -> dict[str, str]:
    """By field: the name of its column; NotConvertible if one is missing or ambiguous."""
    found: dict[str, str] = {}
    named = {each: field for field, names in COLUMNS.items() for each in names}
    for column in header:
        field = named.get(" ".join(re.findall(r"[a-z0-9]+", column.lower())))
        if field in found:
            raise NotConvertible(f"“{found[field]}” and “{column}” both say the {field}")
        if field is not None:
            found[field] = column
    said = found.keys() | given.keys()
    missing = [field for field in NEEDED if field not in said]
    if not said & {"pool", *NUMBERS}:
        missing.insert(0, "pool")
    if missing:
        needed = COLUMNS | {"pool": ("pool", "isrc", "upc")}
        names = "; ".join(" or ".join(needed[field]) for field in missing)
        raise NotConvertible(f"there is no column called {names}")
    return found


def _read(sale: Row) -> tuple[int, Decimal] | None:
    """The units and the amount of a sale; None if one of them is not a number."""
    units, amount = sale.get("units") or "0", sale["amount"]
    if _UNITS.fullmatch(units) and _NUMBER.fullmatch(amount):
        return int(units), Decimal(amount)
    return None


def _units(sale: Row) -> Line:
    """The units of a sale that cannot be read: as a number if they are one, else as written."""
    said = sale.get("units")
    return {"units": int(said) if _UNITS.fullmatch(said) else said} if said else {}


def _key(sale: Row, fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sale.get(field, "") for field in fields)


def _add(sums: Sums, key: tuple[str, ...], more: tuple[int, Decimal]) -> None:
    units, amount = sums.get(key, (0, Decimal()))
    sums[key] = units + more[0], _EXACTLY.add(amount, more[1])


def _said(sale: Mapping[str, str], fields: tuple[str, ...]) -> Line:
    """The fields that have a value."""
    return {field: sale[field] for field in fields if sale.get(field)}


def _pages(kinds: Sums) -> Iterator[list[Line]]:
    """The kinds in parts that each fit into a fact: what was sold first, then what came back.

    They are sorted, so that a table whose rows were sorted otherwise has the same parts.
    """
    for came_back in (False, True):
        sold = [
            _said(dict(zip(_KIND, kind, strict=True)), _KIND) | _summed(sums)
            for kind, sums in sorted(kinds.items())
            if (sums[1] < 0) is came_back
        ]
        for at in range(0, len(sold), MOST_KINDS):
            yield from _fitting(sold[at : at + MOST_KINDS])


def _fitting(sold: list[Line]) -> Iterator[list[Line]]:
    """These kinds or, if they are too long, what fits of either half.

    What fits is never divided, so a table that was imported before has the same parts.
    """
    if len(sold) > 1 and sum(map(_bytes_of, sold)) > MOST_BYTES:
        half = len(sold) // 2
        yield from _fitting(sold[:half])
        yield from _fitting(sold[half:])
    else:
        yield sold


def _bytes_of(line: Line) -> int:
    """How long a kind is in a fact, as the JSON of a list with the id of its work."""
    told = [line.get(field) for field in _KIND[1:]] + [line.get("units", "0")]
    told += [line.get("work") and _ANY_ID, str(Fraction(line["amount"]))]
    return len(f"{json.dumps(told, ensure_ascii=False, separators=(',', ':'))},".encode())


def _summed(sums: tuple[int, Decimal]) -> Line:
    units, amount = sums
    return ({"units": units} if units else {}) | {"amount": f"{amount:f}"}


def _revenue(of: Mapping[str, str], sold: list[Line]) -> Line:
    """The line of a revenue; its id follows from its kinds, so a file can be imported again."""
    line: Line = {"type": "revenue", **_said(of, _REVENUE), "sold": sold}
    kinds = [[each.get(field) for field in _KIND] for each in sold]
    digest = sha256(repr((sorted(_said(of, _REVENUE).items()), kinds)).encode()).hexdigest()
    return {**line, "id": f"{SALES}{digest[:32]}"}


def _of_row(line: Line, row: str | None) -> OfRow:
    of_row = OfRow(line)
    of_row.row = int(row or 0)
    return of_row


def _refused(reason: str, said: Row, sums: tuple[int, Decimal]) -> Unplaced:
    """The line of sales without a pool for the same reason, summed."""
    summed = _summed(sums)
    line = Unplaced({"type": "revenue", **_said(said, _OF_UNPLACED[1:]), **summed})
    amount = f"{summed['amount']} {said['currency']}".strip()
    line.reason = f"{reason} ({sums[0]} sold for {amount})"
    return line
