"""Verify the receipts and checkpoints of a log offline: ``verify.py receipt FILE --key VKEY``.

The one rule: it needs only this checkout, the standard library and ``cryptography``; no database,
no network, no settings.

To check elsewhere, take this file, those that it imports from here (described, given, histories,
mirrored), and a few of domain/.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

if not __package__:  # run as a file: imports start from the checkout, not from this folder
    sys.path[:1] = [str(Path(__file__).resolve().parents[1])]

from domain.as_of import verify_as_of
from domain.chain import Chains
from domain.checkpoint import Trusted, open_checkpoint
from domain.latest import Latest, must_be_map_of, open_map, verify_latest
from domain.note import VerifierKey
from domain.promise import Promise, open_promise
from domain.receipt import leaf_bytes, verify_receipt
from domain.tree import NotVerified, leaf_hash
from domain.trust import Misused, trusted_by
from scripts.described import (
    describe_as_of,
    describe_chain,
    describe_checkpoint,
    describe_history,
    describe_receipt,
    describe_signature,
    printable,
)
from scripts.given import read_actor_keys, read_disclosures, read_keys
from scripts.histories import check_history
from scripts.mirrored import (
    NotProven,
    check_hashes,
    check_log,
    check_map,
    compare,
    hashes_in,
    map_in,
    must_be_seen,
    places_in,
)

KINDS = {
    "receipt": "prove what was recorded and its place in the log",
    "history": "prove that no fact about a work or a person is left out",
    "latest": "prove which fact about a work or a person is the latest, or that there is none",
    "as-of": "prove that the log still contains everything it contained at a position",
    "promise": "check a promise, given with the answer to a write, against a mirror of the log",
    "checkpoint": "prove that the log signed a checkpoint",
    "log": "prove that a mirrored log (a folder) is complete and as signed",
}
"""What can be verified."""


def _count(text: str) -> int:
    """A number of witnesses; raises the error that argparse reports for any other text."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_of(text: str) -> int:
    """The seconds of an age such as 90s, 36h or 7d; raises ValueError for any other text."""
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
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("file", metavar="FILE", type=Path)
        add_options(name, command.add_argument)
    return parser


def add_options(name: str, add: Callable[..., object]) -> None:
    """Add the options of one kind of verification; ``add`` is called as argparse's add_argument."""

    def keys(flag: str, help: str) -> None:
        add(flag, action="append", default=[], metavar="VKEY", help=help)

    def file(flag: str, help: str, metavar: str = "FILE") -> None:
        add(flag, type=Path, metavar=metavar, help=help)

    keys("--key", "a public key of the log, or a file of them; required unless a policy has it")
    add("--origin", help="the log it must come from; default: the name of the signing key")
    keys("--witness", "a public key of a witness, or a file with one per line; may be repeated")
    add("--quorum", type=_count, metavar="N", help="how many witnesses are required; default: all")
    file(
        "--policy", "a policy (C2SP tlog-policy): its logs are accepted, and its quorum is required"
    )
    if name == "receipt":
        said = "a key of the actor, a file with it, or the receipt of its registration"
        keys("--actor-key", said)
        said = "the texts of the fact, as GET /facts/{position}/disclosures returns them"
        file("--disclosures", said, "JSON")
    if name == "promise":
        file("--receipt", "a receipt of the same position")
    if name == "history":
        file("--latest", "the proof of its subject's latest fact, with which it has to end")
    if name in ("receipt", "latest", "promise", "checkpoint", "log"):
        said = "a mirror to compare it with; an earlier mirror must be a prefix"
        file("--mirror", said, "FOLDER")
    if name in ("receipt", "checkpoint", "log", "history", "latest"):
        said = "how old the cosignatures may be, such as 90s, 36h or 7d"
        add("--max-age", type=seconds_of, metavar="AGE", help=said)
    if name == "log":
        add("--hashes", action="store_true", help="a mirror of the hashes alone, without leaves")
    if name in ("history", "latest", "log"):
        add("--of", metavar="ID", help="the work or person it has to be about")


