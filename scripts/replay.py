"""Replaying a log: its facts are put into a database of their own, from a mirror alone.

The rule: only the public rules and the facts of the log are used. So the answers of that database
are those the service has to give, and what no command could have recorded is found.

Texts of people are not in the log: names and titles are missing, as if all had been erased.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from eventsourcing.persistence import StoredEvent

from domain.checkpoint import Checkpoint, Trusted, open_checkpoint
from domain.note import VerifierKey
from domain.receipt import Leaf, read_leaf
from domain.tree import TILE_WIDTH, NotVerified, entries_of
from projections.follower import Progress, Rebuild
from scripts.bundle.importing import UNREADABLE
from scripts.service import Service
from scripts.verify import bundles_of, check_log

PAGE = 2_000
CHECKS = ("journal", "histories", "lineage", "money")
"""The checks of an audit, besides that of the rules, that need no texts and no log of the operator.

That their links are right, their root shows, and the read tables were folded from them just now.
"""


class NotEmpty(Exception):
    """The database holds facts already."""


def replay(
    service: Service, folder: Path, keys: Sequence[VerifierKey], progress: Progress
) -> Trusted:
    """Put the facts of a mirror into an empty database, and fold them.

    NotVerified if the mirror is not as it was signed, or the facts do not have its root.
    """
    if service.journal.facts.head():
        raise NotEmpty
    trusted = open_checkpoint((folder / "checkpoint").read_bytes(), keys)
    check_log(folder, trusted.checkpoint, logs={trusted.checkpoint.origin, *names(keys)})
    put(service, folder, trusted.checkpoint, progress)
    fold(service, progress)
    return trusted


def put(service: Service, folder: Path, checkpoint: Checkpoint, progress: Progress) -> None:
    """Put the facts of a mirror that was checked, as far as they are new, into its database."""
    size, known = checkpoint.size, service.journal.facts.head()
    leaves = leaves_of(folder, known, size)
    while page := list(islice(leaves, PAGE)):
        append(service, page)
        progress(page[-1].position, size)
    service.log.catch_up()
    if size and service.log.root(size) != checkpoint.root:
        raise NotVerified("the facts, linked again, do not have the root that was signed")


def fold(service: Service, progress: Progress) -> None:
    """Fold what was put there, and the texts beside it."""
    if service.store.current().position:
        service.follower.catch_up(progress)
    else:  # into tables that get their indexes afterwards
        Rebuild(service.journal, service.store).run(progress)


def append(service: Service, page: Sequence[Leaf]) -> None:
    """Append facts; NotVerified, with its position, for one that follows from nothing."""
    try:
        service.journal.append_stored(
            [StoredEvent(*leaf[1:5]) for leaf in page], positions=[leaf.position for leaf in page]
        )
    except UNREADABLE as error:
        if len(page) == 1:
            (leaf,) = page
            told = f"position {leaf.position}: this {leaf.topic} follows from nothing ({error!r})"
            raise NotVerified(told) from error
        for leaf in page:
            append(service, [leaf])


def leaves_of(folder: Path, after: int, size: int) -> Iterator[Leaf]:
    """The leaves of a mirror behind the first ones, in order."""
    for bundle in bundles_of(size):
        begins = bundle.number * TILE_WIDTH
        if begins + bundle.width > after:
            entries = entries_of((folder / bundle.path).read_bytes())
            yield from map(read_leaf, entries[max(0, after - begins) :])


def names(keys: Sequence[VerifierKey]) -> list[str]:
    """The names of logs that keys are of."""
    return [key.name for key in keys]
