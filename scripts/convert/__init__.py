"""Converters of what others keep into bundles for `stemma import`.

Nothing is lost silently: a record that cannot be true still becomes a line of the bundle, for the
import to refuse with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from scripts.convert.git import convert_git
from scripts.convert.line import Line, NotConvertible
from scripts.convert.musicbrainz import convert_musicbrainz
from scripts.convert.ocremix import convert_ocremix
from scripts.convert.sales import convert_sales
from scripts.convert.whosampled import convert_whosampled

CONVERTERS: dict[str, Callable[[Path], Iterator[Line]]] = {
    "git": convert_git,
    "musicbrainz": convert_musicbrainz,
    "ocremix": convert_ocremix,
    "sales": convert_sales,
    "whosampled": convert_whosampled,
}
"""Every converter by the name of what it reads."""

__all__ = [
    "CONVERTERS",
    "Line",
    "NotConvertible",
    "convert_git",
    "convert_musicbrainz",
    "convert_ocremix",
    "convert_sales",
    "convert_whosampled",
]
