"""Terms amended from a date: what was recouped, earned and carried is taken along."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from money import AGREED, Bank, bank
from stories import OPERATOR, at_once

from domain import paging
from domain.money.entry import Entry
from domain.money.verifying import Verifier
from domain.refusal import NothingToCorrect, TermsLoseSums
from projections.money import pools


def label(share: str) -> dict[str, Any]:
    left = {"15": "85", "20": "80"}[share]
    return {
        "type": "fixed",
        "shares": [["label", f"{share}/100"], ["artists", f"{left}/100", AGREED]],
    }


def advance(then: Mapping[str, Any]) -> dict[str, Any]:
    account = {"account": "x", "payee": "a", "advance_minor": 30_000}
    return {
        **{"type": "advance", "account": "x", "to": "bank", "then": then},
        "accounts": [{**account, "earned_minor": 0, "paid_minor": 0}],
    }


def escalator(low: str, high: str) -> dict[str, Any]:
    def part(share: str) -> list[Any]:
        whole, of = map(int, share.split("/"))
        return [["author", share], ["house", f"{of - whole}/{of}"]]

    bands = [["100000", part(low)], [None, part(high)]]
    return {"type": "escalator", "earned_minor": 0, "bands": bands}


def amend(told: Bank, pool: str, terms: Mapping[str, Any], since: str) -> None:
    said = {"terms": terms, "effective_at": since, "reason": "renegotiated"}
    told.tell("amend_pool", pool=pool, document="amendment 2", **said)


def test_a_label_gets_20_instead_of_15_per_cent_from_a_date(database: str) -> None:
    with bank(database) as told:
        pool = told.pool(terms=label("15"))
        told.agree(pool, {"a": "1", "b": "1"})
        may = told.earn(pool, 10_000, "2026-05")
        assert told.account() == {"label": 1_500, "a": 4_250, "b": 4_250}
        amend(told, pool, label("20"), "2026-04")
        told.earn(pool, 10_000, "2026-03")  # earned before, whenever it is recorded
        assert told.account() == {"label": 3_000, "a": 8_500, "b": 8_500}
        told.earn(pool, 10_000, "2026-04")
        assert told.account() == {"label": 5_000, "a": 12_500, "b": 12_500}
        # What was divided for May goes by what holds now, once it is corrected.
        told.tell("correct_pool", pool=pool, reason="20 % from April")
        assert told.account() == {"label": 5_500, "a": 12_250, "b": 12_250}
        with pytest.raises(NothingToCorrect):
            told.tell("correct_pool", pool=pool, reason="again")
        told.reverse(may)
        assert told.account() == {"label": 3_500, "a": 8_250, "b": 8_250}
        with told.view() as view:
            shown = pools.pool(view, told.journal, pool, actor=OPERATOR)
            first, _, last = told.since(0, "entry.divided")
            terms = [
                pools.why(view, told.journal, each.originator_id, "label", actor=OPERATOR)["terms"]
                for each in (first, last)
            ]
        assert terms == [label("15"), label("20")]
        assert shown["terms"] == label("20")
        assert [each["number"] for each in shown["amendments"]] == [0, 1]
        assert shown["amendments"][1]["document"] == "amendment 2"


@pytest.mark.parametrize("longest_bytes", [paging.LONGEST_LIST_BYTES, 200])
def test_a_correction_lists_any_number_of_divisions(
    database: str, monkeypatch: pytest.MonkeyPatch, longest_bytes: int
) -> None:
    """In one fact, it was refused as too large from a thousand on, in every pool with so many."""
    with bank(database) as told:
        pool = told.pool(terms=label("15"))
        told.tell("locate_pool", pool=pool, country="JP", located_by="territory")
        told.agree(pool, {"a": "1"})
        sold = {"amount": "10.00"}
        earned = [
            told.earn(pool, 1_000, "2026-05", sold=[{**sold, "territory": each}])
            for each in ("DE", "FR", "JP") * 3
        ]
        amend(told, pool, label("20"), "2026-04")
        monkeypatch.setattr(paging, "LONGEST_LIST_BYTES", longest_bytes)
        told.tell("correct_pool", pool=pool, reason="20 % from April")
        is_one = longest_bytes > 200
        assert is_one == ("entry.continued" not in told.topics())
        assert told.account() == {"label": 1_800, "a": 7_200}
        (agreement,) = told.books().pools[pool].agreements
        countries = told.books().countries
        assert countries["label", agreement] == {"DE": 600, "FR": 600, "JP": 600}
        assert countries["a", agreement] == {"DE": 2_400, "FR": 2_400, "JP": 2_400}
        with pytest.raises(NothingToCorrect):
            told.tell("correct_pool", pool=pool, reason="again")
        told.reverse(earned[0])
        told.reverse(earned[-1])
        assert told.account() == {"label": 1_400, "a": 5_600}


def test_of_a_correction_that_lists_something_else_the_row_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The whole lists were: of 20,000 divisions, that was a megabyte."""
    monkeypatch.setattr(paging, "LONGEST_LIST_BYTES", 200)
    with bank("sqlite:///:memory:") as told:
        pool = told.pool(terms=label("15"))
        told.agree(pool, {"a": "1"})
        for _ in range(9):
            told.earn(pool, 1_000, "2026-05")
        amend(told, pool, label("20"), "2026-04")
        told.tell("correct_pool", pool=pool, reason="20 % from April")
        facts = [(one.position, one.fact()) for one in told.journal.read()]
        further = [each for _, each in facts if isinstance(each, Entry.Continued) and each.anew]
        division, more = further[-1].anew[-1]
        further[-1].anew[-1][1] = "1"
        assert [one.what for one in Verifier().read(facts)] == [
            f"in its anew, a row is {[division, '1']}; recomputed, it is {[division, more]}"
        ]


