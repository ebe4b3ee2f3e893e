"""A lineage as a picture: cards for up to forty works, a river for hundreds.

No label overlaps anything, and where space is short, names are cut rather than numbers.

Cards and rivers are in one file because they share the lines between works and the descriptions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from zlib import crc32

from domain.lineage import Edge
from projections.pictures.blocks import Joined, Placed, in_blocks
from projections.pictures.folding import DrawnWork, Folded, LineagePicture, folded
from projections.pictures.layout import Box, BoxSize, Line, Point, Space
from projections.pictures.svg import (
    COLOURS,
    Markup,
    colour_at,
    document,
    element,
    joined,
    linked,
    number,
    rect,
)
from projections.pictures.text import figure, isolated, label, percent, shortened, width, wrapped
from projections.wording import between, several

MOST_CARDS = 40
"""Up to this many works are drawn as cards, more as a river."""

_MARGIN = 16.0
_NARROWEST_PICTURE = 320.0
_SNUG, _FITTING = 1100.0, 1290.0
"""A picture between these widths may be scaled down to fit a window; a wider one is laid out again
with its works closer together."""
_TOLD, _MENTIONED = 120, 40
"""How many characters a description quotes of the work's own title, and of any other name."""
_MOST_NAMED = 5
"""How many people a work's description names; its page names all."""


@dataclass(frozen=True)
class _Form:
    """One way to draw works: their shapes, and the content of each."""

    name: str
    space: Space
    whole: float
    """The thickness of a line over which the whole goes."""
    shapes: Callable[[tuple[DrawnWork, ...], list[Line], float], list[BoxSize]]
    draw: Callable[[DrawnWork, Box, tuple[str, ...]], Markup]
    narrowest: float
    widest: float
    """The bounds of a work's width, which is reduced where the picture would not fit a window."""
    closer: Space | None = None
    """The space left free in that case."""


def lineage_svg(picture: LineagePicture, *, stand_alone: bool) -> Markup:
    """The picture of a lineage as SVG: within a page, or as a file of its own."""
    drawn = folded(picture)
    form = _RIVER if _is_river(picture) else _CARDS
    place = {work.id: index for index, work in enumerate(drawn.works)}
    lines = []
    for edge in drawn.lineage.edges:
        used, made = _in_time(edge, picture)
        thickness = _thickness(picture.over.get(edge[:2]), form.whole)
        lines.append(Line(place[used], place[made], thickness))
    layout = _laid_out(form, drawn, picture, lines)
    room = max(layout.width, _NARROWEST_PICTURE)
    height = layout.height + 2 * _MARGIN
    folded_away = _folded_away(picture, drawn, height - 2, room)
    root = picture.lineage.root
    title = next((work.title for work in drawn.works if work.id == root), root)
    return document(
        room + 2 * _MARGIN,
        height + (18 if folded_away else 0),
        element(
            "g",
            *(rect("block", one.x, one.y, one.width, one.height, 10) for one in layout.blocks),
            *_groups(drawn, picture, form, layout),
            transform=f"translate({number(_MARGIN + (room - layout.width) / 2)} {number(_MARGIN)})",
        ),
        folded_away,
        name=f"{form.name} snug" if _SNUG <= room <= _FITTING else form.name,
        title=f"{'What was made from' if picture.onward else 'Lineage of'} {isolated(title)}",
        description=_described(drawn, layout),
        stand_alone=stand_alone,
    )


def _laid_out(form: _Form, drawn: Folded, picture: LineagePicture, lines: list[Line]) -> Placed:
    works, edges = drawn.works, [*drawn.lineage.edges]
    root = next(index for index, work in enumerate(works) if work.id == picture.lineage.root)

    def together(numbers: list[int]) -> float:
        return _thickness(_over(picture, [edges[number] for number in numbers]), form.whole)

    def laid_out(space: Space, widest: float) -> Placed:
        def shapes(among: list[Line]) -> list[BoxSize]:
            return form.shapes(works, among, widest)

        return in_blocks(shapes, lines, space, root, together)

    layout = laid_out(form.space, form.widest)
    if layout.width <= _FITTING or form.closer is None:
        return layout
    gaps = (layout.columns - 1) * form.closer.widest_between_columns
    return laid_out(form.closer, max(form.narrowest, (_FITTING - gaps) / layout.columns))


def _is_river(picture: LineagePicture) -> bool:
    if picture.form:
        return picture.form == "river"
    return len(picture.works) > MOST_CARDS


def _in_time(edge: Edge[str], picture: LineagePicture) -> tuple[str, str]:
    """The ends of an edge: what was used, and what was made from it."""
    return (edge.child, edge.parent) if picture.onward else (edge.parent, edge.child)


