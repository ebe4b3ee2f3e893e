"""Server-sent events: answers that continue for as long as the client listens.

A stream holds no thread: between events it waits for the journal to grow, which one query
reports to all streams; then it asks the application for what follows the last id it sent.
"""

from __future__ import annotations

import asyncio
import logging
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager, suppress
from typing import Any

from api.problems import Problem

log = logging.getLogger(__name__)

MOST_STREAMS = 200
"""The most streams of a process; further clients get the events so far and must ask again."""
HEARTBEAT_SECONDS = 15.0
"""The time without an event after which a comment shows that the stream is alive."""
MOST_SECONDS = 900.0
"""The longest duration of a stream; then its client must reconnect, and so show its key again."""
LOOK_SECONDS = 1.0
"""The interval at which the head of the journal is read while somebody listens."""
STOPPING = signal.SIGUSR1
"""The signal that a worker gets just before the one that stops it."""
HEARTBEAT = b":\n\n"
_ID = re.compile(rb"^id: (\d+)$", re.MULTILINE)

Ask = Callable[[str], Awaitable[bytes | None]]
"""Asks for the events after an id: None if it can't be answered now; may raise StreamEnded."""
Head = Callable[[], Awaitable[int]]
"""Returns the position up to which facts are folded."""


class StreamEnded(Exception):
    """A stream is not continued: its key is no longer valid, or the journal went back."""


class Streams:
    """The streams of one process."""

    def __init__(self, head: Head, at_once: int) -> None:
        self._open = set[asyncio.Task[Any]]()
        self._turns = asyncio.Semaphore(at_once)
        self._head, self._known = head, 0
        self._grown = asyncio.Condition()
        self._looking: asyncio.Task[None] | None = None
        self._asking: dict[tuple[int, Hashable], asyncio.Future[bytes | None]] = {}

    @property
    def is_full(self) -> bool:
        """Whether no more streams may be opened."""
        return len(self._open) >= MOST_STREAMS

    def end(self) -> None:
        """End all streams, as the process is about to; their clients will reconnect."""
        for one in self._open:
            one.cancel()

    @asynccontextmanager
    async def turn(self, seconds: float) -> AsyncIterator[None]:
        """A turn to ask for events: they are few, so that many streams leave others their places.

        Raises ``overloaded`` if none is free in time.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._turns.acquire()
        except TimeoutError:
            raise Problem("overloaded", "Too many streams are being opened.") from None
        try:
            yield
        finally:
            self._turns.release()

    async def send(
        self, proto: Any, headers: list[tuple[str, str]], first: bytes, ask: Ask, kind: Hashable
    ) -> None:
        """Send events until the client is gone, ``end`` is called, or MOST_SECONDS are over.

        Streams of the same ``kind`` get the same events.
        """
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            kept = [one for one in headers if one[0].lower() != "content-length"]
            transport = proto.response_stream(200, kept)
            with suppress(TimeoutError, asyncio.CancelledError):
                async with asyncio.timeout(MOST_SECONDS):
                    await self._go_on(transport, first, ask, kind)
        except Exception as error:  # the client is gone
            log.debug("a stream ended: %s", error)
        finally:
            self._open.discard(task)

    async def _go_on(self, transport: Any, first: bytes, ask: Ask, kind: Hashable) -> None:
        last, is_idle = _last_id(first), False
        await _sent(transport, first)
        while True:
            if is_idle and not await self._grows_beyond(last):
                await _sent(transport, HEARTBEAT)
            part = await self._together(last, ask, kind)
            upto = last if part is None else _last_id(part)
            is_idle = upto <= last
            if part is not None and not is_idle:
                await _sent(transport, part)
                last = upto
            elif self._known > last:  # refused for now, or answered by a standby that lags
                await asyncio.sleep(LOOK_SECONDS)
                await _sent(transport, HEARTBEAT)

    async def _together(self, last: int, ask: Ask, kind: Hashable) -> bytes | None:
        """The events after an id, requested once for all streams of a kind that wait for them.

        One that is refused, for its limit, takes nothing from the others: the next asks.
        """
        key = last, kind
        while (others := self._asking.get(key)) is not None:
            if (part := await asyncio.shield(others)) is not None:
                return part
        self._asking[key] = asyncio.ensure_future(self._asked(key, ask))
        return await asyncio.shield(self._asking[key])

    async def _asked(self, key: tuple[int, Hashable], ask: Ask) -> bytes | None:
        try:
            async with self._turns:
                return await ask(str(key[0]))
        except StreamEnded:
            raise
        except Exception:  # too much to do, or no database: asked again after a while
            return None
        finally:  # before it is done, or another stream would wait for it without ever pausing
            del self._asking[key]

    async def _grows_beyond(self, position: int) -> bool:
        """Whether the journal grows beyond a position before a heartbeat is due."""
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS), self._grown:
                await self._grown.wait_for(lambda: self._known > position)
        except TimeoutError:
            return False
        return True

    async def _look(self) -> None:
        while self._open:
            with suppress(Exception):  # the database does not answer; the next look may succeed
                head = await self._head()
                if head != self._known:  # less after a failover that lost facts
                    async with self._grown:
                        self._known = head
                        self._grown.notify_all()
            await asyncio.sleep(LOOK_SECONDS)


def when_stopping(loop: asyncio.AbstractEventLoop, end: Callable[[], None]) -> None:
    """Call a function in the loop once the server is about to stop its workers."""

    def heard(*_: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(end)

    signal.signal(STOPPING, heard)


def _last_id(part: bytes) -> int:
    return int((_ID.findall(part) or [b"0"])[-1])


async def _sent(transport: Any, part: bytes) -> None:
    """Send a part; TimeoutError if the client does not take it within HEARTBEAT_SECONDS."""
    sending: Any = transport.send_bytes(part)
    async with asyncio.timeout(HEARTBEAT_SECONDS):
        await sending
