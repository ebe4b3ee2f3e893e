"""What takes long is made in a process of its own, one thing at a time, and only for so long."""

import operator
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import wait
from contextlib import suppress

import pytest

from domain.engine.deadline import TookTooLong
from projections.workshop import MOST_WAITING, Crowded, Workshop


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    opened = Workshop(lambda _, made: wait([made]) and None, seconds=2)
    try:
        yield opened
    finally:
        opened.close()


def test_what_is_made_comes_from_another_process_and_is_kept(workshop: Workshop) -> None:
    there = workshop.make(os.getpid)
    assert there != os.getpid()
    first = workshop.make(time.monotonic_ns)
    assert workshop.make(time.monotonic_ns) == first
    assert workshop.make(operator.add, "a", "b") == "ab"
    assert workshop.make(operator.add, "a", "c") == "ac"


def test_an_error_comes_back_as_it_is(workshop: Workshop) -> None:
    with pytest.raises(ZeroDivisionError):
        workshop.make(operator.truediv, 1, 0)
    assert workshop.make(operator.add, 1, 2) == 3


def test_what_takes_too_long_is_ended_and_not_tried_again_at_once(workshop: Workshop) -> None:
    """… even in the middle of one instruction, which no exception could interrupt."""
    workshop.make(os.getpid)
    before = time.monotonic()
    with pytest.raises(TookTooLong):
        workshop.make(pow, 7, 10**9)
    between = time.monotonic()
    assert between - before < 6
    with pytest.raises(TookTooLong):
        workshop.make(pow, 7, 10**9)
    assert time.monotonic() - between < 1
    assert workshop.make(operator.add, 1, 2) == 3


def test_only_so_many_wait(workshop: Workshop) -> None:
    def ask(number: int) -> None:
        with suppress(TookTooLong, Crowded):
            workshop.make(time.sleep, 0.2 + number / 1000)

    asking = [threading.Thread(target=ask, args=(n,)) for n in range(MOST_WAITING + 1)]
    for one in asking:
        one.start()
    time.sleep(0.2)
    with pytest.raises(Crowded):
        workshop.make(time.sleep, 0.1)
    for one in asking:
        one.join()
    assert workshop.make(operator.add, 1, 2) == 3
