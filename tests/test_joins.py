"""Joins: two works that are the same are one node, from then on and until that is undone."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from money import asset, bank, must_be_sound
from stories import Story, carry_out, id_of, read_tables, story

from domain import acyclic
from domain.draft import Draft
from domain.identity import part_id
from domain.known import Known
from domain.outside import outside_id
from domain.refusal import (
    CannotJoin,
    CapExceeded,
    LineageCycle,
    NotPermitted,
    SelfRemix,
    WrongState,
)
from projections import attribution, claims, lineage, listing, parts
from projections.rebuilding import Rebuild
from projections.store import View
from projections.told import PersonItem

EXAMPLES = 12
POSITIONS = 2
"""How many random histories a usual run tries on each engine; 300 were tried by hand."""
HERE, THERE = "https://example.org/here", "https://example.org/there"


def joined(told: Story, work: str, into: str, **said: object) -> str:
    return told.tell("join_works", work=work, into=into, **said).id


def shown(told: Story, root: str, as_of: int | None = None) -> set[tuple[str, str]]:
    with told.view(as_of=as_of) as view:
        return {(edge.child, edge.parent) for edge in lineage.lineage(view, root).lineage.edges}


def test_two_outside_sources_are_one_from_then_on_and_two_again(database: str) -> None:
    with story(database) as told:
        ana = told.person("ana")
        one, two = (told.piece(name, by=[ana]) for name in ("one", "two"))
        top = told.piece("top")
        told.edge(top, one)
        told.edge(top, two)
        for piece, uri in ((one, HERE), (two, THERE)):
            told.tell("declare_remix", child=piece, uri=uri, kind="sample")
        here, there = outside_id(HERE), outside_id(THERE)
        before = told.head()
        join = joined(told, here, there)
        now = told.head()
        own = {(top, one), (top, two)}
        assert shown(told, top) == own | {(one, there), (two, there)}
        assert shown(told, top, before) == own | {(one, here), (two, there)}
        with told.view() as view:
            for id in (here, there):
                found = attribution.work(view, id)
                assert (found["id"], found["remixed_by"]) == (there, 2)
                assert [each["id"] for each in found["joins"]] == [join]
                below = listing.descendants(view, id).items
                assert {(each["id"], each["generation"]) for each in below} == {
                    *((one, 1), (two, 1), (top, 2))
                }
            assert [each["id"] for each in listing.works(view, q="org/here").items] == [there]
            assert len(listing.works(view, kind="outside").items) == 1
            assert claims.on_work(view, there).items == []
        # What is said of either from now on is said of both.
        told.tell("declare_remix", child=told.piece("late"), uri=HERE, kind="sample")
        with told.view() as view:
            assert attribution.work(view, there)["remixed_by"] == 3
        told.tell("undo_join", id=join, reason="another recording")
        assert shown(told, top) == own | {(one, here), (two, there)}
        assert shown(told, top, now) == own | {(one, there), (two, there)}
        with told.view() as view:
            assert attribution.work(view, here)["remixed_by"] == 2
            assert attribution.work(view, there)["remixed_by"] == 1
            assert attribution.work(view, here)["joins"] == []
        told.refused(WrongState, "undo_join", id=join, reason="again")
        joined(told, here, there)
        assert shown(told, top) == own | {(one, there), (two, there)}


def test_both_posters_agree_and_what_is_only_claimed_counts_nowhere(told: Story) -> None:
    ana, ben, cleo = (told.person(name) for name in ("ana", "ben", "cleo"))
    here, there = told.piece("here", actor=ana), told.piece("there", actor=ben)
    top = told.piece("top", here)
    told.refused(NotPermitted, "join_works", work=here, into=there, actor=cleo)
    join = joined(told, here, there, actor=ana)
    assert shown(told, top) == {(top, here)}
    with told.view() as view:
        (claim,) = claims.waiting(view, told.journal, actor=ben).items
        assert (claim["id"], claim["noun"], claim["may_answer"]) == (join, "join", ben)
        assert (claim["work"]["id"], claim["parent"]["id"]) == (there, here)
        assert claims.waiting(view, told.journal, actor=ana).items == []
    for nobody in (ana, cleo):
        told.refused(NotPermitted, "accept_join", id=join, actor=nobody)
    told.tell("decline_join", id=join, actor=ben)
    told.tell("accept_join", id=join, actor=ben)
    assert shown(told, top) == {(top, there)}
    told.refused(CannotJoin, "join_works", work=there, into=here)
    told.refused(NotPermitted, "undo_join", id=join, reason="r", actor=cleo)
    told.tell("undo_join", id=join, reason="r", actor=ana)
    again = told.piece("again", actor=ana)
    joined(told, again, here, actor=ana)  # both are hers
    assert shown(told, told.piece("late", again)) == {(id_of("late"), here)}


def test_a_piece_stands_for_an_outside_source_and_a_release_for_both(told: Story) -> None:
    ana = told.person("ana")
    piece = told.piece("piece", by=[ana])
    release = told.release("release", told.piece("part"))
    child = told.piece("child")
    told.tell("declare_remix", child=child, uri=HERE, kind="sample")
    joined(told, piece, outside_id(HERE))
    assert shown(told, child) == {(child, piece)}
    joined(told, release, piece)
    assert shown(told, child) == {(child, release), (release, id_of("part"))}
    told.refused(CannotJoin, "join_works", work=told.release("other", child), into=release)
    with told.view() as view:
        assert [each["contributor"]["id"] for each in roll(view, child)] == [ana]
        found = listing.works(view, q="piece").items
        assert release in {each["id"] for each in found}
    made = told.tell("join_works", uri=THERE, into=child)  # it was never cited
    assert lineage.find(next(views(told)), outside_id(THERE)).id == child
    assert made.position == told.head()


@pytest.mark.parametrize("disputed", ["one", "two"])
def test_what_two_postings_owe_one_source_is_owed_once_and_shown_as_disputed_if_one_is(
    disputed: str, told: Story
) -> None:
    source = told.piece("source")
    one, two = (told.piece(name, source) for name in ("one", "two"))
    joined(told, two, one)
    edge = part_id(id_of(disputed), "source", 0)
    told.tell("dispute_remix", id=edge, grounds="other", reason="r")
    with told.view() as view:
        edges = lineage.lineage(view, one).lineage.edges
        assert [(each.id, each.state) for each in edges] == [(edge, "disputed")]


def test_an_edge_that_two_works_have_counts_once_though_the_work_that_stands_for_them_has_none(
    told: Story,
) -> None:
    source, song, album = (told.piece(name) for name in ("source", "song", "album"))
    verse, chorus = (told.piece(name, source) for name in ("verse", "chorus"))
    told.piece("top", told.piece("left"), told.piece("right"))
    for work, into in ((verse, song), (chorus, song), ("left", album), ("right", album)):
        joined(told, work if work in (verse, chorus) else id_of(work), into)
    with told.view() as view:
        for root, parent in ((song, source), (id_of("top"), album)):
            edges = lineage.lineage(view, root).lineage.edges
            assert [(each.child, each.parent) for each in edges] == [(root, parent)]


def views(told: Story) -> Iterator[View]:
    with told.view() as view:
        yield view


def test_a_join_that_would_form_a_cycle_or_owe_more_than_the_whole_is_refused(told: Story) -> None:
    low, high = told.piece("low"), told.piece("high")
    middle = told.piece("middle", low)
    told.edge(high, middle)
    for ends in ((low, high), (high, low), (middle, low)):
        refusal = told.refused(LineageCycle, "join_works", work=ends[0], into=ends[1])
        cycle = refusal.details["cycle"]
        assert isinstance(cycle, tuple)
        assert cycle[0] == cycle[-1]
    twin, source = told.piece("twin"), told.piece("source")
    joined(told, twin, high)
    told.refused(SelfRemix, "declare_remix", child=twin, parent=high, kind="sample")
    refusal = told.refused(LineageCycle, "declare_remix", child=low, parent=twin, kind="sample")
    assert refusal.details["cycle"] == (low, high, middle, low)
    one, two = told.piece("one"), told.piece("two")
    told.edge(one, source, rate="0.6")
    edge = told.edge(two, source, kind="quotation", rate="0.6")
    told.refused(CapExceeded, "join_works", work=one, into=two)
    told.tell("strike_remix", id=edge, reason="r")
    told.edge(two, source, rate="0.6")  # what both say alike counts once
    joined(told, one, two)
    with told.view() as view:
        (found,) = lineage.lineage(view, one).lineage.edges
        assert found.rate == "0.6"
    assert len(Known(told.journal.facts, told.head()).lineage(one).edges) == 1
    told.refused(CapExceeded, "declare_remix", child=one, parent=low, kind="sample", rate="0.5")


def test_what_a_chain_of_joins_held_together_is_parted_where_one_is_undone(told: Story) -> None:
    a, b, c, d = (told.piece(name) for name in "abcd")
    joined(told, a, b)
    middle = joined(told, a, c)
    joined(told, d, a)
    with told.view() as view:
        assert {lineage.find(view, each).id for each in (a, b, c, d)} == {c}
    told.tell("undo_join", id=middle, reason="r")
    with told.view() as view:
        assert [lineage.find(view, each).id for each in (a, b, c, d)] == [a, a, c, a]


def test_a_piece_stands_for_an_older_source_also_once_what_stood_for_both_is_parted(
    told: Story,
) -> None:
    child = told.piece("child")
    told.tell("declare_remix", child=child, uri=HERE, kind="sample")
    piece, cover = told.piece("piece"), told.piece("cover")
    joined(told, piece, outside_id(HERE))
    join = joined(told, piece, cover)
    assert shown(told, child) == {(child, cover)}
    told.tell("undo_join", id=join, reason="r")
    assert shown(told, child) == {(child, piece)}


# -- money -------------------------------------------------------------------------------------


def test_what_waited_for_a_source_is_offered_to_the_maker_of_what_it_was(database: str) -> None:
    with bank(database) as told:
        ana, ben = told.people("ana", "ben")
        release = told.release("release", told.piece("song"))
        told.tell("declare_remix", child=id_of("song"), uri=HERE, kind="sample")
        source = f"work/{outside_id(HERE)}"
        pool = told.pool(release=release)
        agreed = told.agree(pool, {source: "1", ben: "1"})
        told.accept(agreed, ben)
        told.earn(pool, 100)
        assert told.held(source, agreed) == ("unclaimed",)
        other = told.piece("elsewhere")
        first = joined(told, outside_id(HERE), other)
        assert told.held(source, agreed) == ("unclaimed",)  # nobody is credited on either
        assert told.pay() == {ben: 50}
        told.tell("undo_join", id=first, reason="r")
        joined(told, outside_id(HERE), told.piece("piece", by=[ana]))
        assert told.held(source, agreed) == ("unaccepted",)
        told.tell("accept_share", proposal=agreed, work=outside_id(HERE), actor=ana)
        assert told.pay() == {ana: 50}
        must_be_sound(told)


def test_a_dispute_above_a_join_holds_what_is_below_it(database: str) -> None:
    with bank(database) as told:
        ana, ben = told.people("ana", "ben")
        root = told.piece("root", by=[ben])
        posting, again = told.piece("posting", root), told.piece("again")
        release = told.release("release", again)
        pool = told.pool(release=release)
        agreed = told.agree(pool, [asset(again, {ana: "1"}), asset(root, {ben: "1"})])
        told.accept(agreed, ana, ben)
        told.earn(pool, 100)
        edge = part_id(posting, "source", 0)
        told.tell("dispute_remix", id=edge, grounds="other", reason="r")
        assert told.held(ben, agreed) == ()
        join = joined(told, posting, again)
        assert told.held(ben, agreed) == ("disputed",)
        must_be_sound(told)
        told.tell("undo_join", id=join, reason="r")
        assert told.held(ben, agreed) == ()
        must_be_sound(told)


# -- against an independent closure ------------------------------------------------------------

WORKS = 6
VERBS = (*["declare"] * 3, *["join"] * 2, "undo", "strike", "record")
steps = st.lists(
    st.tuples(st.sampled_from(VERBS), st.permutations(range(WORKS))).map(
        lambda drawn: (drawn[0], *drawn[1][:2])
    ),
    min_size=12,
    max_size=25,
)


@dataclass
class Model:
    """Edges between works as they were said, and the joins that count, by their ids."""

    works: list[str]
    edges: dict[str, tuple[str, str]] = field(default_factory=dict)
    joins: dict[str, tuple[str, str]] = field(default_factory=dict)

    def contracted(self) -> "nx.DiGraph[frozenset[str]]":
        """The graph in which what is joined is one node."""
        same: nx.Graph[str] = nx.Graph()
        same.add_nodes_from(self.works)
        same.add_edges_from(self.joins.values())
        of = {one: frozenset(each) for each in nx.connected_components(same) for one in each}
        graph: nx.DiGraph[frozenset[str]] = nx.DiGraph()
        graph.add_nodes_from(of.values())
        graph.add_edges_from((of[child], of[parent]) for child, parent in self.edges.values())
        return graph

    def node(self, graph: "nx.DiGraph[frozenset[str]]", work: str) -> frozenset[str]:
        return next(node for node in graph if work in node)

    def is_connected(self, one: str, other: str) -> bool:
        """Whether the two are one, or the second is above the first."""
        graph = self.contracted()
        return nx.has_path(graph, self.node(graph, one), self.node(graph, other))

    def do(self, draft: Draft, verb: str, one: int, other: int) -> None:
        first, second = self.works[one], self.works[other]
        if verb in ("undo", "strike"):
            known = self.joins if verb == "undo" else self.edges
            if known:
                id = list(known)[(one + other) % len(known)]
                carry_out(draft, {"undo": "undo_join", "strike": "strike_remix"}[verb],
                          id=id, reason="r")  # fmt: skip
                del known[id]
        elif verb == "declare":
            said = {"child": first, "parent": second, "kind": "sample"}
            self.try_to(draft, "declare_remix", self.edges, self.is_connected(second, first), said)
        else:
            closes = self.is_connected(first, second) or self.is_connected(second, first)
            said = {"work": first, "into": second}
            self.try_to(draft, "join_works", self.joins, closes, said)

    def try_to(
        self,
        draft: Draft,
        command: str,
        known: dict[str, tuple[str, str]],
        closes: bool,
        said: dict[str, str],
    ) -> None:
        try:
            made = carry_out(draft, command, **said).id
        except (SelfRemix, CannotJoin):
            assert closes
        except LineageCycle as refusal:
            assert closes
            self.must_be_there(refusal)
        else:
            assert not closes
            one, other, *_ = said.values()
            known[made] = one, other

    def must_be_there(self, refusal: LineageCycle) -> None:
        """The path that a refusal names is in the graph, apart from what would close it."""
        graph = self.contracted()
        path = refusal.details["cycle"]
        assert isinstance(path, tuple)
        nodes = [self.node(graph, each) for each in path]
        assert nodes[0] == nodes[-1]
        assert all(graph.has_edge(*pair) for pair in pairwise(nodes[1:]))

    def must_be_answered(self, told: Story, view: View) -> None:
        """Every question that walks the graph sees what is joined as one."""
        graph, journal = self.contracted(), told.journal
        names = {each: node for node in graph for each in node}
        ids = {work: lineage.find(view, work).id for work in self.works}
        assert all(ids[work] == ids[other] for work in self.works for other in names[work])
        assert len(set(ids.values())) == len(graph)
        listed = {each["id"] for each in listing.works(view, limit=100).items}
        for work in self.works:
            node = names[work]
            assert ids[node_of := next(iter(node))] in listed, node_of
            above, below = nx.descendants(graph, node), nx.ancestors(graph, node)
            tree = lineage.lineage(view, work).lineage
            inside = graph.subgraph(above | {node})
            expected = {(ids[next(iter(a))], ids[next(iter(b))]) for a, b in inside.edges}
            assert {(edge.child, edge.parent) for edge in tree.edges} == expected
            far = nx.single_source_shortest_path_length(graph, node)
            assert tree.generation == {ids[next(iter(one))]: n for one, n in far.items()}
            found = {each["id"] for each in listing.ancestors(view, work, limit=100).items}
            assert found == {ids[next(iter(one))] for one in above}
            found = {each["id"] for each in listing.descendants(view, work, limit=100).items}
            assert found == {ids[next(iter(one))] for one in below}
            people = {each["contributor"]["name"] for each in roll(view, work)}
            assert people == {f"by {one}" for each in (*above, node) for one in each}
            remixed = attribution.work(view, work)["remixed_by"]
            assert remixed == len(list(graph.predecessors(node)))
            known = Known(journal.facts, view.as_of).lineage(work)
            assert known.root == ids[work]
            assert {(e.child, e.parent) for e in known.edges} == expected
            assert len(known.people[ids[work]]) == len(node)


def roll(view: View, work: str) -> list[PersonItem]:
    return parts.of_work(view, work, limit=100).items


@pytest.mark.usefixtures("few_steps")
def test_every_answer_equals_a_closure_of_the_contracted_graph(database: str) -> None:
    """Now and as of every earlier append, before and after joins are undone; then once more, after
    a rebuild."""
    with story(database) as told:
        rounds, seen = iter(range(10_000)), list[tuple[int, Model]]()

        @settings(deadline=None, max_examples=EXAMPLES)
        @given(steps)
        def agrees(steps: list[tuple[str, int, int]]) -> None:
            number, draft = next(rounds), told.journal.draft()
            model = Model([posted(draft, f"{number} {one}") for one in range(WORKS)])
            after = len(seen)
            for verb, one, other in [*steps, ("record", 0, 0)]:
                if verb == "record":
                    told.journal.commit(draft)
                    seen.append((told.head(), deepcopy(model)))
                    draft = told.journal.draft()
                else:
                    model.do(draft, verb, one, other)
            for position, then in seen[after:][-POSITIONS:]:
                with told.view(as_of=position) as view:
                    then.must_be_answered(told, view)

        agrees()
        folded = read_tables(told)
        Rebuild(told.journal, told.store).run()
        assert read_tables(told) == folded


def posted(draft: Draft, name: str) -> str:
    person = carry_out(draft, "admit_contributor", name=f"by {id_of(name)}").id
    authors = [{"contributor": person, "role": "writer"}]
    said = {"title": name, "medium": "text", "authors": authors, "id": id_of(name)}
    return carry_out(draft, "submit_contribution", **said).id


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search goes further even among few works."""
    monkeypatch.setattr(acyclic, "FIRST_STEPS", 1)
    monkeypatch.setattr(acyclic, "FURTHER", 2)
