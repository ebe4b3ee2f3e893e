"""Two communities served by one installation: neither sees anything of the other.

Rule: everything is asked of both, with what is right at the other one.
"""

import http.client
import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from click.testing import CliRunner, Result
from databases import Postgres
from test_server import KEY, started, wait_until
from test_webhooks import Receiver, receiving

from domain.commands.admitting import AdmitContributor
from domain.note import COSIGNATURE, SignerKey
from scripts.benchmarks.load import free_port
from scripts.communities import read_communities
from scripts.service import Service, open_service
from scripts.settings import BadSetting, read_log_keys, read_settings
from scripts.stemma import main

HARBOUR_KEY, QUAY_KEY = f"{KEY}-harbour", f"{KEY}-quay"
PAGE = {"Accept": "text/html"}
SAID = "serve.log"
FILE = """
[harbour]
hosts = ["harbour.example.org"]
operator_key = "{harbour}"
public_pages = true
{database}
[quay]
path = "/quay"
operator_key = "env:QUAY"
{other}
"""


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class At(NamedTuple):
    """A community as it is reached."""

    port: int
    host: str
    root: str
    key: str

    def ask(
        self, path: str, body: object = None, *, key: str | None = None, **headers: str
    ) -> Answer:
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Host": self.host, "Content-Type": "application/json", **headers}
        if key != "":
            sent["Authorization"] = f"Bearer {key or self.key}"
        data = body if body is None or isinstance(body, str) else json.dumps(body)
        asked.request("GET" if data is None else "POST", self.root + path, data, sent)
        got = asked.getresponse()
        headers = {name.lower(): value for name, value in got.getheaders()}
        answer = Answer(got.status, headers, got.read().decode())
        asked.close()
        return answer

    def post(self, path: str, **body: object) -> Any:
        answer = self.ask(path, body)
        assert answer.status in {200, 201}, answer.text
        return answer.json

    def knows(self, path: str, position: int) -> int:
        return self.ask(f"{path}?min_position={position}").status


class Both(NamedTuple):
    harbour: At
    quay: At
    settings: dict[str, str]

    def says(self, *words: str) -> Result:
        """What the terminal answers."""
        return CliRunner(env=self.settings).invoke(main, words)

    def titles(self, community: str) -> list[str]:
        """The works of one as the terminal lists them."""
        told = self.says("--community", community, "works", "--json")
        assert told.exit_code == 0, told.output
        return [one["title"] for one in json.loads(told.stdout)["items"]]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    folder, databases = tmp_path_factory.mktemp("communities"), ["", ""]
    with ExitStack() as stack:
        if request.param == "postgres":
            server: Postgres = request.getfixturevalue("postgres_server")
            url = stack.enter_context(server.database())
            databases = [f'database = "{url}"\nschema = "{name}"' for name in ("harbour", "quay")]
        told = FILE.format(harbour=HARBOUR_KEY, database=databases[0], other=databases[1])
        (folder / "communities.toml").write_text(told)
        yield stack.enter_context(serving_both(folder))


def test_one_that_can_not_be_served_does_not_stop_the_other(tmp_path: Path) -> None:
    told = FILE.format(harbour=HARBOUR_KEY, database="", other="")
    (tmp_path / "communities.toml").write_text(told)
    (tmp_path / "quay").mkdir()
    in_two_days = datetime.now(UTC) + timedelta(days=2)
    with open_service(f"sqlite:///{tmp_path}/quay/stemma.db", clock=lambda: in_two_days) as quay:
        quay.journal.record(AdmitContributor(name="Ana"))
    with serving_both(tmp_path, ready=("harbour",)) as both:
        assert both.quay.ask("/works").status == 503
        assert both.harbour.ask("/works").status == 200


@contextmanager
def serving_both(folder: Path, ready: Sequence[str] = ("harbour", "quay")) -> Iterator[Both]:
    port = free_port()
    settings = {
        "STEMMA_COMMUNITIES": str(folder / "communities.toml"),
        "STEMMA_DATA": str(folder),
        "STEMMA_PORT": str(port),
        "STEMMA_OPERATOR_KEY": f"{KEY}-of-nobody",
        "STEMMA_LOGS": "json",
        "QUAY": QUAY_KEY,
        "STEMMA_WEBHOOK_NETWORKS": "127.0.0.0/8",
    }
    for name in ("harbour", "quay"):
        words = ("--community", name, "key", "new", f"{name}.example.org/log")
        assert CliRunner(env=settings).invoke(main, words).exit_code == 0
    with (
        (folder / SAID).open("w") as said,
        started("serve", "--workers", "1", output=said, **settings) as process,
    ):
        harbour = At(port, "harbour.example.org", "", HARBOUR_KEY)
        quay = At(port, "elsewhere.example.org", "/quay", QUAY_KEY)
        both = Both(harbour, quay, settings)
        for name in ready:
            wait_until(partial(is_ready, getattr(both, name)), process)
        yield both


