"""A small writer of SVG.

The one rule: everything that is not markup made here is escaped, so no title can become an element.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path

FAMILY = "Arimo, Helvetica, Arial, Liberation Sans, Roboto, Narrowed, sans-serif"
"""The font whose text is measured, fonts with the same widths, and wider ones scaled down."""

COLOURS = 11
"""How many people have a colour of their own; the others share a grey, which is no one's."""

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


class Markup(str):
    """Text that is markup made here."""

    __slots__ = ()

    def __html__(self) -> str:
        """The hook by which template engines recognise markup."""
        return self


def escaped(text: str) -> Markup:
    """Text escaped for an element or a quoted attribute."""
    return Markup(_NOT_IN_XML.sub("\ufffd", text).translate(_ESCAPES))


def number(value: float) -> str:
    """A coordinate, to a tenth, in as few characters as possible."""
    return f"{value:.1f}".removesuffix(".0")


def colour_at(place: int) -> str:
    """The class of the colour with this number; beyond the last, that of the grey."""
    return f"c{place}" if place < COLOURS else "cx"


def element(name: str, *children: str, **attributes: str | float | None) -> Markup:
    """An element. ``class_`` becomes ``class``, ``font_size`` ``font-size``; None is left out."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not children:
        return Markup(f"<{name}{said}/>")
    return Markup(f"<{name}{said}>{joined(children)}</{name}>")


def rect(
    class_: str | None,
    x: float,
    y: float,
    width: float,
    height: float,
    rx: float | None = None,
    *,
    dashes: str | None = None,
) -> Markup:
    """A rectangle with corners of radius ``rx``."""
    place = {"x": x, "y": y, "width": width, "height": height, "rx": rx}
    return element("rect", class_=class_, **place, stroke_dasharray=dashes)


def rule(x: float, y: float, to_x: float) -> Markup:
    """A thin line across a picture."""
    path = f"M{number(x)} {number(y)}H{number(to_x)}"
    return element("path", class_="rule", d=path, fill="none")


def linked(said: str, *drawn: str, href: str, class_: str | None = None) -> Markup:
    """Drawn elements with a description in words, as a link if there is an address.

    The title serves as accessible name too; a second copy would double the size.
    """
    title = element("title", said)
    if not href:
        return element("g", title, *drawn, role="img")
    # A picture may be embedded in a page, but its links replace the whole page.
    return element("a", title, *drawn, href=href, target="_top", class_=class_)


def joined(children: Iterable[str]) -> Markup:
    """Elements one after another; text that is not markup is escaped."""
    return Markup("".join([one if isinstance(one, Markup) else escaped(one) for one in children]))


def _value(value: str | float) -> str:
    return escaped(value) if isinstance(value, str) else number(value)


def document(
    width: float,
    height: float,
    *children: str,
    name: str,
    title: str,
    description: str,
    stand_alone: bool,
) -> Markup:
    """A whole picture, sized in units of the SVG.

    Stand-alone, it is a file that includes its style; within a page, the style comes from
    ``static/pictures.css``, as the policy of the page requires.
    """
    own = (
        element("style", Markup(stylesheet())),
        element("rect", class_="ground", width="100%", height="100%"),
    )
    return element(
        "svg",
        element("title", title),
        element("desc", description),
        *(own if stand_alone else ()),
        element("g", *children, font_family=FAMILY, font_size=11.0),
        xmlns="http://www.w3.org/2000/svg" if stand_alone else None,
        class_=f"picture {name}",
        role="group",
        aria_label=title,
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=width,
        height=height,
    )


SHEET = Path(__file__).with_name("pictures.css")
"""The style sheet of pictures, light and dark, with their fonts."""
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_LOADED = re.compile(r"@font-face \{[^}]*url\([^}]*\}")


@cache
def stylesheet() -> str:
    """The style sheet as stand-alone pictures include it: without comments and loaded fonts."""
    text = _LOADED.sub("", _COMMENT.sub("", SHEET.read_text("utf-8")))
    assert not set("<&") & set(text), "the sheet is embedded unescaped"
    return re.sub(r"\s+", " ", text).strip()


@cache
def policy() -> str:
    """The Content-Security-Policy of a stand-alone picture: its own style and nothing else."""
    digest = b64encode(sha256(stylesheet().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'"
