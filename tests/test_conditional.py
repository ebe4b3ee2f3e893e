"""Answers have tags: who names one is told that nothing changed, before it is computed again."""

from collections.abc import Callable, Iterator

import pytest
from serving import OPERATOR_KEY, Served, serving
from werkzeug.test import TestResponse

from api import conditional
from projections import attribution, credited, memory
from projections.memory import MOST_BYTES, Moment

Ask = Callable[..., TestResponse]


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    """What is recorded is folded when the test says so."""
    with serving(database, follow=False) as running:
        yield running


def asking(served: Served, key: str = OPERATOR_KEY) -> Ask:
    """Asks with a key, and with the tag of an answer that is known."""
    client = served.app.test_client()

    def ask(path: str, known: str | None = None, **headers: str) -> TestResponse:
        named = {} if known is None else {"If-None-Match": known}
        told = {"Authorization": f"Bearer {key}", **named, **headers}
        return client.get(path, headers=told)

    return ask


def tag(answer: TestResponse) -> str:
    assert answer.status_code == 200, answer.text
    return answer.headers["ETag"]


def a_song(served: Served) -> tuple[str, str]:
    """A song of somebody, folded."""
    ana = served.admit("Ana of the lake")
    song = served.post_piece("Song", by=ana)
    served.service.follower.catch_up()
    return ana, song


def test_a_known_answer_is_not_sent_again_until_a_fact_is_recorded(served: Served) -> None:
    ana, song = a_song(served)
    ask = asking(served)
    paths = ("", "/contributors", "/contributors?as_of=3", "/history", "/lineage?format=graphml")
    for path in (*(f"/works/{song}{path}" for path in paths), "/works", f"/contributors/{ana}"):
        first = ask(path)
        for known in (tag(first), f'"other", {tag(first)}', f"W/{tag(first)}", "*"):
            again = ask(path, known)
            assert (again.status_code, again.data) == (304, b""), (path, known)
            assert again.headers["ETag"] == tag(first)
            assert again.headers["Cache-Control"] == first.headers["Cache-Control"] == "no-store"
        assert ask(path, '"other"').data == ask(path).data == first.data
    whole, known = ask("/works"), tag(ask("/works"))
    served.post_piece("Another")
    served.service.follower.catch_up()
    assert ask("/works", known).status_code == 200
    assert ask("/works").data != whole.data


def test_who_knows_one_answer_knows_no_other_with_it(served: Served) -> None:
    """Neither that at another address, nor the same in another form."""
    _, song = a_song(served)
    ask, lineage = asking(served), f"/works/{song}/lineage"
    for path in (lineage, f"/works/{song}", "/works"):
        known = tag(ask(path))
        for other in (f"/works/{song}/contributors", "/works?limit=1", f"{lineage}?format=graphml"):
            assert ask(other, known).status_code == 200, (path, other)
    graph = ask(lineage, tag(ask(lineage)), Accept="application/graphml+xml")
    assert (graph.status_code, graph.mimetype) == (200, "application/graphml+xml")


