"""The picture of a lineage as a file: how much of it is drawn, as SVG and as PNG.

Drawing grows faster than the number of works, so even “all of it” ends somewhere; the works that
are left out are counted in the picture.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from projections.pictures.folding import MOST_DRAWN, LineagePicture
from projections.pictures.lineage import lineage_svg
from projections.pictures.png import png_of

MOST_WHOLE = 1_000
"""At most so many works are drawn if all are asked for: half a second of work."""
MOST_PAINTED = 300
"""At most so many in a PNG, which takes ten times as long."""
ALONE_BYTES = 90_000
"""The largest picture in a file of its own, unless all of it is asked for."""
FEWEST_DRAWN = 8
"""At least so many works are drawn, whatever their size."""


def as_svg(picture: LineagePicture, is_whole: bool, most_whole: int = MOST_WHOLE) -> str:
    """The picture as a file: all of it if that is asked for, else as much as fits."""
    if not is_whole:
        return _fitted(picture)
    if len(picture.works) <= most_whole:
        return lineage_svg(replace(picture, fold=Fraction(0)), stand_alone=True)
    return lineage_svg(replace(picture, most=most_whole), stand_alone=True)


def as_png(picture: LineagePicture, is_whole: bool) -> bytes:
    """The same as PNG."""
    return png_of(as_svg(picture, is_whole, MOST_PAINTED))


def _fitted(picture: LineagePicture) -> str:
    """As many works as fit; the others are only counted."""
    most = MOST_DRAWN
    while True:
        drawn = lineage_svg(replace(picture, most=most), stand_alone=True)
        taken = len(drawn.encode())
        if taken <= ALONE_BYTES or most <= FEWEST_DRAWN:
            return drawn
        most = max(FEWEST_DRAWN, min(most - 1, int(0.9 * most * ALONE_BYTES / taken)))
