"""The change feed: every public fact, in order, as others read CloudEvents and event streams."""

import asyncio
import html
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import feedparser
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from serving import Client, Served, serving
from test_server import KEY
from test_server import serving as running

from domain.readers import EVERYONE
from projections import feed
from projections.feed import BATCH, STREAM
from scripts.streaming import Streams

TAKES_EVENTS = {"Accept": STREAM}


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database, public_pages=True) as opened:
        yield opened


def events_of(client: Client, **asked: Any) -> list[CloudEvent]:
    """The events of a batch, read by the library of the CloudEvents project."""
    answer = client.get("/feed", asked)
    assert answer.headers["Content-Type"] == BATCH
    read = JSONFormat().read
    return [read(CloudEvent, json.dumps(one)) for one in answer.json]


def everything(client: Client, limit: int) -> list[CloudEvent]:
    """Every event, by following the links."""
    found, path = list[CloudEvent](), f"/feed?after=0&limit={limit}"
    while True:
        answer = client.get(path)
        page = [JSONFormat().read(CloudEvent, json.dumps(one)) for one in answer.json]
        found += page
        path, rel = answer.headers["Link"].split(">")[0][1:], answer.headers["Link"]
        assert rel.endswith('rel="next"')
        if not page:
            return found


def test_every_public_fact_is_an_event_and_no_other_is(served: Served) -> None:
    ana, ben = served.admit("Ana"), served.admit("Ben")
    authors = [{"contributor": ana, "role": "writer"}]
    said = {"title": "A poem", "medium": "text", "authors": authors}
    poem = served.acting(ana).post("/contributions", said).id
    served.post_piece("A song", poem, by=ben)
    show = served.operator.post("/releases", title="A show", components=[{"work": poem}]).id
    said = {"name": "a pool", "kind": "song", "currency": "EUR", "terms": {"type": "agreed"}}
    pool = served.operator.post(f"/releases/{show}/pools", said).id
    served.operator.post(f"/pools/{pool}/reserve", rate="1/4")
    served.acting(ben).post(f"/contributors/{ben}/ask-first")
    secret = served.acting(ana).post("/credits", work=poem, contributor=ben, role="editor").id
    nobody = served.client(None)
    facts = [(one.position, one.fact()) for one in served.service.journal.read()]
    told = everything(nobody, 2)
    public = [(at, one) for at, one in facts if one.READERS == EVERYONE]
    public = [(at, one) for at, one in public if one.originator_id != secret]
    assert [(one.get_id(), one.get_type()) for one in told] == [
        (str(at), one.TOPIC) for at, one in public
    ]
    assert len(public) < len(facts)
    assert {one.get_source() for one in told} == {f"{served.origin}/"}
    data: Any = told[0].get_data()
    assert (data["content"]["name"], told[0].get_subject()) == ("Ana", ana)
    after = public[3][0]
    assert [one.get_id() for one in events_of(nobody, after=after)] == [
        str(at) for at, _ in public if at > after
    ]
    served.acting(ben).post(f"/credits/{secret}/accept")
    assert events_of(nobody, after=facts[-1][0])[-1].get_type() == "credit.accepted"


def test_what_is_forgotten_or_hidden_is_in_no_event(served: Served) -> None:
    ana, ben = served.admit("Ana who is forgotten"), served.admit("Ben who hides")
    poem = served.post_piece("A poem", by=ben)
    credit = served.operator.get(f"/works/{poem}").json["credits"][0]["id"]
    served.acting(ben).post(f"/credits/{credit}/hide")
    served.operator.post(f"/contributors/{ana}/forget", ground="request")
    text = served.client(None).get("/feed").text
    assert "Ana who is forgotten" not in text
    assert credit not in text


