"""The layout of a lineage: columns of boxes from left to right, and lines between them.

A picture obeys these laws, whatever the graph:

1. Every line runs from left to right, and so does time.
2. No box overlaps another.
3. No line passes through a box other than the two it joins: a line that passes a column has a lane
   of its own there, as wide as the line is thick.
4. Everything lies within the width and the height returned.
5. The same graph gives the same picture.

The method is Sugiyama's: ranks (longest path, tightened), lanes for long lines, few crossings
(barycenters, exchanges of neighbours, sifting), and heights column by column, by least squares.
Brandes and Köpf's heights were tried: they took 2 to 9 times the space, with as many more bends.

One file, because its steps share one data structure that nothing else uses.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, inf

Point = tuple[float, float]


@dataclass(frozen=True)
class BoxSize:
    """The size of a box: its width, and its height above and below the point where lines meet it.

    Lines meet it within ``side``, a part of its height centred on that point. All boxes of a column
    are as wide as the widest, unless that is a block.
    """

    width: float
    above: float
    below: float
    side: float
    is_block: bool = False


@dataclass(frozen=True)
class Line:
    """A line to draw from one box to another further right."""

    left: int
    right: int
    thickness: float = 1.0


@dataclass(frozen=True)
class Box:
    """The position and size of a box."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Space:
    """How much space is left free: between boxes and beside lanes vertically, between columns
    horizontally."""

    between_boxes: float = 14.0
    beside_lanes: float = 7.0
    between_columns: float = 40.0
    widest_between_columns: float = 96.0


@dataclass(frozen=True)
class Layout:
    """The position of everything. A route curves from its first point to its second, runs straight
    to its third, curves to its fourth, and so on."""

    width: float
    height: float
    boxes: list[Box]
    routes: list[list[Point]]
    columns: int
    crossings: int