def test_a_known_answer_is_not_computed_again(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, song = a_song(served)
    ask = asking(served)
    path = f"/works/{song}/contributors"
    first = ask(path)
    monkeypatch.setattr(attribution, "credits_on", None)
    monkeypatch.setattr(credited, "ancestry", None)
    assert ask(path, tag(first)).status_code == 304
    again = ask(path)  # by somebody who does not have it
    assert (again.status_code, again.data, tag(again)) == (200, first.data, tag(first))
    assert again.headers["Content-Type"] == first.headers["Content-Type"]


def test_every_process_gives_an_answer_the_same_tag(served: Served, database: str) -> None:
    """Whether it is asked for by its tag or not."""
    _, song = a_song(served)
    with serving(database, follow=False) as other:
        for path in (f"/works/{song}", "/works", "/works?as_of=1"):
            known = tag(asking(other)(path))
            assert asking(served)(path, known).status_code == 304, path


@pytest.mark.parametrize("length", [0, 3_000])
def test_answers_that_are_kept_take_no_more_memory_however_long_what_was_asked(
    length: int, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked first is then answered anew, like something that nobody asked before."""
    monkeypatch.setattr(memory, "MOST_BYTES", 12_000)
    a_song(served)
    ask, said = asking(served), f"application/json, {'x' * length}"
    computed = list[object]()
    told = conditional._tag_of
    monkeypatch.setattr(conditional, "_tag_of", lambda *by: computed.append(by) or told(*by))
    for number in range(12):
        ask(f"/works?q={number}", Accept=said)
        ask(f"/works?q={number}", Accept=said)
    assert len(computed) == 12
    ask("/works?q=0", Accept=said)
    assert len(computed) == 13


def test_an_answer_without_a_tag_is_always_sent(served: Served) -> None:
    ask = asking(served)
    for _ in range(2):
        answer = ask("/roles", "*")
        assert (answer.status_code, "ETag" in answer.headers) == (200, False)


def test_an_answer_about_the_past_keeps_its_tag_whatever_is_recorded(served: Served) -> None:
    _, song = a_song(served)
    ask, post = asking(served), served.operator.post
    single = post("/releases", title="Single", components=[{"work": song}]).id
    post(f"/releases/{single}/publish")
    served.service.follower.catch_up()
    published = [f"/works/{single}{path}?as=published" for path in ("", "/contributors")]
    for path in ("/works?as_of=3", "/contributors?as_of=1&limit=1", *published):
        known = tag(ask(path))
        served.admit(f"Somebody after {path}")
        served.service.follower.catch_up()
        assert ask(path, known).status_code == 304, path
        assert tag(ask(path)) == known


def test_what_was_erased_is_in_no_answer_before_anything_is_folded(served: Served) -> None:
    """Also at an old position, of which all else is known for ever."""
    ana, song = a_song(served)
    ask = asking(served)
    paths = [
        f"/works/{song}",
        f"/contributors/{ana}",
        f"/contributors/{ana}?as_of=1",
        "/works?q=lake",
    ]
    known = {path: tag(ask(path)) for path in paths}
    assert "lake" in ask(paths[0]).text
    assert served.operator.post(f"/contributors/{ana}/forget", ground="consent").status == 200
    for path, before in known.items():
        again = ask(path, before)
        assert again.status_code == 200, path
        assert "lake" not in again.text


def test_two_who_ask_through_one_proxy_get_each_their_own_answer(served: Served) -> None:
    ana, song = a_song(served)
    ben = served.admit("Ben")
    served.service.follower.catch_up()
    as_ana, as_ben = (asking(served, served.service.keys.create(one)) for one in (ana, ben))
    for path in (f"/works/{song}", "/inbox", f"/contributors/{ana}/statement"):
        first = as_ana(path)
        assert "Authorization" in first.headers["Vary"]
        assert first.headers["Cache-Control"] == "no-store"
        assert as_ana(path, tag(first)).status_code == 304
        assert asking(served, "wrong")(path, tag(first)).status_code == 401
    # What differs is sent, and what one may not read stays closed.
    assert as_ben(f"/contributors/{ana}/statement", tag(first)).status_code == 403
    assert as_ben(f"/works/{song}", tag(as_ana(f"/works/{song}"))).status_code == 304


def test_no_problem_has_a_tag(served: Served) -> None:
    _, song = a_song(served)
    ask = asking(served)
    unknown = f"{song[:-1]}{'0' if song[-1] != '0' else '1'}"
    for path in (f"/works/{unknown}", f"/works/{song}?limits=1", f"/works/{song}?as_of=99"):
        answer = ask(path, "*")
        assert answer.status_code >= 400, path
        assert "ETag" not in answer.headers


def test_the_latest_answers_are_known_however_many_were_given() -> None:
    moment = Moment()
    for number in range(20):
        moment.keep(number, "an answer", takes=MOST_BYTES // 8)
    assert [number for number in range(20) if moment.get(number)] == list(range(12, 20))
    moment.keep("larger than all", "…", takes=MOST_BYTES + 1)
    assert moment.get("larger than all") is None
    assert moment.get(19) is not None
