"""Settings are few, documented, and refused in a sentence when they cannot be used."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from serving import OPERATOR_KEY

from scripts.settings import (
    NAMES,
    BadSetting,
    Settings,
    read_log_keys,
    read_mail_password,
    read_settings,
)
from scripts.stemma import main

POSTGRES = "postgresql://stemma@db.example/stemma"


def test_nothing_has_to_be_set() -> None:
    settings = read_settings({"HOME": "/nowhere"})
    assert settings == Settings(
        database=f"sqlite:///{settings.data / 'stemma.db'}",
        data=Path.home() / ".local" / "share" / "stemma",
        log_key=str(settings.data / "log.key"),
    )
    assert (settings.host, settings.port, settings.threads) == ("127.0.0.1", 8000, 4)
    assert (settings.workers, settings.follow, settings.operator_key) == (1, True, None)


def test_data_is_kept_where_the_desktop_says_or_the_person() -> None:
    assert read_settings({"XDG_DATA_HOME": "/xdg"}).data == Path("/xdg/stemma")
    both = {"XDG_DATA_HOME": "/xdg", "STEMMA_DATA": "/here"}
    assert read_settings(both).database == "sqlite:////here/stemma.db"


def test_on_postgres_two_workers_serve_and_another_process_follows() -> None:
    settings = read_settings({"STEMMA_DATABASE": POSTGRES})
    assert (settings.database, settings.embedded) == (POSTGRES, False)
    assert (settings.workers, settings.follow) == (2, False)


def test_the_operator_is_reached_by_mail_or_at_a_page() -> None:
    for said, url in {
        "help@example.org": "mailto:help@example.org",
        "https://example.org/help": "https://example.org/help",
    }.items():
        assert read_settings({"STEMMA_CONTACT": said}).contact == url
    for wrong in ("Ana", "javascript:alert(1)", "mailto:a@example.org?bcc=b@example.org"):
        with pytest.raises(BadSetting, match=r"STEMMA_CONTACT .* or a mail address"):
            read_settings({"STEMMA_CONTACT": wrong})


@pytest.mark.parametrize(
    "host, address",
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("stemma.example", "http://stemma.example:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("::", "http://[::1]:8000"),
    ],
)
def test_a_server_is_opened_on_its_own_machine_at_an_address_that_works(
    host: str, address: str
) -> None:
    assert read_settings({"STEMMA_HOST": host}).local_address == address


@pytest.mark.parametrize(
    "name, value, given, said",
    [
        ("STEMMA_DATABASE", "sqlite:////env.db", "sqlite:////option.db", "database"),
        ("STEMMA_HOST", "192.0.2.1", "192.0.2.2", "host"),
        ("STEMMA_PORT", "8001", 8002, "port"),
        ("STEMMA_WORKERS", "3", 5, "workers"),
        ("STEMMA_THREADS", "3", 5, "threads"),
        ("STEMMA_FOLLOW", "no", True, "follow"),
    ],
)
def test_an_option_goes_before_the_environment(
    name: str, value: str, given: object, said: str
) -> None:
    from_environment = getattr(read_settings({name: value}), said)
    assert str(from_environment) == value or from_environment is False
    assert getattr(read_settings({name: value}, **{said: given}), said) == given
    assert getattr(read_settings({name: value}, **{said: None}), said) == from_environment


@pytest.mark.parametrize("name", sorted(NAMES))
def test_an_empty_variable_says_nothing(name: str) -> None:
    assert read_settings({name: ""}) == read_settings({})


@pytest.mark.parametrize(
    "name, value, reason",
    [
        ("STEMMA_DATABASE", "mysql://x", "it must be sqlite:///FILE or postgresql://…"),
        ("STEMMA_DATABASE", "stemma.db", "it must be sqlite:///FILE or postgresql://…"),
        ("STEMMA_DATABASE", "sqlite:///", "it must be sqlite:///FILE or postgresql://…"),
        ("STEMMA_DATABASE", "sqlite:///:memory:", "it must be sqlite:///FILE or postgresql://…"),
        ("STEMMA_DATABASE", "postgresql://[", "looking for matching"),
        ("STEMMA_DATABASE", "postgresql://x/y?colour=red", 'invalid URI query parameter: "colour"'),
        ("STEMMA_PORT", "0", "it must be a whole number from 1 to 65535"),
        ("STEMMA_PORT", "65536", "it must be a whole number from 1 to 65535"),
        ("STEMMA_PORT", "http", "it must be a whole number"),
        ("STEMMA_PORT", "٨٠٠٠", "it must be a whole number"),
        ("STEMMA_WORKERS", "-1", "it must be a whole number from 1"),
        ("STEMMA_WORKERS", "65", "it must be a whole number from 1 to 64"),
        ("STEMMA_THREADS", "257", "it must be a whole number from 1 to 256"),
        ("STEMMA_THREADS", "2.5", "it must be a whole number"),
        ("STEMMA_THREADS", "9" * 5000, "it must be a whole number"),
        ("STEMMA_FOLLOW", "maybe", "it must be yes or no"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_refused_by_name(name: str, value: str, reason: str) -> None:
    with pytest.raises(BadSetting, match=f"{name} is .*{re.escape(reason)}"):
        read_settings({name: value})


@pytest.mark.parametrize(
    "address",
    [
        "mysql://u:geheim@x/y",
        "postgresql://u:geheim@x/y?colour=red",
        "postgresql://u:geheim%zz@x/y",
        "postgresql://x/y?password=geheim%zz",
        "postgresql://x/y?passwd=geheim",
        "postgresql://u:ge@heim@x/y",
        "postgresql://u:pass/geheim@x/y",
        "postgresql://u:geheim/pass@x/y",
        "postgresql://u:geheim",
        "postgresql:/u:geheim@x/y",
        "postgresql//u:geheim@x/y",
        "postgres:u:geheim@x/y",
        "u:geheim@x/y",
        "host=x password=geheim",
        "sqlite://u:geheim@x/y",
    ],
)
def test_a_password_is_not_shown(address: str) -> None:
    with pytest.raises(BadSetting) as told:
        read_settings({"STEMMA_DATABASE": address})
    assert "geheim" not in str(told.value)


def test_a_file_is_known_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers run in another folder than the person who started them."""
    monkeypatch.chdir(tmp_path)
    assert read_settings({}, database="sqlite:///a.db").database == f"sqlite:///{tmp_path / 'a.db'}"
    assert "~" not in read_settings({}, database="sqlite:///~/a.db").database
    assert read_settings({"STEMMA_LOG_KEY": "log.key"}).log_key == str(tmp_path / "log.key")
    assert read_settings({"STEMMA_LOG_KEY": "env:KEY"}).said["STEMMA_LOG_KEY"] == "env:KEY"


