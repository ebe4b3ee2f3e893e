"""A request is recorded once, whatever breaks while it is sent, and its sender can find out.

Rule: connections are broken for real, between the service and the database, at a stated moment.
"""

import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

import psycopg
import pytest
from clocks import TickingClock
from eventsourcing.persistence import IntegrityError
from serving import JSON, OPERATOR_KEY, Answer, Client, Served, serving
from stories import at_once, id_of, story
from test_every_way import IDS, tell
from test_pages import reader

from domain.commands.admitting import AdmitContributor
from domain.permission import OPERATOR
from domain.refusal import IdempotencyKeyReused
from scripts.bundle import FoundLine, Line, import_lines, step_of
from scripts.bundle.whole import export_lines
from scripts.service import bring_up_to_date, open_service

ANOTHER = json.dumps({"title": "Another", "medium": "text"}).encode()


def keyed(key: str) -> dict[str, str]:
    return {**JSON, "Idempotency-Key": key}


def admit(client: Client, name: str, key: str) -> Answer:
    return client.send("POST", "/contributors", json.dumps({"name": name}).encode(), keyed(key))


def test_every_command_under_a_key_is_recorded_once_and_answered_alike(database: str) -> None:
    clock = TickingClock(datetime.now(UTC))
    with serving(database, clock=clock, follow=False) as served:

        def send(line: Line) -> None:
            step, key = step_of(line, IDS), str(uuid4())
            said = step.command.plain()
            ids = {name: said.pop(name) for name in step.command.in_path()}
            path, body = step.command.PATH.format(**ids), json.dumps(said).encode()
            client = served.operator if step.by == OPERATOR else served.acting(step.by)
            first = client.send("POST", path, body, keyed(key))
            assert first.status in (200, 201), (line, first.text)
            head = served.head
            if line["type"] == "contributor.forget":
                return  # with the person, their key to the service ended
            again = client.send("POST", path, body, keyed(f'"{key}"'))
            told = first.json | {"warnings": []}  # which are of its recording
            assert (again.status, again.json) == (first.status, told), line
            assert again.headers.get("Location") == first.headers.get("Location")
            other = client.send("POST", "/contributions", ANOTHER, keyed(key))
            assert (other.status, other.code) == (422, "idempotency_key_reused"), line
            asked = client.get(f"/requests/{key}")
            assert (asked.status, asked.json) == (200, told), line
            assert served.head == head

        tell(send, clock)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    database = f"sqlite:///{tmp_path_factory.mktemp('requests') / 'stemma.db'}"
    with serving(database, follow=False) as running:
        yield running


def test_a_key_is_its_senders_alone(served: Served) -> None:
    ana, ben = (served.acting(served.admit(name)) for name in ("Ana", "Ben"))
    first, second = (
        one.send("POST", "/contributions", ANOTHER, keyed("one")).id for one in (ana, ben)
    )
    assert first != second
    assert ana.get("/requests/one").json["id"] == first
    unknown = served.operator.get("/requests/one")
    assert (unknown.status, unknown.code) == (404, "unknown_request")


def test_a_refused_request_leaves_its_key_free(served: Served) -> None:
    assert admit(served.operator, " ", "free").status == 422
    assert admit(served.operator, "Ana", "free").status == 201


@pytest.mark.parametrize("key", ["", "a b", "a,b", '"', 'a"b', "x" * 201, "é", "\\"])
def test_a_key_is_a_short_word(served: Served, key: str) -> None:
    head = served.head
    answer = admit(served.operator, "Ana", key.encode().decode("latin-1"))
    assert answer.code == "bad_idempotency_key"
    assert served.head == head


def test_a_repetition_known_by_its_id_can_be_asked_for_by_its_own_key(
    database: str, other_database: str
) -> None:
    """A client that lost the first answer, and its key with it, asks by the second."""
    with story(database) as told:
        command = partial(AdmitContributor, name="Ana", id=id_of("Ana"))
        first = told.journal.record(command())
        for key in ("second", "third", "second"):
            assert told.journal.record(command(), key=key) == first
        with pytest.raises(IdempotencyKeyReused):
            told.journal.record(AdmitContributor(name="Ben"), key="third")
        assert told.head() == 1
        lines = [FoundLine("", line) for line in export_lines(told.journal)]
    with story(other_database) as told:
        assert not import_lines(told.journal, lines).refused
        assert [FoundLine("", line) for line in export_lines(told.journal)] == lines
        with pytest.raises(IdempotencyKeyReused):
            told.journal.record(AdmitContributor(name="Ben"), key="second")
        assert told.journal.record(command(), key="third") == first


