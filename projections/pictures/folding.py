"""A lineage as plain data, and the part of it that is drawn.

The one rule: works left out are counted, and every work drawn is connected to the release.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

from domain.lineage import Edge, Lineage
from projections.pictures.text import clean, percent
from projections.wording import several

MOST_DRAWN = 80
"""If there are more works than this, small ones are folded, unless all are requested."""
FEWEST = 4
"""At least one work in so many of those that fit is drawn, even if many have the same share."""
THRESHOLDS = tuple(Fraction(1, part) for part in (1000, 500, 200, 100, 50, 20))
"""Shares below which works are folded; the first that leaves few enough works is taken."""


@dataclass(frozen=True)
class DrawnWork:
    """One work of a lineage, with the text to show."""

    id: str
    title: str
    kind: str = "contribution"
    medium: str = ""
    people: tuple[str, ...] = ()
    href: str = ""
    share: Fraction | None = None
    """The share of the whole that its own people get; None if not known."""


Over = Mapping[tuple[str, str], Fraction]
"""By child and parent: the share of the whole that goes to the parent and its ancestors."""


@dataclass(frozen=True)
class LineagePicture:
    """A work and everything it was made from, and how to draw it."""

    lineage: Lineage[str]
    """The lineage of the work; with ``onward``, edges go from a work to what was made from it."""
    works: tuple[DrawnWork, ...]
    over: Over = field(default_factory=dict)
    fold: Fraction | None = None
    """The share below which works are folded; 0 shows all works, None chooses what to fold."""
    most: int = MOST_DRAWN
    """How many works are drawn at most, unless ``fold`` is given."""
    open_href: str = ""
    """The address of the picture with every work."""
    fold_href: str = ""
    """The address of the folded picture."""
    form: Literal["cards", "river"] | None = None
    """How it is drawn; None chooses by the number of works."""
    onward: bool = False
    """Whether it shows what was made from the work, which is then on the left."""
    left_out: str = ""
    """A sentence about works that are not in ``works`` at all."""


@dataclass(frozen=True)
class Folded:
    """The part of a lineage that is drawn, and a sentence about the rest."""

    works: tuple[DrawnWork, ...]
    lineage: Lineage[str]
    """The edges between these works, with at most one between any two."""
    count: int
    said: str


def folded(picture: LineagePicture) -> Folded:
    """The works to draw, each connected to the root through others that are drawn."""
    works = {work.id: work for work in named(picture)}
    lineage = merged(picture.lineage, works)
    if picture.fold == 0 or (picture.fold is None and len(works) <= picture.most):
        return Folded(tuple(works.values()), lineage, 0, picture.left_out)
    widest = _widest(lineage, picture.over)
    by_share = _weightiest(works, widest, picture)
    if by_share:
        kept, below = by_share
        is_unknown = any(work.share is None for id, work in works.items() if id not in kept)
        said = f"{below}{' or without a known share' if is_unknown else ''}"
    else:
        kept, first = _nearest(works, lineage, widest, picture.most)
        said = f"further back, from generation {first} on"
    count = len(works) - len(kept)
    return Folded(
        tuple(work for id, work in works.items() if id in kept),
        merged(lineage, kept),
        count,
        f"+ {several(count, 'work')} {said}" if count else "",
    )


_MEDIA = {"outside": "outside source", "release": "release"}
"""What is shown for a work without a medium."""


def named(picture: LineagePicture) -> Iterable[DrawnWork]:
    """The works with their text cleaned, each on one line."""
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
    """The edges between these works, merged to one between any two."""
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
    """For each work: the child from which the largest share goes to it."""
    widest: dict[str, str] = {}
    for child, parent, *_ in lineage.edges:
        known = widest.setdefault(parent, child)
        if over.get((child, parent), 0) > over.get((known, parent), 0):
            widest[parent] = child
    return widest


def _reached(kept: Iterable[str], root: str, widest: dict[str, str]) -> set[str]:
    """These works, and those on the widest path from each of them to the root."""
    found = {root}
    for id in kept:
        step = id
        while step not in found:
            found.add(step)
            if step not in widest:
                break
            step = widest[step]
    return found


def _weightiest(
    works: dict[str, DrawnWork], widest: dict[str, str], picture: LineagePicture
) -> tuple[set[str], str] | None:
    """The works with at least the first share that leaves few enough, and which share others have.

    If that leaves out almost all because many have the same share, as many of these as fit are
    kept.
    """
    known = sum(work.share is not None for work in works.values())
    if not known or (picture.fold is None and known <= picture.most):
        return None
    for threshold in THRESHOLDS if picture.fold is None else (picture.fold,):
        large = (id for id, work in works.items() if (work.share or 0) >= threshold)
        kept = _reached(large, picture.lineage.root, widest)
        if picture.fold is None and len(kept) < picture.most // FEWEST:
            return _filled(kept, works, widest, picture)
        if len(kept) <= picture.most or picture.fold is not None:
            return kept, f"under {percent(threshold)}"
    return None


def _filled(
    kept: set[str], works: dict[str, DrawnWork], widest: dict[str, str], picture: LineagePicture
) -> tuple[set[str], str]:
    """These works and the weightiest others, as many as fit, and the share of the rest."""
    for id in sorted(works, key=lambda id: works[id].share or 0, reverse=True):
        more = kept | _reached((id,), picture.lineage.root, widest)
        if len(more) > picture.most:
            break
        kept = more
    rest = max(work.share or Fraction(0) for id, work in works.items() if id not in kept)
    return kept, f"of {percent(rest)} or less"


def _nearest(
    works: dict[str, DrawnWork], lineage: Lineage[str], widest: dict[str, str], most: int
) -> tuple[set[str], int]:
    """The works of the nearest generations, and the first generation with works left out.

    If a generation does not fit entirely, the works with the most sources are kept.
    """
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
