"""Withholding by the country of each sale: what is paid draws on what came from where."""

from contextlib import suppress
from fractions import Fraction
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from money import AGREED, Bank, bank
from test_money_remitted import withhold

from domain.money import adjusting, dividing, netting
from domain.money.entry import RULES_BY_COUNTRY, RULES_NET
from domain.money.reckoning import division_of
from domain.money.sourcing import OF_POOL, countries_of, drawn, shared
from domain.refusal import NothingToCorrect, NothingToPay
from projections.money.remittances import withheld


def sold(pool: str, told: Bank, *lines: tuple[str, str | None], **said: Any) -> str:
    """A revenue by the amounts of its sales, with their territories."""
    kinds = [
        {"amount": amount} | ({"territory": territory} if territory else {})
        for amount, territory in lines
    ]
    return told.tell(
        "record_revenue", pool=pool, effective_at="2026-05", source="shop", sold=kinds, **said
    ).id


def halves(told: Bank) -> tuple[str, str, str]:
    """A pool in Japan, whose sales say where their money comes from, shared by two."""
    a, b = told.people("a", "b")
    pool = told.pool(terms=AGREED)
    told.accept(told.agree(pool, {a: "1/2", b: "1/2"}), a, b)
    told.tell("locate_pool", pool=pool, country="JP", located_by="territory")
    return pool, a, b


def kept(told: Bank, payee: str) -> list[tuple[Any, ...]]:
    """By country of the latest payout: of how much, and how much is withheld."""
    payout = [one for one in told.since(0, "payout.issued") if one.payee == payee][-1]
    return [(country, of, units) for country, _, _, of, units in payout.withheld]


def test_each_sale_is_withheld_for_by_its_own_country(database: str) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        withhold(told, a, "0.3", "US")
        withhold(told, a, "0.1", "DE")
        withhold(told, a, "1/5", "JP")
        sold(pool, told, ("60.00", "us"), ("20.00", "DE"), ("10.00", "Europe"), ("10.00", None))
        told.pay()
        assert kept(told, a) == [("DE", 1_000, 100), ("JP", 1_000, 200), ("US", 3_000, 900)]
        assert kept(told, b) == [("DE", 1_000, 0), ("JP", 1_000, 0), ("US", 3_000, 0)]
        with told.view() as view:
            year = withheld(view, told.journal, year=told.clock.now.year, actor="operator")
        sums = {
            (line["payee"]["id"], line["country"]): (line["paid_minor"], line["withheld_minor"])
            for line in year["lines"]
        }
        assert sums[a, "US"] == (3_000, 900)
        assert sums[b, "DE"] == (1_000, 0)


def test_what_comes_back_from_a_country_is_taken_of_what_came_from_there(database: str) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        withhold(told, a, "0.3", "US")
        withhold(told, a, "0.1", "DE")
        revenue = sold(pool, told, ("100.00", "US"))
        assert told.pay() == {a: 5_000, b: 5_000}
        told.reverse(revenue, 5_000)
        sold(pool, told, ("100.00", "DE"))
        assert told.pay() == {a: 2_500, b: 2_500}
        assert kept(told, a) == [("DE", 5_000, 500), ("US", -2_500, 0)]
        sold(pool, told, ("10.00", "US"))
        told.pay()
        assert kept(told, a) == [("US", 500, 150)]


def test_what_negative_revenue_takes_back_came_from_its_own_countries(database: str) -> None:
    """Returns in one country were taken of what was sold in others, too."""
    with bank(database) as told:
        pool, a, b = halves(told)
        withhold(told, a, "0.3", "US")
        withhold(told, a, "0.1", "DE")
        sold(pool, told, ("100.00", "DE"), ("10.00", "US"))
        sold(pool, told, ("-30.00", "US"))
        assert told.pay() == {a: 4_000, b: 4_000}
        assert kept(told, a) == [("DE", 5_000, 500), ("US", -1_000, 0)]
        sold(pool, told, ("-90.00", "US"))  # 80.00 are taken back, 10.00 when more comes in
        sold(pool, told, ("90.00", "DE"), ("10.00", "US"))
        told.pay()
        assert kept(told, a) == [("DE", 4_500, 450), ("US", -4_000, 0)]


