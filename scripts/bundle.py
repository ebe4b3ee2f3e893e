"""Bundles: contributors, pieces, remixes, credits and releases as JSON Lines or CSV, in and out.

The one rule: a line is recorded whole or refused with its number and reason, and importing the
same lines twice changes nothing.

A line is the body of the POST with a ``type`` (contributor, contribution, remix, credit, release),
or what happened later (``credit.accept``, ``release.publish`` …), or a whole ``fact`` as
``export`` writes it. ``by`` says who acted. Ids may be any text; see Ids.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from codecs import BOM_UTF8
from collections import ChainMap, Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple, TextIO, TypeGuard
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.persistence import IntegrityError, StoredEvent

from domain.contribution import Contribution
from domain.draft import BORN, PENDING, Draft, Receipt
from domain.fact import FACTS
from domain.journal import Journal
from domain.permission import OPERATOR
from domain.recorders import Placed
from domain.refusal import Busy, Refusal
from domain.seal import Disclosure, digest_of
from projections.follower import uncollected
from scripts.convert import convert_ocremix, convert_whosampled

BATCH = 500
"""How many lines are recorded in one append."""
ATTEMPTS = 12
LONGEST_ID = 200

_HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair; also what a byte that is not UTF-8 is read as."""

Line = dict[str, Any]


class BadLine(Refusal, listed=False):
    """A line is not of the documented form."""

    code = "bad_line"


class NotRestored(Refusal, listed=False):
    """A whole fact can't be put back: its place is taken, or its texts do not fit it."""

    code = "not_restored"


class Found(NamedTuple):
    """A line with where it stands; ``error`` says why it could not even be read."""

    where: str
    line: Line
    error: str = ""


class Refused(NamedTuple):
    """A line that was not recorded, and why."""

    where: str
    code: str
    reason: str
    line: Line


@dataclass
class Report:
    """What became of a bundle."""

    recorded: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    refused: list[Refused] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """How many lines there were."""
        return self.recorded.total() + self.unchanged.total() + len(self.refused)


# -- the shape of a line -------------------------------------------------------------------

PERSON, WORK, REMIX, CREDIT, TEXT, LIST = "person", "work", "remix", "credit", "text", "list"


class Shape(NamedTuple):
    """The fields of one type of line: what each names, and which may be missing."""

    command: Callable[..., Receipt]
    needed: Mapping[str, str]
    optional: Mapping[str, str] = {}
    makes: str = ""
    """What a line without an id makes, so that one can be derived."""


_REASON = {"reason": TEXT}
_MADE = {"id": WORK, "made_at": TEXT}

SHAPES: dict[str, Shape] = {
    "contributor": Shape(Draft.admit_contributor, {"name": TEXT}, {"id": PERSON}, PERSON),
    "contributor.merge": Shape(
        Draft.merge_contributor, {"id": PERSON, "into": PERSON}, {"reason": TEXT}
    ),
    "contribution": Shape(
        Draft.submit_contribution,
        {"title": TEXT, "medium": TEXT},
        {**_MADE, "authors": LIST, "sources": LIST, "licence": TEXT, "sha256": TEXT},
        WORK,
    ),
    "contribution.withdraw": Shape(Draft.withdraw_contribution, {"id": WORK, **_REASON}),
    "work.redate": Shape(Draft.redate_work, {"id": WORK, "made_at": TEXT, **_REASON}),
    "work.claim": Shape(
        Draft.claim_work,
        {"id": WORK, "contributor": PERSON, "role": TEXT},
        {"evidence": TEXT, "credit": CREDIT},
        CREDIT,
    ),
    "remix": Shape(
        Draft.declare_remix,
        {"child": WORK, "kind": TEXT},
        {
            "id": REMIX,
            "parent": WORK,
            "uri": TEXT,
            "rate": TEXT,
            "evidence": TEXT,
            "effective_at": TEXT,
        },
        REMIX,
    ),
    "credit": Shape(
        Draft.open_credit,
        {"work": WORK, "contributor": PERSON, "role": TEXT},
        {
            "id": CREDIT,
            "kind": TEXT,
            "display": TEXT,
            "evidence": TEXT,
            "effective_at": TEXT,
        },
        CREDIT,
    ),
    "release": Shape(
        Draft.assemble_release, {"title": TEXT, "components": LIST}, dict(_MADE), WORK
    ),
    "release.publish": Shape(Draft.publish_release, {"id": WORK}),
    "release.withdraw": Shape(Draft.withdraw_release, {"id": WORK, **_REASON}),
    **{
        f"remix.{verb}": Shape(command, {"id": REMIX, **_REASON})
        for verb, command in (
            ("dispute", Draft.dispute_remix),
            ("uphold", Draft.uphold_remix),
            ("strike", Draft.strike_remix),
        )
    },
    **{
        f"credit.{verb}": Shape(command, {"id": CREDIT}, {"reason": TEXT})
        for verb, command in (
            ("accept", Draft.accept_credit),
            ("decline", Draft.decline_credit),
            ("dispute", Draft.dispute_credit),
            ("settle", Draft.settle_credit),
            ("revoke", Draft.revoke_credit),
        )
    },
}
"""Every type of line but ``fact``."""

