"""The books: the state of all money, computed from the facts of the journal alone.

Commands decide by them, and an audit recomputes them. A command reads only the rows it needs; they
were written in the same transaction as the facts they follow from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from domain.engine import Row, Transaction
from domain.fact import Fact
from domain.kept import BOOKS, Rows
from domain.money.agreement import Agreement
from domain.money.doubt import Doubt
from domain.money.folding import TOPICS, Folding
from domain.money.held import (
    NO_ASSETS,
    NO_PARTS,
    AllInQuestion,
    Held,
    InQuestion,
    PayeeClaim,
    accounting_for,
    against,
)
from domain.money.passing import NOTHING_PASSED
from domain.money.payee import Payee
from domain.money.pool import Pool
from domain.money.reserve import Reserve
from domain.money.state import EVERY, Cost, DivisionBooks, PoolState, mappings
from domain.queries import Facts

Above = Mapping[str, Collection[str]]
"""By work: everything it was made from."""
NOTHING_ABOVE: Above = {}
Account = tuple[str, str]
"""A payee and an agreement."""


@dataclass(frozen=True)
class PoolBooks:
    """The present state of a pool."""

    _books: Books
    _pool: str

    @property
    def _open(self) -> PoolState:
        return self._books.opened[self._pool]

    @property
    def opened(self) -> Pool.Opened:
        """The fact that opened it."""
        return self._open.opened

    @property
    def agreements(self) -> tuple[str, ...]:
        """Its agreements, in the order of recording."""
        return tuple(each.agreement for each in self._open.agreements)

    @property
    def carry(self) -> Mapping[str, Fraction]:
        """By payee: the exact part of a unit carried to the next entry."""
        return self._books.sums[self._pool].carry

    @property
    def flow(self) -> Mapping[str, Fraction]:
        """By place: the running totals of the terms."""
        return self._books.sums[self._pool].flow

    @property
    def waiting(self) -> tuple[str, ...]:
        """Revenue that is not divided yet, in the order of recording."""
        return self._waits(above_zero=True)

    @property
    def short(self) -> tuple[str, ...]:
        """Negative revenue not yet made up for by other revenue, in the order of recording."""
        return self._waits(above_zero=False)

    def _waits(self, *, above_zero: bool) -> tuple[str, ...]:
        waiting = self._books.waiting.under(self._pool)
        return tuple(id for (_, _, id), is_above in waiting if is_above is above_zero)

    @property
    def costs(self) -> list[Cost]:
        """Every expense, in the order of recording."""
        found = (cost for _, cost in self._books.costs.under(self._pool))
        return sorted(found, key=lambda cost: cost.at)

    @property
    def unpaid(self) -> list[Cost]:
        """The expenses not paid back in full, in the order of recording."""
        found = [id for (_, _, id), _ in self._books.unpaid.under(self._pool)]
        return [self._books.costs[self._pool, id] for id in found]

    @property
    def names(self) -> dict[str, str]:
        """By id of a source or payer that was named in words: the commitment to the name."""
        return {id: digest for (_, id), digest in self._books.names.under(self._pool)}

    def brought_by(self, source: str) -> int:
        """The revenue from a source less reversals, in units."""
        return self._books.sources[self._pool, source]


class Pools(Mapping[str, PoolBooks]):
    """The pools of the books."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def __getitem__(self, pool: str) -> PoolBooks:
        if pool not in self._books.opened:
            raise KeyError(pool)
        return PoolBooks(self._books, pool)

    def __iter__(self) -> Iterator[str]:
        return iter(self._books.opened)

    def __len__(self) -> int:
        return len(self._books.opened)


