"""Damage: errors from stored data that cannot be read, or that does not match its signature.

The one rule, for every interface: an error is damage only if it names an unreadable row
(domain.unreadable) or something that is not as it was signed. Any other error is due to a change
made behind our back or to a bug; only “stemma verify database” tells which.
"""

from __future__ import annotations

from traceback import walk_tb

from domain.tree import NotVerified
from domain.unreadable import READING_FAILS, Unreadable

DAMAGED = (*READING_FAILS, NotVerified)
"""The exceptions that reading damaged data may raise."""
OURS = ("domain", "projections", "api", "scripts")


def is_of_damage(error: BaseException) -> bool:
    """Whether an error names what is damaged."""
    return isinstance(error, Unreadable | NotVerified)


def place_of(error: BaseException) -> str:
    """The innermost place in our own modules that an error came through, as text."""
    return next((f"{module}, line {line}" for module, line in _ours(error)), "no module of ours")


def _ours(error: BaseException) -> list[tuple[str, int]]:
    """Our modules that an error came through, with line numbers, innermost first."""
    through = [
        (str(frame.f_globals.get("__name__")), line) for frame, line in walk_tb(error.__traceback__)
    ]
    return [one for one in reversed(through) if one[0].partition(".")[0] in OURS]