def test_every_further_key_answers_over_http(served: Served) -> None:
    body = json.dumps({"title": "Again", "medium": "text", "id": str(uuid4())}).encode()
    said = [served.operator.send("POST", "/contributions", body, keyed(key)) for key in "uvw"]
    assert said[0].json == said[1].json == said[2].json
    for key in "uvw":
        asked = served.operator.get(f"/requests/{key}")
        assert (asked.status, asked.json) == (200, said[0].json)


def test_a_key_with_slashes_is_asked_for_as_it_is(served: Served) -> None:
    for key in ("shop//17", "shop/17", "../17", "%2F", "/", "/17/"):
        body = json.dumps({"title": key, "medium": "text"}).encode()
        said = served.operator.send("POST", "/contributions", body, keyed(key))
        asked = served.operator.get(f"/requests/{quote(key, safe='')}")
        assert (asked.status, asked.json) == (200, said.json), key


def test_the_same_key_at_the_same_moment_is_one_request(database: str) -> None:
    with story(database) as told:
        command = partial(AdmitContributor, name="Ana")
        receipts = at_once(*[lambda: told.journal.record(command(), key="k")] * 8)
        assert len(set(receipts)) == 1
        assert told.head() == 1


def test_what_others_recorded_meanwhile_is_no_repetition_yet(database: str) -> None:
    """A draft knows a request only with what it led to; decided again, it knows both."""
    admitted = AdmitContributor(name="Ana", id=id_of("ana"))
    with story(database) as told:
        draft = told.journal.draft()
        first = told.journal.record(admitted)
        draft.carry_out(admitted)
        with pytest.raises(IntegrityError):
            told.journal.commit(draft)
        assert told.journal.record(admitted) == first


def test_a_key_survives_an_export(database: str, other_database: str) -> None:
    with story(database) as told:
        first = told.journal.record(AdmitContributor(name="Ana"), key="k")
        lines = [FoundLine("", line) for line in export_lines(told.journal)]
    with story(other_database) as told:
        assert not import_lines(told.journal, lines).refused
        assert told.journal.record(AdmitContributor(name="Ana"), key="k") == first
        with pytest.raises(IdempotencyKeyReused):
            told.journal.record(AdmitContributor(name="Ben"), key="k")


def test_a_line_of_a_bundle_may_have_a_key(database: str) -> None:
    line = {"type": "contributor", "id": "ana", "name": "Ana", "idempotency_key": "k"}
    with story(database) as told:
        for other in ({}, {"name": "Ben"}, {"id": "ben"}):
            import_lines(told.journal, [FoundLine("", {**line, **other})])
        assert told.head() == 1


def test_a_database_of_before_gets_the_column_of_keys(database: str) -> None:
    with open_service(database) as service:
        service.engine.execute("DROP INDEX requests_key")
        service.engine.execute("ALTER TABLE requests DROP COLUMN key")
    assert bring_up_to_date(database) == ["requests.key"]
    with story(database) as told:
        first = told.journal.record(AdmitContributor(name="Ana"), key="k")
        assert told.journal.record(AdmitContributor(name="Ana"), key="k") == first


# -- the connection to PostgreSQL breaks ------------------------------------------------------


