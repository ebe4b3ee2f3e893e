"""An accountant's year: four currencies, an advance, refunds, a death, every figure to the unit.

The figures were worked out by hand from the contracts, not taken from what Stemma answered.
"""

from collections import defaultdict
from typing import Any

from money import AGREED, Bank, bank
from stories import OPERATOR

from projections.money import balances, pools, statements

MONTHS = [f"2025-{month:02}" for month in range(1, 13)]

ANA, BEN, CY, DEE, EVE, PUB, LOU = "Ana", "Ben", "Cy", "Dee", "Eve", "Tide Publishing", "Lou"


def song_terms(label: int) -> dict[str, Any]:
    """The label gets a part of the profit, and recoups 1,107.30 from what Ana earns."""
    shares = [["label", f"{label}/100"], ["artists", f"{100 - label}/100", AGREED]]
    account = {"account": "x", "payee": ANA, "advance_minor": 110_730}
    return {
        **{"type": "advance", "account": "x", "to": "bank"},
        "accounts": [{**account, "earned_minor": 0, "paid_minor": 0}],
        "then": {"type": "fixed", "shares": shares},
    }


BANDS: dict[str, Any] = {
    "type": "escalator",
    "earned_minor": 0,
    "bands": [
        ["100000", [["author", "10/100"], ["artists", "90/100", AGREED]]],
        [None, [["author", "15/100"], ["artists", "85/100", AGREED]]],
    ],
}


def year(told: Bank) -> dict[str, str]:
    """The year, in the order in which the accountant learned of it; the ids of the people."""
    names = (ANA, BEN, CY, DEE, EVE, PUB, LOU)
    people = dict(zip(names, told.people(*names), strict=True))
    ana, ben, cy, dee, eve, pub, lou = people.values()
    terms = {label: _of(song_terms(label), ana) for label in (15, 20)}
    song = told.pool("song", terms=terms[15], currency="EUR")
    film = told.pool("film", terms=BANDS, currency="USD")
    choir = {"type": "fixed", "shares": [["studio", "2/3"], ["choir", "1/3"]]}
    karaoke = told.pool("karaoke", terms=choir, currency="JPY")
    radio = told.pool("radio", currency="KWD")
    told.accept(told.agree(song, {ana: "1", ben: "1"}), ana, ben)
    told.accept(told.agree(film, {cy: "2", dee: "1"}), cy, dee)
    told.accept(told.agree(radio, {ana: "1", ben: "1", cy: "1"}), ana, ben, cy)
    # January to June: 4,120.00 was typed for a bill of 412.00.
    bill = told.spend(song, 412_000, OPERATOR, document="bill 12")
    earned = {month: told.earn(song, 100_000, month) for month in MONTHS[:6]}
    first = told.earn(film, 90_000, "2025-01")
    told.earn(film, 30_000, "2025-03")
    told.reverse(first, 30_000)
    for month in MONTHS[:7]:
        told.earn(karaoke, 1_000, month)
    for month in MONTHS[:5]:
        told.earn(radio, 9_999, month)
    told.tell("forget_contributor", id=dee, ground="request")  # she has died
    for currency in ("EUR", "USD", "JPY", "KWD"):
        told.pay(currency)
    told.tell("reverse_expense", expense=bill, amount_minor=370_800, reason="412.00")
    # July to December: the label renegotiates, Ben sells a part of his share.
    heirs = {"payee": dee, "to": eve, "reason": "Eve inherits.", "evidence": "certificate 17"}
    assigned = told.tell("assign_share", pool=film, effective_at="2025-07", **heirs).id
    told.earn(film, 20_000, "2025-08")
    for month in MONTHS[6:]:
        earned[month] = told.earn(song, 100_000, month)
    told.reverse(earned["2025-11"], 30_000)
    said = {"effective_at": "2025-07", "reason": "20 % from July", "document": "amendment 2"}
    told.tell("amend_pool", pool=song, terms=terms[20], **said)
    sold = {"payee": ben, "to": pub, "part": "1/4", "effective_at": "2025-10"}
    proof = {"reason": "Ben signed with a publisher.", "evidence": "contract, § 4"}
    sold_to = told.tell("assign_share", pool=song, **sold, **proof).id
    told.tell("correct_pool", pool=song, reason="20 % from July; the publisher from October")
    goodwill = [{"payee": ana, "amount_minor": 1_300}]
    more = {"payer": OPERATOR, "reason": "The June statement was late."}
    told.tell("record_adjustment", pool=song, lines=goodwill, **more)
    told.tell("record_assignment", currency="USD", **heirs)
    told.tell("identify_payee", name="label", contributor=lou, reason="An account of its own.")
    told.accept(assigned, eve)
    told.accept(sold_to, pub)
    return people


