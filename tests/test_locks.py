"""What is installed is locked by its hash, on every Python and machine, and listed in a bill."""

import json
import re
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import audited
from scripts.sbom import JsonV1Dot6, bill_of

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "scripts" / "locks"
COMPILED = {"cffi", "cryptography", "granian", "markupsafe", "psycopg-binary"}
"""Dependencies with a file for each Python and machine."""


def lines(name: str) -> Iterator[tuple[Requirement, list[str]]]:
    """Every line of a lock, with its hashes; for some Pythons there may be another version."""
    for block in re.split(r"\n(?=[a-zA-Z])", (LOCKS / f"{name}.txt").read_text()):
        if not block.startswith("#"):
            first, *hashes = block.rstrip().split(" \\\n")
            yield Requirement(first), hashes


def locked(name: str) -> dict[str, tuple[Requirement, list[str]]]:
    """Each dependency of a lock for this Python, with its hashes."""
    return {
        canonicalize_name(requirement.name): (requirement, hashes)
        for requirement, hashes in lines(name)
        if requirement.marker is None or requirement.marker.evaluate()
    }


def wanted(extra: str | None = None) -> list[Requirement]:
    """What setup.cfg asks for."""
    told = ConfigParser()
    told.read(ROOT / "setup.cfg")
    listed = told["options"]["install_requires"]
    if extra:
        listed += told["options.extras_require"][extra]
    lines = (line.partition(" #")[0].strip() for line in listed.splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("name, extra", [("run", None), ("test", "test")])
def test_everything_asked_for_is_locked_in_a_version_that_was_asked_for(
    name: str, extra: str | None
) -> None:
    lock = locked(name)
    for requirement in wanted(extra):
        if requirement.marker and not requirement.marker.evaluate():
            continue
        there, _ = lock[canonicalize_name(requirement.name)]
        (pin,) = there.specifier
        assert pin.operator == "=="
        assert requirement.specifier.contains(pin.version), f"scripts/setup pin: {requirement}"


@pytest.mark.parametrize("name", ["run", "test"])
def test_every_file_is_locked_by_its_hash(name: str) -> None:
    for requirement, hashes in lines(name):
        assert hashes, requirement
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}", one) for one in hashes)


def test_the_tests_run_with_the_versions_that_production_runs_with() -> None:
    tested = locked("test")
    for name, (requirement, hashes) in locked("run").items():
        assert tested[name][0].specifier == requirement.specifier
        assert set(tested[name][1]) == set(hashes)


def test_a_lock_is_for_every_python_and_machine() -> None:
    """What is compiled has a file for each of three Pythons, on two machines at least."""
    lock = locked("run")
    for name in COMPILED & set(lock):
        assert len(lock[name][1]) > 6, name


def test_what_builds_stemma_is_locked_too() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = (LOCKS / "build.in").read_text().split()
    assert listed == project["build-system"]["requires"]
    for requirement in map(Requirement, listed):
        assert locked("run")[requirement.name][0].specifier == requirement.specifier


def test_the_bill_of_materials_is_valid_complete_and_always_the_same() -> None:
    # Imported, it builds parsers for seconds, in every process that only collects tests, too.
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    lock = (LOCKS / "run.txt").read_text()
    said = JsonV1Dot6(bill_of(lock)).output_as_string()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(said) is None
    told = json.loads(said)
    there = {(one["name"], one["version"], len(one["hashes"])) for one in told["components"]}
    assert there == {
        (requirement.name, str(requirement.specifier).removeprefix("=="), len(hashes))
        for requirement, hashes in lines("run")
    }
    assert JsonV1Dot6(bill_of(lock)).output_as_string() == said


ADVISED = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
GOOD, UNKNOWN = {"name": "b", "version": "1", "vulns": []}, {"name": "c", "skip_reason": "?"}


@pytest.mark.parametrize(
    "dependencies, status, said",
    [
        ([GOOD, UNKNOWN], 0, "1 of 2 dependencies were audited."),
        ([ADVISED, GOOD], 1, "a 1: CVE-1, mended in 2"),
        ([UNKNOWN], 2, None),
        ([], 2, None),
    ],
)
def test_an_audit_tells_nothing_found_from_nobody_answering(
    dependencies: list[object], status: int, said: str | None
) -> None:
    found, lines = audited.judge(json.dumps({"dependencies": dependencies}))
    assert found == status
    assert lines[:1] == ([] if said is None else [said])


@pytest.mark.parametrize("garbage", ["", "null", "[]", "Traceback", '{"dependencies": 1}'])
def test_an_audit_that_failed_is_no_answer(garbage: str) -> None:
    assert audited.judge(garbage) == (audited.NO_ANSWER, [])
