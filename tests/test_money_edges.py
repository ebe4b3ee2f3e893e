"""Where a rule of money begins to hold: at its very bound, at nothing, at the first of two.

Each claim is one that a changed comparison, sign or “and” would break (see “Mutants”).
"""

from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from exact import answered, fixed, graph
from money import AGREED, HALF, asset, bank
from stories import carry_out
from test_policies import CASCADE

from domain.draft import Acknowledgement
from domain.moment import instant
from domain.money.apportionment import MAXIMUM_AMOUNT_DIGITS, MAXIMUM_SCALE_BITS
from domain.money.books import Books, fold_after
from domain.money.doubt import Doubt
from domain.money.due import due
from domain.money.entry import Line, must_add_up
from domain.money.held import InQuestion, PayeeClaim
from domain.money.paying import MOST_PARTS, _in_facts
from domain.money.policy.bounds import Bounds, bounded, must_be_writable
from domain.money.policy.cascade import limit_scale
from domain.money.policy.flow import Flow, Reversal
from domain.money.policy.reading import MAXIMUM_NAME_LENGTH, name_of, units_minor
from domain.money.pool import LEAST_REVIEW_HOURS, MOST_COMMENT_DAYS, MOST_REVIEW_HOURS
from domain.money.proposal import Proposal, depends_on
from domain.money.remitting import MOST_SENT, Arrangements, Quote, remitted
from domain.money.reserve import UNTIL_FREED, Reserve
from domain.money.shares import RELEASE, must_be_scope, waived_in
from domain.money.split import MAXIMUM_EDGES, limit_edges
from domain.money.through import joined
from domain.paging import LONGEST_LIST_BYTES, pages
from domain.permission import OPERATOR, QUOTAS
from domain.refusal import (
    BadAmount,
    BadPolicy,
    NoExchangeRate,
    NoShare,
    NothingToPay,
    QuotaExceeded,
    RatesOverWhole,
    ReversalTooLarge,
    SplitTooLarge,
    UnbalancedDivision,
    UnknownContributor,
    UnknownScope,
    WindowOpen,
    WindowTooShort,
    WrongState,
)
from scripts.bundle import FoundLine, import_lines

SQLITE = "sqlite:///:memory:"


def test_an_expense_of_which_nothing_is_left_is_not_reversed_again() -> None:
    with bank(SQLITE) as told:
        pool = told.pool()
        spent = told.spend(pool, 100)
        told.tell("reverse_expense", expense=spent, reason="typed twice")
        with pytest.raises(ReversalTooLarge):
            told.tell("reverse_expense", expense=spent, reason="and again")


def test_what_was_not_paid_back_of_an_expense_is_reversed_without_giving_anything_anew() -> None:
    with bank(SQLITE) as told:
        pool, a = told.pool(), told.person("a")
        told.agree(pool, {a: "1"})
        spent = told.spend(pool, 100)
        told.earn(pool, 60)
        told.tell("reverse_expense", expense=spent, amount_minor=40, reason="a credit note")
        assert told.since(0, "entry.redivided") == []
        assert [*told.account().values()] == [60]


def test_a_proposal_can_be_final_at_the_moment_when_its_window_closes() -> None:
    with bank(SQLITE) as told:
        pool, a = told.pool(), told.person("a")
        proposal = told.propose(pool, {a: "1"})
        closes = told.clock.now + timedelta(days=14)
        # A refusal may ask the clock twice.
        told.clock.now = closes - timedelta(seconds=3)
        with pytest.raises(WindowOpen):
            told.tell("finalise_proposal", proposal=proposal)
        assert told.clock.now < closes
        told.clock.now = closes - timedelta(seconds=1)
        told.tell("finalise_proposal", proposal=proposal)
        assert told.clock.now == closes


def test_of_a_work_without_a_share_nobody_answers() -> None:
    with bank(SQLITE) as told:
        pool, a, work = told.pool(), told.person("a"), told.piece("of nobody")
        proposal = told.agree(pool, {a: "1"})
        with pytest.raises(NoShare):
            told.tell("accept_share", proposal=proposal, work=work, actor=a)


def test_a_waiver_that_changes_nothing_corrects_nothing() -> None:
    with bank(SQLITE) as told:
        pool, (a, b) = told.pool(), told.people("a", "b")
        proposal = told.agree(pool, {a: "1", b: "1"})
        told.tell("waive_share", proposal=proposal, scope="release", actor=a)
        told.earn(pool, 100)
        told.tell("waive_share", proposal=proposal, scope="all of it", actor=a)
        assert told.since(0, "entry.corrected") == []
        assert told.account() == {b: 100}


