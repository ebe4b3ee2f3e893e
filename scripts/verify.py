"""Verify the receipts and checkpoints of a log offline: ``verify.py receipt FILE --key VKEY``.

The one rule: it needs only this checkout, the standard library and ``cryptography``; no database,
no network, no settings.

One file, because it is what a checker takes along with a few of domain/.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

if not __package__:  # run as a file: imports start from the checkout, not from this folder
    sys.path[:1] = [str(Path(__file__).resolve().parents[1])]

from domain.as_of import AsOf, verify_as_of
from domain.chain import Chains, content_of, must_be_whole
from domain.checkpoint import Checkpoint, Trusted, open_checkpoint
from domain.latest import Latest, Place, must_be_map_of, open_map, verify_latest
from domain.note import VerifierKey
from domain.promise import Promise, open_promise
from domain.receipt import (
    Leaf,
    Receipt,
    is_receipt,
    leaf_bytes,
    read_leaf,
    split_receipts,
    split_withheld,
    verify_receipt,
)
from domain.seal import Disclosure, digest_of
from domain.signature import (
    MESSAGE,
    check_signature,
    must_be_key_of,
    must_be_signed_for,
    must_fit,
)
from domain.tree import (
    ENTRIES,
    HASH_BYTES,
    NotVerified,
    Tile,
    entries_of,
    grow,
    leaf_hash,
    root_of,
    tile_at,
    tiles_of,
)
from domain.trust import trusted_by


def read_actor_keys(
    text: str, keys: Sequence[VerifierKey], before: int, **asked: Any
) -> list[VerifierKey]:
    """The keys of an actor: as text, from a file, or from the receipt of a registration.

    Such a receipt has to be as good as that of what was signed, and of a fact before it.
    """
    path = Path(text)
    if len(text) > 4096 or not path.is_file() or not is_receipt(data := path.read_bytes()):
        return read_keys([text])
    leaf = verify_receipt(data, keys, **asked).leaf
    if leaf.position >= before:
        raise NotVerified(f"{path} registers the key at position {leaf.position}, which is later")
    if leaf.topic != "contributor.key_registered":
        raise NotVerified(f"{path} is the receipt of a {leaf.topic}, not of a key's registration")
    return [must_be_key_of(leaf.originator_id, content_of(leaf).get("key", ""))]


def read_disclosures(path: Path) -> list[Disclosure]:
    """The disclosures of a fact, as GET /facts/{position}/disclosures returns them."""
    try:
        told = json.loads(path.read_text("utf-8"))["disclosures"]
        return [Disclosure(digest_of(*one), "", one[1], one[0], one[2]) for one in told]
    except (ValueError, TypeError, LookupError) as problem:
        raise NotVerified(f"{path} does not hold disclosures") from problem


class NotProven(NotVerified):
    """Nothing contradicts what was asked, and what is here does not prove it either."""


class Missing(NotVerified):
    """A file of a mirror is not there."""


CLOCKS_DIFFER_SECONDS = 300
"""How far the clock of a witness may be from ours."""
MOST_NAMED = 12
"""How many of the facts that are withheld are named; all of them are counted."""


class History(NamedTuple):
    """The facts about a work or a person from the first one, and the checkpoint over them."""

    subject: str
    leaves: list[Leaf]
    withheld: list[int]
    """The numbers of the facts that the reader of the file may not read."""
    trusted: Trusted


def read_keys(texts: Iterable[str]) -> list[VerifierKey]:
    """Verifier keys as text, or from files with one per line."""
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


def check_log(
    folder: Path,
    checkpoint: Checkpoint,
    remembered: Checkpoint | None = None,
    logs: Collection[str] = (),
    make: Make | None = None,
) -> Chains:
    """The chains of a mirrored log; NotVerified, with the file, unless complete and as signed.

    Everything is computed again from the leaves: each tile, the root, and the root at the
    remembered size. Every history is checked: its numbers have no gap, and each fact names the one
    before it. Every signature of an actor is one of a key in the log, for one of these logs.
    A tile of hashes that is missing may be made (see check_entries).
    """
    chains = Chains(logs)
    check_entries(folder, checkpoint, remembered, make, partial(_follow, chains))
    return chains


def _follow(chains: Chains, bundle: Tile, index: int, entry: bytes, hash: bytes) -> None:
    leaf = read_leaf(entry)
    if leaf.position != index + 1:
        raise NotVerified(f"{bundle.path}: leaf {index} says another position")
    chains.follow(leaf, hash)


Make = Callable[[Path, bytes], object]
"""Writes a file."""


def check_entries(
    folder: Path,
    checkpoint: Checkpoint,
    remembered: Checkpoint | None = None,
    make: Make | None = None,
    follow: Callable[[Tile, int, bytes, bytes], object] | None = None,
) -> None:
    """Raise NotVerified, with the file, unless the entries of a mirrored log are as signed.

    What they say is not looked at, unless by ``follow``. A tile of hashes is what its entries hash
    to; one that is missing may be made.
    """
    hashes: list[bytes] = []
    for bundle in bundles_of(checkpoint.size):
        entries = entries_of(_bytes_of(folder, bundle))
        if len(entries) != bundle.width:
            raise NotVerified(f"{bundle.path} holds {len(entries)} leaves, not {bundle.width}")
        for entry in entries:
            hashes.append(leaf_hash(entry))
            if follow is not None:
                follow(bundle, len(hashes) - 1, entry, hashes[-1])
    _must_hash_to(folder, hashes, checkpoint, remembered, make)


def check_map(
    note: bytes | None,
    trusted: Trusted,
    keys: Collection[VerifierKey],
    heads: Mapping[str, Sequence[Any]],
) -> None:
    """Raise NotVerified unless the map of a tree, if there is one, follows from its leaves.

    ``heads`` are what they say is the latest fact about each subject: its number and position.
    """
    if note is not None:
        root = open_map(note, keys, trusted)
        must_be_map_of(root, ((one, (head[0], head[1])) for one, head in heads.items()))


def check_hashes(
    folder: Path,
    checkpoint: Checkpoint,
    remembered: Checkpoint | None = None,
    make: Make | None = None,
) -> None:
    """Raise NotVerified, with the file, unless the hashes of a mirrored log are as signed.

    The tiles are computed again from the hashes of the leaves, which are not read; one above the
    lowest that is missing may be made.
    """
    hashes = hashes_in(folder, checkpoint.size)
    if len(hashes) != checkpoint.size:
        raise NotVerified(f"the tiles do not hold {checkpoint.size} hashes")
    _must_hash_to(folder, hashes, checkpoint, remembered, make)


def _must_hash_to(
    folder: Path,
    hashes: list[bytes],
    checkpoint: Checkpoint,
    remembered: Checkpoint | None,
    make: Make | None,
) -> None:
    """The tiles, the root, and the root at the remembered size follow from the leaves."""
    is_signed = root_of(hashes) == checkpoint.root
    if is_signed and remembered is not None and remembered.size:
        must_continue(remembered, checkpoint)
        if root_of(hashes[: remembered.size]) != remembered.root:
            raise NotVerified(
                f"fork: the first {remembered.size} leaves are not the same as before"
            )
    missing = dict[Path, bytes]()
    for tile, computed in grow(0, hashes, lambda _: ()).items():
        try:
            if _bytes_of(folder, tile) != computed:
                raise NotVerified(f"{tile.path} is not what its leaves hash to")
        except Missing:
            if make is None:
                raise
            missing[folder / tile.path] = computed
    if not is_signed:
        raise NotVerified("the leaves do not hash to the root that was signed")
    for path, computed in missing.items():
        assert make is not None
        make(path, computed)


def check_history(
    data: bytes, subject: str | None, keys: list[VerifierKey], **asked: Any
) -> History:
    """The history in a file of receipts; NotVerified, with the number, if a fact is left out."""
    withheld, data = split_withheld(data)
    receipts = [verify_receipt(one, keys, **asked) for one in split_receipts(data)]
    leaves = [receipt.leaf for receipt in receipts]
    subject = subject or _subject_of(leaves)
    hashes = [leaf_hash(leaf_bytes(*leaf)) for leaf in leaves]
    must_be_whole(subject, leaves, hashes, withheld)
    _must_be_one_log([receipt.trusted for receipt in receipts])
    return History(subject, leaves, withheld, receipts[-1].trusted)


def _must_be_one_log(trees: Iterable[Trusted]) -> None:
    """Raise NotVerified for two trees of one size; that others continue each other is not shown."""
    roots: dict[int, bytes] = {}
    for tree in (one.checkpoint for one in trees):
        if roots.setdefault(tree.size, tree.root) != tree.root:
            raise NotVerified(
                f"fork: {tree.origin} shows two different trees of {tree.size} leaves"
            )


def _subject_of(leaves: Sequence[Leaf]) -> str:
    """The one work or person that all of these facts are about."""
    shared = set.intersection(*({link.subject for link in leaf.links} for leaf in leaves))
    if len(shared) != 1:
        raise NotVerified(f"the facts are about {len(shared)} works or people alike; say --of ID")
    return shared.pop()


def must_be_seen(trusted: Trusted, max_age: int) -> None:
    """Raise NotVerified unless all witnesses that were asked for have seen the tree lately."""
    now, times = int(time.time()), [seen.time for seen in trusted.cosignatures]
    if (ahead := max(times) - now) > CLOCKS_DIFFER_SECONDS:
        raise NotVerified(f"a witness says that it has seen this tree in {ahead} seconds")
    if (age := now - min(times)) > max_age:
        raise NotVerified(f"frozen: witnesses have seen this tree {age} seconds ago, and not since")


def must_continue(old: Checkpoint, new: Checkpoint) -> None:
    """Raise NotVerified if a log has become smaller, or another one."""
    if old.origin != new.origin:
        raise NotVerified(f"{new.origin} is another log than {old.origin}")
    if new.size < old.size:
        raise NotVerified(f"rollback: the log had {old.size} leaves and now has {new.size}")


def unverified(path: Path) -> Path:
    """Where a mirror keeps a tile until it is verified."""
    return path.with_name(f"{path.name}.unverified")


def _bytes_of(folder: Path, tile: Tile) -> bytes:
    for path in (unverified(folder / tile.path), folder / tile.path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            continue
    raise Missing(f"{tile.path} is missing")


def hashes_in(folder: Path, size: int) -> list[bytes]:
    """The hashes of the leaves of a mirror, as its tiles hold them."""
    lowest = (tile for tile in tiles_of(size) if not tile.level)
    data = b"".join(_bytes_of(folder, tile) for tile in lowest)
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def compare(
    folder: Path,
    keys: Sequence[VerifierKey],
    checkpoint: Checkpoint,
    leaves: Mapping[int, bytes],
) -> Iterator[str]:
    """How a tree agrees with a mirror; ``leaves`` are hashes of it that were proven, by index.

    NotVerified for another tree. A mirror that ends before is a beginning of it, as far as known.
    """
    mirrored = open_checkpoint((folder / "checkpoint").read_bytes(), keys).checkpoint
    hashes = hashes_in(folder, mirrored.size)
    if len(hashes) != mirrored.size or root_of(hashes) != mirrored.root:
        raise NotVerified(f"the tiles of {folder} do not hash to its checkpoint")
    both = min(checkpoint.size, mirrored.size)
    if checkpoint.size == both and root_of(hashes[:both]) != checkpoint.root:
        raise NotVerified(f"fork: {folder} shows another tree of {both} leaves")
    known = [index for index in leaves if index < both]
    for index in known:
        if hashes[index] != leaves[index]:
            raise NotVerified(f"fork: {folder} has another leaf {index}")
    if checkpoint.size == both:
        yield f"in mirror   {folder}: its first {both} leaves are this tree"
    elif len(known) == both:
        if root_of([leaves[index] for index in range(both)]) != mirrored.root:
            raise NotVerified(f"fork: {folder} shows another tree of {both} leaves")
        yield f"in mirror   {folder}: an earlier one, a consistent beginning of {both} leaves"
    else:
        yield f"in mirror   {folder}: an earlier one of {both} leaves, {len(known)} compared"
        if not known:
            raise NotProven(f"that {folder}, which ends before, is a beginning of this tree")


def describe_checkpoint(trusted: Trusted) -> Iterator[str]:
    """The content of a verified checkpoint, line by line."""
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


def describe_signature(
    leaf: Leaf,
    keys: Sequence[VerifierKey],
    disclosures: Sequence[Disclosure],
    logs: Collection[str] = (),
) -> Iterator[str]:
    """What the actor signed and what the fact commits to; NotVerified if they do not match.

    NotProven at the end if the actor signed something, and what it was is not disclosed.
    """
    content = content_of(leaf) if keys or disclosures or b'"message"' in leaf.state else {}
    actor, message = content.get("actor", ""), content.get("message")
    for one in disclosures:
        if one.digest not in content.values():
            raise NotVerified(f"the fact does not commit to this {one.name}: {one.value!r}")
    if keys and not message:
        raise NotVerified("the fact is not signed by its actor")
    if message:
        yield from _signed(leaf, content, keys, logs)
    for one in disclosures:
        if one.name == MESSAGE:
            must_fit(one.value, content, leaf.topic, leaf.originator_id, leaf.originator_version)
        yield f"{one.name:<12}{printable(one.value)}"
    if keys and all(one.name != MESSAGE for one in disclosures):
        raise NotProven(
            f"that {printable(actor)} signed what this fact says: the message that was signed is "
            "not here (--disclosures)"
        )


def _signed(
    leaf: Leaf, content: dict[str, Any], keys: Sequence[VerifierKey], logs: Collection[str]
) -> Iterator[str]:
    """Who has signed, with which key, and what for."""
    actor = content.get("actor", "")
    bound = must_be_signed_for(content, leaf.topic, leaf.originator_id, logs)
    if keys:
        signature = content.get("signature", "")
        key = check_signature(actor, content["message"], signature, keys, bound)
        yield f"signed      by {printable(actor)} with {key.id.hex()}"
    else:
        yield f"signed      by {printable(actor)}, not checked: no --actor-key was given"
    if bound is None:
        yield "signed for  a log that it does not name (the form of version 0.1)"
    else:
        named = map(printable, (bound.command, bound.target, bound.log))
        yield "signed for  {} of {} in {}".format(*named)


def describe_receipt(receipt: Receipt) -> Iterator[str]:
    """What a checked receipt proves, line by line; the last one is the fact as stored."""
    leaf = receipt.leaf
    yield f"leaf        {receipt.index}"
    yield from describe_checkpoint(receipt.trusted)
    yield f"position    {leaf.position}"
    yield f"of          {printable(leaf.originator_id)}, fact {leaf.originator_version}"
    yield f"what        {printable(leaf.topic)}"
    yield f"fact        {printable(leaf.state.decode('utf-8', 'backslashreplace'))}"


def describe_history(history: History, latest: Latest | None = None) -> Iterator[str]:
    """What a checked history proves, line by line, and what it does not.

    With the proof of the latest fact about its subject, that it ends there.
    """
    yield from describe_checkpoint(history.trusted)
    yield f"about       {printable(history.subject)}"
    numbers = [leaf.link_to(history.subject).number for leaf in history.leaves]
    count, size = numbers[-1], history.trusted.checkpoint.size
    yield f"facts       1 to {count}, {_whole(history.withheld, count)}"
    for number, leaf in zip(numbers, history.leaves, strict=True):
        yield f"fact {number:<6} position {leaf.position}, {printable(leaf.topic)}"
    if history.withheld:
        yield f"not shown   what {_facts(history.withheld)} that you may not read say"
    if latest is None:
        yield (
            f"not shown   that there is no fact {count + 1} up to position {size}: the proof of "
            "the latest (--latest) shows that, and “verify log FOLDER --of ID” on a mirror"
        )
    else:
        latest.must_end(history.subject, Place(count, history.leaves[-1].position), size)
        _must_be_one_log([history.trusted, latest.trusted])
        yield f"ends here   there is no fact {count + 1}"
        if latest.size != size:
            yield (
                f"not shown   that the tree of {latest.size} continues that of {size}: take both "
                "files at once, or compare them with a mirror"
            )
        size = latest.size
    yield f"complete    up to position {size}; nothing is said of what was recorded after it"


def _whole(withheld: Sequence[int], count: int) -> str:
    between = [number for number in withheld if number < count]
    if not between:
        return "none missing in between"
    shown = ", ".join(map(str, between[:MOST_NAMED])) + (", …" if between[MOST_NAMED:] else "")
    return f"none missing but {_facts(between)} that you may not read: {shown}"


def _facts(numbers: Sequence[int]) -> str:
    return "1 fact" if len(numbers) == 1 else f"{len(numbers)} facts"


def describe_chain(chains: Chains, subject: str) -> Iterator[str]:
    """How many facts about a work or a person a whole log holds."""
    head = chains.heads.get(subject)
    yield f"about       {printable(subject)}"
    if head is None:
        yield "facts       none"
    else:
        yield f"facts       1 to {head.number}, all of them; the last at position {head.position}"


def describe_as_of(as_of: AsOf) -> Iterator[str]:
    """What proves answers as of a position, line by line."""
    yield f"as of       position {as_of.size}"
    yield f"root then   {as_of.root.hex()}"
    yield from describe_checkpoint(as_of.trusted)


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s after 1970"


def printable(text: str) -> str:
    """The text itself, with anything a terminal would interpret escaped."""
    return text if text.isprintable() else json.dumps(text)


KINDS = {
    "receipt": "prove what was recorded and its place in the log",
    "history": "prove that no fact about a work or a person is left out",
    "latest": "prove which fact about a work or a person is the latest, or that there is none",
    "as-of": "prove that the log still holds everything it held at a position",
    "promise": "hold a promise, given with the answer to a write, against a mirror of the log",
    "checkpoint": "prove that the log has signed a checkpoint",
    "log": "prove that a mirrored log (a folder) is complete and as signed",
}
"""What can be verified."""


def _count(text: str) -> int:
    """A number of witnesses; argparse reports any other text."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_of(text: str) -> int:
    """An age such as 90s, 36h or 7d; ValueError for any other text."""
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and unit in UNITS):
        raise ValueError(text)
    return int(number) * UNITS[unit]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="verify", description="Verify receipts, checkpoints and logs of Stemma offline."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in KINDS.items():
        _add_options(name, commands.add_parser(name, help=what, description=what))
    return parser


