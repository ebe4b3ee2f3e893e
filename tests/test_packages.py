"""The image, the compose file and the units are true: what they name exists, what they run parses.

Rule: this reads the files as their tools do; `tests/soak_packages.py` carries out what they say.
"""

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from serving import serving

from scripts import doctor
from scripts.settings import NAMES, read_settings
from scripts.stemma import main

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "scripts" / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
HIGHEST_EXPOSURE = 2.0
"""Of `systemd-analyze security`, where 10 is a service that may do everything."""


def project() -> configparser.SectionProxy:
    told = configparser.ConfigParser()
    told.read(ROOT / "setup.cfg")
    return told["metadata"]


def must_parse(words: Sequence[str]) -> None:
    """A command line of ours, as click reads it, without carrying it out."""
    assert Path(words[0]).name == "stemma", words
    command: click.Command = main
    context = main.make_context("stemma", list(words[1:]))
    while isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command, context = found, found.make_context(name, list(rest), parent=context)


# -- threats -----------------------------------------------------------------------------------


def test_every_test_that_shows_what_stops_a_threat_exists() -> None:
    named = re.findall(r"`(tests/\w+\.py)(?:::(\w+))?`", (ROOT / "THREATS.md").read_text())
    assert len(named) > 20
    for file, test in named:
        text = (ROOT / file).read_text()
        assert not test or re.search(rf"^def {test}\(", text, re.MULTILINE), f"{file}::{test}"


# -- the image ---------------------------------------------------------------------------------