def lay_out(shapes: Sequence[BoxSize], lines: Sequence[Line], space: Space | None = None) -> Layout:
    """Place boxes of these shapes, and route the lines between them.

    There is at most one line between two boxes, and the lines form no cycle.
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
    """Boxes and lanes in columns, each joined only to those of the neighbouring columns.

    Numbers below ``count`` are boxes, the others lanes.
    """

    count: int
    shapes: Sequence[BoxSize]
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

    As near to the right end as possible. Then every box with more lines on its left than on its
    right moves left, which shortens lines, together with the boxes in its way.
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
        raise ValueError("The lines form a cycle.")
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
    """Move a box left with those in its way, if more lines become shorter than longer."""
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


def _net(shapes: Sequence[BoxSize], lines: Sequence[Line]) -> _Net:
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
        for left, right in pairwise(chain):
            net.rights[left].append(right)
            net.lefts[right].append(left)
        net.chains.append(chain)
    return net


# -- crossings -----------------------------------------------------------------------------

Columns = list[list[int]]


_WORK = 8_000
"""About how many boxes and lanes are ordered in all rounds together; there are 14 to 60."""


def _order(net: _Net) -> int:
    """Order every column for few crossings; returns how many are left.

    A small graph is swept from two starts in many rounds, a large one from the better start.
    """
    rounds = max(14, min(60, _WORK // len(net.above)))
    starts = [_depth_first(net), _breadth_first(net)]
    if rounds < 20:
        starts = [min(starts, key=lambda columns: _crossings(net, columns))]
    net.columns, fewest = _swept(net, starts[0], rounds)
    for start in starts[1:] if fewest else ():
        columns, crossings = _swept(net, start, rounds)
        if crossings < fewest:
            net.columns, fewest = columns, crossings
    return fewest


def _crossings(net: _Net, columns: Columns) -> int:
    return crossings_of(columns, net.rights, _places(net, columns))


def _places(net: _Net, columns: Columns) -> list[int]:
    """The place of each box and lane in its column."""
    places = [0] * len(net.above)
    for column in columns:
        _put(places, column)
    return places


def _depth_first(net: _Net) -> Columns:
    """Each column in the order of a walk leftwards from the right end: a tree has no crossings."""
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
    """Each column in the order of a breadth-first walk from the left end."""
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
    """Sweep back and forth; the order with the fewest crossings is kept and sifted."""
    places = _places(net, columns)
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
    places = _places(net, best)
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

    Those without a neighbour there stay in place.
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
    """Order each column by the barycenters of all neighbours, relative to their columns."""
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
    """Move each box to the best place in its column; returns whether crossings were removed."""
    improved = False
    for column in columns:
        near = {
            node: (_beside(net.lefts[node], places), _beside(net.rights[node], places))
            for node in column
        }
        for node in [node for node in column if node < net.count]:
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
    """Exchange neighbours in a column wherever that removes crossings.

    With ``also_equal``, the first pass also exchanges those that make no difference: that leads
    out of dead ends.
    """
    waiting = [True] * len(columns)
    for turn in range(passes):
        improved = False
        for number, column in enumerate(columns):
            if not waiting[number]:
                continue
            waiting[number] = False
            near = [
                (_beside(net.lefts[node], places), _beside(net.rights[node], places))
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


def _beside(near: list[int], places: list[int]) -> list[int]:
    """The places of neighbours, in order; usually there is one."""
    if len(near) == 1:
        return [places[near[0]]]
    return sorted([places[one] for one in near])


def _gain(upper: list[int], lower: list[int]) -> int:
    """How many crossings disappear if two neighbours with these ends change places."""
    if not upper or not lower or upper[-1] < lower[0]:
        return -len(upper) * len(lower)
    if len(upper) == 1 == len(lower):
        return 1 if upper[0] > lower[0] else 0
    gain = 0
    for one in lower:
        gain += len(upper) - bisect_right(upper, one) - bisect_left(upper, one)
    return gain


# -- heights -------------------------------------------------------------------------------

_SWEEPS = 12
_PULL = (1.0, 2.0, 8.0)
"""How strongly neighbours pull each other to one height: two boxes, box and lane, two lanes."""


def _centres(net: _Net, space: Space) -> list[float]:
    """The height at which lines meet each box, and at which each lane runs.

    Column by column, back and forth, each is pulled to the mean of its neighbours; where they would
    overlap, the nearest heights that keep them apart are taken.
    """
    total = len(net.above)
    centres = [0.0] * total
    gaps = _gaps(net, space)
    for column, apart in zip(net.columns, gaps, strict=True):
        y = -sum(apart) / 2
        for node, gap in zip(column, [*apart, 0.0], strict=True):
            centres[node] = y
            y += gap
    pulls = [
        [(other, _PULL[(node >= net.count) + (other >= net.count)]) for other in near]
        for node, near in enumerate(map(list.__add__, net.lefts, net.rights))
    ]
    weights = [sum([pull for _, pull in near]) for near in pulls]
    rightwards = list(zip(net.columns, gaps, strict=True))
    for number in range(_SWEEPS):
        for column, apart in rightwards if number % 2 else reversed(rightwards):
            wanted = [
                sum([centres[other] * pull for other, pull in pulls[node]]) / weights[node]
                if weights[node]
                else centres[node]
                for node in column
            ]
            heavy = [weights[node] or 0.01 for node in column]
            for node, y in zip(column, apart_at_least(wanted, heavy, apart), strict=True):
                centres[node] = y
    return centres


def _gaps(net: _Net, space: Space) -> list[list[float]]:
    """The least distances between neighbours in a column."""
    count, above, below = net.count, net.above, net.below
    return [
        [
            below[upper]
            + above[lower]
            + (space.between_boxes if upper < count and lower < count else space.beside_lanes)
            for upper, lower in pairwise(column)
        ]
        for column in net.columns
    ]


def apart_at_least(
    wanted: Sequence[float], weights: Sequence[float], gaps: Sequence[float]
) -> list[float]:
    """The heights nearest to those wanted, by weighted squares, that keep order and distance.

    Neighbours that are too close are merged at their mean, until none are ("pool adjacent
    violators", which is exact).
    """
    offsets = [0.0]
    for gap in gaps:
        offsets.append(offsets[-1] + gap)
    means: list[float] = []
    heavy: list[float] = []
    sizes: list[int] = []
    for want, weight, offset in zip(wanted, weights, offsets, strict=False):
        mean, all_weight, size = want - offset, weight, 1
        while means and means[-1] > mean:
            other = heavy.pop()
            mean = (mean * all_weight + means.pop() * other) / (all_weight + other)
            all_weight += other
            size += sizes.pop()
        means.append(mean)
        heavy.append(all_weight)
        sizes.append(size)
    pooled = [mean for mean, size in zip(means, sizes, strict=True) for _ in range(size)]
    return [mean + offset for mean, offset in zip(pooled, offsets, strict=False)]


def _straighten(
    net: _Net, centres: list[float], space: Space, leaving: list[float], entering: list[float]
) -> None:
    """Straighten each long line as far as possible: from either end, then between."""
    above: list[tuple[int, float] | None] = [None] * len(centres)
    below: list[tuple[int, float] | None] = [None] * len(centres)
    for column, apart in zip(net.columns, _gaps(net, space), strict=True):
        for upper, lower, gap in zip(column, column[1:], apart, strict=False):
            below[upper] = lower, gap
            above[lower] = upper, gap

    def room(lane: int) -> tuple[float, float]:
        """The heights between which its neighbours let a lane move."""
        upper, lower = above[lane], below[lane]
        low = -inf if upper is None else centres[upper[0]] + upper[1]
        high = inf if lower is None else centres[lower[0]] - lower[1]
        return low, high

    for chain, start, end in zip(net.chains, leaving, entering, strict=True):
        lanes = chain[1:-1]
        for y, place in ((start, 0), (end, -1)):
            while lanes and _is_within(y, room(lanes[place])):
                centres[lanes.pop(place)] = y
        while lanes:
            y, count = _level(centres[lanes[0]], map(room, lanes))
            for lane in lanes[:count]:
                centres[lane] = y
            del lanes[:count]


def _is_within(y: float, room: tuple[float, float]) -> bool:
    low, high = room
    return low <= y <= high


def _level(y: float, rooms: Iterable[tuple[float, float]]) -> tuple[float, int]:
    """The height nearest to ``y`` for as many of the first rooms as can have one, and how many."""
    low, high, count = -inf, inf, 0
    for lowest, highest in rooms:
        if max(low, lowest) > min(high, highest):
            break
        low, high, count = max(low, lowest), min(high, highest), count + 1
    return min(max(y, low), high), max(1, count)


# -- drawing -------------------------------------------------------------------------------


def _drawn(net: _Net, centres: list[float], space: Space, crossings: int) -> Layout:
    """Boxes and routes in their final places, with the top left corner at 0, 0."""
    count = net.count
    _straighten(net, centres, space, *_ports(net, centres, turns=1))
    leaving, entering = _ports(net, centres, turns=2)
    top = min([centre - above for centre, above in zip(centres, net.above, strict=True)])
    bottom = max([centre + below for centre, below in zip(centres, net.below, strict=True)])
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
        for step, (one, other) in enumerate(pairwise(heights_on_the_way)):
            steepest[first + step] = max(steepest[first + step], abs(one - other))
    starts = []
    x = 0.0
    for number, width in enumerate(widths):
        starts.append(x)
        room = space.between_columns + steepest[number] / 5
        # Whole units are shorter to write.
        x = ceil(x + width + min(room, space.widest_between_columns))
    usual = [
        max((net.shapes[node].width for node in column if _stretches(net, node)), default=0.0)
        for column in net.columns
    ]
    boxes = []
    for node in range(count):
        number = column_of[node]
        width = usual[number] if _stretches(net, node) else net.shapes[node].width
        # What is narrower than its column stands where its lines leave it.
        x = starts[number] + (widths[number] - width if net.rights[node] else 0.0)
        y, high = centres[node] - net.above[node] - top, net.above[node] + net.below[node]
        boxes.append(Box(x, y, width, high))
    routes: list[list[Point]] = []
    for number, chain in enumerate(net.chains):
        first = column_of[chain[0]]
        route = [(starts[first] + widths[first], leaving[number] - top)]
        for step, lane in enumerate(chain[1:-1], start=first + 1):
            y = centres[lane] - top
            route += [(starts[step], y), (starts[step] + widths[step], y)]
        end, y = column_of[chain[-1]], entering[number] - top
        route.append((starts[end], y))
        if boxes[chain[-1]].x > starts[end]:
            route.append((boxes[chain[-1]].x, y))
        routes.append(route)
    return Layout(starts[-1] + widths[-1], bottom - top, boxes, routes, len(net.columns), crossings)


def _stretches(net: _Net, node: int) -> bool:
    """Whether a box is as wide as others of its column: neither a lane nor a block."""
    return node < net.count and not net.shapes[node].is_block


def _ports(net: _Net, centres: list[float], turns: int) -> tuple[list[float], list[float]]:
    """The height at which each line leaves its left box and enters its right one.

    As near as possible to the height of its other end, and in that order, so that lines at one side
    of a box do not cross.
    """
    leaving = [centres[chain[0]] for chain in net.chains]
    entering = [centres[chain[-1]] for chain in net.chains]
    at_left: list[list[int]] = [[] for _ in range(net.count)]
    at_right: list[list[int]] = [[] for _ in range(net.count)]
    for number, chain in enumerate(net.chains):
        at_right[chain[0]].append(number)
        at_left[chain[-1]].append(number)
    for node in range(net.count):
        at_right[node].sort(key=lambda number: centres[net.chains[number][1]])
        at_left[node].sort(key=lambda number: centres[net.chains[number][-2]])
    for _ in range(turns):
        for sides, here, there, step in (
            (at_right, leaving, entering, 1),
            (at_left, entering, leaving, -2),
        ):
            for node, side in enumerate(sides):
                if not side:
                    continue
                towards = [
                    there[number]
                    if len(net.chains[number]) == 2
                    else centres[net.chains[number][step]]
                    for number in side
                ]
                thick = [net.thicknesses[number] for number in side]
                found = _along(towards, thick, centres[node], net.shapes[node].side)
                for number, y in zip(side, found, strict=True):
                    here[number] = y
    return leaving, entering


def _along(towards: list[float], thick: list[float], centre: float, side: float) -> list[float]:
    """The heights at which lines meet a side of a box: near their other ends, apart, and on it."""
    if len(thick) == 1:
        reach = max(0.0, side - thick[0]) / 2
        return [max(centre - reach, min(towards[0], centre + reach))]
    full = sum(thick)
    gap = min(5.0, max(0.0, side - full) / max(1, len(thick) - 1))
    if full > side:  # too many: they overlap rather than miss the box
        thick = [each * side / full for each in thick]
    apart = [(one + other) / 2 + gap for one, other in pairwise(thick)]
    found = apart_at_least(towards, thick, apart)
    top, bottom = centre - side / 2 + thick[0] / 2, centre + side / 2 - thick[-1] / 2
    lowest, length = top, sum(apart)
    placed = []
    for y, gap_below in zip(found, [*apart, 0.0], strict=True):
        placed.append(max(lowest, min(y, bottom - length)))
        lowest = placed[-1] + gap_below
        length -= gap_below
    return placed
