"""A picture as PNG, for where no SVG can go: a message, a slide, a preview.

The one rule: it shows what the SVG shows in light colours, letters included, or there is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from math import sqrt

import resvg_py

MOST_PIXELS = 24_000_000
"""About a hundred megabytes while it is drawn; a larger picture is drawn smaller."""

_SIZE = re.compile(r'<svg [^>]*viewBox="0 0 (\S+) (\S+)"')


class NoFonts(RuntimeError):
    """There is no font to draw letters with."""


def png_of(svg: str, *, zoom: float = 2.0, fonts: Sequence[str] = ()) -> bytes:
    """The PNG of a stand-alone picture, with so many pixels to each unit of its size.

    Letters are drawn in the fonts of the machine, or in those of the files that are named.
    """
    if not _draws_letters(tuple(fonts)):
        raise NoFonts("There is no font to draw letters with: apt-get install fonts-liberation")
    size = _SIZE.search(svg)
    assert size, "only pictures of this package are drawn"
    fitting = sqrt(MOST_PIXELS / (float(size[1]) * float(size[2])))
    return _drawn(svg, tuple(fonts), min(zoom, fitting))


def _drawn(svg: str, fonts: tuple[str, ...], zoom: float) -> bytes:
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg, zoom=zoom, font_files=list(fonts), skip_system_fonts=bool(fonts)
        )
    )


@cache
def _draws_letters(fonts: tuple[str, ...]) -> bool:
    """Whether a letter leaves a trace: a missing font is no error to the renderer."""
    frame = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">{}</svg>'
    letter = '<text x="2" y="16" font-family="Helvetica, Arial, sans-serif" font-size="16">m</text>'
    return _drawn(frame.format(letter), fonts, 1) != _drawn(frame.format(""), fonts, 1)
