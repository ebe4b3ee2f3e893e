"""Nobody takes the service from others by asking too much, or by guessing keys.

Rule: limits are small here and the clock is set, so that what is claimed happens at once.
"""

import os
import secrets
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest
from clocks import SecondsClock
from serving import OPERATOR_KEY, Client, Served, serving
from stories import at_once
from test_server import serving as served_by_stemma

from api.allowance import DEFAULTS, RATES, Limit, Network, read_limits, read_networks
from api.identity.keys import strong_key
from api.limits import OPERATOR_FACTOR, Limits
from domain.engine.opening import open_engine
from scripts.service import open_service
from scripts.settings import BadSetting, read_settings

SMALL = {
    "reads": Limit(5, 60),
    "writes": Limit(3, 60),
    "visitors": Limit(6, 60),
    "tiles": Limit(12, 60),
    "failures": Limit(2, 60),
}
PROXY = read_networks("127.0.0.1")


@pytest.fixture
def clock() -> SecondsClock:
    return SecondsClock()


@pytest.fixture
def served(tmp_path: Path, clock: SecondsClock) -> Iterator[Served]:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database, follow=False, limits=(SMALL, PROXY, clock)) as running:
        yield running


def statuses(number: int, send: object) -> list[int]:
    return [send().status for _ in range(number)]  # type: ignore[operator]


def test_a_person_is_told_what_is_left_and_when_to_come_back(
    served: Served, clock: SecondsClock
) -> None:
    ana = served.acting(served.admit("Ana"))
    first = ana.get("/works")
    assert first.headers["RateLimit-Policy"] == '"reads";q=5;w=60'
    assert first.headers["RateLimit"] == '"reads";r=4;t=12'
    assert statuses(4, lambda: ana.get("/works")) == [200] * 4
    over = ana.get("/works")
    assert (over.status, over.code) == (429, "too_many_requests")
    assert over.headers["Retry-After"] == "12"
    assert over.headers["RateLimit"] == '"reads";r=0;t=12'
    clock.now += 11
    assert ana.get("/works").status == 429
    clock.now += 1
    assert statuses(2, lambda: ana.get("/works")) == [200, 429]
    clock.now += 60
    assert statuses(6, lambda: ana.get("/works")) == [200] * 5 + [429]


def test_reading_and_writing_are_counted_apart_and_each_person_alone(served: Served) -> None:
    ana, ben = (served.acting(served.admit(name)) for name in ("Ana", "Ben"))
    assert statuses(5, lambda: ana.get("/works")) == [200] * 5
    post = [ana.post("/contributions", title="A", medium="text").status for _ in range(4)]
    assert post == [201, 201, 201, 429]
    assert ben.get("/works").status == 200
    assert ben.post("/contributions", title="A", medium="text").status == 201


def test_another_key_of_the_same_person_is_no_further_limit(served: Served) -> None:
    ana = served.admit("Ana")
    answers = [served.acting(ana).get("/works").status for _ in range(6)]
    assert answers == [200] * 5 + [429]


def test_a_person_makes_only_so_many_keys_a_day_and_can_always_end_them(
    tmp_path: Path, clock: SecondsClock
) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    limits = {"keys": Limit(3, 86_400)}
    with serving(database, follow=False, limits=(limits, (), clock)) as served:
        ana = served.acting(served.admit("Ana"))
        made = [ana.post("/keys") for _ in range(2)]
        assert ana.post(f"/keys/{made[0].json['id']}/replace").status == 201
        assert (refused := ana.post("/keys")).status == 429
        assert refused.headers["Retry-After"] == str(86_400 // 3)
        assert ana.post(f"/keys/{made[0].json['id']}/replace").status == 429
        assert ana.post(f"/keys/{made[1].json['id']}/end").status == 200
        assert served.operator.post("/keys").status == 201


def test_tiles_of_the_log_have_a_limit_of_their_own(served: Served) -> None:
    served.admit("Ana")
    served.service.log.catch_up()
    anybody = Client(served.operator.port, None, served.operator.contract)
    assert statuses(13, lambda: anybody.get("/log/tile/0/000.p/1")) == [200] * 12 + [429]
    assert anybody.get("/log/checkpoint").status == 200
    entries = served.operator.get("/log/tile/entries/000.p/1")
    assert entries.headers["RateLimit-Policy"] == '"tiles";q=120;w=60'


def test_probes_are_never_counted(served: Served) -> None:
    assert statuses(20, lambda: served.client(None).get("/health")) == [200] * 20
    assert set(statuses(20, lambda: served.client(None).get("/ready"))) <= {200, 503}


def from_address(served: Served, address: str, key: str | None = None, path: str = "/works") -> int:
    said = {"X-Forwarded-For": address}
    return served.client(key).get(path, headers=said).status


def test_an_address_is_counted_as_a_trusted_proxy_names_it(served: Served) -> None:
    got = [from_address(served, "192.0.2.1", path="/openapi.json") for _ in range(7)]
    assert got == [200] * 6 + [429]
    assert from_address(served, "192.0.2.2", path="/openapi.json") == 200
    # What the client itself wrote stands before what the proxy adds, and counts for nothing.
    assert from_address(served, "192.0.2.9, 192.0.2.1", path="/openapi.json") == 429
    assert from_address(served, "192.0.2.1, 192.0.2.9", path="/openapi.json") == 200
    for number in range(7):
        last = from_address(served, f"2001:db8::{number}", path="/openapi.json")
    assert last == 429, "one person may have all addresses of a network"
    assert from_address(served, "2001:db8:0:1::1", path="/openapi.json") == 200


def test_nobody_else_may_name_an_address(tmp_path: Path, clock: SecondsClock) -> None:
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database, follow=False, limits=(SMALL, (), clock)) as served:
        got = [from_address(served, f"192.0.2.{n}", path="/openapi.json") for n in range(7)]
        assert got == [200] * 6 + [429]


