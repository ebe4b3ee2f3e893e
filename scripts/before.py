"""The journal as it was before each fact of a page, so that its command can be decided again.

What the page names is read at once; facts within the page come from the page itself, which
need not be stored yet. So audits and imports judge by the same rules, with a few queries a page.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, cast

from domain.clock import Point
from domain.command import Command
from domain.draft import Acknowledgement, Draft
from domain.engine import Engine, Row
from domain.fact import Fact, FoundBy, New, Noun
from domain.grant import grant_id
from domain.installation import Rules
from domain.kept import BETWEEN, Rows
from domain.money.books import Books, fold_after
from domain.neighbours import Neighbours
from domain.nouns import BORN
from domain.past import PENDING, N
from domain.pending import Stream
from domain.permission import OPERATOR
from domain.queries import Facts
from domain.request import Request
from domain.seal import Disclosure, Said
from domain.sheet import Sheet
from domain.stored import Placed

_TABLE = re.compile(r"\b(FROM|JOIN) (stored_events|requests|found)\b(?: (f)\b)?")
_EVER = (1 << 63) - 1


def _up_to(found: re.Match[str]) -> str:
    word, table, alias = found.groups()
    return f"{word} (SELECT * FROM {table} WHERE position <= :seen) AS {alias or table}"


class _Before:
    """An engine on which queries see facts, requests and the index only up to a position."""

    def __init__(self, engine: Engine, upto: int) -> None:
        self._engine, self._upto = engine, upto

    def query(self, sql: str, /, **values: Any) -> list[Row]:
        """The rows of a query as they were at that position."""
        return self._engine.query(_TABLE.sub(_up_to, sql), seen=self._upto, **values)

    read = query_outside = query


class _Read(Placed):
    """A stored fact that is parsed only once."""

    def fact(self) -> Fact:
        known = self.__dict__.get("known")
        if known is None:
            known = self.__dict__["known"] = super().fact()
        return cast("Fact", known)

    def found_by(self) -> Sequence[FoundBy]:
        """See ``Fact.found_by``."""
        known = self.__dict__.get("found")
        if known is None:
            known = self.__dict__["found"] = self.fact().found_by()
        return cast("Sequence[FoundBy]", known)


class _Found(NamedTuple):
    """An entry of the index ``found``, for a value of a field."""

    position: int
    leads_to: str | None


class Before(Facts):
    """The facts before the one that is judged: those stored before its page, and those of the page.

    It starts before the page; ``add`` moves on by one fact.
    """

    def __init__(self, engine: Engine, first: int, page: Sequence[Placed]) -> None:
        super().__init__(cast("Engine", _Before(engine, first - 1)))
        self._end = super().latest()
        self._streams: dict[str, list[Placed]] = {}
        self._found: dict[str, dict[str, list[_Found]]] = {}
        """By value and field, because some values have very many entries in one field."""
        self._at: dict[int, Placed] = {}
        self._of_page = dict[str, list[Placed]](), dict[str, dict[str, list[_Found]]]()
        self._told: dict[str, Stream] = {}
        self._nouns: dict[str, Noun] = {}
        self.page = [_Read(*one) for one in page]
        named = {name for one in self.page for name in _named(one)}
        self._read_streams(named)
        self._read_found(named)

    def add(self, placed: _Read) -> None:
        """Go on by the next fact of the page."""
        happened = placed.fact()
        self._end = placed.point
        self._at[placed.position] = placed
        streams, found = self._of_page
        streams.setdefault(placed.originator_id, []).append(placed)
        if placed.originator_id in self._streams:
            self._streams[placed.originator_id].append(placed)
        if placed.originator_id in self._told:
            self._told[placed.originator_id].append((placed.position, happened))
            self._nouns.pop(placed.originator_id, None)
        for one in placed.found_by():
            entry = _Found(placed.position, one.leads_to)
            found.setdefault(one.value, {}).setdefault(one.field, []).append(entry)
            if one.value in self._found:
                self._found[one.value].setdefault(one.field, []).append(entry)

    def latest(self) -> Point:
        return self._end

    def streams(self, ids: Collection[str]) -> list[Placed]:
        self._read_streams(ids)
        return [placed for id in sorted(set(ids)) for placed in self._streams[id]]

    def told(self, id: str) -> Stream:
        """The facts of a stream, which may not be modified."""
        if id not in self._told:
            self._read_streams([id])
            self._told[id] = [(placed.position, placed.fact()) for placed in self._streams[id]]
        return self._told[id]

    def noun(self, id: str) -> Noun | None:
        """The noun of a stream, which may not be modified; None if the id is unknown."""
        if id not in self._nouns:
            if not (told := self.told(id)):
                return None
            self._nouns[id] = BORN[type(told[0][1])].told_by(told)
        return self._nouns[id]

    def births(self, ids: Collection[str]) -> dict[str, int]:
        self._read_streams(ids)
        return {id: stream[0].position for id in ids if (stream := self._streams[id])}

    def found(
        self,
        fields: Collection[str],
        values: Collection[str],
        upto: int | None = None,
        most: int | None = None,
    ) -> list[Placed]:
        self._read_found(values)
        upto = _EVER if upto is None else upto
        positions = {
            one.position
            for value in values
            for field in fields
            for one in self._found[value].get(field, ())
            if one.position <= upto
        }
        return self.at(positions if most is None else sorted(positions)[-most:])

    def leads(self, field: str, values: Collection[str], upto: int) -> list[tuple[str, str]]:
        return [(value, to) for value in values for to in self._leads(field, value, upto)]

    def around(
        self, field: str, values: Collection[str], upto: int, most: int, limit: int
    ) -> list[tuple[str, str | None]]:
        works, rows = list(dict.fromkeys(values)), list[tuple[str, str | None]]()
        known = set(works)
        # The loop continues over what it appends.
        for number, value in enumerate(islice(works, most)):
            if value not in self._found:
                self._read_found(works[number:most])
            leads = self._leads(field, value, upto)
            rows += [(value, to) for to in leads] or [(value, None)]
            works += [to for to in dict.fromkeys(leads) if to not in known]
            known.update(leads)
            if len(rows) >= limit:
                break
        return rows[:limit]

    def _leads(self, field: str, value: str, upto: int) -> list[str]:
        self._read_found([value])
        return [
            one.leads_to
            for one in self._found[value].get(field, ())
            if one.position <= upto and one.leads_to is not None
        ]

    def at(self, positions: Collection[int]) -> list[Placed]:
        if missing := [one for one in positions if one not in self._at]:
            self._at |= {one.position: _Read(*one) for one in super().at(missing)}
        return [self._at[one] for one in sorted(positions) if one in self._at]

    def after(self, position: int, limit: int, topics: Collection[str] = ()) -> list[Placed]:
        stored = super().after(position, limit, topics)
        here = (
            one
            for one in self.page
            if position < one.position <= self._end.position and (not topics or one.topic in topics)
        )
        return [*stored, *here][:limit]

    def requests(self, targets: Collection[str]) -> list[Request]:
        return []  # what was recorded was not a repetition

    def request_under(self, key: str) -> Request | None:
        return None

    # -- reading ---------------------------------------------------------------------------

    def _read_streams(self, ids: Collection[str]) -> None:
        if not (missing := [id for id in ids if id not in self._streams]):
            return
        self._streams |= {id: [] for id in missing}
        for placed in super().streams(missing):
            self._streams[placed.originator_id].append(_Read(*placed))
        for id in missing:
            self._streams[id] += self._of_page[0].get(id, ())

    def _read_found(self, values: Collection[str]) -> None:
        if not (missing := [value for value in values if value not in self._found]):
            return
        self._found |= {value: {} for value in missing}
        sql = "SELECT value, field, position, leads_to FROM found WHERE value IN :values"
        for value, field, *rest in self.engine.query(sql, values=missing):
            self._found[value].setdefault(field, []).append(_Found(*rest))
        for value in missing:
            for field, entries in self._of_page[1].get(value, {}).items():
                self._found[value].setdefault(field, []).extend(entries)


def _named(placed: _Read) -> Iterator[str]:
    """The ids that a fact names, and those of its possible senders."""
    happened = placed.fact()
    yield placed.originator_id
    yield from happened.touches()
    yield from (one.value for one in placed.found_by())
    if happened.actor != OPERATOR:
        yield from (happened.actor, grant_id(happened.actor, "auditor"))


class Ledger:
    """The rows of the books at an earlier position, which only ever moves forward."""

    def __init__(self) -> None:
        self.position = 0
        self.rows: dict[str, str] = {}
        self.groups: defaultdict[str, dict[str, None]] = defaultdict(dict)
        """By prefix: the keys of the rows."""

    def books(self, facts: Before) -> Books:
        """The books before the fact that is judged; changes to them are not kept."""
        folded, head = self._opened(), facts.head()
        fold_after(folded, facts, head)
        for key, value in folded.changes().items():
            first, name, *_ = key.split(BETWEEN)
            group = self.groups[f"{first}{BETWEEN}{name}{BETWEEN}"]
            if value is not None:
                self.rows[key], group[key] = value, None
            elif self.rows.pop(key, None) is not None:
                del group[key]
        self.position = head
        return self._opened()

    def _opened(self) -> Books:
        books = Books(_Held(self))
        books.position = self.position
        return books


class _Held(Rows):
    """Rows held in memory instead of a database."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(lambda *_, **__: [])
        self._ledger = ledger

    def every(self) -> list[str]:
        self._texts.update(self._ledger.rows)
        return list(self._ledger.rows)

    def _rows(self, keys: Collection[str], groups: Collection[str]) -> list[Row]:
        rows = self._ledger.rows
        exact = [(key, rows[key], -1) for key in keys if key in rows]
        every = ((number, self._ledger.groups.get(one, ())) for number, one in enumerate(groups))
        return [*exact, *((key, rows[key], number) for number, group in every for key in group)]


