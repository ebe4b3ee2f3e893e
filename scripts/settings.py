"""Settings: everything Stemma takes from its environment.

The one rule: nothing else reads the environment, and nothing here changes after start.

One file, because it is one list.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

from api.allowance import DEFAULTS, Limit, Network, read_hosts, read_limits, read_networks
from api.identity.issuer import Issuer, must_be_address
from api.identity.keys import strong_key
from domain.checkpoint import must_be_witnesses
from domain.comment import COMMENT_MINUTES
from domain.disclosure import EVIDENCE_KINDS
from domain.engine import EMBEDDED
from domain.note import SignerKey, UnknownKeyKind, VerifierKey
from domain.tree import NotVerified
from domain.trust import WitnessPolicy, read_policy
from scripts.safe_file import refusal_of

LONGEST_MINUTES = 525_600
"""A year."""
WORKERS_ON_POSTGRES = 2
MOST_WORKERS, MOST_THREADS = 64, 256


@dataclass(frozen=True)
class Settings:
    """The settings of one process."""

    database: str
    data: Path
    host: str = "127.0.0.1"
    port: int = 8000
    operator_key: str | None = None
    workers: int = 1
    threads: int = 4
    request_seconds: int = 15
    statement_seconds: int = 10
    lock_seconds: int = 8
    follow: bool = True
    upgrade: bool = False
    log_key: str = ""
    witnesses: tuple[VerifierKey, ...] = ()
    """The keys of STEMMA_WITNESSES and of the policy."""
    unknown_witnesses: tuple[str, ...] = ()
    """Witnesses' keys of an unknown kind, whose cosignatures are not kept."""
    policy: WitnessPolicy | None = None
    public_pages: bool = False
    publish_entries: bool = False
    logs: str = "console"
    metrics_token: str | None = None
    limits: Mapping[str, Limit] = field(default_factory=lambda: DEFAULTS)
    trusted_proxies: tuple[Network, ...] = ()
    webhook_networks: tuple[Network, ...] = ()
    media_hosts: tuple[str, ...] = ()
    address: str = ""
    contact: str = ""
    """The URL at which people reach the operator."""
    smtp: str = ""
    smtp_password: str = ""
    mail_from: str = ""
    authorities: str = ""
    issuer: Issuer | None = None
    claim_evidence: tuple[str, ...] = ()
    refuses_licences: bool = False
    rate_days: int | None = None
    standbys: tuple[str, ...] = ()
    comment_minutes: int = COMMENT_MINUTES
    communities: str = ""
    place: tuple[str, str] = ("", "")
    """Of one of several communities: the first host and the path at which it is served."""
    misspelt: Mapping[str, str] = field(default_factory=dict, compare=False)
    """By environment variable that is no setting: the setting that is nearly called so."""
    said: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Environment variables that give the same settings to another process, in any folder."""

    @property
    def last_signed(self) -> Path:
        """The file with the checkpoint that was signed last, beside that of the key."""
        is_kept = self.log_key and not self.log_key.startswith("env:")
        return Path(f"{self.log_key if is_kept else self.data / 'log.key'}.signed")

    @property
    def local_address(self) -> str:
        """Where a server on this machine is reached from it, as a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{_LOCAL.get(host, host)}:{self.port}"

    @property
    def embedded(self) -> bool:
        """Whether the database is a file (SQLite) shared by processes of this machine."""
        return self.database.startswith(EMBEDDED)


_LOCAL = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
"""By host that means all addresses of a machine: its own."""

