"""What happened in a challenge: its issuer is notified of answers, and who was featured of that."""

from collections.abc import Iterator

import pytest
from money import Bank, bank

from projections import happenings


def happened(told: Bank, person: str, kind: str | None = "projects") -> list[str]:
    """The topics of what happened to somebody, the first first."""
    with told.view() as view:
        page = happenings.of_contributor(view, told.journal, person, actor=person, kind=kind)
    return [one["topic"] for one in page.items][::-1]


@pytest.fixture
def told(database: str) -> Iterator[Bank]:
    with bank(database) as told:
        yield told


def test_who_issued_a_challenge_is_told_of_each_answer_by_others(told: Bank) -> None:
    ana, ben, eva = told.people("ana", "ben", "eva")
    asked = {"title": "The keeper", "prompt": "Draw him."}
    challenge = told.tell("issue_challenge", **asked, actor=ana).id
    told.tell("issue_challenge", **asked, actor=eva)
    own, other = told.piece("own", actor=ana), told.piece("other", by=[eva], actor=ben)
    for piece, poster in ((own, ana), (other, ben)):
        told.tell("answer_challenge", id=challenge, work=piece, actor=poster)
    assert happened(told, ana) == ["answer.given"], "nobody is notified of their own answer"
    assert happened(told, ben) == happened(told, eva) == []
    told.tell("feature_answer", id=challenge, work=other, reason="It is cold.", actor=ana)
    # The issuer is notified of it once, also when it was featured by herself.
    assert happened(told, ana) == ["answer.given"]
    assert happened(told, ben) == happened(told, eva) == ["answer.featured"]
    assert happened(told, ana, kind="used") == []
    assert "answer.given" in happened(told, ana, kind=None)
    told.tell("unfeature_answer", id=challenge, work=other, actor=ana)
    assert happened(told, ben) == ["answer.featured", "answer.unfeatured"]


def test_it_follows_who_issued_it_through_a_merge(told: Bank) -> None:
    ana, twin, ben = told.people("ana", "twin", "ben")
    challenge = told.tell("issue_challenge", title="A", prompt="B", actor=twin).id
    told.tell("answer_challenge", id=challenge, work=told.piece("poem", actor=ben), actor=ben)
    told.tell("merge_contributor", id=twin, into=ana)
    assert happened(told, ana) == ["answer.given"]
