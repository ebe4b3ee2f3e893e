"""Where the tests write: in memory where the machine has room for it, else on the disk.

A new database is hundreds of small files; on a disk, making and removing them takes several times
as long as all that a test does with them.
"""

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 << 30
"""What is left of it with several runs at once; a container often has far less."""


def scratch(memory: Path = MEMORY) -> Path:
    """A folder with a short path that every user may write to."""
    with suppress(OSError):
        if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= ROOM_BYTES:
            return memory
    return Path("/tmp")


def use_scratch() -> None:
    """Let temporary files go there, those of child processes too, unless TMPDIR names a place."""
    tempfile.tempdir = os.environ.setdefault("TMPDIR", str(scratch()))


def keep_bytecode() -> None:
    """Let each module be compiled once, not again in every command that a test starts."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