def test_what_was_sold_elsewhere_meanwhile_is_credited_to_its_country(database: str) -> None:
    """Germany sold 115.00, and the United States 105.00 less 35.00, whatever month it was."""
    with bank(database) as told:
        pool, a, b = halves(told)
        withhold(told, a, "0.3", "US")
        withhold(told, a, "0.1", "DE")
        sold(pool, told, ("100.00", "DE"), ("100.00", "US"))
        sold(pool, told, ("-20.00", "US"), ("-15.00", "US"), ("15.00", "DE"), ("5.00", "US"))
        assert told.pay() == {a: 9_250, b: 9_250}
        assert kept(told, a) == [("DE", 5_750, 575), ("US", 3_500, 1_050)]


def test_of_a_sum_near_nothing_each_country_has_what_it_sold(database: str) -> None:
    """Of the single cent that was left, somebody had all that was sold and came back."""
    with bank(database) as told:
        pool, a, b = halves(told)
        sold(pool, told, ("-149.994", "US"), ("50.00", "DE"))
        sold(pool, told, ("100.00", "DE"))
        sold(pool, told, ("100.00", "US"))
        told.pay()
        for payee in (a, b):
            ((_, germany, _), (_, states, _)) = kept(told, payee)
            assert abs(germany - 7_500) <= 1
            assert abs(states + 2_500) <= 1


def test_what_is_left_of_a_revenue_is_refunded_for_where_it_is_left(database: str) -> None:
    """All that the United States had sold had come back, and was taken again."""
    with bank(database) as told:
        pool, a, b = halves(told)
        revenue = sold(pool, told, ("80.00", "DE"), ("40.00", "US"))
        sold(pool, told, ("-40.00", "US"))
        told.reverse(revenue, 2_000)
        told.reverse(revenue)
        sold(pool, told, ("10.00", "US"))
        assert told.pay() == {a: 500, b: 500}
        assert kept(told, a) == kept(told, b) == [("US", 500, 0)]


@pytest.mark.parametrize("are_due", [False, True])
def test_it_does_so_too_if_nothing_is_divided_yet(database: str, are_due: bool) -> None:
    with bank(database) as told:
        pool, (a, b) = told.pool(), told.people("a", "b")
        told.tell("locate_pool", pool=pool, country="JP", located_by="territory")
        withhold(told, a, "0.1", "DE")
        lines = [("100.00", "DE"), ("10.00", "US")], [("-30.00", "US")]
        for each in reversed(lines) if are_due else lines:
            sold(pool, told, *each)
        told.accept(told.agree(pool, {a: "1/2", b: "1/2"}, "2026-01"), a, b)
        assert told.pay() == {a: 4_000, b: 4_000}
        assert kept(told, a) == [("DE", 5_000, 500), ("US", -1_000, 0)]


def test_what_is_refunded_before_it_is_divided_leaves_the_same_part_of_each_country(
    database: str,
) -> None:
    with bank(database) as told:
        pool, a = told.pool(), told.person("a")
        told.tell("locate_pool", pool=pool, country="JP", located_by="territory")
        told.reverse(sold(pool, told, ("60.00", "US"), ("40.00", "DE")), 5_000)
        told.accept(told.agree(pool, {a: "1"}, "2026-01"), a)
        assert told.pay() == {a: 5_000}
        assert kept(told, a) == [("DE", 2_000, 0), ("US", 3_000, 0)]


def test_a_payout_by_earlier_rules_is_verified(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dividing, "division_of", partial(division_of, rules=3))
    monkeypatch.setattr(netting, "rules_of_reversal", lambda *_: 3)
    with bank(database) as told:  # is verified at its end
        pool, a, b = halves(told)
        sold(pool, told, ("100.00", "DE"), ("10.00", "US"))
        sold(pool, told, ("-55.00", "US"))
        assert told.pay() == {a: 2_750, b: 2_750}
        assert kept(told, a) == [("DE", 2_500, 0), ("US", 250, 0)]


