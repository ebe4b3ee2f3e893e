"""A lineage as a picture: cards for up to forty works, a river for hundreds; and as a nested list.

The one rule: nothing is left out silently: what is folded is counted, and a number's room is taken
before a name's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from api.pictures.layout import Box, Layout, Line, Point, Shape, Space, lay_out
from api.pictures.svg import Markup, document, element, escaped, joined, number
from api.pictures.text import FAMILY, clean, figure, isolated, label, percent, width

MOST_CARDS = 40
"""Of so many works each has a card; more are drawn as a river."""
MOST_DRAWN = 80
"""More than so many works are folded, unless all of them are asked for."""
THRESHOLDS = tuple(Fraction(*each) for each in ((1, 200), (1, 100), (1, 50), (1, 20)))
"""Below which share works are folded: the first that leaves few enough."""
COLOURS = 11
"""So many people have a colour of their own; the others share a grey, so that no colour lies."""


@dataclass(frozen=True)
class Work:
    """One work of a lineage, in the words that shall be read."""

    id: str
    title: str
    kind: str = "contribution"
    medium: str = ""
    people: tuple[str, ...] = ()
    href: str = ""
    share: Fraction | None = None
    """What of the whole its own people get."""


@dataclass(frozen=True)
class Made:
    """The child was made from the parent."""

    child: str
    parent: str
    kind: str = ""
    rate: str = ""
    share: Fraction | None = None
    """What of the whole goes this way, to the parent and all it was made from."""


@dataclass(frozen=True)
class LineagePicture:
    """A finished work and all it was made from."""

    root: str
    works: tuple[Work, ...]
    edges: tuple[Made, ...]
    fold: Fraction | None = None
    """The share below which works are folded; 0 shows all of them, None leaves it to the picture."""
    open_href: str = ""
    """Where the picture is shown with every work."""
    fold_href: str = ""
    """Where it is shown folded again."""
    form: Literal["cards", "river"] | None = None
    """How it is drawn; None leaves it to the number of works."""


@dataclass(frozen=True)
class Folded:
    """What is drawn of a lineage, and what is told of the rest."""

    works: tuple[Work, ...]
    edges: tuple[Made, ...]
    count: int
    said: str


# -- what is drawn -------------------------------------------------------------------------


def folded(picture: LineagePicture) -> Folded:
    """The works to draw. Every one of them is reached from the root by others that are drawn."""
    works = {work.id: work for work in _named(picture)}
    edges = _merged(edge for edge in picture.edges if edge.child in works and edge.parent in works)
    parents: dict[str, list[str]] = {}
    widest: dict[str, Made] = {}
    for edge in edges:
        parents.setdefault(edge.child, []).append(edge.parent)
        if edge.parent not in widest or (edge.share or 0) > (widest[edge.parent].share or 0):
            widest[edge.parent] = edge
    if picture.fold == 0 or (picture.fold is None and len(works) <= MOST_DRAWN):
        return Folded(tuple(works.values()), tuple(edges), 0, "")
    generation = _generations(picture.root, parents)
    if any(work.share is not None for work in works.values()):
        thresholds = THRESHOLDS if picture.fold is None else (picture.fold,)
        kept, threshold = set(works), Fraction(0)
        for threshold in thresholds:
            kept = _reached(
                (id for id, work in works.items() if (work.share or 0) >= threshold),
                picture.root,
                widest,
            )
            if len(kept) <= MOST_DRAWN:
                break
        said = f"under {percent(threshold)}"
    else:
        kept, first = _nearest(works, generation, parents, widest, picture.root)
        said = f"further back, from generation {first} on"
    count = len(works) - len(kept)
    return Folded(
        tuple(work for id, work in works.items() if id in kept),
        tuple(edge for edge in edges if edge.child in kept and edge.parent in kept),
        count,
        f"+ {count:,} {'work' if count == 1 else 'works'} {said}" if count else "",
    )


_MEDIA = {"outside": "outside source", "release": "release"}
"""What is told of a work that has no medium."""


def _named(picture: LineagePicture) -> Iterable[Work]:
    """The works with their texts on one line each."""
    for work in picture.works:
        title = clean(work.title)
        if work.kind == "outside":
            title = title.removeprefix("https://").removeprefix("http://")
        yield replace(
            work,
            medium=clean(work.medium) or _MEDIA.get(work.kind, ""),
            title=title or f"(untitled {clean(work.kind) or 'work'})",
            people=tuple(dict.fromkeys(name for one in work.people if (name := clean(one)))),
        )


def _merged(edges: Iterable[Made]) -> list[Made]:
    """One edge between two works, whatever joins them."""
    found: dict[tuple[str, str], Made] = {}
    for edge in edges:
        key = edge.child, edge.parent
        if other := found.get(key):
            shares = [one.share for one in (other, edge) if one.share is not None]
            edge = replace(
                other,
                kind=", ".join(dict.fromkeys((other.kind, edge.kind))),
                rate=" + ".join(filter(None, (other.rate, edge.rate))),
                share=sum(shares, Fraction(0)) if shares else None,
            )
        found[key] = edge
    return list(found.values())


def _generations(root: str, parents: dict[str, list[str]]) -> dict[str, int]:
    """How many edges each work is away from the root, on its shortest way."""
    found = {root: 0}
    waiting = [root]
    for id in waiting:
        for parent in parents.get(id, ()):
            if parent not in found:
                found[parent] = found[id] + 1
                waiting.append(parent)
    return found


def _reached(kept: Iterable[str], root: str, widest: dict[str, Made]) -> set[str]:
    """Works, and those on the widest way from each of them to the root."""
    found = {root}
    for id in kept:
        way = id
        while way not in found:
            found.add(way)
            if way not in widest:
                break
            way = widest[way].child
    return found


def _nearest(
    works: dict[str, Work],
    generation: dict[str, int],
    parents: dict[str, list[str]],
    widest: dict[str, Made],
    root: str,
) -> tuple[set[str], int]:
    """The works of the nearest generations, of the last the ones made from most; and where the
    others begin."""
    last = len(works)
    ordered = sorted(
        works, key=lambda id: (generation.get(id, last), -len(parents.get(id, ())), id)
    )
    kept: set[str] = set()
    for id in ordered:
        more = kept | _reached((id,), root, widest)
        if len(more) > MOST_DRAWN:
            break
        kept = more
    first = min((generation.get(id, last) for id in works if id not in kept), default=0)
    return kept, first


# -- the picture ---------------------------------------------------------------------------

_MARGIN = 16.0
_CARDS = Space(between_boxes=14, beside_lanes=8, between_columns=36, widest_between_columns=84)
_RIVER = Space(between_boxes=10, beside_lanes=6, between_columns=34, widest_between_columns=84)
_WHOLE_CARD, _WHOLE_RIVER = 34.0, 84.0
"""How thick a line is that carries the whole, on cards and in a river."""


def lineage_svg(picture: LineagePicture, *, stand_alone: bool) -> Markup:
    """The picture of a lineage as SVG: within a page, or as a file of its own."""
    drawn = folded(picture)
    is_river = (picture.form or ("river" if len(picture.works) > MOST_CARDS else "cards")) == (
        "river"
    )
    whole = _WHOLE_RIVER if is_river else _WHOLE_CARD
    place = {work.id: index for index, work in enumerate(drawn.works)}
    lines = [
        Line(place[edge.parent], place[edge.child], _thickness(edge.share, whole))
        for edge in drawn.edges
    ]
    has_shares = any(work.share is not None for work in drawn.works)
    shapes = (_river_shapes if is_river else _card_shapes)(drawn.works, lines, has_shares)
    layout = lay_out(shapes, lines, _RIVER if is_river else _CARDS)
    colours = colours_of(drawn.works, picture.root)
    ways = _ways(picture.root, drawn)
    groups: list[list[Markup]] = [[] for _ in drawn.works]
    titles = {work.id: work.title for work in drawn.works}
    for edge, line, route in zip(drawn.edges, lines, layout.routes, strict=True):
        groups[line.right].append(_flow(edge, line, route, titles, colours[edge.parent][0]))
    draw = _pill if is_river else _card
    for work, box, shape, group in zip(drawn.works, layout.boxes, shapes, groups, strict=True):
        inner = draw(work, box, shape, colours[work.id])
        group.append(_linked(work, inner, ways[work.id]))
    height = layout.height + 2 * _MARGIN
    room = max(layout.width, 220.0)
    last: list[Markup] = []
    if line_of_fold := _fold_line(picture, drawn, len(picture.works), height - 2, room):
        last.append(line_of_fold)
        height += 18
    order = sorted(
        range(len(drawn.works)), key=lambda index: (-layout.boxes[index].x, layout.boxes[index].y)
    )
    body = element(
        "g",
        *(
            element("g", *groups[index], class_=_classes(drawn.works[index], picture.root))
            for index in order
        ),
        transform=f"translate({number(_MARGIN + (room - layout.width) / 2)} {number(_MARGIN)})",
    )
    title = f"Lineage of {isolated(titles.get(picture.root, picture.root))}"
    return document(
        room + 2 * _MARGIN,
        height,
        *([element("rect", class_="ground", width="100%", height="100%")] if stand_alone else []),
        element("g", body, *last, font_family=FAMILY, font_size=_SMALL),
        name="river" if is_river else "cards",
        title=title,
        description=_described(drawn, layout, has_shares),
        stand_alone=stand_alone,
    )


def _described(drawn: Folded, layout: Layout, has_shares: bool) -> str:
    people = {name for work in drawn.works for name in work.people}
    said = [
        f"{_count(len(drawn.works), 'work', 'works')} by "
        f"{_count(len(people), 'person', 'people')} in {_count(layout.columns, 'column', 'columns')},"
        " what was made first on the left. A line leads from a work to what was made from it",
        ", as thick as the share that goes back that way." if has_shares else ".",
        f" {drawn.said}." if drawn.said else "",
    ]
    return "".join(said)


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def colours_of(works: Iterable[Work], root: str) -> dict[str, tuple[str, ...]]:
    """The colours of each work's people. Who has most of the picture has a colour of their own."""
    weight: Counter[str] = Counter()
    all_works = tuple(works)
    for work in all_works:
        for name in work.people:
            weight[name] += 1 + 40 * float(work.share or 0) / len(work.people)  # type: ignore[assignment]
    ranked = sorted(weight, key=lambda name: (-weight[name], name))
    colour = {name: f"c{place}" for place, name in enumerate(ranked[:COLOURS])}
    return {
        work.id: tuple(colour.get(name, "cx") for name in work.people) or ("cx",)
        for work in all_works
    }


