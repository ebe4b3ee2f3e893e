"""Messages in the words of the person who typed the command: their ids, and the nearest names."""

from __future__ import annotations

import re
from collections.abc import Mapping

import click

from domain.refusal import Refusal, Unknown, shown
from projections import timeline
from projections.meant import meant
from projections.sentences import called
from projections.store import View

_TYPED = "what was typed for each id"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def remember(id: str, text: str) -> None:
    """Remember what was typed for an id."""
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta.setdefault(_TYPED, {})[id] = text


def _typed() -> Mapping[str, str]:
    typed: Mapping[str, str] = click.get_current_context().meta.get(_TYPED, {})
    return typed


def without_ids(message: str, view: View | None) -> str:
    """A message with what was typed, or else a name, in place of our ids."""
    for id, text in _typed().items():
        message = message.replace(id, shown(text))
    if view is not None:
        for id, one in timeline.names(view, _ID.findall(message)).items():
            message = message.replace(id, shown(called(one)))
    return message


def in_own_words(refusal: Refusal, view: View | None = None) -> str:
    """What is refused, without ids, and what was meant."""
    typed, said = _typed(), without_ids(str(refusal), view)
    id = str(refusal.details.get("id", ""))
    if view is not None and id in typed and isinstance(refusal, Unknown):
        found = meant(view, typed[id], refusal.noun())
        near = [f"“{shown(one['name'])}”, {one['id']}" for one in found]
        said += f" Did you mean {' or '.join(near)}?" if near else ""
    return f"{said} ({refusal.code})"
