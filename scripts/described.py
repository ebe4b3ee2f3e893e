"""Describing the results of verification, line by line.

It needs what scripts.verify needs: the standard library and cryptography.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from domain.as_of import AsOf
from domain.chain import Chains, content_of
from domain.checkpoint import Trusted
from domain.latest import Latest, Place
from domain.note import VerifierKey
from domain.receipt import Leaf, Receipt
from domain.seal import Disclosure
from domain.signature import MESSAGE, check_signature, must_be_signed_for, must_fit
from domain.tree import NotVerified
from scripts.histories import History, must_be_one_log
from scripts.mirrored import NotProven

MOST_NAMED = 12
"""The most withheld facts that are named; all of them are counted."""


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
    logs: Collection[str],
) -> Iterator[str]:
    """What the actor signed and what the fact commits to; NotVerified if they do not match.

    NotProven at the end if the actor signed something, and what it was is not disclosed.
    """
    content = content_of(leaf)
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
    """Lines on who signed, with which key, and for what."""
    actor = content.get("actor", "")
    bound = must_be_signed_for(content, leaf.topic, leaf.originator_id, logs)
    if keys:
        signature = content.get("signature", "")
        key = check_signature(actor, content["message"], signature, keys, bound)
        yield f"signed      by {printable(actor)} with {key.id.hex()}"
    else:
        yield f"signed      by {printable(actor)}, not checked: no --actor-key was given"
    if bound is None:
        yield "signed for  a log that it does not name (the first form of signatures)"
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


def describe_history(history: History, latest: Latest | None) -> Iterator[str]:
    """What a checked history proves, line by line, and what it does not.

    With the proof of the latest fact about its subject, that it ends there.
    """
    yield from describe_checkpoint(history.trusted)
    yield f"about       {printable(history.subject)}"
    numbers = [leaf.link_to(history.subject).number for leaf in history.leaves]
    shown, size = Place(numbers[-1], history.leaves[-1].position), history.trusted.checkpoint.size
    count = max([shown.number, *history.withheld])
    yield f"facts       1 to {count}, {_whole(history.withheld)}"
    for number, leaf in zip(numbers, history.leaves, strict=True):
        yield f"fact {number:<6} position {leaf.position}, {printable(leaf.topic)}"
    if history.withheld:
        yield "not shown   what was withheld, and whether you may not read it"
    if latest is None:
        yield (
            f"not shown   that there is no fact {count + 1} up to position {size}: the proof of "
            "the latest (--latest) shows that, and “verify log FOLDER --of ID” on a mirror"
        )
    else:
        latest.must_end(history.subject, shown, count - shown.number, size)
        must_be_one_log([history.trusted, latest.trusted])
        yield f"ends here   there is no fact {count + 1}"
        if latest.size != size:
            yield (
                f"not shown   that the tree of {latest.size} continues that of {size}: take both "
                "files at once, or compare them with a mirror"
            )
        size = latest.size
    yield f"complete    up to position {size}; nothing is said of what was recorded after it"


def _whole(withheld: Sequence[int]) -> str:
    if not withheld:
        return "none missing in between"
    many = "1 that was" if len(withheld) == 1 else f"{len(withheld)} that were"
    shown = ", ".join(map(str, withheld[:MOST_NAMED])) + (", …" if withheld[MOST_NAMED:] else "")
    return f"none missing but {many} withheld: {shown}"


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
