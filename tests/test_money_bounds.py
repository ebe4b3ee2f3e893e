"""What terms and sales may state: each bound is allowed, and the first thing beyond it is not.

Each claim is one that a changed comparison, sign or “and” would break (see “Mutants”).
"""

from fractions import Fraction
from typing import Any

import pytest
from exact import answered, fixed
from money import bank, halves

from domain.money.apportionment import MAXIMUM_SCALE_BITS
from domain.money.claiming import maker_of
from domain.money.dividing import Sale
from domain.money.policy.assets import MAXIMUM_SCOPES
from domain.money.policy.bounds import Bounds, bounded
from domain.money.policy.parts import Parts
from domain.money.policy.reading import (
    MAXIMUM_COMPUTED_LENGTH,
    MAXIMUM_NAME_LENGTH,
    UsedBounds,
    exact_share,
)
from domain.money.policy.rules import MOST_SENIOR
from domain.money.policy.sold import (
    LONGEST_DECIMAL,
    LONGEST_DIMENSION,
    MOST_SOLD,
    Item,
    dimension,
    exact_text,
    must_have_one_sign,
    must_sum_to,
    rounded,
    shown_exactly,
)
from domain.money.sales import item_of, read_sold
from domain.money.split import read_graph
from domain.money.terms import Taking, by_terms, taken_back
from domain.refusal import (
    BadAmount,
    BadCarry,
    BadPolicy,
    BadShare,
    BadSold,
    RatesOverWhole,
    Refusal,
    SplitTooLarge,
)
from domain.remix import MAXIMUM_RATE_LENGTH
from domain.value import Number
from projections.money import balances


def item(amount: Fraction | int = 1, units: int = 0, **kind: str) -> Item:
    names = ("work", "territory", "channel", "configuration")
    return Item(*(kind.get(name) for name in names), Fraction(units), Fraction(amount))


def senior(seniority: int, rate: str = "1/10") -> dict[str, Any]:
    fees = [{"payee": "agent", "rate": rate, "seniority": seniority}]
    return {"type": "before_expenses", "fees": fees, "then": fixed([("a", "1")])}


def asset(within: list[str]) -> dict[str, Any]:
    piece = {"asset": "x", "value": "1", "shares": [["a", "1"]], "within": within}
    return {"type": "assets", "assets": [piece]}


# -- sales ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "exact, units",
    [("1/2", 1), ("-1/2", -1), ("3/2", 2), ("-3/2", -2), ("49/100", 0), ("-49/100", 0), ("-7", -7)],
)
def test_half_a_unit_is_rounded_away_from_zero(exact: str, units: int) -> None:
    assert rounded(Fraction(exact)) == units


@pytest.mark.parametrize(
    "exact, shown",
    [
        ("0", "0"),
        ("5/2", "2.5"),
        ("-5/2", "-2.5"),
        ("10", "10"),
        ("-1/100", "-0.01"),
        ("1/3", "1/3"),
    ],
)
def test_an_exact_number_is_shown_with_its_sign(exact: str, shown: str) -> None:
    assert shown_exactly(Fraction(exact)) == shown


def test_only_the_two_letters_of_a_territory_are_read_in_capitals() -> None:
    assert dimension("territory", "de", "here") == "DE"
    assert dimension("territory", "deu", "here") == "deu"
    assert dimension("channel", "tv", "here") == "tv"
    assert dimension("channel", "radio", "here") == "radio"


@pytest.mark.parametrize("wrong", ["", "x" * (LONGEST_DIMENSION + 1), " x", "x ", "a\nb", 7, None])
def test_a_dimension_is_a_line_of_text(wrong: object) -> None:
    with pytest.raises(BadSold):
        dimension("channel", wrong, "here")
    longest = "x" * LONGEST_DIMENSION
    assert dimension("channel", longest, "here") == longest


