"""What was made from what: small graphs by hand, and random ones against the naive answer."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import Story, id_of, story, ticking

from domain.identity import part_id
from domain.lineage import Edge, Lineage
from domain.outside import outside_id
from domain.refusal import NotPublished, UnknownRemix, UnknownWork
from projections import around, contributors, graph, lineage, listing
from projections.pages import Page
from projections.store import View


def titles(page: Page) -> list[tuple[str, int]]:
    return [(item["title"], item["generation"]) for item in page.items]


def all_pages(ask: Callable[[str | None, int], Page], limit: int) -> list[Any]:
    """Every item of a list, walked page by page."""
    page = ask(None, limit)
    items = page.items
    while page.next is not None:
        assert len(page.items) == limit
        page = ask(page.next, limit)
        assert page.items
        items = items + page.items
    return items


def diamond(told: Story) -> None:
    """top ← left, right ← bottom"""
    top = told.piece("top")
    left, right = told.piece("left", top), told.piece("right", top)
    told.piece("bottom", left, right)


# -- ancestors and descendants -------------------------------------------------------------


def test_a_chain_has_one_work_in_each_generation(database: str) -> None:
    with story(database) as told:
        a = told.piece("a")
        b = told.piece("b", a)
        c = told.piece("c", b)
        with told.view() as view:
            assert titles(listing.ancestors(view, c)) == [("b", 1), ("a", 2)]
            assert titles(listing.descendants(view, a)) == [("b", 1), ("c", 2)]
            assert titles(listing.ancestors(view, a)) == titles(listing.descendants(view, c)) == []


def test_a_diamond_meets_in_one_work(database: str) -> None:
    with story(database) as told:
        diamond(told)
        with told.view() as view:
            up = listing.ancestors(view, id_of("bottom"))
            down = listing.descendants(view, id_of("top"))
            assert titles(up) == [("left", 1), ("right", 1), ("top", 2)]
            assert titles(down) == [("left", 1), ("right", 1), ("bottom", 2)]


def test_a_work_stands_in_its_nearest_generation(told: Story) -> None:
    diamond(told)
    told.edge(id_of("bottom"), id_of("top"))
    with told.view() as view:
        up = listing.ancestors(view, id_of("bottom"))
        assert titles(up) == [("top", 1), ("left", 1), ("right", 1)]


def test_two_samples_of_one_song_are_two_edges_and_one_ancestor(database: str) -> None:
    with story(database) as told:
        song, piece = told.piece("song"), told.piece("piece")
        first = told.edge(piece, song, "sample", rate="1/5", evidence="at 0:10")
        second = told.edge(piece, song, "sample", rate="0.2")
        with told.view() as view:
            assert titles(listing.ancestors(view, piece)) == [("song", 1)]
            edges = lineage.lineage(view, piece).lineage.edges
            assert {(edge.id, edge.rate) for edge in edges} == {
                (first, "1/5"),
                (second, "0.2"),
            }
            answer = around.work(view, piece)
            assert [source["evidence"] for source in answer["sources"]] == ["at 0:10", None]
            assert around.work(view, song)["remixed_by"] == 1


@pytest.mark.parametrize(
    "verbs, counts",
    [
        ([], True),
        (["dispute"], True),
        (["dispute", "dismissed"], True),
        (["strike"], False),
        (["dispute", "upheld"], False),
        (["dispute", "dismissed", "strike"], False),
    ],
)
def test_every_edge_is_walked_but_a_struck_one(
    verbs: list[str], counts: bool, database: str
) -> None:
    with story(database) as told:
        parent = told.piece("parent")
        child = told.piece("child")
        edge = told.edge(child, parent)
        for verb in verbs:
            if verb == "strike":
                told.tell("strike_remix", id=edge, reason=verb)
            elif verb == "dispute":
                told.tell("dispute_remix", id=edge, grounds="other", reason=verb)
            else:
                told.tell("settle_remix", id=edge, outcome=verb, reason=verb)
        with told.view() as view:
            assert bool(listing.ancestors(view, child).items) == counts
            assert bool(listing.descendants(view, parent).items) == counts
            assert bool(lineage.lineage(view, child).lineage.edges) == counts
            assert around.work(view, parent)["remixed_by"] == counts
            never = [one["id"] for one in listing.works(view, never_remixed=True).items]
            assert (parent in never) != counts
            # It stays on record with what became of it.
            states = {"dispute": "disputed", "upheld": "struck", "strike": "struck"}
            state = states.get(verbs[-1], "declared") if verbs else "declared"
            assert around.remix(view, edge)["state"] == state
            assert [one["state"] for one in around.work(view, child)["sources"]] == [state]


def test_what_is_known_at_a_position_is_known_for_ever(database: str) -> None:
    with story(database) as told:
        parent, child = told.piece("parent"), told.piece("child")
        edge = told.tell("declare_remix", child=child, parent=parent, kind="sample")
        struck = told.tell("strike_remix", id=edge.id, reason="r")
        told.tell("redate_work", id=parent, made_at="1999", reason="r")
        answers = []
        for position in (edge.position - 1, edge.position, struck.position):
            with told.view(as_of=position) as view:
                answers.append(len(listing.ancestors(view, child).items))
                assert around.work(view, parent)["made_at"] is None
        assert answers == [0, 1, 0]
        with told.view() as view:
            assert around.work(view, parent)["made_at"] == "1999"
            assert around.work(view, parent)["made"] == "1999-01-01T00:00:00.000000Z"


# -- one work ------------------------------------------------------------------------------


def test_a_work_is_answered_whole(database: str) -> None:
    with story(database, clock=ticking()) as told:
        ana = told.person("ana")
        receipt = told.tell(
            "submit_contribution",
            title="Größe",
            medium="text",
            authors=[],
            sources=[
                {"uri": "https://example.org/x", "kind": "sample", "rate": "1/5", "note": "n"}
            ],
            made_at="2020-02",
            licence="CC0-1.0",
            sha256="AB" * 32,
            actor=ana,
        )
        with told.view() as view:
            answer = around.work(view, receipt.id)
        source = answer["sources"].pop()
        assert answer == {
            "id": receipt.id,
            "kind": "contribution",
            "state": "submitted",
            "title": "Größe",
            "medium": "text",
            "uri": None,
            "made_at": "2020-02",
            "made": "2020-02-01T00:00:00.000000Z",
            "recorded_at": "2026-06-01T12:00:01.000000Z",
            "licence": "CC0-1.0",
            "creators": None,
            "sha256": "ab" * 32,
            "media_url": None,
            "posted_by": ana,
            "position": receipt.position - 1,
            "published": None,
            "part": None,
            "sources": [],
            "sources_left_out": 0,
            "remixed_by": 0,
            "joins": [],
            "joins_left_out": 0,
        }
        del source["remix"]
        assert source == {
            "kind": "sample",
            "rate": "1/5",
            "state": "declared",
            "evidence": "n",
            "suspect_dates": False,
            **{"places": None, "ai": None, "ai_tool": None},
            "work": {
                "id": outside_id("https://example.org/x"),
                "kind": "outside",
                "state": "cited",
                "title": None,
                "medium": None,
                "uri": "https://example.org/x",
                "made_at": None,
            },
        }


def test_of_very_many_sources_the_first_in_order_are_named(
    told: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(around, "MOST_SOURCES", 1)
    one, two, three = (told.piece(name) for name in ("one", "two", "three"))
    album = told.release("album", one, two)
    first = part_id(album, "component", 0)
    told.tell("replace_remix", id=first, work=three, reason="A better take.")
    with told.view() as view:
        found = around.work(view, album)
    assert [each["work"]["title"] for each in found["sources"]] == ["three"]
    assert found["sources_left_out"] == 1


def test_a_withdrawn_piece_keeps_its_place_and_loses_its_content(database: str) -> None:
    """Also in the answers as known before."""
    with story(database) as told:
        diamond(told)
        before = told.head()
        told.tell("withdraw_contribution", id=id_of("left"), reason="regret")
        for as_of, state in ((None, "withdrawn"), (before, "submitted")):
            with told.view(as_of=as_of) as view:
                assert around.work(view, id_of("left"))["title"] is None
                assert around.work(view, id_of("left"))["state"] == state
                up = listing.ancestors(view, id_of("bottom"))
                assert titles(up) == [(None, 1), ("right", 1), ("top", 2)]
                assert listing.works(view, q="left").items == []
                whole = repr(lineage.lineage(view, id_of("bottom")))
                assert "'left'" not in whole
                assert len(lineage.lineage(view, id_of("bottom")).lineage.edges) == 4


def test_a_withdrawn_release_keeps_its_title(told: Story) -> None:
    release = told.release("release", told.piece("piece"))
    told.tell("withdraw_release", id=release, reason="r")
    with told.view() as view:
        assert around.work(view, release)["title"] == "release"
        assert around.work(view, release)["state"] == "withdrawn"


def test_publishing_freezes_the_lineage_at_a_position(database: str) -> None:
    with story(database) as told:
        piece, late = told.piece("piece"), told.piece("late")
        release = told.release("release", piece)
        with told.view() as view, pytest.raises(NotPublished):
            lineage.as_published(view, release)
        published = told.tell("publish_release", id=release)
        told.edge(release, late)
        with told.view() as view:
            assert around.work(view, release)["published"]["position"] == published.position
            then = lineage.as_published(view, release)
            assert then.as_of == published.position
            assert titles(listing.ancestors(then, release)) == [("piece", 1)]
            assert titles(listing.ancestors(view, release)) == [("piece", 1), ("late", 1)]


def test_a_release_can_be_remixed_again(told: Story) -> None:
    first = told.release("first", told.piece("piece"))
    second = told.release("second", first)
    with told.view() as view:
        assert titles(listing.ancestors(view, second)) == [("first", 1), ("piece", 2)]


UNKNOWN: list[tuple[Callable[[View, str], Any], type[Exception]]] = [
    (around.work, UnknownWork),
    (listing.ancestors, UnknownWork),
    (listing.descendants, UnknownWork),
    (lineage.lineage, UnknownWork),
    (around.remix, UnknownRemix),
]


@pytest.mark.parametrize("ask, refusal", UNKNOWN)
def test_what_nobody_recorded_is_unknown(
    ask: Callable[[View, str], Any], refusal: type[Exception], told: Story
) -> None:
    ana = told.person("ana")
    with told.view() as view:
        for id in (id_of("nobody"), ana, "", "x' OR 1=1"):
            with pytest.raises(refusal):
                ask(view, id)


# -- lists ---------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 7, 50])
def test_a_walk_over_pages_meets_every_work_once(limit: int, told: Story) -> None:
    top = told.piece("top")
    middle = [told.piece(f"middle {number}", top) for number in range(5)]
    bottom = told.piece("bottom", *middle)
    with told.view() as view:
        walks = [
            lambda cursor, limit: listing.ancestors(view, bottom, after=cursor, limit=limit),
            lambda cursor, limit: listing.descendants(view, top, after=cursor, limit=limit),
            lambda cursor, limit: listing.works(view, after=cursor, limit=limit),
            lambda cursor, limit: listing.works(view, q="MIDDLE", after=cursor, limit=limit),
        ]
        for walk, length in zip(walks, (6, 6, 7, 5), strict=True):
            items = all_pages(walk, limit)
            assert items == walk(None, 50).items
            assert len({item["id"] for item in items}) == len(items) == length


def test_works_are_filtered_by_everything_at_once(database: str) -> None:
    with story(database) as told:
        ana = told.person("ana")
        poem = told.piece("A poem", by=[ana])
        song = told.piece("A song", poem, by=[ana], medium="audio", role="singer")
        told.tell("declare_remix", child=song, uri="https://example.org/x", kind="sample")
        release = told.release("A release", song)
        outside = outside_id("https://example.org/x")
        gone = told.credit(release, ana, "editor")
        told.tell("decline_credit", id=gone)
        cases: list[tuple[dict[str, Any], list[str]]] = [
            ({}, [release, outside, song, poem]),
            ({"kind": "contribution"}, [song, poem]),
            ({"kind": "outside"}, [outside]),
            ({"kind": "release"}, [release]),
            ({"medium": "audio"}, [song]),
            ({"role": "writer"}, [poem]),
            ({"role": "singer"}, [song]),
            ({"role": "editor"}, []),  # declined
            ({"q": "a "}, [release, song, poem]),
            ({"q": "SONG"}, [song]),
            ({"never_remixed": True}, [release]),
            ({"never_remixed": True, "kind": "contribution"}, []),
            ({"q": "o", "medium": "text", "role": "writer"}, [poem]),
            ({"q": "o", "medium": "text", "role": "singer"}, []),
            ({"kind": "nothing"}, []),
        ]
        with told.view() as view:
            for filters, expected in cases:
                found = [item["id"] for item in listing.works(view, **filters).items]
                assert found == expected, filters


SEARCHES = [
    ("größe", ["Die GRÖSSE", "die Größe"]),
    ("GRÖSSE", ["Die GRÖSSE", "die Größe"]),
    ("Ο ΛΌΓΟΣ", ["ο λόγος"]),
    ("ο λογος", ["ο λόγος"]),
    ("grosse", ["Die GRÖSSE", "die Größe"]),
    ("Beyoncé", ["Beyonce\u0301 live"]),
    ("beyonce", ["Beyonce\u0301 live"]),
    ("Tiesto", ["Tiësto"]),
    ("TIËSTO", ["Tiësto"]),
    ("bjork", ["Bj\u00f6rk"]),
    ("smorrebrod", ["Smørrebrød"]),
    ("dont", []),
    ("don't stop", ["Don’t stop"]),
    ("fi", ["ﬁne"]),
    ("ＦＩＮＥ", ["ﬁne"]),
    ("soft\u00adhyphen", ["soft\u200bhyphen"]),
    ("ЖУК", ["жук"]),
    ("100%", ["100% wool"]),
    ("%", ["100% wool"]),
    ("_", ["snake_case"]),
    ("e_c", ["snake_case"]),
    ("!", ["Help!"]),
    ("!!", []),
    ("\\", ["back\\slash"]),
    ("'", ["it's", "Don’t stop"]),
    ('"', []),
    (":q", []),
    ("", None),
    (" ", ["100% wool", "Die GRÖSSE", "die Größe", "ο λόγος", "Beyonce\u0301 live", "Don’t stop"]),
]


def test_search_finds_any_part_in_any_case_and_takes_no_sign_for_a_wildcard(database: str) -> None:
    said = ["Die GRÖSSE", "die Größe", "ο λόγος", "жук", "100% wool", "snake_case", "Help!"]
    said += ["back\\slash", "it's", "Beyonce\u0301 live", "Tiësto", "Bj\u00f6rk", "Smørrebrød"]
    said += ["Don’t stop", "ﬁne", "soft\u200bhyphen"]
    with story(database) as told:
        for title in said:
            told.piece(title)
        with told.view() as view:
            for q, expected in SEARCHES:
                found = {item["title"] for item in listing.works(view, q=q).items}
                assert found == set(said if expected is None else expected), q


def test_people_are_found_as_works_are(database: str) -> None:
    names = ["Beyonce\u0301", "Tiësto", "Łukasz", "İpek", "Ζωή"]
    with story(database) as told:
        for name in names:
            told.person(name)
        with told.view() as view:
            for q, name in zip(("BEYONCÉ", "tiesto", "lukasz", "ipek", "ζωη"), names, strict=True):
                assert [one["name"] for one in contributors.people(view, q=q).items] == [name], q


def test_an_address_is_found_in_any_case_on_either_engine(database: str) -> None:
    with story(database) as told:
        child = told.piece("child")
        told.tell(
            "declare_remix", child=child, uri="https://example.org/Waves/Größe", kind="sample"
        )
        with told.view() as view:
            for q in ("waves", "WAVES", "Example.ORG/Waves", "grosse", "größe"):
                (found,) = listing.works(view, q=q).items
                assert found["uri"] == "https://example.org/Waves/Gr%C3%B6%C3%9Fe", q


def test_what_was_withdrawn_is_not_offered_as_never_remixed(database: str) -> None:
    with story(database) as told:
        kept, gone = told.piece("kept"), told.piece("gone")
        told.tell("withdraw_contribution", id=gone, reason="r")
        release = told.release("release", kept)
        told.tell("withdraw_release", id=release, reason="r")
        unused = told.piece("unused")
        with told.view() as view:
            found = [one["id"] for one in listing.works(view, never_remixed=True).items]
            assert found == [unused]


# -- the walk in memory, against the naive answer ------------------------------------------


Edges = list[tuple[int, int, str]]


PAIRS = [(child, parent) for child in range(7, 1, -1) for parent in range(1, child)]


def graphs() -> st.SearchStrategy[Edges]:
    """Edges among seven works, each from a greater number to a smaller one."""
    kinds = st.sampled_from(["sample", "adaptation", "influence"])
    edges = st.builds(lambda ends, kind: (*ends, kind), st.sampled_from(PAIRS), kinds)
    return st.lists(edges, min_size=5, max_size=16)


def paths_by_hand(edges: set[tuple[int, int]], start: int, end: int) -> list[tuple[int, ...]]:
    """Every way from one work up to another, by trying all of them."""
    if start == end:
        return [(start,)]
    return [
        (start, *rest)
        for child, parent in edges
        if child == start
        for rest in paths_by_hand(edges, parent, end)
    ]


def test_fifty_thousand_generations_are_walked() -> None:
    tree = Lineage(0, tuple(Edge(child, child + 1) for child in range(50_000)))
    assert tree.generation[50_000] == 50_000
    (path,) = tree.paths([50_000], 12)
    assert path == tuple(range(50_001))
    assert tree.path_count[50_000] == 1


@given(graphs())
def test_ways_are_counted_and_told_as_by_trying_all(edges: Edges) -> None:
    root = 7
    pairs = {(child, parent) for child, parent, _ in edges}
    plain = nx.DiGraph(pairs)
    plain.add_node(root)
    reachable = nx.descendants(plain, root) | {root}
    tree = Lineage(root, tuple(Edge(*edge) for edge in edges if edge[0] in reachable))
    assert tree.generation == dict(nx.single_source_shortest_path_length(plain, root))
    through = nx.DiGraph((child, parent) for child, parent, kind in edges if kind != "influence")
    through.add_node(root)
    assert tree.direct == nx.descendants(through, root) | {root}
    for work in reachable:
        expected = paths_by_hand(pairs, root, work)
        assert tree.path_count[work] == len(expected)
        told = tree.paths([work], limit=1000)
        assert sorted(told) == sorted(expected)
        assert [len(path) for path in told] == sorted(map(len, told))
        assert tree.paths([work], limit=2) == told[:2]


@given(graphs(), st.sets(st.integers(1, 7), min_size=1), st.integers(1, 5))
def test_the_ways_to_several_works_are_the_shortest_of_all(
    edges: Edges, works: set[int], limit: int
) -> None:
    pairs = {(child, parent) for child, parent, _ in edges}
    ends = [work for work in works if paths_by_hand(pairs, 7, work)]
    reachable = {e for pair in pairs for e in pair if paths_by_hand(pairs, 7, e)}
    tree = Lineage(7, tuple(Edge(*edge) for edge in edges if edge[0] in reachable))
    everything = sorted(len(path) for work in ends for path in paths_by_hand(pairs, 7, work))
    told = tree.paths(ends, limit)
    assert [len(path) for path in told] == everything[:limit]
    assert len(set(told)) == len(told)
    for path in told:
        assert path[0] == 7
        assert path[-1] in works
        assert all(step in pairs for step in pairwise(path))


def test_a_graph_with_very_many_ways_is_answered_at_once() -> None:
    """Forty diamonds in a row: 2⁴⁰ ways, of which a dozen are told."""
    edges = []
    for number in range(40):
        top, left, right, bottom = (number * 3 + n for n in range(4))
        for child, parent in ((bottom, left), (bottom, right), (left, top), (right, top)):
            edges.append((child, parent, "sample"))
    tree = Lineage(120, tuple(Edge(*edge) for edge in edges))
    assert tree.path_count[0] == 2**40
    assert len(tree.paths([0], limit=12)) == 12


# -- dates that contradict an edge -----------------------------------------------------------


def test_a_work_dated_before_its_source_is_marked_wherever_the_edge_is_shown(
    database: str,
) -> None:
    with story(database) as told:
        late, early = told.piece("late", made_at="1990"), told.piece("early", made_at="1980")
        piece = told.piece("piece", late, early, made_at="1985~")
        with told.view() as view:
            sources = around.work(view, piece)["sources"]
            assert [one["suspect_dates"] for one in sources] == [True, False]
            assert around.remix(view, sources[0]["remix"])["suspect_dates"]
            edges = graph.page(view, piece)["edges"]
            suspect = [one["parent"] for one in edges if one["suspect_dates"]]
            assert suspect == [late]
            found = listing.works(view, suspect_dates=True)
            assert [one["id"] for one in found.items] == [piece]
        head = told.head()
        told.tell("redate_work", id=late, made_at="[..1984]", reason="r")
        told.tell("redate_work", id=early, made_at="1988", reason="r")
        told.tell("strike_remix", id=sources[1]["remix"], reason="r")
        with told.view() as view:
            assert listing.works(view, suspect_dates=True).items == []
            sources = around.work(view, piece)["sources"]
            assert [(one["state"], one["suspect_dates"]) for one in sources] == [
                ("declared", False),
                ("struck", True),
            ]
        with told.view(as_of=head) as view:
            assert [one["id"] for one in listing.works(view, suspect_dates=True).items] == [piece]
