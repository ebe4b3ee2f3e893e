"""What answers about money say of a small history: each field has its value, and to whom.

Each claim is one that a changed comparison, sign or “and” would break (see “Mutants”).
"""

from csv import DictReader
from fractions import Fraction
from io import StringIO
from typing import Any

import pytest
from money import AGREED, HALF, Bank, asset, bank, verify
from rich.console import Console

from domain.identity import part_id
from domain.money.pool import LEAST_REVIEW_HOURS
from domain.permission import OPERATOR
from domain.refusal import NotPermitted
from projections.money import pools, statements
from projections.money.pools.beancount import beancount
from projections.money.pools.reasons import why
from projections.money.readers import Reader
from projections.money.remittances import withholdings
from projections.money.statement_files import as_csv
from projections.money.statement_pdf import _shown
from projections.question import Asking
from projections.registry import QUESTIONS
from projections.wording import held_because
from scripts.accounts import why as on_terminal

SQLITE = "sqlite:///:memory:"
TENTHS = (("1/10", "9/10"), ("1/5", "4/5"))


def movements(told: Bank, person: str) -> list[Any]:
    with told.view() as view:
        (shown,) = statements.statement(view, told.journal, person)["statements"]
    return shown["movements"]


def test_money_of_a_credit_on_hold_is_not_said_to_be_disputed() -> None:
    with bank(SQLITE) as told:
        a = told.person("a")
        piece = told.piece("piece", by=[a])
        pool = told.pool(release=told.release("album", piece))
        told.accept(told.agree(pool, [asset(piece, {a: "1"})]), a)
        told.earn(pool, 100)
        told.tell("hold_credit", id=part_id(piece, "author", 0), reason="is it hers?")
        with told.view() as view:
            (shown,) = statements.statement(view, told.journal, a)["statements"]
        (held,) = shown["held"]
        said = "something it depends on is disputed or on hold (“piece”)"
        assert held_because(held) == said


def test_a_payout_names_its_pool_unless_it_is_of_several() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        one, two = told.pool("one"), told.pool("two")
        told.accept(told.agree(one, {a: "1/2", b: "1/2"}), a, b)
        told.tell("merge_contributor", id=b, into=a)
        told.earn(one, 100)
        told.pay()
        told.accept(told.agree(two, {a: "1"}), a)
        told.earn(one, 100)
        told.earn(two, 100)
        told.pay()
        paid = [each for each in movements(told, a) if each["kind"] == "payout"]
        assert [len(each["parts"]) for each in paid] == [2, 3]
        assert [each["pool"] and each["pool"]["id"] for each in paid] == [one, None]
        with told.view() as view:
            table = [*DictReader(as_csv(statements.statement(view, told.journal, a)).splitlines())]
    rows = [(row["kind"], row["release"], row["pool"]) for row in table]
    earned, of_one = ("division", "one's release", "one"), ("payout", "one's release", "one")
    assert rows[:3] == [earned, earned, of_one]
    assert rows[-1] == ("payout", "", "")


def test_a_pool_says_what_came_in_and_how_long_it_is_reviewed_to_those_who_may_know() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        record = told.release("record", told.piece("song", by=[b]))
        pool = told.pool(release=record)
        told.pool("careful", release=record, review_hours=LEAST_REVIEW_HOURS + 1)
        told.accept(told.agree(pool, {a: "1"}), a)
        told.earn(pool, 900)
        with told.view() as view:
            both = pools.pools(view, told.journal, record, actor=OPERATOR).items
            assert [each["received_minor"] for each in both] == [900, 0]
            asked = [pools.pool(view, told.journal, each["id"], actor=OPERATOR) for each in both]
            hours = [each["review_hours"] for each in asked]
            assert hours == [LEAST_REVIEW_HOURS, LEAST_REVIEW_HOURS + 1]
            (own, _) = pools.pools(view, told.journal, record, actor=b).items
            assert own["received_minor"] is None, "who made a piece may know of the pool"
            accounts = {
                who: pools.pool(view, told.journal, pool, actor=who)["accounts"]
                for who in (OPERATOR, a, b)
            }
            assert accounts[OPERATOR] == accounts[a] != accounts[b] is None
            with pytest.raises(NotPermitted):
                pools.pool(view, told.journal, pool, actor=told.person("c"))