class Breaking:
    """A proxy before PostgreSQL, which breaks the connection when it sees a word."""

    def __init__(self, behind: str, folder: Path) -> None:
        self.behind = behind
        self.word = b""
        self.passes_on = False
        """Whether the message with the word still reaches the server."""
        self.is_deaf = False
        """Whether the answer of the server is waited for, and not passed on."""
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / ".s.PGSQL.5432"))
        self.listener.listen()
        self.ends: list[socket.socket] = []
        self.threads: list[threading.Thread] = []
        self._begin(self._accept)

    def _begin(self, work: Callable[..., None], *about: object) -> None:
        self.threads.append(threading.Thread(target=work, args=about, daemon=True))
        self.threads[-1].start()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        for end in self.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        for end in (self.listener, *self.ends):
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self.behind)
                self.ends += [client, server]
                self._begin(self._relay, client, server, True)
                self._begin(self._relay, server, client, False)

    def _relay(self, here: socket.socket, there: socket.socket, is_client: bool) -> None:
        with suppress(OSError):
            while said := here.recv(1 << 16):
                if is_client and self.word and self.word in said:
                    self.word = b""
                    if self.passes_on:
                        self.is_deaf = True
                        there.sendall(said)
                        return
                    break
                if not is_client and self.is_deaf:
                    self.is_deaf = False
                    break  # the server has answered, and nobody hears it
                there.sendall(said)
        for end in (here, there):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def breaking(
    postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Served, Breaking]]:
    """Every statement is prepared each time, and so its words are sent."""
    monkeypatch.setattr("domain.engine.statements.MOST_PREPARED", 0)
    url = urlsplit(postgres_dsn)
    (folder,) = parse_qs(url.query)["host"]
    with short_folder() as own:
        proxy = Breaking(f"{folder}/.s.PGSQL.5432", own)
        with serving(f"postgresql://stemma@{url.path}?host={own}", follow=False) as served:
            yield served, proxy
        proxy.close()