def test_what_is_assigned_takes_its_countries_along(database: str) -> None:
    """It came from the country of the pool, and left its countries with who had it before."""
    with bank(database) as told:
        pool, a, b = halves(told)
        withhold(told, a, "0.1", "DE")
        withhold(told, b, "0.3", "DE")
        sold(pool, told, ("60.00", "DE"), ("40.00", "US"))
        said = {"payee": a, "currency": "USD", "reason": "r", "evidence": "e"}
        told.tell("record_assignment", to="heir", amount_minor=1_000, **said)
        assert told.pay() == {a: 4_000, b: 5_000, "heir": 1_000}
        assert kept(told, a) == [("DE", 2_400, 240), ("US", 1_600, 0)]
        assert kept(told, "heir") == [("DE", 600, 0), ("US", 400, 0)]
        told.tell(
            "record_adjustment",
            pool=pool,
            lines=[{"payee": a, "amount_minor": 70}],
            payer="house",
            reason="r",
        )
        sold(pool, told, ("20.00", "DE"))
        told.tell("record_assignment", to=b, **said)
        told.pay()
        assert kept(told, b) == [("DE", 2_000, 600), ("JP", 70, 0)]


@pytest.mark.parametrize(
    "rules, germany", [(4, 666), (RULES_NET, 1_000), (RULES_BY_COUNTRY, 2_000)]
)
def test_sales_of_a_negative_statement_are_netted_by_the_rules_of_their_time(
    database: str, monkeypatch: pytest.MonkeyPatch, rules: int, germany: int
) -> None:
    monkeypatch.setattr(dividing, "division_of", partial(division_of, rules=rules))
    monkeypatch.setattr(netting, "rules_of_reversal", lambda *_: rules)
    with bank(database) as told:  # is verified at its end
        pool, a, b = halves(told)
        sold(pool, told, ("-20.00", "US"), ("10.00", "DE"))
        sold(pool, told, ("100.00", "US"), ("20.00", "DE"))
        sold(pool, told, ("-20.00", "US"), ("10.00", "DE"))
        assert told.pay() == {a: 5_000, b: 5_000}
        assert kept(told, a) == [("DE", germany, 0), ("US", 5_000 - germany, 0)]


def late(told: Bank, pool: str, shares: dict[str, str]) -> None:
    """Shares that hold since before anything was earned, and are carried out."""
    told.accept(told.agree(pool, shares, "2026-01"), *shares)
    told.tell("correct_pool", pool=pool, reason="found late")


def test_a_correction_moves_money_from_the_countries_that_it_came_from(database: str) -> None:
    """It was from the country of the pool, so that for whom came late nothing was withheld."""
    with bank(database) as told:
        pool, a, b = halves(told)
        c = told.person("c")
        for payee in (a, c):
            withhold(told, payee, "0.3", "US")
        sold(pool, told, ("60.00", "US"), ("40.00", "DE"))
        sold(pool, told, ("-10.00", "DE"))
        sold(pool, told, ("30.00", "DE"))
        assert told.pay() == {a: 6_000, b: 6_000}
        late(told, pool, {a: "1/4", b: "1/4", c: "1/2"})
        assert told.pay() == {c: 6_000}
        assert kept(told, c) == [("DE", 3_000, 0), ("US", 3_000, 900)]
        sold(pool, told, ("80.00", "US"), ("240.00", "DE"))
        told.pay()
        assert kept(told, a) == [("DE", 4_500, 0), ("US", 500, 150)]


