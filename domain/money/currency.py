"""The currencies that money may be in, and how many digits each has after the point.

An amount is a whole number of a currency's smallest units, so a code without one (gold, the code
for tests) is not a currency here.

A unit of one's own, such as a token, is declared by how it is written: its name, a point and its
exponent, as in HOPE.2. So no amount can ever be read with another exponent.
"""

from __future__ import annotations

import re
from decimal import Decimal

from domain.refusal import BadCurrency

# ISO 4217, list one, as the package iso4217 carried it in November 2026 (the domain imports none).
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_TWO_DIGITS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD
HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK
MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD
RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
"""
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS = "CLF UYW"
# Withdrawn since 2020: money was earned in them, and old divisions are recomputed.
_WITHDRAWN = "ANG BGN CUC HRK SLL ZWL"

DIGITS: dict[str, int] = {
    **dict.fromkeys(_NO_DIGITS.split(), 0),
    **dict.fromkeys(_TWO_DIGITS.split(), 2),
    **dict.fromkeys(_WITHDRAWN.split(), 2),
    **dict.fromkeys(_THREE_DIGITS.split(), 3),
    **dict.fromkeys(_FOUR_DIGITS.split(), 4),
}
"""The digits after the point of every currency: 2 for USD, 0 for JPY, 3 for KWD."""


MOST_DIGITS = 12
"""The largest exponent of a unit of one's own: an amount of 10¹⁵ units is then a thousand."""
# Longer than the three letters of ISO 4217, and a commodity that beancount reads.
_OWN = re.compile(r"([A-Z][A-Z0-9]{3,11})\.(0|[1-9][0-9]?)\Z")


def currency_code(code: object) -> str:
    """The code, if it is one of ISO 4217 that has a smallest unit, or a unit of one's own."""
    if isinstance(code, str):
        own = _OWN.match(code)
        if code in DIGITS or (own and int(own[2]) <= MOST_DIGITS):
            return code
    raise BadCurrency(code)


def digits(currency: str) -> int:
    """The digits after the point of a currency, or of a unit of one's own."""
    return DIGITS[currency] if currency in DIGITS else int(currency.partition(".")[2])


def called(currency: str) -> str:
    """The currency as it is written after an amount: HOPE.2 is HOPE."""
    return currency.partition(".")[0]


def money(amount_minor: int, currency: str) -> str:
    """An amount as it is written for people, and its currency: 1,234.50 USD."""
    return f"{amount(amount_minor, currency)} {called(currency)}"


def amount(amount_minor: int, currency: str) -> str:
    """The same without the currency."""
    exponent = digits(currency)
    whole, rest = divmod(abs(amount_minor), 10**exponent)
    after_point = f".{rest:0{exponent}d}" if exponent else ""
    return f"{'−' if amount_minor < 0 else ''}{whole:,}{after_point}"


def decimal(amount_minor: int, currency: str) -> str:
    """Units as a decimal number of the currency, with all of its digits: 12345 is 123.45 USD."""
    return f"{Decimal(amount_minor).scaleb(-digits(currency)):f}"
