"""Rules by what was sold: territory, channel, configuration, units, and seniority before expenses.

Every division is compared with the preview of the same terms with the agreed shares put in.
"""

from collections.abc import Collection
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from money import AGREED, Bank, bank
from test_money_terms import opened, taken_back_in_parts, terms

from domain.money.policy.sold import Origin, shown_exactly
from domain.money.sales import read_sold
from domain.money.split import preview
from domain.money.terms import by_shares
from domain.refusal import AmountMissing, BadPolicy, BadSold, Refusal, UnknownWork
from domain.stored import Placed
from projections.money import pools, statements

_F = Fraction

GERMAN = {"territory": ["DE", "AT"], "channel": "stream"}
RULES = {
    "type": "by_sold",
    "rules": [
        {"if": GERMAN, "then": [["label", "70"], ["artists", "30", AGREED]]},
        {"name": "vinyl", "if": {"configuration": "vinyl"}, "then": "presser"},
    ],
    "otherwise": AGREED,
}
BOX_OFFICE = {
    "type": "before_expenses",
    "fees": [
        {"payee": "agent", "rate": "1/10", "seniority": 2},
        {"payee": "fund", "unit_minor": 10, "seniority": 1},
    ],
    "then": AGREED,
}


def sold(amount: str, territory: str | None = None, **more: Any) -> dict[str, Any]:
    return {"amount": amount} | ({"territory": territory} if territory else {}) | more


def shared(told: Bank, terms: dict[str, Any]) -> tuple[str, str, str]:
    """A pool under terms, shared by two in halves."""
    a, b = told.people("a", "b")
    pool = told.pool(terms=terms)
    told.accept(told.agree(pool, {a: "1/2", b: "1/2"}), a, b)
    return pool, a, b


# -- rules ---------------------------------------------------------------------------------