def is_ready(one: At) -> bool:
    try:
        return one.ask("/ready").status == 200
    except OSError:
        return False


def test_what_is_recorded_in_one_is_unknown_in_the_other(both: Both) -> None:
    receipt = both.harbour.post("/contributors", name="Ana Verdi")
    path, position = f"/contributors/{receipt['id']}", receipt["position"]
    assert both.harbour.knows(path, position) == 200
    assert both.quay.ask(path).status == 404
    assert both.quay.ask(f"/facts/{position}/receipt").status in {403, 404}
    assert "Ana Verdi" not in both.quay.ask("/contributors").text
    # The same id means somebody else there.
    again = both.quay.post("/contributors", id=receipt["id"], name="Bo Blu")
    assert both.quay.knows(path, again["position"]) == 200
    assert both.quay.ask(path).json["name"] == "Bo Blu"
    assert both.harbour.ask(path).json["name"] == "Ana Verdi"


def test_every_address_of_a_community_is_below_its_path(both: Both) -> None:
    """So are those in its documentation, the types of its problems, and for generated clients."""
    served = json.loads(both.quay.ask("/openapi.json").text)
    assert served["servers"] == [{"url": "/quay"}]
    assert json.loads(both.harbour.ask("/openapi.json").text)["servers"] == [{"url": "/"}]
    page, _, anchor = both.quay.ask("/works/none").json["type"].partition("#")
    assert page.startswith("/quay/")
    assert f'id="{anchor}"' in both.quay.ask(page.removeprefix("/quay"), **PAGE).text
    seen, left = set[str](), {"/quay/", "/quay/docs"}
    while left:
        seen.add(at := left.pop())
        answer = both.quay.ask(at.removeprefix("/quay"), **PAGE)
        assert answer.status == 200, at
        for link in re.findall(r'(?:href|src|action)="([^"#?]+)', answer.text):
            address = urlsplit(urljoin(f"http://here{at}", link))
            if address.hostname == "here":
                assert f"{address.path}/".startswith("/quay/"), f"{link} on {at}"
                if address.path.startswith("/quay/docs"):
                    left |= {address.path} - seen
    assert len(seen) > 40


def test_where_each_is_served_is_said(both: Both) -> None:
    said = (Path(both.settings["STEMMA_DATA"]) / SAID).read_text()
    assert "Stemma serves harbour: harbour.example.org/docs (stop with Ctrl-C)\n" in said
    assert f"Stemma serves quay: http://127.0.0.1:{both.quay.port}/quay/docs (stop" in said


def test_the_terminal_shows_the_community_that_is_named(both: Both) -> None:
    both.harbour.post("/contributions", title="Of the harbour", medium="text")
    both.quay.post("/contributions", title="Of the quay", medium="text")
    assert "Of the harbour" in both.titles("harbour")
    assert "Of the harbour" not in both.titles("quay")
    assert "Of the quay" in both.titles("quay")
    assert "Of the quay" not in both.titles("harbour")
    for words in (["works"], ["--community", "nowhere", "works"]):
        told = both.says(*words)
        assert told.exit_code == 1
        assert "--community" in told.stderr
        assert "harbour, quay" in told.stderr.replace(" and ", ", ")


def test_the_doctor_finds_the_server_of_the_community_that_is_named(both: Both) -> None:
    """It asked at the root of the port, where neither is served."""
    for name in ("harbour", "quay"):
        told = both.says("--community", name, "doctor").output
        assert f"A server is ready on port {both.quay.port}." in " ".join(told.split())


def test_a_file_of_communities_that_is_missing_is_named(tmp_path: Path) -> None:
    settings = {"STEMMA_COMMUNITIES": str(tmp_path / "nowhere.toml")}
    told = CliRunner(env=settings).invoke(main, ["works"])
    assert (
        told.stderr
        == f"Error: STEMMA_COMMUNITIES: {tmp_path}/nowhere.toml: No such file or directory\n"
    )