PARTS: dict[str, tuple[Mapping[str, str], Mapping[str, str]]] = {
    "authors": ({"contributor": PERSON, "role": TEXT}, {"display": TEXT}),
    "sources": ({"kind": TEXT}, {"work": WORK, "uri": TEXT, "rate": TEXT, "note": TEXT}),
    "components": ({"work": WORK}, {"rate": TEXT}),
}
"""The fields of what stands in a list."""


class Ids:
    """The ids of a bundle as UUIDs: a UUID stands for itself, any other text for a derived one.

    Derived ids (version 5) depend on the namespace, on what they name (a person, a work, a remix,
    a credit) and on the text; so the same bundle always means the same things.
    """

    def __init__(self, namespace: str) -> None:
        root = uuid5(NAMESPACE_URL, f"stemma:bundle:{namespace}")

        @lru_cache(maxsize=200_000)
        def named(kind: str, text: str) -> str:
            try:
                return str(UUID(text))
            except ValueError:
                return str(uuid5(root, f"{kind}/{text}"))

        self.named = named
        self._seen: Counter[str] = Counter()

    def of_line(self, kind: str, line: Line) -> str:
        """The id of a line that states none: its content, and how often it came before."""
        content = json.dumps(line, sort_keys=True, ensure_ascii=False)
        self._seen[content] += 1
        return self.named(kind, f"{content}#{self._seen[content]}")


class Step(NamedTuple):
    """A line ready to be carried out: the command, its arguments, and the ids it touches."""

    command: Callable[..., Receipt]
    arguments: dict[str, Any]
    touched: list[str]


def step_of(line: Line, ids: Ids, *, derive: bool = True) -> Step:
    """The command a line asks for; BadLine if it is not of the documented form.

    A birth without an id gets a derived one, so that importing it twice changes nothing; or,
    if ``derive`` is false, a random one.
    """
    kind = line.get("type")
    shape = SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None:
        raise BadLine(f"there is no type of line “{kind}”")
    touched: list[str] = []
    content = {name: value for name, value in line.items() if name not in ("type", "by")}
    arguments = _fields(content, shape.needed, shape.optional, ids, touched)
    own = "credit" if kind == "work.claim" else "id"
    if derive and shape.makes and own not in arguments:
        arguments[own] = ids.of_line(shape.makes, line)
        touched.append(arguments[own])
    if kind == "contribution":
        arguments.setdefault("authors", [])
    by = line.get("by") or OPERATOR
    arguments["actor"] = OPERATOR if by == OPERATOR else ids.named(PERSON, _id("by", by))
    if arguments["actor"] != OPERATOR:
        touched.append(arguments["actor"])
    return Step(shape.command, arguments, touched)


def _fields(
    content: Mapping[str, Any],
    needed: Mapping[str, str],
    optional: Mapping[str, str],
    ids: Ids,
    touched: list[str],
) -> dict[str, Any]:
    for name in needed:
        if content.get(name) is None:
            raise BadLine(f"the field “{name}” is missing")
    found: dict[str, Any] = {}
    for name, value in content.items():
        if value is None:
            continue
        kind = needed.get(name) or optional.get(name)
        if kind is None:
            raise BadLine(f"there is no field “{name}” in this type of line")
        if kind == LIST:
            if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
                raise BadLine(f"“{name}” must be a list of objects")
            found[name] = [_fields(part, *PARTS[name], ids, touched) for part in value]
        elif kind == TEXT:
            found[name] = _text(name, value)
        else:
            found[name] = ids.named(kind, _id(name, value))
            touched.append(found[name])
    return found


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadLine(f"“{name}” must be a text")
    if _HALF.search(value):
        raise BadLine(f"“{name}” holds half of a surrogate pair, which can't be kept")
    return value


def _id(name: str, value: object) -> str:
    text = _text(name, value)
    if not 1 <= len(text) <= LONGEST_ID or "|" in text or text.split() != [text]:
        raise BadLine(
            f"“{name}” must be an id: 1 to {LONGEST_ID} characters, no space and no “|” in it"
        )
    return text


