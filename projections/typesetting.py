"""Typesetting: a template and its data, laid out by Typst as PDF or PNG.

The one rule: what people wrote comes in as data, never as markup, and no file is read but fonts.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import typst
from typst import TypstError

from projections.pictures.font import FOLDER

__all__ = ["TypstError", "typeset"]

_NOTHING_THERE = Path(__file__).parent / "pictures"
"""The only folder from which a template could read; none does."""
_KEPT_FOR = 11
"""After so many further runs, Typst frees what it cached for a document."""

_one_at_a_time = Lock()


def typeset(template: str, inputs: Mapping[str, str], **wanted: Any) -> bytes:
    """A document made from a template, which reads the inputs as ``sys.inputs``.

    Set in Typst's own fonts and that of the pictures, with the machine's fonts as fallback. One at
    a time: a table of two thousand lines takes some 300 MB, which Typst would otherwise keep for
    ten more documents.
    """
    with _one_at_a_time:
        compiler = typst.Compiler(font_paths=_fonts(), root=_NOTHING_THERE)
        try:
            made = compiler.compile(template.encode(), sys_inputs=dict(inputs), **wanted)
        finally:
            for _ in range(_KEPT_FOR):
                compiler.compile(b"", sys_inputs=None, format="pdf")
    assert isinstance(made, bytes), "a picture has one page"
    return made


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(font_paths=[FOLDER])
