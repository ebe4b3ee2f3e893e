"""Forms that show what they would do, and record it only as it was shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from flask import request

from api.problems import Problem, of_refusal
from api.web.frame import Answer, Frame, to_page
from domain.command import Command
from domain.fact import Fact
from domain.refusal import Refusal


def seal(*told: object) -> str:
    """What tells one filled-in form from another."""
    return sha256(repr(told).encode()).hexdigest()[:16]


def tried(
    frame: Frame,
    do: str,
    sealed: str,
    command: Callable[[], Command],
    foreseen: Callable[[Any, Sequence[Fact]], Any],
    page: Callable[[Any, Problem | None], str],
    leads_to: Callable[[str], str],
) -> Answer:
    """Record what a form says, if it was sent as it was seen, and lead on; else show the page.

    The page shows what is ``foreseen`` of the command and its facts, None while the form is only
    being filled in or is wrong, and the problem. It leads to the page of the id that is recorded.
    """
    shown = None
    try:
        if do != "choose":
            asked = command()
            _, facts = frame.rehearsed(asked)
            if do == "record" and request.form.get("seen") == sealed:
                made = frame.record(asked)
                return to_page(leads_to(made.id), made.position)
            shown = foreseen(asked, facts)
    except (Problem, Refusal) as refusal:
        problem = of_refusal(refusal)
        return page(None, problem), problem.code
    return page(shown, None)
