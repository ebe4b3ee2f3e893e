"""Refusals in the words of the person who typed the command: their ids, and the nearest names."""

from __future__ import annotations

from collections.abc import Mapping

import click

from domain.refusal import Refusal, Unknown, shown
from projections.meant import meant
from projections.store import View

_TYPED = "what was typed for each id"


def remember(id: str, text: str) -> None:
    """Remember what was typed for an id."""
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta.setdefault(_TYPED, {})[id] = text


def in_own_words(refusal: Refusal, view: View | None = None) -> str:
    """The message with what was typed in place of our ids, and what may have been meant."""
    typed: Mapping[str, str] = click.get_current_context().meta.get(_TYPED, {})
    said = str(refusal)
    for id, text in typed.items():
        said = said.replace(id, shown(text))
    id = str(refusal.details.get("id", ""))
    if view is not None and id in typed and isinstance(refusal, Unknown):
        found = meant(view, typed[id], refusal.noun())
        near = [f"“{shown(one['name'])}”, {one['id']}" for one in found]
        said += f" Did you mean {' or '.join(near)}?" if near else ""
    return f"{said} ({refusal.code})"
