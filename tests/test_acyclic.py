"""Only a cycle is refused, whatever the dates, the order of the edges, and others who write.

Every race here is a real one: threads, or processes, on a real database.
"""

import random
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import OPERATOR, at_once, carry_out, cycle_in, id_of, story
from tampering import lose
from warm import PROCESSES

from domain import acyclic, neighbours
from domain.acyclic import everything_above
from domain.draft import Draft
from domain.engine import Overtaken
from domain.neighbours import Neighbours
from domain.outside import outside_id
from domain.refusal import IdTaken, LineageCycle, Refusal, SelfRemix
from scripts.bundle import FoundLine, import_lines

ROUNDS = 30
WORKS = 8


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search goes further even among few works."""
    monkeypatch.setattr(acyclic, "FIRST_STEPS", 1)
    monkeypatch.setattr(acyclic, "FURTHER", 2)
    monkeypatch.setattr(neighbours, "MOST_EDGES", 1)


work = st.integers(0, WORKS - 1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("declare"), work, work),
        st.tuples(st.just("declare"), work, work),
        st.tuples(st.just("strike"), st.integers(0, 30), work),
        st.tuples(st.just("record"), work, work),
    ),
    min_size=15,
    max_size=40,
)


@pytest.mark.usefixtures("few_steps")
def test_an_edge_is_refused_exactly_if_it_would_close_a_cycle(database: str) -> None:
    """Recorded, or added to the same draft; struck edges do not count."""
    with story(database) as told:
        rounds = iter(range(10_000))

        @settings(deadline=None)
        @given(steps)
        def agrees(steps: list[tuple[str, int, int]]) -> None:
            number = next(rounds)
            near = Neighbours(told.journal.facts) if number % 2 else None
            draft = told.journal.draft(near=near)
            works = [
                carry_out(draft, "submit_contribution", title=f"{number} {one}", medium="text").id
                for one in range(WORKS)
            ]
            graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
            graph.add_nodes_from(works)
            edges: list[str] = []
            for verb, one, other in steps:
                if verb == "record":
                    told.journal.commit(draft)
                    draft = told.journal.draft(near=near)
                elif verb == "strike" and edges:
                    _strike(draft, graph, edges.pop(one % len(edges)))
                elif verb == "declare":
                    edges += _declare(draft, graph, works[one], works[other])
            told.journal.commit(draft)

        agrees()
        assert cycle_in(told) == []


def test_a_long_chain_in_one_append_is_searched_to_its_end(database: str) -> None:
    with story(database) as told:
        first = told.piece("first")
        draft, works = told.journal.draft(), [first]
        for number in range(100):
            said = {"title": f"{number}", "medium": "text"}
            made_from = [{"work": works[-1], "kind": "sample"}]
            piece = carry_out(draft, "submit_contribution", **said, sources=made_from)
            works.append(piece.id)
        assert everything_above(draft, works[-1]) == works[::-1]
        said = {"child": first, "parent": works[-1], "kind": "sample"}
        with pytest.raises(LineageCycle):
            carry_out(draft, "declare_remix", actor=OPERATOR, **said)


def _strike(draft: Draft, graph: "nx.MultiDiGraph[str]", edge: str) -> None:
    carry_out(draft, "strike_remix", actor=OPERATOR, id=edge, reason="r")
    (found,) = [one for one in graph.edges(keys=True) if one[2] == edge]
    graph.remove_edge(*found)


def _declare(draft: Draft, graph: "nx.MultiDiGraph[str]", child: str, parent: str) -> list[str]:
    """The new edge, if there is one; a refusal names a path that is there."""
    closes = nx.has_path(graph, parent, child)
    said = {"child": child, "parent": parent, "kind": "sample"}
    try:
        edge = carry_out(draft, "declare_remix", actor=OPERATOR, **said).id
    except SelfRemix:
        assert child == parent
        return []
    except LineageCycle as refusal:
        assert closes
        path = refusal.details["cycle"]
        assert isinstance(path, tuple)
        assert path[:2] == (child, parent)
        assert path[-1] == child
        assert all(graph.has_edge(*pair) for pair in pairwise(path[1:]))
        return []
    assert not closes
    graph.add_edge(child, parent, key=edge)
    return [edge]


def test_a_chain_declared_in_any_order_is_joined_and_its_cycle_is_told_by_its_ends(
    database: str,
) -> None:
    with story(database) as told:
        pieces = [told.piece(f"p {number}") for number in range(150)]
        pairs = list(pairwise(pieces))
        random.Random(1).shuffle(pairs)
        draft = told.journal.draft()
        draft.prefetch_edges(pieces)
        for child, parent in pairs:
            said = {"child": child, "parent": parent, "kind": "sample"}
            carry_out(draft, "declare_remix", actor=OPERATOR, **said)
        told.journal.commit(draft)
        with pytest.raises(LineageCycle) as refused:
            told.edge(pieces[-1], pieces[0])
        assert str(refused.value).count("→") == 21
        assert f"… → {pieces[-1]}" in str(refused.value)
        assert told.edge(pieces[0], pieces[-1])


# -- appends of one import, one after the other ----------------------------------------------


def test_what_others_recorded_between_two_appends_of_an_import_is_known(database: str) -> None:
    with story(database) as told:
        a, b, c, d = (told.piece(name) for name in "abcd")
        near = Neighbours(told.journal.facts)

        def declared(draft: Draft, child: str, parent: str) -> None:
            said = {"child": child, "parent": parent, "kind": "sample"}
            carry_out(draft, "declare_remix", actor=OPERATOR, **said)

        first = told.journal.draft(near=near)
        first.prefetch_edges([a, b, c, d])
        declared(first, a, b)
        told.edge(c, a)  # while the append is prepared
        with pytest.raises(Overtaken):
            told.journal.commit(first)
        again = told.journal.draft(near=near)
        declared(again, a, b)
        told.piece("e")  # another append, of nothing that matters
        told.journal.commit(again)
        told.edge(d, c)
        last = told.journal.draft(near=near)
        with pytest.raises(LineageCycle):
            declared(last, b, d)
        assert cycle_in(told) == []


def test_an_import_goes_on_with_the_joins_of_others_and_its_own_that_were_recorded(
    database: str,
) -> None:
    with story(database) as told:
        here, there = (outside_id(f"https://example.org/{name}") for name in ("here", "there"))
        for uri in ("here", "there"):
            said = {"child": told.piece(uri), "uri": f"https://example.org/{uri}"}
            told.tell("declare_remix", **said, kind="sample")
        near = Neighbours(told.journal.facts)

        def drafted(node: str) -> Draft:
            draft = told.journal.draft(near=near)
            draft.prefetch_edges([here, there])
            assert draft.known.node(here) == node
            return draft

        drafted(here)
        join = told.tell("join_works", work=here, into=there).id  # by somebody else
        drafted(there)
        told.tell("undo_join", id=join, reason="another recording")
        lost = drafted(here)
        carry_out(lost, "join_works", work=here, into=there)
        assert lost.known.node(here) == there
        kept = drafted(here)
        join = carry_out(kept, "join_works", work=here, into=there).id
        told.journal.commit(kept)
        undoing = drafted(there)
        carry_out(undoing, "undo_join", id=join, reason="another recording")
        assert undoing.known.node(here) == here
        drafted(there)


def test_an_import_goes_on_without_the_joins_that_a_failover_lost(database: str) -> None:
    with story(database) as told:
        here, there = told.piece("here"), told.piece("there")
        near, before = Neighbours(told.journal.facts), told.head()
        told.tell("join_works", work=here, into=there)
        for node in (there, here):
            draft = told.journal.draft(near=near)
            draft.prefetch_edges([here, there])
            assert draft.known.node(here) == node
            lose(database, after=before)


def test_edges_of_an_append_that_was_not_recorded_lead_nowhere(database: str) -> None:
    with story(database) as told:
        a, b = told.piece("a"), told.piece("b")
        near = Neighbours(told.journal.facts)
        for child, parent in ((a, b), (b, a)):
            draft = told.journal.draft(near=near)
            draft.prefetch_edges([a, b])
            said = {"child": child, "parent": parent, "kind": "sample"}
            carry_out(draft, "declare_remix", actor=OPERATOR, **said)


# -- races ---------------------------------------------------------------------------------


def test_two_edges_at_once_never_close_a_cycle(database: str) -> None:
    """Each leads from the bottom of one chain to the top of the other."""
    with story(database) as told:
        for number in range(ROUNDS):
            a, b = told.piece(f"a {number}"), told.piece(f"b {number}")
            over_a, over_b = told.piece(f"from a {number}", a), told.piece(f"from b {number}", b)
            answers = at_once(partial(told.edge, a, over_b), partial(told.edge, b, over_a))
            refused = [answer for answer in answers if isinstance(answer, Refusal)]
            assert [type(refusal) for refusal in refused] == [LineageCycle]
        assert cycle_in(told) == []


def test_two_imports_at_once_close_no_cycle(database: str) -> None:
    """Each has the edges of a ring that the other lacks, a few in an append."""
    with story(database) as told, story(database, create=False) as beside:
        ring = [told.piece(f"ring {number}") for number in range(40)]
        pairs = [*pairwise([*ring, ring[0]])]
        lines = [
            {"type": "remix", "id": f"edge-{number}", "child": child, "parent": parent}
            for number, (child, parent) in enumerate(random.Random(3).sample(pairs, len(pairs)))
        ]
        found = [FoundLine(str(n), {**line, "kind": "sample"}) for n, line in enumerate(lines)]
        reports = at_once(
            partial(import_lines, told.journal, found[::2], batch=3),
            partial(import_lines, beside.journal, found[1::2], batch=3),
        )
        refused = [one.code for report in reports for one in report.refused]
        assert refused == [LineageCycle.code]
        assert cycle_in(told) == []


def worker(database: str, seed: int, steps: int) -> list[tuple[str, int]]:
    """Random edges among a few works, some struck again, in a process of its own."""
    chance = random.Random(seed)
    done: list[tuple[str, int]] = []
    with story(database, create=False) as told:
        for step in range(steps):
            one, other = (id_of(f"work {n}") for n in chance.sample(range(WORKS), 2))
            said = {"child": one, "parent": other, "kind": "sample", "id": id_of(f"{seed} {step}")}
            try:
                receipt = told.tell("declare_remix", **said)
            except (LineageCycle, IdTaken):
                continue
            done.append((receipt.id, receipt.position))
            if chance.random() < 0.5:
                told.tell("strike_remix", id=receipt.id, reason="r")
    return done


def test_processes_that_connect_the_same_works_close_no_cycle(database: str) -> None:
    with story(database) as told:
        for number in range(WORKS):
            told.piece(f"work {number}")
    with ProcessPoolExecutor(3, PROCESSES) as pool:
        answers = list(pool.map(worker, [database] * 3, range(3), [25] * 3))
    with story(database) as told:
        facts = told.facts()
        assert [placed.position for placed in facts] == list(range(1, len(facts) + 1))
        assert cycle_in(told) == []
        declared = [one.position for one in facts if one.topic == "remix.declared"]
        assert sorted(position for process in answers for _, position in process) == declared
