"""What each would get of a recorded work, through which path, and what an edge would change."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from stories import Story, id_of, story, ticking

from projections import lineage
from projections.splitting import Recorded, graph_at


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Story]:
    with story(f"sqlite:///{tmp_path / 'stemma.db'}", clock=ticking()) as told:
        yield told


def small_lineage(told: Story) -> None:
    """A film of Ana and Ben, made of Cleo's song (1/5), which samples a loop of nobody (1/10)."""
    for name in ("ana", "ben", "cleo"):
        told.person(name)
    told.piece("loop")
    told.piece("song", by=[id_of("cleo")])
    told.piece("film", by=[id_of("ana"), id_of("ben")])
    told.edge(id_of("song"), id_of("loop"), id=id_of("sampled"), rate="1/10")
    told.edge(id_of("film"), id_of("song"), "adaptation", id=id_of("scored"), rate="0.2")


def graph_of(told: Story, name: str, as_of: int | None = None, **said: Any) -> Recorded:
    with told.view(as_of) as view:
        return graph_at(view, lineage.find(view, id_of(name)).number, **said)


def test_the_graph_holds_what_counts_and_whose_it_is(database: str) -> None:
    with story(database, clock=ticking()) as told:
        small_lineage(told)
        told.credit(id_of("film"), id_of("ana"), role="composer")  # the same person once more
        told.credit(id_of("film"), id_of("cleo"), kind="influence")
        before = told.head()
        told.tell("strike_remix", id=id_of("sampled"), reason="r")
        told.tell("merge_contributor", id=id_of("ben"), into=id_of("cleo"))
        graph = graph_of(told, "film", before).graph
        half, film, song, loop = Fraction(1, 2), *(id_of(one) for one in ("film", "song", "loop"))
        assert graph.parents == {film: {song: Fraction(1, 5)}, song: {loop: Fraction(1, 10)}}
        assert graph.people == {
            film: ((id_of("ana"), half), (id_of("ben"), half)),
            song: ((id_of("cleo"), Fraction(1)),),
            loop: ((f"work/{loop}", Fraction(1)),),
        }
        now = graph_of(told, "film")
        assert now.graph.nodes == (film, song)
        assert dict(now.graph.people[film]) == {id_of("ana"): half, id_of("cleo"): half}
        assert now.people == {id_of("ana"): "ana", id_of("cleo"): "cleo"}
        assert now.works[film]["title"] == "film"


def test_an_edge_without_a_rate_has_the_default_one_or_none(told: Story) -> None:
    small_lineage(told)
    told.edge(id_of("film"), id_of("loop"))
    film, loop = id_of("film"), id_of("loop")
    assert graph_of(told, "film").graph.parents[film][loop] is None
    half = Fraction(1, 2)
    assert graph_of(told, "film", default_rate=half).graph.parents[film][loop] == half


def test_a_work_alone_is_a_graph_of_one(told: Story) -> None:
    told.piece("loop")
    loop = id_of("loop")
    assert graph_of(told, "loop").graph.holders(loop) == ((f"work/{loop}", Fraction(1)),)
