"""Cosmic-ray's mutants of many files, each tried in a fork: hundreds a minute instead of ten.

Rule: a mutant runs only in the tests that came by its line, the fastest first, and the first that
fails ends it. Tests of a process that is killed say nothing, so they run on SQLite alone.
"""

import argparse
import functools
import gc
import math
import os
import random
import re
import resource
import signal
import sys
import threading
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FrameType, FunctionType
from typing import Any

import click
import pytest
from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from scratch import scratch

CONFIGURATION = Path(__file__).with_name("mutants.toml")
KILLED, SURVIVED, NOT_REACHED = "killed", "survived", "not reached"
EQUIVALENT, NOT_TRIED = "equivalent", "not tried"
OUTCOMES = (KILLED, EQUIVALENT, SURVIVED, NOT_REACHED, NOT_TRIED)
SLOWER = 2
"""How many times more of the processor than before, when watched, the tests may take; then the
mutant does not end."""
LONGEST_SECONDS = 300
"""How long they may take in all, however little of it they compute."""


@dataclass
class Mutant:
    """One change of one file."""

    path: Path
    line: int
    name: str
    codes: dict[tuple[str, int], CodeType]
    change: tuple[str, str]
    outcome: str = NOT_TRIED


@dataclass
class Reached:
    """By test: how long it took, and by file and line: which tests came by."""

    seconds: dict[str, float] = field(default_factory=dict)
    tests: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))


def mutants(path: Path, excluded: re.Pattern[str]) -> Iterator[Mutant]:
    """All that cosmic-ray makes of a file, but for operators that the configuration excludes."""
    source, tree = path.read_text(), get_ast_from_path(path)
    original = _codes(compile(source, str(path), "exec", dont_inherit=True))
    for name in operator_names():
        operator_class = get_operator(name)
        if excluded.match(name) or operator_class.arguments():
            continue
        operator = operator_class()
        places = [place for node in ast_nodes(tree) for place in operator.mutation_positions(node)]
        for occurrence, (start, _) in enumerate(places):
            changed = mutate_code(source, operator, occurrence)
            codes = _codes(compile(changed, str(path), "exec", dont_inherit=True))
            differing = {key: code for key, code in codes.items() if code != original.get(key)}
            yield Mutant(path, start[0], name, differing, _difference(source, changed))


def _codes(code: CodeType) -> dict[tuple[str, int], CodeType]:
    found = {(code.co_qualname, code.co_firstlineno): code}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _codes(constant)
    return found


def _difference(before: str, after: str) -> tuple[str, str]:
    pairs = zip(before.splitlines(), after.splitlines(), strict=False)
    changed = ((old.strip(), new.strip()) for old, new in pairs if old != new)
    return next(changed, ("", ""))


