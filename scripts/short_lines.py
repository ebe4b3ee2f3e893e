"""Lines of files from elsewhere, in which one line may be longer than memory should hold."""

from __future__ import annotations

from collections.abc import Iterator
from gzip import GzipFile
from typing import BinaryIO

CHUNK = 1 << 20


def short_lines(file: BinaryIO | GzipFile, longest: int) -> Iterator[bytes]:
    """The lines of a file; of one with more than ``longest`` bytes, only its beginning.

    That has one byte more, so that it can be told.
    """
    while line := file.readline(longest + 1):
        yield line
        if len(line) > longest:
            while line and not line.endswith(b"\n"):
                line = file.readline(CHUNK)
