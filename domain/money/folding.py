"""Folding: what each fact changes in the books.

The books are a pure function of the facts up to a position.

One file, because it is one list: a rule for each fact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction

from domain.contributor import Contributor
from domain.fact import Fact
from domain.join import Join
from domain.kept import placed_at
from domain.money.agreement import Agreement, Dated, in_force
from domain.money.doubt import DOUBTING, doubt_of
from domain.money.entry import Costs, Entry, FlowRows, Lines, read_lines
from domain.money.held import Owed
from domain.money.origins import Origins
from domain.money.outsider import Outsider
from domain.money.passing import passed_by, passed_in
from domain.money.payee import Payee
from domain.money.payout import Payout
from domain.money.period import Period
from domain.money.pool import Pool, version_at
from domain.money.postings import OWED, RESERVED, Posting, postings
from domain.money.proposal import Proposal
from domain.money.reserve import NO_RESERVE, read_reserved
from domain.money.revenue import Expense, Revenue
from domain.money.share import Share
from domain.money.shares import waived_in
from domain.money.split import PLAIN
from domain.money.state import EVERY, Cost, DivisionBooks, PoolState, RevenueBooks, Sums
from domain.money.terms import named_in
from domain.money.through import joined

TOPICS = tuple(
    kind.TOPIC
    for kind in (
        *(Pool.Opened, Pool.Amended, Pool.Reserving, Pool.Located),
        *(Proposal.Posted, Proposal.Revised, Proposal.Continued),
        *(Proposal.Finalised, Proposal.Implied, Proposal.Confirmed),
        *(Share.Offered, Share.Claimed, Share.Carried, Outsider.Identified),
        *(Share.Accepted, Share.Declined, Share.Waived),
        *(Revenue.Recorded, Revenue.Reversed, Expense.Recorded, Expense.Reversed),
        *(Entry.Divided, Entry.Reversed, Entry.Corrected, Entry.Redivided),
        *(Entry.Adjusted, Entry.Opened, Entry.Freed, Entry.Assigned, Entry.Continued),
        *(Payout.Issued, Payout.Settled, Payout.Returned, Payout.Claimed),
        *DOUBTING,
        *(Join.Declared, Join.Accepted, Join.Undone),
        *(Contributor.Merged, Contributor.Separated, Contributor.Forgotten, Period.Closed),
    )
)
"""The facts that change the books."""
_CHANGING = frozenset(TOPICS)


def changes_books(happened: Fact) -> bool:
    """Whether a fact changes the books."""
    return happened.TOPIC in _CHANGING


def _is_due(units: Mapping[str, int]) -> bool:
    """Whether an account has a balance that is owed now, or reserved for later."""
    return bool(units.get(OWED) or units.get(RESERVED))


class Folding(Origins):
    """The books, and how facts change them."""

    _division = ""
    """The division that the latest entry is about, for the facts that continue the entry."""
    _is_by_hand = False
    """Whether the lines of the latest entry were stated by hand."""

    def fold(self, position: int, happened: Fact) -> None:
        """Fold the next fact; facts that are not about money change nothing but the position."""
        self.position = position
        if changes_books(happened):
            self._fold(happened)
            self._post(happened)

    def _post(self, happened: Fact) -> None:
        """Add the postings of a fact to the accounts."""
        posted = [(one.payee, one.agreement, one) for one in postings(happened)]
        moved = [((who, of), one) for who, of, one in posted if who is not None and of is not None]
        keys = [key for key, _ in moved]
        self.fetch((self.accounts, keys), (self.gone, keys))
        for key, posting in moved:
            before = self.accounts.get(key, {})
            now = before | {posting.account: before.get(posting.account, 0) + posting.amount_minor}
            if posting.account == OWED:
                self._owe(key, happened, posting)
            self.accounts[key] = now
            due = (posting.currency, *key)
            if _is_due(now) != _is_due(before):
                if _is_due(now):
                    self.due[due] = True
                else:
                    del self.due[due]

    def _owe(self, key: tuple[str, str], happened: Fact, posting: Posting) -> None:
        """Update how much was paid or assigned away since the balance was last 0."""
        if not isinstance(happened, Payout.Event) and (
            not isinstance(happened, Entry.Assigned) or posting.payee == happened.to
        ):
            return
        before = self.owed(*key)
        now = before.paid(-posting.amount_minor)
        if now.gone_minor:
            self.gone[key] = now.gone_minor
        elif before.gone_minor:
            del self.gone[key]

    def owed(self, payee: str, agreement: str) -> Owed:
        """What a payee is owed under an agreement."""
        key = payee, agreement
        units = self.accounts.get(key)
        return Owed() if units is None else Owed(units.get(OWED, 0), self.gone.get(key, 0))

    def _fold(self, happened: Fact) -> None:
        id = happened.originator_id
        match happened:
            case Revenue.Recorded():
                self._receive(id, happened)
            case Revenue.Reversed(amount_minor=amount, against=against):
                if against is not None and self.opened[happened.pool].by_territory:
                    self._net(id, against, amount)
                self._give_back(id, amount, against)
            case Expense.Recorded() | Expense.Reversed():
                self._spend(id, happened)
            case Entry.Event():
                self._enter(id, happened)
            case Proposal.Event() | Share.Event():
                self._agree(id, happened)
            case Pool.Opened() | Pool.Amended():
                self._open(id, happened)
            case Pool.Reserving():
                known = self.opened[id]
                self.opened[id] = replace(known, reserving=(*known.reserving, happened))
            case Pool.Located(by_territory=by_territory):
                self._locate(id, by_territory=bool(by_territory))
            case Payout.Issued(sources=list(sources)):
                self._draw(happened, sources, -1)
            case Payout.Claimed(sources=list(sources)):
                self._draw(happened, sources, 1)
            case _:
                self._stop(id, happened)

    # -- pools and agreements --------------------------------------------------------------

    def _open(self, id: str, happened: Pool.Opened | Pool.Amended) -> None:
        payees = named_in(happened)
        known = [each for each in payees if Payee.parse(each).kind != "other"]
        if isinstance(happened, Pool.Opened):
            self.opened[id], self.sums[id] = PoolState(happened, tuple(known)), Sums()
        else:
            before = self.opened[id]
            named = tuple(dict.fromkeys([*before.named, *known]))
            self.opened[id] = replace(before, named=named, amended=(*before.amended, happened))
        for payee in payees:
            self.mentioned[payee, id] = self.position

    def _locate(self, pool: str, *, by_territory: bool) -> None:
        known = self.opened[pool]
        if by_territory or known.by_territory:
            self.opened[pool] = replace(known, by_territory=by_territory)

    def _agree(self, id: str, happened: Proposal.Event | Share.Event) -> None:
        match happened:
            case Proposal.Stage(divided=assets):
                self.proposed[id] = assets
            case Proposal.Continued(divided=assets):
                self.proposed[id] = joined(self.proposed[id], assets)
            case Proposal.Finalised() | Proposal.Implied():
                self._finalise(id, happened)
            case Proposal.Confirmed(payee=payee):
                self.confirmed[id, payee] = self.position
            case Share.Waived():
                self._waive(happened)
            case Share.Event(proposal=proposal, payee=payee):
                self.consents[proposal, payee] = happened.STATE
                if isinstance(happened, Share.Offered | Share.Claimed):
                    self.asked[payee, proposal] = True
                if isinstance(happened, Share.Claimed):
                    self._merge(payee, happened.contributor)

    def _finalise(self, id: str, happened: Proposal.Finalised | Proposal.Implied) -> None:
        by, replaced = (getattr(happened, name, None) for name in ("known_as", "replaces"))
        known_as = () if by is None else (by,)
        now = Agreement(
            id,
            happened.pool,
            happened.release,
            happened.number,
            happened.effective_at or "",
            getattr(happened, "graph_position", None),
            self.proposed.pop(id, []),
            self.position,
            known=0 if known_as else getattr(happened, "known_at", None) or self.position,
            known_as=known_as,
            is_implied=isinstance(happened, Proposal.Implied),
        )
        passed = passed_in(now.assets)
        if replaced is not None:
            earlier = self.agreements[replaced]
            passed = passed_by(earlier.assets, earlier.passed, earlier.parts, now.parts)
        self.agreements[id] = replace(now, passed=passed)
        self.agreed[id] = Fraction()
        for payee in now.shares:
            self.mentioned[payee, id] = self.position
        pool = self.opened[happened.pool]
        dated = (*pool.agreements, Dated(id, now.effective_at, now.number))
        self.opened[happened.pool] = replace(pool, agreements=dated)

    def _waive(self, happened: Share.Waived) -> None:
        agreement = self.agreements[happened.proposal]
        more = waived_in(agreement.assets, happened.payee, happened.scope)
        waivers = {**agreement.waivers, **more}
        self.agreements[happened.proposal] = replace(agreement, waivers=waivers)
        if happened.leaves:
            self.consents[happened.proposal, happened.payee] = happened.leaves

    # -- what holds money back, and whom it is paid to -------------------------------------

    def _stop(self, id: str, happened: Fact) -> None:
        match happened:
            case _ if isinstance(happened, DOUBTING):
                self._doubt(id, happened)
            case Period.Closed(until=until):
                self.closed["until"] = max(until, self.closed.get("until", ""))
            case Contributor.Merged(into=into):
                self._merge(id, into)
            case Contributor.Separated():
                self._merge(id, id)
            case Join.Event(node=str(node)):
                self._join(happened.moves, node)
            case Outsider.Identified(payee=name, contributor=contributor):
                self._merge(name, contributor)
            case Contributor.Forgotten(holds=True):
                self.forgotten[id] = self.position
            case Payout.Issued(conversion=dict()) | Payout.Returned(conversion=dict()):
                self._gain(happened)

    def _gain(self, happened: Payout.Issued | Payout.Returned) -> None:
        """Add what was gained by rounding a conversion, or subtract it if the payout came back."""
        sign, (into, sent) = 1 if isinstance(happened, Payout.Issued) else -1, happened.sent
        if sign > 0:
            self._book(into, sent)
        gained = self.differences.pop(into, Fraction()) + sign * happened.gained()
        if gained:
            self.differences[into] = gained

    def _join(self, works: Iterable[str], node: str) -> None:
        """Move these works to a node; money waiting for an unclaimed one waits for the node."""
        into = str(Payee("work", node))
        for work in works:
            payee = str(Payee("work", work))
            self.nodes[work] = node
            if Payee.parse(self.merged.get(payee, payee)).is_work:
                self._merge(payee, into)

    def _merge(self, payee: str, into: str) -> None:
        if (before := self.merged.pop(payee, None)) is not None:
            self.merging.pop((before, payee), None)
        if payee == into:
            return
        self.merged[payee] = into
        self.merging[into, payee] = True

    def _doubt(self, id: str, happened: Fact) -> None:
        if (doubt := doubt_of(self.position, happened)) is not None:
            self.doubts[EVERY, id] = doubt
        else:
            self.doubts.pop((EVERY, id), None)

    # -- revenue and expenses --------------------------------------------------------------

    def _receive(self, id: str, happened: Revenue.Recorded) -> None:
        source = happened.pool, happened.from_source
        self.revenues[id] = RevenueBooks(happened, happened.amount_minor, self.position)
        self.sources[source] = self.sources.get(source, 0) + happened.amount_minor
        self.waiting[happened.pool, placed_at(self.position), id] = happened.amount_minor > 0
        self._name(happened.pool, happened.source_id, happened.source_name)
        self._book(happened.currency, happened.amount_minor)

    def _spend(self, id: str, happened: Expense.Recorded | Expense.Reversed) -> None:
        pool, payer, amount = happened.pool, happened.payer, happened.amount_minor
        if isinstance(happened, Expense.Reversed):
            known = self.costs[pool, id]
            # Negative until the entries of the same append have taken back what was paid back.
            self._cost(pool, known._replace(left_minor=known.left_minor - amount))
            return
        self._name(pool, payer, happened.payer_name)
        self._book(happened.currency, amount)
        self._cost(pool, Cost(id, payer, amount, self.position))

    def _name(self, pool: str, id: str | None, name: str | None) -> None:
        if name is not None:
            assert id is not None, "what was named has an id"
            self.names[pool, id] = name

    def _cost(self, pool: str, cost: Cost) -> None:
        self.costs[pool, cost.expense] = cost
        key = pool, placed_at(cost.at), cost.expense
        if cost.left_minor:
            self.unpaid[key] = True
        else:
            self.unpaid.pop(key, None)

    def _give_back(self, revenue: str, amount_minor: int, against: str | None) -> None:
        recorded = self._take(revenue, amount_minor)
        if against is None:
            self.sources[recorded.pool, recorded.from_source] -= amount_minor
        else:  # what came in from its source is less since it was recorded
            self._take(against, -amount_minor)

    def _take(self, revenue: str, amount_minor: int) -> Revenue.Recorded:
        known = self.revenues[revenue]
        self.revenues[revenue] = replace(known, left_minor=known.left_minor - amount_minor)
        if known.division is None and known.left_minor == amount_minor:
            self.waiting.pop((known.recorded.pool, placed_at(known.at), revenue), None)
        return known.recorded

    # -- entries ---------------------------------------------------------------------------

    def _enter(self, id: str, happened: Entry.Event) -> None:
        match happened:
            case Entry.Divided():
                self._divide(id, happened)
            case Entry.Reversed():
                self._give_back(happened.revenue, -happened.amount_minor, happened.against)
                self._change(id, happened, is_corrected=False)
            case Entry.Redivided():
                self._change(id, happened, is_corrected=True)
            case Entry.Corrected():
                self._correct(happened)
            case Entry.Continued():
                self._correct_more(happened)
        self._source(happened)
        through: FlowRows = getattr(happened, "flow", None) or []
        self._pay_back(happened.pool, getattr(happened, "costs", None) or [])
        self._carry(happened.pool, through, happened.lines)
        if isinstance(happened, Entry.First):
            self._is_by_hand = isinstance(happened, Entry.Adjusted | Entry.Opened)
        for line in read_lines(happened.lines) if self._is_by_hand else ():
            self._book(happened.currency, line.amount_minor)
        for row in read_reserved(happened.reserved):
            key = happened.proposal, row.payee
            self.reserves[key] = self.reserves.get(key, NO_RESERVE).after(row)

    def _divide(self, id: str, happened: Entry.Divided) -> None:
        self._division = id
        revenue, agreement = self.revenues[happened.revenue], happened.proposal
        self.waiting.pop((happened.pool, placed_at(revenue.at), happened.revenue), None)
        self.revenues[happened.revenue] = replace(revenue, division=id)
        agreed = Fraction(happened.agreed)
        self.divisions[id] = DivisionBooks(
            happened.revenue,
            agreement,
            agreed,
            self.position,
            rules=happened.rules or 1,
            terms=self.terms_for(happened.pool, happened.revenue),
        )
        self.divided[agreement, placed_at(self.position), id] = True
        self.agreed[agreement] += agreed

    def _change(
        self, id: str, happened: Entry.Reversed | Entry.Redivided, *, is_corrected: bool
    ) -> None:
        self._division = happened.division
        known, agreed = self.divisions[happened.division], Fraction(happened.agreed)
        self.divisions[happened.division] = replace(
            known,
            agreed=known.agreed + agreed,
            is_corrected=known.is_corrected or is_corrected,
            reversals=(*known.reversals, id),
        )
        self.agreed[happened.proposal] += agreed

    def _correct(self, happened: Entry.Corrected) -> None:
        replaced = happened.replaces
        moved = self._move(happened.proposal, replaced)
        # If only the terms have changed, it is about those that it lists.
        self._corrected = {} if replaced == happened.proposal else dict.fromkeys(moved)
        self._correct_more(happened)
        if replaced is not None and happened.is_complete:
            before = self.agreements[replaced]
            if (by := happened.known_as) is None:
                self.agreements[replaced] = replace(before, known=self.position)
            else:
                known_as = tuple(dict.fromkeys((*before.known_as, by)))
                self.agreements[replaced] = replace(before, known_as=known_as)

    def _correct_more(self, happened: Entry.Corrected | Entry.Continued) -> None:
        """Fold the divisions that a fact of a correction lists."""
        anew = happened.anew or ()
        self._corrected = {**self._corrected, **{division: None for division, _ in anew}}
        for division, more in anew:
            known = self.divisions[division]
            terms = self.terms_for(happened.pool, known.revenue)
            agreed = known.agreed + Fraction(more)
            self.divisions[division] = replace(known, agreed=agreed, terms=terms)
            self.agreed[happened.proposal] += Fraction(more)
        for division, more in happened.placed or ():
            stays = self.divisions[division]
            self.divisions[division] = replace(stays, agreed=stays.agreed + Fraction(more))
            self.agreed[stays.agreement] += Fraction(more)

    def _move(self, proposal: str, replaced: str | None) -> list[str]:
        """Move divisions to an agreement; after a waiver they only count as corrected."""
        moved = []
        for id, division in self.divisions_under([replaced or proposal]):
            if replaced is None or self.stands_under(division, proposal):
                self.divisions[id] = replace(division, agreement=proposal, is_corrected=True)
                moved.append(id)
                if replaced is not None:
                    since = placed_at(division.at), id
                    del self.divided[(replaced, *since)]
                    self.divided[(proposal, *since)] = True
                    self.agreed[replaced] -= division.agreed
                    self.agreed[proposal] += division.agreed
        return moved

    def _pay_back(self, pool: str, costs: Costs) -> None:
        for expense, payer, units in costs:
            known = self.costs.get((pool, str(expense)), Cost(str(expense), str(payer), 0))
            self._cost(pool, known._replace(left_minor=known.left_minor - int(units)))
            if division := self.divisions.get(self._division):
                self.paid_back[str(expense), placed_at(division.at), self._division] = True

    def _carry(self, pool: str, flow: FlowRows, lines: Lines) -> None:
        """Update the carry and the running totals of a pool."""
        known = self.sums[pool]
        through, carry = dict(known.flow), dict(known.carry)
        for place, amount in flow:
            through[place] = through.get(place, Fraction()) + Fraction(amount)
        for line in read_lines(lines) if self.opened[pool].opened.rounding != PLAIN else ():
            if after := line.after:
                carry[line.payee] = after
            else:
                carry.pop(line.payee, None)
        self.sums[pool] = replace(known, carry=carry, flow=through)

    def _book(self, currency: str, amount_minor: int) -> None:
        self.booked[currency] = self.booked.get(currency, 0) + abs(amount_minor)

    # -- lookups ---------------------------------------------------------------------------

    def agreement_for(self, pool: str, effective_at: str) -> Agreement | None:
        """The agreement that is in force for what was earned at a moment, if any."""
        found = in_force(self.opened[pool].agreements, effective_at)
        return None if found is None else self.agreements[found.agreement]

    def terms_for(self, pool: str, revenue: str) -> int:
        """The number of the amendment whose terms are in force for a revenue; 0: the original."""
        return version_at(self.opened[pool].amended, self.revenues[revenue].recorded.effective_at)

    def stands_under(self, division: DivisionBooks, proposal: str) -> bool:
        """Whether this agreement is in force for a division, by the date of its revenue."""
        recorded = self.revenues[division.revenue].recorded
        held = self.agreement_for(recorded.pool, recorded.effective_at)
        return held is not None and held.proposal == proposal

    def divisions_under(self, agreements: Iterable[str]) -> list[tuple[str, DivisionBooks]]:
        """The divisions under some agreements, in the order of recording."""
        named = list(agreements)
        self.fetch(of=[(self.divided, each) for each in named])
        found = sorted((at, id) for one in named for (_, at, id), _ in self.divided.under(one))
        self.fetch((self.divisions, [id for _, id in found]))
        divisions = [(id, self.divisions[id]) for _, id in found]
        self.fetch((self.revenues, [each.revenue for _, each in divisions]))
        return divisions
