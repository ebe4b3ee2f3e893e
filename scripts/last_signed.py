"""The checkpoint that the log has signed last, in a file beside the key that signs.

A database that was restored, or recovered, to an earlier moment says nothing of what was signed
after it; this file does.
"""

from __future__ import annotations

import logging
from pathlib import Path

from domain.checkpoint import Checkpoint
from domain.note import Note
from domain.tree import NotVerified
from scripts.safe_file import written_whole

log = logging.getLogger(__name__)


class LastSigned:
    """The file with the checkpoint."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_told = False

    def read(self) -> bytes | None:
        """The checkpoint; None if there is none. Raises NotVerified if the file does not say."""
        try:
            note = self._path.read_bytes()
            Checkpoint.parse(Note.parse(note).text)
        except FileNotFoundError:
            return None
        except (OSError, NotVerified) as problem:
            why = problem.strerror if isinstance(problem, OSError) else problem
            raise NotVerified(f"{self._path.name} can't be read ({why})") from problem
        return note

    def write(self, note: bytes) -> None:
        """Replace it by a later one; a file that can't be written is reported once."""
        try:
            with written_whole(self._path) as file:
                file.write(note)
        except OSError as problem:
            if not self._is_told:
                log.warning("nothing would notice a database that was set back: %s", problem)
            self._is_told = True