@pytest.mark.parametrize("wrong", ["1" * (LONGEST_DECIMAL + 1), "1e3", "1,0", "", ".5", "+1"])
def test_an_exact_amount_is_a_decimal_that_is_not_too_long(wrong: str) -> None:
    with pytest.raises(BadSold):
        exact_text(wrong)
    longest = "1" * LONGEST_DECIMAL
    assert exact_text(longest) == longest


def test_sales_are_of_as_many_kinds_as_a_revenue_holds() -> None:
    items = [item(channel=str(number)) for number in range(MOST_SOLD)]
    must_sum_to(MOST_SOLD, items)
    with pytest.raises(BadSold, match="more than"):
        must_sum_to(MOST_SOLD + 1, [*items, item()])


@pytest.mark.parametrize("amount", [0, -1])
def test_what_came_back_is_revenue_of_its_own(amount: int) -> None:
    mixed = [item(3, channel="shop"), item(-4, channel="radio")]
    if amount:
        must_sum_to(amount, mixed)
    else:
        with pytest.raises(BadSold, match="0 units, which is nothing to divide"):
            must_sum_to(amount, [item(3), item(-3)])
        with pytest.raises(BadSold, match="4 units, which is not 0"):
            must_sum_to(amount, [item(4)])


def test_sales_are_within_less_than_a_unit_of_their_amount() -> None:
    must_sum_to(5, [item(Fraction("5.99"))])
    for exact in ("6", "4", "6.01"):
        with pytest.raises(BadSold, match="which is not 5"):
            must_sum_to(5, [item(Fraction(exact))])


def test_who_sold_less_than_came_back_is_told_of_which_kind() -> None:
    with pytest.raises(BadSold, match="more of DE, shop came back"):
        must_have_one_sign([item(-1, territory="DE", channel="shop")])
    with pytest.raises(BadSold, match="more of a line came back"):
        must_have_one_sign([item(1, -1)])


def test_a_line_alone_stands_for_all_of_the_amount() -> None:
    assert item_of({"units": 3}, "sold[0]", "USD", 250).amount == 250


def test_how_many_came_back_is_below_zero() -> None:
    read = [item_of({"units": n}, "sold[0]", "USD", 100) for n in (-3, 0, 3)]
    assert [each.units for each in read] == [-3, 0, 3]
    for wrong in (False, True, 1.0, "1.0"):
        with pytest.raises(Refusal):
            item_of({"units": wrong}, "sold[0]", "USD", 100)


def test_a_request_states_as_many_lines_as_it_may() -> None:
    lines = [{"channel": str(number), "amount": "1.00"} for number in range(3)]
    with bounded(Bounds(entries=3)):
        assert len(read_sold(lines, "USD")) == 3
    with bounded(Bounds(entries=2)), pytest.raises(SplitTooLarge):
        read_sold(lines, "USD")


# -- terms ---------------------------------------------------------------------------------


def test_a_fee_before_expenses_has_a_seniority_from_the_first_to_the_last() -> None:
    for seniority in (1, MOST_SENIOR):
        assert answered(senior(seniority))["lines"]
    for seniority in (0, MOST_SENIOR + 1):
        with pytest.raises(BadPolicy):
            answered(senior(seniority))


def test_fees_before_expenses_may_be_the_whole() -> None:
    assert [each["amount_minor"] for each in answered(senior(1, "1"))["lines"]] == [0, 100]
    both = [{"payee": payee, "rate": "3/5", "seniority": 1} for payee in ("agent", "fund")]
    with pytest.raises(RatesOverWhole):
        answered(senior(1) | {"fees": both})


def test_a_rule_with_as_many_words_as_a_name_may_have_needs_none() -> None:
    def terms(length: int) -> dict[str, Any]:
        asked = {"channel": "c" * 50, "configuration": "f" * 50}
        whole = len(f"channel {'c' * 50}, configuration {'f' * 50}, territory ")
        words, left = [], length - whole
        while left > 0:
            words.append("t" * min(left, 50))
            left -= len(words[-1]) + len(" or ")
        rule = {"if": asked | {"territory": words}, "then": "label"}
        return {"type": "by_sold", "rules": [rule], "otherwise": fixed([("a", "1")])}

    assert answered(terms(MAXIMUM_NAME_LENGTH))["lines"]
    with pytest.raises(BadPolicy, match="needs a name"):
        answered(terms(MAXIMUM_NAME_LENGTH + 1))


