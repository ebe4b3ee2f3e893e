"""What was made from a work, as far as a picture draws it: bounded however wide or deep it is."""

from collections.abc import Iterator

import pytest
from stories import Story, story, ticking

from projections import listing
from projections.descent import DEEPEST, Descent, descent


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    database = f"sqlite:///{tmp_path_factory.mktemp('descent') / 'stemma.db'}"
    with story(database, clock=ticking()) as told:
        yield told


def drawn(told: Story, root: str, most: int = 99, widest: int = 99) -> Descent:
    with told.view() as view:
        found = descent(view, root, most, widest)
        far = {item["id"]: item["generation"] for item in listing.descendants(view, root).items}
    shown = found.shown
    assert set(shown.lineage.generation) == set(shown.works)  # each is reached from the root
    assert all(far[id] == one["generation"] for id, one in shown.works.items() if one["generation"])
    return found


def titles(found: Descent) -> list[str]:
    return [work["title"] for work in found.shown.works.values()]


def test_edges_lead_from_a_work_to_what_was_made_from_it_each_once(told: Story) -> None:
    top = told.piece("top")
    left, right = told.piece("left", top), told.piece("right", top)
    told.piece("bottom", left, right, top)
    found = drawn(told, top)
    names = {id: work["title"] for id, work in found.shown.works.items()}
    pairs = {(names[edge.child], names[edge.parent]) for edge in found.shown.lineage.edges}
    sides = {("top", "left"), ("top", "right"), ("left", "bottom"), ("right", "bottom")}
    assert pairs == sides | {("top", "bottom")}
    assert (found.left_out, found.is_exact) == (0, True)


def test_from_each_work_those_are_drawn_from_which_most_was_made(told: Story) -> None:
    hub = told.piece("hub")
    fans = [told.piece(f"fan {n}", hub) for n in range(6)]
    told.edge(fans[4], hub, kind="influence")  # one work, although made from it in two ways
    further = [told.piece(f"further {n}", fans[4]) for n in range(3)]
    told.piece("furthest", further[2])
    found = drawn(told, hub, widest=2)
    assert titles(found) == ["hub", "fan 4", "fan 0", "further 2", "further 0", "furthest"]
    assert (found.left_out, found.is_exact) == (5, True)
    assert titles(drawn(told, hub, most=3, widest=2)) == ["hub", "fan 4", "fan 0", "further 2"]


def test_works_that_are_one_are_drawn_as_one(told: Story) -> None:
    poem, copy = told.piece("poem"), told.piece("copy")
    song, dance = told.piece("song", poem), told.piece("dance", copy)
    told.tell("join_works", work=copy, into=poem, reason="The same poem.")
    assert set(titles(drawn(told, poem))) == {"poem", "song", "dance"}
    assert {*drawn(told, copy).shown.works} == {poem, song, dance}


def test_a_chain_without_end_is_looked_through_only_so_far(told: Story) -> None:
    first = last = told.piece("0")
    for number in range(DEEPEST):
        last = told.piece(f"{number + 1}", last)
    assert drawn(told, first).is_exact
    told.piece("one too many", last)
    found = drawn(told, first)
    assert (found.left_out, found.is_exact) == (0, False)
    assert "one too many" not in titles(found)


def test_what_nothing_was_made_from_is_drawn_alone(told: Story) -> None:
    assert titles(drawn(told, told.piece("alone"))) == ["alone"]