def _of(terms: dict[str, Any], ana: str) -> dict[str, Any]:
    terms["accounts"][0]["payee"] = ana
    return terms


FIGURES = {
    # 12 × 1,000.00 − 300.00 of November; 412.00 of January pay back the bill.
    "EUR": {
        ANA: 354_760 + 1_300,  # half of what is left, less the advance of 1,107.30, and goodwill
        BEN: 465_490 - 27_000,
        PUB: 27_000,  # a quarter of Ben's half of 80 % of 2,700.00
        LOU: 8_820 + 5 * 15_000 + 6 * 20_000 - 6_000,
        "bank": 110_730,
        OPERATOR: 41_200 - 1_300,
    },
    # 900 + 300 − 300 + 200: the author gets 10 % of 1,000.00 and 15 % of 100.00.
    "USD": {"author": 11_500, CY: 54_000 + 11_667, EVE: 27_000 + 5_833},
    "JPY": {"studio": 4_667, "choir": 2_333},
    "KWD": {ANA: 16_665, BEN: 16_665, CY: 16_665},  # a third of 5 × 9.999 each
}
RECEIVED = {"EUR": 1_170_000, "USD": 110_000, "JPY": 7_000, "KWD": 49_995}


def test_a_year_is_right_to_the_unit_whichever_way_it_is_asked(database: str) -> None:
    for currency, figures in FIGURES.items():
        assert sum(figures.values()) == RECEIVED[currency]
    with bank(database) as told:
        people = year(told)
        named = {id: name for name, id in people.items()} | {"label": LOU}
        with told.view() as view:
            for currency, figures in FIGURES.items():
                expected = {name: units for name, units in figures.items() if units}
                assert _by_books(told, currency, named) == expected
                assert _by_pools(told, view, currency, named) == expected
                assert _by_statements(told, view, currency, people) == {
                    name: units for name, units in expected.items() if name in people
                }
            totals = balances.totals(view)
        assert {currency: -sums["received"] for currency, sums in totals.items()} == RECEIVED
        assert {sum(sums.values()) for sums in totals.values()} == {0}


def test_what_was_paid_in_june_is_netted_in_december(database: str) -> None:
    """Whoever paid the bill got 4,120.00 for 412.00, and owes the rest; all others are paid."""
    with bank(database) as told:
        people = year(told)
        told.pay("EUR")
        told.pay("USD")
        named = {id: name for name, id in people.items()} | {"label": LOU}
        paid: dict[tuple[str, str], int] = defaultdict(int)
        for payout in told.since(0, "payout.issued"):
            paid[payout.currency, named.get(payout.payee, payout.payee)] += payout.amount_minor
        owes = FIGURES["EUR"][OPERATOR] - 412_000
        expected = {(of, who): units for of, each in FIGURES.items() for who, units in each.items()}
        assert paid == expected | {("EUR", OPERATOR): 412_000}
        assert told.account() == {OPERATOR: owes}


def _named(sums: dict[str, int], named: dict[str, str]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for payee, units in sums.items():
        found[named.get(payee, payee)] += units
    return {name: units for name, units in found.items() if units}


def _by_books(told: Bank, currency: str, named: dict[str, str]) -> dict[str, int]:
    books, sums = told.books(), defaultdict[str, int](int)
    for (payee, agreement), account in books.accounts.items():
        if books.pools[books.agreements[agreement].pool].opened.currency == currency:
            sums[payee] += sum(account.values())
    return _named(sums, named)


def _by_pools(told: Bank, view: Any, currency: str, named: dict[str, str]) -> dict[str, int]:
    sums = defaultdict[str, int](int)
    for pool, known in told.books().pools.items():
        if known.opened.currency == currency:
            shown = pools.statement(view, told.journal, pool, actor=OPERATOR)
            for line in shown["lines"]:
                sums[line["payee"]["id"]] += line["earned_minor"]
            assert shown["received_minor"] - shown["reversed_minor"] == shown["divided_minor"]
    return _named(sums, named)


def _by_statements(told: Bank, view: Any, currency: str, people: dict[str, str]) -> dict[str, int]:
    found = {}
    for name, id in people.items():
        for shown in statements.statement(view, told.journal, id)["statements"]:
            if shown["currency"] == currency and shown["earned_minor"]:
                found[name] = shown["earned_minor"]
                net, held = shown["net"], shown["held_minor"]
                owed = shown["earned_minor"] - held - shown["paid_minor"]
                assert (net["opening_minor"], net["closing_minor"]) == (0, owed)
    return found
