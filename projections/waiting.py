"""What waits for somebody, as rows of every kind, read from the open asks, credits and shares.

People are asked as themselves, for the works and pools they decide about, or in a role.

One file, because it is one query and its parts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from domain.claim import CONTRIBUTOR, PENDING
from domain.engine import PLANNED_ONCE, Row
from domain.identity import part_id
from domain.journal import Journal
from domain.known import Known
from domain.membership import Membership
from domain.moment import instant
from domain.money.proposal import Proposal
from domain.permission import OPERATOR
from domain.stated import MOST_PARTS
from projections import asks, contributors, groups
from projections.asks import NEVER_DUE
from projections.finding import CREDIT_COUNTS
from projections.money import balances
from projections.money.pools.accounts import pool_named
from projections.money.waiting import to_confirm
from projections.nouns import noun_at
from projections.store import View, counting, holds
from projections.tables import NEVER

MOST_COUNTED = 1_000
"""Items are counted up to this number."""
BESIDE = 8
"""The most asks that one fact opens."""
MOST_GIVEN = 200
"""For so many proposals, the time from which each can be final is read from its facts; the others
are judged by their rows alone."""
MOST_REVIEWED = 20
"""For so many, the latest revised, the inbox of those with a share says that they can comment."""


class Waiting(NamedTuple):
    """An item: everything of one kind that waits about one noun."""

    kind: str
    about: str
    """The kind of noun it is about: a credit, a proposal …"""
    noun: str
    """The id of that noun."""
    born: int
    due: str
    work: int | None
    """The number of the work that it is about."""
    who: str
    """Who asked."""
    says: str | None
    currency: str | None
    amount: int | None
    several: int
    """How many asks it combines."""

    @property
    def deadline(self) -> str | None:
        """When it is due, if ever."""
        return None if self.due == NEVER_DUE else self.due


Doubted = Sequence[tuple[str, str, int]]
"""Shares that depend on something found false: the agreement, the payee, and the position at which
it was found false."""


@dataclass(frozen=True)
class Addressee:
    """Somebody who is asked: their accounts, the works and pools they decide about, their roles."""

    now: str
    is_operator: bool
    own: Sequence[int] = ()
    """The numbers of their accounts."""
    ids: Sequence[str] = ()
    """The ids of their accounts."""
    payees: Sequence[str] = ()
    """The payees as which they are paid."""
    works: Sequence[str] = ()
    """Works of which they were made producers."""
    pools: Sequence[str] = ()
    roles: Collection[str] = ()
    authored: Sequence[int] = ()
    """Works posted with a credit of theirs that have a disputed edge: they may answer, too."""
    doubted: Doubted = ()
    """Those of the shares they decide about."""

    @classmethod
    def of(cls, view: View, journal: Journal, actor: str) -> Addressee:
        """An actor, with what they have and decide about as of the view's position."""
        now = instant(journal.clock())
        if actor == OPERATOR:
            doubted = to_confirm(view, journal, f"({_OF_HOUSE} OR {_OF_POSTER})")
            return cls(now, is_operator=True, doubted=doubted)
        own = contributors.accounts(view, actor)
        ids = sorted(view.ids("contributors", own).values())
        grants = Known(journal.facts, view.as_of).grants("contributor", ids)
        works = [one.work for one in grants if one.work]
        pools = [one.pool for one in grants if one.pool]
        speaks = {"ids": ids, "produced": works, "own": own, "pools": pools}
        authored = view.later(_AUTHORED, own=own)  # sent along with the next query
        payees = balances.payees_for(view, ids)
        return cls(
            now,
            is_operator=False,
            own=own,
            ids=ids,
            payees=payees,
            works=works,
            pools=pools,
            roles={one.role for one in grants},
            authored=_authored(authored),
            doubted=_of_others(
                view, journal, own, [*ids, *payees], to_confirm(view, journal, _OF_THEIRS, **speaks)
            ),
        )

    @property
    def _values(self) -> dict[str, Any]:
        return {
            "now": self.now,
            "own": list(self.own),
            "ids": list(self.ids),
            "payees": list(self.payees),
            "produced": list(self.works),
            "pools": list(self.pools),
            "authored": list(self.authored),
        }

    @property
    def _parts(self) -> list[str]:
        if self.is_operator:
            return [*_OF_OPERATOR, _DOUBTED, _BOOKS]
        parts = [*_OF_PERSON, _DOUBTED]
        parts += [_OF_POOLS] if self.pools else []
        parts += _OF_JUDGE if "moderator" in self.roles else []
        return parts + ([_BOOKS] if "accountant" in self.roles else [])

    def _rows(
        self,
        view: View,
        select: str,
        rest: str,
        final: Sequence[tuple[str, str]] = (),
        **asked: Any,
    ) -> list[Any]:
        """Select from everything that waits for them; ``final`` says from when proposals can be
        final."""
        tables, values = [] if self.is_operator else [_MINE], dict[str, Any]()
        for name, columns, known in (
            ("final", {"noun": "TEXT", "due": "TEXT"}, final),
            ("doubted", {"proposal": "TEXT", "payee": "TEXT", "born": "BIGINT"}, self.doubted),
        ):
            table, said = _given(name, columns, known)
            tables, values = [*tables, table], values | said
        every = f"WITH {', '.join(tables)} {select} FROM ({' UNION '.join(self._parts)}) AS every"
        return view.rows(f"{PLANNED_ONCE}{every} {rest}", **self._values, **values, **asked)

    def count(self, view: View, journal: Journal) -> int:
        """How many items wait for them, counted up to MOST_COUNTED."""
        select = "SELECT count(*) FROM (SELECT DISTINCT kind, noun"
        first: dict[str, Any] = {"due": "", "born": 0, "most": MOST_COUNTED}
        final = _final_from(view, journal, self._shared(view))
        (found,) = self._rows(view, select, ") AS waiting", final, **first)
        return min(int(found[0]), MOST_COUNTED)

    def _shared(self, view: View) -> set[str]:
        """The proposals with a share of theirs whose window has closed."""
        rows = view.rows(_CLOSED, now=self.now, payees=list(self.payees), most=MOST_REVIEWED)
        return {id for id, _ in rows}

    def _decided(self, view: View) -> set[str]:
        """Those that they decide about."""
        rows = self._rows(
            view,
            "SELECT DISTINCT noun",
            "WHERE kind = 'finalise' ORDER BY noun LIMIT :limit",
            due="",
            born=0,
            most=MOST_GIVEN,
            limit=MOST_GIVEN,
        )
        return {id for (id,) in rows}

    def rows(
        self,
        view: View,
        journal: Journal,
        kinds: Sequence[str],
        place: Sequence[Any] | None,
        limit: int,
    ) -> list[Waiting]:
        """The items of these kinds beyond a place, the most urgent first."""
        due, born, kind, noun = place or ("", 0, "", "")
        closed = self._shared(view) | self._decided(view)
        rows = self._rows(
            view,
            _GROUPED,
            "WHERE kind IN :kinds GROUP BY kind, noun) AS waiting "
            "WHERE (due, born, kind, noun) > (:due, :born, :kind, :noun) "
            "ORDER BY due, born, kind, noun LIMIT :limit",
            _final_from(view, journal, closed),
            kinds=list(kinds),
            due=due,
            born=born,
            kind=kind,
            noun=noun,
            limit=limit,
            most=limit + BESIDE,
        )
        return [Waiting(*row) for row in rows]


