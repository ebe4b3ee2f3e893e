"""Checking a history: the receipts of all facts about a work or a person, with none left out.

It needs what scripts.verify needs: the standard library and cryptography.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from domain.chain import must_be_whole
from domain.checkpoint import Trusted
from domain.note import VerifierKey
from domain.receipt import Leaf, leaf_bytes, split_receipts, split_withheld, verify_receipt
from domain.tree import NotVerified, leaf_hash


class History(NamedTuple):
    """The facts about a work or a person from the first one, and the checkpoint over them."""

    subject: str
    leaves: list[Leaf]
    withheld: list[int]
    """The numbers of the facts that the reader of the file may not read."""
    trusted: Trusted


def check_history(
    data: bytes, subject: str | None, keys: list[VerifierKey], **asked: Any
) -> History:
    """The history in a file of receipts; NotVerified, with the number, if a fact is missing."""
    withheld, data = split_withheld(data)
    receipts = [verify_receipt(one, keys, **asked) for one in split_receipts(data)]
    leaves = [receipt.leaf for receipt in receipts]
    subject = subject or _subject_of(leaves)
    hashes = [leaf_hash(leaf_bytes(*leaf)) for leaf in leaves]
    must_be_whole(subject, leaves, hashes, withheld)
    must_be_one_log([receipt.trusted for receipt in receipts])
    return History(subject, leaves, withheld, receipts[-1].trusted)


def must_be_one_log(trees: Iterable[Trusted]) -> None:
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