@pytest.mark.parametrize("proxies, scheme", [(PROXY, "https"), ((), "http")])
def test_addresses_in_answers_have_the_scheme_that_a_trusted_proxy_names(
    tmp_path: Path, clock: SecondsClock, proxies: tuple[Network, ...], scheme: str
) -> None:
    """TLS ends at the proxy: without it, an address copied from the browser is a foreign one."""
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with serving(database, limits=({}, proxies, clock)) as served:
        served.admit("Ana")
        (event,) = served.operator.get("/feed", headers={"X-Forwarded-Proto": "https"}).json
        assert event["source"].partition(":")[0] == scheme
        (event,) = served.operator.get("/feed", headers={"X-Forwarded-Proto": "gopher"}).json
        assert event["source"].partition(":")[0] == "http"


def test_a_header_that_resembles_that_of_the_proxy_names_no_address(tmp_path: Path) -> None:
    settings = {"STEMMA_TRUSTED_PROXIES": "127.0.0.1", "STEMMA_LIMITS": "visitors=3/60"}
    database = f"sqlite:///{tmp_path / 'stemma.db'}"
    with served_by_stemma(database, "--workers", "1", **settings) as server:
        got = []
        for number in range(4):
            connection = HTTPConnection("127.0.0.1", server.port)
            said = {"X-Forwarded-For": "192.0.2.1", "X_Forwarded_For": f"192.0.3.{number}"}
            connection.request("GET", "/openapi.json", headers=said)
            got.append(connection.getresponse().status)
            connection.close()
    assert got == [200] * 3 + [429]


def sign_in(served: Served, key: str, address: str = "192.0.2.1") -> tuple[int, dict[str, str]]:
    connection = HTTPConnection("127.0.0.1", served.operator.port, timeout=30)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "text/html",
        "X-Forwarded-For": address,
    }
    connection.request("POST", "/sign-in", urlencode({"key": key, "to": "/"}), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders())


def test_signing_in_is_slowed_after_failures_and_nobody_is_locked_out(served: Served) -> None:
    assert [sign_in(served, "wrong")[0] for _ in range(3)] == [401, 401, 429]
    status, headers = sign_in(served, "wrong too")
    assert (status, headers["Retry-After"]) == (429, "30")
    assert sign_in(served, OPERATOR_KEY)[0] == 303, "behind the same address"
    assert sign_in(served, OPERATOR_KEY, "192.0.2.2")[0] == 303
    assert sign_in(served, "wrong", "192.0.2.2")[0] == 401


def test_keys_that_are_guessed_over_http_are_slowed_in_the_same_way(served: Served) -> None:
    assert [from_address(served, "192.0.2.1", f"stemma_{n}") for n in range(3)] == [401, 401, 429]
    assert sign_in(served, "wrong")[0] == 429
    assert from_address(served, "192.0.2.1", OPERATOR_KEY) == 200


def test_every_key_that_is_not_valid_gets_the_same_answer(tmp_path: Path) -> None:
    with serving(f"sqlite:///{tmp_path / 'stemma.db'}", follow=False) as served:
        ana, ben = served.admit("Ana"), served.admit("Ben")
        revoked, forgotten = served.service.keys.create(ana), served.service.keys.create(ben)
        served.service.keys.revoke(revoked)
        served.operator.post(f"/contributors/{ben}/forget", ground="request")
        answers = set()
        for key in (revoked, forgotten, "stemma_unknown", "x", "é", "x" * 5_000):
            answer = served.client(key.encode().decode("latin-1")).get("/works")
            kept = {n: v for n, v in answer.headers.items() if n not in ("Date", "X-Request-Id")}
            body = {name: value for name, value in answer.json.items() if name != "instance"}
            answers.add((answer.status, str(body), str(kept)))
        assert len(answers) == 1, answers
        assert "This key is not valid." in answers.pop()[1]