def _final_from(view: View, journal: Journal, ids: Iterable[str]) -> list[tuple[str, str]]:
    """From when each of these proposals can be final."""
    found = [noun_at(view, journal, Proposal, id) for id in sorted(ids)]
    return [
        (each.id, each.final_from(pool_named(view, journal, each.pool).review_hours))
        for each in found
    ]


_GROUPED = (
    "SELECT * FROM (SELECT kind, max(about) AS about, noun, min(born) AS born, min(due) AS due, "
    "max(work) AS work, max(who) AS who, max(says) AS says, max(currency) AS currency, "
    "CAST(sum(amount) AS BIGINT) AS amount, count(*) AS several"
)

# -- the works they decide about -------------------------------------------------------------

_MINE = (
    "mine (number) AS ("
    "SELECT w.number FROM @works w WHERE w.poster IN :ids AND w.kind <> 'outside' "
    f"AND {holds('w')} "
    f"UNION SELECT w.number FROM @works w WHERE w.id IN :produced AND {holds('w')} "
    "UNION SELECT r.work FROM @rights r WHERE r.holder IN :own AND r.position <= :as_of "
    "AND NOT EXISTS (SELECT 1 FROM @rights l WHERE l.work = r.work AND l.position > r.position "
    "AND l.position <= :as_of))"
)


