"""How shares are agreed: proposed, talked about, final after two weeks, accepted or waived."""

from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from money import AGREED, HALF, Bank, asset, bank
from stories import OPERATOR, id_of, story
from test_audit import edited, tamper

from domain.refusal import (
    BadPolicy,
    BadShare,
    BadSplit,
    CommentsOpen,
    IdTaken,
    NoShare,
    NotPermitted,
    Refusal,
    UnknownComment,
    UnknownContributor,
    UnknownKind,
    UnknownScope,
    UnknownWork,
    WindowOpen,
    WindowTooShort,
    WrongState,
)
from projections.money import pools
from projections.progress import no_progress
from scripts.difference import all_differences
from scripts.rules import rules


@pytest.fixture
def database(tmp_path: Path) -> str:
    """One engine: what is asked here is decided before anything is stored."""
    return f"sqlite:///{tmp_path / 'stemma.db'}"


def shares(told: Bank, proposal: str) -> dict[str, Fraction]:
    return {name: part for name, part in told.books().agreements[proposal].shares.items() if part}


# -- the window ----------------------------------------------------------------------------


def test_nobody_can_finalise_before_two_weeks_have_passed(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("ana")
        proposal = told.propose(told.pool(), {ana: "1"})
        finalise = partial(told.tell, "finalise_proposal", proposal=proposal)
        for _ in range(2):
            with pytest.raises(WindowOpen):
                finalise()
            told.clock.wait(days=7, seconds=-5)
        with pytest.raises(WindowOpen):
            finalise()
        told.clock.wait(seconds=10)
        finalise()


@pytest.mark.parametrize("days", [0, 1, 13, 14.5, True, -20, 366, "20", None])
def test_a_window_is_a_whole_number_of_days_and_no_less_than_two_weeks(
    days: Any, database: str
) -> None:
    with bank(database) as told:
        with pytest.raises(WindowTooShort):
            told.pool(comment_days=days)
        (ana,) = told.people("ana")
        pool = told.pool()
        if days is not None:
            with pytest.raises(WindowTooShort):
                told.propose(pool, {ana: "1"}, comment_days=days)


def test_a_pool_can_ask_for_a_longer_window_and_no_proposal_for_a_shorter_one(
    database: str,
) -> None:
    with bank(database) as told:
        (ana,) = told.people("ana")
        pool = told.pool(comment_days=30)
        with pytest.raises(WindowTooShort):
            told.propose(pool, {ana: "1"}, comment_days=29)
        longer = told.propose(pool, {ana: "1"}, comment_days=40)
        proposal = told.propose(pool, {ana: "1"})
        told.clock.wait(days=31)
        told.tell("finalise_proposal", proposal=proposal)
        with pytest.raises(WindowOpen):
            told.tell("finalise_proposal", proposal=longer)


def test_a_window_can_be_extended_but_never_shortened(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("ana")
        proposal = told.propose(told.pool(), {ana: "1"})
        extend = partial(told.tell, "extend_proposal", proposal=proposal)
        with pytest.raises(WindowTooShort):
            extend(closes_at="2026-06-02")
        first = extend(closes_at="2026-08-01")
        assert extend(closes_at="2026-08-01") == first
        told.clock.wait(days=20)
        with pytest.raises(WindowOpen):
            told.tell("finalise_proposal", proposal=proposal)
        told.clock.wait(days=60)
        told.tell("finalise_proposal", proposal=proposal)
        with pytest.raises(WrongState):
            extend(closes_at="2027")


def test_after_the_window_every_comment_must_be_answered_and_none_can_be_added(
    database: str,
) -> None:
    """Or else one who does not agree could keep it open for ever; it can be extended instead."""
    with bank(database) as told:
        ana, bo = told.people("ana", "bo")
        proposal = told.propose(told.pool(), {ana: "1"})
        told.credit(id_of("pool's release"), bo, actor=bo)  # a claim, which does not count yet
        say = partial(
            told.tell, "comment_on_proposal", proposal=proposal, actor=bo, kind="left_out"
        )
        first, second = say(text="where am I?").id, say(text="and bo?", about=bo).id
        told.clock.wait(days=15)
        with pytest.raises(CommentsOpen) as refused:
            told.tell("finalise_proposal", proposal=proposal)
        assert refused.value.details["comments"] == (first, second)
        with pytest.raises(WrongState):
            say(text="too late")
        told.tell("extend_proposal", proposal=proposal, closes_at="2026-08-01")
        third = say(text="just in time").id
        told.clock.wait(days=60)
        told.tell("answer_comment", proposal=proposal, comment=first, text="you are in the next")
        told.tell("answer_comment", proposal=proposal, comment=second, text="cy declined")
        with pytest.raises(CommentsOpen):
            told.tell("finalise_proposal", proposal=proposal)
        told.tell(
            "revise_proposal",
            proposal=proposal,
            comments=[third],
            assets=[asset("all of it", {ana: "1", bo: "1"})],
        )
        told.clock.wait(days=3)
        told.tell("finalise_proposal", proposal=proposal)
        assert shares(told, proposal) == {ana: Fraction(1, 2), bo: Fraction(1, 2)}


def test_a_revision_names_a_comment_that_was_made(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("ana")
        proposal = told.propose(told.pool(), {ana: "1"})
        revise = partial(
            told.tell, "revise_proposal", proposal=proposal, assets=[asset("x", {ana: "1"})]
        )
        with pytest.raises(BadSplit):
            revise(comments=[])
        with pytest.raises(UnknownComment):
            revise(comments=[id_of("nobody said this")])
        with pytest.raises(UnknownKind):
            told.tell("comment_on_proposal", proposal=proposal, kind="praise", text="t")


# -- what can be proposed ------------------------------------------------------------------

WRONG_ASSETS: list[tuple[Any, type[Refusal]]] = [
    ([], BadPolicy),
    ([asset("a", {})], BadPolicy),
    ([asset("a", {"ana": "0"})], BadShare),
    ([asset("a", {"ana": "1"}, value="0")], BadShare),
    ([asset("a", {"ana": "-1"})], BadShare),
    ([asset("a", {"ana": "0.1e3"})], BadShare),
    ([asset("a", {"ana": "1"}), asset("a", {"bo": "1"})], BadPolicy),
    ([{"asset": "a", "value": "1", "shares": [["ana", "1"], ["ana", "1"]]}], BadPolicy),
    ([{"asset": "a", "value": "1", "shares": [["ana", 1]]}], BadShare),
    ([{"asset": "a", "value": "1", "shares": [["ana", 0.5]]}], BadShare),
    ([{"asset": "a", "value": 1, "shares": [["ana", "1"]]}], BadShare),
    ([{"asset": "a", "value": "1", "shares": [["ana", "1", AGREED]]}], BadPolicy),
    ([{"asset": "a", "shares": [["ana", "1"]]}], BadPolicy),
    ([{"asset": "a", "value": "1", "shares": [["ana", "1"]], "note": "x"}], BadPolicy),
    ([{"asset": "a", "value": "1", "shares": {"ana": "1"}}], BadPolicy),
    ([asset("release", {"ana": "1"})], BadPolicy),
    ([asset("a", {"ana": "1"}, within=["a"])], BadPolicy),
    ([asset("a", {"\0": "1"})], BadPolicy),
    ([asset("a", {id_of("nobody"): "1"})], UnknownContributor),
    ([asset("a", {id_of("ana").upper(): "1"})], UnknownContributor),
    ([asset("a", {id_of("ana").replace("-", ""): "1"})], UnknownContributor),
    ([asset("a", {f"work/{id_of('nothing')}": "1"})], UnknownWork),
    ([asset("a", {f"work/{id_of('ana')}": "1"})], UnknownWork),
    (["a"], BadPolicy),
    ("a", BadPolicy),
    ({"asset": "a"}, BadPolicy),
    (None, BadSplit),
]


@pytest.mark.parametrize("assets, refusal", WRONG_ASSETS)
def test_what_is_proposed_is_exact_and_names_everybody_once(
    assets: Any, refusal: type[Refusal], database: str
) -> None:
    with bank(database) as told:
        told.people("ana")
        pool = told.pool()
        head = told.head()
        with pytest.raises(refusal):
            told.tell("post_proposal", pool=pool, assets=assets)
        assert told.head() == head


def test_shares_are_set_or_computed_but_not_both(database: str) -> None:
    with bank(database) as told:
        ana, bo = told.people("ana", "bo")
        song = told.piece("song", told.piece("loop", by=[bo]), by=[ana])
        pool = told.pool(release=told.release("single", song))
        with pytest.raises(BadSplit):
            told.tell(
                "post_proposal",
                pool=pool,
                assets=[asset("a", {ana: "1"})],
                policy={"type": "relative_cascade"},
            )
        computed = told.tell(
            "post_proposal", pool=pool, policy={"type": "relative_cascade"}, default_rate="1/4"
        ).id
        told.clock.wait(days=14)
        told.tell("finalise_proposal", proposal=computed)
        # The release itself has nobody: what it keeps waits for whoever is credited on it.
        assert shares(told, computed) == {
            ana: Fraction(3, 16),
            bo: Fraction(1, 16),
            f"work/{id_of('single')}": Fraction(3, 4),
        }


WRONG_TERMS: list[Any] = [
    {},
    {"type": "relative_cascade"},
    {"type": "nonsense"},
    {"type": "fixed", "shares": [["ana", 0.5], ["artists", "1", AGREED]]},
    {"type": "fixed", "shares": []},
    {"type": "fixed", "shares": [[id_of("nobody"), "1"], ["artists", "1", AGREED]]},
    {"type": "fixed", "shares": [[id_of("ana").upper(), "1"], ["artists", "1", AGREED]]},
    {"type": "agreed", "shares": []},
]


@pytest.mark.parametrize("terms", WRONG_TERMS)
def test_terms_are_a_policy_that_needs_no_lineage(terms: Any, database: str) -> None:
    with bank(database) as told:
        told.people("ana")
        with pytest.raises(Refusal):
            told.pool(terms=terms)
        assert "pool.opened" not in told.topics()


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "lottery"},
        {"currency": "usd"},
        {"currency": "XXX"},
        {"rounding": "up"},
        {"deferral_minor": -1},
        {"deferral_minor": True},
        {"deferral_minor": 1.0},
        {"works": [id_of("nothing")]},
        {"name": ""},
        {"name": "x" * 201},
        {"id": "7"},
    ],
)
def test_a_pool_is_opened_properly_or_not_at_all(said: Any, database: str) -> None:
    with bank(database) as told:
        release = told.release("release", told.piece("piece"))
        with pytest.raises(Refusal):
            told.pool(**{"name": "pool", "release": release} | said)
        assert "pool.opened" not in told.topics()


