"""The doctor: examines an installation, and gives advice for each finding.

It records nothing, needs no key, and prints no secret: of a setting only whether it is valid.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import stat
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

from domain.checkpoint import open_checkpoint
from domain.engine import EMBEDDED, DatabaseDamaged, DatabaseUnavailable, UpgradeNeeded
from domain.tree import NotVerified
from projections.progress import no_progress
from projections.readiness import FAILED as CHECK_FAILED
from projections.readiness import Check, Readiness
from projections.typesetting import TypstError, typeset
from projections.wording import several
from scripts.difference import all_differences
from scripts.links import guards
from scripts.pushing import of_unknown_kind
from scripts.safe_file import refusal_of
from scripts.service import Service, open_by
from scripts.settings import BadSetting, Settings, read_log_keys, read_mail_password

OK, WARNING, FAILED, SKIPPED = "ok", "warning", "failed", "skipped"

LOCK = Path(__file__).parent / "locks" / "run.txt"
"""The exact versions that the tests ran with."""
OLDEST_PYTHON = (3, 11)
OLDEST_POSTGRES = 130000
LEAST_FREE_BYTES, ENOUGH_FREE_BYTES = 64 << 20, 1 << 30
CLOCKS_AGREE_SECONDS, CLOCKS_DIFFER_SECONDS = 2, 60
COSIGNED_WITHIN = timedelta(minutes=10)
OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Found(NamedTuple):
    """What one examination found, and what to do about it."""

    name: str
    status: str
    detail: str
    advice: str = ""


Said = tuple[str, str] | tuple[str, str, str]
"""(status, detail) or (status, detail, advice)."""

ON_SETTINGS: dict[str, Callable[[Settings], Said]] = {}
ON_DATABASE: dict[str, Callable[[Settings, Service], Said]] = {}
READINGS = ("storage", "tables", "follower", "projections", "log")
"""The checks of /ready that the doctor makes, too."""


def names() -> list[str]:
    """The names of all examinations, in order."""
    return ["settings", *ON_SETTINGS, "database", *READINGS, *ON_DATABASE]


def examine(read: Callable[[], Settings], only: Collection[str] = ()) -> Iterator[Found]:
    """Examine everything, or only what is named; skips what depends on something broken."""
    wanted = set(only or names())
    try:
        settings = read()
        read_log_keys(settings)  # without it and the next the server does not start
        read_mail_password(settings)
    except BadSetting as error:
        yield Found("settings", FAILED, str(error), "Correct it; see /docs/reference/settings.")
        yield from _skipped(wanted - {"settings"}, "settings")
        return
    if "settings" in wanted:
        yield Found("settings", *_named(settings))
    for name, look in ON_SETTINGS.items():
        if name in wanted:
            yield Found(name, *look(settings))
    if of_database := wanted.intersection(["database", *READINGS, *ON_DATABASE]):
        yield from _of_database(settings, of_database)


def _named(settings: Settings) -> Said:
    if settings.misspelt:
        said = f"Nothing reads {', '.join(settings.misspelt)}."
        return WARNING, said, f"Is {', '.join(settings.misspelt.values())} meant?"
    return OK, "Every setting can be used."


def _of_database(settings: Settings, wanted: Collection[str]) -> Iterator[Found]:
    with ExitStack() as stack:
        try:
            service = stack.enter_context(
                open_by(settings, create=False, standbys=settings.standbys)
            )
            version = _version(settings, service)
        except (BadSetting, DatabaseUnavailable, OSError) as error:
            advice = "Start it, or correct the settings; “stemma serve” creates the tables."
            if isinstance(error, DatabaseDamaged):
                advice = "Restore the latest backup: “stemma restore”."
            elif isinstance(error, UpgradeNeeded):
                advice = "Do as it says."
            yield Found("database", FAILED, _brief(error), advice)
            yield from _skipped(set(wanted) - {"database"}, "database")
            return
        found = [Found("database", *version), *_readings(service)]
        found += [Found(name, *look(settings, service)) for name, look in ON_DATABASE.items()]
        yield from (one for one in found if one.name in wanted)


def _skipped(wanted: Collection[str], needed: str) -> Iterator[Found]:
    for name in names():
        if name in wanted:
            yield Found(name, SKIPPED, f"This needs the {needed}.")


def _brief(error: Exception) -> str:
    told = refusal_of(error) if isinstance(error, OSError) else str(error)
    return told.partition("\n")[0]


ADVICE = {
    "storage": "Free space, or make the database writable; see its own log.",
    "tables": "Run “stemma rebuild” or “stemma upgrade”, as it says.",
    "follower": "Start “stemma follow”, or serve with --follow; if one runs, restart it.",
    "projections": "Look into the logs of the follower; “stemma rebuild” folds everything again.",
    "log": "Look into the logs of the follower; “stemma verify database” finds a damaged tile. If "
    "the database went back, see “Back up and restore”.",
}


def _readings(service: Service) -> Iterator[Found]:
    read = Readiness(service.journal, service.store, service.log).find_out()
    for name in READINGS:
        check = read.checks.get(name, Check(CHECK_FAILED, "A table is missing."))
        advice = ADVICE[name] if check.status == CHECK_FAILED else ""
        yield Found(name, OK if not advice else FAILED, check.detail, advice)


# -- examinations without a database ---------------------------------------------------------


def _on_settings(look: Callable[[Settings], Said]) -> Callable[[Settings], Said]:
    ON_SETTINGS[look.__name__.removeprefix("look_at_")] = look
    return look


@_on_settings
def look_at_python(_settings: Settings) -> Said:
    """The version of Python."""
    if sys.version_info < OLDEST_PYTHON:
        return FAILED, f"Python {platform.python_version()}", "Stemma needs 3.11 or newer."
    return OK, f"Python {platform.python_version()}"


@_on_settings
def look_at_witnesses(settings: Settings) -> Said:
    """Whether the keys of witnesses are understood, and who can be sent checkpoints."""
    if settings.unknown_witnesses:
        told = "; ".join(map(of_unknown_kind, settings.unknown_witnesses))
        return WARNING, f"{told}.", "Update cryptography, or take them out of the settings."
    asked = settings.policy.witnesses if settings.policy else {}
    if absent := [name for name, one in asked.items() if not one.url]:
        return WARNING, f"No address of {', '.join(absent)}.", "Name it in STEMMA_WITNESS_POLICY."
    known = several(len(settings.witnesses), "witness", "witnesses")
    return OK, f"{known}; checkpoints are sent to {len(asked)}."


@_on_settings
def look_at_dependencies(_settings: Settings) -> Said:
    """Installed versions against the lock."""
    if wrong := [told for line in locked() if (told := _difference(line))]:
        return WARNING, f"Not as locked: {', '.join(wrong)}.", "Install from scripts/locks/run.txt."
    return OK, "Every dependency is as locked."


def locked() -> Iterator[Requirement]:
    """The lines of the lock that are meant for this machine."""
    for line in LOCK.read_text().splitlines():
        if line and line[0] not in "# ":
            requirement = Requirement(line.rstrip("\\ "))
            if requirement.marker is None or requirement.marker.evaluate():
                yield requirement


def _difference(wanted: Requirement) -> str:
    try:
        there = version(wanted.name)
    except PackageNotFoundError:
        return f"{wanted.name} is missing"
    return "" if wanted.specifier.contains(there) else f"{wanted.name} {there}{wanted.specifier}"


@_on_settings
def look_at_data(settings: Settings) -> Said:
    """The folder of STEMMA_DATA, and that of an embedded database: whether there is room."""
    folders = {settings.data}
    if settings.embedded:
        folders.add(Path(settings.database.removeprefix(EMBEDDED)).parent)
    for folder in folders:
        if not folder.is_dir():
            return WARNING, f"There is no folder {folder} yet.", "“stemma serve” makes it."
        if not os.access(folder, os.W_OK):
            if os.statvfs(folder).f_flag & os.ST_RDONLY:
                return FAILED, f"{folder} is on a read-only file system.", "Mount it for writing."
            return FAILED, f"{folder} cannot be written.", "chown it to the user that runs Stemma."
    free, folder = min((shutil.disk_usage(folder).free, folder) for folder in folders)
    said = f"{folder} has {free >> 20} MiB left."
    if free < LEAST_FREE_BYTES:
        return FAILED, said, "Free space; writes will fail soon."
    return (WARNING, said, "Free space soon.") if free < ENOUGH_FREE_BYTES else (OK, said)


@_on_settings
def look_at_modes(settings: Settings) -> Said:
    """Files that hold secrets or names are for their owner alone, and so is who replaces them."""
    kept = [settings.log_key, settings.smtp_password]
    files = [Path(one) for one in kept if one and not one.startswith("env:")]
    folders = {settings.data, *(file.parent for file in files)}
    if settings.embedded:
        database = Path(settings.database.removeprefix(EMBEDDED))
        files += [database.with_name(f"{database.name}{end}") for end in ("", "-wal", "-shm")]
        folders.add(database.parent)
    if shared := _with_mode(OTHERS, files):
        return FAILED, f"Others may open {', '.join(shared)}.", f"chmod 600 {' '.join(shared)}"
    if open_to_all := " ".join(_with_mode(stat.S_IWOTH, folders)):
        return FAILED, f"Anyone may put files into {open_to_all}.", f"chmod o-w {open_to_all}"
    return OK, "Only the owner may open the files of Stemma."


def _with_mode(mode: int, paths: Iterable[Path]) -> list[str]:
    """The paths that are there and give one of these permissions."""
    return sorted(str(one) for one in paths if one.exists() and one.stat().st_mode & mode)


@_on_settings
def look_at_fonts(_settings: Settings) -> Said:
    """Statements are typeset in fonts that come with Stemma."""
    try:
        made = typeset("Stemma", {}, format="pdf")
    except (TypstError, OSError) as error:
        return FAILED, f"A PDF could not be made: {_brief(error)}", "Install Stemma again."
    return OK, f"A PDF can be made ({len(made)} bytes)."


@_on_settings
def look_at_ready(settings: Settings) -> Said:
    """Whether a server answers on the port, and that it is ready."""
    host, path = settings.place
    headers = {"Host": host} if host else {}
    asked = urllib.request.Request(f"{settings.local_address}{path}/ready", headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=3) as answer:
            return OK, f"A server is {json.load(answer)['status']} on port {settings.port}."
    except urllib.error.HTTPError as problem:
        return FAILED, f"{_failing(problem)}", "See the other findings."
    except (OSError, ValueError, KeyError, TypeError):
        return _port(settings)


def _failing(problem: urllib.error.HTTPError) -> str:
    try:
        checks = json.load(problem)["checks"]
        failed = [name for name, check in checks.items() if check["status"] != OK]
        return f"The server is not ready: {', '.join(failed)}."
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"Something answers {problem.code} on the port."


def _port(settings: Settings) -> Said:
    try:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((settings.host, settings.port))
    except OSError as error:
        said = f"Port {settings.port} is taken, and no Stemma answers: {error.strerror}."
        return FAILED, said, "Choose another STEMMA_PORT, or stop what listens there."
    return WARNING, f"No server answers; port {settings.port} is free.", "Start “stemma serve”."


# -- examinations of the database ------------------------------------------------------------


def _version(settings: Settings, service: Service) -> Said:
    if settings.embedded:
        ((said,),) = service.engine.query("SELECT sqlite_version()")
        return OK, f"SQLite {said}."
    ((number,),) = service.engine.query("SHOW server_version_num")
    said = f"PostgreSQL {int(number) // 10000}."
    if int(number) < OLDEST_POSTGRES:
        return FAILED, said, "Stemma needs PostgreSQL 13 or newer."
    if off := [name for (name,) in service.engine.query(_NOT_DURABLE)]:
        said = f"{said} After a crash it may lack what was acknowledged: {', '.join(off)} = off."
        return WARNING, said, "Leave them on, for the role and the database, too."
    return OK, said


_NOT_DURABLE = (
    "SELECT name FROM pg_settings WHERE setting = 'off' "
    "AND name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name"
)


def _on_database(
    look: Callable[[Settings, Service], Said],
) -> Callable[[Settings, Service], Said]:
    ON_DATABASE[look.__name__.removeprefix("look_at_")] = look
    return look


@_on_database
def look_at_clock(_settings: Settings, service: Service) -> Said:
    """This machine's clock against that of the database."""
    if problem := service.journal.clock_problem():
        advice = "Let NTP set it; if the latest facts are wrong: stemma accept-clock"
        return FAILED, problem, advice
    before = time.time()
    theirs = service.engine.now()
    apart = abs(theirs - (before + time.time()) / 2)
    said = f"The clocks of this machine and the database are {apart:.1f} seconds apart."
    if apart > CLOCKS_DIFFER_SECONDS:
        return FAILED, said, "Let NTP set both clocks."
    return (WARNING, said, "Let NTP set both.") if apart > CLOCKS_AGREE_SECONDS else (OK, said)