NAMES = {
    "STEMMA_DATABASE": "the database: sqlite:///FILE or postgresql://… (default: stemma.db in "
    "STEMMA_DATA)",
    "STEMMA_READ_DATABASE": "streaming standbys of it on PostgreSQL, on which the server answers "
    "questions: one or several addresses, separated by spaces (default: none)",
    "STEMMA_COMMUNITIES": "a TOML file with communities that are served together, each with its "
    "own database or schema, keys and log (default: none, a single community)",
    "STEMMA_DATA": "the folder for the embedded database (default: $XDG_DATA_HOME/stemma, or "
    "~/.local/share/stemma)",
    "STEMMA_HOST": f"the address to serve on (default: {Settings.host})",
    "STEMMA_PORT": f"the port to serve on (default: {Settings.port})",
    "STEMMA_OPERATOR_KEY": "an API key that acts as the operator (default: none)",
    "STEMMA_WORKERS": "the number of serving processes (default: "
    f"{Settings.workers}, on PostgreSQL {WORKERS_ON_POSTGRES})",
    "STEMMA_THREADS": f"the number of threads in each process (default: {Settings.threads})",
    "STEMMA_REQUEST_SECONDS": "how long a request may take to arrive, and again to be answered; "
    f"an idle connection is closed after this time (default: {Settings.request_seconds})",
    "STEMMA_STATEMENT_SECONDS": "how long the database may take for one statement of a request "
    f"(default: {Settings.statement_seconds})",
    "STEMMA_LOCK_SECONDS": "how long the database waits for other writers (default: "
    f"{Settings.lock_seconds})",
    "STEMMA_LOG_KEY": "the file with the key that signs the log, or env:NAME for a variable that "
    "holds it (default: log.key in STEMMA_DATA; `stemma key new` creates it)",
    "STEMMA_WITNESSES": "the public keys of the witnesses whose cosignatures are kept, separated "
    "by spaces (default: none)",
    "STEMMA_WITNESS_POLICY": "a C2SP tlog-policy file with witnesses, groups and a quorum: each "
    "checkpoint is sent to the witnesses with an address, and published once the quorum has "
    "cosigned it (default: none, and every checkpoint is published)",
    "STEMMA_PUBLIC_PAGES": "whether anyone may read the pages without signing in: yes or no "
    "(default: no; the demonstration: yes)",
    "STEMMA_PUBLISH_ENTRIES": "whether anyone may read the entries of the log, which contain "
    "every fact: yes or no (default: no; they need an auditor's key)",
    "STEMMA_LOGS": "the format of the logs that servers and followers write to standard error: "
    "console or json (default: "
    f"{Settings.logs})",
    "STEMMA_METRICS_TOKEN": "the bearer token with which Prometheus reads /metrics, at least 16 "
    "characters (default: none, and no /metrics)",
    "STEMMA_LIMITS": "how many requests a client may send: changes to the limits, such as "
    "“writes=60/60 visitors=off”, or off (default: "
    f"{' '.join(f'{name}={one.quota}/{one.seconds}' for name, one in DEFAULTS.items())}, "
    "each as requests/seconds)",
    "STEMMA_TRUSTED_PROXIES": "the addresses or networks of proxies whose X-Forwarded-For names "
    "the client, and X-Forwarded-Proto the scheme, separated by spaces (default: none)",
    "STEMMA_WEBHOOK_NETWORKS": "addresses or networks that webhooks may reach besides public "
    "servers, even without https, separated by spaces (default: none)",
    "STEMMA_MEDIA_HOSTS": "the hosts from which pages embed the picture, sound, film or player "
    "that a piece links to, separated by spaces; for all others they show a link. Players "
    "are supported from www.youtube-nocookie.com, player.vimeo.com, w.soundcloud.com and "
    "PeerTube (default: none)",
    "STEMMA_ADDRESS": "the address of the pages, for links in messages (default: none)",
    "STEMMA_CONTACT": "where people reach the operator, as pages and the OpenAPI document say: a "
    "mail address, or https://… (default: none)",
    "STEMMA_SMTP": "the mail server: smtp://USER@HOST:PORT is encrypted by STARTTLS, smtps://… "
    "by TLS from the start, smtp+plain://… not at all; it needs STEMMA_ADDRESS and "
    "STEMMA_MAIL_FROM (default: none, and no mail is sent)",
    "STEMMA_SMTP_PASSWORD": "the file with the password for it, or env:NAME for a variable that "
    "holds it (default: none)",
    "STEMMA_MAIL_FROM": "the address from which mail is sent (default: none)",
    "STEMMA_AUTHORITIES": "a file with certificates (PEM) of authorities to trust, besides those "
    "of the machine, for webhooks and mail; with Python 3.13 and newer, an authority's must "
    "have a key usage, a subject key identifier and basic constraints that are critical, and one "
    "that it signed an authority key identifier (default: none)",
    "STEMMA_CLAIM_EVIDENCE": "the kinds of evidence, one of which a claim to a credit on "
    f"another's work needs, separated by spaces, from {', '.join(EVIDENCE_KINDS)} (default: "
    "none needed)",
    "STEMMA_REFUSE_LICENCES": "whether a remix or a publication that a licence does not allow is "
    "refused, except in an import, instead of recorded with a warning: yes or no (default: "
    "no)",
    "STEMMA_RATE_DAYS": "how many days old an exchange rate may be: payouts that need an older "
    "or missing one are refused (default: any age, and payouts without a rate stay in the "
    "currency of the pool)",
    "STEMMA_COMMENT_MINUTES": "how many minutes the writer of a comment may edit it (default: "
    f"{Settings.comment_minutes}; 0: not at all)",
    "STEMMA_UPGRADE": "whether `stemma serve` and `stemma follow` bring a database of another "
    "version up to date when they start, as `stemma upgrade` does: yes or no (default: no)",
    "STEMMA_OIDC_ISSUER": "the address of an OpenID Connect issuer whose tokens are accepted "
    "besides keys, exactly as its tokens name it (default: none)",
    "STEMMA_OIDC_AUDIENCE": "the audience that its tokens must name; required with an issuer",
    "STEMMA_OIDC_CLAIM": "the claim of its tokens that holds the id of a contributor (default: "
    "none; `stemma identity add` says who each “sub” acts for)",
    "STEMMA_OIDC_JWKS": "the address of its keys (default: as its discovery document says)",
    "STEMMA_FOLLOW": "whether the serving processes fold the journal themselves: yes or no "
    "(default: yes on SQLite; no on PostgreSQL, where `stemma follow` does)",
}
"""By environment variable: its meaning."""

