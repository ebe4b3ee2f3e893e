"""Layout: how few lines cross in a picture of a lineage, and how fast it is drawn.

The peer is Graphviz's dot (the Debian package graphviz), given the same boxes and lines. Crossings
are counted on the drawn curves, by one function for both: every point where two lines meet that
share no box. Times are processor times for a whole picture as SVG; dot's include the start of its
process. Real lineages, whose licence does not permit copying them here, are compared with dot in
``tests/test_pictures_layout.py``.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from random import Random
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from time import process_time

from domain.lineage import Edge, Lineage
from projections.pictures.folding import DrawnWork, LineagePicture
from projections.pictures.layout import BoxSize, Line, Point, lay_out
from projections.pictures.lineage import lineage_svg
from scripts.benchmarks.measure import Aim, Peer, Result, Size, at_most

Edges = list[tuple[int, int]]
Curve = tuple[int, int, list[Point]]
"""The two boxes that a line joins, and the points along it."""

GRAPHS: dict[Size, dict[int, int]] = {
    "small": {5: 6, 30: 6, 120: 1},
    "full": {5: 40, 30: 40, 120: 10, 500: 5},
}
"""How many lineages of each number of works are drawn."""
NO_PEER = "dot is missing: apt-get install graphviz"
SHAPE = BoxSize(140, 28, 28, 44)


def measure(size: Size, database: str) -> Iterator[Result]:  # noqa: ARG001 - all have one signature
    """Crossings and milliseconds for each number of works; the database is not used."""
    has_dot = shutil.which("dot") is not None
    small = [works for works in GRAPHS[size] if works <= 30]
    others = [[works] for works in GRAPHS[size] if works > 30]
    for group in (small, *others):
        graphs = [(works, lineage(works, n)) for works in group for n in range(GRAPHS[size][works])]
        told = f"{len(graphs)} × {' and '.join(map(str, group))} works"
        ours = sum(crossings(drawn(works, edges)) for works, edges in graphs)
        theirs = sum(crossings(drawn_by_dot(works, edges)) for works, edges in graphs if has_dot)
        yield _result(f"crossings, {told}", ours, "crossings", theirs, *at_most(1.2, "dot"))
        mine = median(_milliseconds(works, edges) for works, edges in graphs)
        dots = median(_dot_milliseconds(works, edges) for works, edges in graphs) if has_dot else 0
        yield _result(f"time, {told}", mine, "ms", dots)


def _result(measured: str, ours: float, unit: str, theirs: float, *aims: Aim) -> Result:
    if not theirs:
        return Result(measured, ours, unit, note=NO_PEER)
    return Result(measured, ours, unit, (Peer("dot", theirs),), aims=aims)


def lineage(works: int, seed: int) -> Edges:
    """The child and parent of every edge. 0 is the release; each other work went into one to three
    later ones, mostly soon after."""
    random = Random(seed)
    edges = set()
    for work in range(1, works):
        for _ in range(random.choice((1, 1, 1, 1, 2, 2, 3))):
            back = int(random.expovariate(1 / (2 + works / 8)))
            edges.add((max(0, work - 1 - back), work))
    return sorted(edges)


def picture(works: int, edges: Edges) -> LineagePicture:
    """The lineage as a picture, with shares, unfolded."""
    share = Fraction(1, works)
    return LineagePicture(
        Lineage(
            "0", tuple(Edge(str(child), str(parent), "sample", "1/5") for child, parent in edges)
        ),
        tuple(
            DrawnWork(str(n), f"Work {n}", people=(f"Person {n % 20}",), share=share)
            for n in range(works)
        ),
        {(str(child), str(parent)): share for child, parent in edges},
        fold=Fraction(0),
    )


def drawn(works: int, edges: Edges) -> list[Curve]:
    """The lines as this project draws them."""
    layout = lay_out([SHAPE] * works, [Line(parent, child, 2) for child, parent in edges])
    curves = []
    for (child, parent), route in zip(edges, layout.routes, strict=True):
        points = [route[0]]
        for step, (one, other) in enumerate(pairwise(route)):
            middle = (one[0] + other[0]) / 2
            points += (
                [other] if step % 2 else _bezier((one, (middle, one[1]), (middle, other[1]), other))
            )
        curves.append((parent, child, points))
    return curves


def drawn_by_dot(works: int, edges: Edges) -> list[Curve]:
    """The lines as dot draws them: B-splines, four points and three for each further piece."""
    curves = []
    for line in _dot(works, edges, "plain").splitlines():
        match line.split():
            case ["edge", tail, head, count, *numbers]:
                flat = [float(each) * 72 for each in numbers[: 2 * int(count)]]
                ends = list(zip(flat[::2], flat[1::2], strict=True))
                points = [ends[0]]
                for first in range(0, len(ends) - 1, 3):
                    points += _bezier(ends[first : first + 4])
                curves.append((int(tail), int(head), points))
    return curves


def _dot(works: int, edges: Edges, form: str) -> str:
    asked, text = ["dot", f"-T{form}"], _as_dot(works, edges)
    return subprocess.run(asked, input=text, capture_output=True, text=True, check=True).stdout


def _as_dot(works: int, edges: Edges) -> str:
    lines = [
        "digraph { rankdir=LR; nodesep=0.19; ranksep=0.6; "
        'node [shape=box, fixedsize=true, width=1.95, height=0.78, label=""];',
        *(f"{work};" for work in range(works)),
        *(f"{parent} -> {child} [arrowhead=none];" for child, parent in edges),
        "}",
    ]
    return "\n".join(lines)


def _milliseconds(works: int, edges: Edges) -> float:
    shown = picture(works, edges)
    before = process_time()
    lineage_svg(shown, stand_alone=True)
    return (process_time() - before) * 1000


def _dot_milliseconds(works: int, edges: Edges) -> float:
    before = getrusage(RUSAGE_CHILDREN)
    _dot(works, edges, "svg")
    after = getrusage(RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000


_PIECES = 12


def _bezier(points: Sequence[Point]) -> list[Point]:
    """Points along a cubic curve, after its first."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = points
    found = []
    for piece in range(1, _PIECES + 1):
        t = piece / _PIECES
        u = 1 - t
        a, b, c, d = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
        found.append((a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3))
    return found


_CELL = 24.0


def crossings(curves: Iterable[Curve]) -> int:
    """The number of points where two lines meet that share no box."""
    cells: dict[tuple[int, int], list[tuple[int, int, Point, Point]]] = {}
    met: set[tuple[int, int, int, int]] = set()
    for left, right, points in curves:
        for number, (one, other) in enumerate(pairwise(points)):
            key = hash((left, right, number))
            xs = sorted((int(one[0] // _CELL), int(other[0] // _CELL)))
            ys = sorted((int(one[1] // _CELL), int(other[1] // _CELL)))
            for cell in ((x, y) for x in range(xs[0], xs[1] + 1) for y in range(ys[0], ys[1] + 1)):
                there = cells.setdefault(cell, [])
                for other_left, other_right, start, end in there:
                    if {left, right}.isdisjoint((other_left, other_right)) and _cross(
                        one, other, start, end
                    ):
                        met.add((key, other_left, other_right, hash((start, end))))
                there.append((left, right, one, other))
    return len(met)


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether two straight pieces cross; half-open, so that a joint of two pieces counts once."""
    return (_side(a, b, c) > 0) != (_side(a, b, d) > 0) and (_side(c, d, a) > 0) != (
        _side(c, d, b) > 0
    )


def _side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