def instructions() -> Iterator[tuple[str, str]]:
    """The instructions of the Dockerfile."""
    text = (DEPLOY / "Dockerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        yield word, rest.strip()


def of_image(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    (user,) = of_image("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "a number: Kubernetes checks no names"
    stages = of_image("FROM")
    assert len(stages) == 2
    assert "AS built" in stages[0]
    (health,) = of_image("HEALTHCHECK")
    must_parse(json.loads(health.partition("CMD ")[2]))
    (command,) = of_image("CMD")
    must_parse(json.loads(command))


def test_the_image_has_a_python_that_the_project_runs_on() -> None:
    for stage in of_image("FROM"):
        named = re.match(r"python:(\d+)\.(\d+)-slim", stage)
        assert named is not None
        assert (3, 11) <= (int(named[1]), int(named[2])) <= (3, 13)


def test_what_the_image_copies_exists_and_what_it_installs_is_locked() -> None:
    for copied in of_image("COPY"):
        if not copied.startswith("--from"):
            *sources, _ = copied.split()
            for source in sources:
                assert (ROOT / source).exists(), source
    fetching = [run for run in of_image("RUN") if "pip install" in run]
    assert all("--require-hashes" in run or "--no-deps" in run for run in fetching)


def test_every_setting_of_the_image_exists() -> None:
    words = shlex.split(" ".join(of_image("ENV")))
    settings = dict(word.split("=", 1) for word in words if word.startswith("STEMMA_"))
    assert set(settings) <= set(NAMES)
    assert read_settings(settings).host == "0.0.0.0"


# -- compose -----------------------------------------------------------------------------------


@pytest.fixture
def compose() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return told


def test_compose_runs_a_database_two_workers_a_follower_and_a_proxy(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    assert set(services) == {"database", "api", "follower", "proxy"}
    assert example()["STEMMA_WORKERS"] == "2"
    assert services["api"]["image"] == f"stemma:{project()['version']}"
    assert services["database"]["networks"] == ["inside"]
    assert "ports" not in services["database"] | services["api"] | services["follower"]
    for name in ("api", "follower"):
        one = services[name]
        must_parse(one["command"])
        assert one["read_only"] is True
        assert one["cap_drop"] == ["ALL"]
        assert one["restart"] == "always"
        assert [each["path"] for each in one["env_file"]] == [".env"]
        assert "outside" in one["networks"], "mail, webhooks and witnesses are elsewhere"
        assert set(one["environment"]) <= {*NAMES, "PGPASSWORD"}
        assert "PASSWORD" not in one["environment"]["STEMMA_DATABASE"], "it may contain / or @"
    must_parse(services["follower"]["healthcheck"]["test"][1:])
    major = re.match(r"postgres:(\d+)", services["database"]["image"])
    assert major is not None
    assert int(major[1]) * 10000 >= doctor.OLDEST_POSTGRES


def test_every_variable_of_compose_is_in_the_example(compose: dict[str, Any]) -> None:
    used = set(re.findall(r"\$\{(\w+)", json.dumps(compose)))
    assert used <= set(example())


def test_every_file_and_volume_of_compose_exists(compose: dict[str, Any]) -> None:
    build = compose["x-stemma"]["build"]
    assert (DEPLOY / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (DEPLOY / source).is_file() or source in compose["volumes"]


def test_docker_itself_can_read_the_compose_file() -> None:
    docker = shutil.which("docker")
    asked = [str(docker), "compose", "--file", str(DEPLOY / "compose.yaml"), "config", "--quiet"]
    if docker is None or subprocess.run([docker, "compose", "version"], check=False).returncode:
        pytest.skip("there is no docker compose here")
    environment = os.environ | {"DATABASE_PASSWORD": "x"}
    subprocess.run(asked, check=True, env=environment)


def test_the_proxy_asks_for_the_address_of_a_server_that_it_cannot_reach(
    compose: dict[str, Any],
) -> None:
    """Docker gives a server that crashed, together with the follower, an address at random."""
    services = compose["services"]
    assert "nginx -s reload" in services["proxy"]["healthcheck"]["test"][1]
    assert set(services["proxy"]["networks"]) & set(services["api"]["networks"]) == {"inside"}


def test_the_proxy_passes_to_the_port_of_the_image_and_gives_requests_an_id() -> None:
    proxy = (DEPLOY / "nginx.conf").read_text()
    (port,) = of_image("EXPOSE")
    assert f"server api:{port}" in proxy
    assert "proxy_set_header X-Request-Id $request_id;" in proxy
    assert "location = /metrics" in proxy


# -- Prometheus ----------------------------------------------------------------------------------


def test_each_alarm_is_explained_and_asks_for_figures_that_there_are(tmp_path: Path) -> None:
    rules = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"][0]["rules"]
    guide = (ROOT / "api/web/docs/how-to/run-it-in-production.md").read_text()
    explained = re.findall(r"^\| `(Stemma\w+)` \|", guide, re.MULTILINE)
    assert [one["alert"] for one in rules] == explained
    token = "token-of-the-metrics"
    with serving(f"sqlite:///{tmp_path / 'a.db'}", metrics_token=token) as served:
        told = served.client(token).get("/metrics").text
    asked = re.findall(r"stemma_\w+", " ".join(one["expr"] for one in rules))
    assert len(asked) == 7
    assert all(f"# TYPE {name.removesuffix('_total')}" in told for name in asked)


def test_prometheus_itself_can_read_the_rules() -> None:
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("there is no promtool here")
    subprocess.run([promtool, "check", "rules", str(DEPLOY / "alerts.yaml")], check=True)


# -- systemd -----------------------------------------------------------------------------------


def example() -> dict[str, str]:
    """The variables of stemma.env."""
    lines = (DEPLOY / "stemma.env").read_text().splitlines()
    told = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in told}


def test_the_example_of_the_environment_holds_settings_and_no_secret() -> None:
    settings = {name for name in example() if name.startswith("STEMMA_")}
    assert settings <= set(NAMES)
    assert read_settings({name: example()[name] for name in settings}).workers == 2
    for name, value in example().items():
        assert not value or not re.search("KEY|TOKEN|PASSWORD", name)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_what_a_unit_runs_exists(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    (started,) = (line.partition("=")[2] for line in lines if line.startswith("ExecStart="))
    must_parse(started.split())
    for line in lines:
        if line.startswith("Environment="):
            assert line.split("=")[1] in NAMES
    assert "ProtectSystem=strict" in lines
    assert "NoNewPrivileges=yes" in lines
    assert "User=stemma" in lines


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_a_unit_and_finds_it_hardened(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name
    # It looks whether the program is there.
    copy.write_text(unit.read_text().replace("/opt/stemma/bin/stemma", sys.executable))
    verified = analyze("verify", str(copy))
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = analyze("security", "--offline=true", str(copy)).stdout
    exposure = re.search(r"exposure level for .*: ([\d.]+)", judged)
    assert exposure is not None
    assert float(exposure[1]) <= HIGHEST_EXPOSURE


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)
