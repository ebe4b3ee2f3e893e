"""The entrance: an answer that is known already keeps every promise, though Flask is not asked."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from serving import OPERATOR_KEY, Served, serving
from test_conditional import a_song
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from api import conditional
from api.addresses import Addresses
from api.allowance import Limit
from api.current import the_visit
from api.identity.scope import Scope
from projections.memory import ROOM

TOKEN = "token-of-the-metrics"
QUOTA = 8
LIMITS = {"reads": Limit(QUOTA, 3600), "failures": Limit(2, 3600)}
EACH = ("Date", "X-Request-Id", "RateLimit")
"""Headers that differ from one answer to the next."""


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    """What is recorded is folded when the test says so."""
    with serving(database, follow=False, metrics_token=TOKEN) as running:
        yield running


@pytest.fixture
def limited(database: str) -> Iterator[Served]:
    with serving(database, follow=False, limits=(LIMITS,)) as running:
        yield running


Ask = Callable[..., TestResponse]


def asking(served: Served, key: str = OPERATOR_KEY) -> Ask:
    client = served.app.test_client()

    def ask(path: str, method: str = "GET", **headers: str) -> TestResponse:
        told = {"Authorization": f"Bearer {key}", **headers}
        return client.open(path, method=method, headers=told)

    return ask


@pytest.fixture
def without_flask(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when this is called, Flask answers nothing."""

    def stop() -> None:
        monkeypatch.setattr(Flask, "dispatch_request", None)

    return stop


def kept(answer: TestResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in EACH}


def test_a_known_answer_needs_no_flask_and_has_the_same_headers(
    served: Served, without_flask: Callable[[], None]
) -> None:
    _, song = a_song(served)
    ask = asking(served)
    paths = [f"/works/{song}", f"/works/{song}/contributors", f"/works/{song}/lineage?as_of=2"]
    first = {path: ask(path) for path in paths}
    without_flask()
    for path, before in first.items():
        assert before.status_code == 200
        again = ask(path)
        assert (again.status_code, again.data) == (200, before.data)
        assert kept(again) == kept(before)
        head = ask(path, "HEAD")
        assert (head.status_code, head.data, kept(head)) == (200, b"", kept(before))
        unchanged = ask(path, If_None_Match=before.headers["ETag"])
        assert (unchanged.status_code, unchanged.data) == (304, b"")
        for name in ("ETag", "Vary", "Cache-Control", "Referrer-Policy"):
            assert unchanged.headers[name] == before.headers[name]
    assert ask(f"/works/{song}/history").status_code == 500  # what nobody has asked yet


def test_a_known_answer_is_refused_from_the_moment_a_key_is_revoked(
    served: Served, without_flask: Callable[[], None]
) -> None:
    ana, song = a_song(served)
    keys = served.service.keys
    mine, other = keys.create(ana), keys.create(ana)
    paths = [f"/works/{song}", f"/works/{song}/contributors"]
    for path in paths:
        assert asking(served, mine)(path).status_code == asking(served, other)(path).status_code
    keys.revoke(mine)
    for path in paths:
        refused = asking(served, mine)(path)
        assert (refused.status_code, refused.json["code"]) == (401, "unauthenticated")
        assert "error" in refused.headers["WWW-Authenticate"]
        assert asking(served, other)(path).status_code == 200
        assert served.app.test_client().get(path).status_code == 401
    served.operator.post(f"/contributors/{ana}/forget", ground="consent")
    assert asking(served, other)(paths[0]).status_code == 401


def test_a_key_that_may_not_read_gets_no_known_answer(served: Served) -> None:
    ana, song = a_song(served)
    assert asking(served)(f"/works/{song}").status_code == 200
    narrow = served.service.keys.create(ana, scope=Scope.parse("remix"))
    refused = asking(served, narrow)(f"/works/{song}")
    assert (refused.status_code, refused.json["code"]) == (403, "outside_scope")


def test_nobody_gets_a_known_answer_by_asking_in_another_protocol(served: Served) -> None:
    """There is no route then, and so no key is asked for: only a page that says so."""
    _, song = a_song(served)
    for accept in ("text/html", "text/html,*/*", "*/*"):
        for path in (f"/works/{song}", "/roles"):
            assert asking(served)(path, Accept=accept).status_code == 200
            asked = {"Accept": accept, "Upgrade": "websocket", "Connection": "Upgrade"}
            answer = served.app.test_client().get(path, headers=asked)
            assert answer.status_code in (400, 401, 404), (path, accept)
            assert "Song" not in answer.text


