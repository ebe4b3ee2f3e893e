"""How payouts are sent: what is withheld, and how much of the rest is sent in which currency.

Both are rounded once per payout, half up, as Article 5 of Regulation (EC) No 1103/97 says of
conversions: “If the application of the conversion rate gives a result which is exactly half-way,
the sum shall be rounded up.”

The rounding difference of a conversion is carried to the next one into the same currency, and
whole units of it are posted: carried before + gained − posted = carried after.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import Any, NamedTuple

from domain.fact import Fact
from domain.money.apportionment import settle
from domain.money.books import Books
from domain.money.exchange import ExchangeRate, PaymentCurrency, exchanged
from domain.money.payout import PayoutParts, Withheld
from domain.money.pool import Pool
from domain.money.postings import RESERVED
from domain.money.sourcing import Sources, drawn
from domain.money.withholding import Withholding
from domain.refusal import BadAmount

MOST_SENT = 10**18
"""An amount sent is less than this, so that databases can store sums of them."""


class WithholdingRule(NamedTuple):
    """A rule of withholding, numbered in the order of recording."""

    number: int
    id: str
    country: str
    rate: str
    since: str
    until: str | None

    def holds(self, at: str) -> bool:
        """Whether it applies to a payout issued at a moment."""
        return self.since <= at and (self.until is None or at < self.until)


class Quote(NamedTuple):
    """A rate between two currencies; quotes sort by date and position."""

    since: str
    number: int
    id: str
    rate: str


@dataclass
class Arrangements:
    """What is recorded about how payees are to be paid."""

    rules: dict[str, dict[str, WithholdingRule]] = field(default_factory=lambda: defaultdict(dict))
    """By payee and id: the rules that have not ended."""
    currencies: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    """By payee: the position of their choice, and the currency."""
    rates: dict[str, list[Quote]] = field(default_factory=lambda: defaultdict(list))
    """By pair of currencies."""
    countries: dict[str, str] = field(default_factory=dict)
    """By pool: the country that its money comes from."""
    _number: int = 0

    def fold(self, happened: Fact) -> None:
        """Fold one more fact, in the order of recording."""
        id, self._number = happened.originator_id, self._number + 1
        match happened:
            case Withholding.Stated(payee=payee, country=country, rate=rate):
                since, until = happened.effective_at, happened.until
                self.rules[payee][id] = WithholdingRule(
                    self._number, id, country, rate, since, until
                )
            case Withholding.Ended(payee=payee):
                self.rules[payee].pop(id, None)
            case PaymentCurrency.Chosen(payee=payee, currency=currency):
                self.currencies[payee] = self._number, currency
            case ExchangeRate.Stated(effective_at=since, rate=rate):
                self.rates[happened.pair].append(Quote(since, self._number, id, rate))
            case Pool.Located(country=country):
                self.countries[id] = country

    def rule(self, accounts: Iterable[str], country: str, at: str) -> WithholdingRule | None:
        """The latest rule that applies to the accounts of a person at a moment."""
        rules = (each for account in accounts for each in self.rules.get(account, {}).values())
        holding = (each for each in rules if each.country == country and each.holds(at))
        return max(holding, default=None)

    def currency(self, accounts: Iterable[str]) -> str | None:
        """The currency in which a person is to be paid; None: in that of each pool."""
        chosen = (self.currencies[each] for each in accounts if each in self.currencies)
        return max(chosen, default=(0, None), key=lambda each: each[0])[1]

    def quote(self, currency: str, into: str, at: str) -> Quote | None:
        """The latest quote in force at a moment."""
        every = self.rates.get(f"{currency}/{into}", ())
        return max((each for each in every if each.since <= at), default=None)


class Remittance(NamedTuple):
    """A payout as it is sent."""

    withheld: Withheld
    of_parts: list[int]
    """The units withheld of each part."""
    sources: Sources
    """How much of the parts came from which country, as far as sales state it."""
    net_minor: int
    """What is left after withholding, in the currency of the pools."""
    sent_minor: int
    into: str | None = None
    """The other currency in which it is to be sent, if any."""
    quote: Quote | None = None
    """The rate for that; None: there is none, and it is sent unconverted."""

    @property
    def can_be_sent(self) -> bool:
        """Whether it can be sent: something is left, or rules of 100 % withhold everything.

        If only rounding leaves nothing, it waits until more is owed.
        """
        rates = {Fraction(rate or 0) for _, _, rate, *_ in self.withheld}
        return self.sent_minor > 0 or (self.net_minor == 0 and rates == {1})

    def content(self, currency: str, carried: Fraction) -> dict[str, Any]:
        """The fields of the payout about this; ``carried`` is the gain from earlier rounding."""
        found: dict[str, Any] = {}
        if self.withheld:
            found |= {"withheld": self.withheld, "withheld_of_parts": self.of_parts}
        if self.sources:
            found["sources"] = self.sources
        if self.into is not None and self.quote is not None:
            exact = exchanged(self.net_minor, currency, self.into, self.quote.rate)
            found["conversion"] = {
                "exchange_rate": self.quote.id,
                "rate": self.quote.rate,
                "currency": self.into,
                "amount_minor": self.sent_minor,
                "carried": str(carried),
                "difference_minor": half_up(carried + exact - self.sent_minor),
            }
        return found


def remitted(
    known: Arrangements,
    accounts: Collection[str],
    currency: str,
    parts: PayoutParts,
    at: str,
    sources: Sources,
) -> Remittance:
    """How a payout of these parts to a person with these accounts is sent at a moment."""
    by_country = _by_country(known, parts, sources)
    withheld = list(_withheld(known, accounts, by_country, at))
    of_parts = _of_parts(by_country, withheld)
    net = sum(int(part[-1]) for part in parts) - sum(of_parts)
    into = known.currency(accounts)
    if not net or into in (None, currency):
        return Remittance(withheld, of_parts, sources, net, net)
    quote = known.quote(currency, into, at)
    sent = net if quote is None else half_up(exchanged(net, currency, into, quote.rate))
    if sent >= MOST_SENT:
        raise BadAmount(sent, "it is too large to be sent")
    return Remittance(withheld, of_parts, sources, net, sent, into, quote)


def _by_country(known: Arrangements, parts: PayoutParts, sources: Sources) -> list[dict[str, int]]:
    """For each part, by country: the units that came from there, as far as stated."""
    by_country: list[dict[str, int]] = [{} for _ in parts]
    for index, country, units in sources:
        by_country[int(index)][str(country)] = int(units)
    for found, (_, _, pool, units) in zip(by_country, parts, strict=True):
        if (rest := int(units) - sum(found.values())) and str(pool) in known.countries:
            country = known.countries[str(pool)]
            found[country] = found.get(country, 0) + rest
    return by_country


def _withheld(
    known: Arrangements, accounts: Collection[str], by_country: list[dict[str, int]], at: str
) -> Iterator[list[str | int | None]]:
    """``[country, rule, rate, of, units]`` for each country: what is withheld of how much.

    Debts are deducted first, because tax on them was withheld before. Without a rule nothing is
    withheld, and that is stated too.
    """
    paid: dict[str, int] = defaultdict(int)
    for country, units in (one for found in by_country for one in found.items()):
        paid[country] += units
    for country in sorted(paid):
        rule, of = known.rule(accounts, country, at), max(0, paid[country])
        if rule is None:
            yield [country, None, None, paid[country], 0]
        else:
            yield [country, rule.id, rule.rate, paid[country], half_up(of * Fraction(rule.rate))]


def _of_parts(by_country: list[dict[str, int]], withheld: Withheld) -> list[int]:
    """For each part: the units withheld, in proportion to what came from the same country."""
    kept = [0] * len(by_country)
    for country, _, _, of, units in withheld:
        if units:
            due = {
                str(index): Fraction(found[str(country)] * int(units), int(of or 1))
                for index, found in enumerate(by_country)
                if country in found
            }
            for index, part in settle(due).items():
                kept[int(index)] += part
    return kept


def half_up(exact: Fraction) -> int:
    """The nearest whole number, halves rounded up."""
    return floor(exact + Fraction(1, 2))


def accounts_of(books: Books, persons: Collection[str]) -> dict[str, list[str]]:
    """By person: all payees that are theirs after merges (accounts, names and works)."""
    books.fetch(of=[(books.merging, person) for person in persons])
    return {person: books.payees_of(person) for person in persons}


def sources_of(books: Books, parts: PayoutParts) -> Sources:
    """The countries that the parts of a payout came from, as far as sales state it."""
    placed = [
        (index, (str(payee), str(agreement)), int(units))
        for index, (payee, agreement, pool, units) in enumerate(parts)
        if books.opened[str(pool)].by_territory is not None
    ]
    books.fetch((books.countries, [key for _, key, _ in placed]))
    found: Sources = []
    for index, key, units in placed:
        owed = books.owed(*key).left_minor + books.accounts[key].get(RESERVED, 0)
        by_country = books.countries.get(key, {})
        found += (
            [index, country, part] for country, part in drawn(units, owed, by_country).items()
        )
    return found
