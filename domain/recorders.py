"""The journal in a database: what is stored, and how it is queried.

An append is one transaction under one lock. It holds the facts at the next positions, their links
to the facts before them (see domain.chain), the texts they commit to, and the check that nothing
recorded since contradicts them.

It is sent once: if the connection breaks, the caller has to ask whether it was recorded. Triggers
refuse to edit or delete facts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from eventsourcing.persistence import (
    ApplicationRecorder,
    Notification,
    NotSupportedError,
    StoredEvent,
    Subscription,
)

from domain.chain import link_facts
from domain.clock import STAMP, in_order, moment_of
from domain.engine import DatabaseUnavailable, Engine, Overtaken, Row, Table, Transaction
from domain.fact import Fact, FoundBy, read_fact
from domain.heads import heads_of
from domain.receipt import NO_LINKS, Link, read_links, spell_leaf
from domain.request import Request
from domain.seal import Disclosure
from domain.text import folded

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class Spent(NamedTuple):
    """How often an account counted toward a quota since a moment."""

    accounts: tuple[str, ...]
    quota: str
    since: str
    times: int


_OWNED = "owner IN :owners AND name <> 'reference'"
"""The texts of people. A bank reference belongs to the operator, who keeps the books; earlier facts
sealed it as a text of the payee."""


class Condition(NamedTuple):
    """Record only if, after a position, no fact of these topics is about these subjects."""

    after: int
    watched: Mapping[str, Collection[str] | None]
    """Subjects by topic; None stands for any subject."""
    emptied: Collection[str] = ()
    """Owners who must have no text left after the erasure."""
    spent: Collection[Spent] = ()
    """What the actor had done of what is limited, when the command was decided."""

    def must_be_unspent(self, count: Callable[[Spent], int]) -> None:
        """Raise Overtaken if the actor has done more meanwhile; called under the lock."""
        for one in self.spent:
            if count(one) != one.times:
                raise Overtaken(one.quota)

    def must_hold(self, since: Callable[[int, list[str]], list[Placed]]) -> None:
        """Raise Overtaken if a watched fact has been recorded since; called under the lock."""
        for placed in since(self.after, list(self.watched)) if self.watched else ():
            subjects = self.watched[placed.topic]
            if subjects is None or not set(placed.fact().touches()).isdisjoint(subjects):
                raise Overtaken(placed.topic)

    def must_be_empty(self, left: Callable[[Collection[str]], int]) -> None:
        """Raise Overtaken if an owner has texts the command missed; called under the lock."""
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


class JournalRecorder(ApplicationRecorder):
    """The library's recorder: a thin layer over an engine, with the journal's own queries."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        about: Sequence[Collection[str]] = (),
        condition: Condition | None = None,
        disclosures: Sequence[Disclosure] = (),
        erased: Collection[str] = (),
        positions: Sequence[int] | None = None,
        requests: Sequence[Request] = (),
        found: Sequence[Collection[FoundBy]] = (),
        spent: Sequence[tuple[int, str, str, str]] = (),
        keeping: Callable[[Transaction, Sequence[int]], None] | None = None,
        **_: Any,
    ) -> Sequence[int]:
        """Append facts, each with its subjects and what it is found by, with the texts behind them;
        return their positions. ``keeping`` writes what else follows from them."""
        characters = sum(len(stored.state) for stored in stored_events)
        characters += sum(len(text.value) for text in disclosures)
        characters += sum(len(json.dumps(asked)) for asked in requests)
        characters += 2 * sum(len(subject) for subjects in about for subject in subjects)
        characters += 2 * sum(len(value) for fields in found for value, *_ in fields)
        with self.engine.appending(FACTS, characters) as transaction:
            if condition:
                condition.must_hold(partial(_since, transaction))
                condition.must_be_unspent(partial(_spent, transaction.query))
            born = {str(one.originator_id) for one in stored_events if one.originator_version == 1}
            latest, stamp, heads = heads_of(transaction, about, born)
            if positions is None:
                # Under the lock the greatest position is final, so the next ones have no gaps.
                positions = range(latest + 1, latest + 1 + len(stored_events))
                stored_events = list(in_order(stored_events, stamp))
            transaction.insert(FACTS, linked(stored_events, positions, about, heads))
            transaction.insert(HEADS, [(subject, *head) for subject, head in heads.items()])
            transaction.insert(VAULT, list(map(vault_row, disclosures)))
            transaction.insert(REQUESTS, request_rows(requests, positions))
            transaction.insert(FURTHER_KEYS, further_rows(requests, positions))
            transaction.insert(FOUND, found_rows(found, positions))
            transaction.insert(SPENT, [(*one, positions[place]) for place, *one in spent])
            if keeping is not None:
                keeping(transaction, positions)
            if erased:
                transaction.erase("vault", "digest", erased)
            if condition:
                condition.must_be_empty(partial(_left, transaction))
        if erased:
            with suppress(DatabaseUnavailable):  # what was recorded is recorded; a follower goes on
                self.engine.settle()
        return positions

    def vacuum(self) -> bool:
        """Rewrite the vault; false if someone still reads what was there (see Engine)."""
        return self.engine.vacuum("vault")

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The facts of a stream."""
        found = [
            StoredEvent(*one[1:5])
            for one in self.streams([str(originator_id)])
            if (gt is None or one.originator_version > gt)
            and (lte is None or one.originator_version <= lte)
        ]
        return (found[::-1] if desc else found)[:limit]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """The facts from a position on."""
        after = (start or 0) - (1 if inclusive_of_start else 0)
        return [
            Notification(*one[1:5], id=one.position)
            for one in self.after(after, limit, topics)
            if stop is None or one.position <= stop
        ]

    def max_notification_id(self) -> int | None:
        """The position of the latest fact."""
        return self.head() or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Not supported: a follower looks for new facts itself."""
        raise NotSupportedError("see projections.follower")

    def head(self) -> int:
        """The position of the latest fact; 0 for an empty journal."""
        return int(self.engine.query("SELECT coalesce(max(position), 0) FROM stored_events")[0][0])

    def latest(self) -> tuple[int, datetime | None]:
        """The position and the time of the latest fact."""
        rows = self.engine.query(f"SELECT position, {STAMP} FROM stored_events WHERE {_IS_LATEST}")
        return (rows[0][0], moment_of(rows[0][1])) if rows else (0, None)

    def turns(self, after: int, upto: int) -> list[tuple[int, str]]:
        """The facts stamped before the one before them, each with its time in text that sorts."""
        sql = (
            f"SELECT position, stamp FROM (SELECT position, {STAMP} AS stamp, "
            f"lag({STAMP}) OVER (ORDER BY position) AS before FROM stored_events "
            "WHERE position >= :after AND position <= :upto) AS told "
            "WHERE stamp < before ORDER BY position"
        )
        rows = self.engine.query(sql, after=after, upto=upto)
        return [(position, bytes(stamp).decode()) for position, stamp in rows]

    def streams(self, ids: Collection[str]) -> list[Placed]:
        """All facts of these streams, each stream in its own order."""
        return self._placed(
            "WHERE originator_id IN :ids ORDER BY originator_id, originator_version", ids=list(ids)
        )

    def births(self, ids: Collection[str]) -> dict[str, int]:
        """The positions of the first facts of these streams."""
        sql = (
            "SELECT originator_id, position FROM stored_events "
            "WHERE originator_id IN :ids AND originator_version = 1"
        )
        return dict(self.engine.query(sql, ids=list(ids)))

    def found(
        self, fields: Collection[str], values: Collection[str], upto: int | None = None
    ) -> list[Placed]:
        """The facts with one of these values in one of these fields, in order of position.

        A field is named as ``topic.field``; the fact's class lists it in FOUND_BY.
        """
        return self._placed(
            "WHERE position IN (SELECT position FROM found WHERE value IN :values "
            "AND field IN :fields AND position <= :upto) ORDER BY position",
            values=list(values),
            fields=list(fields),
            upto=_EVER if upto is None else upto,
        )

    def leads(self, field: str, values: Collection[str], upto: int) -> list[tuple[str, str]]:
        """Where edges lead from these values of a field, whatever became of them."""
        sql = (
            "SELECT value, leads_to FROM found WHERE value IN :values AND field = :field "
            "AND position <= :upto AND leads_to IS NOT NULL"
        )
        rows = self.engine.query(sql, values=list(values), field=field, upto=upto)
        return [(value, to) for value, to in rows]

    def around(
        self, field: str, values: Collection[str], upto: int, most: int, limit: int
    ) -> list[tuple[str, str | None]]:
        """The same, and from what is reached from them in any number of steps.

        It is asked of no more than ``most`` values, first of these, and ``limit`` bounds the rows.
        """
        sql = (
            "WITH RECURSIVE reached (value) AS ("
            "SELECT f.value FROM found f WHERE f.value IN :values AND f.field = :field "
            "AND f.position <= :upto UNION "
            "SELECT f.leads_to FROM reached r JOIN found f ON f.value = r.value "
            "AND f.field = :field AND f.position <= :upto), "
            "near (value) AS (SELECT value FROM reached LIMIT :most) "
            "SELECT n.value, f.leads_to FROM near n LEFT JOIN found f ON f.value = n.value "
            "AND f.field = :field AND f.position <= :upto LIMIT :limit"
        )
        asked = {"field": field, "values": list(values), "upto": upto}
        rows = self.engine.query(sql, **asked, most=most, limit=limit)
        return [(value, to) for value, to in rows]

    def at(self, positions: Collection[int]) -> list[Placed]:
        """The facts at these positions, in order."""
        return self._placed("WHERE position IN :these ORDER BY position", these=list(positions))

    def after(self, position: int, limit: int, topics: Collection[str] = ()) -> list[Placed]:
        """The next facts after a position, of some topics or of all."""
        of_topics = "AND topic IN :topics " if topics else ""
        return self._placed(
            f"WHERE position > :position {of_topics}ORDER BY position LIMIT :limit",
            position=position,
            topics=list(topics),
            limit=limit,
        )

    def texts(self, digests: Collection[str]) -> dict[str, str]:
        """The texts behind these commitments, as far as they were not erased."""
        sql = "SELECT digest, value FROM vault WHERE digest IN :digests"
        return dict(self.engine.query(sql, digests=list(digests)))

    def owned(self, owners: Collection[str]) -> list[tuple[str, str]]:
        """The owner and the commitment of every text these owners have."""
        sql = f"SELECT owner, digest FROM vault WHERE {_OWNED} ORDER BY owner, digest"
        return [(owner, digest) for owner, digest in self.engine.query(sql, owners=list(owners))]

    def named(self, name: str, limit: int) -> list[tuple[str, str]]:
        """Who has this name, whatever its case and accents, each with its commitment."""
        sql = (
            "SELECT owner, digest FROM vault WHERE name = 'name' "
            "AND substr(folded, 1, 100) = substr(:folded, 1, 100) "
            # An equation would let SQLite replace the column above, and miss the index.
            "AND folded BETWEEN :folded AND :folded ORDER BY owner LIMIT :limit"
        )
        rows = self.engine.query(sql, folded=folded(name), limit=limit)
        return [(owner, digest) for owner, digest in rows]

    def disclosures(self, digests: Collection[str]) -> list[Disclosure]:
        """The disclosures of these commitments, as far as they were not erased."""
        sql = (
            "SELECT digest, owner, name, salt, value FROM vault "
            "WHERE digest IN :digests ORDER BY digest"
        )
        return [Disclosure(*row) for row in self.engine.query(sql, digests=list(digests))]

    def requests(self, targets: Collection[str]) -> list[Request]:
        """The requests for these targets, in the order of recording."""
        return self._requests("target IN :targets", targets=list(targets))

    def spent(self, accounts: Collection[str], quota: str, since: str) -> Spent:
        """How often these accounts of a person counted toward a quota since a moment."""
        asked = Spent(tuple(accounts), quota, since, 0)
        return asked._replace(times=_spent(self.engine.query, asked))

    def spending(self, accounts: Collection[str], quota: str, limit: int) -> list[Placed]:
        """The latest facts of these accounts that count toward a quota, the latest first."""
        return self._placed(
            "WHERE position IN (SELECT position FROM spent WHERE actor IN :accounts "
            "AND quota = :quota ORDER BY position DESC LIMIT :limit) ORDER BY position DESC",
            accounts=list(accounts),
            quota=quota,
            limit=limit,
        )

    def request_under(self, key: str) -> Request | None:
        """The request that was sent under an idempotency key, by its digest."""
        under = "SELECT position FROM {} WHERE key = :key"
        both = " UNION ALL ".join(under.format(each.name) for each in (REQUESTS, FURTHER_KEYS))
        return next(iter(self._requests(f"position IN ({both})", key=key)), None)

    def name_further(self, keys: Mapping[str, int]) -> None:
        """Keep the keys under which requests were repeated, with their positions."""
        if keys:
            with self.engine.transaction() as transaction:
                transaction.insert(FURTHER_KEYS, list(keys.items()))

    def requests_between(self, after: int, upto: int) -> list[Request]:
        """The requests that ended after a position and up to another, in order."""
        between = "position > :after AND position <= :upto"
        keys: dict[int, list[str]] = {}
        for position, key in self.engine.query(
            f"SELECT position, key FROM further_keys WHERE {between} ORDER BY position, key",
            after=after,
            upto=upto,
        ):
            keys.setdefault(position, []).append(key)
        return [
            one._replace(further=tuple(keys.get(one.position, ())))
            for one in self._requests(between, after=after, upto=upto)
        ]

    def _requests(self, where: str, **values: Any) -> list[Request]:
        sql = (
            f"SELECT target, position, digest, texts, id, key FROM requests WHERE {where} "
            "ORDER BY position"
        )
        return [
            Request(target, position, digest, tuple(json.loads(texts)), id, key)
            for target, position, digest, texts, id, key in self.engine.query(sql, **values)
        ]

    def _placed(self, where: str, **values: Any) -> list[Placed]:
        sql = (
            "SELECT position, originator_id, originator_version, topic, state, links "
            f"FROM stored_events {where}"
        )
        return [Placed(*row) for row in self.engine.query(sql, **values)]


