"""Mirroring a log: its tiles, and with a key its leaves, are copied into a folder and checked.

The one rule: the checkpoint in the folder is replaced only after everything below the new one was
computed again and the old one was found in it; so a rewrite, a fork or a rollback is noticed.

The folder is itself a C2SP tlog-tiles log: any web server can serve it.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.client import HTTPException
from pathlib import Path
from random import SystemRandom
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from domain.checkpoint import (
    Checkpoint,
    Trusted,
    decode_proof,
    must_continue,
    open_checkpoint,
    verify_growth,
)
from domain.latest import open_map
from domain.note import Note, VerifierKey
from domain.tree import (
    ENTRIES,
    LARGEST_ENTRY_BYTES,
    TILE_WIDTH,
    NotVerified,
    Tile,
    root_of,
    tiles_of,
)
from scripts.described import printable
from scripts.line import TIMEOUT_SECONDS, Line
from scripts.mirrored import (
    bundles_of,
    check_entries,
    check_hashes,
    check_log,
    check_map,
    hashes_in,
    must_be_seen,
    must_be_shown,
    unverified,
)

TOO_MANY = 429
PATIENCE = 20
"""How often something is asked that is not answered yet."""
LONGEST_WAIT_SECONDS = 60.0
AT_ONCE = 4
"""How many tiles are fetched at the same moment."""
SAMPLE = 32
"""How many of the tiles that are not fetched are compared with those of the log."""
LARGEST_ANSWER_BYTES = TILE_WIDTH * (2 + LARGEST_ENTRY_BYTES)
"""The size of the largest answer of a log, an entry bundle."""


class Unreachable(Exception):
    """The log does not answer, or answers with an error."""

    def __init__(
        self, told: str, status: int | None = None, said: str = "", wait: str | None = None
    ) -> None:
        super().__init__(told)
        self.status, self.said, self.wait = status, said, wait


def _wait_of(problem: Unreachable) -> float:
    """How many seconds a service asks to wait."""
    said = problem.wait
    seconds = float(said) if said is not None and said.isdigit() else 1.0
    return min(seconds, LONGEST_WAIT_SECONDS)


def mirror(
    url: str,
    folder: Path,
    keys: Sequence[VerifierKey],
    progress: Callable[[int, int], None] = lambda _done, _of: None,
    *,
    api_key: str | None = None,
    only_hashes: bool = False,
    again: bool = False,
    is_replayed: bool = False,
    max_age: int | None = None,
    **witnesses: Any,
) -> Trusted:
    """Bring a folder up to date with the log at an address; NotVerified if the log was rewritten.

    Tiles of hashes follow from the leaves, or from the lowest tiles, and are made here. Full tiles
    already there are not fetched again, since they never change. Of both, which others may read, a
    random sample is fetched and compared; ``again`` does so with every tile. The leaves need the
    key of an auditor, unless they are published; hashes alone show everything but what was
    recorded. If the mirror ``is_replayed`` next, how its facts name each other is left to that (see
    scripts.replay). With ``witnesses`` (and ``quorum``, see open_checkpoint) it is the latest tree
    that they have seen. A log that has not grown for ``max_age`` seconds, or was not seen by
    witnesses since, is refused as frozen.
    """
    note, trusted = checkpoint_at(url, keys, **witnesses)
    kept = folder / "checkpoint"
    remembered = open_checkpoint(kept.read_bytes(), keys).checkpoint if kept.exists() else None
    must_be_recent(trusted, kept, max_age)
    with evidence_kept(note, kept):
        if remembered is not None:
            if witnesses.get("witnesses") and remembered.size > trusted.checkpoint.size:
                _must_hold(folder, remembered, trusted.checkpoint)
                return trusted  # they have not seen yet what is here
            must_continue(remembered, trusted.checkpoint)
        size = trusted.checkpoint.size
        every = [*([] if only_hashes else bundles_of(size)), *tiles_of(size)]
        lowest = 0 if only_hashes else ENTRIES
        tiles = [tile for tile in every if again or _is_fetched(folder, tile, lowest)]
        sample = SystemRandom().sample(left := [*{*every} - {*tiles}], min(SAMPLE, len(left)))
        with _kept_if_verified([folder / tile.path for tile in every]):
            sampled = _fetched(url, folder, tiles, sample, progress, api_key)
            map = _map_at(url, folder, size)
            if only_hashes:
                check_hashes(folder, trusted.checkpoint, remembered, _make)
                _ = map and open_map(map, keys, trusted)
            elif is_replayed:
                check_entries(folder, trusted.checkpoint, remembered, _make)
            else:
                logs = {trusted.checkpoint.origin, *(key.name for key in keys)}
                chains = check_log(folder, trusted.checkpoint, remembered, logs, _make)
                check_map(map, trusted, keys, chains.heads)
            for tile, data in sampled.items():
                must_be_shown(folder, tile, data)
    if map:
        _keep_map(folder / "map", size, map)
    if not kept.exists() or kept.read_bytes() != note:  # its age says since when it is like this
        write_whole(kept, note)
    return trusted


def _fetched(
    url: str,
    folder: Path,
    tiles: Sequence[Tile],
    sample: Sequence[Tile],
    progress: Callable[[int, int], None],
    api_key: str | None,
) -> dict[Tile, bytes]:
    """Fetch tiles into the folder, and return those of a sample as they are served."""
    with Line() as line, ThreadPoolExecutor(AT_ONCE) as threads:
        keep = partial(_keep, url, folder, api_key=api_key, line=line)
        for number, _ in enumerate(threads.map(keep, tiles), start=1):
            progress(number, len(tiles))
        shown = partial(fetch_tile, url, api_key=api_key, line=line)
        return dict(zip(sample, threads.map(shown, sample), strict=True))


@contextmanager
def evidence_kept(note: bytes, kept: Path) -> Iterator[None]:
    """Keep the signed checkpoint that turns out to be wrong, beside the one from before it.

    Two checkpoints that the log has signed and that do not agree are what convinces others.
    """
    try:
        yield
    except NotVerified as problem:
        refused = kept.with_name(f"{kept.name}.refused")
        write_whole(refused, note)
        raise NotVerified(f"{problem} (the checkpoint is kept as {refused})") from problem


@contextmanager
def _kept_if_verified(paths: Sequence[Path]) -> Iterator[None]:
    """Give what was fetched its name once it is verified, and keep nothing of it if it is not.

    After an interruption it is there, and is not fetched again.
    """
    try:
        yield
    except NotVerified:
        for path in paths:
            unverified(path).unlink(missing_ok=True)
        raise
    for path in paths:
        if (fetched := unverified(path)).exists():
            fetched.replace(path)


def checkpoint_at(url: str, keys: Sequence[VerifierKey], **witnesses: Any) -> tuple[bytes, Trusted]:
    """The latest checkpoint of the log at an address, or the latest that witnesses have seen."""
    try:
        note = fetch(f"{url}/checkpoint{'/witnessed' if witnesses.get('witnesses') else ''}")
    except Unreachable as problem:
        if problem.status not in (401, 404) or url.endswith("/log"):
            raise
        told = f"{problem}\nIs there a log? That of a service of Stemma is at {url}/log."
        raise Unreachable(told, problem.status) from problem
    return note, open_checkpoint(note, keys, **witnesses)


def prove_growth(url: str, old: Checkpoint, new: Checkpoint) -> None:
    """Raise NotVerified unless the log at an address proves that one tree extends the other."""
    must_continue(old, new)
    asked = f"{url}/consistency?old={old.size}&new={new.size}"
    lines = fetch(asked).decode("utf-8", "replace").splitlines()
    verify_growth(old, new, decode_proof(lines))


def _must_hold(folder: Path, kept: Checkpoint, earlier: Checkpoint) -> None:
    """Raise NotVerified unless a mirror begins with an earlier tree of its log."""
    if root_of(hashes_in(folder, kept.size)[: earlier.size]) != earlier.root:
        raise NotVerified(f"fork: witnesses have seen another tree of {earlier.size} leaves")


def must_be_recent(trusted: Trusted, kept: Path, max_age: int | None) -> None:
    """Raise NotVerified if a log seems frozen, by its witnesses or, without any, by our file."""
    old, since = None, 0.0
    if kept.exists():
        old, since = Checkpoint.parse(Note.parse(kept.read_bytes()).text), kept.stat().st_mtime
    must_have_grown(trusted, old, since, max_age)


def must_have_grown(
    trusted: Trusted, old: Checkpoint | None, since: float, max_age: int | None
) -> None:
    """Raise NotVerified if witnesses, or without any we ourselves, have seen no new tree lately."""
    if max_age is None:
        return
    if trusted.cosignatures:
        must_be_seen(trusted, max_age)
    elif old == trusted.checkpoint and (age := int(time.time() - since)) > max_age:
        raise NotVerified(f"frozen: the log has not grown for {age} seconds")


def _is_fetched(folder: Path, tile: Tile, lowest: int) -> bool:
    """Whether it does not follow from others, and is not there yet or not full."""
    path = folder / tile.path
    is_there = tile.width == TILE_WIDTH and (path.exists() or unverified(path).exists())
    return tile.level == lowest and not is_there


def _keep(url: str, folder: Path, tile: Tile, *, api_key: str | None, line: Line) -> None:
    path = folder / tile.path
    data = fetch_tile(url, tile, api_key, line)
    if not (tile.width == TILE_WIDTH and path.exists()):
        write_whole(unverified(path), data)
    elif data != path.read_bytes():
        raise NotVerified(f"{tile.path} is not what the log gave before")


def _make(path: Path, data: bytes) -> None:
    write_whole(unverified(path), data)


def _map_at(url: str, folder: Path, size: int) -> bytes | None:
    """The signed map of the tree of a size; a log of an older version has none."""
    try:
        return fetch(f"{url}/map/{size}")
    except Unreachable as problem:
        if problem.status != 404:
            raise
        if (folder / "map").exists():
            raise NotVerified(f"the log does not show the map of its {size} facts") from problem
        return None


def _keep_map(kept: Path, size: int, note: bytes) -> None:
    """Keep the map, and those of earlier trees no longer."""
    write_whole(kept / str(size), note)
    for earlier in kept.iterdir():
        if earlier.name != str(size):
            earlier.unlink()


def fetch_tile(url: str, tile: Tile, api_key: str | None = None, line: Line | None = None) -> bytes:
    """A tile of the log at an address, or a bundle of its entries, which may need a key."""
    try:
        key = api_key if tile.level == ENTRIES else None
        return fetch_patiently(f"{url}/{tile.path}", key=key, line=line)
    except Unreachable as problem:
        if problem.status not in (401, 403):
            raise
        raise Unreachable(
            f"{problem}\nThe leaves need the key of an auditor (--api-key); --hashes needs none."
        ) from problem


def fetch_patiently(
    address: str, waits: Collection[int] = (TOO_MANY,), *, key: str | None, line: Line | None
) -> bytes:
    """The content at an address of a service that may ask to wait.

    A large log has more tiles than a service answers in a minute.
    """
    for _ in range(PATIENCE):
        try:
            return fetch(address, key=key, line=line)
        except Unreachable as problem:
            if problem.status not in waits:
                raise
            time.sleep(_wait_of(problem))
    return fetch(address, key=key, line=line)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_bytes(data)
    unfinished.replace(path)


def fetch(
    address: str,
    posted: bytes | None = None,
    *,
    key: str | None = None,
    line: Line | None = None,
) -> bytes:
    """The content at an address, or its answer to what is posted there."""
    if not address.startswith(("http://", "https://")):
        raise Unreachable(f"{address} is not an http address")
    asked = Request(address, posted, {"Accept-Encoding": "gzip, identity"})
    if key is not None:
        # Not sent on to wherever a redirection leads.
        asked.add_unredirected_header("Authorization", f"Bearer {key}")
    try:
        with line.open(asked) if line else urlopen(asked, timeout=TIMEOUT_SECONDS) as answer:
            data: bytes = answer.read(LARGEST_ANSWER_BYTES + 1)
            if answer.headers.get("Content-Encoding") == "gzip":
                data = _unpacked(data)
    except HTTPError as refused:
        with refused:
            said = refused.read(10_000).decode("utf-8", "replace")
        told = f"{address}: {refused.code} {printable(_in_words(said))}"
        raise Unreachable(told, refused.code, said, refused.headers["Retry-After"]) from refused
    except (URLError, HTTPException, OSError, zlib.error) as error:
        raise Unreachable(f"{address}: {getattr(error, 'reason', error)}") from error
    if len(data) > LARGEST_ANSWER_BYTES:
        raise Unreachable(f"{address} answers more than {LARGEST_ANSWER_BYTES} bytes")
    return data


def _in_words(said: str) -> str:
    """What a refusal says to people."""
    try:
        problem = json.loads(said)
        return f"{problem['detail']} ({problem['code']})"
    except (ValueError, LookupError, TypeError):
        return said[:1000]


def _unpacked(data: bytes) -> bytes:
    """What was compressed, up to one byte more than is read: a little may become very much."""
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    unpacked = unpacker.decompress(data, LARGEST_ANSWER_BYTES + 1)
    if not unpacker.eof and len(unpacked) <= LARGEST_ANSWER_BYTES:
        raise zlib.error("the compressed answer is not complete")
    return unpacked


__all__ = ["NotVerified", "Unreachable", "fetch", "mirror", "write_whole"]
