"""Bundles: contributors, pieces, remixes, credits and releases as JSON Lines or CSV, in and out."""

from scripts.bundle.files import (
    CSV_COLUMNS,
    author,
    cited,
    component,
    found_in,
    lines_in,
    read_json_lines,
)
from scripts.bundle.importing import BATCH, import_lines, in_its_words
from scripts.bundle.lines import (
    BadLine,
    Found,
    Ids,
    Line,
    NotRestored,
    Refused,
    Report,
    Step,
    step_of,
)
from scripts.bundle.shapes import (
    CREDIT,
    JSON,
    LISTS,
    NUMBER,
    PARTS,
    PERSON,
    REMIX,
    SHAPES,
    WORK,
    Shape,
)
from scripts.bundle.whole import export_lines

__all__ = [
    "BATCH",
    "CREDIT",
    "CSV_COLUMNS",
    "JSON",
    "LISTS",
    "NUMBER",
    "PARTS",
    "PERSON",
    "REMIX",
    "SHAPES",
    "WORK",
    "BadLine",
    "Found",
    "Ids",
    "Line",
    "NotRestored",
    "Refused",
    "Report",
    "Shape",
    "Step",
    "author",
    "cited",
    "component",
    "export_lines",
    "found_in",
    "import_lines",
    "in_its_words",
    "lines_in",
    "read_json_lines",
    "step_of",
]
