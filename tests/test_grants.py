"""Roles are granted and ended by facts, and let somebody do what the role says and no more."""

from typing import Any

import pytest
from stories import Story, at_once, id_of, story

from domain.grant import grant_id
from domain.permission import OPERATOR
from domain.refusal import BadRole, NotPermitted, Refusal, WrongState
from projections import grants, notices
from projections.grants import roles_of

TERMS = {
    "type": "fixed",
    "shares": [["operator", "1/2"], ["artists", "1/2", {"type": "agreed"}]],
}


class Cast:
    """Ana posts and releases; Ben, Cleo, Dan and Eve are there to be granted roles."""

    def __init__(self, told: Story) -> None:
        self.told = told
        self.ana, self.ben, self.cleo = (told.person(name) for name in ("Ana", "Ben", "Cleo"))
        self.song = told.piece("song", by=[self.ana])
        self.album, self.single = (
            told.release(name, self.song, actor=self.ana) for name in ("album", "single")
        )
        self.pool = self.open_pool("pool", self.album, actor=self.ana)

    def open_pool(self, name: str, release: str, *, actor: str) -> str:
        """A pool of a release, opened by somebody."""
        said = {"name": name, "kind": "song", "currency": "USD", "terms": TERMS}
        return self.told.tell("open_pool", release=release, actor=actor, id=id_of(name), **said).id

    def grant(self, person: str, role: str, **of: str) -> None:
        """The operator grants a role."""
        self.told.tell("grant_role", id=person, role=role, **of)

    def end(self, person: str, role: str, **of: str) -> None:
        """The operator ends it."""
        self.told.tell("end_role", id=person, role=role, **of)

    def may(self, person: str, command: str, **said: Any) -> bool:
        """Whether somebody is permitted to do something, whatever else may refuse it."""
        try:
            self.told.tell(command, actor=person, **said)
        except NotPermitted:
            return False
        except Refusal:
            return True
        return True


def test_a_producer_decides_about_the_stated_release_and_no_other(database: str) -> None:
    with story(database) as told:
        cast = Cast(told)
        cast.grant(cast.ben, "producer", work=cast.album)
        assert not cast.may(cast.ben, "publish_release", id=cast.single)
        assert not cast.may(cast.ben, "redate_work", id=cast.song, made_at="2001", reason="x")
        assert not cast.may(cast.ben, "withdraw_contribution", id=cast.song, reason="x")
        assert cast.may(cast.ben, "publish_release", id=cast.album)
        opened = cast.open_pool("second", cast.album, actor=cast.ben)
        assets = [{"asset": cast.song, "value": "1", "shares": [[cast.ana, "1"]]}]
        draft = told.tell("post_proposal", pool=opened, assets=assets, actor=cast.ben).id
        assert cast.may(cast.ben, "finalise_proposal", proposal=draft)
        assert told.facts()[-1].fact().actor == cast.ben  # who acted, not for whom


def test_a_producer_of_a_pool_proposes_its_shares_and_leaves_the_release_alone(
    database: str,
) -> None:
    with story(database) as told:
        cast = Cast(told)
        cast.grant(cast.ben, "producer", pool=cast.pool)
        other = cast.open_pool("second", cast.album, actor=cast.ana)
        assets = [{"asset": cast.song, "value": "1", "shares": [[cast.ana, "1"]]}]
        assert cast.may(cast.ben, "post_proposal", pool=cast.pool, assets=assets)
        assert not cast.may(cast.ben, "post_proposal", pool=other, assets=assets)
        assert not cast.may(cast.ben, "publish_release", id=cast.album)


def test_a_producer_answers_the_claims_of_others_and_not_their_own(database: str) -> None:
    with story(database) as told:
        cast = Cast(told)
        cast.grant(cast.ben, "producer", work=cast.song)
        claim = {"id": cast.song, "role": "editor"}
        theirs = told.tell("claim_work", contributor=cast.cleo, actor=cast.cleo, **claim).id
        own = told.tell("claim_work", contributor=cast.ben, actor=cast.ben, **claim).id
        granted = told.credit(cast.song, cast.cleo, "host")
        assert cast.may(cast.ben, "accept_credit", id=theirs)
        assert not cast.may(cast.ben, "accept_credit", id=own)
        assert not cast.may(cast.ben, "accept_credit", id=granted)
        assert not cast.may(cast.ben, "decline_credit", id=granted)