@_on_database
def look_at_log_key(_settings: Settings, service: Service) -> Said:
    """The key that signs the log, against what is signed."""
    keys, signed = service.log.public_keys(), service.log.checkpoint()
    if not keys and signed is not None:
        said = f"The log is signed up to {signed.size}, and the key that signed it is not there."
        advice = (
            "Put the file of STEMMA_LOG_KEY back. If it is lost, begin a log under another name: "
            "stemma key new example.org/log-2"
        )
        return FAILED, said, advice
    if not keys:
        advice = "stemma key new example.org/log"
        return WARNING, "The log is not signed: there is no key.", advice
    if signed is None:
        return OK, "There is a key; nothing has been signed yet."
    try:
        open_checkpoint(signed.note, keys)
    except NotVerified:
        advice = "Put the former key back, or keep its public key in the file."
        return FAILED, "The key did not sign the log of this database.", advice
    return OK, f"The key signed the log at size {signed.size}."


@_on_database
def look_at_cosigned(settings: Settings, service: Service) -> Said:
    """Whether witnesses keep up with what is signed: by a policy, nothing is published before."""
    if not settings.witnesses:
        return OK, "There are no witnesses."
    signed, cosigned = service.log.signed_sizes()
    since = next((one.point.moment for one in service.journal.read(cosigned, 1)), None)
    is_late = since is not None and service.journal.clock() - since > COSIGNED_WITHIN
    said = f"Cosigned up to {cosigned}, signed up to {signed}"
    if cosigned < signed and is_late:
        last = service.log.last_seen().items()
        behind = ", ".join(f"{one.name} at {size}" for one, size in last if size < signed)
        advice = (
            "The log of the follower says why. If one has cosigned a tree that is not yours, see "
            "“If the log's key was stolen” in /docs/how-to/run-it-on-postgresql."
        )
        return WARNING, f"{said}; behind: {behind}.", advice
    return OK, f"{said}."


@_on_database
def look_at_triggers(_settings: Settings, service: Service) -> Said:
    """Whether the triggers that protect facts, the keys and the indexes are there."""
    found = all_differences(guards, service, no_progress)
    advice = "“stemma upgrade” makes triggers and indexes again; a key needs ALTER TABLE."
    is_whole = isinstance(found, str)
    return (OK, f"{found}.") if is_whole else (FAILED, f"{'; '.join(map(str, found))}.", advice)


@_on_database
def look_at_standbys(_settings: Settings, service: Service) -> Said:
    """Whether the addresses of STEMMA_READ_DATABASE lead to standbys that can be read."""
    seen = service.engine.replicas()
    if wrong := [f"{number} {one.why}" for number, one in enumerate(seen, 1) if one.why]:
        advice = "Correct STEMMA_READ_DATABASE, or start them; until then the primary is asked."
        return WARNING, f"Standbys that are not read: {'; '.join(wrong)}.", advice
    return OK, f"{several(len(seen), 'standby')} can be read."
