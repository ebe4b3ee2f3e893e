"""Pictures as PNG, for places that do not accept SVG: messages, slides, previews.

A PNG looks like the SVG in light colours, and the same on every machine, letters included.
"""

from __future__ import annotations

import re
from math import sqrt

from projections.typesetting import typeset

MOST_PIXELS = 24_000_000
"""The largest PNG, which takes about 100 MB to draw; a larger picture is scaled down."""

_SIZE = re.compile(r'<svg [^>]*viewBox="0 0 (\S+) (\S+)"')
_PAGE = """
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#image(bytes(sys.inputs.svg), format: "svg", width: float(sys.inputs.width) * 1pt)
"""
_POINTS_PER_INCH = 72


def png_of(svg: str, *, zoom: float = 2.0) -> bytes:
    """The PNG of a stand-alone SVG, with ``zoom`` pixels per unit, or fewer if it is large."""
    size = _SIZE.search(svg)
    assert size, "only pictures of this package are drawn"
    width, height = float(size[1]), float(size[2])
    fitting = min(zoom, sqrt(MOST_PIXELS / (width * height)))
    inputs = {"svg": svg, "width": str(width)}
    return typeset(_PAGE, inputs, format="png", ppi=fitting * _POINTS_PER_INCH)
