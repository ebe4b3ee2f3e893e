"""Webhooks: each event reaches its receiver at least once and in order, and nobody else.

Rule: the receiver is real, and reads what it gets with libraries that others wrote.
"""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from clocks import AheadClock
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from commanding import Stemma
from serving import serving
from standardwebhooks.webhooks import Webhook as Reader
from stories import Story, story
from test_pages import signed_in

from api.sending import outbound
from api.sending.outbound import Unreached, is_public, must_be_url, post, target_of
from api.sending.turns import FIRST_PAUSE, LONGEST_PAUSE, PATIENCE, TAKEN, recipients_of
from api.sending.webhooks import MOST, Webhooks, signed
from domain.moment import instant
from domain.refusal import BadWebhook, UnknownWebhook
from scripts.delivering import SLOW_AT_ONCE, Deliverer

HERE = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@dataclass
class Receiver:
    """A receiver, what it got, and what it answers."""

    port: int = 0
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """The status of the next answers; afterwards always 204."""
    retry_after: str = ""
    """The header with which it answers, if any."""
    before: Callable[[], None] = lambda: None
    """What happens before an answer."""
    leads_to: str = "/elsewhere"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?a=b"

    @property
    def positions(self) -> list[int]:
        """The positions of the events it got, in the order of arrival."""
        return [int(event.get_id()) for event in self.events]

    @property
    def events(self) -> list[CloudEvent]:
        return [JSONFormat().read(CloudEvent, body) for _, body in self.got]

    def verify(self, secret: str) -> None:
        """Every message is signed, as the library of Standard Webhooks verifies it."""
        for headers, body in self.got:
            Reader(secret).verify(body.decode(), headers)