def test_what_was_joined_is_one_piece_in_answers_as_in_the_books() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        song, again = told.piece("song", by=[a]), told.piece("song again", by=[a])
        pool = told.pool(release=told.release("record", again), terms=AGREED)
        proposal = told.agree(pool, [asset(again, {a: "1"}), asset("poster", {b: "1"})])
        told.accept(proposal, a, b)
        told.earn(pool, 100)
        told.tell("join_works", work=again, into=song, reason="the same")
        said = {"grounds": "other", "reason": "r", "evidence": "e"}
        credit = next(one.originator_id for one in told.since(0, "credit.granted"))
        told.tell("dispute_credit", id=credit, **said)
        assert told.held(a, proposal) == ("disputed",)
        verify(told)


def test_an_edge_in_question_is_that_of_the_piece_its_child_was_joined_into() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        song = told.piece("song", by=[a])
        cover, again = told.piece("cover", song, by=[b]), told.piece("cover again", by=[b])
        edge = told.since(0, "remix.declared")[-1].originator_id
        told.tell("join_works", work=cover, into=again, reason="the same")
        pool = told.pool(release=told.release("record", again))
        proposal = told.agree(pool, [asset(song, {a: "1"}), asset(again, {b: "1"})])
        told.accept(proposal, a, b)
        told.earn(pool, 100)
        told.tell("dispute_remix", id=edge, grounds="other", reason="r")
        assert told.held(a, proposal) == ("disputed",)
        verify(told)


def test_a_pool_says_what_waits_by_the_names_of_its_sources_and_for_what() -> None:
    with bank(SQLITE) as told:
        pool = told.pool(deferral_minor=100)
        told.earn(pool, 99, source="The Skerry Festival")
        told.earn(pool, 100, source="streaming")
        with told.view() as view:
            waiting = pools.statement(view, told.journal, pool, actor=OPERATOR)["waiting"]
    found = [(each["source"], each["waiting_minor"], each["because"]) for each in waiting]
    assert sorted(found) == [
        ("The Skerry Festival", 99, "deferred"),
        ("streaming", 100, "no_agreement"),
    ]


def test_who_gave_everything_back_or_more_has_earned_nothing_of_a_pool() -> None:
    with bank(SQLITE) as told:
        a, b, c = told.people("a", "b", "c")
        pool = told.pool()
        told.accept(told.agree(pool, {a: "1"}, "2026"), a)
        told.earn(pool, 70)
        lines = [(a, -70), (b, 80), (c, -10)]
        said = [{"payee": payee, "amount_minor": units} for payee, units in lines]
        told.tell("record_adjustment", pool=pool, lines=said, reason="b did all of it")
        with told.view() as view:
            assert pools.earned(view, pool) == {b: 80}


def test_the_changes_of_shares_are_those_of_revisions_and_waivers_each_with_its_cause() -> None:
    with bank(SQLITE) as told:
        a, b, c = told.people("a", "b", "c")
        pool = told.pool()
        x, y = asset("x", {a: "1", b: "1"}), asset("y", {c: "1"})
        proposal = told.propose(pool, [x, y])
        said = {"kind": "other", "proposal": proposal}
        about = {
            piece: told.tell("comment_on_proposal", about=piece, text=piece, actor=c, **said).id
            for piece in ("x", "y")
        }
        first = told.tell("comment_on_proposal", text="too much", actor=a, **said).id
        less = [asset("x", {a: "1", b: "2"}), y]
        told.tell("revise_proposal", proposal=proposal, comments=[first], assets=less, note="n")
        revised = [asset("x", {a: "3", b: "1"}, "3"), y]
        more = {"comments": [*about.values()], "assets": revised, "note": "more for x"}
        told.tell("revise_proposal", proposal=proposal, **more)
        told.clock.wait(days=15)
        told.tell("finalise_proposal", proposal=proposal)
        told.tell("waive_share", proposal=proposal, scope="x", contributor=b)
        with told.view() as view:
            lines = pools.diff(view, told.journal, proposal, actor=OPERATOR)["lines"]
    found = {each["payee"]["name"]: each for each in lines}
    names = ("first", "current", "change", "waived", "by_waivers")
    assert {who: tuple(each[name] for name in names) for who, each in found.items()} == {
        "a": ("1/4", "3/4", "1/2", "0", "3/16"),
        "b": ("1/4", "0", "-1/4", "3/16", "-3/16"),
        "c": ("1/2", "1/4", "-1/4", "0", "0"),
    }
    assert [bool(found[who]["waivers"]) for who in "abc"] == [True, True, False]
    first, cause = found["a"]["causes"]
    assert [first[name] for name in ("before", "after")] == ["1/4", "1/6"]
    assert [cause[name] for name in ("before", "after")] == ["1/6", "9/16"]
    assert [each["concerns"] for each in first["comments"]] == [True]
    assert [each["concerns"] for each in cause["comments"]] == [True, False]
    assert [each["concerns"] for each in found["c"]["causes"][0]["comments"]] == [False, True]


