"""Mirroring a log: its tiles and leaves are copied into a folder and checked completely.

The one rule: the checkpoint in the folder is replaced only after everything below the new one was
computed again and the old one was found in it; so a rewrite, a fork or a rollback is noticed.

The folder is itself a C2SP tlog-tiles log: any web server can serve it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from domain.checkpoint import Trusted, open_checkpoint
from domain.note import VerifierKey
from domain.tree import LARGEST_ENTRY_BYTES, TILE_WIDTH, NotVerified, Tile, tiles_of
from scripts.verify import bundles_of, check_log, must_continue, printable

TIMEOUT_SECONDS = 30
LARGEST_ANSWER_BYTES = TILE_WIDTH * (2 + LARGEST_ENTRY_BYTES)
"""The size of the largest answer of a log, an entry bundle."""


class Unreachable(Exception):
    """The log does not answer, or answers with an error."""


def mirror(
    url: str,
    folder: Path,
    keys: Sequence[VerifierKey],
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Trusted:
    """Bring a folder up to date with the log at an address; NotVerified if the log was rewritten.

    Full tiles already there are not fetched again: they never change.
    """
    note = fetch(f"{url}/checkpoint")
    trusted = open_checkpoint(note, keys)
    kept = folder / "checkpoint"
    remembered = open_checkpoint(kept.read_bytes(), keys).checkpoint if kept.exists() else None
    if remembered is not None:
        must_continue(remembered, trusted.checkpoint)
    size = trusted.checkpoint.size
    tiles = [*bundles_of(size), *tiles_of(size)]
    for number, tile in enumerate(tiles, start=1):
        _keep(url, folder, tile)
        progress(number, len(tiles))
    check_log(folder, trusted.checkpoint, remembered)
    write_whole(kept, note)
    return trusted


def _keep(url: str, folder: Path, tile: Tile) -> None:
    path = folder / tile.path
    if tile.width < TILE_WIDTH or not path.exists():
        write_whole(path, fetch(f"{url}/{tile.path}"))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_bytes(data)
    unfinished.replace(path)


def fetch(address: str, posted: bytes | None = None) -> bytes:
    """The content at an address, or its answer to what is posted there."""
    if not address.startswith(("http://", "https://")):
        raise Unreachable(f"{address} is not an http address")
    try:
        with urlopen(address, posted, timeout=TIMEOUT_SECONDS) as answer:
            data: bytes = answer.read(LARGEST_ANSWER_BYTES + 1)
    except HTTPError as refused:
        with refused:
            said = printable(refused.read(1000).decode("utf-8", "replace"))
        raise Unreachable(f"{address}: {refused.code} {said}") from refused
    except (URLError, OSError) as error:
        raise Unreachable(f"{address}: {error}") from error
    if len(data) > LARGEST_ANSWER_BYTES:
        raise Unreachable(f"{address} answers more than {LARGEST_ANSWER_BYTES} bytes")
    return data


__all__ = ["NotVerified", "Unreachable", "fetch", "mirror", "write_whole"]