def test_each_sale_goes_by_the_first_rule_for_it(database: str) -> None:
    with bank(database) as told:
        pool, a, b = shared(told, RULES)
        lines = [
            sold("100.00", "DE", channel="stream"),
            sold("50.00", "DE", channel="shop"),
            sold("30.00", "us", channel="stream"),
            sold("20.00", "AT", channel="shop", configuration="vinyl"),
        ]
        revenue = told.earn(pool, 20_000, sold=lines)
        owed = {"label": 7_000, "presser": 2_000, a: 5_500, b: 5_500}
        assert told.account() == owed
        told.reverse(revenue, 2_000)
        assert told.account() == {who: units * 9 // 10 for who, units in owed.items()}
        told.reverse(revenue)
        assert told.account() == {}


def test_a_sale_that_only_its_spelling_keeps_from_a_rule_is_warned_of(database: str) -> None:
    with bank(database) as told:
        pool, a, b = shared(told, RULES)
        lines = [sold("1.00", "de", channel="Stream"), sold("2.00", "DE", channel="shop")]
        said = told.tell(
            "record_revenue", pool=pool, sold=lines, effective_at="2026-05", source="shop"
        )
        (warned,) = said.warnings
        assert warned.code == "sold_alike"
        assert warned.detail.startswith("The channel “Stream” differs from “stream” in the terms")
        assert told.account() == {a: 150, b: 150}


def test_an_amount_of_which_is_not_known_what_was_sold_goes_by_otherwise(database: str) -> None:
    with bank(database) as told:
        pool, a, b = shared(told, RULES)
        told.earn(pool, 1_000)
        told.earn(pool, 1_000, sold=[{"units": 3}])
        assert told.account() == {a: 1_000, b: 1_000}


def test_a_rule_asks_for_a_work(database: str) -> None:
    with bank(database) as told:
        piece = told.piece("song")
        rule = {"if": {"work": piece}, "then": "writer"}
        pool, a, b = shared(told, {"type": "by_sold", "rules": [rule], "otherwise": AGREED})
        told.earn(pool, 300, sold=[sold("1.00", work=piece), sold("2.00", "DE")])
        assert told.account() == {"writer": 100, a: 100, b: 100}
        with pytest.raises(UnknownWork):
            told.earn(pool, 100, sold=[sold("1.00", work=pool)])


def test_ten_cents_a_ticket_are_paid_whatever_the_ticket_cost(database: str) -> None:
    terms = {"type": "fees", "fees": [{"payee": "fund", "unit_minor": 10}], "then": AGREED}
    with bank(database) as told:
        pool, a, b = shared(told, terms)
        revenue = told.earn(pool, 1_000_000, sold=[{"units": 1_000}])
        assert told.account() == {"fund": 10_000, a: 495_000, b: 495_000}
        told.reverse(revenue, 500_000)
        assert told.account() == {"fund": 5_000, a: 247_500, b: 247_500}
        told.earn(pool, 50, sold=[{"units": 1_000}])  # more than there is
        assert told.account()["fund"] == 5_050


def test_units_in_a_band_are_those_of_its_part(database: str) -> None:
    fee = {"type": "fees", "fees": [{"payee": "fund", "unit_minor": "0.5"}], "then": AGREED}
    terms = {"type": "escalator", "earned_minor": 0, "bands": [["600", fee], [None, AGREED]]}
    with bank(database) as told:
        pool, a, b = shared(told, terms)
        told.earn(pool, 1_000, sold=[{"units": 100}])
        assert told.account() == {"fund": 30, a: 485, b: 485}


def test_a_percentage_is_taken_before_expenses_in_the_order_of_seniority(database: str) -> None:
    with bank(database) as told:
        pool, a, b = shared(told, BOX_OFFICE)
        (hall,) = told.people("hall")
        expense = told.spend(pool, 500_000, hall)
        first = told.earn(pool, 400_000, sold=[{"units": 1_000}])
        # 10,000 for the fund, a tenth of 390,000 for the agent, all the rest pays the hall.
        assert told.account() == {"fund": 10_000, "agent": 39_000, hall: 351_000}
        told.earn(pool, 400_000)
        assert told.account() == {
            **{"fund": 10_000, "agent": 79_000, hall: 500_000},
            **{a: 105_500, b: 105_500},
        }
        told.tell("reverse_expense", expense=expense, amount_minor=100_000, reason="discount")
        assert told.account() == {
            **{"fund": 10_000, "agent": 79_000, hall: 400_000},
            **{a: 155_500, b: 155_500},
        }
        told.reverse(first)
        assert sum(told.account().values()) == 400_000


def test_before_expenses_is_the_outermost_policy_and_its_fees_have_a_rank(database: str) -> None:
    with bank(database) as told:
        fee = {"payee": "agent", "rate": "1/10"}
        for wrong in (
            {"type": "fees", "fees": [fee], "then": BOX_OFFICE},
            BOX_OFFICE | {"fees": [fee]},
            BOX_OFFICE | {"fees": [fee | {"seniority": 0}]},
            RULES | {"rules": [{"if": {}, "then": "x"}]},
            RULES | {"rules": [{"if": {"colour": "red"}, "then": "x"}]},
            RULES | {"rules": [{"if": {"territory": [""]}, "then": "x"}]},
            RULES | {"rules": [*RULES["rules"], RULES["rules"][0]]},
        ):
            with pytest.raises(BadPolicy):
                told.pool(terms=wrong)


# -- exact amounts -------------------------------------------------------------------------


def test_amounts_below_a_cent_are_summed_exactly_and_rounded_once(database: str) -> None:
    with bank(database) as told:
        pool, a, b = shared(told, RULES)
        lines = [sold("0.01093420044805", "DE", channel="stream", units=3)] * 300
        revenue = told.tell(
            "record_revenue", pool=pool, source="shop", effective_at="2026-05", sold=lines
        ).id
        # 300 × 1.093420044805 = 328.0260134415: 328 cents, not the 300 of 300 rounded lines.
        with told.view() as view:
            shown: Any = pools.revenue(view, told.journal, revenue, actor="operator")
        assert (shown["amount_minor"], shown["exact"]) == (328, "328.0260134415")
        assert shown["rounding"] == "-0.0260134415"
        (line,) = shown["sold"]
        assert (line["units"], line["amount"]) == ("900", "328.0260134415")
        assert told.account() == {"label": 230, a: 49, b: 49}


def test_an_amount_may_be_stated_beside_lines_that_round_to_it(database: str) -> None:
    with bank(database) as told:
        pool, *_ = shared(told, RULES)
        told.earn(pool, 101, sold=[sold("1.004"), sold("0.001")])
        for amount, lines, wrong in (
            (102, [sold("1.00")], BadSold),
            (100, [{"territory": "DE"}, sold("1.00")], BadSold),
            (100, [sold("2.00"), sold("-1.00", "US")], BadSold),
            (100, [sold("1e2")], BadSold),
            (None, [sold("0.001")], BadSold),
            (None, [], AmountMissing),
            (None, [{"territory": "DE"}], BadSold),
        ):
            with pytest.raises(wrong):
                told.earn(pool, amount, sold=lines)  # type: ignore[arg-type] # left out


def test_what_came_back_of_a_kind_is_set_off_within_it(database: str) -> None:
    with bank(database) as told:
        pool, a, b = shared(told, RULES)
        told.earn(pool, 100, sold=[sold("3.00", "US"), sold("-2.00", "US")])
        assert told.account() == {a: 50, b: 50}


@given(st.fractions(max_denominator=5_000))
def test_an_exact_number_is_shown_as_a_decimal_that_equals_it(number: Fraction) -> None:
    assert _F(shown_exactly(number)) == number


# -- explained -----------------------------------------------------------------------------


def test_every_line_says_which_rule_gave_it(database: str) -> None:
    german = "territory DE or AT, channel stream"
    with bank(database) as told:
        pool, a, b = shared(told, RULES)
        lines = [sold("1.00", "DE", channel="stream"), sold("1.00", "US")]
        revenue = told.earn(pool, 200, sold=lines)
        told.reverse(revenue, 100)
        told.service.follower.catch_up()
        with told.view() as view:
            (division,), (reversal,) = (
                [one.originator_id for one in told.since(0, topic)]
                for topic in ("entry.divided", "entry.reversed")
            )
            entry: Any = pools.division(view, told.journal, division, actor="operator")
            back: Any = pools.division(view, told.journal, reversal, actor="operator")
            why: Any = pools.why(view, told.journal, revenue, a, actor="operator")
            pool_told: Any = pools.statement(view, told.journal, pool, actor="operator")
            (mine,) = statements.statement(view, told.journal, a)["statements"]
    gave = {(each["rule"], each["payee"]["id"]): each["amount"] for each in entry["rules"]}
    assert gave == {
        **{(german, "label"): "70", (german, a): "15", (german, b): "15"},
        **{("otherwise", a): "50", ("otherwise", b): "50"},
    }
    taken = {(each["rule"], each["payee"]["id"]): each["amount"] for each in back["rules"]}
    assert taken == {key: str(_F(amount) / -2) for key, amount in gave.items()}
    assert [(each["rule"], each["amount"]) for each in why["rules"]] == [
        (german, "15"),
        ("otherwise", "50"),
    ]
    assert [line["rules"] for line in mine["lines"]] == [[german, "otherwise"]] * 2
    sums = {(each["rule"], (each["payee"] or {}).get("id")): each for each in pool_told["rules"]}
    assert {key: each["amount"] for key, each in sums.items()} == {
        **{(german, "label"): "35", (german, None): "15", ("otherwise", None): "50"}
    }


def test_of_the_lines_of_a_statement_the_rules_are_known_with_the_shares_read_once(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read for each line, those of 200 took seven seconds for a thousand divisions.

    What was divided before a waiver went by the shares of before.
    """
    german = "territory DE or AT, channel stream"
    with bank(database) as told:
        a, b, *others = told.people(*map(str, range(10)))
        pool = told.pool(terms=RULES)
        deal = told.agree(pool, {a: "1/2", b: "1/4", **dict.fromkeys(others, "1/32")})
        lines = [sold("10.00", "DE", channel="stream")]
        first, *_ = [told.earn(pool, 1_000, sold=lines) for _ in range(5)]
        told.tell("waive_share", proposal=deal, actor=b, scope="all of it")
        told.earn(pool, 1_000, sold=[sold("10.00", "US")])
        told.reverse(first)
        streams, read = told.journal.facts.streams, list[str]()

        def noting(ids: Collection[str]) -> list[Placed]:
            found = streams(ids)
            read.extend(one.topic for one in found if one.topic.startswith("share."))
            return found

        with told.view() as view:
            monkeypatch.setattr(told.journal.facts, "streams", noting)
            (mine,) = statements.statement(view, told.journal, b)["statements"]
    assert [(line["kind"], line["amount_minor"], line["rules"]) for line in mine["lines"]] == [
        *[("division", 75, [german])] * 5,
        ("correction", -375, []),
    ]
    assert read.count("share.waived") == 2, "once for the rules, once for the balances"


def test_what_rules_took_back_is_what_a_reversal_took(database: str) -> None:
    """Also of a fee that only what is in its band has."""
    fee = {"type": "fees", "fees": [{"payee": "fund", "rate": "1/10"}], "then": AGREED}
    banded = {"type": "escalator", "earned_minor": 0, "bands": [["600", fee], [None, AGREED]]}
    german = {"if": {"territory": "DE"}, "then": banded}
    with bank(database) as told:
        pool, *_ = shared(told, {"type": "by_sold", "rules": [german], "otherwise": AGREED})
        first, second = (told.earn(pool, 500, sold=[sold("5.00", "DE")]) for _ in range(2))
        for revenue in (second, first):
            told.reverse(revenue, 450)
        told.service.follower.catch_up()
        earlier, later = told.since(0, "entry.reversed")
        for back in (earlier, later):
            with told.view() as view:
                found: Any = pools.division(
                    view, told.journal, back.originator_id, actor="operator"
                )
            gave = dict[str, Fraction]()
            for each in found["rules"]:
                payee = each["payee"]["id"]
                gave[payee] = gave.get(payee, _F()) + _F(each["amount"])
            assert gave == {payee: _F(due) for payee, _, due, *_ in back.lines if _F(due)}


def test_rules_can_be_amended_though_what_they_gave_is_summed(database: str) -> None:
    with bank(database) as told:
        pool, *_ = shared(told, RULES)
        told.earn(pool, 200, sold=[sold("2.00", "DE", channel="stream")])
        other = RULES | {"rules": [{"if": {"territory": "DE"}, "then": "label"}]}
        told.tell("amend_pool", pool=pool, terms=other, effective_at="2020", reason="renewed")
        told.tell("correct_pool", pool=pool, reason="renewed")
        assert told.account() == {"label": 200}


# -- the preview ---------------------------------------------------------------------------

kinds = st.fixed_dictionaries(
    {"amount": st.integers(0, 900).map(lambda cents: f"{cents / 100:.2f}")},
    optional={
        "territory": st.sampled_from(["DE", "US"]),
        "channel": st.sampled_from(["stream", "shop"]),
        "units": st.integers(0, 20),
    },
)
sales = st.lists(kinds, max_size=4)


def with_rules(inside: Any) -> st.SearchStrategy[Any]:
    """Terms with rules, whose policies are any terms."""
    rules = st.builds(
        lambda one, two, unit: {
            "type": "by_sold",
            "rules": [
                {"if": {"territory": "DE"}, "then": one},
                {
                    "if": {"channel": ["stream"]},
                    "then": {
                        "type": "fees",
                        "fees": [{"payee": "fund", "unit_minor": unit}],
                        "then": two,
                    },
                },
            ],
            "otherwise": AGREED,
        },
        *(inside, inside, st.integers(0, 40)),
    )
    return st.one_of(
        rules,
        st.builds(
            lambda then, unit: {
                "type": "before_expenses",
                "fees": [
                    {"payee": "agent", "rate": "1/9", "seniority": 1},
                    {"payee": "fund", "unit_minor": unit, "seniority": 2},
                ],
                "then": then,
            },
            *(rules, st.integers(0, 40)),
        ),
    )


agreements = st.dictionaries(st.sampled_from("abc"), st.integers(1, 9), min_size=1)


@given(
    terms=with_rules(terms),
    agreed=agreements,
    amounts=st.lists(st.tuples(st.integers(1, 3_000), sales), min_size=1, max_size=3),
    spent=st.integers(0, 2_000),
)
def test_a_division_by_rules_is_the_preview_with_the_shares_put_in(
    terms: dict[str, Any],
    agreed: dict[str, int],
    amounts: list[tuple[int, list[dict[str, Any]]]],
    spent: int,
) -> None:
    shares = {who: _F(part, sum(agreed.values())) for who, part in agreed.items()}
    flow: dict[str, Fraction] = {}
    for amount, lines in amounts:
        asked = {
            "amount_minor": amount,
            "currency": "USD",
            "policy": terms,
            "rounding": "largest_remainder",
            "agreed": [[who, str(share)] for who, share in shares.items()],
            "flow": [[place, str(sent)] for place, sent in flow.items()],
            "sold": lines,
            "expenses": [["printer", spent]],
        }
        origin = Origin(read_sold(lines, "USD"))
        try:
            told: Any = preview(asked)
        except Refusal as refusal:
            with pytest.raises(type(refusal)):
                by_shares(opened(terms), amount, flow, shares, origin=origin)
            return
        expected = {each["payee"]: _F(each["share"]) * amount for each in told["lines"]}
        paid = int(expected.pop("printer", 0))
        origin = origin._replace(expenses_minor=paid)
        found = by_shares(opened(terms), amount - paid, flow, shares, origin=origin)
        assert {who: due for who, due in found.due.items() if due} == {
            who: due for who, due in expected.items() if due
        }
        for place, sent in found.flow.items():
            flow[place] = flow.get(place, _F()) + sent


@given(
    terms=with_rules(terms),
    agreed=agreements,
    amounts=st.lists(st.tuples(st.integers(1, 3_000), sales), min_size=1, max_size=3),
    cut=st.integers(0, 3_000),
)
def test_all_that_rules_gave_is_taken_back(
    terms: dict[str, Any],
    agreed: dict[str, int],
    amounts: list[tuple[int, list[dict[str, Any]]]],
    cut: int,
) -> None:
    pairs = [(amount, Origin(read_sold(sold, "USD"))) for amount, sold in amounts]
    for _, due in [*taken_back_in_parts(terms, agreed, pairs, cut)][-1:]:
        assert sum(due.values()) == 0
