"""The books: the state of all money, folded from the journal alone.

The books are a function of the facts up to a position. Commands decide by them and projections show
them; nothing but facts enters them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from threading import Lock
from typing import NamedTuple, Protocol

from domain.contributor import Contributor
from domain.credit import Credit
from domain.dispute import Opening
from domain.fact import Fact
from domain.money.agreement import Agreement
from domain.money.entry import Costs, Entry, Lines, Through, read_lines
from domain.money.held import (
    NO_ASSETS,
    NO_PARTS,
    Claim,
    Held,
    Owed,
    Question,
    Questions,
    against,
)
from domain.money.hold import Hold
from domain.money.outsider import Outsider
from domain.money.payee import Payee
from domain.money.payout import Payout
from domain.money.period import Period
from domain.money.pool import Pool, version, version_at
from domain.money.postings import OWED, postings
from domain.money.proposal import Assets, Proposal, joined
from domain.money.revenue import Expense, Revenue
from domain.money.share import Share
from domain.money.shares import shares_of, waived_in
from domain.money.split import PLAIN
from domain.money.terms import named_in
from domain.recorders import Placed
from domain.remix import Remix

Above = Mapping[str, Collection[str]]
"""By work: everything it was made from."""
NOTHING_ABOVE: Above = {}


class Cost(NamedTuple):
    """An expense, and how much of it is still to be paid back."""

    expense: str
    payer: str
    left_minor: int


class Doubt(NamedTuple):
    """A credit or an edge that is held, in dispute, or was found false."""

    work: str
    """The work of the credit, the parent of the edge."""
    contributor: str | None
    child: str | None
    by_name: bool
    """Whether it also holds what terms give by name."""
    by_piece: bool
    """Whether it holds only what a payee has by the piece."""
    false_at: int | None = None


@dataclass(frozen=True)
class PoolBooks:
    """The state of a pool."""

    opened: Pool.Opened
    amended: tuple[Pool.Amended, ...] = ()
    carry: Mapping[str, Fraction] = field(default_factory=dict)
    flow: Mapping[str, Fraction] = field(default_factory=dict)
    agreements: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    """Revenue that is not divided yet, in the order of recording."""
    costs: tuple[Cost, ...] = ()
    sources: Mapping[str, int] = field(default_factory=dict)
    """What came in from each source, less reversals."""
    names: Mapping[str, str] = field(default_factory=dict)
    """The commitment to the name of each source and payer that was named in words."""

    def version(self, number: int) -> Pool.Opened:
        """The pool with the terms of an amendment, or those it was opened with."""
        return version(self.opened, self.amended, number)

    @property
    def versions(self) -> Iterator[Pool.Opened]:
        """The pool with all the terms it ever had."""
        return map(self.version, range(len(self.amended) + 1))


@dataclass(frozen=True)
class RevenueBooks:
    """What is left of a revenue, and its division."""

    recorded: Revenue.Recorded
    left_minor: int
    division: str | None = None


@dataclass(frozen=True)
class DivisionBooks:
    """The agreement that a division is under now."""

    revenue: str
    agreement: str
    agreed: Fraction
    """How much of the rest goes by the agreed shares."""
    is_corrected: bool = False
    reversals: tuple[str, ...] = ()
    rules: int = 1
    terms: int = 0
    """The number of the amendment of the terms by which it was divided."""


@dataclass
class Books:
    """The state of all money after the facts folded so far."""

    position: int = 0
    pools: dict[str, PoolBooks] = field(default_factory=dict)
    proposed: dict[str, Assets] = field(default_factory=dict)
    """The assets of every proposal in its latest version."""
    agreements: dict[str, Agreement] = field(default_factory=dict)
    revenues: dict[str, RevenueBooks] = field(default_factory=dict)
    divisions: dict[str, DivisionBooks] = field(default_factory=dict)
    consents: dict[tuple[str, str], str] = field(default_factory=dict)
    """By agreement and payee: offered, accepted or declined."""
    doubts: dict[str, Doubt] = field(default_factory=dict)
    """By credit, hold or edge: what is in question."""
    confirmed: dict[tuple[str, str], int] = field(default_factory=dict)
    """By agreement and payee: where it was decided that the share stands."""
    forgotten: dict[str, int] = field(default_factory=dict)
    """Who was forgotten, and where: nobody is left to be paid."""
    closed: dict[str, str] = field(default_factory=dict)
    """By period that is closed: its end."""
    accounts: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    """By payee and agreement: the units on each account."""
    owed: dict[tuple[str, str], Owed] = field(default_factory=dict)
    """By payee and agreement: what is owed, and what was paid of it."""
    merged: dict[str, str] = field(default_factory=dict)
    """By contributor: whom they were merged into. By work: whose claim on it was accepted. By name
    of somebody outside: the contributor they are."""
    differences: dict[str, Fraction] = field(default_factory=dict)
    """By currency: what rounding conversions into it gained, and was not posted."""
    _named: dict[str, Collection[str]] = field(default_factory=dict, compare=False, repr=False)

    def copy(self) -> Books:
        """A copy that can be changed without changing these."""
        copied = {one.name: dict(getattr(self, one.name)) for one in fields(self)[1:]}
        return Books(self.position, **copied)

    def fold(self, position: int, happened: Fact) -> None:
        """Fold one more fact."""
        self.position = position
        self._fold(happened)
        for posting in postings(happened):
            if posting.payee is not None and posting.agreement is not None:
                key = posting.payee, posting.agreement
                account = dict(self.accounts.get(key, {}))
                units = account.get(posting.account, 0) + posting.amount_minor
                account[posting.account] = units
                self.accounts[key] = account
                if posting.account == OWED:
                    owed, more = self.owed.get(key, Owed()), posting.amount_minor
                    is_paid = isinstance(happened, Payout.Event) or (
                        isinstance(happened, Entry.Assigned) and posting.payee != happened.to
                    )
                    self.owed[key] = owed.paid(-more) if is_paid else owed.earned(more)

    def _fold(self, happened: Fact) -> None:
        id = happened.originator_id
        match happened:
            case Pool.Opened():
                self.pools[id] = PoolBooks(happened)
            case Proposal.Stage(assets=assets):
                self.proposed[id] = list(assets)
            case Proposal.Continued(assets=assets):
                self.proposed[id] = joined(self.proposed[id], assets)
            case Proposal.Finalised() | Proposal.Implied():
                self._agree(id, happened)
            case Share.Waived():
                self._waive(happened)
            case Share.Event(proposal=proposal, payee=payee):
                self.consents[proposal, payee] = happened.STATE
                if isinstance(happened, Share.Claimed):
                    self.merged[payee] = happened.contributor
            case Revenue.Recorded():
                self._receive(id, happened)
            case Revenue.Reversed():
                self._give_back(id, happened.amount_minor)
            case Expense.Recorded() | Expense.Reversed():
                self._spend(id, happened)
            case Entry.Event():
                self._enter(id, happened)
            case _:
                self._stop(id, happened)

    def _stop(self, id: str, happened: Fact) -> None:
        """What holds money back, whom it is paid to, and by which terms."""
        match happened:
            case Remix.Event(child=child, parent=work):
                self._doubt(id, happened, work, None, child)
            case Hold.Event(work=work, contributor=who) | Credit.Event(work=work, contributor=who):
                self._doubt(id, happened, work, who, None)
            case Period.Closed(until=until):
                self.closed[id] = until
            case Pool.Amended():
                self._change(id, amended=(*self.pools[id].amended, happened))
                self._named.pop(id, None)
            case Contributor.Merged(into=into):
                self.merged[id] = into
            case Contributor.Separated():
                self.merged.pop(id)
            case Outsider.Identified(payee=name, contributor=contributor):
                self.merged[name] = contributor
            case Contributor.Forgotten(holds=True):
                self.forgotten[id] = self.position
            case Proposal.Confirmed(payee=payee):
                self.confirmed[id, payee] = self.position
            case Payout.Issued(conversion=dict()) | Payout.Returned(conversion=dict()):
                sign, into = 1 if isinstance(happened, Payout.Issued) else -1, happened.sent[0]
                gained = self.differences.pop(into, Fraction()) + sign * happened.gained()
                self.differences |= {into: gained} if gained else {}

    def _doubt(
        self, id: str, happened: Fact, work: str, contributor: str | None, child: str | None
    ) -> None:
        if isinstance(happened, Opening | Hold.Opened):
            by_name, by_piece = bool(happened.by_name), bool(happened.by_piece)
            self.doubts[id] = Doubt(work, contributor, child, by_name, by_piece)
        elif getattr(happened, "is_false", None):
            by_piece = bool(getattr(happened, "by_piece", None))
            self.doubts[id] = Doubt(work, contributor, child, True, by_piece, self.position)
        else:
            self.doubts.pop(id, None)

    def _change(self, pool: str, **changes: object) -> None:
        self.pools[pool] = replace(self.pools[pool], **changes)  # type: ignore[arg-type] # by name

    def _agree(self, id: str, happened: Proposal.Finalised | Proposal.Implied) -> None:
        assets = self.proposed.get(id, [])
        self.agreements[id] = Agreement(
            id,
            happened.pool,
            happened.release,
            happened.number,
            happened.effective_at or "",
            getattr(happened, "graph_position", None),
            assets,
            {},
            shares_of(assets, {}),
            known=self.position,
            is_implied=isinstance(happened, Proposal.Implied),
        )
        self._change(happened.pool, agreements=(*self.pools[happened.pool].agreements, id))

    def _waive(self, happened: Share.Waived) -> None:
        agreement = self.agreements[happened.proposal]
        waivers = {
            **agreement.waivers,
            **waived_in(agreement.assets, happened.payee, happened.scope),
        }
        shares = shares_of(agreement.assets, waivers)
        self.agreements[happened.proposal] = replace(agreement, waivers=waivers, shares=shares)

    def _receive(self, id: str, happened: Revenue.Recorded) -> None:
        pool = self.pools[happened.pool]
        self.revenues[id] = RevenueBooks(happened, happened.amount_minor)
        source = happened.from_source
        brought = pool.sources.get(source, 0) + happened.amount_minor
        sources = {**pool.sources, source: brought}
        self._name(happened.pool, happened.source_id, happened.source_name)
        self._change(happened.pool, waiting=(*pool.waiting, id), sources=sources)

    def _spend(self, id: str, happened: Expense.Recorded | Expense.Reversed) -> None:
        pool, payer, amount = happened.pool, happened.payer, happened.amount_minor
        if isinstance(happened, Expense.Reversed):
            # Below zero until the entries of the same append have taken back what was paid.
            self._flow(pool, [], [[id, payer, amount]])
            return
        self._name(pool, payer, happened.payer_name)
        self._change(pool, costs=(*self.pools[pool].costs, Cost(id, payer, amount)))

    def _name(self, pool: str, id: str | None, name: str | None) -> None:
        if id is not None and name is not None:
            self._change(pool, names={**self.pools[pool].names, id: name})

    def _give_back(self, revenue: str, amount_minor: int) -> None:
        known = self.revenues[revenue]
        self.revenues[revenue] = replace(known, left_minor=known.left_minor - amount_minor)
        pool, source = known.recorded.pool, known.recorded.from_source
        sources = {**self.pools[pool].sources}
        sources[source] -= amount_minor
        waiting = self.pools[pool].waiting
        if known.left_minor == amount_minor:
            waiting = tuple(each for each in waiting if each != revenue)
        self._change(pool, sources=sources, waiting=waiting)

    def _enter(self, id: str, happened: Entry.Event) -> None:
        match happened:
            case Entry.Divided():
                pool = self.pools[happened.pool]
                self.revenues[happened.revenue] = replace(
                    self.revenues[happened.revenue], division=id
                )
                agreed = Fraction(happened.agreed)
                self.divisions[id] = DivisionBooks(
                    happened.revenue,
                    happened.proposal,
                    agreed,
                    rules=happened.rules or 1,
                    terms=self.terms_for(happened.pool, happened.revenue),
                )
                waiting = tuple(each for each in pool.waiting if each != happened.revenue)
                self._change(happened.pool, waiting=waiting)
                self._flow(happened.pool, happened.flow, happened.costs)
                self._agreed(happened.proposal, agreed)
            case Entry.Reversed():
                agreed = Fraction(happened.agreed)
                self._give_back(happened.revenue, -happened.amount_minor)
                known = self.divisions[happened.division]
                self.divisions[happened.division] = replace(
                    known, agreed=known.agreed + agreed, reversals=(*known.reversals, id)
                )
                self._flow(happened.pool, happened.flow, happened.costs)
                self._agreed(happened.proposal, agreed)
            case Entry.Redivided():
                known = self.divisions[happened.division]
                agreed = Fraction(happened.agreed)
                self.divisions[happened.division] = replace(
                    known,
                    agreed=known.agreed + agreed,
                    is_corrected=True,
                    reversals=(*known.reversals, id),
                )
                self._flow(happened.pool, happened.flow, happened.costs)
                self._agreed(happened.proposal, agreed)
            case Entry.Corrected(replaces=replaced):
                self._correct(happened.proposal, replaced)
                for division, more in happened.anew or ():
                    moved = self.divisions[division]
                    agreed = moved.agreed + Fraction(more)
                    terms = self.terms_for(happened.pool, moved.revenue)
                    self.divisions[division] = replace(moved, agreed=agreed, terms=terms)
                    self._agreed(happened.proposal, Fraction(more))
                if replaced is not None and happened.is_complete:
                    agreement = replace(self.agreements[replaced], known=self.position)
                    self.agreements[replaced] = agreement
                self._flow(happened.pool, happened.flow or [], [])
            case Entry.Continued():
                self._flow(happened.pool, happened.flow or [], happened.costs or [])
        self._carry(happened.pool, happened.lines)

    def _agreed(self, proposal: str, more: Fraction) -> None:
        known = self.agreements[proposal]
        self.agreements[proposal] = replace(known, agreed=known.agreed + more)

    def _flow(self, pool: str, flow: Through, costs: Costs) -> None:
        known = self.pools[pool]
        through = dict(known.flow)
        for place, amount in flow:
            through[place] = through.get(place, Fraction()) + Fraction(amount)
        left = {cost.expense: cost for cost in known.costs}
        for expense, payer, units in costs:
            before = left.get(str(expense), Cost(str(expense), str(payer), 0))
            left[str(expense)] = before._replace(left_minor=before.left_minor - int(units))
        self._change(pool, flow=through, costs=tuple(left.values()))

    def _carry(self, pool: str, lines: Lines) -> None:
        known = self.pools[pool]
        if known.opened.rounding == PLAIN:
            return
        carry = dict(known.carry)
        for line in read_lines(lines):
            carry[line.payee] = line.after
            if not line.after:
                del carry[line.payee]
        self._change(pool, carry=carry)

    def _correct(self, proposal: str, replaced: str | None) -> None:
        """After a waiver the shares have changed already; else divisions move to this agreement."""
        for id, division in list(self.divisions.items()):
            if division.agreement == (replaced or proposal):
                moves = replaced is None or self.stands_under(division, proposal)
                if moves:
                    self.divisions[id] = replace(division, agreement=proposal, is_corrected=True)
                    if replaced is not None:
                        self._agreed(replaced, -division.agreed)
                        self._agreed(proposal, division.agreed)

    # -- asking ----------------------------------------------------------------------------

    def agreement_for(self, pool: str, effective_at: str) -> Agreement | None:
        """The agreement that holds for what was earned at a moment, if any."""
        found = [
            agreement
            for id in self.pools[pool].agreements
            if (agreement := self.agreements[id]).effective_at <= effective_at
        ]
        return max(found, key=lambda each: (each.effective_at, each.number), default=None)

    @property
    def closed_until(self) -> str:
        """The end of the latest period that is closed; empty if none is."""
        return max(self.closed.values(), default="")

    def terms_for(self, pool: str, revenue: str) -> int:
        """The number of the amendment whose terms hold for a revenue."""
        return version_at(self.pools[pool].amended, self.revenues[revenue].recorded.effective_at)

    def stands_under(self, division: DivisionBooks, proposal: str) -> bool:
        """Whether a division belongs under this agreement by its date."""
        recorded = self.revenues[division.revenue].recorded
        held = self.agreement_for(recorded.pool, recorded.effective_at)
        return held is not None and held.proposal == proposal

    def claim(self, payee: str, agreement: str, above: Above = NOTHING_ABOVE) -> Claim:
        """A payee's claim under an agreement, with everything that could hold it back."""
        known, person = self.agreements[agreement], self.person(payee)
        return Claim(
            payee,
            person,
            self.consents.get((agreement, payee)),
            release=known.release,
            assets=known.pieces.get(payee, NO_ASSETS),
            works=known.works,
            named={*known.works, *above.get(known.release, ())}
            if known.release in above and payee in self.named(known.pool)
            else (),
            known=max(known.known, self.confirmed.get((agreement, payee), 0)),
            is_forgotten=person in self.forgotten,
        )

    def named(self, pool: str) -> Collection[str]:
        """The people and works that are named in the terms of a pool."""
        if pool not in self._named:
            payees = [each for one in self.pools[pool].versions for each in named_in(one)]
            self._named[pool] = frozenset(
                each for each in payees if Payee.parse(each).kind != "other"
            )
        return self._named[pool]

    def in_question(self) -> set[str]:
        """The works of which it matters what they were made from: see ``questions``."""
        works = {each.work for each in self.doubts.values() if each.child is not None}
        if any(each.by_name for each in self.doubts.values()):
            named = (pool for pool in self.pools if self.named(pool))
            works |= {self.pools[pool].opened.release for pool in named}
        return works

    def questions(self, above: Above = NOTHING_ABOVE) -> Questions:
        """The credits and edges that are held, in dispute, or were found false.

        ``above`` says what the works in question were made from. What depends on anything above a
        disputed edge waits too; and what the terms of a pool give by name, on all of its release.
        """
        return Questions(
            Question(
                frozenset((each.work, *(above.get(each.work, ()) if each.child else ()))),
                None if each.contributor is None else self.person(each.contributor),
                each.child,
                each.by_name,
                each.false_at,
                each.by_piece,
            )
            for each in self.doubts.values()
        )

    def person(self, payee: str) -> str:
        """The person a payee is after all merges."""
        while payee in self.merged:
            payee = self.merged[payee]
        return payee

    def held(self, payee: str, agreement: str, questions: Questions, above: Above) -> Held:
        """Why what a payee is owed under an agreement can't be paid now."""
        return against(self.claim(payee, agreement, above), questions)

    def payable_minor(self, payee: str, agreement: str, held: Held) -> int:
        """How much of what a payee is owed under an agreement can be paid now; or a debt."""
        owed = self.owed.get((payee, agreement), Owed())
        parts = self.agreements[agreement].parts.get(payee, NO_PARTS) if held.assets else NO_PARTS
        return owed.left_minor - owed.held_minor(held, parts)

    def assignable_minor(
        self, payee: str, agreement: str, questions: Questions, above: Above
    ) -> int:
        """The same if somebody were there to be paid: what can be assigned, or a debt."""
        claim = self.claim(payee, agreement, above)
        person = "" if claim.person == payee and Payee.parse(payee).is_work else claim.person
        held = against(claim._replace(is_forgotten=False, person=person), questions)
        return self.payable_minor(payee, agreement, held)

    def payable(self, above: Above = NOTHING_ABOVE) -> Iterator[tuple[str, str, int]]:
        """Payee, agreement and units: what can be paid now, and every debt."""
        questions = self.questions(above)
        for (payee, agreement), owed in self.owed.items():
            is_due = owed.left_minor > 0
            held = self.held(payee, agreement, questions, above) if is_due else Held()
            if units := self.payable_minor(payee, agreement, held):
                yield payee, agreement, units


