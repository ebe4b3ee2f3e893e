"""The laws of drawing hold for every graph: no box on another, no line through a box, one way."""

import json
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.pictures.layout import (
    Box,
    BoxSize,
    Layout,
    Line,
    Point,
    Space,
    apart_at_least,
    lay_out,
    ranks,
)
from scripts.benchmarks import layout as beside

CARD = BoxSize(120, 28, 28, 44)
RIVER = BoxSize(118, 19, 4, 8)
NEAR = 1e-6


@st.composite
def graphs(draw: st.DrawFn, most: int = 14) -> tuple[list[BoxSize], list[Line]]:
    """Boxes of any shape, and lines that form no cycle."""
    count = draw(st.integers(2, most))
    size = st.integers(1, 90)
    shapes = [
        BoxSize(
            draw(size), above := draw(size), below := draw(size), 2 * min(above, below, draw(size))
        )
        for _ in range(count)
    ]
    pairs = st.sampled_from([(left, right) for left in range(count) for right in range(left)])
    ends = draw(st.sets(pairs, min_size=count // 2, max_size=3 * count))
    thickness = st.integers(1, 40)
    return shapes, [Line(left, right, draw(thickness)) for left, right in sorted(ends)]


def breaches(shapes: list[BoxSize], lines: list[Line], layout: Layout) -> list[str]:
    """What of a drawing breaks the laws."""
    assert len(shapes) == len(layout.boxes)
    frame = Box(0, 0, layout.width, layout.height)
    found = [f"{box} is out of bounds" for box in layout.boxes if not within(box, frame)]
    found += [f"{a} lies on {b}" for a, b in combinations(layout.boxes, 2) if overlap(a, b)]
    lanes: list[tuple[int, Box]] = []
    for number, (line, route) in enumerate(zip(lines, layout.routes, strict=True)):
        found += breaches_of_a_route(line, route, layout.boxes)
        for (x, y), (end, _) in list(pairwise(route))[1::2]:
            lane = Box(x, y - line.thickness / 2, end - x, line.thickness)
            lanes.append((number, lane))
            if any(overlap(lane, box) for box in layout.boxes):
                found.append(f"{line} passes through a box")
            if not within(lane, frame):
                found.append(f"{line} is out of bounds")
    found += [
        f"lines {one} and {other} share a lane"
        for (one, lane), (other, second) in combinations(lanes, 2)
        if one != other and overlap(lane, second)
    ]
    return found


def breaches_of_a_route(line: Line, route: list[Point], boxes: list[Box]) -> Iterator[str]:
    left, right = boxes[line.left], boxes[line.right]
    if not meets(route[0], left, left.x + left.width) or not meets(route[-1], right, right.x):
        yield f"{line} ends beside its boxes"
    for step, (one, other) in enumerate(pairwise(route)):
        if one[0] >= other[0]:
            yield f"{line} goes back"
        if step % 2 and one[1] != other[1]:
            yield f"{line} is not straight in a column"
        if not step % 2 and any(
            one[0] < box.x + box.width - NEAR and box.x < other[0] - NEAR for box in boxes
        ):
            yield f"{line} curves beside a box"


def within(box: Box, frame: Box) -> bool:
    return (
        min(box.x, box.y) >= -NEAR
        and box.x + box.width <= frame.width + NEAR
        and box.y + box.height <= frame.height + NEAR
    )


def overlap(one: Box, other: Box) -> bool:
    return (
        one.x + NEAR < other.x + other.width
        and other.x + NEAR < one.x + one.width
        and one.y + NEAR < other.y + other.height
        and other.y + NEAR < one.y + one.height
    )


def meets(point: Point, box: Box, x: float) -> bool:
    return abs(point[0] - x) < NEAR and box.y - NEAR <= point[1] <= box.y + box.height + NEAR


@given(graphs())
@settings(max_examples=60)
def test_every_drawing_keeps_the_laws(graph: tuple[list[BoxSize], list[Line]]) -> None:
    shapes, lines = graph
    assert breaches(shapes, lines, lay_out(shapes, lines)) == []


@given(graphs())
@settings(max_examples=30)
def test_the_same_graph_gives_the_same_picture(graph: tuple[list[BoxSize], list[Line]]) -> None:
    shapes, lines = graph
    assert lay_out(shapes, lines) == lay_out(list(shapes), list(lines))


@given(graphs())
@settings(max_examples=60)
def test_the_crossings_that_are_told_are_those_that_are_drawn(
    graph: tuple[list[BoxSize], list[Line]],
) -> None:
    shapes, lines = graph
    shapes = [
        BoxSize(100, 60, 60, 100) for _ in shapes
    ]  # room for every line at the side of its box
    lines = [Line(line.left, line.right, 0.1) for line in lines]
    layout = lay_out(shapes, lines)
    steps = [
        (one, other)
        for route in layout.routes
        for step, (one, other) in enumerate(pairwise(route))
        if not step % 2
    ]
    drawn = sum(
        1
        for (a, b), (c, d) in combinations(steps, 2)
        if a[0] == c[0] and b[0] == d[0] and (a[1] - c[1]) * (b[1] - d[1]) < 0
    )
    assert drawn == layout.crossings


@given(st.integers(1, 40), st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_a_tree_crosses_nowhere(count: int, random: st.DataObject) -> None:
    lines = [Line(node, random.randrange(node)) for node in range(1, count)]  # type: ignore[attr-defined]
    assert lay_out([CARD] * count, lines).crossings == 0


@given(graphs(most=20))
@settings(max_examples=60)
def test_every_line_has_its_right_end_in_a_column_further_right(
    graph: tuple[list[BoxSize], list[Line]],
) -> None:
    shapes, lines = graph
    rank = ranks(len(shapes), lines)
    assert all(rank[line.left] > rank[line.right] >= 0 for line in lines)


def test_a_box_stands_where_its_lines_are_short() -> None:
    """A work used once, but made from two that are far left, stands beside these."""
    lines = [Line(1, 0), Line(2, 1), Line(3, 2), Line(4, 0), Line(3, 4), Line(5, 4), Line(5, 2)]
    assert ranks(6, lines)[4] == 2


def test_a_cycle_is_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        lay_out([CARD] * 3, [Line(0, 1), Line(1, 2), Line(2, 0)])


def test_nothing_is_drawn_as_nothing() -> None:
    assert lay_out([], []) == Layout(0, 0, [], [], 0, 0)


def test_a_long_line_is_straight_where_there_is_room() -> None:
    lines = [Line(3, 2), Line(2, 1), Line(1, 0), Line(3, 0)]
    layout = lay_out([CARD] * 4, lines)
    heights = [y for _, y in layout.routes[3][1:-1]]
    assert max(heights) - min(heights) < 0.01


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0.1, 9), st.floats(0, 50)), min_size=1))
def test_what_is_held_apart_stays_as_near_as_it_can(told: list[tuple[float, float, float]]) -> None:
    wanted, weights, gaps = (list(each) for each in zip(*told, strict=True))
    found = apart_at_least(wanted, weights, gaps[1:])
    assert all(b - a >= gap - 1e-6 for (a, b), gap in zip(pairwise(found), gaps[1:], strict=True))
    # What stands alone, free on both sides, stands where it wanted to.
    for place, y in enumerate(found):
        is_free = (place == 0 or y - found[place - 1] > gaps[place] + 1e-6) and (
            place == len(found) - 1 or found[place + 1] - y > gaps[place + 1] + 1e-6
        )
        assert not is_free or abs(y - wanted[place]) < 1e-6
    # And all together they are where their weights balance.
    balance = sum(
        (y - want) * weight for y, want, weight in zip(found, wanted, weights, strict=True)
    )
    assert abs(balance) < 1e-3


