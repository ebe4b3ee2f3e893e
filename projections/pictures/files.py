"""The picture of a lineage as a file, SVG or PNG, and how many works it draws.

The cost of drawing grows faster than the number of works, so there is a limit even if all are
requested. Works left out are counted in the picture.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from projections.pictures.folding import MOST_DRAWN, LineagePicture
from projections.pictures.lineage import lineage_svg
from projections.pictures.png import png_of

MOST_WHOLE = 1_000
"""How many works are drawn at most if all are requested, which takes half a second."""
MOST_PAINTED = 300
"""How many at most in a PNG, which takes ten times as long."""
ALONE_BYTES = 90_000
"""The largest file, unless all works are requested."""
FEWEST_DRAWN = 8
"""How many works are drawn at least, however large the file."""


def as_svg(picture: LineagePicture, is_whole: bool, most_whole: int = MOST_WHOLE) -> str:
    """The picture as SVG: whole, with at most ``most_whole`` works, or as many as fit the file."""
    if not is_whole:
        return _fitted(picture)
    if len(picture.works) <= most_whole:
        return lineage_svg(replace(picture, fold=Fraction(0)), stand_alone=True)
    return lineage_svg(replace(picture, most=most_whole), stand_alone=True)


def as_png(picture: LineagePicture, is_whole: bool) -> bytes:
    """The picture as PNG: whole, with at most ``MOST_PAINTED`` works, or like the SVG."""
    return png_of(as_svg(picture, is_whole, MOST_PAINTED))


def _fitted(picture: LineagePicture) -> str:
    """The picture with as many works as fit into ``ALONE_BYTES``."""
    most = MOST_DRAWN
    while True:
        drawn = lineage_svg(replace(picture, most=most), stand_alone=True)
        taken = len(drawn.encode())
        if taken <= ALONE_BYTES or most <= FEWEST_DRAWN:
            return drawn
        most = max(FEWEST_DRAWN, min(most - 1, int(0.9 * most * ALONE_BYTES / taken)))
