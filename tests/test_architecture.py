"""The arrows point one way, and every folder keeps to what it may know.

Rule: a claim made here is also shown to fail, on a small project that breaks it.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).resolve().parents[1]

# What each package may import besides itself and the standard library.
MAY_IMPORT = {
    "domain": {"eventsourcing", "cryptography", "idna", "edtf", "stdnum", "packaging"},
    "projections": {"domain", "networkx", "typst"},
    "api": {
        "domain",
        "projections",
        "flask",
        "flask_smorest",
        "jinja2",
        "joserfc",
        "markdown_it",
        "markupsafe",
        "marshmallow",
        "prometheus_client",
        "structlog",
        "werkzeug",
    },
}
PACKAGES = (*MAY_IMPORT, "scripts")
ENGINES = {"psycopg", "psycopg_pool", "sqlite3"}
# Where a database is spoken to; benchmarks do it by hand, to be compared with.
SPEAK_TO_A_DATABASE = ("domain/engine/", "scripts/benchmarks/")
FORBIDDEN_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"}
# The folders of a machine that builds: a path there is nobody else's.
MACHINE_PATH = re.compile(r"(?<![\w.~}-])/(?:work|root|home|Users)/")

LONGEST_FUNCTION, LONG_FILE = 60, 400

Breaches = Iterator[str]
parsed = cache(ast.parse)
"""Each rule reads every file."""


def modules(root: Path) -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            yield path.relative_to(root), parsed(path.read_text("utf-8"))


def imported(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Every top-level name imported anywhere in the module, with its line."""
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names, lineno=line):
                yield from ((line, alias.name.partition(".")[0]) for alias in names)
            case ast.ImportFrom(module=str(name), level=0, lineno=line):
                yield line, name.partition(".")[0]


def wrong_imports(root: Path) -> Breaches:
    """The domain knows nobody, projections know the domain, the api knows both.

    Only an engine knows the driver of its database.
    """
    for path, module in modules(root):
        package = path.parts[0]
        allowed = MAY_IMPORT.get(package, set()) | {package} | sys.stdlib_module_names
        speaks = path.as_posix().startswith(SPEAK_TO_A_DATABASE)
        for line, name in imported(module):
            if name in ENGINES:
                is_wrong = not speaks
            else:
                is_wrong = package in MAY_IMPORT and name not in allowed
            if is_wrong:
                yield f"{path}:{line} imports {name}"


def readers_of_the_environment(root: Path) -> Breaches:
    """Settings come from one place."""
    names = {"environ", "environb", "getenv", "getenvb", "putenv"}
    for path, module in modules(root):
        if path == Path("scripts/settings.py"):
            continue
        for node in ast.walk(module):
            match node:
                case ast.Attribute(value=ast.Name(id="os"), attr=attribute) if attribute in names:
                    yield f"{path}:{node.lineno} reads os.{attribute}"
                case ast.ImportFrom(module="os", names=aliases):
                    for alias in aliases:
                        if alias.name in names:
                            yield f"{path}:{node.lineno} imports os.{alias.name}"


def cycles_of_imports(root: Path) -> Breaches:
    """No file imports one that imports it, be it by way of others or for type-checking only."""
    graph = nx.DiGraph(
        (path, file)
        for path, tree in modules(root)
        for target in imported_files(root, tree)
        for file in (target, *packages_entered(root, path, target))
    )
    for files in nx.strongly_connected_components(graph):
        if len(files) > 1 or nx.subgraph(graph, files).size():
            yield f"{', '.join(sorted(map(str, files)))} import one another"


def imported_files(root: Path, module: ast.Module) -> Iterator[Path]:
    """The files of the project that a module imports."""
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names):
                found = [alias.name for alias in names]
            case ast.ImportFrom(module=str(package), names=names, level=0):
                inner = [f"{package}.{alias.name}" for alias in names]
                found = [name if file_of(root, name) else package for name in inner]
            case _:
                continue
        yield from filter(None, (file_of(root, name) for name in found))