TOPICS = tuple(
    kind.TOPIC
    for kind in (
        *(Pool.Opened, Pool.Amended, Proposal.Posted, Proposal.Revised, Proposal.Continued),
        *(Proposal.Finalised, Proposal.Implied, Proposal.Confirmed),
        *(Share.Offered, Share.Claimed, Share.Carried, Outsider.Identified),
        *(
            Share.Accepted,
            Share.Declined,
            Share.Waived,
            Revenue.Recorded,
            Revenue.Reversed,
            Expense.Recorded,
            Expense.Reversed,
        ),
        *(Entry.Divided, Entry.Reversed, Entry.Corrected, Entry.Redivided),
        *(Entry.Adjusted, Entry.Assigned, Entry.Continued),
        *(Payout.Issued, Payout.Settled, Payout.Returned, Payout.Claimed),
        *(Hold.Opened, Hold.Lifted),
        *(Credit.Disputed, Credit.Settled, Credit.Revoked),
        *(Remix.Disputed, Remix.Settled, Remix.Struck),
        *(Contributor.Merged, Contributor.Separated, Contributor.Forgotten, Period.Closed),
    )
)
"""The facts that change the books."""


class Facts(Protocol):
    """The facts that the books are folded from."""

    def after(self, position: int, limit: int, topics: Collection[str] = ()) -> list[Placed]:
        """The next facts of some topics after a position."""


class Bookkeeper:
    """Keeps the books of one journal up to date, for every thread of the process."""

    def __init__(self, facts: Facts) -> None:
        self._facts, self._books, self._lock = facts, Books(), Lock()

    def books(self) -> Books:
        """A copy of the books as of now."""
        with self._lock:
            fold_after(self._books, self._facts)
            return self._books.copy()


def fold_after(books: Books, facts: Facts, upto: int | None = None, page: int = 2_000) -> None:
    """Fold the facts that the books lack, up to a position or to the end."""
    while placed := facts.after(books.position, page, TOPICS):
        for one in placed:
            if upto is not None and one.position > upto:
                return
            books.fold(one.position, one.fact())
        if len(placed) < page:
            return
