"""A server whose answer never ends: it begins, and then goes on in parts, ten a second."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread


@contextmanager
def trickling(begun: bytes, part: bytes) -> Iterator[str]:
    """Run one; yields its address."""
    stopped = Event()

    def answer(listening: socket.socket) -> None:
        while True:
            with suppress(OSError), listening.accept()[0] as one:
                if stopped.is_set():
                    return
                one.sendall(begun)
                while not stopped.wait(0.1):
                    one.sendall(part)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=answer, args=(listening,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            stopped.set()
            socket.create_connection(listening.getsockname()).close()
            thread.join()