def _ways(root: str, drawn: Folded) -> dict[str, str]:
    """The shortest way from the root to each work, by titles."""
    titles = {work.id: work.title for work in drawn.works}
    parents: dict[str, list[str]] = {}
    for edge in drawn.edges:
        parents.setdefault(edge.child, []).append(edge.parent)
    before: dict[str, str] = {}
    waiting = [root]
    for id in waiting:
        for parent in parents.get(id, ()):
            if parent != root and parent not in before:
                before[parent] = id
                waiting.append(parent)
    said = {}
    for id in titles:
        way = []
        at = id
        while at in before:
            at = before[at]
            way.append(isolated(titles[at]))
        if len(way) > 5:
            way = [*way[:2], "…", *way[-2:]]
        said[id] = " → ".join(way)
    return said


def _classes(work: Work, root: str) -> str:
    return " ".join(
        [
            "work",
            *(["root"] if work.id == root else []),
            *(["outside"] if work.kind == "outside" else []),
        ]
    )


def _linked(work: Work, inner: Markup, way: str) -> Markup:
    """A work that can be followed, and that says in words what it shows."""
    people = ", ".join(map(isolated, work.people))
    said = " · ".join(
        filter(
            None,
            (
                f"{isolated(work.title)}{f', by {people}' if people else ''}",
                work.medium,
                "" if work.share is None else percent(work.share),
                f"used in {way}" if way else "",
            ),
        )
    )
    name = element("title", said)
    if not work.href:
        return element("g", name, inner, role="img", aria_label=said)
    return element("a", name, inner, href=work.href, aria_label=said)