class Books(Folding):
    """The state of all money after the facts folded so far."""

    @property
    def pools(self) -> Pools:
        """Every pool."""
        return Pools(self)

    def fetch_pool(self, pool: str, source: str) -> None:
        """Read everything that dividing a revenue from this source needs in a few queries."""
        exact = (self.opened, [pool]), (self.sums, [pool]), (self.sources, [(pool, source)])
        groups = (self.waiting, pool), (self.unpaid, pool)
        self.fetch(*exact, (self.closed, ["until"]), of=groups)
        agreements = self.pools[pool].agreements
        costs = [(pool, id) for (_, _, id), _ in self.unpaid.under(pool)]
        self.fetch((self.agreements, agreements), (self.agreed, agreements), (self.costs, costs))

    @property
    def closed_until(self) -> str:
        """The end of the latest closed period; empty if none is closed."""
        return self.closed.get("until", "")

    def divisions_of(self, pool: str) -> list[tuple[str, DivisionBooks]]:
        """The divisions of a pool, in the order of recording."""
        return self.divisions_under(self.pools[pool].agreements)

    def reserves_of(self, agreement: str, payees: Collection[str]) -> dict[str, Reserve]:
        """By payee: the reserve held back under an agreement, if any."""
        self.fetch((self.reserves, [(agreement, payee) for payee in payees]))
        found = ((payee, self.reserves.get((agreement, payee))) for payee in payees)
        return {payee: reserve for payee, reserve in found if reserve is not None}

    def debts_in(self, pool: str, payees: Collection[str]) -> dict[str, int]:
        """By payee: how much more they owe a pool than it owes them, under all its agreements."""
        agreements = self.pools[pool].agreements
        self.fetch((self.accounts, [(payee, each) for payee in payees for each in agreements]))
        return {
            payee: max(0, -sum(self.owed(payee, each).left_minor for each in agreements))
            for payee in payees
        }

    def payers_of(self, expense: str) -> list[str]:
        """The divisions that paid back a part of an expense, the latest first."""
        return [id for (_, _, id), _ in reversed(self.paid_back.under(expense))]

    def agreements_with(self, payee: str) -> list[Agreement]:
        """The agreements in which a payee has a share or an account, in the order of recording."""
        self.fetch(of=[(self.mentioned, payee), (self.accounts, payee)])
        found = {where for (_, where), _ in self.mentioned.under(payee)}
        found |= {agreement for (_, agreement), _ in self.accounts.under(payee)}
        self.fetch((self.agreements, found))
        known = [self.agreements[each] for each in found if each in self.agreements]
        return sorted(known, key=lambda each: each.at)

    def is_named(self, payee: str) -> bool:
        """Whether terms, an agreement or an account names this payee."""
        return bool(self.mentioned.under(payee) or self.accounts.under(payee))

    # -- people ----------------------------------------------------------------------------

    def person(self, payee: str) -> str:
        """The payee that stands for the same person after all merges."""
        while (into := self.merged.get(payee)) is not None:
            payee = into
        return payee

    def node(self, work: str) -> str:
        """The node of a work after all joins."""
        return self.nodes.get(work, work)

    def _at_nodes(self, works: Iterable[str]) -> Collection[str]:
        found = list(works)
        self.fetch((self.nodes, found))
        return {self.node(work) for work in found}

    def payees_of(self, person: str) -> list[str]:
        """A person's payee and all others that were merged into it."""
        found = [person]
        # The loop continues over what it appends.
        for one in found:
            found += [payee for (_, payee), _ in self.merging.under(one)]
        return found

    def _fetch_people(self, payees: Iterable[str]) -> None:
        """Read the persons of some payees after all merges."""
        fresh, people = set(payees), set[str]()
        while fresh:
            self.fetch((self.merged, fresh))
            people |= {each for each in fresh if each not in self.merged}
            fresh = {self.merged[each] for each in fresh if each in self.merged}
        self.fetch((self.forgotten, people))

    # -- claims ----------------------------------------------------------------------------

    def claim(self, payee: str, agreement: str, above: Above = NOTHING_ABOVE) -> PayeeClaim:
        """A payee's claim under an agreement, with everything that could put it on hold.

        ``above`` is needed only if the terms of the pool name the payee.
        """
        known, person = self.agreements[agreement], self.person(payee)
        is_named = payee in self.named(known.pool) and known.release in above
        return PayeeClaim(
            payee,
            person,
            self.consents.get((agreement, payee)),
            release=known.release,
            assets={
                asset: self._at_nodes(works)
                for asset, works in known.pieces.get(payee, NO_ASSETS).items()
            },
            works=self._at_nodes(known.works),
            named={*self._at_nodes(known.works), *above[known.release]} if is_named else (),
            known=self.known_of(payee, agreement),
            is_forgotten=person in self.forgotten,
            passed={
                asset: tuple(each.at(self.person, self._at_nodes) for each in passed)
                for asset, passed in known.passed.get(payee, NOTHING_PASSED).items()
            },
        )

    def known_of(self, payee: str, agreement: str) -> int:
        """The position up to which a share accounts for what was found false."""
        every = accounting_for(agreement, lambda each: self.agreements[each].known_as)
        confirmed = (self.confirmed.get((each, payee), 0) for each in every)
        return max(*(self.agreements[each].known for each in every), *confirmed)

    def named(self, pool: str) -> Collection[str]:
        """The people and works named in the terms of a pool."""
        return self.opened[pool].named

    def in_question(self) -> set[str]:
        """The works whose ancestors ``questions`` needs."""
        works = {each.work for each in self._doubts() if each.child is not None}
        if any(each.by_name for each in self._doubts()):
            works |= {each.opened.release for each in self.opened.values() if each.named}
        return works

    @property
    def looks_above(self) -> bool:
        """Whether ancestors of works are needed at all: only if something is in question."""
        return bool(self._doubts())

    def questions(self, above: Above = NOTHING_ABOVE) -> AllInQuestion:
        """The credits and edges that are on hold, in dispute, or were found false.

        ``above`` gives the ancestors of the works in question: a disputed edge also holds what
        depends on any ancestor of its parent, and what terms give by name depends on the release
        and all of its ancestors.
        """
        doubts = self._doubts()
        self._fetch_people(each.contributor for each in doubts if each.contributor is not None)
        return AllInQuestion(
            InQuestion(
                # A dispute about a membership concerns all accounts of the group.
                frozenset(
                    (self.node(each.work), *above.get(each.work, ()))
                    if each.child
                    else self.payees_of(self.person(self.node(each.work)))
                ),
                None if each.contributor is None else self.person(each.contributor),
                each.child and self.node(each.child),
                each,
            )
            for each in doubts
        )

    def _doubts(self) -> list[Doubt]:
        return [doubt for _, doubt in self.doubts.under(EVERY)]

    def held(self, payee: str, agreement: str, questions: AllInQuestion, above: Above) -> Held:
        """Whether and why what a payee is owed under an agreement is on hold."""
        return against(self.claim(payee, agreement, above), questions)

    def payable_minor(self, payee: str, agreement: str, held: Held) -> int:
        """How many units of what a payee is owed can be paid now; negative: a debt."""
        owed = self.owed(payee, agreement)
        parts = self.agreements[agreement].parts.get(payee, NO_PARTS) if held.assets else NO_PARTS
        return owed.left_minor - owed.held_minor(held, parts)

    def assignable(
        self, payee: str, agreement: str, questions: AllInQuestion, above: Above
    ) -> tuple[int, Held]:
        """How many units could be assigned to somebody else (negative: a debt), and why not more.

        Unlike for payment, it does not matter that the payee was forgotten or is an unclaimed work.
        """
        claim = self.claim(payee, agreement, above)
        person = "" if Payee.parse(claim.person).is_work else claim.person
        held = against(claim._replace(is_forgotten=False, person=person), questions)
        return self.payable_minor(payee, agreement, held), held

    def accounts_due(self, currency: str, people: Collection[str] | None = None) -> list[Account]:
        """The accounts with a balance in a currency, in the order of their agreements.

        With ``people``, only theirs, including those merged into them.
        """
        if people is None:
            found = [(payee, agreement) for (_, payee, agreement), _ in self.due.under(currency)]
        else:
            payees = [payee for person in people for payee in self.payees_of(person)]
            self.fetch(of=[(self.accounts, payee) for payee in payees])
            found = [key for payee in payees for key, _ in self.accounts.under(payee)]
            self.fetch((self.due, [(currency, *key) for key in found]))
            found = [key for key in found if (currency, *key) in self.due]
        self._fetch_claims(found)
        return sorted(found, key=lambda key: (self.agreements[key[1]].at, key[0]))

    def _fetch_claims(self, accounts: Sequence[Account]) -> None:
        turned = [(agreement, payee) for payee, agreement in accounts]
        agreements = {agreement for _, agreement in accounts}
        self.fetch(
            *((self.accounts, accounts), (self.gone, accounts), (self.agreements, agreements)),
            *((self.consents, turned), (self.confirmed, turned)),
        )
        known = [self.agreements[each] for each in agreements]
        works = {work for each in known for work in each.works}
        self.fetch((self.opened, {each.pool for each in known}), (self.nodes, works))
        self._fetch_people(payee for payee, _ in accounts)

    # -- rows ------------------------------------------------------------------------------

    def rows(self) -> dict[str, str]:
        """All rows as they are stored, by key."""
        return {
            kept.spell(key): shape.written(value)
            for name, shape in mappings().items()
            for kept in (getattr(self, name),)
            for key, value in kept.items()
        }

    def write(self, transaction: Transaction, position: int) -> None:
        """Write every row that has changed, as of a position."""
        changes = self.changes()
        gone = [key for key, value in changes.items() if value is None]
        if gone:
            transaction.execute("DELETE FROM books WHERE key IN :gone", gone=gone)
        rows: list[Row] = [(key, value, position) for key, value in changes.items() if value]
        transaction.insert(BOOKS, sorted(rows))


def fold_after(books: Books, facts: Facts, upto: int | None = None, page: int = 2_000) -> None:
    """Fold the facts after the books' position, up to ``upto`` or to the end."""
    while placed := facts.after(books.position, page, TOPICS):
        for one in placed:
            if upto is not None and one.position > upto:
                return
            books.fold(one.position, one.fact())
        if len(placed) < page:
            return


def keep(
    decided: Books | None,
    transaction: Transaction,
    positions: Sequence[int],
    recorded: Sequence[Fact],
) -> None:
    """Write the books' changes by the recorded facts, within the append that records them.

    Books that the command has already folded (``decided``) are written as they are, if the facts
    got the positions they were folded at. Their timestamps may differ, but the books keep none.
    """
    if decided is None or decided.position != positions[-1]:
        decided = Books(Rows(transaction.query))
        for position, happened in zip(positions, recorded, strict=True):
            decided.fold(position, happened)
    decided.write(transaction, positions[-1])
