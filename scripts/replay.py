"""Replaying a log: puts its facts into a separate database, from a mirror alone.

The rule: only public rules and the facts of the log are used. So the answers of that database
are those the service has to give, and what no command could have recorded is found.

Texts people wrote are not in the log: names and titles are missing, as if all had been erased.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from eventsourcing.persistence import StoredEvent

from domain.chain import Signatures, concerns_keys, content_of
from domain.checkpoint import Trusted, open_checkpoint
from domain.note import VerifierKey
from domain.receipt import read_leaf, read_place
from domain.stored import HEADS
from domain.tree import TILE_WIDTH, NotVerified, entries_of
from projections.damage import DAMAGED
from projections.progress import Progress
from projections.rebuilding import Rebuild
from scripts.mirrored import bundles_of, check_entries, check_map, map_in
from scripts.service import Service

PAGE = 5_000
CHECKS = ("journal", "histories", "money")
"""The checks of an audit, besides the rules, that need neither texts nor the operator's log.

Links were checked when the facts were put there, the read tables were folded from them
just now, and the rules allow no edge that closes a cycle.
"""


class NotEmpty(Exception):
    """The database holds facts already."""


def replay(
    service: Service, folder: Path, keys: Sequence[VerifierKey], progress: Progress
) -> Trusted:
    """Put the facts of a mirror into an empty database, and fold them.

    NotVerified if the mirror is not as it was signed.
    """
    if service.journal.facts.head():
        raise NotEmpty
    trusted = open_checkpoint((folder / "checkpoint").read_bytes(), keys)
    check_entries(folder, trusted.checkpoint)
    put(service, folder, trusted, keys, progress)
    fold(service, progress)
    return trusted


def put(
    service: Service,
    folder: Path,
    trusted: Trusted,
    keys: Sequence[VerifierKey],
    progress: Progress,
) -> None:
    """Put the facts of a mirror, as far as they are new, into its database.

    NotVerified, with its position, for a fact that is not linked as its leaf says, or not signed as
    it says, and for a map that does not follow. The entries of the mirror were checked before.
    """
    size, known = trusted.checkpoint.size, service.journal.facts.head()
    signatures = Signatures({trusted.checkpoint.origin, *(key.name for key in keys)})
    leaves, done = leaves_of(folder, known, size), known
    while page := list(islice(leaves, PAGE)):
        append(service, done, [stored_in(leaf) for leaf in page])
        for placed, leaf in zip(service.journal.facts.after(done, len(page)), page, strict=True):
            if placed.leaf() != leaf:
                raise NotVerified(f"position {placed.position} is not linked as its facts are")
            if not known and concerns_keys(placed.topic, placed.state):
                told = read_leaf(leaf)
                signatures.follow(told, content_of(told))
        done += len(page)
        progress(done, size)
    rows = service.engine.query(f"SELECT subject, number, position FROM {HEADS.name}")
    heads = {subject: place for subject, *place in rows}
    check_map(map_in(folder, size), trusted, keys, heads)


def fold(service: Service, progress: Progress) -> None:
    """Fold the facts that were put there into the read tables."""
    if service.store.current().position:
        service.follower.catch_up(progress)
    else:  # into tables that get their indexes afterwards
        Rebuild(service.journal, service.store).run(progress)


def append(service: Service, after: int, page: Sequence[StoredEvent]) -> None:
    """Append facts after a position; NotVerified, with its position, for one that can't follow."""
    try:
        service.journal.append_stored(page, positions=range(after + 1, after + 1 + len(page)))
    except DAMAGED as error:
        if len(page) == 1:
            told = f"this {page[0].topic} follows from nothing ({error!r})"
            raise NotVerified(f"position {after + 1}: {told}") from error
        for number, stored in enumerate(page):
            append(service, after + number, [stored])


def leaves_of(folder: Path, after: int, size: int) -> Iterator[bytes]:
    """The leaves of a mirror from ``after`` up to ``size``, in order."""
    for bundle in bundles_of(size):
        begins = bundle.number * TILE_WIDTH
        if begins + bundle.width > after:
            entries = entries_of((folder / bundle.path).read_bytes())
            yield from entries[max(0, after - begins) :]


def stored_in(leaf: bytes) -> StoredEvent:
    """The stored event of a leaf, whose JSON may be spelled otherwise than ours."""
    place, state = read_place(leaf)
    try:
        return StoredEvent(
            place["originator_id"], place["originator_version"], place["topic"], state
        )
    except LookupError as problem:
        raise NotVerified("the leaf does not say its place") from problem
