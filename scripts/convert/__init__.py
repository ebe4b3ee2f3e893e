"""Converters of data from elsewhere into bundles for `stemma import`.

The one rule: nothing is lost silently. Even a record that can't be true becomes a line of the
bundle, so that the import refuses it with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from projections.shops import (
    SHOPS,
    Finding,
    Line,
    NotConvertible,
    Unplaced,
    place_of,
    statement_lines,
)
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
"""All converters but those of SHOPS, by the name of their source."""
NAMES = sorted([*CONVERTERS, *SHOPS])


def converted(source: str, path: Path, finding: Finding | None = None) -> Iterator[Line]:
    """The lines of a bundle converted from a source, which is one of NAMES.

    Raises NotConvertible if the file does not have its format.
    """
    if source in SHOPS:
        return statement_lines(source, path, finding)
    return CONVERTERS[source](path)


__all__ = ["NAMES", "SHOPS", "Finding", "NotConvertible", "Unplaced", "converted", "place_of"]
