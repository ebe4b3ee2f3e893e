"""Queries: the journal as stored, for everything that reads it.

Some may run outside of a snapshot (``query_outside``): they take a position up to which to read, or
the reader leaves out what was recorded later.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from domain.clock import STAMP, START, Point
from domain.condition import Spent
from domain.engine import Engine, Row
from domain.heads import LATEST
from domain.request import Request
from domain.seal import Disclosure, Owned
from domain.stored import COLUMNS, FURTHER_KEYS, OWNED, REQUESTS, Placed, texts_of
from domain.text import searched
from domain.tree import LARGEST_SIZE, NotVerified


class Facts:
    """The facts of a journal, with the texts and requests stored beside them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def head(self) -> int:
        """The position of the latest fact; 0 for an empty journal."""
        return self.latest().position

    def latest(self) -> Point:
        """The end of the journal: the position and the time of the latest fact."""
        sql = f"SELECT position, {STAMP} FROM stored_events WHERE {LATEST}"
        for position, stamp in self.engine.read(sql):
            return Point(position, bytes(stamp).decode())
        return START

    def turns(self, after: int, upto: int) -> list[tuple[int, str]]:
        """The facts whose time is before that of the preceding fact: positions and times.

        Only facts from ``after`` to ``upto`` are compared. The times are texts that sort by time.
        """
        sql = (
            f"SELECT position, stamp FROM (SELECT position, {STAMP} AS stamp, "
            f"lag({STAMP}) OVER (ORDER BY position) AS before FROM stored_events "
            "WHERE position >= :after AND position <= :upto) AS told "
            "WHERE stamp < before ORDER BY position"
        )
        rows = self.engine.read(sql, after=after, upto=upto)
        return [(position, bytes(stamp).decode()) for position, stamp in rows]

    def streams(self, ids: Collection[str]) -> list[Placed]:
        """All facts of these streams, in order of stream and version."""
        if not ids:
            return []
        return self._placed(
            "WHERE originator_id IN :ids ORDER BY originator_id, originator_version", ids=list(ids)
        )

    def births(self, ids: Collection[str]) -> dict[str, int]:
        """The positions of the first facts of these streams."""
        sql = (
            "SELECT originator_id, position FROM stored_events "
            "WHERE originator_id IN :ids AND originator_version = 1"
        )
        return dict(self.engine.query_outside(sql, ids=list(ids)))

    def found(
        self,
        fields: Collection[str],
        values: Collection[str],
        upto: int | None = None,
        most: int | None = None,
    ) -> list[Placed]:
        """The facts with one of these values in one of these fields, in order of position.

        A field is named ``topic.field``, and the fact's class lists it in FOUND_BY. If there are
        more than ``most``, the latest ones.
        """
        cut = "" if most is None else f" ORDER BY position DESC LIMIT {most:d}"
        return self._placed(
            "WHERE position IN (SELECT position FROM found WHERE value IN :values "
            f"AND field IN :fields AND position <= :upto{cut}) ORDER BY position",
            values=list(values),
            fields=list(fields),
            upto=(1 << 63) - 1 if upto is None else upto,
        )

    def leads(self, field: str, values: Collection[str], upto: int) -> list[tuple[str, str]]:
        """The edges from these values of a field, as (value, target), even if void by now."""
        sql = (
            "SELECT value, leads_to FROM found WHERE value IN :values AND field = :field "
            "AND position <= :upto AND leads_to IS NOT NULL"
        )
        rows = self.engine.query_outside(sql, values=list(values), field=field, upto=upto)
        return [(value, to) for value, to in rows]

    def around(
        self, field: str, values: Collection[str], upto: int, most: int, limit: int
    ) -> list[tuple[str, str | None]]:
        """The edges from these values and from all that they lead to in any number of steps.

        They start from at most ``most`` values, those given first; ``limit`` bounds the rows. The
        target is None where a value has no edge.
        """
        sql = (
            "WITH RECURSIVE reached (value) AS ("
            "SELECT f.value FROM found f WHERE f.value IN :values AND f.field = :field "
            "AND f.position <= :upto UNION "
            "SELECT f.leads_to FROM reached r JOIN EACH found f ON f.value = r.value "
            "AND f.field = :field AND f.position <= :upto), "
            "near (value) AS (SELECT value FROM reached LIMIT :most) "
            "SELECT n.value, f.leads_to FROM near n LEFT JOIN found f ON f.value = n.value "
            "AND f.field = :field AND f.position <= :upto LIMIT :limit"
        )
        asked = {"field": field, "values": list(values), "upto": upto}
        rows = self.engine.query_outside(sql, **asked, most=most, limit=limit)
        return [(value, to) for value, to in rows]

    def at(self, positions: Collection[int]) -> list[Placed]:
        """The facts at these positions, in order; none where no database could hold one."""
        these = [one for one in positions if one <= LARGEST_SIZE]
        return self._placed(_AT, these=these) if these else []

    def with_fact(
        self, position: int, *asked: tuple[str, Mapping[str, Any]]
    ) -> tuple[list[Placed], list[list[Row]]]:
        """The fact at a position, if any, and the rows of further queries, in one message."""
        sql = f"{_FACTS} {_AT}"
        facts, *found = self.engine.query_all([(sql, {"these": [position]}), *asked])
        return [Placed(*row) for row in facts], found

    def after(self, position: int, limit: int, topics: Collection[str] = ()) -> list[Placed]:
        """The next facts after a position, of these topics or, without any, of all."""
        of_topics = "AND topic IN :topics " if topics else ""
        return self._placed(
            f"WHERE position > :position {of_topics}ORDER BY position LIMIT :limit",
            position=position,
            topics=list(topics),
            limit=limit,
        )

    def next(self, position: int, limit: int) -> list[Placed]:
        """The next facts of all after a position; raises NotVerified if one of them is missing."""
        placed = self.after(position, limit)
        if placed and placed[-1].position != position + len(placed):
            found = enumerate(placed, position + 1)
            missing = next(expected for expected, one in found if one.position != expected)
            raise NotVerified(f"there is no fact at position {missing}")
        return placed

    def texts(self, digests: Collection[str]) -> dict[str, str]:
        """The texts behind those of these commitments that were not erased."""
        sql = "SELECT digest, value FROM vault WHERE digest IN :digests"
        return dict(self.engine.query_outside(sql, digests=list(digests)))

    def owned(self, owners: Collection[str]) -> list[Owned]:
        """Every text that belongs to these owners, with its commitment."""
        sql = f"SELECT owner, digest, name FROM vault WHERE {OWNED} ORDER BY owner, digest"
        return [Owned(*row) for row in self.engine.read(sql, owners=list(owners))]

    def named(self, name: str, limit: int) -> list[tuple[str, str]]:
        """The owners of this name, ignoring case and accents, each with its commitment."""
        sql = (
            "SELECT owner, digest FROM vault WHERE name = 'name' "
            "AND substr(folded, 1, 100) = substr(:folded, 1, 100) "
            # With =, SQLite would substitute the value for the column above, and miss the index.
            "AND folded BETWEEN :folded AND :folded ORDER BY owner LIMIT :limit"
        )
        rows = self.engine.read(sql, folded=searched(name), limit=limit)
        return [(owner, digest) for owner, digest in rows]

    def disclosures(self, digests: Collection[str]) -> list[Disclosure]:
        """The disclosures of those of these commitments that were not erased."""
        sql = (
            "SELECT digest, owner, name, salt, value FROM vault "
            "WHERE digest IN :digests ORDER BY digest"
        )
        return [Disclosure(*row) for row in self.engine.read(sql, digests=list(digests))]

    def requests(self, targets: Collection[str]) -> list[Request]:
        """The requests for these targets, in order of position."""
        return self._requests("target IN :targets", targets=list(targets))

    def spent(self, accounts: Collection[str], quota: str, since: str) -> Spent:
        """How often these accounts of one person counted toward a quota since a moment."""
        ((times,),) = self.engine.query_outside(
            "SELECT count(*) FROM spent "
            "WHERE actor IN :accounts AND quota = :quota AND at > :since",
            accounts=list(accounts),
            quota=quota,
            since=since,
        )
        return Spent(tuple(accounts), quota, since, times)

    def spending(self, accounts: Collection[str], quota: str, limit: int) -> list[Placed]:
        """The facts of these accounts that count toward a quota, latest first."""
        return self._placed(
            "WHERE position IN (SELECT position FROM spent WHERE actor IN :accounts "
            "AND quota = :quota ORDER BY position DESC LIMIT :limit) ORDER BY position DESC",
            accounts=list(accounts),
            quota=quota,
            limit=limit,
        )

    def request_under(self, key: str) -> Request | None:
        """The request sent under an idempotency key, given its digest (see ``key_digest``)."""
        under = "SELECT position FROM {} WHERE key = :key"
        both = " UNION ALL ".join(under.format(each.name) for each in (REQUESTS, FURTHER_KEYS))
        return next(iter(self._requests(f"position IN ({both})", key=key)), None)

    def requests_between(self, after: int, upto: int) -> list[Request]:
        """The requests with positions above ``after`` and up to ``upto``, with all their keys."""
        between = "position > :after AND position <= :upto"
        keys: dict[int, list[str]] = {}
        for position, key in self.engine.read(
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
            Request(target, position, digest, texts_of(position, texts), id, key)
            for target, position, digest, texts, id, key in self.engine.query_outside(sql, **values)
        ]

    def _placed(self, where: str, **values: Any) -> list[Placed]:
        return [*map(_PLACED, self.engine.query_outside(f"{_FACTS} {where}", **values))]


_AT = "WHERE position IN :these ORDER BY position"
_PLACED = partial(tuple.__new__, Placed)
_FACTS = f"SELECT {COLUMNS} FROM stored_events"
