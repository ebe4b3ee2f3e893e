"""Bundles: contributors, pieces, remixes, credits and releases as JSON Lines or CSV, in and out."""

from domain.lines import (
    BadLine,
    FoundLine,
    Ids,
    Line,
    NotRestored,
    ReadyLine,
    Report,
    step_of,
)
from scripts.bundle.files import (
    CSV_COLUMNS,
    author,
    cited,
    component,
    found_in,
    lines_in,
    numbered,
    opened,
    read_json_lines,
)
from scripts.bundle.importing import BATCH, import_lines
from scripts.bundle.sealed import ExportDamaged, Seal, root_of, sealed_lines, tree_at
from scripts.bundle.whole import export_lines

__all__ = [
    "BATCH",
    "CSV_COLUMNS",
    "BadLine",
    "ExportDamaged",
    "FoundLine",
    "Ids",
    "Line",
    "NotRestored",
    "ReadyLine",
    "Report",
    "Seal",
    "author",
    "cited",
    "component",
    "export_lines",
    "found_in",
    "import_lines",
    "lines_in",
    "numbered",
    "opened",
    "read_json_lines",
    "root_of",
    "sealed_lines",
    "step_of",
    "tree_at",
]
