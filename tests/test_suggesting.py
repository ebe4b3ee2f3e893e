"""Suggestions: people for a challenge and challenges for a person, each for its stated reasons."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commanding import Stemma
from serving import serving
from stories import Story, id_of, story
from test_challenges import answered, issued

from projections import suggesting
from projections.ties import LATEST


@pytest.fixture
def told(database: str) -> Iterator[Story]:
    with story(database) as one:
        yield one


def community(told: Story) -> None:
    """Ana asks for an editor; Ben worked with her, Cleo with Ben, Dora with nobody."""
    ana, ben, cleo, dora = (told.person(name) for name in ("Ana", "Ben", "Cleo", "Dora"))
    told.person("Eve")
    told.piece("Tide", by=[ana])
    told.piece("Duet", id_of("Tide"), by=[ana, ben])
    told.piece("Trio", by=[ben, cleo])
    for number in range(3):
        told.piece(f"Cut {number}", by=[dora], role="animator")
    told.piece("Remix", id_of("Tide"), by=[dora], role="animator")
    told.piece("Cleo's cut", by=[cleo], role="editor")
    told.credit(id_of("Duet"), ben, role="editor")
    told.release("Album", id_of("Duet"))
    told.tell("publish_release", id=id_of("Album"))
    issued(told, ana, "edit", roles=["editor"])


def suggested(told: Story, **asked: Any) -> list[Any]:
    with told.view() as view:
        return suggesting.people_for(view, id_of("edit"), **asked).items


def for_person(told: Story, name: str, **asked: Any) -> list[Any]:
    with told.view() as view:
        return suggesting.challenges_for(view, told.journal, id_of(name), **asked).items


def says(one: Any) -> list[str]:
    return [reason["says"] for reason in one["reasons"]]


def test_the_nearest_come_first_then_who_did_it_most_each_with_the_reasons(told: Story) -> None:
    community(told)
    found = suggested(told)
    assert [(one["contributor"]["name"], one["distance"], one["works"]) for one in found] == [
        ("Ben", 1, 1),
        ("Cleo", 2, 1),
    ]
    ben, cleo = found
    assert ben["finished"] == 1
    assert says(ben) == [
        "This asks for an editor; they were credited as editor on 1 work, 1 of them finished.",
        "Ana and Ben made “Duet” together.",
    ]
    assert says(cleo)[1:] == ["Ben made something with both."]


def test_who_is_not_near_is_found_by_what_they_did(told: Story) -> None:
    community(told)
    issued(told, id_of("Ana"), "cut", roles=["animator"])
    with told.view() as view:
        (dora,) = suggesting.people_for(view, id_of("cut")).items
        assert (dora["contributor"]["name"], dora["distance"], dora["works"]) == ("Dora", None, 4)
        (again,) = suggesting.people(view, id_of("cut"), id_of("Ben"), is_you=True).items
    assert says(again)[-1] == "You and Dora both remixed “Tide”."


def test_who_is_asked_for_in_a_wide_role_is_found_by_any_narrower_one(told: Story) -> None:
    community(told)
    told.piece("Suite", by=[id_of("Eve")], role="cellist")
    for role, found in (("musician", ["Eve"]), ("cellist", ["Eve"]), ("pianist", [])):
        issued(told, id_of("Ana"), role, roles=[role])
        with told.view() as view:
            items = suggesting.people_for(view, id_of(role)).items
        assert [one["contributor"]["name"] for one in items] == found


def test_of_many_works_it_is_said_how_many_of_the_latest_are_finished(told: Story) -> None:
    community(told)
    for number in range(LATEST + 1):
        told.piece(f"Later cut {number}", by=[id_of("Cleo")], role="editor")
    told.release("Second album", id_of("Cleo's cut"), id_of("Later cut 5"))
    told.tell("publish_release", id=id_of("Second album"))
    _, cleo = suggested(told)
    assert (cleo["works"], cleo["finished"]) == (22, 1)
    assert says(cleo)[0].endswith("credited as editor on 22 works, 1 of the latest 20 finished.")


def test_challenges_for_a_person_say_why(told: Story) -> None:
    community(told)
    issued(told, id_of("Ben"), "write", roles=["writer"], media=["text"])
    issued(told, id_of("Dora"), "dance", roles=["dancer"])
    (edit,) = for_person(told, "Ben")
    assert edit["challenge"]["title"] == "edit"
    assert says(edit) == [
        "This asks for an editor; you were credited as editor on 1 work, 1 of them finished.",
        "You and Ana made “Duet” together.",
    ]
    titles = [one["challenge"]["title"] for one in for_person(told, "Cleo")]
    assert titles == ["write", "edit"], "the nearer first, as both were done once"
    assert for_person(told, "Eve") == []


def test_what_was_answered_closed_or_issued_by_oneself_is_not_suggested(told: Story) -> None:
    community(told)
    assert [one["challenge"]["title"] for one in for_person(told, "Cleo")] == ["edit"]
    assert for_person(told, "Ana") == []
    answered(told, id_of("edit"), "an edit", id_of("Cleo"))
    assert for_person(told, "Cleo") == []
    assert "Cleo" not in [one["contributor"]["name"] for one in suggested(told)]
    told.tell("close_challenge", id=id_of("edit"), reason="Done.", actor=id_of("Ana"))
    assert for_person(told, "Ben") == []


def test_a_hidden_credit_is_no_reason(told: Story) -> None:
    community(told)
    with told.view() as view:
        rows = view.rows("SELECT c.id FROM @credits c WHERE c.role = 'editor' ORDER BY c.born")
    for (credit,), person in zip(rows, ("Cleo", "Ben"), strict=True):
        told.tell("hide_credit", id=credit, actor=id_of(person))
    assert suggested(told) == []
    assert for_person(told, "Cleo") == []


def test_a_page_goes_on_where_the_one_before_ended(told: Story) -> None:
    community(told)
    with told.view() as view:
        first = suggesting.people_for(view, id_of("edit"), limit=1)
        rest = suggesting.people_for(view, id_of("edit"), limit=1, after=first.next)
    assert (first.next is None, rest.next) == (False, None)
    assert [*first.items, *rest.items] == suggested(told)


def test_it_is_told_on_pages_and_at_the_terminal(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with story(database) as told:
        community(told)
        told.service.follower.catch_up()
    with serving(database, public_pages=True) as served:
        ana, ben = (served.acting(id_of(name)) for name in ("Ana", "Ben"))
        page = ana.get(f"/challenge/{id_of('edit')}").text
        assert "You and Ben made “Duet” together." in page
        assert "People who could answer" not in served.client(None).get("/challenge").text
        assert "you were credited as editor on 1 work" in ben.get("/challenge").text
        assert "you were credited as editor on 1 work" in ben.get("/").text
        assert "Challenges for you" not in ana.get("/challenge").text
        found = ana.get(f"/challenges/{id_of('edit')}/people", {"near": id_of("Cleo")}).json
        assert [one["distance"] for one in found["items"]] == [1]
        found = ben.get(f"/contributors/{id_of('Ben')}/challenges").json["items"]
        assert [one["challenge"]["id"] for one in found] == [id_of("edit")]
    ran = Stemma(database).run("challenge", "people", id_of("edit"))
    assert "Ana and Ben made “Duet” together." in " ".join(ran.stdout.split())


def test_merged_accounts_are_one_person(told: Story) -> None:
    community(told)
    other = told.person("Benny")
    told.piece("Solo", by=[other], role="editor")
    told.tell("merge_contributor", id=other, into=id_of("Ben"))
    ben = suggested(told)[0]
    assert (ben["contributor"]["name"], ben["works"], ben["distance"]) == ("Ben", 2, 1)
