"""A dispute is opened, answered and ended by the same rules about an edge and about a credit."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clocks import SetClock
from stories import NOON, Story, at_once, carry_out, id_of, story

from domain.dispute import GROUNDS, OUTCOMES
from domain.engine import Overtaken
from domain.moment import instant
from domain.refusal import (
    AlreadyAnswered,
    BadDeadline,
    BadMadeAt,
    BadOutcome,
    NotPermitted,
    NotYet,
    Refusal,
    TooLate,
    UnknownGrounds,
    UnknownRemix,
    WrongState,
)
from projections import around, attribution, disputes, history, notices
from projections.store import View

NOUNS = ("remix", "credit")
PEOPLE = ("poster", "person", "maker", "other")


def community(told: Story) -> None:
    """The poster's song made from the maker's poem, and a credit on it for the person."""
    for name in PEOPLE:
        told.person(name)
    poem = told.piece("poem", actor=id_of("maker"))
    song = told.piece("song", actor=id_of("poster"))
    told.edge(song, poem, id=id_of("remix"), actor=id_of("poster"))
    told.piece("made of it", song, actor=id_of("other"))  # so that disputes of it concern them
    told.credit(song, id_of("person"), id=id_of("credit"), actor=id_of("poster"))


@pytest.fixture
def days() -> SetClock:
    return SetClock()


@pytest.fixture
def told(tmp_path: Path, days: SetClock) -> Iterator[Story]:
    with story(f"sqlite:///{tmp_path / 'stemma.db'}", clock=days) as told:
        community(told)
        yield told


def tell(told: Story, noun: str, verb: str, by: str = "operator", **said: Any) -> int:
    """One step of a dispute about the noun; what it does not say is the same every time."""
    usual = {"dispute": {"grounds": "other", "evidence": "e"}}.get(verb, {})
    actor = by if by == "operator" else id_of(by)
    said = {"reason": "r", **usual, **said}
    return told.tell(f"{verb}_{noun}", id=id_of(noun), actor=actor, **said).position


def refused(told: Story, why: type[Refusal], noun: str, verb: str, **said: Any) -> Refusal:
    before = told.head()
    with pytest.raises(why) as found:
        tell(told, noun, verb, **said)
    assert told.head() == before
    return found.value


def state(told: Story, noun: str) -> str:
    with told.view() as view:
        read = around.remix if noun == "remix" else attribution.credit
        return str(read(view, id_of(noun))["state"])


BEFORE = {"remix": "declared", "credit": "granted"}
GONE = {"remix": "struck", "credit": "revoked"}


# -- opening ---------------------------------------------------------------------------------


@pytest.mark.parametrize("noun", NOUNS)
@pytest.mark.parametrize("grounds", GROUNDS)
def test_a_dispute_is_opened_on_one_of_these_grounds(noun: str, grounds: str, told: Story) -> None:
    tell(told, noun, "dispute", by="other", grounds=grounds, evidence="e")
    assert state(told, noun) == "disputed"
    assert told.topics()[-1] == f"{noun}.disputed"
    assert vars(told.facts()[-1].fact())["grounds"] == grounds


@pytest.mark.parametrize("noun", NOUNS)
def test_grounds_that_are_not_documented_are_refused(noun: str, told: Story) -> None:
    refused(told, UnknownGrounds, noun, "dispute", grounds="spite")


@pytest.mark.parametrize("noun", NOUNS)
def test_what_is_disputed_is_not_disputed_again_nor_undone_past_the_dispute(
    noun: str, told: Story
) -> None:
    tell(told, noun, "dispute", by="other")
    refused(told, WrongState, noun, "dispute", by="maker", reason="another")
    refused(told, WrongState, noun, "strike" if noun == "remix" else "revoke")


@pytest.mark.parametrize("noun", NOUNS)
@pytest.mark.parametrize(
    "answer_by, deadline",
    [
        (None, NOON + timedelta(days=30)),
        ("2026-06-08T12:00Z", NOON + timedelta(days=7)),
        ("2026-06-08", datetime.fromisoformat("2026-06-08T23:59:59.999999Z")),
        ("2026-07", datetime.fromisoformat("2026-07-31T23:59:59.999999Z")),
        ("2026-11-28T12:00Z", NOON + timedelta(days=180)),
        ("2026-11-28", NOON + timedelta(days=180)),
        ("2026-06-08T11:59Z", BadDeadline),
        ("2026-06-07", BadDeadline),
        ("2026-11-29", BadDeadline),
        ("soon", BadMadeAt),
    ],
)
def test_the_other_side_has_from_7_to_180_days(
    noun: str, answer_by: str | None, deadline: Any, told: Story
) -> None:
    if isinstance(deadline, datetime):
        tell(told, noun, "dispute", answer_by=answer_by)
        assert vars(told.facts()[-1].fact())["deadline"] == instant(deadline)
    else:
        refused(told, deadline, noun, "dispute", answer_by=answer_by)


@pytest.mark.parametrize("noun", NOUNS)
def test_a_dispute_said_again_later_is_the_same_dispute(
    noun: str, told: Story, days: SetClock
) -> None:
    """Also its deadline, which followed from the moment it was opened."""
    first = tell(told, noun, "dispute", by="other")
    days.go_on(2)
    assert tell(told, noun, "dispute", by="other") == first


# -- answering -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "noun, by, may",
    [
        ("remix", "poster", True),
        ("remix", "maker", True),
        ("remix", "person", False),
        ("credit", "poster", True),
        ("credit", "person", True),
        ("credit", "maker", False),
    ],
)
def test_the_other_side_may_answer_and_nobody_else(
    noun: str, by: str, may: bool, told: Story
) -> None:
    tell(told, noun, "dispute", by="other")
    refused(told, NotPermitted, noun, "answer", by="other")
    if may:
        tell(told, noun, "answer", by=by, evidence="e")
        assert told.topics()[-1] == f"{noun}.answered"
        assert state(told, noun) == "disputed"
    else:
        refused(told, NotPermitted, noun, "answer", by=by)


@pytest.mark.parametrize("end", ["child", "parent"])
def test_whoever_a_piece_was_posted_with_may_answer_about_its_edges(end: str, told: Story) -> None:
    author, latecomer = told.person("author"), told.person("latecomer")
    crew = [id_of("person"), author]
    ends = [told.piece(name, by=crew * (name == end)) for name in ("parent", "child")]
    edge = told.edge(ends[1], ends[0])
    told.credit(ends[0], latecomer)
    told.credit(ends[1], id_of("other"))
    told.tell(
        "dispute_remix", id=edge, grounds="other", reason="r", evidence="e", actor=id_of("other")
    )
    with pytest.raises(NotPermitted):
        told.tell("answer_remix", id=edge, reason="r", actor=latecomer)
    told.tell("answer_remix", id=edge, reason="r", actor=author)


@pytest.mark.parametrize("noun", NOUNS)
def test_nobody_answers_their_own_dispute(noun: str, told: Story) -> None:
    """Not from another account of theirs either."""
    tell(told, noun, "dispute", by="other")
    told.tell("merge_contributor", id=id_of("other"), into=id_of("poster"))
    refused(told, NotPermitted, noun, "answer", by="poster")


@pytest.mark.parametrize("noun", NOUNS)
def test_a_dispute_is_answered_once_and_in_time(noun: str, told: Story, days: SetClock) -> None:
    refused(told, WrongState, noun, "answer")
    tell(told, noun, "dispute", by="other", answer_by="2026-06-10")
    days.go_on(8)
    first = tell(told, noun, "answer", by="poster")
    assert tell(told, noun, "answer", by="poster") == first
    refused(told, AlreadyAnswered, noun, "answer", by="poster", reason="more")
    tell(told, noun, "settle", outcome="dismissed")
    tell(told, noun, "dispute", by="other", grounds="wrong_role")
    days.go_on(30)
    late = refused(told, TooLate, noun, "answer", by="poster")
    assert late.details["deadline"] == instant(days.now)


# -- ending ----------------------------------------------------------------------------------


@pytest.mark.parametrize("noun", NOUNS)
@pytest.mark.parametrize(
    "outcome, by, stands",
    [
        ("upheld", "operator", False),
        ("dismissed", "operator", True),
        ("corrected", "operator", True),
        ("withdrawn", "other", True),
        ("expired", "person", True),
    ],
)
def test_a_dispute_ends_in_one_of_five_ways_and_says_how_and_by_whom(
    noun: str, outcome: str, by: str, stands: bool, told: Story, days: SetClock
) -> None:
    tell(told, noun, "dispute", by="other")
    days.go_on(30)
    position = tell(told, noun, "settle", by=by, outcome=outcome, reason="because")
    assert state(told, noun) == (BEFORE if stands else GONE)[noun]
    assert tell(told, noun, "settle", by=by, outcome=outcome, reason="because") == position
    refused(told, WrongState, noun, "settle", outcome="dismissed", reason="once more")
    with told.view() as view:
        last = history.of_work(view, told.journal, id_of("song"), actor="operator").items[-1]
        assert (last["topic"], last["reason"]) == (f"{noun}.settled", "because")
        assert last["content"]["outcome"] == outcome
        assert last["actor"] == (by if by == "operator" else id_of(by))


def test_every_outcome_is_tried_above() -> None:
    assert set(OUTCOMES) == {"upheld", "dismissed", "corrected", "withdrawn", "expired"}


@pytest.mark.parametrize(
    "noun, outcome, may",
    [
        ("remix", "upheld", set()),
        ("credit", "upheld", {"poster"}),  # who may revoke it anyway
        ("remix", "dismissed", set()),
        ("credit", "dismissed", set()),
        ("remix", "corrected", set()),
        ("credit", "corrected", set()),
        ("remix", "withdrawn", {"other"}),
        ("credit", "withdrawn", {"other"}),
        ("remix", "expired", set(PEOPLE)),
        ("credit", "expired", set(PEOPLE)),
    ],
)
@pytest.mark.parametrize("by", PEOPLE)
def test_who_may_end_a_dispute_and_how(
    noun: str, outcome: str, may: set[str], by: str, told: Story, days: SetClock
) -> None:
    tell(told, noun, "dispute", by="other")
    days.go_on(40)
    if by in may:
        tell(told, noun, "settle", by=by, outcome=outcome)
    else:
        refused(told, NotPermitted, noun, "settle", by=by, outcome=outcome)


@pytest.mark.parametrize("noun", NOUNS)
def test_a_dispute_expires_only_after_its_deadline_and_unanswered(
    noun: str, told: Story, days: SetClock
) -> None:
    tell(told, noun, "dispute", by="other")
    days.go_on(29.99)
    refused(told, NotYet, noun, "settle", by="person", outcome="expired")
    tell(told, noun, "answer", by="poster")
    days.go_on(1)
    refused(told, AlreadyAnswered, noun, "settle", by="person", outcome="expired")
    tell(told, noun, "settle", outcome="dismissed")


def another(told: Story, noun: str) -> str:
    """A second edge or credit of the song, which could replace the first."""
    other = id_of("another")
    if noun == "remix":
        told.edge(id_of("song"), id_of("poem"), "quotation", id=other)
    else:
        told.credit(id_of("song"), id_of("other"), id=other)
    return other


@pytest.mark.parametrize("noun", NOUNS)
def test_a_correction_names_what_replaces_it(noun: str, told: Story) -> None:
    other = another(told, noun)
    tell(told, noun, "dispute", by="other")
    refused(told, BadOutcome, noun, "settle", outcome="won")
    refused(told, BadOutcome, noun, "settle", outcome="upheld", replaced_by=other)
    refused(told, BadOutcome, noun, "settle", outcome="corrected", replaced_by=id_of(noun))
    if noun == "remix":
        credit = id_of("credit")
        refused(told, UnknownRemix, noun, "settle", outcome="corrected", replaced_by=credit)
    tell(told, noun, "settle", outcome="corrected", replaced_by=other)
    assert state(told, noun) == GONE[noun]


@pytest.mark.parametrize("noun", NOUNS)
def test_what_is_only_claimed_or_no_longer_counts_replaces_nothing(noun: str, told: Story) -> None:
    """A claim of somebody else replaces it once it was accepted, and not after it is gone."""
    claim = id_of("claim")
    if noun == "remix":
        told.edge(id_of("song"), id_of("poem"), "quotation", id=claim, actor=id_of("maker"))
    else:
        told.credit(id_of("song"), id_of("other"), id=claim, actor=id_of("other"))
    tell(told, noun, "dispute", by="other")
    correction = {"outcome": "corrected", "replaced_by": claim}
    refused(told, BadOutcome, noun, "settle", **correction)
    told.tell(f"decline_{noun}", id=claim)
    refused(told, BadOutcome, noun, "settle", **correction)
    told.tell(f"accept_{noun}", id=claim)
    tell(told, noun, "settle", **correction)
    assert state(told, noun) == GONE[noun]


@pytest.mark.parametrize("noun, end", [("remix", "strike_remix"), ("credit", "revoke_credit")])
def test_what_ends_meanwhile_replaces_nothing(noun: str, end: str, told: Story) -> None:
    other = another(told, noun)
    tell(told, noun, "dispute", by="other")
    correction = {"outcome": "corrected", "replaced_by": other, "reason": "r"}
    draft = told.journal.draft()
    carry_out(draft, f"settle_{noun}", id=id_of(noun), **correction)
    told.tell(end, id=other, reason="r")
    with pytest.raises(Overtaken):
        told.journal.commit(draft)


def test_a_credit_stands_again_as_it_stood_before(told: Story) -> None:
    told.tell("accept_credit", id=id_of("credit"))
    tell(told, "credit", "dispute")
    tell(told, "credit", "settle", outcome="dismissed")
    assert state(told, "credit") == "accepted"


@pytest.mark.parametrize("noun", NOUNS)
def test_of_two_ends_at_once_one_is_recorded(noun: str, database: str, days: SetClock) -> None:
    with story(database, clock=days) as told:
        community(told)
        tell(told, noun, "dispute", by="other")
        ends = at_once(
            lambda: tell(told, noun, "settle", outcome="upheld"),
            lambda: tell(told, noun, "settle", by="other", outcome="withdrawn"),
        )
        assert {type(end) for end in ends} == {int, WrongState}
        assert told.topics().count(f"{noun}.settled") == 1


# -- notices ---------------------------------------------------------------------------------


def noticed(told: Story, view: View, name: str, **page: Any) -> list[str]:
    items = notices.of_contributor(view, told.journal, id_of(name), actor=id_of(name), **page).items
    return [item["topic"] for item in items]


ALL = ["disputed", "answered", "settled"]


def test_everybody_it_concerns_is_told(database: str, days: SetClock) -> None:
    with story(database, clock=days) as told:
        community(told)
        for noun in NOUNS:
            tell(told, noun, "dispute", by="other")
            tell(told, noun, "answer", by="poster")
            tell(told, noun, "settle", outcome="dismissed")
        on_edge = [f"remix.{verb}" for verb in ALL]
        on_credit = [f"credit.{verb}" for verb in ALL]
        with told.view() as view:
            assert noticed(told, view, "poster") == on_edge + on_credit
            assert noticed(told, view, "person") == on_edge + on_credit
            assert noticed(told, view, "maker") == on_edge
            # Whoever opened it is told what became of it.
            assert noticed(told, view, "other") == on_edge[1:] + on_credit[1:]


def test_what_was_told_stays_told_and_nothing_is_told_late(database: str, days: SetClock) -> None:
    with story(database, clock=days) as told:
        community(told)
        tell(told, "remix", "dispute", by="other")
        then = told.head()
        tell(told, "remix", "settle", outcome="upheld")
        told.tell("revoke_credit", id=id_of("credit"))
        late = told.person("late")
        told.credit(id_of("song"), late)
        told.tell("merge_contributor", id=id_of("person"), into=id_of("maker"))
        with told.view() as view:
            assert noticed(told, view, "late") == []
            assert noticed(told, view, "maker") == ["remix.disputed", "remix.settled"]
            assert noticed(told, view, "person") == ["remix.disputed", "remix.settled"]
        with told.view(as_of=then) as view:
            assert noticed(told, view, "person") == ["remix.disputed"]


def test_notices_come_in_pages_that_fit_together(told: Story) -> None:
    for grounds in ("other", "not_derived", "no_permission"):
        tell(told, "remix", "dispute", by="other", grounds=grounds)
        tell(told, "remix", "settle", outcome="dismissed")
    with told.view() as view:
        found, cursor = list[int](), None
        while True:
            page = notices.of_contributor(
                view, told.journal, id_of("maker"), actor="operator", after=cursor, limit=2
            )
            found += [item["position"] for item in page.items]
            cursor = page.next
            if cursor is None:
                break
    assert found == sorted(found)
    assert len(found) == 6


def test_notices_are_for_the_person_and_the_operator_only(told: Story) -> None:
    told.tell("merge_contributor", id=id_of("other"), into=id_of("poster"))
    with told.view() as view:
        for actor in ("operator", id_of("poster"), id_of("other")):
            notices.of_contributor(view, told.journal, id_of("poster"), actor=actor)
        with pytest.raises(NotPermitted):
            notices.of_contributor(view, told.journal, id_of("poster"), actor=id_of("person"))


# -- what is shown ---------------------------------------------------------------------------


def shown(told: Story, noun: str, as_of: int | None = None) -> Any:
    """The dispute that is open about the noun, as an answer tells it."""
    with told.view(as_of) as view:
        if noun == "remix":
            return disputes.remix(view, told.journal, id_of(noun))["dispute"]
        return disputes.credit(view, told.journal, id_of(noun))["dispute"]


UNPROVEN = {"evidence_kind": None, "evidence_sha256": None}


def test_an_open_dispute_is_shown_with_its_deadline_and_its_answer(
    database: str, days: SetClock
) -> None:
    with story(database, clock=days) as told:
        community(told)
        for noun in NOUNS:
            assert shown(told, noun) is None
            former = tell(told, noun, "dispute", by="maker", grounds="wrong_role")
            tell(told, noun, "answer", by="poster")
            tell(told, noun, "settle", outcome="dismissed")
            assert shown(told, noun) is None
            opened = tell(told, noun, "dispute", by="other", grounds="not_theirs", evidence="e")
            side = {"actor": id_of("other"), "at": instant(NOON), "position": opened}
            open = {
                **{"grounds": "not_theirs", "reason": "r", "evidence": "e", **side, **UNPROVEN},
                **{"deadline": instant(NOON + timedelta(days=30)), "answer": None},
            }
            assert shown(told, noun) == open
            answered = tell(told, noun, "answer", by="poster", reason="no")
            side = {"actor": id_of("poster"), "at": instant(NOON), "position": answered}
            open["answer"] = {"reason": "no", "evidence": None, **side, **UNPROVEN}
            assert shown(told, noun) == open
            tell(told, noun, "settle", outcome="dismissed")
            assert shown(told, noun) is None
            assert shown(told, noun, as_of=answered) == open
            assert shown(told, noun, as_of=former)["grounds"] == "wrong_role"
        told.tell("forget_contributor", id=id_of("other"), ground="request")
        assert shown(told, "credit", as_of=answered) == {**open, "reason": None, "evidence": None}


def test_a_process_that_has_not_seen_the_disputer_folds_the_end_of_the_dispute(
    database: str,
) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        song = told.piece("song", by=[ana], actor=ana)
        credit = told.credit(song, ben, actor=ana)
        said = {"id": credit, "reason": "no", "evidence": "the take"}
        told.tell("dispute_credit", grounds="wrong_role", actor=ana, **said)
        told.service.follower.catch_up()
    with story(database) as told:
        told.tell("settle_credit", id=credit, outcome="dismissed", reason="yes")
        told.service.follower.catch_up()
        with told.view() as view:
            assert attribution.credit(view, credit)["state"] == "granted"
