"""Joins and money: what comes back after a join was undone, and a join that is signed."""

import json

import pytest
from money import Bank, asset, bank
from stories import OPERATOR, id_of

from domain.money.payee import Payee
from domain.note import SignerKey
from domain.outside import outside_id
from domain.refusal import CannotJoin
from domain.registry import BY_OPERATION
from domain.signature import sign_command
from domain.stated import must_say
from domain.tree import NotVerified

HERE = "https://example.org/here"
OUTSIDE = outside_id(HERE)


def film_of_a_source(told: Bank) -> tuple[str, str, str]:
    """A pool of a film in which half goes to a source that nobody claimed; and a piece of Ana's."""
    ana, ben = told.people("ana", "ben")
    cited = [{"uri": HERE, "kind": "sample"}]
    film = told.tell("submit_contribution", title="film", medium="text", sources=cited).id
    pool = told.pool(release=told.release("show", film))
    waiting = str(Payee("work", OUTSIDE))
    agreed = told.agree(pool, [asset("all of it", {ben: "1", waiting: "1"})])
    told.accept(agreed, ben)
    song = told.piece("song", by=[ana], actor=ana)
    return pool, agreed, song


@pytest.mark.parametrize("when", ["before", "after"])
def test_money_that_comes_back_after_a_join_was_undone_is_taken_from_who_had_it(
    when: str, database: str
) -> None:
    with bank(database) as told:
        pool, agreed, song = film_of_a_source(told)
        ana, ben = id_of("ana"), id_of("ben")
        revenue = told.earn(pool, 1000)
        join = told.tell("join_works", work=OUTSIDE, into=song).id
        told.tell("accept_share", proposal=agreed, work=OUTSIDE, actor=ana)
        if when == "before":
            told.tell("undo_join", id=join, reason="another recording")
        assert told.pay() == {ana: 500, ben: 500}
        paid = told.payouts()
        if when == "after":
            told.tell("undo_join", id=join, reason="another recording")
        # One payout comes back, and then all of the revenue.
        told.tell("return_payout", id=paid[ana], reason="wrong account")
        assert sum(told.account().values()) == 0
        told.tell("claim_payout", id=paid[ana], actor=ana)
        assert sum(told.account().values()) == 500
        told.reverse(revenue)
        assert sum(told.account().values()) == -500
        told.earn(pool, 2000)
        told.clock.wait(days=1)
        assert sum(told.account().values()) == 1500
        assert told.pay() == {ana: 1000, ben: 500}
        joined = told.tell("join_works", work=OUTSIDE, into=song, reason="after all").id
        told.earn(pool, 100)
        assert told.pay() == {ana: 50, ben: 50}
        told.tell("undo_join", id=joined, reason="no")


@pytest.mark.parametrize("agreed_by", ["one poster of both", "the poster of the other"])
def test_a_signed_join_covers_the_shares_that_it_offers(agreed_by: str, database: str) -> None:
    with bank(database) as told:
        ana, ben = told.people("ana", "ben")
        key = SignerKey(ana, bytes(32))
        told.tell("register_key", id=ana, key=str(key.verifier), actor=ana)
        song = told.piece("song", by=[ana], actor=ana)
        other = told.piece("other", actor=ana if agreed_by == "one poster of both" else ben)
        pool = told.pool(release=told.release("show", other))
        agreed = told.agree(pool, [asset(other, {str(Payee("work", other)): "1"})])
        said = {"work": other, "into": song, "id": id_of("join")}
        command = "join_works"
        if agreed_by != "one poster of both":
            told.tell(command, **said, actor=ben)
            command, said = "accept_join", {"id": id_of("join")}
        signing = sign_command(key, command, said, log=told.journal.log_name)
        before = told.head()
        told.journal.record(BY_OPERATION[command].of(said), by=ana, signing=signing)
        facts = [one for one in told.facts() if one.position > before]
        assert [one.topic.partition(".")[0] for one in facts] == ["join", "share"]
        for placed in facts:
            fact = {"actor": ana, **json.loads(placed.state)}
            where = placed.topic, placed.originator_id, placed.originator_version
            must_say(signing.message, fact, *where)
            with pytest.raises(NotVerified):
                must_say(signing.message, fact | {"actor": ben}, *where)
        told.tell("accept_share", proposal=agreed, work=other, actor=ana)
        told.earn(pool, 100)
        assert told.pay() == {ana: 100}
        told.tell("undo_join", id=id_of("join"), reason="no", actor=ana)


def test_two_releases_stay_two_however_they_are_brought_together(database: str) -> None:
    """Each has a publication and pools of its own: it is said by name, and nothing is recorded."""
    with bank(database) as told:
        ana, ben = told.people("ana", "ben")
        one, two = (
            told.release(name, told.piece(f"{name}'s piece"), actor=by)
            for name, by in (("one", ana), ("two", ben))
        )
        piece = told.piece("piece", actor=ana)
        for actor in (OPERATOR, ana):
            with pytest.raises(CannotJoin, match="both are releases"):
                told.tell("join_works", work=one, into=two, actor=actor)
        claimed = told.tell("join_works", work=piece, into=two, actor=ana).id
        first = told.tell("join_works", work=piece, into=one, actor=ana).id
        head = told.head()
        with pytest.raises(CannotJoin, match="both are releases"):
            told.tell("accept_join", id=claimed, actor=ben)
        with pytest.raises(CannotJoin, match="both are releases"):
            told.tell("join_works", work=piece, into=two)
        assert told.head() == head
        told.tell("undo_join", id=first, reason="the other one", actor=ana)
        told.tell("accept_join", id=claimed, actor=ben)
