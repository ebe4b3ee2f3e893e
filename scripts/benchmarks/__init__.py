"""Benchmarks by name, in two sizes: a small one that the tests run, and a full one to quote.

The one rule: no figure stands alone. Each is printed beside a peer measured in the same run; ``×``
is our figure divided by the peer's (more is better for a rate, less for a time).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import cast

from rich.console import Console

from scripts.benchmarks import (
    append,
    auditing,
    contributors,
    fold,
    importing,
    late,
    layout,
    load,
    log,
    money,
    pages,
    split,
    wide,
)
from scripts.benchmarks.measure import Peer, Result, Size, engine_of

__all__ = ["BENCHMARKS", "Peer", "Result", "Size", "run"]

Measure = Callable[[Size, str], Iterator[Result]]

BENCHMARKS: dict[str, Measure] = {
    "append": append.measure,
    "import": importing.measure,
    "late": late.measure,
    "fold": fold.measure,
    "contributors": contributors.measure,
    "split": split.measure,
    "log": log.measure,
    "audit": auditing.measure,
    "money": money.measure,
    "layout": layout.measure,
    "load": load.measure,
    "pages": pages.measure,
    "wide": wide.measure,
}


def run(names: Iterable[str], size: str, database: str, out: Console) -> list[Result]:
    """Run benchmarks (all, if none is named) and print each figure as soon as it is known.

    They run in scratch databases on the engine of the given one, which is not touched.
    """
    results: list[Result] = []
    for name in tuple(names) or tuple(BENCHMARKS):
        out.print(f"{name} on {engine_of(database)}, {size}", markup=False)
        for result in BENCHMARKS[name](cast("Size", size), database):
            out.print(f"  {result}", markup=False, soft_wrap=True)
            results.append(result)
    return results