def test_limits_hold_for_all_workers_together(database: str) -> None:
    limit, allowed, lock = Limit(40, 60), 0, threading.Lock()
    with open_service(database):
        workers = [open_engine(database) for _ in range(3)]

        def ask(limits: Limits) -> None:
            nonlocal allowed
            for _ in range(30):
                if not limits.take("reads", limit, "ana").is_over:
                    with lock:
                        allowed += 1

        at_once(*(lambda e=engine: ask(Limits(e, {}, clock=SecondsClock())) for engine in workers))
        for engine in workers:
            engine.close()
    assert allowed == limit.quota


def test_nobody_waits_for_a_clock_that_was_set_back(database: str) -> None:
    limit, clock = Limit(2, 60), SecondsClock()
    with open_service(database) as service:
        limits = Limits(service.engine, {}, clock=clock)

        def is_over() -> bool:
            return limits.take("reads", limit, "ana").is_over

        assert [is_over() for _ in range(3)] == [False, False, True]
        clock.now -= 3600
        assert [is_over() for _ in range(3)] == [False, False, True]
        clock.now -= 1  # as the clock of another machine
        assert is_over()


def test_the_largest_limit_of_the_operator_is_counted_as_well(tmp_path: Path) -> None:
    most = read_limits("reads=999999/1")["reads"]
    limit = most._replace(quota=most.quota * OPERATOR_FACTOR)
    with open_service(f"sqlite:///{tmp_path / 'stemma.db'}") as service:
        taken = Limits(service.engine, {}, clock=SecondsClock()).take("reads", limit, "operator")
    assert not taken.is_over
    assert limit.quota * 0.99 < taken.left < limit.quota


def test_most_requests_ask_no_database(tmp_path: Path) -> None:
    with open_service(f"sqlite:///{tmp_path / 'stemma.db'}") as service:
        limits = Limits(service.engine, DEFAULTS, clock=SecondsClock())
        with service.engine.transaction() as transaction:
            changes = "SELECT total_changes()"
            (before,) = transaction.query(changes)[0]
        for _ in range(1_500):
            assert not limits.take("reads", DEFAULTS["reads"], "ana").is_over
        with service.engine.transaction() as transaction:
            (after,) = transaction.query(changes)[0]
        assert after - before <= 12


def test_what_is_over_is_forgotten(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.limits.CLEANED_ONCE_IN", 1)
    clock = SecondsClock()
    with open_service(database) as service:
        limits = Limits(service.engine, {}, clock=clock)
        for number in range(5):
            limits.take("visitors", Limit(5, 60), f"192.0.2.{number}")
        clock.now += 61
        limits.take("visitors", Limit(5, 60), "192.0.2.9")
        assert service.engine.query(f"SELECT count(*) FROM {RATES.name}") == [(1,)]


# -- settings --------------------------------------------------------------------------------


def test_limits_are_settings() -> None:
    changed = read_settings({"STEMMA_LIMITS": "writes=60/10 visitors=off"})
    assert changed.limits["writes"] == Limit(60, 10)
    assert "visitors" not in changed.limits
    assert changed.limits["reads"] == DEFAULTS["reads"]
    assert read_settings({"STEMMA_LIMITS": "off"}).limits == {}
    for settings in (changed, read_settings({"STEMMA_LIMITS": "off"}), read_settings({})):
        assert read_settings(settings.said).limits == settings.limits
    proxied = read_settings({"STEMMA_TRUSTED_PROXIES": "10.0.0.0/8 ::1"})
    assert read_settings(proxied.said).trusted_proxies == proxied.trusted_proxies


@pytest.mark.parametrize(
    "name, value",
    [
        *(("STEMMA_LIMITS", text) for text in ("reads", "reads=", "reads=0/1", "reads=1/0")),
        *(("STEMMA_LIMITS", text) for text in ("all=1/1", "reads=-1/1", "reads=1.5/1", "off off")),
        *(("STEMMA_TRUSTED_PROXIES", text) for text in ("proxy", "10.0.0.0/99", "10.0.0.1/8")),
    ],
)
def test_limits_and_proxies_that_mean_nothing_are_refused(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        read_settings({name: value})


WEAK = (
    *("Secret", "for-this-session-only", "correct horse battery", "a" * 64, "0123456789" * 7),
    *("ab" * 40, "abcdefghijklmnopqrstuvwxyz0123456789", "password" * 8, "1" * 31 + "2" * 31),
    "zyxwvutsrqponmlkjihgfedcba987654321",
)


@pytest.mark.parametrize("key", WEAK)
def test_a_weak_operator_key_is_refused_and_the_reason_says_how_to_make_one(key: str) -> None:
    with pytest.raises(BadSetting, match=r"STEMMA_OPERATOR_KEY.*secrets\.token_urlsafe") as refused:
        read_settings({"STEMMA_OPERATOR_KEY": key})
    assert key not in str(refused.value)


def test_a_key_that_was_made_at_random_is_accepted() -> None:
    for _ in range(300):
        for made in (secrets.token_urlsafe(), secrets.token_hex(16), os.urandom(24).hex()):
            assert strong_key(made) == made