def test_facts_in_a_row_that_are_not_public_end_no_feed(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer reads only so many facts, and may be empty: its link leads on."""
    monkeypatch.setattr(feed, "SCANNED", 2)
    monkeypatch.setattr(feed, "MOST_SCANNED", 2)
    ana = served.admit("Ana")
    reader = served.acting(ana)
    pieces = [served.post_piece("A poem")]
    for _ in range(3):
        for verb in ("follow", "unfollow"):
            assert reader.post(f"/contributors/{ana}/{verb}", work=pieces[0]).status == 200
    pieces.append(served.post_piece("A song"))
    found, path = list[str](), "/feed?after=0&limit=50"
    while not path.startswith(f"/feed?after={served.head}&"):
        answer = served.client(None).get(path)
        found += [one["subject"] for one in answer.json]
        path = answer.headers["Link"].split(">")[0][1:]
        assert path.endswith("&limit=50")
    assert found == [ana, *pieces]


def test_the_example_of_an_event_is_of_one_fact(served: Served) -> None:
    document = served.operator.get("/openapi.json").json
    (event,) = document["paths"]["/feed"]["get"]["responses"]["200"]["content"][BATCH]["example"]
    told = event["data"]
    assert (event["id"], event["type"]) == (str(told["position"]), told["topic"])
    assert event["subject"] == told["noun"]


def test_where_pages_are_not_public_the_feed_takes_a_key(database: str) -> None:
    with serving(database) as served:
        served.admit("Ana")
        assert served.client(None).send("GET", "/feed", None).status == 401
        assert len(events_of(served.operator)) == 1


def test_a_stream_can_be_followed_by_asking_again_after_the_last_id(served: Served) -> None:
    nobody = served.client(None)
    served.admit("Ana")
    first = nobody.get("/feed", headers=TAKES_EVENTS)
    assert first.headers["Content-Type"].startswith(STREAM)
    assert [one["event"] for one in parsed(first.text)] == ["contributor.admitted"]
    last = first.text.strip().rpartition("id: ")[2]
    answers = served.operator.document["paths"]["/feed"]["get"]["responses"]
    (shown,) = parsed(answers["200"]["content"][STREAM]["example"])
    assert [*shown] == [*parsed(first.text)[0]] == ["id", "event", "data"]
    nothing = nobody.get("/feed", headers={**TAKES_EVENTS, "Last-Event-ID": last})
    assert parsed(nothing.text) == []
    for asked in ({"Last-Event-ID": "2"}, {}):
        future = nobody.get("/feed", {"after": 2}, headers={**TAKES_EVENTS, **asked})
        assert future.code == "position_in_future", "or what is recorded up to there would be lost"
    assert nobody.get("/feed", after=-1).code == "wrong_type"
    named = nobody.get("/feed", headers={"Host": "web_1:8000"}).json  # as of a container
    assert [one["source"] for one in named] == ["http://web_1:8000/"]
    assert nobody.get("/feed", headers={"Accept": "image/png"}).code == "not_acceptable"


def parsed(text: str) -> list[dict[str, str]]:
    """The events of a stream, as a browser reads them."""
    blocks = (
        dict(line.split(": ", 1) for line in part.splitlines()) for part in text.split("\n\n")
    )
    return [one for one in blocks if "data" in one]


# -- the server ----------------------------------------------------------------------------


def test_a_stream_stays_open_holds_no_thread_and_tells_what_happens(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with running(database, "--workers", "1", STEMMA_THREADS="1") as server:
        server.admit("Ana")
        with all_closed([listen(server.port) for _ in range(12)]) as listening:
            for one in listening:
                assert read_until(one, b"contributor.admitted").startswith(b"HTTP/1.1 200")
            assert server.ask("/works")[0] == 200, "no stream holds the only thread"
            server.admit("Ben")
            for one in listening:
                told = read_until(one, b'"Ben"')
                assert told.count(b"event: contributor.admitted") == 1
                assert b"id: 2\n" in told


def test_many_streams_that_begin_at_once_refuse_nobody(tmp_path: Path) -> None:
    """As when all reconnect after a restart: a browser that is refused does not come back."""
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with running(database, "--workers", "1", STEMMA_THREADS="1") as server:
        server.admit("Ana")
        with all_closed([listen(server.port) for _ in range(120)]) as listening:
            assert server.ask("/works")[0] == 200
            for one in listening:
                assert read_until(one, b"contributor.admitted").startswith(b"HTTP/1.1 200")


def test_a_server_that_is_stopped_ends_its_streams(tmp_path: Path) -> None:
    """It would wait for them as for any answer, for five seconds, and then cut them off."""
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with running(database, "--workers", "1") as server:
        server.admit("Ana")
        with closing(listen(server.port)) as one:
            read_until(one, b"contributor.admitted")
            server.process.terminate()
            read_until(one, b"0\r\n\r\n")  # fails if it is cut off


def test_no_stream_takes_events_from_another_or_changes_them(tmp_path: Path) -> None:
    """One question serves only the streams that would ask the same, with the same key."""
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with running(database, "--workers", "1") as server:
        server.admit("Ana")
        _, ended = server.ask("/keys", {})
        listening = [
            listen(server.port, key=ended["key"]),
            listen(server.port, host="there"),
            listen(server.port),
        ]
        with all_closed(listening):
            for one in listening:
                read_until(one, b"contributor.admitted")
            assert server.ask(f"/keys/{ended['id']}/end", {})[0] == 200
            server.admit("Ben")
            for one, source in zip(listening[1:], (b"http://there/", b"http://here/"), strict=True):
                assert source in read_until(one, b'"Ben"')
            assert b'"Ben"' not in read_until(listening[0], b"0\r\n\r\n"), "it is over"


def test_streams_that_ask_just_when_another_was_refused_hold_up_nothing() -> None:
    """As while the database is away; each begins at another step of the loop."""
    is_free = threading.Event()

    class Client:
        def response_stream(self, *_: object) -> "Client":
            return self

        async def send_bytes(self, _: bytes) -> None:
            pass

    async def refused(_: str) -> bytes:
        raise OSError

    async def head() -> int:
        return 2

    async def begin() -> None:
        streams = Streams(head, 1)
        sending = []
        for _ in range(20):
            one = streams.send(Client(), [], b"id: 1\n\n", refused, "the same")
            sending.append(asyncio.create_task(one))
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        is_free.set()

    threading.Thread(target=asyncio.run, args=(begin(),), daemon=True).start()
    assert is_free.wait(30)


def listen(port: int, *, host: str = "here", key: str = KEY) -> socket.socket:
    one = socket.create_connection(("127.0.0.1", port), timeout=60)
    said = f"GET /feed HTTP/1.1\r\nHost: {host}\r\nAccept: {STREAM}\r\n"
    one.sendall(f"{said}Authorization: Bearer {key}\r\n\r\n".encode())
    return one


@contextmanager
def all_closed(listening: list[socket.socket]) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        for one in listening:
            stack.enter_context(one)
        yield listening


def read_until(one: socket.socket, text: bytes) -> bytes:
    """What comes, up to and with this text."""
    found = b""
    while text not in found:
        part = one.recv(1 << 16)
        assert part, found
        found += part
    return found


# -- Atom ----------------------------------------------------------------------------------


def test_what_happened_to_a_work_or_a_person_is_an_atom_feed(served: Served) -> None:
    ana = served.admit("Ana <b> & “co”")
    poem = served.post_piece("A poem & more", by=ana)
    served.operator.post("/remixes", child=served.post_piece("A song"), parent=poem, kind="sample")
    nobody = served.client(None)
    for id, titles in (
        (poem, ["The operator said that A song was made from A poem & more (sample)"]),
        (ana, ["The operator credited Ana <b> & “co” as writer on A poem & more"]),
    ):
        answer = nobody.get(f"/history/{id}/atom")
        assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
        read = feedparser.parse(answer.text.encode())
        assert not read.bozo, read.get("bozo_exception")
        assert (read.version, read.feed.id) == ("atom10", f"urn:uuid:{id}")
        told = [html.unescape(one.title) for one in read.entries]
        assert set(titles) <= set(told), told
        assert [one.updated for one in read.entries] == sorted(
            (one.updated for one in read.entries), reverse=True
        )
        ids = [one.id for one in read.entries]
        assert len({*ids}) == len(ids)
        again = nobody.get(f"/history/{id}/atom", headers={"Host": "another.example"})
        assert [one.id for one in feedparser.parse(again.text.encode()).entries] == ids
        assert f'href="/history/{id}/atom"' in nobody.get(f"/history/{id}").text


def test_projects_challenges_and_series_have_feeds_which_their_pages_name(served: Served) -> None:
    ana = served.admit("Ana")
    as_ana = served.acting(ana)
    steps = [{"title": "Write it"}]
    said = {"title": "A film", "goal": "To be seen", "kind": "short film", "steps": steps}
    project = as_ana.post("/projects", said).id
    as_ana.post(f"/projects/{project}/updates", text="It goes on.")
    challenge = as_ana.post("/challenges", title="Draw it", prompt="A boat.").id
    film = [{"work": served.post_piece("A film")}]
    episode = served.operator.post(
        "/releases", title="Episode 1", components=film, part="episode"
    ).id
    parts = {"components": [{"work": episode}], "part": "season"}
    series = served.operator.post("/releases", title="The series", **parts).id
    nobody = served.client(None)
    for id, page, title in (
        (project, f"/project/{project}", "Ana launched A film"),
        (challenge, f"/challenge/{challenge}", "Ana issued Draw it"),
        (series, f"/release/{series}", "Episode 1"),
    ):
        address = f'href="/history/{id}/atom"'
        assert address in nobody.get(page).text.partition("</head>")[0]
        read = feedparser.parse(nobody.get(f"/history/{id}/atom").text.encode())
        assert (read.bozo, read.feed.id) == (False, f"urn:uuid:{id}")
        told = [html.unescape(one.title) for one in read.entries]
        assert any(title in one for one in told), told
