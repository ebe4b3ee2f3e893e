"""The preview of a payout batch: who would be paid how much, who would not, and why.

It is computed by the command itself, on a draft that is discarded.
"""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Annotated, TypedDict, cast

from domain.identity import new_id
from domain.journal import Journal
from domain.moment import instant
from domain.money.currency import money
from domain.money.due import Due, due
from domain.money.paying import IssuePayouts, Paid
from domain.money.reserving import freed_when_due
from domain.readers import ALL_MONEY
from domain.refusal import NothingToPay
from domain.value import Amount, Example, one_of
from domain.values import CurrencyCode
from projections.money.payees import payees_told
from projections.money.readers import Reader
from projections.money.told import BatchSent, Dollars, PayeeRef, ReasonHeld
from projections.pages import LIMIT, cut, decode_cursor
from projections.question import MINUTE, After, Limit, question
from projections.store import View
from projections.told import Count

OUTCOMES = ("paid", "below_minimum", "held", "overpaid")
"""What may become of a payee, in the order of listing."""
OutcomeOfPreview = Annotated[str, one_of(OUTCOMES, "What becomes of them.")]
LINE_BYTES = 700
"""Roughly how much memory one line takes."""


class PreviewLine(TypedDict):
    """What a batch would do for one payee."""

    payee: PayeeRef
    outcome: OutcomeOfPreview
    amount_minor: Annotated[int, "What would be paid, or is owed and can be.", Example(26_786)]
    withheld_minor: Annotated[int, "Of what would be paid.", Example(0)]
    sent: list[BatchSent]
    held_minor: Annotated[Count, "What is held.", Example(0)]
    held_because: list[ReasonHeld]


class PreviewSum(TypedDict):
    """What becomes of all payees with the same outcome."""

    outcome: OutcomeOfPreview
    payees: Annotated[Count, "How many.", Example(2)]
    amount_minor: Annotated[int, "What they would be paid, or are owed.", Example(50_000)]


class PayoutPreview(TypedDict):
    """What a batch would do."""

    currency: Dollars
    minimum_minor: Annotated[Count, "The least that is paid out.", Example(1_000)]
    payouts: Annotated[Count, "How many payouts there would be.", Example(2)]
    total_minor: Annotated[Count, "What would be paid, before withholding.", Example(50_000)]
    withheld_minor: Annotated[int, "What would be withheld of that.", Example(0)]
    sent: list[BatchSent]
    held_minor: Annotated[Count, "What is held, of all payees.", Example(0)]
    sums: list[PreviewSum]
    items: list[PreviewLine]
    next: Annotated[str | None, "Send it as “cursor” to get the next lines."]


@question(
    "preview_payouts",
    "/payout-batches/preview",
    cli="payout preview",
    rehearses=IssuePayouts,
    may=ALL_MONEY,
)
def preview_payouts(
    view: View,
    journal: Journal,
    *,
    actor: str,
    currency: CurrencyCode,
    minimum_minor: Annotated[
        int | None, Amount(help="The least that is paid to one payee; default 1.", example=1000)
    ] = None,
    outcome: Annotated[OutcomeOfPreview | None, "Only payees with this outcome."] = None,
    after: Annotated[After | None, Example(None)] = None,
    limit: Annotated[Limit | None, f"How many at most; default {LIMIT}.", Example(50)] = None,
) -> PayoutPreview:
    """What a payout batch would pay now, what is held and why, and who is below the minimum.

    If there is nothing to pay, it is refused, as issuing the batch would be; nothing is recorded.
    The largest amounts come first.
    """
    Reader(view, journal, actor).must_be("payout batches", None)
    told = previewed(view, journal, currency, minimum_minor or 1, outcome, after, limit)
    if not told["payouts"]:
        minimum = told["minimum_minor"]
        raise NothingToPay(money(minimum, currency), currency=currency, minimum_minor=minimum)
    return told


