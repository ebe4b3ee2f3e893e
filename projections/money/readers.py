"""Who may read which money, by present relations and roles, whatever position is asked about.

So those who once had a share can still read what concerned them, but not those who lost a role.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, cast

from domain.cached import cached_property
from domain.claim import CONTRIBUTOR
from domain.credit import Credit
from domain.fact import Fact
from domain.journal import Journal
from domain.money.payee import Payee, people_among
from domain.money.pool import Pool, texts_in
from domain.permission import OPERATOR, READS, open_to
from domain.readers import AGREEMENT, ALL_MONEY, EVERYONE, MONEY, OWN_ACTS, OWN_MONEY, PUBLIC
from domain.refusal import NotPermitted, UnknownContributor
from domain.stored import Placed
from projections import attribution, contributors, hidden, lineage
from projections.ancestry import ancestry
from projections.grants import roles_of
from projections.money.balances import payees_for, payees_of
from projections.nouns import noun_at
from projections.store import View

ANONYMOUS = ""
"""The actor of a request without a key."""


class Reader:
    """Somebody who reads: the operator, a contributor, or an anonymous visitor."""

    def __init__(self, view: View, journal: Journal, actor: str) -> None:
        self.view, self.journal, self.actor = view.now(), journal, actor
        self._pools: dict[str, Pool] = {}
        self._known: dict[tuple[str, str], bool] = {}

    # -- what they may read ----------------------------------------------------------------

    def may(self, readers: frozenset[str], pool: str) -> bool:
        """Whether they are in one of these relations to a pool."""
        return self.reads_all or any(self._is(each, pool) for each in sorted(readers - ALL_MONEY))

    def may_read_statement(self, pool: str) -> bool:
        """Whether they may read the statement of a pool, which its terms may publish."""
        return self.may(MONEY, pool) or self._opened(pool).statement == PUBLIC

    def may_read_pool(self, pool: str) -> bool:
        """Whether they may read that there is a pool, and its name."""
        return self.may_read_statement(pool) or self.may(AGREEMENT, pool)

    def must(self, what: str, readers: frozenset[str], pool: str) -> None:
        """Refuse (``NotPermitted``) those in none of these relations to a pool."""
        if not self.may(readers, pool):
            raise self._refused(what, readers)

    def must_read_statement(self, what: str, pool: str) -> None:
        """Refuse those who may not read the statement of a pool."""
        if not self.may_read_statement(pool):
            raise self._refused(what, MONEY)

    def must_be(self, what: str, payee: str | None) -> None:
        """Refuse those who may not read what concerns a payee; None: what concerns everybody."""
        if payee is not None and Payee.parse(payee).is_contributor:
            contributors.find_person(self.view, payee)
        if not self.reads_all and payee not in self.ids:
            raise self._refused(what, ALL_MONEY if payee is None else OWN_MONEY)

    def whose(self, what: str, payee: str | None) -> list[str] | None:
        """The payees to be shown: those that are ``payee``, else oneself; None: everybody."""
        if payee is None:
            return None if self.reads_all else sorted(self.ids)
        self.must_be(what, payee)
        return payees_of(self.view, payee) if people_among([payee]) else [payee]

    def seen(self, placed: Iterable[Placed]) -> list[Placed]:
        """Those of these facts that they may read."""
        return [one for one in placed if self.sees(one.fact())]

    def must_see(self, placed: Placed) -> None:
        """Refuse those who may not read a fact, and say who may."""
        if not self.sees(happened := placed.fact()):
            raise self._refused(f"fact {placed.position}", happened.READERS)

    def sees(self, happened: Fact) -> bool:
        """Whether they may read a fact, with its receipt and its texts."""
        if not self.knows(happened):
            return False
        readers = happened.READERS
        if readers == OWN_ACTS and not self.reads_acts:
            return not self.ids.isdisjoint(_concerned(happened))
        if readers == EVERYONE or self.reads_all:
            return True
        if readers == OWN_MONEY:
            return not self.ids.isdisjoint(_concerned(happened))
        if readers == ALL_MONEY:
            return False
        is_pool = happened.TOPIC.startswith(f"{Pool.NAME}.")
        pool = happened.originator_id if is_pool else str(cast("Any", happened).pool)
        is_open = isinstance(happened, Pool.Opened) and self.may_read_statement(pool)
        return is_open or self.may(readers, pool)

    def knows(self, happened: Fact) -> bool:
        """Whether a fact is not about a credit that its person hides, or is still to be asked."""
        if not isinstance(happened, Credit.Event):
            return True
        if happened.originator_id in self._hidden:
            return happened.contributor in self.ids or self.reads_acts
        id, both = happened.originator_id, {happened.contributor, happened.actor}
        if happened.waits_for == CONTRIBUTOR and hidden.waits(self.view, id):
            return self.reads_acts or not self.ids.isdisjoint(both)
        return True

    @cached_property
    def _hidden(self) -> dict[str, int]:
        return hidden.positions(self.view)

    def _refused(self, what: str, readers: frozenset[str]) -> NotPermitted:
        return NotPermitted(self.actor or "nobody", f"read {what}", open_to(readers))

    # -- who they are ----------------------------------------------------------------------

    @cached_property
    def reads_all(self) -> bool:
        """Whether they may read all money."""
        return self.actor == OPERATOR or not ALL_MONEY.isdisjoint(self._roles(()))

    @cached_property
    def reads_acts(self) -> bool:
        """Whether they may read private acts of others, and hidden credits."""
        return self.actor == OPERATOR or not READS.isdisjoint(self._roles(()))

    def _roles(self, areas: Collection[str]) -> Collection[str]:
        """Their roles for some works and pools."""
        return roles_of(self.journal, self.actor, areas) if self.actor else ()

    @cached_property
    def accounts(self) -> list[int]:
        """The numbers of their accounts, after all merges."""
        if self.actor in (ANONYMOUS, OPERATOR):
            return []
        try:
            return contributors.accounts(self.view, self.actor)
        except UnknownContributor:  # admitted so recently that the read tables lack them
            return []

    @cached_property
    def ids(self) -> set[str]:
        """The ids of their accounts, the names that stand for them, and the works they claimed."""
        return {*payees_for(self.view, self.view.ids("contributors", self.accounts).values())}

    # -- how they stand to a pool ----------------------------------------------------------

    def _is(self, relation: str, pool: str) -> bool:
        if not self.actor:
            return False
        if (relation, pool) not in self._known:
            self._known[relation, pool] = self._stands(relation, pool)
        return self._known[relation, pool]

    def _stands(self, relation: str, pool: str) -> bool:
        opened = self._opened(pool)
        match relation:
            case "poster":
                return lineage.find(self.view, opened.release).poster in self.ids
            case "producer":
                return relation in self._roles((pool, opened.release))
            case "payee":
                return self._is_payee(pool, opened)
            case "participant":
                return self._has(_PROPOSED, pool=pool) or self._has_part(opened.release)
        return False

    def _opened(self, pool: str) -> Pool.Opened:
        if pool not in self._pools:
            self._pools[pool] = noun_at(self.view, self.journal, Pool, pool)
        return self._pools[pool].opened

    def _is_payee(self, pool: str, opened: Pool.Opened) -> bool:
        every: tuple[Pool.Opened | Pool.Amended, ...] = (opened, *self._pools[pool].amended)
        if not all(self.ids.isdisjoint(texts_in(each.terms)) for each in every):
            return True
        return any(self._has(sql, pool=pool) for sql in (_AGREED, _POSTED, _SPENT))

    def _has_part(self, release: str) -> bool:
        """Whether they posted or are credited on anything in a release."""
        works = list(ancestry(self.view, lineage.find(self.view, release).number).tree.generation)
        own = {contributors.after_merges(self.view, account) for account in self.accounts}
        credits = attribution.credits_on(self.view, works)
        # A mere claim on another's work gives no right to read.
        credited = {one.person for one in credits if one.state != Credit.Claimed.STATE}
        return not own.isdisjoint(credited) or self._has(_POSTER, works=works)

    def _has(self, sql: str, **values: Any) -> bool:
        return bool(self.ids) and bool(self.view.one(sql, ids=sorted(self.ids), **values))


_AGREED = (
    "SELECT 1 FROM @shares s JOIN @proposals a ON a.id = s.proposal "
    "WHERE a.pool = :pool AND s.payee IN :ids LIMIT 1"
)
_PROPOSED = (
    "SELECT 1 FROM @pieces q JOIN @proposals a ON a.id = q.proposal "
    "WHERE a.pool = :pool AND q.payee IN :ids LIMIT 1"
)
_POSTED = "SELECT 1 FROM @postings p WHERE p.pool = :pool AND p.payee IN :ids LIMIT 1"
_SPENT = "SELECT 1 FROM @bookings b WHERE b.pool = :pool AND b.payee IN :ids LIMIT 1"
_POSTER = "SELECT 1 FROM @works w WHERE w.number IN :works AND w.poster IN :ids LIMIT 1"


def _concerned(happened: Fact) -> Iterable[str]:
    """The people whom a fact about payouts or a hold concerns."""
    contributor = getattr(happened, "contributor", None)
    return people_among(happened.touches()) if contributor is None else (str(contributor),)
