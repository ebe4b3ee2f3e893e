"""Converters of what others keep into bundles for `stemma import`.

Nothing is lost silently: a record that cannot be true still becomes a line of the bundle, for the
import to refuse with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from projections.shops import SHOPS, Finding, Line, NotConvertible, Unplaced, statement_lines
from scripts.convert.git import convert_git
from scripts.convert.musicbrainz import convert_musicbrainz
from scripts.convert.ocremix import convert_ocremix
from scripts.convert.whosampled import convert_whosampled

CONVERTERS: dict[str, Callable[[Path], Iterator[Line]]] = {
    "git": convert_git,
    "musicbrainz": convert_musicbrainz,
    "ocremix": convert_ocremix,
    "whosampled": convert_whosampled,
}
"""Every other converter by the name of what it reads."""
NAMES = sorted([*CONVERTERS, *SHOPS])


def converted(source: str, path: Path, finding: Finding | None = None) -> Iterator[Line]:
    """The lines of what others keep."""
    if source in SHOPS:
        return statement_lines(source, path, finding)
    return CONVERTERS[source](path)


__all__ = ["NAMES", "SHOPS", "Finding", "NotConvertible", "Unplaced", "converted"]
