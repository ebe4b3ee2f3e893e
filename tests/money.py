"""Small functions that write stories about money, and the audit that every one of them must pass.

Rule: the audit reads nothing but the journal, and computes everything anew.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from clocks import TickingClock
from laws import check_division
from stories import Story, id_of

from domain.draft import Acknowledgement
from domain.fact import Fact
from domain.journal import LARGEST_FACT_BYTES
from domain.known import Known
from domain.money.apportionment import divide, settle
from domain.money.books import Books, fold_after
from domain.money.due import standings
from domain.money.entry import Entry
from domain.money.held import DEBT, PAYABLE
from domain.money.postings import OWED, RECEIVED, WAITING, postings
from domain.money.revenue import Revenue
from domain.money.split import PLAIN
from projections.money import balances
from projections.progress import no_progress
from scripts import audit
from scripts.service import open_service

AGREED = {"type": "agreed"}
HALF = {"type": "fixed", "shares": [["house", "1/2"], ["artists", "1/2", AGREED]]}

Assets = Sequence[Mapping[str, Any]]


class Bank(Story):
    """A story in which money comes in."""

    clock: TickingClock

    def people(self, *names: str) -> list[str]:
        return [self.person(name) for name in names]

    def pool(
        self,
        name: str = "pool",
        *,
        terms: Mapping[str, Any] = AGREED,
        release: str | None = None,
        currency: str = "USD",
        kind: str = "other",
        **said: Any,
    ) -> str:
        """A pool; of a release of its own unless one is named."""
        if release is None:
            release = self.release(f"{name}'s release", self.piece(f"{name}'s piece"))
        return self.tell(
            "open_pool",
            release=release,
            name=name,
            kind=kind,
            currency=currency,
            terms=terms,
            **{"id": id_of(name)} | said,
        ).id

    def propose(self, pool: str, shares: Mapping[str, str] | Assets, **said: Any) -> str:
        """A proposal: assets, or the shares in the only one."""
        if isinstance(shares, Mapping):
            shares = [asset("all of it", shares)]
        return self.tell("post_proposal", pool=pool, assets=shares, **said).id

    def agree(
        self, pool: str, shares: Mapping[str, str] | Assets, effective_at: str | None = None
    ) -> str:
        """An agreement, after two weeks in which nobody said anything."""
        proposal = self.propose(pool, shares)
        self.clock.wait(days=14)
        self.tell("finalise_proposal", proposal=proposal, effective_at=effective_at)
        return proposal

    def accept(self, proposal: str, *people: str) -> None:
        for person in people:
            self.tell("accept_share", proposal=proposal, actor=person)

    def earn(self, pool: str, amount_minor: int, effective_at: str = "2026-05", **said: Any) -> str:
        said.setdefault("source", "shop")
        return self.tell(
            "record_revenue",
            pool=pool,
            amount_minor=amount_minor,
            effective_at=effective_at,
            **said,
        ).id

    def spend(self, pool: str, amount_minor: int, payer: str = "house", **said: Any) -> str:
        return self.tell(
            "record_expense",
            pool=pool,
            amount_minor=amount_minor,
            payer=payer,
            category="printing",
            effective_at="2026-05",
            **said,
        ).id

    def reverse(
        self, revenue: str, amount_minor: int | None = None, **said: Any
    ) -> Acknowledgement:
        said.setdefault("reason", "refund")
        return self.tell("reverse_revenue", revenue=revenue, amount_minor=amount_minor, **said)

    def pay(self, currency: str = "USD", **said: Any) -> dict[str, int]:
        """Issue payouts: who gets how much."""
        head = self.head()
        self.tell("issue_payouts", currency=currency, **said)
        return {one.payee: one.amount_minor for one in self.since(head, "payout.issued")}

    def payouts(self) -> dict[str, str]:
        """The latest payout of each payee."""
        return {one.payee: one.originator_id for one in self.since(0, "payout.issued")}

    def since(self, after: int, *topics: str) -> list[Any]:
        """The facts of some topics after a position."""
        return [one.fact() for one in self.journal.read(after) if one.topic in topics]

    def books(self) -> Books:
        return self.journal.books()

    def above(self) -> dict[str, Collection[str]]:
        """What the works in question were made from, as the journal knows it now."""
        known = Known(self.journal.facts, self.head())
        return {each: known.works_above(each) for each in self.books().in_question()}

    def held(self, payee: str, agreement: str) -> tuple[str, ...]:
        """Why something is held, as the books have it."""
        books, above = self.books(), self.above()
        return books.held(payee, agreement, books.questions(above), above).because

    def account(self, name: str = OWED, pool: str | None = None) -> dict[str, int]:
        """What stands on an account of everybody, without those with nothing."""
        found: dict[str, int] = defaultdict(int)
        for placed in self.journal.read():
            for posting in postings(placed.fact()):
                if posting.account == name and pool in (None, posting.pool):
                    found[posting.payee or ""] += posting.amount_minor
        return {payee: units for payee, units in found.items() if units}


def asset(
    name: str, shares: Mapping[str, str], value: str = "1", within: Sequence[str] = ()
) -> dict[str, Any]:
    made: dict[str, Any] = {"asset": name, "value": value, "shares": [*map(list, shares.items())]}
    return made | ({"within": list(within)} if within else {})


@contextmanager
def bank(database: str, **settings: Any) -> Iterator[Bank]:
    """A story about money; audited at the end."""
    clock = TickingClock()
    with open_service(database, clock=clock, **settings) as service:
        told = Bank(service)
        told.clock = clock
        yield told
        must_be_sound(told)


# -- the audit -----------------------------------------------------------------------------


def halves(told: Bank, terms: Any = AGREED) -> tuple[str, str, str]:
    """A pool of which two people have half each by an agreement since January 2026."""
    pool = told.pool(terms=terms)
    a, b = told.people("Ana", "Ben")
    told.accept(told.agree(pool, {a: "1/2", b: "1/2"}, "2026-01"), a, b)
    return pool, a, b


def must_be_sound(told: Bank) -> None:
    """Everything that holds for all books, whatever happened."""
    placed = told.facts()
    facts = [one.fact() for one in placed]
    assert all(len(one.state) <= LARGEST_FACT_BYTES for one in placed)
    _every_append_balances(facts)
    _what_came_in_is_somewhere(facts)
    _every_entry_follows_from_itself_and_the_one_before(facts)
    for page in (3, 2_000):
        anew = Books()
        fold_after(anew, told.journal.facts, page=page)
        assert anew.rows() == told.books().rows()
    _what_goes_by_an_agreement_is_what_its_divisions_gave_by_it(told.books())
    assert told.service.follower.catch_up() >= 0
    verify(told)


def exactly_due(told: Bank, pool: str, names: Mapping[str, str]) -> dict[str, Fraction]:
    """What everybody is due from a pool by all of its entries, before rounding; ids by name."""
    called = {id: who for who, id in names.items()}
    sums: dict[str, Fraction] = defaultdict(Fraction)
    for placed in told.journal.read():
        entry = placed.fact()
        if getattr(entry, "pool", None) == pool:
            for payee, _, amount, *_ in getattr(entry, "lines", ()):
                sums[called.get(payee, payee)] += Fraction(amount)
    return {payee: amount for payee, amount in sums.items() if amount}


def verify(told: Bank) -> None:
    """Whatever happened, it is verified, and the read tables hold back what the books hold back."""
    for check in (audit.journal, audit.streams, audit.money):
        said = audit.first_difference(check, told.service, no_progress)
        assert not isinstance(said, audit.Difference), said
    books, above = told.books(), told.above()
    questions = books.questions(above)
    held = {key: books.held(*key, questions, above) for key in books.accounts}
    stood = standings(books, books.accounts, questions, above)
    payable = defaultdict(int, {key: units for key, _, _, units, _ in stood})
    with told.view() as view:
        shown = balances.held(view, told.journal, books.accounts)
        assert shown == {key: why for key, why in held.items() if why.because}
        for each, stands in balances.standings(view, told.journal, balances.accounts(view)):
            units = stands.sums[PAYABLE] - stands.sums[DEBT]
            assert units == payable[each.payee, each.proposal]
            assert sum(stands.sums.values()) == abs(each.owed)


def _every_append_balances(facts: list[Fact]) -> None:
    """The clock ticks once for every command, so its facts have one timestamp."""
    sums: dict[Any, int] = defaultdict(int)
    for happened in facts:
        for posting in postings(happened):
            sums[happened.timestamp, posting.currency, posting.pool] += posting.amount_minor
    assert not any(sums.values())


def _what_came_in_is_somewhere(facts: list[Fact]) -> None:
    total: dict[Any, int] = defaultdict(int)
    came = [one for one in facts if isinstance(one, Revenue.Recorded | Entry.Opened)]
    below_zero = {one.pool for one in came if one.amount_minor < 0}
    for happened in facts:
        for posting in postings(happened):
            total[posting.pool, posting.account] += posting.amount_minor
    for pool in {pool for pool, _ in total}:
        elsewhere = sum(
            units for (each, name), units in total.items() if each == pool and name != RECEIVED
        )
        assert -total[pool, RECEIVED] == elsewhere
        if pool not in below_zero:
            assert elsewhere >= 0
            assert total[pool, WAITING] >= 0


def _what_goes_by_an_agreement_is_what_its_divisions_gave_by_it(books: Books) -> None:
    for agreement, agreed in books.agreed.items():
        assert agreed == sum(each.agreed for _, each in books.divisions_under([agreement]))


def _every_entry_follows_from_itself_and_the_one_before(facts: list[Fact]) -> None:
    """A stand-alone check: nothing but the facts of an entry, and what the pool carried."""
    streams: dict[str, list[Fact]] = defaultdict(list)
    for happened in facts:
        if isinstance(happened, Entry.Event):
            streams[happened.originator_id].append(happened)
    plain = {one.originator_id for one in facts if getattr(one, "rounding", None) == PLAIN}
    carried: dict[str, dict[str, Fraction]] = defaultdict(dict)
    for stream in streams.values():
        entry = Entry.told_by(enumerate(stream, start=1))
        first, lines = entry.first, entry.lines
        assert len({line.payee for line in lines}) == len(lines)
        assert sum(line.amount_minor for line in lines) == first.amount_minor
        assert sum(line.due for line in lines) == first.amount_minor
        before = {line.payee: line.before for line in lines if line.before}
        after = {line.payee: line.after for line in lines if line.after}
        units = {line.payee: line.amount_minor for line in lines}
        if first.pool in plain:
            assert not before
        else:
            assert before == carried[first.pool]
            carried[first.pool] = after
        match first:
            case Entry.Divided():
                due = {line.payee: line.due for line in lines}
                assert units == divide(first.amount_minor, due, carry=before).units
                check_division(first.amount_minor, due, units, carry=before)
            case Entry.Corrected():
                assert units == settle({line.payee: line.before + line.due for line in lines})
        if isinstance(first, Entry.Divided):
            assert all(line.amount_minor >= 0 for line in lines)