@pytest.mark.parametrize("works", [1, 5, 30, 120, 500])
@pytest.mark.parametrize("shape", [CARD, RIVER], ids=["card", "river"])
def test_lineages_of_every_size_keep_the_laws(works: int, shape: BoxSize) -> None:
    lines = [Line(parent, child, 2) for child, parent in beside.lineage(works, seed=works)]
    shapes = [shape] * works
    layout = lay_out(shapes, lines, Space(beside_lanes=5))
    if works == 500:  # pairs of lanes by the ten thousand: only boxes are looked at
        assert not any(overlap(one, other) for one, other in combinations(layout.boxes, 2))
    else:
        assert breaches(shapes, lines, layout) == []


# -- beside dot ------------------------------------------------------------------------------


def real_lineages(shared_data: Path) -> list[tuple[int, beside.Edges]]:
    """What samples what, as finished works: each connected part of the list, under one work that
    holds whatever nothing in it sampled."""
    links = json.loads((shared_data / "whosampled" / "viz_demo.json").read_text("utf-8"))["links"]
    parents: dict[int, set[int]] = {}
    joined: dict[int, set[int]] = {}
    for link in links:
        child, parent = link["source"], link["target"]
        if child != parent and not is_reached(parent, child, parents):
            parents.setdefault(child, set()).add(parent)
            joined.setdefault(child, set()).add(parent)
            joined.setdefault(parent, set()).add(child)
    found = []
    seen: set[int] = set()
    for start in joined:
        if start in seen:
            continue
        part = [start]
        for node in part:
            part += [other for other in sorted(joined[node]) if other not in part]
        seen |= set(part)
        number = {node: place for place, node in enumerate(part, start=1)}
        edges = [(number[node], number[other]) for node in part for other in parents.get(node, ())]
        used = {parent for _, parent in edges}
        edges += [(0, place) for place in number.values() if place not in used]
        found.append((len(part) + 1, sorted(edges)))
    return found