# -- repetition ----------------------------------------------------------------------------


def test_a_repeated_command_about_shares_changes_nothing(database: str) -> None:
    """Even days later: what was said is the same, whatever the clock says now."""
    with bank(database) as told:
        ana, bo = told.people("ana", "bo")
        release = told.release("release", told.piece("piece"))

        def twice(command: str, **said: Any) -> None:
            first = told.tell(command, **said)
            head = told.head()
            told.clock.wait(hours=30)
            assert told.tell(command, **said) == first
            assert told.head() == head

        opened = {"release": release, "name": "p", "kind": "song", "currency": "USD"}
        twice("open_pool", **opened, terms=HALF, id=id_of("pool"))
        with pytest.raises(IdTaken):
            told.tell("open_pool", **opened, terms=AGREED, id=id_of("pool"))
        assets = [asset("a", {ana: "1", bo: "1"})]
        posted = {"pool": id_of("pool"), "assets": assets, "id": id_of("proposal")}
        twice("post_proposal", **posted, note="first")
        with pytest.raises(IdTaken):
            told.tell("post_proposal", **posted | {"assets": [asset("a", {ana: "1"})]})
        with pytest.raises(IdTaken):
            told.tell("post_proposal", **posted, comment_days=20)
        proposal = {"proposal": id_of("proposal")}
        comment = {"kind": "other", "text": "hm", "actor": bo, "id": id_of("comment")}
        twice("comment_on_proposal", **proposal, **comment)
        with pytest.raises(IdTaken):
            told.tell("comment_on_proposal", **proposal, **comment | {"text": "hmm"})
        twice("answer_comment", **proposal, comment=id_of("comment"), text="yes")
        twice("revise_proposal", **proposal, comments=[id_of("comment")], assets=assets)
        twice("extend_proposal", **proposal, closes_at="2026-07-01")
        told.clock.wait(days=30)
        twice("finalise_proposal", **proposal)
        with pytest.raises(WrongState):
            told.tell("finalise_proposal", **proposal, effective_at="2020")
        twice("accept_share", **proposal, actor=ana)
        twice("waive_share", **proposal, actor=bo, scope="a", reason="a gift")


