"""Citing many works at once: each line by itself, with what became of it.

A line that can't be read, is unknown or is refused stops no other. What is cited already stays as
it is, so that a list can be sent again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, TypedDict, cast
from uuid import UUID

from marshmallow import fields

from api import percentages
from api.authentication import actor, must_include
from api.fields import BoundedList, ExactSchema
from api.problems import of_refusal
from api.routes import Routes
from domain.commands.deriving import DeclareRemix
from domain.identity import may_be_id
from domain.journal import Journal
from domain.outside import normal_uri, outside_id
from domain.refusal import Refusal, UnknownWork
from domain.remix import REMIX_KINDS, exact_rate
from domain.value import Example, one_of
from domain.values import EDGE, POEM, RemixId, WorkId
from projections import likely, lineage, searching
from projections.store import Store, View
from projections.told import Count

USUAL_KIND = "sample"
MOST_LINES = 1_000
MOST_NAMED = 5
"""How many works an ambiguous title names."""
OUTCOMES = {
    "cited": "It is cited now.",
    "already_cited": "It was cited before; nothing was recorded.",
    "unknown": "There is nothing by this id, address or title.",
    "ambiguous": "Several works have this title: name one by its id.",
    "refused": "It may not be cited; the reason is given.",
    "unreadable": "The line is not an id, an address or a title, and perhaps a kind and a rate.",
}
BEFORE = "It was cited before, as {how}; nothing was recorded."
OTHERWISE = " To change that, dispute the remix; to add to it, declare another."
"""Follows if it was not cited as the line says."""
UNREADABLE = ("bad_uri", "bad_rate", "bad_text", "text_too_long")
"""The codes of refusals of a line's form."""
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+\Z")
_RATE = re.compile(r"[0-9]+([./][0-9]+|([.,][0-9]*)?%)\Z")
_QUOTED = re.compile(r"[“\"](.+)[”\"]\Z")


class LineTold(TypedDict):
    """What became of a line."""

    line: Annotated[Count, "Its number, from 1.", Example(1)]
    text: Annotated[str, "The line.", Example("https://example.org/waves sample 1/10")]
    outcome: Annotated[str, "What became of it.", one_of(OUTCOMES)]
    detail: Annotated[str, "The same as a sentence, with the reason.", Example("It is cited now.")]
    code: Annotated[str | None, "The code of a refusal."]
    work: Annotated[WorkId | None, "What is cited.", Example(POEM)]
    remix: Annotated[
        RemixId | None, "The new remix, or the first by which it was cited before.", Example(EDGE)
    ]
    position: Annotated[Count | None, "Where in the journal it is recorded.", Example(42)]


class Citation(NamedTuple):
    """A line as it was read: what is cited, as what, and at which rate."""

    source: str
    kind: str
    rate: str | None
    is_title: bool = False


class CitedTold(TypedDict):
    """What became of each line that is not empty."""

    items: list[LineTold]


class CiteWorks(ExactSchema):
    """What is cited, one a line."""

    lines = BoundedList(
        fields.String(),
        "Each an id, an address or a whole title, then perhaps a kind (default sample) and a rate. "
        "A title in quotation marks is never taken for anything else.",
        most=MOST_LINES,
        example=["https://example.org/waves sample 1/10"],
        required=True,
    )


def citations(journal: Journal, store: Store, routes: Routes) -> None:
    """Add the route by which many works are cited at once."""

    path = "/works/<id(work):id>/citations"

    @routes.changes(path, CiteWorks, CitedTold, "What became of each line.", (UnknownWork,))
    def cite_works(id: str, lines: list[str]) -> Mapping[str, Any]:
        """Cite many works at once as sources of a work, and hear of each what became of it.

        A line that can't be read, is unknown or is refused stops no other. What is cited already
        stays as it is.
        """
        must_include(DeclareRemix)
        return {"items": cite(journal, store, id, lines, actor())}


def cite(
    journal: Journal,
    store: Store,
    work: str,
    lines: Iterable[str],
    actor: str,
    named: Callable[[str], str | None] = lambda _: None,
) -> list[LineTold]:
    """Cite what each line names as a source of a work; refuses (``UnknownWork``).

    ``named`` resolves a client's own names to ids.
    """
    with store.view() as view:
        node = lineage.find(view, work)
        citing = _Citing(journal, view, work, actor, likely.cited_by(view, node.number), named)
        numbered = ((number, line.strip()) for number, line in enumerate(lines, 1))
        wanted = [(n, line) for n, line in numbered if line and not line.startswith("#")]
        return [citing.tell(number, line) for number, line in wanted[:MOST_LINES]]


