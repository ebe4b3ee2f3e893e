"""Where everything in a lineage stands: columns of boxes from left to right, and lines between.

The one rule: a picture is drawn by these laws, whatever the graph:

1. Every line goes one way, from left to right, and so does time.
2. No box lies on another.
3. No line passes through a box but the two it joins: a line that passes a column has a lane of its
   own there, as wide as the line is thick.
4. Everything lies within the width and the height that are told.
5. The same graph gives the same picture.

The way there is Sugiyama's: ranks (longest path, tightened), lanes for long lines, few crossings
(barycenters and exchanges of neighbours, sweep by sweep), and coordinates after Brandes and Köpf
("Fast and Simple Horizontal Coordinate Assignment", 2001), compacted over the graph of blocks.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """How large a box is: its width, and its height above and below where lines meet it.

    Lines meet it within ``side``, a part of its height with that point in the middle.
    """

    width: float
    above: float
    below: float
    side: float


@dataclass(frozen=True)
class Line:
    """A line to draw from one box to another that stands further right."""

    left: int
    right: int
    thickness: float = 1.0


@dataclass(frozen=True)
class Box:
    """Where a box stands, and how large it is."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Space:
    """How much room is left free."""

    between_boxes: float = 14.0
    beside_lanes: float = 7.0
    between_columns: float = 40.0
    widest_between_columns: float = 96.0


@dataclass(frozen=True)
class Layout:
    """Where everything stands. A route curves from its first point to its second, runs straight to
    its third, curves to its fourth, and so on."""

    width: float
    height: float
    boxes: list[Box]
    routes: list[list[Point]]
    columns: int
    crossings: int


def lay_out(
    shapes: Sequence[Shape], lines: Sequence[Line], space: Space | None = None
) -> Layout:
    """Place boxes of these shapes, and route the lines between them.

    There is one line at most between two boxes, and the lines close no circle.
    """
    if not shapes:
        return Layout(0, 0, [], [], 0, 0)
    space = space or Space()
    net = _net(shapes, lines)
    crossings = _order(net)
    centres = _centres(net, space)
    return _drawn(net, centres, space, crossings)


# -- columns -------------------------------------------------------------------------------


@dataclass
class _Net:
    """Boxes and lanes in columns, each joined only to such of the columns beside it.

    Numbers below ``count`` are boxes, the others lanes.
    """

    count: int
    shapes: Sequence[Shape]
    above: list[float]
    below: list[float]
    columns: list[list[int]]
    lefts: list[list[int]]
    rights: list[list[int]]
    chains: list[list[int]]
    """For each line: the box it leaves, the lanes it takes, the box it enters."""
    thicknesses: list[float]


def ranks(count: int, lines: Iterable[Line]) -> list[int]:
    """The column of each box, counted from the right end.

    As near to the right end as can be; then whatever has more lines on its left than on its right
    moves left, which makes lines shorter, and takes along what stands in its way.
    """
    lefts: list[list[int]] = [[] for _ in range(count)]
    rights: list[list[int]] = [[] for _ in range(count)]
    for line in lines:
        lefts[line.right].append(line.left)
        rights[line.left].append(line.right)
    rank = [0] * count
    waiting = [len(each) for each in rights]
    ready = deque(node for node in range(count) if not waiting[node])
    placed = 0
    while ready:
        node = ready.popleft()
        placed += 1
        for left in lefts[node]:
            rank[left] = max(rank[left], rank[node] + 1)
            waiting[left] -= 1
            if not waiting[left]:
                ready.append(left)
    if placed < count:
        raise ValueError("The lines close a circle.")
    for _ in range(8):
        moves = [
            _moved_left(node, rank, lefts, rights)
            for node in sorted(range(count), key=rank.__getitem__, reverse=True)
        ]
        if not any(moves):
            break
    return rank


def _moved_left(
    node: int, rank: list[int], lefts: list[list[int]], rights: list[list[int]]
) -> bool:
    """Move a box left with all that it would meet, if more lines become shorter than longer."""
    moving, stack = {node}, [node]
    while stack:
        one = stack.pop()
        for left in lefts[one]:
            if rank[left] == rank[one] + 1 and left not in moving:
                moving.add(left)
                stack.append(left)
    room = [
        rank[left] - rank[one] - 1 for one in moving for left in lefts[one] if left not in moving
    ]
    longer = sum([right not in moving for one in moving for right in rights[one]])
    if len(room) <= longer:
        return False
    for one in moving:
        rank[one] += min(room)
    return True


