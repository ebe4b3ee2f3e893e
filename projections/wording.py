"""Wording: how amounts, shares and moments are written, and what states of money are called."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import Any

from domain.money.currency import money
from domain.money.policy.assets import RELEASE
from domain.refusal import BadRate
from domain.remix import exact_rate

CONSENTS = {
    "offered": "not answered yet",
    "accepted": "accepted",
    "carried": "accepted before; the share is the same",
    "declined": "declined",
    "waived": "waived",
}
HELD_BECAUSE = {
    "unclaimed": "no one has claimed the work",
    "unaccepted": "the share has not been accepted yet",
    "declined": "the share was declined",
    "disputed": "something it depends on is disputed or on hold",
    "to_be_corrected": "the share has to be corrected: something it depends on was found false",
    "nobody": "nobody is left to be paid",
}


WAITS_BECAUSE = {
    "no_agreement": "no shares are agreed yet",
    "deferred": "its source has not brought in enough yet",
    "below_zero": "more came back than was sold; the next revenue makes up for it",
}
"""Why revenue is not divided yet."""


def several(count: int, one: str, many: str = "") -> str:
    """A number of things, in the singular or plural."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def between(names: Collection[str]) -> str:
    """What separates names in a list: a semicolon if one of them contains a comma."""
    return "; " if any("," in name for name in names) else ", "


def held_because(line: Mapping[str, Any]) -> str:
    """Why something is held, and because of which pieces."""
    because = ", ".join(HELD_BECAUSE.get(why, why) for why in line["because"])
    about = ", ".join(f"“{each['title'] or each['asset']}”" for each in line["assets"])
    return f"{because} ({about})" if about else because


BOOKED = {
    "division": "Earned",
    "reversal": "Reversed",
    "correction": "Corrected",
    "adjustment": "Adjusted",
    "opening": "Owed by earlier books",
    "assignment": "Assigned",
    "reserve": "Reserve for returns",
    "payout": "Paid",
    "claim": "Claimed again",
    "recoupment": "Recouped",
    "exchange": "Exchanged",
}


def booked(line: Mapping[str, Any]) -> str:
    """What a line of a statement records, in words."""
    what = BOOKED.get(line["kind"], line["kind"])
    if line["kind"] == "reserve" and line["amount_minor"] > 0:
        return "From the reserve for returns"
    return f"{what}, but it came back" if line["is_returned"] else what


BY_ENTRY = {
    "reversal": "a reversal",
    "correction": "a correction",
    "adjustment": "an adjustment",
    "opening": "an opening balance",
    "assignment": "an assignment",
    "reserve": "the release of a reserve",
}
"""Entries that are no divisions, by their kind."""


def entry_of(line: Mapping[str, Any]) -> str:
    """What kind of entry an explained amount is from, and of how much."""
    of = f" of {money(line['of_minor'], line['currency'])}" if line["of_minor"] else ""
    return f"{BY_ENTRY[line['kind']]}{of}"


def day(moment: str | None) -> str:
    """The day of a recorded moment."""
    return (moment or "")[:10]


_MIDNIGHT = "T00:00:00.000000Z"


def stated(moment: str | None) -> str:
    """When money was earned or spent, no less exactly than recorded: a month, a day or an instant.

    A month or a day is recorded as its first instant; of several that begin at it, the longest of
    these is shown. Files say it like this, as pages do.
    """
    short = (moment or "").removesuffix(_MIDNIGHT)
    return short.removesuffix("-01") if len(short) == len("2026-05-01") else short


def earned(moment: str | None) -> str:
    """The same for people, without the time of day."""
    return day(stated(moment))


def minute(moment: str) -> str:
    """A recorded moment, to the minute, in UTC."""
    return f"{moment[:10]} {moment[11:16]}"


OF_TAX = 3
"""How many decimals tax rates are shown with: laws state 15.825 % and 20.42 %."""


def percent(rate: str | None, digits: int = 1) -> str:
    """An exact rate in percent, to at most so many digits; marked if it is rounded."""
    if rate is None:
        return ""
    share = Fraction(rate) * 100
    text = f"{float(share):.{digits}f}".rstrip("0").removesuffix(".")
    return f"{text} %" if share == Fraction(text) else f"about {text} %"


