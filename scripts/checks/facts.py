"""Audits the facts: their positions, form, index and histories, and the lineage."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from domain.clock import Clock, stamp_of
from domain.contribution import Contribution
from domain.dates import is_surely_before
from domain.fact import FACTS, Fact, Noun
from domain.journal import Journal
from domain.nouns import BORN, NOUNS, may_stand_at
from domain.refusal import Refusal
from domain.release import Release
from domain.remix import Remix
from domain.stored import Placed
from domain.work import Work
from projections.progress import Progress
from projections.wording import several
from scripts.bundle.whole import content_of
from scripts.difference import (
    PAGE,
    Difference,
    Differences,
    all_facts,
    all_pages,
    at,
    at_one_moment,
)
from scripts.service import Service


@at_one_moment
def journal(service: Service, progress: Progress) -> Differences:
    """Positions have no gaps, and every fact is of a known kind and stored in its normal form."""
    backwards, set_back = list[int](), list[int]()
    count, position, last = 0, 0, ""
    for placed in all_facts(service, progress):
        if placed.position != position + 1:
            yield at(position + 1, f"there is no fact; the next is at {placed.position}")
        count, position = count + 1, placed.position
        stamp = stamp_of(placed.state)
        if stamp < last:
            (set_back if placed.topic == Clock.Accepted.TOPIC else backwards).append(position)
        last = stamp
        try:
            content_of(placed)
            written = service.journal.mapper.to_stored_event(placed.fact())
        except (Refusal, KeyError, TypeError, ValueError, AttributeError) as error:
            yield at(position, f"this can't be a {placed.topic}: {error!r}")
        else:
            if written.state != placed.state:
                yield at(position, f"this is not the normal form of a {placed.topic}")
    told = {"time runs backwards": backwards, "the clock was set back": set_back}
    return f"{count} facts, without a gap" + "".join(_times(*one) for one in told.items())


def _times(what: str, positions: list[int]) -> str:
    """Where facts before bear later times; only reported.

    Version 0.1 did not prevent it, and a clock that was ahead by mistake has to be set right. But
    meanwhile it may have ended a time to comment or to answer too early.
    """
    if not positions:
        return ""
    return f"; {what} at {len(positions)} of them, first at position {positions[0]}"


@at_one_moment
def index(service: Service, progress: Progress) -> Differences:
    """The index finds every fact by its fields and holds nothing else."""
    count = 0
    for page in all_pages(service, progress):
        expected = {
            (one.value, one.field, placed.position, one.leads_to)
            for placed in page
            for one in placed.fact().found_by()
        }
        count += len(expected)
        rows = service.engine.query(
            "SELECT value, field, position, leads_to FROM found WHERE value IN :values "
            "AND position >= :first AND position <= :last",
            values=list({value for value, *_ in expected}),
            first=page[0].position,
            last=page[-1].position,
        )
        differing = {one[:3] for one in expected.symmetric_difference(rows)}
        for _, field, position in sorted(differing):
            yield at(position, f"the index differs in {field}")
    (kept,) = service.engine.query("SELECT count(*) FROM found")[0]
    if kept != count:
        yield at("the index", f"{several(kept - count, 'entry', 'entries')} without a fact")
    return f"{several(count, 'entry', 'entries')}, each of a fact"


_OF_NOUN: dict[type[Noun], set[type[Fact]]] = {
    noun: {
        kind
        for above in noun.__mro__
        for kind in vars(above).values()
        if isinstance(kind, type) and issubclass(kind, Fact)
    }
    for noun in NOUNS
}


@at_one_moment
def streams(service: Service, progress: Progress) -> Differences:
    """Versions count from 1 without gaps, and every fact is allowed in the state before it."""
    count, head = 0, service.journal.facts.head()
    told = 0
    for stream in _streams(service.journal):
        count, told = count + 1, told + len(stream)
        yield from _illegal(stream)
        if count % PAGE == 0:
            progress(told, head)
    return f"{several(count, 'history', 'histories')}, each as its rules allow"


def _illegal(stream: list[Placed]) -> Iterator[Difference]:
    noun: Noun | None = None
    first = FACTS.get(stream[0].topic)
    if len(stream) == 1 and stream[0].originator_version == 1 and first is not None:
        if not may_stand_at(first, 1):
            yield at(stream[0].position, f"{first.TOPIC} is fact 1 of its history")
        return
    for version, placed in enumerate(stream, start=1):
        happened, where = placed.fact(), placed.position
        kind = type(happened)
        if placed.originator_version != version:
            yield at(
                where,
                f"the fact about {placed.originator_id} has version "
                f"{placed.originator_version}, not {version}",
            )
        if not may_stand_at(kind, 1 if noun is None else version):
            yield at(where, f"{placed.topic} is fact {version} of its history")
        if noun is None:
            if kind not in BORN:
                return
            noun = BORN[kind].__new__(BORN[kind])
            noun.facts = []
        elif kind not in _OF_NOUN[type(noun)]:
            yield at(where, f"{placed.topic} can't happen to a {noun.NAME}")
        elif kind.FROM and noun.state not in kind.FROM:
            yield at(where, f"{placed.topic} can't happen to what is {noun.state}")
        noun.happen(placed.position, happened)


def _streams(journal: Journal) -> Iterator[list[Placed]]:
    """The facts of every history, read in pages."""
    last = ""
    while ids := journal.engine.query(
        "SELECT DISTINCT originator_id FROM stored_events WHERE originator_id > :last "
        "ORDER BY originator_id LIMIT 1000",
        last=last,
    ):
        last = ids[-1][0]
        stream: list[Placed] = []
        for placed in journal.facts.streams([id for (id,) in ids]):
            if stream and stream[0].originator_id != placed.originator_id:
                yield stream
                stream = []
            stream.append(placed)
        yield stream


@at_one_moment
def lineage(service: Service, progress: Progress) -> Differences:
    """The lineage has no cycle. Contradicting dates are only counted: they are statements."""
    dates, edges = dict[str, str | None](), dict[str, Remix]()
    for placed in all_facts(service, progress):
        happened = placed.fact()
        match happened:
            case Contribution.Submitted() | Release.Assembled() | Work.Redated():
                dates[placed.originator_id] = happened.made_at
            case Remix.Declared():
                edges[placed.originator_id] = Remix.told_by([(placed.position, happened)])
            case Remix.Event() if placed.originator_id in edges:
                edges[placed.originator_id].happen(placed.position, happened)
    counting = [edge for edge in edges.values() if edge.counts]
    parents: dict[str, set[str]] = {}
    for edge in counting:
        parents.setdefault(edge.child, set()).add(edge.parent)
    try:
        TopologicalSorter(parents).prepare()
    except CycleError as error:
        yield at("the lineage", f"works form a cycle: {' → '.join(error.args[1])}")
    older = [
        edge for edge in counting if is_surely_before(dates.get(edge.child), dates.get(edge.parent))
    ]
    first = f", first {older[0].child} (remix {older[0].id})" if older else ""
    many = several(len(counting), "edge")
    return f"{many}, no cycle; {len(older)} with the child dated first{first}"