def _groups(drawn: Folded, picture: LineagePicture, form: _Form, layout: Placed) -> list[Markup]:
    """Each work with the lines that lead to it, the root first, then further and further away."""
    colours = colours_of(drawn.works)
    paths = _paths(drawn, is_onward=picture.onward)
    titles = {work.id: work.title for work in drawn.works}
    every = [*drawn.lineage.edges]
    groups: dict[str, list[Markup]] = {work.id: [] for work in drawn.works}
    for one in layout.lines:
        edges = [every[number] for number in one.numbers]
        used, made = _in_time(edges[0], picture)
        # Of a block, the line stands beside the one work that it joins to all of them.
        beside = used if picture.onward and len(edges) > 1 else made
        groups[beside].append(_flow(one, edges, picture, titles, colours))
        if len(edges) > 1:
            for edge in edges:
                paths[edge.parent] = _said(paths[edge.parent], _as_used(edge))
    for work, box in zip(drawn.works, layout.boxes, strict=True):
        drawn_work = form.draw(work, box, colours[work.id])
        groups[work.id].append(_linked(work, drawn_work, paths[work.id]))
    boxes = layout.boxes
    way = 1 if picture.onward else -1
    order = sorted(range(len(boxes)), key=lambda index: (way * boxes[index].x, boxes[index].y))
    return [
        element("g", *groups[work.id], class_=_classes(work, drawn.lineage.root))
        for work in (drawn.works[index] for index in order)
    ]


def _described(drawn: Folded, layout: Placed) -> str:
    has_shares = any(work.share is not None for work in drawn.works)
    people = {name for work in drawn.works for name in work.people}
    works, columns = several(len(drawn.works), "work"), several(layout.columns, "column")
    makers = several(len(people), "person", "people")
    thick = ", as thick as the share that goes back over it" if has_shares else ""
    return (
        f"{works} by {makers} in {columns}, the oldest on the left. A line leads from a "
        f"work to what was made from it{thick}.{f' {drawn.said}.' if drawn.said else ''}"
    )


def colours_of(works: Sequence[DrawnWork]) -> dict[str, tuple[str, ...]]:
    """By work: the colours of its people. Those with the most weight have a colour of their own.

    The colour follows from the name, so that a person has the same one in every picture, unless
    somebody with more weight has it there.
    """
    weight: dict[str, float] = {}
    for work in works:
        for name in work.people:
            part = float(work.share or 0) / len(work.people)
            weight[name] = weight.get(name, 0.0) + 1 + _SHARE_COUNTS * part
    ranked = sorted(weight, key=lambda name: (-weight[name], name))
    colour, free = dict.fromkeys(ranked, "cx"), list(range(COLOURS))
    for name in ranked[:COLOURS]:
        place = min(free, key=lambda one: (one - liked(name)) % COLOURS)
        free.remove(place)
        colour[name] = colour_at(place)
    return {work.id: tuple(colour[name] for name in work.people) or ("cx",) for work in works}


def liked(name: str) -> int:
    """The number of the colour that follows from a name."""
    return crc32(name.encode("utf-8", "replace")) % COLOURS


_SHARE_COUNTS = 40
"""A share of the whole weighs as much as so many works."""


def _paths(drawn: Folded, *, is_onward: bool) -> dict[str, str]:
    """By work: the shortest path between it and the root, in words and forward in time."""
    leads = "made from" if is_onward else "used in"
    titles = {work.id: work.title for work in drawn.works}
    before: dict[str, str] = {}
    # In the order of generations, so the first child found for a work is on a shortest path.
    for id in drawn.lineage.generation:
        for parent in drawn.lineage.parents.get(id, ()):
            before.setdefault(parent, id)
    said = {}
    for id in titles:
        path = []
        at = id
        while at in before:
            at = before[at]
            path.append(_mentioned(titles[at]))
        if is_onward:
            path.reverse()
        if len(path) > 4:
            path = [*path[:2], "…", path[-1]]
        said[id] = f"{leads} {' → '.join(path)}" if path else ""
    return said


def _classes(work: DrawnWork, root: str) -> str:
    said = {"work": True, "root": work.id == root, "outside": work.kind == "outside"}
    return " ".join(name for name, holds in said.items() if holds)


def _linked(work: DrawnWork, inner: Markup, path: str) -> Markup:
    """A drawn work as a link, with a description in words."""
    people = between(work.people).join(map(_mentioned, work.people[:_MOST_NAMED]))
    if len(work.people) > _MOST_NAMED:
        people += f" and {len(work.people) - _MOST_NAMED} more"
    said = " · ".join(
        filter(
            None,
            (
                f"{isolated(shortened(work.title, _TOLD))}{f', by {people}' if people else ''}",
                work.medium,
                "" if work.share is None else percent(work.share),
                path,
            ),
        )
    )
    return linked(said, inner, href=work.href)