_DASHES = "6 4"


def _thickness(share: Fraction | None, whole: float) -> float:
    return 1.5 if share is None else max(1.2, min(whole, float(share) * whole))


def _flow(
    edge: Made, line: Line, route: list[Point], titles: dict[str, str], colour: str
) -> Markup:
    said = f"{isolated(titles[edge.parent])} → {isolated(titles[edge.child])}"
    more = " ".join(filter(None, (edge.kind, edge.rate)))
    share = "" if edge.share is None else percent(edge.share)
    return element(
        "path",
        element("title", " · ".join(filter(None, (said, more, share)))),
        class_=f"flow {colour}",
        d=curve(route),
        fill="none",
        stroke="currentColor",
        stroke_width=line.thickness,
        stroke_dasharray=_DASHES if edge.kind == "influence" else None,
    )


def curve(route: list[Point]) -> str:
    """A route as a path: curved between columns, straight along them."""
    x, y = route[0]
    said = [f"M{number(x)} {number(y)}"]
    for step, (next_x, next_y) in enumerate(route[1:]):
        if step % 2 or abs(next_y - y) < 0.01:
            said.append(
                f"H{number(next_x)}" if next_y == y else f"L{number(next_x)} {number(next_y)}"
            )
        else:
            middle = number((x + next_x) / 2)
            said.append(
                f"C{middle} {number(y)} {middle} {number(next_y)} {number(next_x)} {number(next_y)}"
            )
        x, y = next_x, next_y
    return "".join(said)