def test_the_same_opening_again_is_recorded_with_a_warning_that_names_the_first() -> None:
    with bank(SQLITE) as told:
        pool, a = told.pool(), told.person("a")
        told.agree(pool, {a: "1"}, "2026-01")
        said = {
            "pool": pool,
            "lines": [{"payee": a, "amount_minor": 70}],
            "effective_at": "2026-02",
        }
        first = told.tell("record_opening", **said, document="closing statement")
        assert told.tell("record_opening", **said, document="another").warnings == ()
        (warned,) = told.tell("record_opening", **said, document="closing statement").warnings
        assert (warned.code, first.id in warned.detail) == ("document_repeated", True)


# -- terms ---------------------------------------------------------------------------------


def fees(*given: dict[str, Any]) -> dict[str, Any]:
    return {"type": "fees", "fees": [*given], "then": fixed([("a", "1")])}


def test_fees_may_take_everything_and_no_more() -> None:
    assert answered(fees({"payee": "b", "rate": "1/3"}, {"payee": "c", "rate": "2/3"}))
    with pytest.raises(RatesOverWhole):
        answered(fees({"payee": "b", "rate": "1/3"}, {"payee": "c", "rate": "3/4"}))


def test_a_fixed_amount_has_no_cap_besides() -> None:
    with pytest.raises(BadPolicy, match="or a fixed amount"):
        answered(fees({"payee": "b", "amount_minor": 5, "cap_minor": 5}))


def test_a_payee_has_one_line_on_each_account() -> None:
    line = {"account": "x", "payee": "a", "advance_minor": 5, "earned_minor": 0, "paid_minor": 0}
    advance = {"type": "advance", "account": "x", "to": "label", "then": fixed([("a", "1")])}
    with pytest.raises(BadPolicy, match="one line on each account"):
        answered({**advance, "accounts": [line, line]})
    assert answered({**advance, "accounts": [line, {**line, "account": "y"}]})


def test_names_and_amounts_are_as_long_as_stated() -> None:
    longest = "n" * MAXIMUM_NAME_LENGTH
    assert name_of(longest, "payee", BadPolicy) == longest
    with pytest.raises(BadPolicy):
        name_of(longest + "n", "payee", BadPolicy)
    most = 10**MAXIMUM_AMOUNT_DIGITS - 1
    assert units_minor(most, "cap_minor") == most
    with pytest.raises(BadAmount):
        units_minor(most + 1, "cap_minor")


def test_shares_and_lineages_are_as_long_together_as_stated() -> None:
    must_be_writable(3, 5, 15)
    with pytest.raises(SplitTooLarge):
        must_be_writable(4, 4, 15)
    limit_scale(1 << (MAXIMUM_SCALE_BITS - 1), 1)
    with pytest.raises(SplitTooLarge):
        limit_scale(1 << MAXIMUM_SCALE_BITS, 1)
    with bounded(Bounds(bits=5)):
        limit_scale(1 << 9, 2)
        with pytest.raises(SplitTooLarge):
            limit_scale(1 << 10, 2)
    limit_edges(MAXIMUM_EDGES)
    with pytest.raises(SplitTooLarge):
        limit_edges(MAXIMUM_EDGES + 1)


def test_the_parts_that_reversals_take_back_sum_to_the_whole() -> None:
    amount, steps = Fraction(10, 3), [Fraction(0), Fraction(1, 7), Fraction(2, 3), Fraction(1)]
    parts = [Reversal(Flow(), before, after).part(amount) for before, after in pairwise(steps)]
    assert sum(parts) == amount
    assert all(part > 0 for part in parts)


def test_shares_set_by_hand_may_be_the_whole() -> None:
    policy = {"type": "adjusted", "of": fixed([("a", "1/2"), ("b", "1/2")]), "set": [["a", "1"]]}
    assert answered(policy, 7)["lines"][0]["amount_minor"] == 7
    alone = {"type": "adjusted", "of": fixed([("a", "1")]), "set": [["a", "1"]]}
    assert [line["amount_minor"] for line in answered(alone, 7)["lines"]] == [7]


