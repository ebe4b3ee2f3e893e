"""Several communities served by one installation, each as if it were alone.

The rule: a community has a database or schema, keys and a log of its own, and inherits no secret.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from scripts.safe_file import refusal_of
from scripts.settings import (
    NAMES,
    OF_ISSUER,
    BadSetting,
    Settings,
    in_variable,
    inherited,
    read_log_keys,
    read_settings,
    whereabouts,
)

OWN = {
    *("STEMMA_DATABASE", "STEMMA_READ_DATABASE", "STEMMA_DATA", "STEMMA_OPERATOR_KEY"),
    *("STEMMA_LOG_KEY", *OF_ISSUER),
}
"""The variables that a community does not inherit from the common environment."""
OF_ALL = {
    *("STEMMA_COMMUNITIES", "STEMMA_HOST", "STEMMA_PORT", "STEMMA_WORKERS", "STEMMA_THREADS"),
    *("STEMMA_REQUEST_SECONDS", "STEMMA_LOGS", "STEMMA_METRICS_TOKEN", "STEMMA_TRUSTED_PROXIES"),
    *("STEMMA_UPGRADE", "STEMMA_FOLLOW"),
}
"""The variables that are set once for the processes that serve all of them."""
SHARED = (
    *("host", "port", "workers", "threads", "request_seconds", "logs", "metrics_token"),
    *("trusted_proxies", "upgrade", "follow"),
)
"""The settings read from OF_ALL."""
KEPT = ("log_key", "smtp_password")
"""The settings that name a file, and whose readers understand “env:NAME” themselves."""
_NAME = re.compile("[a-z][a-z0-9-]{0,62}")
_SCHEMA = re.compile("[a-z_][a-z0-9_]{0,62}")
_PATH = re.compile("(/[A-Za-z0-9_-]+)+")
_HOST = re.compile(r"[a-z0-9.:\[\]-]+")


COMMUNITY = ContextVar("community", default="")
"""The name of the one for which a thread works outside of requests: it is in the lines of its log.

A thread that goes on working for it is started in a copy of this context.
"""


class Community(NamedTuple):
    """A community, and where it is served."""

    name: str
    settings: Settings
    hosts: tuple[str, ...]
    """Empty: any host."""
    path: str
    """The prefix of its URLs' paths; empty: all."""

    @property
    def places(self) -> list[tuple[str, str]]:
        """The hosts and the path at which it is served."""
        return [(host, self.path) for host in self.hosts or ("",)]


def read_communities(
    settings: Settings, environ: Mapping[str, str] | None = None
) -> dict[str, Community]:
    """By name: the communities of the file in the settings; raises BadSetting for a bad one."""
    environ = inherited({}) if environ is None else environ
    file = Path(settings.communities)
    try:
        told = tomllib.loads(file.read_text())
    except (OSError, ValueError) as error:
        why = refusal_of(error) if isinstance(error, OSError) else f"{file}: {error}"
        raise BadSetting(f"STEMMA_COMMUNITIES: {why}") from error
    found = {name: _community(name, one, settings, environ) for name, one in told.items()}
    if not found:
        raise BadSetting(f"STEMMA_COMMUNITIES: {file} names no community")
    _must_be_apart(found.values(), environ)
    return found


def community_named(settings: Settings, name: str) -> Settings:
    """The settings of one community."""
    if not settings.communities:
        raise BadSetting("--community: STEMMA_COMMUNITIES names no file with communities")
    found = read_communities(settings)
    if name not in found:
        raise BadSetting(f"--community: there is no “{name}”, only {', '.join(found)}")
    return found[name].settings


def _community(name: str, told: Any, settings: Settings, environ: Mapping[str, str]) -> Community:
    place = f"STEMMA_COMMUNITIES: {name}"
    if not _NAME.fullmatch(name) or not isinstance(told, dict):
        raise BadSetting(f"{place}: a community is a table such as [harbour], in small letters")
    said = dict(told)
    if not isinstance(said.get("hosts", []), list):
        raise BadSetting(f'{place}: hosts are a list, such as ["harbour.example.org"]')
    hosts = tuple(str(host).lower().rstrip(".") for host in said.pop("hosts", ()))
    path, schema = str(said.pop("path", "")), str(said.pop("schema", ""))
    if not all(map(_HOST.fullmatch, hosts)) or not (not path or _PATH.fullmatch(path)):
        raise BadSetting(f"{place}: hosts are names, and a path is such as /{name}")
    own = {
        f"STEMMA_{key.upper()}": str(value) if key in KEPT else _text(place, value, environ)
        for key, value in said.items()
    }
    if wrong := sorted(own.keys() - (NAMES.keys() - OF_ALL)):
        raise BadSetting(f"{place}: {wrong[0].removeprefix('STEMMA_').lower()} can't be said here")
    if schema:
        own["STEMMA_DATABASE"] = _in_schema(place, own.get("STEMMA_DATABASE", ""), schema)
        if standbys := own.get("STEMMA_READ_DATABASE", "").split():
            read_there = [_in_schema(place, standby, schema) for standby in standbys]
            own["STEMMA_READ_DATABASE"] = " ".join(read_there)
    of_all = {key: value for key, value in environ.items() if key not in OWN | OF_ALL}
    data = {"STEMMA_DATA": str(settings.data / name)}
    try:
        read = read_settings({**data, **of_all, **own})
    except BadSetting as error:
        raise BadSetting(f"{place}: {error}") from error
    shared = {field: getattr(settings, field) for field in SHARED}
    first = next(iter(hosts), ""), path
    return Community(name, replace(read, **shared, place=first), hosts, path)


def _text(place: str, value: object, environ: Mapping[str, str]) -> str:
    """A value as text; “env:NAME” is replaced by that environment variable."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(_text(place, one, environ) for one in value)
    text = str(value)
    return in_variable(place, text, environ) if text.startswith("env:") else text


def _in_schema(place: str, database: str, schema: str) -> str:
    if not database.startswith(("postgresql://", "postgres://")) or "options=" in database:
        raise BadSetting(f"{place}: a schema is one of a PostgreSQL database without options")
    if not _SCHEMA.fullmatch(schema):
        raise BadSetting(f"{place}: “{schema}” is not a schema: small letters, digits and _")
    return f"{database}{'&' if '?' in database else '?'}options=-csearch_path%3D{schema}"


def _must_be_apart(communities: Iterable[Community], environ: Mapping[str, str]) -> None:
    """Raise BadSetting if two have the same database, key, log or place."""
    found = list(communities)
    _must_differ("database", [(one.name, whereabouts(one.settings.database)) for one in found])
    _must_differ("log_key", [(one.name, one.settings.log_key) for one in found])
    keys = [(one.name, read_log_keys(one.settings, environ).signer) for one in found]
    _must_differ("name of the log", [(name, key.name) for name, key in keys if key])
    secrets = [(one.name, one.settings.operator_key) for one in found]
    _must_differ("operator_key", [(name, secret) for name, secret in secrets if secret])
    places = chain.from_iterable([(one.name, place) for place in one.places] for one in found)
    _must_differ("host and path", places)


def _must_differ(what: str, values: Iterable[tuple[str, object]]) -> None:
    first: dict[object, str] = {}
    for name, value in values:
        if value in first:
            raise BadSetting(f"STEMMA_COMMUNITIES: {first[value]} and {name} have the same {what}")
        first[value] = name
