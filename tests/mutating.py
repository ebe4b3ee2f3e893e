"""Cosmic-ray's mutants of many files, each tried in a fork: hundreds a minute instead of ten.

Rule: a mutant runs only in the tests in which its expression gave another value than ours, at
once after those that killed others of its file, and the first that fails ends it, if the same tests
pass in a fork without the mutant. Tests of a process that is killed say nothing, so they run on
SQLite alone.

One file, to be read as a whole: a mutant wrongly said to be killed looks like a good test.
"""

import argparse
import ast
import builtins
import copy
import functools
import gc
import hashlib
import json
import math
import operator
import os
import pickle
import random
import re
import resource
import signal
import sys
import time
import tomllib
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import wait
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.machinery import SourceFileLoader
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, FunctionType
from typing import Any, NamedTuple

import click
import hypothesis
import pytest
from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from hypothesis import Phase
from scratch import scratch

CONFIGURATION = Path(__file__).with_name("mutants.toml")
KILLED, SURVIVED, NOT_REACHED = "killed", "survived", "not reached"
EQUIVALENT, NOT_TRIED = "equivalent", "not tried"
OUTCOMES = (KILLED, EQUIVALENT, SURVIVED, NOT_REACHED, NOT_TRIED)
REACHED = "reached"
SLOWER = 2
"""How many times more of the processor than before, when watched, the tests may take; then the
mutant does not end."""
LONGEST_SECONDS = 120
"""How long they may take in all, however little of it they compute; then nothing is known."""
ELSEWHERE = {"driver", "browser", "browser_of_one_font", "commands"}
"""What runs in another process, which has no mutant, and doesn't answer two."""
OPTIONS = ["-q", "-s", "-k", "not postgres", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
OPTIONS += ["-o", "tmp_path_retention_policy=none", "--tb=no", "--assert=plain"]
OPTIONS += ["--hypothesis-profile=mutants"]
MOST_ANEW = 5
"""Of tests, in seconds, for what has another value only when its file is imported."""
# One case that fails is enough: nobody reads the smallest.
hypothesis.settings.register_profile(
    "mutants",
    deadline=None,
    max_examples=60,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    report_multiple_bugs=False,
)

Codes = dict[tuple[str, str, int], CodeType]
"""By file, name and first line."""
Place = tuple[str, int, int, str]
"""A file, where in it an expression begins, and what may become of it."""


@dataclass
class Mutant:
    """One change of one file."""

    path: Path
    number: str
    line: int
    name: str
    place: Place
    source: str
    change: tuple[str, str]
    outcome: str = NOT_TRIED


@dataclass
class Reached:
    """By test: how long it took; by place: the tests in which the mutant has another value."""

    seconds: dict[str, float] = field(default_factory=dict)
    tests: dict[Place, set[str]] = field(default_factory=lambda: defaultdict(set))


def mutants(path: Path, excluded: re.Pattern[str]) -> Iterator[Mutant]:
    """All that cosmic-ray makes of a file, but for operators that the configuration excludes."""
    source, tree = path.read_text(), get_ast_from_path(path)
    parsed = ast.parse(source)
    for name in operator_names():
        operator_class = get_operator(name)
        if excluded.match(name) or operator_class.arguments():
            continue
        mutating = operator_class()
        places = [each for node in ast_nodes(tree) for each in mutating.mutation_positions(node)]
        numbers = numbered(path, parsed, name, [start[0] for start, _ in places])
        for occurrence, (number, (start, _)) in enumerate(zip(numbers, places, strict=True)):
            changed = mutate_code(source, mutating, occurrence)
            place = (str(path), *_place(parsed, ast.parse(changed)))
            change = _difference(source, changed)
            yield Mutant(path, number, start[0], name, place, changed, change)


def numbered(path: Path, parsed: ast.Module, name: str, lines: Iterable[int]) -> Iterator[str]:
    """Which mutants of one operator are in these lines, by the function that has them.

    Another one only if the code of that function is another, however it is set and whatever is said
    about it.
    """
    seen: Counter[str] = Counter()
    parts = list(_parts(parsed, os.path.relpath(path)))
    for line in lines:
        (digest,) = (digest for first, last, digest in parts if first <= line <= last)
        yield f"{digest} {name} {seen[digest]}"
        seen[digest] += 1


def _parts(within: ast.Module | ast.ClassDef, of: str) -> Iterator[tuple[int, int, str]]:
    """The first line of each statement of a file or of a class, its last, and its meaning."""
    for node in within.body:
        said, last = copy.deepcopy(node), node.end_lineno or node.lineno
        if isinstance(said, ast.ClassDef):
            yield from _parts(node, f"{of} {said.name}")
            last, said.body = _begins(node.body[0]) - 1, []
        told = ast.dump(_Unsaid().visit(said) or ast.Pass())
        yield _begins(node), last, hashlib.sha256(f"{of} {told}".encode()).hexdigest()[:16]


def _begins(node: ast.stmt) -> int:
    return min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])