def _of_others(
    view: View, journal: Journal, own: Sequence[int], payees: Sequence[str], doubted: Doubted
) -> Doubted:
    """The shares in doubt without those that somebody or their groups have, or had before: these
    others confirm."""
    if not doubted:
        return ()
    bands = contributors.ids_of(
        view, {each.band for each in groups.groups_of(view, own) if each.counts}
    )
    theirs = {id for band in bands.values() for id in contributors.account_ids(view, band)}
    theirs.update(payees)
    keys = [(payee, proposal) for proposal, payee, _ in doubted]
    claims = balances.claims(view, journal, keys)
    return [
        each
        for each, of in zip(doubted, map(claims.__getitem__, keys), strict=True)
        if theirs.isdisjoint({of.payee, of.person, *of.givers})
    ]


_OF_HOUSE = (
    "EXISTS (SELECT 1 FROM @works w WHERE w.number = o.release "
    f"AND w.poster = '{OPERATOR}' AND {holds('w')})"
)
_IS_MEMBER = counting("t", Membership.NOT_COUNTED)
_OF_POSTER = (
    "EXISTS (SELECT 1 FROM @works w WHERE w.number = o.release "
    f"AND {holds('w')} AND (w.poster = s.payee OR EXISTS (SELECT 1 FROM @memberships t "
    "JOIN @contributors g ON g.number = t.band JOIN @contributors p ON p.number = t.contributor "
    f"WHERE g.id = s.payee AND p.id = w.poster AND {_IS_MEMBER} "
    f"AND {holds('t')} AND {holds('g')} AND {holds('p')})))"
)
"""A condition on shares in doubt: they are of who would decide about them, or of their group."""
_OF_THEIRS = f"(o.id IN :pools OR o.release IN (WITH {_MINE} SELECT number FROM mine))"
"""Conditions on pools: those whose shares the operator, or the person asked, decides about."""


def _given(
    name: str, columns: Mapping[str, str], rows: Sequence[Sequence[str | int]]
) -> tuple[str, dict[str, Any]]:
    """Known rows as a table for WITH, and the query's values; ``columns`` has the type of each."""
    values: dict[str, Any] = {}
    lines = []
    for number, row in enumerate(rows):
        said = {f"{name}{number}_{column}": one for column, one in zip(columns, row, strict=True)}
        casts = zip(said, columns.values(), strict=True)
        lines.append(f"({', '.join(f'CAST(:{one} AS {kind})' for one, kind in casts)})")
        values |= said
    nothing = ", ".join(f"CAST(NULL AS {kind})" for kind in columns.values())
    # SQLite joins at most 500 SELECTs by UNION ALL, but any number of rows by VALUES.
    table = f"VALUES {', '.join(lines)}" if lines else f"SELECT {nothing} WHERE 1 = 0"
    return f"{name} ({', '.join(columns)}) AS ({table})", values


# -- what waits ------------------------------------------------------------------------------

_OPEN = f"a.state = '{asks.OPEN}' AND {holds('a')}"


_DUE = (
    # Those with a share may have longer than the window for comments.
    f"CASE WHEN a.kind = '{asks.PROPOSAL}' THEN "
    "coalesce((SELECT f.due FROM final f WHERE f.noun = a.noun), a.due) ELSE a.due END"
)