def _add_options(name: str, command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", type=Path)
    command.add_argument(
        "--key",
        action="append",
        required=True,
        metavar="VKEY",
        help="a public key of the log, or a file with one per line; may be repeated",
    )
    command.add_argument(
        "--origin", help="the log it must come from; default: the name of the signing key"
    )
    command.add_argument(
        "--witness",
        action="append",
        default=[],
        metavar="VKEY",
        help="a public key of a witness, or a file with one per line; may be repeated",
    )
    command.add_argument(
        "--quorum",
        type=_count,
        metavar="N",
        help="how many witnesses are required; default: all",
    )
    command.add_argument(
        "--policy",
        type=Path,
        metavar="FILE",
        help="a policy (C2SP tlog-policy): its logs are accepted, and its quorum is required",
    )
    _add_own_options(name, command)


def _add_own_options(name: str, command: argparse.ArgumentParser) -> None:
    if name == "receipt":
        command.add_argument(
            "--actor-key",
            action="append",
            default=[],
            metavar="VKEY",
            help="a key of the actor, a file with it, or the receipt of its registration",
        )
        command.add_argument(
            "--disclosures",
            type=Path,
            metavar="JSON",
            help="the texts of the fact, as GET /facts/{position}/disclosures returns them",
        )
    if name == "promise":
        command.add_argument(
            "--receipt", type=Path, metavar="FILE", help="a receipt of the same position"
        )
    if name == "history":
        command.add_argument(
            "--latest", type=Path, metavar="FILE", help="the proof of its subject's latest fact"
        )
    if name in ("receipt", "latest", "promise", "checkpoint", "log"):
        command.add_argument(
            "--mirror", type=Path, metavar="FOLDER", help="a mirror to compare it with"
        )
    if name in ("receipt", "checkpoint", "log", "history", "latest"):
        command.add_argument(
            "--max-age",
            type=seconds_of,
            metavar="AGE",
            help="how old the cosignatures may be, such as 90s, 36h or 7d",
        )
    if name == "log":
        command.add_argument(
            "--hashes", action="store_true", help="a mirror of the hashes alone, without leaves"
        )
    if name in ("history", "latest", "log"):
        command.add_argument(
            "--of", metavar="ID", help="the work or person that it has to be about"
        )


NOT_SEEN = {
    "receipt": "Fetch the receipt again once they have",
    "history": "Fetch history.receipts?as_of=N with the size N in /log/checkpoint/witnessed, or "
    "write it with “stemma receipts --witnessed”",
    "latest": "Fetch /log/latest/ID?witnessed=true, or write it with “stemma latest --witnessed”",
    "as-of": "Fetch it again once they have",
    "checkpoint": "Fetch /log/checkpoint/witnessed",
    "log": "Mirror with --witness what they have seen",
}
"""What to do about a log that has just grown, so that witnesses have not seen its end."""


def check(options: argparse.Namespace) -> Iterator[str]:
    """What the file proves, line by line; NotVerified if it is not valid.

    What verifies but for its witnesses is said to: a log may just have grown.
    """
    try:
        yield from _check(options)
    except NotProven:
        raise
    except NotVerified as problem:
        asks = options.witness or options.policy
        if options.command not in NOT_SEEN or not asks or not _would_verify(options):
            raise
        raise NotVerified(
            f"{problem}; without witnesses it verifies, so they may not have seen the end of the "
            f"log yet. {NOT_SEEN[options.command]}."
        ) from problem


def _would_verify(options: argparse.Namespace) -> bool:
    """Whether all but the witnesses is as it should be."""
    try:
        list(_check(argparse.Namespace(**{**vars(options), "max_age": None}), alone=True))
    except NotProven:
        return True
    except NotVerified:
        return False
    return True


def _check(options: argparse.Namespace, *, alone: bool = False) -> Iterator[str]:
    # Before anything is called unverified: a file that is not there is an error of another kind.
    data = b"" if options.command == "log" else options.file.read_bytes()
    policy = None if options.policy is None else options.policy.read_bytes()
    logs, seen = trusted_by(policy, read_keys(options.witness), options.quorum)
    keys = [*read_keys(options.key), *logs]
    asked = {"origin": options.origin, **({} if alone else seen)}
    if options.command == "log":
        yield from _check_log(options, keys, asked)
    elif options.command == "receipt":
        yield from _check_receipt(options, data, keys, asked)
    elif options.command == "history":
        history = check_history(data, options.of, keys, **asked)
        _must_be_recent(options, history.trusted)
        end = options.latest and verify_latest(options.latest.read_bytes(), keys, **asked)
        yield from describe_history(history, end)
    elif options.command == "latest":
        yield from _check_latest(options, verify_latest(data, keys, **asked), keys)
    elif options.command == "promise":
        yield from _check_promise(options, data, keys, asked)
    elif options.command == "as-of":
        yield from describe_as_of(verify_as_of(data, keys, **asked))
    else:
        trusted = open_checkpoint(data, keys, **asked)
        _must_be_recent(options, trusted)
        yield from describe_checkpoint(trusted)
        if options.mirror:
            yield from compare(options.mirror, keys, trusted.checkpoint, {})


def _check_promise(
    options: argparse.Namespace, data: bytes, keys: list[VerifierKey], asked: dict[str, Any]
) -> Iterator[str]:
    """Of a note, of the whole answer to a write, or of all that an import kept."""
    promises = [open_promise(note, keys) for note in _promises_in(data)]
    if (options.witness or options.policy) and not (options.receipt or options.mirror):
        raise NotVerified("witnesses do not see promises: give --mirror or --receipt as well")
    if len(promises) > 1:
        yield f"promises    {len(promises)}"
    for promise in dict.fromkeys((promises[0], promises[-1])):
        yield f"log         {printable(promise.log)}"
        yield f"promised    leaf {promise.hash.hex()}"
        yield f"position    {promise.position}, recorded {printable(promise.time)}"
    if options.receipt:
        receipt = verify_receipt(options.receipt.read_bytes(), keys, **asked)
        leaf = {receipt.index: leaf_hash(leaf_bytes(*receipt.leaf))}
        yield from _kept(promises, receipt.trusted, receipt.index + 1, leaf)
    if options.mirror:
        note = (options.mirror / "checkpoint").read_bytes()
        mirrored = open_checkpoint(note, keys, **asked)
        size = mirrored.checkpoint.size
        yield from compare(options.mirror, keys, mirrored.checkpoint, {})
        leaves = dict(enumerate(hashes_in(options.mirror, size)))
        yield from _kept(promises, mirrored, size, leaves)


def _promises_in(data: bytes) -> list[bytes]:
    if not data.startswith(b"{"):
        return [data]
    try:
        lines = [data] if data.count(b'"promise"') == 1 else data.splitlines()
        return [str(json.loads(line)["promise"]).encode() for line in lines]
    except (ValueError, LookupError, TypeError):
        raise NotVerified("the answer holds no promise") from None


def _kept(
    promises: Sequence[Promise], trusted: Trusted, size: int, leaves: Mapping[int, bytes]
) -> Iterator[str]:
    """That the log holds what it promised; NotProven where these leaves do not reach."""
    logs = {signer.name for signer in trusted.signers}
    for promise in promises:
        if promise.log not in logs:
            raise NotVerified(f"this is {trusted.checkpoint.origin}; {promise.log} has promised")
        found = leaves.get(promise.position - 1)
        if found is None:
            what = f"that what was promised at position {promise.position} was kept"
            raise NotProven(f"{what}: this ends at position {size}, or is about another fact")
        if found != promise.hash:
            raise NotVerified(f"broken: the log has another fact at position {promise.position}")
    yield "kept        the log holds it where it was promised"


def _check_receipt(
    options: argparse.Namespace, data: bytes, keys: list[VerifierKey], asked: dict[str, Any]
) -> Iterator[str]:
    receipt = verify_receipt(data, keys, **asked)
    _must_be_recent(options, receipt.trusted)
    before = receipt.leaf.position
    told = (read_actor_keys(text, keys, before, **asked) for text in options.actor_key)
    actors = [key for one in told for key in one]
    disclosed = read_disclosures(options.disclosures) if options.disclosures else []
    yield from describe_receipt(receipt)
    checkpoint = receipt.trusted.checkpoint
    if options.mirror:
        leaf = {receipt.index: leaf_hash(leaf_bytes(*receipt.leaf))}
        yield from compare(options.mirror, keys, checkpoint, leaf)
    logs = {checkpoint.origin, *(key.name for key in keys)}
    yield from describe_signature(receipt.leaf, actors, disclosed, logs)


def _check_latest(
    options: argparse.Namespace, latest: Latest, keys: list[VerifierKey]
) -> Iterator[str]:
    _must_be_recent(options, latest.trusted)
    if options.of not in {None, latest.subject}:
        raise NotVerified(f"it is about {latest.subject}")
    yield from describe_checkpoint(latest.trusted)
    yield f"map         {latest.map.hex()}"
    yield f"about       {printable(latest.subject)}"
    yield f"latest      {latest.told()}"
    yield f"complete    up to position {latest.size}; nothing is said of what was recorded after it"
    if options.mirror:
        yield from compare(options.mirror, keys, latest.trusted.checkpoint, {})
        must_be_map_of(latest.map, _places_in(options.mirror, latest.size).items())
        yield "as leaves   the map follows from those of the mirror"


def _places_in(folder: Path, size: int) -> dict[str, Place]:
    """The latest fact about each subject among the first leaves of a mirror."""
    places: dict[str, Place] = {}
    for bundle in bundles_of(size):
        for leaf in map(read_leaf, entries_of(_bytes_of(folder, bundle))):
            places |= {link.subject: Place(link.number, leaf.position) for link in leaf.links}
    return places


def _check_log(
    options: argparse.Namespace, keys: list[VerifierKey], asked: dict[str, Any]
) -> Iterator[str]:
    if options.hashes and options.of:
        raise NotVerified("a mirror of the hashes alone has no facts to count")
    trusted = open_checkpoint((options.file / "checkpoint").read_bytes(), keys, **asked)
    _must_be_recent(options, trusted)
    checkpoint = trusted.checkpoint
    chains = Chains()
    if options.hashes:
        check_hashes(options.file, checkpoint)
    else:
        logs = {checkpoint.origin, *(key.name for key in keys)}
        chains = check_log(options.file, checkpoint, logs=logs)
        map = options.file / "map" / str(checkpoint.size)
        check_map(map.read_bytes() if map.exists() else None, trusted, keys, chains.heads)
    yield from describe_checkpoint(trusted)
    if options.mirror:
        known = dict(enumerate(hashes_in(options.file, checkpoint.size)))
        yield from compare(options.mirror, keys, checkpoint, known)
    if options.of:
        yield from describe_chain(chains, options.of)


def _must_be_recent(options: argparse.Namespace, trusted: Trusted) -> None:
    if options.max_age is None:
        return
    if not trusted.cosignatures:
        raise NotVerified("only witnesses say when a tree was seen: give --witness with --max-age")
    must_be_seen(trusted, options.max_age)


def main(words: Sequence[str] | None = None) -> int:
    """Print what the file proves and return 0; 1 if it is not valid; 3 if something asked for is
    neither proven nor contradicted."""
    options, lines, unproven = _parser().parse_args(words), list[str](), ""
    try:
        for line in check(options):
            lines.append(line)
    except NotProven as problem:
        unproven = str(problem)
    except NotVerified as problem:
        print(f"NOT VERIFIED: {printable(str(problem))}", file=sys.stderr)
        return 1
    except OSError as problem:
        print(f"Error: {problem.filename}: {problem.strerror}", file=sys.stderr)
        return 1
    print(f"{'not proven' if unproven else 'verified':<12}{options.file}")
    print(*lines, sep="\n")
    if unproven:
        print(f"NOT PROVEN: {printable(unproven)}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
