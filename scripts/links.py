"""The audit of what protects the facts: links, heads, signatures and triggers."""

from __future__ import annotations

from base64 import b64encode

from domain.chain import Signatures, concerns_keys, content_of, link_facts
from domain.receipt import Leaf
from domain.signature import must_fit
from domain.stored import HEADS, Placed
from domain.tree import NotVerified, leaf_hash
from projections.progress import Progress
from projections.wording import several
from scripts.difference import Differences, all_pages, at, at_one_moment
from scripts.layout import TABLES
from scripts.service import Service


@at_one_moment
def links(service: Service, progress: Progress) -> Differences:
    """Check that every fact links to its predecessors, and that the heads are the last facts."""
    count, told = 0, dict[str, tuple[int, int, str]]()
    for page in all_pages(service, progress):
        expected = link_facts(
            [placed[:5] for placed in page], [placed.fact().subjects() for placed in page], told
        )
        for placed, own in zip(page, expected, strict=True):
            count += 1
            if placed.links != own:
                yield at(placed.position, "it does not name the facts before it about the same")
                _believe(placed, told)
    yield from _heads(service, told, service.journal.facts.head())
    return f"{several(count, 'fact')} in {several(len(told), 'chain')}, each with its head"


def _believe(placed: Placed, told: dict[str, tuple[int, int, str]]) -> None:
    """Continue from the links that a fact states, so that one fault is reported only once."""
    hash = b64encode(leaf_hash(placed.leaf())).decode()
    told |= {one.subject: (one.number, placed.position, hash) for one in placed.linked()}


def _heads(service: Service, told: dict[str, tuple[int, int, str]], upto: int) -> Differences:
    kept = {
        subject: tuple(row)
        for subject, *row in service.engine.query(
            f"SELECT subject, number, position, hash FROM {HEADS.name}"
        )
    }
    for subject in sorted(kept.keys() | told.keys()):
        there, expected = kept.get(subject), told.get(subject)
        if there != expected:
            yield at(
                expected[1] if expected else upto,
                f"the head of {subject} is {_shown(there)}; the facts give {_shown(expected)}",
            )
    return ""


def _shown(head: tuple[int, int, str] | tuple[object, ...] | None) -> str:
    return "missing" if head is None else f"fact {head[0]} at position {head[1]}"


@at_one_moment
def signatures(service: Service, progress: Progress) -> Differences:
    """Check that signatures are by keys in the log, and that facts agree with what was signed."""
    known, fitting, erased = Signatures(), 0, 0
    for page in all_pages(service, progress):
        leaves = [Leaf(*one[:5]) for one in page if concerns_keys(one.topic, one.state)]
        contents = [content_of(leaf) for leaf in leaves]
        signed = [str(content["message"]) for content in contents if "message" in content]
        messages = service.journal.facts.texts(signed) if signed else {}
        for leaf, content in zip(leaves, contents, strict=True):
            try:
                known.follow(leaf, content)
                if (message := messages.get(str(content.get("message")))) is not None:
                    must_fit(
                        message, content, leaf.topic, leaf.originator_id, leaf.originator_version
                    )
                    fitting += 1
                else:
                    erased += "message" in content
            except NotVerified as problem:
                yield at(leaf.position, str(problem).removeprefix(f"position {leaf.position}: "))
    gone = f", {erased} whose message was erased" if erased else ""
    return f"{fitting} facts as they were signed{gone}"


@at_one_moment
def guards(service: Service, progress: Progress) -> Differences:
    """Check that the triggers that protect facts and heads, and all indexes, are there."""
    for table in TABLES:
        for name in service.engine.unguarded(table):
            yield at(table.name, f"the trigger {name} is missing or changed (see “stemma upgrade”)")
        for name in service.engine.unindexed(table):
            yield at(table.name, f"the key or index {name} is missing (see “stemma upgrade”)")
    progress(len(TABLES), len(TABLES))
    return f"{several(len(TABLES), 'table')} with their triggers and indexes"
