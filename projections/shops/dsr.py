"""Digital sales reports (DDEX DSR, flat file), converted to lines: what a shop owes, by work.

A report may state what the shop took (net revenue) and what it owes (allocated amounts). If any of
its sales records has a column for the latter, only what is owed is booked.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from projections.shops.line import Line, NotConvertible
from projections.shops.placed import Finding, Row, placed
from projections.shops.sales import revenues

_OWED = ("allocatedamount", "allocatedrevenueincurrencyofaccounting", "allocatedrevenue")
"""The columns for what is owed, in order of preference; others have sums in other currencies."""
_TAKEN = ("netrevenueincurrencyofaccounting", "netrevenue")
_CURRENCY = ("currencyofaccounting", "currencyofreporting", "currency")
_USAGES = ("netusage", "usages")
_SUMMARY, _BLOCK, _CONTROLLER = "summaryrecordid", "blockid", "rightscontroller"
_NUMBERS = {
    "isrc": ("isrc", "resourceisrc"),
    "iswc": ("iswc",),
    "upc": ("icpn", "releaseicpn"),
}
_HEADS = ("HEAD", "SRHE")
_KIND = {
    "channel": ("commercialmodel",),
    "configuration": ("usetype",),
    "territory": ("territory",),
}

Record = Mapping[str, str]
"""The cells of a line by the names of its columns, in lower case."""


def convert_dsr(
    path: Path | str, finding: Finding | None = None, given: Row | None = None
) -> Iterator[Line]:
    """The sales of a report: a file, or a folder with its files.

    Of what is ``given``, only a pool counts: all sales are then for it.
    Raises NotConvertible if a file is not a report, or is incomplete.
    """
    files = sorted(Path(path).glob("*.tsv")) if Path(path).is_dir() else [Path(path)]
    if not files:
        raise NotConvertible(f"{path} has no file whose name ends in .tsv")
    sales = (sale for file in files for sale in _Report(file).sales())
    if pool := (given or {}).get("pool"):
        sales = ({**sale, "pool": pool} for sale in sales)
    yield from revenues(placed(sales, finding))


@dataclass
class _Report:
    """One file of a report, read line by line."""

    path: Path
    columns: dict[str, list[str]] = field(default_factory=dict)
    """By type of record: the names of its columns, as the file states them."""
    head: list[str] = field(default_factory=lambda: [""])
    """The header record, if it comes before the names of its columns."""
    of: Row = field(default_factory=dict)
    """The fields of every sale that the header states."""
    kinds: dict[tuple[str, str], Row] = field(default_factory=dict)
    """By summary record and rights controller: how something was sold, and the currency."""
    block: str = ""
    numbers: Row = field(default_factory=dict)
    """The numbers of the work that the current block is about."""
    usage: Record | None = None
    """The latest usage record, until it is known whether a record of what is owed follows."""

    def sales(self) -> Iterator[Row]:
        """Every sale, with its amount; NotConvertible if the footer counts other lines."""
        foot, lines = [""], 0
        with self.path.open(encoding="utf-8-sig", newline="") as file:
            for cells in _cells(file):
                lines += 1
                if cells[0].startswith("#"):
                    self._name(cells)
                elif cells[0] in {"FOOT", "SRFO"}:
                    foot = cells
                elif cells[0] in _HEADS and cells[0] not in self.columns:
                    self.head = cells
                elif cells[0]:
                    yield from self._record(cells[0], self._named(cells))
            yield from self._without_more()
        if foot[1:2] != [str(lines)]:
            stated = "".join(foot[1:2]) or "no"
            raise NotConvertible(
                f"{self.path.name} is not whole: it states {stated} lines, and has {lines}"
            )

    def _name(self, cells: list[str]) -> None:
        """Learn the columns of a type of record; a header that came before them is read now."""
        kind = cells[0][1:].strip()
        self.columns[kind] = ["", *(column.strip().lower() for column in cells[1:])]
        if self.head[0] == kind:
            self._begin(self._named(self.head))

    def _named(self, cells: list[str]) -> Record:
        if cells[0] not in self.columns:
            said = f"{self.path.name} is no digital sales report, or not whole"
            raise NotConvertible(f"{said}: it does not name the columns of {cells[0]}")
        return dict(zip(self.columns[cells[0]], map(str.strip, cells), strict=False))

    def _record(self, kind: str, said: Record) -> Iterator[Row]:
        if kind in _HEADS:
            self._begin(said)
        elif kind.startswith("SY"):
            self._summarise(said)
        elif kind.startswith("SR"):
            yield self._sale(said, said, _numbers(said))
        elif kind.startswith("LI"):
            usage, self.usage = self.usage, None
            yield self._sale(said, usage, self.numbers)
        elif said.get(_BLOCK):
            yield from self._in_block(kind, said)

    def _begin(self, said: Record) -> None:
        self.of = {
            "source": said.get("sendername", ""),
            "effective_at": said.get("usagestartdate", ""),
            "document": said.get("messageid", ""),
        }

    def _summarise(self, said: Record) -> None:
        kind = {name: _first(said, columns) for name, columns in _KIND.items()}
        kind["currency"] = _first(said, _CURRENCY)
        self.kinds[said.get(_SUMMARY, ""), said.get(_CONTROLLER, "")] = kind
        self.kinds.setdefault((said.get(_SUMMARY, ""), ""), kind)

    def _in_block(self, kind: str, said: Record) -> Iterator[Row]:
        if said[_BLOCK] != self.block:
            yield from self._without_more()
            self.block, self.numbers = said[_BLOCK], {}
        if kind.startswith("SU"):
            yield from self._without_more()
            self.usage = said
        else:
            self.numbers = _numbers(said) | self.numbers  # the first are of the work

    def _without_more(self) -> Iterator[Row]:
        """The latest usage as a sale, if no record of what is owed followed it."""
        usage, self.usage = self.usage, None
        if usage is not None:
            yield self._sale(usage, usage, self.numbers)

    def _sale(self, money: Record, usage: Record | None, numbers: Row) -> Row:
        summary = money.get(_SUMMARY, "")
        kind = self.kinds.get((summary, money.get(_CONTROLLER, ""))) or self.kinds.get(
            (summary, "")
        )
        amount = _first(money, _OWED if self._says_what_is_owed() else _TAKEN)
        units = _first(usage or {}, _USAGES)
        return self.of | (kind or {}) | numbers | {"units": units, "amount": amount or "0"}

    def _says_what_is_owed(self) -> bool:
        """Whether any type of record other than summaries has a column for what is owed."""
        sales = (names for kind, names in self.columns.items() if not kind.startswith("SY"))
        return any(name in _OWED for names in sales for name in names)


def _cells(file: Iterable[str]) -> Iterator[list[str]]:
    """The cells of every line, empty lines included, since the footer counts them."""
    for cells in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
        yield cells or [""]


def _first(said: Record, columns: Iterable[str]) -> str:
    return next((said[name] for name in columns if said.get(name)), "")


def _numbers(said: Record) -> Row:
    found = {scheme: _first(said, columns) for scheme, columns in _NUMBERS.items()}
    return {scheme: number for scheme, number in found.items() if number}