def test_a_secret_of_a_community_is_read_from_its_variable_or_missed(tmp_path: Path) -> None:
    """The secret of a log was taken for the name of a file; and the name of a variable that is not
    set, if it was long, for a key that acts as the operator.
    """
    key = SignerKey.new("quay.example/log")
    file = tmp_path / "communities.toml"
    file.write_text(
        '[quay]\nlog_key = "env:QUAY_LOG_KEY"\n'
        'operator_key = "env:KEY_OF_THE_OPERATOR_OF_THE_QUAY"\n'
    )
    secrets = {"QUAY_LOG_KEY": key.secret_text(), "KEY_OF_THE_OPERATOR_OF_THE_QUAY": QUAY_KEY}
    environ = {"STEMMA_COMMUNITIES": str(file), "STEMMA_DATA": str(tmp_path), **secrets}
    quay = read_communities(read_settings(environ), environ)["quay"].settings
    assert (quay.operator_key, read_log_keys(quay, environ).signer) == (QUAY_KEY, key)
    for name in secrets:
        without = {one: value for one, value in environ.items() if one != name}
        with pytest.raises(BadSetting, match=f"the environment variable {name} is not set"):
            read_communities(read_settings(without), without)


def test_a_key_of_one_opens_nothing_of_the_other(both: Both) -> None:
    for one, other in ((both.harbour, both.quay), (both.quay, both.harbour)):
        key = one.key
        assert one.ask("/works", key=key).status == 200
        assert other.ask("/works", key=key).status == 401
        assert other.ask("/contributors", {"name": "Eve"}, key=key).status == 401
    nobody = both.settings["STEMMA_OPERATOR_KEY"]
    assert {one.ask("/works", key=nobody).status for one in both[:2]} == {401}


def test_a_session_of_one_is_none_of_the_other(both: Both) -> None:
    headers = [signed_in(one) for one in both[:2]]
    assert [re.findall("Path=[^;]*", one)[0] for one in headers] == ["Path=/", "Path=/quay"]
    cookies = [one.partition(";")[0] for one in headers]
    assert cookies[0].partition("=")[0] != cookies[1].partition("=")[0]
    token = cookies[0].partition("=")[2]
    name = cookies[1].partition("=")[0]
    for cookie in (cookies[0], f"{name}={token}", f"{cookies[0]}; {name}={token}"):
        assert both.quay.ask("/waiting", key="", Cookie=cookie, **PAGE).status == 303
    assert both.quay.ask("/waiting", key="", Cookie="; ".join(cookies), **PAGE).status == 200
    assert both.harbour.ask("/waiting", key="", Cookie=cookies[0], **PAGE).status == 200


def signed_in(one: At) -> str:
    """The header that keeps the cookie of a session."""
    form = one.ask("/sign-in", key="")
    hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form.text))
    origin = {"Origin": f"http://{one.host}", "Content-Type": "application/x-www-form-urlencoded"}
    answer = one.ask("/sign-in", urlencode({**hidden, "key": one.key}), key="", **origin)
    assert answer.status == 303, answer.text
    assert answer.headers["location"].startswith(one.root + "/")
    return answer.headers["set-cookie"]


def test_each_has_a_log_and_a_feed_of_its_own(both: Both) -> None:
    pieces = [one.post("/contributions", title="Piece", medium="text") for one in both[:2]]
    for name, one, piece in zip(("harbour", "quay"), both[:2], pieces, strict=True):
        wait_until(partial(has_in_log, one, piece["position"]))
        assert one.ask("/log/checkpoint").text.startswith(f"{name}.example.org/log\n")
        wait_until(partial(is_in_feed, one, piece["id"]))
        assert not any(is_in_feed(one, other["id"]) for other in pieces if other is not piece)


def is_in_feed(one: At, id: str) -> bool:
    answer = one.ask("/feed")
    assert answer.status == 200
    return id in answer.text


def has_in_log(one: At, position: int) -> bool:
    answer = one.ask("/log/checkpoint")
    return answer.status == 200 and int(answer.text.splitlines()[1]) >= position


def test_a_webhook_of_one_is_none_of_the_other(both: Both) -> None:
    both.harbour.post("/webhooks", url="https://hooks.example.org/harbour")
    assert "hooks.example.org" in both.harbour.ask("/webhooks").text
    assert both.quay.ask("/webhooks").json["items"] == []


def test_each_delivers_its_own_events_to_its_own_webhooks(both: Both) -> None:
    with receiving() as at_harbour, receiving() as at_quay:
        pieces = []
        for one, receiver in zip(both[:2], (at_harbour, at_quay), strict=True):
            one.post("/webhooks", url=receiver.url)
            pieces.append(one.post("/contributions", title="Delivered", medium="text")["id"])
        for receiver, own, other in ((at_harbour, *pieces), (at_quay, *pieces[::-1])):
            wait_until(lambda receiver=receiver, own=own: own in said_to(receiver))  # type: ignore[misc]
            assert other not in said_to(receiver)


