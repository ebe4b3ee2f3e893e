"""Covers: pictures that lists show for works without one, drawn from what is known of each work.

The motif follows from the medium, the colours are those its people have in every picture, and the
rest follows from the id: a work always looks the same, and hardly two works look alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from typing import Any

from domain.text import folded
from projections.pictures.lineage import liked
from projections.pictures.svg import Markup, colour_at, element

WIDTH, HEIGHT, MIDDLE = 160, 90, 45
MOST_COLOURS = 5
BARS, LINES, FRAMES, LEAST = 19, 5, 3, 3

Drawn = Callable[[Sequence[int], Sequence[str]], list[Markup]]
"""Draws a motif from pseudorandom numbers from 0 to 255 and the colours of the people."""


def cover(thing: Mapping[str, Any]) -> Markup:
    """The cover of a work with its ``makers``, or of anything else that has a ``name``."""
    people = [one["name"] or "" for one in thing.get("makers", [{"name": thing.get("name")}])]
    colours = [colour_at(liked(name)) for name in people[:MOST_COLOURS] if name] or ["cx"]
    of_medium = _MEDIA.get(folded(thing.get("medium") or ""), _rings)
    return _drawn(_KINDS.get(thing.get("kind") or "", of_medium), thing["id"], tuple(colours))


@lru_cache(1_000)
def _drawn(draw: Drawn, id: str, colours: tuple[str, ...]) -> Markup:
    """Cached, because lists show the latest works to everybody."""
    return element(
        "svg",
        element("rect", class_=f"wash {colours[0]}", width=WIDTH, height=HEIGHT),
        *draw(sha256(id.encode()).digest(), colours),
        class_="picture cover",
        aria_hidden="true",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        width=WIDTH,
        fill="none",  # without a style sheet, which gives the colours, it would be black
    )


def _path(kind: str, colour: str, d: str, width: int | None = None) -> Markup:
    return element("path", class_=f"{kind} {colour}", d=d, stroke_width=width)


def _in_turn(strokes: Sequence[str], colours: Sequence[str], kind: str, width: int) -> list[Markup]:
    """Strokes, in each of the colours in turn."""
    turns = ((colour, "".join(strokes[at :: len(colours)])) for at, colour in enumerate(colours))
    return [_path(kind, colour, d, width) for colour, d in turns if d]


def _sound(chance: Sequence[int], colours: Sequence[str]) -> list[Markup]:
    """A wave."""
    halves = [
        round(4 + 30 * (1 - abs(at - BARS // 2) / BARS) * chance[at] / 255) for at in range(BARS)
    ]
    bars = [f"M{17 + 7 * at} {MIDDLE - half}v{2 * half}" for at, half in enumerate(halves)]
    return _in_turn(bars, colours, "flow", 4)


def _text(chance: Sequence[int], colours: Sequence[str]) -> list[Markup]:
    """Lines of a page."""
    lines = [f"M26 {17 + 14 * at}h{40 + chance[at] * 70 // 255}" for at in range(LINES)]
    return _in_turn(lines, colours, "flow", 5)


def _image(chance: Sequence[int], colours: Sequence[str]) -> list[Markup]:
    """Hills, and a light above them."""
    light = f"M{20 + chance[0] * 120 // 255} {18 + chance[1] // 16}h0"
    hills = [
        f"M0 {52 + 12 * at}Q{20 + chance[3 + at] // 3} {chance[6 + at] // 6} "
        f"160 {44 + 14 * at + chance[9 + at] // 16}V90H0z"
        for at in range(3)
    ]
    return [
        _path("dot", colours[-1], light, 14 + chance[2] // 16),
        *(_path("band", colours[at % len(colours)], hill) for at, hill in enumerate(hills)),
    ]


def _film(chance: Sequence[int], colours: Sequence[str]) -> list[Markup]:
    """Frames of a film strip, with something that moves from one to the next."""
    moved = "".join(
        f"M{20 + 49 * at + chance[0] // 26 * (at + 1) // 2} {34 + (chance[1] >> at) % 24}h0"
        for at in range(FRAMES)
    )
    return [
        *_in_turn([f"M{31 + 49 * at} 22v46" for at in range(FRAMES)], colours, "flow frame", 42),
        _path("flow holes", colours[0], "M14 11H152M14 79H152", 4),
        _path("dot", colours[-1], moved, 10),
    ]


def _rings(chance: Sequence[int], colours: Sequence[str]) -> list[Markup]:
    """Rings, for any other medium."""
    rings = []
    for at in range(max(LEAST, len(colours))):
        across, radius = 35 + chance[at] * 90 // 255, 10 + chance[at + 9] // 12
        down = 25 + chance[at + 5] * 40 // 255
        round_ = f"a{radius} {radius} 0 1 0"
        rings.append(f"M{across - radius} {down}{round_} {2 * radius} 0{round_}-{2 * radius} 0")
    return _in_turn(rings, colours, "flow", 4)


def _stream(chance: Sequence[int], colours: Sequence[str]) -> list[Markup]:
    """A release: streams that flow together."""
    many = max(LEAST, len(colours))
    begun = [10 + 70 * at // (many - 1) for at in range(many)]
    ahead = [(30 + one // 4, 60 + other // 5) for one, other in pairwise(chance)]
    return [
        *(
            _path(
                "flow",
                colours[at % len(colours)],
                f"M-4 {y}C{ahead[at][0]} {y} {ahead[at][1]} {MIDDLE} 128 {MIDDLE}",
                3 + chance[at + 9] // 32,
            )
            for at, y in enumerate(begun)
        ),
        _path("dot", colours[0], f"M130 {MIDDLE}h0", 18),
    ]


def _face(_: Sequence[int], colours: Sequence[str]) -> list[Markup]:
    """A person: head and shoulders."""
    return [_path("dot", colours[0], "M80 38h0", 30), _path("dot", colours[0], "M78 88h4", 52)]


_KINDS: Mapping[str, Drawn] = {"release": _stream, "person": _face}
_MEDIA: Mapping[str, Drawn] = {
    "audio": _sound,
    "text": _text,
    "image": _image,
    "video": _film,
}