MOST_WITNESSES = 14
"""Readers may reject a note with more than 16 signatures (signed-note); two may be ours."""


FORMATS = ("console", "json")
"""The forms of logs."""

SHORTEST_TOKEN = 16


T = TypeVar("T")
N = TypeVar("N", int, None)


class BadSetting(Exception):
    """A setting that cannot be used."""


def read_settings(environ: Mapping[str, str] = os.environ, **given: Any) -> Settings:
    """The settings of an environment; values given explicitly (and not None) take precedence."""
    said = _said(environ, given)
    embedded = said["STEMMA_DATABASE"].startswith(EMBEDDED)
    return Settings(
        database=said["STEMMA_DATABASE"],
        data=Path(said["STEMMA_DATA"]),
        host=said["STEMMA_HOST"] or Settings.host,
        port=_number(said, "STEMMA_PORT", Settings.port, most=65535),
        operator_key=_read(said, "STEMMA_OPERATOR_KEY", strong_key) or None,
        limits=_read(said, "STEMMA_LIMITS", read_limits),
        trusted_proxies=_read(said, "STEMMA_TRUSTED_PROXIES", read_networks),
        webhook_networks=_read(said, "STEMMA_WEBHOOK_NETWORKS", read_networks),
        media_hosts=_read(said, "STEMMA_MEDIA_HOSTS", read_hosts),
        **_of_mail(said),
        contact=_read(said, "STEMMA_CONTACT", _contact),
        workers=_number(
            said,
            "STEMMA_WORKERS",
            Settings.workers if embedded else WORKERS_ON_POSTGRES,
            most=MOST_WORKERS,
        ),
        threads=_number(said, "STEMMA_THREADS", Settings.threads, most=MOST_THREADS),
        request_seconds=_number(said, "STEMMA_REQUEST_SECONDS", Settings.request_seconds, most=60),
        statement_seconds=_number(
            said, "STEMMA_STATEMENT_SECONDS", Settings.statement_seconds, most=60
        ),
        lock_seconds=_number(said, "STEMMA_LOCK_SECONDS", Settings.lock_seconds, most=60),
        upgrade=_yes(said, "STEMMA_UPGRADE"),
        follow=_yes(said, "STEMMA_FOLLOW", usual=embedded),
        log_key=said["STEMMA_LOG_KEY"] or str(Path(said["STEMMA_DATA"]) / "log.key"),
        **_trusted(said),
        public_pages=_yes(said, "STEMMA_PUBLIC_PAGES"),
        publish_entries=_yes(said, "STEMMA_PUBLISH_ENTRIES"),
        logs=_form_of_logs(said["STEMMA_LOGS"] or Settings.logs),
        issuer=_issuer(said),
        claim_evidence=_kinds(said["STEMMA_CLAIM_EVIDENCE"]),
        refuses_licences=_yes(said, "STEMMA_REFUSE_LICENCES"),
        rate_days=_number(said, "STEMMA_RATE_DAYS", None, most=3650),
        comment_minutes=_number(
            said, "STEMMA_COMMENT_MINUTES", Settings.comment_minutes, least=0, most=LONGEST_MINUTES
        ),
        metrics_token=_token(said["STEMMA_METRICS_TOKEN"]),
        standbys=_standbys(said["STEMMA_READ_DATABASE"], embedded=embedded),
        communities=said["STEMMA_COMMUNITIES"],
        misspelt=_misspelt(environ),
        said=said,
    )