def test_a_repeated_computed_proposal_changes_nothing_either(database: str) -> None:
    """Although the lineage has grown since."""
    with bank(database) as told:
        (ana,) = told.people("ana")
        song = told.piece("song", by=[ana])
        pool = told.pool(release=told.release("single", song))
        post = partial(
            told.tell,
            "post_proposal",
            pool=pool,
            policy={"type": "relative_cascade"},
            default_rate="1",
            id=id_of("proposal"),
        )
        first = post()
        told.edge(song, told.piece("older", made_at="1970"))
        assert post() == first


def test_a_shorter_proposal_under_a_known_id_is_another_one(database: str) -> None:
    """Even if all that is missing stands in a further fact."""
    with bank(database) as told:
        assets = [asset(f"piece {n} {'x' * 100}", {"somebody": "1"}) for n in range(400)]
        pool = told.pool()
        proposal = told.propose(pool, assets, id=id_of("proposal"))
        assert told.topics()[-2:] == ["proposal.continued"] * 2
        assert told.propose(pool, assets, id=id_of("proposal")) == proposal
        for less in (1, 200, 399):
            with pytest.raises(IdTaken):
                told.propose(pool, assets[:-less], id=id_of("proposal"))


# -- several proposals ---------------------------------------------------------------------


def test_what_was_withdrawn_is_not_finalised(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("ana")
        proposal = told.propose(told.pool(), {ana: "1"})
        told.tell("withdraw_proposal", proposal=proposal, reason="nobody wants it")
        told.clock.wait(days=20)
        with pytest.raises(WrongState):
            told.tell("finalise_proposal", proposal=proposal)
        with pytest.raises(WrongState):
            told.tell("comment_on_proposal", proposal=proposal, kind="other", text="t")


def test_of_two_open_proposals_the_one_finalised_later_holds_from_then_on(database: str) -> None:
    with bank(database) as told:
        ana, bo = told.people("ana", "bo")
        pool = told.pool()
        older, newer = told.propose(pool, {ana: "1"}), told.propose(pool, {bo: "1"})
        told.clock.wait(days=20)
        told.tell("finalise_proposal", proposal=newer)
        told.earn(pool, 100, "2026-06-20")
        told.tell("finalise_proposal", proposal=older)
        told.clock.wait(days=60)
        told.earn(pool, 10, "2026-06-05")
        told.earn(pool, 1, "2026-07-30")
        assert told.account() == {bo: 110, ana: 1}
        assert [told.books().agreements[each].number for each in (newer, older)] == [1, 2]


# -- who may do what -----------------------------------------------------------------------


def test_the_producer_closes_a_split_and_only_the_operator_keeps_the_books(  # noqa: PLR0912 - a story
    database: str,
) -> None:
    with bank(database) as told:
        ana, bo, producer, cy = told.people("ana", "bo", "producer", "cy")
        piece = told.piece("piece", by=[ana], actor=ana)
        release = told.release("film", piece, actor=producer)
        pool, other = id_of("pool"), told.pool("other")
        said = {"release": release, "name": "p", "kind": "song", "currency": "USD"}
        stages: list[tuple[set[str], str, dict[str, Any]]] = [
            ({producer}, "open_pool", {**said, "terms": AGREED, "id": pool}),
            (
                {producer},
                "post_proposal",
                {"pool": pool, "assets": [asset("a", {ana: "1", bo: "1"})], "id": id_of("p")},
            ),
            (
                {ana, bo, producer},
                "comment_on_proposal",
                {"proposal": id_of("p"), "kind": "other", "text": "t"},
            ),
            ({producer}, "extend_proposal", {"proposal": id_of("p"), "closes_at": "2026-07-01"}),
        ]
        for may, command, content in stages:
            for actor in (ana, bo, cy, producer):
                if actor not in may:
                    with pytest.raises(NotPermitted):
                        told.tell(command, actor=actor, **content)
            for actor in may:
                told.tell(command, actor=actor, **content)
        for comment in [one.comment for one in told.since(0, "proposal.commented")]:
            answer = {"proposal": id_of("p"), "comment": comment}
            for actor in (ana, bo, cy):
                with pytest.raises(NotPermitted):
                    told.tell("answer_comment", actor=actor, text="t", **answer)
                with pytest.raises(NotPermitted):
                    told.tell(
                        "revise_proposal",
                        actor=actor,
                        proposal=id_of("p"),
                        comments=[comment],
                        assets=[asset("a", {actor: "1"})],
                    )
            told.tell("answer_comment", actor=producer, text="t", **answer)
        told.clock.wait(days=40)
        for actor in (ana, bo, cy):
            with pytest.raises(NotPermitted):
                told.tell("finalise_proposal", actor=actor, proposal=id_of("p"))
            with pytest.raises(NotPermitted):
                told.tell("withdraw_proposal", actor=actor, proposal=id_of("p"), reason="r")
        told.tell("finalise_proposal", actor=producer, proposal=id_of("p"))
        # A share is its payee's: nobody else's answer counts, not even the producer's.
        for verb, more in (("accept", {}), ("decline", {}), ("waive", {"scope": "a"})):
            for actor in (bo, cy, producer):
                with pytest.raises(NotPermitted):
                    told.tell(
                        f"{verb}_share", proposal=id_of("p"), actor=actor, contributor=ana, **more
                    )
        for actor in (cy, producer, OPERATOR):
            with pytest.raises(NoShare):
                told.tell("accept_share", proposal=id_of("p"), actor=actor)
        told.tell("accept_share", proposal=id_of("p"), contributor=bo)
        revenue = told.earn(pool, 1000)
        told.accept(id_of("p"), ana)
        told.pay()
        payouts = told.payouts()
        credit = told.credit(piece, bo)
        books: list[tuple[str, dict[str, Any]]] = [
            (
                "record_revenue",
                {"pool": pool, "amount_minor": 1, "source": "s", "effective_at": "2026"},
            ),
            (
                "record_expense",
                {"pool": pool, "amount_minor": 1, "category": "c", "effective_at": "2026"},
            ),
            ("reverse_revenue", {"revenue": revenue, "reason": "r"}),
            ("correct_pool", {"pool": pool, "reason": "r"}),
            ("issue_payouts", {"currency": "USD"}),
            ("settle_payout", {"id": payouts[ana]}),
            ("return_payout", {"id": payouts[ana], "reason": "r"}),
            ("hold_credit", {"id": credit, "reason": "r"}),
            ("lift_hold", {"id": credit}),
        ]
        head = told.head()
        for command, content in books:
            for actor in (ana, bo, cy, producer):
                with pytest.raises(NotPermitted):
                    told.tell(command, actor=actor, **content)
        with pytest.raises(NotPermitted):
            told.tell("post_proposal", actor=producer, pool=other, assets=[asset("a", {ana: "1"})])
        assert told.head() == head
        told.tell("return_payout", id=payouts[ana], reason="r")
        for actor in (bo, cy, producer):
            with pytest.raises(NotPermitted):
                told.tell("claim_payout", actor=actor, id=payouts[ana])
        told.tell("claim_payout", actor=ana, id=payouts[ana])


def test_somebody_who_is_nobody_may_do_nothing(database: str) -> None:
    with bank(database) as told:
        proposal = told.propose(told.pool(), {"house": "1"})
        with pytest.raises(UnknownContributor):
            told.tell(
                "comment_on_proposal",
                proposal=proposal,
                actor=id_of("nobody"),
                kind="other",
                text="t",
            )


# -- consent -------------------------------------------------------------------------------


def test_what_nobody_has_accepted_yet_is_held_and_skips_nobody(database: str) -> None:
    with bank(database) as told:
        ana, bo, cy = told.people("ana", "bo", "cy")
        pool = told.pool()
        proposal = told.agree(pool, {ana: "1", bo: "1", cy: "1", "house": "1"})
        told.earn(pool, 400)
        told.accept(proposal, ana)
        told.tell("decline_share", proposal=proposal, actor=bo)
        assert told.account() == {ana: 100, bo: 100, cy: 100, "house": 100}
        assert [told.held(each, proposal) for each in (ana, bo, cy, "house")] == [
            (),
            ("declined",),
            ("unaccepted",),
            (),
        ]
        assert told.pay() == {ana: 100, "house": 100}
        # Who declined can still change their mind; who accepted is bound.
        told.accept(proposal, bo)
        assert told.pay() == {bo: 100}
        with pytest.raises(WrongState):
            told.tell("decline_share", proposal=proposal, actor=bo)
        with pytest.raises(WrongState):
            told.tell("waive_share", proposal=proposal, actor=bo, scope="all of it")


def test_a_person_who_was_merged_answers_for_both_accounts(database: str) -> None:
    with bank(database) as told:
        ana, bo, old = told.people("ana", "bo", "ana's old account")
        pool = told.pool()
        proposal = told.agree(pool, {old: "1", bo: "1", ana: "1"})
        told.earn(pool, 300)
        told.accept(proposal, ana)
        told.tell("merge_contributor", id=old, into=ana)
        assert told.pay() == {ana: 100}
        told.tell("accept_share", proposal=proposal, actor=ana, contributor=old)
        assert told.pay() == {ana: 100}
        assert told.account("in_transit") == {ana: 100, old: 100}


def test_what_is_due_to_a_work_without_people_waits(database: str) -> None:
    """Until somebody is credited, and shares are agreed anew."""
    with bank(database) as told:
        (ana,) = told.people("ana")
        loop = told.piece("loop")
        pool = told.pool()
        proposal = told.agree(pool, {ana: "1", f"work/{loop}": "1"})
        told.earn(pool, 100)
        told.accept(proposal, ana)
        assert told.pay() == {ana: 50}
        assert told.held(f"work/{loop}", proposal) == ("unclaimed",)
        cy = told.person("cy")
        found = told.agree(pool, {ana: "1", cy: "1"}, effective_at="2000")
        told.tell("correct_pool", pool=pool, reason="cy made the loop")
        told.accept(found, cy)
        assert told.pay() == {cy: 50}


def test_whose_claim_got_a_share_is_offered_later_ones_whatever_became_of_the_credit(
    database: str,
) -> None:
    """An audit of the rules knows that, and finds one that is offered to anybody else."""
    with bank(database) as told:
        ana, cy, eve = told.people("ana", "cy", "eve")
        loop = told.piece("loop")
        pool = told.pool()
        told.agree(pool, {ana: "1", f"work/{loop}": "1"})
        credit = told.credit(loop, cy, actor=cy)
        told.tell("accept_credit", id=credit)
        told.tell("revoke_credit", id=credit, reason="It was two commas.")
        told.agree(pool, {ana: "3", f"work/{loop}": "1"}, effective_at="2030")
        places = [one.position for one in told.facts() if one.topic == "share.claimed"]
        assert len(places) == 2
        assert isinstance(all_differences(rules, told.service, no_progress), str)
    with story(database, create=False) as again:
        tamper(database, edited(again, cy, eve, places[-1]))
        found = all_differences(rules, again.service, no_progress)
        said = f"position {places[-1]}: share.claimed says another “contributor”"
        assert [str(one)[: len(said)] for one in found] == [said]


# -- waivers -------------------------------------------------------------------------------

EPISODE = [
    ("intro", {"a": "1", "b": "1"}, "2", ["act 1", "episode"]),
    ("song", {"a": "1", "c": "3"}, "1", ["act 1", "episode"]),
    ("outro", {"d": "1"}, "1", ["act 2", "episode"]),
    ("poster", {"e": "1"}, "1", []),
]
WAIVED = [
    # By a, who has 1/5 in the intro and 1/20 in the song.
    ("intro", {"a": "1/20", "b": "2/5", "c": "3/20", "d": "1/5", "e": "1/5"}),
    ("song", {"a": "1/5", "b": "1/5", "c": "1/5", "d": "1/5", "e": "1/5"}),
    ("act 1", {"b": "12/35", "c": "9/35", "d": "1/5", "e": "1/5"}),
    ("episode", {"b": "16/55", "c": "12/55", "d": "16/55", "e": "1/5"}),
    ("release", {"b": "4/15", "c": "1/5", "d": "4/15", "e": "4/15"}),
]


@pytest.mark.parametrize("scope, expected", WAIVED)
def test_a_waived_share_goes_to_the_others_within_its_scope(
    scope: str, expected: dict[str, str], database: str
) -> None:
    """HitRecord's community payment proposals: over the piece, the act, the episode or all."""
    with bank(database) as told:
        ids = {name: told.person(name) for name in "abcde"}
        assets = [
            asset(name, {ids[each]: part for each, part in parts.items()}, value, within)
            for name, parts, value, within in EPISODE
        ]
        pool = told.pool()
        proposal = told.agree(pool, assets)
        # Some came in before the waiver, some after: in the end it makes no difference.
        told.earn(pool, 11_550)
        told.tell("waive_share", proposal=proposal, actor=ids["a"], scope=scope)
        told.earn(pool, 11_550)
        after = {name: Fraction(part) for name, part in expected.items()}
        assert shares(told, proposal) == {ids[name]: part for name, part in after.items()}
        assert told.account() == {ids[name]: 23_100 * part for name, part in after.items()}
        assert told.since(0, "share.waived")[0].scope == scope


def test_a_waiver_stays_visible_and_the_last_one_in_a_scope_is_refused(database: str) -> None:
    with bank(database) as told:
        ana, bo = told.people("ana", "bo")
        pool = told.pool()
        proposal = told.agree(pool, [asset("a", {ana: "1", bo: "1"}), asset("b", {ana: "1"})])
        waive = partial(told.tell, "waive_share", proposal=proposal)
        with pytest.raises(UnknownScope):
            waive(actor=bo, scope="b")
        with pytest.raises(BadPolicy):
            waive(actor=ana, scope="b")
        waive(actor=bo, scope="a")
        with pytest.raises(BadPolicy):
            waive(actor=ana, scope="a")
        told.earn(pool, 100)
        assert told.account() == {ana: 100}
        assert told.books().agreements[proposal].waivers == {(bo, "a"): "a"}


def test_of_two_waivers_the_order_does_not_matter(database: str) -> None:
    results = []
    for number, order in enumerate((("ana", "bo"), ("bo", "ana"))):
        with bank(f"{database}.{number}") as told:
            ana, bo, cy = told.people("ana", "bo", "cy")
            pool = told.pool()
            proposal = told.agree(
                pool, [asset("a", {ana: "3", bo: "2", cy: "1"}), asset("b", {bo: "5", cy: "1"})]
            )
            told.earn(pool, 1001)
            for name in order:
                scope = {"ana": "a", "bo": "release"}[name]
                told.tell("waive_share", proposal=proposal, actor=id_of(name), scope=scope)
            results.append((shares(told, proposal), told.account()))
    assert results[0] == results[1]


@pytest.mark.parametrize("of_old", [True, False], ids=["as-new", "as-old"])
def test_whoever_has_two_accounts_answers_for_a_share_under_either(
    *, of_old: bool, database: str
) -> None:
    """They are one person: neither has to say under which account they were offered it."""
    with bank(database) as told:
        old, ana = told.people("old", "ana")
        told.tell("merge_contributor", id=old, into=ana)
        offered, asking = (old, ana) if of_old else (ana, old)
        pool = told.pool()
        deal = told.agree(pool, {offered: "1", "house": "1"})
        told.tell("decline_share", proposal=deal, actor=asking, reason="Not yet.")
        told.accept(deal, asking)
        head = told.head()
        told.accept(deal, asking)
        assert told.head() == head, "the same again is not recorded"
        assert [one.payee for one in told.since(0, "share.accepted")] == [offered]
        told.earn(pool, 100)
        told.tell(
            "waive_share",
            proposal=told.agree(pool, {offered: "1", "house": "2"}),
            actor=asking,
            scope="release",
        )
        with pytest.raises(NoShare):
            told.accept(told.agree(pool, {"house": "1"}), asking)
        with pytest.raises(NoShare):
            told.accept(deal, "operator")


# -- eligibility ---------------------------------------------------------------------------


def test_a_pool_for_some_works_pays_nobody_who_is_only_in_others(database: str) -> None:
    """In the special but not in the song: no royalties of the song."""
    with bank(database) as told:
        ana, bo, cy = told.people("ana", "bo", "cy")
        song = told.piece("song", told.piece("loop", by=[bo]), by=[ana])
        scene = told.piece("scene", by=[cy])
        special = told.release("special", song, scene)
        pool = told.pool(release=special, works=[song])
        with pytest.raises(Refusal):
            told.propose(pool, [asset(song, {ana: "1"}), asset(scene, {cy: "1"})])
        proposal = told.tell(
            "post_proposal", pool=pool, policy={"type": "relative_cascade"}, default_rate="1/4"
        ).id
        told.clock.wait(days=14)
        told.tell("finalise_proposal", proposal=proposal)
        assert set(shares(told, proposal)) == {ana, bo}


# -- the clock after a revision ------------------------------------------------------------


def test_a_revision_can_be_looked_at_for_three_days(database: str) -> None:
    """… by those with a share, also by one whom it leaves out, and nobody else."""
    with bank(database) as told:
        ana, ben, eva = told.people("ana", "ben", "eva")
        proposal = told.propose(told.pool(), {ana: "1/2", ben: "1/2"})
        said: dict[str, Any] = {"proposal": proposal, "kind": "other", "text": "hm"}
        comment = told.tell("comment_on_proposal", actor=ben, **said).id
        told.clock.wait(days=13)
        assets = [asset("all of it", {ana: "1"})]
        told.tell("revise_proposal", proposal=proposal, comments=[comment], assets=assets)
        with pytest.raises(WindowOpen) as refused:
            told.tell("finalise_proposal", proposal=proposal)
        with told.view() as view:
            shown = pools.proposal(view, told.journal, proposal, actor="operator")
        assert shown["closes_at"] < shown["final_from"] == refused.value.details["closes_at"]
        with pytest.raises(NotPermitted):
            told.tell("comment_on_proposal", actor=eva, **said)
        told.clock.wait(hours=71)
        late = told.tell("comment_on_proposal", actor=ben, **said).id
        told.tell("answer_comment", proposal=proposal, comment=late, text="you left")
        told.clock.wait(hours=71)
        with pytest.raises(WindowOpen):
            told.tell("finalise_proposal", proposal=proposal)
        told.clock.wait(hours=1)
        told.tell("finalise_proposal", proposal=proposal)


@pytest.mark.parametrize("before, waits", [(25, False), (23, True)], ids=["early", "late"])
def test_a_comment_on_the_last_day_prolongs_it(database: str, before: int, waits: bool) -> None:
    with bank(database) as told:
        (ana,) = told.people("ana")
        proposal = told.propose(told.pool(), {ana: "1"})
        told.clock.wait(days=14, hours=-before)
        said = {"proposal": proposal, "kind": "other", "text": "hm"}
        comment = told.tell("comment_on_proposal", actor=ana, **said).id
        told.tell("answer_comment", proposal=proposal, comment=comment, text="so it is")
        told.clock.wait(hours=before)
        finalise = partial(told.tell, "finalise_proposal", proposal=proposal)
        if waits:
            with pytest.raises(WindowOpen):
                finalise()
            told.clock.wait(hours=72 - before)
        finalise()


def test_a_pool_may_ask_for_longer_reviews_and_not_for_shorter_ones(database: str) -> None:
    with bank(database) as told:
        (ana,) = told.people("ana")
        for hours in (71, 0, 24 * 365 + 1):
            with pytest.raises(WindowTooShort):
                told.pool("short", review_hours=hours)
        proposal = told.propose(told.pool(review_hours=240), {ana: "1"})
        said = {"proposal": proposal, "kind": "other", "text": "hm"}
        comment = told.tell("comment_on_proposal", actor=ana, **said).id
        told.clock.wait(days=14)
        assets = [asset("all of it", {ana: "2"})]
        told.tell("revise_proposal", proposal=proposal, comments=[comment], assets=assets)
        told.clock.wait(days=9)
        with pytest.raises(WindowOpen):
            told.tell("finalise_proposal", proposal=proposal)
        told.clock.wait(days=1)
        told.tell("finalise_proposal", proposal=proposal)


def test_what_changed_names_its_own_cause(database: str) -> None:
    """… the comment about this payee, and the waiver whose effect it is."""
    with bank(database) as told:
        ana, ben, eva = told.people("ana", "ben", "eva")
        pool = told.pool()
        proposal = told.propose(pool, {ana: "1/2", ben: "1/4", eva: "1/4"})
        said: dict[str, Any] = {"proposal": proposal, "kind": "other"}
        comments = [
            told.tell("comment_on_proposal", text=text, about=about, **said).id
            for text, about in (("less for ana", ana), ("more for ben", ben))
        ]
        assets = [asset("all of it", {ana: "1/4", ben: "1/2", eva: "1/4"})]
        told.tell("revise_proposal", proposal=proposal, comments=comments, assets=assets)
        told.clock.wait(days=14)
        told.tell("finalise_proposal", proposal=proposal)
        told.tell("waive_share", proposal=proposal, contributor=eva, scope="all of it")
        with told.view() as view:
            lines = {
                line["payee"]["id"]: line
                for line in pools.diff(view, told.journal, proposal, actor="operator")["lines"]
            }
        texts = {
            payee: [one["text"] for one in line["causes"][0]["comments"] if one["concerns"]]
            for payee, line in lines.items()
            if line["causes"]
        }
        assert texts == {ana: ["less for ana"], ben: ["more for ben"]}
        assert lines[ana]["by_waivers"] == "1/12"
        assert [each["payee"]["id"] for each in lines[eva]["waivers"]] == [eva]


def test_who_has_no_share_is_not_asked_to_accept_it(database: str) -> None:
    """Ben sold his to Ana; there is nothing for him to answer, and nothing is held for it."""
    with bank(database) as told:
        ana, ben = told.people("ana", "ben")
        proposal = told.agree(told.pool(), {ana: "1", ben: "0"})
        assert [one.payee for one in told.since(0, "share.offered")] == [ana]
        with pytest.raises(NoShare):
            told.accept(proposal, ben)


def test_of_several_accounts_with_a_share_the_one_answers_that_acts_or_is_named(
    database: str,
) -> None:
    with bank(database) as told:
        ana, older, old = told.people("ana", "older", "old")
        shares = {older: "1/2", old: "1/2"}
        acting, named = (told.agree(told.pool(pool), shares) for pool in ("one", "two"))
        for each in (older, old):
            told.tell("merge_contributor", id=each, into=ana)
        answers = [({"proposal": acting}, each, each) for each in (older, old)]
        answers += [({"proposal": named, "contributor": each}, ana, each) for each in (old, older)]
        for said, acts, payee in answers:
            told.tell("accept_share", **said, actor=acts)
            assert told.since(0, "share.accepted")[-1].payee == payee


def test_who_signs_that_they_have_no_share_has_nothing_to_accept(database: str) -> None:
    with bank(database) as told:
        ana, ben, cleo = told.people("ana", "ben", "cleo")
        said = {"pool": told.pool(), "agreed_on": "2026-01", "document": "split sheet"}
        said["assets"] = [asset("all of it", {ana: "1", ben: "0"})]
        told.tell("record_agreement", consents=[ana, ben], **said)
        assert [one.payee for one in told.since(0, "share.accepted")] == [ana]
        with pytest.raises(NoShare):
            told.tell("record_agreement", consents=[cleo], **said)