def test_what_was_recouped_is_taken_along(database: str) -> None:
    """Of 300.00, 200.00 are recouped before the amendment and the rest after it."""
    with bank(database) as told:
        pool = told.pool(terms=advance(label("15")))
        told.agree(pool, {"a": "1"})
        told.earn(pool, 20_000, "2026-01")
        assert told.account() == {"label": 3_000, "bank": 17_000}
        amend(told, pool, advance(label("20")), "2026-02")
        told.earn(pool, 20_000, "2026-03")
        assert told.account() == {"label": 7_000, "bank": 30_000, "a": 3_000}
        with told.view() as view:
            statement = pools.statement(view, told.journal, pool, actor=OPERATOR)
        (line,) = statement["recouped"]
        assert (line["advance_minor"], line["remaining_minor"]) == (30_000, 0)


def test_what_was_earned_counts_toward_the_bands_of_new_terms(database: str) -> None:
    with bank(database) as told:
        pool = told.pool(terms=escalator("10/100", "15/100"))
        told.agree(pool, {"a": "1"})
        sold = told.earn(pool, 90_000, "2026-01")
        assert told.account() == {"author": 9_000, "house": 81_000}
        amend(told, pool, escalator("12/100", "20/100"), "2026-02")
        told.earn(pool, 30_000, "2026-03")
        assert told.account() == {"author": 14_200, "house": 105_800}  # 90.00·0.1+100·0.12+200·0.2
        told.earn(pool, 10_000, "2026-01")  # late: by the terms of January, in the upper band
        assert told.account() == {"author": 15_700, "house": 114_300}
        told.reverse(sold, 90_000)
        assert sum(told.account().values()) == 40_000


def test_terms_that_would_lose_what_was_summed_are_refused(database: str) -> None:
    with bank(database) as told:
        pool = told.pool(terms=escalator("10/100", "15/100"))
        told.agree(pool, {"a": "1"})
        amend(told, pool, escalator("11/100", "15/100"), "2026-02")  # nothing was summed yet
        told.earn(pool, 1_000, "2026-03")
        with pytest.raises(TermsLoseSums) as refused:
            amend(told, pool, label("15"), "2026-04")
        assert refused.value.details == {"places": ("policy.earned_minor",)}


def test_of_two_who_amend_the_same_terms_at_once_one_learns_that_theirs_replace_the_others(
    database: str,
) -> None:
    """Each had read the terms before, and changed a part of them: one change was lost unnoticed."""
    with bank(database) as told:
        pool = told.pool(terms=label("15"))
        said = {"pool": pool, "terms": label("20")}
        amended = (("label", "2026-04"), ("artists", "2026-04"), ("label", "2026-05"))
        receipts = at_once(
            *(
                partial(told.tell, "amend_pool", reason=reason, effective_at=since, **said)
                for reason, since in amended
            )
        )
        codes = [[one.code for one in receipt.warnings] for receipt in receipts]
        assert (sorted(codes[:2]), codes[2]) == ([[], ["amended_already"]], [])


def test_terms_and_agreement_change_for_the_same_money_in_one_correction(database: str) -> None:
    with bank(database) as told:
        pool = told.pool(terms=advance(label("15")))
        told.agree(pool, {"a": "1", "b": "1"})
        told.earn(pool, 50_000, "2026-01")
        told.earn(pool, 30_000, "2026-03")
        amend(told, pool, advance(label("20")), "2026-02")
        told.agree(pool, {"a": "3", "b": "1"}, "2026-02")
        told.tell("correct_pool", pool=pool, reason="both")
        right = told.pool("right", terms=advance(label("15")))
        told.agree(right, {"a": "1", "b": "1"})
        amend(told, right, advance(label("20")), "2026-02")
        told.agree(right, {"a": "3", "b": "1"}, "2026-02")
        told.earn(right, 50_000, "2026-01")
        told.earn(right, 30_000, "2026-03")
        assert told.account(pool=pool) == told.account(pool=right)


def test_a_correction_is_explained_by_the_terms_for_what_it_corrects(database: str) -> None:
    """… not by those in force on the day of the correction, which are for later revenue."""
    with bank(database) as told:
        pool = told.pool(terms=label("15"))
        told.agree(pool, {"a": "1"}, "2026-01")
        told.earn(pool, 1_000, "2026-01")
        amend(told, pool, label("20"), "2026-03")
        told.agree(pool, {"c": "1"}, "2026-03")
        told.earn(pool, 1_000, "2026-03")
        told.agree(pool, {"a": "1", "b": "1"}, "2026-01")
        correction = told.tell("correct_pool", pool=pool, reason="b was left out").id
        with told.view() as view:
            why = pools.why(view, told.journal, correction, "b", actor="operator")
        assert why["terms"] == label("15")
        assert (why["by_agreement"], why["due"]) == ("425", "425")
