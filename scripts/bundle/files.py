"""Files of a bundle: JSON Lines and CSV, read as a stream of lines.

An unreadable line is passed on too, with its number and the reason.
"""

from __future__ import annotations

import csv
import json
import sys
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from domain.lines import HALF, FoundLine, Line
from domain.text import whole
from domain.unambiguous import distinct, integer, no_number
from scripts.bundle.sealed import LONGEST_LINE_BYTES, TOO_LONG, Seal, is_sealed, seal_of
from scripts.convert import Finding, Unplaced, converted, place_of
from scripts.short_lines import short_lines


def found_in(
    path: Path, source: str = "bundle", finding: Finding | None = None
) -> Iterator[FoundLine]:
    """The lines of a JSON Lines file, a folder of CSV files, standard input or a data set."""
    with opened(path, source, finding) as (found, _):
        yield from found


@contextmanager
def opened(
    path: Path, source: str = "bundle", finding: Finding | None = None
) -> Iterator[tuple[Iterator[FoundLine], Seal | None]]:
    """The lines as by ``found_in``, and the seal of an export, which is checked first.

    Raises ExportDamaged if the export is not as it was written.
    """
    if source != "bundle":
        lines = enumerate(converted(source, path, finding), start=1)
        yield (FoundLine(place_of(line, n), line, _why_not(line)) for n, line in lines), None
    elif str(path) == "-":
        with _streamed(sys.stdin.buffer) as found:
            yield found
    elif path.is_dir():
        yield read_csv(path), None
    else:
        with path.open("rb") as file:
            if file.seekable():
                yield _checked(file)
            else:
                with _streamed(file) as found:
                    yield found


def _why_not(line: Line) -> str:
    return line.reason if isinstance(line, Unplaced) else ""


def _checked(file: BinaryIO) -> tuple[Iterator[FoundLine], Seal | None]:
    """The lines of a file, read twice, since an export is first checked to its end."""
    seal = seal_of(file)
    file.seek(0)
    found = read_json_lines(short_lines(file, LONGEST_LINE_BYTES))
    return (one for one in found if not seal or one.line.get("type") == "fact"), seal


@contextmanager
def _streamed(file: BinaryIO) -> Iterator[tuple[Iterator[FoundLine], Seal | None]]:
    """The lines of a stream; an export is copied to a temporary file, to be checked first."""
    lines = short_lines(file, LONGEST_LINE_BYTES)
    first = next(lines, b"")
    if not is_sealed(first):
        yield read_json_lines(chain((first,), lines)), None
        return
    with TemporaryFile() as kept:
        kept.write(first)
        copyfileobj(file, kept)
        kept.seek(0)
        yield _checked(kept)


def lines_in(path: Path, source: str) -> int | None:
    """The approximate number of lines, for a progress bar; None if unknown."""
    if source != "bundle" or str(path) == "-":
        return None
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    total = 0
    for one in files:
        with one.open("rb") as file:
            total += sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    return total


def read_json_lines(lines: Iterable[bytes]) -> Iterator[FoundLine]:
    """One JSON object per line; empty lines are counted and skipped."""
    # Read as bytes, so that invalid UTF-8 spoils only its line.
    for number, raw in enumerate(lines, start=1):
        where = f"line {number}"
        if len(raw) > LONGEST_LINE_BYTES:
            yield FoundLine(where, {}, TOO_LONG)
            continue
        try:
            text = raw.removeprefix(BOM_UTF8).decode().rstrip()
            if text:
                yield FoundLine(where, _object(text))
        except UnicodeDecodeError:
            yield FoundLine(where, {}, NOT_UTF8)
        except ValueError as error:
            yield FoundLine(where, {}, str(error))
        except RecursionError:
            yield FoundLine(where, {}, "not JSON: nested too deeply")


NOT_UTF8 = "not UTF-8"


def _object(text: str) -> Line:
    try:
        line = _decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON, from column {error.colno} on: {error.msg}") from None
    if not isinstance(line, dict):
        raise ValueError("not a JSON object")
    return line


def _no_float(text: str) -> float:
    raise ValueError(f"the number {text} is not exact; write it as a string")


_decode = json.JSONDecoder(
    parse_int=integer,
    parse_float=_no_float,
    object_pairs_hook=distinct,
    parse_constant=no_number,
).decode


CSV_COLUMNS: dict[str, tuple[str, ...]] = {
    "contributors": ("id", "name"),
    "contributions": (
        "id",
        "title",
        "medium",
        "authors",
        "sources",
        "made_at",
        "licence",
        "sha256",
        "identifiers",
        "by",
    ),
    "remixes": (
        *("id", "child", "parent", "kind", "rate", "evidence", "by"),
        *("ai", "ai_tool"),
    ),
    "credits": (
        *("id", "work", "contributor", "role", "kind", "evidence", "by"),
        *("display", "credited_as", "join_phrase", "character", "billing"),
        *("ai", "ai_tool"),
    ),
    "releases": ("id", "title", "components", "made_at", "identifiers", "published"),
}
"""The files of a CSV bundle, in the order in which they are read, and their columns."""


