"""The name on a credit: as it is written there, in its place, found and shown wherever it is."""

import json
from itertools import permutations
from pathlib import Path
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner
from serving import serving
from stories import Story, id_of, story

from domain.refusal import Refusal
from projections import attribution, billing, contributors, listing, parts
from projections.formats import dot, graphml, json_ld
from projections.roll import roll
from scripts.stemma import main

BAND = ["Zoe", "Mia", "Aaron", "Kim"]


def band(told: Story, names: list[str], **said: object) -> str:
    """A piece by these people, who were admitted in the order of the alphabet."""
    for name in sorted(names):
        told.person(name)
    return told.tell(
        "submit_contribution",
        title="Four",
        medium="audio",
        id=id_of("Four"),
        authors=[{"contributor": id_of(name), "role": "musician", **said} for name in names],
    ).id


def names_in(told: Story, work: str) -> list[str | None]:
    with told.view() as view:
        return [one["contributor"]["name"] for one in attribution.work(view, work)["credits"]]


@pytest.mark.parametrize("order", list(permutations(BAND))[::5])
def test_authors_stay_in_the_order_in_which_they_were_posted(order: tuple[str, ...]) -> None:
    with story("sqlite:///:memory:") as told:
        work = band(told, list(order))
        with told.view() as view:
            people = parts.of_work(view, work).items
            assert [one["contributor"]["name"] for one in people] == list(order)
            nodes = billing.lineage_with_makers(view, work).works[work]["contributors"]
            assert [one["name"] for one in nodes] == list(order)
            assert [one["name"] for one in roll(view, work).people] == list(order)
        assert names_in(told, work) == list(order)


def test_a_stated_place_is_kept_and_the_others_fill_the_rest(database: str) -> None:
    with story(database) as told:
        work = band(told, BAND)
        for name, place in (("Late", 2), ("First", 1)):
            told.credit(work, told.person(name), billing=place)
        told.credit(work, told.person("Last"))
        told.credit(work, told.person("Far"), billing=99)
        expected = ["First", "Late", "Zoe", "Mia", "Aaron", "Kim", "Last", "Far"]
        assert names_in(told, work) == expected
        with told.view() as view:
            listed, after = list[str | None](), None
            while True:
                page = parts.of_work(view, work, after=after, limit=3)
                listed += [one["contributor"]["name"] for one in page.items]
                if (after := page.next) is None:
                    break
            assert listed == expected
            first = attribution.work(view, work)["credits"][0]
            assert first["billing"] == 1


def test_pages_of_contributors_go_by_generation_and_then_by_place(database: str) -> None:
    with story(database) as told:
        poem = band(told, BAND)
        song = told.piece("song", poem, by=[id_of("Kim"), id_of("Mia")])
        with told.view() as view:
            people = parts.of_work(view, song).items
            assert [one["contributor"]["name"] for one in people] == ["Kim", "Mia", "Zoe", "Aaron"]


def sleeve(told: Story) -> str:
    """“Béa feat. The Keeper”: a pen name, and an actor's character."""
    ana, ben = told.person("Ana"), told.person("Ben")
    first = {"contributor": ana, "role": "singer", "credited_as": "Béa", "join_phrase": " feat. "}
    second = {
        **{"contributor": ben, "role": "actor", "credited_as": "Mr. B"},
        **{"character": "the Keeper", "display": "low harmony"},
    }
    return told.tell(
        "submit_contribution",
        title="Low Tide",
        medium="audio",
        id=id_of("tide"),
        authors=[first, second],
    ).id