def said_to(receiver: Receiver) -> str:
    return " ".join(body.decode() for _, body in receiver.got)


def test_lines_about_a_community_name_it_within_requests_and_beside_them(tmp_path: Path) -> None:
    """… a request, what goes on beside all requests, and a follower that waits."""
    witness = SignerKey.new("witness.example", COSIGNATURE).verifier
    policy = f"witness w {witness} http://127.0.0.1:{free_port()}\nquorum none\n"
    (tmp_path / "policy").write_text(policy)
    policed = f'witness_policy = "{tmp_path}/policy"'
    told = FILE.format(harbour=HARBOUR_KEY, database="", other=policed)
    (tmp_path / "communities.toml").write_text(told)
    with serving_both(tmp_path) as both:
        both.quay.post("/contributors", name="Ana")
        wait_until(lambda: lines(tmp_path / SAID, "witness.example did not cosign"))
    for event in ("request", "witness.example did not cosign"):
        assert lines(tmp_path / SAID, event)[-1]["community"] == "quay"
    away = f"postgresql://stemma@/stemma?host={tmp_path}"
    (tmp_path / "communities.toml").write_text(f'[away]\npath = "/away"\ndatabase = "{away}"\n')
    with (tmp_path / "follow.log").open("w") as said:
        following = started("follow", output=said, **both.settings)
        with following as process:
            wait_until(lambda: lines(tmp_path / "follow.log", "The database does not"), process)
    assert lines(tmp_path / "follow.log", "The database does not")[0]["community"] == "away"


def lines(file: Path, begins: str) -> list[dict[str, Any]]:
    """The lines of a log about events that begin like this."""
    found = (json.loads(line) for line in file.read_text().splitlines() if line[:1] == "{")
    return [line for line in found if line["event"].startswith(begins)]


def test_without_a_name_all_are_upgraded_and_followed(both: Both, tmp_path: Path) -> None:
    told = both.says("upgrade")
    assert (told.exit_code, told.output.count("the read tables are up to date")) == (0, 2)
    both_are_followed(tmp_path)


def test_one_that_is_away_or_damaged_keeps_no_other_from_being_followed(tmp_path: Path) -> None:
    (tmp_path / "damaged.db").write_bytes(5_000 * b"x")
    others = f"""
[away]
path = "/away"
database = "postgresql://stemma@/stemma?host={tmp_path}"
[damaged]
path = "/damaged"
database = "sqlite:///{tmp_path}/damaged.db"
"""
    both_are_followed(tmp_path, others)


def both_are_followed(folder: Path, others: str = "") -> None:
    names = ("harbour", "quay")
    tables = "".join(f'[{name}]\npath = "/{name}"\n' for name in names)
    (folder / "all.toml").write_text(others + tables)
    settings = {"STEMMA_COMMUNITIES": f"{folder}/all.toml", "STEMMA_DATA": str(folder)}
    found = read_communities(read_settings(settings), settings)
    with started("follow", output=subprocess.DEVNULL, **settings) as process, ExitStack() as stack:
        for name in names:
            Path(found[name].settings.data).mkdir(exist_ok=True)
            service = stack.enter_context(open_service(found[name].settings.database))
            position = service.journal.record(AdmitContributor(name=name)).position
            wait_until(partial(has_folded, service, position), process)


def has_folded(service: Service, position: int) -> bool:
    return service.store.current().position == position


def test_there_are_no_metrics_of_several(both: Both) -> None:
    settings = both.settings | {"STEMMA_METRICS_TOKEN": KEY, "STEMMA_PORT": str(free_port())}
    told = CliRunner(env=settings).invoke(main, ["serve"])
    assert told.exit_code == 1
    assert "there are no metrics of several communities" in told.output
    assert {one.ask("/metrics").status for one in both[:2]} == {404}


def test_pages_lead_to_pages_of_the_same_community(both: Both) -> None:
    page = both.quay.ask("/sign-in", key="").text
    assert set(re.findall(r'(?:href|src|action)="(/[^"]*)"', page))
    assert all(
        link.startswith("/quay/") for link in re.findall(r'(?:href|src|action)="(/[^"]*)"', page)
    )
    assert both.harbour.ask("/", key="").status == 200


