"""Answers of questions: as JSON or laid out, as of a position, whole or a page at a time.

The one rule: what is printed is what the API answers, and what was left out is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from projections.store import Page, View
from scripts import terminal
from scripts.commands.frame import out

Listing = TypeVar("Listing", bound=Callable[..., Any])

as_of = click.option("--as-of", type=click.IntRange(0), help="As known at this journal position.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
limit = click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
_after = click.option(
    "--after", metavar="CURSOR", help="Go on where a page ended; its last line says how."
)
ALL = 1 << 62
"""A list with this limit has one page."""


def paged(command: Listing) -> Listing:
    """A list that is told a page at a time: how many, and after which page."""
    return limit(_after(command))


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
        return
    show(out, *more, told)
    if isinstance(told, Page) and told.next is not None:
        # The position too: what is recorded meanwhile moves nothing from one page to another.
        on = f"--after {told.next} --as-of {view.as_of}"
        out.print(f"… and more: the same with {on}", soft_wrap=True)