def test_so_does_a_waiver_and_it_draws_on_what_goes_by_shares(database: str) -> None:
    """What paid back an expense went by no share."""
    with bank(database) as told:
        pool, (a, b) = told.pool(), told.people("a", "b")
        told.tell("locate_pool", pool=pool, country="JP", located_by="territory")
        agreed = told.agree(pool, {a: "1/2", b: "1/2"})
        told.accept(agreed, a)
        told.spend(pool, 9_000)
        sold(pool, told, ("100.00", "US"))
        sold(pool, told, ("10.00", "DE"))
        assert told.pay(payees=[a]) == {a: 1_000}
        told.tell("waive_share", proposal=agreed, scope="release", actor=b)
        assert told.pay(payees=[a]) == {a: 1_000}
        assert kept(told, a) == [("DE", 500, 0), ("US", 500, 0)]


def test_other_terms_move_only_what_they_hold_for(database: str) -> None:
    with bank(database) as told:
        a = told.person("a")
        house = {"type": "fixed", "shares": [["house", "1"]]}
        pool = told.pool(terms=house)
        told.accept(told.agree(pool, {a: "1"}, "2026-01"), a)
        told.tell("locate_pool", pool=pool, country="JP", located_by="territory")
        sold(pool, told, ("70.00", "US"))
        sold(pool, told, ("30.00", "DE"))
        told.tell("reverse_revenue", revenue=sold(pool, told, ("9.00", "JP")), reason="r")
        told.pay()
        told.tell("amend_pool", pool=pool, terms=AGREED, effective_at="2026-01", reason="r")
        told.tell("correct_pool", pool=pool, reason="r")
        assert told.pay() == {a: 10_000}
        assert kept(told, a) == [("DE", 3_000, 0), ("US", 7_000, 0)]


@pytest.mark.parametrize("rules, by_country", [(2, False), (4, True)])
def test_what_was_assigned_by_earlier_rules_is_verified(
    database: str, monkeypatch: pytest.MonkeyPatch, rules: int, by_country: bool
) -> None:
    monkeypatch.setattr(adjusting, "RULES_BY_COUNTRY", rules)
    with bank(database) as told:
        pool, a, b = halves(told)
        sold(pool, told, ("60.00", "DE"), ("40.00", "US"))
        said = {"currency": "USD", "reason": "r", "evidence": "e"}
        told.tell("record_assignment", payee=a, to="heir", **said)
        told.tell("locate_pool", pool=pool, country="JP")
        told.tell("record_assignment", payee=b, to="other", **said)
        told.pay()
        whole = ("JP", 5_000, 0)
        assert kept(told, "heir") == (
            [("DE", 3_000, 0), ("US", 2_000, 0)] if by_country else [whole]
        )
        assert kept(told, "other") == [whole]


def test_what_is_assigned_besides_a_reserve_is_from_where_all_of_it_is(database: str) -> None:
    with bank(database) as told:
        pool, a, _ = halves(told)
        told.tell("state_reserve", pool=pool, rate="1/2", effective_at="2026-01")
        sold(pool, told, ("20.00", "US"), ("20.00", None))
        said = {"payee": a, "currency": "USD", "reason": "r", "evidence": "e"}
        told.tell("record_assignment", to="heir", **said)
        told.pay()
        assert kept(told, "heir") == [("JP", 500, 0), ("US", 500, 0)]


def test_what_came_back_from_elsewhere_of_earlier_revenue_is_not_taken_again(
    database: str,
) -> None:
    with bank(database) as told:
        a = told.person("a")
        pool = told.pool()
        told.accept(told.agree(pool, {a: "1"}), a)
        before = sold(pool, told, ("10.00", "US"))
        told.tell("locate_pool", pool=pool, country="JP", located_by="territory")
        sold(pool, told, ("-4.00", "US"))
        told.reverse(before)
        sold(pool, told, ("7.00", "DE"))
        assert told.pay() == {a: 700}
        assert kept(told, a) == [("DE", 700, 0)]