def test_a_payout_of_several_pools_has_its_parts_on_paper_and_no_pool_in_the_ledger() -> None:
    with bank(SQLITE) as told:
        a = told.person("a")
        one, two = told.pool("one"), told.pool("two")
        for pool in (one, two):
            told.accept(told.agree(pool, {a: "1"}), a)
        told.earn(one, 100)
        told.pay()
        for pool in (one, two):
            told.earn(pool, 100)
        told.pay()
        with told.view() as view:
            entries = beancount(view, told.journal).split("\n\n")
            said = statements.statement(view, told.journal, a)
            (one_currency,) = _shown(view, said, "2026-05-01T12:00:00Z", {}, "")["currencies"]
    paid = [each for each in entries if '"payout.issued"' in each]
    assert [f'pool: "{one}"' in each for each in paid] == [True, False]
    assert not any(f'pool: "{two}"' in each for each in paid)
    on_paper = [line["about"] for line in one_currency["lines"] if line["amount"].startswith("−")]
    assert on_paper == ["", ": one −1.00 USD; two −1.00 USD"]


@pytest.mark.parametrize("months, until", [(None, None), (1, "2026-07-01T00:00:00.000000Z")])
def test_an_entry_says_until_when_something_is_held_back(
    months: int | None, until: str | None
) -> None:
    with bank(SQLITE) as told:
        a, pool = told.person("a"), told.pool()
        told.agree(pool, {a: "1"}, "2026")
        told.tell("state_reserve", pool=pool, rate="1/5", months=months, effective_at="2026")
        told.earn(pool, 100, "2026-05")
        (entry,) = told.since(0, "entry.divided")
        with told.view() as view:
            said = pools.division(view, told.journal, entry.originator_id, actor=OPERATOR)
    assert [(one["until"], one["amount_minor"]) for one in said["reserved"]] == [(until, 20)]


def test_why_tells_apart_what_is_agreed_named_paid_back_and_stated() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        pool = told.pool(terms=HALF)
        proposal = told.agree(pool, {a: "1", b: "3"}, "2026")
        told.spend(pool, 30, a)
        told.spend(pool, 20, b)
        revenue = told.earn(pool, 150)
        told.tell("waive_share", proposal=proposal, scope="release", contributor=b)
        lines = [{"payee": a, "amount_minor": 5}, {"payee": b, "amount_minor": -5}]
        given = told.tell("record_adjustment", pool=pool, lines=lines, reason="goodwill").id
        more = {"document": "d", "effective_at": "2026", "reason": "no house"}
        told.tell("amend_pool", pool=pool, terms=AGREED, **more)
        corrected = told.tell("correct_pool", pool=pool, reason="no house").id
        names = ("share", "by_agreement", "by_terms", "stated")
        with told.view() as view:
            found = {
                (entry, who): why(view, told.journal, entry, who, actor=OPERATOR)
                for entry in (revenue, given, corrected)
                for who in (a, b, "house")
                if who != "house" or entry != given
            }
    said = {key: tuple(each[name] for name in names) for key, each in found.items()}
    assert said[revenue, a] == ("1/4", "25/2", "0", "0")
    assert said[revenue, b] == ("3/4", "75/2", "0", "0")
    assert said[revenue, "house"] == ("0", "0", "50", "0")
    assert said[given, a][2:] == ("0", "5")
    pieces = [found[entry, a]["pieces"] for entry in (revenue, given)]
    assert [[each["part"] for each in one] for one in pieces] == [["1/4"], []]
    costs = {key: [each["amount_minor"] for each in one["costs"]] for key, one in found.items()}
    assert (costs[revenue, a], costs[revenue, b], costs[revenue, "house"]) == ([30], [20], [])
    assert [found[entry, a]["terms"] for entry in (revenue, corrected)] == [HALF, AGREED]