def decimals(rate: str | None) -> str | None:
    """An exact rate as a decimal number, to twelve places: a spreadsheet takes 3/20 for a date."""
    return None if rate is None else f"{float(Fraction(rate)):.12f}".rstrip("0").rstrip(".")


def rate(stated: str | None) -> str:
    """A rate as people type it: in percent, or as a fraction where that would be rounded.

    Anything that is not a rate stays as it was typed.
    """
    try:
        told = percent(exact_rate(stated))
    except BadRate:
        return stated or ""
    return stated or "" if told.startswith("about") else told


STANDS = {
    "payable_minor": "can be paid",
    "held_minor": "is held",
    "debt_minor": "was overpaid",
    "in_transit_minor": "paid, on its way",
    "settled_minor": "paid so far, and arrived",
    "suspense_minor": "returned, to be claimed",
    "withheld_minor": "withheld so far for a country",
    "exchanged_minor": "sent so far in another currency",
    "reserved_minor": "held back for returns",
}
"""The labels of the parts of a balance."""


def recouping(line: Mapping[str, Any], currency: str, written: Callable[[str], str] = str) -> str:
    """How far an advance, a tranche or a budget line is recouped, as a sentence."""
    names = [
        each and written(each["name"] or "(forgotten)") for each in (line["payee"], line["to"])
    ]
    whose = f"{names[0]}, by {names[1]}" if names[1] else names[0]
    advance, before, now, left = (
        money(line[f"{name}_minor"], currency) for name in ("advance", "before", "now", "remaining")
    )
    return f"Recouped of {advance} ({whose}): {before} before, {now} now; {left} remaining"


def reserving(line: Mapping[str, Any], currency: str) -> str:
    """What is held back for returns and until when, or what was freed."""
    said = money(abs(line["amount_minor"]), currency)
    if line["amount_minor"] < 0:
        return f"{said} taken from the reserve for returns"
    until = f"until {day(line['until'])}" if line["until"] else "until it is freed"
    return f"{said} held back for returns {until}"


def waived_over(over: str, asset: str, title: str | None) -> str:
    """To whom a waived share of an asset went: the others in the scope of the waiver."""
    if over in (RELEASE, asset):
        return f"the others {'there' if over == asset else 'of the release'}"
    return f"the others within {title or over}"


def remarks(one: Mapping[str, Any]) -> list[str]:
    """Remarks on the balances of a statement: what is held, reserved or was exchanged, and why."""
    currency = one["currency"]
    held = [
        f"{money(each['amount_minor'], currency)} is held: {held_because(each)}"
        for each in one["held"]
    ]
    exchanged = [
        f"{money(each['amount_minor'], currency)} of what was paid was earned in {each['currency']}"
        for each in one["exchanged"]
    ]
    return [*held, *(reserving(each, currency) for each in one["reserves"]), *exchanged]


def sending(sent: Mapping[str, Any], currency: str) -> str:
    """What was withheld of a payout and how the rest was sent, as part of a sentence."""
    said = [
        f"{money(each['withheld_minor'], currency)} withheld for {each['country']} "
        f"({percent(each['rate'], OF_TAX)})"
        if each["rate"]
        else f"nothing withheld for {each['country']} (no rule)"
        for each in sent["withheld"]
    ]
    at = f" at {sent['rate']}, the rate of {day(sent['rate_of'])}" if sent["rate"] else ""
    return "; ".join([*said, f"{money(sent['amount_minor'], sent['currency'])} sent{at}"])


LONGEST_FRACTION = 7
"""Nobody reads a longer fraction, so a page shows it rounded."""


def is_long(exact: str) -> bool:
    """Whether the fraction of an exact number is too long for people to read."""
    return len(str(Fraction(exact) % 1)) > LONGEST_FRACTION


def units(exact: str, currency: str, *, about: bool = False) -> str:
    """An exact number of smallest units as an amount, with any fraction of a unit after it.

    ``about`` rounds the fraction, for places where the exact number stands beside it.
    """
    number = Fraction(exact)
    whole = int(number)
    rest = str(number - whole).replace("-", "−")
    if rest == "0":
        return money(whole, currency)
    if about:
        rest = f"about {float(number - whole):.3f}".replace("-", "−")
    rest = f"{rest} of {money(1, currency)}"
    return f"{money(whole, currency)} and {rest}" if whole else rest