def test_known_answers_are_counted_and_end_at_the_limit(limited: Served) -> None:
    ana, song = a_song(limited)
    ask = asking(limited, limited.service.keys.create(ana))
    answers = [ask(f"/works/{song}") for _ in range(QUOTA + 1)]
    assert [one.status_code for one in answers] == [200] * QUOTA + [429]
    left = [one.headers["RateLimit"].split(";")[1] for one in answers]
    assert left == [*(f"r={number}" for number in range(QUOTA - 1, -1, -1)), "r=0"]
    assert {one.headers["RateLimit-Policy"] for one in answers} == {f'"reads";q={QUOTA};w=3600'}
    assert answers[-1].headers["Retry-After"]
    assert answers[-1].json["code"] == "too_many_requests"
    guesses = [asking(limited, "guessed")(f"/works/{song}").status_code for _ in range(3)]
    assert guesses == [401, 401, 429]
    assert asking(limited)(f"/works/{song}").status_code == 200  # somebody else


def test_what_is_hidden_is_in_no_known_answer(served: Served) -> None:
    ana, song = a_song(served)
    ask, person = asking(served), served.acting(ana)
    path = f"/works/{song}/contributors"
    before = ask(path)
    assert "lake" in before.text
    assert ask(path).headers["ETag"] == before.headers["ETag"]
    (credit,) = ask(f"/works/{song}").json["credits"]
    assert person.post(f"/credits/{credit['id']}/hide").status == 200
    assert ask(path).headers["ETag"] != before.headers["ETag"]
    served.service.follower.catch_up()
    for key in (OPERATOR_KEY, OPERATOR_KEY, served.service.keys.create(ana)):
        again = asking(served, key)(path)
        assert again.status_code == 200
        assert "lake" not in again.text


def test_a_known_answer_waits_for_what_was_acknowledged(served: Served) -> None:
    _, song = a_song(served)
    ask = asking(served)
    asked = f"/works/{song}"
    assert ask(asked).json["as_of"] == ask(asked).json["as_of"] == served.head
    served.service.store.awaited = lambda: served.service.journal.last_written
    served.post_piece("Another")
    served.service.follower.start()
    assert ask(asked).json["as_of"] == served.head
    assert ask(f"{asked}?min_position={served.head}").json["as_of"] == served.head
    ahead = ask(f"{asked}?min_position={served.head + 1}")
    assert (ahead.status_code, ahead.json["code"]) == (422, "position_in_future")


def test_a_known_answer_is_for_the_same_question_only(served: Served) -> None:
    """The same method, address, host and form."""
    _, song = a_song(served)
    ask = asking(served)
    path = f"/works/{song}/lineage"
    as_json = ask(path, Accept="application/json")
    as_graph = ask(path, Accept="application/graphml+xml")
    assert as_json.headers["Content-Type"] != as_graph.headers["Content-Type"]
    for _ in range(2):
        assert ask(path, Accept="application/json").data == as_json.data
        assert ask(path, Accept="application/graphml+xml").data == as_graph.data
        assert ask(path, Accept="application/x-none").status_code == 406
    assert ask("/contributors").status_code == 200
    assert ask("/contributors", "POST").status_code == 400  # without a body
    assert ask(f"/works/{song}").status_code == 200
    for method, status in (("POST", 405), ("OPTIONS", 200), ("DELETE", 405)):
        assert ask(f"/works/{song}", method).status_code == status
    assert ask(f"/works/{song}", Host="elsewhere.example").status_code == 200