def packages_entered(root: Path, path: Path, target: Path) -> Iterator[Path]:
    """The packages that Python imports first, when a module imports one from outside them."""
    for package in target.parents:
        file = package / "__init__.py"
        if not path.is_relative_to(package) and (root / file).is_file():
            yield file


def file_of(root: Path, module: str) -> Path | None:
    """The file of a module, if it is one of the project's."""
    place = Path(*module.split("."))
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in files if (root / file).is_file()), None)


def names_that_say_nothing(root: Path) -> Breaches:
    """A module is named after what it holds."""
    for path, _ in modules(root):
        for part in (*path.parent.parts, path.stem):
            if part.lower() in FORBIDDEN_NAMES:
                yield f"{path} is named {part}"


def modules_without_a_word(root: Path) -> Breaches:
    """Every module says what it is for."""
    for path, module in modules(root):
        if not ast.get_docstring(module):
            yield f"{path} has no docstring"


def long_functions(root: Path) -> Breaches:
    """No function is longer than 60 lines."""
    for path, module in modules(root):
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    yield f"{path}: {node.name} has {lines} lines"


def long_files_without_a_reason(root: Path) -> Breaches:
    """A file of more than 400 lines says at its head why it is “one file”."""
    for path, module in modules(root):
        lines = (root / path).read_text("utf-8").count("\n")
        head = " ".join((ast.get_docstring(module) or "").lower().split())
        if lines > LONG_FILE and "one file" not in head:
            yield f"{path} has {lines} lines, and does not say why it is one file"


def packages_among_the_tests(root: Path) -> Breaches:
    """Tests are flat: a package tests/domain would stand before the real one."""
    for path in sorted((root / "tests").rglob("__init__.py")):
        yield f"{path.relative_to(root)} makes a package of tests"


def paths_of_a_machine(root: Path) -> Breaches:
    """No file names a folder that only the machine it was written on has."""
    for path in project_files(root):
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a picture
        for number, line in enumerate(text.splitlines(), start=1):
            if found := MACHINE_PATH.search(line):
                yield f"{path.relative_to(root)}:{number} names {found.group()}"


def project_files(folder: Path) -> Iterator[Path]:
    """What is source: tools leave theirs in folders that start with a dot, or in these."""
    for path in sorted(folder.iterdir()):
        is_left_behind = path.name in {"__pycache__", "build"} or path.suffix == ".egg-info"
        if path.name == ".git":
            continue  # in a further worktree a file, with the path of the first
        if path.is_file():
            yield path
        elif path.name == ".ci" or not (path.name.startswith(".") or is_left_behind):
            yield from project_files(path)


