"""The audit of money: every share, division and payout is recomputed from the journal alone.

Nothing recorded is trusted: every fact must follow from the facts before it. One file, because each
check is of a fact and the books as they stood before it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import zip_longest
from typing import Any, NamedTuple

from domain.fact import Fact
from domain.lineage import Edge, Lineage
from domain.moment import instant
from domain.money.agreement import Agreement
from domain.money.books import Books
from domain.money.due import standings
from domain.money.entry import LISTS, RULES_THAT_MOVE, Entry, Line, stated_lines
from domain.money.finalising import ACCEPTED, is_unchanged
from domain.money.held import AllInQuestion, Held
from domain.money.moving import Moved, correction_of, later_than, moved_up
from domain.money.netting import takings
from domain.money.payout import Batch, Payout
from domain.money.postings import ACCOUNTS, IN_TRANSIT, PAID, SUSPENSE, postings
from domain.money.proposal import Proposal
from domain.money.reckoning import (
    ComputedEntry,
    changes_due,
    division_of,
    freed_of,
    of_agreement,
    paid_by,
    redivision_of,
    reversal_of,
    waived_from,
)
from domain.money.remitting import Arrangements, accounts_of, remitted, sources_of
from domain.money.reserve import NO_RESERVE, Reserved, read_reserved
from domain.money.revenue import Expense, Revenue
from domain.money.share import Share
from domain.money.shares import shares_of
from domain.money.state import Cost
from domain.refusal import Refusal
from domain.remix import NOT_COUNTED, Remix


class Fault(NamedTuple):
    """Something recorded that does not follow from the facts before it."""

    position: int
    what: str


class Verifier:
    """Reads the journal once, in order, and keeps books of its own."""

    def __init__(self) -> None:
        self.books = Books()
        self.counted: Counter[str] = Counter()
        self.totals: dict[tuple[str, str], int] = defaultdict(int)
        """By currency and account: all units."""
        self._entries: dict[str, Entry] = {}
        self._pending: list[tuple[int, Fact]] = []
        self._before: dict[str, Agreement] = {}
        """By id: agreements as they were before the latest waiver."""
        self._assigned: dict[str, str] = {}
        """By agreement that follows from an assignment: the agreement before it."""
        self._edges: dict[str, tuple[str, str]] = {}
        """By remix that counts: its child and parent."""
        self._above: dict[str, set[str]] = {}
        """By work in question: its ancestors, as the command knew them."""
        self._questions = AllInQuestion()
        """The open questions when the latest batch of payouts was issued."""
        self._payee = "", ""
        """The batch and the payee of the latest payout."""
        self._due: dict[tuple[str, str], tuple[int, int, Held]] = {}
        """By account of that payee: the balance, the units payable, and the hold."""
        self._reversed: str | None = None
        """The pool of an expense that was reversed just before."""
        self._moving: list[Moved] = []
        """The divisions that have to move up after the latest reversal."""
        self._fresh: str | None = None
        """The revenue that was recorded last."""
        self._arranged = Arrangements()
        self._parts: dict[str, tuple[Any, ...]] = {}
        """By payout: its parts, and how it was sent."""
        self._of_payout: Counter[tuple[str, str]] = Counter()
        """By payout and ledger account: its units there."""

    def read(self, facts: Iterable[tuple[int, Fact]]) -> Iterator[Fault]:
        """The faults in these facts; stops at the first that makes no sense."""
        for position, happened in facts:
            yield from self._flush(happened)
            try:
                yield from self._one(position, happened)
            except (Refusal, LookupError, ValueError, AssertionError) as problem:
                yield Fault(position, f"this does not follow from what came before: {problem}")
                return
        yield from self._flush(None)
        yield from self._left_undone(self.books.position, None)
        yield from self._balances()

    def _one(self, position: int, happened: Fact) -> Iterator[Fault]:
        yield from self._left_undone(position, happened)
        match happened:
            case Entry.Event():
                self._pending.append((position, happened))
                return
            case Proposal.Finalised():
                yield from self._agreed(position, happened)
            case Share.Carried():
                yield from self._carried(position, happened)
            case Share.Waived(proposal=proposal):
                self._before[proposal] = self.books.agreements[proposal]
            case Remix.Event(originator_id=id, child=child, parent=parent):
                if happened.leaves in NOT_COUNTED:
                    self._edges.pop(id, None)
                elif happened.leaves:
                    self._edges[id] = (child, parent)
            case Batch.Opened():
                self._above = self._above_in_question()
                self._questions = self.books.questions(self._above)
            case Payout.Issued():
                yield from self._paid(position, happened)
            case _:
                self._booked(happened)
        self._fold(position, happened)
        self._arranged.fold(happened)
        if isinstance(happened, Payout.Event):
            yield from self._moved(position, happened)

    def _carried(self, position: int, happened: Share.Carried) -> Iterator[Fault]:
        """Check a carried acceptance: the payee accepted the same, or assigned a part of it."""
        earlier, proposal, payee = happened.earlier, happened.proposal, happened.payee
        before, now = (self.books.agreements[one] for one in (earlier, proposal))
        is_assigned = self._assigned.get(proposal) == earlier
        is_kept = before.pool == now.pool and (
            is_unchanged(self.books, before, now, payee)
            or (is_assigned and self.books.consents.get((earlier, payee)) in ACCEPTED)
        )
        if not is_kept:
            yield Fault(position, f"{payee} did not accept the same in {earlier}")

    def _booked(self, happened: Fact) -> None:
        match happened:
            case Revenue.Recorded():
                self._fresh = happened.originator_id
            case Revenue.Reversed(pool=pool, against=short, amount_minor=units):
                self._must_be_next(pool, short, happened.originator_id, units)
            case Expense.Reversed(pool=pool):
                self._reversed = pool

    def _left_undone(self, position: int, following: Fact | None) -> Iterator[Fault]:
        """Check that what a reversal entails was recorded before anything else."""
        if self._reversed is not None and not isinstance(following, Entry.Event):
            yield from self._overdrawn(position)
        if not isinstance(following, Entry.Redivided | Entry.Freed | Entry.Continued):
            for moved in self._moving:
                yield Fault(position, f"{moved.standing.division} should have moved up")
            self._moving = []

    def _overdrawn(self, position: int) -> Iterator[Fault]:
        """Check that no payer of a reversed expense was paid back more than is left of it."""
        assert self._reversed is not None
        for cost in self.books.pools[self._reversed].costs:
            if cost.left_minor < 0:
                yield Fault(
                    position, f"{-cost.left_minor} too much was paid back of {cost.expense}"
                )
        self._reversed = None

    def _fold(self, position: int, happened: Fact) -> None:
        self.books.fold(position, happened)
        for posting in postings(happened):
            self.totals[posting.currency, posting.account] += posting.amount_minor
            self.counted["postings"] += 1

    def _agreed(self, position: int, happened: Proposal.Finalised) -> Iterator[Fault]:
        """Check that the recorded shares are those of the assets."""
        shares = shares_of(self.books.proposed[happened.originator_id], {})
        self.counted["agreements"] += 1
        if happened.replaces is not None:
            self._assigned[happened.originator_id] = happened.replaces
        for payee, share in happened.shares:
            if str(shares.get(payee)) != share:
                yield Fault(position, f"the share of {payee} is {shares.get(payee)}, not {share}")

    # -- entries ---------------------------------------------------------------------------

    def _flush(self, following: Fact | None) -> Iterator[Fault]:
        """Check an entry after all of its facts were read."""
        if not self._pending:
            return
        (position, first), *_ = self._pending
        if following is not None and following.originator_id == first.originator_id:
            return
        facts, self._pending = self._pending, []
        try:
            yield from self._entry(position, Entry.told_by(facts))
        except (Refusal, LookupError, ValueError, AssertionError) as problem:
            yield Fault(position, f"this does not follow from what came before: {problem}")
        for at, happened in facts:
            self._fold(at, happened)
        if sum(posting.amount_minor for _, each in facts for posting in postings(each)):
            yield Fault(position, "its postings do not sum to zero")

    def _entry(self, position: int, entry: Entry) -> Iterator[Fault]:
        self._entries[entry.id] = entry
        self.counted[type(entry.first).TOPIC] += 1
        reckoned = self._reckoned(entry)
        lines, anew = _saying(entry.first, entry.lines), _saying(entry.first, reckoned.lines)
        for line, again in zip(lines, anew, strict=False):
            if line != again:
                what = f"the line of {line.payee} is {line.written()[1:]}"
                yield Fault(position, f"{what}; recomputed, it is {again.written()}")
                return
        if len(lines) != len(anew):
            yield Fault(position, "it does not have the lines that it should have")
        for name, value in (_UNSTATED | reckoned.content).items():
            said = getattr(entry, name) if name in LISTS else getattr(entry.first, name)
            if said != value:
                what, rows = f"its {name} is", (said, value)
                if name in LISTS:  # of which there may be thousands of rows
                    what = f"in its {name}, a row is"
                    rows = next(row for row in zip_longest(*rows) if row[0] != row[1])
                yield Fault(position, f"{what} {rows[0]}; recomputed, it is {rows[1]}")
                return

    def _reckoned(self, entry: Entry) -> ComputedEntry:
        first, books, rules = entry.first, self.books, entry.first.rules or 1
        match first:
            case Entry.Divided(revenue=revenue):
                recorded = books.revenues[revenue].recorded
                agreement = books.agreement_for(recorded.pool, recorded.effective_at)
                if agreement is None:
                    raise ValueError("nothing was agreed for it")
                _must(not any(takings(books, recorded.pool, self._fresh)), "the pool is in debt")
                return division_of(books, revenue, agreement, rules)
            case Entry.Reversed(division=division):
                return self._reversal(entry, division, rules)
            case Entry.Redivided(division=division):
                return self._redivision(entry, division, rules)
            case Entry.Freed():
                return freed_of(books, first.proposal, list(self._free(entry)))
            case Entry.Adjusted() | Entry.Opened() | Entry.Assigned():
                pool = books.pools[first.pool]
                units_by = {each.payee: each.amount_minor for each in entry.lines}
                if isinstance(first, Entry.Assigned):
                    self._must_be_free(first, units_by)
                content = of_agreement(books.agreements[first.proposal], pool, rules)
                return ComputedEntry(stated_lines(units_by, pool.carry), content)
        assert isinstance(first, Entry.Corrected)
        if first.replaces is None:
            change = waived_from(books, self._before[first.proposal])
        else:
            change = changes_due(books, first.pool)[first.replaces, first.proposal]
        return correction_of(books, first.proposal, change, self._entries.__getitem__, rules)

    def _reversal(self, entry: Entry, division: str, rules: int) -> ComputedEntry:
        first = entry.first
        assert isinstance(first, Entry.Reversed)
        self._must_be_next(first.pool, first.against, first.revenue, -first.amount_minor)
        return self._taken_back(reversal_of, division, -first.amount_minor, rules)

    def _redivision(self, entry: Entry, division: str, rules: int) -> ComputedEntry:
        if not entry.costs:
            _must(bool(self._moving), "nothing before it was reversed")
            return moved_up(self.books, self._moving.pop(0), rules)
        if self._moving:
            raise ValueError(f"{self._moving[0].standing.division} should have moved up")
        expense, payer, units = entry.costs[0]
        cost = Cost(str(expense), str(payer), -int(units))
        paid = paid_by(self._entries[division], self._reversals(division), cost.expense)
        _must(0 < cost.left_minor <= paid, "more is taken back than was paid back")
        return self._taken_back(redivision_of, division, cost, rules)

    def _reversals(self, division: str) -> list[Entry]:
        """The entries by which a division was taken back so far."""
        return [self._entries[each] for each in self.books.divisions[division].reversals]

    def _taken_back(
        self, compute: Callable[..., ComputedEntry], division: str, what: Cost | int, rules: int
    ) -> ComputedEntry:
        """What is taken back of a division; what has to move up then is due next."""
        entry_of, later = self._entries.__getitem__, None
        if rules >= RULES_THAT_MOVE:
            later = later_than(self.books, division, entry_of, rules)
        parts = entry_of(division), self._reversals(division), what
        found = compute(self.books, *parts, rules, later and later.flow)
        self._moving = [*later.moved(found.content["flow"])] if later else []
        return found

    def _free(self, entry: Entry) -> Iterator[Reserved]:
        """Check that what is freed was reserved, and that no carry changes."""
        for row in read_reserved(entry.reserved):
            known = self.books.reserves.get((entry.first.proposal, row.payee), NO_RESERVE)
            _must(0 < -row.units <= known.lots.get(row.until, 0), f"{known.lots} is held back")
            yield row._replace(due=Fraction(row.units), before=known.carried)

    def _must_be_next(self, pool: str, short: str | None, revenue: str, units: int) -> None:
        """Check that negative revenue is offset against the revenue that comes first."""
        if short is not None:
            due = next(takings(self.books, pool, self._fresh), None)
            _must(due == (short, revenue, units), f"to be taken back is {due}")

    def _must_be_free(self, first: Entry.Assigned, units: dict[str, int]) -> None:
        """Check that what is assigned was owed, and not on hold for another reason."""
        above = self._above_in_question()
        questions = self.books.questions(above)
        person = self.books.person(first.payee)
        for payee, given in units.items():
            if not given or payee == first.to:
                continue
            _must(self.books.person(payee) == person, f"{payee} is another payee")
            free = self.books.assignable(payee, first.proposal, questions, above)[0]
            is_free = min(0, free) <= -given <= max(0, free)
            _must(is_free, f"{free} can be assigned, not {-given}")

    # -- payouts ---------------------------------------------------------------------------

    def _paid(self, position: int, happened: Payout.Issued) -> Iterator[Fault]:
        self.counted["payouts"] += 1
        total = sum(int(units) for *_, units in happened.parts)
        if total != happened.amount_minor or total <= 0:
            yield Fault(position, f"its parts sum to {total}, not to {happened.amount_minor}")
        if (happened.batch, happened.payee) != self._payee:
            self._payee = happened.batch, happened.payee
            accounts = self.books.accounts_due(happened.currency, [happened.payee])
            stands = standings(self.books, accounts, self._questions, self._above)
            self._due = {key: (owed, units, why) for key, _, owed, units, why in stands}
        for payee, agreement, _, units in happened.parts:
            key = str(payee), str(agreement)
            owed, payable, held = self._due.get(key, (0, 0, Held()))
            # Earlier versions did not offset debts to the same pool.
            alone = self.books.payable_minor(*key, held)
            if units not in (owed, payable, alone):
                yield Fault(position, f"{payee} is owed {owed} under {agreement}, not {units}")
            elif units not in (payable, alone):
                why = ", ".join(held.because)
                yield Fault(position, f"what {payee} is owed is held: {why}")
        yield from self._sent(position, happened)

    def _sent(self, position: int, happened: Payout.Issued) -> Iterator[Fault]:
        """Check what is withheld and exchanged against the rules and rates stated before."""
        accounts = accounts_of(self.books, [happened.payee])[happened.payee]
        how, at = (accounts, happened.currency, happened.parts), instant(happened.timestamp)
        into = happened.sent[0]
        carried = self.books.differences.get(into, Fraction())
        sources = sources_of(self.books, happened.parts)
        again = remitted(self._arranged, *how, at, sources).content(happened.currency, carried)
        for name in ("withheld", "withheld_of_parts", "conversion", "sources"):
            if (said := getattr(happened, name)) != again.get(name):
                yield Fault(position, f"its {name} is {said}; recomputed, it is {again.get(name)}")

    def _above_in_question(self) -> dict[str, set[str]]:
        """By work in question: its ancestors at this position."""
        node = self.books.node
        edges = tuple(Edge(node(child), node(parent)) for child, parent in self._edges.values())
        works = self.books.in_question()
        return {work: set(Lineage(node(work), edges).generation) for work in works}

    def _moved(self, position: int, happened: Payout.Event) -> Iterator[Fault]:
        """Check that a payout moves as a whole, from the account it is on.

        A part of it may be a debt, so the account must not be negative for the whole payout,
        whatever it is for a part.
        """
        payout = happened.originator_id
        further = happened.withheld, happened.withheld_of_parts, happened.conversion
        of = happened.parts, *further, happened.sources
        if of != self._parts.setdefault(payout, of):
            yield Fault(position, "its parts are not those it was issued with")
        for posting in postings(happened):
            self._of_payout[payout, posting.account] += posting.amount_minor
        for account in (IN_TRANSIT, PAID, SUSPENSE):
            if self._of_payout[payout, account] < 0:
                yield Fault(position, f"the account {account} of this payout is negative")

    def _balances(self) -> Iterator[Fault]:
        """Check that all accounts of each currency sum to zero."""
        for currency in {currency for currency, _ in self.totals}:
            total = sum(self.totals[currency, account] for account in ACCOUNTS)
            if total:
                yield Fault(self.books.position, f"all accounts in {currency} sum to {total}")


def _must(holds: bool, otherwise: str) -> None:
    """Raise ``ValueError`` unless it holds, even where Python ignores assertions (-O)."""
    if not holds:
        raise ValueError(otherwise)


def _saying(first: Entry.Event, lines: Sequence[Line]) -> Sequence[Line]:
    """The lines that change something: the first versions had no others in a reversal."""
    if not isinstance(first, Entry.Reversed):
        return lines
    return [one for one in lines if one.amount_minor or one.due]


_UNSTATED: dict[str, Any] = {"reserved": [], "anew": [], "placed": []}
"""The lists that are empty unless they were computed."""
