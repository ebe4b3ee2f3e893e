"""What is refused, each with its own code, and leaving no trace."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from databases import Postgres
from serving import JSON, OPERATOR_KEY, Answer, Served, serving
from test_pages import reader

from api.problems import MEDIA_TYPE, OWN, PROBLEMS
from api.received import MAXIMUM_BODY_BYTES
from api.schemas import body_of
from domain.refusal import REFUSALS, Refusal
from domain.registry import COMMANDS
from domain.text import LIMITS
from domain.value import Many

NOBODY = str(uuid4())
STORY = {
    name: str(uuid4())
    for name in ("ana", "ben", "poem", "song", "edge", "credit", "album", "dated", "merged")
}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def told(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    """A small story that every refusal is held against."""
    if request.param == "sqlite":
        with serving(f"sqlite:///{tmp_path_factory.mktemp('problems') / 'stemma.db'}") as served:
            yield tell(served)
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    with server.database() as url, serving(url) as served:
        yield tell(served)


def tell(served: Served) -> Served:
    """Ana wrote a poem, Ben sang it, and the album is out."""
    for path, body in (
        ("/contributors", {"id": "ana", "name": "Ana"}),
        ("/contributors", {"id": "ben", "name": "Ben"}),
        ("/contributors", {"id": "merged", "name": "Benny"}),
        ("/contributors/{merged}/merge", {"into": "ben"}),
        ("/contributions", {"id": "poem", "title": "A poem", "medium": "text", "made_at": "2020"}),
        (
            "/contributions",
            {"id": "song", "title": "A song", "medium": "audio", "made_at": "2021-06"},
        ),
        ("/contributions", {"id": "dated", "title": "Old", "medium": "text", "made_at": "1969"}),
        ("/remixes", {"id": "edge", "child": "song", "parent": "poem", "kind": "adaptation"}),
        ("/credits", {"id": "credit", "work": "song", "contributor": "ben", "role": "singer"}),
        ("/releases", {"id": "album", "title": "Album", "components": [{"work": "song"}]}),
        ("/releases/{album}/publish", {}),
    ):
        assert served.operator.post(path.format(**STORY), ids(body)).status in {200, 201}, path
    return served


def ids(body: Any) -> Any:
    """The same body with the ids of the story in place of its names."""
    match body:
        case dict():
            return {name: ids(value) for name, value in body.items()}
        case list():
            return [ids(value) for value in body]
        case str():
            return STORY.get(body, body)
        case _:
            return body


def refused(told: Served, answer: Answer, status: int, code: str) -> dict[str, Any]:
    """The problem, after all that every problem has to be."""
    assert (answer.status, answer.code) == (status, code), answer.text
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    problem: dict[str, Any] = answer.json
    assert problem["type"] == f"/docs#problem-{code}"
    assert problem["title"]
    assert problem["detail"]
    if status == Refusal.status and not (code in REFUSALS and REFUSALS[code].about == ()):
        assert code in {one["code"] for one in problem["errors"]} or code.startswith("invalid_")
    return problem


PIECE = {"title": "A piece", "medium": "text"}
BODIES: list[tuple[str, Any, int, str]] = [
    # shapes
    ("/contributors", {}, 422, "missing_field"),
    ("/contributors", {"nam": "Cleo", "name": "Cleo"}, 422, "unknown_field"),
    ("/contributors", {"nam": "Cleo"}, 422, "invalid_body"),
    ("/contributors", {"name": 7}, 422, "wrong_type"),
    ("/contributors", {"name": None}, 422, "wrong_type"),
    ("/contributors", {"name": ["Cleo"]}, 422, "wrong_type"),
    ("/contributors", ["Cleo"], 422, "wrong_type"),
    ("/contributors", "Cleo", 422, "wrong_type"),
    ("/contributors", None, 422, "missing_field"),
    ("/contributors", {"name": "a\0b"}, 422, "bad_text"),
    ("/contributors", {"name": "\ud800"}, 422, "bad_text"),
    ("/contributors", {"name": ""}, 422, "bad_text"),
    ("/contributors", {"name": " \t\n"}, 422, "bad_text"),
    ("/contributors", {"name": "x" * (LIMITS["name"] + 1)}, 422, "text_too_long"),
    ("/contributors", {"name": "Cleo", "id": "cleo"}, 422, "bad_id"),
    ("/contributors", {"name": "Cleo", "id": 5}, 422, "wrong_type"),
    ("/contributors", {"name": "Cleo", "\ud800": "x"}, 422, "unknown_field"),
    ("/contributions", {**PIECE, "authors": "ana"}, 422, "wrong_type"),
    ("/contributions", {**PIECE, "authors": None}, 422, "wrong_type"),
    ("/contributions", {**PIECE, "authors": ["ana"]}, 422, "wrong_type"),
    ("/contributions", {**PIECE, "authors": [{"role": "writer"}]}, 422, "missing_field"),
    ("/contributions", {**PIECE, "sha256": "abc"}, 422, "bad_text"),
    # what is named does not exist
    ("/contributors", {"name": "Cleo", "id": "ana"}, 409, "id_taken"),
    ("/contributors/{merged}/merge", {"into": "ana"}, 409, "wrong_state"),
    ("/contributors/{ben}/merge", {"into": "ben"}, 409, "merge_cycle"),
    ("/contributors/{ben}/merge", {"into": "merged"}, 409, "merge_cycle"),
    ("/contributors/{ben}/merge", {"into": NOBODY}, 404, "unknown_contributor"),
    (f"/contributors/{NOBODY}/merge", {"into": "ben"}, 404, "unknown_contributor"),
    ("/contributors/nobody/merge", {"into": "ben"}, 404, "unknown_contributor"),
    ("/contributors/{poem}/merge", {"into": "ben"}, 404, "unknown_contributor"),
    (f"/contributions/{NOBODY}/withdraw", {"reason": "x"}, 404, "unknown_contribution"),
    ("/contributions/{album}/withdraw", {"reason": "x"}, 404, "unknown_contribution"),
    (f"/works/{NOBODY}/redate", {"made_at": "2020", "reason": "x"}, 404, "unknown_work"),
    (f"/remixes/{NOBODY}/strike", {"reason": "x"}, 404, "unknown_remix"),
    (f"/credits/{NOBODY}/accept", {}, 404, "unknown_credit"),
    (f"/releases/{NOBODY}/publish", {}, 404, "unknown_release"),
    ("/releases/{poem}/publish", {}, 404, "unknown_release"),
    # vocabulary and values
    ("/contributors/{ben}/grant-role", {"role": "boss"}, 422, "bad_role"),
    ("/contributors/{ben}/grant-role", {"role": "producer"}, 422, "bad_role"),
    ("/contributors/{ben}/end-role", {"role": "auditor", "work": "poem"}, 422, "bad_role"),
    ("/contributors/{ben}/end-role", {"role": "auditor"}, 409, "wrong_state"),
    (
        "/contributions",
        {**PIECE, "authors": [{"contributor": "ana", "role": "wizard"}]},
        422,
        "unknown_role",
    ),
    (
        "/contributions",
        {**PIECE, "authors": [{"contributor": NOBODY, "role": "writer"}]},
        404,
        "unknown_contributor",
    ),
    ("/contributions", {**PIECE, "sources": [{"work": "poem", "kind": "x"}]}, 422, "unknown_kind"),
    (
        "/contributions",
        {**PIECE, "sources": [{"work": NOBODY, "kind": "sample"}]},
        404,
        "unknown_work",
    ),
    ("/contributions", {**PIECE, "sources": [{"uri": "here", "kind": "sample"}]}, 422, "bad_uri"),
    ("/contributions", {**PIECE, "sources": [{"kind": "sample"}]}, 422, "no_source"),
    (
        "/contributions",
        {**PIECE, "sources": [{"work": "poem", "uri": "x:y", "kind": "sample"}]},
        422,
        "no_source",
    ),
    (
        "/contributions",
        {**PIECE, "sources": [{"work": "poem", "kind": "sample", "rate": 0.2}]},
        422,
        "wrong_type",
    ),
    (
        "/contributions",
        {**PIECE, "sources": [{"work": "poem", "kind": "sample", "rate": "20%"}]},
        422,
        "bad_rate",
    ),
    ("/contributions", {**PIECE, "made_at": "yesterday"}, 422, "bad_made_at"),
    ("/contributions", {**PIECE, "made_at": 1969}, 422, "wrong_type"),
    ("/contributions", {**PIECE, "made_at": "9999"}, 422, "made_in_future"),
    ("/remixes", {"child": "poem", "parent": "song", "kind": "sample"}, 422, "lineage_cycle"),
    ("/remixes", {"child": "poem", "parent": "poem", "kind": "sample"}, 422, "self_remix"),
    ("/remixes", {"child": "poem", "kind": "sample"}, 422, "no_source"),
    ("/works/{song}/redate", {"made_at": "2019/2018", "reason": "x"}, 422, "bad_made_at"),
    ("/remixes/{edge}/settle", {"outcome": "upheld", "reason": "x"}, 409, "wrong_state"),
    ("/remixes/{edge}/settle", {"outcome": "won", "reason": "x"}, 422, "bad_outcome"),
    ("/payout-batches/preview", {"currency": "EUR", "cursor": "x"}, 422, "bad_cursor"),
    ("/payout-batches/preview", {"currency": "0"}, 422, "bad_currency"),
    ("/remixes/preview", {"child": "song", "parent": "poem", "kind": "x"}, 422, "unknown_kind"),
    ("/remixes/{edge}/dispute", {"grounds": "other"}, 422, "missing_field"),
    ("/remixes/{edge}/dispute", {"grounds": "x", "reason": "x"}, 422, "unknown_grounds"),
    (
        "/credits",
        {"work": "song", "contributor": "ben", "role": "singer", "kind": "x"},
        422,
        "unknown_kind",
    ),
    ("/credits/{credit}/answer", {"reason": "x"}, 409, "wrong_state"),
    ("/releases", {"title": "B", "components": []}, 422, "no_components"),
    ("/releases", {"title": "B"}, 422, "missing_field"),
    (
        "/releases",
        {"title": "B", "components": [{"work": "poem"}, {"work": "poem", "rate": "1/2"}]},
        422,
        "repeated_component",
    ),
]


@pytest.mark.parametrize("path, body, status, code", BODIES, ids=range(len(BODIES)))
def test_what_cannot_be_recorded_is_refused_and_leaves_no_trace(
    told: Served, path: str, body: Any, status: int, code: str
) -> None:
    head = told.head
    raw = json.dumps(ids(body)).encode() if body is not None else b"{}"
    answer = told.operator.send("POST", path.format(**STORY), raw, JSON)
    refused(told, answer, status, code)
    assert told.head == head


LISTS = [
    (name, field.name)
    for name, command in COMMANDS.items()
    for field in command.fields()
    if isinstance(field.value, Many)
]


@pytest.mark.parametrize("name, field", LISTS, ids=":".join)
def test_an_item_of_a_list_is_never_null(name: str, field: str) -> None:
    errors = body_of(COMMANDS[name])().validate({field: [None]})
    assert list(errors[field]) == [0]


def test_a_cycle_is_refused_with_the_path_it_would_close(told: Served) -> None:
    body = {"child": STORY["poem"], "parent": STORY["song"], "kind": "sample"}
    problem = refused(told, told.operator.post("/remixes", body), 422, "lineage_cycle")
    assert problem["cycle"] == [STORY["poem"], STORY["song"], STORY["poem"]]


def test_every_wrong_field_is_pointed_at(told: Served) -> None:
    body = {
        "title": 5,
        "authors": [{"contributor": STORY["ana"], "role": "writer"}, {"role": None, "a/b~": 1}],
    }
    problem = refused(told, told.operator.post("/contributions", body), 422, "invalid_body")
    assert {(error["pointer"], error["code"]) for error in problem["errors"]} == {
        ("#/title", "wrong_type"),
        ("#/medium", "missing_field"),
        ("#/authors/1/contributor", "missing_field"),
        ("#/authors/1/role", "wrong_type"),
        ("#/authors/1/a~1b~0", "unknown_field"),
    }


JSONS = [
    (b"", "invalid_json"),
    (b"{", "invalid_json"),
    (b"name=Cleo", "invalid_json"),
    (b'{"name": "Cleo"} {}', "invalid_json"),
    (b'{"name": "Cleo", "name": "Ana"}', "invalid_json"),
    (b'{"name": NaN}', "invalid_json"),
    (b'{"name": "\xff"}', "invalid_json"),
    ('{"name": "Cleo"}'.encode("utf-16"), "invalid_json"),
    (b"[" * 100_000, "invalid_json"),
    (b'{"name": ' + b"1" * 10_000 + b"}", "invalid_json"),
    (b"null", "wrong_type"),
    (b"1e400", "wrong_type"),
]


@pytest.mark.parametrize("raw, code", JSONS, ids=range(len(JSONS)))
def test_what_is_not_one_json_object_is_refused(told: Served, raw: bytes, code: str) -> None:
    answer = told.operator.send("POST", "/contributors", raw, JSON)
    refused(told, answer, PROBLEMS[code].status, code)


NOT_JSON = [
    ('{"name": "Cléo"}'.encode("latin-1"), "not UTF-8: the byte at offset 12 is wrong"),
    (b'\xef\xbb\xbf{"name": "Cleo"}', "not JSON: it begins with a byte order mark"),
    (b'{"name": ' + b"1" * 5_000 + b"}", "not JSON: a number has thousands of digits"),
]


@pytest.mark.parametrize("raw, why", NOT_JSON, ids=range(len(NOT_JSON)))
def test_why_a_body_is_no_json_is_said_without_words_of_python(
    told: Served, raw: bytes, why: str
) -> None:
    answer = told.operator.send("POST", "/contributors", raw, JSON)
    assert answer.json["detail"] == f"The body is {why}."


def test_only_json_is_read(told: Served) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
        answer = told.operator.send(
            "POST", "/contributors", b'{"name": "Cleo"}', {"Content-Type": media_type}
        )
        refused(told, answer, 415, "unsupported_media_type")
    answer = told.operator.send("POST", "/contributors", b'{"name": "Cleo"}')
    refused(told, answer, 415, "unsupported_media_type")


def test_a_compressed_body_is_refused_by_the_name_of_what_is_accepted(told: Served) -> None:
    raw = gzip.compress(b'{"name": "Cleo"}')
    packed = told.operator.send("POST", "/contributors", raw, {**JSON, "Content-Encoding": "gzip"})
    refused(told, packed, 415, "unsupported_media_type")
    assert packed.headers["Accept-Encoding"] == "identity"
    plain = {**JSON, "Content-Encoding": "identity"}
    assert told.operator.send("POST", "/contributors", b'{"name": "Cleo"}', plain).status == 201


def test_a_verb_that_needs_no_reason_needs_no_body(told: Served) -> None:
    path = f"/releases/{STORY['album']}/publish"
    for raw, headers in ((None, None), (b"", None), (b"", JSON), (b"{}", JSON)):
        assert told.operator.send("POST", path, raw, headers).status == 200


def test_a_body_over_the_limit_is_not_read(told: Served) -> None:
    name = b'{"name": "Cleo"}'
    at_the_limit = name + b" " * (MAXIMUM_BODY_BYTES - len(name))
    for length in (1, 2, 100_000):
        raw = at_the_limit + b" " * length
        for body in (raw, iter([raw])):  # with its length declared, and in chunks without
            answer = told.operator.send("POST", "/contributors", body, JSON)
            refused(told, answer, 413, "too_large")
    assert told.operator.send("POST", "/contributors", at_the_limit, JSON).status == 201
    assert told.operator.send("POST", "/contributors", iter([at_the_limit]), JSON).status == 201


QUERIES = [
    ("/works?limit=0", 422, "out_of_range"),
    ("/works?limit=201", 422, "out_of_range"),
    ("/works?limit=ten", 422, "wrong_type"),
    ("/works?limit=1.5", 422, "wrong_type"),
    ("/works?limit=-1", 422, "wrong_type"),
    ("/works?limit=%D9%A1", 422, "wrong_type"),
    ("/works?limit=", 422, "wrong_type"),
    ("/works?limit=1&limit=2", 422, "wrong_type"),
    ("/works?q=a&q=b", 422, "wrong_type"),
    ("/works?as_of=99999999999999999999999999", 422, "wrong_type"),
    ("/works?as_of=99999999999999999999", 422, "out_of_range"),
    ("/works?as_of=99999999", 422, "position_in_future"),
    ("/works?limt=5", 422, "unknown_field"),
    ("/works?limt=5&limit=x", 422, "invalid_query"),
    ("/works?never_remixed=yes", 422, "wrong_type"),
    ("/works?kind=poem", 422, "unknown_choice"),
    ("/works?role=wizard", 422, "unknown_role"),
    ("/works?q=%00", 422, "bad_text"),
    ("/works?q=", 422, "bad_text"),
    (f"/works?q={'x' * 201}", 422, "text_too_long"),
    ("/works?cursor=nonsense", 422, "bad_cursor"),
    ("/works/nothing", 404, "unknown_work"),
    ("/works/%00", 404, "unknown_work"),
    (f"/works/{NOBODY}", 404, "unknown_work"),
    (f"/works/{NOBODY}/ancestors", 404, "unknown_work"),
    (f"/works/{NOBODY}/descendants", 404, "unknown_work"),
    (f"/works/{NOBODY}/contributors", 404, "unknown_work"),
    (f"/works/{NOBODY}/lineage", 404, "unknown_work"),
    (f"/works/{NOBODY}/history", 404, "unknown_work"),
    ("/works/{ana}", 404, "unknown_work"),
    ("/works/{poem}?as=published", 409, "not_published"),
    ("/works/{poem}?as=then", 422, "unknown_choice"),
    ("/works/{poem}/contributors?role=wizard", 422, "unknown_role"),
    ("/works/{poem}/contributors?kind=vague", 422, "unknown_kind"),
    ("/works/{poem}/lineage?format=pdf", 422, "unknown_choice"),
    ("/works/{poem}/lineage?cursor=", 422, "bad_text"),
    (f"/contributors/{NOBODY}", 404, "unknown_contributor"),
    (f"/contributors/{NOBODY}/attribution", 404, "unknown_contributor"),
    (f"/contributors/{NOBODY}/history", 404, "unknown_contributor"),
    ("/contributors/{poem}", 404, "unknown_contributor"),
    (f"/remixes/{NOBODY}", 404, "unknown_remix"),
    (f"/credits/{NOBODY}", 404, "unknown_credit"),
    ("/no/such/path", 404, "not_found"),
    ("/static/nothing.css", 404, "not_found"),
]


@pytest.mark.parametrize("target, status, code", QUERIES, ids=range(len(QUERIES)))
def test_what_cannot_be_asked_is_refused(told: Served, target: str, status: int, code: str) -> None:
    refused(told, told.operator.get(target.format(**STORY)), status, code)


def test_a_parameter_that_is_given_twice_is_said_to_be(told: Served) -> None:
    problem = told.operator.get("/works?limit=1&limit=2&q=a&q=b&kind=poem&no=1&no=2").json
    assert {
        one["parameter"]: one["detail"].partition(" one of ")[0] for one in problem["errors"]
    } == {
        "limit": "This is given more than once.",
        "q": "This is given more than once.",
        "kind": "This is not",
        "no": "There is no such field.",
    }


def test_a_method_that_a_path_does_not_know_names_those_it_knows(told: Served) -> None:
    answer = told.operator.send("DELETE", "/contributors", None)
    refused(told, answer, 405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_an_id_in_capitals_is_the_same_id(told: Served) -> None:
    assert told.operator.get(f"/works/{STORY['poem'].upper()}").json["id"] == STORY["poem"]


def test_a_table_that_is_gone_is_said_and_nothing_else_with_it(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:
        served.service.follower.stop()
        served.service.engine.execute("DROP TABLE projections")
        answer = served.operator.get("/works")
        refused(served, answer, 503, "upgrade_needed")
        assert "projections" not in answer.text
        ready = served.operator.get("/ready")
        assert (ready.status, ready.json["checks"]["database"]["status"]) == (503, "failed")
        assert "projections" not in ready.json["checks"]["database"]["detail"]
        assert served.operator.get("/health").status == 200


def test_who_is_signed_in_reads_what_went_wrong_though_even_their_name_cannot_be_read(
    tmp_path: Path,
) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:
        window = reader(served).sign_in(OPERATOR_KEY)
        form = {"form_token": window.get("/do/contributor").token, "name": "Ana"}
        served.service.follower.stop()
        served.service.engine.execute("DROP TABLE projections")
        for page in (window.get("/search"), window.post("/do/contributor", form)):
            assert page.status == 503
            assert "the operator has to run “stemma upgrade”" in page.text_seen


def test_a_mistake_of_ours_shows_nothing_of_our_insides(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:

        def mistaken() -> None:
            raise RuntimeError("of NoneType")

        served.service.store.state = mistaken  # type: ignore[method-assign,assignment]
        answer = served.operator.get("/works")
        refused(served, answer, 500, "internal_error")
        assert "Traceback" not in answer.text
        assert "NoneType" not in answer.text
        assert "NoneType" in caplog.text


def test_every_refusal_of_the_domain_has_a_status_of_its_own() -> None:
    assert not set(REFUSALS) & set(OWN)
    assert {one.status for one in REFUSALS.values()} == {403, 404, 409, 422, 429, 503}


def test_every_problem_says_what_it_means() -> None:
    for code, kind in PROBLEMS.items():
        assert kind.meaning.endswith("."), code
        assert 400 <= kind.status <= 599, code
