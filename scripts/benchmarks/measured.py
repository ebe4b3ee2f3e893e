"""Measured: the latest run of each benchmark on each engine, from which BENCHMARKS.md is written.

The one rule: no figure is typed by hand. A run is kept with its size, date, machine, versions and
load, or not at all.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from inspect import cleandoc
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg

from scripts.benchmarks.by_hand import is_postgres
from scripts.benchmarks.measure import Aim, Peer, Result

FILE = Path(__file__).with_name("measured.jsonl")
HEAD = """\
# Benchmarks

How fast Stemma is beside named peers, measured in the same run. Ratios count: figures follow the
machine and its load, which is given below each table for the minute before and after the run. `×`
is Stemma's figure divided by the peer's. An aim in **bold** is missed. [SCALING.md](SCALING.md)
says how costs grow with size, [scripts/benchmarks](scripts/benchmarks/README.md) how to measure.

`scripts/reference` writes this page from the runs that `stemma bench NAME … --publish` keeps.
"""


@dataclass(frozen=True)
class Run:
    """A run of one benchmark on one engine, with its conditions."""

    benchmark: str
    engine: str
    size: str
    date: str
    machine: str
    versions: str
    load: tuple[float, float]
    results: tuple[Result, ...]

    @property
    def conditions(self) -> str:
        """The command, date, machine, versions and load, as a line of the document."""
        before, after = self.load
        return (
            f"- {self.engine}: `stemma bench {self.benchmark} --size {self.size}` on {self.date}; "
            f"{self.machine}; {self.versions}; load {before:g} before, {after:g} after."
        )


def run_of(
    name: str, engine: str, size: str, database: str, results: Iterable[Result], before: float
) -> Run:
    """The run that has just ended; ``before`` is the load when it began."""
    return Run(
        name,
        engine,
        size,
        datetime.now(UTC).date().isoformat(),
        _machine(),
        _versions(database),
        (before, load_of_machine()),
        tuple(results),
    )


def load_of_machine() -> float:
    """The load average of the last minute: how many processes ran or wanted to."""
    return round(os.getloadavg()[0], 1)


def _machine() -> str:
    memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    return f"{os.cpu_count()} cores, {memory} GiB, {platform.system()} {platform.machine()}"


def _versions(database: str) -> str:
    python = f"Python {platform.python_version()}"
    if not is_postgres(database):
        return f"{python}, SQLite {sqlite3.sqlite_version}"
    with psycopg.connect(database) as connection:
        names = ("server_version", "fsync", "shared_buffers", "max_wal_size")
        asked = ", ".join(f"current_setting('{name}')" for name in names)
        ((version, fsync, buffers, wal),) = connection.execute(f"SELECT {asked}".encode())
    server = f"PostgreSQL {version.split()[0]} with fsync {fsync}, {buffers} of shared buffers"
    server += f" and at most {wal} of WAL"
    return f"{python}, {server}"


# -- the file ------------------------------------------------------------------------------


def kept(file: Path = FILE) -> list[Run]:
    """The runs kept in a file, one per line."""
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    return [_read(json.loads(line)) for line in lines]


def keep(runs: Iterable[Run], file: Path = FILE) -> None:
    """Keep runs, each in place of the last one of the same benchmark and engine."""
    found = {(one.benchmark, one.engine): one for one in (*kept(file), *runs)}
    told = (json.dumps(asdict(found[key]), ensure_ascii=False) for key in sorted(found))
    file.write_text("".join(f"{line}\n" for line in told), "utf-8")


def _read(told: dict[str, Any]) -> Run:
    results = tuple(
        Result(
            **{
                **one,
                "peers": tuple(Peer(**each) for each in one["peers"]),
                "aims": tuple(Aim(**each) for each in one["aims"]),
                "point": one["point"] and tuple(one["point"]),
            }
        )
        for one in told["results"]
    )
    return Run(**{**told, "load": tuple(told["load"]), "results": results})


# -- the document --------------------------------------------------------------------------


def document(benchmarks: Iterable[tuple[str, ModuleType]], runs: Iterable[Run]) -> str:
    """The page: a table for each benchmark, in the given order, and what it measures."""
    of = dict[str, list[Run]]()
    for one in runs:
        of.setdefault(one.benchmark, []).append(one)
    return "\n".join([HEAD, *(_section(*one, of[one[0]]) for one in benchmarks if one[0] in of)])


def _section(name: str, module: ModuleType, runs: list[Run]) -> str:
    summary, _, _ = cleandoc(module.__doc__ or "").partition("\n\n")
    lines = [
        f"## {name}\n\n{' '.join(summary.split())}\n",
        "| | | Stemma | compared with | aim |\n|---|---|---|---|---|",
        *(row for run in runs for row in _rows(run)),
        "",
        *(f"{run.conditions}\n" for run in runs),
    ]
    return "\n".join(lines)


def _rows(run: Run) -> Iterator[str]:
    for one in run.results:
        if one.point is None:  # results at several sizes are drawn by --chart
            aims = "; ".join(f"{aim}" if one.reaches(aim) else f"**{aim}**" for aim in one.aims)
            yield f"| {one.measure} | {run.engine} | {one.figure} | {one.ratios} | {aims} |"