def test_no_other_place_answers_for_one(both: Both) -> None:
    stranger = both.harbour._replace(host="elsewhere.example.org")
    answer = stranger.ask("/works", **{"X-Request-Id": "from-the-proxy-3"})
    assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")
    assert answer.headers["x-request-id"] == "from-the-proxy-3"
    assert answer.json["instance"] == "urn:stemma:request:from-the-proxy-3"
    assert stranger.ask("/quayside/works").status == 404
    assert stranger.ask("/health").status == 200
    assert both.harbour._replace(host="HARBOUR.example.org.:80").ask("/works").status == 200


@pytest.mark.parametrize(
    "told, reason",
    [
        ("", "names no community"),
        ("[", "STEMMA_COMMUNITIES"),
        ("harbour = 1", "is a table"),
        ("[Harbour]", "small letters"),
        ("[a]\n[b]", "the same host and path"),
        ('[a]\nport = 80\n[b]\npath = "/b"', "port can't be said here"),
        ("[a]\nport_of_call = 80", "port_of_call can't be said here"),
        ('[a]\npath = "a"', "a path is such as /a"),
        ('[a]\nhosts = ["a b"]', "hosts are names"),
        ('[a]\nschema = "a"', "a schema is one of a PostgreSQL database"),
        ('[a]\ndatabase = "postgresql://x/y"\nschema = "a; b"', "is not a schema"),
        ('[a]\ndatabase = "mysql://geheim@x"', "STEMMA_DATABASE"),
        ('[a]\ndatabase = "sqlite:///x"\n[b]\npath = "/b"\ndatabase = "sqlite:///x"', "database"),
        *(
            (f'[a]\ndatabase = "postgresql://u@h/y"\n[b]\npath = "/b"\n{same}', "same database")
            for same in (
                'database = "postgres://u@h/y"',
                'database = "postgresql://u@h:5432/y"',
                'database = "postgresql://u:geheim@h/y"',
                'database = "postgresql:///y?host=h"',
                'database = "postgresql://h/y"\nschema = "public"',
            )
        ),
        ('[a]\nhosts = "a.example"', "hosts are a list"),
        ("[a]\nhosts = 5", "hosts are a list"),
        ('[a]\nlog_key = "k"\n[b]\npath = "/b"\nlog_key = "k"', "the same log_key"),
        (f'[a]\noperator_key = "{KEY}"\n[b]\npath = "/b"\noperator_key = "{KEY}"', "operator_key"),
    ],
)
def test_what_cannot_be_kept_apart_is_refused(tmp_path: Path, told: str, reason: str) -> None:
    (tmp_path / "file").write_text(told)
    environ = {"STEMMA_COMMUNITIES": str(tmp_path / "file"), "STEMMA_DATA": str(tmp_path)}
    with pytest.raises(BadSetting, match=re.escape(reason)) as problem:
        read_communities(read_settings(environ), environ)
    assert "geheim" not in str(problem.value)
    assert KEY not in str(problem.value)


def test_standbys_of_a_community_are_read_in_its_schema(tmp_path: Path) -> None:
    own = 'database = "postgresql://u@one/y"\nread_database = "postgresql://u@two/y"'
    (tmp_path / "file").write_text(f'[a]\n{own}\nschema = "a"\n[b]\npath = "/b"\n{own}\n')
    environ = {"STEMMA_COMMUNITIES": str(tmp_path / "file"), "STEMMA_DATA": str(tmp_path)}
    found = read_communities(read_settings(environ), environ)
    told = {name: one.settings.standbys for name, one in found.items()}
    assert told == {
        "a": ("postgresql://u@two/y?options=-csearch_path%3Da",),
        "b": ("postgresql://u@two/y",),
    }


def test_a_community_inherits_what_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "file").write_text('[a]\n[b]\npath = "/b"\nrate_days = 7\n')
    environ = {
        "STEMMA_COMMUNITIES": str(tmp_path / "file"),
        "STEMMA_DATA": str(tmp_path),
        "STEMMA_OPERATOR_KEY": KEY,
        "STEMMA_DATABASE": "sqlite:///one.db",
        "STEMMA_RATE_DAYS": "30",
        "STEMMA_PORT": "8017",
    }
    found = read_communities(read_settings(environ), environ)
    a, b = found["a"].settings, found["b"].settings
    assert (a.rate_days, b.rate_days, a.port, b.port) == (30, 7, 8017, 8017)
    assert (a.operator_key, b.operator_key) == (None, None)
    assert a.database == f"sqlite:///{tmp_path / 'a' / 'stemma.db'}"
    assert b.log_key == str(tmp_path / "b" / "log.key")