def read_csv(folder: Path) -> Iterator[FoundLine]:
    """The lines of a CSV bundle, file by file; a file of another name is reported."""
    files = {f"{name}.csv" for name in CSV_COLUMNS}
    for other in sorted(path.name for path in folder.iterdir() if path.name not in files):
        yield FoundLine(other, {}, f"not a file of a bundle: there are {', '.join(sorted(files))}")
    for name, columns in CSV_COLUMNS.items():
        path = folder / f"{name}.csv"
        if not path.exists():
            continue
        # Invalid UTF-8 spoils only its row.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            # A spreadsheet separates by what its language leaves free; no name of a column has it.
            delimiter = max(",;\t", key=file.readline().count)
            file.seek(0)
            reader = csv.DictReader(file, delimiter=delimiter)
            header = list(reader.fieldnames or ())
            if any(map(HALF.search, header)):
                yield FoundLine(f"{path.name}:1", {}, NOT_UTF8)
            elif unknown := sorted(ascii(name) for name in set(header) - set(columns)):
                yield FoundLine(f"{path.name}:1", {}, f"unknown columns: {', '.join(unknown)}")
            elif len(set(header)) < len(header):
                yield FoundLine(f"{path.name}:1", {}, "a column occurs twice")
            else:
                yield from _csv_rows(name, reader)


def _csv_rows(name: str, reader: csv.DictReader[str]) -> Iterator[FoundLine]:
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            # The DictReader's own number would be that of the previous row.
            yield FoundLine(f"{name}.csv:{reader.reader.line_num}", {}, f"not CSV: {error}")
            continue
        if row is None:
            return
        yield from _csv_lines(f"{name}.csv:{reader.line_num}", name, row)


def _csv_lines(where: str, name: str, row: dict[str, Any]) -> Iterator[FoundLine]:
    if None in row or any(value is None for value in row.values()):
        yield FoundLine(where, {}, "not as many values as the file has columns")
        return
    if any(HALF.search(value) for value in row.values()):
        yield FoundLine(where, {}, NOT_UTF8)
        return
    line: Line = {"type": _TYPE[name], **{key: value for key, value in row.items() if value}}
    published = line.pop("published", "no").lower()
    try:
        if published not in ("yes", "no"):
            raise ValueError(f"“published” is “{published}”; it must be yes or empty")
        if "identifiers" in line:
            line["identifiers"] = [numbered(text) for text in _items(line["identifiers"])]
        if "ai" in line:
            line["ai"] = _items(line["ai"])
        if name == "contributions":
            line["authors"] = [author(text) for text in _items(line.pop("authors", ""))]
            line["sources"] = [cited(text) for text in _items(line.pop("sources", ""))]
        elif name == "releases":
            line["components"] = [component(text) for text in _items(line.pop("components", ""))]
        elif name == "credits" and "billing" in line:
            line["billing"] = _place(line["billing"])
        elif name == "remixes" and _is_uri(line.get("parent", "")):
            line["uri"] = line.pop("parent")
    except ValueError as error:
        yield FoundLine(where, line, str(error))
        return
    yield FoundLine(where, line)
    if published == "yes":
        yield FoundLine(where, {"type": "release.publish", "id": line.get("id")})


_TYPE = {
    "contributors": "contributor",
    "contributions": "contribution",
    "remixes": "remix",
    "credits": "credit",
    "releases": "release",
}


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split("|") if item.strip()]


def author(text: str) -> Line:
    """An author as “CONTRIBUTOR ROLE”."""
    person, _, role = text.partition(" ")
    if not role:
        raise ValueError(f"“{text}” is not a contributor and a role, such as “ana writer”")
    return {"contributor": person, "role": role.strip()}


def cited(text: str) -> Line:
    """A source as “WORK|URI KIND [RATE]”."""
    words = text.split()
    if not 2 <= len(words) <= 3:
        raise ValueError(
            f"“{text}” is not a source, a kind and perhaps a rate, such as “low-tide sample 1/5”"
        )
    source = {"uri" if _is_uri(words[0]) else "work": words[0], "kind": words[1]}
    return source | ({"rate": words[2]} if len(words) == 3 else {})


def _place(text: str) -> int:
    """A place in the order of credits."""
    place = whole(text)
    if place is None:
        raise ValueError(f"“billing” is “{text}”; it must be a whole number")
    return place


def numbered(text: str) -> Line:
    """A number in a registry as “SCHEME NUMBER”."""
    scheme, _, number = text.partition(" ")
    if not number:
        raise ValueError(f"“{text}” is not a registry and a number")
    return {"scheme": scheme.lower(), "identifier": number.strip()}


def component(text: str) -> Line:
    """A component as “WORK [RATE]”."""
    words = text.split()
    if len(words) > 2:
        raise ValueError(f"“{text}” is not a work and perhaps a rate")
    return {"work": words[0]} | ({"rate": words[1]} if len(words) == 2 else {})


def _is_uri(text: str) -> bool:
    return "://" in text or text.startswith(("urn:", "doi:", "ipfs:"))