def test_each_rule_tells_what_it_gave_and_what_a_refund_took_of_it_back() -> None:
    shares = [[["house", part], ["artists", rest, AGREED]] for part, rest in TENTHS]
    bands = {"type": "escalator", "earned_minor": 0}
    bands |= {"bands": [["100", shares[0]], [None, shares[1]]]}
    german = {"if": {"territory": "DE"}, "then": [["all", "1", bands]]}
    fees = [{"payee": "agent", "rate": "1/10", "seniority": 1}]
    inside = {"type": "by_sold", "rules": [german], "otherwise": AGREED}
    terms = {"type": "before_expenses", "fees": fees, "then": inside}
    with bank(SQLITE) as told:
        a = told.person("a")
        pool = told.pool(terms=terms)
        told.accept(told.agree(pool, {a: "1"}, "2026"), a)
        told.spend(pool, 30, a)
        sold = [{"amount": "2.00", "territory": "DE"}]
        revenue = told.earn(pool, 200, sold=sold)
        told.reverse(revenue, 100)
        back = told.since(0, "entry.reversed")[-1].originator_id
        with told.view() as view:
            found = {
                (entry, who): why(view, told.journal, entry, who, actor=OPERATOR)
                for entry in (revenue, back)
                for who in ("agent", "house")
            }
            (shown,) = pools.revenue_of(view, told.journal, pool, actor=OPERATOR).items
    given = {key: [each["amount"] for each in said["rules"]] for key, said in found.items()}
    assert given == {
        (revenue, "agent"): ["20"],
        (revenue, "house"): ["20"],  # a tenth of 100 and a fifth of 50
        (back, "agent"): ["-10"],
        (back, "house"): ["-25/2"],  # of 75 a fifth of the last 50, a tenth of the others
    }
    assert [each["amount_minor"] for each in shown["reversals"]] == [100]


def test_a_statement_tells_what_was_recouped_for_its_payee_and_for_nobody_else() -> None:
    tranches = [["bank", 50], ["fund", 30], ["artists", None, AGREED]]
    with bank(SQLITE) as told:
        a, *lenders = told.people("a", "bank", "fund")
        for tranche, lender in zip(tranches, lenders, strict=False):
            tranche[0] = lender
        pool = told.pool(terms={"type": "waterfall", "tranches": tranches})
        told.accept(told.agree(pool, {a: "1"}), a)
        for amount in (60, 20):
            told.earn(pool, amount)
        recouped = [
            [one["recouped"]["now_minor"] for one in movements(told, who) if one["recouped"]]
            for who in lenders
        ]
    assert recouped == [[50], [10, 20]]


def test_what_a_work_keeps_is_told_by_the_paths_that_lead_to_it() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        song = told.piece("song", by=[a])
        cover = told.piece("cover", song, told.piece("loop", song, by=[b]), by=[b])
        pool = told.pool(release=told.release("album", cover))
        policy = {"type": "relative_cascade"}
        proposal = told.tell("post_proposal", pool=pool, policy=policy, default_rate="1/4").id
        told.clock.wait(days=14)
        told.tell("finalise_proposal", proposal=proposal)
        revenue = told.earn(pool, 640)
        with told.view() as view:
            (piece,) = why(view, told.journal, revenue, a, actor=OPERATOR)["pieces"]
    titles = [[work["title"] for work in path] for path in piece["paths"]]
    assert titles == [["album", "cover", "song"], ["album", "cover", "loop", "song"]]
    # The album has nobody, so what it keeps goes to the others.
    assert [piece["part"], *piece["path_amounts"]] == ["5/64", "40", "10"]


def test_a_line_names_its_rules_and_a_payout_has_none() -> None:
    german = {"if": {"territory": "DE"}, "then": [["all", "1", AGREED]]}
    with bank(SQLITE) as told:
        a = told.person("a")
        pool = told.pool(terms={"type": "by_sold", "rules": [german], "otherwise": AGREED})
        told.accept(told.agree(pool, {a: "1"}), a)
        told.earn(pool, 200, sold=[{"amount": "2.00", "territory": "DE"}])
        told.pay()
        assert [each["rules"] for each in movements(told, a)] == [["territory DE"], []]


