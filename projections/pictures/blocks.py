"""Blocks: many works that lead to the same one, and to nothing else, stand in rows.

In a column, two hundred of them are a strip that no window or sheet of paper shows. A block is one
box to the layout, and one line leads from it, as thick as theirs together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil

from projections.pictures.layout import Box, BoxSize, Line, Point, Space, lay_out

FEWEST = 9
"""From so many works on, they stand in a block."""
WIDEST = 900.0
"""A block is at most this wide, unless its works are."""


@dataclass(frozen=True)
class Joined:
    """A line that is drawn, and the numbers of those that it stands for."""

    line: Line
    """Of a block, its ends are those of one of them."""
    route: list[Point]
    numbers: list[int]


@dataclass(frozen=True)
class Placed:
    """The position of every work, block and line."""

    width: float
    height: float
    columns: int
    boxes: list[Box]
    blocks: list[Box]
    lines: list[Joined]


def in_blocks(
    shapes: Callable[[list[Line]], list[BoxSize]],
    lines: list[Line],
    space: Space,
    root: int,
    together: Callable[[list[int]], float],
) -> Placed:
    """Place boxes as ``lay_out`` does, but in blocks where many lead to the same one.

    ``shapes`` gives the shapes of the boxes between lines, and ``together`` the thickness of a line
    that stands for those with these numbers.
    """
    own = shapes(lines)
    blocks = _blocks(lines, root)
    block_of = {node: number for number, block in enumerate(blocks) for node in block}
    alone = [node for node in range(len(own)) if node not in block_of]
    place = {node: number for number, node in enumerate(alone)}
    place |= {node: len(alone) + number for node, number in block_of.items()}
    ends = defaultdict[tuple[int, int], list[int]](list)
    for number, line in enumerate(lines):
        ends[place[line.left], place[line.right]].append(number)
    joined = [
        lines[numbers[0]]
        if len(numbers) == 1
        else replace(lines[numbers[0]], thickness=together(numbers))
        for numbers in ends.values()
    ]
    beside = shapes(joined)
    grids = [_Grid.of([own[node] for node in block], space) for block in blocks]
    layout = lay_out(
        [*(beside[node] for node in alone), *(grid.size for grid in grids)],
        [
            Line(left, right, line.thickness)
            for (left, right), line in zip(ends, joined, strict=True)
        ],
        space,
    )
    boxes = {node: layout.boxes[place[node]] for node in alone}
    around = layout.boxes[len(alone) :]
    for block, grid, box in zip(blocks, grids, around, strict=True):
        boxes |= zip(block, grid.boxes(box), strict=True)
    return Placed(
        layout.width,
        layout.height,
        layout.columns,
        [boxes[node] for node in range(len(own))],
        around,
        [*map(Joined, joined, layout.routes, ends.values())],
    )


def _blocks(lines: Sequence[Line], root: int) -> list[list[int]]:
    """Works with a single line, by where it leads; only if there are many."""
    others = defaultdict[int, list[int]](list)
    for line in lines:
        others[line.left].append(line.right)
        others[line.right].append(line.left)
    found = defaultdict[int, list[int]](list)
    for node in sorted(others.keys() - {root}):
        if len(others[node]) == 1:
            found[others[node][0]].append(node)
    return [block for block in found.values() if len(block) >= FEWEST]


@dataclass(frozen=True)
class _Grid:
    """Boxes in rows, all as wide as the widest, within a block."""

    wide: float
    across: int
    heights: list[float]
    """Of each row."""
    shapes: list[BoxSize]
    space: Space

    @classmethod
    def of(cls, shapes: list[BoxSize], space: Space) -> _Grid:
        wide, gap = max(shape.width for shape in shapes), space.between_boxes
        rows = ceil(len(shapes) / max(1, int((WIDEST - gap) // (wide + gap))))
        across = ceil(len(shapes) / rows)
        parts = [shapes[first : first + across] for first in range(0, len(shapes), across)]
        heights = [max(shape.above + shape.below for shape in row) for row in parts]
        return cls(wide, across, heights, shapes, space)

    @property
    def size(self) -> BoxSize:
        """The size of the block, with a gap around its boxes."""
        gap = self.space.between_boxes
        half = (sum(self.heights) + gap * (len(self.heights) + 1)) / 2
        width = self.across * (self.wide + gap) + gap
        return BoxSize(width, half, half, 2 * half - gap, is_block=True)

    def boxes(self, block: Box) -> list[Box]:
        """The box of each work within that of the block."""
        gap, y, found = self.space.between_boxes, block.y, list[Box]()
        for row, height in enumerate(self.heights):
            y += gap
            of_row = self.shapes[row * self.across : (row + 1) * self.across]
            for column, shape in enumerate(of_row):
                x = block.x + gap + column * (self.wide + gap)
                found.append(Box(x, y, self.wide, shape.above + shape.below))
            y += height
        return found
