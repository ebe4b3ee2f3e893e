"""Threads report what became of a piece of work, whether it was done or given up first."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Full
from random import Random
from typing import Any

import pytest

from scripts.threads import NotBegun, Threads

LONG, SHORT = 10.0, 0.2


def within(threads: Threads, ask: Callable[[], Any]) -> None:
    """Run something on a loop, and end the threads as a server does."""

    async def run() -> None:
        try:
            await asyncio.wait_for(ask(), LONG)
        finally:
            threads.end()
        await asyncio.sleep(0)

    # In a thread of its own: a worker that has used a browser has a loop that runs for ever.
    with ThreadPoolExecutor(1) as alone:
        alone.submit(asyncio.run, run()).result()


def test_what_the_work_returns_or_raises_is_told() -> None:
    threads = Threads("t", 2, 10)

    def fail() -> None:
        raise KeyError("x")

    async def ask() -> None:
        assert await threads.submit(lambda: 5, LONG) == 5
        assert await threads.submit(lambda: None, LONG) is None
        with pytest.raises(KeyError):
            await threads.submit(fail, LONG)

    within(threads, ask)


def test_what_waits_for_too_long_is_never_begun_and_what_runs_is_not_waited_for() -> None:
    threads, begun, free = Threads("t", 1, 10), list[int](), threading.Event()

    async def ask() -> None:
        running = threads.submit(lambda: (begun.append(1), free.wait(LONG))[1], SHORT)
        waiting = threads.submit(lambda: begun.append(2), SHORT)
        with pytest.raises(TimeoutError):
            await running
        with pytest.raises(NotBegun):
            await waiting
        later = threads.submit(lambda: 3, LONG)
        free.set()
        assert await later == 3

    within(threads, ask)
    assert begun == [1]


def test_what_runs_keeps_its_place_until_it_is_done() -> None:
    threads, free = Threads("t", 1, 2), threading.Event()

    async def ask() -> None:
        running = threads.submit(lambda: free.wait(LONG), SHORT)
        threads.submit(lambda: 1, LONG)
        with pytest.raises(Full):
            threads.submit(lambda: 1, LONG)
        with pytest.raises(TimeoutError):
            await running
        with pytest.raises(Full):
            threads.submit(lambda: 1, LONG)
        free.set()
        while True:
            try:
                assert await threads.submit(lambda: 2, LONG) == 2
            except Full:
                await asyncio.sleep(0.01)
            else:
                break

    within(threads, ask)


def test_each_piece_is_done_once_or_given_up() -> None:
    """Many that are about as long as they are waited for."""
    threads, chance = Threads("t", 4, 10_000), Random(1)
    done = list[int]()

    def work(number: int, seconds: float) -> int:
        done.append(number)
        time.sleep(seconds)
        return number

    async def one(number: int) -> str:
        seconds = chance.random() * 0.01
        try:
            said = threads.submit(lambda: work(number, seconds), chance.random() * 1.2)
            assert await said == number
        except NotBegun:
            return "not begun"
        except TimeoutError:
            return "late"
        return "done"

    async def ask() -> None:
        told = await asyncio.gather(*map(one, range(800)))
        assert set(told) >= {"done", "not begun"}
        finished = {number for number, what in enumerate(told) if what != "not begun"}
        assert finished == set(done)

    within(threads, ask)
    assert len(done) == len(set(done))
