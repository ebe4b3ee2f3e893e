"""The vocabulary of roles: a source for each word, a wider role for most, and the nearest three."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import serving
from stories import story

from domain.refusal import UnknownRole
from domain.role import SOURCES, nearest, role_named, roles, wider, within
from projections import listing, parts

FROZEN = {
    "author": "writer",
    "script writer": "screenwriter",
    "songwriter": "lyricist",
    "vocalist": "singer",
    "vocals": "singer",
    "mc": "rapper",
    "emcee": "rapper",
    "voice artist": "voice actor",
    "voice over": "voice actor",
    "presenter": "host",
    "photo": "photographer",
    "colourist": "colorist",
    "painter": "artist",
    "visual artist": "artist",
    "graphic designer": "designer",
    "3d artist": "3d modeler",
    "3d modeller": "3d modeler",
    "director of photography": "cinematographer",
    "video editor": "film editor",
    "vfx artist": "visual effects artist",
    "bass player": "bassist",
    "bass guitarist": "bassist",
    "guitar player": "guitarist",
    "keyboardist": "pianist",
    "disc jockey": "dj",
    "remix artist": "remixer",
    "field recorder": "field recordist",
    "sound recordist": "field recordist",
    "mixer": "mixing engineer",
    "make-up artist": "makeup artist",
    "game developer": "programmer",
}
"""The words that meant a role before the vocabulary was data; they go on meaning it."""


def test_every_role_names_itself_and_its_aliases_name_it() -> None:
    for name, role in roles().items():
        assert role_named(name) == role.name == name
        for alias in role.aliases:
            assert role_named(alias) == name, alias
            assert alias not in roles()


def test_no_word_has_two_meanings() -> None:
    words = Counter(word for role in roles().values() for word in (role.name, *role.aliases))
    assert [word for word, count in words.items() if count > 1] == []


def test_every_word_has_a_meaning_and_a_source() -> None:
    assert 250 <= len(roles()) <= 400
    for role in roles().values():
        assert role.meaning
        assert role.sources
        assert set(role.sources) <= set(SOURCES)
        assert (role.marc is None) == ("marc" not in role.sources)


def test_wider_roles_are_roles_and_end() -> None:
    for name in roles():
        chain = list(wider(name))
        assert len(chain) == len(set(chain)) <= 7
        assert set(chain) <= set(roles())
    assert list(wider("cellist")) == [
        *("cellist", "string player", "instrumentalist", "musician", "performer")
    ]
    assert {"cellist", "drummer", "singer", "musician"} <= set(within("musician"))
    assert "photographer" not in within("musician")


def test_what_named_a_role_before_names_it_still() -> None:
    assert {word: role_named(word) for word in FROZEN} == FROZEN


def test_a_call_sheet_is_understood_in_the_words_of_the_trade() -> None:
    said = (
        "1st AD, DoP, gaffer, Best Boy, boom operator, UPM, Hair & Make-up, ADR mixer, catering, "
    )
    said += "Stills Photographer, animal wrangler, intimacy coordinator, Title Design, Roto, runner"
    assert all(role_named(word) for word in said.split(", "))


SAID = [
    *(
        "composed by",
        "additional vocals",
        "horn arrangement",
        "2d animation",
        "Co-Director",
        "kazoo",
    ),
    *("12-string guitar", "web design", "audio producer", "showrunner", "sleigh bells", "mix-DJ"),
]
WORDS = "violin trumpet cello engineer photography guitar drums lyrics script voice"


@pytest.mark.parametrize("word", [*WORDS.split(), *SAID])
def test_common_words_are_known(word: str) -> None:
    assert role_named(word) in roles()


@pytest.mark.parametrize(
    "said, role",
    [
        ("cinematograper", "cinematographer"),
        ("lead guitar solo", "guitarist"),
        ("Solo-Cello & Gesang", "cellist"),
        ("", "writer"),
        ("x" * 200, None),
    ],
)
def test_a_refusal_suggests_the_nearest_three(said: str, role: str | None) -> None:
    with pytest.raises(UnknownRole) as refused:
        role_named(said)
    suggested = nearest(said)
    assert len(suggested) == len(set(suggested)) == 3
    assert refused.value.details["nearest"] == suggested
    assert all(one in str(refused.value) for one in suggested)
    assert role is None or suggested[0] == role


def test_a_search_for_a_role_finds_the_narrower_ones(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        suite = told.piece("suite", by=[ana], role="Cello")
        told.piece("poem", by=[ben])
        with told.view() as view:
            for role in ("cellist", "string player", "musician"):
                assert [one["id"] for one in listing.works(view, role=role).items] == [suite]
                (one,) = parts.of_work(view, suite, role=role).items
                assert one["roles"] == ["cellist"]
            assert listing.works(view, role="guitarist").items == []
            assert parts.of_work(view, suite, role="singer").items == []


def test_the_vocabulary_and_its_suggestions_are_told_over_http(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:
        told = {one["name"]: one for one in served.operator.get("/roles").json["items"]}
        assert told["cellist"]["within"] == "string player"
        assert "cello" in told["cellist"]["aliases"]
        ana = served.operator.post("/contributors", name="Ana").id
        said = {"contributor": ana, "role": "celist"}
        answer = served.operator.post("/contributions", title="A", medium="audio", authors=[said])
        assert (answer.code, answer.json["nearest"][0]) == ("unknown_role", "cellist")


# -- real credit lines -----------------------------------------------------------------------


def musicbrainz(samples: Path) -> Iterator[str]:
    """The words of every credit in the answers of MusicBrainz: its attributes, else its type."""

    def lines(told: Any) -> Iterator[str]:
        if isinstance(told, list):
            for one in told:
                yield from lines(one)
        elif isinstance(told, dict):
            if "artist" in told and "attributes" in told:
                yield from told["attributes"] or [told["type"]]
            for one in told.values():
                yield from lines(one)

    for file in sorted((samples / "musicbrainz").glob("*.json")):
        yield from lines(json.loads(file.read_text("utf-8")))


def test_nearly_every_real_credit_line_finds_a_role(shared_data: Path) -> None:
    found, missed = Counter[str](), Counter[str]()
    for line in musicbrainz(shared_data.parent / "samples"):
        try:
            found[role_named(line)] += 1
        except UnknownRole:
            missed[line] += 1
    assert found.total() >= 82
    assert missed.total() <= 1  # “medium 2” is no role


def test_the_words_of_marc_and_credit_are_theirs(shared_data: Path) -> None:
    folder = shared_data.parent / "samples" / "roles"
    with (folder / "marc_relators.tsv").open(encoding="utf-8") as file:
        codes = {code for code, *_ in csv.reader(file, delimiter="\t")}
    assert {role.marc for role in roles().values()} - {None} <= codes
    with (folder / "credit.tsv").open(encoding="utf-8") as file:
        credit = [name for _, name in csv.reader(file, delimiter="\t")][1:]
    assert all("credit" in roles()[role_named(word)].sources for word in credit)
