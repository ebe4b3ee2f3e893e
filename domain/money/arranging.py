"""Commands that arrange in which currency payees are paid, at which rates, and what is withheld.

All of it is stated with its source and its dates; a payout goes by what is in force when issued.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated

from domain.command import Command, command
from domain.fact import New
from domain.moment import is_in_future
from domain.money.exchange import ExchangeRate, PaymentCurrency
from domain.money.keeping import must_know, side_of, warn_of_nobody
from domain.money.pool import BY_TERRITORY, Pool
from domain.money.remitting import Arrangements
from domain.money.withholding import Withholding
from domain.past import Past
from domain.permission import BOOKS, OPERATOR, OWN
from domain.refusal import BadExchangeRate, BadPeriod, UnknownContributor, UnknownWork, WrongState
from domain.value import Example
from domain.values import (
    BEN,
    CountryCode,
    CurrencyCode,
    Document,
    ExactRate,
    ExchangeRateText,
    LocatedBy,
    Moment,
    NewExchangeRateId,
    NewPaymentCurrencyId,
    NewWithholdingId,
    Note,
    PayeeText,
    PoolId,
    Reason,
    SourceName,
    WithholdingId,
)


@command(
    "exchange-rate", "/exchange-rates", may=BOOKS, refuses=(BadExchangeRate,), makes="exchange_rate"
)
class StateExchangeRate(Command):
    """State an exchange rate, with its source and its day.

    Payouts into the currency are exchanged at the latest rate; a corrected one is stated again.
    """

    currency: CurrencyCode
    into_currency: Annotated[CurrencyCode, "The currency that is got for it.", Example("EUR")]
    rate: ExchangeRateText
    effective_at: Annotated[Moment, "It is used from then on.", Example("2026-11-27")]
    source_name: Annotated[SourceName, "Who published it.", Example("ECB reference rates")]
    id: NewExchangeRateId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        if self.currency == self.into_currency:
            raise BadExchangeRate(self.rate, "both currencies are the same")
        if is_in_future(self.effective_at, past.now):
            past.warn("rate_ahead", since=self.effective_at)
        told = self.told(ExchangeRate.Stated, **past.texts_in(OPERATOR, self))
        yield ExchangeRate.Stated.born(past.id, **told)


@command(
    "payment-currency",
    "/payment-currencies",
    may=BOOKS | OWN,
    refuses=(UnknownContributor, UnknownWork),
    makes="payment_currency",
)
class ChoosePaymentCurrency(Command):
    """Choose the currency in which someone is paid, whatever the currency of the pool.

    If no rate from the pool's currency is known, they are paid in the pool's currency.
    """

    payee: Annotated[PayeeText, "Who is paid.", Example(BEN)]
    currency: Annotated[
        CurrencyCode | None, "Default: the currency of each pool again.", Example("EUR")
    ] = None
    reason: Annotated[Reason | None, Example("My account is in euros.")] = None
    id: NewPaymentCurrencyId | None = None

    def sides(self, past: Past) -> dict[str, str]:
        return side_of(past, self.payee)

    def decide(self, past: Past) -> Iterator[New]:
        must_know(past, [self.payee])
        warn_of_nobody(past, [self.payee])
        yield PaymentCurrency.Chosen.born(past.id, **self.told(PaymentCurrency.Chosen))


@command("withholding", may=BOOKS, refuses=(BadPeriod, UnknownContributor, UnknownWork))
class StateWithholding(Command):
    """State what part of payouts to a payee is withheld for a country of source.

    It applies to money that is stated to come from there: that of a pool (see pool.locate), or of
    some of its sales. The latest rule for a payee and country in force at the time of a payout
    applies.
    """

    payee: Annotated[PayeeText, "Whose payouts.", Example(BEN)]
    country: CountryCode
    rate: Annotated[ExactRate, "How much is withheld.", Example("0.15")]
    document: Annotated[
        Document, "The form or treaty it rests on.", Example("W-8BEN of 2026-01-12, article 12")
    ]
    effective_at: Annotated[Moment, "For payouts from then on.", Example("2026-01-12")]
    until: Annotated[Moment | None, "For payouts before then.", Example("2030")] = None
    note: Note | None = None
    id: NewWithholdingId | None = None

    def decide(self, past: Past) -> Iterator[New]:
        must_know(past, [self.payee])
        warn_of_nobody(past, [self.payee])
        if self.until is not None and self.until <= self.effective_at:
            raise BadPeriod(self.effective_at, self.until)
        # The operator owns the document and the note, because they prove what was withheld.
        told = self.told(Withholding.Stated, **past.texts_in(OPERATOR, self))
        yield Withholding.Stated.born(past.id, **told)


@command("withholding.end", may=BOOKS, refuses=(WrongState,))
class EndWithholding(Command):
    """End a withholding rule; what was withheld under it stays withheld."""

    id: WithholdingId
    reason: Annotated[Reason, Example("The form was stated for the wrong person.")]

    def decide(self, past: Past) -> Iterator[New]:
        noun = past.get(Withholding, self.id)
        reason = past.text(OPERATOR, "reason", self.reason)
        yield noun.then(Withholding.Ended, reason=reason)


@command("pool.locate", "/pools/{pool}/locate", may=BOOKS, refuses=(WrongState,))
class LocatePool(Command):
    """State which country a pool's money comes from, so that withholding applies.

    With ``located_by`` territory, the money of a sale comes from the country it names, if any.
    """

    pool: PoolId
    country: CountryCode
    located_by: LocatedBy | None = None
    reason: Annotated[Reason | None, Example("All of it is paid by a store in the US.")] = None

    def is_done(self, past: Past) -> bool:
        noun = past.get(Pool, self.pool)
        return (noun.country, noun.by_territory) == (self.country, self.located_by == BY_TERRITORY)

    def decide(self, past: Past) -> Iterator[New]:
        noun = past.get(Pool, self.pool)
        past.watch_money(noun.opened.release)
        by_territory = self.located_by == BY_TERRITORY or None
        told = self.told(Pool.Located, release=noun.opened.release, by_territory=by_territory)
        yield noun.then(Pool.Located, **told)


def arrangements(
    past: Past, payees: Collection[str], pools: Collection[str], currency: str
) -> Arrangements:
    """How these payees are to be paid out of these pools; changes are watched."""
    about = (Withholding.Stated, Withholding.Ended, PaymentCurrency.Chosen)
    for kind in (*about, ExchangeRate.Stated, Pool.Located):
        past.watch_all(kind.TOPIC)
    known, found = past.known, Arrangements()
    for happened in known.saying(about, "payee", payees):
        found.fold(happened)
    chosen = {into for _, into in found.currencies.values() if into is not None}
    pairs = [f"{currency}/{into}" for into in sorted(chosen)]
    for happened in known.saying((ExchangeRate.Stated,), "pair", pairs) if pairs else ():
        found.fold(happened)
    past.prefetch(pools)
    located = {pool: past.get(Pool, pool).country for pool in pools}
    found.countries = {pool: country for pool, country in located.items() if country is not None}
    return found
