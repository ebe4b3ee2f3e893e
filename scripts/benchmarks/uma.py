"""UmaDB as a peer: an event store made for conditional appends, which runs as a server.

It gets the same facts and texts as events; each append has its own condition and commit. Its wheel
contains the server. It comes with the tests, and is left out where it is not installed.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from scripts.benchmarks.by_hand import Rows

IS_THERE = find_spec("umadb") is not None
NAME = "UmaDB"
START_SECONDS = 30

if IS_THERE:
    from umadb import AppendCondition, Client, Event, Query, QueryItem, TransportError


@contextmanager
def uma_clients(count: int) -> Iterator[Sequence[Client]]:
    """Clients of a new server with an empty database; none if UmaDB is not installed."""
    if not IS_THERE:
        yield ()
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        place = f"127.0.0.1:{free.getsockname()[1]}"
    with tempfile.TemporaryDirectory(prefix="stemma-bench-") as folder:
        command = [str(Path(sys.executable).with_name("umadb")), "--listen", place]
        command += ["--db-path", f"{folder}/uma.db"]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield [connected(f"http://{place}") for _ in range(count)]
        finally:
            server.terminate()
            server.wait()


def connected(address: str) -> Client:
    """A client of the server, as soon as it answers."""
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            client = Client(address)
            client.head()
        except TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return client


def append(client: Client, batches: Sequence[tuple[Rows, Rows]]) -> None:
    """Append each batch as a whole, on the condition that its streams are new."""
    for facts, texts in batches:
        streams = list(dict.fromkeys(str(stream) for _, stream, *_ in facts))
        events = [Event(topic, state, [str(stream)]) for _, stream, _, topic, state in facts]
        events += [Event("text", "\0".join(text).encode(), [text[0]]) for text in texts]
        is_new = Query([QueryItem(tags=[stream]) for stream in streams])
        client.append(events, AppendCondition(is_new))