def _misspelt(environ: Mapping[str, str]) -> dict[str, str]:
    others = [name for name in environ if name.startswith("STEMMA_") and name not in NAMES]
    near = {name: get_close_matches(name, NAMES, 1, 0.85) for name in others}
    return {name: found[0] for name, found in near.items() if found}


_FILES = ("DATA", "COMMUNITIES", "LOG_KEY", "WITNESS_POLICY", "SMTP_PASSWORD", "AUTHORITIES")
"""Variables with paths, to be made absolute, since a worker runs in another folder."""


def _said(environ: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, str]:
    """The environment variables, including values given explicitly, with absolute paths."""
    said = {name: environ.get(name, "") for name in NAMES}
    for option, value in given.items():
        name = f"STEMMA_{option.upper()}"
        # That pages are public is only the default of the demonstration.
        if value not in (None, "") and not (name == "STEMMA_PUBLIC_PAGES" and said[name]):
            said[name] = ("no", "yes")[value] if isinstance(value, bool) else str(value)
    said["STEMMA_DATA"] = said["STEMMA_DATA"] or str(_user_data(environ))
    for name in (f"STEMMA_{one}" for one in _FILES):
        if said[name] and not said[name].startswith("env:"):
            said[name] = _whole_path(name, said[name])
    database = said["STEMMA_DATABASE"] or f"{EMBEDDED}{said['STEMMA_DATA']}/stemma.db"
    said["STEMMA_DATABASE"] = _address(database)
    return said


def _whole_path(name: str, path: str) -> str:
    try:
        return str(Path(path).expanduser().resolve())
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: ~ of an unknown user
        raise BadSetting(f"{name} is not a path that can be followed: {error}") from error


def _standbys(said: str, *, embedded: bool) -> tuple[str, ...]:
    if said.strip() and embedded:
        raise BadSetting("STEMMA_READ_DATABASE: only PostgreSQL has standbys.")
    return tuple(_address(one, "STEMMA_READ_DATABASE", embedded=False) for one in said.split())


def _contact(text: str) -> str:
    """A mail address as a URL, or an address of a page."""
    text = text.strip()
    if re.fullmatch(r"[\w.+-]+@[\w.-]+", text):
        return f"mailto:{text}"
    if text:
        try:
            must_be_address(text)
        except ValueError as error:
            raise ValueError(f"{error}, or a mail address") from None
    return text


SECURITY = {"smtp": ("starttls", 587), "smtps": ("tls", 465), "smtp+plain": ("none", 25)}
"""By scheme of a mail server's URL: the encryption of connections, and the usual port."""


def _of_mail(environ: Mapping[str, str]) -> dict[str, Any]:
    names = ("ADDRESS", "SMTP", "SMTP_PASSWORD", "MAIL_FROM", "AUTHORITIES")
    found = {name.lower(): environ.get(f"STEMMA_{name}", "").strip() for name in names}
    if found["address"]:
        try:
            must_be_address(found["address"])
        except ValueError as error:
            raise BadSetting(f"STEMMA_ADDRESS is “{found['address']}”; {error}.") from error
    found["address"] = found["address"].rstrip("/")
    if file := found["authorities"]:
        _readable("STEMMA_AUTHORITIES", file)
    if found["smtp"]:
        mail_server_in(found["smtp"])
        for name in ("address", "mail_from"):
            if not found[name]:
                raise BadSetting(f"STEMMA_{name.upper()} is not set; with STEMMA_SMTP it must be.")
        if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", found["mail_from"]):
            raise BadSetting(f"STEMMA_MAIL_FROM is “{found['mail_from']}”; it must be an address.")
    return found


def mail_server_in(address: str) -> tuple[str, int, str, str]:
    """The host, port, encryption and user in the URL of a mail server."""
    try:
        parts = urlsplit(address)
        security, port = SECURITY[parts.scheme]
        if not parts.hostname or parts.password or parts.path.strip("/") or parts.query:
            raise ValueError
        return parts.hostname, parts.port or port, security, unquote(parts.username or "")
    except (KeyError, ValueError):
        raise BadSetting(
            f"STEMMA_SMTP is not the address of a mail server: {' or '.join(SECURITY)}, "
            "“://”, and USER@HOST:PORT without a password"
        ) from None


