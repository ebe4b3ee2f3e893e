"""The journal in a database: what every engine keeps, and how it is asked.

The one rule: an append is one transaction under one lock. In it stand the facts at the next
positions, their links to the facts before them (see domain.chain), the texts they commit to, and
the check that nothing recorded since contradicts them.

The library's recorders are kept for reading and pooling; each engine of ours extends one. What
differs, and why: positions are given out under the lock (the stock sequence leaves gaps after a
conflict), and triggers refuse to edit or delete facts.
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, cast

from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    PersistenceError,
    StoredEvent,
)

from domain.chain import link_facts
from domain.fact import Fact, read_fact
from domain.receipt import NO_LINKS, Link, read_links, spell_leaf
from domain.request import Request
from domain.seal import Disclosure

JournalUnavailable = PersistenceError
"""What the library raises when the database does not answer."""


class Overtaken(IntegrityError):
    """Since the command read what it read, a fact was recorded that may contradict it."""


class Condition(NamedTuple):
    """Record only if, after a position, no fact of these topics is about these subjects."""

    after: int
    watched: Mapping[str, Collection[str] | None]
    """Topic to subjects; None stands for any subject."""
    emptied: Collection[str] = ()
    """Owners who must have no text left when what is erased with it is gone."""

    def must_hold(self, since: Callable[[int, list[str]], list[Placed]]) -> None:
        """Raise Overtaken if a watched fact came in since; asked under the lock."""
        for placed in since(self.after, list(self.watched)) if self.watched else ():
            subjects = self.watched[placed.topic]
            if subjects is None or not set(placed.fact().touches()).isdisjoint(subjects):
                raise Overtaken(placed.topic)

    def must_be_empty(self, left: Callable[[Collection[str]], int]) -> None:
        """Raise Overtaken if an owner has texts that nobody knew of; asked under the lock."""
        if self.emptied and left(self.emptied):
            raise Overtaken("vault")


class Placed(NamedTuple):
    """A fact as stored, with its place in the journal."""

    position: int
    originator_id: str
    originator_version: int
    topic: str
    state: bytes
    links: str = NO_LINKS
    """Its place among the facts about each of its subjects, spelled as in its leaf."""

    def linked(self) -> tuple[Link, ...]:
        """Its place among the facts about each of its subjects."""
        return read_links(self.links)

    def leaf(self) -> bytes:
        """The leaf of the fact: what the log holds and a receipt proves."""
        return spell_leaf(*self)

    def fact(self) -> Fact:
        """The fact itself."""
        return read_fact(self.originator_id, self.originator_version, self.topic, self.state)


Row = tuple[Any, ...]


class JournalRecorder(ApplicationRecorder):
    """What the journal asks of an engine; SQL is written once, with ``?`` for a value."""

    POSITION: str
    """The column that holds the position."""
    SCHEMA: tuple[str, ...]
    """What creates the tables and the triggers, harmless when they exist."""

    @abstractmethod
    def query(self, sql: str, *values: object) -> list[Row]:
        """The rows of a query outside any transaction."""

    @abstractmethod
    def among(self, column: str) -> str:
        """The condition that a column is in one list value (see listed)."""

    @abstractmethod
    def listed(self, values: Collection[Any]) -> object:
        """A list as one value of the engine."""

    @abstractmethod
    def vacuum(self) -> bool:
        """Write the vault anew, so that no file of the database holds anything that was erased.

        False if somebody still reads what was there before, so that it has to be done again.
        """

    def settle(self) -> bool:
        """Do what an erasure left to be done, as far as possible; what is left can wait."""
        return False

    def head(self) -> int:
        """The position of the latest fact; 0 for an empty journal."""
        return int(self.query(f"SELECT coalesce(max({self.POSITION}), 0) FROM stored_events")[0][0])

    def streams(self, ids: Collection[str]) -> list[Placed]:
        """All facts of these streams, each stream in its own order."""
        return self._placed(
            f"WHERE {self.among('originator_id')} ORDER BY originator_id, originator_version",
            self.listed(ids),
        )

    def at(self, positions: Collection[int]) -> list[Placed]:
        """The facts at these positions, in order."""
        return self._placed(
            f"WHERE {self.among(self.POSITION)} ORDER BY {self.POSITION}", self.listed(positions)
        )

    def after(self, position: int, limit: int, topics: Collection[str] = ()) -> list[Placed]:
        """The next facts after a position, of some topics or of all."""
        if topics:
            return self._placed(
                f"WHERE {self.POSITION} > ? AND {self.among('topic')} "
                f"ORDER BY {self.POSITION} LIMIT ?",
                position,
                self.listed(topics),
                limit,
            )
        return self._placed(
            f"WHERE {self.POSITION} > ? ORDER BY {self.POSITION} LIMIT ?", position, limit
        )

    def texts(self, digests: Collection[str]) -> dict[str, str]:
        """The texts behind these commitments, as far as they were not erased."""
        return dict(
            self.query(
                f"SELECT digest, value FROM vault WHERE {self.among('digest')}",
                self.listed(digests),
            )
        )

    def owned(self, owners: Collection[str]) -> list[tuple[str, str]]:
        """The owner and the commitment of every text these owners have."""
        rows = self.query(
            f"SELECT owner, digest FROM vault WHERE {self.among('owner')} ORDER BY owner, digest",
            self.listed(owners),
        )
        return [(owner, digest) for owner, digest in rows]

    def disclosures(self, digests: Collection[str]) -> list[Disclosure]:
        """The disclosures of these commitments, as far as they were not erased."""
        rows = self.query(
            "SELECT digest, owner, name, salt, value FROM vault "
            f"WHERE {self.among('digest')} ORDER BY digest",
            self.listed(digests),
        )
        return [Disclosure(*row) for row in rows]

    def requests(self, targets: Collection[str]) -> list[Request]:
        """What was asked of these targets, in the order in which it was recorded."""
        return self._requests(self.among("target"), self.listed(targets))

    def requests_between(self, after: int, upto: int) -> list[Request]:
        """What was asked that ended after a position and up to another, in order."""
        return self._requests("position > ? AND position <= ?", after, upto)

    def _requests(self, where: str, *values: object) -> list[Request]:
        rows = self.query(
            f"SELECT target, position, digest, texts, id FROM requests WHERE {where} "
            "ORDER BY position",
            *values,
        )
        return [
            Request(target, position, digest, tuple(json.loads(texts)), id)
            for target, position, digest, texts, id in rows
        ]

    def _placed(self, where: str, *values: object) -> list[Placed]:
        rows = self.query(
            f"SELECT {self.POSITION}, originator_id, originator_version, topic, state, links "
            f"FROM stored_events {where}",
            *values,
        )
        return [Placed(p, id, v, topic, bytes(s), links) for p, id, v, topic, s, links in rows]


def linked(
    stored_events: Sequence[StoredEvent],
    positions: Sequence[int],
    about: Sequence[Collection[str]],
    heads: dict[str, Row],
) -> tuple[list[Row], list[Row]]:
    """The rows of facts at their positions, and the rows of the heads they leave behind."""
    facts = [
        (position, s.originator_id, s.originator_version, s.topic, s.state)
        for position, s in zip(positions, stored_events, strict=True)
    ]
    links = link_facts(cast("Any", facts), about, cast("Any", heads))
    rows = [(*fact, own) for fact, own in zip(facts, links, strict=True)]
    return rows, [(subject, *head) for subject, head in heads.items()]


def all_of(about: Sequence[Collection[str]]) -> list[str]:
    """Every subject, once."""
    return list({subject for subjects in about for subject in subjects})


HEADS = (
    "CREATE TABLE IF NOT EXISTS heads (subject TEXT PRIMARY KEY, number BIGINT NOT NULL, "
    "position BIGINT NOT NULL, hash TEXT NOT NULL)"
)
"""The latest fact about each subject, so that the next one can name it."""
REQUESTS = (
    "CREATE TABLE IF NOT EXISTS requests (position BIGINT PRIMARY KEY, target TEXT NOT NULL, "
    "digest TEXT NOT NULL, texts TEXT NOT NULL, id TEXT NOT NULL)"
)
"""What was asked of a target, written with the facts that came of it."""
REQUESTS_BY_TARGET = "CREATE INDEX IF NOT EXISTS requests_target ON requests (target, position)"
VAULT = (
    "CREATE TABLE IF NOT EXISTS vault (digest TEXT PRIMARY KEY, owner TEXT NOT NULL, "
    "name TEXT NOT NULL, salt TEXT NOT NULL, value TEXT NOT NULL, folded TEXT NOT NULL)"
)
VAULT_BY_OWNER = "CREATE INDEX IF NOT EXISTS vault_owner ON vault (owner)"

SEARCHED = frozenset({"name", "title"})
"""The texts that are searched, and so kept in folded case as well."""


def vault_row(disclosure: Disclosure) -> Row:
    """A disclosure as the vault holds it."""
    folded = disclosure.value.casefold() if disclosure.name in SEARCHED else ""
    return (*disclosure, folded)


def request_rows(requests: Sequence[Request], positions: Sequence[int]) -> list[Row]:
    """The rows of requests whose place in an append has become a position."""
    return [
        (positions[one.position], one.target, one.digest, json.dumps(one.texts), one.id)
        for one in requests
    ]