def _asked(kind: str, where: str, is_open: str = _OPEN) -> str:
    """A query for open asks; ``kind`` is an SQL expression."""
    return (
        f"SELECT a.id AS id, {kind} AS kind, a.about AS about, a.noun AS noun, "
        f"a.born AS born, {_DUE} AS due, a.work AS work, a.who AS who, a.says AS says, "
        f"a.currency AS currency, a.amount AS amount FROM @asks a WHERE {is_open} AND {where}"
    )


def _first_at(desk: str, kind: str = "a.kind", where: str = "a.born > 0") -> str:
    """A query for the most urgent asks at a desk; an index keeps it fast however many there are."""
    open_now = f"a.until = {NEVER}"
    open_then = f"a.until < {NEVER} AND a.until > :as_of"
    asked = (
        _asked(
            kind,
            f"a.desk = '{desk}' AND {until} AND a.since <= :as_of "
            f"AND (a.due, a.born) >= (:due, :born) AND {where} ORDER BY a.due, a.born LIMIT :most",
            f"a.state = '{asks.OPEN}'",
        )
        for until in (open_now, open_then)
    )
    return " UNION ".join(f"SELECT * FROM ({one}) AS {desk}" for one in asked)


def _other(kind: str, about: str, id: str, noun: str, source: str, **columns: str) -> str:
    """A query for what waits in another table."""
    text, number = "CAST(NULL AS TEXT)", "CAST(NULL AS BIGINT)"
    told = {"born": "0", "due": f"'{NEVER_DUE}'", "work": number, "who": f"'{OPERATOR}'"}
    told |= {"says": text, "currency": text, "amount": number, **columns}
    further = ", ".join(f"{expression} AS {name}" for name, expression in told.items())
    named = f"'{kind}' AS kind, '{about}' AS about, {noun} AS noun"
    return f"SELECT {id} AS id, {named}, {further} FROM {source}"