def test_what_was_divided_before_a_pool_went_by_territory_comes_back_from_its_country(
    database: str,
) -> None:
    """It came back from where it had been sold, though it counted as from the pool's country."""
    with bank(database) as told:
        a = told.person("a")
        pool = told.pool()
        told.accept(told.agree(pool, {a: "1"}), a)
        before = sold(pool, told, ("10.00", "US"))
        told.tell("locate_pool", pool=pool, country="JP", located_by="territory")
        told.reverse(before, 400)
        since = sold(pool, told, ("20.00", "US"))
        told.pay()
        assert kept(told, a) == [("JP", 600, 0), ("US", 2_000, 0)]
        told.tell("locate_pool", pool=pool, country="JP")
        told.reverse(since, 500)
        sold(pool, told, ("30.00", "DE"))
        told.tell("record_assignment", payee=a, to="heir", currency="USD", reason="r", evidence="e")
        assert told.pay() == {"heir": 2_500}
        assert kept(told, "heir") == [("JP", 3_000, 0), ("US", -500, 0)]


def test_a_payout_that_came_back_draws_on_the_same_countries_again(database: str) -> None:
    with bank(database) as told:
        pool, a, _b = halves(told)
        withhold(told, a, "0.3", "US")
        sold(pool, told, ("10.00", "US"), ("30.00", "DE"))
        told.pay(payees=[a])
        before = kept(told, a)
        told.tell("return_payout", id=told.payouts()[a], reason="closed")
        told.tell("claim_payout", id=told.payouts()[a])
        told.pay(payees=[a])
        assert kept(told, a) == before == [("DE", 1_500, 0), ("US", 500, 150)]


def test_of_a_part_nobody_knows_which_so_it_is_split_as_the_whole(database: str) -> None:
    with bank(database) as told:
        pool, a, b = halves(told)
        withhold(told, a, "0.3", "US")
        told.tell("state_reserve", pool=pool, rate="1/2", effective_at="2026-01")
        sold(pool, told, ("20.00", "US"), ("20.00", "DE"))
        assert told.pay() == {a: 1_000, b: 1_000}
        assert kept(told, a) == [("DE", 500, 0), ("US", 500, 150)]
        told.tell("free_reserve", pool=pool)
        told.pay()
        assert kept(told, a) == [("DE", 500, 0), ("US", 500, 150)]


def test_only_what_comes_in_from_then_on_goes_by_its_sales(database: str) -> None:
    with bank(database) as told:
        a = told.person("a")
        pool = told.pool()
        told.accept(told.agree(pool, {a: "1"}), a)
        sold(pool, told, ("10.00", "US"))
        told.tell("locate_pool", pool=pool, country="JP", located_by="territory")
        sold(pool, told, ("20.00", "US"))
        told.tell("locate_pool", pool=pool, country="JP")
        sold(pool, told, ("40.00", "US"))
        told.pay()
        assert kept(told, a) == [("JP", 5_000, 0), ("US", 2_000, 0)]
        told.tell("locate_pool", pool=pool, country="JP", located_by="territory")
        sold(pool, told, ("80.00", "US"), ("1.00", "Atlantis"))
        told.pay()
        assert kept(told, a) == [("JP", 100, 0), ("US", 8_000, 0)]


COUNTRIES = ("US", "DE", "JP")
"""JP is the country of the pool."""
RATES = {"US": Fraction(3, 10), "DE": Fraction(1, 10), "JP": Fraction(1, 5)}
moves = st.sampled_from(
    ["sell", "sell", "sell", "come_back", "refund", "correct", "assign", "forget", "pay"]
)
steps = st.tuples(moves, st.integers(1, 9_000), st.integers(0, 9_000), st.integers(0, 2))