def test_a_known_answer_is_in_the_log_and_in_the_metrics(
    served: Served, without_flask: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    _, song = a_song(served)
    ask = asking(served)
    tag = ask(f"/works/{song}").headers["ETag"]
    counted = _counted(served)
    caplog.set_level(logging.INFO, "stemma.access")
    caplog.clear()
    answer = ask(f"/works/{song}", X_Request_Id="from-the-proxy-1")
    assert answer.headers["X-Request-Id"] == "from-the-proxy-1"
    ask(f"/works/{song}", If_None_Match=tag)
    lines = [vars(record) for record in caplog.records]
    assert [(one["method"], one["route"], one["status"]) for one in lines] == [
        ("GET", "/works/<id(work):id>", 200),
        ("GET", "/works/<id(work):id>", 304),
    ]
    assert all(song not in json.dumps(one, default=repr) for one in lines)
    after = _counted(served)
    seconds = 'stemma_request_seconds_count{method="GET",route="/works/<id(work):id>"}'
    assert after[seconds] == counted[seconds] + 2
    unchanged = 'stemma_answers_total{code="",status="304"}'
    assert after[unchanged] == counted.get(unchanged, 0) + 1
    assert after["stemma_requests_running"] == 1  # that which asks


def _counted(served: Served) -> dict[str, float]:
    told = served.client(TOKEN).get("/metrics").text
    pairs = (line.rsplit(" ", 1) for line in told.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_health_is_known_once_it_was_asked_for(
    served: Served, without_flask: Callable[[], None]
) -> None:
    client = served.app.test_client()
    first = client.get("/health")
    without_flask()
    for tag in ({}, {"If-None-Match": "*"}, {"If-None-Match": '""'}):
        again = client.get("/health", headers=tag)
        assert (again.status_code, again.json, kept(again)) == (200, {"status": "ok"}, kept(first))
    assert client.head("/health").data == b""
    assert client.get("/roles").status_code == 401


def test_no_client_fills_the_memory_with_what_it_asks(served: Served) -> None:
    """What it sends counts toward the room for known answers."""
    client = served.app.test_client()
    for number in range(20):
        assert client.get("/health", headers={"Accept": f"{'x' * 60_000}{number}"}).json
    assert sum(len(repr(key)) for key in conditional._LASTING._kept) < ROOM


def test_addresses_with_other_ids_have_the_same_route_and_their_own_values(
    served: Served,
) -> None:
    """Wherever an id stands, whether whole, as a part of a word, or twice."""
    one, two = "11111111-2222-4333-8444-555555555555", "11111111-2222-4333-8444-666666666666"
    routes, base = Addresses(), {"HTTP_HOST": "a.example", "wsgi.url_scheme": "http"}
    rule = Rule("/a", endpoint="a")

    def asked(path: str, method: str = "GET") -> dict[str, str]:
        return {**base, "REQUEST_METHOD": method, "PATH_INFO": path}

    def known(path: str, method: str = "GET") -> dict[str, object] | None:
        found = routes.known(asked(path, method))
        return None if found is None else found[1]

    routes.remember(asked(f"/a/{one}/b/{two}/3"), rule, {"n": 3, "y": two, "x": one})
    assert known(f"/a/{one}/b/{two}/3") == {"n": 3, "x": one, "y": two}
    assert known(f"/a/{two}/b/{one}/3") == {"n": 3, "x": two, "y": one}
    assert known(f"/a/{one}/b/{one}/3") == {"n": 3, "x": one, "y": one}
    for other in (f"/a/{one}/b/{two}/4", f"/a/{one}/b/\0/3", f"/a/x{one}/b/{two}/3"):
        assert known(other) is None, other
    assert known(f"/a/{one}/b/{two}/3", "POST") is None
    assert routes.known({**asked(f"/a/{one}/b/{two}/3"), "HTTP_UPGRADE": "websocket"}) is None
    for path, values in (
        (f"/c/x-{one}", {"x": f"x-{one}"}),
        (f"/c/{one}/{one}", {"x": one, "y": one}),
        (f"/c/{one}", {"x": "something else"}),
    ):
        routes.remember(asked(path), rule, values)
        assert known(path) is None, path
    works = [served.post_piece("One"), served.post_piece("Two")]
    served.service.follower.catch_up()
    ask = asking(served)
    assert [ask(f"/works/{id}").json["title"] for id in (*works, *works)] == ["One", "Two"] * 2
    assert [ask(f"/works/{id.upper()}").json["id"] for id in works] == works
    assert ask(f"/works/{one}").json["code"] == "unknown_work"


def test_no_request_inherits_anything_of_the_one_before(served: Served) -> None:
    ana, song = a_song(served)
    key = served.service.keys.create(ana)
    assert asking(served, key)(f"/works/{song}").status_code == 200
    assert (the_visit().actor, the_visit().id, the_visit().environ) == (None, "", {})
    anybody = served.app.test_client()
    assert anybody.get(f"/works/{song}").status_code == 401
    assert anybody.get("/health").headers["Cache-Control"] == "no-cache"


def test_whatever_is_refused_is_explained_in_the_form_that_the_client_shows(
    served: Served,
) -> None:
    """Also what is refused before Flask is asked."""
    client = served.app.test_client()
    for path in ("/works", "/nowhere", "/works/none", "/works/é"):
        program = client.get(path, headers={"Authorization": "Bearer wrong"})
        assert program.status_code == 401, path
        assert program.headers["Content-Type"] == "application/problem+json"
        assert program.headers["X-Content-Type-Options"] == "nosniff"
        assert program.json["instance"].endswith(program.headers["X-Request-Id"])
    shown = client.get("/nowhere", headers={"Accept": "text/html"})
    assert (shown.status_code, shown.mimetype) == (404, "text/html")