def test_only_a_payout_that_was_withheld_of_or_exchanged_says_how_it_was_sent() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        pool = told.pool()
        told.accept(told.agree(pool, {a: "1", b: "1"}), a, b)
        told.tell("locate_pool", pool=pool, country="US")
        for payee, rate in ((a, "3/10"), (b, "0")):
            said = {"payee": payee, "country": "US", "rate": rate, "document": "W-8"}
            told.tell("state_withholding", effective_at="2026", **said)
        told.earn(pool, 100)
        told.pay()
        sent = [movements(told, who)[-1]["sent"] for who in (a, b)]
    assert [each and each["withheld"][0]["withheld_minor"] for each in sent] == [15, 0]


def test_what_is_kept_under_a_name_or_of_an_account_is_found_by_either() -> None:
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        told.tell("merge_contributor", id=b, into=a)
        for number, payee in enumerate((b, "label")):
            said = {"payee": payee, "country": "US", "rate": f"{number}", "document": "W-8"}
            told.tell("state_withholding", effective_at="2026", **said)
        with told.view() as view:
            found = {
                payee: withholdings(view, told.journal, payee=payee, actor=OPERATOR).items
                for payee in (a, "label")
            }
    assert {payee: [each["rate"] for each in rules] for payee, rules in found.items()} == {
        a: ["0"],
        "label": ["1"],
    }


def test_the_sum_on_paper_is_that_of_the_lines_and_its_facts_are_those_of_the_period() -> None:
    with bank(SQLITE) as told:
        a, pool = told.person("a"), told.pool()
        told.accept(told.agree(pool, {a: "1"}), a)
        told.tell("state_reserve", pool=pool, rate="1/5", months=None, effective_at="2026")
        told.earn(pool, 10_000)
        told.pay(payees=[a])
        told.earn(pool, 500)
        with told.view() as view:
            said = statements.statement(view, told.journal, a, after=3)
            shown = _shown(view, said, "2026-05-01T12:00:00.000000Z", {}, "")
            (period,) = (text for name, text in shown["about"] if name == "Period")
            (one,) = shown["currencies"]
    assert f"(facts 4 to {view.as_of})" in period
    assert one["total"] == "4.00", "a fifth of 105.00 is held back, 80.00 were paid"
    assert [each["amount"] for each in one["lines"]] == [
        "100.00",
        "−20.00",
        "−80.00",
        "5.00",
        "−1.00",
    ]


def test_two_periods_add_up_to_both_wherever_they_meet() -> None:
    names = ("earned", "recouped", "held", "paid", "withheld", "reserved")
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        piece = told.piece("song", by=[a])
        pool = told.pool(release=told.release("record", piece))
        told.accept(told.agree(pool, [asset(piece, {a: "1", b: "1"})], "2026"), a, b)
        told.tell("locate_pool", pool=pool, country="US")
        rule = {"payee": a, "country": "US", "rate": "3/10", "document": "W-8"}
        told.tell("state_withholding", effective_at="2026", **rule)
        told.tell("state_reserve", pool=pool, rate="1/5", months=None, effective_at="2026")
        revenue = told.earn(pool, 1_000)
        told.pay()
        told.reverse(revenue, 900)
        told.earn(pool, 2_000)
        told.pay()
        credit = next(one.originator_id for one in told.since(0, "credit.granted"))
        told.tell("hold_credit", id=credit, reason="who sings?")
        told.earn(pool, 300)
        with told.view() as view:

            def of(**period: int) -> Any:
                return statements.statement(view, told.journal, a, currency="USD", **period)

            (whole,) = of()["statements"]
            for cut in range(1, view.as_of):
                (one,), (two,) = of(until=cut)["statements"], of(after=cut)["statements"]
                assert one["net"]["closing_minor"] == two["net"]["opening_minor"]
                for name in (f"{each}_minor" for each in names):
                    assert one[name] + two[name] == whole[name]
                    assert whole[name] or name == "recouped_minor"
                given = two["opening_minor"] + two["earned_minor"] - two["recouped_minor"]
                kept = two["held_minor"] + two["reserved_minor"] + two["paid_minor"]
                assert given - kept == two["closing_minor"]


def test_a_payout_that_came_back_is_marked_from_then_on() -> None:
    """… also once it was claimed, since it did not arrive; and not as of the time before."""
    with bank(SQLITE) as told:
        a = told.person("a")
        pool = told.pool()
        told.accept(told.agree(pool, {a: "1"}), a)
        told.earn(pool, 300)
        told.pay()
        payout, sent = told.payouts()[a], told.head()
        told.tell("return_payout", id=payout, reason="closed")
        back = told.head()
        told.tell("claim_payout", id=payout, actor=a)
        marked = []
        for as_of in (sent, back, told.head()):
            with told.view(as_of) as view:
                (one,) = statements.statement(view, told.journal, a)["statements"]
            paid = [each for each in one["movements"] if each["kind"] == "payout"]
            marked.append([each["is_returned"] for each in paid])
        assert marked == [[False], [True], [True]]