NOT_SEEN = {
    "receipt": "Fetch the receipt again once they have",
    "history": "Fetch history.receipts?as_of=N with the size N in /log/checkpoint/witnessed, or "
    "write it with “stemma receipts --witnessed”",
    "latest": "Fetch /log/latest/ID?witnessed=true, or write it with “stemma latest --witnessed”",
    "as-of": "Fetch it again once they have",
    "checkpoint": "Fetch /log/checkpoint/witnessed",
    "log": "Mirror with --witness what they have seen",
}
"""Advice if a log has just grown, so that witnesses have not seen its end yet."""


def check(options: argparse.Namespace) -> Iterator[str]:
    """What the file proves, line by line; raises NotVerified if it is not valid.

    The error says so if only cosignatures are missing, because a log may have just grown.
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
    """Whether it would verify without witnesses."""
    try:
        list(_check(argparse.Namespace(**{**vars(options), "max_age": None}), alone=True))
    except NotProven:
        return True
    except NotVerified:
        return False
    return True


def _check(options: argparse.Namespace, *, alone: bool = False) -> Iterator[str]:
    # Read first: a missing file is an error of another kind than a failed verification.
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
    """Check the promises in a note, in an answer to a write, or in those kept by an import."""
    promises = list[Promise]()
    for note, position in _promises_in(data):
        promises.append(promise := open_promise(note, keys))
        if position not in (None, promise.position):
            told = printable(str(position))
            raise NotVerified(f"the answer says position {told}, its promise {promise.position}")
    if (options.witness or options.policy) and not (options.receipt or options.mirror):
        raise Misused("witnesses do not see promises: give --mirror or --receipt as well")
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


def _promises_in(data: bytes) -> list[tuple[bytes, Any]]:
    """Each promise, with the position that the answer around it says."""
    if not data.startswith(b"{"):
        return [(data, None)]
    try:
        lines = [data] if data.count(b'"promise"') == 1 else data.splitlines()
        answers = [json.loads(line) for line in lines]
        return [(str(one["promise"]).encode(), one.get("position")) for one in answers]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise NotVerified("the answer holds no promise") from None


def _kept(
    promises: Sequence[Promise], trusted: Trusted, size: int, leaves: Mapping[int, bytes]
) -> Iterator[str]:
    """Check that the log kept its promises; raises NotProven where these leaves do not reach."""
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
        must_be_map_of(latest.map, places_in(options.mirror, keys, latest.size).items())
        yield "as leaves   the map follows from those of the mirror"


def _check_log(
    options: argparse.Namespace, keys: list[VerifierKey], asked: dict[str, Any]
) -> Iterator[str]:
    if options.hashes and options.of:
        raise Misused("a mirror of the hashes alone has no facts to count")
    trusted = open_checkpoint((options.file / "checkpoint").read_bytes(), keys, **asked)
    _must_be_recent(options, trusted)
    checkpoint = trusted.checkpoint
    chains = Chains()
    if options.hashes:
        check_hashes(options.file, checkpoint)
        if (options.file / "map").exists():  # logs of other software have none
            open_map(map_in(options.file, checkpoint.size), keys, trusted)
    else:
        logs = {checkpoint.origin, *(key.name for key in keys)}
        chains = check_log(options.file, checkpoint, logs=logs)
        check_map(map_in(options.file, checkpoint.size), trusted, keys, chains.heads)
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
        raise Misused("only witnesses say when a tree was seen: give --witness with --max-age")
    must_be_seen(trusted, options.max_age)


def main(words: Sequence[str] | None = None) -> int:
    """Print what the file proves and return 0; 1 if it is not valid; 2 if it could not be checked
    with what was given; 3 if something asked for is neither proven nor contradicted."""
    parser, lines, unproven = _parser(), list[str](), ""
    options = parser.parse_args(words)
    if not (options.key or options.policy):
        parser.error("say --key, or a --policy that names the log")
    try:
        for line in check(options):
            lines.append(line)
    except NotProven as problem:
        unproven = str(problem)
    except Misused as problem:
        print(f"Error: {printable(str(problem))}", file=sys.stderr)
        return 2
    except NotVerified as problem:
        print(f"NOT VERIFIED: {printable(str(problem))}", file=sys.stderr)
        return 1
    except OSError as problem:
        print(f"Error: {printable(str(problem.filename))}: {problem.strerror}", file=sys.stderr)
        return 2
    print(f"{'not proven' if unproven else 'verified':<12}{printable(str(options.file))}")
    print(*lines, sep="\n")
    if unproven:
        print(f"NOT PROVEN: {printable(unproven)}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
