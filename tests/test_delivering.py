"""Delivering by a real process that is killed, to receivers that an authority vouches for.

Rule: the process is the command that an installation runs; only names are answered by the test.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from certified import certified
from stories import Story, story
from test_webhooks import HERE, receiving
from trickling import trickling

from api.sending import outbound
from api.sending.outbound import Unreached, post, target_of
from api.sending.webhooks import Webhooks

PEOPLE = 12
LONG = 60.0
"""For so long is waited at most for what happens at once."""
DELIVERS = "from scripts.stemma import main; main()"


@pytest.fixture
def told(database: str) -> Iterator[Story]:
    with story(database) as opened:
        for number in range(PEOPLE):
            opened.person(f"person {number}")
        opened.service.follower.catch_up()
        yield opened


def delivering(database: str) -> subprocess.Popen[bytes]:
    """`stemma deliver`, as a process of its own."""
    words = [sys.executable, "-c", DELIVERS, "--database", database, "deliver"]
    environ = {**os.environ, "STEMMA_WEBHOOK_NETWORKS": "127.0.0.0/8"}
    return subprocess.Popen(words, env=environ, stdout=subprocess.DEVNULL)


def test_what_a_deliverer_that_was_killed_had_not_sent_is_sent_by_the_next_in_order(
    told: Story, database: str
) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def stand_still() -> None:
        if len(receiver.got) == PEOPLE // 2 and not go_on.is_set():
            reached.set()
            go_on.wait(LONG)

    with receiving() as receiver:
        receiver.before = stand_still
        webhooks, now = Webhooks(told.service.engine), datetime.now(UTC)
        one = webhooks.add("operator", receiver.url, "urn:here", position=0, now=now)
        first = delivering(database)
        assert reached.wait(LONG)
        first.send_signal(signal.SIGKILL)  # it has sent the event, and heard nothing of it
        assert first.wait(LONG) == -signal.SIGKILL
        go_on.set()
        assert webhooks.named(one.id, None).position == PEOPLE // 2 - 1
        # The next process goes on once the killed one has had its time: it is over now.
        told.service.engine.execute("UPDATE webhooks SET taken_until = NULL")
        assert delivering(database).wait(LONG) == 0
        half = PEOPLE // 2
        assert receiver.positions == [*range(1, half + 1), *range(half, PEOPLE + 1)]
        receiver.verify(one.secret)
        again = [headers["webhook-id"] for headers, _ in receiver.got][half - 1 : half + 1]
        assert again[0] == again[1], "so that its receiver can drop it"
        webhooks.go_on(one.id, after=PEOPLE - 2)
        assert delivering(database).wait(LONG) == 0
        assert receiver.positions[-2:] == [PEOPLE - 1, PEOPLE]
        assert webhooks.named(one.id, None).position == PEOPLE


def test_an_event_goes_to_a_server_only_if_an_authority_vouches_for_it(tmp_path: Path) -> None:
    ours, another = certified(_folder(tmp_path, "ours")), certified(_folder(tmp_path, "other"))
    with receiving(ours.context) as receiver:
        url = f"https://localhost:{receiver.port}/hook"
        for authorities in ("", str(another.authority)):
            with pytest.raises(Unreached, match="SSLCertVerificationError"):
                post(url, b"{}", {}, HERE, authorities)
        assert receiver.got == []
        assert post(url, b"{}", {}, HERE, str(ours.authority)).status == 204
        assert receiver.got[0][0]["host"] == f"localhost:{receiver.port}"
        unnamed = url.replace("localhost", "2130706433")  # 127.0.0.1, as the certificate does not
        with pytest.raises(Unreached, match="certificate is not valid for '2130706433'"):
            post(unnamed, b"{}", {}, HERE, str(ours.authority))


def test_a_receiver_that_is_slow_at_every_step_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is over during the handshake, each step is in time, and the answer has no end."""
    ours = certified(_folder(tmp_path, "ours"))
    stopped, connects = threading.Event(), socket.create_connection

    def answer(listening: socket.socket) -> None:
        with suppress(OSError):
            plain, _ = listening.accept()
            stopped.wait(1.2)
            with ours.context.wrap_socket(plain, server_side=True) as one:
                one.sendall(b"HTTP/1.1 200 OK\r\n")
                while not stopped.wait(0.1):
                    one.sendall(b"X")

    def late(*terms: Any) -> socket.socket:
        connected = connects(*terms)
        stopped.wait(0.5)
        return connected

    monkeypatch.setattr(outbound, "SECONDS", 1.0)
    monkeypatch.setattr(outbound.socket, "create_connection", late)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, args=(listening,))
        thread.start()
        url = f"https://localhost:{listening.getsockname()[1]}/hook"
        begun = time.monotonic()
        try:
            with pytest.raises(Unreached):
                post(url, b"{}", {}, HERE, str(ours.authority))
            assert time.monotonic() - begun < 10
        finally:
            stopped.set()
            thread.join()