def test_shares_set_by_hand_cost_no_more_than_what_they_are_set_in_twice() -> None:
    adjusted = {"type": "adjusted", "of": CASCADE, "set": [["editor", "1/100"]]}
    policy = {"type": "fixed", "shares": [[name, "1/2", adjusted] for name in ("one", "other")]}
    given = {"graph": graph("a", {"a>b": "1/2", "b>c": "1/2"})}
    with bounded(Bounds(steps=20)):
        answered(policy, **given)
    with bounded(Bounds(steps=19)), pytest.raises(SplitTooLarge):
        answered(policy, **given)


def test_money_recorded_in_one_moment_by_two_stands_where_each_was_recorded() -> None:
    """The books say at which fact each revenue came in, whenever it was decided."""
    with bank(SQLITE) as told:
        one, other = told.pool("one"), told.pool("other")
        draft = told.journal.draft()
        earned = {"amount_minor": 100, "effective_at": "2026-05", "source": "shop"}
        carry_out(draft, "record_revenue", pool=one, **earned)
        told.clock.now -= timedelta(seconds=1)
        told.earn(other, 100)
        told.journal.commit(draft)
        stamps = {each.timestamp for each in told.since(0, "revenue.recorded")}
        assert len(stamps) == 1


def test_books_up_to_a_fact_know_it_and_nothing_after_it() -> None:
    with bank(SQLITE) as told:
        pool = told.pool()
        told.earn(pool, 100)
        upto, rows = told.head(), told.books().rows()
        told.earn(pool, 50)
        books = Books()
        fold_after(books, told.journal.facts, upto)
        assert books.rows() == rows


def test_lines_add_up_in_what_is_given_and_in_what_is_due() -> None:
    must_add_up(100, [Line("a", 100, Fraction(100), Fraction())])
    for given, is_due in ((100, 99), (99, 100), (99, 99)):
        with pytest.raises(UnbalancedDivision):
            must_add_up(100, [Line("a", given, Fraction(is_due), Fraction(given - is_due))])


def owed(told: Any) -> dict[str, tuple[int, int, list[str]]]:
    """By person: what can be paid of USD, what is held, and why."""
    draft = told.journal.draft()
    found = due(draft, draft.books().accounts_due("USD"))
    return {
        person: (one.payable_minor, one.held_minor, [*one.because]) for person, one in found.items()
    }


def test_a_dispute_about_a_piece_whose_share_was_waived_holds_nothing_and_is_no_reason() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        waived, kept = told.piece("waived", by=[b]), told.piece("kept", by=[b])
        credit = told.credit(waived, a)
        pool = told.pool(release=told.release("album", waived, kept))
        deal = told.agree(pool, [asset(waived, {a: "1", b: "1"}), asset(kept, {a: "1", b: "1"})])
        told.tell("waive_share", proposal=deal, scope=waived, actor=a)
        told.accept(deal, a, b)
        told.earn(pool, 400)
        told.tell("hold_credit", id=credit, reason="is it hers?")
        assert owed(told) == {a: (100, 0, []), b: (300, 0, [])}
        assert told.held(a, deal) == ("disputed",)


def test_what_was_paid_or_assigned_away_stays_counted_for_what_a_dispute_holds() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        asked, free = told.piece("asked", by=[b]), told.piece("free", by=[b])
        credit = told.credit(asked, a)
        pool = told.pool(release=told.release("album", asked, free))
        deal = told.agree(pool, [asset(asked, {a: "1"}), asset(free, {a: "1"})])
        told.accept(deal, a)
        told.earn(pool, 400)
        told.tell("hold_credit", id=credit, reason="is it hers?")
        gone = {"payee": a, "to": b, "reason": "a loan", "evidence": "letter"}
        told.tell("record_assignment", currency="USD", amount_minor=50, **gone)
        assert told.pay() == {a: 150, b: 50}
        assert owed(told) == {a: (0, 200, ["disputed"])}
        payout = told.payouts()[b]
        told.tell("settle_payout", id=payout)
        assert [*owed(told)] == [a], "b is owed nothing"


def test_what_is_in_dispute_and_what_was_found_false_hold_their_pieces_and_no_more() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        pieces = [told.piece(name, by=[b]) for name in ("asked", "false", "free")]
        asked, false, _ = (told.credit(piece, a) for piece in pieces)
        pool = told.pool(release=told.release("album", *pieces))
        deal = told.agree(pool, [asset(piece, {a: "1"}) for piece in pieces])
        told.accept(deal, a)
        told.earn(pool, 300)
        told.tell("revoke_credit", id=false, reason="it was b")
        told.tell("hold_credit", id=asked, reason="is it hers?")
        assert told.held(a, deal) == ("disputed", "to_be_corrected")
        assert told.pay() == {a: 100}


