"""Writing files completely or not at all, and why not; temporary folders; and lock files.

The rule: what was interrupted leaves nothing under the name it would have had.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from secrets import token_hex
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir
from typing import BinaryIO, TextIO

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The errors of a disk that takes no more, which do not say of which file."""
SHARED = 0o666
"""The mode of what others may read, as far as the umask lets them."""
WAIT_SECONDS = 60.0
"""How long to wait for another process to end its work on the same files."""
LOOK_SECONDS = 0.05


@contextmanager
def written_whole(path: Path, *, mode: int = 0o600, is_new: bool = False) -> Iterator[BinaryIO]:
    """Yields a file to write, which gets its name when all of it is on the disk.

    What is no regular file, such as /dev/stdout, is written as it is. With ``is_new``, another file
    of that name is not replaced (FileExistsError).
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
        return
    unfinished = path.with_name(f".{path.name}.{token_hex(4)}.unfinished")
    try:
        with open(unfinished, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            path.hardlink_to(unfinished)
        else:
            unfinished.replace(path)
    except OSError as problem:
        if problem.filename == str(unfinished) or (
            problem.errno in FULL and problem.filename is None
        ):
            problem.filename = str(path)
        raise
    finally:
        with suppress(OSError):  # what kept it from being written
            unfinished.unlink(missing_ok=True)
    _settle(path.parent)


def refusal_of(problem: OSError) -> str:
    """What the operating system says, after the file that it is about."""
    told = problem.strerror or str(problem)
    return told if problem.filename is None else f"{problem.filename}: {told}"


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that others may read, in a folder that is made if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path, mode=SHARED) as file:
        file.write(data)


def _settle(folder: Path) -> None:
    """Write the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def temporary_folder(prefix: str, place: Path | None = None) -> Iterator[Path]:
    """A folder until the end of the context; those of processes that were killed are removed.

    A file in it is locked for as long as this process, or one that it has forked, runs.
    """
    place = place or Path(gettempdir())
    for file in place.glob(f"{prefix}*/lock"):
        with suppress(OSError), file.open() as left:
            flock(left, LOCK_EX | LOCK_NB)
            rmtree(file.parent)
    with TemporaryDirectory(dir=place, prefix=prefix) as name:
        folder = Path(name)
        with (folder / "new").open("w") as held:
            flock(held, LOCK_EX)
            (folder / "new").rename(folder / "lock")  # others see it only when it is locked
            yield folder


class Occupied(Exception):
    """Another process does not end its work on the same files."""


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Within this context, no other process holds the same lock.

    Raises Occupied after WAIT_SECONDS: a log may keep a run from ending, and the next ones must not
    wait for it in silence.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + WAIT_SECONDS
    with lock.open("w") as file:
        while not _is_taken(file):
            if time.monotonic() > until:
                raise Occupied(f"An earlier run is still at work: it holds {lock}.")
            time.sleep(LOOK_SECONDS)
        yield


def _is_taken(file: TextIO) -> bool:
    """Whether this process has the lock of a file now."""
    try:
        flock(file, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    return True
