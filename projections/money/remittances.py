"""Answers about exchange rates, payment currencies, and what was withheld for which country.

A year's summary counts what was withheld of payouts in that year, less what came back in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Annotated, Any, Unpack

from domain.engine import Row
from domain.journal import Journal
from domain.money.currency import decimal
from domain.readers import EVERYONE, OWN_MONEY
from domain.refusal import UnknownContributor, UnknownWithholding
from domain.value import Number
from domain.values import CountryCode, PayeeText, WithholdingId
from projections import wording
from projections.money.balances import persons_of
from projections.money.payees import payees_told
from projections.money.readers import Reader
from projections.money.told import (
    PaymentCurrencyTold,
    RateTold,
    WithheldLine,
    WithheldSummary,
    WithheldTotal,
    WithholdingTold,
)
from projections.pages import Page
from projections.question import Format, Paged, question
from projections.spreadsheet import rows_of_csv
from projections.store import View, holds, told_rows, wanted


@question("list_exchange_rates", "/exchange-rates", may=EVERYONE)
def exchange_rates(view: View, **part: Unpack[Paged]) -> Page[RateTold]:
    """Exchange rates with their sources, in the order of recording."""
    page, more = view.page(
        "SELECT x.id, x.currency, x.into_currency, x.rate, x.effective, x.source, x.position "
        "FROM @rates x WHERE x.position > :beyond AND x.position <= :as_of ORDER BY x.position",
        **part,
    )
    texts = view.texts({source for *_, source, _ in page})
    return Page(told_rows(RateTold, page, source_name=texts), more)


@question(
    "list_payment_currencies",
    "/payment-currencies",
    refuses=(UnknownContributor,),
    may=OWN_MONEY,
)
def payment_currencies(
    view: View,
    journal: Journal,
    *,
    actor: str,
    payee: Annotated[PayeeText | None, "Of this payee."] = None,
    **part: Unpack[Paged],
) -> Page[PaymentCurrencyTold]:
    """The currencies in which payees chose to be paid, in the order chosen; the latest counts."""
    payees = Reader(view, journal, actor).whose("what others are paid", payee)
    filters = {"x.payee IN :payees": payees}
    where, said = wanted(filters, "x.position > :beyond", "x.position <= :as_of")
    page, more = view.page(
        "SELECT x.id, x.payee, x.currency, x.position FROM @payment_currencies x "
        f"WHERE {where} ORDER BY x.position",
        **part,
        **said,
    )
    told = payees_told(view, {payee for _, payee, *_ in page})
    return Page(told_rows(PaymentCurrencyTold, page, payee=told), more)


@question("list_withholdings", "/withholdings", refuses=(UnknownContributor,), may=OWN_MONEY)
def withholdings(
    view: View,
    journal: Journal,
    *,
    actor: str,
    payee: Annotated[PayeeText | None, "Of this payee."] = None,
    **part: Unpack[Paged],
) -> Page[WithholdingTold]:
    """The withholding rules, with what each rests on, in the order recorded."""
    payees = Reader(view, journal, actor).whose("what is withheld of others", payee)
    where, said = wanted({"x.payee IN :payees": payees}, holds("x"), "x.born > :beyond")
    page, more = view.page(
        f"SELECT {_RULE} FROM @withholdings x WHERE {where} ORDER BY x.born", **part, **said
    )
    return Page(_rules_told(view, page), more)


@question("show_withholding", "/withholdings/{id}", may=OWN_MONEY)
def withholding(view: View, journal: Journal, id: WithholdingId, *, actor: str) -> WithholdingTold:
    """A withholding rule, with what it rests on."""
    row = view.one(f"SELECT {_RULE} FROM @withholdings x WHERE x.id = :id AND {holds('x')}", id=id)
    if row is None:
        raise UnknownWithholding(id)
    (found,) = _rules_told(view, [row])
    Reader(view, journal, actor).must_be("what is withheld of others", found["payee"]["id"])
    return found


_RULE = (
    "x.id, x.payee, x.country, x.rate, x.document, x.note, x.effective, x.until_at, x.state, x.born"
)


def _rules_told(view: View, rows: Sequence[Row]) -> list[WithholdingTold]:
    told = payees_told(view, {row[1] for row in rows})
    texts = view.texts({text for row in rows for text in (row[4], row[5])})
    return told_rows(WithholdingTold, rows, payee=told, document=texts, note=texts)


# -- what was withheld ---------------------------------------------------------------------------

COLUMNS = (
    *("year", "payee", "name", "country", "currency", "paid", "withheld", "rate", "document"),
    *("rule", "payouts", "paid_minor", "withheld_minor"),
)
"""The columns of a year's summary as CSV; amounts and rates are decimal numbers, and amounts also
whole ones, since where decimals have a comma, a spreadsheet takes 3.752 for thousands."""


def as_csv(told: WithheldSummary) -> str:
    """The lines of a year's summary as CSV (RFC 4180)."""
    return rows_of_csv(
        COLUMNS,
        (
            {
                **line,
                "year": told["year"],
                "payee": line["payee"]["id"],
                "name": line["payee"]["name"],
                "paid": decimal(line["paid_minor"], line["currency"]),
                "withheld": decimal(line["withheld_minor"], line["currency"]),
                "rate": wording.decimals(line["rate"]),
            }
            for line in told["lines"]
        ),
    )


