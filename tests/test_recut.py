"""A release that is recut, and one that uses the same work again."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from golden_journals import every_golden, put_back, read_lines
from serving import serving
from stories import Story, at_once, id_of, story

from domain.identity import part_id
from domain.note import SignerKey
from domain.refusal import (
    CapExceeded,
    LineageCycle,
    NotOfRelease,
    NotPermitted,
    Refusal,
    RepeatedComponent,
    WrongState,
)
from domain.registry import BY_OPERATION
from domain.signature import sign_command
from domain.stated import must_say
from domain.tree import NotVerified
from projections import around, lineage, listing
from projections.money.splitting import split_of
from scripts.convert.musicbrainz import convert_musicbrainz
from scripts.stemma import main as stemma

POEM, SONG, FILM = id_of("poem"), id_of("song"), id_of("film")


def components(told: Story, release: str, as_of: int | None = None) -> list[Any]:
    """The components of a release in their order, each with its places and its rate."""
    with told.view(as_of) as view:
        sources = around.work(view, release)["sources"]
        return [(one["work"]["title"], one["places"], one["rate"]) for one in sources]


def episode(told: Story, *parts: Any, **said: Any) -> str:
    """A release of these works, each with or without a rate."""
    pairs = [one if isinstance(one, tuple) else (one, None) for one in parts]
    listed = [{"work": work, "rate": rate} for work, rate in pairs]
    said = {"title": "episode", "id": id_of("episode"), **said}
    return told.tell("assemble_release", components=listed, **said).id


def edge(release: str, number: int) -> str:
    return part_id(release, "component", number)


def test_a_work_that_is_used_again_is_listed_once_and_paid_once(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("ana"), told.person("ben")
        told.piece("song", by=[ana])
        told.piece("poem", by=[ben])
        twice = episode(told, (SONG, "1/5"), POEM, (SONG, "1/5"))
        assert told.topics()[-3:] == ["release.assembled", "remix.declared", "remix.declared"]
        assert components(told, twice) == [("song", [1, 3], "1/5"), ("poem", [2], None)]
        once = episode(told, (SONG, "1/5"), POEM, id=id_of("once"))
        with told.view() as view:
            asked: Any = {"amount_minor": 1000, "currency": "EUR", "default_rate": "0"}
            shares = [
                {one["payee"]["name"]: one["share"] for one in split_of(
                    view, release, policy="relative_cascade", **asked).items}
                for release in (twice, once)
            ]  # fmt: skip
        assert {name: share for name, share in shares[0].items() if name in ("ana", "ben")} == {
            name: share for name, share in shares[1].items() if name in ("ana", "ben")
        }
        assert shares[0]["ana"] == "1/5"
        with pytest.raises(RepeatedComponent, match="list it again without a rate"):
            episode(told, (SONG, "1/5"), (SONG, "1/4"), id=id_of("other"))
        with pytest.raises(RepeatedComponent):
            told.edge(twice, SONG, "component")
        told.edge(twice, SONG, "sample")  # what is heard in it besides is another matter


def test_a_component_is_replaced_in_its_place_and_what_was_published_stays(database: str) -> None:
    with story(database) as told:
        for name in ("song", "poem", "film"):
            told.piece(name)
        release = episode(told, (SONG, "1/5"), POEM, SONG)
        told.tell("publish_release", id=release)
        published = told.head()
        was = [("song", [1, 3], "1/5"), ("poem", [2], None)]
        told.tell("replace_remix", id=edge(release, 0), work=FILM, reason="the second cut")
        assert components(told, release) == [("film", [1, 3], "1/5"), ("poem", [2], None)]
        told.tell("replace_remix", id=edge(release, 1), reason="left out")
        assert components(told, release) == [("film", [1, 3], "1/5")]
        assert components(told, release, published) == was
        with told.view() as view:
            then = lineage.as_published(view, release)
            assert len(listing.ancestors(then, release).items) == 2
            assert [one["id"] for one in listing.ancestors(view, release).items] == [FILM]
            old = around.remix(view, edge(release, 0))
            new = around.remix(view, str(old["replaced_by"]))
            assert (old["state"], new["state"]) == ("retired", "declared")
            assert (new["parent"]["id"], new["places"]) == (FILM, [1, 3])
            assert around.remix(view, edge(release, 1))["replaced_by"] is None
        again = part_id(edge(release, 0), "component", 0)
        told.tell("replace_remix", id=again, work=FILM, places=[2, 1, 2], rate="1/4", reason="r")
        assert components(told, release) == [("film", [1, 2], "1/4")]
        for id in (edge(release, 0), again):
            with pytest.raises(WrongState):
                told.tell("replace_remix", id=id, work=POEM, reason="once more")


def test_who_puts_a_component_where_another_stands_is_told(told: Story) -> None:
    for name in ("song", "poem", "film"):
        told.piece(name)
    release = episode(told, SONG, POEM, SONG)
    recut: dict[str, Any] = {"work": FILM, "reason": "the second cut"}
    (warned,) = told.tell("replace_remix", id=edge(release, 1), places=[2, 3], **recut).warnings
    assert warned.code == "place_taken"
    assert "place 3 of the release" in warned.detail
    assert SONG in warned.detail
    moved = told.tell("replace_remix", id=edge(release, 0), work=SONG, places=[1], reason="once")
    assert moved.warnings == ()


def test_before_places_were_recorded_the_order_of_the_facts_was_the_order() -> None:
    golden = next(one for one in every_golden() if one.name == "demonstration")
    with story("sqlite:///:memory:") as told:
        put_back(told.service, read_lines(golden.facts))
        whole = [one.originator_id for one in told.facts() if one.topic == "release.assembled"]
        release = next(one for one in whole if len(components(told, one)) > 1)
        before = components(told, release)
        assert [places for _, places, _ in before] == [[n] for n, _ in enumerate(before, 1)]
        other = told.piece("other")
        told.tell("replace_remix", id=edge(release, 0), work=other, reason="the second cut")
        assert components(told, release) == [("other", [1], before[0][2]), *before[1:]]


def test_what_can_not_be_replaced_is_refused_and_says_why(told: Story) -> None:
    ana, ben = told.person("ana"), told.person("ben")
    told.piece("poem", actor=ben)
    told.piece("song", POEM, actor=ana)
    release = episode(told, (SONG, "1/2"), (POEM, "1/2"), actor=ana)
    film = told.piece("film", release)
    refused: list[tuple[type[Refusal], dict[str, Any]]] = [
        (NotPermitted, {"id": edge(release, 0), "actor": ben}),
        (NotOfRelease, {"id": part_id(SONG, "source", 0), "actor": ana}),
        (LineageCycle, {"id": edge(release, 0), "work": film}),
        (RepeatedComponent, {"id": edge(release, 0), "work": POEM}),
        (CapExceeded, {"id": edge(release, 0), "work": SONG, "rate": "3/4"}),
    ]
    head = told.head()
    for kind, said in refused:
        with pytest.raises(kind):
            told.tell("replace_remix", **{"reason": "r", **said})
    assert told.head() == head
    told.tell("dispute_remix", id=edge(release, 0), grounds="other", reason="r")
    with pytest.raises(WrongState):  # a dispute is not evaded
        told.tell("replace_remix", id=edge(release, 0), reason="r", actor=ana)


def test_of_two_who_replace_it_at_once_one_is_refused(database: str) -> None:
    with story(database) as told:
        for name in ("song", "poem", "film"):
            told.piece(name)
        release = episode(told, SONG)

        def replace(work: str) -> Any:
            return lambda: told.tell("replace_remix", id=edge(release, 0), work=work, reason="r")

        found = at_once(replace(POEM), replace(FILM))
        assert sorted(isinstance(one, WrongState) for one in found) == [False, True]
        assert len(components(told, release)) == 1


def test_a_signed_recut_says_what_it_replaces_and_by_what(told: Story) -> None:
    ana = told.person("ana")
    key = SignerKey(ana, bytes(32))
    told.tell("register_key", id=ana, key=str(key.verifier), actor=ana)
    for name in ("song", "poem"):
        told.piece(name)
    release = episode(told, SONG, actor=ana)
    said = {"id": edge(release, 0), "work": POEM, "rate": "1/3", "reason": "r"}
    signing = sign_command(key, "replace_remix", said, log=told.journal.log_name)
    told.journal.record(BY_OPERATION["replace_remix"].of(said), by=ana, signing=signing)
    retired, declared = told.facts()[-2:]
    for placed, other in ((retired, {"reason": "x"}), (declared, {"parent": SONG, "rate": "1"})):
        facts = {"actor": ana, **json.loads(placed.state)}
        where = placed.topic, placed.originator_id, placed.originator_version
        must_say(signing.message, facts, *where)
        for name, value in other.items():
            with pytest.raises(NotVerified):
                must_say(signing.message, facts | {name: value}, *where)


def test_a_release_shows_its_components_in_order_and_how_often_each_is_used(
    tmp_path: Path,
) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database) as served:
        song, poem = served.post_piece("The song"), served.post_piece("The poem")
        said = [{"work": song}, {"work": poem}, {"work": song}]
        release = served.operator.post("/releases", title="Show", components=said).id
        page = served.operator.get(f"/release/{release}").text
        parts = page[page.index("Its components") :]
        assert parts.index("The song") < parts.index("used twice: 1, 3") < parts.index("The poem")
        film = served.post_piece("The film")
        old = edge(release, 1)
        assert f"/do/remix.replace?id={old}" in served.operator.get(f"/remix/{old}").text
        run = CliRunner().invoke(
            stemma,
            ["--database", database, "remix", "replace", old, "--work", film, "--reason", "recut"],
        )
        assert run.exit_code == 0, run.output
        page = served.operator.get(f"/release/{release}").text
        parts = page[page.index("Its components") :]
        assert parts.index("The song") < parts.index("The film")
        page = served.operator.get(f"/remix/{old}").text
        assert "taken out when the release was recut" in page
        assert "recut" in served.operator.get(f"/history/{release}").text


def test_a_medley_that_repeats_a_recording_is_converted_with_both_places(tmp_path: Path) -> None:
    tracks = [{"recording": {"id": id, "title": id}} for id in ("a", "b", "a")]
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps({"id": "r", "title": "R", "media": [{"tracks": tracks}]}))
    (release,) = (one for one in convert_musicbrainz(answer) if one["type"] == "release")
    works = [one["work"].rpartition(":")[2] for one in release["components"]]
    assert works == ["a", "b", "a"]
