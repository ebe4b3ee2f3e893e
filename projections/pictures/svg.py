"""A small writer of SVG: elements in, one text out.

The one rule: whatever is not markup made here is escaped, so no title can become an element.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path

FAMILY = "Arimo, Helvetica, Arial, Liberation Sans, Roboto, Narrowed, sans-serif"
"""The font that is measured, others with letters as wide, and wider ones made smaller."""

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


class Markup(str):
    """Text that is markup already, and was made here."""

    __slots__ = ()

    def __html__(self) -> str:
        """What a template engine asks for before it would escape."""
        return self


def escaped(text: str) -> Markup:
    """Text as it may stand in an element or between quotes."""
    return Markup(_NOT_IN_XML.sub("\ufffd", text).translate(_ESCAPES))


def number(value: float) -> str:
    """A coordinate, to a tenth, in as few characters as it takes."""
    said = f"{value:.1f}"
    return said.removesuffix(".0")


def element(name: str, *children: str, **attributes: str | float | None) -> Markup:
    """One element. ``class_`` is ``class``, ``font_size`` is ``font-size``; None is left out."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not children:
        return Markup(f"<{name}{said}/>")
    return Markup(f"<{name}{said}>{joined(children)}</{name}>")


def linked(said: str, *drawn: str, href: str, class_: str | None = None) -> Markup:
    """What says in words what it shows, and can be followed if it leads anywhere.

    Its title is its name as well; a second copy for screen readers would weigh as much again.
    """
    title = element("title", said)
    if not href:
        return element("g", title, *drawn, role="img")
    # A picture may be a document within a page: its ways lead out of there.
    return element("a", title, *drawn, href=href, target="_top", class_=class_)


def joined(children: Iterable[str]) -> Markup:
    """Elements one after the other; what is not markup is escaped."""
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
    """A whole picture. Stand-alone, it is a file of its own and carries its style.

    Within a page it takes its style from ``static/pictures.css``, as a page's policy asks.
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
"""How pictures look, light and dark; and the fonts, of which a page loads what it needs."""
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_LOADED = re.compile(r"@font-face \{[^}]*url\([^}]*\}")


@cache
def stylesheet() -> str:
    """The sheet as a picture carries it: without comments, and without what it would load."""
    text = _LOADED.sub("", _COMMENT.sub("", SHEET.read_text("utf-8")))
    assert not set("<&") & set(text), "the sheet stands in an element as it is"
    return re.sub(r"\s+", " ", text).strip()


@cache
def policy() -> str:
    """The Content-Security-Policy under which a stand-alone picture is served: its style alone."""
    digest = b64encode(sha256(stylesheet().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'"
