"""Advances: what was paid before counts, also after the advance was raised or lowered."""

from fractions import Fraction
from typing import Any

import pytest
from exact import fixed, units
from money import bank

from domain.money.policy.flow import Flow, Reversal
from domain.money.policy.order import Advance
from domain.money.recouping import recouped
from domain.money.split import read_terms
from domain.refusal import BadPolicy, RatesOverWhole


def terms(advance: int, earned: int = 0, paid: int = 0, **more: Any) -> dict[str, Any]:
    account = {"account": "x", "payee": "a", "advance_minor": advance}
    account |= {"earned_minor": earned, "paid_minor": paid}
    return {
        "type": "advance",
        "account": "x",
        "accounts": [account],
        "to": "label",
        "then": fixed([("a", "1")]),
        **more,
    }


def paid(
    advance: int, part: int, *, earned: int, before: int, back: bool = False, opening: int = 0
) -> Fraction:
    """What of a part is paid (or given back), after so much was earned and paid."""
    policy = read_terms(terms(advance, earned=opening))
    assert isinstance(policy, Advance)
    (account,) = policy.accounts
    earlier = {account.earned: Fraction(earned), account.paid: Fraction(before)}
    flow = Flow(earlier, reversal=Reversal(Flow(), Fraction(), Fraction(1)) if back else None)
    return policy.pay("a", Fraction(part), flow)


def test_what_was_earned_and_paid_before_the_books_began_counts() -> None:
    assert units(terms(1_000, earned=900, paid=50), 200) == {"a": 50, "label": 150}
    assert units(terms(1_000, earned=1_200, paid=50), 200) == {"a": 200, "label": 0}
    assert units(terms(1_000, earned=1_000, paid=300), 200) == {"a": 0, "label": 200}


def test_an_advance_that_was_raised_is_recouped_beside_what_was_paid() -> None:
    # 600 were earned and 200 paid while the advance was 400; payable(E) = max(0, E − 1000 − 200).
    assert paid(1_000, 500, earned=600, before=200) == 0
    assert paid(1_000, 700, earned=600, before=200) == 100
    assert paid(400, 700, earned=600, before=200) == 700


@pytest.mark.parametrize(
    "advance, part, given_back",
    [
        (400, 100, 100),  # payable of 500 earned are 100 of the 200 that were paid
        (400, 300, 200),  # of 300 earned nothing is payable
        (100, 100, 0),  # of 500 earned 400 are payable: more than was paid
        (350, 100, 50),  # 150 are payable
    ],
)
def test_who_was_paid_gives_back_what_is_no_longer_payable(
    advance: int, part: int, given_back: int
) -> None:
    assert paid(advance, part, earned=600, before=200, back=True) == given_back


def test_what_was_payable_before_the_books_began_was_not_paid_by_them() -> None:
    # 300 of the opening are payable, and all 600 were paid: of 500 earned 100 were too much.
    assert paid(100, 100, earned=600, before=600, back=True, opening=400) == 100


def test_how_far_advances_and_tranches_are_recouped_is_told_wherever_terms_have_them() -> None:
    label = terms(1_000, earned=300, paid=100)
    turn = {"type": "waterfall", "tranches": [["bank", 100], ["rest", None, label]]}
    nested = {"type": "fees", "fees": [{"payee": "agent", "rate": "1/10"}]}
    nested |= {"then": turn | {"recouped": {"bank": 30}}}
    bank_at, account = "policy.then.recouped (bank)", "policy.then.tranches[1].accounts[0]"
    before = {bank_at: 20, f"{account}.earned_minor": 50, f"{account}.paid_minor": 20}
    now = {bank_at: 7, f"{account}.earned_minor": 45, f"{account}.paid_minor": 5}
    with bank("sqlite:///:memory:") as told:
        opened = told.journal.draft().books().pools[told.pool(terms=nested)].opened
    exact = [{place: Fraction(each) for place, each in sums.items()} for sums in (before, now)]
    found = [(each.payee, each.before_minor, each.now_minor) for each in recouped(opened, *exact)]
    assert found == [("bank", 50, 7), ("a", 230, 40)]


def test_a_payee_has_an_account_once() -> None:
    policy = terms(100)
    twice = policy | {"accounts": policy["accounts"] * 2}
    with pytest.raises(BadPolicy):
        read_terms(twice)
    (account,) = policy["accounts"]
    for other in ({"account": "y"}, {"payee": "b"}):
        assert read_terms(policy | {"accounts": [account, account | other]})


def test_a_fixed_fee_has_no_cap() -> None:
    def fee(**said: Any) -> dict[str, Any]:
        fees = [{"payee": "agent", **said}]
        return {"type": "fees", "fees": fees, "then": fixed([("a", "1")])}

    assert units(fee(rate="1/2", cap_minor=7)) == {"agent": 7, "a": 93}
    assert units(fee(amount_minor=9)) == {"agent": 9, "a": 91}
    for said in ({"amount_minor": 9, "cap_minor": 7}, {"amount_minor": 9, "rate": "1/2"}):
        with pytest.raises(BadPolicy):
            read_terms(fee(**said))


def test_fees_may_be_the_whole_together() -> None:
    def fees(rate: str) -> dict[str, Any]:
        both = [{"payee": payee, "rate": rate} for payee in ("agent", "fund")]
        return {"type": "fees", "fees": both, "then": fixed([("a", "1")])}

    assert units(fees("1/2")) == {"agent": 50, "fund": 50, "a": 0}
    with pytest.raises(RatesOverWhole):
        read_terms(fees("3/5"))
