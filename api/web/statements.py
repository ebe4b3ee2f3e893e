"""Uploaded statements of shops: rehearsed line by line, then recorded in one append.

The same commands decide both times which lines are new, known or refused, so a rehearsal tells what
recording will do.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from api.web.errors import problem_at
from domain.draft import Draft
from domain.fact import Fact
from domain.journal import Journal
from domain.lines import BadLine, Ids, Line, step_of
from domain.money.dividing import RecordRevenue
from domain.money.entry import Entry
from domain.money.pool import Pool
from domain.money.revenue import Revenue
from domain.refusal import IdTaken, Refusal
from projections import placing
from projections.placing import Destination
from projections.shops import NotConvertible, Row, Unplaced, place_of, statement_lines
from projections.shops.beside import Stated, beside, undone
from projections.shops.restating import is_alike, otherwise, remarks, restated
from projections.store import View

FILE = "file"
"""The field of the form that holds the file."""
LARGEST_FILE_BYTES = 700_000
"""A request has at most a megabyte; after the rehearsal, the file is sent again as text."""
MOST_LINES = 500
"""How many revenues one append may record."""
MOST_SHARES = 200_000
"""Into how many shares of payees revenues can be divided in the time of a request."""
IMPORT = "use “stemma import” for more, or split the file"

CALLED = {"source": "shop", "effective_at": "period", "document": "statement"}
"""How messages about a statement call the fields of a revenue."""
State = Literal["new", "known", "refused"]


class ShopFile(NamedTuple):
    """The file of a shop, its format, and fields that it lacks."""

    file: bytes
    form: str
    given: Row

    @property
    def kept(self) -> str:
        """The file, compressed, as text for the form that confirms it."""
        return base64.b64encode(zlib.compress(self.file, 9)).decode()


@dataclass
class Outcome:
    """What becomes of one line, which is a revenue of a pool, source, time and document."""

    where: str
    line: Line
    state: State
    id: str = ""
    pool: str | None = None
    currency: str | None = None
    amount_minor: int | None = None
    code: str = ""
    reason: str = ""
    warnings: tuple[str, ...] = ()
    stated: Stated | None = None
    """What its statement is known by, unless it is refused."""


class Sum(NamedTuple):
    """The sum of lines of one pool."""

    pool: str
    currency: str
    lines: int
    amount_minor: int


def unpacked(kept: str) -> bytes:
    """The file that was kept in a form; refused if it is damaged or too large."""
    try:
        packed = zlib.decompressobj()
        file = packed.decompress(base64.b64decode(kept, validate=True), LARGEST_FILE_BYTES + 1)
    except (binascii.Error, zlib.error, ValueError):
        said = "The file did not arrive complete. Choose it again."
        raise problem_at(FILE, "wrong_type", said) from None
    return must_be_small(file)


def must_be_small(file: bytes) -> bytes:
    """Refuse a file that is larger than ``LARGEST_FILE_BYTES``."""
    if len(file) > LARGEST_FILE_BYTES:
        said = f"A statement may have at most {LARGEST_FILE_BYTES:,} bytes here; {IMPORT}."
        raise problem_at(FILE, "too_large", said)
    return file


def lines_of(view: View, statement: ShopFile) -> list[Line]:
    """The lines of a statement; a file in another format, without sales or too long is refused."""

    def finding(
        numbers: Collection[tuple[str, str]],
    ) -> Mapping[tuple[str, str], list[Destination]]:
        return placing.places(view, numbers)

    with TemporaryDirectory() as folder:
        path = Path(folder) / "the file"
        path.write_bytes(statement.file)
        try:
            found = statement_lines(statement.form, path, finding, statement.given)
            lines = [*islice(found, MOST_LINES + 1)]
        except NotConvertible as problem:
            said = f"This cannot be read as the chosen kind of statement: {problem}."
            raise problem_at(FILE, "wrong_type", f"{said}{_hint(statement)}") from None
    if not lines:
        raise problem_at(FILE, "missing_field", "There are no sales in this file.")
    if len(lines) > MOST_LINES:
        said = f"This file would record more than {MOST_LINES:,} revenues at once; {IMPORT}."
        raise problem_at(FILE, "too_large", said)
    return lines


def _hint(statement: ShopFile) -> str:
    """What to try with a table that cannot be read."""
    if statement.form != "sales":
        return ""
    if statement.file.lstrip(b"\xef\xbb\xbf").startswith(b"HEAD\t"):
        return " It looks like a digital sales report: choose that format."
    return " What is the same for all of its lines can be entered below, instead of in a column."


def must_be_quick(facts: Iterable[Fact]) -> None:
    """Refuse entries with more than ``MOST_SHARES``."""
    if sum(len(one.lines) for one in facts if isinstance(one, Entry.Event)) > MOST_SHARES:
        said = f"This file would divide revenues into more than {MOST_SHARES:,} shares at once"
        raise problem_at(FILE, "too_large", f"{said}; {IMPORT}.")


def rehearsed(journal: Journal, lines: Iterable[Line], by: str) -> tuple[list[Outcome], Draft]:
    """What would become of each line, and the draft that would be recorded."""
    with journal.engine.snapshot():
        draft = journal.draft()
        return _carried_out(draft, lines, by), draft


def warn_of_others(view: View, told: Iterable[Outcome]) -> None:
    """Add warnings of other revenue with the same statements."""
    by_id = {one.id: one for one in told if one.stated is not None}
    stated = {id: one.stated for id, one in by_id.items() if one.stated is not None}
    for found in (beside(view, stated), undone(view, stated)):
        for id, warning in found.items():
            by_id[id].warnings += (warning,)


def recorded(
    journal: Journal, lines: Collection[Line], by: str, as_rehearsed: tuple[list[Outcome], Draft]
) -> tuple[list[Outcome], int | None]:
    """Record the lines: what became of each, and the last position recorded, if any."""
    told, positions = journal.decided(
        lambda draft: _carried_out(draft, lines, by), rehearsed=as_rehearsed
    )
    return told, max(positions, default=None)


def sums(outcomes: Iterable[Outcome]) -> list[Sum]:
    """The sums of the new lines, by pool and currency, the largest first."""
    found: dict[tuple[str, str], list[int]] = {}
    for one in outcomes:
        if one.state == "new" and one.pool and one.currency:
            known = found.setdefault((one.pool, one.currency), [0, 0])
            known[0] += 1
            known[1] += one.amount_minor or 0
    every = [Sum(*key, *value) for key, value in found.items()]
    return sorted(every, key=lambda each: (each.currency, -each.amount_minor))


def _carried_out(draft: Draft, lines: Iterable[Line], by: str) -> list[Outcome]:
    ids = Ids("bundle")  # the same ids as “stemma import”, so what that recorded is known here
    outcomes = []
    for number, line in enumerate(lines, start=1):
        outcomes.append(_told(draft, ids, place_of(line, number), line, by))
        must_be_quick(draft.facts)
    return outcomes


def _told(draft: Draft, ids: Ids, where: str, line: Line, by: str) -> Outcome:
    told = Outcome(where, line, "refused")
    try:
        if isinstance(line, Unplaced):
            raise BadLine(line.reason)
        command = step_of(line, ids).command
        assert isinstance(command, RecordRevenue), "a statement says what was earned"
        told.pool, told.currency = command.pool, draft.get(Pool, command.pool).opened.currency
        command = restated(draft, line, command)
        told.id = str(command.id)
        _carry_out(draft, command, told, by)
    except Refusal as refusal:
        told.code, told.reason = refusal.code, ids.in_its_words(refusal)
        if isinstance(refusal, IdTaken):
            told.reason = otherwise(draft, told.id)
    for name, called in CALLED.items():
        told.reason = told.reason.replace(f"“{name}”", f"“{called}”")
    told.warnings = tuple(map(ids.in_its_words, told.warnings))
    return told


def _carry_out(draft: Draft, command: RecordRevenue, told: Outcome, by: str) -> None:
    before = len(draft.facts)
    try:
        told.warnings = tuple(one.detail for one in draft.carry_out(command, by).warnings)
    except IdTaken:  # recorded before: from this statement too, or with other amounts
        told.amount_minor = command.amounts(told.currency or "")[0]
        if not is_alike(draft, command):
            raise
    told.state = "new" if len(draft.facts) > before else "known"
    if told.state == "known":
        told.warnings += tuple(remarks(draft, told.line, command))
    known = draft.get(Revenue, told.id).recorded
    told.amount_minor = known.amount_minor
    told.stated = Stated(known.pool, known.from_source, known.effective_at, command.document)