# -- within an append ----------------------------------------------------------------------


def _since(transaction: Transaction, after: int, topics: list[str]) -> list[Placed]:
    sql = (
        "SELECT position, originator_id, originator_version, topic, state FROM stored_events "
        "WHERE position > :after AND topic IN :topics"
    )
    return [Placed(*row) for row in transaction.query(sql, after=after, topics=topics)]


def _spent(query: Callable[..., Sequence[Row]], one: Spent) -> int:
    sql = "SELECT count(*) FROM spent WHERE actor IN :accounts AND quota = :quota AND at > :since"
    return int(query(sql, accounts=list(one.accounts), quota=one.quota, since=one.since)[0][0])


def _left(transaction: Transaction, owners: Collection[str]) -> int:
    sql = f"SELECT count(*) FROM vault WHERE {_OWNED}"
    return int(transaction.query(sql, owners=list(owners))[0][0])


_IS_LATEST = "position = (SELECT max(position) FROM stored_events)"


def linked(
    stored_events: Sequence[StoredEvent],
    positions: Sequence[int],
    about: Sequence[Collection[str]],
    heads: dict[str, Row],
) -> list[Row]:
    """The rows of facts at their positions; ``heads`` is brought up to date."""
    facts = [
        (position, s.originator_id, s.originator_version, s.topic, s.state)
        for position, s in zip(positions, stored_events, strict=True)
    ]
    links = link_facts(cast("Any", facts), about, cast("Any", heads))
    return [(*fact, own) for fact, own in zip(facts, links, strict=True)]


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
HEADS = Table(
    "heads",
    {"subject": "TEXT", "number": "BIGINT", "position": "BIGINT", "hash": "TEXT"},
    keys=(("subject",),),
    on_conflict="(subject) DO UPDATE SET "
    "number = excluded.number, position = excluded.position, hash = excluded.hash",
    small=True,
    advances="position",
)
"""The latest fact about each subject, so that the next one can name it."""
VAULT = Table(
    "vault",
    dict.fromkeys(("digest", "owner", "name", "salt", "value", "folded"), "TEXT"),
    keys=(("digest",),),
    on_conflict="(digest) DO NOTHING",
    index="owner",
    # A name folded may be several times as long, and PostgreSQL indexes no long texts.
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
"""The idempotency keys under which requests were repeated that were known by their target."""
FOUND = Table(
    "found",
    {"value": "TEXT", "field": "TEXT", "position": "BIGINT", "leads_to": "TEXT NULL"},
    keys=(("value", "field", "position"),),
    small=True,
    in_backups=False,
)
"""Where to find facts by the value of a field, and where an edge leads from there."""
SPENT = Table(
    "spent",
    {"actor": "TEXT", "quota": "TEXT", "at": "TEXT", "position": "BIGINT"},
    keys=(("actor", "quota", "at", "position"),),
    small=True,
)
"""What counts toward the quotas of people; it limits the future and says nothing of the past."""
TABLES = (FACTS, HEADS, VAULT, REQUESTS, FURTHER_KEYS, FOUND, SPENT)

SEARCHED = frozenset(
    {
        *("name", "title", "creators", "display", "credited_as", "character"),
        *("goal", "prompt"),
    }
)
"""The texts that are searched, and so stored folded as well."""


def vault_row(disclosure: Disclosure) -> Row:
    """A disclosure as the vault holds it."""
    return (*disclosure, folded(disclosure.value) if disclosure.name in SEARCHED else "")


def request_rows(requests: Sequence[Request], positions: Sequence[int]) -> list[Row]:
    """The rows of requests, their places in the append turned into positions."""
    return [
        (positions[one.position], one.target, one.digest, json.dumps(one.texts), one.id, one.key)
        for one in requests
    ]


def further_rows(requests: Sequence[Request], positions: Sequence[int]) -> list[Row]:
    """The rows of the keys under which these requests were repeated."""
    return [(key, positions[one.position]) for one in requests for key in one.further]


def found_rows(found: Sequence[Collection[FoundBy]], positions: Sequence[int]) -> list[Row]:
    """The rows by which facts at these positions are found, in the order of the index."""
    return sorted(
        (one.value, one.field, position, one.leads_to)
        for position, fields in zip(positions, found, strict=True)
        for one in fields
    )


_EVER = (1 << 63) - 1
"""Later than every position."""
