"""The graph as known at a position of the journal: edges, lineages and people, from facts alone.

Nothing recorded after the position ever changes an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from domain.contributor import Contributor
from domain.credit import Credit
from domain.fact import Fact, Noun
from domain.grant import Grant
from domain.join import MEMBERS, NODE, OF, Join
from domain.lineage import Edge, Lineage, equal_holders, once
from domain.money.entry import Entry
from domain.money.revenue import Booked
from domain.money.split import limit_edges
from domain.outside import Outside, outside_id
from domain.pending import Pending, Stream, is_born
from domain.queries import Facts
from domain.refusal import UnknownWork
from domain.remix import Remix, exact_rate
from domain.stored import Placed, facts_in

F = TypeVar("F", bound=Fact)
N = TypeVar("N", bound=Noun)
B = TypeVar("B", bound=Booked | Entry.Opened | Entry.Adjusted)

MOST_ALIKE = 100
"""A document is compared with at most this many others of the same amount, the latest."""


@dataclass(frozen=True)
class Known:
    """The journal up to a position, and the facts that a draft is about to record after it."""

    facts: Facts
    upto: int
    pending: Pending = field(default_factory=Pending)
    _nodes: dict[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Cached: the node of each work looked up so far."""
    _members: dict[str, set[str]] = field(default_factory=dict, compare=False, repr=False)

    # -- joins -----------------------------------------------------------------------------

    def node(self, work: str) -> str:
        """The node of a work after all joins."""
        return self._nodes.get(work) or self.nodes([work])[work]

    def nodes(self, works: Iterable[str]) -> dict[str, str]:
        """The node of each work after all joins; mostly the work itself."""
        wanted = list(works)
        if unknown := {work for work in wanted if work not in self._nodes}:
            self._learn(unknown)
        return {work: self._nodes[work] for work in wanted}

    def same(self, works: Iterable[str]) -> set[str]:
        """These works, and all works joined with them."""
        nodes = self.nodes(works).values()
        return {each for node in nodes for each in self.members(node)}

    def members(self, node: str) -> Collection[str]:
        """All works of a node, which must have been looked up before."""
        return self._members.get(node, (node,))

    def joins(self, works: Collection[str]) -> list[Join]:
        """The joins that count and name one of these works."""
        recorded = self.facts.found([OF], works, self.upto)
        found = dict.fromkeys(placed.originator_id for placed in recorded)
        for _, each in self.pending.of(Join.Event):
            if not {each.work, each.into}.isdisjoint(works):
                found[each.originator_id] = None
        return [join for join in self._nouns(Join, found) if join.counts]

    def _learn(self, works: set[str]) -> None:
        """Look up and cache the nodes of these works, and of all ever joined with them."""
        known, fresh, moves = set(works), works, dict[int, Join.Event]()
        while fresh:
            found = dict(self._moves(fresh))
            moves |= found
            fresh = {each for move in found.values() for each in move.subjects()} - known
            known |= fresh
        nodes = {work: work for work in known}
        for _, move in sorted(moves.items()):
            nodes |= dict.fromkeys(move.moves, move.node or "")
        self._nodes.update(nodes)
        for work, node in nodes.items():
            if work != node:
                self._members.setdefault(node, {node}).add(work)

    def _moves(self, works: Collection[str]) -> Iterator[tuple[int, Join.Event]]:
        """The facts, by position, that moved one of these works to a node or others to it."""
        for placed in self.facts.found([NODE, MEMBERS], works, self.upto):
            happened = placed.fact()
            assert isinstance(happened, Join.Event)
            yield placed.position, happened
        for position, moved in self.pending.of(Join.Event):
            if not {*moved.moves, moved.node}.isdisjoint(works):
                yield position, moved

    def as_joined(self, node: str, moved: Collection[str]) -> Known:
        """The same graph as if these works had joined the node."""
        self.same([node, *moved])
        nodes = {**self._nodes, **dict.fromkeys(moved, node)}
        members = {**self._members, node: {*self.members(node), *moved}}
        return replace(self, _nodes=nodes, _members=members)

    # -- edges -----------------------------------------------------------------------------

    def edges(
        self,
        works: Collection[str],
        ends: Iterable[str] = ("child",),
        as_one: str | None = None,
        without: str = "",
        most: int | None = None,
    ) -> list[Edge[str]]:
        """The edges between nodes that count and have one of these works at one of ``ends``.

        ``as_one`` treats these works as this one node; ``without`` leaves out one remix. With
        ``most``, they are among the latest so many recorded at each end.
        """
        same = self.same(works)
        found = self._remixes(same, ends, without, most)
        nodes = self.nodes({end for each in found for end in (each.child, each.parent)})
        if as_one is not None:
            nodes |= dict.fromkeys(same, as_one)
        if all(work == node for work, node in nodes.items()):  # none of them was joined
            return [_edge(each, nodes) for each in found]
        return once((_edge(each, nodes), (each.child, each.parent)) for each in found)

    def components(self, release: str, without: str) -> list[Remix]:
        """The components of a release that count, but for one."""
        found = self._remixes(self.same([release]), ("child",), without)
        return [one for one in found if one.kind == "component"]

    def _remixes(
        self, works: Collection[str], ends: Iterable[str], without: str, most: int | None = None
    ) -> list[Remix]:
        remixes = {id: None for end in ends for id in self._found(Remix.BIRTHS, end, works, most)}
        remixes.pop(without, None)
        return [remix for remix in self._nouns(Remix, remixes) if remix.counts]

    def edges_above(self, work: str) -> list[Edge[str]]:
        """All edges above a work, through every generation."""
        found: list[Edge[str]] = []
        level = {self.node(work)}
        reached = {*level}
        while level:
            edges = self.edges(level)
            found += edges
            level = {edge.parent for edge in edges} - reached
            reached |= level
        return found

    def children_naming(self, works: Collection[str], people: Collection[str]) -> set[str]:
        """The nodes made from these works, of those that name one of these people.

        A popular work has very many: whether these or their credits name them is looked for in what
        is stored, and only what does is read.
        """
        same = self.same(works)
        of_parent = f"{Remix.Declared.TOPIC}.parent"
        children = {child for _, child in self.facts.leads(of_parent, same, self.upto)}
        pending = self.pending.saying(Remix.BIRTHS, "parent", same)
        children.update(one.child for one in pending if isinstance(one, Remix.Event))
        near, ids = self.same(children), [id.encode() for id in people]
        credits, unrecorded = self._saying(Credit.BIRTHS, "work", near)
        placed = [*self.facts.streams(near), *credits]
        naming = facts_in([one for one in placed if any(id in one.state for id in ids)])
        found = {one.work if isinstance(one, Credit.Event) else one.originator_id for one in naming}
        found.update(one.work for one in unrecorded if isinstance(one, Credit.Event))
        found.update(work for work in near if self.pending.stream(work))
        parents = {*self.nodes(works).values()}
        return {edge.child for edge in self.edges(found) if edge.parent in parents}

    def works_above(self, work: str) -> set[str]:
        """The nodes of a work and of everything it was made from."""
        return {self.node(work), *(edge.parent for edge in self.edges_above(work))}

    def lineage(self, work: str, default_rate: str | None = None) -> Lineage[str]:
        """A work's lineage with its people; an edge without a rate gets the default rate.

        Refuses (``UnknownWork``) a work not recorded at this position, and too many edges.
        """
        edges = self.edges_above(work)
        limit_edges(len(edges))
        root = self.node(work)
        works = {root, *(edge.parent for edge in edges)}
        born = self.facts.births(works | {work})
        if not 0 < born.get(work, 0) <= self.upto:
            raise UnknownWork(work)
        edges.sort(key=lambda each: (born[each.child], born[each.parent], each.kind, each.id))
        default, people = exact_rate(default_rate), self._people(works)
        holders = {each: equal_holders(each, people.get(each, ())) for each in works}
        return Lineage(root, tuple(edges), holders).with_default(default)

    def credits(self, works: Collection[str]) -> list[Credit]:
        """The credits on these works and those joined with them, in every state."""
        return self._nouns(Credit, self._found(Credit.BIRTHS, "work", self.same(works)))

    def _people(self, works: Collection[str]) -> dict[str, list[str]]:
        """By node: the people with a direct credit that counts, in the order of the credits."""
        found = self.credits(works)
        credits = [one for one in found if one.counts and one.kind == "direct"]
        persons = self.persons({credit.contributor for credit in credits})
        people: dict[str, dict[str, None]] = {}
        nodes = self.nodes({credit.work for credit in credits})
        for credit in credits:
            people.setdefault(nodes[credit.work], {})[persons[credit.contributor]] = None
        return {work: list(held) for work, held in people.items()}

    def persons(self, ids: Collection[str]) -> dict[str, str]:
        """By account: the account that stands for the person after all merges; mostly itself."""
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
        """The id for a normalised URI: of the source cited with it, else the one it gets."""
        return next(iter(self._found((Outside.Cited,), "uri", [uri])), outside_id(uri))

    def grants(self, field: str, values: Collection[str]) -> list[Grant]:
        """The roles held now; ``field`` is ``contributor`` or ``role``, by which they are found."""
        found = dict.fromkeys(self._found((Grant.Granted,), field, values))
        return [grant for grant in self._nouns(Grant, found) if grant.holds]

    def of_document(self, kind: type[B], paper: str) -> dict[str, B]:
        """By commitment to the document: what was booked with this currency and amount (``paper``).

        At most the latest MOST_ALIKE.
        """
        found = self._latest(kind, "paper", paper)
        return {each.document: each for each in found if each.document}

    def without_document(self, kind: type[B], occasion: str) -> list[B]:
        """What was booked without a document on an ``occasion``; at most the latest MOST_ALIKE."""
        return [each for each in self._latest(kind, "occasion", occasion) if not each.document]

    def _latest(self, kind: type[B], field: str, value: str) -> list[B]:
        recorded = self.facts.found([f"{kind.TOPIC}.{field}"], [value], self.upto, MOST_ALIKE)
        facts = [*facts_in(recorded), *self.pending.saying((kind,), field, [value])]
        return [one for one in facts if isinstance(one, kind) and getattr(one, field) == value]

    def _found(
        self,
        kinds: tuple[type[Fact], ...],
        field: str,
        values: Collection[str],
        most: int | None = None,
    ) -> list[str]:
        """The ids of nouns with a fact of these kinds that has one of these values in a field."""
        recorded, pending = self._saying(kinds, field, values, most)
        return [*(one.originator_id for one in recorded), *(one.originator_id for one in pending)]

    def saying(
        self, kinds: tuple[type[F], ...], field: str, values: Collection[str]
    ) -> Sequence[F]:
        """The facts of these kinds that have one of these values in a field."""
        recorded, pending = self._saying(kinds, field, values)
        return [*cast("list[F]", facts_in(recorded)), *pending]

    def _saying(
        self,
        kinds: tuple[type[F], ...],
        field: str,
        values: Collection[str],
        most: int | None = None,
    ) -> tuple[list[Placed], list[F]]:
        fields = [f"{kind.TOPIC}.{field}" for kind in kinds]
        recorded = self.facts.found(fields, values, self.upto, most)
        topics = {kind.TOPIC for kind in kinds}  # joins are indexed as edges, too (domain.join)
        return (
            [placed for placed in recorded if placed.topic in topics],
            list(self.pending.saying(kinds, field, values)),
        )

    def _nouns(self, kind: type[N], ids: Collection[str]) -> list[N]:
        """These nouns as known at this position, in the order of the ids, without unknown ones."""
        pending = {id: self.pending.stream(id) for id in ids}
        streams: dict[str, Stream] = {id: [] for id in ids}
        # A noun whose first fact is pending has no recorded facts.
        old = [id for id, stream in pending.items() if not is_born(stream)]
        recorded = [one for one in self.facts.streams(old) if one.position <= self.upto]
        for placed, happened in zip(recorded, facts_in(recorded), strict=True):
            streams[placed.originator_id].append((placed.position, happened))
        whole = ([*stream, *pending[id]] for id, stream in streams.items())
        return [kind.told_by(stream) for stream in whole if stream]


def _edge(remix: Remix, nodes: Mapping[str, str]) -> Edge[str]:
    ends = nodes[remix.child], nodes[remix.parent]
    return Edge(*ends, remix.kind, remix.rate, remix.id, remix.state)