def test_the_name_on_a_credit_is_in_every_answer_with_the_credit(database: str) -> None:
    with story(database) as told:
        song = sleeve(told)
        release = told.release("album", song)
        with told.view() as view:
            one, two = attribution.work(view, song)["credits"]
            assert (one["credited_as"], one["join_phrase"]) == ("Béa", " feat. ")
            assert (two["credited_as"], two["character"]) == ("Mr. B", "the Keeper")
            assert one["contributor"]["name"] == "Ana"
            assert attribution.credit(view, one["id"])["credited_as"] == "Béa"
            for work in (song, release):
                part = parts.of_work(view, work).items[0]
                assert part["credits"][0]["credited_as"] == "Béa"
                (line,) = parts.credits(view, work, id_of("Ben")).items
                assert line["character"] == "the Keeper"
                shown = billing.lineage_with_makers(view, work)
                assert billing.line(shown.works[song]["contributors"]) == "Béa feat. Mr. B"
                assert "B&#233;a (singer), Mr. B (actor: the Keeper)" in graphml(shown)
                assert r'[label="Low Tide\nBéa (singer), Mr. B (actor: the Keeper)"' in dot(shown)
                made = {one["@id"]: one for one in json_ld(shown, "")["@graph"]}
                assert made[song]["dcterms:contributor"] == ["Béa", "Mr. B"]
                (actor,) = (one for one in shown.works[song]["contributors"] if one["character"])
                assert actor["character"] == "the Keeper"
            singers = roll(view, release).direct[0]["people"]
            assert [one["credited_as"] for one in singers] == ["Béa"]


@pytest.mark.parametrize("q", ["bea", "BÉA", "mr. b"])
def test_works_and_people_are_found_by_the_name_on_a_credit(database: str, q: str) -> None:
    with story(database) as told:
        song = sleeve(told)
        told.piece("other")
        with told.view() as view:
            assert [one["id"] for one in listing.works(view, q=q).items] == [song]
            assert [one["id"] for one in listing.works(view, credit=q).items] == [song]
            name = {"b": "Ben"}.get(q[-1], "Ana")
            assert [one["name"] for one in contributors.people(view, q=q).items] == [name]


@pytest.mark.parametrize("text, found", [("low harm", 1), ("KEEPER", 1), ("singer", 0)])
def test_works_are_found_by_the_wording_and_the_character(
    database: str, text: str, found: int
) -> None:
    with story(database) as told:
        sleeve(told)
        with told.view() as view:
            assert len(listing.works(view, credit=text).items) == found


def test_a_name_that_does_not_count_is_not_found(database: str) -> None:
    with story(database) as told:
        sleeve(told)
        told.tell(
            "revoke_credit",
            id=next(one.originator_id for one in told.facts() if one.topic == "credit.granted"),
        )
        with told.view() as view:
            assert listing.works(view, q="Béa").items == []
            assert contributors.people(view, q="Béa").items == []


def test_the_names_of_a_forgotten_person_are_gone(database: str) -> None:
    with story(database) as told:
        song = sleeve(told)
        told.tell("forget_contributor", id=id_of("Ana"), ground="request")
        with told.view(as_of=told.head() - 1) as view:
            one = attribution.work(view, song)["credits"][0]
            assert one["credited_as"] is one["join_phrase"] is one["contributor"]["name"] is None
            assert listing.works(view, q="Béa").items == []


@pytest.mark.parametrize(
    "said, code",
    [
        ({"credited_as": "\u200b"}, "bad_text"),
        ({"credited_as": "x" * 201}, "text_too_long"),
        ({"join_phrase": " "}, "bad_text"),
        ({"character": "x" * 201}, "text_too_long"),
    ],
)
def test_what_says_nothing_is_no_name(said: dict[str, str], code: str) -> None:
    with story("sqlite:///:memory:") as told, pytest.raises(Refusal) as refused:
        band(told, ["Zoe"], **said)
    assert refused.value.code == code


def test_a_line_of_names_has_each_person_once() -> None:
    def maker(id: str, join: str | None = None) -> dict[str, str | None]:
        return {"id": id, "name": id.upper(), "credited_as": None, "join_phrase": join}

    assert billing.line([maker("a", " feat. "), maker("b"), maker("a")]) == "A feat. B"
    assert billing.line([maker("a"), maker("b", " & "), maker("c", "!")]) == "A, B & C"
    assert billing.line([]) == ""
    trio = maker("Crosby, Stills & Nash")
    assert billing.line([trio, maker("b", " & "), maker("c")]) == "CROSBY, STILLS & NASH; B & C"


