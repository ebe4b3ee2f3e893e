"""Appends: facts that are recorded together, and the transaction in which that is done.

Several appends share a transaction, and so its lock and the wait for the disk. Each has its own
condition, and one that is refused leaves nothing behind: its rows are not written at all. What
only the database can refuse ends the transaction; then each is recorded in one of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, cast

from eventsourcing.persistence import StoredEvent

from domain.chain import link_facts
from domain.clock import START, Point, in_order, stamp_of
from domain.condition import Condition, Spent
from domain.engine import Overtaken, Row, Table, Transaction
from domain.fact import Fact, FoundBy, read_fact
from domain.heads import Basis, read_heads
from domain.lately import MOST_FACTS, Group, Since
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
    basis: Basis | None = None
    """What it was decided on, if that need not be read again unless others were faster."""

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
        if self.basis is None or not self.is_plain:
            return False
        told = self.born.union(self.basis.heads)
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

    def __init__(self, transaction: Transaction, appends: Sequence[Append], since: Since) -> None:
        self._transaction, self._appends, self._since = transaction, appends, since
        self._end, self._heads = since.end, {**since.heads}
        self._rows: defaultdict[Table, list[Row]] = defaultdict(list)
        self._taken: list[Append] = []
        self._unique: set[object] = set()
        """What nobody else may have."""
        self._linked: set[str] = set()
        """The subjects of the facts taken so far."""
        self._facts: list[tuple[int, Fact]] = []
        self._recorded: dict[str, list[tuple[int, Fact]]] = {}
        """What was recorded since these were decided, by topic, with what was taken."""
        self._happened(since.facts)
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
        unique = append.unique if len(self._appends) > 1 else set()
        if not self._unique.isdisjoint(unique):
            raise Overtaken("its place was taken")
        if (condition := append.condition) is not None:
            if condition.after not in self._since.points:
                raise Overtaken("what it was decided on")
            condition.must_hold(self._recorded)
            condition.must_be_in_time(self._end.stamp)
            condition.must_be_unspent(partial(self._count, condition.after))
        # Under the lock the greatest position is final, so the next ones have no gaps.
        first, stored = self._end.position + 1, append.stored
        positions = append.positions or range(first, first + len(stored))
        if positions[0] != first:
            raise Overtaken("the position before is not the last one")
        if append.positions is None:
            stored = list(in_order(stored, self._end.stamp))
        if append.keeping is not None:
            append.keeping(self._transaction, positions, as_recorded(append, stored))
        rows = self._rows
        rows[FACTS] += linked(stored, positions, append.about, self._heads)
        rows[VAULT] += map(vault_row, append.disclosures)
        rows[REQUESTS] += request_rows(append.requests, positions)
        rows[FURTHER_KEYS] += further_rows(append.requests, positions)
        rows[FOUND] += found_rows(append.found, positions)
        rows[SPENT] += spent_rows(append.spent, stored, positions)
        self._linked.update(chain.from_iterable(append.about))
        self._unique |= unique
        facts = [*zip(positions, append.facts, strict=True)]
        self._facts += facts
        self._happened(facts)
        self._end = Point(positions[-1], stamp_of(stored[-1].state))
        self._taken.append(append)
        return positions

    def group(self) -> Group:
        """What was taken."""
        heads = {subject: self._heads[subject] for subject in self._linked}
        rows = self._rows
        return Group(self._since.end, self._end, heads, self._facts, rows[SPENT], rows[FACTS])

    def _write(self) -> None:
        """Write all that was taken."""
        heads = [(subject, *self._heads[subject]) for subject in self._linked]
        rows = {FACTS: [], HEADS: heads, **self._rows}
        rows = {table: found for table, found in rows.items() if found}
        if any(append.is_alone for append in self._taken):
            self._transaction.insert_all(rows)
        else:
            self._transaction.end_with(rows)
        for append in self._taken:
            if append.erased:
                self._transaction.erase("vault", "digest", append.erased)
            if append.condition is not None:
                append.condition.must_be_empty(self._left)
                self._forget(append.condition.emptied)

    def _forget(self, people: Collection[str]) -> None:
        """Erase what is kept of people outside the facts."""
        for table in PERSONAL if people else ():
            self._transaction.erase(table, "holder", people)

    def _happened(self, facts: Iterable[tuple[int, Fact]]) -> None:
        for one in facts:
            self._recorded.setdefault(one[1].TOPIC, []).append(one)

    def _count(self, after: Point, one: Spent) -> int:
        """How often accounts have counted toward a quota, given how often they had at a point."""
        rows = (*self._since.spent, *self._rows[SPENT])
        return one.times + sum(one.counts(*row[:3]) for row in rows if row[3] > after.position)

    def _left(self, owners: Collection[str]) -> int:
        sql = f"SELECT count(*) FROM vault WHERE {OWNED}"
        return int(self._transaction.query(sql, owners=list(owners))[0][0])


def read_since(transaction: Transaction, appends: Sequence[Append]) -> Since:
    """What was recorded since appends were decided, read within the transaction that records them.

    What was decided on memories from too long ago counts as decided on another journal.
    """
    about = chain.from_iterable(chain.from_iterable(one.about for one in appends))
    born = {id for one in appends for id in one.born}
    end, heads = read_heads(transaction, {*about} - born)
    conditions = [one.condition for one in appends if not _is_old(one.basis, end)]
    decided = [one for one in conditions if one is not None]
    earlier = [one for one in decided if one.after != end]
    if not earlier:
        return Since([end], end, heads)
    points, after = {START, end}, min(one.after.position for one in earlier)
    facts: list[tuple[int, Fact]] = []
    for position, id, version, topic, state in transaction.query(
        "SELECT position, originator_id, originator_version, topic, state FROM stored_events "
        "WHERE position >= :after AND (position IN :points OR topic IN :topics)",
        after=after,
        points=[one.after.position for one in earlier],
        topics=sorted({topic for one in earlier for topic in one.watched}),
    ):
        points.add(Point(position, stamp_of(state)))
        facts.append((position, read_fact(id, version, topic, state)))
    counts = [spent for one in earlier for spent in one.spent]
    return Since(points, end, heads, facts, _spent_after(transaction, after, counts))


def _is_old(basis: Basis | None, end: Point) -> bool:
    """Whether too much was recorded since to read it all."""
    if basis is None or not basis.is_remembered:
        return False
    return end.position - basis.point.position > MOST_FACTS


def _spent_after(transaction: Transaction, after: int, counts: Sequence[Spent]) -> list[Row]:
    """The rows after a position of what counts toward these quotas."""
    if not counts:
        return []
    return transaction.query(
        "SELECT actor, quota, at, position FROM spent WHERE actor IN :accounts "
        "AND quota IN :quotas AND at > :since AND position > :after",
        accounts=sorted({account for one in counts for account in one.accounts}),
        quotas=sorted({one.quota for one in counts}),
        since=min(one.since for one in counts),
        after=after,
    )


def as_recorded(append: Append, stored: Sequence[StoredEvent]) -> Sequence[Fact]:
    """The facts as stored: one stamped before the latest fact takes over its time."""
    if all(one is decided for one, decided in zip(stored, append.stored, strict=True)):
        return append.facts
    return [
        read_fact(str(one.originator_id), one.originator_version, one.topic, one.state)
        for one in stored
    ]


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
