"""A lineage as plain data, and what of it is drawn: the rest is counted.

The one rule: nothing is left out silently, and what is drawn is joined to the finished work.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

from domain.lineage import Edge, Lineage
from projections.pictures.text import clean, percent

MOST_DRAWN = 80
"""More than so many works are folded, unless all of them are asked for."""
THRESHOLDS = tuple(Fraction(1, part) for part in (1000, 500, 200, 100, 50, 20))
"""Below which share works are folded: the first that leaves few enough."""


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


Over = Mapping[tuple[str, str], Fraction]
"""What of the whole goes from a work to a parent, and so to all that was made from."""


@dataclass(frozen=True)
class LineagePicture:
    """A finished work and all it was made from, with how it shall be drawn."""

    lineage: Lineage[str]
    works: tuple[Work, ...]
    over: Over = field(default_factory=dict)
    fold: Fraction | None = None
    """The share below which works are folded; 0 shows all, None leaves it to the picture."""
    most: int = MOST_DRAWN
    """More works than this are folded, unless a share is named."""
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
    lineage: Lineage[str]
    """Of these works, with one edge between any two."""
    count: int
    said: str


def folded(picture: LineagePicture) -> Folded:
    """The works to draw. Every one of them is reached from the root by others that are drawn."""
    works = {work.id: work for work in named(picture)}
    lineage = merged(picture.lineage, works)
    if picture.fold == 0 or (picture.fold is None and len(works) <= picture.most):
        return Folded(tuple(works.values()), lineage, 0, "")
    widest = _widest(lineage, picture.over)
    by_share = _weightiest(works, widest, picture)
    if by_share:
        kept, threshold = by_share
        is_unknown = any(work.share is None for id, work in works.items() if id not in kept)
        said = f"under {percent(threshold)}{' or without a known share' if is_unknown else ''}"
    else:
        kept, first = _nearest(works, lineage, widest, picture.most)
        said = f"further back, from generation {first} on"
    count = len(works) - len(kept)
    return Folded(
        tuple(work for id, work in works.items() if id in kept),
        merged(lineage, kept),
        count,
        f"+ {count:,} {'work' if count == 1 else 'works'} {said}" if count else "",
    )


_MEDIA = {"outside": "outside source", "release": "release"}
"""What is told of a work that has no medium."""


def named(picture: LineagePicture) -> Iterable[Work]:
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


def merged(lineage: Lineage[str], works: Container[str]) -> Lineage[str]:
    """The edges between these works, one between any two, whatever joins them."""
    found: dict[tuple[str, str], Edge[str]] = {}
    for edge in lineage.edges:
        key = edge[:2]
        if edge.child in works and edge.parent in works:
            found[key] = _joined(found[key], edge) if key in found else edge
    return Lineage(lineage.root, tuple(found.values()))


def _joined(one: Edge[str], other: Edge[str]) -> Edge[str]:
    return one._replace(
        kind=", ".join(dict.fromkeys((one.kind, other.kind))),
        rate=" + ".join(filter(None, (one.rate, other.rate))),
    )


def _widest(lineage: Lineage[str], over: Over) -> dict[str, str]:
    """The child from which most goes to each work."""
    widest: dict[str, str] = {}
    for child, parent, *_ in lineage.edges:
        known = widest.setdefault(parent, child)
        if over.get((child, parent), 0) > over.get((known, parent), 0):
            widest[parent] = child
    return widest


def _reached(kept: Iterable[str], root: str, widest: dict[str, str]) -> set[str]:
    """Works, and those on the widest way from each of them to the root."""
    found = {root}
    for id in kept:
        way = id
        while way not in found:
            found.add(way)
            if way not in widest:
                break
            way = widest[way]
    return found


def _weightiest(
    works: dict[str, Work], widest: dict[str, str], picture: LineagePicture
) -> tuple[set[str], Fraction] | None:
    """The works of a share that leaves few enough, and that share; None if none does."""
    known = sum(work.share is not None for work in works.values())
    if not known or (picture.fold is None and known <= picture.most):
        return None
    for threshold in THRESHOLDS if picture.fold is None else (picture.fold,):
        large = (id for id, work in works.items() if (work.share or 0) >= threshold)
        kept = _reached(large, picture.lineage.root, widest)
        if len(kept) <= picture.most or picture.fold is not None:
            return kept, threshold
    return None


def _nearest(
    works: dict[str, Work], lineage: Lineage[str], widest: dict[str, str], most: int
) -> tuple[set[str], int]:
    """The works of the nearest generations, of the last the ones made from most; and where the
    others begin."""
    generation, parents, last = lineage.generation, lineage.parents, len(works)
    ordered = sorted(
        works, key=lambda id: (generation.get(id, last), -len(parents.get(id, ())), id)
    )
    kept: set[str] = set()
    for id in ordered:
        more = kept | _reached((id,), lineage.root, widest)
        if len(more) > most:
            break
        kept = more
    first = min((generation.get(id, last) for id in works if id not in kept), default=0)
    return kept, first
