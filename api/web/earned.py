"""What somebody earned over time, drawn for the pages that show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from domain.money.currency import called, money
from projections.pictures import Markup, earnings_svg


def earnings_drawn(months: Iterable[Mapping[str, Any]], currency: str) -> Markup:
    """The months of show_earnings or show_pool_earnings in a currency, as a chart."""
    units: dict[str, int] = {}
    for each in months:
        units[each["month"]] = units.get(each["month"], 0) + each["earned_minor"]
    return earnings_svg(
        units,
        partial(money, currency=currency),
        title=f"Earned in {called(currency)}",
        stand_alone=False,
    )