# -- importing -----------------------------------------------------------------------------


def import_lines(
    journal: Journal,
    found: Iterable[Found],
    *,
    namespace: str = "bundle",
    batch: int = BATCH,
    progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Record lines in batches; every refused one is reported and none is lost to another."""
    report, ids = Report(), Ids(namespace)
    reached: dict[str, int] = {}
    for whole, lines in groupby(found, key=lambda one: one.line.get("type") == "fact"):
        for page in _pages(lines, batch):
            with uncollected():
                if whole:
                    _restore(journal, page, report)
                else:
                    _carry_out(journal, page, ids, reached, report)
            progress(report)
    return report


def _pages(lines: Iterator[Found], size: int) -> Iterator[list[Found]]:
    while True:
        with uncollected():
            page = list(islice(lines, size))
        if not page:
            return
        yield page


def _carry_out(
    journal: Journal, page: list[Found], ids: Ids, reached: dict[str, int], report: Report
) -> None:
    steps: list[tuple[Found, Step | BadLine]] = []
    for found in page:
        try:
            if found.error:
                raise BadLine(found.error)
            steps.append((found, step_of(found.line, ids)))
        except BadLine as refusal:
            steps.append((found, refusal))
    touched = {id for _, step in steps if isinstance(step, Step) for id in step.touched}
    for _ in range(ATTEMPTS):
        recorded, unchanged = Counter[str](), Counter[str]()
        refused: list[Refused] = []
        draft = journal.draft(once=ChainMap({}, reached))
        draft.prefetch(touched)
        for found, step in steps:
            try:
                if isinstance(step, BadLine):
                    raise step
                before = len(draft.facts)
                step.command(draft, **step.arguments)
            except Refusal as refusal:
                refused.append(_refused(found, step, refusal))
            else:
                count = recorded if len(draft.facts) > before else unchanged
                count[found.line["type"]] += 1
        try:
            draft.commit()
        except IntegrityError:
            continue
        reached.update(draft.once or {})
        report.recorded += recorded
        report.unchanged += unchanged
        report.refused += refused
        return
    raise Busy


def _refused(found: Found, step: Step | BadLine, refusal: Refusal) -> Refused:
    """The refusal in the bundle's own words: its ids where the message has ours."""
    reason = str(refusal)
    arguments = {} if isinstance(step, BadLine) else step.arguments
    for name, value in found.line.items():
        if isinstance(value, str) and isinstance(arguments.get(name), str):
            reason = reason.replace(arguments[name], value)
    return Refused(found.where, refusal.code, reason, found.line)


class Restoration:
    """Whole facts on their way back to their places.

    A journal has no holes, so once a fact was refused no later one is put back.
    """

    def __init__(self, journal: Journal, lines: list[Line], *, broken: bool) -> None:
        self.journal, self.broken = journal, broken
        # Read first: what others record from now on makes the head another one.
        self.head = journal.facts.head()
        self.next = self.head + 1
        positions = [line.get("position") for line in lines]
        self.there = {
            placed.position: placed
            for placed in journal.facts.at([p for p in positions if _is_position(p)])
        }
        ids = {line["id"] for line in lines if isinstance(line.get("id"), str)}
        self.streams: dict[str, list[Placed]] = {}
        for placed in journal.facts.streams({id for id in ids if _UUID.match(id)}):
            self.streams.setdefault(placed.originator_id, []).append(placed)
        self.placed: list[Placed] = []
        self.texts: list[Disclosure] = []
        self.erased: set[str] = set()

    def put(self, line: Line) -> bool:
        """Take one more fact; false if it stands at its place already, NotRestored if it can't."""
        placed, texts = _whole_fact(line)
        if self.there.get(placed.position) == placed:
            return False
        stream = self.streams.setdefault(placed.originator_id, [])
        if placed.position < self.next:
            raise NotRestored(f"position {placed.position} holds another fact")
        if self.broken or placed.position > self.next:
            raise NotRestored("a fact before it is missing")
        if placed.originator_version != len(stream) + 1:
            raise NotRestored(f"it is not the next fact about {placed.originator_id}")
        stream.append(placed)
        self.next += 1
        self.placed.append(placed)
        self.texts += texts
        if placed.topic == Contribution.Withdrawn.TOPIC:
            # An older export may have brought the title back.
            self.erased.add(json.loads(stream[0].state)["title"])
        return True

    def commit(self) -> None:
        """Record what was taken; IntegrityError when others were faster."""
        if self.broken and self.journal.facts.head() != self.head:
            raise IntegrityError  # what was refused may stand there by now
        if self.placed:
            self.journal.append_stored(
                [
                    StoredEvent(placed.originator_id, placed.originator_version, *placed[3:])
                    for placed in self.placed
                ],
                positions=[placed.position for placed in self.placed],
                disclosures=self.texts,
                erased=self.erased,
            )


def _restore(journal: Journal, page: list[Found], report: Report) -> None:
    """Put whole facts back; those that stand there already are unchanged."""
    broken = any(one.line.get("type") == "fact" for one in report.refused)
    for _ in range(ATTEMPTS):
        restoration = Restoration(journal, [found.line for found in page], broken=broken)
        unchanged, refused = 0, []
        for found in page:
            try:
                unchanged += not restoration.put(found.line)
            except Refusal as refusal:
                restoration.broken = True
                refused.append(Refused(found.where, refusal.code, str(refusal), found.line))
        try:
            restoration.commit()
        except IntegrityError:
            continue
        report.recorded["fact"] += len(restoration.placed)
        report.unchanged["fact"] += unchanged
        report.refused += refused
        return
    raise Busy


def _is_position(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 < value < PENDING


def _whole_fact(line: Line) -> tuple[Placed, list[Disclosure]]:
    try:
        placed = Placed(
            line["position"], line["id"], line["version"], line["topic"], line["state"].encode()
        )
        texts = [Disclosure(*text) for text in line.get("texts", [])]
        content = _content_of(placed)
        fits = all(
            text.digest in content.values()
            and text.digest == digest_of(text.salt, text.name, text.value)
            for text in texts
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadLine("not a fact as “stemma export” writes it") from None
    if not fits:
        raise NotRestored("a text is not the one the fact commits to")
    return placed, texts


def _content_of(placed: Placed) -> dict[str, str]:
    """What a stored fact says; ValueError if it says something no fact of its kind can say."""
    kind = FACTS.get(placed.topic)
    if kind is None:
        raise BadLine(f"there is no kind of fact “{placed.topic}”")
    content: dict[str, Any] = json.loads(placed.state)
    datetime.fromisoformat(content["timestamp"])
    says = {one.name: one.default is MISSING for one in fields(kind)}
    needed = {name for name, is_needed in says.items() if is_needed} - _PLACE
    if (
        not _is_position(placed.position)
        or not _is_position(placed.originator_version)
        or not _UUID.match(placed.originator_id)
        or (placed.originator_version == 1) != (kind in BORN)
        or not needed <= content.keys() <= says.keys() - _PLACE
        or not all(isinstance(value, str) and "\0" not in value for value in content.values())
    ):
        raise ValueError(placed)
    return content


_PLACE = frozenset({"originator_id", "originator_version"})
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


# -- exporting -----------------------------------------------------------------------------


def export_lines(journal: Journal, after: int = 0, page: int = 2000) -> Iterator[Line]:
    """Every fact as it is stored, with the texts it commits to as far as they are not erased."""
    while placed := journal.facts.after(after, page):
        sealed = [(one, _sealed(one)) for one in placed]
        known = {
            disclosure.digest: disclosure
            for disclosure in journal.facts.disclosures(
                [digest for _, digests in sealed for digest in digests]
            )
        }
        for one, digests in sealed:
            texts = [list(known[digest]) for digest in digests if digest in known]
            yield {
                "type": "fact",
                "position": one.position,
                "id": one.originator_id,
                "version": one.originator_version,
                "topic": one.topic,
                "state": one.state.decode(),
                **({"texts": texts} if texts else {}),
            }
        after = placed[-1].position


def _sealed(placed: Placed) -> list[str]:
    content = json.loads(placed.state)
    return [content[name] for name in FACTS[placed.topic].SEALED if name in content]


# -- reading files -------------------------------------------------------------------------


def found_in(path: Path, source: str = "bundle") -> Iterator[Found]:
    """The lines of a JSON Lines file, a folder of CSV files, standard input or a data set."""
    if source != "bundle":
        lines = convert_whosampled(path) if source == "whosampled" else convert_ocremix(path)
        for number, line in enumerate(lines, start=1):
            yield Found(f"line {number}", line)
    elif str(path) == "-":
        yield from read_json_lines(sys.stdin)
    elif path.is_dir():
        yield from read_csv(path)
    else:
        with path.open(encoding="utf-8") as file:
            yield from read_json_lines(file)


def lines_in(path: Path, source: str = "bundle") -> int | None:
    """About how many lines there are to read, for a progress bar; None if nobody knows."""
    if source != "bundle" or str(path) == "-":
        return None
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    total = 0
    for one in files:
        with one.open("rb") as file:
            total += sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    return total


def read_json_lines(file: TextIO) -> Iterator[Found]:
    """One JSON object a line; empty lines count but say nothing."""
    # As bytes, so that what is not UTF-8 costs its line and not the file.
    for number, raw in enumerate(file.buffer, start=1):
        where = f"line {number}"
        try:
            text = raw.removeprefix(BOM_UTF8).decode()
            if text.strip():
                yield Found(where, _object(text))
        except UnicodeDecodeError:
            yield Found(where, {}, NOT_UTF8)
        except ValueError as error:
            yield Found(where, {}, str(error))
        except RecursionError:
            yield Found(where, {}, "not JSON: lists within lists without end")


NOT_UTF8 = "not UTF-8"


def _object(text: str) -> Line:
    try:
        line = json.loads(text, parse_float=_no_float)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(line, dict):
        raise ValueError("not a JSON object")
    return line


def _no_float(text: str) -> float:
    raise ValueError(f"the number {text} is not exact; write it as a text")


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
        "by",
    ),
    "remixes": ("id", "child", "parent", "kind", "rate", "evidence", "by"),
    "credits": ("id", "work", "contributor", "role", "kind", "evidence", "by"),
    "releases": ("id", "title", "components", "made_at", "published"),
}
"""The files of a CSV bundle, in the order in which they are read, and their columns."""


def read_csv(folder: Path) -> Iterator[Found]:
    """The lines of a CSV bundle, file by file."""
    for name, columns in CSV_COLUMNS.items():
        path = folder / f"{name}.csv"
        if not path.exists():
            continue
        # A byte that is not UTF-8 costs its row, not the file.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file)
            header = list(reader.fieldnames or ())
            if unknown := sorted(ascii(name) for name in set(header) - set(columns)):
                yield Found(f"{path.name}:1", {}, f"unknown columns: {', '.join(unknown)}")
            elif len(set(header)) < len(header):
                yield Found(f"{path.name}:1", {}, "a column is there twice")
            else:
                yield from _csv_rows(name, reader)


def _csv_rows(name: str, reader: csv.DictReader[str]) -> Iterator[Found]:
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            # The DictReader's own number is that of the row before.
            yield Found(f"{name}.csv:{reader.reader.line_num}", {}, f"not CSV: {error}")
            continue
        if row is None:
            return
        yield from _csv_lines(f"{name}.csv:{reader.line_num}", name, row)


def _csv_lines(where: str, name: str, row: dict[str, Any]) -> Iterator[Found]:
    if None in row or any(value is None for value in row.values()):
        yield Found(where, {}, "not as many values as the file has columns")
        return
    if any(_HALF.search(value) for value in row.values()):
        yield Found(where, {}, NOT_UTF8)
        return
    line: Line = {"type": _TYPE[name], **{key: value for key, value in row.items() if value}}
    published = line.pop("published", "no").lower()
    try:
        if published not in ("yes", "no"):
            raise ValueError(f"“published” is “{published}”; it must be yes or empty")
        if name == "contributions":
            line["authors"] = [author(text) for text in _items(line.pop("authors", ""))]
            line["sources"] = [cited(text) for text in _items(line.pop("sources", ""))]
        elif name == "releases":
            line["components"] = [component(text) for text in _items(line.pop("components", ""))]
        elif name == "remixes" and _is_uri(line.get("parent", "")):
            line["uri"] = line.pop("parent")
    except ValueError as error:
        yield Found(where, line, str(error))
        return
    yield Found(where, line)
    if published == "yes":
        yield Found(where, {"type": "release.publish", "id": line.get("id")})


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
        raise ValueError(f"“{text}” is not a contributor and a role")
    return {"contributor": person, "role": role.strip()}


def cited(text: str) -> Line:
    """A source as “WORK|URI KIND [RATE]”."""
    words = text.split()
    if not 2 <= len(words) <= 3:
        raise ValueError(f"“{text}” is not a source, a kind and perhaps a rate")
    source = {"uri" if _is_uri(words[0]) else "work": words[0], "kind": words[1]}
    return source | ({"rate": words[2]} if len(words) == 3 else {})


def component(text: str) -> Line:
    """A component as “WORK [RATE]”."""
    words = text.split()
    if len(words) > 2:
        raise ValueError(f"“{text}” is not a work and perhaps a rate")
    return {"work": words[0]} | ({"rate": words[1]} if len(words) == 2 else {})


def _is_uri(text: str) -> bool:
    return "://" in text or text.startswith(("urn:", "doi:", "ipfs:"))
