"""Imports a bundle: carries out its lines in batches, each of which is one append.

A line is either recorded or refused, with its number and the reason, and importing the same lines
twice changes nothing. A piece is recorded even if some of its sources or its date are refused;
those are left out and reported.

Commands and whole facts are in one file because they fill the same report, page by page.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Any, cast

from eventsourcing.persistence import IntegrityError

from domain.clearing import licence_on_record, must_suit_licence
from domain.command import Command
from domain.commands.correcting import DescribeWork
from domain.commands.deriving import DeclareRemix, source_of
from domain.commands.submitting import Source, SubmitContribution
from domain.draft import Draft
from domain.identity import part_id
from domain.journal import Journal, attempts
from domain.lines import (
    HALF,
    BadLine,
    FoundLine,
    Ids,
    Line,
    NotRestored,
    ReadyLine,
    RefusedLine,
    Report,
    WarnedLine,
    step_of,
)
from domain.money.dividing import RecordRevenue
from domain.neighbours import Neighbours
from domain.outside import Outside
from domain.permission import OPERATOR
from domain.refusal import Busy, IdTaken, MadeInFuture, Refusal, TooLarge, Unknown
from domain.registry import COMMANDS
from domain.remix import Remix
from projections.damage import DAMAGED
from projections.folding import uncollected
from projections.shops.restating import is_alike, is_of_shop, otherwise, remarks, restated
from scripts.bundle.whole import Restoration
from scripts.rules import Judge

OVER_LINEAGE = ("proposal", "proposal.revise", "agreement", "payout")
"""Types of lines whose facts are computed from a recorded lineage."""
BATCH = 2_000
"""The most lines in one append; data that several of them need is read only once."""
SHARES = 20_000
"""An append ends after so many shares of payees, which take about a second to decide: others who
book in the same pool meanwhile have it decided again."""
Step = tuple[FoundLine, ReadyLine | BadLine]


def import_lines(
    journal: Journal,
    found: Iterable[FoundLine],
    *,
    namespace: str = "bundle",
    file: str = "",
    batch: int = BATCH,
    progress: Callable[[Report], None] = lambda _: None,
    is_vouched_for: bool = True,
    is_strict: bool = False,
) -> Report:
    """Record lines in batches; a refused line is reported and does not affect the others.

    A line without an id that books money is recognised as a repetition only in a file of the same
    name.

    If ``is_vouched_for``, the operator vouches for all statements; otherwise, a statement about
    somebody else's work is pending, as if its author had sent it. Unless ``is_strict``, a piece is
    recorded without its refused sources, and without a date in the future.
    """
    report, ids, judge = Report(), Ids(namespace, file), Judge()
    commands = _Commands(journal, ids, report, is_vouched_for=is_vouched_for, is_strict=is_strict)
    with uncollected():
        for whole, lines in groupby(found, key=lambda one: one.line.get("type") == "fact"):
            for page in _pages(lines, batch):
                if whole:
                    _restore(journal, page, report, judge)
                else:
                    commands.carry_out(page)
                progress(report)
                if report.has_refusals:
                    gc.collect(0)  # frees what they left, but skips what earlier pages keep
    return report


def _pages(lines: Iterable[FoundLine], size: int) -> Iterator[list[FoundLine]]:
    """The lines of each append; one that needs a recorded lineage begins a new append.

    Revenue counts as many lines as it has kinds of sale: an append that takes long to decide would
    be decided again and again while others book in the same pool.
    """
    page: list[FoundLine] = []
    count = 0
    for found in lines:
        if page and found.line.get("type") in OVER_LINEAGE:
            yield page
            page, count = [], 0
        page.append(found)
        sold = found.line.get("sold")
        count += len(sold) if sold and isinstance(sold, list) else 1
        if count >= size:
            yield page
            page, count = [], 0
    if page:
        yield page


class _Commands:
    """Carries out the lines with commands; what one append has read is there for the next one."""

    def __init__(
        self, journal: Journal, ids: Ids, report: Report, *, is_vouched_for: bool, is_strict: bool
    ) -> None:
        self._journal, self._ids, self._report, self._is_strict = journal, ids, report, is_strict
        self._reached: dict[str, int] = {}
        """By target: the position up to which its requests were compared with lines."""
        self._terms: dict[str, Any] = {
            "once": self._reached,
            "near": Neighbours(journal.facts),
            "is_vouched_for": is_vouched_for,
        }

    def carry_out(self, page: Sequence[FoundLine]) -> None:
        """Carry out the lines of a page in one append, or in several if they divide very much.

        If a fact of one is too large, each half is an append, until this line alone is refused.
        """
        # Each line is read once: its id depends on how often a line without one came before.
        self._carry_out([(found, self._step(found)) for found in page])

    def _carry_out(self, steps: Sequence[Step]) -> None:
        while steps:
            try:
                steps = steps[self._append(steps) :]
            except TooLarge as refusal:
                half = len(steps) // 2
                if not half:
                    ((found, _),) = steps
                    id = _made_by(found.line, self._ids)
                    failed = {id: found.where} if id else {}
                    self._report.add(Report(refused=[_refused(found, refusal)], failed=failed))
                    return
                self._carry_out(steps[:half])
                steps = steps[half:]

    def _append(self, steps: Sequence[Step]) -> int:
        """Carry out lines in one append until it divides among very many; returns how many."""
        ready = [step for _, step in steps if isinstance(step, ReadyLine)]
        touched = {id for step in ready for id in step.touched}
        asked = {id for step in ready for id in (step.command.target(step.by), step.earlier) if id}

        def take_all(draft: Draft) -> tuple[Draft, _Page, int]:
            draft.repetitions.prefetch(asked)
            draft.prefetch_edges(touched)
            told = _Page(draft, self._ids, self._report.failed, is_strict=self._is_strict)
            shares = 0
            for number, (found, step) in enumerate(steps, start=1):
                before = len(draft.facts)
                told.take(found, step)
                shares += sum(len(getattr(one, "lines", ()) or ()) for one in draft.facts[before:])
                if shares >= SHARES:
                    return draft, told, number
            return draft, told, len(steps)

        taken: int
        (draft, told, taken), positions = self._journal.decided(
            take_all, about=touched, **self._terms
        )
        self._reached.update(draft.repetitions.reached(positions))
        self._report.add(told)
        return taken

    def _step(self, found: FoundLine) -> ReadyLine | BadLine:
        try:
            return BadLine(found.error) if found.error else step_of(found.line, self._ids)
        except BadLine as refusal:
            return refusal


BARE = "“{0}” is a name here. If what has this id in the bundle is meant, write “@{0}”."


class _Page(Report):
    """The lines of one append."""

    def __init__(
        self, draft: Draft, ids: Ids, failed: Mapping[str, str], *, is_strict: bool
    ) -> None:
        super().__init__()
        self._draft, self._ids, self._failed, self._is_strict = draft, ids, failed, is_strict

    def take(self, found: FoundLine, step: ReadyLine | BadLine) -> None:
        """Carry out a line, or refuse it."""
        before = len(self._draft.facts)
        bare = () if isinstance(step, BadLine) else dict.fromkeys(map(BARE.format, step.bare))
        try:
            if isinstance(step, BadLine):
                raise step
            warnings = self._carried_out(found, step)
        except Refusal as refusal:
            if id := _made_by(found.line, self._ids):
                self.failed[id] = found.where
            refused = self._of(found, refusal, found.line)
            self.refused.append(refused._replace(reason=" ".join([refused.reason, *bare])))
            return
        count = self.recorded if len(self._draft.facts) > before else self.unchanged
        count[found.line["type"]] += 1
        self.warned += [WarnedLine(found.where, one) for one in (*warnings, *bare)]

    def _carried_out(self, found: FoundLine, step: ReadyLine) -> list[str]:
        command = self._as_before(step)
        if isinstance(command, RecordRevenue):
            return self._booked(found, command, step)
        try:
            return self._warnings_of(command, step)
        except Refusal:
            if isinstance(command, SubmitContribution) and not self._is_strict:
                return self._part_by_part(found, command, step)
            raise

    def _as_before(self, step: ReadyLine) -> Command:
        """The command with its earlier id as the one it creates, if a request has used that id."""
        if step.earlier is None or not self._draft.repetitions.about(step.earlier):
            return step.command
        again: Command = replace(
            cast("Any", step.command), **{step.command.subject(): step.earlier}
        )
        return again

    def _booked(self, found: FoundLine, command: RecordRevenue, step: ReadyLine) -> list[str]:
        before = len(self._draft.facts)
        command = restated(self._draft, found.line, command)
        try:
            warnings = self._warnings_of(command, step)
        except IdTaken:  # recorded before: from this statement by somebody else, or other amounts
            if not (is_of_shop(found.line) and is_alike(self._draft, command)):
                raise
            warnings = []
        self.booked[str(command.id)] = found.where
        is_known = len(self._draft.facts) == before
        return warnings + (remarks(self._draft, found.line, command) if is_known else [])

    def _warnings_of(self, command: Command, step: ReadyLine) -> list[str]:
        answer = self._draft.carry_out(command, step.by, key=step.key)
        return [self._ids.in_its_words(one.detail) for one in answer.warnings]

    def _part_by_part(
        self, found: FoundLine, command: SubmitContribution, step: ReadyLine
    ) -> list[str]:
        """Record a piece first, then each of its sources that is not refused."""
        id, alone = command.target(step.by) or "", replace(command, sources=())
        try:
            warnings = self._warnings_of(alone, step)
        except MadeInFuture as refusal:
            warnings = self._warnings_of(replace(alone, made_at=None), step)
            line = {"type": "work.redate", "id": id, "made_at": command.made_at}
            line |= {"reason": "It was in the future.", **_by(found.line)}
            self.left_out.append(self._of(found, refusal, line))
        unkeyed = step._replace(key=None)
        for number, source in enumerate(command.sources):
            remix = part_id(id, "source", number)
            said: dict[str, Any] = {"id": remix, "child": id, "parent": source.work}
            said |= {"uri": source.uri, "kind": source.kind, "rate": source.rate}
            said |= {"evidence": source.note, "ai": source.ai, "ai_tool": source.ai_tool}
            conflicts = partial(self._conflicts, command.licence, said, source.licence)
            warnings += self._or_left_out(found, DeclareRemix, said, unkeyed, conflicts)
            if self._is_there(remix):
                warnings += self._described(found, remix, source, unkeyed)
        return warnings

    def _conflicts(
        self, licence: str | None, said: Mapping[str, Any], of_source: str | None
    ) -> list[str]:
        """Warn of, or refuse, a remix by what is said of its source, which is not on record yet."""
        draft = self._draft
        if of_source is None or self._is_there(said["id"]):
            return []
        remix = DeclareRemix.of(said).read(draft.now)
        parent, _ = source_of(draft, remix.parent, remix.uri)
        draft.warnings = []
        if licence_on_record(draft, parent) is None:
            must_suit_licence(draft, remix.child, licence, parent, remix.kind, [of_source])
        return [self._ids.in_its_words(one.detail) for one in draft.warnings]

    def _described(
        self, found: FoundLine, remix: str, source: Source, step: ReadyLine
    ) -> list[str]:
        """State what a piece says of an outside source, if nobody has stated it yet.

        Later than in one append with the piece, only the operator may, who speaks for it.
        """
        said = {name: getattr(source, name) for name in ("title", "creators", "licence")}
        parent = self._draft.work(self._draft.get(Remix, remix).parent)
        if not (isinstance(parent, Outside) and parent.title is None and any(said.values())):
            return []
        by = OPERATOR if self._draft.is_vouched_for else step.by
        said["id"] = parent.id
        return self._or_left_out(found, DescribeWork, said, step._replace(by=by))

    def _or_left_out(
        self,
        found: FoundLine,
        command: type[Command],
        said: Mapping[str, Any],
        step: ReadyLine,
        before: Callable[[], list[str]] = list,
    ) -> list[str]:
        """Carry out a command or, if it is refused, report it as a line of its own.

        ``before`` also gives warnings, or refuses it.
        """
        try:
            return before() + self._warnings_of(command.of(said), step)
        except Refusal as refusal:
            stated = {name: value for name, value in said.items() if value is not None}
            line = {"type": command.NAME, **stated, **_by(found.line)}
            self.left_out.append(self._of(found, refusal, line))
            return []

    def _of(self, found: FoundLine, refusal: Refusal, line: Line) -> RefusedLine:
        reason = self._ids.in_its_words(refusal)
        if isinstance(refusal, IdTaken) and is_of_shop(line):
            reason = otherwise(self._draft, str(refusal.details["id"]))
        if isinstance(refusal, Unknown) and (named := refusal.details.get("id")):
            id = str(named)
            if where := self.failed.get(id) or self._failed.get(id):
                reason += f" It should have come from {where}, which was refused."
            elif near := self._ids.alike(refusal.noun(), id, self._is_there):
                reason += f" Did you mean {' or '.join(near)}?"
        return RefusedLine(found.where, refusal.code, reason, line)

    def _is_there(self, id: str) -> bool:
        return bool(self._draft.stream(id))


def _made_by(line: Line, ids: Ids) -> str | None:
    """The id of the noun that a line should have created; None if it states none."""
    name, id = line.get("type"), line.get("id")
    command = COMMANDS.get(name) if isinstance(name, str) else None
    if command is None or command.MAKES is None or not isinstance(id, str) or HALF.search(id):
        return None
    return ids.named(command.MAKES, id)


def _by(line: Line) -> Line:
    return {"by": line["by"]} if "by" in line else {}


def _restore(journal: Journal, page: list[FoundLine], report: Report, judge: Judge) -> None:
    """Restore whole facts; facts that are already there count as unchanged.

    Each is judged as in an audit. If a fact is so damaged that judging fails, its page is restored
    fact by fact, so that exactly this one is refused.
    """
    refusing: dict[int, str] = {}
    for _ in attempts():
        broken = any(one.line.get("type") == "fact" for one in report.refused)
        lines = [found.line for found in page]
        try:
            restoration = Restoration(journal, lines, broken=broken, refusing=refusing)
            told = _put(restoration, page)
            if refused := judge.first(journal, restoration.placed):
                refusing = dict([refused])
                continue
            restoration.commit()
        except IntegrityError:
            continue
        except DAMAGED as error:
            if len(page) > 1:
                for one in page:
                    _restore(journal, [one], report, judge)
                return
            told = Report(refused=[_refused(page[0], NotRestored(f"{UNLIKE}: {error!r}"))])
        report.add(told)
        return
    raise Busy


UNLIKE = "it does not follow from the facts before it"


def _put(restoration: Restoration, page: list[FoundLine]) -> Report:
    """Add to the restoration the facts of a page that can be restored; reports each fact."""
    told = Report()
    for found in page:
        try:
            count = told.recorded if restoration.put(found.line) else told.unchanged
            count["fact"] += 1
        except Refusal as refusal:
            restoration.broken = True
            told.refused.append(_refused(found, refusal))
    return told


def _refused(found: FoundLine, refusal: Refusal) -> RefusedLine:
    return RefusedLine(found.where, refusal.code, str(refusal), found.line)