class _Unsaid(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) else node


def _place(ours: ast.AST, theirs: ast.AST) -> tuple[int, int, str]:
    """Where the innermost expression begins that differs, and its operator there."""
    for name, value in ast.iter_fields(ours):
        other = getattr(theirs, name)
        pairs = zip(value, other, strict=False) if isinstance(value, list) else [(value, other)]
        if isinstance(value, list) and len(value) != len(other):
            break
        for one, two in pairs:
            if not isinstance(one, ast.AST) or ast.dump(one) == ast.dump(two):
                continue
            if type(one) is type(two):
                found = _place(one, two)
                return found if found[0] else (*_at(ours), found[2])
            if isinstance(one, ast.cmpop | ast.boolop):
                return (*_at(ours), type(two).__name__)
            if isinstance(one, ast.expr) and not isinstance(ours, ast.expr):
                return (*_at(one), REACHED)
            if isinstance(one, ast.UnaryOp):
                return (*_at(one), REACHED)
            break
    return (*_at(ours), REACHED)


def _at(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


@functools.cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _difference(before: str, after: str) -> tuple[str, str]:
    pairs = zip(before.splitlines(), after.splitlines(), strict=False)
    changed = ((old.strip(), new.strip()) for old, new in pairs if old != new)
    return next(changed, ("", ""))


def _codes(source: str | ast.Module, path: str) -> Codes:
    found: Codes = {}
    left = [compile(source, path, "exec", dont_inherit=True)]
    for code in left:
        found[path, code.co_qualname, code.co_firstlineno] = code
        left += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return found


class Running(NamedTuple):
    """A mutant in a fork, in which tests, and where the fork tells which of them failed."""

    mutant: Mutant
    digest: str
    items: list[pytest.Item]
    reading: int


class Watching(ast.NodeTransformer):
    """Lets every expression that has mutants tell when one of them would have had another value."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._asked: set[ast.AST] = set()
        self.decided: set[Place] = set()
        """Of which of their mutants the expressions tell, and not only that they were reached."""

    def codes(self) -> Codes:
        """What the functions of the file are to run."""
        parsed = ast.parse(Path(self._path).read_text())
        for node in ast.walk(parsed):
            # Of these only the truth is asked, so that it does not matter which operand they give.
            tests = [getattr(node, "test", None), getattr(node, "guard", None)]
            if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
                tests.append(node.operand)
            tests += getattr(node, "ifs", [])
            self._asked |= {test for test in tests if test}
        for node in ast.walk(parsed):
            if isinstance(node, ast.BoolOp) and node in self._asked:
                self._asked |= set(node.values)
        watched = ast.fix_missing_locations(self.visit(parsed))
        return _codes(watched, self._path)

    def _call(self, node: ast.expr, told: str, *values: ast.expr) -> ast.expr:
        place = [ast.Constant(part) for part in (self._path, node.lineno, node.col_offset)]
        call = ast.Call(ast.Name(told, ast.Load()), [*place, *values], [])
        return ast.copy_location(call, node)

    def _came(self, node: ast.expr) -> ast.expr:
        both = ast.Tuple([self._call(node, "_came_by"), node], ast.Load())
        return ast.copy_location(ast.Subscript(both, ast.Constant(1), ast.Load()), node)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if len(node.ops) > 1:
            return self._came(node)
        self.decided |= {(self._path, *_at(node), name) for name in (*ORDERS, *OTHERS)}
        op = ast.Constant(type(node.ops[0]).__name__)
        return self._call(node, "_compared", op, node.left, node.comparators[0])

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        pair = len(node.values) == 2 and node in self._asked
        self.generic_visit(node)
        if not pair:
            return self._came(node)
        op = ast.Constant(isinstance(node.op, ast.And))
        self.decided.add((self._path, *_at(node), "Or" if op.value else "And"))
        node.values = [self._call(node, "_decided", op, value) for value in node.values]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return self._came(node) if isinstance(node.op, ast.Add | ast.Sub) else node

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.MatchValue:
        """A pattern cannot call."""
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        return self._came(node) if isinstance(node.op, ast.Not | ast.USub) else node


ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    "Lt": operator.lt,
    "LtE": operator.le,
    "Gt": operator.gt,
    "GtE": operator.ge,
}
OTHERS: dict[str, Callable[[Any, Any], Any]] = {
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Is": operator.is_,
    "IsNot": operator.is_not,
    "In": lambda one, many: one in many,
    "NotIn": lambda one, many: one not in many,
}
SEEN: set[tuple[str, tuple[int, int, str]]] = set()
"""By file what the mutants of one test would have changed."""


def _came_by(path: str, line: int, column: int) -> None:
    SEEN.add((path, (line, column, REACHED)))


def _compared(path: str, line: int, column: int, op: str, one: Any, two: Any) -> Any:
    _came_by(path, line, column)
    if op not in ORDERS:
        SEEN.update((path, (line, column, name)) for name in (*ORDERS, *OTHERS))
        return OTHERS[op](one, two)
    ours = ORDERS[op](one, two)
    others = [name for name, order in ORDERS.items() if order(one, two) != ours]
    SEEN.update((path, (line, column, name)) for name in (*others, *OTHERS))
    return ours


def _decided(path: str, line: int, column: int, is_and: bool, value: Any) -> Any:
    """Both operands of an “and” true, or of an “or” false: the other operator says the same."""
    _came_by(path, line, column)
    if bool(value) != is_and:
        SEEN.add((path, (line, column, "Or" if is_and else "And")))
    return value


class Mutating:
    """A plugin of pytest whose loop runs all tests once, and then each mutant in a fork."""

    def __init__(
        self, tried: list[Mutant], jobs: int, until: float, most: float, kept: Path | None
    ) -> None:
        self.tried, self._jobs, self._most = tried, jobs, most
        self._until = until
        self._paths = {mutant.path for mutant in tried}
        self.reached = Reached()
        self._killers: dict[Path, Counter[str]] = defaultdict(Counter)
        self._functions = _functions_of(self._paths)
        self._remembering: list[Any] = []
        self._kept = kept
        self._decided: set[Place] = set()
        self._sound: set[Path] = set()
        self._passing: dict[tuple[str, ...], bool] = {}
        self._misleading: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run everything once while watching the files; then every mutant."""
        gc.unfreeze()
        watched = _open_workshop()
        self._functions = _functions_of(self._paths)
        self._watch(session)
        # A fork must not find that a process runs which another has started: its first test fails.
        watched.close()
        _open_workshop()
        sys.stdout.flush()
        self._remembering = _remembering()
        gc.collect()
        gc.freeze()
        items = {item.nodeid: item for item in session.items}
        outcomes = self._outcomes(items)
        running: dict[int, Running] = {}
        # What needs a new process, and so takes longest, comes last.
        left = deque(sorted(self.tried, key=lambda each: not self._tests_of(each)))
        while left or running:
            if not left or len(running) >= self._jobs:
                left += self._reap(session, running)
                continue
            mutant = left.popleft()
            if mutant.outcome != NOT_TRIED:
                continue
            chosen = self._tests_of(mutant)
            tests = hashlib.sha256("".join(sorted(map(self._name, chosen))).encode()).hexdigest()
            for of_tests in ("", tests):
                mutant.outcome = outcomes.get((mutant.number, of_tests), mutant.outcome)
            if mutant.outcome == NOT_TRIED and not chosen:
                self._without_tests(mutant, tests)
            if mutant.outcome != NOT_TRIED or time.monotonic() > self._until:
                continue
            run = [items[each] for each in chosen]
            child, reading = self._fork(session, mutant, run)
            running[child] = Running(mutant, tests, run, reading)
        return True

    def _name(self, nodeid: str) -> str:
        return f"{_digest(Path(nodeid.split('::', maxsplit=1)[0]).resolve())} {nodeid}"

    def _without_tests(self, mutant: Mutant, tests: str) -> None:
        """In no test another value: in none that reached it, or it has one when it is imported."""
        mutant.outcome = SURVIVED
        if not self.reached.tests.get(_reached(mutant.place)):
            of_file = {place for place in self.reached.tests if place[0] == str(mutant.path)}
            reaching = {test for place in of_file for test in self.reached.tests[place]}
            chosen = self._fastest(mutant.path, reaching or self.reached.seconds, MOST_ANEW)
            if mutant.path not in self._sound:
                ours = replace(mutant, source=mutant.path.read_text())
                assert not _fails_anew(ours, chosen), f"fails without a mutant: {chosen}"
                self._sound.add(mutant.path)
            mutant.outcome = KILLED if _fails_anew(mutant, chosen) else NOT_REACHED
        if mutant.outcome == NOT_REACHED:
            self._say(mutant)
        else:
            self._keep(mutant, "", tests)

    def _outcomes(self, items: Collection[str]) -> dict[tuple[str, str], str]:
        """What is known already; not what was killed by a test that there is no more."""
        if self._kept is None or not self._kept.exists():
            return {}
        lines = [json.loads(line) for line in self._kept.read_text().splitlines()]
        asked = {_function(each) for each in items}
        lines = [
            line
            for line in lines
            if line["by"] in items
            or (_function(line["by"]) not in asked and _is_written(_function(line["by"])))
        ]
        for line in lines:
            if line["by"]:
                self._killers[Path(line["file"]).resolve()][line["by"]] += 1
        return {
            (line["mutant"], "" if line["outcome"] == KILLED else line["tests"]): line["outcome"]
            for line in lines
        }

    def _watch(self, session: pytest.Session) -> None:
        """Run every test that is not known yet, with expressions that tell of themselves."""
        for told in (_came_by, _compared, _decided):
            setattr(builtins, told.__name__, told)
        memory = self._kept and self._kept.with_suffix(".reached")
        known: dict[Any, Any] = (
            pickle.loads(memory.read_bytes()) if memory and memory.exists() else {}
        )
        watched: Codes = {}
        for path in self._paths:
            watching = Watching(path)
            watched |= watching.codes()
            self._decided |= watching.decided
        ours = _become(self._functions, watched)
        warmed = False
        for number, item in enumerate(session.items):
            if not ELSEWHERE.isdisjoint(getattr(item, "fixturenames", ())):
                continue
            keys = {path: (self._name(item.nodeid), _digest(path)) for path in self._paths}
            if not all(key in known for key in keys.values()) or (
                not warmed and "database" in getattr(item, "fixturenames", ())
            ):
                warmed = warmed or "database" in getattr(item, "fixturenames", ())
                SEEN.clear()
                began, failed = time.process_time(), session.testsfailed
                # What the session shares stays for the forks.
                _run(item, session)
                seconds = time.process_time() - began
                if session.testsfailed > failed:
                    click.echo(f"left out, because it fails without a mutant: {item.nodeid}")
                    continue
                for path, key in keys.items():
                    known[key] = (seconds, {rest for file, rest in SEEN if file == str(path)})
                if memory and number % 100 == 0:
                    memory.write_bytes(pickle.dumps(known))
            for path, key in keys.items():
                self.reached.seconds[item.nodeid], places = known[key]
                for place in places:
                    self.reached.tests[str(path), *place].add(item.nodeid)
        if memory:
            memory.write_bytes(pickle.dumps(known))
        for function, code in ours.items():
            function.__code__ = code
        click.echo(f"watched in {time.process_time():.0f} s of the processor")

    def _tests_of(self, mutant: Mutant) -> list[str]:
        """Those in which it has another value, as many as there is time for."""
        place = mutant.place if mutant.place in self._decided else _reached(mutant.place)
        return self._fastest(mutant.path, self.reached.tests.get(place, ()), self._most)

    def _fastest(self, path: Path, tests: Iterable[str], most: float) -> list[str]:
        """The tests of a file in the order of trying, until they take so many seconds."""
        killers, seconds = self._killers[path], self.reached.seconds
        chosen: list[str] = []
        tests = set(tests) - self._misleading
        for each in sorted(tests, key=lambda each: (seconds[each] + 0.01) / (1 + killers[each])):
            if most > 0:
                chosen.append(each)
                most -= seconds[each] + 0.01
        return chosen

    def _fork(
        self, session: pytest.Session, mutant: Mutant, items: list[pytest.Item]
    ) -> tuple[int, int]:
        """A process that runs these tests, and where it tells which of them failed."""
        reading, told = os.pipe()
        child = os.fork()
        if child:
            os.close(told)
            return child, reading
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        seconds = sum(self.reached.seconds[item.nodeid] for item in items)
        signal.alarm(LONGEST_SECONDS)
        limit = math.ceil(time.process_time() + 2 + SLOWER * seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        try:
            _become(self._functions, _codes(mutant.source, str(mutant.path)))
            for each in self._remembering:
                each.cache_clear()
            for item in items:
                before = session.testsfailed
                _run(item, session)
                if session.testsfailed > before:
                    os.write(told, item.nodeid.encode())
                    os._exit(1)
            os._exit(0)
        finally:
            os._exit(1)

    def _reap(self, session: pytest.Session, running: dict[int, Running]) -> list[Mutant]:
        """Await a mutant; those to be tried again, because a test of theirs says nothing."""
        child, status = os.wait()
        mutant, tests, items, reading = running.pop(child)
        killer = _all_of(reading)
        if not status:
            mutant.outcome = SURVIVED
        elif killer or -os.waitstatus_to_exitcode(status) == signal.SIGXCPU:
            names = [item.nodeid for item in items]
            items = items[: names.index(killer) + 1] if killer else items
            if self._pass_without(session, mutant, items):
                mutant.outcome = KILLED
            elif not self._misleading.isdisjoint(names):
                return [mutant]
        self._killers[mutant.path][killer] += 1
        self._keep(mutant, killer, tests)
        return []

    def _pass_without(
        self, session: pytest.Session, mutant: Mutant, items: list[pytest.Item]
    ) -> bool:
        """Whether these tests, in this order, pass in a fork that has no mutant."""
        names = tuple(item.nodeid for item in items)
        if names not in self._passing:
            ours = replace(mutant, source=mutant.path.read_text())
            child, reading = self._fork(session, ours, items)
            self._passing[names] = not os.waitpid(child, 0)[1]
            if failed := _all_of(reading):
                click.echo(f"says nothing, because it fails in a fork without a mutant: {failed}")
                self._misleading.add(failed)
        return self._passing[names]

    def _keep(self, mutant: Mutant, killer: str, tests: str) -> None:
        if self._kept and mutant.outcome != NOT_TRIED:
            line = {"file": os.path.relpath(mutant.path), "line": mutant.line, "name": mutant.name}
            line |= {"mutant": mutant.number, "outcome": mutant.outcome, "by": killer}
            line |= {"tests": tests, "change": mutant.change}
            with self._kept.open("a") as file:
                file.write(json.dumps(line) + "\n")
        self._say(mutant)

    def _say(self, mutant: Mutant) -> None:
        if mutant.outcome != KILLED:
            number = self.tried.index(mutant) + 1
            place = f"{mutant.path}:{mutant.line}"
            click.echo(f"[{number}/{len(self.tried)}] {mutant.outcome}: {place} {mutant.name}")
            click.echo("        {}\n        -> {}".format(*mutant.change))


def _all_of(reading: int) -> str:
    with os.fdopen(reading) as told:
        return told.read()


def _function(test: str) -> str:
    return test.partition("[")[0]


@functools.cache
def _is_written(test: str) -> bool:
    """Whether a test that was not asked for is still in its file; or there was none."""
    file, _, name = test.partition("::")
    return not test or (Path(file).exists() and f"def {name}(" in Path(file).read_text())


def _fails_anew(mutant: Mutant, tests: list[str]) -> bool:
    """Whether any of these tests fails in a process that imports the file with the mutant."""
    process = get_context("spawn").Process(target=_in_a_new_process, args=(mutant, tests))
    process.start()
    process.join()
    return process.exitcode not in {0, -signal.SIGALRM}


def _in_a_new_process(mutant: Mutant, tests: list[str]) -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    ours = SourceFileLoader.get_code

    def code_of(loader: SourceFileLoader, name: str) -> CodeType | None:
        path = loader.get_filename(name)
        mutated = path == str(mutant.path)
        return compile(mutant.source, path, "exec") if mutated else ours(loader, name)

    setattr(SourceFileLoader, "get_code", code_of)  # noqa: B010
    signal.alarm(LONGEST_SECONDS)
    with TemporaryDirectory(dir=scratch()) as folder:
        sys.exit(pytest.main([*OPTIONS, "-x", f"--basetemp={folder}/t", *tests]))


def _reached(place: Place) -> Place:
    path, line, column, _ = place
    return path, line, column, REACHED


def _functions_of(paths: set[Path]) -> list[FunctionType]:
    files = {str(path) for path in paths}
    alive = gc.get_objects()
    return [
        each
        for each in alive
        if isinstance(each, FunctionType) and each.__code__.co_filename in files
    ]


def _remembering() -> list[Any]:
    """All that remembers what a function of ours gave."""
    ours = ("domain", "projections", "api", "scripts")
    kind = functools._lru_cache_wrapper
    return [
        each
        for each in gc.get_objects()
        if isinstance(each, kind) and str(each.__module__).startswith(ours)
    ]


def _become(functions: list[FunctionType], codes: Codes) -> dict[FunctionType, CodeType]:
    """Let every function that lives run these codes; what it ran before."""
    before = {}
    for each in functions:
        code = each.__code__
        key = (code.co_filename, code.co_qualname, code.co_firstlineno)
        if key in codes:
            before[each] = code
            each.__code__ = codes[key]
    return before


def _open_workshop() -> Any:
    """What sets a PDF has threads, which a fork has not, so another process sets it."""
    workshop = import_module("projections.workshop")
    return workshop.open_workshop(lambda _, made: wait([made]))


def _run(item: pytest.Item, session: pytest.Session) -> None:
    """A test, after which all that the session shares stays as it is."""
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=session)


def _remembered(path: Path, excluded: re.Pattern[str], kept: Path | None) -> list[Mutant]:
    """The mutants of a file, which take longer to make than most take to be killed."""
    asked = hashlib.sha256(f"{path} {_digest(path)} {excluded.pattern}".encode()).hexdigest()[:16]
    memory = kept and kept.with_suffix(f".{asked}")
    if memory and memory.exists():
        return list(pickle.loads(memory.read_bytes()))
    made = list(mutants(path, excluded))
    if memory:
        memory.write_bytes(pickle.dumps(made))
    return made


def main(arguments: Iterable[str] | None = None) -> int:
    """Try the mutants of the files, or of a room of the configuration; 1 if any survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("room", help="a [rooms.…] of tests/mutants.toml")
    parser.add_argument("files", nargs="*", type=Path, help="only these files of the room")
    parser.add_argument("--most", type=int, help="how many mutants of a file, chosen by a seed")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=math.inf, help="then no more are tried")
    parser.add_argument(
        "--most-seconds", type=float, default=math.inf, help="of tests for each mutant"
    )
    parser.add_argument("--kept", type=Path, help="a file to go on from, with all outcomes so far")
    parser.add_argument("--tests", nargs="*", help="instead of those of the room")
    options = parser.parse_args(arguments)
    configuration = tomllib.loads(CONFIGURATION.read_text())
    room = configuration["rooms"][options.room]
    same = {(one["file"], one["was"], one["becomes"]) for one in configuration["equivalent"]}
    excluded = re.compile("|".join(f"(?:{name})" for name in configuration["exclude-operators"]))
    files = options.files or [
        path for pattern in room["files"] for path in sorted(Path().glob(pattern))
    ]
    for file, was, _ in same:
        if [line.strip() for line in Path(file).read_text().splitlines()].count(was) != 1:
            parser.error(f"{file} does not have once the line that has an equivalent: {was}")
    tried: list[Mutant] = []
    for path in files:
        made = _remembered(path.resolve(), excluded, options.kept)
        for mutant in made:
            if (str(path), *mutant.change) in same:
                mutant.outcome = EQUIVALENT
        if options.most is not None and len(made) > options.most:
            made = random.Random(f"{options.seed} {path}").sample(made, options.most)
        tried += made
    until = time.monotonic() + options.minutes * 60
    plugin = Mutating(tried, options.jobs, until, options.most_seconds, options.kept)
    tests = options.tests or room["tests"]
    with TemporaryDirectory(dir=scratch()) as folder:
        # A folder of its own, which no other run of tests clears away.
        pytest.main([*OPTIONS, f"--basetemp={folder}/t", *tests], plugins=[plugin])
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
