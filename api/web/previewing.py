"""Forms that preview what they would do, and record it only if nothing was changed since."""

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
    """A digest of the content of a form, which shows whether it has changed since a preview."""
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
    """Handle the button of a form: fill in (“choose”), preview, or “record” if it was previewed.

    It is recorded only if its content is that of the preview; then a redirect follows to
    ``leads_to`` the new id. Otherwise ``page`` gets the preview, which ``foreseen`` makes from the
    command and its facts (None while filling in, or if refused), and the problem, if any.
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