def test_an_accountant_keeps_the_books_and_decides_nothing_else(database: str) -> None:
    with story(database) as told:
        cast = Cast(told)
        sold = {"pool": cast.pool, "source": "shop", "amount_minor": 100, "effective_at": "2020"}
        assert not cast.may(cast.ben, "record_revenue", **sold)
        cast.grant(cast.ben, "accountant")
        assert cast.may(cast.ben, "record_revenue", **sold)
        assert cast.may(cast.ben, "issue_payouts", currency="USD")
        assert cast.may(cast.ben, "correct_pool", pool=cast.pool, reason="x")
        assert not cast.may(cast.ben, "publish_release", id=cast.album)
        assert not cast.may(cast.ben, "admit_contributor", name="Dan")
        assert not cast.may(cast.ben, "grant_role", id=cast.cleo, role="accountant")


def test_a_moderator_settles_the_disputes_of_others(database: str) -> None:
    with story(database) as told:
        cast = Cast(told)
        cast.grant(cast.ben, "moderator")
        cast.grant(cast.cleo, "moderator")
        edge = told.edge(cast.song, told.piece("poem", made_at="1990", actor=cast.ben))
        reason = {"reason": "x"}
        said = {"grounds": "other", "evidence": "y", **reason}
        told.tell("dispute_remix", id=edge, actor=cast.ben, **said)
        settle = {"id": edge, "outcome": "upheld", **reason}
        assert not cast.may(cast.ben, "settle_remix", **settle)  # nobody judges their own cause
        assert not cast.may(cast.ana, "settle_remix", **settle)
        assert cast.may(cast.cleo, "settle_remix", **settle)
        assert not cast.may(cast.ben, "merge_contributor", id=cast.ben, into=cast.ana)
        assert not cast.may(cast.ben, "merge_contributor", id=cast.ana, into=cast.ben)
        assert cast.may(cast.ben, "merge_contributor", id=cast.cleo, into=cast.ana)
        assert not cast.may(cast.ben, "forget_contributor", id=cast.ana, ground="request")


def test_an_auditor_writes_nothing_but_about_their_own_account(database: str) -> None:
    with story(database) as told:
        cast = Cast(told)
        cast.grant(cast.ana, "auditor")
        assert not cast.may(cast.ana, "submit_contribution", title="A poem", medium="text")
        assert not cast.may(cast.ana, "publish_release", id=cast.album)  # their own release
        edge = told.edge(cast.song, told.piece("poem", made_at="1990"))
        assert not cast.may(cast.ana, "dispute_remix", id=edge, grounds="other", reason="x")
        assert not cast.may(cast.ana, "merge_contributor", id=cast.ben, into=cast.cleo)
        assert cast.may(cast.ana, "register_key", id=cast.ana, key="x")
        assert cast.may(cast.ana, "forget_contributor", id=cast.ana, ground="request")


def test_a_role_ends_at_once_and_may_be_granted_again(database: str) -> None:
    with story(database) as told:
        cast = Cast(told)
        payouts = {"currency": "USD"}
        for _ in range(2):
            cast.grant(cast.ben, "accountant")
            cast.grant(cast.ben, "accountant")  # a repetition is harmless
            assert cast.may(cast.ben, "issue_payouts", **payouts)
            cast.end(cast.ben, "accountant")
            assert not cast.may(cast.ben, "issue_payouts", **payouts)
        assert [topic for topic in told.topics() if topic.startswith("role.")] == [
            *("role.granted", "role.ended"),
            *("role.granted", "role.ended"),
        ]
        stream = told.journal.facts.streams([grant_id(cast.ben, "accountant")])
        assert [placed.originator_version for placed in stream] == [1, 2, 3, 4]


def test_a_role_follows_the_person_through_a_merge(database: str) -> None:
    with story(database) as told:
        cast = Cast(told)
        cast.grant(cast.ben, "accountant")
        told.tell("merge_contributor", id=cast.ben, into=cast.cleo)
        assert cast.may(cast.cleo, "issue_payouts", currency="USD")
        cast.end(cast.ben, "accountant")
        assert not cast.may(cast.cleo, "issue_payouts", currency="USD")


@pytest.mark.parametrize(
    "role, of",
    [("boss", {}), ("producer", {}), ("producer", {"work", "pool"}), ("auditor", {"work"})],
)
def test_a_role_that_is_none_or_has_the_wrong_scope_is_refused(
    role: str, of: set[str], database: str
) -> None:
    with story(database) as told:
        cast = Cast(told)
        known = {"work": cast.album, "pool": cast.pool}
        said = {name: known[name] for name in of}
        for command in ("grant_role", "end_role"):
            with pytest.raises(BadRole):
                told.tell(command, id=cast.ben, role=role, **said)


