"""The store of read tables: their generations, and views of them as known at a position.

In SQL, ``@works`` names a read table of the view's generation; otherwise queries are written as for
any engine (see domain.engine). One file, because a store makes views, and both read its state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar, cast

from domain.cached import cached_property
from domain.clock import STAMP
from domain.engine import (
    LISTS,
    PLANNED_ONCE,
    DatabaseUnavailable,
    Engine,
    RebuildNeeded,
    Row,
    Table,
    Transaction,
)
from projections.arrivals import Arrivals
from projections.memory import Memory, Moment, Moments
from projections.pages import LIMIT, cut, decode_cursor

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

WAIT_SECONDS = 2.0
"""How long a read waits for the projections to reach the position it asked for."""


class Behind(Exception):
    """The projections have not reached the requested position yet."""

    def __init__(self, asked: int, position: int) -> None:
        super().__init__(f"The projections have read up to {position}, not {asked} yet.")
        self.asked, self.position = asked, position


class Generation(NamedTuple):
    """The read tables in use, and how far they have been folded."""

    number: int
    position: int


class State(NamedTuple):
    """What every answer depends on: how far the tables are folded, and the latest fact.

    The fact matters because texts are stored and erased with it, before the tables reflect it.
    """

    at: Generation
    layout: str
    folded: int
    """The sum of all projections' positions; it changes whenever one of them advances."""
    latest: Row
    """The position, the stream and the time of the latest fact."""


_TABLE = re.compile(r"@([a-z]+)")
_STATE = (
    "SELECT p.generation, p.least, p.folded, f.position, f.id, f.stamp FROM ("
    "SELECT max(generation) AS generation, min(position) AS least, "
    "CAST(sum(position) AS BIGINT) AS folded FROM projections WHERE current = 1) p "
    f"LEFT JOIN (SELECT position, originator_id AS id, {STAMP} AS stamp "
    "FROM stored_events ORDER BY position DESC LIMIT 1) f ON 1 = 1 WHERE p.generation IS NOT NULL"
)

PROJECTIONS = Table(
    "projections",
    {"name": "TEXT", "generation": "BIGINT", "position": "BIGINT", "current": "BIGINT"},
    keys=(("name", "generation"),),
    in_backups=False,
)
"""How far each projection has read in each generation."""
LAYOUTS = Table(
    "layouts",
    {"name": "TEXT", "version": "TEXT"},
    keys=(("name",),),
    on_conflict="(name) DO UPDATE SET version = excluded.version",
    in_backups=False,
)
"""The layout versions of the permanent tables, and of each generation's read tables."""


def table_name(table: str, generation: int) -> str:
    """The name of a read table in one generation."""
    return f"read_{generation}_{table}"


