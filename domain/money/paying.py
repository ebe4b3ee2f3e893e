"""Commands that issue payouts in batches, record what became of them, and put credits on hold.

A payout reduces what is owed in the same append, so no unit is paid twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from fractions import Fraction
from typing import Annotated, Any, NamedTuple

from domain.command import Command, Record, command, record
from domain.credit import Credit
from domain.dispute import IN_QUESTION
from domain.fact import New
from domain.identity import part_id
from domain.moment import instant
from domain.money.apportionment import payee_key
from domain.money.arranging import arrangements
from domain.money.books import Account
from domain.money.currency import money
from domain.money.due import Due, due
from domain.money.hold import Hold, hold_on
from domain.money.keeping import must_fit, must_know, side_of, warn_of_nobody, watch_questions
from domain.money.payout import Batch, Payout, PayoutParts
from domain.money.remitting import Remittance, accounts_of, remitted, sources_of
from domain.money.reserving import freed_when_due
from domain.past import Past
from domain.permission import BOOKS, OPERATOR, OWN
from domain.refusal import (
    NoExchangeRate,
    NothingToPay,
    PayoutsChanged,
    UnknownContributor,
    UnknownWork,
    WrongState,
)
from domain.value import MOST_PIECES, Amount, Example, Most
from domain.values import CreditId, CurrencyCode, NewBatchId, PayeeText, PayoutId, Reason, Reference

MOST_PARTS = 250
"""The most parts of a payout, so that it fits into a fact."""
_PATH = "/payout-batches"


class Paid(NamedTuple):
    """A payout that is to be issued."""

    payee: str
    parts: PayoutParts
    sent: Remittance

    @property
    def amount_minor(self) -> int:
        """The gross amount, before anything is withheld."""
        return _amount(self.parts)

    @property
    def withheld_minor(self) -> int:
        """How much of it is withheld."""
        return sum(self.sent.of_parts)


@record
class Minimum(Record):
    """The least that is paid to one payee."""

    payee: PayeeText
    minimum_minor: Annotated[int, Amount(help="In the currency's smallest units.", example=1000)]


@command(
    "payout",
    _PATH,
    may=BOOKS,
    refuses=(NothingToPay, PayoutsChanged, NoExchangeRate, UnknownContributor, UnknownWork),
    makes="batch",
    home=_PATH,
)
class IssuePayouts(Command):
    """Pay everyone who is owed the minimum: one payout each, less any overpayment.

    Withholding is deducted, and the rest is sent in the currency that the payee chose. ``minimums``
    names payees with a different minimum; ``payees`` limits who is paid.
    """

    currency: CurrencyCode
    minimum_minor: Annotated[
        int, Amount(help="The smallest amount to pay to one payee; default 1.", example=1000)
    ] = 1
    minimums: Annotated[
        tuple[Minimum, ...], Most(MOST_PIECES), "Payees with a different minimum."
    ] = ()
    payees: Annotated[
        tuple[PayeeText, ...] | None, Most(MOST_PIECES), "Only these; default everyone."
    ] = None
    total_minor: Annotated[
        int | None,
        Amount(
            help="What all of it comes to, as a preview showed it: a batch of any other total is "
            "refused."
        ),
        Example(None),
    ] = None
    id: NewBatchId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        named = [*(self.payees or ()), *(each.payee for each in self.minimums)]
        must_know(past, named)
        warn_of_nobody(past, named)
        accounts = self.accounts(past)
        yield from freed_when_due(past, past.id, accounts)
        paid = self.paid(past, due(past, accounts))
        if not paid:
            least = money(self.minimum_minor, self.currency)
            raise NothingToPay(least, currency=self.currency, minimum_minor=self.minimum_minor)
        total_minor = sum(each.amount_minor for each in paid)
        if self.total_minor not in (None, total_minor):
            total, stated = (money(x, self.currency) for x in (total_minor, self.total_minor))
            raise PayoutsChanged(total, stated, total_minor=total_minor)
        yield Batch.Opened.born(
            past.id,
            currency=self.currency,
            minimum_minor=self.minimum_minor,
            minimums=[[each.payee, each.minimum_minor] for each in self.minimums],
            payees=None if self.payees is None else list(self.payees),
            count=len(paid),
            total_minor=total_minor,
        )
        if any(each.sent.quote for each in paid):
            # The gain from rounding is carried from one payout to the next, so both are watched.
            past.watch_all(Payout.Issued.TOPIC)
            past.watch_all(Payout.Returned.TOPIC)
        paid_on = {str(account) for each in paid for account, *_ in each.parts}
        past.watch_money(*paid_on, *(each.payee for each in paid))
        for number, (payee, parts, sent) in enumerate(paid):
            carried = past.books().differences.get(sent.into or "", Fraction())
            yield Payout.Issued.born(
                part_id(past.id, "payout", number),
                batch=past.id,
                payee=payee,
                currency=self.currency,
                amount_minor=_amount(parts),
                parts=parts,
                **sent.content(self.currency, carried),
            )

    def accounts(self, past: Past) -> list[Account]:
        """The accounts of those who are to be paid."""
        books = past.books()
        chosen = None if self.payees is None else set(map(books.person, self.payees))
        return books.accounts_due(self.currency, chosen)

    def paid(self, past: Past, owed: Mapping[str, Due]) -> list[Paid]:
        """The payouts of those to whom enough is due, in the order of payees."""
        books = past.books()
        watch_questions(past)
        least = {books.person(each.payee): each.minimum_minor for each in self.minimums}
        found = {payee: _in_facts(each.parts) for payee, each in owed.items() if each.parts}
        remit = self._remitting(past, found)
        paid = {payee: remit(payee, found[payee]) for payee in sorted(found, key=payee_key)}
        issued = [
            each
            for payee, payouts in paid.items()
            if sum(each.sent.net_minor or each.amount_minor for each in payouts)
            >= least.get(payee, self.minimum_minor)
            and all(each.sent.can_be_sent for each in payouts)
            for each in self._at_a_rate(past, payouts)
        ]
        exchanged: dict[str, int] = {}
        for sent in (each.sent for each in issued):
            if sent.into is not None and sent.quote is not None:
                exchanged[sent.into] = exchanged.get(sent.into, 0) + sent.sent_minor
        for into, sent_minor in exchanged.items():
            must_fit(past, into, sent_minor)
        return issued

    def _remitting(
        self, past: Past, found: Mapping[str, list[PayoutParts]]
    ) -> Callable[[str, list[PayoutParts]], list[Paid]]:
        """A function that finds how the parts of a payee are sent; looks up arrangements once."""
        every = [part for payouts in found.values() for parts in payouts for part in parts]
        accounts = accounts_of(past.books(), found)
        payees = {one for person in accounts.values() for one in person}
        pools = {str(pool) for _, _, pool, _ in every}
        known = arrangements(past, sorted(payees), sorted(pools), self.currency)
        at = instant(past.now)

        def remit(payee: str, payouts: list[PayoutParts]) -> list[Paid]:
            how = known, accounts[payee], self.currency
            return [
                Paid(payee, parts, remitted(*how, parts, at, sources_of(past.books(), parts)))
                for parts in payouts
            ]

        return remit

    def _at_a_rate(self, past: Past, payouts: list[Paid]) -> list[Paid]:
        """The same payouts; refuses or warns if an exchange rate is missing or too old."""
        days = past.rate_days
        oldest = "" if days is None else instant(past.now - timedelta(days=days))
        for _, _, sent in payouts:
            if sent.into is None or (sent.quote is not None and sent.quote.since >= oldest):
                continue
            if days is not None:
                raise NoExchangeRate(self.currency, sent.into, days)
            if sent.quote is None:
                past.warn("no_exchange_rate", currency=self.currency, into=sent.into)
        return payouts


_CHANGING: dict[str, Any] = {"may": BOOKS, "refuses": (WrongState,)}


@command("payout.settle", **_CHANGING)
class SettlePayout(Command):
    """Record that a payout has arrived."""

    id: PayoutId
    reference: Reference | None = None

    def decide(self, past: Past) -> Iterator[New]:
        payout = past.get(Payout, self.id)
        # The operator owns the reference, so that it outlives a payee who is forgotten.
        reference = past.text(OPERATOR, "reference", self.reference)
        yield payout.then(Payout.Settled, reference=reference)


@command("payout.return", **_CHANGING)
class ReturnPayout(Command):
    """Record that a payout came back; it waits until its payee claims it."""

    id: PayoutId
    reason: Annotated[Reason, Example("The account was closed.")]

    def decide(self, past: Past) -> Iterator[New]:
        payout = past.get(Payout, self.id)
        yield payout.then(Payout.Returned, was=payout.state, reason=self.reason)


@command("payout.claim", may=OWN, then=Payout.Claimed)
class ClaimPayout(Command):
    """Claim a payout that came back; the next batch pays it, unless it is on hold."""

    id: PayoutId
    reason: Annotated[Reason | None, Example("I have a new account.")] = None

    def sides(self, past: Past) -> dict[str, str]:
        return side_of(past, past.get(Payout, self.id).payee)


# -- holds ---------------------------------------------------------------------------------------


@record
class _OfHold(Command):
    """A command about the hold on a credit."""

    id: CreditId

    def target(self, actor: str) -> str:
        return hold_on(self.id)


@command("credit.hold", **_CHANGING)
class HoldCredit(_OfHold):
    """Put payments for a credit on hold; a payout already issued is not stopped."""

    reason: Annotated[Reason, Example("Two people claim the same solo.")]

    def decide(self, past: Past) -> Iterator[New]:
        credit = past.get(Credit, self.id)
        past.watch_money(credit.contributor)
        said = {"reason": self.reason, **IN_QUESTION}
        if past.stream(past.id):
            yield past.get(Hold, past.id).then(Hold.Opened, **said)
        else:
            line = {"credit": self.id, **credit.line}
            yield Hold.Opened.born(past.id, **line, **said)


@command("credit.lift-hold", **_CHANGING)
class LiftHold(_OfHold):
    """Lift the hold on a credit, so that it can be paid."""

    reason: Annotated[Reason | None, Example("They have agreed.")] = None

    def decide(self, past: Past) -> Iterator[New]:
        if not past.stream(past.id):
            raise WrongState(Hold.NAME, self.id, "not open", ("open",))
        yield past.get(Hold, past.id).then(Hold.Lifted, reason=self.reason)


def _in_facts(parts: PayoutParts) -> list[PayoutParts]:
    """The parts distributed over as many payouts as needed, each with a positive amount."""
    count = -(-len(parts) // MOST_PARTS)
    ordered = sorted(parts, key=lambda part: int(part[-1]), reverse=True)
    payouts = [ordered[number::count] for number in range(count)]
    # If debts outweigh one payout, all wait: they are paid together or not at all.
    return payouts if all(_amount(each) > 0 for each in payouts) else []


def _amount(parts: PayoutParts) -> int:
    return sum(int(units) for *_, units in parts)