# -- the same as a list --------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """A line of the list: a work, how deep it stands, and by what it is joined to the one above."""

    depth: int
    work: Work
    edge: Made | None
    again: bool
    """It was named before, with all below it; here it is only referred to."""


def nested(picture: LineagePicture) -> list[Entry]:
    """The lineage as a list, for whoever cannot see it: every work, each with all below it once.

    What more goes to comes first.
    """
    works = {work.id: work for work in _named(picture)}
    below: dict[str, list[Made]] = {}
    for edge in _merged(
        edge for edge in picture.edges if edge.child in works and edge.parent in works
    ):
        below.setdefault(edge.child, []).append(edge)
    entries: list[Entry] = []
    seen: set[str] = set()
    stack: list[tuple[int, str, Made | None]] = (
        [(0, picture.root, None)] if picture.root in works else []
    )
    while stack:
        depth, id, edge = stack.pop()
        again = id in seen
        seen.add(id)
        entries.append(Entry(depth, works[id], edge, again))
        if not again:
            ordered = sorted(below.get(id, ()), key=lambda one: one.share or 0)
            stack.extend((depth + 1, one.parent, one) for one in ordered)
    return entries


_DEEPEST = 40
"""A list is not nested deeper than this, which is more than anybody can follow."""


def nested_html(picture: LineagePicture, *, prefix: str = "work") -> Markup:
    """The list as HTML. A work that was named before is a link to where it was; ``prefix`` begins
    the names of these places."""
    said: list[str] = []
    depth = -1
    numbers: dict[str, int] = {}
    for entry in nested(picture):
        deep = min(entry.depth, _DEEPEST)
        if deep > depth:
            said.append('<ul class="lineage">')
        else:
            said.append("</li>" + "</ul></li>" * (depth - deep))
        depth = deep
        work, edge = entry.work, entry.edge
        place = f"{prefix}-{numbers.setdefault(work.id, len(numbers) + 1)}"
        how = " ".join(filter(None, (edge.kind, edge.rate))) if edge else ""
        title = element("bdi", work.title)
        line: list[str] = [f"{how}: "] if how else []
        if entry.again:
            line += [element("a", title, href=f"#{place}"), " (see above)"]
        else:
            line.append(element("a", title, href=work.href) if work.href else title)
            for number, name in enumerate(work.people):
                line += [", " if number else " by ", element("bdi", name)]
            if work.share is not None:
                line.append(f" · {percent(work.share)}")
        said.append(f"<li{'' if entry.again else f' id={chr(34)}{escaped(place)}{chr(34)}'}>")
        said.append(joined(line))
    said.append("</li></ul>" * (depth + 1))
    return Markup("".join(said))


# -- cards ---------------------------------------------------------------------------------

_TITLE, _SMALL = 12.5, 11.0
_NARROWEST, _WIDEST = 104.0, 172.0
_INSET = 16.0