class _Citing:
    """The lines about one work, one after the other."""

    def __init__(
        self,
        journal: Journal,
        view: View,
        work: str,
        actor: str,
        cited: Sequence[likely.Cited],
        named: Callable[[str], str | None],
    ) -> None:
        self.journal, self.view, self.work, self.actor = journal, view, work, actor
        self.own_name = named
        found = lineage.rows_of(view, {one.parent for one in cited})
        self.cited = defaultdict[str, list[likely.Cited]](list)
        for one in cited:
            self.cited[found[one.parent].id].append(one)

    def tell(self, number: int, line: str) -> LineTold:
        """What became of a line."""
        told: dict[str, Any] = {"line": number, "text": line, "outcome": "cited"}
        told |= {"detail": OUTCOMES["cited"], "code": None}
        told |= dict.fromkeys(("work", "remix", "position"))
        try:
            told |= self._cited(read(line))
        except Refusal as refusal:
            outcome = "unreadable" if refusal.code in UNREADABLE else "refused"
            said = of_refusal(refusal).description
            told |= {"outcome": outcome, "code": refusal.code, "detail": said}
        return cast("LineTold", told)

    def _cited(self, said: Citation) -> dict[str, Any]:
        """Cite the source of a line, unless it is unknown, ambiguous or cited already."""
        ids = list(self._named(said))
        if len(ids) > 1:
            named = ", ".join(ids[:MOST_NAMED])
            return {"outcome": "ambiguous", "detail": f"{OUTCOMES['ambiguous']} {named}"}
        if not ids:
            return {"outcome": "unknown", "detail": OUTCOMES["unknown"]}
        (id,) = ids
        if there := self.cited[id]:
            how = " and ".join(one.kind + (f" at {one.rate}" if one.rate else "") for one in there)
            is_same = any(one.is_as(said.kind, said.rate) for one in there)
            detail = BEFORE.format(how=how) + ("" if is_same else OTHERWISE)
            return {
                "outcome": "already_cited",
                "detail": detail,
                "work": id,
                "remix": there[0].id,
            }
        is_uri = not said.is_title and not may_be_id(said.source)
        of = {"uri": said.source} if is_uri else {"parent": id}
        asked = {"child": self.work, "kind": said.kind, "rate": said.rate, **of}
        receipt = self.journal.record(DeclareRemix.of(asked), by=self.actor)
        self.cited[id].append(likely.Cited(0, receipt.id, said.kind, said.rate))
        return {"work": id, "remix": receipt.id, "position": receipt.position}

    def _named(self, said: Citation) -> Iterator[str]:
        """The ids of the nodes that a line may mean."""
        own = self.own_name(said.source) if said.is_title else None
        if own is not None and self.view.numbers("works", [own]):
            yield from self._named(Citation(own, said.kind, said.rate))
        elif said.is_title:
            found = searching.entitled(self.view, said.source, MOST_NAMED)
            yield from lineage.ids_of(self.view, found).values()
        elif may_be_id(said.source):
            for number in self.view.numbers("works", [said.source]).values():
                (node,) = lineage.rows_of(self.view, [number]).values()
                yield from lineage.ids_of(self.view, [node.node]).values()
        else:
            id = outside_id(normal_uri(said.source))
            yield lineage.nodes_of(self.view, [id]).get(id, id)


def read(line: str) -> Citation:
    """A line: an id, an address or a title, then perhaps a kind and a rate."""
    words, rate, kind = percentages.joined(line).split(), None, USUAL_KIND
    if len(words) > 1 and _RATE.match(words[-1]):
        rate = exact_rate(percentages.rate(words.pop()))
    if len(words) > 1 and words[-1] in REMIX_KINDS:
        kind = words.pop()
    source = " ".join(words)
    if quoted := _QUOTED.match(source):
        return Citation(quoted[1], kind, rate, is_title=True)
    if may_be_id(source):
        return Citation(str(UUID(source)), kind, rate)
    if ("://" in source and len(words) == 1) or _URI.match(source):
        return Citation(normal_uri(source), kind, rate)
    return Citation(source, kind, rate, is_title=True)
