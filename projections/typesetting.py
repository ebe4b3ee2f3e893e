"""Typesetting: a template and what is to stand in it, laid out by Typst as PDF or as PNG.

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
"""The folder a template could read from, if it named a file; none does."""
_KEPT_FOR = 11
"""After so many further runs Typst lets go of what it remembered of one."""

_one_at_a_time = Lock()


def typeset(template: str, inputs: Mapping[str, str], **wanted: Any) -> bytes:
    """A document made of a template, which reads the inputs as ``sys.inputs``.

    In the fonts that Typst carries and in that of the pictures; what those lack, in the machine's.
    One at a time: two thousand lines of a table take some three hundred megabytes, which would be
    kept for ten documents more.
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
