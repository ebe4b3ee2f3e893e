"""Importing a bundle: its lines carried out in batches, each batch one append.

The one rule: a line is recorded completely or refused with its number and reason, and importing the
same lines twice changes nothing.
"""

from __future__ import annotations

from collections import ChainMap, Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import groupby, islice

from eventsourcing.persistence import IntegrityError

from domain.draft import Draft
from domain.journal import Journal
from domain.refusal import Busy, Refusal
from projections.follower import uncollected
from scripts.bundle.lines import BadLine, Found, Ids, Line, Refused, Report, Step, Warned, step_of
from scripts.bundle.whole import Restoration

OVER_LINEAGE = ("proposal", "proposal.revise", "payout")
"""Lines that are computed over a recorded lineage."""
BATCH = 500
"""How many lines are recorded in one append."""
ATTEMPTS = 12


def import_lines(
    journal: Journal,
    found: Iterable[Found],
    *,
    namespace: str = "bundle",
    file: str = "",
    batch: int = BATCH,
    progress: Callable[[Report], None] = lambda _: None,
    is_vouched_for: bool = True,
) -> Report:
    """Record lines in batches; each refused one is reported and does not affect the others.

    Money that a line without an id books is the same again only in a file of the same name.

    The operator vouches for what everybody says in them; otherwise, what somebody says of another's
    work is pending, as if they had sent it.
    """
    report, ids = Report(), Ids(namespace, file)
    reached: dict[str, int] = {}
    for whole, lines in groupby(found, key=lambda one: one.line.get("type") == "fact"):
        for page in _pages(lines, batch):
            with uncollected():
                if whole:
                    _restore(journal, page, report)
                else:
                    draft = partial(journal.draft, is_vouched_for=is_vouched_for)
                    _carry_out(draft, journal, page, ids, reached, report)
            progress(report)
    return report


def _pages(lines: Iterator[Found], size: int) -> Iterator[list[Found]]:
    """Lines by append; one that needs a recorded lineage begins another."""
    waiting: list[Found] = []
    while True:
        page, waiting = waiting, []
        with uncollected():
            for found in islice(lines, size - len(page)):
                if page and found.line.get("type") in OVER_LINEAGE:
                    waiting = [found]
                    break
                page.append(found)
        if not page:
            return
        yield page


def _carry_out(
    drafted: Callable[..., Draft],
    journal: Journal,
    page: list[Found],
    ids: Ids,
    reached: dict[str, int],
    report: Report,
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
        warned: list[Warned] = []
        recorded, unchanged = Counter[str](), Counter[str]()
        refused: list[Refused] = []
        draft = drafted(once=ChainMap({}, reached))
        draft.prefetch(touched)
        draft.prefetch_requests(touched)
        for found, step in steps:
            try:
                if isinstance(step, BadLine):
                    raise step
                before = len(draft.facts)
                command = draft.as_before(step.command, step.earlier)
                answer = draft.carry_out(command, step.by, key=step.key)
            except Refusal as refusal:
                refused.append(_refused(found, step, refusal))
            else:
                count = recorded if len(draft.facts) > before else unchanged
                count[found.line["type"]] += 1
                warned += [Warned(found.where, one.detail) for one in answer.warnings]
        if refused and draft.is_overtaken:
            continue
        try:
            positions = journal.commit(draft)
        except IntegrityError:
            continue
        reached.update(draft.reached(positions))
        report.recorded += recorded
        report.unchanged += unchanged
        report.refused += refused
        report.warned += warned
        return
    raise Busy


def _refused(found: Found, step: Step | BadLine, refusal: Refusal) -> Refused:
    reason = str(refusal) if isinstance(step, BadLine) else in_its_words(found.line, step, refusal)
    return Refused(found.where, refusal.code, reason, found.line)


def in_its_words(line: Line, step: Step, refusal: Refusal) -> str:
    """The message of a refusal with the ids of the line in place of ours."""
    reason = str(refusal)
    for name, value in line.items():
        own = getattr(step.command, name, None)
        if isinstance(value, str) and isinstance(own, str):
            reason = reason.replace(own, value)
    return reason


def _restore(journal: Journal, page: list[Found], report: Report) -> None:
    """Restore whole facts; those already there are unchanged."""
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