def _card_shapes(works: tuple[Work, ...], lines: list[Line], has_shares: bool) -> list[Shape]:
    has_third = has_shares or any(work.medium for work in works)
    height = 56.0 if has_third else 42.0
    shapes = []
    for work in works:
        wanted = max(
            width(work.title, _TITLE, bold=True),
            width(", ".join(work.people), _SMALL),
            width(work.medium, _SMALL) + 12 + _share_width(work, _SMALL),
        )
        full = min(_WIDEST, max(_NARROWEST, wanted + _INSET + 10))
        shapes.append(Shape(full, height / 2, height / 2, height - 12))
    return shapes


def _share_width(work: Work, size: float) -> float:
    return 0.0 if work.share is None else width(percent(work.share), size, bold=True)


def _card(work: Work, box: Box, shape: Shape, colours: tuple[str, ...]) -> Markup:
    left, right = box.x + _INSET, box.x + box.width - 9
    room = right - left
    parts = [
        element(
            "rect",
            class_="card",
            x=box.x,
            y=box.y,
            width=box.width,
            height=box.height,
            rx=6.0,
            stroke_dasharray="4 3" if work.kind == "outside" else None,
        )
    ]
    shown = colours[:4]
    part = (box.height - 16) / len(shown)
    parts += [
        element(
            "rect",
            class_=colour,
            fill="currentColor",
            x=box.x + 6,
            y=box.y + 8 + part * index,
            width=4.0,
            height=part - (1 if index < len(shown) - 1 else 0),
            rx=1.5,
        )
        for index, colour in enumerate(shown)
    ]
    parts.append(label(isolated(work.title), left, box.y + 17, room, _TITLE, "head", bold=True))
    parts.append(
        label(", ".join(map(isolated, work.people)), left, box.y + 32, room, _SMALL, "faint")
    )
    if box.height > 50:
        taken = _share_width(work, _SMALL)
        if work.share is not None:
            parts.append(figure(percent(work.share), right, box.y + 47, _SMALL))
        parts.append(
            label(work.medium, left, box.y + 47, room - taken - 10 * bool(taken), _SMALL, "faint")
        )
    return joined(parts)


# -- rivers --------------------------------------------------------------------------------

_LABEL = 10.5
_COLUMN = 118.0


def _river_shapes(works: tuple[Work, ...], lines: list[Line], has_shares: bool) -> list[Shape]:
    """A label, and below it the river itself: as wide as what flows through it."""
    flows_in, flows_out = [0.0] * len(works), [0.0] * len(works)
    for line in lines:
        flows_in[line.right] += line.thickness + 1
        flows_out[line.left] += line.thickness + 1
    shapes = []
    for index in range(len(works)):
        pill = max(4.0, flows_in[index], flows_out[index])
        if not flows_out[index] and has_shares:
            pill = max(pill, _WHOLE_RIVER)
        shapes.append(Shape(_COLUMN, pill / 2 + 15, pill / 2, pill))
    return shapes


def _pill(work: Work, box: Box, shape: Shape, colours: tuple[str, ...]) -> Markup:
    taken = _share_width(work, _LABEL)
    top, pill = box.y + 15, box.height - 15
    shown = colours[: max(1, min(4, int(pill // 3)))]
    part = pill / len(shown)
    parts = [
        element(
            "rect", class_="card", x=box.x, y=top, width=box.width, height=pill, rx=min(5, pill / 2)
        ),
        *(
            element(
                "rect",
                class_=colour,
                fill="currentColor",
                x=box.x,
                y=top + part * place,
                width=box.width,
                height=part,
                rx=min(5, part / 2),
            )
            for place, colour in enumerate(shown)
        ),
        label(isolated(work.title), box.x + 1, box.y + 11, box.width - taken - 8, _LABEL, "head"),
    ]
    if work.share is not None:
        parts.append(figure(percent(work.share), box.x + box.width - 1, box.y + 11, _LABEL))
    return joined(parts)


# -- what is folded ------------------------------------------------------------------------


def _fold_line(
    picture: LineagePicture, drawn: Folded, count: int, y: float, room: float
) -> Markup | None:
    """The counted line that stands for what is not drawn, and opens it."""
    said, href = drawn.said, picture.open_href
    if not said and picture.fold == 0 and count > MOST_DRAWN and picture.fold_href:
        said, href = f"All {count:,} works are shown; fold the small ones", picture.fold_href
    if not said:
        return None
    line = label(said, _MARGIN, y, room, _TITLE, "counted")
    return element("a", line, class_="fold", href=href, aria_label=said) if href else line
