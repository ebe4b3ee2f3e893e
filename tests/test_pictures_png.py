"""A PNG is the picture with its letters, on any machine, at a size that fits into memory."""

import struct
from fractions import Fraction

import pytest

from domain.lineage import Lineage
from projections.pictures.folding import DrawnWork, LineagePicture
from projections.pictures.lineage import lineage_svg
from projections.pictures.png import MOST_PIXELS, png_of
from projections.pictures.svg import FAMILY


def svg(title: str) -> str:
    told = LineagePicture(
        Lineage("a"), (DrawnWork("a", title, people=("Ana",), share=Fraction(1)),)
    )
    return lineage_svg(told, stand_alone=True)


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_a_png_has_the_size_of_the_picture_times_the_zoom() -> None:
    assert size(png_of(svg("Low Tide"), zoom=1)) == (352, 88)
    assert size(png_of(svg("Low Tide"))) == (704, 176)


def test_a_png_shows_the_letters() -> None:
    assert png_of(svg("Low Tide")) != png_of(svg("Low Ride"))


def test_a_png_is_painted_with_the_font_that_is_measured() -> None:
    told = svg("Low Tide")
    assert png_of(told) == png_of(told.replace(FAMILY, "Arimo"))
    assert png_of(told) != png_of(told.replace(FAMILY, "Libertinus Serif"))


def test_a_large_picture_is_drawn_smaller() -> None:
    frame = svg("Low Tide").replace('viewBox="0 0 352 88"', 'viewBox="0 0 35200 8800"')
    frame = frame.replace('width="352" height="88"', 'width="35200" height="8800"')
    width, height = size(png_of(frame))
    assert width * height <= MOST_PIXELS * 1.01
    assert width / height == pytest.approx(35200 / 8800, rel=0.01)
