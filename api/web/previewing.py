"""Forms that preview what they would do, and record only what the preview showed.

If the form or anything that its preview depends on has changed since, the preview is shown again.
"""

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
    """A digest of a command and its preview, which shows whether either has changed."""
    return sha256(repr(told).encode()).hexdigest()[:16]


def tried(
    frame: Frame,
    do: str,
    command: Callable[[], Command],
    foreseen: Callable[[Any, Sequence[Fact]], Any],
    page: Callable[[Any, str, Problem | None], str],
    leads_to: Callable[[str], str],
    sealed: Callable[[object, object], str] = seal,
) -> Answer:
    """Handle the button of a form: fill in (“choose”), preview, or “record” if it was previewed.

    It is recorded only as the preview showed it; then a redirect follows to ``leads_to`` the new
    id. Otherwise ``page`` gets the preview, which ``foreseen`` makes from the command and its facts
    (None while filling in, or if refused), the seal of both, and the problem, if any. The same form
    sent again has no facts, and is answered as before.
    """
    shown, now = None, ""
    try:
        if do != "choose":
            asked = command()
            _, facts = frame.rehearsed(asked)
            is_repeated = do == "record" and not facts
            if not is_repeated:
                shown = foreseen(asked, facts)
                content = asked.plain() | {"id": None}  # which says nothing of what is recorded
                now = sealed(content, shown)
            if is_repeated or (do == "record" and request.form.get("seen") == now):
                made = frame.record(asked)
                return to_page(leads_to(made.id), made.position)
    except (Problem, Refusal) as refusal:
        problem = of_refusal(refusal)
        return page(None, "", problem), problem.code
    return page(shown, now, None)
