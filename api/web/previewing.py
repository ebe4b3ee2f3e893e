"""Forms that show what they would do, and record it only as it was shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from flask import request

from api.problems import Problem, of_refusal
from api.web.frame import Frame
from domain.command import Command
from domain.draft import Acknowledgement
from domain.fact import Fact
from domain.refusal import Refusal


class Tried(NamedTuple):
    """What became of such a form."""

    shown: Any = None
    """What it would do; None if it is only being filled in, or is wrong."""
    problem: Problem | None = None
    recorded: Acknowledgement | None = None

    @property
    def status(self) -> int:
        """The status of the page that shows it."""
        return 200 if self.problem is None else self.problem.code


def seal(*told: object) -> str:
    """What tells one filled-in form from another."""
    return sha256(repr(told).encode()).hexdigest()[:16]


def tried(
    frame: Frame,
    do: str,
    sealed: str,
    command: Callable[[], Command],
    shown: Callable[[Any, Sequence[Fact]], Any],
) -> Tried:
    """Record what a form says, if it was sent as it was seen; else show it.

    ``shown`` makes of the command and its facts what the page says of them.
    """
    if do == "choose":
        return Tried()
    try:
        asked = command()
        _, facts = frame.rehearsed(asked)
        if do == "record" and request.form.get("seen") == sealed:
            return Tried(recorded=frame.record(asked))
        return Tried(shown(asked, facts))
    except (Problem, Refusal) as refusal:
        return Tried(problem=of_refusal(refusal))