def in_variable(name: str, kept: str, environ: Mapping[str, str]) -> str:
    """The value of the variable named by “env:NAME”; BadSetting if it is not set."""
    variable = kept.removeprefix("env:")
    if not environ.get(variable):
        raise BadSetting(f"{name}: the environment variable {variable} is not set")
    return environ[variable]


def _readable(name: str, file: str, absent: str | None = None) -> str:
    """The text of a file; ``absent``, unless that is None, if there is no such file."""
    try:
        return Path(file).expanduser().read_text()
    except (OSError, UnicodeError) as error:
        if isinstance(error, FileNotFoundError) and absent is not None:
            return absent
        told = refusal_of(error) if isinstance(error, OSError) else error
        raise BadSetting(f"{name}: {told}") from error


def read_mail_password(settings: Settings, environ: Mapping[str, str] = os.environ) -> str:
    """The password for the mail server; empty if there is none."""
    kept = settings.smtp_password
    if kept.startswith("env:"):
        return in_variable("STEMMA_SMTP_PASSWORD", kept, environ)
    return _readable("STEMMA_SMTP_PASSWORD", kept).strip() if kept else ""


def _kinds(said: str) -> tuple[str, ...]:
    kinds = tuple(said.split())
    if unknown := [one for one in kinds if one not in EVIDENCE_KINDS]:
        raise BadSetting(f"STEMMA_CLAIM_EVIDENCE: there is no kind of evidence “{unknown[0]}”")
    return kinds


class LogKeys(NamedTuple):
    """The present and the former keys of the log."""

    signer: SignerKey | None = None
    """None if the log is not signed."""
    former: tuple[SignerKey | VerifierKey, ...] = ()
    """Former keys: secret ones still sign, too; public ones are only published."""


def read_log_keys(settings: Settings, environ: Mapping[str, str] = os.environ) -> LogKeys:
    """The keys of the log, one per line, secret or public; the first secret one is current."""
    kept = settings.log_key
    if kept.startswith("env:"):
        text = in_variable("STEMMA_LOG_KEY", kept, environ)
    else:
        text = _readable("STEMMA_LOG_KEY", kept, absent="")
    keys: list[SignerKey | VerifierKey] = []
    try:
        for line in filter(None, map(str.strip, text.splitlines())):
            kind = SignerKey if "PRIVATE" in line[:12] else VerifierKey  # also if it is mistyped
            keys.append(kind.parse(line))
    except NotVerified as error:
        raise BadSetting(f"STEMMA_LOG_KEY: {error}") from error
    if len({key.name for key in keys}) > 1:
        raise BadSetting("STEMMA_LOG_KEY: the keys of a log all have its name")
    signer = next((key for key in keys if isinstance(key, SignerKey)), None)
    return LogKeys(signer, tuple(key for key in keys if key != signer))