def _net(shapes: Sequence[Shape], lines: Sequence[Line]) -> _Net:
    count = len(shapes)
    rank = ranks(count, lines)
    last = max(rank)
    column = [last - each for each in rank]
    net = _Net(
        count,
        shapes,
        [shape.above for shape in shapes],
        [shape.below for shape in shapes],
        [[] for _ in range(last + 1)],
        [[] for _ in shapes],
        [[] for _ in shapes],
        [],
        [line.thickness for line in lines],
    )
    for node in range(count):
        net.columns[column[node]].append(node)
    for line in lines:
        chain = [line.left]
        for number in range(column[line.left] + 1, column[line.right]):
            lane = len(net.above)
            net.above.append(line.thickness / 2)
            net.below.append(line.thickness / 2)
            net.lefts.append([])
            net.rights.append([])
            net.columns[number].append(lane)
            chain.append(lane)
        chain.append(line.right)
        for left, right in zip(chain, chain[1:], strict=False):
            net.rights[left].append(right)
            net.lefts[right].append(left)
        net.chains.append(chain)
    return net


# -- crossings -----------------------------------------------------------------------------

Columns = list[list[int]]


_WORK = 16_000
"""How many boxes and lanes are put in order before it is enough, in all rounds together."""


def _order(net: _Net) -> int:
    """Put every column into an order with few crossings; answers how many are left.

    A small graph is tried from several starts and for many rounds, a large one is not.
    """
    rounds = max(10, min(60, _WORK // len(net.above)))
    starts = (_breadth_first,) if rounds < 20 else (_breadth_first, _depth_first)
    best: Columns = []
    fewest = -1
    for start in starts:
        columns, crossings = _swept(net, start(net), rounds)
        if fewest < 0 or crossings < fewest:
            best, fewest = columns, crossings
        if not fewest:
            break
    net.columns = best
    return fewest


def _depth_first(net: _Net) -> Columns:
    """Each column in the order of a walk leftwards from the right end: a tree crosses nowhere."""
    columns: Columns = [[] for _ in net.columns]
    place = {node: number for number, column in enumerate(net.columns) for node in column}
    seen: set[int] = set()
    for end in (node for column in reversed(net.columns) for node in column):
        stack = [end]
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                columns[place[node]].append(node)
                stack.extend(reversed(net.lefts[node]))
    return columns


def _breadth_first(net: _Net) -> Columns:
    """Each column in the order in which a walk from the left end comes to it."""
    columns: Columns = [list(net.columns[0])]
    for column in net.columns[1:]:
        place = {node: number for number, node in enumerate(columns[-1])}
        nowhere = len(place)
        keys = {
            node: min((place[left] for left in net.lefts[node]), default=nowhere) for node in column
        }
        columns.append(sorted(column, key=keys.__getitem__))
    return columns


def _swept(net: _Net, columns: Columns, rounds: int) -> tuple[Columns, int]:
    """Sweep to and fro; what crossed least is kept, and then sifted."""
    places = [0] * len(net.above)
    for column in columns:
        _put(places, column)
    _exchange(net, columns, places, passes=3)
    fewest = crossings_of(columns, net.rights, places)
    best = [list(column) for column in columns]
    stale = 0
    for number in range(rounds):
        if not fewest or stale == 8:
            break
        sort = _sort_by_one_side if number % 4 < 2 else _sort_by_both_sides
        sort(net, columns, places, rightwards=number % 2 == 1)
        _exchange(net, columns, places, passes=rounds // 4, also_equal=number % 4 > 1)
        crossings = crossings_of(columns, net.rights, places)
        stale += 1
        if crossings < fewest:
            fewest, stale = crossings, 0
            best = [list(column) for column in columns]
    for column in best:
        _put(places, column)
    for _ in range(max(1, rounds // 8)):
        if not fewest or not _sift(net, best, places):
            break
    return best, crossings_of(best, net.rights, places)


def _put(places: list[int], column: list[int]) -> None:
    for place, node in enumerate(column):
        places[node] = place


def crossings_of(columns: Columns, rights: Sequence[Sequence[int]], places: Sequence[int]) -> int:
    """How many pairs of lines cross between neighbouring columns."""
    crossings = 0
    for column in columns:
        seen: list[int] = []
        for node in column:
            ends = sorted([places[right] for right in rights[node]])
            for end in ends:
                crossings += len(seen) - bisect_right(seen, end)
            for end in ends:
                insort(seen, end)
    return crossings


def _sort_by_one_side(net: _Net, columns: Columns, places: list[int], *, rightwards: bool) -> None:
    """Order each column by the barycenters of its neighbours in the one before.

    What has no neighbour there stays where it is.
    """
    beside = net.lefts if rightwards else net.rights
    numbers = range(1, len(columns)) if rightwards else range(len(columns) - 2, -1, -1)
    for number in numbers:
        column = columns[number]
        free, keyed = [], []
        for place, node in enumerate(column):
            if near := beside[node]:
                free.append(place)
                keyed.append((sum([places[one] for one in near]) / len(near), place, node))
        keyed.sort()
        for place, (_, _, node) in zip(free, keyed, strict=True):
            column[place] = node
            places[node] = place


def _sort_by_both_sides(
    net: _Net, columns: Columns, places: list[int], *, rightwards: bool
) -> None:
    """Order each column by the barycenters of all neighbours, each by its part of its column."""
    numbers = range(len(columns)) if rightwards else range(len(columns) - 1, -1, -1)
    for number in numbers:
        column = columns[number]
        before = len(columns[number - 1])
        after = len(columns[number + 1]) if number + 1 < len(columns) else 1
        keys = {}
        for place, node in enumerate(column):
            near = [(places[one] + 0.5) / before for one in net.lefts[node]]
            near += [(places[one] + 0.5) / after for one in net.rights[node]]
            keys[node] = sum(near) / len(near) if near else place / len(column)
        column.sort(key=keys.__getitem__)
        _put(places, column)


def _sift(net: _Net, columns: Columns, places: list[int]) -> bool:
    """Move each node to the best place in its column; answers whether any crossing went away."""
    improved = False
    for column in columns:
        near = {
            node: (
                sorted([places[one] for one in net.lefts[node]]),
                sorted([places[one] for one in net.rights[node]]),
            )
            for node in column
        }
        for node in tuple(column):
            left, right = near[node]
            here = best = column.index(node)
            gain = most = 0
            for place in range(here - 1, -1, -1):
                other_left, other_right = near[column[place]]
                gain += _gain(other_left, left) + _gain(other_right, right)
                if gain > most:
                    most, best = gain, place
            gain = 0
            for place in range(here + 1, len(column)):
                other_left, other_right = near[column[place]]
                gain += _gain(left, other_left) + _gain(right, other_right)
                if gain > most:
                    most, best = gain, place
            if best != here:
                column.insert(best, column.pop(here))
                improved = True
        _put(places, column)
    return improved


def _exchange(
    net: _Net, columns: Columns, places: list[int], *, passes: int, also_equal: bool = False
) -> None:
    """Exchange neighbours in a column wherever it takes crossings away.

    ``also_equal`` exchanges those that make no difference, too, once: it leads out of dead ends.
    """
    waiting = [True] * len(columns)
    for turn in range(passes):
        improved = False
        for number, column in enumerate(columns):
            if not waiting[number]:
                continue
            waiting[number] = False
            near = [
                (
                    sorted([places[one] for one in net.lefts[node]]),
                    sorted([places[one] for one in net.rights[node]]),
                )
                for node in column
            ]
            changed = False
            for place in range(len(column) - 1):
                (upper_left, upper_right), (lower_left, lower_right) = near[place], near[place + 1]
                gain = _gain(upper_left, lower_left) + _gain(upper_right, lower_right)
                if gain > 0 or (also_equal and not turn and not gain):
                    upper, lower = column[place], column[place + 1]
                    column[place], column[place + 1] = lower, upper
                    places[lower], places[upper] = place, place + 1
                    near[place], near[place + 1] = near[place + 1], near[place]
                    changed = changed or gain > 0
            if changed:
                improved = True
                for other in (number - 1, number, number + 1):
                    if 0 <= other < len(columns):
                        waiting[other] = True
        if not improved:
            return


def _gain(upper: list[int], lower: list[int]) -> int:
    """How many crossings fewer there are if two neighbours in a column change places."""
    if not upper or not lower or upper[-1] < lower[0]:
        return -len(upper) * len(lower)
    if len(upper) == 1 == len(lower):
        return 1 if upper[0] > lower[0] else 0
    gain = 0
    for one in lower:
        gain += len(upper) - bisect_right(upper, one) - bisect_left(upper, one)
    return gain


# -- coordinates ---------------------------------------------------------------------------


def _centres(net: _Net, space: Space) -> list[float]:
    """The height at which each box and lane has its middle: the mean of four tight layouts."""
    total = len(net.above)
    places = [0] * total
    for column in net.columns:
        _put(places, column)
    barred = _barred(net, places)
    layouts: list[list[float]] = []
    for downwards in (True, False):
        columns = net.columns if downwards else [column[::-1] for column in net.columns]
        if not downwards:
            for column in columns:
                _put(places, column)
        gaps = _gaps(net, columns, space, downwards=downwards)
        for rightwards in (True, False):
            blocks = _aligned(net, columns, places, barred, rightwards=rightwards)
            found = _compacted(columns, gaps, blocks, total)
            layouts.append(found if downwards else [-each for each in found])
    spans = [(min(each), max(each)) for each in layouts]
    low, high = min(spans, key=lambda span: span[1] - span[0])
    for number, (lowest, highest) in enumerate(spans):
        move = low - lowest if number < 2 else high - highest
        layouts[number] = [each + move for each in layouts[number]]
    centres = []
    for four in zip(*layouts, strict=True):
        _, one, other, _ = sorted(four)
        centres.append((one + other) / 2)
    return centres


def _barred(net: _Net, places: list[int]) -> set[tuple[int, int]]:
    """Joints that may not be straight, as they cross one of a long line that shall be."""
    barred: set[tuple[int, int]] = set()
    for column in net.columns[:-1]:
        kept_left: list[int] = []
        kept_right: list[int] = []
        for node in column:
            if node >= net.count and (right := net.rights[node][0]) >= net.count:
                if kept_right and kept_right[-1] > places[right]:
                    barred.add((node, right))
                else:
                    kept_left.append(places[node])
                    kept_right.append(places[right])
        if not kept_left:
            continue
        for node in column:
            before = bisect_left(kept_left, places[node])
            after = bisect_right(kept_left, places[node])
            for right in net.rights[node]:
                place = places[right]
                if (before and kept_right[before - 1] > place) or (
                    after < len(kept_right) and kept_right[after] < place
                ):
                    barred.add((node, right))
    return barred


def _aligned(
    net: _Net,
    columns: Columns,
    places: list[int],
    barred: set[tuple[int, int]],
    *,
    rightwards: bool,
) -> list[int]:
    """The block of each node: those that shall stand at one height, as the middle ones of those
    they are joined to; a block is named by its first."""
    total = len(net.above)
    block = list(range(total))
    taken = [False] * total
    beside = net.lefts if rightwards else net.rights
    for column in columns[1:] if rightwards else columns[-2::-1]:
        last = -1
        for node in column:
            near = beside[node]
            if len(near) > 1:
                near = sorted(near, key=places.__getitem__)
                half = (len(near) - 1) // 2
                near = near[half : half + 2 - len(near) % 2]
            for other in near:
                joint = (other, node) if rightwards else (node, other)
                if not taken[other] and places[other] > last and joint not in barred:
                    block[node] = block[other]
                    taken[other] = True
                    last = places[other]
                    break
    return block


def _gaps(net: _Net, columns: Columns, space: Space, *, downwards: bool) -> list[list[float]]:
    """How far the middles of neighbours in a column are apart at least."""
    count = net.count
    above, below = (net.above, net.below) if downwards else (net.below, net.above)
    return [
        [
            below[upper]
            + above[lower]
            + (space.between_boxes if upper < count and lower < count else space.beside_lanes)
            for upper, lower in zip(column, column[1:], strict=False)
        ]
        for column in columns
    ]


def _compacted(
    columns: Columns, gaps: list[list[float]], block: list[int], total: int
) -> list[float]:
    """Blocks as near to the top as they can be, then pulled back to what they are next to."""
    below: list[list[tuple[int, float]]] = [[] for _ in range(total)]
    waiting = [0] * total
    for column, apart in zip(columns, gaps, strict=True):
        for upper, lower, gap in zip(column, column[1:], apart, strict=False):
            below[block[upper]].append((block[lower], gap))
            waiting[block[lower]] += 1
    at = [0.0] * total
    ready = [node for node in range(total) if block[node] == node and not waiting[node]]
    sequence = []
    while ready:
        node = ready.pop()
        sequence.append(node)
        for lower, gap in below[node]:
            at[lower] = max(at[lower], at[node] + gap)
            waiting[lower] -= 1
            if not waiting[lower]:
                ready.append(lower)
    for node in reversed(sequence):
        if below[node]:
            at[node] = max(at[node], min([at[lower] - gap for lower, gap in below[node]]))
    return [at[block[node]] for node in range(total)]


# -- drawing -------------------------------------------------------------------------------


def _drawn(net: _Net, centres: list[float], space: Space, crossings: int) -> Layout:
    """Boxes and routes in their final places, the top left corner at 0, 0."""
    count = net.count
    top = min([centre - above for centre, above in zip(centres, net.above, strict=True)])
    bottom = max([centre + below for centre, below in zip(centres, net.below, strict=True)])
    leaving, entering = _ports(net, centres)
    widths = [
        max(net.shapes[node].width for node in column if node < count) for column in net.columns
    ]
    steepest = [0.0] * len(net.columns)
    column_of = {node: number for number, column in enumerate(net.columns) for node in column}
    for number, chain in enumerate(net.chains):
        heights_on_the_way = [
            leaving[number],
            *(centres[lane] for lane in chain[1:-1]),
            entering[number],
        ]
        first = column_of[chain[0]]
        for step, (one, other) in enumerate(
            zip(heights_on_the_way, heights_on_the_way[1:], strict=False)
        ):
            steepest[first + step] = max(steepest[first + step], abs(one - other))
    starts = []
    x = 0.0
    for number, width in enumerate(widths):
        starts.append(x)
        room = space.between_columns + steepest[number] / 5
        x += width + min(room, space.widest_between_columns)
    boxes = [
        Box(
            starts[column_of[node]],
            centres[node] - net.above[node] - top,
            widths[column_of[node]],
            net.above[node] + net.below[node],
        )
        for node in range(count)
    ]
    routes: list[list[Point]] = []
    for number, chain in enumerate(net.chains):
        first = column_of[chain[0]]
        route = [(starts[first] + widths[first], leaving[number] - top)]
        for step, lane in enumerate(chain[1:-1], start=first + 1):
            y = centres[lane] - top
            route += [(starts[step], y), (starts[step] + widths[step], y)]
        route.append((starts[column_of[chain[-1]]], entering[number] - top))
        routes.append(route)
    return Layout(
        starts[-1] + widths[-1], bottom - top, boxes, routes, len(net.columns), crossings
    )


def _ports(net: _Net, centres: list[float]) -> tuple[list[float], list[float]]:
    """At which height each line leaves its left box and enters its right one.

    Lines at one side of a box stand in the order of where they go, so that they do not cross.
    """
    leaving = [0.0] * len(net.chains)
    entering = [0.0] * len(net.chains)
    at_left: list[list[int]] = [[] for _ in range(net.count)]
    at_right: list[list[int]] = [[] for _ in range(net.count)]
    for number, chain in enumerate(net.chains):
        at_right[chain[0]].append(number)
        at_left[chain[-1]].append(number)
    for node in range(net.count):
        for side, ports, step in ((at_right[node], leaving, 1), (at_left[node], entering, -2)):
            side.sort(key=lambda number, step=step: centres[net.chains[number][step]])  # type: ignore[misc]
            stacked = _stacked([net.thicknesses[number] for number in side], net.shapes[node].side)
            for number, offset in zip(side, stacked, strict=True):
                ports[number] = centres[node] + offset
    return leaving, entering


def _stacked(thicknesses: list[float], room: float) -> list[float]:
    """Where lines side by side meet a box within so much room, from the middle of it."""
    full = sum(thicknesses)
    gap = min(5.0, max(0.0, room - full) / max(1, len(thicknesses) - 1))
    full += gap * (len(thicknesses) - 1)
    squeezed = min(1.0, room / full) if full else 1.0
    offsets = []
    y = -full / 2
    for thickness in thicknesses:
        offsets.append((y + thickness / 2) * squeezed)
        y += thickness + gap
    return offsets