_STATED = (
    # Past its deadline, a dispute can be ended; past its window, a proposal can be finalised.
    f"CASE WHEN a.kind = '{asks.DISPUTE}' AND a.due <= :now THEN 'expired_dispute' "
    f"WHEN a.kind = '{asks.PROPOSAL}' AND {_DUE} <= :now THEN 'finalise' "
    f"WHEN a.kind = '{asks.PROPOSAL}' THEN 'window' ELSE a.kind END"
)
_IS_PROPOSED = (
    f"((a.kind <> '{asks.COMMENT}' OR EXISTS (SELECT 1 FROM @proposals p WHERE p.id = a.noun "
    f"AND p.state = 'open' AND {holds('p')})) "
    # While comments on a proposal wait, finalising it does not.
    f"AND NOT (a.kind = '{asks.PROPOSAL}' AND a.due <= :now AND EXISTS (SELECT 1 FROM @asks s "
    f"WHERE s.asked = a.asked AND s.noun = a.noun AND s.kind = '{asks.COMMENT}' "
    f"AND s.state = '{asks.OPEN}' AND {holds('s')})))"
)
_DOUBTED = _other(
    "doubted_share",
    "proposal",
    "d.payee",
    "d.proposal",
    "doubted d JOIN @proposals p ON p.id = d.proposal JOIN @pools o ON o.id = p.pool "
    f"WHERE {holds('p')}",
    born="d.born",
    work="o.release",
    who="d.payee",
)
_BY_OTHERS = (
    f"NOT (a.kind IN ('{asks.DISPUTE}', '{asks.CREDIT}') AND a.who IN :ids) AND {_IS_PROPOSED}"
)
_OF_EDGE = f"a.kind = '{asks.DISPUTE}' AND (a.id LIKE '%/child' OR a.id LIKE '%/parent')"
_AUTHORED = (
    "SELECT c.id, w.id, w.number FROM @credits c "
    f"JOIN @asks a ON a.asked = c.own_work AND {_OF_EDGE} AND {_OPEN} "
    f"JOIN @works w ON w.number = c.own_work AND {holds('w')} "
    f"WHERE c.contributor IN :own AND {CREDIT_COUNTS}"
)
_SHARING = (
    "@pieces q JOIN @proposals p ON p.id = q.proposal AND q.position >= p.staged "
    "JOIN @pools o ON o.id = p.pool WHERE q.payee IN :payees AND q.position <= :as_of "
    f"AND p.state = 'open' AND {holds('p')}"
)
_CLOSED = (
    f"SELECT DISTINCT p.id, p.staged FROM {_SHARING} AND p.closes_at <= :now "
    "ORDER BY p.staged DESC LIMIT :most"
)
_OF_PERSON = (
    _asked(_STATED, f"a.asked IN (SELECT number FROM mine) AND {_BY_OTHERS}"),
    _asked(_STATED, f"a.asked IN :own AND {_BY_OTHERS}"),
    _asked(_STATED, f"a.asked IN :authored AND {_OF_EDGE} AND NOT a.who IN :ids"),
    _other(
        "credit",
        "credit",
        "c.id",
        "c.id",
        "@credits c WHERE c.contributor IN :own AND (c.state = 'granted' "
        f"OR c.state = '{PENDING}' AND c.waits_for = '{CONTRIBUTOR}') AND {holds('c')}",
        born="c.born",
        due=f"coalesce(c.deadline, '{NEVER_DUE}')",
        work="c.own_work",
        who="c.actor",
        says="c.role",
    ),
    _other(
        "share",
        "proposal",
        "s.id",
        "s.proposal",
        "@shares s JOIN @proposals p ON p.id = s.proposal JOIN @pools o ON o.id = p.pool "
        f"WHERE s.payee IN :payees AND s.state = 'offered' AND {holds('s')} AND {holds('p')}",
        born="s.since",
        work="o.release",
        says="s.share",
    ),
    _other(
        "returned",
        "payout",
        "y.id",
        "y.id",
        f"@payouts y WHERE y.payee IN :payees AND y.state = 'returned' AND {holds('y')}",
        born="y.since",
        currency="y.currency",
        amount="y.amount",
    ),
    _other(
        "review",
        "proposal",
        "p.id",
        "p.id",
        f"{_SHARING} AND (p.closes_at > :now "
        "OR p.id IN (SELECT f.noun FROM final f WHERE f.due > :now)) "
        "AND NOT o.release IN (SELECT number FROM mine)",
        born="p.born",
        due="coalesce((SELECT f.due FROM final f WHERE f.noun = p.id), p.closes_at)",
        work="o.release",
    ),
)
_SHARED = f"a.kind IN ('{asks.COMMENT}', '{asks.PROPOSAL}', '{asks.SHARE}')"
_OVERDUE = "a.due <= :now"
_OF_OPERATOR = (
    _first_at(asks.HOUSE),
    _asked(_STATED, f"a.desk = '{asks.SHARES}' AND {_IS_PROPOSED}"),
    _first_at(asks.OTHERS, "'overdue_claim'", _OVERDUE),
    _first_at(asks.JUDGES),
)
_OF_POOLS = _asked(
    _STATED,
    f"{_SHARED} AND {_IS_PROPOSED} "
    f"AND a.noun IN (SELECT p.id FROM @proposals p WHERE p.pool IN :pools AND {holds('p')})",
)
_ENDS = ", ".join(f"a.noun || '/{side}'" for side in asks.SIDES)
_LATE = f"{_OVERDUE} AND NOT a.who IN :ids AND NOT a.asked IN (SELECT number FROM mine)"
_OF_JUDGE = [
    _first_at(asks.OTHERS, "'overdue_claim'", _LATE),
    _first_at(asks.HOUSE, "'overdue_claim'", _LATE),
    _first_at(
        asks.JUDGES,
        where="NOT a.who IN :ids AND NOT EXISTS ("
        f"SELECT 1 FROM @asks s WHERE s.id IN ({_ENDS}) AND {holds('s')} "
        "AND (s.asked IN :own OR s.asked IN (SELECT number FROM mine)))",
    ),
]
_BOOKS = _asked("a.kind", f"a.desk = '{asks.BOOKS}'")


def _authored(rows: Iterable[Row]) -> list[int]:
    """Those of these works with a disputed edge that were posted with the credit beside them."""
    return [
        number
        for credit, work, number in rows
        if any(part_id(work, "author", place) == credit for place in range(MOST_PARTS))
    ]