def test_money_is_held_from_what_holds_it_until_what_frees_it() -> None:
    with bank(SQLITE) as told:
        a = told.person("a")
        song = told.piece("song", by=[a])
        pool = told.pool(release=told.release("record", song))
        agreed = told.agree(pool, [asset(song, {a: "1"})])
        told.accept(agreed, a)
        told.earn(pool, 300)
        ends = [told.head()]
        credit = told.since(0, "credit.granted")[0].originator_id
        for command, said in (
            ("revoke_credit", {"id": credit, "reason": "r"}),
            ("confirm_share", {"proposal": agreed, "payee": a, "reason": "r"}),
            ("forget_contributor", {"id": a, "ground": "request"}),
        ):
            told.tell(command, **said)
            ends.append(told.head())
        held = []
        for end in ends:
            with told.view(as_of=end) as view:
                (line,) = pools.statement(view, told.journal, pool, actor="operator")["lines"]
            held.append((line["held_minor"], line["held_because"]))
    assert held == [(0, []), (300, ["to_be_corrected"]), (0, []), (300, ["nobody"])]


def test_revenue_waits_as_of_every_position_before_it_was_divided() -> None:
    with bank(SQLITE) as told:
        pool = told.pool()
        told.earn(pool, 300)
        ends = [told.head()]
        told.agree(pool, {"house": "1"})
        ends.append(told.head())
        waiting = []
        for end in ends:
            with told.view(as_of=end) as view:
                shown = pools.statement(view, told.journal, pool, actor="operator")
            lines = [(each["source"], each["waiting_minor"]) for each in shown["waiting"]]
            waiting.append((shown["waiting_minor"], lines))
    assert waiting == [(300, [("shop", 300)]), (0, [])]


def test_what_an_earlier_version_of_shares_was_for_holds_nothing() -> None:
    with bank(SQLITE) as told:
        a = told.person("a")
        song, intro = told.piece("song", by=[a]), told.piece("intro", by=[a])
        pool = told.pool(release=told.release("record", intro))
        proposal = told.propose(pool, [asset(song, {a: "1"})])
        said = {"proposal": proposal, "kind": "other", "text": "It is the intro."}
        comment = told.tell("comment_on_proposal", **said, actor=a).id
        assets = [asset(intro, {a: "1"})]
        told.tell("revise_proposal", proposal=proposal, comments=[comment], assets=assets)
        told.clock.wait(days=14)
        told.tell("finalise_proposal", proposal=proposal)
        told.accept(proposal, a)
        told.earn(pool, 300)
        of_song, of_intro = (one.originator_id for one in told.since(0, "credit.granted"))
        held = []
        for credit in (of_song, of_intro):
            told.tell("dispute_credit", id=credit, grounds="other", reason="r")
            with told.view() as view:
                (line,) = pools.statement(view, told.journal, pool, actor="operator")["lines"]
            held.append(line["held_minor"])
    assert held == [0, 300]


def test_a_pool_tells_its_proposals_as_posted_and_the_rounding_of_its_latest_entry() -> None:
    with bank(SQLITE) as told:
        people = told.people("a", "b", "c")
        pool = told.pool()
        first = told.agree(pool, dict.fromkeys(people, "1"))
        proposals = [first, *(told.propose(pool, {people[0]: "1"}) for _ in range(3))]
        told.earn(pool, 1)
        told.earn(pool, 1)
        with told.view() as view:
            shown = pools.pool(view, told.journal, pool, actor="operator")["proposals"]
            lines = pools.statement(view, told.journal, pool, actor="operator")["lines"]
    assert [each["id"] for each in shown] == proposals
    assert sorted(Fraction(line["rounding"]) for line in lines) == [
        Fraction(-1, 3),
        Fraction(-1, 3),
        Fraction(2, 3),
    ]