def _mentioned(name: str) -> str:
    """A name as other descriptions mention it: shortened."""
    return isolated(shortened(name, _MENTIONED))


def _thickness(share: Fraction | None, whole: float) -> float:
    return 1.5 if share is None else max(1.2, min(whole, float(share) * whole))


def _said(*parts: str) -> str:
    return " · ".join(filter(None, parts))


def _over(picture: LineagePicture, edges: list[Edge[str]]) -> Fraction | None:
    """The share that goes over edges together; None if that is not known."""
    over = [picture.over.get(edge[:2]) for edge in edges]
    return None if None in over else sum(filter(None, over), Fraction())


def _as_used(edge: Edge[str]) -> str:
    """How a work was used: the kind and the rate."""
    return " ".join(filter(None, (edge.kind, edge.rate)))


def _flow(
    one: Joined,
    edges: list[Edge[str]],
    picture: LineagePicture,
    titles: dict[str, str],
    colours: dict[str, tuple[str, ...]],
) -> Markup:
    """A line, with a description in words."""
    ends = [_mentioned(titles[end]) for end in _in_time(edges[0], picture)]
    if len(edges) > 1:
        ends[picture.onward] = several(len(edges), "work")
    over = _over(picture, edges)
    used, *others = {_as_used(edge) for edge in edges}
    colour, *more = {colours[_in_time(edge, picture)[0]][0] for edge in edges}
    return element(
        "path",
        element(
            "title",
            _said(" → ".join(ends), "" if others else used, "" if over is None else percent(over)),
        ),
        class_=f"flow {'cx' if more else colour}",
        d=curve(one.route),
        stroke_width=one.line.thickness,
        stroke_dasharray=_dashes(one.line.thickness)
        if all(edge.kind == "influence" for edge in edges)
        else None,
    )


def _dashes(thickness: float) -> str:
    """A dash pattern whose dashes are longer than thick."""
    return f"{number(max(6.0, thickness * 2.5))} {number(max(4.0, thickness * 0.8))}"