class Quietly(ThreadingHTTPServer):
    """A server that says nothing of those who broke off."""

    def handle_error(self, *_: Any) -> None:
        pass


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            receiver.before()
            self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
            self.send_header("Location", receiver.leads_to)
            if receiver.retry_after:
                self.send_header("Retry-After", receiver.retry_after)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = Quietly(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@dataclass
class Sent:
    """A story that is delivered."""

    told: Story
    time: AheadClock
    webhooks: Webhooks
    deliverer: Deliverer

    def subscribe(self, receiver: Receiver, **said: Any) -> Any:
        said.setdefault("position", 0)
        now = self.time()
        return self.webhooks.add("operator", receiver.url, "urn:here", now=now, **said)

    def deliver(self) -> None:
        self.told.service.follower.catch_up()
        self.deliverer.deliver_all()

    def state(self, one: Any) -> Any:
        return self.webhooks.named(one.id, None)


@pytest.fixture
def sent(database: str) -> Iterator[Sent]:
    with story(database) as told, ExitStack() as stack:
        time = AheadClock()
        deliverer = Deliverer(told.service, HERE, time)
        stack.callback(deliverer.close)
        yield Sent(told, time, Webhooks(told.service.engine), deliverer)


def test_a_message_is_signed_as_the_vectors_of_standard_webhooks_say() -> None:
    secret, id = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    now = datetime.fromtimestamp(1614265330, UTC)
    assert signed(secret, id, b'{"test": 2432232314}', now) == {
        "webhook-id": id,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_every_public_event_arrives_signed_and_in_order(sent: Sent, receiver: Receiver) -> None:
    told = sent.told
    ana = told.person("ana")
    one = sent.subscribe(receiver)
    poem = told.piece("poem", by=[ana])
    show = told.release("show", poem)
    said = {"release": show, "kind": "song", "currency": "EUR", "terms": {"type": "agreed"}}
    told.tell("open_pool", name="pool", **said)
    told.piece("song", poem)
    sent.deliver()
    public = [fact.position for fact in told.facts() if fact.topic != "pool.opened"]
    assert receiver.positions == public
    receiver.verify(one.secret)
    assert {headers["content-type"] for headers, _ in receiver.got} == {
        "application/cloudevents+json"
    }
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert len(set(ids)) == len(ids)
    assert (sent.state(one).position, sent.state(one).failures) == (told.head(), 0)
    only = sent.subscribe(receiver, types="remix. credit.")
    receiver.got.clear()
    sent.deliver()
    assert {event.get_type().partition(".")[0] for event in receiver.events} == {"remix", "credit"}
    assert sent.state(only).position == told.head()
    told.tell("open_pool", name="another", **said | {"currency": "USD"})
    sent.deliver()
    assert sent.state(one).position == told.head(), "what it may not see is behind it as well"


def test_what_is_not_taken_is_sent_again_later_and_holds_up_nobody_else(
    sent: Sent, receiver: Receiver
) -> None:
    told = sent.told
    with receiving() as other:
        one, another = sent.subscribe(receiver), sent.subscribe(other)
        receiver.answers = [200, 500, 300, 404]
        people = [told.person(name) for name in ("ana", "ben", "eva")]
        sent.deliver()
        assert other.positions == [1, 2, 3]
        assert receiver.positions == [1, 2]
        sent.deliver()
        assert receiver.positions == [1, 2], "not before its time"
        pauses = []
        for failure in (1, 2):
            waits = sent.state(one)
            assert (waits.position, waits.failures) == (1, failure)
            pauses.append(datetime.fromisoformat(waits.next_at) - sent.time())
            sent.time.ahead += pauses[-1] + timedelta(seconds=1)
            sent.deliver()
        assert pauses[0] < pauses[1] <= LONGEST_PAUSE
        assert sent.state(one).said == "404"
        sent.time.ahead += LONGEST_PAUSE
        sent.deliver()
        assert receiver.positions == [1, 2, 2, 2, 2, 3]
        assert len({h["webhook-id"] for h, _ in receiver.got}) == len(people)
        assert sent.state(one).position == sent.state(another).position == told.head()


@pytest.mark.parametrize(
    "status, says, minutes",
    [
        (503, "600", 10),
        (429, "{in ten minutes}", 10),
        (429, "86400", 60),
        (503, "9" * 5_000, 0),
        (503, "-600", 0),
        (503, "soon", 0),
        (500, "600", 0),
    ],
)
def test_a_busy_receiver_is_left_alone_for_as_long_as_it_asks_up_to_an_hour(
    sent: Sent, receiver: Receiver, status: int, says: str, minutes: int
) -> None:
    later = sent.time() + timedelta(minutes=10)
    receiver.answers = [status]
    receiver.retry_after = says.replace("{in ten minutes}", format_datetime(later, usegmt=True))
    one = sent.subscribe(receiver)
    sent.told.person("ana")
    sent.deliver()
    waits = sent.state(one)
    wait = datetime.fromisoformat(waits.next_at) - datetime.fromisoformat(waits.failing_since)
    assert 0 <= (max(timedelta(minutes=minutes), FIRST_PAUSE) - wait).total_seconds() < 60
    sent.time.ahead += wait + timedelta(seconds=1)
    sent.deliver()
    assert sent.state(one).position == sent.told.head()


def test_a_clock_that_was_ahead_holds_up_no_receiver(sent: Sent, receiver: Receiver) -> None:
    """Neither its next attempt nor the turn of a process that was killed is waited for."""
    told, one = sent.told, sent.subscribe(receiver)
    told.person("ana")
    receiver.answers = [503]
    sent.time.ahead = timedelta(hours=5)
    sent.deliver()
    assert sent.state(one).failures == 1
    sent.time.ahead = timedelta()
    sent.deliver()
    assert sent.state(one).position == told.head() == 1
    told.person("ben")
    until = instant(sent.time() + timedelta(hours=5))
    told.service.engine.execute("UPDATE webhooks SET taken_until = :until", until=until)
    sent.deliver()
    assert sent.state(one).position == told.head() == 2


def test_receivers_that_are_slow_hold_up_only_their_own_holder(
    sent: Sent, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many they are, and also if they answer just in time, each event anew."""
    monkeypatch.setattr("scripts.delivering.TURN_SECONDS", 0.5)
    told = sent.told
    ana = told.person("ana")
    for number in range(20):
        told.person(f"person {number}")
    receiver.before = lambda: time.sleep(0.3)
    with receiving() as other:
        for _ in range(MOST):
            sent.webhooks.add(ana, receiver.url, "urn:here", position=0, now=sent.time())
        sent.subscribe(other)
        told.service.follower.catch_up()
        sent.deliverer.look()
        deadline = time.monotonic() + 20
        while len(other.positions) < 21 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(other.positions) == 21
        assert len({headers["webhook-id"] for headers, _ in receiver.got}) < 21
        receiver.before = lambda: None
        sent.deliver()
        assert receiver.positions.count(21) == MOST


def test_receivers_of_many_that_are_slow_hold_up_nobody_else(
    sent: Sent, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once they were slow they have threads of their own, of which each gets a fair part."""
    monkeypatch.setattr("scripts.delivering.TURN_SECONDS", 1.0)
    told, go_on = sent.told, threading.Event()
    told.person("ana")
    told.service.follower.catch_up()
    receiver.before = lambda: time.sleep(1.1)
    slow = [f"holder {number}" for number in range(20)]
    for holder in slow:
        sent.webhooks.add(holder, receiver.url, "urn:here", position=0, now=sent.time())
    sent.deliver()
    assert len(receiver.got) == len(slow)
    receiver.before = lambda: (go_on.wait(60), None)[1]
    try:
        with receiving() as other:
            sent.subscribe(other)
            for number in range(3):
                told.person(f"person {number}")
                told.service.follower.catch_up()
                sent.deliverer.look()
                deadline = time.monotonic() + 5
                while len(other.got) < number + 2 and time.monotonic() < deadline:
                    time.sleep(0.05)
                    sent.deliverer.look()
            assert other.positions == [1, 2, 3, 4]
            assert len(receiver.got) == len(slow) + SLOW_AT_ONCE
            go_on.set()
            sent.deliver()
    finally:
        go_on.set()
    assert receiver.positions.count(4) == len(slow)


def test_of_the_webhooks_of_one_holder_the_slow_one_leaves_the_others_their_turns(
    sent: Sent, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.delivering.TURN_SECONDS", 0.1)
    told = sent.told
    for number in range(8):
        told.person(f"person {number}")
    receiver.before = lambda: time.sleep(0.3)
    with receiving() as other:
        sent.subscribe(receiver)
        sent.subscribe(other)
        sent.deliver()
        assert other.positions == receiver.positions == [*range(1, 9)]
        after = [int(headers["webhook-timestamp"]) for headers, _ in other.got]
        last = int(receiver.got[-1][0]["webhook-timestamp"])
        assert max(after) < last, "nobody waits until the slow one has everything"


def test_what_a_killed_process_had_sent_is_sent_again_by_the_next(
    sent: Sent, receiver: Receiver
) -> None:
    told, one = sent.told, sent.subscribe(receiver)
    told.person("ana")
    told.service.follower.catch_up()
    # It was taken and sent, but nothing was written down: as after kill -9.
    assert sent.webhooks.take(sent.state(one), sent.time())
    sent.deliver()
    assert receiver.positions == [], "another process may still be sending"
    sent.time.ahead += TAKEN + timedelta(seconds=1)
    sent.deliver()
    assert receiver.positions == [1]
    told.person("ben")
    sent.deliver()
    assert receiver.positions == [1, 2]


def test_who_goes_on_sending_keeps_the_turn_for_a_while(sent: Sent, receiver: Receiver) -> None:
    one, now = sent.subscribe(receiver), sent.time()
    sent.told.person("ana")
    assert sent.webhooks.take(sent.state(one), now)
    assert sent.webhooks.delivered(sent.state(one), 1, now)
    assert not sent.webhooks.take(sent.state(one), now), "it would be sent by two at once"
    assert sent.webhooks.take(sent.state(one), now + TAKEN)


def test_what_is_recorded_at_a_position_that_was_lost_is_another_event(
    receiver: Receiver, tmp_path: Path
) -> None:
    """A receiver ignores the ids that it has seen, also after an older backup was restored."""
    for lost in ("ana", "ben"):
        with story(f"sqlite:///{tmp_path / lost}.db") as told:
            deliverer, webhooks = (
                Deliverer(told.service, HERE, AheadClock()),
                Webhooks(told.service.engine),
            )
            sent = Sent(told, AheadClock(), webhooks, deliverer)
            sent.subscribe(receiver)
            told.person(lost)
            sent.deliver()
            deliverer.close()
    assert receiver.positions == [1, 1]
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 2


def test_two_processes_never_send_the_same_webhook_at_once(sent: Sent, receiver: Receiver) -> None:
    told, one = sent.told, sent.subscribe(receiver)
    for number in range(8):
        told.person(f"person {number}")
    told.service.follower.catch_up()
    second = Deliverer(told.service, HERE, sent.time)
    both = [threading.Thread(target=one.deliver_all) for one in (sent.deliverer, second)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    second.close()
    sent.deliver()
    assert receiver.positions == list(range(1, 9))
    receiver.verify(one.secret)


def test_after_days_without_an_answer_it_is_disabled_until_somebody_says_so(
    sent: Sent, receiver: Receiver
) -> None:
    told, one = sent.told, sent.subscribe(receiver)
    told.person("ana")
    receiver.answers = [503, 503]
    assert recipients_of(told.store.engine) == [("webhook", "served", 1)]
    sent.deliver()
    assert recipients_of(told.store.engine) == [("webhook", "failing", 1)]
    sent.time.ahead += PATIENCE + timedelta(seconds=1)
    sent.deliver()
    assert recipients_of(told.store.engine) == [("webhook", "disabled", 1)]
    assert (sent.state(one).state, sent.state(one).said) == ("disabled", "503")
    sent.time.ahead += PATIENCE
    sent.deliver()
    assert receiver.positions == [1, 1]
    sent.webhooks.go_on(one.id)
    sent.deliver()
    assert (sent.state(one).state, receiver.positions) == ("active", [1, 1, 1])
    told.person("ben")
    sent.deliver()
    sent.webhooks.go_on(one.id, after=0)
    sent.deliver()
    assert receiver.positions == [1, 1, 1, 2, 1, 2]
    receiver.answers = [410]
    told.person("eva")
    sent.deliver()
    assert sent.state(one).state == "disabled", "who is gone is not asked again"


def test_nothing_is_sent_for_somebody_who_was_forgotten(sent: Sent, receiver: Receiver) -> None:
    told = sent.told
    ana = told.person("ana")
    sent.webhooks.add(ana, receiver.url, "urn:here", position=0, now=sent.time())
    told.tell("forget_contributor", id=ana, ground="request")
    sent.deliver()
    assert (receiver.got, sent.webhooks.of(None)) == ([], [])


def test_nobody_has_more_webhooks_than_allowed_by_adding_them_at_once(sent: Sent) -> None:
    def add(number: int) -> str:
        url, now = f"https://example.org/{number}", sent.time()
        try:
            sent.webhooks.add("operator", url, "urn:here", position=0, now=now)
        except BadWebhook as refusal:
            return str(refusal)
        return ""

    with ThreadPoolExecutor(8) as pool:
        refused = [*filter(None, pool.map(add, range(MOST + 6)))]
    assert len(sent.webhooks.of(["operator"])) == MOST
    assert all(f"already have {MOST}" in one for one in refused)
    assert len(refused) == 6


# -- where it may go -----------------------------------------------------------------------

INSIDE = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254"),
    *("0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "198.18.0.1", "192.0.0.1"),
    *("::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "fe80::1%eth0"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:169.254.169.254"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::"),
    *("64:ff9b:1:a9fe:a9:fe00:808:808", "64:ff9b:1::808:808"),
    *("2002:a9fe:a9fe::", "2001:0:7f00:1::", "2001:db8::1", "3fff::1"),
]


@pytest.mark.parametrize("ip", INSIDE)
def test_an_address_that_leads_inside_is_not_public(ip: str) -> None:
    assert not is_public(ip)


@pytest.mark.parametrize(
    "ip", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101"]
)
def test_an_address_that_everybody_reaches_is_public(ip: str) -> None:
    assert is_public(ip)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_a_name_is_resolved_before_it_is_believed(host: str) -> None:
    with pytest.raises(Unreached):
        target_of(f"https://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.org/", "ftp://example.org/", "https:///x", "https://a b/", "x"),
        *("https://me:secret@example.org/", "https://example.org/#x", "https://example.org:22/"),
        "https://me@example.org/",
        *("https://example.org:99999/", "https://[::1", f"https://example.org/{'x' * 2000}"),
        *("https://a..b/", f"https://{'x' * 64}.example.org/"),
    ],
)
def test_an_address_that_can_not_be_public_is_refused_at_once(url: str) -> None:
    with pytest.raises(BadWebhook):
        must_be_url(url)


@pytest.mark.parametrize("url", ["http://1.1.1.1/", "http://1.1.1.1:443/", "https://1.1.1.1:22/"])
def test_what_leaves_the_networks_of_the_operator_is_encrypted_and_on_its_usual_port(
    url: str,
) -> None:
    """Within them, any port is allowed, and http; a public address may be found behind a name."""
    must_be_url(url, HERE)
    with pytest.raises(Unreached, match="to a public address only https, on its usual port"):
        target_of(url, HERE)
    assert target_of("https://1.1.1.1/", HERE).ip == "1.1.1.1"


def test_the_connection_goes_to_the_address_that_was_looked_at(receiver: Receiver) -> None:
    url = f"http://localhost:{receiver.port}/"
    assert target_of(url, HERE).host == "localhost"
    assert post(receiver.url, b"{}", {}, HERE).status == 204
    assert receiver.got[0][0]["host"] == f"127.0.0.1:{receiver.port}"
    with pytest.raises(Unreached):
        post(receiver.url, b"{}", {})
    with pytest.raises(Unreached):
        post(receiver.url, b"{}", {}, (ip_network("10.0.0.0/8"),))
    receiver.answers = [302]
    assert post(receiver.url, b"{}", {}, HERE).status == 302, "a redirect is not followed"
    assert len(receiver.got) == 2


def test_an_address_with_other_letters_is_written_as_servers_expect_it() -> None:
    must_be_url("https://müller.example/")
    target = target_of("http://localhost/ton/ä%20b?name=日本", HERE)
    assert target.path == "/ton/%C3%A4%20b?name=%E6%97%A5%E6%9C%AC"


def test_a_receiver_that_never_answers_is_given_up(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_over = threading.Event()
    receiver.before = lambda: (is_over.wait(60), None)[1]
    monkeypatch.setattr(outbound, "SECONDS", 0.3)
    try:
        with pytest.raises(Unreached):
            post(receiver.url, b"{}", {}, HERE)
    finally:
        is_over.set()


# -- by HTTP and on the command line ---------------------------------------------------------


def test_people_see_and_change_their_own_webhooks_only(database: str) -> None:
    with serving(database) as served:
        ana, ben = served.admit("Ana"), served.admit("Ben")
        as_ana, as_ben = served.acting(ana), served.acting(ben)
        said = {"url": "https://hooks.example.org/stemma", "types": "remix."}
        made = as_ana.post("/webhooks", said)
        assert (made.status, made.json["position"]) == (201, served.head)
        assert made.json["secret"].startswith("whsec_")
        (listed,) = as_ana.get("/webhooks").items
        assert listed == {name: made.json[name] for name in listed}
        assert (as_ben.get("/webhooks").items, len(served.operator.get("/webhooks").items)) == (
            [],
            1,
        )
        for act, body in (("end", {}), ("enable", {}), ("replay", {"after": 0})):
            assert as_ben.post(f"/webhooks/{made.id}/{act}", body).code == "unknown_webhook"
        assert as_ana.post(f"/webhooks/{made.id}/replay", after=0).json["position"] == 0
        assert as_ana.post(f"/webhooks/{made.id}/enable", {}).json["state"] == "active"
        assert as_ana.post("/webhooks", url="http://127.0.0.1/").code == "bad_webhook"
        mistyped = as_ana.post("/webhooks", url=said["url"], types="remix. remixes.declared")
        (wrong,) = mistyped.json["errors"]
        assert (wrong["pointer"], "begins with “remixes.declared”" in wrong["detail"]) == (
            "#/types",
            True,
        )
        assert as_ana.post(f"/webhooks/{made.id}/end", {}).status == 200
        assert as_ana.get("/webhooks").items == []
        for number in range(11):
            last = as_ana.post("/webhooks", url=f"https://example.org/{number}")
        assert last.code == "bad_webhook"


def test_webhooks_are_added_and_ended_on_their_page(database: str) -> None:
    with serving(database) as served:
        ana = served.admit("Ana")
        as_ana = signed_in(served, ana)
        token = as_ana.get("/own-webhooks").token

        def send(**said: str) -> Any:
            return as_ana.post("/own-webhooks", {"form_token": token, **said})

        assert send(do="add", url="http://127.0.0.1/").status == 422
        said = {"do": "add", "url": "https://hooks.example.org/<b>", "types": "remix."}
        page = as_ana.get(send(**said).headers["Location"])  # loading it again adds no other
        assert "whsec_" in page.text_seen
        assert "https://hooks.example.org/&lt;b&gt;" in page.text
        (one,) = served.operator.get("/webhooks").items
        assert "whsec_" not in as_ana.get("/own-webhooks").text
        assert send(do="replay", webhook=one["id"], after="0").status == 303
        assert served.operator.get("/webhooks").items[0]["position"] == 0
        assert send(do="replay", webhook=one["id"], after="x").status == 422
        assert send(do="enable", webhook=one["id"]).status == 303
        assert (
            signed_in(served, served.admit("Ben"))
            .get("/own-webhooks")
            .text_seen.count("no webhooks")
        )
        assert send(do="end", webhook=one["id"]).status == 303
        assert served.operator.get("/webhooks").items == []


def test_the_command_line_adds_delivers_and_lists(
    database: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEMMA_WEBHOOK_NETWORKS", "127.0.0.0/8")

    run = Stemma(database)
    run("contributor", "add", "--id", "ana", "--name", "Ana")
    added = run("webhook", "add", receiver.url, "--after", "0")
    secret = added.partition("secret: ")[2].strip()
    run("deliver")
    receiver.verify(secret)
    assert receiver.positions == [1]
    (one,) = json.loads(run("webhook", "list", "--json"))["items"]
    assert (one["state"], one["position"]) == ("active", 1)
    assert one["id"] in run("webhook", "list")
    run("webhook", "replay", one["id"], "--after", "0")
    run("deliver")
    run("webhook", "enable", one["id"])
    run("webhook", "end", one["id"])
    assert receiver.positions == [1, 1]
    assert json.loads(run("webhook", "list", "--json"))["items"] == []


def test_an_unknown_webhook_is_told(sent: Sent) -> None:
    with pytest.raises(UnknownWebhook):
        sent.webhooks.named("x", None)
