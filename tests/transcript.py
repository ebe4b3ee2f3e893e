"""Transcripts in the documents: run as they stand, and held against what comes out.

Rule: in a block marked ``console`` a line after ``$ `` is run by sh (``> `` continues it) and the
lines below are what it printed. Only times, keys that are made up and the port may differ.

    python tests/transcript.py README.md

writes what is printed now into the document, for a person to read before it is kept.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from warm import warm

from scripts.benchmarks.load import free_port

SECONDS = 300
PORT = "8017"
"""The port in the documents, not that of the demonstration; a run takes one that is free."""

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BEFORE = "\x1e"
_CHANGES = (
    (re.compile(r"\bkey=\S+"), "key=KEY"),
    (re.compile(r"\broot [\w+/]{43}="), "root ROOT"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00| UTC)?"), "TIME"),
    (re.compile(r"\bstemma_[\w-]{43}"), "KEY"),
)


class Entry(NamedTuple):
    """One command of a transcript, and what it printed."""

    command: str
    printed: str


def entries(document: str) -> Iterator[Entry]:
    """The commands of every transcript in a document, in order."""
    for block in _BLOCK.findall(document):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            rest = 1
            while rest < len(lines) and f"{lines[rest]} ".startswith("> "):
                lines[rest] = lines[rest][2:]
                rest += 1
            yield Entry("\n".join(lines[:rest]), "\n".join(lines[rest:]))


def run(commands: list[str], folder: Path, binaries: Path) -> list[str]:
    """What each command prints, all of them run by one shell in an empty folder.

    A ``stemma`` is in `binaries`.
    """
    port = str(free_port())
    script = folder / "session.sh"
    steps = [f"printf '\\036'\n{command}\n" for command in commands]
    script.write_text("exec 2>&1\n" + "".join(steps).replace(PORT, port), "utf-8")
    output = folder / "session.txt"
    inside = folder / "inside"
    inside.mkdir()
    environment = _environment(inside)
    with output.open("wb") as file:
        path = f"{binaries}{os.pathsep}{environment['PATH']}"
        shell = subprocess.Popen(
            ["/bin/sh", script],
            cwd=inside,
            env=environment | {"PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=file,
            start_new_session=True,
        )
        try:
            shell.wait(SECONDS)
        finally:
            # Whatever the session left running goes with it, even when it hangs.
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
    printed = output.read_text("utf-8").replace(port, PORT).split(_BEFORE)[1:]
    return [_tidy(one) for one in printed]


def masked(printed: str) -> str:
    """What was printed without that which differs from run to run."""
    for changing, name in _CHANGES:
        printed = changing.sub(name, printed)
    return printed


def _environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STEMMA_")}
    beside = str(Path(sys.executable).parent)
    return kept | {
        "PATH": f"{beside}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "HOME": str(home),
        "TMPDIR": str(home),
        "XDG_DATA_HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
    }


def _tidy(printed: str) -> str:
    return "\n".join(line.rstrip() for line in printed.splitlines()).rstrip("\n")


def _renewed(document: str, printed: list[str]) -> str:
    """The document with what is printed now."""
    left = iter(printed)

    def renew(block: re.Match[str]) -> str:
        lines = []
        for command, _ in entries(block[0]):
            lines.append("$ " + command.replace("\n", "\n> "))
            lines += filter(None, [next(left)])
        return "\n".join(["```console", *lines, "```"])

    return _BLOCK.sub(renew, document)


def main(path: Path) -> None:
    """Write what is printed now into a document."""
    document = path.read_text("utf-8")
    with (
        tempfile.TemporaryDirectory() as name,
        warm(Path(name) / "bin", dict(os.environ)) as stemma,
    ):
        printed = run([entry.command for entry in entries(document)], Path(name), stemma)
    path.write_text(_renewed(document, printed), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
