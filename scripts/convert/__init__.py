"""Converters of what others keep into bundles for `stemma import`.

Nothing is lost silently: a record that cannot be true still becomes a line of the bundle, for the
import to refuse with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.convert.dsr import convert_dsr
from scripts.convert.git import convert_git
from scripts.convert.line import Line, NotConvertible, Unplaced
from scripts.convert.musicbrainz import convert_musicbrainz
from scripts.convert.ocremix import convert_ocremix
from scripts.convert.placed import Finding
from scripts.convert.sales import convert_sales
from scripts.convert.whosampled import convert_whosampled

PLACED: dict[str, Callable[[Path, Finding | None], Iterator[Line]]] = {
    "dsr": convert_dsr,
    "sales": convert_sales,
}
"""Converters of sales, which find out what pool a numbered work's sales are for."""
CONVERTERS: dict[str, Callable[[Path], Iterator[Line]]] = {
    "git": convert_git,
    "musicbrainz": convert_musicbrainz,
    "ocremix": convert_ocremix,
    "whosampled": convert_whosampled,
}
"""Every other converter by the name of what it reads."""
NAMES = sorted([*CONVERTERS, *PLACED])


def converted(source: str, path: Path, finding: Finding | None = None) -> Iterator[Line]:
    """The lines of what others keep."""
    return PLACED[source](path, finding) if source in PLACED else CONVERTERS[source](path)


__all__ = [
    "NAMES",
    "PLACED",
    "Finding",
    "Line",
    "NotConvertible",
    "Unplaced",
    "convert_dsr",
    "convert_git",
    "convert_musicbrainz",
    "convert_ocremix",
    "convert_sales",
    "convert_whosampled",
    "converted",
]
