"""Identifiers: checked, normal, found by, disputed like a credit, erased with the person."""

import json
from pathlib import Path
from typing import Any

import pytest
from serving import serving
from stories import OPERATOR, Story, id_of, story

from domain.identifier import SCHEMES, normal
from domain.refusal import BadIdentifier, Refusal
from projections import attribution, contributors, listing

MBID = "b10bbbfc-cf9e-42e0-be17-e2c3e1d2600d"


@pytest.mark.parametrize(
    "scheme, written, kept",
    [
        ("isrc", "US-SKG-19-12345", "USSKG1912345"),
        ("isrc", "gbahs1400099", "GBAHS1400099"),
        ("iswc", "T-034.524.680-1", "T0345246801"),
        ("iswc", "T-909.743.680-1", "T9097436801"),
        ("iswc", "t9097436845", "T9097436845"),
        ("upc", "978-0-471-11709-4", "9780471117094"),
        ("upc", "0 36000 29145 2", "036000291452"),
        ("upc", "0036000291452", "036000291452"),
        ("upc", "73513537", "73513537"),
        ("eidr", "10.5240/7791-8534-2c23-9030-8610-5", "10.5240/7791-8534-2C23-9030-8610-5"),
        ("doi", "https://doi.org/10.1000/ABC", "10.1000/abc"),
        ("doi", "https://doi.org/10.1000/a%2Fb%3C1%3E", "10.1000/a/b<1>"),
        ("doi", "10.1000/a%2fb", "10.1000/a%2fb"),
        ("doi", "DOI:10.1000.10/123", "10.1000.10/123"),
        ("isni", "0000 0001 2281 955X", "000000012281955X"),
        ("orcid", "https://orcid.org/0000-0002-1825-0097", "0000-0002-1825-0097"),
        ("ipi", "00014107338", "00014107338"),
        ("ipi", "00045.62.07.92", "00045620792"),
        ("ipi", "00000000000", "00000000000"),
        ("ipi", "IPI 14107338", "00014107338"),
        ("isrc", "ISRC US-SKG-19-12345", "USSKG1912345"),
        ("iswc", "ISWC: T-034.524.680-1", "T0345246801"),
        ("isni", "https://isni.org/isni/000000012281955X", "000000012281955X"),
        ("isni", "ISNI 0000 0001 2281 955X", "000000012281955X"),
        (
            "eidr",
            "https://doi.org/10.5240/7791-8534-2C23-9030-8610-5",
            "10.5240/7791-8534-2C23-9030-8610-5",
        ),
        ("mbid", f"https://musicbrainz.org/artist/{MBID.upper()}", MBID),
    ],
)
def test_a_number_has_one_spelling(scheme: str, written: str, kept: str) -> None:
    assert normal(scheme, written) == kept
    assert normal(scheme, kept) == kept


@pytest.mark.parametrize(
    "scheme, written",
    [
        ("isrc", "USSKG191234"),
        ("iswc", "T-034.524.680-2"),
        ("iswc", "034.524.680-1"),
        ("upc", "9780471117095"),
        ("eidr", "10.5240/7791-8534-2C23-9030-8610-6"),
        ("eidr", "10.5241/7791-8534-2C23-9030-8610-5"),
        ("doi", "11.1000/abc"),
        ("doi", "https://doi.org/10.1000/a%1Bb"),
        ("isni", "0000 0001 2281 9551"),
        ("orcid", "0000-0002-1825-0098"),
        *(("ipi", one) for one in ("0001410733", "00014107339", "00041107338")),
        ("mbid", "b10bbbfc"),
        *((scheme, text) for scheme in SCHEMES for text in ("", "x", "٠" * 16, "1" * 200)),
    ],
)
def test_a_wrong_number_is_refused(scheme: str, written: str) -> None:
    with pytest.raises(BadIdentifier):
        normal(scheme, written)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_example_of_a_registry_is_a_number_of_it(scheme: str) -> None:
    assert normal(scheme, SCHEMES[scheme].example)


def test_the_vectors_of_others_are_read(shared_data: Path) -> None:
    file = shared_data.parent / "samples" / "identifiers" / "vectors.json"
    for case in json.loads(file.read_text("utf-8"))["cases"]:
        scheme = case["type"].lower()
        for text in case.get("valid", ()):
            assert normal(scheme, text)
        for text in case.get("invalid", ()):
            with pytest.raises(BadIdentifier):
                normal(scheme, text)


def test_what_is_no_number_of_a_registry_is_told_what_one_looks_like(told: Story) -> None:
    song = told.piece("song")
    for scheme, number, said in (
        (
            "isrc",
            "USRC1760783",
            "“USRC1760783” is not a valid isrc: it is not of the form US-SKG-19-12345, or its "
            "check digit is wrong.",
        ),
        (
            "orcid",
            "0000-0002-1825-0097",
            "“0000-0002-1825-0097” is not a valid orcid of a work: only a contributor has one.",
        ),
    ):
        with pytest.raises(BadIdentifier) as refused:
            stated(told, scheme, number, work=song)
        assert str(refused.value) == said


def stated(told: Story, scheme: str, number: str, **said: Any) -> str:
    return told.tell("state_identifier", scheme=scheme, identifier=number, **said).id


