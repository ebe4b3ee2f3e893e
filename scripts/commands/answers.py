"""Answers of questions: as JSON or laid out, as of a position, whole or a page at a time.

The one rule: what is printed is what the API answers, and what was left out is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from projections.store import Page, View
from scripts import terminal
from scripts.commands.frame import out

as_of = click.option("--as-of", type=click.IntRange(0), help="As known at this journal position.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
limit = click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)


def tell(
    view: View,
    told: Page | Mapping[str, Any],
    as_json: bool,
    show: Callable[..., None],
    *more: object,
) -> None:
    """Print an answer: as the API gives it, or laid out for reading."""
    if as_json:
        terminal.answer(out, view.as_of, told._asdict() if isinstance(told, Page) else told)
    else:
        show(out, *more, told)