def test_what_is_held_is_told_the_most_first() -> None:
    with bank(SQLITE) as told:
        a = told.person("a")
        piece = told.piece("song", by=[a])
        one, two = told.pool("one", release=told.release("record", piece)), told.pool("two")
        told.agree(two, {a: "1"})
        told.accept(told.agree(one, [asset(piece, {a: "1"})]), a)
        told.earn(one, 300)
        told.earn(two, 100)
        credit = next(one.originator_id for one in told.since(0, "credit.granted"))
        told.tell("hold_credit", id=credit, reason="who sings?")
        with told.view() as view:
            (said,) = statements.statement(view, told.journal, a)["statements"]
    assert [each["amount_minor"] for each in said["held"]] == [300, 100]


def test_a_hidden_credit_is_seen_by_its_person_and_by_who_reads_everything() -> None:
    with bank(SQLITE) as told:
        a, b, uma = told.people("a", "b", "uma")
        told.piece("song", by=[a])
        posted, granted = told.since(0, "contribution.submitted", "credit.granted")
        told.tell("hide_credit", id=granted.originator_id, actor=a)
        told.tell("grant_role", id=uma, role="auditor", reason="r")
        told.tell("follow_subject", id=a, contributor=b, actor=a)
        (follows,) = told.since(0, "follow.begun")
        with told.view() as view:
            readers = {who: Reader(view, told.journal, who) for who in (a, b, uma, OPERATOR, "")}
            seen = [
                [who for who, reader in readers.items() if reader.sees(each)]
                for each in (posted, granted, follows)
            ]
    assert seen == [[*readers], [a, uma, OPERATOR], [a, uma, OPERATOR]]


def test_why_explains_a_correction_by_the_shares_before_and_after_it() -> None:
    with bank(SQLITE) as told:
        a, b, c = told.people("a", "b", "c")
        pool = told.pool(terms=HALF)
        told.agree(pool, {a: "1", b: "3"}, "2020")
        told.earn(pool, 800, "2026-05")
        told.agree(pool, {a: "1/2", c: "1/2"}, "2026")
        moved = told.tell("correct_pool", pool=pool, reason="c was left out").id
        proposal = told.since(0, "entry.corrected")[0].proposal
        told.tell("waive_share", proposal=proposal, scope="release", contributor=c)
        waived = told.since(0, "entry.corrected")[1].originator_id
        fifth = {"type": "fixed", "shares": [["house", "1/5"], ["artists", "4/5", AGREED]]}
        told.tell("amend_pool", pool=pool, terms=fifth, effective_at="2026", reason="renewed")
        amended = told.tell("correct_pool", pool=pool, reason="renewed").id
        asked = {moved: (a, b, c), waived: (a, c), amended: (a, "house")}
        with told.view() as view:
            found = {
                (entry, who): why(view, told.journal, entry, who, actor=OPERATOR)
                for entry, payees in asked.items()
                for who in payees
            }
    said = {
        key: (one["agreed"], one["share"], *(one["corrects"] or {}).values(), one["by_agreement"])
        for key, one in found.items()
    }
    assert said == {
        (moved, a): ("400", "1/2", "1/4", "400", "100"),
        (moved, b): ("400", "0", "3/4", "400", "-300"),
        (moved, c): ("400", "1/2", "0", "400", "200"),
        (waived, a): ("400", "1", "1/2", "400", "200"),
        (waived, c): ("400", "0", "1/2", "400", "-200"),
        (amended, a): ("640", "1", "1", "400", "240"),
        (amended, "house"): ("640", "0", "0", "400", "0"),
    }
    assert found[amended, "house"]["by_terms"] == "-240"
    assert all(
        Fraction(one["due"]) == Fraction(one["by_agreement"]) + Fraction(one["by_terms"])
        for one in found.values()
    )


