"""The command line, warm: one process loads the program, and each command is a fork of it.

Rule: a command is a process of its own, with the folder, the environment and the files that the
shell gave it, and it ends as it would have ended. Only loading the program, which takes several
times as long as most commands, is done once. What starts processes of its own is started anew.
"""

import gc
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scratch import scratch

PROCESSES = multiprocessing.get_context("forkserver")
"""How a test starts processes that share nothing with its own: forks of one that loads once what
all of them need."""
PROCESSES.set_forkserver_preload(["pytest", "hypothesis", "networkx", "scripts.service"])

STARTED_ANEW = ("serve", "--serve", "follow")

# What the shell starts; it loads next to nothing.
CLIENT = """#!{python} -IS
import os, sys
if {started_anew}.intersection(sys.argv):
    os.execv({stemma!r}, [{stemma!r}, *sys.argv[1:]])
import signal, socket
from json import dumps
asked = dumps([sys.argv, os.getcwd(), dict(os.environ), os.umask(0)]).encode()
warm = socket.socket(socket.AF_UNIX)
warm.connect({path!r})
socket.send_fds(warm, [len(asked).to_bytes(4, "big")], [0, 1, 2])
warm.sendall(asked)
told = warm.makefile()
command = int(told.readline())
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda number, _: os.kill(command, number))
status = int(told.readline())
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


@contextmanager
def warm(folder: Path, environment: dict[str, str]) -> Iterator[Path]:
    """A folder with a ``stemma`` in it; afterwards none of its commands is left."""
    stemma = str(Path(sys.executable).with_name("stemma"))
    folder.mkdir()
    client = folder / "stemma"
    # The path of a socket may have about a hundred bytes.
    with TemporaryDirectory(dir=scratch(), prefix="stemma-") as short:
        path = f"{short}/socket"
        places = {"python": sys.executable, "stemma": stemma, "path": path}
        client.write_text(CLIENT.format(**places, started_anew={*STARTED_ANEW}), "utf-8")
        client.chmod(0o755)
        with _serving(path, environment):
            yield folder


@contextmanager
def _serving(path: str, environment: dict[str, str]) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(64)
        parent = subprocess.Popen(
            [sys.executable, __file__, str(listening.fileno())],
            pass_fds=[listening.fileno()],
            env=environment | {"PYTHONPATH": str(Path(__file__).parents[1])},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    with parent:
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(parent.pid, signal.SIGKILL)


def serve(listening: socket.socket) -> list[str]:
    """Fork for every command that comes; returns, with its words, in the process that is one."""
    # Nobody waits for the forks.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = listening.accept()
        if not os.fork():
            listening.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _become_command(connection)
        connection.close()


def _become_command(connection: socket.socket) -> list[str]:
    """Fork again: one goes on as the command, the other tells how it ended."""
    length, files, *_ = socket.recv_fds(connection, 4, 3)
    with connection, connection.makefile("rb") as told:
        asked = json.loads(told.read(int.from_bytes(length, "big")))
        if command := os.fork():
            for file in files:
                os.close(file)
            connection.sendall(f"{command}\n".encode())
            status = os.waitstatus_to_exitcode(os.waitpid(command, 0)[1])
            connection.sendall(f"{status}\n".encode())
            os._exit(0)
    return _become(list(files), *asked)


def _become(
    files: list[int], words: list[str], folder: str, environment: dict[str, str], mask: int
) -> list[str]:
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.umask(mask)
    os.environ.clear()
    os.environ.update(environment)
    return words


def main(number: int) -> Any:
    """Serve the socket with this number; what is a command goes on as ``stemma`` does."""
    from scripts.stemma import main as stemma

    # What is loaded stays shared; a collection would write to every object, and so copy them all.
    gc.collect()
    gc.freeze()
    sys.argv = serve(socket.socket(fileno=number))
    return stemma()


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