def test_only_who_is_outside_has_a_name_in_a_pool_and_has_it_once() -> None:
    with bank(SQLITE) as told:
        pool, a = told.pool(), told.person("a")
        told.spend(pool, 100, a)
        assert told.books().pools[pool].names == {}
        for _ in range(3):
            told.earn(pool, 100, source="Jo's shop")
        assert len(told.books().pools[pool].names) == 1


def test_a_piece_in_dispute_holds_everything_beside_a_reason_that_is_about_all() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        asked, free = told.piece("asked", by=[b]), told.piece("free", by=[b])
        album, other = told.release("album", asked, free), told.release("other", free)
        on_piece, on_album = told.credit(asked, a), told.credit(album, a)
        pool, elsewhere = told.pool("one", release=album), told.pool("two", release=other)
        deal = told.agree(pool, [asset(asked, {a: "1"}), asset(free, {a: "1"})])
        told.accept(told.agree(elsewhere, {a: "1"}), a)
        told.earn(pool, 400)
        told.earn(elsewhere, 10)
        told.tell("hold_credit", id=on_piece, reason="is it hers?")
        assert told.pay() == {a: 10}, "neither accepted, nor all in dispute"
        told.accept(deal, a)
        told.tell("hold_credit", id=on_album, reason="is she on it?")
        with pytest.raises(NothingToPay):
            told.pay()
        told.tell("lift_hold", id=on_album, reason="she is")
        assert told.pay() == {a: 200}


def test_a_credit_to_somebody_who_waived_everything_waits_with_their_piece() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        piece = told.piece("piece", by=[b])
        credit = told.credit(piece, a)
        pool = told.pool(release=told.release("album", piece))
        deal = told.agree(pool, [asset(piece, {a: "1", b: "1"})])
        told.tell("waive_share", proposal=deal, scope="release", actor=a)
        told.accept(deal, a, b)
        told.earn(pool, 100)
        lines = [{"payee": a, "amount_minor": 30}, {"payee": b, "amount_minor": -30}]
        told.tell("record_adjustment", pool=pool, lines=lines, reason="goodwill")
        told.tell("hold_credit", id=credit, reason="is it hers?")
        assert owed(told) == {a: (0, 30, ["disputed"]), b: (70, 0, [])}