RULES = [
    wrong_imports,
    cycles_of_imports,
    readers_of_the_environment,
    names_that_say_nothing,
    modules_without_a_word,
    long_functions,
    long_files_without_a_reason,
    packages_among_the_tests,
    paths_of_a_machine,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_each_rule(rule: Callable[[Path], Breaches]) -> None:
    assert not list(rule(ROOT)), rule.__doc__


BREACHES = [
    (wrong_imports, "domain/a.py", "import flask", "imports flask"),
    (wrong_imports, "domain/a.py", "import psycopg", "imports psycopg"),
    (wrong_imports, "domain/a.py", "from projections.lineage import Edge", "imports projections"),
    (wrong_imports, "domain/a.py", "def f():\n    import api.works", "imports api"),
    (wrong_imports, "domain/deep/a.py", "import scripts", "imports scripts"),
    (wrong_imports, "domain/journal.py", "import sqlite3", "imports sqlite3"),
    (wrong_imports, "domain/engines.py", "import psycopg_pool", "imports psycopg_pool"),
    (wrong_imports, "projections/lineage.py", "import sqlite3", "imports sqlite3"),
    (wrong_imports, "scripts/settings.py", "import psycopg", "imports psycopg"),
    (wrong_imports, "projections/store.py", "from api import works", "imports api"),
    (wrong_imports, "projections/a.py", "import eventsourcing.domain", "imports eventsourcing"),
    (wrong_imports, "api/a.py", "from scripts.settings import Settings", "imports scripts"),
    (wrong_imports, "api/a.py", "import sqlite3", "imports sqlite3"),
    (wrong_imports, "api/a.py", "import psycopg_pool", "imports psycopg_pool"),
    (cycles_of_imports, "domain/a.py", "from domain.a import b", "import one another"),
    (readers_of_the_environment, "api/a.py", "import os\nos.environ['A']", "reads os.environ"),
    (readers_of_the_environment, "scripts/a.py", "import os\nos.getenv('A')", "reads os.getenv"),
    (readers_of_the_environment, "domain/a.py", "from os import environ", "imports os.environ"),
    (names_that_say_nothing, "api/utils.py", "", "is named utils"),
    (names_that_say_nothing, "api/common/works.py", "", "is named common"),
    (modules_without_a_word, "domain/a.py", "a = 1", "has no docstring"),
    (long_functions, "api/a.py", "def f():\n" + "    a = 1\n" * 60, "f has 61 lines"),
    (long_files_without_a_reason, "api/a.py", '"""A."""\n' + "a = 1\n" * 400, "401 lines"),
    (packages_among_the_tests, "tests/domain/__init__.py", "", "makes a package"),
    (paths_of_a_machine, "README.md", "see /wo" + "rk/here", "names /wo" + "rk/"),
    (paths_of_a_machine, ".ci/run", "PATH=/ro" + "ot/bin", "names /ro" + "ot/"),
]


@pytest.mark.parametrize("rule, path, text, said", BREACHES, ids=range(len(BREACHES)))
def test_a_breach_is_found_and_named(
    rule: Callable[[Path], Breaches], path: str, text: str, said: str, tmp_path: Path
) -> None:
    write(tmp_path / path, text)
    (found,) = rule(tmp_path)
    assert found.startswith(path)
    assert said in found


KEPT = {
    "domain/journal.py": '"""A."""\nimport json\nfrom eventsourcing.application import Application',
    "domain/engine/sqlite.py": '"""A."""\nimport sqlite3\nfrom domain.remix import Remix',
    "domain/engine/postgres.py": '"""A."""\nimport psycopg\nfrom psycopg_pool import Pool',
    "scripts/benchmarks/plain.py": '"""A."""\nimport sqlite3\nimport psycopg',
    "api/works.py": '"""A."""\nfrom flask import g\nfrom projections.lineage import Edge',
    "scripts/settings.py": '"""A."""\nimport os\nos.environ["STEMMA_PORT"]',
    "scripts/stemma.py": '"""A."""\nimport click\nfrom api.works import routes',
    "api/long.py": '"""A.\n\nOne file, because it is one list.\n"""\n' + "a = 1\n" * 400,
    "README.md": "GET /works/1 and https://example.org/wo" + "rk/1 and ~/wo" + "rk/x",
    ".venv/lib/a.py": "/wo" + "rk/",
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_project_that_keeps_every_rule_is_left_alone(
    rule: Callable[[Path], Breaches], tmp_path: Path
) -> None:
    for path, text in KEPT.items():
        write(tmp_path / path, text)
    assert list(rule(tmp_path)) == []


def test_what_is_known_of_mutants_names_lines_that_there_are() -> None:
    """Otherwise none is tried: a line that has changed is to be looked at again."""
    for one in tomllib.loads((ROOT / "tests/mutants.toml").read_text("utf-8"))["equivalent"]:
        lines = [line.strip() for line in (ROOT / one["file"]).read_text("utf-8").splitlines()]
        assert lines.count(one["was"]) == 1, one


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