def previewed(
    view: View,
    journal: Journal,
    currency: str,
    minimum_minor: int,
    outcome: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> PayoutPreview:
    """The preview without permissions; of a batch with nothing to pay, it shows why.

    It is computed once for all pages that are requested in the same minute, as long as
    nothing is recorded.
    """
    key = ("payouts", currency, minimum_minor, instant(journal.clock())[:MINUTE])
    kept = view.moment.get(key)
    if kept is None:
        owed, paid = _reckoned(journal, currency, minimum_minor)
        kept = paid, _lines(currency, owed, paid)
        view.moment.keep(key, kept, LINE_BYTES * len(kept[1]))
    sent, lines = cast("tuple[list[Paid], list[PreviewLine]]", kept)
    wanted = [each for each in lines if outcome in (None, each["outcome"])]
    place = decode_cursor(after, int, int, int, str)
    begun = 0 if place is None else bisect(wanted, tuple(place), key=_place)
    shown, more = cut(wanted[begun:], limit or LIMIT, _place)
    told = payees_told(view, {each["payee"]["id"] for each in shown})
    return {
        "currency": currency,
        "minimum_minor": minimum_minor,
        "payouts": len(sent),
        "total_minor": sum(each.amount_minor for each in sent),
        "withheld_minor": sum(each.withheld_minor for each in sent),
        "sent": _by_currency(currency, sent),
        "held_minor": sum(each["held_minor"] for each in lines),
        "sums": _summed(lines),
        "items": [{**each, "payee": told[each["payee"]["id"]]} for each in shown],
        "next": more,
    }


def _reckoned(
    journal: Journal, currency: str, minimum_minor: int
) -> tuple[dict[str, Due], list[Paid]]:
    """What is due by person, and the payouts that would be issued now."""
    command = IssuePayouts.of({"currency": currency, "minimum_minor": minimum_minor})
    with journal.engine.snapshot():
        draft = journal.draft()
        accounts = command.accounts(draft)
        for freed in freed_when_due(draft, new_id(None), accounts):
            draft.write(freed)
        owed = due(draft, accounts)
        return owed, command.paid(draft, owed)


def _lines(currency: str, owed: Mapping[str, Due], sent: Iterable[Paid]) -> list[PreviewLine]:
    """A line for each payee with an amount, in the order of outcomes, the largest first.

    What is held back as a reserve, or outweighed by a debt, is no amount of a batch.
    """
    by_payee: dict[str, list[Paid]] = defaultdict(list)
    for each in sent:
        by_payee[each.payee].append(each)
    lines = [_line(currency, payee, each, by_payee.get(payee, [])) for payee, each in owed.items()]
    return sorted(filter(_has_amount, lines), key=_place)


def _has_amount(line: PreviewLine) -> bool:
    return bool(line["amount_minor"] or line["held_minor"])


def _place(line: PreviewLine) -> tuple[int, int, int, str]:
    """The sort key of a line, by which a cursor finds its place again when other lines change."""
    outcome, amount = OUTCOMES.index(line["outcome"]), -abs(line["amount_minor"])
    return outcome, amount, -line["held_minor"], line["payee"]["id"]


def _line(currency: str, payee: str, owed: Due, sent: list[Paid]) -> PreviewLine:
    amount = sum(each.amount_minor for each in sent) if sent else owed.payable_minor
    unpaid = "overpaid" if amount < 0 else "below_minimum" if amount else "held"
    return {
        "payee": {"id": payee, "kind": "other", "name": None},
        "outcome": "paid" if sent else unpaid,
        "amount_minor": amount,
        "withheld_minor": sum(each.withheld_minor for each in sent),
        "sent": _by_currency(currency, sent),
        "held_minor": owed.held_minor,
        "held_because": [*owed.because],
    }


def _by_currency(currency: str, sent: Iterable[Paid]) -> list[BatchSent]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for each in sent:
        into = each.sent.into if each.sent.quote and each.sent.into else currency
        sums[into][0] += 1
        sums[into][1] += each.sent.sent_minor
    return [
        {"currency": currency, "count": count, "amount_minor": amount}
        for currency, (count, amount) in sorted(sums.items())
    ]


def _summed(lines: Iterable[PreviewLine]) -> list[PreviewSum]:
    sums: dict[str, list[int]] = {}
    for line in lines:
        known = sums.setdefault(line["outcome"], [0, 0])
        known[0] += 1
        known[1] += line["held_minor" if line["outcome"] == "held" else "amount_minor"]
    return [
        {"outcome": outcome, "payees": payees, "amount_minor": amount}
        for outcome, (payees, amount) in sums.items()
    ]
