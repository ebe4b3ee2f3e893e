"""Text that can be printed and is safe to print.

Nothing in it controls a terminal or the direction of other text.
"""

from __future__ import annotations

import re

CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters except the newline, those that embed or override a direction, and halves of
surrogate pairs, which no encoding has."""


def printable(text: str) -> str:
    """The text with a replacement character for each control character in it."""
    return CONTROLS.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The printable text on one line, for formats that are read line by line."""
    return " ".join(printable(text).split())


def escaped(json: str) -> str:
    """JSON with these characters escaped as \\uXXXX; its meaning is unchanged."""
    if json.isascii() and "\x7f" not in json:  # JSON always escapes the other control characters
        return json
    return CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", json)