@pytest.mark.parametrize("further", ["", "Connection: close\r\n", "Content-Length: 900\r\n"])
@pytest.mark.parametrize("interim", [0, 1, 103])
def test_the_final_status_is_what_counts_and_the_rest_of_an_answer_is_hardly_awaited(
    interim: int, further: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "REST_SECONDS", 0.2)
    hints = interim * "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
    final = f"{hints}HTTP/1.1 202 Accepted\r\n{further}\r\n".encode()
    with trickling(final, b"x") as address:
        begun = time.monotonic()
        assert post(f"{address}/", b"{}", {}, HERE).status == 202
        assert time.monotonic() - begun < outbound.SECONDS / 2


def test_a_name_that_leads_inside_the_second_time_does_not_lead_the_connection_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: the name is asked once, and the connection goes to what was looked at."""
    asked = list[str]()
    connected = list[tuple[str, int]]()

    def getaddrinfo(host: str, port: int, **_: object) -> list[object]:
        asked.append(host)
        return [(2, 1, 6, "", ("93.184.216.34" if len(asked) == 1 else "127.0.0.1", port))]

    def connect(address: tuple[str, int], *_: object) -> None:
        connected.append(address)
        raise OSError

    monkeypatch.setattr(outbound.socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(outbound.socket, "create_connection", connect)
    with pytest.raises(Unreached, match="did not answer"):
        post("https://rebinds.example/", b"{}", {})
    assert (asked, connected) == (["rebinds.example"], [("93.184.216.34", 443)])
    with pytest.raises(Unreached, match="not public"):
        post("https://rebinds.example/", b"{}", {})
    assert len(connected) == 1


@pytest.mark.parametrize(
    "found",
    [
        ["93.184.216.34", "127.0.0.1"],
        ["93.184.216.34", "::1"],
        ["::ffff:10.0.0.1"],
        ["::ffff:0:7f00:1"],
        ["0.0.0.0"],
        ["64:ff9b::c0a8:101"],
        ["fe80::1%1"],
    ],
)
def test_a_name_of_which_any_address_is_private_is_not_sent_to(
    found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        outbound.socket,
        "getaddrinfo",
        lambda *_, **__: [(2, 1, 6, "", (address, 443)) for address in found],
    )
    with pytest.raises(Unreached, match="not public"):
        target_of("https://mixed.example/")
    with pytest.raises(Unreached, match="not public"):
        target_of("https://mixed.example/", (ip_network("192.0.2.0/24"),))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_private_address_is_an_answer_and_not_followed(status: int) -> None:
    with receiving() as inside, receiving() as receiver:
        receiver.answers, receiver.leads_to = [status], inside.url
        answer = post(receiver.url, b"{}", {}, HERE)
        assert (answer.status, len(receiver.got), inside.got) == (status, 1, [])


def _folder(root: Path, name: str) -> Path:
    made = root / name
    made.mkdir()
    return made
