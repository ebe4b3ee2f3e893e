"""A lineage as a nested list, for people who cannot see a picture or prefer to read.

Each work is listed with its ancestors once; further occurrences only refer to that.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.lineage import Edge
from projections.pictures.folding import DrawnWork, LineagePicture, merged, named
from projections.pictures.svg import Markup, element, escaped, joined
from projections.pictures.text import percent


@dataclass(frozen=True)
class Entry:
    """A line of the list: a work, its depth, and the edge from the work it was used in."""

    depth: int
    work: DrawnWork
    edge: Edge[str] | None
    again: bool
    """Whether the work was listed before, so that this line only refers to it."""


def nested(picture: LineagePicture) -> list[Entry]:
    """The lineage as a list, depth first; sources with a larger share come first."""
    works = {work.id: work for work in named(picture)}
    below: dict[str, list[Edge[str]]] = {}
    for edge in merged(picture.lineage, works).edges:
        below.setdefault(edge.child, []).append(edge)
    entries: list[Entry] = []
    seen: set[str] = set()
    root = picture.lineage.root
    stack: list[tuple[int, str, Edge[str] | None]] = [(0, root, None)] if root in works else []
    while stack:
        depth, id, above = stack.pop()
        again = id in seen
        seen.add(id)
        entries.append(Entry(depth, works[id], above, again))
        if not again:
            ordered = sorted(below.get(id, ()), key=lambda one: picture.over.get(one[:2], 0))
            stack.extend((depth + 1, one.parent, one) for one in ordered)
    return entries


_DEEPEST = 40
"""The greatest depth of nesting in HTML; deeper lines are shown at this depth."""


def nested_html(picture: LineagePicture, *, prefix: str = "work") -> Markup:
    """The list as HTML. A repeated work links to its first line; ids begin with ``prefix``."""
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
