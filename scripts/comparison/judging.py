"""Judging the facts of a replay: by processes of their own, while others fold them and ask.

The rule: who judges reads the facts and writes nothing; so it may begin once they are there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple, Self

from projections.folding import uncollected
from projections.progress import no_progress
from scripts.audit import CHECKS as AUDIT
from scripts.difference import Difference, all_differences
from scripts.rules import GAINED, first_said, rules_between
from scripts.service import Service, open_service

SLICE = 25_000
"""How many facts are judged in one go; fewer do not need a process."""
YIELDING = 10
"""How nice they are: the replay, which others wait for, goes first."""


class Part(NamedTuple):
    """A part of the facts, as the audit of the rules takes it."""

    after: int
    upto: int
    said_from: Mapping[str, int]
    is_last: bool


Found = list[Difference] | str
"""What a check found: differences, or what it has compared."""


class Judging:
    """The checks of a replay that were begun, each with what it will have found."""

    def __init__(self, replay: Service) -> None:
        self._replay, self._address = replay, replay.engine.address
        self._begun: list[tuple[str, Callable[[], Found]]] = []
        self._processes: ProcessPoolExecutor | None = None
        self._upto = 0
        self._said_from = dict.fromkeys(GAINED, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._processes is not None:
            self._processes.shutdown(cancel_futures=True)

    def judge(self, upto: int, size: int) -> None:
        """Begin to decide the facts again that are there by now, of so many."""
        if self._processes is None and size > SLICE:
            # Not forks: this process has threads and connections.
            self._processes = ProcessPoolExecutor(
                os.cpu_count(), get_context("spawn"), os.nice, (YIELDING,)
            )
        while self._upto < size and (self._upto + SLICE <= upto or upto == size):
            after, self._upto = self._upto, min(self._upto + SLICE, size)
            for name, first in self._said_from.items():
                if first > after:
                    self._said_from[name] = first_said(self._replay.journal, name, first - 1)
            of = Part(after, self._upto, {**self._said_from}, is_last=self._upto == size)
            self._begin("rules", of)

    def begin(self, *names: str) -> None:
        """Begin other checks, of all facts."""
        for name in names:
            self._begin(name)

    def _begin(self, name: str, part: Part | None = None) -> None:
        done: Callable[[], Found]
        if self._processes is None:
            done = partial(_found, self._replay, name, part)
        else:
            done = self._processes.submit(_found_at, self._address, name, part).result
        self._begun.append((name, done))

    def found(self) -> list[tuple[str, Callable[[], Found]]]:
        """What was begun since this was asked last; each is waited for."""
        begun, self._begun = self._begun, []
        return begun


def _found_at(address: str, name: str, part: Part | None) -> Found:
    with open_service(address, create=False) as service, uncollected():
        return _found(service, name, part)


def _found(service: Service, name: str, part: Part | None) -> Found:
    check = AUDIT[name] if part is None else partial(rules_between, **part._asdict())
    return all_differences(check, service, no_progress)
