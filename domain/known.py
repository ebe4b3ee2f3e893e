"""What is known at a position of the journal: edges, lineages and people, read from facts alone.

Nothing recorded after the position ever changes an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeVar

from domain.contributor import Contributor
from domain.credit import Credit
from domain.fact import Fact, Noun
from domain.grant import Grant
from domain.lineage import Edge, Lineage, equal_holders
from domain.money.revenue import Booked
from domain.money.split import MAXIMUM_EDGES
from domain.outside import Outside, outside_id
from domain.recorders import JournalRecorder
from domain.refusal import SplitTooLarge, UnknownWork
from domain.remix import Remix, exact_rate

N = TypeVar("N", bound=Noun)


@dataclass(frozen=True)
class Known:
    """The journal up to a position, and the facts that a draft is about to record after it."""

    facts: JournalRecorder
    upto: int
    pending: Collection[tuple[int, Fact]] = ()

    def edges(self, works: Collection[str], ends: Iterable[str] = ("child",)) -> list[Remix]:
        """The edges that count and have one of these works at an end."""
        remixes = {id: None for end in ends for id in self._found(Remix.BIRTHS, end, works)}
        return [remix for remix in self._nouns(Remix, remixes) if remix.counts]

    def edges_above(self, work: str) -> list[Remix]:
        """All edges above a work, through every generation."""
        found: list[Remix] = []
        reached = level = {work}
        while level:
            edges = self.edges(level)
            found += edges
            level = {edge.parent for edge in edges} - reached
            reached = reached | level
        return found

    def works_above(self, work: str) -> set[str]:
        """A work and everything it was made from."""
        return {work, *(edge.parent for edge in self.edges_above(work))}

    def lineage(self, work: str, default_rate: str | None = None) -> Lineage[str]:
        """A work's lineage with its people; an edge without a rate has the default one."""
        edges = self.edges_above(work)
        if len(edges) > MAXIMUM_EDGES:
            raise SplitTooLarge("edges in a graph", MAXIMUM_EDGES)
        works = {work, *(edge.parent for edge in edges)}
        born = self.facts.births(works)
        if not 0 < born.get(work, 0) <= self.upto:
            raise UnknownWork(work)
        edges.sort(key=lambda each: (born[each.child], born[each.parent], each.kind, each.id))
        default, people = exact_rate(default_rate), self._people(works)
        recorded = (
            Edge(each.child, each.parent, each.kind, each.rate, each.id, each.state)
            for each in edges
        )
        holders = {each: equal_holders(each, people.get(each, ())) for each in works}
        return Lineage(work, tuple(recorded), holders).with_default(default)

    def credits(self, works: Collection[str]) -> list[Credit]:
        """The credits on these works, in every state."""
        return self._nouns(Credit, self._found(Credit.BIRTHS, "work", works))

    def _people(self, works: Collection[str]) -> dict[str, list[str]]:
        """Who is credited directly on each work, in the order of the credits."""
        found = self.credits(works)
        credits = [one for one in found if one.counts and one.kind == "direct"]
        persons = self.persons({credit.contributor for credit in credits})
        people: dict[str, dict[str, None]] = {}
        for credit in credits:
            people.setdefault(credit.work, {})[persons[credit.contributor]] = None
        return {work: list(held) for work, held in people.items()}

    def persons(self, ids: Collection[str]) -> dict[str, str]:
        """The person whom each account belongs to after all merges; almost none is ever merged."""
        into = {one.id: one.merged_into for one in self._nouns(Contributor, ids)}
        further = self.persons({id for id in into.values() if id}) if any(into.values()) else {}
        return {id: further[target] if target else id for id, target in into.items()}

    def accounts(self, person: str) -> list[str]:
        """The account of a person, and all that are merged into it, directly or not."""
        found = level = [person]
        while level:
            merged = dict.fromkeys(self._found((Contributor.Merged,), "into", level))
            level = [one.id for one in self._nouns(Contributor, merged) if one.merged_into in level]
            found = found + level
        return found

    def outside(self, uri: str) -> str:
        """The id for a normal URI: of the source that was cited by another spelling, if any."""
        return next(iter(self._found((Outside.Cited,), "uri", [uri])), outside_id(uri))

    def grants(self, field: str, values: Collection[str]) -> list[Grant]:
        """The roles that are held, found by who has them or by the role."""
        found = dict.fromkeys(self._found((Grant.Granted,), field, values))
        return [grant for grant in self._nouns(Grant, found) if grant.holds]

    def of_document(self, kind: type[Booked], paper: str) -> dict[str, str]:
        """By revenue or expense of a pool and an amount: the commitment to its document."""
        recorded = self.facts.found([f"{kind.TOPIC}.paper"], [paper], self.upto)
        facts = [*(placed.fact() for placed in recorded), *(each for _, each in self.pending)]
        booked = (each for each in facts if isinstance(each, kind) and each.paper == paper)
        return {each.originator_id: each.document for each in booked if each.document}

    def _found(
        self, kinds: tuple[type[Fact], ...], field: str, values: Collection[str]
    ) -> list[str]:
        """The nouns with a fact of these kinds that has one of these values in a field."""
        return [each.originator_id for each in self.saying(kinds, field, values)]

    def saying(
        self, kinds: tuple[type[Fact], ...], field: str, values: Collection[str]
    ) -> list[Fact]:
        """The facts of these kinds that have one of these values in a field."""
        fields = [f"{kind.TOPIC}.{field}" for kind in kinds]
        recorded = self.facts.found(fields, values, self.upto)
        pending = (each for _, each in self.pending if isinstance(each, kinds))
        return [
            *(placed.fact() for placed in recorded),
            *(each for each in pending if getattr(each, field) in values),
        ]

    def _nouns(self, kind: type[N], ids: Collection[str]) -> list[N]:
        """These nouns as they are known, in the order of their ids as given."""
        streams: dict[str, list[tuple[int, Fact]]] = {id: [] for id in ids}
        for placed in self.facts.streams(ids):
            if placed.position <= self.upto:
                streams[placed.originator_id].append((placed.position, placed.fact()))
        for position, happened in self.pending:
            if happened.originator_id in streams:
                streams[happened.originator_id].append((position, happened))
        return [kind.told_by(stream) for stream in streams.values() if stream]
