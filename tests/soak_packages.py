"""Carries out what the Dockerfile, the compose file and the units say, without docker or systemd.

    .venv/bin/python tests/soak_packages.py

In a folder of its own it runs the RUN lines of the first stage with only what is copied there, then
on a real PostgreSQL the commands of the services with their settings, their health checks, and the
reload of the unit while clients ask. It takes a minute or two, and needs the network once.
"""

import http.client
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from databases import started_postgres
from test_packages import DEPLOY, ROOT, UNITS, instructions

from scripts.benchmarks.load import free_port

QUIET: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
CLIENTS = 8
SECONDS = 25.0
"""How long clients ask while the workers are replaced."""


def say(line: str) -> None:
    """One line of the report."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def build(source: Path, installed: Path) -> None:
    """The first stage of the image: its COPY and RUN lines, with other paths."""
    stages = 0
    source.mkdir()
    for word, rest in instructions():
        stages += word == "FROM"
        if stages > 1:
            return
        if word == "COPY":
            *copied, target = rest.split()
            for one in copied:
                to = source / (one if target in (".", "./") else target)
                to.parent.mkdir(parents=True, exist_ok=True)
                if (ROOT / one).is_dir():
                    shutil.copytree(ROOT / one, to, dirs_exist_ok=True)
                else:
                    shutil.copy(ROOT / one, to)
        elif word == "RUN":
            command = rest.replace("/opt/stemma", str(installed)).replace(
                "python -m", f"{python()} -m"
            )
            subprocess.run(command, shell=True, check=True, cwd=source, **QUIET)
            say(f"ran   {rest}")


def python() -> str:
    return getattr(sys, "_base_executable", sys.executable)


def settings_of(service: dict[str, Any], url: str, data: Path, port: int) -> dict[str, str]:
    """The environment of a service of the compose file, and of the image."""
    image = dict(
        word.split("=", 1)
        for name, rest in instructions()
        if name == "ENV"
        for word in shlex.split(rest)
    )
    told = {
        name: re.sub(r"\$\{\w+:?-?([^}]*)\}", r"\1", value)
        for name, value in service["environment"].items()
    }
    return {
        **{name: value for name, value in (image | told).items() if name.startswith("STEMMA_")},
        "STEMMA_DATABASE": url,
        "STEMMA_DATA": str(data),
        "STEMMA_LOG_KEY": str(data / "log.key"),
        "STEMMA_PORT": str(port),
    }


@contextmanager
def running(
    words: list[str], environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A service, ended as the image is."""
    with log.open("wb") as file:
        process = subprocess.Popen(words, env=environment, stdout=file, stderr=file, cwd="/")
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        say(f"ended {Path(words[0]).name} {words[1]} with {process.returncode}")


def healthy(check: list[str], environment: dict[str, str], bin: Path, seconds: float = 40) -> None:
    """A health check, until it is passed."""
    begun, end = time.monotonic(), time.monotonic() + seconds
    while subprocess.run(
        [bin / check[0], *check[1:]], env=environment, check=False, capture_output=True, cwd="/"
    ).returncode:
        if time.monotonic() > end:
            raise SystemExit(f"not healthy: {shlex.join(check)}")
        time.sleep(0.5)
    say(f"good  {shlex.join(check)} after {time.monotonic() - begun:.1f} s")


class Clients:
    """Ask again and again, each time on a new connection; what failed is counted."""

    def __init__(self, port: int) -> None:
        self.port, self.answered, self.failed, self.slowest = port, 0, list[str](), 0.0
        self._lock = threading.Lock()

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        threads = [threading.Thread(target=self._ask, args=(end,)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _ask(self, end: float) -> None:
        while time.monotonic() < end:
            begun = time.monotonic()
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                connection.request("GET", "/health")
                answer = connection.getresponse()
                answer.read()
                connection.close()
                said = "" if answer.status == 200 else str(answer.status)
            except OSError as error:
                said = repr(error)
            with self._lock:
                self.slowest = max(self.slowest, time.monotonic() - begun)
                self.answered += not said
                self.failed += [said] if said else []
            time.sleep(0.005)


def reload(process: subprocess.Popen[bytes], port: int) -> None:
    """ExecReload of the unit, with clients asking meanwhile."""
    lines = "\n".join(unit.read_text() for unit in UNITS)
    (command,) = re.findall(r"^ExecReload=(.+)$", lines, re.MULTILINE)
    clients = Clients(port)
    asking = threading.Thread(target=clients.run, args=(SECONDS,))
    asking.start()
    time.sleep(2)
    before = workers(process.pid)
    subprocess.run(shlex.split(command.replace("$MAINPID", str(process.pid))), check=True)
    asking.join()
    replaced = len(set(before) - set(workers(process.pid)))
    say(
        f"ran   {command}: {replaced} of {len(before)} workers replaced, {clients.answered:,} "
        f"answers, {len(clients.failed)} failed {sorted(set(clients.failed))}, slowest "
        f"{clients.slowest:.2f} s"
    )
    if clients.failed or replaced != len(before):
        raise SystemExit("the reload was not graceful")


def workers(of: int) -> list[int]:
    told = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(of)], capture_output=True, text=True, check=True
    )
    return sorted(map(int, told.stdout.split()))


def main() -> None:
    """Everything, in order."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    api, follower = compose["services"]["api"], compose["services"]["follower"]
    (check,) = (
        json.loads(rest.partition("CMD ")[2])
        for word, rest in instructions()
        if word == "HEALTHCHECK"
    )
    with tempfile.TemporaryDirectory() as folder, started_postgres() as url:
        place, port = Path(folder), free_port()
        installed, data = place / "stemma", place / "data"
        data.mkdir(mode=0o700)
        build(place / "source", installed)
        shutil.rmtree(place / "source")
        bin = installed / "bin"
        serving, following = (settings_of(one, url, data, port) for one in (api, follower))
        path = {"PATH": os.environ["PATH"]}
        subprocess.run(
            [bin / "stemma", "key", "new", "example.org/log"],
            env=path | serving,
            check=True,
            cwd="/",
            stdout=subprocess.DEVNULL,
        )
        log = place / "log"
        with (
            running(
                [str(bin / api["command"][0]), *api["command"][1:]], path | serving, log
            ) as server,
            running(
                [str(bin / "stemma"), *follower["command"][1:]], path | following, place / "log2"
            ),
        ):
            healthy(follower["healthcheck"]["test"][1:], path | following, bin)
            healthy(check, path | serving, bin)
            reload(server, port)
            healthy(check, path | serving, bin)
        assert all(json.loads(line) for line in log.read_text().splitlines() if line[:1] == "{")
    say("everything held")


if __name__ == "__main__":
    main()