def test_a_piece_is_within_as_many_parts_as_there_may_be() -> None:
    assert answered(asset([f"act {number}" for number in range(MAXIMUM_SCOPES)]))["lines"]
    with pytest.raises(BadPolicy, match="at most"):
        answered(asset([f"act {number}" for number in range(MAXIMUM_SCOPES + 1)]))


def test_a_share_is_as_long_as_it_may_be_written() -> None:
    assert exact_share("1" * MAXIMUM_RATE_LENGTH, "here")
    with pytest.raises(BadShare):
        exact_share("1" * (MAXIMUM_RATE_LENGTH + 1), "here")
    assert Parts({"a": 1}, 2 ** (MAXIMUM_SCALE_BITS - 1))
    with pytest.raises(SplitTooLarge):
        Parts({"a": 1}, 2**MAXIMUM_SCALE_BITS)


def test_terms_list_and_look_at_as_much_as_they_may() -> None:
    for count in (UsedBounds().entry, UsedBounds().step):
        with bounded(Bounds(entries=3, steps=3)):
            count(3)
            with pytest.raises(SplitTooLarge):
                count(1)


def test_a_graph_has_as_many_edges_and_people_as_it_may() -> None:
    edges = [{"child": "a", "parent": name, "rate": "1/9"} for name in "bcd"]
    people = {name: [[name, "1"]] for name in "abcd"}
    for more in ({"edges": edges}, {"people": dict([*people.items()][:1])}):
        with bounded(Bounds(lines=len(more.get("edges", "1")))):
            assert read_graph({"root": "a", **more})
    for more in ({"edges": edges}, {"edges": edges[:2], "people": people}):
        with bounded(Bounds(lines=2)), pytest.raises(SplitTooLarge):
            read_graph({"root": "a", **more})


def test_what_is_carried_is_an_exact_text_as_long_as_a_computed_share() -> None:
    terms, half = fixed([("a", "1")]), MAXIMUM_COMPUTED_LENGTH // 2
    assert answered(terms, carry=[["a", f"{'0' * half}/{'1' * (half - 1)}"]])["lines"]
    for wrong in (f"{'0' * half}/{'1' * half}", "0e1", " 0", 0):
        with pytest.raises(BadCarry, match="no exact part"):
            answered(terms, carry=[["a", wrong]])


def test_the_first_rules_did_not_sum_what_is_left_after_tranches() -> None:
    terms = {"type": "waterfall", "tranches": [["bank", 5], ["ana", None]]}
    with bank("sqlite:///:memory:") as told:
        pool = told.journal.draft().books().pools[told.pool(terms=terms)].opened
        for rules in (1, 2):
            flow = by_terms(pool, 100, {}, rules=rules).flow
            assert [*flow] == ["policy.recouped (bank)", "policy.recouped"][:rules]
            taken = taken_back(pool, Taking({}, 100, 0, 100), flow, {})
            assert taken.due == {"bank": -5, "ana": -95}, "all of it comes back nevertheless"


@pytest.mark.parametrize(
    "holder, is_refused",
    [
        (["a", "1/2"], False),
        (["a", "1"], False),
        (["a", "0"], True),
        (["a", "11/10"], True),
        (["b", "1/2"], True),
        (["a", "1/2", "b"], True),
    ],
)
def test_of_a_share_a_part_is_through_a_group_and_at_most_all(
    holder: list[str], is_refused: bool
) -> None:
    through = [{"group": "band", "shares": [holder]}]
    piece = {"asset": "x", "value": "1", "shares": [["a", "1"]], "through": through}
    terms = {"type": "assets", "assets": [piece]}
    if is_refused:
        with pytest.raises(BadPolicy, match="at most all"):
            answered(terms)
    else:
        assert answered(terms)["lines"]