def test_a_variable_with_a_secret_that_is_not_set_is_named() -> None:
    """The log was not signed, or mail sent without a password, and nothing said so."""
    told = {"STEMMA_LOG_KEY": "env:LOG_KEI", "STEMMA_SMTP_PASSWORD": "env:PASSWORT"}
    settings = read_settings(told)
    with pytest.raises(BadSetting, match="STEMMA_LOG_KEY: the environment variable LOG_KEI"):
        read_log_keys(settings, told)
    with pytest.raises(BadSetting, match="STEMMA_SMTP_PASSWORD: the environment variable PASSWORT"):
        read_mail_password(settings, told)


@pytest.mark.parametrize("name", ["STEMMA_DATA", "STEMMA_LOG_KEY", "STEMMA_DATABASE"])
def test_a_path_that_cannot_be_followed_is_refused(name: str) -> None:
    path = "~nobody-has-this-name/a"
    with pytest.raises(BadSetting, match=f"{name} is not a path"):
        read_settings({name: f"sqlite:///{path}" if name == "STEMMA_DATABASE" else path})


@pytest.mark.parametrize("port", ["0", "65536", "5432,99999"])
def test_a_port_that_does_not_exist_is_not_waited_for(port: str) -> None:
    with pytest.raises(BadSetting, match="a port is a number from 1 to 65535"):
        read_settings({"STEMMA_DATABASE": f"postgresql://stemma@db1,db2/stemma?port={port}"})


@pytest.mark.parametrize("database", ["sqlite:////tmp/a.db", POSTGRES])
@pytest.mark.parametrize("more", [{}, {"follow": True, "workers": 4}, {"follow": False}], ids=str)
def test_a_worker_reads_the_same_settings_again(database: str, more: Mapping[str, Any]) -> None:
    settings = read_settings({"STEMMA_OPERATOR_KEY": OPERATOR_KEY}, database=database, **more)
    assert read_settings(settings.said) == settings
    assert settings.said.keys() == NAMES.keys()


def test_settings_are_read_once_and_never_changed() -> None:
    settings = read_settings({})
    with pytest.raises(AttributeError):
        settings.port = 1  # type: ignore[misc]
    assert "STEMMA_PORT" not in os.environ


def test_the_help_of_the_command_line_names_every_setting() -> None:
    assert [name for name in NAMES if name not in str(main.epilog)] == []
