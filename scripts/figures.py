"""Figures of the code: lines, files and functions, of one checkout or of two beside each other.

``scripts/figures`` counts this checkout; ``scripts/figures FOLDER`` puts another in front of it.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ROOMS = ("domain", "projections", "api", "scripts")
LONG_FILE = 400


def figures(root: Path) -> Iterator[tuple[str, float]]:
    """(name, number): all figures of a checkout."""
    files = {
        path: path.read_text("utf-8") for room in ROOMS for path in (root / room).rglob("*.py")
    }
    lines = {path: text.count("\n") for path, text in files.items()}
    functions = sorted(
        node.end_lineno - node.lineno + 1
        for text in files.values()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    )
    for room in ROOMS:
        yield (
            f"lines in {room}",
            sum(n for path, n in lines.items() if path.is_relative_to(root / room)),
        )
    yield "lines", sum(lines.values())
    yield "files", len(files)
    yield f"files over {LONG_FILE} lines", sum(n > LONG_FILE for n in lines.values())
    yield "functions", len(functions)
    yield "median function", median(functions)
    yield "90 % of functions are at most", functions[len(functions) * 9 // 10]
    yield "longest function", functions[-1]


def main(before: str = "") -> None:
    """Print the figures, after those of another checkout if one is given."""
    ours = dict(figures(Path(__file__).parents[1]))
    theirs = dict(figures(Path(before))) if before else {}
    for name, figure in ours.items():
        print(f"{name:32}", *(f"{one:>8g}" for one in (*filter(None, [theirs.get(name)]), figure)))


if __name__ == "__main__":
    main(*sys.argv[1:])
