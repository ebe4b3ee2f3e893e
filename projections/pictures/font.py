"""The font of the pictures: its characters and their widths.

The widths are read from the TrueType file that PNGs use; pages load the same font as WOFF2.
``scripts/fonts`` writes both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from struct import iter_unpack, unpack_from

FOLDER = Path(__file__).with_name("arimo")
"""The folder of the font files and their licence."""

_WINDOWS, _UNICODE = 3, 1
_BY_SEGMENTS = 4


@cache
def widths(*, bold: bool) -> Mapping[str, int]:
    """By character: its width in thousandths of the font size."""
    font = (FOLDER / f"arimo-{700 if bold else 400}.ttf").read_bytes()
    (count,) = unpack_from(">H", font, 4)
    records = iter_unpack(">4s4xI4x", font[12 : 12 + 16 * count])
    table: dict[bytes, int] = dict(records)
    (units,) = unpack_from(">H", font, table[b"head"] + 18)
    (long,) = unpack_from(">H", font, table[b"hhea"] + 34)

    def advance(glyph: int) -> int:
        # Glyphs beyond the end of the table are as wide as its last entry.
        (wide,) = unpack_from(">H", font, table[b"hmtx"] + 4 * min(glyph, long - 1))
        return int(wide * 1000 / units + 0.5)

    return {chr(one): advance(glyph) for one, glyph in _glyphs(font, table[b"cmap"])}


def _glyphs(font: bytes, cmap: int) -> Iterator[tuple[int, int]]:
    """The code points of a font, each with the number of its glyph.

    Source: OpenType, "cmap", format 4.
    """
    (count,) = unpack_from(">H", font, cmap + 2)
    subtables = iter_unpack(">HHI", font[cmap + 4 : cmap + 4 + 8 * count])
    at = cmap + next(where for *kind, where in subtables if kind == [_WINDOWS, _UNICODE])
    form, twice = (unpack_from(">H", font, at + more)[0] for more in (0, 6))
    assert form == _BY_SEGMENTS, "scripts/fonts keeps no character beyond the first plane"
    ends, starts, deltas, offsets = (at + 14 + 2 * (n > 0) + n * twice for n in range(4))
    for more in range(0, twice, 2):
        end, start, delta, offset = (
            unpack_from(">H", font, column + more)[0] for column in (ends, starts, deltas, offsets)
        )
        for one in range(start, min(end, 0xFFFE) + 1):
            where = offsets + more + offset + 2 * (one - start)
            glyph = unpack_from(">H", font, where)[0] if offset else one
            if glyph:
                yield one, (glyph + delta) & 0xFFFF
