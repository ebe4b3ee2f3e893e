"""Refusals in the words of the person who typed the command: their ids, and the nearest names."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import click

from domain.refusal import Refusal, shown
from domain.text import folded
from projections import attribution, lineage
from projections.store import View

LOOKED_AT = 2000
"""How many names are compared at most."""
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
    if view is not None and id in typed:
        said += _nearest(view, refusal.code, typed[id])
    return f"{said} ({refusal.code})"


def _nearest(view: View, code: str, text: str) -> str:
    """The names most similar to an unknown one, or that have a word similar to it."""
    if code == "unknown_contributor":
        people = attribution.people(view, limit=LOOKED_AT).items
        known = [(one["name"] or "", one["id"]) for one in people]
    elif code in ("unknown_work", "unknown_release"):
        works = lineage.works(view, limit=LOOKED_AT).items
        known = [(one["title"] or "", one["id"]) for one in works]
    else:
        return ""
    words: dict[str, list[tuple[str, str]]] = {}
    for name, id in known:
        for word in {folded(name), *folded(name).split()} - {""}:
            words.setdefault(word, []).append((name, id))
    alike = get_close_matches(folded(text).replace("-", " "), words, n=2)
    near = list(dict.fromkeys(one for word in alike for one in words[word]))[:2]
    meant = " or ".join(f"“{shown(name)}”, {id}" for name, id in near)
    return f" Did you mean {meant}?" if meant else ""