def inherited(more: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child process, with ``more`` added."""
    return {**os.environ, **more}


METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable in which prometheus_client expects the folder shared by workers."""


def hand_down(settings: Settings, metrics_folder: str) -> None:
    """Change the environment so that child processes read the same settings."""
    os.environ.update({**settings.said, METRICS_FOLDER: metrics_folder})


def shared_metrics_folder() -> str | None:
    """The metrics folder in the environment, if any."""
    return os.environ.get(METRICS_FOLDER)


OF_ISSUER = tuple(f"STEMMA_OIDC_{part}" for part in ("ISSUER", "AUDIENCE", "CLAIM", "JWKS"))


def _issuer(environ: Mapping[str, str]) -> Issuer | None:
    """The issuer whose tokens are accepted; its URLs must use HTTPS, or be on this machine."""
    address, audience, claim, jwks = (environ.get(name, "").strip() for name in OF_ISSUER)
    if not address:
        return None
    for name, text in (("STEMMA_OIDC_ISSUER", address), ("STEMMA_OIDC_JWKS", jwks or address)):
        try:
            must_be_address(text)
        except ValueError as error:
            raise BadSetting(f"{name} is “{text}”; {error}.") from error
    if not audience:
        raise BadSetting("STEMMA_OIDC_AUDIENCE is not set; with an issuer it must be.")
    return Issuer(address, audience, claim, jwks)


def _trusted(environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings about witnesses: keys, keys of unknown kinds, and the policy."""
    text, file = environ["STEMMA_WITNESSES"], environ["STEMMA_WITNESS_POLICY"]
    policy = _policy(Path(file)) if file else None
    known, unknown = list[VerifierKey](), list[str]()
    try:
        for word in text.split():
            try:
                known.append(VerifierKey.parse(word))
            except UnknownKeyKind:
                unknown.append(word)
        keys = tuple(dict.fromkeys((*known, *(policy.witness_keys if policy else ()))))
        must_be_witnesses(keys)
    except NotVerified as error:
        raise BadSetting(
            f"STEMMA_WITNESSES is “{text}”; it must be public keys of witnesses: {error}"
        ) from error
    if len(keys) > MOST_WITNESSES:
        raise BadSetting(f"STEMMA_WITNESSES is {len(keys)} keys, more than {MOST_WITNESSES}.")
    unknown += policy.unknown if policy else ()
    return {
        "witnesses": keys,
        "unknown_witnesses": tuple(dict.fromkeys(unknown)),
        "policy": policy,
    }


def _policy(path: Path) -> WitnessPolicy:
    try:
        policy = read_policy(path.read_bytes())
        must_be_witnesses(policy.witness_keys)
    except (OSError, NotVerified) as error:
        told = refusal_of(error) if isinstance(error, OSError) else error
        raise BadSetting(f"STEMMA_WITNESS_POLICY: {told}") from error
    if not policy.is_met(policy.witness_keys):
        raise BadSetting(
            "STEMMA_WITNESS_POLICY: its quorum needs witnesses whose kind of key is not understood "
            f"here: {' '.join(policy.unknown)}"
        )
    return policy


def _form_of_logs(text: str) -> str:
    if text not in FORMATS:
        raise BadSetting(f"STEMMA_LOGS is “{text}”; it must be {' or '.join(FORMATS)}.")
    return text


def _token(text: str) -> str | None:
    if text and (len(text) < SHORTEST_TOKEN or not text.isascii() or not text.isprintable()):
        raise BadSetting(
            f"STEMMA_METRICS_TOKEN must be at least {SHORTEST_TOKEN} characters of ASCII."
        )
    return text or None


def _user_data(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "stemma"


def _address(database: str, name: str = "STEMMA_DATABASE", *, embedded: bool = True) -> str:
    """The URL of a database, with an absolute path, since a worker runs in another folder.

    An error never quotes a URL that can't be parsed, because it may contain a password anywhere.
    """
    may_be = "sqlite:///FILE or " if embedded else ""
    bad = BadSetting(f"{name} is not the address of a database: it must be {may_be}postgresql://…")
    if embedded and database.startswith(EMBEDDED):
        file = database.removeprefix(EMBEDDED)
        if not file or file.startswith(":memory:"):
            raise bad
        return f"{EMBEDDED}{_whole_path(name, file)}"
    if not database.startswith(("postgresql://", "postgres://")):
        raise bad
    from domain.engine.postgres_address import must_be_address

    try:
        must_be_address(database)
    except ValueError as error:
        raise BadSetting(f"{bad} ({error})") from None
    return database


def whereabouts(database: str) -> Hashable:
    """What two addresses of the same database have in common, however each is spelled."""
    if database.startswith(EMBEDDED):
        return database
    from domain.engine.postgres_address import whereabouts_of

    return whereabouts_of(database)


def _read(environ: Mapping[str, str], name: str, reader: Callable[[str], T]) -> T:
    """The value of a variable, by a reader whose ValueError becomes BadSetting."""
    try:
        return reader(environ.get(name, ""))
    except ValueError as error:
        raise BadSetting(f"{name} is not accepted: {error}") from None


def _yes(environ: Mapping[str, str], name: str, *, usual: bool = False) -> bool:
    text = environ.get(name, "").strip().lower()
    if text not in ("", "yes", "no"):
        raise BadSetting(f"{name} is “{text}”; it must be yes or no.")
    return text == "yes" if text else usual


def _number(
    environ: Mapping[str, str], name: str, usual: N, *, least: int = 1, most: int = 1000
) -> int | N:
    """The whole number of a variable, or ``usual`` if it is not set."""
    text = environ.get(name, "").strip()
    if not text:
        return usual
    if not re.fullmatch("[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise BadSetting(f"{name} is “{text}”; it must be a whole number from {least} to {most}.")
    return int(text)
