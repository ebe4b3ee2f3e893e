"""Damage: what is stored can't be read as what it should be, so there is no answer.

Everything that reads rows and facts is here or in domain/, and checks neither: both were written by
us alone. So an error of these kinds that begins here says that something was changed behind our
back, or that we have made a mistake; “stemma verify database” tells which. Of a row that can't be
read at all it is known (domain.unreadable).
"""

from __future__ import annotations

from traceback import walk_tb

from domain.tree import NotVerified
from domain.unreadable import READING_FAILS

DAMAGED = (*READING_FAILS, NotVerified)
"""What it may end in to read what is damaged."""
READING = ("domain", "projections")
OURS = (*READING, "api", "scripts")


def is_of_damage(error: BaseException) -> bool:
    """Whether an error may come of what is stored, by where it began."""
    if not isinstance(error, DAMAGED):
        return False
    return next((frame.partition(".")[0] for frame, _ in _ours(error)), "") in READING


def place_of(error: BaseException) -> str:
    """Where an error began, of our own modules."""
    return next((f"{module}, line {line}" for module, line in _ours(error)), "no module of ours")


def _ours(error: BaseException) -> list[tuple[str, int]]:
    """The modules of ours that an error went through, with their lines, the innermost first."""
    through = [
        (str(frame.f_globals.get("__name__")), line) for frame, line in walk_tb(error.__traceback__)
    ]
    return [one for one in reversed(through) if one[0].partition(".")[0] in OURS]
