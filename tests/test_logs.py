"""Logs and metrics say what happened, and nothing that is secret or about a person."""

import json
import logging
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from serving import OPERATOR_KEY, Served, serving
from structlog.dev import ConsoleRenderer
from test_server import KEY, Server, started, wait_until
from test_server import serving as running

from scripts.benchmarks.load import free_port as free
from scripts.logs import _for_people, configure_logs
from scripts.stemma import main

SECRETS = {
    "a name": "Zeraphine Quillfeather",
    "a title": "Moonlit Gutters",
    "a reason": "because-of-the-divorce",
    "a searched word": "wherefore-art-thou",
    "a wrong key": "stemma_not-a-key-but-looks-like-one",
    "a key in a form": "stemma_typed-into-the-form",
    "a cookie": "cookie-of-somebody",
    "a path nobody knows": "private-diary.txt",
    "a forged line": "forged\\nline",
}
TOKEN = "token-of-the-metrics"
WORKERS = {"STEMMA_WORKERS": "2", "STEMMA_LOGS": "json", "STEMMA_METRICS_TOKEN": TOKEN}


def ask(server: Server, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST" if body is not None else "GET", path, body, given)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def tell_a_story(server: Server) -> list[str]:
    """Writes, reads, searches, sign-ins and mistakes; the ids and keys in it."""
    name, title = SECRETS["a name"], SECRETS["a title"]
    who = server.admit(name)["id"]
    authors = [{"contributor": who, "role": "poet"}]
    body = {"title": title, "medium": "text", "authors": authors}
    status, posted = server.ask("/contributions", body)
    assert status == 201
    reason = {"reason": SECRETS["a reason"]}
    assert server.ask(f"/contributions/{posted['id']}/withdraw", reason)[0] == 200
    words = urllib.parse.quote(SECRETS["a searched word"])
    assert server.ask(f"/works?q={words}")[0] == 200
    assert server.ask(f"/works?q={words}&limit=none")[0] == 422
    assert server.ask(f"/{SECRETS['a path nobody knows']}")[0] == 404
    wrong = {"Authorization": f"Bearer {SECRETS['a wrong key']}"}
    assert ask(server, "/works", **wrong)[0] == 401
    form = {"Content_Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
    for key, expected in ((SECRETS["a key in a form"], 401), (KEY, 303)):
        typed = urllib.parse.urlencode({"key": key}).encode()
        assert ask(server, "/sign-in", typed, **form)[0] == expected
    assert ask(server, "/", Cookie=f"stemma={SECRETS['a cookie']}", Accept="text/html")[0] == 200
    ask(server, "/health", X_Request_Id=SECRETS["a forged line"])
    ask(server, "/health", X_Request_Id="from-the-proxy-1")
    return [who, posted["id"], KEY, TOKEN]


def test_the_logs_of_a_whole_story_hold_no_secret_and_nothing_about_a_person(
    database: str,
) -> None:
    port = free()
    settings = {"STEMMA_DATABASE": database, "STEMMA_PORT": str(port)} | WORKERS
    with started("serve", "--follow", **settings) as process:
        server = Server(process, port)
        wait_until(server.is_ready, process)
        found_out = tell_a_story(server)
        process.terminate()
        said, _ = process.communicate(timeout=60)
    for what, secret in SECRETS.items():
        assert secret not in said, f"the logs hold {what}"
        assert urllib.parse.quote(secret) not in said, f"the logs hold {what}"
    for secret in found_out:
        assert secret not in said
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    routes = {(line.get("method"), line.get("route"), line.get("status")) for line in lines}
    assert {
        ("POST", "/contributions", 201),
        ("GET", "/works", 422),
        ("GET", "unmatched", 404),
        ("POST", "/sign-in", 303),
    } <= routes
    audited = {line["event"] for line in lines if line["logger"] == "stemma.audit"}
    assert audited == {"unauthenticated", "sign-in failed", "signed in"}
    ids = {line["request_id"] for line in lines if "request_id" in line}
    assert "from-the-proxy-1" in ids
    assert all(re.fullmatch("[0-9a-f]{32}|from-the-proxy-1", one) for one in ids)


def test_a_key_made_on_the_command_line_is_in_the_audit(tmp_path: Path) -> None:
    """As a line on standard error, where the lines of a server are; never the key itself."""
    settings = {"STEMMA_DATA": str(tmp_path), "STEMMA_LOGS": "json"}

    def run(*words: str) -> tuple[str, list[dict[str, Any]]]:
        ran = CliRunner().invoke(main, ["key", *words], env=settings)
        assert ran.exit_code == 0, ran.output
        lines = [json.loads(line) for line in ran.stderr.splitlines()]
        assert {line["logger"] for line in lines} == {"stemma.audit"}
        return ran.stdout.strip(), lines

    token, (made,) = run("create", "--for", "operator")
    assert (made["event"], made["holder"]) == ("key made", "operator")
    again, lines = run("replace", made["key"])
    assert "key made" in {line["event"] for line in lines}
    assert token not in json.dumps(lines)
    assert again not in json.dumps(lines)
    _, (revoked,) = run("revoke", made["key"])
    assert (revoked["event"], revoked["key"]) == ("key revoked", made["key"])
    public, (line,) = run("new", "example.org/log")
    assert line["event"] == "log key made"
    assert public.startswith(line["key"])


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with serving(database, metrics_token=TOKEN) as running:
        yield running


def test_an_answer_and_its_problem_carry_the_id_that_the_proxy_gave(served: Served) -> None:
    answer = served.operator.get("/works/none", headers={"X-Request-Id": "from-the-proxy-2"})
    assert answer.headers["X-Request-Id"] == "from-the-proxy-2"
    assert answer.json["instance"] == "urn:stemma:request:from-the-proxy-2"
    for bad in ("short", "x" * 65, "with blank in it", "äöüäöüäöü"):
        made = served.operator.get("/health", headers={"X-Request-Id": bad.encode()})  # type: ignore[dict-item]
        assert re.fullmatch("[0-9a-f]{32}", made.headers["X-Request-Id"])


def test_who_was_refused_what_is_in_the_audit(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "stemma.audit")
    ana, ben = served.admit("Ana"), served.admit("Ben")
    assert served.acting(ana).get(f"/contributors/{ben}/notices").status == 403
    refused = [record for record in caplog.records if record.msg == "forbidden"]
    assert [(one.actor, one.code) for one in refused] == [(ana, "not_permitted")]  # type: ignore[attr-defined]
    made = [record for record in caplog.records if record.msg == "key made"]
    assert made[0].holder == ana  # type: ignore[attr-defined]
    served.service.keys.revoke(made[0].key)  # type: ignore[attr-defined]
    assert caplog.records[-1].msg == "key revoked"


@pytest.mark.parametrize("form", ["console", "json"])
def test_an_exception_is_logged_by_its_place_and_not_by_what_it_says(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        configure_logs(form)
        try:
            raise ValueError("Zeraphine")
        except ValueError:
            logging.getLogger("stemma").exception("it failed")
    finally:
        root.handlers[:], root.level = before, level
    said = capsys.readouterr().err
    assert "Zeraphine" not in said
    assert "builtins.ValueError" in said
    assert Path(__file__).name in said


def test_a_line_for_people_is_that_of_structlog_without_colours() -> None:
    line = {"event": "a b", "level": "info", "logger": "stemma", "timestamp": "2026-01-01"}
    line |= {"z": "it's", "route": "/works/<id(work):id>", "none": None, "code": "", "at": [1, "ä"]}
    expected = ConsoleRenderer(colors=False, pad_event_to=0)(None, "", {**line})
    assert _for_people({**line}) == expected


def figures(text: str) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_metrics_are_counted_over_every_worker(database: str) -> None:
    with running(database, "--follow", **WORKERS) as server:
        for number in range(6):
            server.admit(f"P{number}")
        for _ in range(24):
            assert server.ask("/works?q=tide")[0] == 200
        told: dict[str, float] = {}

        def everything_is_in_the_log() -> bool:
            told.update(figures(scraped(server)))
            return told["stemma_log_leaves"] == told["stemma_log_signed_leaves"] == 6

        wait_until(everything_is_in_the_log)
    assert told['stemma_request_seconds_count{method="GET",route="/works"}'] == 24
    assert told['stemma_request_seconds_count{method="POST",route="/contributors"}'] == 6
    assert told['stemma_answers_total{code="",status="201"}'] == 6
    assert told["stemma_requests_running"] == 1
    assert told["stemma_journal_facts"] == 6
    assert told['stemma_connections{state="open"}'] >= 1
    assert told['stemma_check{check="follower"}'] == 1
    assert told["stemma_follower_silence_seconds"] < 10
    assert told['stemma_projection_behind{projection="lineage"}'] == 0
    assert told["stemma_log_cosigned_leaves"] == 0


def test_metrics_count_what_never_reached_the_application_and_failures_from_0_on(
    database: str,
) -> None:
    """Prometheus sees no increase in a figure that appears with its first failure."""
    with running(database, "--workers", "1", STEMMA_METRICS_TOKEN=TOKEN) as server:
        told = figures(scraped(server))
        assert told['stemma_answers_total{code="overloaded",status="503"}'] == 0
        assert told['stemma_answers_total{code="internal_error",status="500"}'] == 0
        with socket.create_connection(("127.0.0.1", server.port)) as twice:
            twice.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            assert b" 400 " in twice.recv(1 << 16)
        assert (
            figures(scraped(server))['stemma_answers_total{code="bad_request",status="400"}'] == 1
        )


WORKER = """
import sys
from types import SimpleNamespace as Of
from api.metrics import Metrics
from domain.engine import Pooled

log = Of(engine=Of(pooled=lambda: Pooled(1, 0, 0)))
readiness = Of(find_out=lambda: Of(reached=None, silence=None, checks={}))
metrics = Metrics(log, readiness, sys.argv[1])
metrics.begun()
metrics.ended("GET", "/works", 200, "", 0.02)
sys.stdout.buffer.write(metrics.exposed())
"""


def test_metrics_count_what_ended_workers_answered_and_keep_none_of_their_files(
    tmp_path: Path,
) -> None:
    """A server may replace thousands of workers before it is stopped."""
    (tmp_path / "counter_99999999.db").touch()  # of one that was killed before it wrote
    for _ in range(3):
        told = figures(
            subprocess.run(
                [sys.executable, "-c", WORKER, str(tmp_path)],
                env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                timeout=60,
            ).stdout
        )
    assert told['stemma_request_seconds_count{method="GET",route="/works"}'] == 3
    assert told['stemma_request_seconds_bucket{le="0.01",method="GET",route="/works"}'] == 0
    assert told['stemma_answers_total{code="",status="200"}'] == 3
    assert told["stemma_requests_running"] == told['stemma_connections{state="open"}'] == 1
    for kind in ("counter", "histogram", "gauge_livesum"):
        kept = len([*tmp_path.glob(f"{kind}_*.db")])
        assert kept == (1 if kind.startswith("gauge") else 2), "of the last, and of all before"


def scraped(server: Server) -> str:
    status, text = ask(server, "/metrics", Authorization=f"Bearer {TOKEN}")
    assert status == 200
    return str(text)


def test_metrics_are_for_the_holder_of_their_token(served: Served) -> None:
    assert served.client(TOKEN).get("/metrics").status == 200
    for key in (None, OPERATOR_KEY, TOKEN + "x"):
        assert served.client(key).get("/metrics").code == "unauthenticated"


def test_without_a_token_there_are_no_metrics(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}") as served:
        assert served.operator.get("/metrics").status == 404


def test_labels_are_words_of_ours(served: Served) -> None:
    ana = served.admit("Zeraphine")
    served.operator.get(f"/contributors/{ana}")
    served.operator.get("/works", q="Zeraphine")
    served.operator.get("/zeraphine")
    for method in ("ZERAPHINE", "Zeraphine"):
        assert served.operator.send(method, "/works", None).status == 405
    told = served.client(TOKEN).get("/metrics").text
    assert 'route="/contributors/<id(contributor):id>"' in told
    assert 'stemma_request_seconds_count{method="other",route="unmatched"} 2.0' in told
    assert "zeraphine" not in told.lower()
    assert ana not in told