class Store:
    """The read tables of one database."""

    def __init__(self, engine: Engine, version: str = "") -> None:
        self.engine, self.version = engine, version
        """``version`` is the layout of read tables that it must find; empty if any will do."""
        self._known: set[int] = set()
        """Generations already found to have this version."""
        self._memory: tuple[Hashable, Memory[object]] = (None, Memory())
        """What views have read, and from which server."""
        self._moments = Moments[State]()
        self._arrivals = Arrivals(lambda: self.current().position)
        self.has_folded = self._arrivals.arrive
        self.awaited: Callable[[], int] = lambda: 0
        """The position that every read waits for: the last that this process has acknowledged."""

    def writing(self) -> AbstractContextManager[Transaction]:
        """A transaction on the read tables; not durable, because they can be folded again."""
        return self.engine.transaction(durable=False)

    def current(self) -> Generation:
        """The read tables in use, and how far all of them have been folded."""
        state = self.state()
        return Generation(0, 0) if state is None else state.at

    def state(self) -> State | None:
        """The current state; None while there are no read tables."""
        return self._state_in(self.engine.read(_STATE))

    def _state_in(self, rows: list[Row]) -> State | None:
        for number, position, folded, *latest in rows:
            self._must_be_known(number)
            return State(Generation(number, position), self.version, folded, tuple(latest))
        return None

    def _must_be_known(self, generation: int) -> None:
        """Raise RebuildNeeded for read tables of another version, before they are misread."""
        if not self.version or generation in self._known:
            return
        sql = "SELECT version FROM layouts WHERE name = :name"
        rows = self.engine.read(sql, name=table_name("", generation))
        version = rows[0][0] if rows else "none"
        if version != self.version:
            raise RebuildNeeded(f"their layout is {version}, not {self.version}")
        self._known.add(generation)

    def positions(self) -> dict[str, int]:
        """How far each projection has read."""
        return dict(self.engine.query("SELECT name, position FROM projections WHERE current = 1"))

    def left_behind(self) -> list[int]:
        """The generations not in use: of a rebuild that is still running or was interrupted."""
        sql = "SELECT DISTINCT generation FROM projections WHERE current = 0"
        return [number for (number,) in self.engine.query(sql)]

    @contextmanager
    def view(
        self,
        as_of: int | None = None,
        min_position: int | None = None,
        wait: Callable[[int, Future[None]], None] | None = None,
        wait_seconds: float = WAIT_SECONDS,
        *,
        by_itself: bool = False,
    ) -> Iterator[View]:
        """A view as of a position: the one asked for, or else the latest folded.

        Raises Behind if the projections do not reach ``as_of`` and ``min_position`` in time. It
        also waits, more briefly, for what this process has acknowledged, but does not insist on
        it. ``wait`` receives the position and its future, and returns when the wait is over;
        without it, the thread blocks. ``by_itself`` says that nothing but the view is read within
        the block: then the state is read in one message with the first query.
        """
        asked = max(as_of or 0, min_position or 0)
        least = max(asked, self.awaited())
        if by_itself and (likely := self._likely(least, as_of)):
            with self.engine.reading():
                look = partial(self._look, asked, as_of)
                yield View(self.engine, likely, self._memory_of_server(), look)
            return
        with ExitStack() as held:
            try:
                state = held.enter_context(self.engine.choosing(partial(self._found, least)))
                held.enter_context(self.engine.reading())
                state = state or self.state()
                if _position(state) < least:
                    held.close()  # no connection is held while waiting
                    state = self._waited_for(state, asked, wait_seconds, wait)
                    held.enter_context(self.engine.reading())
            except DatabaseUnavailable:
                # Nobody folds what was acknowledged last, so a replica answers with what it has.
                held.close()
                state = held.enter_context(self.engine.choosing(partial(self._found, asked)))
                if state is None:
                    raise
            yield View(self.engine, self._place(state, as_of), self._memory_of_server())

    def remembered(self, key: Hashable) -> object | None:
        """What was kept under a key in the latest moment, if it is still that moment.

        None also if a read would have to wait, for what this process has acknowledged.
        """
        state, moment = self._moments.latest
        kept, least = moment.get(key), self.awaited()
        if kept is None:
            return None
        try:
            with self.engine.choosing(partial(self._found, least)) as found:
                now = found or self.state()
        except DatabaseUnavailable:  # a view may still do without what was acknowledged
            return None
        return kept if now == state and _position(now) >= least else None

    def _likely(self, least: int, as_of: int | None) -> Viewpoint | None:
        """Where a view will be unless the state has changed; None if it has to look first."""
        state, moment = self._moments.latest
        is_likely = state is not None and state.at.position >= least
        return _place(state, as_of, moment) if is_likely and not self.engine.replicas() else None

    def _look(self, asked: int, as_of: int | None, rows: list[Row]) -> Viewpoint:
        """Where a view is, by the rows of its state; raises Behind if that has gone back."""
        state = self._state_in(rows)
        if _position(state) < asked:
            raise Behind(asked, _position(state))
        return self._place(state, as_of)

    def _waited_for(
        self,
        state: State | None,
        asked: int,
        seconds: float,
        wait: Callable[[int, Future[None]], None] | None,
    ) -> State | None:
        for position, most in ((asked, seconds), (self.awaited(), seconds / 4)):
            if _position(state) < position:
                reached = self._arrivals.expect(position, most)
                reached.result() if wait is None else wait(position, reached)
                state = self.state()
            if _position(state) < asked:
                raise Behind(asked, _position(state))
        return state

    def _memory_of_server(self) -> Memory[object]:
        """What was read from the present server; another one may lack facts of the former."""
        server, memory = self._memory
        if server != self.engine.server:
            memory = Memory()
            self._memory = self.engine.server, memory
        return memory

    def _place(self, state: State | None, as_of: int | None) -> Viewpoint:
        return _place(state, as_of, self._moments.of(state))

    def _found(self, least: int) -> State | None:
        """The state of a replica, if it has reached this position."""
        state = self.state()
        return state if state is not None and state.at.position >= least else None


