"""Ends connections of threads whose deadline has passed: a database that is silent holds nobody.

The server ends what takes too long by itself. This is for one that is frozen or out of reach.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress

import psycopg

LOOK_SECONDS = 0.1
GRACE_SECONDS = 0.5
"""How long after a deadline the server itself may still end a statement."""


class Watch:
    """The connections in use whose threads have a deadline."""

    def __init__(self) -> None:
        self._until: dict[psycopg.Connection, float] = {}
        self._lock = threading.Lock()
        self._is_looking = False

    def add(self, connection: psycopg.Connection, deadline: float | None) -> None:
        """End this connection some time after a deadline, unless it is removed before."""
        if deadline is None:
            return
        with self._lock:
            self._until[connection] = deadline + GRACE_SECONDS
            if not self._is_looking:
                self._is_looking = True
                threading.Thread(target=self._look, name="watch", daemon=True).start()

    def remove(self, connection: psycopg.Connection) -> None:
        """The thread is done with it."""
        with self._lock:
            self._until.pop(connection, None)

    def hang_up(self) -> None:
        """End all of them at once."""
        with self._lock:
            for connection in self._until:
                _hang_up(connection)
            self._until.clear()

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            with self._lock:
                late = [one for one, until in self._until.items() if until < time.monotonic()]
                for connection in late:
                    del self._until[connection]
                    _hang_up(connection)
                if not self._until:
                    self._is_looking = False
                    return


def _hang_up(connection: psycopg.Connection) -> None:
    """Let the thread that reads from the connection find its end."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as end:
        end.shutdown(socket.SHUT_RDWR)