def is_reached(start: int, end: int, parents: dict[int, set[int]]) -> bool:
    waiting, seen = [start], {start}
    for node in waiting:
        more = parents.get(node, set()) - seen
        seen |= more
        waiting += more
    return end in seen


def test_real_lineages_keep_the_laws(shared_data: Path) -> None:
    for works, edges in real_lineages(shared_data):
        if 5 <= works <= 100:
            shapes = [CARD] * works
            lines = [Line(parent, child, 2) for child, parent in edges]
            assert breaches(shapes, lines, lay_out(shapes, lines)) == []


OF_DOT = {"real": 2605, (5, 10): 0, (30, 15): 84, (120, 2): 280}
"""How many crossings dot 2.43.0 leaves on these graphs: the real ones (``dot -v`` tells), and so
many generated ones of so many works. The tests do without it; ``stemma bench layout`` asks the dot
that is there."""


def test_real_lineages_cross_at_most_a_fifth_more_than_with_dot(shared_data: Path) -> None:
    """dot tells how many are left between its ranks; that is what the layout tells, too."""
    large = [graph for graph in real_lineages(shared_data) if graph[0] >= 12]
    assert max(works for works, _ in large) > 800
    ours = sum(
        lay_out([CARD] * works, [Line(parent, child) for child, parent in edges]).crossings
        for works, edges in large
    )
    assert ours <= 1.2 * OF_DOT["real"]


@pytest.mark.parametrize("works, graphs", [of for of in OF_DOT if isinstance(of, tuple)])
def test_generated_lineages_cross_at_most_a_fifth_more_than_with_dot(
    works: int, graphs: int
) -> None:
    told = [(works, beside.lineage(works, seed)) for seed in range(graphs)]
    ours = sum(beside.crossings(beside.drawn(*graph)) for graph in told)
    assert ours <= 1.2 * OF_DOT[works, graphs]


def test_crossings_are_counted_where_lines_meet() -> None:
    cross = [(0, 1, [(0.0, 0.0), (50.0, 50.0)]), (2, 3, [(0.0, 50.0), (50.0, 0.0)])]
    assert beside.crossings(cross) == 1
    assert (
        beside.crossings([(0, 1, [(0.0, 0.0), (50.0, 0.0)]), (2, 3, [(0.0, 9.0), (50.0, 9.0)])])
        == 0
    )
    assert beside.crossings([cross[0], (0, 3, [(0.0, 50.0), (50.0, 0.0)])]) == 0
    joint = (2, 3, [(0.0, 50.0), (25.0, 25.0), (50.0, 0.0)])
    assert beside.crossings([cross[0], joint]) == 1
