"""What a piece is posted with: its numbers in registries, and what AI made of it."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner
from commanding import Stemma
from serving import Answer, Served, serving
from stories import Story, id_of, story

from domain.identity import part_id
from domain.note import SignerKey
from domain.refusal import BadIdentifier, ContradictoryDisclosure, Refusal
from domain.registry import BY_OPERATION
from domain.signature import sign_command
from domain.stated import must_say
from domain.tree import NotVerified
from projections import around, attribution, listing
from scripts import bundle
from scripts.stemma import main

ISRC = {"scheme": "isrc", "identifier": "US-SKG-19-12345"}
AGAIN = {"scheme": "isrc", "identifier": "usskg1912345"}
ISWC = {"scheme": "iswc", "identifier": "T-034.524.680-1"}
UPC = {"scheme": "upc", "identifier": "036000291452"}
BY_AI = {"ai": ["vocals fully", "lyrics partly"], "ai_tool": "a voice model"}


def posted(told: Story, name: str = "song", **said: Any) -> str:
    said = {"title": name, "medium": "audio", "id": id_of(name), **said}
    return told.tell("submit_contribution", **said).id


def test_a_piece_is_posted_with_its_numbers_and_what_ai_made(database: str) -> None:
    with story(database) as told:
        poem = told.piece("poem")
        source = {"work": poem, "kind": "adaptation", **BY_AI}
        song = posted(told, sources=[source], identifiers=[ISRC, ISWC, ISRC, AGAIN])
        film = told.piece("film")
        edge = told.edge(film, song, ai=["none"])
        album = told.tell(
            "assemble_release", title="a", components=[{"work": song}], identifiers=[UPC]
        ).id
        with told.view() as view:
            numbers = [one["identifier"] for one in attribution.work(view, song)["identifiers"]]
            assert numbers == ["USSKG1912345", "T0345246801"]
            (one,) = around.work(view, song)["sources"]
            assert (one["ai"], one["ai_tool"]) == tuple(BY_AI.values())
            assert around.remix(view, edge)["ai"] == ["none"]
            asked: list[tuple[dict[str, Any], str]] = [
                ({"isrc": "USSKG1912345"}, song),
                ({"upc": UPC["identifier"]}, album),
                ({"ai": "vocals"}, song),
                ({"ai": "any"}, song),
                ({"ai": "none"}, film),
            ]
            for filters, found in asked:
                assert [each["id"] for each in listing.works(view, **filters).items] == [found]
            assert [part["places"] for part in around.work(view, album)["sources"]] == [[1]]


WRONG: list[tuple[dict[str, Any], type[Refusal]]] = [
    ({"identifiers": [ISRC | {"identifier": "US-SKG-19-1234"}]}, BadIdentifier),
    ({"identifiers": [UPC | {"identifier": "036000291453"}]}, BadIdentifier),
    ({"identifiers": [{"scheme": "orcid", "identifier": "0000-0002-1825-0097"}]}, BadIdentifier),
    (
        {"sources": [{"uri": "urn:a", "kind": "sample", "ai": ["none", "text fully"]}]},
        ContradictoryDisclosure,
    ),
]


@pytest.mark.parametrize("said, code", WRONG)
def test_what_is_wrong_is_refused_and_leaves_no_piece(
    said: dict[str, Any], code: type[Refusal]
) -> None:
    with story("sqlite:///:memory:") as told:
        with pytest.raises(code):
            posted(told, **said)
        assert told.head() == 0
    assert code in BY_OPERATION["submit_contribution"].refusals()


def test_a_signature_covers_numbers_and_disclosures() -> None:
    with story("sqlite:///:memory:") as told:
        ana = told.person("ana")
        key = SignerKey(ana, bytes(32))
        told.tell("register_key", id=ana, key=str(key.verifier), actor=ana)
        source = {"uri": "https://example.org/a", "kind": "sample", "ai": ["text fully"]}
        said: dict[str, Any] = {"title": "a", "medium": "text", "id": id_of("song")}
        said |= {"sources": [source], "identifiers": [ISRC]}
        signing = sign_command(key, "submit_contribution", said, log=told.journal.log_name)
        command = BY_OPERATION["submit_contribution"].of(said)
        told.journal.record(command, by=ana, signing=signing)
        others = {"identifier.stated": {"scheme": "doi"}, "remix.declared": {"ai": ["text partly"]}}
        for placed in told.facts()[-3:]:
            fact = {"actor": ana, **json.loads(placed.state)}
            where = placed.topic, placed.originator_id, placed.originator_version
            must_say(signing.message, fact, *where)
            for name, other in others.get(placed.topic, {}).items():
                with pytest.raises(NotVerified):
                    must_say(signing.message, fact | {name: other}, *where)


def test_a_request_of_before_numbers_could_be_given_is_still_the_same() -> None:
    for name in ("submit_contribution", "assemble_release"):
        asked = BY_OPERATION[name].of({"title": "a", "components": []} if "release" in name else
                                      {"title": "a", "medium": "text"})  # fmt: skip
        assert "identifiers" not in json.loads(asked.asked())


def filled_in(served: Served, path: str, sent: dict[str, str]) -> Answer:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return served.operator.send("POST", path, urlencode(sent).encode(), headers)


def test_one_form_and_one_command_give_them_with_the_piece(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database) as served:
        poem, ana = served.post_piece("The poem"), served.admit("Ana")
        sent = {
            **{"id": id_of("song"), "title": "Song", "medium": "audio"},
            "identifiers": "ISRC US-SKG-19-12345, iswc T-034.524.680-1",
            **{"source": poem, "source_kind": "sample", "source_ai": "vocals fully"},
            **{"source_ai_tool": "a model", "person": ana, "person_role": "singer"},
            "person_ai": "lyrics partly",
        }
        assert "Registry numbers" in served.operator.get("/post").text
        page = filled_in(served, "/post", sent | {"do": "preview"}).text
        assert "AI: vocals fully by" in page
        assert "US-SKG-19-12345" in page
        wrong = filled_in(served, "/post", sent | {"do": "record", "identifiers": "isrc 12"})
        assert (wrong.status, 'aria-invalid="true"' in wrong.text) == (422, True)
        assert filled_in(served, "/post", sent | {"do": "record"}).status == 303
        told = served.operator.get(f"/works/{id_of('song')}").json
        assert [one["identifier"] for one in told["identifiers"]] == ["USSKG1912345", "T0345246801"]
        assert told["sources"][0]["ai"] == ["vocals fully"]
        assert told["credits"][0]["ai"] == ["lyrics partly"]
        assert "AI: vocals fully by" in served.operator.get(f"/piece/{id_of('song')}").text

        typed = ["contribution", "post", "--title", "T", "--medium", "audio", "--id", id_of("t")]
        typed += ["--identifier", "isrc US-SKG-19-12346", "--source"]
        typed += [json.dumps({"work": poem, "kind": "sample", "ai": ["picture partly"]})]
        run = Stemma(database).run(*typed)
        assert run.exit_code == 0, run.output
        told = served.operator.get(f"/works/{id_of('t')}").json
        assert [one["identifier"] for one in told["identifiers"]] == ["USSKG1912346"]
        assert told["sources"][0]["ai"] == ["picture partly"]


def test_they_are_columns_of_csv_files(tmp_path: Path) -> None:
    files = {
        "contributors": "id,name\nana,Ana\n",
        "contributions": "id,title,medium,identifiers\n"
        "poem,Poem,text,\nsong,Song,audio,isrc US-SKG-19-12345 | iswc T-034.524.680-1\n",
        "remixes": "id,child,parent,kind,ai,ai_tool\n"
        "r,song,poem,adaptation,vocals fully | lyrics partly,a voice model\n",
        "credits": "id,work,contributor,role,ai\nc,song,ana,singer,none\n",
        "releases": "id,title,components,identifiers\nalbum,Album,song,upc 036000291452\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text)
    ids = bundle.Ids("bundle")
    with story("sqlite:///:memory:") as told:
        report = bundle.import_lines(told.journal, bundle.found_in(tmp_path))
        assert report.refused == []
        with told.view() as view:
            song = attribution.work(view, ids.named("contribution", "song"))
            assert [one["scheme"] for one in song["identifiers"]] == ["isrc", "iswc"]
            assert song["sources"][0]["ai"] == BY_AI["ai"]
            assert song["credits"][0]["ai"] == ["none"]
            album = ids.named("release", "album")
            assert [one["id"] for one in listing.works(view, upc="036000291452").items] == [album]


def test_the_terminal_shows_a_work_with_its_credits_in_order_and_its_sources(
    tmp_path: Path,
) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    names = ["Zoe", "Mia", "Aaron", "Kim"]
    with story(database) as told:
        told.piece("song", told.piece("poem"), by=[told.person(name) for name in names])
        release = told.release("show", id_of("song"), id_of("poem"), id_of("song"))
        told.service.follower.catch_up()

    def shown(*words: str) -> str:
        run = CliRunner().invoke(main, ["--database", database, *words], terminal_width=300)
        assert run.exit_code == 0, run.output
        return run.output

    said = shown("work", "show", id_of("song"))
    assert sorted(names, key=said.index) == names
    assert "adaptation" in said
    assert "1, 3" in shown("work", "show", release)
    assert "component" in shown("remix", "show", part_id(release, "component", 0))
    assert "Zoe" in shown("credit", "show", part_id(id_of("song"), "author", 0))
