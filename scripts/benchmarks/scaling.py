"""Scaling: the tables of SCALING.md, from the kept runs of `growth`.

Rule: what is beyond the largest size that ran is computed from what ran, and said to be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from scripts.benchmarks.measure import Result, plain_number
from scripts.benchmarks.measured import Run

_BLOCK = re.compile(r"<!-- (\w+) -->\n.*?<!-- end -->", re.DOTALL)
_READ = re.compile(r"^read_\d+_")
"""What the name of a read table begins with."""
OTHERS, ALL = "all others", "**all**"
SMALL_PART = 0.02
"""Tables with less than this part of all bytes are added up."""
BEYOND = range(6, 10)
"""The powers of ten of facts for which limits are computed."""
SPANS = ((86_400, "days"), (3_600, "h"), (60, "min"), (0, "s"))
Cells = tuple[str, ...]


@dataclass(frozen=True)
class Grown:
    """What the run of one engine says: by what it is of, and by how many works there were."""

    run: Run
    of: Mapping[str, Mapping[int, Result]]

    def in_unit(self, unit: str) -> dict[str, Mapping[int, Result]]:
        """All in a unit, at every size."""
        return {what: at for what, at in self.of.items() if last(at).unit == unit}

    def bytes(self) -> dict[str, Result]:
        """What a fact takes in each table at the largest size, the largest first."""
        largest = max(size for at in self.of.values() for size in at)
        tables = self.in_unit("bytes/fact").items()
        found = {what: at[largest] for what, at in tables if largest in at}
        return dict(sorted(found.items(), key=lambda one: -one[1].value))


Told = Callable[[Grown], Iterable[tuple[str, str]]]


def last(at: Mapping[int, Result]) -> Result:
    """The figure at the largest size."""
    return at[max(at)]


def page(text: str, runs: Iterable[Run]) -> str:
    """The document with each of its blocks written anew."""
    grown = [_grown(run) for run in runs if run.benchmark == "growth"]
    blocks = {
        "conditions": "\n".join(one.run.conditions for one in grown),
        "bytes": _beside("bytes per fact, with indexes", grown, _bytes),
        "costs": _beside("processor time in µs", grown, _costs),
        "memory": _beside("a worker of the API", grown, _memory),
        "limits": "\n\n".join(map(_limits, grown)),
        "apart": "\n\n".join(_apart(one) for one in grown if one.in_unit("pages")),
    }
    written = {name: f"<!-- {name} -->\n\n{told}\n\n<!-- end -->" for name, told in blocks.items()}
    return _BLOCK.sub(lambda found: written[found[1]], text)


def _grown(run: Run) -> Grown:
    of = dict[str, dict[int, Result]]()
    for one in run.results:
        if one.point is not None:
            what, works = one.point
            of.setdefault(what, {})[works] = one
    return Grown(run, of)


def _table(heads: Cells, rows: Iterable[Cells]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _beside(title: str, grown: Sequence[Grown], told: Told) -> str:
    """A row for each that any engine tells of, a column for each engine."""
    columns = [dict(told(one)) for one in grown]
    found = dict.fromkeys(name for column in columns for name in column)
    names = sorted(found, key=(OTHERS, ALL).__contains__)
    rows = ((name, *(column.get(name, "") for column in columns)) for name in names)
    return _table((title, *(one.run.engine for one in grown)), rows)


def _bytes(one: Grown) -> Iterator[tuple[str, str]]:
    tables = one.bytes()
    every = sum(result.value for result in tables.values())
    large = {name: each for name, each in tables.items() if each.value >= SMALL_PART * every}
    for name, result in large.items():
        yield f"`{_READ.sub('', name)}`", f"{result.value:,.0f} ({result.note})"
    yield OTHERS, f"{every - sum(each.value for each in large.values()):,.0f}"
    yield ALL, f"**{every:,.0f}**"


def _costs(one: Grown) -> Iterator[tuple[str, str]]:
    for unit, head in (("µs", ""), ("µs/fact", ", a fact")):
        for what, at in one.in_unit(unit).items():
            values = " → ".join(plain_number(at[size].value) for size in sorted(at))
            times = last(at).value / at[min(at)].value
            yield f"{what}{head}", f"{values} ({times:.2f} ×)"


def _memory(one: Grown) -> Iterator[tuple[str, str]]:
    for at in one.in_unit("MB").values():
        for works, result in sorted(at.items()):
            yield f"{works:,} works", f"{result.figure} ({result.note})"


def _limits(one: Grown) -> str:
    room = sum(result.value for result in one.bytes().values())
    fold, log = (last(one.of[what]).value / 1e6 for what in ("folding", "log"))
    facts = {f"10{_raised(power)}": 10**power for power in BEYOND}
    rows = (
        (n, _size(room * each), _span(fold * each), _span(log * each)) for n, each in facts.items()
    )
    heads = (f"facts on {one.run.engine}", "database", "a rebuild, one core", "rebuilding the log")
    return _table(heads, rows)


def _apart(one: Grown) -> str:
    rows = (
        (result.measure, result.figure, result.ratios)
        for unit in ("pages", "ms")
        for at in one.in_unit(unit).values()
        for _, result in sorted(at.items())
    )
    return _table((one.run.engine, "", "compared with"), rows)


def _raised(power: int) -> str:
    return str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _size(count: float) -> str:
    return f"{count / 1e12:.1f} TB" if count >= 1e12 else f"{count / 1e9:,.1f} GB"


def _span(seconds: float) -> str:
    length, name = next(one for one in SPANS if seconds >= 2 * one[0])
    return f"{plain_number(seconds / (length or 1))} {name}"
