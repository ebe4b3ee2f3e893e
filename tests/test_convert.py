"""The converters lose nothing of a foreign list, and order it as it was made."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner

from domain.lines import Line
from domain.role import role_named
from scripts.convert import NotConvertible, converted
from scripts.convert.ocremix import convert_ocremix
from scripts.convert.whosampled import convert_whosampled
from scripts.stemma import main


def test_every_track_artist_and_sample_becomes_a_line(shared_data: Path) -> None:
    assert kinds(whosampled(shared_data)) == {
        "contributor": 661,
        "contribution": 961,
        "remix": 995,
    }


def test_the_newer_record_samples_the_older_one(shared_data: Path) -> None:
    """1988 samples 1969, not the other way round."""
    lines = whosampled(shared_data)
    titles = {line["id"]: line.get("title") for line in lines}
    samples = {
        (titles[line["child"]], titles[line["parent"]]) for line in lines if line["type"] == "remix"
    }
    assert ("Straight Outta Compton", "Amen, Brother") in samples


def test_two_samples_of_one_song_stay_two(shared_data: Path) -> None:
    remixes = [line for line in whosampled(shared_data) if line["type"] == "remix"]
    assert len({(line["child"], line["parent"]) for line in remixes}) == 987


def test_hyphens_between_words_become_spaces_again(tmp_path: Path) -> None:
    """A colon may be part of a title, and a hyphen may stand between two spaces."""
    lines = viz(tmp_path, ["Part-II:-The-End---Again:7L-&-Esoteric"], [])
    assert [line.get("name") or line.get("title") for line in lines] == [
        "7L & Esoteric",
        "Part II: The End - Again",
    ]


def test_an_artist_of_two_tracks_is_one_contributor(tmp_path: Path) -> None:
    assert kinds(viz(tmp_path, ["A:X", "B:X"], [])) == {"contributor": 1, "contribution": 2}


def test_every_remix_and_every_artist_line_is_there(shared_data: Path) -> None:
    lines = list(convert_ocremix(shared_data / "ocremix"))
    authors = [author for line in lines for author in rows(line, "authors")]
    assert kinds(lines) == {"contributor": 1643, "contribution": 4864}
    assert len(authors) == 6744
    assert {author["contributor"] for author in authors} <= {line["id"] for line in lines}


@pytest.mark.parametrize(
    "source, text, why",
    [
        ("whosampled", "", "not JSON, or not whole (line 1, column 1: Expecting value)"),
        ("whosampled", "a,b\n1,2\n", "not JSON, or not whole (line 1, column 1: Expecting value)"),
        (
            "whosampled",
            '{"nodes": [',
            "not JSON, or not whole (line 1, column 12: Expecting value)",
        ),
        ("whosampled", "\xff", "it is not text in UTF-8 (byte 0)"),
        ("whosampled", "[" * 100_000, "it is nested too deeply"),
        ("whosampled", "[]", "it is not an object, but []"),
        ("whosampled", '{"tracks": []}', 'there is no “nodes” in {"tracks": []}'),
        ("whosampled", '{"nodes": {}}', "“nodes” is not a list"),
        ("whosampled", '{"nodes": ["A:B"]}', 'nodes[0] is not an object, but "A:B"'),
        ("whosampled", '{"nodes": [{"title": "A"}]}', 'there is no “name” in {"title": "A"}'),
        ("whosampled", '{"nodes": [{"name": 5}], "links": []}', "a value is of another kind"),
        (
            "whosampled",
            '{"nodes": [{"name": "A:B"}], "links": [{"source": 0, "target": 1}]}',
            "links[0] names node 1, and the last is 0",
        ),
        ("ocremix", "", "there is no column remix_id or artist_id"),
        ("ocremix", "a,b\n1,2\n", "there is no column remix_id or artist_id"),
        ("ocremix", "remix_id,artist_id\n1\n", "line 2 has fewer values than columns"),
        ("ocremix", "a,b\n\0\n1\n", "no column"),
        ("ocremix", "\xff", "it is not text in UTF-8 (byte 0)"),
    ],
)
def test_of_a_file_in_another_form_is_said_what_and_where_it_lacks(
    source: str, text: str, why: str, tmp_path: Path
) -> None:
    (tmp_path / "artists.csv").write_text("artist_id,name\n")
    for name in ("remix_artist.csv", "viz_demo.json"):
        (tmp_path / name).write_text(text, encoding="latin-1")
    file = tmp_path / {"ocremix": "remix_artist.csv", "whosampled": "viz_demo.json"}[source]
    with pytest.raises(NotConvertible) as refused:
        list(converted(source, tmp_path if source == "ocremix" else file))
    said, _, expected = str(refused.value).partition(". Expected: ")
    assert said.startswith(f"{file}: ")
    assert why in said
    assert expected


def test_a_game_is_an_outside_source(tmp_path: Path) -> None:
    lines = ocremix(tmp_path, remixes="1,Shin Shuriken Jam ,81,Shinobi,0", credits="1,7")
    assert lines == [
        {"type": "contributor", "id": "ocremix:artist:7", "name": "Seven"},
        {
            "type": "contribution",
            "id": "ocremix:remix:1",
            "title": "Shin Shuriken Jam",
            "medium": "audio",
            "authors": [{"contributor": "ocremix:artist:7", "role": "remixer"}],
            "sources": [
                {
                    **{"uri": "urn:ocremix:game:81", "kind": "arrangement"},
                    **{"note": "Shinobi", "title": "Shinobi"},
                }
            ],
        },
    ]


def test_an_artist_without_a_name_is_not_lost(tmp_path: Path) -> None:
    lines = ocremix(tmp_path, remixes="1,Jam,81,Shinobi,0", credits="1,9")
    assert [line["name"] for line in lines if line["type"] == "contributor"] == [
        "Seven",
        "OC ReMix artist 9",
    ]
    assert rows(lines[-1], "authors") == [{"contributor": "ocremix:artist:9", "role": "remixer"}]


def test_half_a_character_is_printed_as_json_spells_it(tmp_path: Path) -> None:
    """As of an emoji where a name was cut off; it is left for the import to refuse."""
    listed = tmp_path / "viz_demo.json"
    listed.write_text(r'{"nodes": [{"name": "Song:Ana\ud83d"}], "links": []}')
    ran = CliRunner().invoke(main, ["convert", "whosampled", str(listed)])
    assert (ran.exit_code, r'"name": "Ana\ud83d"' in ran.stdout) == (0, True), ran.output
    bundle = tmp_path / "bundle.jsonl"
    bundle.write_text(ran.stdout)
    words = ["--database", f"sqlite:///{tmp_path / 'stemma.db'}", "import", str(bundle)]
    ran = CliRunner().invoke(main, words)
    assert (ran.exit_code, "half of a surrogate" in ran.output) == (0, True), ran.output


def test_a_credit_on_an_unlisted_remix_is_left_for_the_import_to_refuse(tmp_path: Path) -> None:
    lines = ocremix(tmp_path, remixes="1,Jam,81,Shinobi,0", credits="1,7\n2,7")
    assert lines[-1]["type"] == "credit"
    assert lines[-1]["work"] == "ocremix:remix:2"


@pytest.mark.parametrize("name", ["whosampled", "ocremix"])
def test_converting_twice_gives_the_same_lines(shared_data: Path, name: str) -> None:
    def convert() -> list[Line]:
        if name == "whosampled":
            return whosampled(shared_data)
        return list(convert_ocremix(shared_data / "ocremix"))

    assert convert() == convert()


@pytest.mark.parametrize("name", ["whosampled", "ocremix"])
def test_ids_are_unique_and_fit_a_bundle(shared_data: Path, name: str) -> None:
    lines = (
        whosampled(shared_data)
        if name == "whosampled"
        else list(convert_ocremix(shared_data / "ocremix"))
    )
    ids = [str(line["id"]) for line in lines]
    assert len(ids) == len(set(ids))
    assert all(len(id) <= 200 and "|" not in id and len(id.split()) == 1 for id in ids)


def test_the_roles_used_are_in_the_vocabulary(tmp_path: Path) -> None:
    lines = viz(tmp_path, ["A:X"], []) + ocremix(tmp_path, remixes="1,J,8,S,0", credits="1,7")
    roles = {str(author["role"]) for line in lines for author in rows(line, "authors")}
    assert {role_named(role) for role in roles} == roles == {"performer", "remixer"}


def whosampled(shared_data: Path) -> list[Line]:
    return list(convert_whosampled(shared_data / "whosampled" / "viz_demo.json"))


def viz(folder: Path, names: list[str], links: list[tuple[int, int]]) -> list[Line]:
    path = folder / "viz_demo.json"
    path.write_text(
        json.dumps(
            {
                "nodes": [{"name": name} for name in names],
                "links": [{"source": child, "target": parent} for child, parent in links],
            }
        ),
        encoding="utf-8",
    )
    return list(convert_whosampled(path))


def ocremix(folder: Path, *, remixes: str, credits: str) -> list[Line]:
    for name, text in {
        "artists": "artist_id,name\n7,Seven",
        "remixes": f"remix_id,title,game_id,game,has_lyrics\n{remixes}",
        "remix_artist": f"remix_id,artist_id\n{credits}",
    }.items():
        (folder / f"{name}.csv").write_text(text + "\n", encoding="utf-8")
    return list(convert_ocremix(folder))


def kinds(lines: Iterable[Line]) -> Counter[object]:
    return Counter(line["type"] for line in lines)


def rows(line: Line, field: str) -> list[dict[str, object]]:
    found = line.get(field, [])
    assert isinstance(found, list)
    return found