@contextmanager
def short_folder() -> Iterator[Path]:
    """The path of a socket may have about a hundred bytes."""
    with tempfile.TemporaryDirectory(prefix="stemma-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.parametrize("word", [b"BEGIN ISOLATION", b"ROLLBACK", b"FROM heads"])
def test_before_the_end_nothing_is_recorded_and_the_answer_says_so(
    breaking: tuple[Served, Breaking], word: bytes
) -> None:
    served, proxy = breaking
    proxy.word = word
    broken = admit(served.operator, "Ana", "k")
    assert (broken.status, broken.code) == (503, "storage_unavailable")
    assert proxy.word == b""
    assert served.operator.get("/requests/k").code == "unknown_request"
    assert served.head == 0
    assert admit(served.operator, "Ana", "k").status == 201
    assert served.head == 1


@pytest.mark.parametrize("passes_on", [False, True], ids=["unheard", "heard"])
@pytest.mark.parametrize("key", ["k", None], ids=["keyed", "unkeyed"])
def test_at_the_end_the_outcome_is_unknown_and_can_be_asked(
    breaking: tuple[Served, Breaking], passes_on: bool, key: str | None
) -> None:
    served, proxy = breaking
    proxy.word, proxy.passes_on = b"INSERT INTO stored", passes_on
    body = json.dumps({"name": "Ana"}).encode()
    broken = served.operator.send("POST", "/contributors", body, keyed(key) if key else JSON)
    assert (broken.status, broken.code) == (503, "outcome_unknown")
    assert broken.headers["Retry-After"]
    told = broken.json["idempotency_key"]
    assert key in (told, None)
    assert broken.json["request"] == f"/requests/{told}"
    assert told in broken.json["detail"]
    asked = served.operator.get(broken.json["request"])
    assert asked.status == (200 if passes_on else 404), asked.text
    again = admit(served.operator, "Ana", told)
    assert again.status == 201
    assert served.operator.get(broken.json["request"]).json == again.json
    assert served.head == 1


@pytest.mark.parametrize("passes_on", [False, True], ids=["unheard", "heard"])
def test_a_form_of_unknown_outcome_says_to_send_it_again_and_is_recorded_once(
    breaking: tuple[Served, Breaking], passes_on: bool
) -> None:
    served, proxy = breaking
    window = reader(served).sign_in(OPERATOR_KEY)
    (id,) = re.findall(r'name="id" value="([^"]+)"', window.get("/do/contributor").text)
    said = {"name": "Ana", "id": id, "form_token": window.get("/do/contributor").token}
    proxy.word, proxy.passes_on = b"INSERT INTO stored", passes_on
    broken = window.post("/do/contributor", said)
    assert (broken.status, "send the form again" in broken.text_seen) == (503, True)
    assert "idempotency" not in broken.text_seen
    assert window.post("/do/contributor", said).status == 303
    assert served.head == 1


@pytest.mark.parametrize("key", ["k", None], ids=["keyed", "unkeyed"])
def test_what_is_recorded_is_never_said_not_to_be(
    breaking: tuple[Served, Breaking], key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although the database is lost before the promise in the answer is made, if that has to read
    the fact, as after an append that is too large to be remembered."""
    monkeypatch.setattr("domain.lately.MOST_FACTS", 0)
    served, proxy = breaking
    proxy.word = b"WHERE position = $1 ORDER BY position"
    body = json.dumps({"name": "Ana"}).encode()
    broken = served.operator.send("POST", "/contributors", body, keyed(key) if key else JSON)
    assert (broken.status, broken.code) == (503, "outcome_unknown")
    assert served.head == 1
    told = served.operator.get(broken.json["request"]).json
    assert admit(served.operator, "Ana", broken.json["idempotency_key"]).json == told
    assert served.head == 1


@pytest.mark.parametrize(
    "word, code",
    [
        (b"LOCK TABLE", "storage_unavailable"),
        (b"INSERT INTO stored", "storage_unavailable"),
        (b"DELETE FROM vault", "storage_unavailable"),
        (b"COMMIT", "outcome_unknown"),
    ],
)
def test_what_erases_is_recorded_in_several_steps_of_which_the_last_one_counts(
    breaking: tuple[Served, Breaking], word: bytes, code: str
) -> None:
    served, proxy = breaking
    piece = {"title": "t", "medium": "text", "authors": [], "sources": []}
    path = f"/contributions/{served.operator.post('/contributions', piece).json['id']}/withdraw"
    proxy.word, before = word, served.head
    broken = served.operator.send("POST", path, b'{"reason": "r"}', keyed("k"))
    assert (broken.status, broken.code) == (503, code)
    assert served.head == before
    assert served.operator.send("POST", path, b'{"reason": "r"}', keyed("k")).status == 200
    assert served.head == before + 1


def test_after_503_the_key_makes_exactly_one_fact_of_each_request(database: str) -> None:
    """Connections are killed all the time; on SQLite there are none, and nothing fails."""
    with serving(database, follow=False) as served:
        stop, writers, each = threading.Event(), 4, 8
        broken, written = list[str](), list[str]()
        is_killed = not database.startswith("sqlite:")

        def write(writer: int) -> None:
            for number in count():
                if number >= each and (broken or not is_killed):
                    return
                name, key = f"{writer}.{number}", str(uuid4())
                while (answer := admit(served.operator, name, key)).status == 503:
                    broken.append(answer.code)
                assert answer.status == 201, answer.text
                written.append(name)

        killer = threading.Thread(target=kill_often, args=(database, stop, broken), daemon=True)
        killer.start()
        try:
            at_once(*(lambda writer=writer: write(writer) for writer in range(writers)))
        finally:
            stop.set()
            killer.join()
        assert set(broken) <= {"storage_unavailable", "outcome_unknown"}
    with story(database) as told:
        names = told.service.engine.query("SELECT value FROM vault WHERE name = 'name'")
        assert sorted(name for (name,) in names) == sorted(written)
        assert told.head() == len(written) >= writers * each


def kill_often(database: str, stop: threading.Event, broken: list[str]) -> None:
    """Twenty times, and until an answer broke; for ever, it might let nobody through."""
    if database.startswith("sqlite:"):
        return
    with psycopg.connect(database, autocommit=True) as connection:
        for number in count():
            if stop.wait(0.1) or (broken and number >= 20):
                return
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                "AND random() < 0.3"
            )


# -- the disk of SQLite breaks ----------------------------------------------------------------

FULL = """
import resource, sys
from pathlib import Path
from domain.commands.admitting import AdmitContributor
from domain.engine import DatabaseUnavailable
from scripts.service import open_service

path, room = sys.argv[1], int(sys.argv[2])
with open_service(f"sqlite:///{path}") as service:
    service.journal.record(AdmitContributor(name="Ana"))
    log = Path(f"{path}-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (log + room, resource.RLIM_INFINITY))
    try:
        service.journal.record(AdmitContributor(name="Ben"), key="k")
    except DatabaseUnavailable as problem:
        print(type(problem).__name__)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    service.journal.record(AdmitContributor(name="Ben"), key="k")
    print(service.journal.facts.head())
"""


@pytest.mark.parametrize("room", [0, 4_000, 9_000, 20_000])
def test_a_write_that_a_file_has_no_room_for_is_recorded_once(tmp_path: Path, room: int) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path / "stemma.db", str(room)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.split()[-1:] == ["2"], ran.stderr
    assert ran.stdout.split()[0] in ("DatabaseUnavailable", "OutcomeUnknown")
