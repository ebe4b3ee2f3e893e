"""The tables of the journal, and how the parts of an append become their rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from eventsourcing.persistence import StoredEvent

from domain.clock import Point, stamp_of
from domain.compact import encoder
from domain.engine import Row, Table
from domain.fact import Fact, FoundBy, contents_of, fact_of, read_fact
from domain.receipt import NO_LINKS, Link, read_links, spell_leaf
from domain.request import Request
from domain.seal import Disclosure
from domain.text import searched
from domain.unreadable import READING_FAILS, Unreadable

_encode = encoder()


class Placed(NamedTuple):
    """A fact as stored, with its place in the journal."""

    position: int
    originator_id: str
    originator_version: int
    topic: str
    state: bytes
    links: str = NO_LINKS
    """Its place in the chain of facts about each of its subjects, spelled as in its leaf."""

    @property
    def point(self) -> Point:
        """The end of the journal when it was recorded."""
        return Point(self.position, stamp_of(self.state))

    def linked(self) -> tuple[Link, ...]:
        """The links as objects."""
        return read_links(self.links)

    def leaf(self) -> bytes:
        """The leaf of the fact in the log's Merkle tree: what a receipt proves."""
        return spell_leaf(*self)

    def fact(self) -> Fact:
        """The fact; raises Unreadable if the row is not one."""
        try:
            return read_fact(self.originator_id, self.originator_version, self.topic, self.state)
        except READING_FAILS as error:
            raise self._unreadable(error) from error

    def content(self) -> dict[str, Any]:
        """Its fields as JSON; raises Unreadable if the row has none."""
        try:
            return {**json.loads(self.state)}
        except READING_FAILS as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> Unreadable:
        return Unreadable(FACTS.name, f"position {self.position}", error)


def facts_in(page: Sequence[Placed]) -> list[Fact]:
    """The facts of a page, in the same order; raises Unreadable for the first bad row."""
    try:
        contents = contents_of([placed.state for placed in page])
        return [
            fact_of(id, version, topic, content)
            for (_, id, version, topic, _, _), content in zip(page, contents, strict=True)
        ]
    except READING_FAILS:
        return [placed.fact() for placed in page]  # one by one, so that the error names the bad row


FACTS = Table(
    "stored_events",
    {
        "position": "BIGINT",
        "originator_id": "TEXT",
        "originator_version": "BIGINT",
        "topic": "TEXT",
        "state": "BYTES",
        "links": "TEXT",
    },
    keys=(("position",), ("originator_id", "originator_version")),
    unchangeable="facts are immutable",
)
COLUMNS = ", ".join(FACTS.columns)
"""The columns of a fact, in the order of ``Placed``."""
HEADS = Table(
    "heads",
    {"subject": "TEXT", "number": "BIGINT", "position": "BIGINT", "hash": "TEXT"},
    keys=(("subject",),),
    on_conflict="(subject) DO UPDATE SET "
    "number = excluded.number, position = excluded.position, hash = excluded.hash",
    small=True,
    advances="position",
)
"""The latest fact about each subject, so that the next one can link to it."""
VAULT = Table(
    "vault",
    dict.fromkeys(("digest", "owner", "name", "salt", "value", "folded"), "TEXT"),
    keys=(("digest",),),
    on_conflict="(digest) DO NOTHING",
    index="owner",
    # A folded name may be several times as long, and PostgreSQL cannot index long texts.
    looked_up=("substr(folded, 1, 100)", "name = 'name'"),
)
REQUESTS = Table(
    "requests",
    {
        **{"position": "BIGINT", "target": "TEXT", "digest": "TEXT", "texts": "TEXT", "id": "TEXT"},
        "key": "TEXT NULL",
    },
    keys=(("position",),),
    index="target, position",
    unique="key",
)
"""The requests for each target, written with the facts they led to."""
FURTHER_KEYS = Table(
    "further_keys",
    {"key": "TEXT", "position": "BIGINT"},
    keys=(("key",),),
    on_conflict="(key) DO NOTHING",
    index="position",
)
"""The idempotency keys of repeated requests that were recognised by their target."""
FOUND = Table(
    "found",
    {"value": "TEXT", "field": "TEXT", "position": "BIGINT", "leads_to": "TEXT NULL"},
    keys=(("value", "field", "position"),),
    small=True,
    in_backups=False,
)
"""An index of facts by values of fields (``Fact.FOUND_BY``), and where edges lead from there."""
SPENT = Table(
    "spent",
    {"actor": "TEXT", "quota": "TEXT", "at": "TEXT", "position": "BIGINT"},
    keys=(("actor", "quota", "at", "position"),),
    small=True,
)
"""What counts toward quotas, and marks for facts that do not; read only to limit commands."""
OWNED = "owner IN :owners AND name <> 'reference'"
"""SQL for the texts that people own: all but bank references. These belong to the operator, who
keeps the books, although earlier facts sealed them as texts of the payee."""

TABLES = (FACTS, HEADS, VAULT, REQUESTS, FURTHER_KEYS, FOUND, SPENT)

SEARCHED = frozenset(
    {
        *("name", "title", "creators", "display", "credited_as", "character"),
        *("goal", "prompt"),
    }
)
"""The names of texts that can be searched for, and so are stored normalised, too."""


def vault_row(disclosure: Disclosure) -> Row:
    """The row of a disclosure in the vault."""
    return (*disclosure, searched(disclosure.value) if disclosure.name in SEARCHED else "")


def request_rows(requests: Sequence[Request], positions: Sequence[int]) -> list[Row]:
    """The rows of requests, with their indexes in the append turned into positions."""
    return [
        (positions[one.position], one.target, one.digest, _encode(one.texts), one.id, one.key)
        for one in requests
    ]


def texts_of(position: int, texts: str) -> tuple[str, ...]:
    """The commitments in the row of a request; raises Unreadable if they can't be read."""
    try:
        return tuple(json.loads(texts))
    except READING_FAILS as error:
        raise Unreadable(REQUESTS.name, f"position {position}", error) from error


def further_rows(requests: Sequence[Request], positions: Sequence[int]) -> list[Row]:
    """The rows of the keys under which these requests were repeated."""
    return [(key, positions[one.position]) for one in requests for key in one.further]


def spent_rows(
    spent: Sequence[tuple[int, str, str]],
    stored: Sequence[StoredEvent],
    positions: Sequence[int],
) -> list[Row]:
    """The rows of what counts toward quotas, with the time of each fact."""
    return [
        (actor, quota, stamp_of(stored[place].state), positions[place])
        for place, actor, quota in spent
    ]


def found_rows(found: Sequence[Collection[FoundBy]], positions: Sequence[int]) -> list[Row]:
    """The rows of the index ``found`` for facts at these positions, in the index's order."""
    return sorted(
        (one.value, one.field, position, one.leads_to)
        for position, fields in zip(positions, found, strict=True)
        for one in fields
    )