def test_works_and_people_are_found_by_their_numbers(database: str) -> None:
    with story(database) as told:
        ana = told.person("Ana")
        song, other = told.piece("song", actor=ana), told.piece("other")
        stated(told, "isrc", "US-SKG-19-12345", work=song, actor=ana)
        stated(told, "isni", "0000 0001 2281 955X", contributor=ana, actor=ana)
        stated(told, "mbid", MBID, work=other)
        stated(told, "mbid", MBID, contributor=told.person("Ben"))
        before = told.head()
        with told.view() as view:
            (shown,) = attribution.work(view, song)["identifiers"]
            assert (shown["identifier"], shown["stated_by"]) == ("USSKG1912345", ana)
            assert [one["id"] for one in listing.works(view, isrc="USSKG1912345").items] == [song]
            assert [one["id"] for one in listing.works(view, mbid=MBID).items] == [other]
            assert listing.works(view, isrc="GBAHS1400099").items == []
            found = contributors.people(view, isni="000000012281955X").items
            assert [one["name"] for one in found] == ["Ana"]
            assert [one["name"] for one in contributors.people(view, mbid=MBID).items] == ["Ben"]
        told.tell("forget_contributor", id=ana, ground="request")
        for position in (None, before):
            with told.view(as_of=position) as view:
                assert contributors.people(view, isni="000000012281955X").items == []
                assert contributors.person(view, ana)["identifiers"][0]["identifier"] is None
        rows = told.journal.engine.query("SELECT value FROM vault WHERE value LIKE '%955X%'")
        assert rows == []


@pytest.mark.parametrize(
    "said, code",
    [
        ({"scheme": "isrc", "identifier": "US", "work": id_of("song")}, "bad_identifier"),
        (
            {"scheme": "isni", "identifier": "000000012281955X", "work": id_of("song")},
            "bad_identifier",
        ),
        ({"scheme": "isrc", "identifier": "USSKG1912345"}, "one_subject"),
        (
            {"scheme": "isrc", "identifier": "USSKG1912345", "work": id_of("song")}
            | {"actor": id_of("Ben")},
            "not_permitted",
        ),
        ({"scheme": "isbn", "identifier": "1", "work": id_of("song")}, "unknown_kind"),
    ],
)
def test_what_is_no_number_of_it_is_refused(said: dict[str, Any], code: str) -> None:
    with story("sqlite:///:memory:") as told:
        told.piece("song", actor=told.person("Ana"))
        told.person("Ben")
        with pytest.raises(Refusal) as refused:
            told.tell("state_identifier", **said)
        assert refused.value.code == code


def test_an_identifier_is_disputed_like_a_credit(database: str) -> None:
    with story(database) as told:
        ana, ben = told.person("Ana"), told.person("Ben")
        song = told.piece("song", by=[ana, ben], actor=ana)
        wrong = stated(told, "isrc", "USSKG1912345", work=song, actor=ana)
        right = stated(told, "isrc", "GBAHS1400099", work=song, actor=ana)
        said = {"grounds": "other", "reason": "r", "evidence": "e"}
        told.tell("dispute_identifier", id=wrong, actor=ben, **said)
        told.tell("answer_identifier", id=wrong, reason="no", actor=ana)
        with told.view() as view:
            states = [one["state"] for one in attribution.work(view, song)["identifiers"]]
            assert states == ["disputed", "stated"]
            assert len(listing.works(view, isrc="USSKG1912345").items) == 1
        before = told.head()
        told.tell("settle_identifier", id=wrong, outcome="corrected", replaced_by=right, reason="r")
        with told.view() as view:
            assert listing.works(view, isrc="USSKG1912345").items == []
            assert len(listing.works(view, isrc="GBAHS1400099").items) == 1
        with told.view(as_of=before) as view:
            assert len(listing.works(view, isrc="USSKG1912345").items) == 1
        with pytest.raises(Refusal):
            told.tell("withdraw_identifier", id=wrong, reason="r")
        told.tell("withdraw_identifier", id=right, reason="r", actor=OPERATOR)
        with told.view() as view:
            assert attribution.work(view, song)["identifiers"] == []


def test_who_could_do_this_is_found_by_role_and_medium(database: str) -> None:
    with story(database) as told:
        ana, ben, eva = (told.person(name) for name in ("Ana", "Ben", "Eva"))
        told.piece("suite", by=[ana], role="cello", medium="audio")
        told.piece("book", by=[ana, eva], medium="text")
        hidden = told.credit(
            told.piece("duet", by=[ben], role="drums", medium="audio"), eva, "host"
        )
        told.tell("hide_credit", id=hidden)

        def found(**said: str) -> list[str | None]:
            with told.view() as view:
                return [one["name"] for one in contributors.people(view, **said).items]

        assert found(role="musician") == ["Ana", "Ben"]
        assert found(role="musician", medium="audio", q="an") == ["Ana"]
        assert found(role="writer") == ["Ana", "Eva"]
        assert found(role="writer", medium="audio") == found(role="host") == []
        assert found(medium="text") == ["Ana", "Eva"]


def test_numbers_are_looked_up_over_http_however_they_are_written(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:
        song = served.post_piece("Low Tide")
        said = {"work": song, "scheme": "isrc", "identifier": "US-SKG-19-12345"}
        answer = served.operator.post("/identifiers", **said)
        assert answer.status == 201
        found = served.operator.get("/works?isrc=us-skg-19-12345").json["items"]
        assert [one["id"] for one in found] == [song]
        assert served.operator.get("/works?isrc=1").code == "bad_identifier"
        ana = served.operator.post("/contributors", name="Ana").id
        said = {"contributor": ana, "scheme": "isni", "identifier": "0000 0001 2281 955X"}
        assert served.operator.post("/identifiers", **said).status == 201
        found = served.operator.get("/contributors?isni=0000%200001%202281%20955X").json["items"]
        assert [one["id"] for one in found] == [ana]
        assert "USSKG1912345" in served.operator.get(f"/piece/{song}").text
        assert "000000012281955X" in served.operator.get(f"/contributor/{ana}").text
        history = served.operator.get(f"/works/{song}/history").items
        assert history[-1]["content"]["value"] == "USSKG1912345"
