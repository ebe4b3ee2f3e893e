"""Text as it may be printed: nothing in it commands a terminal or turns the text around it."""

from __future__ import annotations

import re

CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but the new line, and those that embed or override a direction."""


def printable(text: str) -> str:
    """The text with a replacement character for each control character in it."""
    return CONTROLS.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same on one line, for formats in which a line is one thing."""
    return " ".join(printable(text).split())


def escaped(said: str) -> str:
    """JSON in which these characters are written by their numbers; it says the same."""
    if said.isascii() and "\x7f" not in said:  # JSON itself escapes all others of these
        return said
    return CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", said)