def test_what_is_taken_back_is_explained_by_the_terms_by_which_it_was_divided() -> None:
    """Terms amended since say nothing of it, until a correction divides it by them."""

    def terms(bank: int, shop: str) -> dict[str, Any]:
        rest = str(1 - Fraction(shop))
        rule = {"name": f"shop {shop}", "if": {"territory": "DE"}}
        shares = [["shop", shop], ["artists", rest, AGREED]]
        sold = {"type": "by_sold", "rules": [rule | {"then": shares}], "otherwise": AGREED}
        return {"type": "waterfall", "tranches": [["bank", bank], ["artists", None, sold]]}

    with bank(SQLITE) as told:
        pool, a = told.pool(terms=terms(700, "1/2")), told.person("a")
        told.agree(pool, {a: "1"}, "2026")
        sold = [{"territory": "DE", "units": 1, "amount": "20"}]
        revenue = told.earn(pool, 2_000, "2026-02", sold=sold)
        amended = terms(400, "1/4"), terms(900, "1/5")
        said = {"pool": pool, "effective_at": "2026", "reason": "renewed"}
        told.tell("amend_pool", terms=amended[0], **said)
        first = told.reverse(revenue, 1_500).id
        told.tell("correct_pool", pool=pool, reason="renewed")
        told.tell("amend_pool", terms=amended[1], **said)
        second = told.reverse(revenue).id
        with told.view() as view:
            found = [
                why(view, told.journal, entry, who, actor=OPERATOR)
                for entry in (first, second)
                for who in ("bank", "shop", a)
            ]
    assert [one["terms"] for one in found] == [terms(700, "1/2")] * 3 + [amended[0]] * 3
    assert [one["amount_minor"] for one in found] == [-200, -650, -650, -400, -25, -75]
    assert [[(each["rule"], each["amount"]) for each in one["rules"]] for one in found] == [
        [],
        [("shop 1/2", "-650")],
        [("shop 1/2", "-650")],
        [],
        [("shop 1/4", "-25")],
        [("shop 1/4", "-75")],
    ]
    recouped = [
        (one["before_minor"], one["now_minor"])
        for (one,) in (each["recouped"] for each in (found[0], found[3]))
    ]
    assert recouped == [(700, -200), (400, -400)]


def test_whom_amended_terms_name_was_not_named_before() -> None:
    """A dispute holds what terms give by name, but nothing as of when they did not name them."""
    with bank(SQLITE) as told:
        a, b = told.people("a", "b")
        piece = told.piece("song", by=[a])
        pool = told.pool(terms=HALF, release=told.release("record", piece))
        told.accept(told.agree(pool, {a: "1/2", b: "1/2"}, "2026"), a, b)
        told.earn(pool, 400)
        credit = told.since(0, "credit.granted")[0].originator_id
        told.tell("dispute_credit", id=credit, grounds="other", reason="r")
        before = told.head()
        shares = [[a, "1/2"], ["artists", "1/2", AGREED]]
        terms = {"type": "fixed", "shares": shares}
        told.tell("amend_pool", pool=pool, terms=terms, effective_at="2026-06", reason="named")
        held = []
        for as_of in (before, told.head()):
            with told.view(as_of=as_of) as view:
                (one,) = statements.statement(view, told.journal, a)["statements"]
                held.append(one["balances"]["held_minor"])
    assert held == [0, 100]


def test_pieces_and_what_others_waived_sum_to_what_goes_by_agreement() -> None:
    with bank(SQLITE) as told:
        a, b, c = told.people("a", "b", "c")
        song, beat = told.piece("song", by=[a]), told.piece("beat", by=[b])
        act = told.piece("first act", song, beat)
        pool = told.pool(release=told.release("record", act), terms=HALF)
        shares = [
            asset(song, {a: "1/2", b: "1/4", c: "1/4"}, "3", within=[act]),
            asset(beat, {a: "1/2", b: "1/2"}, within=[act]),
        ]
        agreed = told.agree(pool, shares, "2026")
        for who, scope in ((b, song), (c, act)):
            told.tell("waive_share", proposal=agreed, contributor=who, scope=scope)
        told.earn(pool, 1_600)
        revenue = told.since(0, "entry.divided")[0].originator_id
        out = StringIO()
        with told.view() as view:
            for who in (a, b, c):
                said = {"id": revenue, "payee": who}
                asking = Asking(QUESTIONS["explain_line"], view, told.journal, said)
                on_terminal(Console(file=out, width=200), asking)
                found = asking.answer
                assert [
                    (piece["title"], piece["amount"], piece["waived_over"], piece["from_waivers"])
                    for piece in found["pieces"]
                ] == {
                    a: [("song", "300", None, "240"), ("beat", "100", None, "30")],
                    b: [("song", "150", song, "0"), ("beat", "100", None, "30")],
                    c: [("song", "150", act, "0")],
                }[who]
                assert found["by_agreement"] == {a: "670", b: "130", c: "0"}[who]
    for sentence in (
        "waived, so it went to the others there",
        "waived, so it went to the others within first act",
        "2.40 USD more of what others",
    ):
        assert sentence in out.getvalue()