FORMS = {
    "csv": Format("text/csv", lambda asking: as_csv(asking.answer), ",".join(COLUMNS) + "\r\n"),
}


@question(
    "show_withheld",
    "/withheld",
    cli="withheld",
    refuses=(UnknownContributor,),
    forms=FORMS,
    may=OWN_MONEY,
    parts=("totals", "lines"),
)
def withheld(
    view: View,
    journal: Journal,
    *,
    actor: str,
    year: Annotated[int, Number(least=1970, most=9998, help="The year, in UTC.", example=2026)],
    payee: Annotated[PayeeText | None, "Of this payee."] = None,
    country: Annotated[CountryCode | None, "For this country."] = None,
) -> WithheldSummary:
    """What was paid from each country in a year and how much of it was withheld, by payee.

    You see your own; those who keep or audit the books see everyone's. Also as CSV.
    """
    payees = Reader(view, journal, actor).whose("what is withheld of others", payee)
    filters = {"x.payee IN :payees": payees, "x.country = :country": country}
    where, said = wanted(filters, "x.at >= :since", "x.at < :before", "x.position <= :as_of")
    rows = view.rows(
        "SELECT x.payee, x.country, x.currency, x.rule, x.rate, CAST(sum(x.paid) AS BIGINT), "
        "CAST(sum(x.amount) AS BIGINT), CAST(sum(x.sign) AS BIGINT) FROM @withheld x "
        f"WHERE {where} GROUP BY x.payee, x.country, x.currency, x.rule, x.rate",
        since=f"{year:04}-",
        before=f"{year + 1:04}-",
        **said,
    )
    lines = _lines(view, rows)
    return {"year": year, "lines": lines, "totals": _totals(lines)}


def _lines(view: View, rows: Sequence[Row]) -> list[WithheldLine]:
    """The sums by person, country, currency and rule."""
    persons = persons_of(view, {row[0] for row in rows})
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    for payee, country, currency, rule, rate, *amounts in rows:
        key = persons.get(payee, payee), country, currency, rule, rate
        sums[key] = [known + more for known, more in zip(sums[key], amounts, strict=True)]
    told = payees_told(view, {key[0] for key in sums})
    documents = _documents(view, {key[3] for key in sums if key[3] is not None})
    ordered = sorted(
        ((key, amounts) for key, amounts in sums.items() if any(amounts)),
        key=lambda each: (told[each[0][0]]["name"] or "", *(part or "" for part in each[0])),
    )
    lines = ((*key[:3], *amounts, *key[3:], key[3]) for key, amounts in ordered)
    return told_rows(WithheldLine, lines, payee=told, document=documents)


def _totals(lines: Iterable[WithheldLine]) -> list[WithheldTotal]:
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        known = sums[line["country"], line["currency"]]
        known[0] += line["paid_minor"]
        known[1] += line["withheld_minor"]
    return told_rows(WithheldTotal, ((*key, *amounts) for key, amounts in sorted(sums.items())))


def _documents(view: View, rules: Collection[str]) -> dict[str, str | None]:
    rows = view.rows(
        f"SELECT x.id, x.document FROM @withholdings x WHERE x.id IN :rules AND {holds('x')}",
        rules=sorted(rules),
    )
    texts = view.texts({document for _, document in rows})
    return {id: texts.get(document) for id, document in rows}