def curve(route: list[Point]) -> str:
    """A route as path data: curved between columns, straight along them, with level parts joined.

    Steps are relative, computed in whole tenths so that rounding errors do not add up.
    """
    (x, y), *points = [(round(10 * x), round(10 * y)) for x, y in route]
    said, level = [f"M{_tenths(x)} {_tenths(y)}"], 0
    for step, (next_x, next_y) in enumerate(points):
        over, down = next_x - x, next_y - y
        x, y = next_x, next_y
        if not down:
            level += over
            continue
        if level:
            said.append(f"h{_tenths(level)}")
            level = 0
        end = f"{_tenths(over)} {_tenths(down)}"
        middle = _tenths(over // 2)
        said.append(f"l{end}" if step % 2 else f"c{middle} 0 {middle} {_tenths(down)} {end}")
    if level:
        said.append(f"h{_tenths(level)}")
    return "".join(said)


def _tenths(count: int) -> str:
    return number(count / 10)


# -- cards ---------------------------------------------------------------------------------

_TITLE, _SMALL = 12.5, 11.0
_NARROWEST = 104.0
_INSET, _ROW = 16.0, 15.0


def _card_shapes(works: tuple[DrawnWork, ...], lines: list[Line], widest: float) -> list[BoxSize]:
    """The shape of each card: as wide as its content, within bounds, and as high as its lines."""
    del lines
    shapes = []
    for work in works:
        wanted = max(
            width(work.title, _TITLE, bold=True),
            width(between(work.people).join(work.people), _SMALL),
            width(work.medium, _SMALL) + 12 + _share_width(work, _SMALL),
        )
        full = ceil(min(widest, max(_NARROWEST, wanted + _INSET + 10)))
        rows = len(_title_lines(work, full)) + bool(work.people) + _has_last_row(work)
        height = _ROW * rows + 11
        shapes.append(BoxSize(full, height / 2, height / 2, height - 12))
    return shapes


def _has_last_row(work: DrawnWork) -> bool:
    return bool(work.medium) or work.share is not None


def _title_lines(work: DrawnWork, wide: float) -> list[str]:
    """A title on one line if it fits into a card of this width, else on two."""
    room = wide - _INSET - 9
    if width(work.title, _TITLE, bold=True) <= room:
        return [work.title]
    return [line for line in wrapped(work.title, room, _TITLE) if line]


def _share_width(work: DrawnWork, size: float) -> float:
    return 0.0 if work.share is None else width(percent(work.share), size, bold=True)


def _card(work: DrawnWork, box: Box, colours: tuple[str, ...]) -> Markup:
    """A card with title, people, medium and share, and on its left the colours of its people."""
    left, right = box.x + _INSET, box.x + box.width - 9
    room = right - left
    dashes = "4 3" if work.kind == "outside" else None
    parts = [rect("card", box.x, box.y, box.width, box.height, 6, dashes=dashes)]
    shown = colours[:4]
    part = (box.height - 16) / len(shown)
    for index, colour in enumerate(shown):
        high = part - (1 if index < len(shown) - 1 else 0)
        parts.append(rect(colour, box.x + 6, box.y + 8 + part * index, 4, high, 1.5))
    y = box.y + 2
    parts += [
        label(isolated(line), left, y := y + _ROW, room, _TITLE, "head", bold=True)
        for line in _title_lines(work, box.width)
    ]
    if work.people:
        people = between(work.people).join(map(isolated, work.people))
        parts.append(label(people, left, y := y + _ROW, room, _SMALL, "faint"))
    if work.share is not None:
        share = percent(work.share)
        parts.append(figure(share, right, y + _ROW, _SMALL))
        room -= width(share, _SMALL, bold=True) + 10
    parts.append(label(work.medium, left, y + _ROW, room, _SMALL, "faint"))
    return joined(parts)


# -- rivers --------------------------------------------------------------------------------

_LABEL = 10.5
_HEAD = 15.0
_WHOLE_RIVER, _THINNEST_RIVER = 84.0, 4.0


def _river_shapes(works: tuple[DrawnWork, ...], lines: list[Line], widest: float) -> list[BoxSize]:
    """The shape of each work in a river: a label, and below it a bar as high as the flow."""
    flows_in, flows_out = [0.0] * len(works), [0.0] * len(works)
    for line in lines:
        flows_in[line.right] += line.thickness + 1
        flows_out[line.left] += line.thickness + 1
    shapes = []
    for work, into, out_of in zip(works, flows_in, flows_out, strict=True):
        whole = _WHOLE_RIVER if not out_of and work.share is not None else 0.0
        wide = max(_THINNEST_RIVER, into, out_of, whole)
        shapes.append(BoxSize(widest, wide / 2 + _HEAD, wide / 2, wide))
    return shapes


def _pill(work: DrawnWork, box: Box, colours: tuple[str, ...]) -> Markup:
    """A work in a river: title and share, and below them the bar in its people's colours."""
    taken = _share_width(work, _LABEL)
    top, pill = box.y + _HEAD, box.height - _HEAD
    shown = colours[: max(1, min(4, int(pill // 3)))]
    part = pill / len(shown)
    parts = [
        rect("card", box.x, top, box.width, pill, min(5, pill / 2)),
        *(
            rect(colour, box.x, top + part * place, box.width, part, min(5, part / 2))
            for place, colour in enumerate(shown)
        ),
        label(isolated(work.title), box.x + 1, box.y + 11, box.width - taken - 8, _LABEL, "head"),
    ]
    if work.share is not None:
        parts.append(figure(percent(work.share), box.x + box.width - 1, box.y + 11, _LABEL))
    return joined(parts)


# -- the forms -----------------------------------------------------------------------------


_CARDS = _Form(
    "cards",
    Space(between_boxes=14, beside_lanes=8, between_columns=36, widest_between_columns=84),
    34.0,
    _card_shapes,
    _card,
    narrowest=110.0,
    widest=172.0,
    closer=Space(between_boxes=14, beside_lanes=8, between_columns=36, widest_between_columns=44),
)
_RIVER = _Form(
    "river",
    Space(between_boxes=10, beside_lanes=6, between_columns=34, widest_between_columns=84),
    _WHOLE_RIVER,
    _river_shapes,
    _pill,
    narrowest=118.0,
    widest=118.0,
)


def _folded_away(picture: LineagePicture, drawn: Folded, y: float, room: float) -> Markup:
    """The line that counts the works not drawn, with a link that shows or folds them."""
    said, href, count = drawn.said, picture.open_href, len(picture.works)
    if not said and picture.fold == 0 and count > picture.most and picture.fold_href:
        said, href = f"All {count:,} works are shown; fold the small ones", picture.fold_href
    # At the end from which a frame is scrolled.
    x = _MARGIN + (0 if picture.onward else room - width(said, _TITLE))
    line = label(said, x, y, room, _TITLE, "counted")
    if not said or not href:
        return line
    return linked(said, line, href=href, class_="fold")
