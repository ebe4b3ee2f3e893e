"""What MusicBrainz answers is kept: names on credits, join phrases, instruments, sources."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from domain.outside import outside_id
from projections import contributors, listing, parts
from projections.shops import NotConvertible
from scripts.bundle import Ids, found_in, import_lines
from scripts.convert.musicbrainz import EXPECTED, SITE, convert_musicbrainz
from scripts.service import open_service

BOB, ANA, DAY, OLDER, MIX, SONG, TUNE, SUITE = (
    f"{number:08}-0000-4000-8000-000000000000" for number in range(8)
)
ARTIST = {"id": BOB, "name": "Bob Dylan", "isnis": ["0000000121032683"]}
RECORDING: dict[str, Any] = {
    "id": DAY,
    "title": "Dreadful Day",
    "isrcs": ["USSKG1912345"],
    "first-release-date": "1972",
    "artist-credit": [
        {"name": "Blind Boy Grunt", "joinphrase": " feat. ", "artist": ARTIST},
        {"name": "Ana", "joinphrase": "", "artist": {"id": ANA, "name": "Ana"}},
    ],
    "relations": [
        {"type": "instrument", "target-type": "artist", "direction": "backward",
         "attributes": ["bass", "EWI"], "artist": ARTIST, "target-credit": "B. G."},
        {"type": "mix-DJ", "target-type": "artist", "direction": "backward",
         "attributes": [], "artist": ARTIST},
        {"type": "incantation", "target-type": "artist", "direction": "backward",
         "attributes": ["whispered"], "artist": ARTIST},
        {"type": "performance", "target-type": "work", "direction": "forward",
         "attributes": ["medley", "partial"],
         "work": {"id": SONG, "title": "A Song", "iswcs": ["T-034.524.680-1"], "relations": [
             *({"type": kind, "target-type": "artist", "direction": "backward", "artist": ARTIST}
               for kind in ("composer", "lyricist", "publishing")),
             {"type": "other version", "target-type": "work", "direction": "backward",
              "attributes": ["parody"], "work": {"id": TUNE, "title": "A Tune"}},
             {"type": "parts", "target-type": "work", "direction": "backward",
              "attributes": [], "work": {"id": SUITE, "title": "A Suite"}},
         ]}},
        {"type": "samples material", "target-type": "recording", "direction": "forward",
         "attributes": [], "recording": {"id": OLDER, "title": "Older"}},
        {"type": "mashes up", "target-type": "recording", "direction": "backward",
         "attributes": [], "recording": {"id": MIX, "title": "A Mix"}},
        {"type": "discogs", "target-type": "url", "direction": "forward", "attributes": []},
    ],
}  # fmt: skip


@pytest.fixture
def answers(shared_data: Path) -> Path:
    return shared_data.parent / "samples" / "musicbrainz"


def work_at(id: str) -> str:
    """The address of a work of MusicBrainz."""
    return "/".join((SITE, "work", id))


def answered(folder: Path, *answers: Any) -> Path:
    for number, answer in enumerate(answers):
        (folder / f"{number}.json").write_text(json.dumps(answer), encoding="utf-8")
    return folder


def test_names_join_phrases_instruments_and_voices_are_kept(tmp_path: Path) -> None:
    lines = list(convert_musicbrainz(answered(tmp_path, RECORDING)))
    (piece,) = [line for line in lines if line.get("title") == "Dreadful Day"]
    artist = {"contributor": f"musicbrainz:artist:{BOB}"}
    assert piece["authors"] == [
        {**artist, "role": "performer", "credited_as": "Blind Boy Grunt",
         "join_phrase": " feat. ", "billing": 1},
        {"contributor": f"musicbrainz:artist:{ANA}", "role": "performer", "billing": 2},
        {**artist, "role": "bassist", "display": "bass, EWI", "credited_as": "B. G."},
        {**artist, "role": "wind synthesizer player", "display": "EWI, bass",
         "credited_as": "B. G."},
        {**artist, "role": "dj", "display": "mix-DJ"},
        {**artist, "role": "performer", "display": "incantation, whispered"},
    ]  # fmt: skip
    assert piece["sources"] == [
        {"uri": work_at(SONG), "kind": "quotation", "title": "A Song",
         "note": "medley, partial", "creators": "Bob Dylan"},
    ]  # fmt: skip
    sample, mix, version = [line for line in lines if line["type"] == "remix"]
    assert (sample["child"], sample["parent"], sample["kind"]) == (
        f"musicbrainz:recording:{DAY}",
        f"musicbrainz:recording:{OLDER}",
        "sample",
    )
    assert (mix["child"], mix["parent"], mix["kind"]) == (
        f"musicbrainz:recording:{MIX}",
        f"musicbrainz:recording:{DAY}",
        "sample",
    )
    assert (version["child"], version["uri"], version["kind"]) == (
        outside_id(work_at(SONG)),
        work_at(TUNE),
        "adaptation",
    )


def test_a_recording_is_told_of_as_fully_as_any_answer_does(tmp_path: Path) -> None:
    """Whatever file comes first, and whichever of both ends tells of an edge."""
    backward = {"type": "samples material", "target-type": "recording", "direction": "backward"}
    older = {
        "id": OLDER,
        "title": "Older",
        "video": True,
        "artist-credit": [{"name": "Bob", "artist": ARTIST}],
        "relations": [{**backward, "recording": {"id": DAY, "title": "Dreadful Day"}}],
    }
    of_work = {**backward, "type": "performance", "attributes": ["cover"]}
    work = {"id": "another-song", "title": "Song", "iswcs": [], "relations": [
        {**of_work, "recording": {"id": "r-9", "title": "Sung"}},
    ]}  # fmt: skip
    browsed = {"recording-count": 2, "recordings": [RECORDING, older]}
    for answers in ([RECORDING, older, work], [work, older, RECORDING], [browsed, work]):
        lines = list(convert_musicbrainz(answered(tmp_path, *answers)))
        told = {line["title"]: line for line in lines if line["type"] == "contribution"}
        assert set(told) == {"Dreadful Day", "Older", "A Mix", "Sung"}
        assert told["Older"]["medium"] == "video"
        assert len(told["Older"]["authors"]) == 1
        assert [one["title"] for one in told["Sung"]["sources"]] == ["Song"]
        edges = [line["child"] for line in lines if line["type"] == "remix"]
        assert len(edges) == 3, "an edge that both ends tell of is one"
        assert {*edges} == {
            f"musicbrainz:recording:{MIX}",
            f"musicbrainz:recording:{DAY}",
            outside_id(work_at(SONG)),
        }
        for file in tmp_path.glob("*.json"):
            file.unlink()


def test_a_release_has_all_that_is_on_its_media(tmp_path: Path) -> None:
    """Also what is hidden before the first track, and data; digits that are unknown stay so."""
    pregap, track, data = (
        {"recording": {"id": id, "title": id}, "position": place}
        for place, id in enumerate((OLDER, DAY, MIX))
    )
    disc = {"pregap": pregap, "tracks": [track], "data-tracks": [data]}
    answer = {"id": SUITE, "title": "Disc", "date": "1999-??-12", "media": [disc]}
    lines = list(convert_musicbrainz(answered(tmp_path, answer)))
    (release,) = (line for line in lines if line["type"] == "release")
    assert release["made_at"] == "1999-XX-12"
    assert release["components"] == [
        {"work": f"musicbrainz:recording:{id}"} for id in (OLDER, DAY, MIX)
    ]


def test_a_chain_of_samples_may_be_of_any_length(tmp_path: Path) -> None:
    sampled = {"type": "samples material", "target-type": "recording", "direction": "forward"}
    chain = [
        {"id": f"r-{number}", "title": f"{number}",
         "relations": [{**sampled, "recording": {"id": f"r-{number + 1}", "title": "x"}}]}
        for number in range(3_000)
    ]  # fmt: skip
    lines = list(convert_musicbrainz(answered(tmp_path, {"recordings": chain})))
    assert [line["title"] for line in lines if line["type"] == "contribution"] == [
        *(f"{one}" for one in range(3_000)),
        "x",
    ]
    assert len([line for line in lines if line["type"] == "remix"]) == 3_000


def test_an_answer_is_recorded_whole_and_once(tmp_path: Path, database: str) -> None:
    folder = answered(tmp_path, RECORDING, RECORDING)
    ids = Ids("bundle")
    with open_service(database) as service:
        for again in (False, True):
            report = import_lines(service.journal, found_in(folder, "musicbrainz"))
            assert report.refused == report.left_out == []
            done = report.unchanged if again else report.recorded
            assert done == {
                **{"contributor": 2, "contribution": 3, "remix": 3, "work.describe": 1},
                "identifier": 6 + 3,  # the MBID of each and one of another registry of some
            }
        service.follower.catch_up()
        with service.store.view() as view:
            mix = ids.named("work", f"musicbrainz:recording:{MIX}")
            reached = [one["title"] for one in listing.ancestors(view, mix).items]
            assert reached == ["Dreadful Day", "A Song", "Older", "A Tune"]
            said = {"q": "blind boy grunt"}, {"isrc": "USSKG1912345"}, {"mbid": DAY}
            for one in said:
                assert [each["title"] for each in listing.works(view, **one).items] == [
                    "Dreadful Day"
                ]
            (song,) = listing.works(view, iswc="T0345246801").items
            assert song["title"] == "A Song"
            (bob,) = contributors.people(view, isni="0000000121032683").items
            assert bob["name"] == "Bob Dylan"


def test_all_answers_at_hand_are_recorded_whole(answers: Path, database: str) -> None:
    with open_service(database) as service:
        report = import_lines(service.journal, found_in(answers, "musicbrainz"))
        assert report.left_out == []
        (barcode,) = report.refused  # “123”, and nothing else is lost by it
        assert (barcode.code, barcode.line["scheme"]) == ("bad_identifier", "upc")
        service.follower.catch_up()
        with service.store.view() as view:
            (album,) = listing.works(view, q="dark side").items
            assert len(listing.ancestors(view, album["id"]).items) == 10
            people = parts.of_work(view, album["id"]).items
            assert {one["contributor"]["name"] for one in people} == {
                *("Pink Floyd", "Hipgnosis", "George Hardie")
            }


def test_two_answers_about_one_recording_are_one(answers: Path) -> None:
    lines = list(convert_musicbrainz(answers))
    ids = Counter(line["id"] for line in lines if line["type"] != "remix")
    assert set(ids.values()) == {1}


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "it is not JSON, or not whole (line 1, column 1: Expecting value)"),
        ("[" * 100_000, "it is nested too deeply"),
        ("[]", "a value is of another kind"),
        ('"x"', "a value is of another kind"),
        ('{"id": "x", "title": "X", "primary-type": "Album"}', "it is about a release group"),
        ('{"title": 5}', 'there is no “id” in {"title": 5}'),
        ('{"recordings": [{"id": "x"}]}', 'there is no “title” in {"id": "x"}'),
        ('{"id": "x", "title": "X", "media": [3]}', "a value is of another kind"),
    ],
)
def test_what_is_no_answer_is_said_to_be_none(text: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(NotConvertible) as refused:
        list(convert_musicbrainz(tmp_path / "x.json"))
    assert str(refused.value).startswith(f"{tmp_path / 'x.json'}: {why}")
    assert str(refused.value).endswith(". Expected: " + EXPECTED)


def test_a_folder_without_answers_is_said_to_have_none(tmp_path: Path) -> None:
    with pytest.raises(NotConvertible, match=r"has no file whose name ends in \.json"):
        list(convert_musicbrainz(tmp_path))
