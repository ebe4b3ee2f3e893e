"""Forms that preview what they would do, and record only what the preview showed.

If the form or anything that its preview depends on has changed since, the preview is shown again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from flask import request

from api.problems import Problem, of_refusal
from api.web.frame import Answer, Frame, to_page
from api.web.sealing import seal
from domain.command import Command
from domain.fact import Fact
from domain.refusal import Refusal
from domain.warning import Warned


class Foreseen(NamedTuple):
    """What stands beside every preview: its seal, and the warnings about what it shows."""

    seal: str = ""
    warnings: Sequence[Warned] = ()
    is_of_another: bool = False
    """Whether the form that is to be recorded says something else than the one previewed."""


def _sealed(content: object, told: object) -> str:
    return f"{seal(content)}_{seal(told)}"


def _of_what(seal: str) -> str:
    """The part of a seal that is about the command."""
    return seal.partition("_")[0]


def tried(
    frame: Frame,
    do: str,
    command: Callable[[], Command],
    foreseen: Callable[[Any, Sequence[Fact]], Any],
    page: Callable[[Any, Foreseen, Problem | None], str],
    leads_to: Callable[[str], str],
    sealed: Callable[[object, object], str] = _sealed,
) -> Answer:
    """Handle the button of a form: fill in (“choose”), preview, or “record” if it was previewed.

    It is recorded only as the preview showed it; then a redirect follows to ``leads_to`` the new
    id. Otherwise ``page`` gets the preview, which ``foreseen`` makes from the command and its facts
    (None while filling in, or if refused), its seal with the warnings, and the problem, if any. The
    same form sent again has no facts, and is answered as before.
    """
    shown, beside, seen = None, Foreseen(), request.form.get("seen", "")
    try:
        if do != "choose":
            asked = command()
            foretold, facts = frame.rehearsed(asked)
            is_repeated = do == "record" and not facts
            if not is_repeated:
                shown = foreseen(asked, facts)
                content = asked.plain() | {"id": None}  # which says nothing of what is recorded
                now = sealed(content, (shown, foretold.warnings))
                beside = Foreseen(now, foretold.warnings, _of_what(seen) != _of_what(now))
            if is_repeated or (do == "record" and seen == beside.seal):
                made = frame.record(asked)
                return to_page(leads_to(made.id), made.position)
    except (Problem, Refusal) as refusal:
        problem = of_refusal(refusal)
        return page(None, beside, problem), problem.code
    return page(shown, beside, None)