# -- commands ------------------------------------------------------------------------------


def test_a_pool_is_where_it_was_stated_to_be_once() -> None:
    with bank("sqlite:///:memory:") as told:
        pool = told.pool()
        for country in ("US", "US", "JP", "JP", "US"):
            told.tell("locate_pool", pool=pool, country=country)
        assert [one.country for one in told.since(0, "pool.located")] == ["US", "JP", "US"]


def test_who_made_a_work_is_credited_directly_on_it() -> None:
    with bank("sqlite:///:memory:") as told:
        a, b = told.people("a", "b")
        of_nobody, of_a = told.piece("of nobody"), told.piece("of a", by=[a])
        said = {"contributor": b, "role": "writer", "kind": "influence"}
        told.tell("open_credit", work=of_nobody, **said)
        draft = told.journal.draft()
        made = [maker_of(draft, f"work/{work}") for work in (of_nobody, of_a)]
        assert [*made, maker_of(draft, b)] == [None, a, b]


def test_no_sum_of_what_is_booked_in_a_currency_is_more_than_databases_hold(database: str) -> None:
    """Five payouts of 1,980 USD, exchanged into a unit of twelve digits, were more: lists failed on
    SQLite, and the read tables stopped on PostgreSQL."""
    with bank(database) as told:
        pool, *both = halves(told)
        pair = {"currency": "USD", "into_currency": "HOPE.12", "source_name": "x"}
        told.tell("state_exchange_rate", rate="1000", effective_at="2026-01", **pair)
        for payee in both:
            told.tell("choose_payment_currency", payee=payee, currency="HOPE.12")
        for _ in range(2):
            told.earn(pool, 2 * 99_999, "2026-02")
            told.pay()
        other, left = told.pool("in units", currency="HOPE.12"), 4 * 10**13
        told.agree(other, {both[0]: "1"}, "2026-01")
        dated = {"effective_at": "2026-02", "document": "d"}
        with pytest.raises(BadAmount, match="may come to 4,000,000,000,000,000,000"):
            told.spend(other, left + 1)
        told.spend(other, left - 3)
        moved = {"payee": both[0], "amount_minor": 2}
        with pytest.raises(BadAmount):
            told.tell("record_adjustment", pool=other, lines=[moved], payer="bank", reason="r")
        with pytest.raises(BadAmount):
            told.tell("record_opening", pool=other, lines=[moved | {"amount_minor": 4}], **dated)
        told.earn(other, -3, "2026-02")
        told.earn(pool, 2, "2026-02")
        with pytest.raises(BadAmount):
            told.pay()
        euro = told.pool("in euro", currency="EUR")
        told.accept(told.agree(euro, {both[0]: "1"}, "2026-01"), both[0])
        told.earn(euro, 5, "2026-02")
        assert told.pay("EUR") == {both[0]: 5}, "without a rate, none of it is exchanged"
        for payee in both:
            told.tell("choose_payment_currency", payee=payee)
        assert told.pay() == dict.fromkeys(both, 1)
        with told.view() as view:
            assert balances.totals(view)["HOPE.12"]["in_transit"] == 4 * 99_999 * 10**13


def test_a_sale_may_be_of_units_that_came_back_and_an_opening_a_debt() -> None:
    units = Sale.by_name()["units"].value
    assert isinstance(units, Number)
    assert units.least is not None
    assert units.least < 0
    with bank("sqlite:///:memory:") as told:
        pool, a = told.pool(), told.person("a")
        told.agree(pool, {a: "1"}, "2026-01")
        lines = [{"payee": a, "amount_minor": -70}]
        told.tell("record_opening", pool=pool, lines=lines, effective_at="2026-02", document="x")
        assert told.account() == {a: -70}