class Mutating:
    """A plugin of pytest whose loop runs all tests once, and then each mutant in a fork."""

    def __init__(self, tried: list[Mutant], jobs: int, seconds: float) -> None:
        self.tried, self._jobs = tried, jobs
        self._until = time.monotonic() + seconds
        self._files = {str(mutant.path) for mutant in tried}
        self.reached = Reached()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run everything once while watching the files; then every mutant."""
        self._watch(session)
        sys.stdout.flush()
        gc.unfreeze()
        items = {item.nodeid: item for item in session.items}
        running: dict[int, Mutant] = {}
        for number, mutant in enumerate(self.tried, 1):
            if mutant.outcome != NOT_TRIED:
                continue
            if time.monotonic() > self._until:
                break
            chosen = sorted(self._tests_of(mutant), key=self.reached.seconds.__getitem__)
            if not chosen:
                mutant.outcome = NOT_REACHED
                self._say(number, mutant)
                continue
            while len(running) >= self._jobs:
                self._reap(running)
            running[self._fork(session, mutant, [items[each] for each in chosen])] = mutant
        while running:
            self._reap(running)
        return True

    def _watch(self, session: pytest.Session) -> None:
        for number, item in enumerate(session.items):
            following = session.items[number + 1 : number + 2]
            seen: set[tuple[str, int]] = set()
            tracer = _tracer(self._files, seen)
            began, failed = time.process_time(), session.testsfailed
            threading.settrace(tracer)
            sys.settrace(tracer)
            try:
                item.config.hook.pytest_runtest_protocol(
                    item=item, nextitem=following[0] if following else None
                )
            finally:
                sys.settrace(None)
                threading.settrace(None)  # type: ignore[arg-type]
            self.reached.seconds[item.nodeid] = time.process_time() - began
            if session.testsfailed > failed:
                click.echo(f"left out, because it fails without a mutant: {item.nodeid}")
                continue
            for place in seen:
                self.reached.tests[place].add(item.nodeid)

    def _tests_of(self, mutant: Mutant) -> set[str]:
        """The tests that came by its line, or, where a line has no code, by its function."""
        path = str(mutant.path)
        if at_line := self.reached.tests.get((path, mutant.line)):
            return at_line
        lines = {line for code in mutant.codes.values() for *_, line in code.co_lines() if line}
        return set().union(*(self.reached.tests.get((path, line), ()) for line in lines))

    def _fork(self, session: pytest.Session, mutant: Mutant, items: list[pytest.Item]) -> int:
        child = os.fork()
        if child:
            return child
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        seconds = sum(self.reached.seconds[item.nodeid] for item in items)
        signal.alarm(LONGEST_SECONDS)
        limit = math.ceil(time.process_time() + 2 + SLOWER * seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        try:
            _become(mutant)
            os._exit(_is_killed(session, items))
        finally:
            os._exit(1)

    def _reap(self, running: dict[int, Mutant]) -> None:
        child, status = os.wait()
        mutant = running.pop(child)
        mutant.outcome = KILLED if status else SURVIVED
        self._say(self.tried.index(mutant) + 1, mutant)

    def _say(self, number: int, mutant: Mutant) -> None:
        if mutant.outcome != KILLED:
            place = f"{mutant.path}:{mutant.line}"
            click.echo(f"[{number}/{len(self.tried)}] {mutant.outcome}: {place} {mutant.name}")
            click.echo("        {}\n        -> {}".format(*mutant.change))


def _tracer(files: set[str], seen: set[tuple[str, int]]) -> Any:
    def lines(frame: FrameType, event: str, argument: object) -> Any:
        seen.add((frame.f_code.co_filename, frame.f_lineno))
        return lines

    def calls(frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename not in files:
            return None
        seen.add((frame.f_code.co_filename, frame.f_lineno))
        return lines

    return calls


def _become(mutant: Mutant) -> None:
    """Let every function that lives run what the mutant says, and forget what was remembered."""
    path = str(mutant.path)
    for each in gc.get_objects():
        if isinstance(each, FunctionType):
            code = each.__code__
            if code.co_filename == path:
                key = (code.co_qualname, code.co_firstlineno)
                each.__code__ = mutant.codes.get(key, code)
        elif isinstance(each, functools._lru_cache_wrapper) and str(each.__module__).startswith(
            ("domain", "projections", "api", "scripts")
        ):
            each.cache_clear()


def _is_killed(session: pytest.Session, items: list[pytest.Item]) -> bool:
    before = session.testsfailed
    for number, item in enumerate(items):
        following = items[number + 1] if number + 1 < len(items) else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed > before:
            return True
    return False


def main(arguments: Iterable[str] | None = None) -> int:
    """Try the mutants of the files, or of a room of the configuration; 1 if any survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("room", help="a [rooms.…] of tests/mutants.toml")
    parser.add_argument("files", nargs="*", type=Path, help="only these files of the room")
    parser.add_argument("--most", type=int, help="how many mutants of a file, chosen by a seed")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=math.inf, help="then no more are tried")
    parser.add_argument("--tests", nargs="*", help="instead of those of the room")
    options = parser.parse_args(arguments)
    configuration = tomllib.loads(CONFIGURATION.read_text())
    room = configuration["rooms"][options.room]
    same = {(one["file"], one["was"], one["becomes"]) for one in configuration["equivalent"]}
    excluded = re.compile("|".join(f"(?:{name})" for name in configuration["exclude-operators"]))
    files = options.files or [
        path for pattern in room["files"] for path in sorted(Path().glob(pattern))
    ]
    tried: list[Mutant] = []
    for path in files:
        made = list(mutants(path.resolve(), excluded))
        for mutant in made:
            if (str(path), *mutant.change) in same:
                mutant.outcome = EQUIVALENT
        if options.most is not None and len(made) > options.most:
            made = random.Random(f"{options.seed} {path}").sample(made, options.most)
        tried += made
    plugin = Mutating(tried, options.jobs, options.minutes * 60)
    tests = options.tests or room["tests"]
    with TemporaryDirectory(dir=scratch()) as folder:
        # A folder of its own, which no other run of tests clears away.
        options_of_pytest = ["-q", "-s", "-k", "not postgres", "-p", "no:cacheprovider"]
        options_of_pytest += ["-p", "no:faulthandler", "-o", "tmp_path_retention_policy=none"]
        pytest.main([*options_of_pytest, f"--basetemp={folder}/t", *tests], plugins=[plugin])
    for path in files:
        own = [mutant.outcome for mutant in tried if mutant.path == path.resolve()]
        counts = {outcome: own.count(outcome) for outcome in OUTCOMES}
        told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        click.echo(f"{path}: {len(own)} mutants, {told}")
    return int(any(mutant.outcome not in {KILLED, EQUIVALENT} for mutant in tried))


if __name__ == "__main__":
    # The tests are asked for by their names from the folder above.
    sys.path.insert(0, str(Path.cwd()))
    sys.exit(main())