def test_a_role_that_was_not_granted_does_not_end(database: str) -> None:
    with story(database) as told:
        cast = Cast(told)
        with pytest.raises(WrongState):
            cast.end(cast.ben, "accountant")


def test_what_is_done_while_a_role_ends_comes_before_its_end_or_is_refused(database: str) -> None:
    with story(database) as told:
        cast = Cast(told)
        for number in range(8):
            cast.grant(cast.ben, "accountant")
            name, sold = id_of(f"sale {number}"), {"source": "shop", "amount_minor": 100}
            at_once(
                lambda: cast.end(cast.ben, "accountant"),
                lambda name=name, sold=sold: told.tell(
                    "record_revenue",
                    pool=cast.pool,
                    effective_at="2020",
                    actor=cast.ben,
                    id=name,
                    **sold,
                ),
            )
        is_accountant = False
        for placed in told.facts():
            happened = placed.fact()
            match happened.TOPIC:
                case "role.granted":
                    is_accountant = True
                case "role.ended":
                    is_accountant = False
                case "revenue.recorded":
                    assert is_accountant


def test_who_acts_in_which_role_is_listed_as_of_any_position(database: str) -> None:
    with story(database) as told:
        cast = Cast(told)
        cast.grant(cast.ben, "producer", pool=cast.pool)
        cast.grant(cast.ben, "accountant")
        cast.grant(cast.cleo, "auditor")
        before = told.head()
        cast.end(cast.ben, "accountant")

        def held(as_of: int | None = None, **asked: Any) -> list[tuple[str | None, str]]:
            with told.view(as_of) as view:
                found = grants.grants(view, told.journal, **asked).items
            return [(one["contributor"]["name"], one["role"]) for one in found]

        assert held() == [("Ben", "producer"), ("Cleo", "auditor")]
        assert held(before) == [("Ben", "producer"), ("Ben", "accountant"), ("Cleo", "auditor")]
        assert held(contributor=cast.ben) == [("Ben", "producer")]
        assert held(role="auditor") == [("Cleo", "auditor")]
        assert held(work=cast.album) == [("Ben", "producer")]
        assert held(work=cast.single) == []
        with told.view() as view:
            first = grants.grants(view, told.journal, limit=1)
            rest = grants.grants(view, told.journal, limit=1, after=first.next)
            (one,) = first.items
        assert one["pool"] == cast.pool
        assert one["work"] is not None
        assert one["work"]["id"] == cast.album
        assert ([each["role"] for each in rest.items], rest.next) == (["auditor"], None)


def test_a_role_is_held_for_what_it_was_granted_and_by_the_merged_person(database: str) -> None:
    with story(database) as told:
        cast = Cast(told)
        cast.grant(cast.ben, "producer", pool=cast.pool)
        cast.grant(cast.ben, "moderator")
        assert set(roles_of(told.journal, cast.ben)) == {"moderator"}
        assert set(roles_of(told.journal, cast.ben, [cast.album])) == {"moderator"}
        assert set(roles_of(told.journal, cast.ben, [cast.pool])) == {"moderator", "producer"}
        assert roles_of(told.journal, OPERATOR) == {}
        told.tell("merge_contributor", id=cast.ben, into=cast.cleo)
        assert set(roles_of(told.journal, cast.cleo)) == {"moderator"}
        cast.end(cast.ben, "moderator")
        assert roles_of(told.journal, cast.cleo) == {}


def test_somebody_is_notified_of_the_roles_they_get_and_lose(database: str) -> None:
    with story(database) as told:
        cast = Cast(told)
        cast.grant(cast.ben, "accountant")
        cast.end(cast.ben, "accountant")
        with told.view() as view:
            said = {"id": cast.ben, "actor": cast.ben}
            found = notices.of_contributor(view, told.journal, **said).items
            with pytest.raises(NotPermitted):
                notices.of_contributor(view, told.journal, id=cast.ben, actor=cast.cleo)
            cast.grant(cast.cleo, "auditor")
            notices.of_contributor(view, told.journal, id=cast.ben, actor=cast.cleo)
        assert [one["topic"] for one in found] == ["role.granted", "role.ended"]
