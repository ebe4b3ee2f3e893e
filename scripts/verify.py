"""Check a receipt, a checkpoint or a log offline: ``scripts/verify.py receipt FILE --key VKEY``.

The one rule: nothing is needed but this checkout, the standard library and ``cryptography``; no
database, no network, no setting.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

if not __package__:  # run as a file: the checkout, instead of this folder, is where imports begin
    sys.path[:1] = [str(Path(__file__).resolve().parents[1])]

from domain.checkpoint import Checkpoint, Trusted, open_checkpoint
from domain.note import VerifierKey
from domain.receipt import Receipt, read_leaf, verify_receipt
from domain.tree import (
    ENTRIES,
    NotVerified,
    Tile,
    entries_of,
    grow,
    leaf_hash,
    root_of,
    tile_at,
)


def read_keys(texts: Iterable[str]) -> list[VerifierKey]:
    """Verifier keys as text, or from files that hold one a line."""
    return [key for text in texts for key in _keys_in(text)]


def _keys_in(text: str) -> list[VerifierKey]:
    try:
        return [VerifierKey.parse(text)]
    except NotVerified:
        path = Path(text)
        if len(text) > 4096 or not path.is_file():
            raise
        lines = path.read_text("utf-8").split("\n")
        keys = [VerifierKey.parse(line.strip()) for line in lines if line.strip()]
        if not keys:
            raise
        return keys


def bundles_of(size: int) -> Iterator[Tile]:
    """The entry bundles of a log of a size, in order."""
    number = 0
    while tile := tile_at(ENTRIES, number, size):
        yield tile
        number += 1


def check_log(folder: Path, checkpoint: Checkpoint, remembered: Checkpoint | None = None) -> None:
    """Raise NotVerified, naming the file, unless a mirrored log is whole and as it was signed.

    Everything is computed again from the leaves: each tile, the root, and the root at the size
    that is remembered.
    """
    hashes: list[bytes] = []
    for bundle in bundles_of(checkpoint.size):
        entries = entries_of(_bytes_of(folder, bundle))
        if len(entries) != bundle.width:
            raise NotVerified(f"{bundle.path} holds {len(entries)} leaves, not {bundle.width}")
        for entry in entries:
            hashes.append(leaf_hash(entry))
            if read_leaf(entry).position != len(hashes):
                raise NotVerified(f"{bundle.path}: leaf {len(hashes) - 1} says another position")
    for tile, computed in grow(0, hashes, lambda _: ()).items():
        if _bytes_of(folder, tile) != computed:
            raise NotVerified(f"{tile.path} is not what its leaves hash to")
    if root_of(hashes) != checkpoint.root:
        raise NotVerified("the leaves do not hash to the root that was signed")
    if remembered is not None and remembered.size:
        must_continue(remembered, checkpoint)
        if root_of(hashes[: remembered.size]) != remembered.root:
            raise NotVerified(
                f"fork: the first {remembered.size} leaves are not the ones of before"
            )


def must_continue(old: Checkpoint, new: Checkpoint) -> None:
    """Raise NotVerified if a log has become smaller, or another one."""
    if old.origin != new.origin:
        raise NotVerified(f"{new.origin} is another log than {old.origin}")
    if new.size < old.size:
        raise NotVerified(f"rollback: the log had {old.size} leaves and now has {new.size}")


def _bytes_of(folder: Path, tile: Tile) -> bytes:
    try:
        return (folder / tile.path).read_bytes()
    except FileNotFoundError:
        raise NotVerified(f"{tile.path} is missing") from None


def describe_checkpoint(trusted: Trusted) -> Iterator[str]:
    """What a believed checkpoint says, line by line."""
    checkpoint = trusted.checkpoint
    yield f"log         {printable(checkpoint.origin)}"
    yield f"size        {checkpoint.size}"
    yield f"root        {checkpoint.root.hex()}"
    for line in checkpoint.extensions:
        yield f"extension   {printable(line)}"
    for name, id, _ in trusted.signers:
        yield f"signed by   {printable(name)}+{id.hex()}"
    for witness, seconds in trusted.cosignatures:
        yield f"witnessed   {_moment(seconds)} by {printable(witness)}"


def describe_receipt(receipt: Receipt) -> Iterator[str]:
    """What a checked receipt proves, line by line; the last one is the fact as stored."""
    leaf = receipt.leaf
    yield f"leaf        {receipt.index}"
    yield from describe_checkpoint(receipt.trusted)
    yield f"position    {leaf.position}"
    yield f"of          {printable(leaf.originator_id)}, fact {leaf.originator_version}"
    yield f"what        {printable(leaf.topic)}"
    yield f"fact        {printable(leaf.state.decode('utf-8', 'backslashreplace'))}"


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s after 1970"


def printable(text: str) -> str:
    """The text as it stands; anything that could act on a terminal is spelled out."""
    return text if text.isprintable() else json.dumps(text)


def _count(text: str) -> int:
    """A number of witnesses; argparse says what is wrong with any other text."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="verify", description="Check what a log of Stemma gave out, offline."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (
        ("receipt", "prove what was recorded and where it stands in the log"),
        ("checkpoint", "prove that the log has signed a checkpoint"),
        ("log", "prove that a mirrored log (a folder) is whole and as it was signed"),
    ):
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("file", metavar="FILE", type=Path)
        command.add_argument(
            "--key",
            action="append",
            required=True,
            metavar="VKEY",
            help="a public key of the log, or a file with one a line; again for each further one",
        )
        command.add_argument(
            "--origin", help="the log it must be of; by default the name of the key that signed"
        )
        command.add_argument(
            "--witness",
            action="append",
            default=[],
            metavar="VKEY",
            help="a public key of a witness, or a file with one a line; again for each further one",
        )
        command.add_argument(
            "--quorum", type=_count, metavar="N", help="how many witnesses must be seen; all"
        )
    return parser


def check(options: argparse.Namespace) -> Iterator[str]:
    """What the file proves, line by line; NotVerified if it does not."""
    is_log = options.command == "log"
    data = (options.file / "checkpoint" if is_log else options.file).read_bytes()
    keys, witnesses = read_keys(options.key), read_keys(options.witness)
    asked = {"origin": options.origin, "witnesses": witnesses, "quorum": options.quorum}
    if options.command == "receipt":
        return describe_receipt(verify_receipt(data, keys, **asked))
    trusted = open_checkpoint(data, keys, **asked)
    if is_log:
        check_log(options.file, trusted.checkpoint)
    return describe_checkpoint(trusted)


def main(words: Sequence[str] | None = None) -> int:
    """Print what the file proves and give 0; or say why it does not and give 1."""
    options = _parser().parse_args(words)
    try:
        lines = list(check(options))
    except (NotVerified, OSError) as problem:
        print(f"NOT VERIFIED: {printable(str(problem))}", file=sys.stderr)
        return 1
    print(f"verified    {options.file}")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
