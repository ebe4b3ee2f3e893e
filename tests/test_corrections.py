"""Corrections of works and credits: from now on in every answer, never in those about the past."""

from pathlib import Path
from typing import Any

import pytest
from serving import serving
from stories import OPERATOR, Story, id_of, story

from domain.outside import outside_id
from domain.refusal import Refusal
from projections import around, attribution, lineage, listing
from projections.corrections import CORRECTING
from projections.roll import roll

GAME = "urn:example:game:1"


def shown(told: Story, work: str, as_of: int | None = None) -> Any:
    with told.view(as_of=as_of) as view:
        return attribution.work(view, work)


def cited(told: Story, name: str, **said: Any) -> str:
    source = {"uri": GAME, "kind": "arrangement", **said}
    return told.tell(
        "submit_contribution", title=name, medium="audio", id=id_of(name), sources=[source]
    ).id


# -- works -----------------------------------------------------------------------------------


def test_a_correction_holds_from_now_on_and_never_for_the_past(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        song = told.piece("Low Tied", actor=ana)
        before = told.head()
        said = {"title": "Low Tide", "medium": "audio", "licence": "CC-BY-4.0"}
        told.tell("describe_work", id=song, reason="a typing error", actor=ana, **said)
        now, then = shown(told, song), shown(told, song, before)
        assert {name: now[name] for name in said} == said
        assert (then["title"], then["medium"], then["licence"]) == ("Low Tied", "text", None)
        with told.view() as view:
            assert [one["id"] for one in listing.works(view, q="low tide").items] == [song]
            assert listing.works(view, q="low tied").items == []
            assert [one["id"] for one in listing.works(view, medium="audio").items] == [song]
        with told.view(as_of=before) as view:
            assert [one["id"] for one in listing.works(view, q="low tied").items] == [song]


def test_a_release_as_published_keeps_its_title(database: str) -> None:
    with story(database) as told:
        album = told.release("Tieds", told.piece("song"))
        told.tell("publish_release", id=album)
        told.tell("describe_work", id=album, title="Tides", reason="r")
        with told.view() as view:
            assert around.work(view, album)["title"] == "Tides"
            assert around.work(lineage.as_published(view, album), album)["title"] == "Tieds"


def test_only_what_is_given_changes() -> None:
    with story("sqlite:///:memory:") as told:
        song = told.piece("song")
        told.tell("describe_work", id=song, licence="CC0-1.0", reason="r")
        assert (shown(told, song)["title"], shown(told, song)["medium"]) == ("song", "text")


@pytest.mark.parametrize(
    "said, code",
    [
        ({"title": "t"}, "reason_missing"),
        ({"reason": "r"}, "nothing_stated"),
        ({"title": "\u200b", "reason": "r"}, "bad_text"),
        ({"title": "t", "reason": "r", "actor": id_of("Ben")}, "not_permitted"),
    ],
)
def test_a_correction_says_what_and_why(said: dict[str, str], code: str) -> None:
    with story("sqlite:///:memory:") as told:
        song = told.piece("song", actor=told.person("Ana"))
        told.person("Ben")
        with pytest.raises(Refusal) as refused:
            told.tell("describe_work", id=song, **said)
        assert refused.value.code == code


def test_every_title_of_a_withdrawn_piece_is_erased(database: str) -> None:
    with story(database) as told:
        song = told.piece("first title")
        told.tell("describe_work", id=song, title="second title", reason="r")
        told.tell("withdraw_contribution", id=song, reason="r")
        with pytest.raises(Refusal):
            told.tell("describe_work", id=song, title="third", reason="r")
        for position in range(1, told.head() + 1):
            assert shown(told, song, position)["title"] is None
        rows = told.journal.engine.query("SELECT value FROM vault WHERE name = 'title'")
        assert rows == []


def test_a_title_corrected_by_others_is_erased_with_its_owner(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        song = told.piece("first", actor=ana)
        told.tell("describe_work", id=song, title="second", reason="r")
        told.tell("forget_contributor", id=ana, ground="request")
        assert [shown(told, song, at)["title"] for at in (None, told.head() - 1)] == [None, None]


# -- outside sources -------------------------------------------------------------------------


def test_who_cites_a_source_first_may_say_what_it_is(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        said = {"title": "Final Quest VII", "creators": "N. Ümatsu", "licence": "proprietary"}
        one = cited(told, "one", **said)
        cited(told, "two", title="Something else")
        outside = outside_id(GAME)
        found = shown(told, outside)
        assert {name: found[name] for name in said} == said
        with pytest.raises(Refusal):
            told.tell("describe_work", id=outside, title="Mine", actor=ana)
        for q, ids in (("quest vii", [outside]), ("umatsu", [outside])):
            with told.view() as view:
                assert [one["id"] for one in listing.works(view, q=q).items] == ids
        with told.view() as view:
            found = listing.works(view, q="FINAL QUEST VII").items
            assert {each["id"] for each in found} == {outside, one, id_of("two")}
        told.tell("describe_work", id=outside, title="Final Quest 7")
        assert shown(told, outside)["title"] == "Final Quest 7"
        assert shown(told, outside)["creators"] == "N. Ümatsu"


def test_one_that_was_cited_without_a_title_gets_one_later() -> None:
    with story("sqlite:///:memory:") as told:
        cited(told, "one")
        cited(told, "two", title="The Game")
        assert shown(told, outside_id(GAME))["title"] == "The Game"


# -- credits ---------------------------------------------------------------------------------


def test_a_name_on_a_credit_is_corrected_from_now_on(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        song = told.piece("song", by=[ana, told.person("Ben")])
        release = told.release("album", song)
        (credit, other) = (one["id"] for one in shown(told, song)["credits"])
        before = told.head()
        said = {"credited_as": "A. Tide", "display": "words", "character": "Sea", "billing": 2}
        said |= {"ai": ["lyrics partly"], "ai_tool": "a pen"}
        told.tell("correct_credit", id=credit, reason="r", actor=ana, **said)
        found = {one["id"]: one for one in shown(told, song)["credits"]}
        assert list(found) == [other, credit]
        assert {name: found[credit][name] for name in said} == said
        then = shown(told, song, before)["credits"]
        assert [one["id"] for one in then] == [credit, other]
        assert then[0]["credited_as"] is then[0]["ai"] is None
        with told.view() as view:
            assert "A. Tide" in [one["credited_as"] for one in roll(view, release).people]
            assert [one["id"] for one in listing.works(view, q="a. tide").items] == [song]
            assert [one["id"] for one in listing.works(view, ai="lyrics").items] == [song]
        with pytest.raises(Refusal) as refused:
            told.tell("correct_credit", id=credit, reason="r")
        assert refused.value.code == "nothing_stated"
        with pytest.raises(Refusal) as refused:
            told.tell("correct_credit", id=other, reason="r", credited_as="x", actor=ana)
        assert refused.value.code == "not_permitted"
        told.tell("correct_credit", id=other, reason="r", credited_as="B.", actor=OPERATOR)


def test_pages_and_histories_show_corrections(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:
        song = served.post_piece("Low Tied")
        told = served.operator.post(f"/works/{song}/describe", title="Low <Tide>", reason="typo")
        assert told.status in (200, 201)
        page = served.operator.get(f"/piece/{song}").text
        assert "Low &lt;Tide&gt;" in page
        assert "title “Low &lt;Tide&gt;”" in page
        fact = served.operator.get(f"/works/{song}/history").items[-1]
        assert (fact["content"]["title"], fact["reason"]) == ("Low <Tide>", "typo")
        assert "Correct" in served.operator.get("/do/credit.correct").text
        assert {"revenue.reversed", "entry.reversed", "expense.reversed"} < {*CORRECTING}