class Earlier:
    """A journal at an earlier position: its facts and its books."""

    def __init__(self, facts: Before, ledger: Ledger) -> None:
        self.facts, self.near, self.ledger = facts, Neighbours(facts), ledger

    def add(self, placed: _Read) -> None:
        """Go on by the next fact of the page."""
        self.facts.add(placed)
        self.near.add(placed.fact())
        self.near.recorded([placed.position])


class Unsealed(Sheet):
    """A sheet without commitments: those of the fact that it is compared with have other salts."""

    def _texts(self, new: New) -> dict[str, str]:
        for name, value in new.content.items():
            if isinstance(value, Said):
                self.disclosures.append(Disclosure("", value.owner, name, "", value.value))
            elif value is not None and name in new.kind.SEALED:
                self.disclosures.append(Disclosure("", self.actor, name, "", value))
        return {}


class Deciding(Draft):
    """A draft in which a recorded command is decided again; nothing of it is ever recorded.

    So it can share what it reads with the drafts for later facts.
    """

    SHEET = Unsealed
    is_claim = False
    """Whether the fact states that it waits for somebody's agreement, and so did not count."""

    def __init__(self, earlier: Earlier, now: datetime) -> None:
        super().__init__(earlier.facts, Rules(), now, near=earlier.near, is_vouched_for=True)
        self._earlier = earlier

    def prefetch(self, ids: Collection[str]) -> None:
        """Do nothing: what a page names was read at once."""

    def stream(self, id: str) -> Stream:
        return self._streams[id] if id in self._streams else self._earlier.facts.told(id)

    def get(self, kind: type[N], id: str) -> N:
        noun = self._earlier.facts.noun(id)
        if not isinstance(noun, kind):
            raise kind.UNKNOWN(id)
        return noun

    def _opened_books(self) -> Books:
        return self._earlier.ledger.books(self._earlier.facts)

    def _must_be_able(self, command: Command) -> None:
        super()._must_be_able(command)
        self.counts &= not self.is_claim

    def _known(self, *_: object) -> None:
        """Find no earlier request: it would be the one that is decided again."""

    def _take(self, command: Command, key: str | None) -> Acknowledgement:
        self._must_be_known(self._sheet)
        self.facts += self._sheet.facts
        return Acknowledgement(self.id, PENDING)