def test_pages_and_the_terminal_show_the_name_on_the_credit(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database) as served:
        ana = served.operator.post("/contributors", name="Ana").id
        said = {"contributor": ana, "role": "singer", "credited_as": "Béa <i>", "character": "Sea"}
        said |= {"ai": ["vocals partly"], "ai_tool": "Voicer", "display": "a voice"}
        song = served.operator.post(
            "/contributions", title="Low Tide", medium="audio", authors=[said]
        ).id
        page = served.operator.get(f"/piece/{song}").text
        assert "Béa &lt;i&gt;" in page
        assert "Sea" in page
        assert ", under the name “<bdi>Béa &lt;i&gt;</bdi>”, playing “Sea”" in page
        credit = served.operator.get(f"/works/{song}").json["credits"][0]
        assert (credit["credited_as"], credit["billing"]) == ("Béa <i>", None)
        assert "Béa &lt;i&gt;" in served.operator.get(f"/credit/{credit['id']}").text
        release = served.operator.post("/releases", title="A", components=[{"work": song}]).id
        shown = served.operator.get(f"/release/{release}").text
        assert "Béa &lt;i&gt;" in shown
        assert "AI: vocals partly by <bdi>Voicer</bdi>" in shown
        shown = served.operator.get(f"/contributor/{ana}").text
        assert "“<bdi>Sea</bdi>”, as <bdi>Béa &lt;i&gt;" in shown
        (part,) = served.operator.get(f"/works/{release}/contributors").json["items"]
        assert (part["credits"][0]["ai"], part["credits"][0]["ai_tool"]) == (said["ai"], "Voicer")
        found = served.operator.get("/works?credit=sea").json["items"]
        assert [one["id"] for one in found] == [song]
        drawn = served.operator.get(f"/works/{release}/lineage?format=dot").text
        assert "Béa <i> (singer: Sea, AI: vocals partly by Voicer)" in drawn
        table = served.operator.get(f"/works/{release}/contributors?format=csv").text
        assert f"singer,Sea,a voice,vocals partly,Voicer,direct,{ana}" in table
    runner, told = CliRunner(), ["--database", database]
    shown = runner.invoke(main, [*told, "contributors", song]).output
    assert "Ana (as Béa <i>; playing Sea; AI: vocals partly by Voicer)" in shown
    assert "Low Tide — Béa <i>" in shown
    listed = runner.invoke(main, [*told, "credit", "list", song]).output
    assert all(one in listed for one in ("Béa <i>", "Sea", "a voice", "vocals partly"))
    listed = runner.invoke(main, [*told, "works", "--credit", "sea", "--json"]).output
    assert [one["id"] for one in json.loads(listed)["items"]] == [song]


def test_the_posting_form_takes_the_name_and_sets_off_what_joins_it(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:
        ana, ben = (served.operator.post("/contributors", name=name).id for name in ("Ana", "Ben"))
        fields = [("title", "Duet"), ("medium", "audio"), ("do", "record")]
        for person, name, join in ((ana, "A. Tide", "feat."), (ben, "", "")):
            fields += [("person", person), ("person_role", "singer"), ("person_display", "")]
            fields += [("person_credited_as", name), ("person_join_phrase", join)]
            fields += [("person_character", ""), ("person_kind", "")]
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = served.operator.send("POST", "/post", urlencode(fields).encode(), headers)
        assert answer.status == 303
        (work,) = served.operator.get("/works").json["items"]
        one, two = served.operator.get(f"/works/{work['id']}").json["credits"]
        assert (one["credited_as"], one["join_phrase"]) == ("A. Tide", " feat. ")
        assert two["credited_as"] is None
        assert (
            "<bdi>A. Tide</bdi> feat. <bdi>Ben</bdi>" in served.operator.get("/search?q=Duet").text
        )
