"""Benchmarks by name: small for the tests, full to quote, and three also at their largest.

The one rule: no figure stands alone. Each is printed beside a peer measured in the same run; ``×``
is our figure divided by the peer's (more is better for a rate, less for a time).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import cast

from rich.console import Console

from scripts.benchmarks import (
    append,
    auditing,
    contributors,
    fold,
    growth,
    importing,
    late,
    layout,
    load,
    log,
    money,
    pages,
    reads,
    scaling,
    searching,
    split,
    waiting,
    wide,
)
from scripts.benchmarks.by_hand import engine_of
from scripts.benchmarks.filled import settled
from scripts.benchmarks.measure import Result, Size
from scripts.benchmarks.measured import Run, document, kept, load_of_machine, run_of

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
    "reads": reads.measure,
    "wide": wide.measure,
    "inbox": waiting.measure,
    "search": searching.search,
    "suggest": searching.suggest,
    "growth": growth.measure,
}
ELSEWHERE = {"layout": "SVG", "split": "memory"}
"""Benchmarks without a database, and what is named instead of an engine."""
LARGEST = {"money", "growth", "audit"}
"""Benchmarks with a size larger than the full one."""


def figures() -> str:
    """The text of BENCHMARKS.md, from the latest runs (see ``measured``)."""
    modules = ((name, sys.modules[each.__module__]) for name, each in BENCHMARKS.items())
    return document(modules, kept())


def scaled(text: str) -> str:
    """The text of SCALING.md, with its tables generated anew (see ``scaling``)."""
    return scaling.page(text, kept())


def run(
    names: Iterable[str], size: str, database: str, out: Console, *, is_kept: bool = False
) -> list[Run]:
    """Run benchmarks (all, if none is named) and print each figure as soon as it is known.

    They run in scratch databases on the engine of ``database``, which is not touched. With
    ``is_kept``, the databases that take longest to fill are kept for later runs.
    """
    runs: list[Run] = []
    with settled(is_kept=is_kept):
        for name in tuple(names) or tuple(BENCHMARKS):
            is_less = size == "largest" and name not in LARGEST
            known = cast("Size", "full" if is_less else size)
            engine = ELSEWHERE.get(name) or engine_of(database)
            out.print(f"{name} on {engine}, {known}", markup=False)
            before, results = load_of_machine(), list[Result]()
            for result in BENCHMARKS[name](known, database):
                out.print(f"  {result}", markup=False, soft_wrap=True)
                results.append(result)
            runs.append(run_of(name, engine, known, database, results, before))
    return runs