def _position(state: State | None) -> int:
    return 0 if state is None else state.at.position


class Viewpoint(NamedTuple):
    """Where a view looks, and what it shares with other views there."""

    generation: int
    as_of: int
    state: State | None = None
    """What answers depend on besides the position and the question."""
    moment: Moment | None = None
    """What other views have read in the same state."""


def _place(state: State | None, as_of: int | None, moment: Moment) -> Viewpoint:
    number, latest = (0, 0) if state is None else state.at
    return Viewpoint(number, latest if as_of is None else min(as_of, latest), state, moment)


class View:
    """The read tables as known at one journal position, for answering questions."""

    def __init__(
        self,
        engine: Engine,
        place: Viewpoint,
        memory: Memory[object] | None = None,
        look: Callable[[list[Row]], Viewpoint] | None = None,
    ) -> None:
        """With ``look``, the place is only likely, until that gets the rows of the state."""
        self.engine, self._place, self._look = engine, place, look
        self.memory = Memory[object]() if memory is None else memory
        """What other views have read; each entry knows at which positions it is valid."""
        self._known: dict[Hashable, dict[Any, Any]] = {}
        self._waiting: list[tuple[Deferred, tuple[str, dict[str, Any]]]] = []

    @property
    def place(self) -> Viewpoint:
        """Where it looks."""
        if self._look is not None:
            self._ask()
        return self._place

    @property
    def likely(self) -> Viewpoint:
        """Where it looks unless the state has changed."""
        return self._place

    @property
    def generation(self) -> int:
        """The generation of the read tables."""
        return self.place.generation

    @property
    def as_of(self) -> int:
        """The position."""
        return self.place.as_of

    @property
    def state(self) -> State | None:
        """What answers depend on besides the position and the question."""
        return self.place.state

    @cached_property
    def moment(self) -> Moment:
        """What other views have read in the same state."""
        return self.place.moment or Moment()

    @property
    def is_latest(self) -> bool:
        """Whether its position is the latest that the read tables have reached."""
        state = self.state
        return state is not None and self.as_of == state.at.position

    def rows(self, sql: str, /, **values: Any) -> list[Row]:
        """The rows of a query; ``:as_of`` is this view's position."""
        if self._waiting or self._look is not None:
            return self.later(sql, **values).found
        return self.engine.read_all([self._here((sql, values))])[0]

    def rows_for(self, sql: str, /, **values: Any) -> list[Row]:
        """Like ``rows``, for a query that finds nothing if a list is empty: then it is not sent."""
        is_for_none = any(isinstance(one, LISTS) and not one for one in values.values())
        return [] if is_for_none else self.rows(sql, **values)

    def later(self, sql: str, /, **values: Any) -> Deferred:
        """Like ``rows``, but deferred: all such queries are sent together once one is needed."""
        later = Deferred(self._ask)
        self._waiting.append((later, (sql, values)))
        return later

    def _ask(self) -> None:
        waiting, self._waiting = self._waiting, []
        found = self._found([asked for _, asked in waiting])
        for (later, _), rows in zip(waiting, found, strict=True):
            later.found = rows

    def _found(self, asked: list[tuple[str, dict[str, Any]]]) -> list[list[Row]]:
        """The rows of each query, at the right place: where the state was not as likely, again."""
        if (look := self._look) is None:
            return self.engine.read_all([*map(self._here, asked)])
        state, found = list[Row](), list[list[Row]]()
        try:
            state, *found = self.engine.read_all([(_STATE, {}), *map(self._here, asked)])
        except RebuildNeeded:  # these tables may have been replaced
            state = self.engine.read(_STATE)
        place, likely = look(state), self._place
        self._place, self._look = place, None
        again = len(found) < len(asked) or place[:2] != likely[:2]
        return self._found(asked) if again and asked else found

    def _here(self, asked: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
        """A query of the tables of this place."""
        sql, values = asked
        return with_tables(sql, self._place.generation), {**values, "as_of": self._place.as_of}

    def one(self, sql: str, /, **values: Any) -> Row | None:
        """The first row of a query, if there is one."""
        rows = self.rows(sql, **values)
        return rows[0] if rows else None

    def page(
        self,
        sql: str,
        after: str | None = None,
        limit: int = LIMIT,
        *,
        first: int = 0,
        at: int = -1,
        **values: Any,
    ) -> tuple[Sequence[Row], str | None]:
        """A page of a query's rows, and the cursor of the page after it.

        The query orders its rows by the number in the column ``at`` and returns those beyond
        ``:beyond``, which is ``first`` on the first page.
        """
        (beyond,) = decode_cursor(after, int) or [first]
        found = self.rows(f"{sql} LIMIT :limit", beyond=beyond, limit=limit + 1, **values)
        return cut(found, limit, lambda row: (row[at],))

    def ranked(
        self,
        sql: str,
        tied: type = int,
        also: Iterable[Row] = (),
        /,
        after: str | None = None,
        limit: int = LIMIT,
        **values: Any,
    ) -> tuple[Sequence[Row], str | None]:
        """A page ordered by the last two columns: ``ranked`` descending, then ``tied`` ascending.

        The parameter ``tied`` is the type of that column; ``also`` are rows to add to the query's.
        """
        beyond = ""
        if place := decode_cursor(after, int, tied):
            beyond = "WHERE q.ranked < :ranked OR (q.ranked = :ranked AND q.tied > :tied) "
            values["ranked"], values["tied"] = place
        sql = f"SELECT * FROM ({sql}) q {beyond}ORDER BY q.ranked DESC, q.tied LIMIT :most"
        found = [*also, *self.rows(sql, most=limit + 1, **values)]
        found = [row for row in found if not place or _rank(row) > _rank(place)]
        return cut(sorted(found, key=_rank), limit, lambda row: row[-2:])

    def known(self, name: Hashable) -> dict[Any, Any]:
        """What was read in this view and may be needed again before it ends, by name and key."""
        return self._known.setdefault(name, {})

    def looked_up(
        self, name: Hashable, keys: Iterable[K], read: Callable[[list[K]], Mapping[K, T]]
    ) -> dict[K, T]:
        """What is known under a name for these keys; ``read`` is asked for those not known yet.

        Those for which it has nothing are left out.
        """
        wanted, known = dict.fromkeys(keys), self.known(name)
        if left := [key for key in wanted if key not in known]:
            known |= read(left)
        return {key: known[key] for key in wanted if key in known}

    def texts(self, digests: set[str | None]) -> dict[str | None, str]:
        """The texts behind commitments, by digest, without those that were erased."""
        wanted = sorted(digest for digest in digests if digest)
        sql = f"{PLANNED_ONCE}SELECT digest, value FROM vault WHERE digest IN :wanted"
        return Texts(self.rows(sql, wanted=wanted)) if wanted else Texts()

    def numbers(self, table: str, ids: Iterable[str]) -> dict[str, int]:
        """The numbers of the rows with these ids in a read table; unknown ids are left out."""
        return dict(self.rows_for(_NUMBERS.format(table), ids=sorted(ids)))

    def numbers_in(self, tables: Iterable[str], ids: Iterable[str]) -> list[dict[str, int]]:
        """The same in each of several tables, asked for in one message."""
        wanted = sorted(ids)
        found = [self.later(_NUMBERS.format(one), ids=wanted) for one in tables if wanted]
        return [dict(rows) for rows in found] or [{} for _ in tables]

    def ids(self, table: str, numbers: Iterable[int]) -> dict[int, str]:
        """The ids of the rows with these numbers in a read table, by number."""
        sql = f"SELECT t.number, t.id FROM @{table} t WHERE t.number IN :numbers AND {holds('t')}"
        return dict(self.rows_for(PLANNED_ONCE + sql, numbers=list(numbers)))

    def at(self, as_of: int) -> View:
        """This view as of an earlier position."""
        earlier = self.place._replace(as_of=min(as_of, self.as_of), moment=self.moment)
        return View(self.engine, earlier, self.memory)

    def now(self) -> View:
        """This view as of the latest position, whatever its own."""
        latest = self.as_of if self.state is None else self.state.at.position
        return View(self.engine, self.place._replace(as_of=latest, moment=self.moment), self.memory)


class Deferred(Sequence[Row]):
    """The rows of a deferred query; they must be read while its view is open."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask

    @cached_property
    def found(self) -> list[Row]:
        """The rows, fetched on first use together with every other deferred query."""
        self._ask()
        rows: list[Row] = self.__dict__["found"]
        return rows

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, place: Any) -> Any:
        return self.found[place]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.found)


class Texts(dict[str | None, str]):
    """Texts by the digests of their commitments; None for one that was erased."""

    def __missing__(self, digest: str | None) -> Any:
        return None


def told_rows(kind: type[T], rows: Iterable[Sequence[Any]], /, **of: Mapping[Any, Any]) -> list[T]:
    """Rows as answers: a value for each field of the kind, in its order.

    The value of a field named in ``of`` is looked up there: a text by digest, a person by id.
    """
    names = kind.__annotations__

    def found(name: str, value: Any) -> Any:
        return value if value is None or name not in of else of[name][value]

    return [
        cast("T", {name: found(name, value) for name, value in zip(names, row, strict=True)})
        for row in rows
    ]


def told_of(kind: type[T], one: object, /, **further: Any) -> T:
    """An object as an answer: each field is taken from ``further`` or else from its attributes."""
    names = kind.__annotations__
    assert further.keys() <= names.keys(), further.keys() - names.keys()
    told = {name: further[name] if name in further else getattr(one, name) for name in names}
    return cast("T", told)


def wanted(filters: Mapping[str, Any], *always: str) -> tuple[str, dict[str, Any]]:
    """The conditions, such as ``x.kind = :kind``, that have a value or hold ``always``, joined.

    And the values by name.
    """
    set_ = {condition: value for condition, value in filters.items() if value is not None}
    values = {condition.rpartition(":")[2]: value for condition, value in set_.items()}
    return " AND ".join([*always, *set_]), values


def _rank(row: Sequence[Any]) -> tuple[int, Any]:
    return -row[-2], row[-1]


def holds(alias: str) -> str:
    """The condition that a versioned row is valid at the view's position."""
    return f"{alias}.since <= :as_of AND {alias}.until > :as_of"


def counting(alias: str, not_counted: Iterable[str]) -> str:
    """The condition that a row is in none of the states in which it does not count."""
    return f"{alias}.state NOT IN ({', '.join(repr(state) for state in not_counted)})"


_NUMBERS = f"{PLANNED_ONCE}SELECT t.id, t.number FROM @{{}} t WHERE t.id IN :ids AND {holds('t')}"


@lru_cache(maxsize=1024)
def with_tables(sql: str, generation: int) -> str:
    """SQL with the names of one generation's read tables."""
    return _TABLE.sub(lambda match: table_name(match[1], generation), sql)
