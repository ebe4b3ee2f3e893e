"""Appends: recording facts in one transaction, under the lock that puts them in a total order.

Several appends share a transaction, and so its lock and the wait for the disk. Each has its own
condition, and one that is refused leaves nothing behind: its rows are not written at all. What
only the database can refuse ends the transaction; then each is recorded in one of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, cast

from eventsourcing.persistence import StoredEvent

from domain.chain import link_facts
from domain.clock import in_order, stamp_of
from domain.condition import Condition, Spent
from domain.engine import Overtaken, Row, Table, Transaction
from domain.fact import Fact, FoundBy, read_fact
from domain.heads import Begun, heads_of
from domain.lately import MOST_FACTS, Group
from domain.request import Request
from domain.seal import Disclosure
from domain.stored import (
    FACTS,
    FOUND,
    FURTHER_KEYS,
    HEADS,
    OWNED,
    REQUESTS,
    SPENT,
    VAULT,
    found_rows,
    further_rows,
    request_rows,
    spent_rows,
    vault_row,
)


class Append(NamedTuple):
    """Facts, with everything that is recorded together with them."""

    stored: Sequence[StoredEvent]
    facts: Sequence[Fact]
    about: Sequence[Collection[str]]
    """The subjects of each fact."""
    found: Sequence[Collection[FoundBy]]
    """What each fact can be found by."""
    condition: Condition | None = None
    disclosures: Sequence[Disclosure] = ()
    erased: Collection[str] = ()
    """The commitments whose texts are erased."""
    positions: Sequence[int] | None = None
    """The positions of the facts in another journal, if they come from one."""
    requests: Sequence[Request] = ()
    spent: Sequence[tuple[int, str, str]] = ()
    """What counts toward quotas: the place of the fact, its actor and the quota."""
    keeping: Callable[[Transaction, Sequence[int], Sequence[Fact]], None] | None = None
    """Writes further rows that follow from the facts, in the same transaction."""
    begun: Begun | None = None
    """What was there when it was decided, if it need not be read again unless others were faster.
    """

    @property
    def is_alone(self) -> bool:
        """Whether it needs a transaction of its own: it erases, or its positions are given."""
        emptied = self.condition.emptied if self.condition else ()
        return bool(self.erased or emptied or self.positions is not None)

    @property
    def is_plain(self) -> bool:
        """Whether it only inserts rows that are known beforehand."""
        return self.keeping is None and not self.is_alone

    @property
    def is_known(self) -> bool:
        """Whether all that has to be read for it was read when it was decided."""
        if self.begun is None or not self.is_plain:
            return False
        told = self.born.union(self.begun.heads)
        return all(map(told.issuperset, self.about))

    @property
    def born(self) -> set[str]:
        """The ids whose first fact is in it."""
        return {str(one.originator_id) for one in self.stored if one.originator_version == 1}

    @property
    def unique(self) -> set[object]:
        """What no other append may have: its places in streams, and its idempotency keys."""
        keys = {one.key for one in self.requests if one.key is not None}
        return {(str(one.originator_id), one.originator_version) for one in self.stored} | keys


PERSONAL = ("mailboxes", "seen", "webhooks")
"""Tables of what people have said to this service alone, with their column ``holder``."""


class Recording:
    """The appends of one transaction, taken one after the other and written when this is made."""

    def __init__(
        self, transaction: Transaction, appends: Sequence[Append], base: Group | None
    ) -> None:
        self.transaction, self.appends, self.base = transaction, appends, base
        """``base`` is None if the heads have to be read."""
        if base is None:
            about = [*chain.from_iterable(one.about for one in appends)]
            born = {id for one in appends for id in one.born}
            position, stamp, heads = heads_of(transaction, about, born)
            base = Group(position, position, stamp, heads)
        self._begun, self._stamp, self._heads = base.position, base.stamp, {**base.heads}
        self._latest = self._begun
        self._rows: defaultdict[Table, list[Row]] = defaultdict(list)
        self._taken: set[object] = set()
        """What nobody else may have."""
        self._linked: set[str] = set()
        """The subjects of the facts taken so far."""
        self._facts: list[tuple[int, Fact]] = []
        self._recorded: dict[str, list[tuple[int, Fact]]] = {}
        """What was recorded since these were decided, by topic, with what was taken."""
        self._happened(self._since() if self.base is None else base.facts)
        self._accepted: list[Append] = []
        self.outcomes = [*map(self._outcome, appends)]
        """Per append: its positions, or the error because of which it was not recorded."""
        self._write()

    def _outcome(self, append: Append) -> Sequence[int] | Exception:
        try:
            return self._take(append)
        except Overtaken as error:
            return error

    def _take(self, append: Append) -> Sequence[int]:
        """Give an append its positions; Overtaken if it may not be recorded any more."""
        unique = append.unique if len(self.appends) > 1 else set()
        if not self._taken.isdisjoint(unique):
            raise Overtaken("its place was taken")
        if append.condition is not None:
            if self._is_stale(append.begun):
                raise Overtaken("what was remembered")
            append.condition.must_hold(self._recorded)
            append.condition.must_be_unspent(partial(self._count, append.condition.after))
        positions, stored = append.positions, append.stored
        if positions is None:
            # Under the lock the greatest position is final, so the next ones have no gaps.
            positions = range(self._latest + 1, self._latest + 1 + len(stored))
            stored = list(in_order(stored, self._stamp))
        if append.keeping is not None:
            append.keeping(self.transaction, positions, as_recorded(append, stored))
        rows = self._rows
        rows[FACTS] += linked(stored, positions, append.about, self._heads)
        rows[VAULT] += map(vault_row, append.disclosures)
        rows[REQUESTS] += request_rows(append.requests, positions)
        rows[FURTHER_KEYS] += further_rows(append.requests, positions)
        rows[FOUND] += found_rows(append.found, positions)
        rows[SPENT] += spent_rows(append.spent, stored, positions)
        self._linked.update(chain.from_iterable(append.about))
        self._taken |= unique
        facts = [*zip(positions, append.facts, strict=True)]
        self._facts += facts
        self._happened(facts)
        self._latest, self._stamp = positions[-1], stamp_of(stored[-1].state)
        self._accepted.append(append)
        return positions

    def group(self) -> Group:
        """What was taken."""
        heads = {subject: self._heads[subject] for subject in self._linked}
        told = heads, self._facts, self._rows[SPENT], self._rows[FACTS]
        return Group(self._begun, self._latest, self._stamp, *told)

    def _write(self) -> None:
        """Write all that was taken."""
        heads = [(subject, *self._heads[subject]) for subject in self._linked]
        rows = {FACTS: [], HEADS: heads, **self._rows}
        self.transaction.insert_all(
            {table: found for table, found in rows.items() if found},
            is_last=not any(append.is_alone for append in self.appends),
        )
        for append in self._accepted:
            if append.erased:
                self.transaction.erase("vault", "digest", append.erased)
            if append.condition is not None:
                append.condition.must_be_empty(self._left)
                self._forget(append.condition.emptied)

    def _forget(self, people: Collection[str]) -> None:
        """Erase what is kept of people outside the facts."""
        for table in PERSONAL if people else ():
            self.transaction.erase(table, "holder", people)

    def _is_stale(self, begun: Begun | None) -> bool:
        """Whether too much was recorded since something was decided by what was remembered."""
        if begun is None or not begun.is_remembered or self.base is not None:
            return False
        return self._begun - begun.position > MOST_FACTS

    def _since(self) -> Iterator[tuple[int, Fact]]:
        """What was recorded while these were decided, as far as it may contradict them."""
        decided = [one.condition for one in self.appends if not self._is_stale(one.begun)]
        conditions = [one for one in decided if one is not None and one.after < self._begun]
        if conditions:
            for position, id, version, topic, state in self.transaction.query(
                "SELECT position, originator_id, originator_version, topic, state "
                "FROM stored_events WHERE position > :after AND topic IN :topics",
                after=min(one.after for one in conditions),
                topics=sorted({topic for one in conditions for topic in one.watched}),
            ):
                yield position, read_fact(id, version, topic, state)

    def _happened(self, facts: Iterable[tuple[int, Fact]]) -> None:
        for one in facts:
            self._recorded.setdefault(one[1].TOPIC, []).append(one)

    def _count(self, after: int, one: Spent) -> int:
        """How often the accounts have counted toward a quota, given ``times`` as of ``after``."""
        is_known = self.base is not None or after == self._begun
        before = one.times if is_known else count_spent(self.transaction.query, one)
        rows = (*(self.base.spent if self.base else ()), *self._rows[SPENT])
        return before + sum(one.counts(*row[:3]) for row in rows if row[3] > after)

    def _left(self, owners: Collection[str]) -> int:
        sql = f"SELECT count(*) FROM vault WHERE {OWNED}"
        return int(self.transaction.query(sql, owners=list(owners))[0][0])


def as_recorded(append: Append, stored: Sequence[StoredEvent]) -> Sequence[Fact]:
    """The facts as stored: one stamped before the latest fact takes over its time."""
    if all(one is decided for one, decided in zip(stored, append.stored, strict=True)):
        return append.facts
    return [
        read_fact(str(one.originator_id), one.originator_version, one.topic, one.state)
        for one in stored
    ]


def count_spent(query: Callable[..., Sequence[Row]], one: Spent) -> int:
    """How often accounts have counted toward a quota since a moment, as recorded."""
    sql = "SELECT count(*) FROM spent WHERE actor IN :accounts AND quota = :quota AND at > :since"
    return int(query(sql, accounts=list(one.accounts), quota=one.quota, since=one.since)[0][0])


def linked(
    stored: Sequence[StoredEvent],
    positions: Sequence[int],
    about: Sequence[Collection[str]],
    heads: dict[str, Row],
) -> list[Row]:
    """The rows of facts at their positions; ``heads`` is brought up to date."""
    facts = [
        (position, s.originator_id, s.originator_version, s.topic, s.state)
        for position, s in zip(positions, stored, strict=True)
    ]
    links = link_facts(cast("Any", facts), about, cast("Any", heads))
    return [(*fact, own) for fact, own in zip(facts, links, strict=True)]