def test_a_list_is_split_where_the_next_item_would_be_too_much_for_a_fact() -> None:
    items = ["x" * (LONGEST_LIST_BYTES // 4 - 2)] * 4  # with quotes exactly as much as fits
    assert [len(page) for page in pages(items)] == [4]
    assert [len(page) for page in pages([*items, *items, 1])] == [4, 4, 1]


def test_of_two_with_one_document_it_is_the_one_of_the_pool_of_which_is_warned() -> None:
    with bank(SQLITE) as told:
        one, other = told.pool("one"), told.pool("other")
        said = {"source": "shop", "document": "invoice 7"}
        first = {pool: told.earn(pool, 100, **said) for pool in (other, one)}
        for pool in (one, other):
            again = {"pool": pool, "amount_minor": 100, "effective_at": "2026-05", **said}
            (warned,) = told.tell("record_revenue", **again).warnings
            assert (warned.code, first[pool] in warned.detail) == ("document_repeated", True)


@pytest.mark.parametrize("seconds, waits_hours", [(0, 48), (1, 0)])
def test_a_comment_of_the_last_day_leaves_time_for_an_answer(
    seconds: int, waits_hours: int
) -> None:
    with bank(SQLITE) as told:
        pool, a = told.pool(), told.person("a")
        proposal = told.propose(pool, {a: "1"})
        closes = datetime.fromisoformat(told.since(0, "proposal.posted")[-1].closes_at)
        told.clock.now = closes - timedelta(days=1, seconds=1 + seconds)
        said = {"kind": "other", "text": "why?"}
        told.tell("comment_on_proposal", proposal=proposal, actor=a, **said)
        final_from = told.journal.draft().get(Proposal, proposal).final_from()
        assert datetime.fromisoformat(final_from) == closes + timedelta(hours=waits_hours)


@pytest.mark.parametrize("days, is_paid", [(0, True), (1, False)])
def test_a_rate_is_used_until_it_is_as_old_as_the_setting_says(days: int, is_paid: bool) -> None:
    with bank(SQLITE) as told:
        pool, a = told.pool(), told.person("a")
        told.accept(told.agree(pool, {a: "1"}), a)
        told.earn(pool, 100)
        told.tell("choose_payment_currency", payee=a, currency="EUR")
        since = told.clock.now
        said = {"currency": "USD", "into_currency": "EUR", "source_name": "ECB", "rate": "0.9"}
        told.tell("state_exchange_rate", effective_at=instant(since), **said)
        told.journal.rules.rate_days = 7
        told.clock.now = since + timedelta(days=7, seconds=days - 1)
        if is_paid:
            assert told.pay() == {a: 100}
        else:
            with pytest.raises(NoExchangeRate):
                told.pay()


def test_parts_in_several_payouts_wait_if_one_of_them_came_to_nothing() -> None:
    half = MOST_PARTS // 2 + MOST_PARTS // 2 % 2 + 2
    parts = [["a", "deal", "pool", units] for units in [5, *[1] * (half - 1), *[-1] * half]]
    one, other = _in_facts([[*part[:3], abs(int(part[3]))] for part in parts])
    assert len(one) == len(other) == half
    assert _in_facts(parts) == []


def test_comments_and_answers_stand_at_the_facts_that_said_them() -> None:
    with bank(SQLITE) as told:
        pool, a = told.pool(), told.person("a")
        proposal = told.propose(pool, {a: "1"})
        said = {"proposal": proposal, "kind": "other", "text": "why?", "actor": a}
        one, two = (told.tell("comment_on_proposal", **said).id for _ in range(2))
        told.tell("answer_comment", proposal=proposal, comment=two, text="so")
        assets = [asset("all of it", {a: "2"})]
        told.tell("revise_proposal", proposal=proposal, comments=[one], assets=assets, note="n")
        noun = told.journal.draft().get(Proposal, proposal)
        facts = {each.topic: each.position for each in told.facts() if "proposal" in each.topic}
        first, second = noun.comments.values()
        assert (first.position, second.position) == (
            facts["proposal.commented"] - 1,
            facts["proposal.commented"],
        )
        assert first.answers[0].position == facts["proposal.revised"]
        assert second.answers[0].position == facts["proposal.answered"]
        with pytest.raises(WindowTooShort):
            told.tell("extend_proposal", proposal=proposal, closes_at=noun.closes_at)


def test_hours_of_review_are_stated_only_where_they_are_more_than_the_least() -> None:
    with bank(SQLITE) as told:
        told.pool("least")
        for hours in (LEAST_REVIEW_HOURS + 1, MOST_REVIEW_HOURS):
            told.pool(f"{hours} hours", review_hours=hours)
        opened = [each.review_hours for each in told.since(0, "pool.opened")]
        assert opened == [None, LEAST_REVIEW_HOURS + 1, MOST_REVIEW_HOURS]
        for hours in (LEAST_REVIEW_HOURS - 1, MOST_REVIEW_HOURS + 1):
            with pytest.raises(WindowTooShort):
                told.pool(f"{hours} hours", review_hours=hours)


def test_comments_are_taken_until_the_moment_when_the_window_closes() -> None:
    with bank(SQLITE) as told:
        pool, a = told.pool(comment_days=MOST_COMMENT_DAYS), told.person("a")
        with pytest.raises(WindowTooShort):
            told.pool("too long", comment_days=MOST_COMMENT_DAYS + 1)
        proposal = told.propose(pool, {a: "1"})
        closes = datetime.fromisoformat(told.since(0, "proposal.posted")[-1].closes_at)
        told.clock.now = closes - timedelta(seconds=1)
        said = {"proposal": proposal, "kind": "other", "text": "why?", "actor": a}
        with pytest.raises(WrongState):
            told.tell("comment_on_proposal", **said)
        told.clock.now = closes - timedelta(seconds=3)
        with pytest.raises(UnknownContributor):
            told.tell("comment_on_proposal", about="nobody we know", **said)
        told.clock.now = closes - timedelta(seconds=2)
        assert told.tell("comment_on_proposal", **said)


def test_a_rule_and_a_rate_hold_from_their_moment_and_the_last_recorded_of_two() -> None:
    with bank(SQLITE) as told:
        a = told.person("a")
        for rate in ("0.8", "0.9"):
            pair = {"currency": "USD", "into_currency": "EUR", "source_name": "ECB"}
            told.tell("state_exchange_rate", rate=rate, effective_at="2026-02", **pair)
        for rate in ("0.1", "0.2"):
            form = {"document": "W-8BEN", "country": "US", "until": "2026-03"}
            told.tell("state_withholding", payee=a, rate=rate, effective_at="2026-02", **form)
        known = Arrangements()
        for one in told.facts():
            known.fold(one.fact())
        (stated, _) = told.since(0, "withholding.stated")
        since, until = stated.effective_at, stated.until
        found = [known.rule([a], "US", at) for at in ("2026-01-31T23", since, "2026-02-28", until)]
        assert [each and each.rate for each in found] == [None, "0.2", "0.2", None]
        quotes = [known.quote("USD", "EUR", at) for at in ("2026-01-31T23", since)]
        assert [each and each.rate for each in quotes] == [None, "0.9"]
        known.currencies[a] = (1, "EUR")
        known.rates["USD/EUR"] = [Quote(since, 1, "rate", "1")]
        assert remitted(known, [a], "USD", [[a, "", "", MOST_SENT - 1]], until, []).can_be_sent
        with pytest.raises(BadAmount, match="too large"):
            remitted(known, [a], "USD", [[a, "", "", MOST_SENT]], until, [])
        known.currencies[a] = (2, "USD")
        assert remitted(known, [a], "USD", [[a, "", "", 1]], until, []).into is None


def test_of_a_reserve_what_has_no_date_is_freed_last() -> None:
    reserve = Reserve(lots={UNTIL_FREED: 5, "2026-03": 3, "2026-02": 2})
    freed = [(row.until, row.units) for row in reserve.given("a", 6)]
    assert freed == [("2026-02", -2), ("2026-03", -3), (UNTIL_FREED, -1)]
    assert [row.units for row in reserve.given("a", 9, "2026-02")] == [-2]


def test_what_was_reversed_before_and_after_a_correction_is_no_part_of_it() -> None:
    with bank(SQLITE) as told:
        pool, a, b = told.pool(), *told.people("a", "b")
        told.accept(told.agree(pool, {a: "1"}, "2025"), a)
        revenue = told.earn(pool, 100)
        told.reverse(revenue, 40)
        told.accept(told.agree(pool, {a: "1/2", b: "1/2"}, "2025"), a, b)
        told.tell("correct_pool", pool=pool, reason="b was left out")
        assert told.account() == {a: 30, b: 30}
        for left in (20, 10):
            told.reverse(revenue, 20)
            assert told.account() == {a: left, b: left}


def test_what_amended_terms_gave_to_the_agreed_is_divided_anew_with_them() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        pool = told.pool(terms=HALF)
        told.accept(told.agree(pool, {a: "1"}, "2025"), a)
        told.earn(pool, 100)
        said = {"document": "amendment", "effective_at": "2025", "reason": "no house any more"}
        told.tell("amend_pool", pool=pool, terms=AGREED, **said)
        told.tell("correct_pool", pool=pool, reason="amended")
        assert told.account() == {a: 100}
        told.accept(told.agree(pool, {a: "1/2", b: "1/2"}, "2025"), a, b)
        told.tell("correct_pool", pool=pool, reason="b was left out")
        assert told.account() == {a: 50, b: 50}


def test_two_shops_of_other_names_are_two_sources_and_each_waits_until_it_is_worth_it() -> None:
    with bank(SQLITE) as told:
        pool, a = told.pool(deferral_minor=500), told.person("a")
        told.agree(pool, {a: "1"})
        for name in ("Jo's shop", "Al's shop"):
            told.earn(pool, 300, source=name)
        assert told.account() == {}
        told.earn(pool, 200, source="Al's shop")
        assert told.account() == {a: 500}


def test_only_where_they_have_a_share_somebody_can_waive_it() -> None:
    assets = [asset("x", {"a": "1"}), asset("y", {"b": "1"})]
    assert waived_in(assets, "a", RELEASE) == {("a", "x"): RELEASE}
    with pytest.raises(UnknownScope) as refused:
        must_be_scope(assets, "a", "y")
    assert refused.value.details["scopes"] == ("x", RELEASE)


def test_a_refund_is_taken_of_what_each_got_of_the_revenue_while_no_band_moves() -> None:
    """… and not of whom rounding had favoured over all."""
    bands = {"type": "escalator", "earned_minor": 0, "bands": [["1000", AGREED], [None, AGREED]]}
    for terms in (bands, AGREED):
        with bank(SQLITE) as told:
            people = sorted(told.people("a", "b", "c"))
            pool = told.pool(terms=terms)
            told.agree(pool, dict.fromkeys(people, "1/3"))
            first = told.earn(pool, 1)
            revenue = told.earn(pool, 100)
            got = told.account()
            own = {payee: units - (payee == people[0]) for payee, units in got.items()}
            assert sorted(own.values()) == [33, 33, 34]
            for _ in range(2):
                told.reverse(revenue, 1, reason=f"{told.head()}")
                most = max(own, key=lambda payee: (own[payee], -people.index(payee)))
                own[most] -= 1
                assert told.account() == {p: own[p] + (p == people[0]) for p in people}
            told.reverse(first)
            assert told.account() == own


def test_a_refund_that_took_a_unit_of_somebody_else_is_followed_by_the_rest() -> None:
    """Whom rounding had favoured gives the unit back with the first, and gets it with the rest."""
    bands = {"type": "escalator", "earned_minor": 0, "bands": [["1000", AGREED], [None, AGREED]]}
    with bank(SQLITE) as told:
        pool = told.pool(terms=bands)
        told.agree(pool, {"a": "3/5", "b": "2/5"}, "2026-02")
        told.agree(pool, dict.fromkeys("cde", "1/3"), "2026-03")
        told.earn(pool, 1, "2026-02")
        told.spend(pool, 5, "payer")
        (payer,) = (one.payer for one in told.since(0, "expense.recorded"))
        revenue = told.earn(pool, 8, "2026-03")
        assert told.account() == {"a": 1, payer: 5, "c": 1, "d": 1, "e": 1}
        told.reverse(revenue, 2)
        assert told.account() == {payer: 4, "c": 1, "d": 1, "e": 1}
        told.reverse(revenue)
        assert told.account() == {"a": 1}


def test_what_goes_on_in_a_further_fact_continues_the_last_asset_and_leaves_the_others() -> None:
    x, y, z, w = (asset(name, {name: "1"}) for name in "xyzw")
    more = {**z, "shares": [["q", "1"]]}
    assert joined([x, y, z], [more, w]) == [x, y, {**z, "shares": [["z", "1"], ["q", "1"]]}, w]


def test_a_share_depends_on_the_groups_through_which_it_is_had_and_on_no_others() -> None:
    through = [{"group": "band", "shares": [["a", "1/2"]]}]
    song = {**asset("song", {"a": "1", "b": "1"}, within=["act"]), "through": through}
    assert depends_on(song, "a") == ("song", "act", "band")
    assert depends_on(song, "b") == ("song", "act")


def test_so_many_comments_are_taken_on_one_version_and_as_many_on_the_next() -> None:
    with bank(SQLITE) as told:
        pool, a = told.pool(), told.person("a")
        proposal = told.propose(pool, {a: "1"})

        def comment(number: int) -> str:
            said = {"kind": "other", "text": f"why {number}?", "actor": a}
            id = told.tell("comment_on_proposal", proposal=proposal, **said).id
            told.tell("answer_comment", proposal=proposal, comment=id, text=f"so {number}")
            return id

        most = QUOTAS["comments"].a_round
        assert most is not None
        ids = [comment(number) for number in range(most)]
        with pytest.raises(QuotaExceeded, match="on one version"):
            comment(most)
        assets = [asset("all of it", {a: "2"})]
        said = {"comments": ids[:1], "assets": assets, "note": "n"}
        told.tell("revise_proposal", proposal=proposal, **said)
        assert comment(most)


def test_while_it_is_reviewed_only_who_has_a_share_and_the_operator_comment() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        pool = told.pool(release=told.release("record", told.piece("song", by=[b])))
        proposal = told.propose(pool, {a: "1"})
        closes = datetime.fromisoformat(told.since(0, "proposal.posted")[-1].closes_at)
        said = {"proposal": proposal, "kind": "other"}
        told.clock.now = closes - timedelta(hours=1)
        told.tell("comment_on_proposal", **said, text="why?", actor=a)
        told.clock.now = closes + timedelta(hours=1)
        for who in (a, OPERATOR):
            assert told.tell("comment_on_proposal", **said, text=f"{who}?", actor=who)
        with pytest.raises(WrongState):
            told.tell("comment_on_proposal", **said, text="me too", actor=b)


def test_what_is_held_back_for_returns_came_from_its_country_as_what_is_paid_did() -> None:
    with bank(SQLITE) as told:
        pool, a = told.pool(), told.person("a")
        told.accept(told.agree(pool, {a: "1"}, "2026"), a)
        told.tell("locate_pool", pool=pool, country="JP", located_by="territory")
        told.tell("state_reserve", pool=pool, rate="1/5", months=None, effective_at="2026")
        rule = {"payee": a, "country": "US", "rate": "0.1", "document": "W-8"}
        told.tell("state_withholding", effective_at="2026", **rule)
        sold = [{"amount": "30.00", "territory": "US"}, {"amount": "20.00"}]
        said = {"pool": pool, "source": "shop", "effective_at": "2026-05", "sold": sold}
        told.tell("record_revenue", **said)
        told.pay()
        (payout,) = told.since(0, "payout.issued")
        kept = {country: (of, units) for country, _, _, of, units in payout.withheld}
        assert kept["US"] == (2_400, 240)  # three fifths of 40.00


def test_an_older_dispute_does_not_hold_what_terms_give_by_name() -> None:
    named = PayeeClaim("work/w", "p", None, release="r", named=("w",))
    unnamed = named._replace(named=())
    older = Doubt("w", "p", None, by_name=False, by_piece=False, by_origin=False)
    for doubt in (older, older._replace(by_name=True)):
        credit = InQuestion(frozenset({"w"}), "p", None, doubt)
        assert credit.touches(named) == doubt.by_name
        assert not credit.touches(unnamed)
    edge = InQuestion(frozenset({"w"}), None, "r", older._replace(by_name=True))
    shared = unnamed._replace(works=("r",))
    assert edge.touches(shared._replace(named=("r", "w")))
    assert not edge.touches(shared)
    assert not edge._replace(doubt=older).touches(shared._replace(named=("r", "w")))


@pytest.mark.parametrize("name", ["\u3164", "\u115f\u1160", "\u2800", "\u0301\u0302"])
def test_nobody_is_paid_under_a_name_that_can_not_be_seen(name: str) -> None:
    bands = {"type": "escalator", "earned_minor": 0, "bands": [["100", "label"], [None, name]]}
    with bank(SQLITE) as told:
        pool, ana = told.pool(), told.person("ana")
        refused: list[tuple[str, dict[str, Any]]] = [
            ("amend_pool", {"terms": bands, "effective_at": "2026-03", "reason": "So agreed."}),
            ("post_proposal", {"assets": [asset("a", {ana: "1/2", name: "1/2"})]}),
            ("post_proposal", {"assets": [asset(name, {ana: "1"})]}),
        ]
        for command, said in refused:
            with pytest.raises(BadPolicy, match="a name has no visible characters"):
                told.tell(command, pool=pool, **said)


def test_a_name_that_is_nearly_another_is_warned_of(database: str) -> None:
    """Each is paid on its own, so two spellings of one name are two payees."""

    def alike(receipt: Acknowledgement) -> list[str]:
        assert {one.code for one in receipt.warnings} <= {"payee_alike"}
        return [one.detail.partition(" only")[0] for one in receipt.warnings]

    def terms(*names: str) -> dict[str, Any]:
        shares = [*([name, "1/4"] for name in names), ["artists", "1/2", {"type": "agreed"}]]
        return {"type": "fixed", "shares": shares}

    with bank(database) as told:
        ana = told.person("ana")
        pool = told.pool(terms=terms("Label", "Café"))
        amend = partial(told.tell, "amend_pool", pool=pool, reason="So agreed.")
        amended = amend(terms=terms("label", "Cafe\u0301"), effective_at="2026-03")
        assert alike(amended) == [
            "“label” differs from “Label”",
            "“Cafe\u0301” differs from “Café”",
        ]
        assert alike(amend(terms=terms("Label", "label"), effective_at="2026-04")) == []
        propose = partial(told.tell, "post_proposal", pool=pool)
        assert alike(propose(assets=[asset("a", {ana: "1", "LABEL": "1"})])) == [
            "“LABEL” differs from “Label”"
        ]
        assert alike(propose(assets=[asset("a", {ana: "1", "Label": "1", "Ana": "1"})])) == []
        said = {"name": "other", "kind": "song", "currency": "USD"}
        release = told.release("another", told.piece("another piece"))
        opened = told.tell("open_pool", release=release, terms=terms("Bär", "bar"), **said)
        assert alike(opened) == ["“bar” differs from “Bär”"], "within one command, too"
        line = {"type": "pool", "release": release, "terms": terms("Bär", "bar"), **said}
        for is_vouched_for in (True, False):
            found = FoundLine("line 1", line | {"id": str(is_vouched_for)})
            report = import_lines(told.journal, [found], is_vouched_for=is_vouched_for)
            assert bool(report.warned) == (not is_vouched_for), "nothing of what is taken over"
