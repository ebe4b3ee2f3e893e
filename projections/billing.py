"""Billing: the names of a credit line as printed on a sleeve, such as “A feat. B”."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

BETWEEN = ", "
"""What joins two names if the credit states no other phrase."""


def name_of(one: Mapping[str, Any], erased: str = "(forgotten)") -> str:
    """The name on a credit: the one stated there, or else that of the account."""
    return str(one.get("credited_as") or one["name"] or erased)


def line(makers: Iterable[Mapping[str, Any]]) -> str:
    """The names of a work's makers in order, each person once, with their join phrases."""
    once: dict[str, Mapping[str, Any]] = {}
    for one in makers:
        once.setdefault(one["id"], one)
    told = [
        part for one in once.values() for part in (name_of(one), one.get("join_phrase") or BETWEEN)
    ]
    return "".join(told[:-1])
