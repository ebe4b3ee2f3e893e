"""Damage: what is stored can't be read as what it should be, so there is no answer.

Everything that reads rows and facts is here or in domain/, and checks neither: both were written by
us alone. So an error of these kinds that begins here says that something was changed behind our
back, or that we have made a mistake; “stemma verify database” tells which.
"""

from __future__ import annotations

from traceback import walk_tb

from domain.tree import NotVerified

DAMAGED = (
    *(LookupError, TypeError, ValueError, AttributeError, ArithmeticError),
    *(AssertionError, NotVerified),
)
"""What it may end in to read what is damaged."""
READING = ("domain", "projections")
OURS = (*READING, "api", "scripts")


def is_of_damage(error: BaseException) -> bool:
    """Whether an error may come of what is stored, by where it began."""
    if not isinstance(error, DAMAGED):
        return False
    rooms = [
        str(frame.f_globals.get("__name__")).partition(".")[0]
        for frame, _ in walk_tb(error.__traceback__)
    ]
    return next((room for room in reversed(rooms) if room in OURS), "") in READING
