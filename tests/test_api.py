"""What can be said and asked over HTTP: one story through every route, on both engines."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from serving import Served, serving

from projections.folding import PROJECTIONS
from projections.readiness import KEPT_FAILED_SECONDS


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database) as running:
        yield running


def test_a_story_through_every_route(served: Served) -> None:  # noqa: PLR0915 - it is a story
    operator = served.operator
    ana, ben = served.admit("Ana"), served.admit("Ben")
    as_ana, as_ben = served.acting(ana), served.acting(ben)

    # Ana posts a poem after a song from elsewhere; Ben sings it with a friend.
    poem = as_ana.post(
        "/contributions",
        title="Low Tide",
        medium="text",
        authors=[{"contributor": ana, "role": "poet"}],
        sources=[{"uri": "https://songs.example/waves", "kind": "influence", "note": "its mood"}],
        made_at="2020",
        licence="CC-BY-4.0",
        sha256="ab" * 32,
    ).id
    song = as_ben.post(
        "/contributions",
        title="Low Tide, sung",
        medium="audio",
        authors=[
            {"contributor": ben, "role": "vocals", "display": "low harmony"},
            {"contributor": ana, "role": "lyricist"},
        ],
        sources=[{"work": poem, "kind": "adaptation", "rate": "1/5"}],
        made_at="2021-06",
    ).id
    work = operator.get(f"/works/{song}").json
    assert [credit["role"] for credit in work["credits"]] == ["singer", "lyricist"]
    assert [credit["state"] for credit in work["credits"]] == ["accepted", "granted"]
    assert work["sources"][0]["rate"] == "1/5"
    assert work["posted_by"] == ben

    # Credits: agreed to, refused, disputed and settled.
    lyrics = work["credits"][1]["id"]
    assert as_ana.post(f"/credits/{lyrics}/accept").status == 200
    doubt = {"grounds": "wrong_role", "reason": "Not all words are mine."}
    doubt["evidence"] = "the first draft"
    assert as_ana.post(f"/credits/{lyrics}/dispute", doubt).status == 200
    assert as_ben.post(f"/credits/{lyrics}/answer", reason="All that I sing are.").status == 200
    dispute = operator.get(f"/credits/{lyrics}").json["dispute"]
    assert (dispute["grounds"], dispute["actor"]) == ("wrong_role", ana)
    assert dispute["answer"]["reason"] == "All that I sing are."
    dismissed = {"outcome": "dismissed", "reason": "They are."}
    assert operator.post(f"/credits/{lyrics}/settle", dismissed).status == 200
    assert operator.get(f"/credits/{lyrics}").json["state"] == "accepted"
    editing = operator.post(
        "/credits", work=song, contributor=ana, role="editor", kind="influence", evidence="a mail"
    ).id
    assert as_ana.post(f"/credits/{editing}/decline").status == 200
    assert operator.post(f"/credits/{editing}/revoke").status == 200
    assert operator.get(f"/credits/{editing}").json["state"] == "revoked"

    # Edges: declared late, disputed, struck.
    beat = served.post_piece("A beat", by=ben)
    mix = served.post_piece("A mix", song, by=ana)
    edge = operator.post("/remixes", child=mix, parent=beat, kind="sample", rate="0.2").id
    doubt = {"grounds": "not_derived", "reason": "I hear none.", "evidence": "both takes"}
    assert as_ben.post(f"/remixes/{edge}/dispute", doubt).status == 200
    disputed = operator.get(f"/remixes/{edge}").json
    assert (disputed["state"], disputed["dispute"]["answer"]) == ("disputed", None)
    assert disputed["dispute"]["deadline"] > disputed["dispute"]["at"]
    assert as_ana.post(f"/remixes/{edge}/answer", reason="At 0:42.").status == 200
    dismissed = {"outcome": "dismissed", "reason": "It is there."}
    assert operator.post(f"/remixes/{edge}/settle", dismissed).status == 200
    told = as_ben.get(f"/contributors/{ben}/notices").items
    assert [one["topic"].split(".")[1] for one in told] == ["disputed", "answered", "settled"] * 2
    assert told[-1]["reason"] == "It is there."
    assert as_ben.get(f"/contributors/{ana}/notices").code == "not_permitted"
    assert operator.post(f"/remixes/{edge}/strike", reason="A mistake after all.").status == 200

    # A release, published; then more becomes known.
    album = operator.post("/releases", title="Tides", components=[{"work": mix, "rate": "1"}]).id
    assert operator.get(f"/works/{album}", {"as": "published"}).code == "not_published"
    assert operator.post(f"/releases/{album}/publish").status == 200
    cleo = served.admit("Cleo")
    operator.post("/credits", work=mix, contributor=cleo, role="mixing engineer")
    now = operator.get(f"/works/{album}/contributors").items
    then = operator.get(f"/works/{album}/contributors", {"as": "published"})
    assert {one["contributor"]["name"] for one in now} == {"Ana", "Ben", "Cleo"}
    assert {one["contributor"]["name"] for one in then.items} == {"Ana", "Ben"}
    assert then.json["as_of"] == operator.get(f"/works/{album}").json["published"]["position"]
    singers = operator.get(f"/works/{album}/contributors", role="vocalist").items
    assert [one["contributor"]["id"] for one in singers] == [ben]
    assert operator.get(f"/works/{album}/contributors", kind="influence").items == []

    # Where everything came from.
    ancestors = operator.get(f"/works/{album}/ancestors").items
    assert [one["generation"] for one in ancestors] == [1, 2, 3, 4]
    outside = ancestors[-1]["id"]
    assert ancestors[-1]["uri"] == "https://songs.example/waves"
    descendants = operator.get(f"/works/{outside}/descendants").items
    assert [one["id"] for one in descendants] == [poem, song, mix, album]
    lineage = operator.get(f"/works/{album}/lineage").json
    assert {node["id"] for node in lineage["nodes"]} == {album, mix, song, poem, outside}
    assert len(lineage["edges"]) == 4

    # The maker of the source outside turns up; a date is corrected; a person was two.
    claim = operator.post(
        f"/works/{outside}/claim", contributor=cleo, role="composer", evidence="the label"
    )
    assert operator.get(claim.headers["Location"]).json["state"] == "claimed"
    assert as_ana.post(f"/works/{poem}/redate", made_at="2019-12", reason="My notebook.").id == poem
    assert operator.post(f"/contributors/{cleo}/merge", into=ana, reason="A pen name.").id == cleo
    assert operator.get(f"/contributors/{cleo}").json["merged_into"] == ana
    assert operator.get(f"/contributors/{ana}").json["merged_into"] is None
    attributed = operator.get(f"/contributors/{ana}/attribution").items
    assert attributed[0]["release"]["id"] == album
    assert "mixing engineer" in attributed[0]["roles"]

    # What is taken back leaves a tombstone.
    assert as_ana.post(f"/contributions/{poem}/withdraw", reason="Too private.").status == 200
    assert operator.get(f"/works/{poem}").json["title"] is None
    assert operator.post(f"/releases/{album}/withdraw", reason="A second edition.").status == 200
    history = operator.get(f"/works/{poem}/history").items
    assert history[0]["topic"] == "contribution.submitted"
    assert history[0]["content"]["title"] is None
    assert history[-1]["reason"] == "Too private."
    assert operator.get(f"/contributors/{cleo}/history").items[-1]["topic"] == "contributor.merged"

    # Finding things again.
    found = operator.get("/works", q="TIDE, s", medium="audio", role="Singer").items
    assert [one["id"] for one in found] == [song]
    assert operator.get("/works", kind="release").items[0]["id"] == album
    fresh = {one["id"] for one in operator.get("/works", never_remixed="true").items}
    assert fresh == {beat}  # the album was withdrawn
    assert [one["name"] for one in operator.get("/contributors", q="EN").items] == ["Ben"]


def test_a_created_thing_is_found_at_its_location(served: Served) -> None:
    ana = served.operator.post("/contributors", name="Ana")
    assert ana.status == 201
    assert served.operator.get(ana.headers["Location"]).json["name"] == "Ana"
    piece = served.operator.post("/contributions", title="A poem", medium="text")
    assert served.operator.get(piece.headers["Location"]).json["title"] == "A poem"


def test_the_same_id_with_the_same_body_is_answered_again_with_another_refused(
    served: Served,
) -> None:
    ana, poem, song = served.admit("Ana"), served.post_piece("A poem"), served.post_piece("A song")
    authors = [{"contributor": ana, "role": "writer"}]
    sources = [{"work": poem, "kind": "influence"}, {"uri": "x:y", "kind": "sample"}]
    piece = {"title": "A tale", "medium": "text", "authors": authors, "sources": sources}
    edge = {"child": song, "parent": poem, "kind": "adaptation"}
    line = {"work": poem, "contributor": ana, "role": "editor"}
    album = {"title": "A", "components": [{"work": poem}, {"work": song}]}
    bodies: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("/contributors", {"name": "Ben"}, {"name": "Benny"}),
        ("/contributions", piece, {"title": "A taller tale"}),
        ("/contributions", piece, {"authors": []}),
        ("/contributions", piece, {"authors": [*authors, {"contributor": ana, "role": "editor"}]}),
        ("/contributions", piece, {"sources": sources[:1]}),
        ("/contributions", piece, {"made_at": "2020"}),
        ("/remixes", edge, {"kind": "sample"}),
        ("/remixes", edge, {"rate": "1/2"}),
        ("/credits", line, {"role": "writer"}),
        ("/credits", line, {"kind": "influence"}),
        ("/releases", album, {"title": "B"}),
        ("/releases", album, {"components": album["components"][:1]}),
    ]
    for path, body, other in bodies:
        id = str(uuid4())
        first = served.operator.post(path, {**body, "id": id})
        head = served.head
        assert (first.status, first.id) == (201, id)
        again = served.operator.post(path, {**body, "id": id.upper()})
        assert (again.status, again.json) == (201, first.json)
        another = served.operator.post(path, {**body, **other, "id": id})
        assert (another.status, another.code) == (409, "id_taken"), (path, other)
        assert served.head == head


def test_a_change_that_just_happened_is_answered_again(served: Served) -> None:
    ana = served.admit("Ana")
    credit = served.operator.post(
        "/credits", work=served.post_piece("A poem"), contributor=ana, role="editor"
    ).id
    accepted = served.operator.post(f"/credits/{credit}/accept")
    assert served.operator.post(f"/credits/{credit}/accept").json == accepted.json


def test_as_of_answers_what_was_known_then(served: Served) -> None:
    ana = served.operator.post("/contributors", name="Ana").json
    poem = served.operator.post("/contributions", title="A poem", medium="text").json
    served.operator.post("/credits", work=poem["id"], contributor=ana["id"], role="editor")
    path = f"/works/{poem['id']}/contributors"
    assert len(served.operator.get(path).items) == 1
    then = served.operator.get(path, as_of=poem["position"]).json
    assert (then["as_of"], then["items"]) == (poem["position"], [])
    before = served.operator.get(path, as_of=ana["position"])
    assert (before.status, before.code) == (404, "unknown_work")


def test_a_position_that_nothing_has_reached_is_refused(served: Served) -> None:
    served.admit("Ana")
    answer = served.operator.get("/works", as_of=served.head + 1)
    assert (answer.status, answer.code) == (422, "position_in_future")
    assert answer.json["position"] == served.head


def test_a_reader_can_wait_for_its_own_write(served: Served) -> None:
    for number in range(5):
        position = served.operator.post("/contributors", name=f"Ana {number}").json["position"]
        answer = served.operator.get("/contributors", min_position=position)
        assert answer.json["as_of"] >= position
        assert len(answer.items) == number + 1


def test_projections_that_are_behind_say_when_to_come_back(database: str) -> None:
    with serving(database, follow=False) as served:
        position = served.operator.post("/contributors", name="Ana").json["position"]
        answer = served.operator.get("/contributors", min_position=position)
        assert (answer.status, answer.code) == (503, "projections_behind")
        assert int(answer.headers["Retry-After"]) > 0
        ready = served.operator.get("/ready").json
        assert (ready["journal"], ready["behind"]) == (position, position)
        served.service.follower.catch_up()
        assert served.operator.get("/contributors", min_position=position).status == 200
        time.sleep(KEPT_FAILED_SECONDS)
        ready = served.operator.get("/ready").json
        assert ready.pop("checks")["projections"]["status"] == "ok"
        assert ready == {
            "status": "unready",  # because nothing has gone through all steps of a follower
            "journal": position,
            "projections": dict.fromkeys((one.name for one in PROJECTIONS), position),
            "behind": 0,
        }


def test_a_lineage_comes_in_the_form_that_is_asked_for(served: Served) -> None:
    poem = served.post_piece('A "poem" <in> <quotes>', by=served.admit("Ana"))
    path = f"/works/{served.post_piece('A song', poem)}/lineage"
    for name, media_type, sign in (
        ("json", "application/json", '"edges":'),
        ("graphml", "application/graphml+xml", "<graphml"),
        ("dot", "text/vnd.graphviz", "digraph"),
        ("jsonld", "application/ld+json", '"@context"'),
    ):
        by_query = served.operator.get(path, format=name)
        by_accept = served.operator.get(path, headers={"Accept": f"{media_type}, */*;q=0.1"})
        for answer in (by_query, by_accept):
            assert answer.headers["Content-Type"].partition(";")[0] == media_type
            assert sign in answer.text
        assert by_query.text == by_accept.text
    assert served.operator.get(path).headers["Content-Type"] == "application/json"
    refused = served.operator.get(path, headers={"Accept": "image/png"})
    assert (refused.status, refused.code) == (406, "not_acceptable")


def test_the_vocabulary_is_told_with_its_meanings(served: Served) -> None:
    roles = {role["name"]: role for role in served.operator.get("/roles").items}
    assert "vocalist" in roles["singer"]["aliases"]
    kinds = served.operator.get("/kinds").json
    assert {"adaptation", "sample", "influence"} <= {kind["name"] for kind in kinds["remix"]}
    assert {kind["name"] for kind in kinds["credit"]} == {"direct", "influence"}


def test_the_part_of_a_person_is_told_as_it_was_published(served: Served) -> None:
    operator = served.operator
    ana = operator.post("/contributors", name="Ana").id
    authors = [{"contributor": ana, "role": "writer"}]
    poem = operator.post("/contributions", title="P", medium="text", authors=authors).id
    whole = operator.post("/releases", title="W", components=[{"work": poem}]).id
    operator.post(f"/releases/{whole}/publish", {})
    operator.post("/credits", work=poem, contributor=ana, role="editor")
    part = f"/works/{whole}/contributors/{ana}"
    published = {"as": "published"}
    assert len(operator.get(f"{part}/credits").items) == 2
    assert len(operator.get(f"{part}/credits", published).items) == 1
    assert len(operator.get(f"{part}/paths", published).items) == 1
