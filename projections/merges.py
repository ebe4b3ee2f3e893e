"""Merges: which accounts are one person. They are rare, so they are followed step by step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from domain.engine import PLANNED_ONCE, Row
from projections.store import holds

Ask = Callable[..., list[Row]]
"""Asks the read tables as known at a position (``View.rows``)."""


def roots_of(ask: Ask, accounts: Iterable[int]) -> dict[int, int]:
    """By merged account: the account that stands for the person after all merges."""
    left, into = set(accounts), dict[int, int]()
    while left:
        rows = ask(
            f"{PLANNED_ONCE}SELECT p.number, p.merged_into FROM @contributors p "
            "WHERE p.number IN :left "
            f"AND p.merged_into IS NOT NULL AND {holds('p')}",
            left=sorted(left),
        )
        into |= dict(rows)
        left = {to for _, to in rows} - into.keys()
    return {account: _end(into, account) for account in into}


def _end(into: Mapping[int, int], account: int) -> int:
    while account in into:
        account = into[account]
    return account


def accounts_under(ask: Ask, people: Collection[int]) -> dict[int, int]:
    """By account: which of these people it belongs to; their own numbers come first."""
    found = {number: number for number in people}
    left = list(people)
    while left:
        rows = ask(
            f"{PLANNED_ONCE}SELECT p.number, p.merged_into FROM @contributors p "
            "WHERE p.merged_into IN :left "
            f"AND {holds('p')}",
            left=left,
        )
        left = [number for number, _ in rows]
        found |= {number: found[into] for number, into in rows}
    return found