@settings(max_examples=settings().max_examples // 4)
@given(st.lists(steps, min_size=3, max_size=12))
def test_random_sales_are_withheld_for_as_an_exact_model_says(
    done: list[tuple[str, int, int, int]],
) -> None:
    with bank("sqlite:///:memory:") as told:
        model = Sourced(told)
        for move, *of in [*done, ("pay", 1, 0, 0)]:
            getattr(model, move)(*of)


class Sourced:
    """What everybody is owed by country, exactly; two have their shares through a group."""

    def __init__(self, told: Bank) -> None:
        self.told, self.pool = told, told.pool(terms=AGREED)
        a, b, c = self.payees = told.people("a", "b", "c")
        band = told.person("band")
        for each in (b, c):
            one = told.tell("offer_membership", group=band, contributor=each).id
            told.tell("accept_membership", id=one, actor=each)
        among = [{"contributor": b, "part": "2/3"}, {"contributor": c, "part": "1/3"}]
        told.tell("divide_shares", id=band, among=among)
        self.band, self.half = band, Fraction(1, 2)
        told.accept(told.agree(self.pool, {a: "1/2", band: "1/2"}, "2026-01"), a, b, c)
        told.tell("locate_pool", pool=self.pool, country="JP", located_by="territory")
        self.shares = self.shared(self.half)
        self.owed: dict[str, dict[str, Fraction]] = {}
        for payee in (*self.payees, "heir"):
            self.owed[payee] = dict.fromkeys(COUNTRIES, Fraction())
            for country, rate in RATES.items():
                withhold(told, payee, str(rate), country)
        self.sales: dict[str, dict[str, Fraction]] = {}
        """By revenue: what is left of it, by country."""
        self.forgotten: set[str] = set()
        self.rounded = 0
        """How often units were rounded by country."""

    def shared(self, of_a: Fraction) -> dict[str, Fraction]:
        a, b, c = self.payees
        return {a: of_a, b: (1 - of_a) * 2 / 3, c: (1 - of_a) / 3}

    def came(self, by_country: dict[str, Fraction]) -> None:
        self.rounded += 1
        for payee, share in self.shares.items():
            for country, part in by_country.items():
                self.owed[payee][country] += share * part

    def sell(self, amount: int, other: int, which: int) -> None:
        lines = {COUNTRIES[which]: Fraction(amount), COUNTRIES[which - 1]: Fraction(other)}
        said = [(f"{int(units) / 100:.2f}", country) for country, units in lines.items() if units]
        self.sales[sold(self.pool, self.told, *said)] = lines
        self.came(lines)

    def come_back(self, amount: int, other: int, which: int) -> None:
        """As much as there is, and as much more as was sold elsewhere; of the latest revenue."""
        rest = whole = min(amount, sum(int(sum(left.values())) for left in self.sales.values()))
        if not rest:
            return
        lines = {COUNTRIES[which]: whole + other, COUNTRIES[which - 1]: -other}
        said = [(f"{-units / 100:.2f}", country) for country, units in lines.items() if units]
        sold(self.pool, self.told, *said)
        for left in reversed(self.sales.values()):
            if taken := min(rest, int(sum(left.values()))):
                back = {
                    country: Fraction(-taken * units, whole) for country, units in lines.items()
                }
                self.came(back)
                for country, part in back.items():
                    left[country] = left.get(country, Fraction()) + part
                rest -= taken

    def refund(self, amount: int, *_: int) -> None:
        """Of the earliest revenue of which something is left, from where it is left."""
        for revenue, left in self.sales.items():
            whole = int(sum(left.values()))
            if taken := min(amount, whole):
                self.told.reverse(revenue, taken, reason=f"refund {self.rounded}")
                back = {country: -part * taken / whole for country, part in left.items()}
                self.came(back)
                for country, part in back.items():
                    left[country] += part
                return

    def correct(self, *_: int) -> None:
        """Other shares, for everything that was ever earned and of which something is left.

        What of a balance of 0 is from where stays with the earlier shares.
        """
        owed, near = self.told.account(), 2 * self.rounded
        nothing = (self.owed[payee] for payee in self.payees if not owed.get(payee))
        if any(abs(part) > near for own in nothing for part in own.values()):
            return
        before, self.half = self.shares, Fraction(5, 6) - self.half
        self.shares = self.shared(self.half)
        a, b, c = self.payees
        shares = {a: str(self.half), self.band: str(1 - self.half)}
        who = [each for each in (a, b, c) if each not in self.forgotten]
        self.told.accept(self.told.agree(self.pool, shares, "2026-01"), *who)
        with suppress(NothingToCorrect):
            self.told.tell("correct_pool", pool=self.pool, reason="r")
        self.rounded += 1
        for payee, share in self.shares.items():
            for left in self.sales.values():
                for country, part in left.items() if sum(left.values()) else ():
                    self.owed[payee][country] += (share - before[payee]) * part

    def assign(self, amount: int, _: int, which: int) -> None:
        """All of it, or the same part of what is owed for each country under the only agreement."""
        payee, owed = self.payees[which], self.told.account().get(self.payees[which], 0)
        is_corrected = len(self.told.books().opened[self.pool].agreements) > 1
        taken = owed if is_corrected else min(amount, owed)
        if taken <= 0 or (is_corrected and payee in self.forgotten):
            return
        said = {"payee": payee, "to": "heir", "currency": "USD", "amount_minor": taken}
        self.told.tell("record_assignment", **said, reason="r", evidence="e")
        self.rounded += 1
        own = self.owed[payee]
        whole = sum((max(part, Fraction()) for part in own.values()), Fraction())
        for country, part in [*own.items()]:
            moved = part if taken == owed else max(part, Fraction()) * taken / whole
            own[country] -= moved
            self.owed["heir"][country] += moved

    def forget(self, *_: int) -> None:
        if (payee := self.payees[1]) not in self.forgotten:
            self.told.tell("forget_contributor", id=payee, ground="request")
            self.forgotten.add(payee)

    def pay(self, *_: int) -> None:
        head, owed = self.told.head(), self.told.account()
        due = {who: units for who, units in owed.items() if units > 0 and who not in self.forgotten}
        with suppress(NothingToPay):
            self.told.pay()
        paid = self.told.since(head, "payout.issued")
        for who in due.keys() - {fact.payee for fact in paid}:  # more would be withheld than paid
            taxes = sum(max(part, 0) * RATES[country] for country, part in self.owed[who].items())
            assert due[who] <= taxes + 2 * self.rounded
        for fact in paid:
            own = self.owed[fact.payee]
            assert fact.amount_minor == due[fact.payee]
            assert sum(of for _, _, _, of, _ in fact.withheld) == fact.amount_minor
            for country, _, rate, of, units in fact.withheld:
                assert abs(of - own[country]) <= 2 * self.rounded
                assert units == int(max(of, 0) * Fraction(rate) + Fraction(1, 2))
                own[country] -= of
            assert all(abs(rest) <= 2 * self.rounded for rest in own.values())


def test_a_territory_is_a_country_or_the_pools() -> None:
    lines = [[None, "us", None, None, "1", "30"], [None, "EU", None, None, "1", "50"]]
    assert countries_of(lines, 80) == {"US": 30, OF_POOL: 50}
    assert countries_of([[None, "US", None, None, "3", "0"]], 1) == {}
    assert countries_of(None, 80) == {}
    assert shared(7, Fraction(7), {}) == {}
    assert shared(-8, Fraction(-8), countries_of(lines, 80)) == {"US": -3}


def test_the_country_that_got_the_last_unit_gives_it_back() -> None:
    nowhere = {"DE": Fraction(1), "US": Fraction(1), "JP": Fraction(0)}
    for by_country in (nowhere, {"DE": Fraction(1), "US": Fraction(1)}):
        assert shared(1, Fraction(1), by_country) == {"DE": 1}
        assert shared(-1, Fraction(-1), by_country) == {"DE": -1}


@given(
    st.dictionaries(st.sampled_from(["US", "DE", "JP"]), st.integers(-50, 50)),
    st.integers(-100, 100),
    st.integers(-100, 100),
)
def test_a_payment_draws_on_no_more_than_there_is(
    came: dict[str, int], owed: int, units: int
) -> None:
    found = drawn(units, owed, came)
    if units == owed:
        assert found == {country: part for country, part in came.items() if part}
    else:
        sign = -1 if units < 0 else 1
        assert all(0 < sign * part <= sign * came[country] for country, part in found.items())
        assert sum(found.values()) * sign <= abs(units)
