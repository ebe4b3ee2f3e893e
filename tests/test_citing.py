"""Sources: likely ones with their reasons, and many cited at once with what became of each."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commanding import Stemma
from serving import serving
from stories import Story, id_of, story
from test_challenges import answered, issued

from api.citing import cite, read
from domain.identifier import normal
from domain.iscc import difference, near_bands, units_of
from domain.refusal import BadIdentifier, UnknownWork
from projections import likely

CODE = "ISCC:KACT4EBWK27737D2AYCJRAL5Z36G76RFRMO4554RU26HZ4ORJGIVHDI"
"""A code with four units (documentation of iscc-core)."""
TEXT = "ISCC:EAASKDNZNYGUUF5A"
"""The unit of “Hello World” (iscc-core, data.json, gen_text_code_v0)."""
LONG = "ISCC:EADSKDNZNYGUUF5AMFEJLZ5P66CP5YKCOA3X7F36RWE4CIRCBTUWXYY"
"""The same with 256 bits."""


@pytest.fixture
def told(database: str) -> Iterator[Story]:
    with story(database) as one:
        yield one


def likely_sources(told: Story) -> list[tuple[str | None, list[str]]]:
    """The likely sources of the piece “own”, each with why."""
    with told.view() as view:
        found = likely.likely_sources(view, id_of("own")).items
    return [(one["work"]["title"], [why["code"] for why in one["reasons"]]) for one in found]


# -- ISCC ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written, kinds",
    [
        (CODE, ["meta", "content (text)", "data", "instance"]),
        ("KUAG2PRCRS5LNVZVJKAFAVOJXLZZM", ["data", "instance"]),
        ("iscc:gaaw2prcrs5lnvzv", ["data"]),
        (TEXT, ["content (text)"]),
        (LONG, ["content (text)"]),
        ("ISCC:EEAQAAAAAAAAAAAA", ["content (image)"]),
        ("ISCC:AADQPPCUKAL34VCQOCRWHDPQU5RY2LMRHPGS3HL35UEPHQ3CDDZ6GYQ", ["meta"]),
    ],
)
def test_a_code_is_read_into_its_units(written: str, kinds: list[str]) -> None:
    code = normal("iscc", written)
    assert [unit.kind for unit in units_of(code)] == kinds
    assert code == normal("iscc", code.lower())


@pytest.mark.parametrize(
    "written",
    [
        "ISCC:",
        "ISCC:KACT4EBWK27737D2AYCJRAL5Z36G76RFRMO4554RU26HZ4ORJGIVH",
        f"{CODE}AA",
        "ISCC:MEACB7X7777574L6",
        "ISCC:EAASKDNZNYGUUF5B1",
        "ISCC:EAASKDNZNYGUUF5Ä",
        "ISCC:KQAG2PRCRS5LNVZVJKAFAVOJXLZZM",
        "GAAW2PRCRS5LNVZV IAAUVACQKXE3V44W",
    ],
)
def test_what_is_no_code_is_refused(written: str) -> None:
    with pytest.raises(BadIdentifier):
        normal("iscc", written)


def test_every_unit_that_differs_in_seven_bits_is_found_by_a_band() -> None:
    (unit,) = units_of(normal("iscc", TEXT))
    value = int.from_bytes(unit.bits)
    # The worst case: no band has fewer than one of the seven.
    for places in ((0, 1, 16, 17, 32, 33, 48), (0, 16, 17, 32, 33, 48, 49), (0, 1, 2, 3, 4, 5, 6)):
        changed = value
        for place in places:
            changed ^= 1 << place
        other = changed.to_bytes(8)
        assert difference(unit.bits, other) == 7
        assert set(near_bands(unit.bits)) & set(near_bands(other)[::17])


def test_a_longer_unit_is_compared_as_far_as_both_go() -> None:
    (short,), (long,) = units_of(TEXT), units_of(LONG)
    assert difference(short.bits, long.bits) == 0


# -- likely sources ------------------------------------------------------------------------------


def posted(told: Story, name: str, *made_from: str, **said: Any) -> str:
    said["sources"] = [{"work": id_of(one), "kind": "sample"} for one in made_from]
    said.setdefault("medium", "text")
    return told.tell("submit_contribution", title=name, id=id_of(name), **said).id


def iscc(bits: int) -> list[dict[str, str]]:
    """A unit about an image with these bits."""
    from base64 import b32encode

    raw = bytes((0x21, 0x01)) + bits.to_bytes(8)
    return [{"scheme": "iscc", "identifier": b32encode(raw).decode().rstrip("=")}]


def test_the_same_file_and_similar_content_are_likely_sources(told: Story) -> None:
    posted(told, "file", sha256="ab" * 32)
    posted(told, "near", identifiers=iscc(0xFFFF_0000_FFFF_0000 ^ 0b1110111))
    posted(told, "nearer", identifiers=iscc(0xFFFF_0000_FFFF_0000 ^ 1))
    posted(told, "far", identifiers=iscc(0xFFFF_0000_FFFF_0000 ^ 0x1111_1111_1111_1111))
    posted(told, "own", sha256="AB" * 32, identifiers=iscc(0xFFFF_0000_FFFF_0000))
    assert likely_sources(told) == [
        ("file", ["same_content"]),
        ("nearer", ["similar_content"]),
        ("near", ["similar_content"]),
    ]
    with told.view() as view:
        near = likely.likely_sources(view, id_of("own")).items[2]["reasons"][0]
    assert (near["unit"], near["differing_bits"]) == ("content (image)", 6)
    assert "6 differ" in near["says"]


def test_answers_before_it_and_sources_of_its_sources_are_likely_sources(told: Story) -> None:
    ana = told.person("Ana")
    issued(told, ana, "draw")
    posted(told, "root")
    posted(told, "middle", "root")
    answered(told, id_of("draw"), "before", ana)
    answered(told, id_of("draw"), "own", ana, id_of("middle"))
    answered(told, id_of("draw"), "later", ana)
    assert likely_sources(told) == [("before", ["same_challenge"]), ("root", ["source_of_source"])]
    with told.view() as view:
        first, second = likely.likely_sources(view, id_of("own")).items
        page = likely.likely_sources(view, id_of("own"), limit=1)
        rest = likely.likely_sources(view, id_of("own"), limit=1, after=page.next)
    assert [*page.items, *rest.items] == [first, second]
    assert second["reasons"][0]["says"] == "“middle”, which is cited, was made from it."


def test_what_is_cited_withdrawn_later_or_made_from_it_is_not(told: Story) -> None:
    for name in ("cited", "gone", "made from it", "later"):
        made_at = "2020" if name == "later" else None
        posted(told, name, sha256="ab" * 32, made_at=made_at)
    posted(told, "own", "cited", sha256="ab" * 32, made_at="2001")
    told.tell("withdraw_contribution", id=id_of("gone"), reason="Not mine.")
    told.edge(id_of("made from it"), id_of("own"))
    assert likely_sources(told) == []


def test_a_code_that_was_withdrawn_finds_nothing(told: Story) -> None:
    posted(told, "near", identifiers=iscc(5))
    posted(told, "own", identifiers=iscc(5))
    assert likely_sources(told) == [("near", ["similar_content"])]
    with told.view() as view:
        rows = view.rows("SELECT i.id FROM @identifiers i ORDER BY i.born")
    told.tell("withdraw_identifier", id=rows[0][0], reason="A digit was wrong.")
    assert likely_sources(told) == []


# -- many at once --------------------------------------------------------------------------------


def outcomes(told: Story, *lines: str, actor: str = "operator") -> list[tuple[int, str]]:
    told.service.follower.catch_up()
    found = cite(told.journal, told.store, id_of("own"), lines, actor)
    return [(one["line"], one["outcome"]) for one in found]


def test_each_line_is_cited_or_says_why_not_and_stops_no_other(told: Story) -> None:
    ana = told.person("Ana")
    for name in ("Tide", "Twice", "Low Sample", "cited"):
        told.piece(name)
    told.tell("submit_contribution", title="Twice", medium="text", id=id_of("other"))
    posted(told, "own", "cited", actor=ana)
    told.piece("made of own", id_of("own"))
    lines = [
        id_of("Tide"),
        "",
        "# a remark",
        f"{id_of('cited')} sample",
        "tide adaptation 10%",
        "https://example.org/waves adaptation 1/10",
        "HTTPS://EXAMPLE.org/waves",
        "Twice",
        "No such title",
        id_of("nothing"),
        id_of("made of own"),
        id_of("own"),
        "“Low Sample” sample 5 %",
        "https://example.org/rest sample 99/100",
    ]
    assert outcomes(told, *lines) == [
        (1, "cited"),
        (4, "already_cited"),
        (5, "already_cited"),
        (6, "cited"),
        (7, "already_cited"),
        (8, "ambiguous"),
        (9, "unknown"),
        (10, "unknown"),
        (11, "refused"),
        (12, "refused"),
        (13, "cited"),
        (14, "refused"),
    ]
    again = dict(outcomes(told, *lines))
    assert {again[one] for one in (1, 6, 13)} == {"already_cited"}
    said = [f"{id_of('cited')} sample", "https://example.org/waves sample 1/2"]
    same, other = cite(told.journal, told.store, id_of("own"), said, ana)
    with told.view() as view:
        first = view.rows("SELECT e.id FROM @remixes e WHERE e.rate = '1/10'")
    assert same["detail"] == "It was cited before, as sample; nothing was recorded."
    assert other["detail"].startswith("It was cited before, as adaptation at 1/10; nothing was")
    assert "To change that, dispute the remix" in other["detail"]
    assert [(other["remix"],)] == first
    with told.view() as view:
        edges = view.rows("SELECT e.kind, e.rate FROM @remixes e ORDER BY e.born")
    assert edges[-2:] == [("adaptation", "1/10"), ("sample", "1/20")]


def test_a_line_of_nothing_but_digits_is_read_at_once() -> None:
    begun = time.process_time()
    assert read("song " + "9" * 200_000).is_title
    assert time.process_time() - begun < 1


def test_nobody_cites_for_another_and_an_unknown_work_is_refused(told: Story) -> None:
    ana, ben = told.person("Ana"), told.person("Ben")
    told.piece("Tide", actor=ana)
    posted(told, "own", actor=ana)
    assert outcomes(told, id_of("Tide"), actor=ben) == [(1, "refused")]
    assert outcomes(told, id_of("Tide"), actor=ana) == [(1, "cited")]
    with pytest.raises(UnknownWork):
        cite(told.journal, told.store, id_of("none"), ["x"], ana)


def test_it_is_done_by_http_on_a_page_and_at_the_terminal(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database) as served:
        ana = served.admit("Ana")
        for name in ("Tide", "own"):
            body = {"title": name, "medium": "text", "sha256": "ab" * 32, "id": id_of(name)}
            served.acting(ana).post("/contributions", **body)
        work = id_of("own")
        found = served.acting(ana).get(f"/works/{work}/likely-sources").json["items"]
        assert [one["work"]["title"] for one in found] == ["Tide"]
        page = served.acting(ana).get(f"/piece/{work}").text
        assert "It is the same file." in page
        assert "It is the same file." not in served.operator.get(f"/piece/{work}").text
        answer = served.acting(ana).post(f"/works/{work}/citations", lines=["Tide", "nothing"])
        assert [one["outcome"] for one in answer.json["items"]] == ["cited", "unknown"]
        assert [one["position"] for one in answer.json["items"]] == [served.head, None]
        assert served.acting(ana).post(f"/works/{work}/citations", lines=["x"] * 1001).status == 422
        assert served.acting(ana).post(f"/works/{id_of('no')}/citations", lines=[]).status == 404
        page = served.acting(ana).get(f"/piece/{work}/cite").text
        assert 'name="lines"' in page
    file = tmp_path / "lines.txt"
    file.write_text("tide\nhttps://example.org/x 1/2\nhttps://example.org/y sample 2/3\n")
    ran = Stemma(database).run("cite", work, str(file))
    assert ran.exit_code == 1
    outcomes = [line.split()[1] for line in ran.stdout.splitlines() if line.split()[:1] > ["0"]]
    assert outcomes == ["outcome", "already_cited", "cited", "refused"]
    assert "7/6 of it, more than the cap of 1" in ran.stdout
    ran = Stemma(database).run("cite", work, "-", input="tide\n")
    assert (ran.exit_code, "already_cited" in ran.stdout) == (0, True)
