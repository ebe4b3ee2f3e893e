"""Damage: what is stored can't be read as what it should be, so there is no answer.

The one rule, for every way in: it is called damage if a row that does not read is known
(domain.unreadable), or something stored is not as it was signed. Any other error comes of what was
changed behind our back, or of a mistake of ours; only “stemma verify database” tells which.
"""

from __future__ import annotations

from traceback import walk_tb

from domain.tree import NotVerified
from domain.unreadable import READING_FAILS, Unreadable

DAMAGED = (*READING_FAILS, NotVerified)
"""What it may end in to read what is damaged."""
OURS = ("domain", "projections", "api", "scripts")


def is_of_damage(error: BaseException) -> bool:
    """Whether an error says what is damaged."""
    return isinstance(error, Unreadable | NotVerified)


def place_of(error: BaseException) -> str:
    """Where an error began, of our own modules."""
    return next((f"{module}, line {line}" for module, line in _ours(error)), "no module of ours")


def _ours(error: BaseException) -> list[tuple[str, int]]:
    """The modules of ours that an error went through, with their lines, the innermost first."""
    through = [
        (str(frame.f_globals.get("__name__")), line) for frame, line in walk_tb(error.__traceback__)
    ]
    return [one for one in reversed(through) if one[0].partition(".")[0] in OURS]
