"""JSON that every reader reads alike: without duplicate names and NaN, and not nested deeply."""

from __future__ import annotations

import json
import re
from typing import Any

DEEPEST_JSON = 64
"""How deep objects and lists may be nested; the deepest policies need about fifty."""


def read_json(text: str) -> Any:
    """The value of a JSON text; ValueError, with the reason, if it is none or ambiguous."""
    if text.startswith("\ufeff"):
        raise ValueError("it begins with a byte order mark")
    try:
        told = json.loads(
            text, object_pairs_hook=distinct, parse_constant=no_number, parse_int=integer
        )
    except RecursionError:
        raise TooDeep from None
    if _is_too_deep(text):
        raise TooDeep
    return told


class TooDeep(ValueError):
    """JSON is nested too deeply."""

    def __init__(self) -> None:
        super().__init__(f"nested more than {DEEPEST_JSON} levels deep")


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; refuses duplicate names, which JSON readers treat differently."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has a duplicate name")
    return found


def no_number(name: str) -> None:
    """Refuse NaN and Infinity, which are not JSON, although Python reads and writes them."""
    raise ValueError(f"{name} is not a JSON number")


def integer(digits: str) -> int:
    """A number without a point; of too many digits, Python would say how to allow them."""
    try:
        return int(digits)
    except ValueError:
        raise ValueError("a number has thousands of digits") from None


_BETWEEN_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[^\[\]{}"]+')


def _is_too_deep(text: str) -> bool:
    """Whether valid JSON is nested too deeply; each round removes the innermost brackets."""
    if text.count("[") + text.count("{") <= DEEPEST_JSON:
        return False
    brackets = _BETWEEN_BRACKETS.sub("", text).replace("{", "[").replace("}", "]")
    for _ in range(DEEPEST_JSON):
        brackets = brackets.replace("[]", "")
    return bool(brackets)
